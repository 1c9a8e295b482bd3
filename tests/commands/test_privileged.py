"""Every privileged act leaves a leaf in its own transaction; a refused one leaves nothing."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import psycopg
import pytest

from chatworks.app import sign_in_link
from chatworks.commands.models import Actor, ActorKind, Call, Command, NotAllowed
from chatworks.house import House
from chatworks.identity.models import IssueSignInLink, IssueStaffCode
from chatworks.inbox.models import DropParked, NotParked, ReplayParked
from chatworks.outbox.models import NotInTrouble, ResendPart

OPERATOR = UUID(int=77)
PART = UUID(int=78)


async def give(house: House, command: Command[Any], actor: Actor | None = None) -> Any:
    outlet = (await house.directory.outlets())[0]
    by = actor or Actor(ActorKind.OPERATOR, OPERATOR.hex, "owner")
    async with house.db.engine([outlet.id]) as work:
        return await house.dispatcher.one(work, Call(outlet.id, by, command))


def leaves(url: str) -> list[tuple[Any, ...]]:
    """Return every leaf since the house was seeded, which leaves one of its first operator."""
    with psycopg.connect(url) as conn:
        return conn.execute(
            "SELECT action, actor_kind, actor_id, object_kind, object_id"
            " FROM audit_leaf WHERE actor_id <> 'outlet file' ORDER BY id"
        ).fetchall()


def park(url: str) -> int:
    """Put one parked event into MajiPro's queue; returns its id."""
    with psycopg.connect(url) as conn:
        row = conn.execute(
            "INSERT INTO inbox_event (outlet_id, source, event_id, thread, received_at, headers,"
            " payload) SELECT outlet_id, id, 'bad', 't', now(), '{}', 'x' FROM channel"
            " WHERE kind = 'terminal' RETURNING id"
        ).fetchone()
        assert row is not None
        conn.execute(
            "INSERT INTO inbox_pending (id, outlet_id, source, thread_key, lane, rank, ready_at,"
            " attempts, parked_at, reason) SELECT id, outlet_id, source, 1, 2, 0, now(), 5, now(),"
            " 'KeyError' FROM inbox_event"
        )
        return int(row[0])


def queue(url: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url) as conn:
        return conn.execute("SELECT parked_at IS NULL, attempts FROM inbox_pending").fetchall()


@pytest.mark.promise("audit")
async def test_a_parked_event_is_replayed_once_and_by_whom_is_known(
    house: House, database_url: str
) -> None:
    event = park(database_url)

    await give(house, ReplayParked(event))
    with pytest.raises(NotParked):
        await give(house, ReplayParked(event))

    assert queue(database_url) == [(True, 0)]
    leaf = ("inbox.ReplayParked", "operator", OPERATOR.hex, "inbox_event", str(event))
    assert leaves(database_url) == [leaf]


async def test_a_parked_event_is_given_up_and_the_log_keeps_it(
    house: House, database_url: str
) -> None:
    event = park(database_url)

    await give(house, DropParked(event))
    with pytest.raises(NotParked):
        await give(house, DropParked(event))

    assert queue(database_url) == []
    assert [leaf[0] for leaf in leaves(database_url)] == ["inbox.DropParked"]
    with psycopg.connect(database_url) as conn:
        assert conn.execute("SELECT id FROM inbox_event").fetchall() == [(event,)]


async def test_a_part_is_sent_again_only_from_trouble(house: House, database_url: str) -> None:
    with psycopg.connect(database_url) as conn:
        conn.execute(
            "INSERT INTO outbox_part (outlet_id, id, channel_id, conversation_id, thread,"
            " message_seq, part, payload, status, ready_at, created_at) SELECT outlet_id, %s, id,"
            " %s, 't', 1, 0, '{}', 'unknown', now(), now() FROM channel WHERE kind = 'telegram'",
            [PART, PART],
        )

    await give(house, ResendPart(PART))
    with pytest.raises(NotInTrouble):
        await give(house, ResendPart(PART))

    with psycopg.connect(database_url) as conn:
        assert conn.execute("SELECT status FROM outbox_part").fetchall() == [("queued",)]
    leaf = ("outbox.ResendPart", "operator", OPERATOR.hex, "outbox_part", PART.hex)
    assert leaves(database_url) == [leaf]


@pytest.mark.promise("secrets")
async def test_a_one_time_secret_is_issued_with_a_leaf_that_does_not_hold_it(
    house: House, database_url: str
) -> None:
    outlet = (await house.directory.outlets())[0]
    link = await sign_in_link(house, outlet.id)
    with psycopg.connect(database_url) as conn:
        row = conn.execute("SELECT id FROM membership").fetchone()
    assert row is not None
    issued = await give(house, IssueStaffCode(), Actor(ActorKind.OPERATOR, row[0].hex, "owner"))

    assert [leaf[:3] for leaf in leaves(database_url)] == [
        ("identity.IssueSignInLink", "platform", "chatworks operator link"),
        ("identity.IssueStaffCode", "operator", row[0].hex),
    ]
    assert issued.secret not in repr(issued)
    with psycopg.connect(database_url) as conn:
        rows = conn.execute("SELECT payload::text FROM audit_leaf").fetchall()
        kept = conn.execute("SELECT secret_hash::text FROM one_time_code").fetchall()
    for secret in (issued.secret, link.rpartition("=")[2]):
        assert not any(secret.encode().hex() in text for (text,) in [*rows, *kept])


@pytest.mark.parametrize(
    ("command", "actor"),
    [
        (IssueSignInLink(), Actor(ActorKind.OPERATOR, OPERATOR.hex, "owner")),
        (IssueStaffCode(), Actor(ActorKind.CUSTOMER, OPERATOR.hex)),
        (ReplayParked(1), Actor(ActorKind.CUSTOMER, OPERATOR.hex)),
        (DropParked(1), Actor(ActorKind.SYSTEM, "job")),
        (ResendPart(PART), Actor(ActorKind.PROVIDER, OPERATOR.hex)),
    ],
    ids=lambda value: type(value).__name__,
)
async def test_who_may_not_is_refused_and_nothing_changes(
    house: House, database_url: str, command: Command[Any], actor: Actor
) -> None:
    park(database_url)

    with pytest.raises(NotAllowed):
        await give(house, command, actor)

    assert queue(database_url) == [(False, 5)]
    assert leaves(database_url) == []
    with psycopg.connect(database_url) as conn:
        assert conn.execute("SELECT count(*) FROM one_time_code").fetchone() == (0,)
