"""Lengths as channels count them, and texts cut to fit: between whole characters, losing nothing.

A *character* is what a person sees as one: a flag, a family, a letter with its marks (a grapheme
cluster of Unicode's UAX 29). A length counts code points, UTF-16 code units or bytes of UTF-8.
"""

from __future__ import annotations

from collections.abc import Sequence

import regex

from chatworks.channels.capabilities import Length, Unit

WIDEST = {Unit.CODE_POINTS: 1, Unit.UTF16: 2, Unit.BYTES: 4}  # units of one code point, at most
_CHARACTER = regex.compile(r"\X")
# Where a text is cut, if it can be: the first of these that leaves a piece at least half full.
_PAUSES = ("\n\n", "\n", " ")

Span = tuple[int, int]


def size(text: str, unit: Unit) -> int:
    """Return the length of ``text`` in ``unit``."""
    if unit is Unit.CODE_POINTS or text.isascii():
        return len(text)
    if unit is Unit.UTF16:
        return len(text.encode("utf-16-le", "surrogatepass")) // 2
    return len(text.encode("utf-8", "surrogatepass"))


def fits(text: str, length: Length) -> bool:
    """Return whether ``text`` is within ``length``; quick for short ones."""
    if WIDEST[length.unit] * len(text) <= length.most:
        return True
    return size(text, length.unit) <= length.most


def spans(text: str, length: Length) -> list[Span]:
    """Return where ``text`` is cut into pieces within ``length``: at a paragraph, line or word.

    Nothing is dropped but white space at the ends and at the cuts. Only a single character longer
    than the whole length is itself cut, between code points. White space alone gives no piece.
    """
    start, end = _skip_space(text, 0), len(text.rstrip())
    found = []
    while start < end and not fits(text[start:end], length):
        rest = text[start:end]
        at = _pause(rest, _ends(rest, length))
        kept = len(rest[:at].rstrip())
        if kept:  # a space that carries a mark, and is longer than the length, may be cut off it
            found.append((start, start + kept))
        start = _skip_space(text, start + at)
    return [*found, (start, end)] if start < end else found


def cut(text: str, length: Length) -> list[str]:
    """Return the pieces of ``text``: see ``spans``."""
    return [text[start:end] for start, end in spans(text, length)]


def shorten(text: str, length: Length) -> str:
    """Return ``text``, or its beginning and an ellipsis, within ``length``."""
    if fits(text, length):
        return text
    dots = size("…", length.unit)
    return text[: _ends(text, Length(length.most - dots, length.unit))[-1]].rstrip() + "…"


def _skip_space(text: str, start: int) -> int:
    """Skip whole characters only: a space that carries a mark stays."""
    if not text[start : start + 1].isspace():
        return start
    for match in _CHARACTER.finditer(text, start):
        if not match.group().isspace():
            return int(match.start())
    return len(text)


def _ends(text: str, length: Length) -> list[int]:
    """Return where the characters end that fit into ``length`` together; at least one."""
    ends: list[int] = []
    total = 0
    for match in _CHARACTER.finditer(text):
        total += size(match.group(), length.unit)
        if total > length.most:
            break
        ends.append(match.end())
    return ends or [_code_points(text, length)]


def _code_points(text: str, length: Length) -> int:
    total = 0
    for index, character in enumerate(text):
        total += size(character, length.unit)
        if total > length.most:
            return max(index, 1)
    return len(text)


def _pause(text: str, ends: Sequence[int]) -> int:
    """Return the best of ``ends`` to cut at."""
    end = ends[-1]
    known = frozenset(ends)
    for pause in _PAUSES:
        at = text.rfind(pause, 0, end)
        if at > end // 2 and at in known and _character(text, at).isspace():
            return at
    return end


def _character(text: str, at: int) -> str:
    match = _CHARACTER.match(text, at)
    return match.group() if match else ""
