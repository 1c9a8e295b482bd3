"""Reads and writes broadcasts and their recipients."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from chatworks.broadcasts.models import (
    ANSWERED_WITHIN,
    COUNTED_MAX,
    STEP_MAX,
    STEP_SECONDS,
    Broadcast,
    Counted,
    Figures,
    Outcome,
    Recipient,
    Segment,
    Status,
    WriteBroadcast,
)
from chatworks.conversations.models import PostWritten
from chatworks.kit.db import load_queries
from chatworks.kit.work import Work

QUERIES = load_queries(__package__)
LISTED = 50

Key = tuple[UUID, UUID]  # outlet, broadcast

_segment = msgspec.json.Decoder(Segment)
_counted = msgspec.json.Decoder(Counted)
_texts = msgspec.json.Decoder(dict[str, str])


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _key(key: Key) -> dict[str, Any]:
    return {"outlet_id": key[0], "id": key[1]}


def _broadcast(row: tuple[Any, ...]) -> Broadcast:
    return Broadcast(
        outlet_id=row[0],
        id=row[1],
        name=row[2],
        topic=row[3],
        texts=_texts.decode(row[4]),
        segment=_segment.decode(row[5]),
        counted=_counted.decode(row[6]),
        counted_at=row[7],
        status=Status(row[8]),
        step_at=row[9],
        created_at=row[10],
        started_at=row[11],
        ended_at=row[12],
    )


def _persons(work: Work, key: Key, segment: Segment, *, freeze: bool) -> dict[str, Any]:
    days = segment.ordered_days
    return {
        "outlet_id": key[0],
        "broadcast_id": key[1],
        "kinds": list(segment.kinds),
        "languages": list(segment.languages),
        "by_orders": segment.never_ordered or days is not None,
        "never": segment.never_ordered,
        "since": None if days is None else work.now - timedelta(days=days),
        "freeze": freeze,
        "limit": COUNTED_MAX,
        "now": work.now,
    }


async def persons(work: Work, key: Key, segment: Segment) -> tuple[list[UUID], int]:
    """Return a conversation of each of the first persons of a segment, and how many there are."""
    cursor = await work.conn.execute(QUERIES["persons"], _persons(work, key, segment, freeze=False))
    rows = await cursor.fetchall()
    return [row[0] for row in rows], rows[0][1] if rows else 0


async def write_draft(work: Work, outlet_id: UUID, draft: WriteBroadcast, counted: Counted) -> bool:
    """Write a draft; returns False where a broadcast of this id is no draft any more."""
    parameters = {
        "outlet_id": outlet_id,
        "id": draft.broadcast_id,
        "name": draft.name.strip(),
        "topic": draft.topic,
        "texts": _json({language: text.strip() for language, text in draft.texts.items()}),
        "segment": _json(draft.segment),
        "counted": _json(counted),
        "now": work.now,
    }
    return (await work.conn.execute(QUERIES["write_draft"], parameters)).rowcount == 1


async def lock(work: Work, key: Key) -> Broadcast | None:
    """Lock a broadcast, after the step that runs; None where there is none."""
    row = await (await work.conn.execute(QUERIES["lock"], _key(key))).fetchone()
    return None if row is None else _broadcast(row)


async def move(work: Work, key: Key, status: Status, step_at: datetime | None) -> None:
    """Write where a locked broadcast stands now, and when its next step is due."""
    parameters = {**_key(key), "status": status.value, "step_at": step_at, "now": work.now}
    await work.conn.execute(QUERIES["move"], parameters)


async def claim(work: Work) -> Broadcast | None:
    """Return the broadcast whose step has been due the longest; nobody else gets it meanwhile."""
    row = await (await work.conn.execute(QUERIES["claim"], {"now": work.now})).fetchone()
    return None if row is None else _broadcast(row)


async def begin(work: Work, broadcast: Broadcast) -> None:
    """Freeze the segment of a claimed broadcast: from now on it is sending."""
    key = (broadcast.outlet_id, broadcast.id)
    parameters = _persons(work, key, broadcast.segment, freeze=True)
    await work.conn.execute(QUERIES["persons"], parameters)
    await work.conn.execute(QUERIES["begin"], {**_key(key), "now": work.now})


async def recipients(work: Work, key: Key) -> list[Recipient]:
    """Return those of a claimed broadcast whose turn it is."""
    parameters = {**_key(key), "now": work.now, "limit": STEP_MAX}
    cursor = await work.conn.execute(QUERIES["recipients"], parameters)
    return [Recipient(*row) for row in await cursor.fetchall()]


async def settle(work: Work, key: Key, outcomes: Sequence[Outcome]) -> None:
    """Write what a step did about its recipients, and when the next one is due."""
    parameters = {
        **_key(key),
        "persons": [one.person_id for one in outcomes],
        "sent_to": [one.sent_to for one in outcomes],
        "whys": [one.why for one in outcomes],
        "due": [one.due_at for one in outcomes],
        "now": work.now,
    }
    await work.conn.execute(QUERIES["settle"], parameters)


async def go_on(work: Work, key: Key) -> None:
    """Write when the next step of a claimed broadcast is due, or that it is done."""
    not_before = work.now + timedelta(seconds=STEP_SECONDS)
    parameters = {**_key(key), "now": work.now, "not_before": not_before}
    await work.conn.execute(QUERIES["go_on"], parameters)


async def put_off(work: Work, key: Key, seconds: float) -> None:
    """Try a broadcast again later whose step failed."""
    parameters = {**_key(key), "step_at": work.now + timedelta(seconds=seconds)}
    await work.conn.execute(QUERIES["put_off"], parameters)


async def place(work: Work, written: Sequence[PostWritten]) -> None:
    """Keep which message of its conversation each recipient got, or why they got none after all."""
    parameters = {
        "outlets": [one.outlet_id for one in written],
        "conversations": [one.conversation_id for one in written],
        "broadcasts": [one.reference for one in written],
        "seqs": [one.message_seq for one in written],
        "whys": ["" if one.status == "active" else one.status.value for one in written],
    }
    await work.conn.execute(QUERIES["place"], parameters)


async def queued(work: Work, outlet_id: UUID) -> dict[str, int]:
    """Return how many parts of broadcasts are queued on the outlet's channels of each kind."""
    cursor = await work.conn.execute(QUERIES["queued"], {"outlet_id": outlet_id})
    return dict(await cursor.fetchall())


async def broadcasts(work: Work, outlet_id: UUID) -> list[Broadcast]:
    """Return the outlet's newest broadcasts, the newest first."""
    parameters = {"outlet_id": outlet_id, "limit": LISTED}
    cursor = await work.conn.execute(QUERIES["broadcasts"], parameters)
    return [_broadcast(row) for row in await cursor.fetchall()]


async def broadcast(work: Work, key: Key) -> Broadcast | None:
    """Return one broadcast."""
    row = await (await work.conn.execute(QUERIES["broadcast"], _key(key))).fetchone()
    return None if row is None else _broadcast(row)


async def figures(work: Work, key: Key) -> Figures:
    """Return how far a broadcast has come."""
    parameters = {**_key(key), "within": ANSWERED_WITHIN}
    cursor = await work.conn.execute(QUERIES["figures"], parameters)
    numbers: Counter[str] = Counter()
    standing: Counter[str] = Counter()
    left_out: Counter[str] = Counter()
    for status, why, stands, count, answered in await cursor.fetchall():
        numbers[status] += count
        numbers["answered"] += answered
        if status == "sent":
            standing[stands] += count
        elif status == "left_out":
            left_out[why] += count
    return Figures(
        numbers["waiting"], numbers["sent"], dict(standing), dict(left_out), numbers["answered"]
    )
