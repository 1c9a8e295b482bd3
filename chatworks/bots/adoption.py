"""Bots that were made under ours: their tokens are fetched, sealed, and they become channels.

Telegram gives a made bot's token to the manager alone; so its holder fetches it, with growing
pauses, until it has it. A crash in between repeats the question, which changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID

import structlog

from chatworks.audit import store as audit
from chatworks.audit.models import Leaf
from chatworks.bots import store
from chatworks.bots.models import RequestBot, Wanted
from chatworks.channels.models import Channel
from chatworks.channels.telegram.send import SEND_SECONDS_MAX, BotApi, NotDone, TokenRefused
from chatworks.conversations.models import Post
from chatworks.kit.crypto import Vault
from chatworks.kit.db import Database
from chatworks.kit.texts import Texts
from chatworks.kit.work import Work
from chatworks.outlets import store as outlets
from chatworks.outlets.service import Directory, new_channel, seal_place
from chatworks.sdk.messages import Message

TEXTS = Texts.load("chatworks.bots")

log = structlog.get_logger()


@dataclass(slots=True)
class Adopter:
    """Makes channels of made bots."""

    db: Database
    directory: Directory
    api: BotApi
    vault: Vault

    async def adopt(self, managers: Sequence[Channel]) -> None:
        """Fetch the tokens that are wanted of bots under ``managers``, and connect those bots."""
        by_id = {channel.id: channel for channel in managers}
        if not by_id:
            return
        async with self.db.engine() as work:
            listed = await store.wanted(work, list(by_id))
        for item in listed:
            try:
                token = await self._token(by_id[item.manager_channel], item)
            except (NotDone, TokenRefused) as no:
                log.warning("a made bot's token is not given", bot=item.username, reason=str(no))
                pause = timedelta(seconds=2 ** (item.tries + 1))
                async with self.db.engine() as work:
                    await store.postpone(work, item, work.now + pause)
            else:
                await self._connect(item, token)

    async def _token(self, manager: Channel, item: Wanted) -> str:
        asked = {"user_id": item.bot_id}
        token = await self.api.need(manager, "getManagedBotToken", asked, SEND_SECONDS_MAX)
        if not isinstance(token, str) or not token:
            raise NotDone("Telegram's answer to getManagedBotToken holds no token")
        return token

    async def _connect(self, item: Wanted, token: str) -> None:
        """Seal a token: of a new channel, or in place of a known channel's old one."""
        async with self.db.engine([item.outlet_id, item.manager_outlet]) as work:
            if not await store.fetched(work, item):
                return  # another process was quicker
            channel_id = item.channel_id or work.new_id()
            sealed = self.vault.seal(token, seal_place(channel_id))
            work.defer(audit.append, _leaf(item, channel_id))
            if item.channel_id is not None:
                await outlets.seal(work, item.outlet_id, channel_id, sealed)
            else:
                row = replace(
                    new_channel(work, item.outlet_id, channel_id, "telegram"),
                    name=item.username,
                    secret_sealed=sealed,
                )
                await outlets.add_channel(work, row)
                await store.name_channel(work, item, channel_id)
                self._tell(work, item)
            work.notify([f"outlet {item.outlet_id.hex}"])
        self.directory.forget()
        log.info("a made bot's token is here", bot=f"@{item.username}")

    def _tell(self, work: Work, item: Wanted) -> None:
        """Tell whoever made the bot that it works."""
        text = TEXTS.text(
            item.language,
            "Your bot @{name} works for you now. Write to it to try it out.",
            name=item.username,
        )
        work.publish(Post(item.manager_outlet, item.conversation_id, Message(text)))


def _leaf(item: Wanted, channel_id: UUID) -> Leaf:
    return Leaf(
        outlet_id=item.outlet_id,
        actor_kind="system",
        actor_id="bots",
        action=RequestBot.request_name,
        object_kind="channel",
        object_id=channel_id.hex,
        details={"bot": item.bot_id},
    )
