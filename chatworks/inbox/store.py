"""The log and the queue: store many events with one statement, claim conversations, settle events.

Order inside a conversation: by the vendor's own order (``rank``: Telegram's update_id), then by
arrival (web chat's rank is always 0). A timer stands last: who has answered is not timed out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from psycopg import AsyncConnection

from chatworks.channels.models import Arrival, Lane
from chatworks.inbox.models import (
    EVENTS_PER_THREAD_MAX,
    MOVE_EVENT_PREFIX,
    TIMER_EVENT_PREFIX,
    NewEvent,
    ParkedEvent,
    PendingEvent,
)
from chatworks.kit.db import load_queries
from chatworks.kit.ids import thread_key
from chatworks.kit.work import Work

QUERIES = load_queries(__package__)
TIMER_RANK = 2**62
WINDOW_FACTOR = 4  # how many rows are looked at for each conversation that is wanted
LOOKS_MAX = 4  # of one claim


async def accept(conn: AsyncConnection[Any], events: Sequence[NewEvent], now: datetime) -> int:
    """Store ``events`` and queue the new ones; returns how many were new."""
    arrivals = [event.arrival for event in events]
    cursor = await conn.execute(
        QUERIES["accept"],
        {
            "now": now,
            "outlets": [event.outlet_id for event in events],
            "sources": [event.source for event in events],
            "event_ids": [arrival.event_id for arrival in arrivals],
            "threads": [arrival.thread for arrival in arrivals],
            "keys": [thread_key(e.source, e.arrival.thread) for e in events],
            "lanes": [arrival.lane.value for arrival in arrivals],
            "ranks": [arrival.rank for arrival in arrivals],
            "headers": [event.headers for event in events],
            "payloads": [arrival.payload for arrival in arrivals],
        },
        binary=True,
    )
    row = await cursor.fetchone()
    return 0 if row is None else int(row[0])


async def claim(work: Work, limit: int) -> list[int]:
    """Lock up to ``limit`` conversations that have ready events, most urgent and oldest first.

    Where somebody's events alone fill what is looked at, the next look leaves that conversation
    out: one who writes a thousand messages holds up nobody else. The events must be read by a
    statement of their own: only then does it see what the locks' last holders committed.
    """
    keys: list[int] = []
    seen: list[int] = []
    window = limit * WINDOW_FACTOR
    for _ in range(LOOKS_MAX):
        parameters = {
            "now": work.now,
            "limit": limit - len(keys),
            "window": window,
            "seen": seen,
        }
        cursor = await work.conn.execute(QUERIES["claim"], parameters)
        rows = await cursor.fetchall()
        keys += [key for key, locked in rows if locked]
        passed = [key for key, locked in rows if not locked]
        if not passed:
            break
        seen += passed
    return keys


async def lock(work: Work, keys: Sequence[int]) -> list[int]:
    """Lock these conversations, as far as nobody else holds them."""
    cursor = await work.conn.execute(QUERIES["lock"], {"keys": list(keys)})
    return [row[0] for row in await cursor.fetchall()]


async def events_of(work: Work, keys: Sequence[int]) -> list[PendingEvent]:
    """Return the ready events of locked conversations, each conversation's in order."""
    parameters = {"keys": list(keys), "now": work.now, "each": EVENTS_PER_THREAD_MAX}
    cursor = await work.conn.execute(QUERIES["events_of"], parameters, binary=True)
    return [PendingEvent(*row) for row in await cursor.fetchall()]


async def done(work: Work, ids: Sequence[int]) -> None:
    """Take these events off the queue; the log keeps them."""
    await work.conn.execute(QUERIES["done"], {"ids": list(ids)})


async def retry_later(work: Work, event_id: int, attempts: int, ready_at: datetime) -> None:
    """Count a failed turn and wait; the conversation waits with it."""
    parameters = {"id": event_id, "attempts": attempts, "ready_at": ready_at}
    await work.conn.execute(QUERIES["retry_later"], parameters)


async def park(work: Work, event_id: int, reason: str) -> None:
    """Set an event aside for an operator; the conversation goes on without it."""
    parameters = {"id": event_id, "now": work.now, "reason": reason}
    await work.conn.execute(QUERIES["park"], parameters)


async def parked(work: Work, outlet_id: UUID, limit: int = 100) -> list[ParkedEvent]:
    """Return an outlet's parked events, oldest first."""
    cursor = await work.conn.execute(QUERIES["parked"], {"outlet_id": outlet_id, "limit": limit})
    return [ParkedEvent(*row) for row in await cursor.fetchall()]


async def replay(work: Work, outlet_id: UUID, event_id: int) -> bool:
    """Put a parked event back; returns whether it was parked."""
    parameters = {"outlet_id": outlet_id, "id": event_id, "now": work.now}
    return (await work.conn.execute(QUERIES["replay"], parameters)).rowcount == 1


async def drop_parked(work: Work, outlet_id: UUID, event_id: int) -> bool:
    """Give a parked event up; the log keeps it. Returns whether it was parked."""
    parameters = {"outlet_id": outlet_id, "id": event_id}
    return (await work.conn.execute(QUERIES["drop_parked"], parameters)).rowcount == 1


async def due_timers(work: Work, limit: int) -> int:
    """Turn timers that fell due into events; returns how many."""
    parameters = {"now": work.now, "limit": limit}
    cursor = await work.conn.execute(QUERIES["due_timers"], parameters)
    events = [
        NewEvent(
            outlet_id=row[0],
            source=row[2],
            arrival=Arrival(
                event_id=f"{TIMER_EVENT_PREFIX}{row[1].hex}",
                thread=row[3],
                lane=Lane.REST,
                rank=TIMER_RANK,
                payload=msgspec.json.encode({"timer": {"dialogue": row[4].hex, "step": row[5]}}),
            ),
        )
        for row in await cursor.fetchall()
    ]
    if events:
        await accept(work.conn, events, work.now)
    return len(events)


def move_event(
    work: Work, outlet_id: UUID, address: tuple[UUID, str], told: Mapping[str, str]
) -> NewEvent:
    """Return what one conversation tells another, whose (channel, chat) is ``address``.

    The two are locked by different transactions, so they speak through the inbox. It comes before
    whatever the person says there next.
    """
    arrival = Arrival(
        event_id=f"{MOVE_EVENT_PREFIX}{work.new_id().hex}",
        thread=address[1],
        lane=Lane.MESSAGE,
        rank=0,
        payload=msgspec.json.encode({"move": told}),
    )
    return NewEvent(outlet_id, address[0], arrival)


class Depth(msgspec.Struct, frozen=True):
    """How full one lane is. ``age_seconds`` is the oldest ready event's."""

    lane: Lane
    ready: int
    parked: int
    age_seconds: float


async def depth(work: Work) -> list[Depth]:
    """Return the state of each lane that holds something."""
    cursor = await work.conn.execute(QUERIES["depth"], {"now": work.now})
    return [
        Depth(Lane(row[0]), row[1], row[2], float(row[3] or 0)) for row in await cursor.fetchall()
    ]
