"""What Telegram's folder offers."""

from __future__ import annotations

from chatworks.channels.models import Channel, ChannelKind, Limits, Outcome, Send, WirePart
from chatworks.channels.telegram import adapter, plan
from chatworks.channels.telegram.files import Files
from chatworks.channels.telegram.limits import CAPABILITIES
from chatworks.channels.telegram.send import BotApi
from chatworks.channels.telegram.threads import chat_part

# Asking for what is so already, or is shown for seconds only, does no harm when it comes twice.
REPEATABLE = frozenset(
    {
        "answerCallbackQuery",
        "answerPreCheckoutQuery",
        "editMessageCaption",
        "editMessageReplyMarkup",
        "editMessageText",
        "refundStarPayment",
        "sendChatAction",
    }
)


def is_group(thread: str) -> bool:
    """Return whether a chat is a group: its id is negative."""
    return thread.startswith("-")


# core.telegram.org/bots/faq: about 30 messages a second per bot, one a second per chat (short
# bursts are fine), 20 a minute per group.
LIMITS = Limits(
    channel_interval=1 / 30,
    channel_burst=30,
    chat_interval=1.0,
    chat_burst=5,
    group_interval=3.0,
    group_burst=5,
    is_group=is_group,
    chat_of=chat_part,
)


def make_send(api: BotApi, files: Files) -> Send:
    """Return the port of the outbox."""

    async def send(channel: Channel, part: WirePart) -> Outcome:
        return await (files.send(api, channel, part) if part.uploads else api.send(channel, part))

    return send


def telegram(api: BotApi, files: Files) -> ChannelKind:
    """Return the manifest with its sending port."""
    return ChannelKind(
        kind="telegram",
        title="Telegram",
        capabilities=CAPABILITIES,
        verify=adapter.verify,
        split=adapter.split,
        read=adapter.read,
        plan=plan.plan,
        settle=plan.settle,
        limits=LIMITS,
        send=make_send(api, files),
        fetch=api.fetch,
        repeatable=REPEATABLE,
        refer=plan.refer,
    )
