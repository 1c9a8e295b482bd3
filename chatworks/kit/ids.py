"""Identifiers: UUIDv7 (RFC 9562) made by the caller before the write, shown with a prefix.

``ord_0192…`` in pages and logs is the same value as the uuid column. Every write can be repeated
safely because its id exists before the first attempt.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from uuid import UUID

from chatworks.kit.clock import Clock
from chatworks.kit.errors import Invalid

_PREFIX_LENGTH_MAX = 8


_RANDOM = ~(0xF << 76 | 0x3 << 62)  # every bit but those of version and variant
_MARKS = 0x7 << 76 | 0x2 << 62


def uuid7(clock: Clock) -> UUID:
    """Return a new UUIDv7: 48 bits of milliseconds, then randomness (RFC 9562 §5.7)."""
    milliseconds = int(clock.now().timestamp() * 1000)
    value = (milliseconds << 80) | int.from_bytes(clock.random_bytes(10), "big")
    return UUID(int=value & _RANDOM | _MARKS)


def first_id(at: datetime) -> UUID:
    """Return the lowest UUIDv7 of a moment: what was made since then has a higher one."""
    return UUID(int=int(at.timestamp() * 1000) << 80)


def show(prefix: str, value: UUID) -> str:
    """Return the public form of ``value``: ``prefix_`` and 32 hexadecimal digits."""
    return f"{prefix}_{value.hex}"


def read(prefix: str, text: str) -> UUID:
    """Return the id behind its public form; ``Invalid`` where it is none of this kind."""
    kind, _, digits = text.partition("_")
    if kind != prefix or len(digits) != 32:  # noqa: PLR2004 - a UUID has 32 hexadecimal digits
        raise Invalid("id", f"is not a {prefix}_… identifier")
    try:
        return UUID(hex=digits)
    except ValueError as error:
        raise Invalid("id", f"is not a {prefix}_… identifier") from error


def thread_key(source: UUID, thread: str) -> int:
    """Return the 64-bit signed lock key of a conversation: a hash of its channel and chat.

    Two conversations that share a key by accident only wait for each other.
    """
    digest = hashlib.blake2b(source.bytes + thread.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)
