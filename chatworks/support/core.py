"""Fills the variables of a canned answer. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

VARIABLES = ("name", "order", "outlet")
_VARIABLE = re.compile(r"\{([a-z]+)\}")


def unknown(text: str) -> list[str]:
    """Return the variables of ``text`` that nothing fills."""
    return [name for name in _VARIABLE.findall(text) if name not in VARIABLES]


def fill(text: str, values: Mapping[str, str]) -> str:
    """Return ``text`` with its variables filled.

    One that has no value here (somebody without an order) stays as it is written, for the operator
    to see and replace before sending.
    """
    return _VARIABLE.sub(lambda found: values.get(found[1]) or found[0], text)
