"""How a message finds a person: chosen, held through quiet hours, tried again elsewhere, kept."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import msgspec
import psycopg
import pytest
from crossing import Side, rows, settle

from chatworks.contacts import store
from chatworks.contacts.models import Purpose, Route, SendTo
from chatworks.conversations.store import close_window
from chatworks.house import House
from chatworks.kit.work import Work
from chatworks.outbox.models import ContactUnreachable, PartFailed, PartLane
from chatworks.outlets.models import Quiet
from chatworks.sdk.inbound import Inbound, InboundKind, Sender
from chatworks.sdk.messages import Message

Sides = Callable[[str, str], Side]
SAID = (
    "SELECT c.thread, m.seq FROM message m JOIN conversation c ON c.id = m.conversation_id"
    " WHERE m.content->>'text' = 'Hello!' ORDER BY m.created_at"
)


async def send(side: Side, purpose: Purpose = Purpose.TRANSACTIONAL, **more: Any) -> None:
    """Wish that the person behind a side is told hello."""
    outlet = side.channel.outlet_id
    async with side.house.db.engine([outlet]) as work:
        work.publish(SendTo(outlet, await side.id(), Message("Hello!"), purpose, **more))


async def route(side: Side) -> Route:
    """Return the newest route of a side."""
    async with side.house.db.engine() as work:
        return (await store.routes_of(work, side.channel.outlet_id, await side.id()))[0][0]


async def joined(side: Sides) -> tuple[Side, Side]:
    """Return the two sides of one person."""
    web, bot = side("webchat", "a1"), side("telegram", "501")
    await web.says("hello")
    await bot.says("hello")
    await bot.says(f"/start {await web.code()}")
    await web.hears()
    return web, bot


def told(url: str) -> list[str]:
    """Return in which chats hello was said, in order."""
    return [row[0] for row in rows(url, SAID)]


async def quiet(house: House, url: str, now: str, **more: Any) -> None:
    """Have the outlet's quiet hours around this very moment, or not."""
    hours = {"in": ("00:00", "00:00"), "out": None}[now]
    with psycopg.connect(url, autocommit=True) as conn:
        set_to = msgspec.json.encode(Quiet(hours, **more)).decode()
        conn.execute("UPDATE outlet SET quiet = %s::jsonb", [set_to])
    house.directory.forget()


async def test_a_notice_belongs_where_it_was_ordered(side: Sides, database_url: str) -> None:
    web, _ = await joined(side)

    await send(web)

    assert told(database_url) == ["a1"]
    kept = await route(web)
    assert [(one.kind, one.because) for one in kept.decision.chosen] == [
        ("webchat", "home"),
        ("telegram", "used"),
    ]
    assert (kept.status, kept.sent_to) == ("sent", await web.id())
    assert (kept.message_seq,) == rows(database_url, SAID)[0][1:]


async def test_without_a_home_the_app_that_pushes_and_was_used_last(
    side: Sides, database_url: str
) -> None:
    web, _ = await joined(side)
    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.execute("UPDATE message SET created_at = created_at - interval '1 hour'")

    await send(web, at_home=False)

    assert told(database_url) == ["501"]


async def test_who_stopped_here_is_told_there_and_strangers_never(
    side: Sides, database_url: str
) -> None:
    web, bot = await joined(side)
    stranger = side("telegram", "502")
    await stranger.says("hello")
    await bot.says("stop")

    await send(bot)
    await stranger.says("stop")
    await send(stranger)

    assert told(database_url) == ["a1"]
    assert [(one.kind, one.why) for one in (await route(bot)).decision.passed] == [
        ("telegram", "stopped")
    ]
    nowhere = await route(stranger)
    assert (nowhere.status, nowhere.sent_to, nowhere.decision.chosen) == ("nowhere", None, ())
    assert (await route(web)).sent_to == await web.id()


async def test_offers_need_consent_which_is_logged(side: Sides, database_url: str) -> None:
    bot = side("telegram", "501")
    await bot.says("hello")
    await send(bot, Purpose.MARKETING)
    assert [one.why for one in (await route(bot)).decision.passed] == ["no_consent"]

    on = await bot.says("offers on")
    await bot.says("offers on")
    await send(bot, Purpose.MARKETING)
    await bot.says("stop")
    await bot.says("start")
    await send(bot, Purpose.MARKETING)

    assert on == ["We will send you our offers here. Write “offers off” to end that."]
    assert told(database_url) == ["501"]
    log = rows(database_url, "SELECT n, purpose, given, source, wording FROM consent ORDER BY n")
    assert log[0] == (1, "marketing", True, "chat", on[0])
    assert [(row[1], row[2], row[3]) for row in log[1:]] == [
        ("transactional", False, "chat"),
        ("marketing", False, "chat"),
        ("transactional", True, "chat"),
    ]


async def test_an_offer_leaves_behind_everybodys_answers_and_a_notice_does_not(
    side: Sides, database_url: str
) -> None:
    lanes = "SELECT lane FROM outbox_part WHERE payload->'params'->>'text' = 'Hello!' ORDER BY n"
    bot = side("telegram", "501")
    await bot.says("offers on")

    await send(bot, Purpose.MARKETING)
    assert rows(database_url, lanes) == [(PartLane.BULK.value,)]
    await send(bot)  # what follows in a chat takes along what waits there
    assert rows(database_url, lanes) == [(PartLane.NORMAL.value,)] * 2


async def test_a_window_that_the_vendor_closed_early_is_closed_for_routes_too(
    side: Sides, house: House, database_url: str
) -> None:
    _, bot = await joined(side)
    kind = house.kinds["telegram"]
    windowed = dataclasses.replace(kind.capabilities, window_hours=24)
    house.kinds["telegram"] = dataclasses.replace(kind, capabilities=windowed)
    outlet, conversation = bot.channel.outlet_id, await bot.id()
    await send(bot)
    async with house.db.engine([outlet]) as work:
        await close_window(work, outlet, conversation, work.now)

    await send(bot)  # they wrote a moment ago, and yet the vendor takes no free text
    assert told(database_url) == ["501", "a1"]
    passed = [(one.kind, one.why) for one in (await route(bot)).decision.passed]
    assert passed == [("telegram", "window_closed")]

    await bot.says("hello")
    await send(bot)
    assert told(database_url) == ["501", "a1", "501"]
    assert (await route(bot)).sent_to == conversation


async def test_two_notices_to_one_person_at_the_same_moment_are_both_said(
    side: Sides, house: House, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    bot = side("telegram", "501")
    await bot.says("hello")
    both, add = asyncio.Barrier(2), store.add_routes

    async def meet(work: Work, routes: Sequence[Route]) -> None:
        await add(work, routes)
        await both.wait()  # each has written its route, none its message

    monkeypatch.setattr(store, "add_routes", meet)
    await asyncio.gather(send(bot), send(bot))

    assert told(database_url) == ["501", "501"]
    placed = rows(database_url, "SELECT message_seq FROM route ORDER BY 1")
    assert placed == sorted(row[1:] for row in rows(database_url, SAID))


@pytest.mark.parametrize("change", ["UPDATE consent SET given = false", "DELETE FROM consent"])
async def test_the_log_of_consent_only_appends(side: Sides, database_url: str, change: str) -> None:
    await side("telegram", "501").says("offers on")
    before = rows(database_url, "SELECT * FROM consent")

    with (
        pytest.raises(psycopg.errors.InsufficientPrivilege),
        psycopg.connect(database_url) as conn,
    ):
        conn.execute(change)

    assert len(before) == 1
    assert rows(database_url, "SELECT * FROM consent") == before


async def test_offers_wait_for_the_end_of_quiet_hours_and_are_decided_then(
    side: Sides, house: House, database_url: str
) -> None:
    bot, other = side("telegram", "501"), side("telegram", "502")
    for one in (bot, other):
        await one.says("hello")
        await one.says("offers on")
    await quiet(house, database_url, "in")
    for one in (bot, other):
        await send(one, Purpose.MARKETING)
    await send(bot)  # what they ordered is told at once
    held = await route(other)
    assert told(database_url) == ["501"]
    assert held.status == "held"
    assert held.due_at is not None
    assert timedelta(0) < held.due_at - house.clock.now() <= timedelta(hours=24)
    assert (await bot.says("hello"))[-1].startswith("Welcome")  # nothing is in the way

    await other.says("offers off")
    await quiet(house, database_url, "out")
    await house.worker.tick()
    assert told(database_url) == ["501"]
    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.execute("UPDATE route SET due_at = now() WHERE status = 'held'")
    await house.worker.tick()

    assert told(database_url) == ["501", "501"]
    assert (await route(other)).status == "nowhere"


async def test_notices_wait_only_where_the_outlet_says_so_and_the_person_sleeps(
    side: Sides, house: House, database_url: str
) -> None:
    bot = side("telegram", "501")
    await bot.says("hello")
    await quiet(house, database_url, "in", transactional=True)

    await send(bot)  # who wrote a moment ago is awake
    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.execute("UPDATE message SET created_at = created_at - interval '1 hour'")
    await send(bot)

    assert told(database_url) == ["501"]
    assert (await route(bot)).status == "held"


@pytest.mark.parametrize("fact", ["part", "contact"])
async def test_what_fails_for_good_is_tried_in_order_once_each(
    side: Sides, house: House, database_url: str, fact: str
) -> None:
    web, bot = await joined(side)
    await send(bot)
    outlet, conversation = bot.channel.outlet_id, await bot.id()
    seq = (await route(bot)).message_seq
    assert seq is not None

    async def hears() -> None:
        async with house.db.engine([outlet]) as work:
            if fact == "part":
                work.publish(PartFailed(outlet, conversation, seq))
            else:
                work.publish(ContactUnreachable(outlet, conversation, "blocked"))

    await hears()  # no part of it has failed: it is somebody else's trouble
    if fact == "part":
        assert told(database_url) == ["501"]
    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.execute(
            "UPDATE outbox_part SET status = 'failed' WHERE message_seq = %s"
            " AND conversation_id = %s",
            [seq, conversation],
        )
    await hears()
    await hears()

    assert told(database_url) == ["501", "a1"]
    kept = await route(bot)
    assert (kept.status, kept.sent_to, kept.tried) == ("sent", await web.id(), (conversation,))
    assert "failed" in [one.why for one in kept.decision.passed]


async def test_a_broken_channel_is_passed_over(
    side: Sides, house: House, database_url: str
) -> None:
    _, bot = await joined(side)
    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.execute("UPDATE channel SET status = 'broken' WHERE kind = 'telegram'")
    house.directory.forget()

    await send(bot)

    assert told(database_url) == ["a1"]
    assert [one.why for one in (await route(bot)).decision.passed] == ["channel_broken"]


async def test_the_newest_twenty_are_kept_and_what_waits(side: Sides, database_url: str) -> None:
    bot = side("telegram", "501")
    await bot.says("hello")
    await send(bot)
    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.execute("UPDATE route SET status = 'held', due_at = now() + interval '1 day'")
    for _ in range(25):
        await send(bot)

    kept = rows(database_url, "SELECT status, count(*) FROM route GROUP BY 1 ORDER BY 1")
    assert kept == [("held", 1), ("sent", 20)]


async def test_the_messengers_own_words_are_mirrored_without_an_answer(
    side: Sides, house: House, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    web = side("webchat", "a1")
    await web.says("order water")
    real = house.kinds["webchat"]
    word = {"STOP": InboundKind.STOP, "START": InboundKind.START}

    def read(payload: bytes, channel: Any) -> Any:
        found = real.read(payload, channel)
        assert isinstance(found, Inbound)
        kind = word.get(found.text)
        return Inbound(kind, Sender(web.thread), text=found.text) if kind else found

    monkeypatch.setitem(house.kinds, "webchat", dataclasses.replace(real, read=read))
    status = "SELECT p.status, c.dialogue_id IS NULL FROM contact p, conversation c"

    assert await web.says("STOP") == []
    assert rows(database_url, status) == [("stopped", True)]
    await send(web)
    assert await web.says("hello") == []
    assert await web.says("START") == []
    await settle(house)

    assert rows(database_url, status) == [("active", True)]
    assert told(database_url) == []
    log = rows(database_url, "SELECT purpose, given, source FROM consent ORDER BY n")
    assert log == [("transactional", False, "messenger"), ("transactional", True, "messenger")]
