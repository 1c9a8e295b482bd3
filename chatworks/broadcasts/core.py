"""What a broadcast may do, whom it reaches and why not, and how much may be queued. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from math import floor
from uuid import UUID

from chatworks.broadcasts.models import (
    AHEAD_SECONDS,
    DAYS_MAX,
    NAME_LENGTH_MAX,
    STEP_MAX,
    STEP_SECONDS,
    TEXT_LENGTH_MAX,
    TOPIC,
    Counted,
    LeftOut,
    Move,
    Outcome,
    Recipient,
    Segment,
    Status,
    WriteBroadcast,
)
from chatworks.contacts.models import Route, Why

_OPEN = frozenset({Status.DRAFT, Status.SCHEDULED, Status.SENDING, Status.PAUSED})
MOVES: Mapping[Move, tuple[frozenset[Status], Status]] = {
    Move.SEND: (frozenset({Status.DRAFT, Status.SCHEDULED}), Status.SCHEDULED),
    Move.PAUSE: (frozenset({Status.SENDING}), Status.PAUSED),
    Move.RESUME: (frozenset({Status.PAUSED}), Status.SENDING),
    Move.CANCEL: (_OPEN, Status.CANCELLED),
}
_REASONS = list(Why)  # in the order in which they are looked at


def moved(status: Status, move: Move) -> Status | None:
    """Return where ``move`` leads from ``status``; None where it cannot be done."""
    allowed, to = MOVES[move]
    return to if status in allowed else None


def problem(request: WriteBroadcast, languages: Sequence[str], kinds: Sequence[str]) -> str:
    """Return what is wrong with a draft of an outlet with these languages and kinds of channels."""
    segment = request.segment
    texts = [request.texts.get(language, "").strip() for language in languages]
    checks = (
        (
            0 < len(request.name.strip()) <= NAME_LENGTH_MAX,
            f"A name has 1 to {NAME_LENGTH_MAX} characters.",
        ),
        (
            bool(re.fullmatch(TOPIC, request.topic)),
            "A topic has 1 to 32 small letters, digits, - or _.",
        ),
        (
            all(0 < len(text) <= TEXT_LENGTH_MAX for text in texts),
            f"Each language needs 1 to {TEXT_LENGTH_MAX:,} characters.",
        ),
        (
            set(request.texts) <= set(languages),
            "There is a text in a language that nobody reads here.",
        ),
        (set(segment.languages) <= set(languages), "The outlet has no such language."),
        (set(segment.kinds) <= set(kinds), "The outlet has no such channel."),
        (
            segment.ordered_days is None or 1 <= segment.ordered_days <= DAYS_MAX,
            f"Days are a number from 1 to {DAYS_MAX:,}.",
        ),
        (
            segment.ordered_days is None or not segment.never_ordered,
            "Who ordered lately has ordered: choose one of the two.",
        ),
    )
    return next((said for good, said in checks if not good), "")


def why_not(route: Route) -> str:
    """Return the reason that stood closest to sending, of all conversations of a person."""
    passed = [one.why for one in route.decision.passed]
    return max(passed, key=_REASONS.index).value if passed else LeftOut.NOWHERE.value


def count(persons: int, routes: Sequence[Route]) -> Counted:
    """Count what the router would do about the first of ``persons``."""
    reached = Counter(r.decision.chosen[0].kind for r in routes if r.decision.chosen)
    left_out = Counter(why_not(r) for r in routes if not r.decision.chosen)
    quiet = sum(route.status == "held" for route in routes)
    return Counted(persons, len(routes), dict(reached), dict(left_out), quiet)


def room(interval: float | None, queued: int) -> int:
    """Return how many more messages a kind of channel may have queued that sends one in each
    ``interval`` seconds (None: they are on their page at once).
    """
    if not interval:
        return STEP_MAX
    return max(1, floor(AHEAD_SECONDS / interval)) - queued


def outcomes(
    recipients: Sequence[Recipient],
    routes: Sequence[Route],
    rooms: Mapping[str, int],
    now: datetime,
) -> list[Outcome]:
    """Return what to do about each recipient, for whom the router decided this.

    Who finds no room on the channel that was chosen is put off for one step, behind the others.
    """
    left = dict(rooms)
    found: list[Outcome] = []
    for recipient, route in zip(recipients, routes, strict=True):
        found.append(_outcome(recipient, route, left, now))
    return found


def _outcome(recipient: Recipient, route: Route, left: dict[str, int], now: datetime) -> Outcome:
    person: UUID = recipient.person_id
    if recipient.joined:
        return Outcome(person, why=LeftOut.JOINED.value)
    if not route.decision.chosen:
        return Outcome(person, why=why_not(route))
    if route.status == "held":
        return Outcome(person, due_at=route.due_at)
    kind = route.decision.chosen[0].kind
    if left.get(kind, 0) <= 0:
        return Outcome(person, due_at=now + timedelta(seconds=STEP_SECONDS))
    left[kind] -= 1
    return Outcome(person, sent_to=route.sent_to)


def text_for(texts: Mapping[str, str], language: str, languages: Sequence[str]) -> str:
    """Return the text that somebody reads: in their language, else in the outlet's first one."""
    return texts.get(language) or texts[languages[0]]


def describe(segment: Segment, kinds: Mapping[str, str]) -> str:
    """Return a segment in an operator's words; ``kinds`` are the titles of channels."""
    ordered = "everybody"
    if segment.never_ordered:
        ordered = "who never ordered"
    elif segment.ordered_days is not None:
        ordered = f"who ordered within {segment.ordered_days} days"
    on = " or ".join(kinds.get(kind, kind) for kind in segment.kinds) or "every channel"
    reads = f", reading {' or '.join(segment.languages)}" if segment.languages else ""
    return f"{ordered}, on {on}{reads}"
