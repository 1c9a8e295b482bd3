"""An account with what it needs to be proved: an address, a session, and a chat of its own."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest
from owners import enter, open_account
from softkey import SoftKey

from chatworks.factors.core import relying_party
from chatworks.factors.passkeys import Passkeys
from chatworks.house import House
from chatworks.identity.models import Session


@pytest.fixture
async def account(house: House) -> UUID:
    """An account without any factor or address."""
    return await open_account(house)


@pytest.fixture
async def session(house: House, account: UUID) -> Session:
    """A session of it."""
    return await enter(house, account, "password")


SITE = "https://shop.example"


@pytest.fixture
def house_here(house: House) -> House:
    """The house at an address that browsers make passkeys for."""
    house.prover = replace(house.prover, passkeys=Passkeys(relying_party(SITE)))
    return house


@pytest.fixture
def key() -> SoftKey:
    """A passkey of that address."""
    return SoftKey(SITE)
