"""From our messages to Bot API requests: pure, within every limit, and every loss reported.

A message becomes one or more *pieces* of text; the last one carries the buttons. Buttons that
answer are inline; a question for a location or a phone number gets Telegram's own keyboard, which
the next message without buttons takes away again (that is harmless where none is shown).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from chatworks.channels.models import Loss, Plan, Prompt, Settle, WirePart
from chatworks.channels.telegram.lengths import cut, fits, shorten, units
from chatworks.sdk.chat import LOCATION_BUTTON, PHONE_BUTTON
from chatworks.sdk.messages import Button, Card, Message

TEXT_UNITS_MAX = 4096  # UTF-16 code units after entity parsing
BUTTONS_MAX = 100  # undocumented; python-telegram-bot's constant
CALLBACK_BYTES_MAX = 64
CALLBACK_SECONDS_MAX = 150  # telegram-bot-api, Client.cpp: a callback query expires
NOTICE_UNITS_MAX = 200
LABEL_UNITS_MAX = 64  # a phone shows about half of that
COMMANDS_MAX = 100
COMMAND_NAME = re.compile(r"[a-z0-9_]{1,32}")
DESCRIPTION_UNITS_MAX = 256
SHORT_LABEL = 14  # code points up to which two buttons share a row
REMOVE_KEYBOARD = {"remove_keyboard": True}
REQUESTS = {LOCATION_BUTTON: "request_location", PHONE_BUTTON: "request_contact"}


def chat_id(thread: str) -> int | str:
    """Return the chat id as the Bot API takes it."""
    return int(thread) if thread.lstrip("-").isdigit() else thread


@dataclass(frozen=True, slots=True)
class _Drawn:
    """A message as it will stand in the chat."""

    pieces: list[str]
    bold_units: int
    markup: dict[str, Any] | None
    losses: list[Loss]

    def entities(self, index: int) -> dict[str, Any]:
        """Return the parameter that makes a card's title bold, in the piece that holds it."""
        if index or not self.bold_units:
            return {}
        length = min(self.bold_units, units(self.pieces[0]))
        return {"entities": [{"type": "bold", "offset": 0, "length": length}]}


def plan(prompt: Prompt) -> Plan:
    """Return the requests that show ``prompt.message`` in its chat."""
    drawn = _draw(prompt)
    parts = []
    for index, piece in enumerate(drawn.pieces):
        params: dict[str, Any] = {
            "chat_id": chat_id(prompt.thread),
            "text": piece,
            **drawn.entities(index),
        }
        if index == len(drawn.pieces) - 1 and drawn.markup:
            params["reply_markup"] = drawn.markup
        parts.append(WirePart("sendMessage", params))
    return Plan(tuple(parts), tuple(drawn.losses))


def _draw(prompt: Prompt) -> _Drawn:
    text, bold_units = _text(prompt.message)
    losses: list[Loss] = []
    markup, numbered = _markup(prompt, losses)
    if numbered:
        text = f"{text}\n\n{numbered}".lstrip()
    if prompt.message.card is not None and prompt.message.card.photo:
        losses.append(Loss("photo", "shown on the outlet's page only"))
    pieces = cut(text, TEXT_UNITS_MAX) or ["…"]
    if len(pieces) > 1:
        losses.append(Loss("one message", f"{len(pieces)} messages"))
    return _Drawn(pieces, bold_units, markup, losses)


def _text(message: Message) -> tuple[str, int]:
    """Return a message's text, and how many units at its start are a card's bold title."""
    if message.card is None:
        return message.text, 0
    title = message.card.title.strip()
    return f"{_card(message.card, title)}\n\n{message.text}".strip(), units(title)


def _card(card: Card, title: str) -> str:
    rows = [f"{line.label}: {line.value}" for line in card.lines]
    blocks = ["\n".join(row for row in (title, card.subtitle) if row), "\n".join(rows), card.footer]
    return "\n\n".join(block for block in blocks if block)


def _markup(prompt: Prompt, losses: list[Loss]) -> tuple[dict[str, Any] | None, str]:
    """Return the keyboard, and the choices as numbered text where buttons cannot say them all."""
    buttons = prompt.message.buttons
    shares = any(button.id in REQUESTS for button in buttons)
    if prompt.is_group and shares:
        losses.append(Loss("a button that shares", "asked in words: groups have none"))
        buttons = tuple(button for button in buttons if button.id not in REQUESTS)
        shares = False
    if not buttons:
        return None if prompt.is_group else REMOVE_KEYBOARD, ""
    data = [f"{prompt.seq}.{button.id}" for button in buttons]
    if len(buttons) > BUTTONS_MAX or any(len(d.encode()) > CALLBACK_BYTES_MAX for d in data):
        losses.append(Loss("buttons", "numbered text"))
        return None, _numbered(buttons)
    keyboard = _request_keyboard(buttons) if shares else {"inline_keyboard": _rows(buttons, data)}
    if all(fits(button.label, LABEL_UNITS_MAX) for button in buttons):
        return keyboard, ""
    losses.append(Loss("long labels", "shortened, and whole in the text above"))
    return keyboard, _numbered(buttons)


def _numbered(buttons: Sequence[Button]) -> str:
    return "\n".join(f"{n}. {button.label}" for n, button in enumerate(buttons, start=1))


def _label(number: int, button: Button) -> str:
    return shorten(button.label.strip() or str(number), LABEL_UNITS_MAX)


def _rows(buttons: Sequence[Button], data: Sequence[str]) -> list[list[dict[str, str]]]:
    rows: list[list[dict[str, str]]] = []
    for number, (button, callback) in enumerate(zip(buttons, data, strict=True), start=1):
        key = {"text": _label(number, button), "callback_data": callback}
        short = len(key["text"]) <= SHORT_LABEL
        if short and rows and len(rows[-1]) == 1 and len(rows[-1][0]["text"]) <= SHORT_LABEL:
            rows[-1].append(key)
        else:
            rows.append([key])
    return rows


def _request_keyboard(buttons: Sequence[Button]) -> dict[str, Any]:
    """Return Telegram's own keyboard: what its buttons send are messages, so they have no data."""
    rows = []
    for number, button in enumerate(buttons, start=1):
        key: dict[str, Any] = {"text": _label(number, button)}
        if button.id in REQUESTS:
            key[REQUESTS[button.id]] = True
        rows.append([key])
    return {"keyboard": rows, "resize_keyboard": True, "one_time_keyboard": True}


def settle(settled: Settle) -> Sequence[WirePart]:
    """Answer a tap at once, and take the buttons away from an answered question.

    Only the answer is urgent: an edit keeps its place behind the question that it edits. A notice
    that is too long for the tap's answer is a message of its own.
    """
    parts = []
    if settled.reply_ref:
        params: dict[str, Any] = {"callback_query_id": settled.reply_ref}
        short = fits(settled.notice, NOTICE_UNITS_MAX)
        if settled.notice and short:
            params["text"] = settled.notice
        parts.append(
            WirePart(
                "answerCallbackQuery",
                params,
                urgent=True,
                expires_seconds=CALLBACK_SECONDS_MAX,
            )
        )
        if not short:
            parts.extend(plan(Prompt(settled.thread, 0, Message(settled.notice))).parts)
    if settled.asked_seq and settled.message is not None:
        parts.extend(_close(settled, settled.message))
    return parts


def _close(settled: Settle, message: Message) -> Sequence[WirePart]:
    """Remove the keyboard, and leave what was chosen under the question, if there is room."""
    drawn = _draw(Prompt(settled.thread, settled.asked_seq, message))
    if drawn.markup is None or "inline_keyboard" not in drawn.markup:
        return ()
    params: dict[str, Any] = {"chat_id": chat_id(settled.thread)}
    refers_to = None
    if settled.message_ref:
        params["message_id"] = int(settled.message_ref)
    else:
        refers_to = settled.asked_seq
    last = len(drawn.pieces) - 1
    text = f"{drawn.pieces[last]}\n✓ {settled.chosen}"
    if not settled.chosen or not fits(text, TEXT_UNITS_MAX):
        return (WirePart("editMessageReplyMarkup", params, refers_to=refers_to),)
    params |= {"text": text, **drawn.entities(last)}
    return (WirePart("editMessageText", params, refers_to=refers_to),)


def menu(
    listed: Sequence[tuple[str, str]],
) -> tuple[list[dict[str, str]], tuple[Loss, ...]]:
    """Return a bot's menu of (name, description) as ``setMyCommands`` takes it."""
    commands: dict[str, str] = {}
    losses = []
    for name, description in listed:
        text = " ".join(description.split())
        if not COMMAND_NAME.fullmatch(name) or not text or len(commands) == COMMANDS_MAX:
            losses.append(Loss(f"/{name}", "left out of the menu"))
        elif name not in commands:
            commands[name] = shorten(text, DESCRIPTION_UNITS_MAX)
            if commands[name] != text:
                losses.append(Loss(f"the description of /{name}", "shortened"))
    return [{"command": name, "description": text} for name, text in commands.items()], tuple(
        losses
    )
