"""Links that open a bot, a group's choice, or a Mini App, with a word of ours. Pure.

The word is opaque: a code that we look up, never data that anybody may write into. Telegram gives
it back as ``/start <word>``, or as ``start_param`` of the signed text that opens a Mini App.
"""

from __future__ import annotations

import re

from chatworks.kit.errors import Invalid

START = re.compile(r"[A-Za-z0-9_-]{1,64}")  # core.telegram.org/bots/features#deep-linking
APP = re.compile(r"[A-Za-z0-9_-]{1,512}")  # core.telegram.org/bots/webapps#direct-link-mini-apps
BOT = re.compile(r"[A-Za-z][A-Za-z0-9_]{3,31}")  # a bot's user name


def start_link(bot: str, word: str) -> str:
    """Return the link that opens a private chat and says ``/start <word>`` there."""
    return _link(bot, "start", word, START)


def group_link(bot: str, word: str) -> str:
    """Return the link that adds the bot to a group of the person's and says the word there."""
    return _link(bot, "startgroup", word, START)


def app_link(bot: str, word: str) -> str:
    """Return the link that opens the bot's main Mini App with ``word`` as its ``start_param``."""
    return _link(bot, "startapp", word, APP)


def _link(bot: str, way: str, word: str, allowed: re.Pattern[str]) -> str:
    """Return a link; ``Invalid`` says what Telegram would not carry."""
    if not BOT.fullmatch(bot):
        raise Invalid("bot", "is no user name of a bot")
    if not allowed.fullmatch(word):
        most = 64 if allowed is START else 512
        raise Invalid(way, f"must have 1 to {most} of A-Z, a-z, 0-9, _ and -")
    return f"https://t.me/{bot}?{way}={word}"
