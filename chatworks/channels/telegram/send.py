"""Requests to the Bot API: what each answer means, connecting a bot, and long polling.

The token stands in the address; no error, log line or repr may show it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import msgspec
import structlog

from chatworks.channels.models import (
    Accepted,
    Ambiguous,
    Channel,
    Consequence,
    Outcome,
    Permanent,
    RetryAfter,
    Send,
    WirePart,
)
from chatworks.kit.http import Answer, HttpClient, NotSent, Unanswered

SEND_SECONDS_MAX = 30.0
POLL_SECONDS = 25
POLL_PAUSE_SECONDS = 3.0
ALLOWED_UPDATES = [
    "message",
    "edited_message",
    "callback_query",
    "my_chat_member",
    "pre_checkout_query",
]
CONNECTIONS_MAX = 40
COMMANDS_MAX = 100
DESCRIPTION_LENGTH_MAX = 256
UNREACHABLE = ("bot was blocked", "user is deactivated", "chat not found", "bot was kicked")
FINE = ("message is not modified",)

log = structlog.get_logger()


class BotApi:
    """The Bot API at ``base`` (a local server can stand in)."""

    def __init__(self, http: HttpClient, base: str) -> None:
        self._http = http
        self._base = base.rstrip("/")

    async def call(
        self, channel: Channel, method: str, params: Mapping[str, Any], seconds: float
    ) -> Answer:
        """Call a method of the channel's bot."""
        url = f"{self._base}/bot{channel.secret}/{method}"
        return await self._http.post(url, dict(params), seconds)

    async def send(self, channel: Channel, part: WirePart) -> Outcome:
        """Send one wire part."""
        try:
            answer = await self.call(channel, part.method, part.params, SEND_SECONDS_MAX)
        except NotSent as error:
            return RetryAfter(0, "chat", str(error))
        except Unanswered as error:
            return Ambiguous(str(error))
        return outcome(answer)


def make_send(api: BotApi) -> Send:
    """Return the port of the outbox."""
    return api.send


def outcome(answer: Answer) -> Outcome:  # noqa: PLR0911 - one for each answer
    """Return what an answer of the Bot API means."""
    body = answer.body
    if body.get("ok"):
        result = body.get("result")
        vendor_id = result.get("message_id", "") if isinstance(result, dict) else ""
        return Accepted(str(vendor_id))
    if answer.status == 200:  # noqa: PLR2004 - taken, and the answer cannot be read
        return Ambiguous("the answer cannot be read")
    reason = str(body.get("description", f"HTTP {answer.status}"))
    parameters = body.get("parameters") or {}
    match answer.status:
        case 429:
            return RetryAfter(float(parameters.get("retry_after", 1)), "chat", reason)
        case 401 | 403 | 404:
            blocked = answer.status == 403  # noqa: PLR2004 - the person blocked the bot
            consequence = Consequence.STOP_CONTACT if blocked else Consequence.DISABLE_CHANNEL
            return Permanent(reason, consequence)
        case 400 if parameters.get("migrate_to_chat_id"):
            return Permanent(reason, migrate_to=str(parameters["migrate_to_chat_id"]))
        case status if status >= 500:  # noqa: PLR2004 - RFC 9110 §15.6
            return RetryAfter(0, "chat", reason)
        case _:
            return _refused(reason)


def _refused(reason: str) -> Outcome:
    lowered = reason.lower()
    if any(words in lowered for words in FINE):
        return Accepted("")
    if any(words in lowered for words in UNREACHABLE):
        return Permanent(reason, Consequence.STOP_CONTACT)
    return Permanent(reason)


async def connect(
    api: BotApi,
    channel: Channel,
    public_url: str,
    commands: Mapping[str, Sequence[tuple[str, str]]],
) -> str:
    """Do for the operator what a new bot needs; returns its user name.

    With a public https address the webhook is set (with secret, without dropping what waits);
    otherwise it is removed, so that long polling may begin. ``commands`` are (name, description)
    by language; "" is the default.
    """
    me = await api.call(channel, "getMe", {}, SEND_SECONDS_MAX)
    if not me.body.get("ok"):
        raise ConnectionError(f"Telegram refuses the bot's token: {me.body.get('description')}")
    if public_url.startswith("https://"):
        await api.call(
            channel,
            "setWebhook",
            {
                "url": f"{public_url}/in/telegram/{channel.path}",
                "secret_token": channel.webhook_secret,
                "allowed_updates": ALLOWED_UPDATES,
                "max_connections": CONNECTIONS_MAX,
                "drop_pending_updates": False,  # a selling bot must never drop a payment
            },
            SEND_SECONDS_MAX,
        )
    else:
        await api.call(channel, "deleteWebhook", {"drop_pending_updates": False}, SEND_SECONDS_MAX)
    for language, listed in commands.items():
        params: dict[str, Any] = {
            "commands": [
                {"command": name, "description": text[:DESCRIPTION_LENGTH_MAX]}
                for name, text in listed[:COMMANDS_MAX]
            ]
        }
        if language:
            params["language_code"] = language
        await api.call(channel, "setMyCommands", params, SEND_SECONDS_MAX)
    return str(me.body["result"].get("username", ""))


Deliver = Callable[[list[bytes]], Awaitable[None]]


async def poll(api: BotApi, channel: Channel, cursor: int, deliver: Deliver) -> None:
    """Fetch updates until cancelled; the cursor moves on only after ``deliver`` has stored them."""
    while True:
        params = {
            "offset": cursor,
            "timeout": POLL_SECONDS,
            "allowed_updates": ALLOWED_UPDATES,
        }
        try:
            answer = await api.call(channel, "getUpdates", params, POLL_SECONDS + 10)
        except (NotSent, Unanswered):
            await asyncio.sleep(POLL_PAUSE_SECONDS)
            continue
        if not answer.body.get("ok"):
            log.warning("polling was refused", reason=answer.body.get("description"))
            await asyncio.sleep(POLL_PAUSE_SECONDS)
            continue
        updates = answer.body["result"]
        if updates:
            await deliver([msgspec.json.encode(update) for update in updates])
            cursor = max(update["update_id"] for update in updates) + 1
