"""Broadcasts on PostgreSQL: who is meant, who gets it once, and what stops it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
from audience import TEXTS, Audience

from chatworks.broadcasts import store
from chatworks.broadcasts.broadcaster import Broadcaster
from chatworks.broadcasts.models import (
    AHEAD_SECONDS,
    CannotMove,
    Move,
    NoSuchBroadcast,
    Outcome,
    Segment,
    WrongBroadcast,
)
from chatworks.contacts.jobs import Router
from chatworks.house import House
from chatworks.kit.work import Work
from chatworks.outlets.models import Quiet

Audiences = Callable[[int], Audience]
AHEAD = int(AHEAD_SECONDS * 30)  # of Telegram's thirty a second


async def test_it_is_counted_as_it_is_written(audience: Audiences) -> None:
    people = audience(3)
    people.add(2, agreed=False)
    stopped = people.add(1)
    people.sql(
        "UPDATE contact SET status = 'stopped' WHERE id ="
        " (SELECT contact_id FROM conversation WHERE id = %s)", stopped[0],
    )  # fmt: skip

    counted = (await people.found(await people.write())).counted

    assert (counted.persons, counted.looked, counted.quiet) == (6, 6, 0)
    assert counted.reached == {"telegram": 3}
    assert counted.left_out == {"no_consent": 2, "stopped": 1}
    assert people.sql("SELECT count(*) FROM broadcast_recipient") == [(0,)]


async def test_a_segment_is_by_channel_language_and_orders(audience: Audiences) -> None:
    people = audience(2)
    people.add(3, language="sw")
    lately, long_ago, cancelled = people.add(3, language="sw")
    for number, (one, days, status) in enumerate(
        [(lately, 5, "delivered"), (long_ago, 90, "delivered"), (cancelled, 1, "cancelled")]
    ):
        people.sql(
            "INSERT INTO sales_order (outlet_id, id, number, conversation_id, contact_id, status,"
            " language, goods_minor, delivery_minor, total_minor, currency, payment,"
            " customer_name, customer_phone, address, placed_at, updated_at)"
            " SELECT outlet_id, gen_random_uuid(), %s, id, contact_id, %s, 'sw', 1, 0, 1, 'KES',"
            " 'on_delivery', 'A', '', 'B', now() - %s * interval '1 day', now()"
            " FROM conversation WHERE id = %s", number + 1, status, days, one,
        )  # fmt: skip

    async def persons(segment: Segment) -> int:
        return (await people.found(await people.write(segment))).counted.persons

    assert await persons(Segment()) == 8
    assert await persons(Segment(kinds=("webchat",))) == 0
    assert await persons(Segment(kinds=("telegram", "webchat"))) == 8
    assert await persons(Segment(languages=("sw",))) == 6
    assert await persons(Segment(ordered_days=30)) == 1
    assert await persons(Segment(ordered_days=365)) == 2
    assert await persons(Segment(never_ordered=True, languages=("sw",))) == 4


async def test_each_gets_it_once_in_their_language(audience: Audiences) -> None:
    people = audience(2)
    people.add(1, language="sw")
    broadcast = await people.write()

    assert await people.move(broadcast, Move.SEND) == "scheduled"
    await people.all_steps()

    assert people.heard() == ["1001", "1002", "1003"]
    said = people.sql("SELECT content->>'text', content->>'topic' FROM message ORDER BY 1")
    assert said == [(TEXTS["en"], "offer")] * 2 + [(TEXTS["sw"], "offer")]
    assert people.sql("SELECT DISTINCT lane FROM outbox_part") == [(2,)]
    assert (await people.found(broadcast)).status == "done"
    figures = await people.figures(broadcast)
    assert (figures.sent, figures.waiting, figures.standing) == (3, 0, {"sent": 3})
    assert people.sql(
        "SELECT action FROM audit_leaf WHERE actor_id <> 'outlet file' ORDER BY at, id"
    ) == [
        ("broadcasts.WriteBroadcast",),
        ("broadcasts.MoveBroadcast",),
    ]


@pytest.mark.parametrize("status", ["stopped", "blocked"])
async def test_who_says_stop_while_a_step_runs_is_left_out_and_counted_so(
    audience: Audiences, monkeypatch: pytest.MonkeyPatch, status: str
) -> None:
    people = audience(2)
    broadcast, settle = await people.write(), store.settle

    async def late(work: Work, key: store.Key, outcomes: Sequence[Outcome]) -> None:
        people.sql("UPDATE contact SET status = %s WHERE vendor_id = '1002'", status)
        await settle(work, key, outcomes)

    monkeypatch.setattr(store, "settle", late)  # the router has decided
    await people.move(broadcast, Move.SEND)
    await people.all_steps()

    assert people.sql("SELECT thread FROM outbox_part") == [("1001",)]
    figures = await people.figures(broadcast)
    assert (figures.sent, figures.standing) == (1, {"sent": 1})
    assert figures.left_out == {status: 1}
    assert (await people.found(broadcast)).status == "done"


async def test_two_at_once_send_to_nobody_twice(house: House, audience: Audiences) -> None:
    people = audience(120)
    first = await people.write()
    second = await people.write()
    for one in (first, second):
        await people.move(one, Move.SEND)
    router = Router(house.kinds, house.directory.channel, house.directory.outlet)
    other = Broadcaster(house.db, router, house.kinds, house.directory.outlet, house.listener)

    for _ in range(12):
        people.due()
        people.sent()
        await asyncio.gather(
            *(one.step() for one in (house.broadcaster, other, house.broadcaster, other))
        )

    assert sorted(people.heard()) == sorted(2 * [str(chat) for chat in range(1001, 1121)])
    for one in (first, second):
        assert (await people.found(one)).status == "done"
        assert (await people.figures(one)).sent == 120


@pytest.mark.parametrize("where", ["place", "go_on"])
async def test_a_crash_leaves_both_or_none(
    audience: Audiences, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    people = audience(5)
    broadcast = await people.write()
    await people.move(broadcast, Move.SEND)

    async def crash(*_arguments: Any) -> None:
        raise RuntimeError("the process dies here")

    with monkeypatch.context() as patch:
        patch.setattr(f"chatworks.broadcasts.store.{where}", crash)
        assert await people.house.broadcaster.step()
    assert people.heard() == []
    assert people.sql("SELECT count(*) FROM broadcast_recipient") == [(0,)]
    assert people.sql("SELECT count(*) FROM outbox_part") == [(0,)]
    assert not await people.house.broadcaster.step()  # it waits, and others may go on

    await people.all_steps()

    assert people.heard() == ["1001", "1002", "1003", "1004", "1005"]


async def test_a_killed_connection_leaves_none(
    house: House, audience: Audiences, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = audience(3)
    await people.move(await people.write(), Move.SEND)
    write = house.db.subscribers  # the step has posted when its facts are heard

    async def killed(work: Any, _posts: Any) -> None:
        pid = work.conn.info.backend_pid
        people.sql("SELECT pg_terminate_backend(%s)", pid)
        await work.conn.execute("SELECT 1")

    post = next(kind for kind in write if kind.__name__ == "Post")
    with monkeypatch.context() as patch:
        patch.setitem(write, post, [*write[post], killed])  # type: ignore[index,arg-type]
        with pytest.raises(Exception, match=r"terminat|closed"):
            await house.broadcaster.step()
    assert people.sql("SELECT count(*) FROM broadcast_recipient") == [(0,)]

    await people.all_steps()

    assert people.heard() == ["1001", "1002", "1003"]


async def test_no_more_is_queued_than_leaves_in_three_seconds_and_a_pause_stops_it(
    audience: Audiences,
) -> None:
    people = audience(AHEAD + 10)
    broadcast = await people.write()
    await people.move(broadcast, Move.SEND)
    for _ in range(3):
        people.due()
        await people.house.broadcaster.step()
    assert (await people.figures(broadcast)).standing == {"queued": AHEAD}

    assert await people.move(broadcast, Move.PAUSE) == "paused"
    people.sent()
    people.due()
    assert not await people.house.broadcaster.step()
    assert len(people.heard()) == AHEAD

    assert await people.move(broadcast, Move.RESUME) == "sending"
    await people.all_steps()
    assert len(set(people.heard())) == len(people.heard()) == AHEAD + 10


async def test_what_is_cancelled_ends_and_is_for_good(audience: Audiences) -> None:
    people = audience(1)
    broadcast = await people.write()
    await people.move(broadcast, Move.SEND, people.house.clock.now() + timedelta(hours=1))
    assert not await people.house.broadcaster.step()  # its time has not come

    assert await people.move(broadcast, Move.CANCEL) == "cancelled"
    for move in Move:
        with pytest.raises(CannotMove):
            await people.move(broadcast, move)
    with pytest.raises(CannotMove):
        await people.write(broadcast_id=broadcast)
    people.due()

    assert not await people.house.broadcaster.step()
    assert people.heard() == []


async def test_consent_that_was_taken_back_since_the_start_counts(audience: Audiences) -> None:
    people = audience(AHEAD + 1)
    broadcast = await people.write()
    await people.move(broadcast, Move.SEND)
    await people.house.broadcaster.step()
    people.sql("UPDATE contact SET status = 'blocked'")

    await people.all_steps()

    figures = await people.figures(broadcast)
    assert (figures.sent, figures.left_out) == (AHEAD, {"blocked": 1})


async def test_who_becomes_one_person_meanwhile_gets_it_once(audience: Audiences) -> None:
    people = audience(AHEAD + 1)
    broadcast = await people.write()
    await people.move(broadcast, Move.SEND)
    await people.house.broadcaster.step()
    waiting = people.sql(
        "SELECT c.contact_id FROM broadcast_recipient r JOIN conversation c"
        " ON c.id = r.conversation_id WHERE r.status = 'waiting'"
    )
    told = people.sql(
        "SELECT c.contact_id FROM broadcast_recipient r JOIN conversation c"
        " ON c.id = r.sent_to LIMIT 1"
    )
    person = uuid4()
    for (contact,) in (waiting[0], told[0]):
        people.sql(
            "INSERT INTO contact_link VALUES (%s, %s, %s, now())",
            people.outlet_id, contact, person,
        )  # fmt: skip

    await people.all_steps()

    assert (await people.figures(broadcast)).left_out == {"joined": 1}
    assert len(people.heard()) == AHEAD


async def test_quiet_hours_put_people_off(house: House, audience: Audiences) -> None:
    people = audience(2)

    def quiet(hours: tuple[str, str] | None) -> None:
        body = msgspec.json.encode(Quiet(hours)).decode()
        people.sql("UPDATE outlet SET quiet = %s::jsonb", body)
        house.directory.forget()

    quiet(("00:00", "00:00"))
    broadcast = await people.write()
    assert (await people.found(broadcast)).counted.quiet == 2
    await people.move(broadcast, Move.SEND)
    await house.broadcaster.step()
    later = (await people.found(broadcast)).step_at
    assert later is not None
    assert later > house.clock.now() + timedelta(seconds=1)
    assert people.heard() == []

    quiet(None)
    await people.all_steps()

    assert people.heard() == ["1001", "1002"]


async def test_answers_within_a_day_are_counted(audience: Audiences) -> None:
    people = audience(3)
    broadcast = await people.write()
    await people.move(broadcast, Move.SEND)
    await people.all_steps()
    for chat, after in (("1001", "1 hour"), ("1002", "25 hours")):
        people.sql(
            "INSERT INTO message (outlet_id, conversation_id, seq, direction, author, content,"
            " created_at) SELECT outlet_id, id, last_seq + 1, 'in', 'customer', '{}',"
            " now() + %s::interval FROM conversation WHERE thread = %s", after, chat,
        )  # fmt: skip
    people.sql("UPDATE outbox_part SET status = 'read' WHERE thread = '1001'")
    people.sql("UPDATE outbox_part SET status = 'failed' WHERE thread = '1003'")

    figures = await people.figures(broadcast)

    assert figures.answered == 1
    assert figures.standing == {"read": 1, "sent": 1, "failed": 1}


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"name": " "}, "A name has 1 to 80 characters."),
        ({"name": "x" * 81}, "A name has 1 to 80 characters."),
        ({"texts": {"en": "x"}}, "Each language needs 1 to 1,000 characters."),
        ({"texts": {**TEXTS, "en": "x" * 1001}}, "Each language needs 1 to 1,000 characters."),
        ({"segment": Segment(kinds=("fax",))}, "The outlet has no such channel."),
        ({"segment": Segment(languages=("fr",))}, "The outlet has no such language."),
        ({"segment": Segment(ordered_days=0)}, "Days are a number from 1 to 3,650."),
    ],
)
async def test_what_is_wrong_is_not_written(
    audience: Audiences, wrong: dict[str, Any], said: str
) -> None:
    people = audience(0)

    with pytest.raises(WrongBroadcast) as no:
        await people.write(**wrong)

    assert no.value.args == (said,)
    assert people.sql("SELECT count(*) FROM broadcast") == [(0,)]


async def test_another_outlet_sees_and_moves_nothing(house: House, audience: Audiences) -> None:
    people = audience(1)
    broadcast = await people.write()
    stranger = Audience(house, people.url, outlet_id=UUID(int=7))

    with pytest.raises(NoSuchBroadcast):
        await stranger.move(broadcast, Move.SEND)
    async with house.db.web(UUID(int=7)) as work:
        seen = await (await work.conn.execute("SELECT count(*) FROM broadcast")).fetchone()

    assert seen == (0,)
    assert (await people.found(broadcast)).status == "draft"
