"""How choices are offered: buttons, else a list, else numbered text. Pure.

Nothing is left out: what does not fit a button stands in the text above it, and a list that is too
long is shown in pages. Numbers are the places of the choices in the whole message, from 1: that is
what an answer by number means everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

import msgspec

from chatworks.channels.capabilities import ButtonRules, Capabilities, RowRules
from chatworks.channels.models import Loss, Prompt
from chatworks.channels.planning.lengths import fits, shorten
from chatworks.channels.planning.pieces import Offer, OfferKind
from chatworks.channels.planning.rich import Rich, bold, join
from chatworks.sdk.chat import BOT_BUTTON, LOCATION_BUTTON, PHONE_BUTTON
from chatworks.sdk.inputs import SDK_TEXTS
from chatworks.sdk.messages import Button, Section, Wanted

ASKS = {LOCATION_BUTTON: Wanted.LOCATION, PHONE_BUTTON: Wanted.PHONE, BOT_BUTTON: Wanted.BOT}
MORE = "more:"
PLAIN = Rich()


class Choices(msgspec.Struct, frozen=True):
    """What is offered, what of it stands in the text, and whether numbers are the way to answer."""

    offer: Offer | None = None
    listed: Rich = PLAIN
    numbered: bool = False


NONE = Choices()


def choices(prompt: Prompt, capable: Capabilities, losses: list[Loss]) -> Choices:
    """Return how the message's choices are offered within ``capable``."""
    buttons = prompt.message.choices
    if not buttons:
        return NONE
    if any(button.id in ASKS for button in buttons):
        wanted = {ASKS[button.id] for button in buttons if button.id in ASKS}
        alone = capable.asks_body is None or len(buttons) == 1
        here = capable.asks_in_groups or not prompt.is_group
        if wanted <= capable.asks and alone and here:
            return Choices(Offer(OfferKind.ASK, buttons))
        losses.append(Loss("a button that shares", "asked in words"))
        buttons = tuple(button for button in buttons if button.id not in ASKS)
        if not buttons:
            return NONE
    return (
        _buttons(prompt, buttons, capable, losses)
        or _rows(prompt, buttons, capable.rows, losses)
        or _numbered(buttons, prompt, capable, losses)
    )


def _ids_fit(prompt: Prompt, buttons: Sequence[Button], most: int) -> bool:
    return all(len(f"{prompt.seq}.{button.id}".encode()) <= most for button in buttons)


def _wired(prompt: Prompt, button: Button, label: str, description: str = "") -> Button:
    return Button(f"{prompt.seq}.{button.id}", label, button.photo, description)


# -- buttons -----------------------------------------------------------------------------


def _buttons(
    prompt: Prompt, buttons: Sequence[Button], capable: Capabilities, losses: list[Loss]
) -> Choices | None:
    rules = capable.buttons
    if rules is None or len(buttons) > rules.most:
        return None
    if not _ids_fit(prompt, buttons, rules.id_bytes):
        return None
    labels = [button.label.strip() or str(n) for n, button in enumerate(buttons, 1)]
    whole = all(fits(label, rules.label) for label in labels)
    unique = not rules.unique or len(set(labels)) == len(labels)
    told = bool(prompt.message.sections) or any(button.description for button in buttons)
    if whole and unique and not (told and capable.rows):
        wired = tuple(_wired(prompt, b, label) for b, label in zip(buttons, labels, strict=True))
        listed = _list(prompt, buttons, numbers=False) if told else PLAIN
        return Choices(Offer(OfferKind.BUTTONS, wired), listed)
    if not rules.shorten:
        return None
    return _shortened(prompt, buttons, labels, rules, losses)


def _shortened(
    prompt: Prompt,
    buttons: Sequence[Button],
    labels: Sequence[str],
    rules: ButtonRules,
    losses: list[Loss],
) -> Choices:
    losses.append(Loss("long labels", "shortened, and whole in the text above"))
    wired = tuple(
        _wired(prompt, button, shorten(label, rules.label))
        for button, label in zip(buttons, labels, strict=True)
    )
    return Choices(Offer(OfferKind.BUTTONS, wired), _list(prompt, buttons, numbers=True))


# -- rows --------------------------------------------------------------------------------


def _rows(
    prompt: Prompt, buttons: Sequence[Button], rules: RowRules | None, losses: list[Loss]
) -> Choices | None:
    if rules is None or not _ids_fit(prompt, buttons, rules.id_bytes):
        return None
    first, shown = _page(prompt.message.first, len(buttons), rules.most)
    sections = prompt.message.sections or (Section("", tuple(buttons)),)
    unlisted: list[Button] = []
    rows: list[Section] = []
    position = 0
    for section in sections:
        page = section.buttons[max(0, first - position) : max(0, first + shown - position)]
        position += len(section.buttons)
        if page:
            title = shorten(section.title.strip(), rules.section)
            if title != section.title.strip():
                losses.append(Loss(f"the title “{section.title}”", "shortened"))
            rows.append(
                Section(title, tuple(_row(prompt, button, rules, unlisted) for button in page))
            )
    if shown < len(buttons):
        losses.append(Loss(f"{len(buttons)} choices at once", f"pages of {shown}, with “More”"))
        rows = _with_more(
            prompt, rows, (first + shown) % len(buttons) if shown else 0, len(buttons)
        )
    if len(rows) > rules.sections:
        losses.append(Loss("sections", "one list"))
        rows = [Section("", tuple(button for section in rows for button in section.buttons))]
    if len(rows) > 1:  # several sections need titles
        rows = [Section(section.title or "…", section.buttons) for section in rows]
    if unlisted:
        losses.append(Loss("long labels", "shortened, and whole in the text above"))
    listed = _list(prompt, buttons, numbers=True) if unlisted else PLAIN
    opener = shorten(SDK_TEXTS.text(prompt.language, "Choose"), rules.opener)
    return Choices(Offer(OfferKind.ROWS, sections=tuple(rows), opener=opener), listed)


def _page(first: int, count: int, most: int) -> tuple[int, int]:
    """Return where the page begins and how many choices it shows; a page leaves a row for More."""
    if count <= most:
        return 0, count
    first = first if 0 <= first < count else 0
    return first, min(most - 1, count - first)


def _with_more(prompt: Prompt, rows: list[Section], following: int, count: int) -> list[Section]:
    """Add the row that shows the next page; after the last one the first follows."""
    label = "More" if following else "Back to the first"
    more = Button(
        f"{prompt.seq}.{MORE}{following}",
        SDK_TEXTS.text(prompt.language, label),
        description=SDK_TEXTS.text(prompt.language, "{count} in all", count=count),
    )
    last = rows[-1]
    return [*rows[:-1], Section(last.title, (*last.buttons, more))]


def _row(prompt: Prompt, button: Button, rules: RowRules, unlisted: list[Button]) -> Button:
    """Return the row; what fits neither its label nor its description is told in the text."""
    label = button.label.strip() or "…"
    title, rest = label, button.description
    if not fits(title, rules.label):
        title = shorten(label, rules.label)
        rest = f"{label} — {rest}" if rest else label
    if not fits(rest, rules.description):
        unlisted.append(button)
        rest = shorten(rest, rules.description)
    return _wired(prompt, button, title, rest)


# -- text --------------------------------------------------------------------------------


def _numbered(
    buttons: Sequence[Button], prompt: Prompt, capable: Capabilities, losses: list[Loss]
) -> Choices:
    losses.append(Loss("buttons", "numbered text"))
    for button in buttons:
        word = button.label.strip().upper()
        if word in capable.reserved:
            losses.append(Loss(f"the word “{word}” as an answer", "answered by its number"))
    listed = _list(prompt, buttons, numbers=True)
    if capable.buttons is not None or capable.rows is not None:
        return Choices(None, listed, numbered=True)  # rare there, and an answer's label will do
    if len(buttons) > 1:
        hint = SDK_TEXTS.text(
            prompt.language, "Reply with a number: 1 to {count}.", count=len(buttons)
        )
    else:
        hint = SDK_TEXTS.text(prompt.language, "Reply with 1.")
    return Choices(None, join([listed, Rich(hint)], "\n"), numbered=True)


def _list(prompt: Prompt, buttons: Sequence[Button], *, numbers: bool) -> Rich:
    """Return the choices as lines, under the titles of their sections."""
    sections = prompt.message.sections or (Section("", tuple(buttons)),)
    left = iter(enumerate(buttons, 1))
    blocks = []
    for section in sections:
        lines = [
            _line(number, button, numbers=numbers)
            for number, button in islice(left, len(section.buttons))
        ]
        blocks.append(join([bold(section.title), Rich("\n".join(lines))], "\n"))
    return join(blocks, "\n\n")


def _line(number: int, button: Button, *, numbers: bool) -> str:
    label = button.label.strip() or "…"
    said = f"{label} — {button.description}" if button.description else label
    return f"{number}. {said}" if numbers else f"• {said}"
