"""Fixtures of the journeys: the door, the bot's channel, people who write to it, and the shop."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator, Callable

import pytest
from houses import at_work, opened, set_environment
from people import Person, Shop
from twilio_account import Account, by_the_book
from twilio_people import PUBLIC, add_channels, hurry, reachable

from chatworks.channels.models import Channel, Limits
from chatworks.house import House
from chatworks.inbox.door import Door
from chatworks.kit.clock import SystemClock
from chatworks.testing.telegram import BotApi
from chatworks.testing.twilio import SMS


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
async def twilio(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Account]:
    """A stand-in of Twilio with a number; what leaves for it is held against its specification."""
    async with Account() as account:
        account.number(SMS)
        monkeypatch.setenv("TWILIO_TOKEN", account.auth_token)
        monkeypatch.setenv("TWILIO_API_BASE", account.base)
        monkeypatch.setenv("CHATWORKS_PUBLIC_URL", PUBLIC)
        with by_the_book(account.base):
            yield account


@pytest.fixture
async def twilio_house(
    twilio: Account,
    database_url: str,
    clock: SystemClock,
    bot_api: BotApi,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[House]:
    """The whole product at work, with MajiPro on WhatsApp and SMS, connected."""
    set_environment(monkeypatch, bot_api)
    async with opened(database_url, clock) as house, reachable(house) as reach:
        twilio.reach = reach
        hurry(house)
        await add_channels(house)
        await house.senders.round()
        async with at_work(house):
            yield house


@pytest.fixture
async def twilio_channels(house: House) -> dict[str, Channel]:
    """MajiPro's channels by kind."""
    return {channel.kind: channel for channel in await house.directory.channels()}


@pytest.fixture
async def shop(house: House, database_url: str) -> Shop:
    """The operator's side of MajiPro."""
    outlet = (await house.directory.outlets())[0]
    return Shop(house, outlet.id, database_url)
