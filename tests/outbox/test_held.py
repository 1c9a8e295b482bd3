"""A window of free text: what comes too late waits, is asked for once, and keeps its place."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from vendor import Sending, Vendor

from chatworks.channels.models import Channel, Consequence, Permanent, Template
from chatworks.outbox import service, store
from chatworks.outbox.models import Status

REOPEN = Template("hello again", "en", "reopen", "{{1}}", "t1", "approved")
SHIPPED = Template("shipped", "en", "order", "{{1}}", "t2", "approved")
CLOSED = Permanent("outside the window", Consequence.CLOSE_WINDOW)


@pytest.fixture
def window(vendor: Vendor, monkeypatch: pytest.MonkeyPatch) -> Vendor:
    """The vendor takes free text for a day, and has two templates."""
    vendor.install(24, asks=False)
    known = vendor.house.directory.channel

    async def channel(channel_id: object) -> Channel | None:
        found = await known(channel_id)  # type: ignore[arg-type]
        return None if found is None else replace(found, templates=(REOPEN, SHIPPED))

    scribe = vendor.house.worker._parts.scribe
    monkeypatch.setattr(scribe, "_channel_of", channel)
    return vendor


async def drained(vendor: Vendor, sending: Sending) -> None:
    """Send until nothing is queued or in flight."""
    async with sending():
        for _ in range(200):
            rows = vendor.run("SELECT 1 FROM outbox_part WHERE status IN ('queued', 'leased')")
            if not rows:
                return
            await asyncio.sleep(0.02)
    raise AssertionError(vendor.run("SELECT status, payload FROM outbox_part"))


async def test_late_words_wait_for_the_person_and_leave_before_the_answer(
    window: Vendor, sending: Sending
) -> None:
    await window.say(1, "one")
    await window.say(1, "two")
    await window.say(2, "for another")
    await drained(window, sending)
    assert window.received == ["<please write>", "<please write>"]  # one for each person
    assert window.rows("status, held_for", 1) == [
        ("sent", ""),
        ("held", "window"),
        ("held", "window"),
    ]

    await window.tell({"text": "stop"})  # who says stop hears the last word, and nothing that waits
    assert window.rows("status", 1)[1:3] == [("held",), ("held",)]
    await drained(window, sending)
    assert window.received[2:] == [
        "You will get no more messages from us here. Write “start” to come back."
    ]
    await window.tell({"text": "start"})
    await drained(window, sending)

    assert window.received[3:5] == ["one", "two"]
    assert "What can I do for you?" in window.received[5]
    assert window.rows("status", 2) == [("sent",), ("held",)]


async def test_a_topics_template_says_it_at_once(window: Vendor, sending: Sending) -> None:
    await window.say(1, "your order is on its way", topic="order")
    await drained(window, sending)

    assert window.received == ["<shipped>"]
    assert window.rows("status") == [("sent",)]


async def test_within_the_window_nothing_is_held(window: Vendor, sending: Sending) -> None:
    await window.say(1, "first")
    await window.tell({"text": "hello"})
    await window.say(1, "free")
    assert [row for row in window.rows("status") if row[0] == "held"] == []
    window.run("UPDATE conversation SET heard_at = now() - interval '24 hours 1 second'")
    await window.say(1, "late")

    assert window.rows("status")[-1] == ("held",)


@pytest.mark.parametrize("how", ["send", "report", "twice"])
async def test_a_closed_window_sends_the_template_once_and_holds_the_rest_in_place(
    window: Vendor, sending: Sending, how: str
) -> None:
    await window.say(1, "x")
    await window.tell({"text": "hello"})
    await drained(window, sending)
    window.received.clear()
    if how == "send":
        window.answers["one"] = [CLOSED]
    await window.say(1, "one")
    if how == "send":
        await window.say(1, "two")
        await drained(window, sending)
    else:
        await drained(window, sending)
        await window.say(1, "two")
        told = {
            "vendor_id": "id of one",
            "status": "failed",
            "recipient": "1",
            "error": "outside the window",
            "consequence": "close_window",
        }
        for _ in range(2 if how == "twice" else 1):
            await window.tell(told)
        await drained(window, sending)

    sent = ["one"] if how != "send" else []
    assert window.received == [*sent, "<please write>"]
    assert window.run("SELECT heard_at FROM conversation") == [(None,)]
    held = [row[1] for row in window.rows("status, payload->'params'->>'text'") if row[0] == "held"]
    assert held == ["one", "two"]

    await window.tell({"text": "here I am"})
    await drained(window, sending)
    assert window.received[len(sent) + 1 :][:2] == ["one", "two"]


async def test_who_wrote_meanwhile_gets_the_message_again(window: Vendor, sending: Sending) -> None:
    await window.say(1, "x")
    await window.tell({"text": "hello"})
    await window.say(1, "one")
    await drained(window, sending)
    window.run("UPDATE conversation SET heard_at = now() + interval '1 second'")

    await window.tell(
        {
            "vendor_id": "id of one",
            "status": "failed",
            "recipient": "1",
            "consequence": "close_window",
        }
    )
    await drained(window, sending)

    assert window.received[-2:] == ["one", "one"]
    assert "<please write>" not in window.received[1:]


async def test_a_crash_while_planning_anew_leaves_all_or_nothing(
    window: Vendor, sending: Sending, monkeypatch: pytest.MonkeyPatch
) -> None:
    await window.say(1, "x")
    await window.tell({"text": "hello"})
    await drained(window, sending)
    await window.say(1, "one")
    window.answers["one"] = [CLOSED]
    hold_back, times = service.hold_back, []

    async def failing(*args: object) -> bool:
        times.append(1)
        done = await hold_back(*args)  # type: ignore[arg-type]
        if len(times) == 1:
            import psycopg  # noqa: PLC0415

            raise psycopg.OperationalError("the connection is lost")
        return done

    monkeypatch.setattr(service, "hold_back", failing)
    await drained(window, sending)

    assert len(times) == 2
    assert window.received.count("<please write>") == 2  # the first for "x", before they wrote
    assert window.rows("status, payload->'params'->>'text'").count(("held", "one")) == 1


async def test_what_waits_too_long_expires_and_is_seen(window: Vendor, sending: Sending) -> None:
    await window.say(1, "one")
    outlet = window.channel.outlet_id
    async with window.house.db.engine([outlet]) as work:
        held = [item for item in await store.trouble(work, outlet) if item.status is Status.HELD]
    assert [item.held_for for item in held] == ["window"]
    window.run("UPDATE outbox_part SET expires_at = expires_at - interval '31 days'")

    async with window.house.db.engine() as work:
        await store.recover(work, window.house.kinds.values())

    assert [row[0] for row in window.rows("status")][-1] == "expired"
