"""What the WhatsApp Cloud API sends to a bot: values, batches of them, and its signature.

A value is the content of one change: messages with their contacts, or statuses. A batch has
entries of changes of values of messages and statuses: all four levels may hold many. It is
delivered at least once and in no order (reference/messaging.md §4.4).
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping
from typing import Any

from chatworks.testing.whatsapp_rules import BSUID, ERRORS

CHANGES_IN_ENTRY = 2


def signature(secret: str, body: bytes) -> str:
    """Return ``X-Hub-Signature-256`` of a request: over the raw bytes."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def message(person: str, ident: str, at: int, content: Mapping[str, Any], bsuid: str) -> Any:
    """Return the value of one message of a person. A person is a number without its +, or a
    scoped id: their number is not told then (§4.5).
    """
    known = not BSUID.fullmatch(person)
    contact: dict[str, Any] = {"profile": {"name": f"Person {person[-4:]}"}}
    told: dict[str, Any] = {"id": ident, "timestamp": str(at), **content}
    if known:
        contact["wa_id"] = told["from"] = person
    if bsuid or not known:
        contact["user_id"] = told["from_user_id"] = bsuid or person
    return {"contacts": [contact], "messages": [told]}


def status(ident: str, person: str, what: str, at: int, code: int = 0) -> Any:
    """Return the value of one status of a message."""
    key = "recipient_user_id" if BSUID.fullmatch(person) else "recipient_id"
    told: dict[str, Any] = {"id": ident, "status": what, "timestamp": str(at), key: person}
    if code:
        data = {"details": ERRORS[code]}
        told["errors"] = [
            {"code": code, "title": ERRORS[code], "message": ERRORS[code], "error_data": data}
        ]
    return {"statuses": [told]}


def merged(values: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return one value with the messages, contacts and statuses of many."""
    whole: dict[str, Any] = {}
    for value in values:
        for name, items in value.items():
            whole.setdefault(name, []).extend(items)
    return whole


def batch(values: Iterable[Mapping[str, Any]], waba: str, number: str, phone: str) -> bytes:
    """Return a request's body: each value a change of its own, two changes to an entry."""
    head = {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": phone, "phone_number_id": number},
    }
    changes = [{"value": {**head, **value}, "field": "messages"} for value in values]
    entries = [
        {"id": waba, "changes": changes[at : at + CHANGES_IN_ENTRY]}
        for at in range(0, len(changes), CHANGES_IN_ENTRY)
    ]
    body = {"object": "whatsapp_business_account", "entry": entries}
    return json.dumps(body, separators=(",", ":"), ensure_ascii=True).encode()
