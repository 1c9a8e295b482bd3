"""What the real Bot API refuses, in its own words; the stand-in asks here first.

Sources: the Bot API's reference and reference/messaging.md §4.1, which marks what is undocumented
(100 buttons, 8 in a row, 100 entities).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

TEXT_UNITS_MAX = 4096
CAPTION_UNITS_MAX = 1024
NOTICE_UNITS_MAX = 200
CALLBACK_BYTES_MAX = 64
COPY_CHARACTERS_MAX, PLACEHOLDER_CHARACTERS_MAX = 256, 64
BUTTONS_MAX, ROW_MAX = 100, 8
COMMANDS_MAX, DESCRIPTION_UNITS_MAX = 100, 256
ALBUM_LEAST, ALBUM_MOST = 2, 10
PHOTO_BYTES_MAX, FILE_BYTES_MAX, DOWNLOAD_BYTES_MAX = 10_000_000, 50_000_000, 20_000_000
PHOTO_URL_BYTES_MAX, FILE_URL_BYTES_MAX = 5_000_000, 20_000_000
PHOTO_SIDES_MAX, PHOTO_RATIO_MAX = 10_000, 20
TITLE_MAX, INVOICE_DESCRIPTION_MAX, PAYLOAD_BYTES_MAX, TIPS_MAX = 32, 255, 128, 4
SUBSCRIPTION_SECONDS, SUBSCRIPTION_STARS_MAX = 2_592_000, 10_000
ACCESS_USERS_MAX = 10
STARS = "XTR"
WEBHOOK = re.compile(r"https://[^/:]+(:(443|80|88|8443))?(/.*)?")
SECRET = re.compile(r"[A-Za-z0-9_-]{1,256}")
COMMAND = re.compile(r"[a-z0-9_]{1,32}")
CURRENCY = re.compile(r"[A-Z]{3}")
ACTIONS = {
    "typing", "upload_photo", "record_video", "upload_video", "record_voice", "upload_voice",
    "upload_document", "choose_sticker", "find_location", "record_video_note",
    "upload_video_note",
}  # fmt: skip
ALBUMS = ({"photo", "video"}, {"document"}, {"audio"})  # what may stand together in one
MEDIA = ("photo", "document", "audio", "video", "voice", "animation")


def units(text: str) -> int:
    """Return the length of ``text`` in UTF-16 code units."""
    return len(text.encode("utf-16-le")) // 2


def check(method: str, params: dict[str, Any]) -> str:
    """Return what the real Bot API would refuse, or nothing."""
    rules = {
        "sendMessage": _message,
        "editMessageText": _message,
        "editMessageCaption": _caption,
        "editMessageReplyMarkup": _markup,
        "answerCallbackQuery": _notice,
        "answerPreCheckoutQuery": _checkout,
        "setMyCommands": _commands,
        "setChatMenuButton": _menu_button,
        "setWebhook": _webhook,
        "sendMediaGroup": _album,
        "sendLocation": _location,
        "sendContact": _contact,
        "sendInvoice": _invoice,
        "createInvoiceLink": _invoice,
        "sendChatAction": _action,
        "setManagedBotAccessSettings": _access,
        **{f"send{kind.capitalize()}": _caption for kind in MEDIA},
    }
    return rules[method](params) if method in rules else ""


def _message(params: dict[str, Any]) -> str:
    text = params.get("text", "").strip()
    if not text:
        return "message text is empty"
    if units(text) > TEXT_UNITS_MAX:
        return "message is too long"
    return _entities(params.get("entities", ()), params["text"]) or _markup(params)


def _caption(params: dict[str, Any]) -> str:
    text = params.get("caption", "")
    if units(text.strip()) > CAPTION_UNITS_MAX:
        return "message caption is too long"
    return _entities(params.get("caption_entities", ()), text) or _markup(params)


def _entities(entities: Iterable[dict[str, Any]], text: str) -> str:
    for entity in entities:
        if entity["length"] < 1 or entity["offset"] + entity["length"] > units(text):
            return "ENTITY_BOUNDS_INVALID"
    return ""


def _markup(params: dict[str, Any]) -> str:
    markup = params.get("reply_markup") or {}
    rows = [*markup.get("inline_keyboard", ()), *markup.get("keyboard", ())]
    buttons = [button for row in rows for button in row]
    if len(buttons) > BUTTONS_MAX or any(not 0 < len(row) <= ROW_MAX for row in rows):
        return "REPLY_MARKUP_TOO_LONG"
    if len(markup.get("input_field_placeholder", "")) > PLACEHOLDER_CHARACTERS_MAX:
        return "INPUT_FIELD_PLACEHOLDER_INVALID"
    in_group = str(params.get("chat_id", "")).startswith("-")
    problems = (_button(button, in_group=in_group) for button in buttons)
    return next((problem for problem in problems if problem), "")


def _button(button: dict[str, Any], *, in_group: bool) -> str:
    if not button["text"].strip():
        return "text buttons are not allowed to be empty"
    if not 0 < len(button.get("callback_data", "x").encode()) <= CALLBACK_BYTES_MAX:
        return "BUTTON_DATA_INVALID"
    if not 0 < len(button.get("copy_text", {"text": "x"})["text"]) <= COPY_CHARACTERS_MAX:
        return "BUTTON_COPY_TEXT_INVALID"
    for word in ("location", "contact"):
        if button.get(f"request_{word}") and in_group:
            return f"{word} can be requested in private chats only"
    return "BUTTON_TYPE_INVALID" if "web_app" in button and in_group else ""


def _notice(params: dict[str, Any]) -> str:
    return "MESSAGE_TOO_LONG" if units(params.get("text", "")) > NOTICE_UNITS_MAX else ""


def _checkout(params: dict[str, Any]) -> str:
    told = params["ok"] or params.get("error_message")
    return "" if told else 'parameter "error_message" is required'


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


def _menu_button(params: dict[str, Any]) -> str:
    button = params.get("menu_button", {"type": "default"})
    if button["type"] != "web_app":
        return ""
    if not button["text"].strip():
        return "text buttons are not allowed to be empty"
    return "" if button["web_app"]["url"].startswith("https://") else "BUTTON_URL_INVALID"


def _webhook(params: dict[str, Any]) -> str:
    if params["url"] and not WEBHOOK.fullmatch(params["url"]):
        return "bad webhook: an HTTPS URL must be provided for webhook"
    if not SECRET.fullmatch(params.get("secret_token", "x")):
        return "secret token contains unallowed characters"
    return ""


def _album(params: dict[str, Any]) -> str:
    media = params["media"]
    kinds = {item["type"] for item in media}
    if not ALBUM_LEAST <= len(media) <= ALBUM_MOST:
        return f"group must contain from {ALBUM_LEAST} to {ALBUM_MOST} messages"
    if not any(kinds <= album for album in ALBUMS):
        return "media can't be mixed in one group"
    return next((problem for problem in map(_caption, media) if problem), "")


def _location(params: dict[str, Any]) -> str:
    right = abs(params["latitude"]) <= 90 and abs(params["longitude"]) <= 180  # noqa: PLR2004 - the globe's
    return _markup(params) if right else "wrong latitude or longitude"


def _contact(params: dict[str, Any]) -> str:
    if not params["phone_number"]:
        return "PHONE_NUMBER_INVALID"
    return _markup(params) if params["first_name"] else "first name is empty"


def _action(params: dict[str, Any]) -> str:
    return "" if params["action"] in ACTIONS else "wrong parameter action in request"


def _access(params: dict[str, Any]) -> str:
    return "USERS_TOO_MUCH" if len(params.get("added_user_ids", ())) > ACCESS_USERS_MAX else ""


def _invoice(params: dict[str, Any]) -> str:
    prices, stars = params["prices"], params["currency"] == STARS
    period = params.get("subscription_period", SUBSCRIPTION_SECONDS)
    total = sum(price["amount"] for price in prices)
    too_dear = "subscription_period" in params and total > SUBSCRIPTION_STARS_MAX
    rules = (
        (not 1 <= len(params["title"]) <= TITLE_MAX, "INVOICE_TITLE_INVALID"),
        (
            not 1 <= len(params["description"]) <= INVOICE_DESCRIPTION_MAX,
            "INVOICE_DESCRIPTION_INVALID",
        ),
        (not 1 <= len(params["payload"].encode()) <= PAYLOAD_BYTES_MAX, "INVOICE_PAYLOAD_INVALID"),
        (not CURRENCY.fullmatch(params["currency"]), "CURRENCY_INVALID"),
        (not prices or (stars and len(prices) != 1), "STARS_INVOICE_INVALID"),
        (not stars and not params.get("provider_token"), "PAYMENT_PROVIDER_INVALID"),
        (total <= 0, "CURRENCY_TOTAL_AMOUNT_INVALID"),
        (len(params.get("suggested_tip_amounts", ())) > TIPS_MAX, "TIP_AMOUNTS_INVALID"),
        (period != SUBSCRIPTION_SECONDS or too_dear, "SUBSCRIPTION_PERIOD_INVALID"),
        (not _pay_first(params), "BUTTON_TYPE_INVALID"),
    )
    return next((problem for broken, problem in rules if broken), "") or _markup(params)


def _pay_first(params: dict[str, Any]) -> bool:
    """Return whether a pay button, where there are any, is the very first one."""
    rows = (params.get("reply_markup") or {}).get("inline_keyboard", ())
    pays = [bool(button.get("pay")) for row in rows for button in row]
    return not pays or (pays[0] and sum(pays) == 1)


# -- files -----------------------------------------------------------------------------------


def size_of_picture(content: bytes) -> tuple[int, int] | None:
    """Return the width and height of a PNG or JPEG, or None for anything else."""
    if content.startswith(b"\x89PNG\r\n\x1a\n") and content[12:16] == b"IHDR":
        return int.from_bytes(content[16:20], "big"), int.from_bytes(content[20:24], "big")
    if not content.startswith(b"\xff\xd8"):
        return None
    at = 2
    while at + 9 <= len(content) and content[at] == 0xFF:  # noqa: PLR2004 - a JPEG's marker
        marker, length = content[at + 1], int.from_bytes(content[at + 2 : at + 4], "big")
        if 0xC0 <= marker <= 0xCF and marker not in {0xC4, 0xC8, 0xCC}:  # noqa: PLR2004 - its frame
            height, width = content[at + 5 : at + 7], content[at + 7 : at + 9]
            return int.from_bytes(width, "big"), int.from_bytes(height, "big")
        at += 2 + length
    return None


def file_problem(kind: str, content: bytes, *, by_url: bool = False) -> str:
    """Return why a file is refused as ``kind`` (photo, document, …), or nothing."""
    photo = kind == "photo"
    limits = (
        (PHOTO_URL_BYTES_MAX, FILE_URL_BYTES_MAX) if by_url else (PHOTO_BYTES_MAX, FILE_BYTES_MAX)
    )
    if not content:
        return "file must be non-empty"
    if len(content) > limits[0 if photo else 1]:
        return "failed to get HTTP URL content" if by_url else "file is too big"
    if not photo:
        return ""
    size = size_of_picture(content)
    if size is None or 0 in size:
        return "IMAGE_PROCESS_FAILED"
    sides = sum(size) > PHOTO_SIDES_MAX or max(size) > PHOTO_RATIO_MAX * min(size)
    return "PHOTO_INVALID_DIMENSIONS" if sides else ""
