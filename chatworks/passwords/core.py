"""Which passwords are fit: pure decisions, and the one form in which a password is compared."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from itertools import pairwise

from chatworks.passwords.breached import Breached
from chatworks.passwords.models import (
    LENGTH_MAX,
    LENGTH_MIN_ALONE,
    LENGTH_MIN_BESIDE,
    OWN_LEFT_MIN,
    SEGMENTS_MIN,
    NotFit,
    Problem,
)

WORD_LENGTH_MIN = 4  # shorter words of a name are in everything
SERVICE_WORDS = ("chatworks",)
ROWS = ("qwertyuiop[]", "asdfghjkl;'", "zxcvbnm,./", "1234567890-=")  # keys side by side
NO_TEXT = {"Cc", "Cs", "Cn", "Zl", "Zp"}  # controls, half and unassigned characters, line ends

_BESIDE = {pair for row in ROWS for pair in pairwise(row)}
_STEPS = _BESIDE | {(b, a) for a, b in _BESIDE} | {("9", "0"), ("0", "9")}


def opaque(text: str) -> str | None:
    """Return a password as it is hashed and compared; None where it is no text.

    As RFC 8265 (OpaqueString) has it: every kind of space is one, composed characters are one
    (NFC), and nothing else is folded, trimmed or cut. A code point of no Unicode that is known here
    is refused: another version might compose it otherwise, and lock its owner out.
    """
    spaced = "".join(" " if unicodedata.category(c) == "Zs" else c for c in text)
    if not spaced or any(unicodedata.category(c) in NO_TEXT for c in spaced):
        return None
    return unicodedata.normalize("NFC", spaced)


def length_min(*, alone: bool) -> int:
    """Return how many code points a password needs."""
    return LENGTH_MIN_ALONE if alone else LENGTH_MIN_BESIDE


def fit(text: str, own: Iterable[str], breached: Breached, *, alone: bool) -> str:
    """Return a new password as it is hashed; raises ``NotFit``.

    ``own`` are the person's names and addresses, ``alone`` says that it will be the only factor.
    Nothing is asked of its composition.
    """
    least = length_min(alone=alone)
    if len(text) > LENGTH_MAX:
        raise NotFit(Problem.TOO_LONG, least)
    password = opaque(text)
    if password is None:
        raise NotFit(Problem.NOT_TEXT if text else Problem.TOO_SHORT, least)
    if len(password) < least:
        raise NotFit(Problem.TOO_SHORT, least)
    problem = weakness(password, own, breached, least)
    if problem is not None:
        raise NotFit(problem, least)
    return password


def weakness(
    password: str, own: Iterable[str], breached: Breached, least: int = LENGTH_MIN_BESIDE
) -> Problem | None:
    """Return why others would try this password early, or None.

    What repeats itself is judged by what it repeats.
    """
    folded = unicodedata.normalize("NFKC", password).casefold()
    if len(without(folded, words([*own, *SERVICE_WORDS]))) < OWN_LEFT_MIN:
        return Problem.OWN_WORDS
    unit = repeated(folded)
    if (unit != folded and len(unit) < least) or segments(unit) < SEGMENTS_MIN:
        return Problem.PREDICTABLE
    if any(breached.holds(said) for said in {password, folded, unit}):
        return Problem.BREACHED
    return None


def words(own: Iterable[str]) -> list[str]:
    """Return the words in what a person is called, and each whole, the longest first."""
    found: set[str] = set()
    for text in own:
        whole = unicodedata.normalize("NFKC", text).casefold().strip()
        found |= {whole, re.sub(r"[\W_]+", "", whole), *re.split(r"[\W_]+", whole)}
    return sorted(
        (word for word in found if len(word) >= WORD_LENGTH_MIN), key=lambda w: (-len(w), w)
    )


def without(folded: str, own: Iterable[str]) -> str:
    """Return what is left of a password when the person's own words are taken out."""
    for word in own:
        folded = folded.replace(word, "")
    return folded


def repeated(text: str) -> str:
    """Return the shortest text that ``text`` is a repetition of: "abcabcab" repeats "abc"."""
    borders = [0] * len(text)  # Knuth, Morris and Pratt: the longest proper prefix that is a suffix
    for end in range(1, len(text)):
        length = borders[end - 1]
        while length and text[end] != text[length]:
            length = borders[length - 1]
        borders[end] = length + (text[end] == text[length])
    period = len(text) - (borders[-1] if borders else 0)
    return text[:period] if period <= len(text) // 2 else text


def segments(text: str) -> int:
    """Return how many straight runs ``text`` has: equal keys, neighbours, letters in order."""
    return 1 + sum(
        not (a == b or (a, b) in _STEPS or (a.isalnum() and abs(ord(a) - ord(b)) == 1))
        for a, b in pairwise(text)
    )
