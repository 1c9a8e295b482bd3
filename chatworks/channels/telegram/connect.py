"""What a bot needs before it works, done for the operator; and long polling.

Nothing here is skipped in silence: a call that fails raises, or is told as ``trouble``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from chatworks.channels.models import Channel, Connected
from chatworks.channels.telegram.adapter import KINDS
from chatworks.channels.telegram.plan import menu
from chatworks.channels.telegram.send import SEND_SECONDS_MAX, BotApi, NotDone

POLL_SECONDS = 25
ANSWER_SECONDS_MAX = 10  # on top of the time that Telegram holds an answer back
ALLOWED_UPDATES = list(KINDS)  # what is read, and nothing else
CONNECTIONS_MAX = 40
ERROR_RECENT = timedelta(minutes=5)  # an error of Telegram's that is older has passed
PENDING_MAX = 100  # more updates than this wait at Telegram: we do not keep up

Commands = Mapping[str, Sequence[tuple[str, str]]]
App = tuple[str, str]  # a Mini App: what stands on its button, and its https address
Deliver = Callable[[list[bytes], int], Awaitable[None]]


async def connect(
    api: BotApi, channel: Channel, public_url: str, commands: Commands, app: App | None = None
) -> Connected:
    """Set a bot up; raises ``TokenRefused`` or ``NotDone``.

    With a public https address the webhook is set (with secret, without dropping what waits);
    otherwise it is removed, so that long polling may begin. ``commands`` are (name, description)
    by language; "" is the default. ``app`` is what the button beside the message field opens there.
    """
    me = await api.need(channel, "getMe", {}, SEND_SECONDS_MAX)
    name = str(me.get("username", "")) if isinstance(me, dict) else ""
    if not name:
        raise NotDone("Telegram's answer to getMe names no bot")
    if public_url.startswith("https://"):
        mode = "webhook"
        webhook = {
            "url": address(public_url, channel),
            "secret_token": channel.webhook_secret,
            "allowed_updates": ALLOWED_UPDATES,
            "max_connections": CONNECTIONS_MAX,
            "drop_pending_updates": False,  # a selling bot must never drop a payment
        }
        await api.need(channel, "setWebhook", webhook, SEND_SECONDS_MAX)
    else:
        mode = "polling"
        keep = {"drop_pending_updates": False}
        await api.need(channel, "deleteWebhook", keep, SEND_SECONDS_MAX)
    trouble = await _publish(api, channel, commands, app if mode == "webhook" else None)
    return Connected(name, mode, trouble, manages_bots=me.get("can_manage_bots") is True)


def address(public_url: str, channel: Channel) -> str:
    """Return where Telegram delivers a bot's updates."""
    return f"{public_url}/in/telegram/{channel.path}"


async def webhook_trouble(api: BotApi, channel: Channel, url: str, now: datetime) -> str:
    """Return what Telegram says is wrong with a bot's webhook; "" while it is well.

    Raises ``NotDone`` where the webhook is no longer ours: it must be set anew.
    """
    info = await api.need(channel, "getWebhookInfo", {}, SEND_SECONDS_MAX)
    told = info if isinstance(info, dict) else {}
    # A server that does not know a kind of update yet leaves it out of its answer.
    asked = set(told.get("allowed_updates", ()))
    if told.get("url") != url or not asked or not asked <= set(ALLOWED_UPDATES):
        raise NotDone("somebody set another webhook: it is set back")
    troubles = []
    failed_at, waiting = told.get("last_error_date"), told.get("pending_update_count")
    if isinstance(failed_at, int) and failed_at >= (now - ERROR_RECENT).timestamp():
        troubles.append(f"Telegram cannot deliver: {told.get('last_error_message', '')}")
    if isinstance(waiting, int) and waiting > PENDING_MAX:
        troubles.append(f"{waiting} updates wait at Telegram")
    return "; ".join(troubles)


async def _publish(api: BotApi, channel: Channel, commands: Commands, app: App | None) -> str:
    """Fill the bot's menu in each language, and set its button; returns what could not be shown,
    for people.
    """
    told: list[str] = []
    calls: list[tuple[str, dict[str, Any]]] = [("setChatMenuButton", {"menu_button": _button(app)})]
    for language, listed in commands.items():
        shown, losses = menu(listed)
        told += [f"{loss.what} is {loss.instead}" for loss in losses]
        spoken = {"language_code": language} if language else {}
        calls.append(("setMyCommands", {"commands": shown, **spoken}))
    for method, params in calls:
        try:
            await api.need(channel, method, params, SEND_SECONDS_MAX)
        except NotDone as no:  # the bot works without its menu
            told.append(str(no))
    return "; ".join(dict.fromkeys(told))


def _button(app: App | None) -> dict[str, Any]:
    """Return the button beside the message field: the app's, or else Telegram's own."""
    if app is None:
        return {"type": "default"}
    return {"type": "web_app", "text": app[0], "web_app": {"url": app[1]}}


async def poll(api: BotApi, channel: Channel, cursor: int, deliver: Deliver) -> None:
    """Fetch updates until Telegram says no (``TokenRefused``, ``NotDone``).

    ``deliver`` stores updates together with the next cursor; only then is the next batch asked for,
    which is what tells Telegram to forget the last one.
    """
    while True:
        params = {"offset": cursor, "timeout": POLL_SECONDS, "allowed_updates": ALLOWED_UPDATES}
        seconds = POLL_SECONDS + ANSWER_SECONDS_MAX
        updates = await api.need(channel, "getUpdates", params, seconds)
        if updates:
            cursor = _next(updates)
            await deliver([msgspec.json.encode(update) for update in updates], cursor)


def _next(updates: Any) -> int:
    """Return the update to ask for next; whatever else is wrong with a batch is seen later."""
    listed = updates if isinstance(updates, list) else []
    numbers = [update.get("update_id") for update in listed if isinstance(update, dict)]
    known = [number for number in numbers if type(number) is int]
    if not known:
        raise NotDone("Telegram's answer to getUpdates holds no update")
    return max(known) + 1
