"""The cast of these tests."""

from __future__ import annotations

import pytest
from staff_cast import People

from chatworks.house import House
from chatworks.identity import store as identity


@pytest.fixture
async def people(house: House) -> People:
    """MajiPro with its owner."""
    outlet = (await house.directory.outlets())[0]
    async with house.db.engine([outlet.id]) as work:
        owner = (await identity.operators(work, outlet.id))[0]
    return People(house, outlet.id, owner)
