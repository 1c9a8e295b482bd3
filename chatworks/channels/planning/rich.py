"""Text with its formatting beside it: joined, cut and written out without losing where it stands.

``Rich`` is a text and its marks, whose places count code points. Formatting never becomes markup on
its way, so nothing that a person wrote can turn into formatting; only ``written`` puts a channel's
own signs around a run, at the very end, and only for channels that know no other way.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from chatworks.channels.capabilities import Length
from chatworks.channels.planning.lengths import fits, spans
from chatworks.sdk.messages import Mark, Style


class Rich(msgspec.Struct, frozen=True):
    """A text and the marks over it."""

    text: str = ""
    marks: tuple[Mark, ...] = ()

    def slice(self, start: int, end: int) -> Rich:
        """Return the characters ``start`` to ``end`` with what of their marks lies inside."""
        inside = tuple(
            Mark(mark.style, max(mark.start, start) - start, min(mark.end, end) - start)
            for mark in self.marks
            if mark.start < end and mark.end > start
        )
        return Rich(self.text[start:end], inside)

    def pieces(self, length: Length) -> list[Rich]:
        """Return the text cut into pieces within ``length``."""
        text = self.text
        if text and fits(text, length) and not (text[0].isspace() or text[-1].isspace()):
            return [self]
        return [self.slice(start, end) for start, end in spans(text, length)]


def bold(text: str) -> Rich:
    """Return ``text`` in bold."""
    return Rich(text, (Mark(Style.BOLD, 0, len(text)),) if text else ())


def join(parts: Iterable[Rich], between: str) -> Rich:
    """Return the parts that are not empty, with ``between`` between them."""
    full = [part for part in parts if part.text]
    if len(full) == 1:
        return full[0]
    marks: list[Mark] = []
    at = 0
    for part in full:
        marks.extend(Mark(m.style, m.start + at, m.end + at) for m in part.marks)
        at += len(part.text) + len(between)
    return Rich(between.join(part.text for part in full), tuple(marks))


def written(rich: Rich, signs: Mapping[Style, str]) -> str:
    """Return the text with ``signs`` around each marked run: no sign touches a space or a break.

    A mark without a sign is left plain. Runs that cross others keep only the first.
    """
    out: list[str] = []
    at = 0
    for mark in sorted(rich.marks, key=lambda mark: (mark.start, -mark.end)):
        sign = signs.get(mark.style, "")
        if not sign or mark.start < at:
            continue
        out.append(rich.text[at : mark.start])
        run = rich.text[mark.start : mark.end]
        out.append("\n".join(_signed(line, sign) for line in run.split("\n")))
        at = mark.end
    return "".join([*out, rich.text[at:]])


def _signed(line: str, sign: str) -> str:
    core = line.strip()
    if not core or sign in core:
        return line
    before = line[: len(line) - len(line.lstrip())]
    return f"{before}{sign}{core}{sign}{line[len(line.rstrip()) :]}"
