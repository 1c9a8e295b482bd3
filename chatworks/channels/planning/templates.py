"""Templates: which one may carry a message where a messenger takes nothing else, and what fills it.

A template of the message's own topic says it in its stead; one of the topic ``reopen`` asks the
person to write, and the message waits until they do. Pure.
"""

from __future__ import annotations

from collections.abc import Callable

from chatworks.channels.capabilities import Length
from chatworks.channels.models import WINDOW, Loss, Plan, Prompt, Template, WirePart
from chatworks.channels.planning.lengths import shorten
from chatworks.channels.planning.pieces import Drawn, Shown, Words
from chatworks.channels.topics import REOPEN, variables

APPROVED = "approved"
EMPTY = "–"  # a variable may not be empty


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


def _spoken(drawn: Drawn) -> list[str]:
    """Return the texts of a drawing, in order."""
    return [
        piece.body.text if isinstance(piece, Words) else piece.caption.text
        for piece in drawn.pieces
        if isinstance(piece, Words | Shown)
    ]


def _instead(prompt: Prompt) -> Template | None:
    """Return the template that says the message itself; none where it asks or shows something
    that a template's text cannot.
    """
    message = prompt.message
    if not message.topic or message.choices or message.form is not None or message.media:
        return None
    return _of_topic(prompt, message.topic)


def _of_topic(prompt: Prompt, topic: str) -> Template | None:
    """Return the approved template of a topic: in the person's language, else in any."""
    found = [t for t in prompt.templates if t.topic == topic and t.status == APPROVED]
    own = [t for t in found if t.language.partition("_")[0] == prompt.language]
    return next(iter(own or found), None)


def filled(prompt: Prompt, drawn: Drawn, template: Template, most: Length) -> list[str]:
    """Return what fills a template of a message that was drawn as ``drawn``.

    The message's own values fill a template of its topic, each its variable. Else it is a line of
    the text each, and in the last variable all that is left. A variable has no line breaks and no
    runs of spaces, is never empty, and is within ``most``.
    """
    count, message = variables(template.body), prompt.message
    if message.values and template.topic == message.topic:
        values = [" ".join(value.split()) for value in message.values[:count]]
    else:
        values = _lines(drawn, count)
    values += [""] * (count - len(values))
    return [shorten(value, most) if value else EMPTY for value in values]


def _lines(drawn: Drawn, count: int) -> list[str]:
    """Return the lines of what would have been said, the last ones joined into the last place."""
    lines = [" ".join(line.split()) for text in _spoken(drawn) for line in text.splitlines()]
    lines = [line for line in lines if line]
    return [*lines[: count - 1], " · ".join(lines[count - 1 :])] if count else []
