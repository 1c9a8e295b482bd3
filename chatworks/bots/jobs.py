"""What the bots hear: that somebody made a bot."""

from __future__ import annotations

import structlog

from chatworks.bots import store
from chatworks.conversations.models import BotMade
from chatworks.kit.work import Work

log = structlog.get_logger()


async def take_bots(work: Work, facts: list[BotMade]) -> None:
    """Give made bots to the outlets that asked for them; the manager's holder fetches the tokens.

    Anybody may make a bot under ours: without a request of theirs nothing comes of it.
    """
    for fact in facts:
        if not await store.take(work, fact):
            log.warning("somebody made a bot that nobody asked for", bot=fact.bot_id)
