"""What may leave: lanes, shares, and a cost that does not grow with what waits."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec
import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg import ClientCursor
from vendor import Sending, Vendor, ids

from chatworks.channels.models import Limits
from chatworks.kit.db import PLANNER
from chatworks.outbox import core
from chatworks.outbox.leasing import Room, lease
from chatworks.outbox.models import Part, PartLane
from chatworks.outbox.store import QUERIES

START = datetime(2026, 1, 1, tzinfo=UTC)


async def take(vendor: Vendor, free: int) -> list[Part]:
    async with vendor.house.db.engine() as work:
        return (await lease(work, vendor.house.kinds, Room(free, free))).parts


async def test_a_broadcast_waits_for_answers_and_not_the_other_way(vendor: Vendor) -> None:
    for chat in range(1, 7):
        await vendor.say(chat, f"news {chat}", bulk=True)
    await vendor.say(8, "answer")

    first = await take(vendor, 3)

    assert ids(first)[0] == "answer"
    assert {part.lane for part in first[1:]} == {PartLane.BULK}


async def test_bulk_parts_leave_room_for_answers(vendor: Vendor) -> None:
    for chat in range(1, 10):
        await vendor.say(chat, f"news {chat}", bulk=True)

    assert len(await take(vendor, 6)) == 4  # two thirds of the places of a channel


async def test_an_answer_takes_along_what_was_to_be_said_before_it(vendor: Vendor) -> None:
    await vendor.say(1, "news", bulk=True)
    await vendor.say(2, "other news", bulk=True)
    await vendor.say(1, "answer")

    assert vendor.rows("lane", 1) == [(1,), (1,)]
    assert vendor.rows("lane", 2) == [(2,)]
    assert ids(await take(vendor, 1)) == ["news"]


async def test_bulk_draws_only_a_part_of_the_burst(vendor: Vendor) -> None:
    from dataclasses import replace  # noqa: PLC0415

    kind = vendor.house.kinds["telegram"]
    limits = Limits(60, 6, 60, 6, 60, 6)
    vendor.house.kinds["telegram"] = replace(kind, limits=limits)
    for chat in range(1, 10):
        await vendor.say(chat, f"news {chat}", bulk=True)
        await vendor.say(100 + chat, f"answer {chat}")

    assert ids(await take(vendor, 100)) == [f"answer {n}" for n in range(1, 7)]
    assert await take(vendor, 100) == []


@given(st.lists(st.integers(0, 200), max_size=12), st.integers(0, 300))
def test_places_are_shared_evenly_and_never_wasted(wanted: list[int], free: int) -> None:
    given_out = core.share(dict(enumerate(wanted)), free)
    assert sum(given_out.values()) == min(free, sum(wanted))
    assert all(given_out[n] <= wanted[n] for n in given_out)
    short = [given_out.get(n, 0) for n, most in enumerate(wanted) if given_out.get(n, 0) < most]
    assert not short or max(given_out.values(), default=0) - min(short) <= 1


@given(st.floats(-50, 50), st.sampled_from([0.04, 1.0, 3.0]), st.integers(1, 30))
def test_an_allowance_is_what_one_after_the_other_would_be_let_through(
    ahead: float, interval: float, burst: int
) -> None:
    arrival = START + timedelta(seconds=ahead)
    count, next_at = core.allowance(arrival, START, interval, burst)
    admitted = 0
    known: datetime = arrival
    while True:
        known, wait = core.admit(known, START, interval, burst)
        if wait is not None:
            break
        admitted += 1
    assert abs(admitted - count) <= 1  # at the very edge of a microsecond
    if admitted == count:
        assert abs((next_at - wait).total_seconds()) < 0.001


FILL = """
INSERT INTO outbox_part (outlet_id, id, channel_id, conversation_id, thread, message_seq, part,
                         payload, status, ready_at, created_at)
SELECT %(outlet)s, md5('o' || n)::uuid, %(channel)s, md5('c' || n)::uuid, n::text, 1, 0,
       '{"method": "send", "params": {"text": "x"}}', 'queued',
       now() + interval '1 hour' * %(wait)s, now()
FROM generate_series(%(first)s, %(last)s) n
"""


def blocks(vendor: Vendor, engine_url: str) -> int:
    """Return how many blocks the two queries of a lease touch, as the engine runs them."""
    touched = 0
    with psycopg.connect(engine_url, options=PLANNER, cursor_factory=ClientCursor) as conn:
        channel = vendor.channel.id
        values = {
            "now": datetime.now(UTC),
            "until": datetime.now(UTC),
            "lanes": [1],
            "channels": [channel],
            "counts": [64],
        }
        for name in ("lanes", "lease"):
            for _ in range(2):
                query = f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {QUERIES[name]!s}"
                plan = conn.execute(query, values).fetchone()
                conn.rollback()
            assert plan is not None
            top = plan[0][0]["Plan"]
            assert b"Seq Scan" not in msgspec.json.encode(plan)
            touched += top["Shared Hit Blocks"] + top["Shared Read Blocks"]
    return touched


@pytest.mark.parametrize("held", ["time", "channel"])
async def test_a_lease_costs_the_same_however_many_parts_wait(
    vendor: Vendor, engine_url: str, held: str
) -> None:
    outlet, channel = vendor.channel.outlet_id, vendor.channel.id
    other = UUID(int=9)
    vendor.run(
        "INSERT INTO channel (outlet_id, id, kind, path, name, created_at)"
        " VALUES (%s, %s, 'telegram', 'other', 'Other', now())",
        outlet,
        other,
    )

    def fill(first: int, last: int, *, wait: int, of: UUID) -> None:
        values = {"outlet": outlet, "channel": of, "first": first, "last": last, "wait": wait}
        with psycopg.connect(vendor.url, autocommit=True) as conn:
            ClientCursor(conn).execute(FILL, values)
            conn.execute("VACUUM (ANALYZE) outbox_part")

    waits = (1, channel) if held == "time" else (0, other)
    fill(1, 64, wait=0, of=channel)
    fill(1001, 1500, wait=waits[0], of=waits[1])
    few = blocks(vendor, engine_url)
    fill(2001, 40_000, wait=waits[0], of=waits[1])
    many = blocks(vendor, engine_url)

    assert many <= few * 1.5 + 64  # the depth of the indexes


async def test_a_held_chat_moves_all_of_it_behind_its_time(
    vendor: Vendor, sending: Sending
) -> None:
    from dataclasses import replace  # noqa: PLC0415

    kind = vendor.house.kinds["telegram"]
    vendor.house.kinds["telegram"] = replace(kind, limits=Limits(0.001, 100, 600, 1, 600, 1))
    for n in range(5):
        await vendor.say(1, f"{n}")

    assert ids(await take(vendor, 10)) == ["0"]
    vendor.run("UPDATE outbox_part SET status = 'sent' WHERE status = 'leased'")
    assert await take(vendor, 10) == []

    assert vendor.run("SELECT count(*) FROM outbox_part WHERE ready_at > now()") == [(4,)]
