"""Fixtures of the journeys: the door, the bot's channel, and people who write to it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from people import Person

from chatworks.app import House
from chatworks.channels.models import Channel
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
