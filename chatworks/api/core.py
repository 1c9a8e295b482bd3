"""What a key looks like, what a scope names, and how requests are addressed. Pure.

A key is ``cw_live_<prefix>_<secret><check>``: 12 letters that are public, 32 that are secret (190
bits) and 6 of a CRC-32 over all before, each of 62 kinds. The fixed beginning and the checksum let
scanners find a leaked key without asking anybody, and let us refuse a mistyped one likewise.
"""

from __future__ import annotations

import hmac
import re
import zlib
from collections.abc import Callable, Collection, Iterable

from chatworks.commands.models import Query, Registration

BEGINNING = "cw_live_"
PREFIX_LENGTH = 12
SECRET_LENGTH = 32  # of 62 letters: 190 bits
CHECK_LENGTH = 6
LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
FAIR = 256 - 256 % len(LETTERS)  # bytes from here on would make some letters likelier
KEY = re.compile(
    rf"{BEGINNING}([0-9A-Za-z]{{{PREFIX_LENGTH}}})_[0-9A-Za-z]{{{SECRET_LENGTH + CHECK_LENGTH}}}"
)
READ = ":read"
_WORD = re.compile(r"(?<!^)(?=[A-Z])")


def letters(draw: Callable[[int], bytes], count: int) -> str:
    """Return so many letters, each as likely as any other; ``draw`` gives random bytes."""
    found = ""
    while len(found) < count:
        found += "".join(LETTERS[byte % len(LETTERS)] for byte in draw(count) if byte < FAIR)
    return found[:count]


def check_of(text: str) -> str:
    """Return the letters of the checksum over ``text``."""
    value, found = zlib.crc32(text.encode()), ""
    for _ in range(CHECK_LENGTH):
        value, rest = divmod(value, len(LETTERS))
        found = LETTERS[rest] + found
    return found


def mint(draw: Callable[[int], bytes]) -> tuple[str, str]:
    """Return a fresh key, and its prefix."""
    prefix = letters(draw, PREFIX_LENGTH)
    body = f"{BEGINNING}{prefix}_{letters(draw, SECRET_LENGTH)}"
    return body + check_of(body), prefix


def prefix_of(presented: str) -> str | None:
    """Return the prefix of what may be a key of ours, None where it cannot be one."""
    found = KEY.fullmatch(presented)
    if found is None or check_of(presented[:-CHECK_LENGTH]) != presented[-CHECK_LENGTH:]:
        return None
    return found[1]


def same(one: bytes, other: bytes) -> bool:
    """Return whether two digests are equal, in a time that does not tell where they differ."""
    return hmac.compare_digest(one, other)


def names(registration: Registration) -> tuple[str, ...]:
    """Return the scopes that name a request: itself, its feature, and, where it only reads, what
    may be read of its feature.
    """
    name = registration.request.request_name
    feature = name.partition(".")[0]
    reads = issubclass(registration.request, Query)
    return (name, feature, f"{feature}{READ}") if reads else (name, feature)


def cap(scopes: Collection[str], offered: Iterable[Registration]) -> frozenset[str]:
    """Return the names of the requests that ``scopes`` name."""
    return frozenset(
        registration.request.request_name
        for registration in offered
        if any(name in scopes for name in names(registration))
    )


def known(offered: Iterable[Registration]) -> frozenset[str]:
    """Return every scope that names something."""
    return frozenset(name for registration in offered for name in names(registration))


def address(request_name: str) -> str:
    """Return where a request is sent: ``orders.MoveOrder`` is ``/api/v1/orders/move-order``."""
    feature, _, name = request_name.partition(".")
    return f"/api/v1/{feature}/{_WORD.sub('-', name).lower()}"
