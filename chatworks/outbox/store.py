"""The parts' table: queue many, lease what may leave now, settle outcomes, recover."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from chatworks.channels.models import Channel, ChannelKind, Consequence, Report, WirePart
from chatworks.kit.db import load_queries
from chatworks.kit.ids import thread_key
from chatworks.kit.work import Work
from chatworks.outbox import core
from chatworks.outbox.models import (
    HELD_FOR_MOST,
    LEASE,
    REPORTS_KEPT_FOR,
    Change,
    NewPart,
    Part,
    PartLane,
    Reported,
    Standing,
    Status,
    Told,
    Trouble,
    Waiting,
    WindowClosed,
)

QUERIES = load_queries(__package__)
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
            "lanes": [part.lane for part in parts],
            "payloads": [_encode(part.payload).decode() for part in parts],
            "held": [part.held_for for part in parts],
            "ready": [part.ready_at for part in parts],
            "expires": [part.expires_at for part in parts],
        },
    )
    work.notify(["outbox"])


async def recover(work: Work, kinds: Iterable[ChannelKind]) -> None:
    """Settle what time has settled: what is too old, and leases of senders that died."""
    known = list(kinds)
    repeatable = [f"{kind.kind} {method}" for kind in known for method in kind.repeatable]
    asking = [kind.kind for kind in known if kind.reconcile is not None]
    await work.conn.execute(QUERIES["expire"], {"now": work.now})
    await work.conn.execute(
        QUERIES["recover"], {"now": work.now, "repeatable": repeatable, "asking": asking}
    )
    await work.conn.execute(QUERIES["forget_limits"], {"before": work.now - LIMITS_KEPT_FOR})
    await work.conn.execute(QUERIES["forget_reports"], {"before": work.now - REPORTS_KEPT_FOR})


async def lanes(work: Work) -> list[Waiting]:
    """Return the lanes that have queued parts; its cost does not grow with how many wait."""
    cursor = await work.conn.execute(QUERIES["lanes"], {"now": work.now})
    return [Waiting(PartLane(row[0]), *row[1:]) for row in await cursor.fetchall()]


async def arrivals(work: Work, scopes: Sequence[str]) -> dict[str, datetime]:
    """Lock these buckets and return their arrival times. Channels are locked before chats."""
    if not scopes:
        return {}
    parameters = {"now": work.now, "scopes": sorted(scopes)}
    cursor = await work.conn.execute(QUERIES["limits"], parameters)
    return dict(await cursor.fetchall())


async def set_arrivals(work: Work, moved: Mapping[str, datetime]) -> None:
    """Write the arrival times of locked buckets."""
    if moved:
        await work.conn.execute(
            QUERIES["set_limits"], {"scopes": list(moved), "arrivals": list(moved.values())}
        )


async def lease(work: Work, counts: Mapping[tuple[PartLane, UUID], int]) -> list[Part]:
    """Lease up to so many parts of each lane of a channel, in the order of queueing."""
    if not counts:
        return []
    cursor = await work.conn.execute(
        QUERIES["lease"],
        {
            "now": work.now,
            "until": work.now + LEASE,
            "lanes": [lane for lane, _ in counts],
            "channels": [channel for _, channel in counts],
            "counts": list(counts.values()),
        },
    )
    return sorted(map(_part, await cursor.fetchall()), key=lambda part: (part.lane, part.n))


async def lease_doubtful(work: Work, limit: int) -> list[Part]:
    """Lease parts whose vendor is to be asked now what became of them."""
    parameters = {"now": work.now, "until": work.now + LEASE, "limit": limit}
    cursor = await work.conn.execute(QUERIES["lease_doubtful"], parameters)
    return [_part(row) for row in await cursor.fetchall()]


def _part(row: tuple[object, ...]) -> Part:
    values = list(row)
    values[6] = _wire.decode(str(row[6]))
    return Part(*values)  # type: ignore[arg-type]


async def give_back(work: Work, postponed: Sequence[tuple[Part, datetime]]) -> None:
    """Queue leased parts again until their times; what waits behind them waits as long.

    A part that is not leased any more stays as it is.
    """
    if postponed:
        await work.conn.execute(
            QUERIES["give_back"],
            {
                "conversations": [part.conversation_id for part, _ in postponed],
                "fences": [part.fence for part, _ in postponed],
                "ids": [part.id for part, _ in postponed],
                "ready": [ready_at for _, ready_at in postponed],
            },
        )


async def finish(work: Work, changes: Sequence[tuple[Part, Change]]) -> set[UUID]:
    """Write outcomes; returns the ids that were still ours (a stale fence changes nothing).

    Until the commit no report is taken about the messages whose vendor's ids are written here.
    """
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
            "looks": [change.looks for _, change in changes],
            "look_at": [change.look_at for _, change in changes],
            "keys": _report_keys(
                (part.channel_id, change.vendor_id) for part, change in changes if change.vendor_id
            ),
        },
    )
    return {row[0] for row in await cursor.fetchall()}


def _report_keys(messages: Iterable[tuple[UUID, str]]) -> list[int]:
    """Return the lock keys of messages, in the order in which everybody takes them."""
    return sorted({thread_key(channel, f"report {vendor_id}") for channel, vendor_id in messages})


async def lock_reports(work: Work, reports: Sequence[Reported]) -> None:
    """Wait until no send of these messages is being settled, and let none begin.

    A report finds its part by the vendor's id, which the settling of its send writes. Both take
    this lock first and look in a later statement, so that one of them sees the other.
    """
    keys = _report_keys((item.channel_id, item.report.vendor_id) for item in reports)
    await work.conn.execute(QUERIES["lock_reports"], {"keys": keys})


async def report(work: Work, reports: Sequence[Reported]) -> dict[int, Told]:
    """Merge reports, one for each message, into their parts; returns the parts by place in
    ``reports``. What is not in the answer is not known yet.
    """
    cursor = await work.conn.execute(
        QUERIES["report"],
        {
            "now": work.now,
            **_report_columns(reports),
            "below": [" ".join(core.below(Status(item.report.status))) for item in reports],
        },
    )
    return {row[0] - 1: Told(*row[1:]) for row in await cursor.fetchall()}


def _report_columns(reports: Sequence[Reported]) -> dict[str, list[object]]:
    return {
        "outlets": [item.outlet_id for item in reports],
        "channels": [item.channel_id for item in reports],
        "vendor_ids": [item.report.vendor_id for item in reports],
        "statuses": [item.report.status for item in reports],
        "errors": [item.report.error for item in reports],
    }


async def known_ids(work: Work, channel: Channel, vendor_ids: Sequence[str]) -> frozenset[str]:
    """Return those of a vendor's ids that parts of a channel have."""
    parameters = {
        "outlet_id": channel.outlet_id,
        "channel_id": channel.id,
        "vendor_ids": list(vendor_ids),
    }
    cursor = await work.conn.execute(QUERIES["known_ids"], parameters)
    return frozenset(row[0] for row in await cursor.fetchall())


async def keep_reports(work: Work, reports: Sequence[Reported]) -> None:
    """Keep reports about messages that are not known yet, each status once."""
    consequences = [item.report.consequence.value for item in reports]
    parameters = {"now": work.now, **_report_columns(reports), "consequences": consequences}
    await work.conn.execute(QUERIES["keep_reports"], parameters)


async def take_reports(work: Work, settled: Sequence[tuple[UUID, UUID, str]]) -> list[Reported]:
    """Take away and return what was kept about messages: (outlet, channel, vendor's id)."""
    cursor = await work.conn.execute(
        QUERIES["take_reports"],
        {
            "outlets": [outlet for outlet, _, _ in settled],
            "channels": [channel for _, channel, _ in settled],
            "vendor_ids": [vendor_id for _, _, vendor_id in settled],
        },
    )
    return [
        Reported(row[0], row[1], Report(row[2], row[3], "", row[4], Consequence(row[5])))
        for row in await cursor.fetchall()
    ]


async def release(work: Work, keys: Sequence[tuple[UUID, UUID]], held_for: str) -> None:
    """Queue what is held for one reason in conversations, named by (outlet, conversation)."""
    parameters = {
        "outlets": [outlet for outlet, _ in keys],
        "conversations": [conversation for _, conversation in keys],
        "held_for": held_for,
        "now": work.now,
    }
    if (await work.conn.execute(QUERIES["release"], parameters)).rowcount:
        work.notify(["outbox"])


async def hold_back(work: Work, fact: WindowClosed, held_for: str) -> bool:
    """Hold a refused part and the free text behind it; returns whether it was held by this call."""
    cursor = await work.conn.execute(
        QUERIES["hold_back"],
        {
            "outlet_id": fact.outlet_id,
            "conversation_id": fact.conversation_id,
            "id": fact.part_id,
            "held_for": held_for,
            "until": work.now + HELD_FOR_MOST,
        },
    )
    return (fact.part_id,) in await cursor.fetchall()


async def send_anew(work: Work, outlet_id: UUID, part_id: UUID) -> None:
    """Queue a failed part again, in its old place."""
    parameters = {"outlet_id": outlet_id, "id": part_id, "now": work.now}
    await work.conn.execute(QUERIES["send_anew"], parameters)
    work.notify(["outbox"])


async def waiting(work: Work, keys: Sequence[tuple[UUID, UUID]]) -> set[tuple[UUID, UUID]]:
    """Return those conversations among ``keys``, (outlet, conversation), that hold parts."""
    parameters = {"outlets": [key[0] for key in keys], "conversations": [key[1] for key in keys]}
    cursor = await work.conn.execute(QUERIES["waiting"], parameters)
    return {(row[0], row[1]) for row in await cursor.fetchall()}


async def templated(work: Work, outlet_id: UUID, conversation_id: UUID, seq: int) -> bool:
    """Return whether the message ``seq`` has sent its template."""
    parameters = {"outlet_id": outlet_id, "conversation_id": conversation_id, "seq": seq}
    return await (await work.conn.execute(QUERIES["templated"], parameters)).fetchone() is not None


async def standing(
    work: Work, outlet_id: UUID, conversation_id: UUID, seqs: Sequence[int]
) -> dict[int, Standing]:
    """Return where messages stand, by seq; one that left by no wire part is not in the answer."""
    parameters = {"outlet_id": outlet_id, "conversation_id": conversation_id, "seqs": list(seqs)}
    cursor = await work.conn.execute(QUERIES["standing"], parameters)
    parts: dict[int, list[tuple[Status, str]]] = {}
    for seq, status, reason in await cursor.fetchall():
        parts.setdefault(seq, []).append((Status(status), reason))
    return {seq: core.standing(pairs) for seq, pairs in parts.items()}


async def hold_scopes(work: Work, held: Sequence[tuple[str, datetime]]) -> None:
    """Let nothing leave in these scopes before their times: the vendor said so.

    They are locked as a lease does it: channels before chats, each in the order of their names.
    """
    latest = dict(sorted(held, key=lambda item: item[1]))
    names = sorted(latest, key=lambda scope: (scope.count(":") > 1, scope))
    parameters = {"scopes": names, "arrivals": [latest[name] for name in names]}
    await work.conn.execute(QUERIES["hold_scopes"], parameters)


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


async def trouble(work: Work, outlet_id: UUID, limit: int = 100) -> list[Trouble]:
    """Return the parts that failed, expired, are held, or whose fate is unknown, newest first."""
    parameters = {"outlet_id": outlet_id, "limit": limit}
    cursor = await work.conn.execute(QUERIES["trouble"], parameters)
    return [
        Trouble(row[0], row[1], row[2], row[3], Status(row[4]), row[5], row[6], row[7])
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
