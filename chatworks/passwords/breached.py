"""Passwords that are known from breaches, as a Bloom filter that is part of the package.

The filter answers "certainly not" or "probably": one password in 10,000 is refused though it is on
no list, which costs its owner another one. ``tools/breached.py`` builds the file, the same bytes
from the same lists; ``breached.md`` beside it says which, and under what licences. A file that is
missing or not whole stops the start: a filter that lets everything pass would be worse than none.

Form: ``CWB1``, the number of hashes (1 byte), of bits (4 bytes, big endian) and of passwords (4),
the bits, and the SHA-256 of all that.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Collection
from importlib import resources

from chatworks.kit.errors import ChatWorksError

FALSE_SHARE = 1e-4  # of passwords that are on no list
MAGIC = b"CWB1"
HEAD = len(MAGIC) + 1 + 4 + 4
DIGEST = 32


class NotWhole(ChatWorksError):
    """The filter's file is missing or damaged: install the package anew."""


class Breached:
    """The filter, read once; ``count`` is how many passwords it holds."""

    def __init__(self, data: bytes) -> None:
        body, digest = data[:-DIGEST], data[-DIGEST:]
        # nosemgrep: secret-compared-with-equals - a checksum of a public file
        if body[: len(MAGIC)] != MAGIC or hashlib.sha256(body).digest() != digest:
            raise NotWhole("the filter of breached passwords is not whole")
        self._hashes = body[len(MAGIC)]
        self._bits = int.from_bytes(body[len(MAGIC) + 1 : HEAD - 4], "big")
        self.count = int.from_bytes(body[HEAD - 4 : HEAD], "big")
        self._field = body[HEAD:]

    @classmethod
    def shipped(cls) -> Breached:
        """Return the filter of this package; raises ``NotWhole``."""
        try:
            return cls(resources.files(__package__).joinpath("breached.bin").read_bytes())
        except OSError:
            raise NotWhole("the filter of breached passwords is missing") from None

    def holds(self, password: str) -> bool:
        """Return whether ``password`` is, probably, on a list."""
        places = _places(password, self._hashes, self._bits)
        return all(self._field[place >> 3] >> (place & 7) & 1 for place in places)


def build(passwords: Collection[str]) -> bytes:
    """Return the file of a filter that holds these and errs on ``FALSE_SHARE`` of all others."""
    known = set(passwords)
    bits = max(8, math.ceil(-len(known) * math.log(FALSE_SHARE) / math.log(2) ** 2))
    hashes = max(1, round(bits / max(1, len(known)) * math.log(2)))
    field = bytearray((bits + 7) // 8)
    for password in known:
        for place in _places(password, hashes, bits):
            field[place >> 3] |= 1 << (place & 7)
    numbers = bytes([hashes]) + bits.to_bytes(4, "big") + len(known).to_bytes(4, "big")
    body = MAGIC + numbers + bytes(field)
    return body + hashlib.sha256(body).digest()


def _places(password: str, hashes: int, bits: int) -> list[int]:
    """Return a password's bits: two hashes make all others (Kirsch and Mitzenmacher, 2006)."""
    drawn = hashlib.blake2b(password.encode("utf-8", "surrogatepass"), digest_size=16).digest()
    first, second = int.from_bytes(drawn[:8], "big"), int.from_bytes(drawn[8:], "big") | 1
    return [(first + n * second) % bits for n in range(hashes)]
