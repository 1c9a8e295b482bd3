"""The order dialogue as Telegram updates: eight turns from the command to the card."""

from __future__ import annotations

import json

STEPS = ("/order", "1", "2", "@", "yes", "Amina", "0712345678", "1")
AGAIN = ("/order", "1", "2", "@", "yes", "yes", "1")  # the driver as last time


def update(number: int, chat: int, step: str) -> bytes:
    """Return one update of a private chat, as Telegram sends it."""
    person = {"id": chat, "is_bot": False, "first_name": "Amina", "language_code": "en"}
    message: dict[str, object] = {
        "message_id": number,
        "from": person,
        "chat": {"id": chat, "type": "private", "first_name": "Amina"},
        "date": 1_790_000_000,
    }
    if step == "@":
        message["location"] = {"latitude": -1.2921, "longitude": 36.7836}
    else:
        message["text"] = step
        if step.startswith("/"):
            message["entities"] = [{"type": "bot_command", "offset": 0, "length": len(step)}]
    return json.dumps({"update_id": number, "message": message}).encode()
