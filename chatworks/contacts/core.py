"""Pure decisions: codes, which way a code can be given, quiet hours, and the route of a message."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
import phonenumbers
from phonenumbers.timezone import UNKNOWN_TIMEZONE, time_zones_for_number

from chatworks.channels.models import Channel
from chatworks.contacts.models import (
    CODE_LENGTH,
    PRESENT_FOR,
    Agreed,
    Candidate,
    Choice,
    Chosen,
    Decision,
    Passed,
    Purpose,
    Rules,
    Way,
    Why,
)

# -- codes -------------------------------------------------------------------------------

PREFIX = "GO-"  # says that it is a code: nobody's answer looks like one
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # no I, L, O, U: nothing is misread
_FIRST = "23456789"  # a digit that is no misread letter: no word of a language looks like a code
_MISREAD = str.maketrans("ILO", "110")
_CODE = re.compile(rf"\s*GO[-_ ]?([2-9][0-9A-TV-Z]{{{CODE_LENGTH - 1}}})\s*", re.IGNORECASE)


def new_code(drawn: bytes) -> str:
    """Return the code behind ``CODE_LENGTH`` random bytes; it fits into every deep link."""
    letters = [_FIRST[drawn[0] % len(_FIRST)]]
    letters += [CROCKFORD[byte % len(CROCKFORD)] for byte in drawn[1:CODE_LENGTH]]
    return PREFIX + "".join(letters)


def read_code(text: str) -> str | None:
    """Return the code that ``text`` is as a whole, as it was made; None where it is none."""
    match = _CODE.fullmatch(text)
    return None if match is None else PREFIX + match[1].upper().translate(_MISREAD)


# -- persons -----------------------------------------------------------------------------

Member = tuple[UUID, UUID]  # outlet, contact


class Join(msgspec.Struct, frozen=True):
    """Two contacts of an outlet proved to be one person's."""

    outlet_id: UUID
    one: UUID
    other: UUID


class Leave(msgspec.Struct, frozen=True):
    """A contact wants to be a person of its own again."""

    outlet_id: UUID
    contact_id: UUID


Change = Join | Leave


def regroup(
    known: Mapping[Member, UUID], changes: Sequence[Change], new_id: Callable[[], UUID]
) -> dict[Member, UUID | None]:
    """Return who belongs to which person after ``changes``, as far as that differs from ``known``.

    ``known`` holds every contact of every person concerned. A contact without a person (None) is
    one of its own. Where two persons become one, everybody of the other one comes along.
    """
    after: dict[Member, UUID | None] = dict(known)
    for change in changes:
        if isinstance(change, Leave):
            after[change.outlet_id, change.contact_id] = None
            continue
        one, other = (change.outlet_id, change.one), (change.outlet_id, change.other)
        person, gone = after.get(one) or after.get(other) or new_id(), after.get(other)
        if gone is not None:
            after.update({m: person for m, p in after.items() if m[0] == one[0] and p == gone})
        after[one] = after[other] = person
    return {m: person for m, person in after.items() if known.get(m) != person}


# -- ways --------------------------------------------------------------------------------

APPS = {
    "telegram": "Telegram",
    "whatsapp": "WhatsApp",
    "twilio_whatsapp": "WhatsApp",
    "twilio_sms": "SMS",
    "webchat": "Web chat",
}
_BOT = re.compile(r"[A-Za-z][A-Za-z0-9_]{1,28}bot", re.IGNORECASE)  # a bot's name ends so
_NUMBER = re.compile(r"(?:whatsapp:)?\+?([1-9]\d{6,14})")  # E.164


def ways(channels: Sequence[Channel], here: UUID, page: str, code: str) -> list[Way]:
    """Return how ``code`` can be given on the outlet's channels beside ``here``; ``page`` is the
    address of the outlet's own page.

    A channel that is broken, or has not told its address yet, is no way.
    """
    found = []
    for channel in channels:
        other = channel.id != here and not channel.broken
        way = _way(channel, page, code) if other else None
        if way is not None:
            found.append(way)
    return found


def _way(channel: Channel, page: str, code: str) -> Way | None:
    app = APPS.get(channel.kind, "")
    if channel.kind == "webchat":
        return Way(app, page=page)
    if channel.kind == "telegram":
        bot = _BOT.fullmatch(channel.name)
        return Way(app, link=f"https://t.me/{bot[0]}?start={code}") if bot else None
    told = channel.address or channel.name  # a name is for people, where there is an address
    number = _NUMBER.fullmatch(told.replace(" ", "")) if app else None
    if number is None:
        return None
    if channel.kind == "twilio_sms":
        return Way(app, number=f"+{number[1]}")
    return Way(app, link=f"https://wa.me/{number[1]}?text={code}")


# -- consent -----------------------------------------------------------------------------


def fold(agreed: Agreed, choices: Sequence[Choice]) -> tuple[Agreed, tuple[Choice, ...]]:
    """Return how consent stands after ``choices``, and those of them that change it."""
    stands = {
        Purpose.TRANSACTIONAL: agreed.transactional,
        Purpose.MARKETING: agreed.marketing,
    }
    changes = []
    for choice in choices:
        if stands[choice.purpose] != choice.given:
            stands[choice.purpose] = choice.given
            changes.append(choice)
    return Agreed(stands[Purpose.TRANSACTIONAL], stands[Purpose.MARKETING]), tuple(changes)


# -- quiet hours -------------------------------------------------------------------------


def zone_of(phones: Sequence[str], fallback: str) -> str:
    """Return the time zone of the first number that lies in one alone, else ``fallback``."""
    for phone in phones:
        try:
            zones = time_zones_for_number(phonenumbers.parse(phone))
        except phonenumbers.NumberParseException:
            continue
        if len(zones) == 1 and zones[0] != UNKNOWN_TIMEZONE:
            return str(zones[0])
    return fallback


def quiet_until(hours: tuple[str, str] | None, zone: str, now: datetime) -> datetime | None:
    """Return when the quiet hours end that ``now`` lies in, there; None where it lies in none.

    Their end is outside them; hours that end before they begin run past midnight.
    """
    if hours is None:
        return None
    local = now.astimezone(ZoneInfo(zone))
    for day in (local - timedelta(days=1), local):
        begins = datetime.combine(day.date(), time.fromisoformat(hours[0]), local.tzinfo)
        ends = datetime.combine(day.date(), time.fromisoformat(hours[1]), local.tzinfo)
        if ends <= begins:
            ends = datetime.combine(
                day.date() + timedelta(days=1), time.fromisoformat(hours[1]), local.tzinfo
            )
        if begins <= local < ends:
            return ends.astimezone(now.tzinfo)
    return None


# -- routes ------------------------------------------------------------------------------


def present(candidate: Candidate, now: datetime) -> bool:
    """Return whether the person wrote there a moment ago."""
    return candidate.heard_at is not None and now - candidate.heard_at < PRESENT_FOR


def choose(
    candidates: Sequence[Candidate], purpose: Purpose, now: datetime, rules: Rules
) -> Decision:
    """Order the conversations that ``purpose`` may use now; say why the others may not be used.

    First the rules' ``home``, where it is one of them; then what reaches people before what waits
    on a page; an open window before a template; the outlet's preference; the price; what they used
    last.
    """
    fit, passed = [], []
    for candidate in candidates:
        why = _why_not(candidate, purpose, now, rules)
        if why is None:
            fit.append(candidate)
        else:
            passed.append(Passed(candidate.conversation_id, candidate.kind, why))
    fit.sort(key=lambda c: (c.conversation_id != rules.home, *_rank(c, now, rules)))
    chosen = [Chosen(c.conversation_id, c.kind, _because(c, now, rules)) for c in fit]
    return Decision(tuple(chosen), tuple(passed))


def _why_not(candidate: Candidate, purpose: Purpose, now: datetime, rules: Rules) -> Why | None:
    marketing = purpose is Purpose.MARKETING
    checks = (
        (candidate.conversation_id in rules.tried, Why.FAILED),
        (candidate.status == "stopped", Why.STOPPED),
        (candidate.status == "blocked", Why.BLOCKED),
        (marketing and not candidate.agreed.marketing, Why.NO_CONSENT),
        (candidate.channel == "off", Why.CHANNEL_OFF),
        (candidate.channel == "broken", Why.CHANNEL_BROKEN),
        (not _window_open(candidate, now) and not candidate.template, Why.WINDOW_CLOSED),
    )
    return next((why for applies, why in checks if applies), None)


def _window_open(candidate: Candidate, now: datetime) -> bool:
    if candidate.window_hours is None:
        return True
    opened = candidate.window_at
    return opened is not None and now - opened < timedelta(hours=candidate.window_hours)


def _rank(candidate: Candidate, now: datetime, rules: Rules) -> tuple[bool, bool, int, int, float]:
    kind, heard = candidate.kind, candidate.heard_at
    return (
        not (candidate.pushes or present(candidate, now)),
        not _window_open(candidate, now),
        rules.prefer.index(kind) if kind in rules.prefer else len(rules.prefer),
        rules.prices.get(kind, 0),
        -heard.timestamp() if heard else 0.0,
    )


def _because(candidate: Candidate, now: datetime, rules: Rules) -> str:
    """Name what speaks for a candidate, for the console."""
    if candidate.conversation_id == rules.home:
        return "home"
    if not (candidate.pushes or present(candidate, now)):
        return "page"
    if not _window_open(candidate, now):
        return "template"
    if candidate.kind in rules.prefer:
        return "preferred"
    return "priced" if rules.prices.get(candidate.kind) else "used"
