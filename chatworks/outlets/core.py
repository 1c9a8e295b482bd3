"""Pure decisions about outlets: open or closed, delivered to or not, what a file would change."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime, time, timedelta
from decimal import ROUND_CEILING, Decimal
from math import asin, cos, radians, sin, sqrt
from zoneinfo import ZoneInfo

import msgspec
from babel.numbers import get_currency_precision

from chatworks.kit.errors import Invalid
from chatworks.kit.money import Money
from chatworks.outlets.models import (
    FOR_GOOD,
    TWILIO_ACCOUNT,
    TWILIO_SENDER,
    WEEKDAYS,
    Area,
    CannotChange,
    Change,
    ChannelRow,
    ChannelSpec,
    ConnectChannel,
    Delivery,
    Hours,
    NotValid,
    Opening,
    Outlet,
    OutletFile,
)
from chatworks.sdk.messages import Place

EARTH_RADIUS_M = 6_371_008.8  # IUGG mean radius
LOOK_AHEAD_DAYS = 14
ORIGIN = re.compile(
    r"(?P<scheme>https?)://(?P<host>[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?)(:\d{1,5})?"
)
LOOPBACK = frozenset({"localhost", "127.0.0.1"})  # where a site is tried out
FIELDS = (  # what an outlet and its file have in common, and may change
    "name", "languages", "timezone", "brand", "hours", "delivery", "privacy", "widget_origins",
    "quiet", "routing",
    "sms",
)  # fmt: skip


def opening(hours: Hours, timezone: str, now: datetime) -> Opening:
    """Return whether the outlet is open at ``now``, or when it opens next.

    A span's end is outside it. A span that ends before it begins runs past midnight.
    """
    local = now.astimezone(ZoneInfo(timezone))
    starts: list[datetime] = []
    for ahead in range(-1, LOOK_AHEAD_DAYS + 1):
        day = (local + timedelta(days=ahead)).date()
        if day.isoformat() in hours.closed:
            continue
        for begins, ends in getattr(hours, WEEKDAYS[day.weekday()]):
            start = datetime.combine(day, time.fromisoformat(begins), local.tzinfo)
            end = datetime.combine(day, time.fromisoformat(ends), local.tzinfo)
            if end <= start:
                end += timedelta(days=1)
            if start <= local < end:
                return Opening(open=True)
            if start > local:
                starts.append(start)
    return Opening(open=False, opens_at=min(starts, default=None))


def distance_m(area: Area, latitude: float, longitude: float) -> float:
    """Return the great-circle distance from an area's centre (haversine)."""
    here, there = radians(area.latitude), radians(latitude)
    half = (there - here) / 2
    half_east = radians(longitude - area.longitude) / 2
    arc = sin(half) ** 2 + cos(here) * cos(there) * sin(half_east) ** 2
    return 2 * EARTH_RADIUS_M * asin(sqrt(arc))


def area_of(delivery: Delivery, place: Place) -> Area | None:
    """Return the area that a place lies in, the cheapest first; None where it is not served.

    A place without coordinates is found by an area's name in its address: people write
    "Argwings Kodhek Rd, Kilimani". An address that names no area is not delivered to: the person
    is asked for a location instead.
    """
    areas = sorted(delivery.areas, key=lambda area: area.fee_minor)
    if place.latitude is not None and place.longitude is not None:
        for area in areas:
            if distance_m(area, place.latitude, place.longitude) <= area.radius_m:
                return area
        return None
    address = place.address.casefold()
    return next((area for area in areas if area.name.casefold() in address), None)


def sms_price(outlet: Outlet, number: str, segments: int) -> Money | None:
    """Return about what so many segments to ``number`` cost, rounded up; None where no price is
    known. The longest beginning of the number counts.
    """
    fits = [beginning for beginning in outlet.sms.prices if number.startswith(beginning)]
    if not fits:
        return None
    each = Decimal(outlet.sms.prices[max(fits, key=len)])
    minor = (each * segments).scaleb(get_currency_precision(outlet.currency))
    return Money(int(minor.to_integral_value(ROUND_CEILING)), outlet.currency)


def origin_of(text: str) -> str:
    """Return a site's origin (``https://shop.example``); ``Invalid`` where ``text`` names none.

    What comes out stands in a security policy: nothing but scheme, host and port can pass.
    """
    match = ORIGIN.fullmatch(text.strip().rstrip("/").lower())
    if match is None or (match["scheme"] == "http" and match["host"] not in LOOPBACK):
        raise Invalid("site", f"{text.strip()[:80]} is no https address of a site")
    return match[0]


def changes(
    file: OutletFile,
    outlet: Outlet | None,
    channels: Sequence[ChannelRow] = (),
    connectable: Callable[[ChannelSpec], bool] = lambda _spec: True,
) -> list[Change]:
    """Return how an outlet differs from its file; a channel counts once it is ``connectable``.

    ``CannotChange`` where the file asks for what stays for good.
    """
    for field in FOR_GOOD:
        if outlet is not None and getattr(outlet, field) != getattr(file, field):
            raise CannotChange(field, getattr(outlet, field), getattr(file, field))
    found = [] if outlet is None else _details(file, outlet)
    if outlet is None:
        found = [
            Change("outlet", None, f"{file.name}: new, since a slug ({file.slug}) is for good")
        ]
    known = {(row.kind, row.secret_env or "", row.account, row.address) for row in channels}
    found += [
        Change(f"channels.{spec.kind}", None, spec.name or spec.kind)
        for spec in file.channels
        if connectable(spec) and (spec.kind, spec.token_env, spec.account, spec.number) not in known
    ]
    return found + _applets(file, outlet)


def _details(file: OutletFile, outlet: Outlet) -> list[Change]:
    now = _flat({name: getattr(outlet, name) for name in FIELDS})
    then = _flat({name: getattr(file, name) for name in FIELDS})
    return [
        Change(path, now.get(path), then.get(path))
        for path in sorted(now.keys() | then.keys())
        if now.get(path) != then.get(path)
    ]


def _applets(file: OutletFile, outlet: Outlet | None) -> list[Change]:
    installed = {} if outlet is None else {i.applet: i.settings for i in outlet.installed}
    wanted = {spec.applet: msgspec.json.encode(spec.settings) for spec in file.applets}
    found = [
        Change(f"applets.{applet}", _shown(installed.get(applet)), _shown(settings))
        for applet, settings in wanted.items()
        if applet not in installed
        or msgspec.json.decode(installed[applet]) != msgspec.json.decode(settings)
    ]
    return found + [
        Change(f"applets.{applet}", _shown(settings), None, kept="the file does not name it")
        for applet, settings in installed.items()
        if applet not in wanted
    ]


def _shown(settings: bytes | None) -> str | None:
    return None if settings is None else settings.decode()


def _flat(value: object, path: str = "") -> dict[str, str]:
    """Return an object's values by path: {"brand.tagline.en": "..."}; lists are one value."""
    plain = msgspec.to_builtins(value)
    if not isinstance(plain, dict):
        return {path: plain if isinstance(plain, str) else msgspec.json.encode(plain).decode()}
    found: dict[str, str] = {}
    for key, inner in plain.items():
        found |= _flat(inner, f"{path}.{key}" if path else key)
    return found


TWILIO = (
    (
        "account",
        re.compile(TWILIO_ACCOUNT),
        "must be Twilio's account SID: AC and 32 digits or letters a to f",
    ),
    (
        "token",
        re.compile(r"[0-9a-f]{32}"),
        "must be Twilio's auth token: 32 digits or letters a to f",
    ),
    (
        "number",
        re.compile(TWILIO_SENDER),
        "must be a number such as +254700000001, or a Messaging Service (MG…)",
    ),
)
CONNECTIONS = {  # by kind: what must be pasted, and its form
    "telegram": (
        (
            "token",
            re.compile(r"[0-9]{5,16}:[A-Za-z0-9_-]{30,64}"),
            "must be BotFather's: digits, a colon, and a long word",
        ),
    ),
    "twilio_whatsapp": TWILIO,
    "twilio_sms": TWILIO,
}


def connection_problem(asked: ConnectChannel) -> NotValid | None:
    """Return what is wrong with what was pasted to connect a channel, if anything."""
    rules = CONNECTIONS.get(asked.kind)
    if rules is None:
        return NotValid("kind", "cannot be connected here")
    for name, shape, problem in rules:
        if not shape.fullmatch(getattr(asked, name)):
            return NotValid(name, problem)
    return None
