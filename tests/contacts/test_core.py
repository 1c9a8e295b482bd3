"""The pure decisions about contacts, over everything that may come."""

from __future__ import annotations

import itertools
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatworks.channels.models import Channel
from chatworks.contacts import core
from chatworks.contacts.core import Join, Leave
from chatworks.contacts.models import (
    Agreed,
    Candidate,
    Choice,
    Passed,
    Purpose,
    Rules,
    Way,
    Why,
)

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
KINDS = ("telegram", "twilio_whatsapp", "twilio_sms", "webchat")

# -- codes -------------------------------------------------------------------------------


@given(st.binary(min_size=10, max_size=10), st.data())
def test_a_code_fits_every_link_and_is_read_however_it_is_written(
    drawn: bytes, data: st.DataObject
) -> None:
    code = core.new_code(drawn)
    spelled = "".join(
        data.draw(st.sampled_from({"0": "0oO", "1": "1iIlL"}.get(c, c + c.lower())))
        for c in code[3:]
    )
    sign = data.draw(st.sampled_from(["-", " ", "", "_"]))

    assert re.fullmatch(r"[A-Za-z0-9_-]{1,64}", code)  # core.telegram.org/bots/features
    assert core.read_code(code) == code
    assert core.read_code(f" {data.draw(st.sampled_from(['GO', 'go', 'Go']))}{sign}{spelled} ") == (
        code
    )


@pytest.mark.parametrize(
    "text",
    ["", "go", "go downstairs", "2", "0712345678", "GO-123", "GO-AAAAAAAAAA", "my GO-2222222222",
     "GO-22222222222", "go-1234567890"],
)  # fmt: skip
def test_what_people_answer_is_no_code(text: str) -> None:
    assert core.read_code(text) is None


# -- persons -----------------------------------------------------------------------------

OUTLETS = [UUID(int=n) for n in (1, 2)]
CONTACTS = st.integers(10, 17).map(lambda n: UUID(int=n))
CHANGES = st.lists(
    st.one_of(
        st.builds(Join, st.sampled_from(OUTLETS), CONTACTS, CONTACTS),
        st.builds(Leave, st.sampled_from(OUTLETS), CONTACTS),
    ),
    max_size=20,
)


def together(persons: dict[core.Member, UUID]) -> set[frozenset[core.Member]]:
    by_person: dict[UUID, set[core.Member]] = {}
    for member, person in persons.items():
        by_person.setdefault(person, set()).add(member)
    return {frozenset(members) for members in by_person.values() if len(members) > 1}


@given(CHANGES, st.lists(st.booleans(), min_size=20, max_size=20))
def test_persons_are_what_was_joined_however_it_was_batched(
    changes: list[Join | Leave], cuts: list[bool]
) -> None:
    ids = itertools.count(1000)
    persons: dict[core.Member, UUID] = {}
    batch: list[Join | Leave] = []
    for change, cut in zip(changes, cuts, strict=False):
        batch.append(change)
        if cut:
            _apply(persons, core.regroup(persons, batch, lambda: UUID(int=next(ids))))
            batch = []
    _apply(persons, core.regroup(persons, batch, lambda: UUID(int=next(ids))))

    model: list[set[core.Member]] = []
    for change in changes:
        if isinstance(change, Leave):
            for group in model:
                group.discard((change.outlet_id, change.contact_id))
            continue
        pair = {(change.outlet_id, change.one), (change.outlet_id, change.other)}
        touched = [group for group in model if group & pair]
        model = [group for group in model if not group & pair] + [pair.union(*touched)]
    assert together(persons) == {frozenset(group) for group in model if len(group) > 1}
    assert all(len({outlet for outlet, _ in group}) == 1 for group in together(persons))


def _apply(persons: dict[core.Member, UUID], changed: dict[core.Member, UUID | None]) -> None:
    for member, person in changed.items():
        assert persons.get(member) != person
        if person is None:
            del persons[member]
        else:
            persons[member] = person


# -- ways --------------------------------------------------------------------------------


def channel(kind: str, name: str, n: int = 1, **more: Any) -> Channel:
    return Channel(OUTLETS[0], UUID(int=n), kind, "p", name, "webhook", **more)


@pytest.mark.parametrize(
    ("kind", "name", "way"),
    [
        ("telegram", "majipro_bot", Way("Telegram", link="https://t.me/majipro_bot?start=GO-2")),
        ("telegram", "Telegram", None),  # not connected yet: that is no bot's name
        ("telegram", "evil.example/x_bot", None),
        ("twilio_whatsapp", "+254 700 000 000",
         Way("WhatsApp", link="https://wa.me/254700000000?text=GO-2")),
        ("whatsapp", "254700000000", Way("WhatsApp", link="https://wa.me/254700000000?text=GO-2")),
        ("twilio_whatsapp", "WhatsApp", None),
        ("twilio_sms", "+254700000000", Way("SMS", number="+254700000000")),
        ("webchat", "Web chat", Way("Web chat", page="https://shop.example/o/x")),
        ("terminal", "Terminal", None),
    ],
)  # fmt: skip
def test_a_way_for_each_kind_of_channel(kind: str, name: str, way: Way | None) -> None:
    found = core.ways([channel(kind, name)], UUID(int=9), "https://shop.example/o/x", "GO-2")

    assert found == ([] if way is None else [way])


@pytest.mark.parametrize(
    ("kind", "address", "way"),
    [
        ("twilio_whatsapp", "whatsapp:+254700000001",
         Way("WhatsApp", link="https://wa.me/254700000001?text=GO-2")),
        ("twilio_whatsapp", "+254 700 000 001",
         Way("WhatsApp", link="https://wa.me/254700000001?text=GO-2")),
        ("twilio_sms", "+254700000001", Way("SMS", number="+254700000001")),
        ("twilio_sms", "MG" + "0" * 32, None),  # a service picks a number of its own
    ],
)  # fmt: skip
def test_the_number_is_the_address_whatever_the_name_is(
    kind: str, address: str, way: Way | None
) -> None:
    named = channel(kind, "MajiPro", address=address)

    found = core.ways([named], UUID(int=9), "https://shop.example/o/x", "GO-2")

    assert found == ([] if way is None else [way])


def test_neither_where_one_is_nor_what_is_broken_is_a_way() -> None:
    channels = [channel("webchat", "w", 1), channel("telegram", "maji_bot", 2, broken=True)]

    assert core.ways(channels, UUID(int=1), "https://shop.example", "GO-2") == []


# -- consent -----------------------------------------------------------------------------


@given(
    st.booleans(),
    st.booleans(),
    st.lists(st.builds(Choice, st.sampled_from(Purpose), st.booleans())),
)
def test_consent_is_its_last_change(
    transactional: bool,  # noqa: FBT001 - drawn
    marketing: bool,  # noqa: FBT001 - drawn
    choices: list[Choice],
) -> None:
    stands = {Purpose.TRANSACTIONAL: transactional, Purpose.MARKETING: marketing}
    after, changes = core.fold(Agreed(transactional, marketing), choices)

    replayed = dict(stands)
    for change in changes:
        assert replayed[change.purpose] != change.given  # a change, never a repetition
        replayed[change.purpose] = change.given
    last = stands | {choice.purpose: choice.given for choice in choices}
    assert replayed == last
    assert after == Agreed(last[Purpose.TRANSACTIONAL], last[Purpose.MARKETING])


# -- quiet hours -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("local", "ends"),
    [
        ("20:59", None),
        ("21:00", "2026-11-03T04:00"),
        ("23:30", "2026-11-03T04:00"),
        ("00:00", "2026-11-02T04:00"),
        ("06:59", "2026-11-02T04:00"),
        ("07:00", None),
    ],
)
def test_quiet_hours_run_past_midnight_where_the_person_lives(local: str, ends: str | None) -> None:
    hour, minute = map(int, local.split(":"))
    now = datetime(2026, 11, 2, hour, minute, tzinfo=UTC) - timedelta(hours=3)  # Nairobi
    wanted = None if ends is None else datetime.fromisoformat(f"{ends}+00:00")

    assert core.quiet_until(("21:00", "07:00"), "Africa/Nairobi", now) == wanted


TIMES = st.builds("{:02}:{:02}".format, st.integers(0, 23), st.integers(0, 59))


@given(TIMES, TIMES, st.integers(0, 400_000), st.sampled_from(["Africa/Nairobi", "Europe/Berlin"]))
def test_who_is_let_go_is_outside_of_the_quiet_hours(
    begins: str, ends: str, minutes: int, zone: str
) -> None:
    now = NOW + timedelta(minutes=minutes)
    until = core.quiet_until((begins, ends), zone, now)

    if until is not None:
        assert now < until <= now + timedelta(hours=25)  # one more where clocks go back
        assert begins == ends or core.quiet_until((begins, ends), zone, until) is None
    assert core.quiet_until(None, zone, now) is None


def test_the_number_tells_the_time_zone_where_its_country_has_one() -> None:
    assert core.zone_of(["+254712345678"], "Europe/Berlin") == "Africa/Nairobi"
    assert core.zone_of(["+79031234567", "nonsense"], "Africa/Nairobi") == "Africa/Nairobi"
    assert core.zone_of([], "Africa/Nairobi") == "Africa/Nairobi"


# -- routes ------------------------------------------------------------------------------

HEARD = st.none() | st.integers(0, 100_000).map(lambda s: NOW - timedelta(seconds=s))
CANDIDATES = st.lists(
    st.builds(
        Candidate,
        conversation_id=st.integers(1, 10**6).map(lambda n: UUID(int=n)),
        kind=st.sampled_from(KINDS),
        status=st.sampled_from(["active", "stopped", "blocked"]),
        agreed=st.builds(Agreed, st.just(value=True), st.booleans()),
        channel=st.sampled_from(["", "", "off", "broken"]),
        pushes=st.booleans(),
        window_hours=st.sampled_from([None, 24]),
        template=st.booleans(),
        heard_at=HEARD,
        window_at=HEARD,
    ),
    max_size=6,
    unique_by=lambda c: c.conversation_id,
)
RULES = st.builds(
    Rules,
    st.lists(st.sampled_from(KINDS), unique=True).map(tuple),
    st.dictionaries(st.sampled_from(KINDS), st.integers(0, 100)),
    st.none(),
    st.just(()),
)


def fits(c: Candidate, purpose: Purpose) -> bool:
    opened = c.window_at is not None and NOW - c.window_at < timedelta(hours=24)
    return (
        c.status == "active"
        and c.channel == ""
        and (c.window_hours is None or opened or c.template)
        and (purpose is Purpose.TRANSACTIONAL or c.agreed.marketing)
    )


@given(CANDIDATES, st.sampled_from(Purpose), RULES, st.data())
def test_every_candidate_is_ordered_or_passed_over_with_its_reason(
    candidates: list[Candidate], purpose: Purpose, rules: Rules, data: st.DataObject
) -> None:
    decision = core.choose(candidates, purpose, NOW, rules)

    chosen = [one.conversation_id for one in decision.chosen]
    assert {c.conversation_id for c in candidates if fits(c, purpose)} == set(chosen)
    assert len(decision.chosen) + len(decision.passed) == len(candidates)
    shuffled = data.draw(st.permutations(candidates))
    again = core.choose(shuffled, purpose, NOW, rules)
    assert sorted(map(repr, again.passed)) == sorted(map(repr, decision.passed))
    assert {c.conversation_id for c in again.chosen} == set(chosen)
    if chosen:  # what failed is not tried twice, and what belongs home goes there
        tried = core.choose(
            candidates, purpose, NOW, Rules(rules.prefer, rules.prices, None, (chosen[0],))
        )
        assert [one.conversation_id for one in tried.chosen] == chosen[1:]
        assert Passed(chosen[0], decision.chosen[0].kind, Why.FAILED) in tried.passed
        home = core.choose(candidates, purpose, NOW, Rules(rules.prefer, rules.prices, chosen[-1]))
        assert home.chosen[0].conversation_id == chosen[-1]


A, B = UUID(int=1), UUID(int=2)


def first(one: Candidate, other: Candidate, rules: Rules | None = None) -> tuple[UUID, str]:
    """Return who comes first, and why, in whichever order the two stand."""
    taken = [
        core.choose(pair, Purpose.MARKETING, NOW, rules or Rules()).chosen[0]
        for pair in ([one, other], [other, one])
    ]
    assert taken[0] == taken[1]
    return taken[0].conversation_id, taken[0].because


def candidate(
    ident: UUID, kind: str = "telegram", hours_ago: float = 1, **more: object
) -> Candidate:
    fields = {"agreed": Agreed(marketing=True), "heard_at": NOW - timedelta(hours=hours_ago)}
    fields["window_at"] = fields["heard_at"]
    return Candidate(ident, kind, **(fields | more))  # type: ignore[arg-type]


def test_what_decides_first_to_last() -> None:
    page = candidate(A, "webchat", 0.5, pushes=False)
    assert first(page, candidate(B, hours_ago=900)) == (B, "used")
    assert first(candidate(A, "webchat", 0.1, pushes=False), candidate(B)) == (A, "used")
    closed = candidate(A, "twilio_whatsapp", 30, window_hours=24, template=True)
    assert first(closed, candidate(B, "twilio_sms", 900)) == (B, "used")
    sms, app = candidate(A, "twilio_sms", 0.2), candidate(B, "twilio_whatsapp", 3)
    assert first(sms, app, Rules(prefer=("twilio_whatsapp",))) == (B, "preferred")
    assert first(sms, app, Rules(prices={"twilio_sms": 90, "twilio_whatsapp": 40})) == (B, "priced")
    assert first(sms, app) == (A, "used")
