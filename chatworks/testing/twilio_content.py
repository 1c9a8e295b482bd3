"""Twilio's Content API: resources with variables, their limits, and their approval by WhatsApp.

A resource is made once and used by its sid; ``{{1}}`` in it is filled at each send. A template
must be approved before it may open a conversation; a list-picker never can be. Sources:
reference/messaging.md §4.2 (where it gives two figures, the stricter one), the specification's
resource fields.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

BODY_MAX = 1024
QUICK_REPLIES_MAX, QUICK_REPLIES_IN_SESSION = 10, 3
TITLE_MAX, TITLE_APPROVED_MAX, ACTION_ID_MAX = 20, 25, 200
ITEMS_MAX, ITEM_MAX, DESCRIPTION_MAX, LIST_BUTTON_MAX = 10, 24, 72, 20
CARDS_MAX, CARD_BODY_MAX = 10, 160
CARD_TITLE_MAX, CARD_SUBTITLE_MAX = 1024, 60  # a body and a footer at Meta
NAME = re.compile(r"[a-z0-9_]{1,512}")
CATEGORIES = {"UTILITY", "MARKETING", "AUTHENTICATION"}
# What each type must and may have. Twilio does not say what it does with more; a test kit says it.
TYPES: dict[str, tuple[set[str], set[str]]] = {
    "twilio/text": ({"body"}, set()),
    "twilio/media": ({"media"}, {"body"}),
    "twilio/location": ({"latitude", "longitude"}, {"label", "id", "address"}),
    "twilio/list-picker": ({"body", "button", "items"}, set()),
    "twilio/call-to-action": ({"body", "actions"}, set()),
    "twilio/quick-reply": ({"body", "actions"}, set()),
    "twilio/card": (set(), {"title", "subtitle", "media", "actions"}),
    "twilio/catalog": ({"body"}, {"title", "subtitle", "id", "items", "dynamic_items"}),
    "twilio/carousel": ({"body", "cards"}, set()),
    "twilio/flows": ({"body", "button_text", "pages", "type"}, {"subtitle", "media_url"}),
    "twilio/schedule": ({"id", "title", "timeSlots"}, set()),
    "whatsapp/card": ({"body"}, {"footer", "media", "header_text", "actions"}),
    "whatsapp/authentication": (
        {"actions"},
        {"add_security_recommendation", "code_expiration_minutes"},
    ),
    "whatsapp/flows": (
        {"body", "button_text", "flow_id"},
        {
            "subtitle", "media_url", "flow_token", "flow_first_page_id",
            "is_flow_first_page_endpoint",
        },
    ),
}  # fmt: skip
# A template's state and the code its messages meet: rejected, paused, gone from WhatsApp.
STATES = {"rejected": 63040, "paused": 63041, "disabled": 63027}
SPOT = re.compile(r"\{\{\s*([^{}\s]+)\s*\}\}")


@dataclass
class Content:
    """One resource, and what WhatsApp said of it: ``state`` is unsubmitted, received, pending,
    approved, rejected, paused or disabled.
    """

    sid: str
    account_sid: str
    friendly_name: str
    language: str
    variables: dict[str, str]
    types: dict[str, Any]
    created: datetime
    state: str = "unsubmitted"
    name: str = ""
    category: str = ""
    reason: str = ""

    def resource(self, base: str) -> dict[str, Any]:
        """Return it as ``/v1/Content`` shows it."""
        at, url = self.created.isoformat(), f"{base}/v1/Content/{self.sid}"
        return {
            "sid": self.sid,
            "account_sid": self.account_sid,
            "friendly_name": self.friendly_name,
            "language": self.language,
            "variables": self.variables,
            "types": self.types,
            "url": url,
            "date_created": at,
            "date_updated": at,
            "links": {
                "approval_fetch": f"{url}/ApprovalRequests",
                "approval_create": f"{url}/ApprovalRequests/whatsapp",
            },
        }

    def approval(self) -> dict[str, Any]:
        """Return what WhatsApp said of it."""
        return {
            "name": self.name,
            "category": self.category,
            "content_type": next(iter(self.types)),
            "status": self.state,
            "rejection_reason": self.reason,
            "allow_category_change": True,
        }

    def approvals(self, base: str) -> dict[str, Any]:
        """Return it as ``ApprovalRequests`` shows it."""
        return {
            "sid": self.sid,
            "account_sid": self.account_sid,
            "whatsapp": {"type": "whatsapp", **self.approval()},
            "url": f"{base}/v1/Content/{self.sid}/ApprovalRequests",
        }

    def with_approvals(self, base: str) -> dict[str, Any]:
        """Return it as ``/v1/ContentAndApprovals`` shows it."""
        bare = self.resource(base)
        del bare["url"], bare["links"]
        return {**bare, "approval_requests": self.approval()}

    def spots(self) -> set[str]:
        """Return the names of its variables, as they stand in its texts."""
        return {name for text in _texts(self.types) for name in SPOT.findall(text)}

    def filled(self, values: Mapping[str, str]) -> dict[str, Any]:
        """Return its types with the variables' values, or their defaults, in their places."""
        return fill(self.types, {**self.variables, **values})  # type: ignore[no-any-return]

    def problem(self, given: Mapping[str, str]) -> int:
        """Return 21656 where variables are given that it does not have, or 0."""
        return 21656 if set(given) - self.spots() else 0

    def late_problem(self, given: Mapping[str, str], *, open_window: bool) -> int:
        """Return the code that a WhatsApp message of it meets later, or 0.

        An approved one may be sent at any time; another is free-form and needs the window.
        """
        if self.state in STATES:
            return STATES[self.state]
        if self.spots() - set(self.variables) - set(given):
            return 63028
        approved = self.state == "approved"
        if not approved and not open_window:
            return 63016
        return 63021 if shape_problem(self.filled(given), approved=approved, sent=True) else 0


def fill(value: Any, values: Mapping[str, str]) -> Any:
    """Return a resource's value with every ``{{name}}`` filled."""
    if isinstance(value, str):
        return SPOT.sub(lambda spot: values.get(spot[1], spot[0]), value)
    if isinstance(value, list):
        return [fill(item, values) for item in value]
    if isinstance(value, dict):
        return {key: fill(item, values) for key, item in value.items()}
    return value


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts(item)


def creation_problem(params: Mapping[str, Any]) -> str:
    """Return what is wrong with a new resource, or nothing."""
    types = params.get("types")
    if not isinstance(params.get("language"), str) or not isinstance(types, dict) or not types:
        return "language and types are required"
    strange = set(params) - {"friendly_name", "variables", "language", "types"}
    if strange or set(types) - set(TYPES):
        return f"unknown: {', '.join(sorted(strange | (set(types) - set(TYPES))))}"
    values = params.get("variables", {})
    if not isinstance(values, dict) or not all(isinstance(v, str) for v in values.values()):
        return "variables are texts by name"
    try:
        return shape_problem(types, approved=True, sent=False)
    except (AttributeError, KeyError, TypeError):
        return "types: a value is of another kind than it must be"


def shape_problem(types: Mapping[str, Any], *, approved: bool, sent: bool) -> str:
    """Return what is wrong with types, or nothing. Texts with variables are measured when sent."""
    rules = {
        "twilio/quick-reply": _quick_reply,
        "twilio/call-to-action": _call_to_action,
        "twilio/card": _card,
        "twilio/list-picker": _list_picker,
        "twilio/carousel": _carousel,
    }
    for kind, value in types.items():
        required, optional = TYPES[kind]
        wrong = (required - set(value)) | (set(value) - required - optional)
        if wrong:
            return f"{kind}: {', '.join(sorted(wrong))} missing or unknown"
        if _long(value.get("body", ""), BODY_MAX):
            return f"{kind}: body is longer than {BODY_MAX}"
        rule = rules.get(kind)
        problem = rule(value, approved, sent) if rule else ""
        if problem:
            return f"{kind}: {problem}"
    return ""


def _long(text: str, most: int) -> bool:
    return len(text) > most and not SPOT.search(text)


def _quick_reply(value: Mapping[str, Any], approved: bool, sent: bool) -> str:  # noqa: FBT001 - a rule's own form
    actions = value["actions"]
    most = QUICK_REPLIES_MAX if approved else QUICK_REPLIES_IN_SESSION
    if not 1 <= len(actions) <= most:
        return f"1 to {most} actions"
    titles = [action.get("title", "") for action in actions]
    repeated = sent and len(set(titles)) < len(titles)
    return _actions(actions, approved=approved) or ("titles repeat" if repeated else "")


def _actions(actions: Any, *, approved: bool) -> str:
    longest = TITLE_APPROVED_MAX if approved else TITLE_MAX
    for action in actions:
        title = action.get("title", "")
        if not title or _long(title, longest):
            return f"a title has 1 to {longest} characters"
        if _long(action.get("id", ""), ACTION_ID_MAX):
            return f"an id has up to {ACTION_ID_MAX} characters"
    return ""


def _call_to_action(value: Mapping[str, Any], approved: bool, _sent: bool) -> str:  # noqa: FBT001 - a rule's own form
    actions = value["actions"]
    return _actions(actions, approved=approved) if actions else "1 action at least"


def _card(value: Mapping[str, Any], approved: bool, _sent: bool) -> str:  # noqa: FBT001 - a rule's own form
    actions = value.get("actions", [])
    most = QUICK_REPLIES_MAX if approved else QUICK_REPLIES_IN_SESSION
    if len(actions) > most:
        return f"up to {most} actions"
    if _long(value.get("title", ""), CARD_TITLE_MAX):
        return f"the title has up to {CARD_TITLE_MAX} characters"
    if _long(value.get("subtitle", ""), CARD_SUBTITLE_MAX):
        return f"the subtitle has up to {CARD_SUBTITLE_MAX} characters"
    return _actions(actions, approved=approved)


def _list_picker(value: Mapping[str, Any], _approved: bool, sent: bool) -> str:  # noqa: FBT001 - a rule's own form
    items, button = value["items"], value["button"]
    if not 1 <= len(items) <= ITEMS_MAX:
        return f"1 to {ITEMS_MAX} items"
    if not button or _long(button, LIST_BUTTON_MAX):
        return f"the button has 1 to {LIST_BUTTON_MAX} characters"
    limits = (("item", 1, ITEM_MAX), ("id", 1, ACTION_ID_MAX), ("description", 0, DESCRIPTION_MAX))
    for item in items:
        for name, least, most in limits:
            text = item.get(name, "")
            if len(text) < least or _long(text, most):
                return f"{name} has {least} to {most} characters"
    ids = [item["id"] for item in items]
    return "ids repeat" if sent and len(set(ids)) < len(ids) else ""


def _carousel(value: Mapping[str, Any], approved: bool, _sent: bool) -> str:  # noqa: FBT001 - a rule's own form
    cards = value["cards"]
    if not 1 <= len(cards) <= CARDS_MAX:
        return f"1 to {CARDS_MAX} cards"
    for card in cards:
        if {"body", "actions", "media"} - set(card):
            return "a card has a body, actions and media"
        if _long(card["body"], CARD_BODY_MAX):
            return f"a card's body has up to {CARD_BODY_MAX} characters"
    every = [action for card in cards for action in card["actions"]]
    return _actions(every, approved=approved)


def approval_problem(content: Content, params: Mapping[str, Any]) -> str:
    """Return why a resource cannot be submitted to WhatsApp, or nothing."""
    if "twilio/list-picker" in content.types:
        return "twilio/list-picker cannot be approved"
    if not NAME.fullmatch(str(params.get("name", ""))):
        return "name: lower case letters, digits and _"
    if params.get("category") not in CATEGORIES:
        return f"category: {', '.join(sorted(CATEGORIES))}"
    if content.state not in {"unsubmitted", "rejected"}:
        return f"it is {content.state} already"
    return _edges(content)


def _edges(content: Content) -> str:
    """§4.2: in an approved body no variable stands at the start, at the end or beside another."""
    for value in content.types.values():
        body = str(value.get("body", "")).strip()
        spots = list(SPOT.finditer(body))
        if not spots:
            continue
        beside = any(a.end() == b.start() for a, b in pairwise(spots))
        if spots[0].start() == 0 or spots[-1].end() == len(body) or beside:
            return "a variable stands at the start, at the end or beside another"
    return ""
