"""What makes a password fit, what is kept of it, and how the pool is bounded."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from chatworks.kit.datamap import DataMap, operational
from chatworks.kit.errors import ChatWorksError

LENGTH_MIN_ALONE = 15  # code points; NIST SP 800-63B-4, 3.1.1.1: the only factor
LENGTH_MIN_BESIDE = 8  # the same: beside a second factor
LENGTH_MAX = 1024  # NIST asks for 64 at least; a bound, so that nobody has us hash a book
OWN_LEFT_MIN = 8  # code points that must be left without the person's own words
SEGMENTS_MIN = 4  # of straight runs: "123456789qwertyuiop" is two

# OWASP Password Storage Cheat Sheet: 19 MiB, 2 passes, 1 lane. 27 ms on a machine of two cores.
MEMORY_KIB = 19 * 1024
PASSES = 2
LANES = 1
HASH_BYTES = 32
SALT_BYTES = 16  # RFC 9106, 3.1
FRESH_FOR = timedelta(minutes=5)  # how recent a proof sets a first password
WAITING_PER_CORE = 32  # about a second's work; who comes then is refused


class Problem(StrEnum):
    """Why a password is not fit."""

    NOT_TEXT = "not_text"  # control characters, halves of characters, code points of no Unicode
    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    OWN_WORDS = "own_words"
    PREDICTABLE = "predictable"
    BREACHED = "breached"
    REFUSED = "refused"  # by the rules of whoever keeps it instead of us


class NotFit(ChatWorksError):
    """This password may not be set; ``length_min`` is what it would need here."""

    status: ClassVar[int] = 422

    def __init__(self, problem: Problem, length_min: int) -> None:
        super().__init__(f"password is not fit: {problem.value}")
        self.problem = problem
        self.length_min = length_min


class NotFresh(ChatWorksError):
    """Whoever is signed in proved themselves too long ago for this."""

    status: ClassVar[int] = 403


class Busy(ChatWorksError):
    """More passwords wait to be hashed than this process takes on: try again in a moment."""

    status: ClassVar[int] = 503


@dataclass(frozen=True, slots=True)
class Prepared:
    """A fit password, hashed. ``alone`` says whether it is enough without a second factor."""

    hash: str = field(repr=False)
    alone: bool


@dataclass(frozen=True, slots=True)
class Stored:
    """What is kept of a password."""

    hash: str = field(repr=False)
    alone: bool


@dataclass(frozen=True, slots=True)
class Right:
    """A password that was right: whose, whether it is enough without a second factor, its hash."""

    account_id: UUID
    alone: bool
    hash: str = field(default="", repr=False, compare=False)


DATA_MAP: DataMap = {
    "account_password": {
        "enough_alone": operational("whether it is long enough without a second factor"),
    },
}
