"""Lengths as Telegram counts them, and texts cut to fit: between whole characters, losing nothing.

A *character* is what a person sees as one: a flag, a family, a letter with its marks (a grapheme
cluster of Unicode's UAX 29). Telegram counts UTF-16 code units.
"""

from __future__ import annotations

from collections.abc import Sequence

import regex

HIGH = 0xFFFF
_CHARACTER = regex.compile(r"\X")
# Where a text is cut, if it can be: the first of these that leaves a piece at least half full.
_PAUSES = ("\n\n", "\n", " ")


def units(text: str) -> int:
    """Return the length of ``text`` in UTF-16 code units."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def fits(text: str, most: int) -> bool:
    """Return whether ``text`` has at most ``most`` units; quick for short ones."""
    return 2 * len(text) <= most or units(text) <= most


def cut(text: str, most: int) -> list[str]:
    """Cut ``text`` into pieces of 1 to ``most`` units, at a paragraph, line or word if it can.

    Nothing is dropped but white space at the ends and at the cuts. Only a single character of more
    than ``most`` units is itself cut, between code points. White space alone gives no piece.
    """
    pieces = []
    rest = _without_leading_space(text).rstrip()
    while not fits(rest, most):
        at = _pause(rest, _ends(rest, most))
        pieces.append(rest[:at].rstrip())
        rest = _without_leading_space(rest[at:])
    return [*pieces, rest] if rest else pieces


def shorten(text: str, most: int) -> str:
    """Return ``text``, or its beginning and an ellipsis, in at most ``most`` units."""
    if fits(text, most):
        return text
    return text[: _ends(text, most - 1)[-1]].rstrip() + "…"


def _without_leading_space(text: str) -> str:
    """Strip whole characters only: a space that carries a mark stays."""
    if not text[:1].isspace():
        return text
    for match in _CHARACTER.finditer(text):
        if not match.group().isspace():
            return text[match.start() :]
    return ""


def _ends(text: str, most: int) -> list[int]:
    """Return where the characters end that fit into ``most`` units together; at least one."""
    ends: list[int] = []
    length = 0
    for match in _CHARACTER.finditer(text):
        length += units(match.group())
        if length > most:
            break
        ends.append(match.end())
    return ends or [_code_points(text, most)]


def _code_points(text: str, most: int) -> int:
    length = 0
    for index, character in enumerate(text):
        length += 2 if ord(character) > HIGH else 1
        if length > most:
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
