"""Which conversations a worker takes: nobody is starved by somebody else's events."""

from __future__ import annotations

import pytest

from chatworks.channels.models import Arrival, Channel, Lane
from chatworks.house import House
from chatworks.inbox import store
from chatworks.inbox.models import NewEvent
from chatworks.kit.ids import thread_key


@pytest.fixture
async def channel(house: House) -> Channel:
    return (await house.directory.channels(kind="telegram"))[0]


def events(channel: Channel, thread: str, count: int, lane: Lane = Lane.MESSAGE) -> list[NewEvent]:
    return [
        NewEvent(channel.outlet_id, channel.id, Arrival(f"{thread}-{n}", thread, lane, n, b"{}"))
        for n in range(count)
    ]


def keys(channel: Channel, *threads: str) -> list[int]:
    return [thread_key(channel.id, thread) for thread in threads]


async def test_who_writes_a_thousand_messages_holds_up_nobody(
    house: House, channel: Channel
) -> None:
    await house.committer.accept(events(channel, "flood", 400))
    for thread in ("a", "b", "c"):
        await house.committer.accept(events(channel, thread, 1))

    async with house.db.engine() as work:
        claimed = await store.claim(work, limit=10)  # looks at 40 rows at a time

    assert claimed == keys(channel, "flood", "a", "b", "c")


async def test_two_claims_at_once_share_nothing_and_the_second_gets_past_the_first(
    house: House, channel: Channel
) -> None:
    await house.committer.accept(events(channel, "flood", 400))
    await house.committer.accept(events(channel, "a", 1))

    async with house.db.engine() as first, house.db.engine() as second:
        mine = await store.claim(first, limit=1)
        theirs = await store.claim(second, limit=10)

    assert mine == keys(channel, "flood")
    assert theirs == keys(channel, "a")


async def test_the_nearer_deadline_goes_first(house: House, channel: Channel) -> None:
    await house.committer.accept(events(channel, "slow", 1, Lane.REST))
    await house.committer.accept(events(channel, "text", 1))
    await house.committer.accept(events(channel, "tap", 1, Lane.TAP))
    await house.committer.accept(events(channel, "pay", 1, Lane.DEADLINE))

    async with house.db.engine() as work:
        claimed = await store.claim(work, limit=3)

    assert claimed == keys(channel, "pay", "tap", "text")
