"""Two operators of the outlet, and people who write to it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import pytest
from visitors import Visitor

from chatworks.commands.models import Actor, ActorKind, Call
from chatworks.house import House
from chatworks.identity import store as identity
from chatworks.identity.models import Account
from chatworks.identity.service import note
from chatworks.kit.ids import uuid7

Operate = Callable[[UUID, Any], Awaitable[Any]]


@pytest.fixture
async def operators(house: House) -> tuple[UUID, UUID]:
    """The owner, and a colleague called Ben."""
    outlet = (await house.directory.outlets())[0]
    async with house.db.engine([outlet.id]) as work:
        row = await (await work.conn.execute("SELECT id FROM membership")).fetchone()
        account = Account(uuid7(house.clock), "person", "Ben", None, "en", "UTC", work.now)
        await identity.add_account(work, account)
        ben = await identity.add_membership(work, outlet.id, account.id, "operator")
        note(work, account.id, "Join")
    assert row is not None
    assert ben is not None
    return row[0], ben


@pytest.fixture
async def operate(house: House) -> Operate:
    """Give a command as one of the operators."""
    outlet = (await house.directory.outlets())[0]

    async def give(operator: UUID, command: Any) -> Any:
        async with house.db.web(outlet.id) as work:
            actor = Actor(ActorKind.OPERATOR, operator.hex, "owner")
            call: Call[Any] = Call(outlet.id, actor, command)
            return await house.dispatcher.one(work, call)

    return give


@pytest.fixture
async def visitor(house: House) -> Callable[[str], Visitor]:
    """Make people of the web chat."""
    outlet = (await house.directory.outlets())[0]
    channel = (await house.directory.channels(outlet.id, "webchat"))[0]
    return lambda name: Visitor(house, channel, name)
