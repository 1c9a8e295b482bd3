"""Pure decisions of the outbox: what an outcome means, how long to wait, what a limit allows."""

from __future__ import annotations

from datetime import datetime, timedelta

from chatworks.channels.models import (
    Accepted,
    Ambiguous,
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
    RANK,
    Change,
    Part,
    Status,
)


def merge(known: Status, reported: Status) -> Status:
    """Return the later of two statuses: reports come in any order and never lead back."""
    return reported if RANK[reported] > RANK[known] else known


def backoff(attempts: int, jitter: float) -> float:
    """Return the seconds to wait after ``attempts`` tries; ``jitter`` is in [0, 1)."""
    longest = min(BACKOFF_SECONDS_MAX, BACKOFF_SECONDS_MIN * 2 ** max(0, attempts - 1))
    return float(longest * (0.5 + jitter / 2))


def decide(part: Part, outcome: Outcome, now: datetime, jitter: float) -> Change:
    """Return what ``outcome`` does to ``part``."""
    attempts = part.attempts + 1
    match outcome:
        case Accepted(vendor_id):
            return Change(Status.SENT, attempts, now, vendor_id=vendor_id)
        case Permanent(reason, Consequence.DISABLE_CHANNEL):  # not the part's fault: it waits
            return Change(Status.QUEUED, part.attempts, now, error=reason, finished=False)
        case Permanent(reason, _, migrate_to):
            again = bool(migrate_to)
            status = Status.QUEUED if again else Status.FAILED
            return Change(status, attempts, now, error=reason, finished=not again)
        case Ambiguous(reason):
            return Change(Status.UNKNOWN, attempts, now, error=reason)
        case RetryAfter(seconds, _, reason):
            return _retry(part, now, seconds or -backoff(attempts, jitter), reason)


def _retry(part: Part, now: datetime, seconds: float, reason: str) -> Change:
    """Wait as long as the vendor said (no fault of the part), or by back-off (negative)."""
    attempts = part.attempts if seconds > 0 else part.attempts + 1
    if attempts >= ATTEMPTS_MAX:
        return Change(Status.FAILED, attempts, now, error=f"{attempts} tries: {reason}")
    ready = now + timedelta(seconds=abs(seconds))
    return Change(Status.QUEUED, attempts, ready, error=reason, finished=False)


def scopes(kind: str, channel: str, thread: str, limits: Limits) -> list[tuple[str, float, int]]:
    """Return the buckets that one send draws from: scope, emission interval, burst.

    A Telegram group's chat id is negative: it has a limit of its own.
    """
    group = thread.startswith("-")
    interval = limits.group_interval if group else limits.chat_interval
    burst = limits.group_burst if group else limits.chat_burst
    return [
        (f"{kind}:{channel}", limits.channel_interval, limits.channel_burst),
        (f"{kind}:{channel}:{thread}", interval, burst),
    ]


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
