"""A request for a bot of one's own, and what may be refused.

Words: the *manager* is the bot in whose chat the request is made; Telegram gives it the token of
the bot that is made there.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from chatworks.commands.models import Command
from chatworks.kit.datamap import Basis, DataMap, Erasure, Personal, operational
from chatworks.kit.errors import Refusal

REQUEST_FOR = timedelta(hours=1)
TRIES_MAX = 8  # of fetching a token, after 2, 4, 8 … seconds


@dataclass(frozen=True, slots=True)
class BotRequested:
    """What the new bot is called at first: the outlet that it is for."""

    outlet_name: str


@dataclass(frozen=True, slots=True)
class RequestBot(Command[BotRequested]):
    """Let whoever speaks here make their outlet a bot: from a staff chat, or with a staff code of
    another outlet of this installation.
    """

    code: str = ""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A bot that was made, whose token is still to be fetched."""

    outlet_id: UUID
    id: UUID
    manager_outlet: UUID
    manager_channel: UUID
    conversation_id: UUID
    bot_id: int
    username: str
    channel_id: UUID | None
    tries: int
    language: str  # of whoever made it


class CannotManage(Refusal):
    """The bot of this chat may not manage other bots, or this is no private chat with a bot."""


class NotStaff(Refusal):
    """This is no staff chat, and no code was given."""


DATA_MAP: DataMap = {
    "bot_request": {
        "outlet_id": operational("the outlet that gets the bot"),
        "id": operational("identifier"),
        "manager_outlet": operational("whose bot was asked"),
        "manager_channel": operational("the bot that was asked"),
        "conversation_id": operational("in which chat"),
        "person": Personal(
            category="user.unique_id.pseudonymous",
            subject="conversation_id",
            purpose="give the new bot to who asked for it",
            basis=Basis.CONTRACT,
            retention="request + 24 months",
            visible=("engine",),
            erasure=Erasure.NULL,
        ),
        "expires_at": operational("until when it may be made"),
        "bot_id": operational("the bot that was made"),
        "username": operational("its public name"),
        "channel_id": operational("the channel that it became"),
        "token_wanted": operational("whether its token is still to be fetched"),
        "token_tries": operational("how often that was tried"),
        "token_at": operational("not before"),
    },
}
