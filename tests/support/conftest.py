"""Two operators of the outlet, and people who write to it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import pytest
from visitors import Visitor

from chatworks.app import House
from chatworks.commands.models import Actor, ActorKind, Call
from chatworks.kit.ids import uuid7

Operate = Callable[[UUID, Any], Awaitable[Any]]


@pytest.fixture
async def operators(house: House) -> tuple[UUID, UUID]:
    """The owner, and a colleague called Ben."""
    outlet = (await house.directory.outlets())[0]
    ben = uuid7(house.clock)
    async with house.db.engine([outlet.id]) as work:
        row = await (await work.conn.execute("SELECT id FROM operator")).fetchone()
        await work.conn.execute(
            "INSERT INTO operator (outlet_id, id, name, role, created_at)"
            " VALUES (%s, %s, 'Ben', 'operator', now())",
            [outlet.id, ben],
        )
    assert row is not None
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
