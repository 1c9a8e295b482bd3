"""Forms of the settings area: an applet's own ``Config`` as fields, and the opening hours. Pure.

A field of a ``Config`` becomes the input that fits its type: text, whole number, yes or no, amount
of money, one of a few. ``Meta`` gives it a title, a description and its limits. What a form cannot
draw keeps its value. Nothing here saves: the reader gives values and, beside them, what is wrong by
field, so that a page can show both again as they were typed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import pairwise, zip_longest
from typing import Any

import msgspec
from msgspec import inspect

from chatworks.console.forms import amount, given, text
from chatworks.kit.errors import Invalid
from chatworks.kit.money import Money
from chatworks.outlets.models import WEEKDAYS, Hours

SPANS_DRAWN = 2  # of each day at least; the second is for a break at noon
CLOSED_MAX = 100
NUMBER = re.compile(r"-?[0-9]{1,15}")
DAY_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True, slots=True)
class Field:
    """One input. ``kind`` is text, number, switch, money, choice, or fixed (not drawn)."""

    name: str
    label: str
    kind: str
    value: str
    hint: str = ""
    options: tuple[str, ...] = ()
    problem: str = ""


def _plain(info: inspect.Type) -> tuple[inspect.Type, str, str]:
    """Return a type without its wrapping, its title, and its description."""
    if isinstance(info, inspect.Metadata):
        schema = info.extra_json_schema or {}
        return info.type, schema.get("title", ""), schema.get("description", "")
    return info, "", ""


def _kind(info: inspect.Type) -> str:
    match info:
        case inspect.StrType():
            return "text"
        case inspect.IntType():
            return "number"
        case inspect.BoolType():
            return "switch"
        case inspect.LiteralType():
            return "choice"
        case inspect.DataclassType() if info.cls is Money:
            return "money"
    return "fixed"


def _limits(info: inspect.Type) -> str:
    """Return what may stand in a field, in words; "" where anything may."""
    if isinstance(info, inspect.IntType):
        low = info.ge if info.ge is not None else None if info.gt is None else info.gt + 1
        high = info.le if info.le is not None else None if info.lt is None else info.lt - 1
        return _between("a whole number", low, high)
    if isinstance(info, inspect.StrType):
        said = _between("", info.min_length, info.max_length)
        bare = said.removeprefix("from ").removeprefix("of ")
        return f"text of {bare} characters" if bare else ""
    return ""


def _between(what: str, low: int | None, high: int | None) -> str:
    if low is not None and high is not None:
        return f"{what} from {low:,} to {high:,}".strip()
    if low is not None:
        return f"{what} of at least {low:,}".strip()
    return f"{what} of at most {high:,}".strip() if high is not None else what


def draw(config: type[msgspec.Struct], saved: bytes, currency: str) -> list[Field]:
    """Return the fields of ``config`` with the values of ``saved`` (JSON) or its defaults."""
    values = msgspec.json.decode(saved or b"{}")
    drawn = []
    for field in _fields(config):
        info, title, description = _plain(field.type)
        value = values.get(field.encode_name, field.default)
        label = title or field.name.replace("_", " ").capitalize()
        kind = _kind(info)
        limits = _limits(info)
        hint = " ".join(
            part for part in (description, f"{limits.capitalize()}." if limits else "") if part
        )
        options = tuple(map(str, info.values)) if isinstance(info, inspect.LiteralType) else ()
        drawn.append(Field(field.name, label, kind, _shown(kind, value, currency), hint, options))
    return drawn


def _fields(config: type[msgspec.Struct]) -> tuple[inspect.Field, ...]:
    info = inspect.type_info(config)
    assert isinstance(info, inspect.StructType)  # noqa: S101 - a Config is a Struct
    return info.fields


def _shown(kind: str, value: Any, currency: str) -> str:
    if value is None or value is msgspec.NODEFAULT:
        return ""
    if kind == "money":
        minor = value["minor"] if isinstance(value, dict) else value.minor
        return Money(minor, currency).plain()
    if kind == "switch":
        return "yes" if value else ""
    return str(value)


def read(
    config: type[msgspec.Struct], form: Mapping[str, Any], saved: bytes, currency: str
) -> tuple[bytes, list[Field]]:
    """Return the settings (JSON) that a form gives, and its fields as typed with their problems."""
    values = msgspec.json.decode(saved or b"{}")
    types = {field.name: field.type for field in msgspec.structs.fields(config)}
    fields = []
    for field, known in zip(draw(config, saved, currency), _fields(config), strict=True):
        typed, problem = field.value, ""
        if field.kind != "fixed":
            typed = str(form.get(field.name, ""))
            try:
                if field.kind != "switch":
                    given(form, field.name)
                value = _value(field, known, form, currency)
                msgspec.convert(value, types[field.name])
                values[known.encode_name] = value
            except Invalid as no:
                problem = no.problem
            except msgspec.ValidationError:
                limits = _limits(_plain(known.type)[0])
                problem = f"must be {limits}" if limits else "does not have the form described here"
        fields.append(replace(field, value=typed, problem=problem))
    return msgspec.json.encode(values), fields


def _value(field: Field, known: inspect.Field, form: Mapping[str, Any], currency: str) -> Any:
    info = _plain(known.type)[0]
    if field.kind == "switch":
        return field.name in form
    if field.kind == "money":
        return {"minor": amount(form, field.name, currency), "currency": currency}
    if field.kind == "number":
        if not NUMBER.fullmatch(text(form, field.name)):
            raise Invalid(field.name, f"must be {_limits(info)}")
        return int(text(form, field.name))
    written = text(form, field.name)
    if isinstance(info, inspect.LiteralType):
        return next((value for value in info.values if str(value) == written), written)
    return written


# -- opening hours ---------------------------------------------------------------------------------

Span = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Day:
    """A weekday's spans as they are drawn; an empty pair is no span."""

    name: str
    label: str
    spans: tuple[Span, ...]
    problem: str = ""


@dataclass(frozen=True, slots=True)
class HoursForm:
    """The week, the closed days, and what is wrong with the latter."""

    days: tuple[Day, ...]
    closed: tuple[str, ...]
    problem: str = ""

    @property
    def wrong(self) -> bool:
        """Whether anything is wrong."""
        return bool(self.problem) or any(day.problem for day in self.days)

    def hours(self) -> dict[str, list[Span]]:
        """Return the spans by weekday, as the command takes them."""
        return {day.name: [span for span in day.spans if any(span)] for day in self.days}


def draw_hours(hours: Hours) -> HoursForm:
    """Return the form of saved hours."""
    days = tuple(
        Day(name, label, _padded(getattr(hours, name)))
        for name, label in zip(WEEKDAYS, DAY_NAMES, strict=True)
    )
    return HoursForm(days, tuple(hours.closed))


def read_hours(fields: Mapping[str, Sequence[str]]) -> HoursForm:
    """Return the form as typed: ``mon-from`` and ``mon-to`` are lists, and so is ``closed``."""
    days = []
    for name, label in zip(WEEKDAYS, DAY_NAMES, strict=True):
        given(fields, f"{name}-from", f"{name}-to")
        starts, ends = fields[f"{name}-from"], fields[f"{name}-to"]
        spans = [(a.strip(), b.strip()) for a, b in zip_longest(starts, ends, fillvalue="")]
        days.append(Day(name, label, _padded(spans), _day_problem([s for s in spans if any(s)])))
    closed = sorted({day.strip() for day in fields.get("closed", ()) if day.strip()})
    return HoursForm(tuple(days), tuple(closed), _closed_problem(closed))


def _padded(spans: Sequence[Span]) -> tuple[Span, ...]:
    return (*spans, *[("", "")] * (SPANS_DRAWN - len(spans)))


def _day_problem(spans: Sequence[Span]) -> str:
    if not all(start and end for start, end in spans):
        return "Give both times, or leave both empty."
    try:
        msgspec.convert({"mon": spans}, Hours)
    except msgspec.ValidationError:
        return "Write times as 07:00."
    ordered = sorted(spans)
    for (start, end), (following, _) in pairwise(ordered):
        if end <= start or following < end:
            return "These times overlap."
    return ""


def _closed_problem(closed: Sequence[str]) -> str:
    if len(closed) > CLOSED_MAX:
        return f"At most {CLOSED_MAX} days."
    for day in closed:
        try:
            date.fromisoformat(day)
        except ValueError:
            return f"{day} is no date: write 2026-12-25."
    return ""
