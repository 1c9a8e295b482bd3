"""Pure decisions of the outbox: what an outcome means, how long to wait, what a limit allows."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

from chatworks.channels.models import (
    Accepted,
    Consequence,
    Limits,
    Outcome,
    Permanent,
    RetryAfter,
)
from chatworks.outbox.models import (
    ATTEMPTS_MAX,
    BACKOFF_SECONDS_MAX,
    BACKOFF_SECONDS_MIN,
    LOOK_SECONDS,
    RANK,
    REPORTABLE,
    Change,
    Part,
    Reported,
    Standing,
    Status,
)

Key = TypeVar("Key", bound=Hashable)


def merge(known: Status, reported: Status) -> Status:
    """Return the later of two statuses: reports come in any order and never lead back."""
    return reported if RANK[reported] > RANK[known] else known


def reported(status: str) -> Status:
    """Return the status that a report names; ``ValueError`` where a vendor cannot say that."""
    known = Status(status)
    if known not in REPORTABLE:
        raise ValueError(f"no vendor reports {status}")
    return known


def latest(reports: Iterable[Reported]) -> list[Reported]:
    """Return for each message the report that stands, in the order of their keys."""
    standing: dict[tuple[bytes, bytes, str], Reported] = {}
    for item in reports:
        key = (item.outlet_id.bytes, item.channel_id.bytes, item.report.vendor_id)
        known = standing.get(key)
        if known is None or RANK[reported(item.report.status)] > RANK[Status(known.report.status)]:
            standing[key] = item
    return [standing[key] for key in sorted(standing)]


def below(status: Status) -> list[str]:
    """Return the statuses that ``status`` replaces."""
    return sorted(known.value for known in Status if RANK[known] < RANK[status])


def standing(parts: Sequence[tuple[Status, str]]) -> Standing:
    """Return where a message of these (status, reason) stands: as its slowest part does.

    What failed, expired or is in doubt weighs more than what is still on its way.
    """
    ends = (Status.FAILED, Status.EXPIRED, Status.UNKNOWN)
    for end in ends:
        for status, reason in parts:
            if status is end:
                return Standing(status, reason)
    status, reason = min(parts, key=lambda part: RANK[part[0]])
    return Standing(status, reason if status is Status.HELD else "")


def backoff(attempts: int, jitter: float) -> float:
    """Return the seconds to wait after ``attempts`` tries; ``jitter`` is in [0, 1)."""
    longest = min(BACKOFF_SECONDS_MAX, BACKOFF_SECONDS_MIN * 2 ** max(0, attempts - 1))
    return float(longest * (0.5 + jitter / 2))


def decide(
    part: Part, outcome: Outcome | None, now: datetime, jitter: float, *, asks: bool = False
) -> Change:
    """Return what ``outcome`` does to ``part``; None is a vendor that cannot say.

    ``asks`` tells whether the vendor can be asked about a part whose fate is unknown.
    """
    attempts = part.attempts if part.in_doubt else part.attempts + 1
    match outcome:
        case Accepted(vendor_id):
            return Change(Status.SENT, attempts, now, vendor_id=vendor_id)
        case Permanent(reason, Consequence.DISABLE_CHANNEL) if part.in_doubt:
            return _doubt(part, now, reason, attempts if asks else None)
        case Permanent(reason, Consequence.DISABLE_CHANNEL):  # not the part's fault: it waits
            return Change(Status.QUEUED, part.attempts, now, error=reason, finished=False)
        case Permanent(reason, _, migrate_to):
            again = bool(migrate_to)
            status = Status.QUEUED if again else Status.FAILED
            return Change(status, attempts, now, error=reason, finished=not again)
        case RetryAfter(seconds, _, reason):
            return _retry(part, now, seconds or -backoff(attempts, jitter), reason)
        case _:
            reason = outcome.reason if outcome is not None else "the vendor cannot say"
            return _doubt(part, now, reason, attempts if asks else None)


def _doubt(part: Part, now: datetime, reason: str, attempts: int | None) -> Change:
    """Leave a part in doubt, and ask the vendor later, a few times; None is never."""
    if attempts is None or part.looks >= len(LOOK_SECONDS):
        tries = part.attempts + (not part.in_doubt)
        return Change(Status.UNKNOWN, tries, now, error=reason, looks=part.looks)
    look_at = now + timedelta(seconds=LOOK_SECONDS[part.looks])
    return Change(
        Status.UNKNOWN, attempts, now, error=reason, looks=part.looks + 1, look_at=look_at
    )


def _retry(part: Part, now: datetime, seconds: float, reason: str) -> Change:
    """Wait as long as the vendor said (no fault of the part), or by back-off (negative)."""
    attempts = part.attempts if seconds > 0 else part.attempts + 1
    if attempts >= ATTEMPTS_MAX:
        return Change(Status.FAILED, attempts, now, error=f"{attempts} tries: {reason}")
    ready = now + timedelta(seconds=abs(seconds))
    return Change(Status.QUEUED, attempts, ready, error=reason, finished=False)


def channel_scope(kind: str, channel: str) -> str:
    """Return the bucket of a whole channel."""
    return f"{kind}:{channel}"


def chat_bucket(kind: str, channel: str, thread: str, limits: Limits) -> tuple[str, float, int]:
    """Return the bucket of one chat: scope, emission interval, burst."""
    scope = f"{kind}:{channel}:{limits.chat_of(thread)}"
    if limits.is_group(thread):
        return scope, limits.group_interval, limits.group_burst
    return scope, limits.chat_interval, limits.chat_burst


def share(wanted: Mapping[Key, int], free: int) -> dict[Key, int]:
    """Divide ``free`` places among those who want some, as evenly as they can use them."""
    given: dict[Key, int] = {}
    rest = sorted((most, index) for index, most in enumerate(wanted.values()) if most > 0)
    keys = list(wanted)
    for place, (most, index) in enumerate(rest):
        given[keys[index]] = min(most, -(-free // (len(rest) - place)))
        free -= given[keys[index]]
    return {key: count for key, count in given.items() if count > 0}


def admit(
    arrival_at: datetime | None, now: datetime, interval: float, burst: int
) -> tuple[datetime, datetime | None]:
    """Decide one send by GCRA (ITU-T I.371): returns the new arrival time, and until when to wait.

    ``burst`` sends may come at once; after that one each ``interval`` seconds.
    """
    arrival = max(arrival_at or now, now)
    earliest = arrival - timedelta(seconds=interval * (burst - 1))
    if earliest > now:
        return arrival, earliest
    return arrival + timedelta(seconds=interval), None


def allowance(
    arrival_at: datetime | None, now: datetime, interval: float, burst: int
) -> tuple[int, datetime]:
    """Return how many sends ``admit`` would let through now, and when it lets the next one."""
    arrival = max(arrival_at or now, now)
    spare = interval * (burst - 1) - (arrival - now).total_seconds()
    count = int(spare / interval + 1e-9) + 1 if spare >= 0 else 0
    return count, arrival + timedelta(seconds=interval * (count - burst + 1))
