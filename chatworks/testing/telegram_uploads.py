"""Requests to the Bot API's stand-in: JSON, forms and uploads become one set of parameters.

In a form every value is a text, and what is no text in the Bot API is JSON in it. An uploaded file
is kept, and its parameter (or the ``attach://`` that names it) becomes the file's id.
"""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web

from chatworks.testing.telegram_people import People, Upload

TEXTS = {
    "text", "caption", "url", "secret_token", "title", "description", "payload", "provider_token",
    "currency", "phone_number", "first_name", "last_name", "vcard", "language_code", "action",
    "error_message", "callback_query_id", "pre_checkout_query_id", "file_id", "start_parameter",
    "telegram_payment_charge_id", "photo", "document", "audio", "video", "voice", "animation",
}  # fmt: skip
ATTACHED = "attach://"


async def read_params(request: web.Request, people: People) -> dict[str, Any]:
    """Return a call's parameters."""
    if request.content_type in {"application/x-www-form-urlencoded", "multipart/form-data"}:
        form = await request.post()
        kept = {
            name: people.keep(
                Upload(
                    name=value.filename, content_type=value.content_type, content=value.file.read()
                )
            )
            for name, value in form.items()
            if isinstance(value, web.FileField)
        }
        params = {
            name: value if name in TEXTS else _read(value)
            for name, value in form.items()
            if isinstance(value, str)
        }
        return _attached({**params, **kept}, kept)
    text = await request.text()
    read = json.loads(text) if text else {}
    return read if isinstance(read, dict) else {}


def _read(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _attached(params: dict[str, Any], kept: dict[str, str]) -> dict[str, Any]:
    """Put the ids of uploaded files where ``attach://name`` stands."""

    def put(value: Any) -> Any:
        if isinstance(value, str) and value.startswith(ATTACHED):
            return kept.get(value.removeprefix(ATTACHED), value)
        return value

    named = {name: put(value) for name, value in params.items()}
    if isinstance(named.get("media"), list):
        named["media"] = [
            {key: put(value) for key, value in item.items()} for item in named["media"]
        ]
    used = {item.get("media") for item in named.get("media", ()) if isinstance(item, dict)}
    return {name: value for name, value in named.items() if name not in kept or value not in used}
