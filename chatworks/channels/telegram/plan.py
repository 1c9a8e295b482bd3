"""From our messages to Bot API requests: pure, within every limit, and every loss reported."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chatworks.channels.models import Loss, Plan, Prompt, Settle, WirePart
from chatworks.sdk.chat import LOCATION_BUTTON, PHONE_BUTTON
from chatworks.sdk.messages import Button, Card, Message, Wanted

TEXT_UNITS_MAX = 4096  # UTF-16 code units after entity parsing
BUTTONS_MAX = 100  # undocumented; python-telegram-bot's constant
CALLBACK_BYTES_MAX = 64
CALLBACK_SECONDS_MAX = 150  # telegram-bot-api, Client.cpp: a callback query expires
NOTICE_LENGTH_MAX = 200
SHORT_LABEL = 14  # code points up to which two buttons share a row
HIGH = 0xFFFF


def units(text: str) -> int:
    """Return the length of ``text`` in UTF-16 code units."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le")) // 2


def chat_id(thread: str) -> int | str:
    """Return the chat id as the Bot API takes it."""
    return int(thread) if thread.lstrip("-").isdigit() else thread


def plan(prompt: Prompt) -> Plan:
    """Return the requests that show ``prompt.message`` in its chat."""
    text, bold_units = _text(prompt.message)
    losses: list[Loss] = []
    markup, numbered = _markup(prompt, losses)
    if numbered:
        text = f"{text}\n\n{numbered}"
    if prompt.message.card is not None and prompt.message.card.photo:
        losses.append(Loss("photo", "shown on the outlet's page only"))
    pieces = cut(text or "…")
    if len(pieces) > 1:
        losses.append(Loss("one message", f"{len(pieces)} messages"))
    parts = []
    for index, piece in enumerate(pieces):
        params: dict[str, Any] = {"chat_id": chat_id(prompt.thread), "text": piece}
        if index == 0 and bold_units:
            length = min(bold_units, units(piece))
            params["entities"] = [{"type": "bold", "offset": 0, "length": length}]
        if index == len(pieces) - 1 and markup:
            params["reply_markup"] = markup
        parts.append(WirePart("sendMessage", params))
    return Plan(tuple(parts), tuple(losses))


def _text(message: Message) -> tuple[str, int]:
    """Return a message's text, and how many units at its start are a card's bold title."""
    if message.card is None:
        return message.text, 0
    card = message.card
    body = _card(card)
    text = f"{body}\n\n{message.text}" if message.text else body
    return text, units(card.title)


def _card(card: Card) -> str:
    rows = [f"{line.label}: {line.value}" for line in card.lines]
    blocks = [
        "\n".join(row for row in (card.title, card.subtitle) if row),
        "\n".join(rows),
        card.footer,
    ]
    return "\n\n".join(block for block in blocks if block)


def _markup(prompt: Prompt, losses: list[Loss]) -> tuple[dict[str, Any] | None, str]:
    buttons = prompt.message.buttons
    if not buttons:
        return None, ""
    if prompt.message.wanted in {Wanted.LOCATION, Wanted.PHONE}:
        return _request_keyboard(buttons), ""
    data = [f"{prompt.seq}.{button.id}" for button in buttons]
    if len(buttons) > BUTTONS_MAX or any(len(d.encode()) > CALLBACK_BYTES_MAX for d in data):
        losses.append(Loss("buttons", "numbered text"))
        return None, "\n".join(f"{n}. {b.label}" for n, b in enumerate(buttons, start=1))
    rows: list[list[dict[str, str]]] = []
    for button, callback in zip(buttons, data, strict=True):
        key = {"text": button.label, "callback_data": callback}
        short = len(button.label) <= SHORT_LABEL
        if short and rows and len(rows[-1]) == 1 and len(rows[-1][0]["text"]) <= SHORT_LABEL:
            rows[-1].append(key)
        else:
            rows.append([key])
    return {"inline_keyboard": rows}, ""


def _request_keyboard(buttons: Sequence[Button]) -> dict[str, Any]:
    wants = {LOCATION_BUTTON: "request_location", PHONE_BUTTON: "request_contact"}
    rows = []
    for button in buttons:
        key: dict[str, Any] = {"text": button.label}
        if button.id in wants:
            key[wants[button.id]] = True
        rows.append([key])
    return {"keyboard": rows, "resize_keyboard": True, "one_time_keyboard": True}


def cut(text: str, most: int = TEXT_UNITS_MAX) -> list[str]:
    """Cut ``text`` into pieces of at most ``most`` units, at a paragraph, line or word if it can.

    Nothing is dropped but the white space at a cut. A word longer than ``most`` is cut between
    grapheme-safe code points (never before a combining mark or inside a surrogate pair).
    """
    pieces = []
    rest = text
    while units(rest) > most:
        end = _fitting(rest, most)
        head = rest[:end]
        at = max(head.rfind("\n\n"), head.rfind("\n"), head.rfind(" "))
        if at <= 0:
            at = _safe(rest, end)
        pieces.append(rest[:at].rstrip())
        rest = rest[at:].lstrip()
    return [*pieces, rest] if rest else pieces


def _fitting(text: str, most: int) -> int:
    count = 0
    for index, character in enumerate(text):
        count += 2 if ord(character) > HIGH else 1
        if count > most:
            return index
    return len(text)


def _safe(text: str, end: int) -> int:
    from unicodedata import combining  # noqa: PLC0415 - only for words of more than 4096 units

    joiners = {"\u200d", "\ufe0f"}
    at = end
    while at > 1 and (combining(text[at]) or text[at] in joiners or text[at - 1] in joiners):
        at -= 1
    return at


def settle(settled: Settle) -> Sequence[WirePart]:
    """Answer a tap at once, and take the buttons away from an answered question."""
    parts = []
    if settled.reply_ref:
        params: dict[str, Any] = {"callback_query_id": settled.reply_ref}
        if settled.notice:
            params["text"] = settled.notice[:NOTICE_LENGTH_MAX]
        parts.append(
            WirePart(
                "answerCallbackQuery",
                params,
                urgent=True,
                expires_seconds=CALLBACK_SECONDS_MAX,
            )
        )
    if settled.asked_seq and settled.message is not None and settled.message.buttons:
        parts.append(_close(settled))
    return parts


def _close(settled: Settle) -> WirePart:
    """Remove the keyboard, and leave what was chosen under the question."""
    params: dict[str, Any] = {"chat_id": chat_id(settled.thread)}
    refers_to = None
    if settled.message_ref:
        params["message_id"] = int(settled.message_ref)
    else:
        refers_to = settled.asked_seq
    message = settled.message
    if message is None or not settled.chosen:
        return WirePart("editMessageReplyMarkup", params, urgent=True, refers_to=refers_to)
    text, bold_units = _text(message)
    params["text"] = cut(f"{text}\n✓ {settled.chosen}")[0]
    if bold_units:
        params["entities"] = [{"type": "bold", "offset": 0, "length": bold_units}]
    return WirePart("editMessageText", params, urgent=True, refers_to=refers_to)
