"""Light formatting in an applet's texts: ``*bold*``, ``_italic_``, ``~strike~`` and a `code` run.

The signs are read in the msgid, or its translation, before anything is filled in: what a person
wrote and the business returned is text and can never turn into formatting. A sign counts only at
the edge of a word and around words ("2*3" and "snake_case" stay as they are).
"""

from __future__ import annotations

import re
from functools import lru_cache

from chatworks.sdk.messages import Mark, Style

SIGNS = {"*": Style.BOLD, "_": Style.ITALIC, "~": Style.STRIKE, "`": Style.CODE}
_RUN = re.compile(r"(?<!\w)([*_~`])(?=[^\s*_~`])([^\n]*?[^\s*_~`])\1(?!\w)")

Run = tuple[str, Style | None]


def formatted(template: str, values: dict[str, object]) -> tuple[str, tuple[Mark, ...]]:
    """Return the text of ``template`` with ``values`` filled in, and the marks of its signs."""
    runs = _runs(template)
    if len(runs) == 1 and runs[0][1] is None:
        return (template.format(**values) if values else template), ()
    text, marks = "", []
    for piece, style in runs:
        said = piece.format(**values) if values else piece
        if style is not None and said:
            marks.append(Mark(style, len(text), len(text) + len(said)))
        text += said
    return text, tuple(marks)


@lru_cache(maxsize=4096)
def _runs(template: str) -> tuple[Run, ...]:
    """Cut ``template`` into runs of one style; templates are few, so this is done once for each."""
    runs: list[Run] = []
    at = 0
    for match in _RUN.finditer(template):
        if match.start() > at:
            runs.append((template[at : match.start()], None))
        runs.append((match[2], SIGNS[match[1]]))
        at = match.end()
    if at < len(template) or not runs:
        runs.append((template[at:], None))
    return tuple(runs)
