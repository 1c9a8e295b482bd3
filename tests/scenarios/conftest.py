"""Fixtures of the journeys: the door, the bot's channel, people who write to it, and the shop."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest
from people import Person, Shop

from chatworks.app import House
from chatworks.channels.models import Channel, Limits
from chatworks.inbox.door import Door
from chatworks.testing.telegram import BotApi


@pytest.fixture
async def door(house: House) -> Door:
    """The inbox's door."""
    return Door(house.kinds, house.directory.resolve, house.committer, house.clock)


@pytest.fixture
async def telegram_channel(house: House) -> Channel:
    """MajiPro's bot."""
    return (await house.directory.channels(kind="telegram"))[0]


@pytest.fixture
async def person(bot_api: BotApi, door: Door, telegram_channel: Channel) -> Callable[[int], Person]:
    """Make a person by chat id."""
    return lambda chat: Person(bot_api, door, telegram_channel, chat)


@pytest.fixture
def brisk(house: House) -> None:
    """Nobody waits a second for each message; Telegram's real limits have tests of their own."""
    limits = Limits(0.0001, 100, 0.0001, 100, 0.0001, 100)
    house.kinds["telegram"] = dataclasses.replace(house.kinds["telegram"], limits=limits)


@pytest.fixture
async def shop(house: House, database_url: str) -> Shop:
    """The operator's side of MajiPro."""
    outlet = (await house.directory.outlets())[0]
    return Shop(house, outlet.id, database_url)
