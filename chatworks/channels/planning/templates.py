"""Templates: which one may carry a message where a messenger takes nothing else, and what fills it.

A template of the message's own topic says it in its stead; one of the topic ``reopen`` asks the
person to write, and the message waits until they do. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from chatworks.channels.capabilities import Length
from chatworks.channels.models import WINDOW, Loss, Plan, Prompt, Template, WirePart
from chatworks.channels.planning.lengths import shorten
from chatworks.channels.planning.pieces import Drawn, Shown, Words

APPROVED = "approved"
REOPEN = "reopen"
EMPTY = "–"  # a variable may not be empty
_SPOT = re.compile(r"\{\{\s*(\d+)\s*\}\}")


def outside_window(
    prompt: Prompt,
    parts: tuple[WirePart, ...],
    losses: list[Loss],
    carry: Callable[[Template], WirePart],
) -> Plan:
    """Return what leaves of a message, planned as ``parts``, where only templates are taken.

    ``carry`` makes a template's request; it may add to ``losses``.
    """
    own = _instead(prompt)
    if own is not None:
        losses.append(Loss("the message", f"the template “{own.name}”: the window is closed"))
        return Plan((carry(own),), tuple(losses))
    losses.append(Loss("the message", "waits until the person writes: the window is closed"))
    asking = _of_topic(prompt, REOPEN)
    first = () if asking is None else (carry(asking),)
    return Plan(parts, tuple(losses), WINDOW, first)


def spoken(drawn: Drawn) -> list[str]:
    """Return the texts of a drawing, in order: what fills a template."""
    return [
        piece.body.text if isinstance(piece, Words) else piece.caption.text
        for piece in drawn.pieces
        if isinstance(piece, Words | Shown)
    ]


def _instead(prompt: Prompt) -> Template | None:
    """Return the template that says the message itself; none where it asks something."""
    message = prompt.message
    if not message.topic or message.choices or message.form is not None:
        return None
    return _of_topic(prompt, message.topic)


def _of_topic(prompt: Prompt, topic: str) -> Template | None:
    """Return the approved template of a topic: in the person's language, else in any."""
    found = [t for t in prompt.templates if t.topic == topic and t.status == APPROVED]
    own = [t for t in found if t.language.partition("_")[0] == prompt.language]
    return next(iter(own or found), None)


def variables(template: Template) -> int:
    """Return how many variables a template has: the highest of its ``{{n}}``."""
    return max((int(n) for n in _SPOT.findall(template.body)), default=0)


def filled(template: Template, texts: Sequence[str], most: Length) -> list[str]:
    """Return what fills a template: a line of ``texts`` each, and in the last all that is left.

    A variable has no line breaks and no runs of spaces, is never empty, and is within ``most``.
    """
    count = variables(template)
    lines = [" ".join(line.split()) for text in texts for line in text.splitlines()]
    lines = [line for line in lines if line]
    if not count:
        return []
    values = [*lines[: count - 1], " · ".join(lines[count - 1 :])]
    values += [""] * (count - len(values))
    return [shorten(value, most) if value else EMPTY for value in values]
