"""What a broadcast may do and whom a step takes, as pure decisions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from chatworks.broadcasts import core
from chatworks.broadcasts.models import (
    AHEAD_SECONDS,
    STEP_MAX,
    Counted,
    Move,
    Outcome,
    Recipient,
    Segment,
    Status,
)
from chatworks.broadcasts.service import offer
from chatworks.contacts.models import Chosen, Decision, Passed, Route, Why

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
OUTLET = UUID(int=1)


def route(number: int, kind: str = "", *passed: Why, until: datetime | None = None) -> Route:
    """Return a decided route to a person's only conversation; "" is to nowhere."""
    talk = UUID(int=number)
    return Route(
        outlet_id=OUTLET,
        id=talk,
        wish=offer(OUTLET, talk, "x", "offer"),
        status="held" if until else "sent" if kind else "nowhere",
        decision=Decision(
            (Chosen(talk, kind, "used"),) if kind else (),
            tuple(Passed(talk, "telegram", why) for why in passed),
        ),
        due_at=until,
        sent_to=talk if kind and not until else None,
    )


@pytest.mark.parametrize(
    ("move", "leads"),
    [
        (Move.SEND, {Status.DRAFT: Status.SCHEDULED, Status.SCHEDULED: Status.SCHEDULED}),
        (Move.PAUSE, {Status.SENDING: Status.PAUSED}),
        (Move.RESUME, {Status.PAUSED: Status.SENDING}),
        (
            Move.CANCEL,
            dict.fromkeys(
                (Status.DRAFT, Status.SCHEDULED, Status.SENDING, Status.PAUSED), Status.CANCELLED
            ),
        ),
    ],
)
def test_where_each_move_leads(move: Move, leads: dict[Status, Status]) -> None:
    assert {s: to for s in Status if (to := core.moved(s, move))} == leads


@pytest.mark.parametrize(
    ("interval", "queued", "room"),
    [
        (1 / 30, 0, 30 * AHEAD_SECONDS),
        (1 / 30, 89, 1),
        (1 / 30, 90, 0),
        (1.0, 0, 3),
        (10.0, 0, 1),  # the slowest channel still sends
        (10.0, 1, 0),
        (None, 0, STEP_MAX),
    ],
)
def test_how_much_may_be_queued(interval: float | None, queued: int, room: int) -> None:
    assert core.room(interval, queued) == room


def test_the_reason_is_the_one_closest_to_sending() -> None:
    assert core.why_not(route(1, "", Why.NO_CONSENT, Why.WINDOW_CLOSED, Why.STOPPED)) == (
        "window_closed"
    )
    assert core.why_not(route(1, "", Why.STOPPED, Why.NO_CONSENT)) == "no_consent"
    assert core.why_not(route(1)) == "nowhere"


def test_a_count_is_by_channel_and_reason() -> None:
    routes = [
        route(1, "telegram"),
        route(2, "telegram", until=NOW),
        route(3, "twilio_sms"),
        route(4, "", Why.NO_CONSENT),
        route(5, "", Why.WINDOW_CLOSED),
    ]

    assert core.count(9, routes) == Counted(
        persons=9,
        looked=5,
        reached={"telegram": 2, "twilio_sms": 1},
        left_out={"no_consent": 1, "window_closed": 1},
        quiet=1,
    )


def test_a_full_channel_puts_off_and_holds_nobody_else_up() -> None:
    until = NOW + timedelta(hours=8)
    routes = [
        route(1, "twilio_sms"),
        route(2, "twilio_sms"),
        route(3, "telegram"),
        route(4, "telegram", until=until),
        route(5, "", Why.BLOCKED),
        route(6, "telegram"),
    ]
    people = [Recipient(UUID(int=n), UUID(int=n), "en", n == 6) for n in range(1, 7)]

    found = core.outcomes(people, routes, {"twilio_sms": 1, "telegram": 9}, NOW)

    assert found == [
        Outcome(UUID(int=1), sent_to=UUID(int=1)),
        Outcome(UUID(int=2), due_at=NOW + timedelta(seconds=1)),
        Outcome(UUID(int=3), sent_to=UUID(int=3)),
        Outcome(UUID(int=4), due_at=until),
        Outcome(UUID(int=5), why="blocked"),
        Outcome(UUID(int=6), why="joined"),
    ]


def test_the_text_is_the_readers_or_the_outlets_first() -> None:
    texts = {"en": "Hello", "sw": "Habari"}

    assert core.text_for(texts, "sw", ("en", "sw")) == "Habari"
    assert core.text_for(texts, "fr", ("en", "sw")) == "Hello"


def test_a_segment_in_words() -> None:
    titles = {"telegram": "Telegram", "twilio_sms": "SMS"}

    assert core.describe(Segment(), titles) == "everybody, on every channel"
    assert (
        core.describe(Segment(("telegram", "twilio_sms"), ("sw",), ordered_days=30), titles)
        == "who ordered within 30 days, on Telegram or SMS, reading sw"
    )
