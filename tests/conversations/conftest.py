"""A visitor who speaks through the inbox, and an engine that is stepped by hand."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from visitors import Visitor

from chatworks.house import House


@pytest.fixture
async def visitor(house: House) -> Callable[[str], Visitor]:
    channel = (await house.directory.channels(kind="terminal"))[0]
    return lambda name: Visitor(house, channel, name)
