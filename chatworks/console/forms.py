"""Reading the console's forms: each field's value, or ``Invalid`` with its name and limit."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Any
from uuid import UUID

from chatworks.kit.errors import Invalid, NotFound
from chatworks.kit.money import Money


def id_of(text: str) -> UUID:
    """Return the id in an address; what is none leads nowhere."""
    try:
        return UUID(hex=text)
    except ValueError:
        raise NotFound("there is no such thing") from None


def choice(form: Mapping[str, Any], field: str, allowed: AbstractSet[str]) -> str:
    """Return one of ``allowed``."""
    value = str(form.get(field, ""))
    if value not in allowed:
        raise Invalid(field, f"must be one of {', '.join(sorted(allowed))}")
    return value


def amount(form: Mapping[str, Any], field: str, currency: str) -> int:
    """Return an amount in minor units."""
    try:
        return Money.read(str(form.get(field, "")), currency).minor
    except Invalid as problem:
        raise Invalid(field, problem.problem) from problem


def count(form: Mapping[str, Any], field: str) -> int | None:
    """Return a whole number, or None where the field is empty."""
    text = str(form.get(field, "")).strip()
    if not text:
        return None
    if not text.isdigit():
        raise Invalid(field, "must be a whole number, or empty")
    return int(text)
