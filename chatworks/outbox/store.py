"""The parts' table: queue many, lease what may leave now, settle outcomes, recover."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from chatworks.channels.models import ChannelKind, WirePart
from chatworks.kit.db import load_queries
from chatworks.kit.work import Work
from chatworks.outbox import core
from chatworks.outbox.models import LEASE, Change, NewPart, Part, Status, Trouble

QUERIES = load_queries(__package__)
REPEATABLE = ["answerCallbackQuery", "editMessageReplyMarkup", "editMessageText"]
LIMITS_KEPT_FOR = timedelta(hours=1)

_encode = msgspec.json.Encoder().encode
_wire = msgspec.json.Decoder(WirePart)


async def queue(work: Work, parts: list[NewPart]) -> None:
    """Insert ``parts`` in order, with one statement."""
    await work.conn.execute(
        QUERIES["queue"],
        {
            "now": work.now,
            "outlets": [part.outlet_id for part in parts],
            "ids": [part.id for part in parts],
            "channels": [part.channel_id for part in parts],
            "conversations": [part.conversation_id for part in parts],
            "threads": [part.thread for part in parts],
            "seqs": [part.message_seq for part in parts],
            "parts": [part.part for part in parts],
            "urgent": [part.payload.urgent for part in parts],
            "payloads": [_encode(part.payload).decode() for part in parts],
            "ready": [part.ready_at for part in parts],
            "expires": [part.expires_at for part in parts],
        },
    )
    work.notify(["outbox"])


async def recover(work: Work) -> None:
    """Settle what time has settled: expired parts, and leases of senders that died."""
    await work.conn.execute(QUERIES["expire"], {"now": work.now})
    await work.conn.execute(QUERIES["recover"], {"now": work.now, "repeatable": REPEATABLE})
    await work.conn.execute(QUERIES["forget_limits"], {"before": work.now - LIMITS_KEPT_FOR})


async def lease(
    work: Work, kinds: Mapping[UUID, ChannelKind], default: ChannelKind, limit: int
) -> list[Part]:
    """Lease up to ``limit`` parts that may leave now; what is over a limit is postponed.

    ``kinds`` maps channels to their manifests; a channel that is not in it counts as ``default``.
    """
    cursor = await work.conn.execute(QUERIES["eligible"], {"now": work.now, "limit": limit})
    parts = [_part(row) for row in await cursor.fetchall()]
    if not parts:
        return []
    admitted = await _admit(work, parts, kinds, default)
    if admitted:
        await work.conn.execute(
            QUERIES["lease"],
            {
                "until": work.now + LEASE,
                "outlets": [part.outlet_id for part in admitted],
                "ids": [part.id for part in admitted],
            },
        )
    return admitted


def _part(row: tuple[object, ...]) -> Part:
    values = list(row)
    values[6] = _wire.decode(str(row[6]))
    return Part(*values)  # type: ignore[arg-type]


async def _admit(
    work: Work, parts: Sequence[Part], kinds: Mapping[UUID, ChannelKind], default: ChannelKind
) -> list[Part]:
    """Draw each part from its buckets, all read and locked at once in the order of their names."""
    wanted: dict[UUID, list[tuple[str, float, int]]] = {}
    for part in parts:
        kind = kinds.get(part.channel_id, default)
        if kind.limits is not None and not part.payload.urgent:
            wanted[part.id] = core.scopes(kind.kind, part.channel_id.hex, part.thread, kind.limits)
    names = sorted({scope for rows in wanted.values() for scope, _, _ in rows})
    arrivals: dict[str, datetime] = {}
    if names:
        cursor = await work.conn.execute(QUERIES["limits"], {"now": work.now, "scopes": names})
        arrivals = dict(await cursor.fetchall())
    admitted: list[Part] = []
    postponed: list[tuple[Part, datetime]] = []
    for part in parts:
        wait = _draw(arrivals, wanted.get(part.id, []), work.now)
        if wait is None:
            admitted.append(part)
        else:
            postponed.append((part, wait))
    await _write_limits(work, arrivals, postponed)
    return admitted


def _draw(
    arrivals: dict[str, datetime], scopes: Sequence[tuple[str, float, int]], now: datetime
) -> datetime | None:
    """Draw one send from all its buckets, or from none; returns until when it must wait."""
    drawn = {}
    for scope, interval, burst in scopes:
        arrival, wait = core.admit(arrivals.get(scope), now, interval, burst)
        if wait is not None:
            return wait
        drawn[scope] = arrival
    arrivals.update(drawn)
    return None


async def _write_limits(
    work: Work, arrivals: Mapping[str, datetime], postponed: Sequence[tuple[Part, datetime]]
) -> None:
    if arrivals:
        await work.conn.execute(
            QUERIES["set_limits"],
            {"scopes": list(arrivals), "arrivals": list(arrivals.values())},
        )
    if postponed:
        await work.conn.execute(
            QUERIES["postpone"],
            {
                "outlets": [part.outlet_id for part, _ in postponed],
                "ids": [part.id for part, _ in postponed],
                "ready": [wait for _, wait in postponed],
            },
        )


async def finish(work: Work, changes: Sequence[tuple[Part, Change]]) -> set[UUID]:
    """Write outcomes; returns the ids that were still ours (a stale fence changes nothing)."""
    cursor = await work.conn.execute(
        QUERIES["finish"],
        {
            "now": work.now,
            "outlets": [part.outlet_id for part, _ in changes],
            "ids": [part.id for part, _ in changes],
            "fences": [part.fence for part, _ in changes],
            "statuses": [change.status.value for _, change in changes],
            "attempts": [change.attempts for _, change in changes],
            "ready": [change.ready_at for _, change in changes],
            "vendor_ids": [change.vendor_id or None for _, change in changes],
            "errors": [change.error for _, change in changes],
            "finished": [change.finished for _, change in changes],
        },
    )
    return {row[0] for row in await cursor.fetchall()}


async def hold_scope(work: Work, scope: str, until: datetime) -> None:
    """Let nothing leave in ``scope`` before ``until``: the vendor said so."""
    await work.conn.execute(QUERIES["hold_scope"], {"scope": scope, "arrival": until})


async def fail_rest(work: Work, outlet_id: UUID, conversation_id: UUID, reason: str) -> None:
    """Give up what is still queued for a conversation that cannot be reached."""
    await work.conn.execute(
        QUERIES["fail_rest"],
        {
            "outlet_id": outlet_id,
            "conversation_id": conversation_id,
            "reason": reason,
            "now": work.now,
        },
    )


async def readdress(work: Work, outlet_id: UUID, conversation_id: UUID, thread: str) -> None:
    """Send what is still queued for a conversation to its chat's new id."""
    await work.conn.execute(
        QUERIES["readdress"],
        {"outlet_id": outlet_id, "conversation_id": conversation_id, "thread": thread},
    )


async def next_ready(work: Work) -> datetime | None:
    """Return when the next part that waits for its time may leave, or None where none does."""
    row = await (await work.conn.execute(QUERIES["next_ready"], {"now": work.now})).fetchone()
    return None if row is None else row[0]


async def trouble(work: Work, outlet_id: UUID, limit: int = 100) -> list[Trouble]:
    """Return the parts that failed, expired, or whose fate is unknown, newest first."""
    parameters = {"outlet_id": outlet_id, "limit": limit}
    cursor = await work.conn.execute(QUERIES["trouble"], parameters)
    return [
        Trouble(row[0], row[1], row[2], row[3], Status(row[4]), row[5], row[6])
        for row in await cursor.fetchall()
    ]


async def resend(work: Work, outlet_id: UUID, part_id: UUID) -> bool:
    """Queue a failed or unknown part again, by an operator's decision."""
    parameters = {"outlet_id": outlet_id, "id": part_id, "now": work.now}
    return (await work.conn.execute(QUERIES["resend"], parameters)).rowcount == 1


async def depth(work: Work) -> tuple[int, float]:
    """Return how many parts are open and the age of the oldest in seconds."""
    row = await (await work.conn.execute(QUERIES["depth"], {"now": work.now})).fetchone()
    return (0, 0.0) if row is None else (row[0], float(row[1] or 0))
