"""What the WhatsApp Cloud API refuses of a message, and with which code; the stand-in asks here.

No machine-readable specification exists; the sources are reference/messaging.md §4.4 and §4.5 and
Meta's error pages. Where two sources differ, the stricter figure stands: a list's body has 1024
characters, a label of a link or flow 20. ``LATE`` codes come as a status ``failed``: the request
was answered 200 by then.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

TEXT_MAX, CAPTION_MAX, BODY_MAX = 4096, 1024, 1024
HEADER_MAX, FOOTER_MAX = 60, 60
BUTTONS_MAX, BUTTON_TITLE_MAX, BUTTON_ID_MAX = 3, 20, 256
SECTIONS_MAX, SECTION_TITLE_MAX, ROWS_MAX = 10, 24, 10
ROW_TITLE_MAX, ROW_DESCRIPTION_MAX, ROW_ID_MAX, LIST_BUTTON_MAX = 24, 72, 200, 20
LABEL_MAX = 20
PRODUCTS_MAX, PRODUCT_SECTIONS_MAX = 30, 10
CARDS_LEAST, CARDS_MAX, CARD_BODY_MAX = 2, 10, 160
TEMPLATE_NAME = re.compile(r"[a-z0-9_]{1,512}")
TEMPLATE_BUTTONS_MAX, TEMPLATE_URL_MAX = 10, 2000
CATEGORIES = {"AUTHENTICATION", "MARKETING", "UTILITY"}
WINDOW_SECONDS = 24 * 3600
PAIR_BURST, PAIR_SECONDS = 45, 6
PER_SECOND = 80

# Media by kind: the most bytes and the types (§4.4).
MEDIA: dict[str, tuple[int, set[str]]] = {
    "image": (5_000_000, {"image/jpeg", "image/png"}),
    "audio": (
        16_000_000, {"audio/aac", "audio/amr", "audio/mpeg", "audio/mp4", "audio/ogg"},
    ),
    "video": (16_000_000, {"video/mp4", "video/3gpp"}),
    "document": (
        100_000_000,
        {
            "application/pdf", "text/plain", "application/msword", "application/vnd.ms-excel",
            "application/vnd.ms-powerpoint",
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        },
    ),
    "sticker": (500_000, {"image/webp"}),
}  # fmt: skip

ERRORS = {
    1: "API Unknown",
    4: "API Too Many Calls",
    100: "Invalid parameter",
    190: "Invalid OAuth access token",
    130429: "Rate limit hit",
    131000: "Something went wrong",
    131008: "Required parameter is missing",
    131009: "Parameter value is not valid",
    131026: "Message undeliverable",
    131047: "Re-engagement message",
    131048: "Spam rate limit hit",
    131049: "This message was not delivered to maintain healthy ecosystem engagement",
    131050: "User has stopped marketing messages",
    131052: "Media download error",
    131053: "Media upload error",
    131056: "(Business Account, Consumer Account) pair rate limit hit",
    131062: "Business-scoped user ID recipients are not supported for this message",
    131064: "Messaging tier limit reached",
    132000: "Number of parameters does not match the expected number of params",
    132001: "Template does not exist",
    132012: "Template parameter format mismatch",
    132015: "Template is paused",
    132016: "Template is disabled",
}
LATE = {131026, 131047, 131048, 131049, 131050, 131052, 131053, 131064}
STATES = {"PAUSED": 132015, "DISABLED": 132016}

PHONE = re.compile(r"\+?[0-9]{7,15}")
AMERICAN = re.compile(r"1[0-9]{10}")  # no marketing templates go there since 2025-04-01
BSUID = re.compile(r"[A-Z]{2}\.(ENT\.)?[A-Za-z0-9]{1,128}")  # §4.5
SPOT = re.compile(r"\{\{\s*([^{}\s]+)\s*\}\}")
URL = re.compile(r"https?://\S+")

Problem = tuple[int, str]


def check(message: Mapping[str, Any]) -> Problem | None:
    """Return what is wrong with a message: a code and a detail."""
    kind = message.get("type", "text")
    try:
        return _envelope(message, kind) or KINDS[kind](kind, message[kind])
    except KeyError as missing:
        return 131008, f"{kind}.{missing.args[0]}"
    except (TypeError, ValueError, AttributeError):
        return 100, kind


def _envelope(message: Mapping[str, Any], kind: str) -> Problem | None:
    if message.get("messaging_product") != "whatsapp":
        return 100, "messaging_product"
    if not (message.get("to") or message.get("recipient")):
        return 100, "to or recipient"
    if not PHONE.fullmatch(message.get("to", "0000000")) and not is_dropped(message):
        return 131009, "to"
    if "to" not in message and not BSUID.fullmatch(message["recipient"]):
        return 131009, "recipient"
    return None if kind in KINDS else (100, f"type {kind}")


def is_dropped(message: Mapping[str, Any]) -> bool:
    """Return whether a scoped id stands in ``to``: it is answered 200, and lost (§4.5)."""
    return BSUID.fullmatch(message.get("to", "")) is not None


def _wrong(*rules: tuple[bool, str]) -> Problem | None:
    return next(((131009, detail) for broken, detail in rules if broken), None)


def _out(text: str, most: int, least: int = 1) -> bool:
    return not least <= len(text) <= most


def _text(_kind: str, text: Any) -> Problem | None:
    return _wrong((_out(text["body"], TEXT_MAX), f"text.body has 1 to {TEXT_MAX} characters"))


def _media(kind: str, media: Any) -> Problem | None:
    if not (media.get("id") or URL.fullmatch(media.get("link", ""))):
        return 131008, f"{kind}.id or {kind}.link"
    caption = media.get("caption", "")
    barred = kind in {"audio", "sticker"} and bool(caption)
    return _wrong(
        (_out(caption, CAPTION_MAX, 0), f"{kind}.caption has up to {CAPTION_MAX} characters"),
        (barred, f"{kind} has no caption"),
    )


def _location(_kind: str, place: Any) -> Problem | None:
    off = abs(float(place["latitude"])) > 90 or abs(float(place["longitude"])) > 180  # noqa: PLR2004 - the globe's
    return _wrong((off, "location"))


def _contacts(_kind: str, contacts: Any) -> Problem | None:
    nameless = any(not contact["name"]["formatted_name"] for contact in contacts)
    return _wrong((not contacts or nameless, "contacts.name.formatted_name"))


def _reaction(_kind: str, reaction: Any) -> Problem | None:
    return _wrong((not reaction["message_id"], "reaction.message_id"))


def _template(_kind: str, template: Any) -> Problem | None:
    wrong = not TEMPLATE_NAME.fullmatch(template["name"])
    return _wrong((wrong, "template.name"), (not template["language"]["code"], "template.language"))


def _interactive(_kind: str, message: Any) -> Problem | None:
    kind = message["type"]
    if kind not in INTERACTIVE:
        return 131009, f"interactive.type {kind}"
    header, footer = message.get("header") or {}, message.get("footer") or {}
    bodyless = kind in {"product", "catalog_message"}
    words = message.get("body", {"text": "x"})["text"] if bodyless else message["body"]["text"]
    shared = _wrong(
        (_out(words, BODY_MAX), f"body has 1 to {BODY_MAX} characters"),
        (_out(header.get("text", "x"), HEADER_MAX), f"header has 1 to {HEADER_MAX} characters"),
        (_out(footer.get("text", "x"), FOOTER_MAX), f"footer has 1 to {FOOTER_MAX} characters"),
    )
    return shared or INTERACTIVE[kind](message, message.get("action", {}))


def _buttons(_message: Any, action: Any) -> Problem | None:
    buttons = action["buttons"]
    titles = [button["reply"]["title"] for button in buttons]
    ids = [button["reply"]["id"] for button in buttons]
    return _wrong(
        (not 1 <= len(buttons) <= BUTTONS_MAX, f"1 to {BUTTONS_MAX} buttons"),
        (any(button["type"] != "reply" for button in buttons), "a button's type is reply"),
        (any(_out(t, BUTTON_TITLE_MAX) for t in titles), f"1 to {BUTTON_TITLE_MAX} characters"),
        (any(_out(i, BUTTON_ID_MAX) for i in ids), f"an id has 1 to {BUTTON_ID_MAX} characters"),
        (len(set(titles)) < len(titles), "titles are unique"),
        (len(set(ids)) < len(ids), "ids are unique"),
    )


def _list(message: Any, action: Any) -> Problem | None:
    sections, header = action["sections"], message.get("header") or {"type": "text"}
    rows = [row for section in sections for row in section["rows"]]
    titles = [section.get("title", "") for section in sections]
    least = 1 if len(sections) > 1 else 0
    ids = [row["id"] for row in rows]
    told = [row.get("description", "") for row in rows]
    return _wrong(
        (_out(action["button"], LIST_BUTTON_MAX), f"button has 1 to {LIST_BUTTON_MAX} characters"),
        (header["type"] != "text", "a list's header is a text"),
        (not 1 <= len(sections) <= SECTIONS_MAX, f"1 to {SECTIONS_MAX} sections"),
        (any(not section["rows"] for section in sections), "a section has rows"),
        (len(rows) > ROWS_MAX, f"up to {ROWS_MAX} rows in all"),
        (any(_out(t, SECTION_TITLE_MAX, least) for t in titles), "a section's title"),
        (any(_out(row["title"], ROW_TITLE_MAX) for row in rows), "a row's title"),
        (any(_out(text, ROW_DESCRIPTION_MAX, 0) for text in told), "a row's description"),
        (any(_out(i, ROW_ID_MAX) for i in ids), "a row's id"),
        (len(set(ids)) < len(ids), "ids are unique"),
    )  # fmt: skip


def _url(_message: Any, action: Any) -> Problem | None:
    values = action["parameters"]
    return _wrong(
        (_out(values["display_text"], LABEL_MAX), f"display_text has 1 to {LABEL_MAX} characters"),
        (not URL.fullmatch(values["url"]), "url"),
    )


def _flow(_message: Any, action: Any) -> Problem | None:
    label = action["parameters"]["flow_cta"]
    return _wrong((_out(label, LABEL_MAX), f"flow_cta has 1 to {LABEL_MAX} characters"))


def _product(_message: Any, action: Any) -> Problem | None:
    return _wrong((not (action["catalog_id"] and action["product_retailer_id"]), "product"))


def _product_list(message: Any, action: Any) -> Problem | None:
    sections = action["sections"]
    products = [item for section in sections for item in section["product_items"]]
    titles = [section.get("title", "") for section in sections]
    least = 1 if len(sections) > 1 else 0
    return _wrong(
        ("header" not in message, "a product list has a header"),
        (not 1 <= len(sections) <= PRODUCT_SECTIONS_MAX, f"1 to {PRODUCT_SECTIONS_MAX} sections"),
        (not 1 <= len(products) <= PRODUCTS_MAX, f"1 to {PRODUCTS_MAX} products in all"),
        (any(_out(t, SECTION_TITLE_MAX, least) for t in titles), "a section's title"),
        (not action["catalog_id"], "catalog_id"),
    )


def _carousel(_message: Any, action: Any) -> Problem | None:
    cards = action["cards"]
    bodies = [card.get("body", {}).get("text", "x") for card in cards]
    return _wrong(
        (not CARDS_LEAST <= len(cards) <= CARDS_MAX, f"{CARDS_LEAST} to {CARDS_MAX} cards"),
        (any(_out(text, CARD_BODY_MAX) for text in bodies), f"up to {CARD_BODY_MAX} characters"),
        (len({card["type"] for card in cards}) > 1, "all cards are of one type"),
        ([card["card_index"] for card in cards] != [*range(len(cards))], "card_index counts up"),
    )


def _named(name: str) -> Callable[[Any, Any], Problem | None]:
    return lambda _message, action: _wrong((action.get("name") != name, f"action.name is {name}"))


KINDS: dict[str, Callable[[str, Any], Problem | None]] = {
    "text": _text,
    **dict.fromkeys(MEDIA, _media),
    "location": _location,
    "contacts": _contacts,
    "reaction": _reaction,
    "template": _template,
    "interactive": _interactive,
}
INTERACTIVE: dict[str, Callable[[Any, Any], Problem | None]] = {
    "button": _buttons,
    "list": _list,
    "cta_url": _url,
    "flow": _flow,
    "product": _product,
    "product_list": _product_list,
    "carousel": _carousel,
    "catalog_message": _named("catalog_message"),
    "location_request_message": _named("send_location"),
}


def media_problem(kind: str, content_type: str, size: int) -> int:
    """Return the code of a file that a message of this kind cannot carry, or 0."""
    most, types = MEDIA[kind]
    return 0 if content_type in types and 0 < size <= most else 131053


def upload_problem(content_type: str, size: int) -> str:
    """Return why a file is not taken at all, or nothing."""
    kinds = [kind for kind, (_, types) in MEDIA.items() if content_type in types]
    if not kinds:
        return f"type {content_type}"
    return "size" if all(media_problem(kind, content_type, size) for kind in kinds) else ""


def template_problem(template: Mapping[str, Any]) -> str:
    """Return what is wrong with a new template, or nothing."""
    if not TEMPLATE_NAME.fullmatch(str(template.get("name", ""))):
        return "name: lower case letters, digits and _"
    if template.get("category") not in CATEGORIES or not template.get("language"):
        return "category and language"
    parts = template.get("components") or []
    body = [part for part in parts if part.get("type") == "BODY"]
    if len(body) != 1 or _out(body[0].get("text", ""), BODY_MAX):
        return f"one BODY of 1 to {BODY_MAX} characters"
    buttons = [b for part in parts if part.get("type") == "BUTTONS" for b in part["buttons"]]
    if len(buttons) > TEMPLATE_BUTTONS_MAX:
        return f"up to {TEMPLATE_BUTTONS_MAX} buttons"
    if any(len(button.get("url", "")) > TEMPLATE_URL_MAX for button in buttons):
        return f"a url has up to {TEMPLATE_URL_MAX} characters"
    return ""


def parameters_problem(template: Mapping[str, Any], sent: Mapping[str, Any]) -> int:
    """Return the code of a template message whose state or parameters do not fit, or 0."""
    if template["status"] != "APPROVED":
        return STATES.get(template["status"], 132001)
    for name in ("HEADER", "BODY"):
        text = next((p.get("text", "") for p in template["components"] if p["type"] == name), "")
        given = [p for p in sent.get("components", ()) if p["type"].upper() == name]
        values = given[0].get("parameters", []) if given else []
        if len(values) != len(set(SPOT.findall(text))):
            return 132000
        if any(value.get("type") == "text" and not value.get("text") for value in values):
            return 132012
    return 0


def error(code: int, detail: str, trace: str) -> dict[str, Any]:
    """Return the body of a refusal, as the Graph API gives it."""
    return {
        "error": {
            "message": f"(#{code}) {ERRORS[code]}",
            "type": "OAuthException",
            "code": code,
            "error_data": {"messaging_product": "whatsapp", "details": detail or ERRORS[code]},
            "fbtrace_id": trace,
        }
    }
