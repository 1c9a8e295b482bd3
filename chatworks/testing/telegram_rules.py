"""What the real Bot API refuses, in its own words; the stand-in asks here first."""

from __future__ import annotations

import re
from typing import Any

TEXT_UNITS_MAX = 4096
NOTICE_UNITS_MAX = 200
CALLBACK_BYTES_MAX = 64
BUTTONS_MAX, ROW_MAX = 100, 8
COMMANDS_MAX, DESCRIPTION_UNITS_MAX = 100, 256
WEBHOOK = re.compile(r"https://[^/:]+(:(443|80|88|8443))?(/.*)?")
SECRET = re.compile(r"[A-Za-z0-9_-]{1,256}")
COMMAND = re.compile(r"[a-z0-9_]{1,32}")


def units(text: str) -> int:
    """Return the length of ``text`` in UTF-16 code units."""
    return len(text.encode("utf-16-le")) // 2


def check(method: str, params: dict[str, Any]) -> str:
    """Return what the real Bot API would refuse, or nothing."""
    rules = {
        "sendMessage": _message,
        "editMessageText": _message,
        "editMessageReplyMarkup": _markup,
        "answerCallbackQuery": _notice,
        "setMyCommands": _commands,
        "setWebhook": _webhook,
    }
    return rules[method](params) if method in rules else ""


def _message(params: dict[str, Any]) -> str:
    text = params.get("text", "").strip()
    if not text:
        return "message text is empty"
    if units(text) > TEXT_UNITS_MAX:
        return "message is too long"
    for entity in params.get("entities", ()):
        if entity["length"] < 1 or entity["offset"] + entity["length"] > units(params["text"]):
            return "ENTITY_BOUNDS_INVALID"
    return _markup(params)


def _markup(params: dict[str, Any]) -> str:
    markup = params.get("reply_markup") or {}
    rows = [*markup.get("inline_keyboard", ()), *markup.get("keyboard", ())]
    buttons = [button for row in rows for button in row]
    if len(buttons) > BUTTONS_MAX or any(not 0 < len(row) <= ROW_MAX for row in rows):
        return "REPLY_MARKUP_TOO_LONG"
    for button in buttons:
        if not button["text"].strip():
            return "text buttons are not allowed to be empty"
        if not 0 < len(button.get("callback_data", "x").encode()) <= CALLBACK_BYTES_MAX:
            return "BUTTON_DATA_INVALID"
        for word in ("location", "contact"):
            if button.get(f"request_{word}") and str(params["chat_id"]).startswith("-"):
                return f"{word} can be requested in private chats only"
    return ""


def _notice(params: dict[str, Any]) -> str:
    return "MESSAGE_TOO_LONG" if units(params.get("text", "")) > NOTICE_UNITS_MAX else ""


def _commands(params: dict[str, Any]) -> str:
    commands = params["commands"]
    if len(commands) > COMMANDS_MAX:
        return "BOT_COMMANDS_TOO_MUCH"
    for command in commands:
        if not COMMAND.fullmatch(command["command"]):
            return "BOT_COMMAND_INVALID"
        if not 0 < units(command["description"]) <= DESCRIPTION_UNITS_MAX:
            return "BOT_COMMAND_DESCRIPTION_INVALID"
    return ""


def _webhook(params: dict[str, Any]) -> str:
    if params["url"] and not WEBHOOK.fullmatch(params["url"]):
        return "bad webhook: an HTTPS URL must be provided for webhook"
    if not SECRET.fullmatch(params.get("secret_token", "x")):
        return "secret token contains unallowed characters"
    return ""
