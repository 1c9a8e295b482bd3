"""Cursors: where a list goes on, as a text that means nothing to whoever carries it."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any, TypeVar

import msgspec

Place = TypeVar("Place")


def show(*place: Any) -> str:
    """Return the cursor of a place: the values by which a list is ordered, of its last row."""
    return urlsafe_b64encode(msgspec.json.encode(place)).decode().rstrip("=")


def read(cursor: str, kind: type[Place]) -> Place | None:
    """Return the place, a tuple type of ``kind``; None where this is no cursor of this list."""
    try:
        raw = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        return msgspec.json.decode(raw, type=kind)
    except (ValueError, msgspec.MsgspecError):
        return None
