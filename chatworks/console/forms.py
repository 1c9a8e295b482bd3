"""Reading the console's forms: each field's value, or ``Invalid`` with its name and limit."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from collections.abc import Set as AbstractSet
from typing import Any
from uuid import UUID

from chatworks.kit.errors import Invalid, NotFound
from chatworks.kit.money import Money

TEXT_LENGTH_MAX = 8000  # code points of any one field; what it means has its own limit
NUMBER_MAX = 2**53 - 1
DIGITS = re.compile(r"[0-9]{1,16}")
AMOUNT = re.compile(r"\d{1,15}(?:[.,]\d{1,6})*")


def id_of(value: str) -> UUID:
    """Return the id in an address; what is none leads nowhere."""
    try:
        return UUID(hex=value)
    except ValueError:
        raise NotFound("there is no such thing") from None


def text(form: Mapping[str, Any], field: str) -> str:
    """Return a field's text without the space around it; "" where it is missing."""
    value = form.get(field, "")
    if not isinstance(value, str) or "\x00" in value or len(value) > TEXT_LENGTH_MAX:
        raise Invalid(field, f"must be text of at most {TEXT_LENGTH_MAX} characters")
    return value.strip()


def given(form: Collection[str], *fields: str) -> None:
    """Refuse a form that lacks one of ``fields``: what was not sent was not emptied."""
    for field in fields:
        if field not in form:
            raise Invalid(field, "is missing")


def choice(form: Mapping[str, Any], field: str, allowed: AbstractSet[str]) -> str:
    """Return one of ``allowed``."""
    value = text(form, field)
    if value not in allowed:
        raise Invalid(field, f"must be one of {', '.join(sorted(allowed))}")
    return value


def amount(form: Mapping[str, Any], field: str, currency: str) -> int:
    """Return an amount in minor units."""
    value = text(form, field).replace(currency, "").replace(" ", "")
    if not AMOUNT.fullmatch(value):
        raise Invalid(field, f"must be an amount of {currency}, for example 250 or 250.50")
    try:
        return Money.read(value, currency).minor
    except Invalid as problem:
        raise Invalid(field, problem.problem) from problem


def count(form: Mapping[str, Any], field: str, most: int = NUMBER_MAX) -> int | None:
    """Return a whole number from 0 to ``most``, or None where the field is empty."""
    value = text(form, field)
    if not value:
        return None
    if not DIGITS.fullmatch(value) or int(value) > most:
        raise Invalid(field, f"must be a whole number from 0 to {most:,}, or empty")
    return int(value)
