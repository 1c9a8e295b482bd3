"""Cases, notes and canned answers: what is kept of them, and the commands about them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from msgspec import Meta

from chatworks.commands.models import Command, Query
from chatworks.kit.datamap import Basis, DataMap, Erasure, Personal, operational
from chatworks.kit.errors import Refusal

NOTE_LENGTH_MAX = 2000  # code points
CANNED_LENGTH_MAX = 2000  # code points, before its variables are filled
CANNED_MAX = 100  # of one outlet: all of them stand in the composer's menu
SHORTCUT = r"[a-z0-9][a-z0-9-]{0,31}"
FIGURES_OVER = timedelta(days=7)
PAGE_MAX = 100


@dataclass(frozen=True, slots=True)
class Assigned:
    """Whose a conversation is now; None: nobody's."""

    operator_id: UUID | None


@dataclass(frozen=True, slots=True)
class Assign(Command[Assigned]):
    """Give a conversation to an operator of the outlet, or to nobody."""

    conversation_id: UUID
    operator_id: UUID | None


@dataclass(frozen=True, slots=True)
class Noted:
    """The id of a note."""

    note_id: UUID


@dataclass(frozen=True, slots=True)
class AddNote(Command[Noted]):
    """Keep a note beside a conversation: operators read it, the person never does."""

    conversation_id: UUID
    text: str


@dataclass(frozen=True, slots=True)
class CannedSaved:
    """The shortcut of a canned answer that was saved or removed."""

    shortcut: str


@dataclass(frozen=True, slots=True)
class SaveCanned(Command[CannedSaved]):
    """Write a canned answer, in place of the one with the same shortcut."""

    shortcut: str
    text: str


@dataclass(frozen=True, slots=True)
class RemoveCanned(Command[CannedSaved]):
    """Remove a canned answer."""

    shortcut: str


@dataclass(frozen=True, slots=True)
class Note:
    """A note as the thread shows it; ``author`` is empty where the house itself tells."""

    author: str
    text: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Canned:
    """A canned answer."""

    shortcut: str
    text: str


@dataclass(frozen=True, slots=True)
class Figures:
    """How fast people answered on one kind of channel, in seconds."""

    kind: str
    count: int
    median: float
    ninetieth: float


@dataclass(frozen=True, slots=True)
class ConversationRow:
    """A conversation as the outlet lists it: with whom, where, who speaks, what was said last."""

    conversation_id: UUID
    channel_id: UUID
    channel_kind: str
    contact_name: str
    contact_status: str
    speaker: str
    last_at: datetime
    last_text: str
    last_seq: int
    read_seq: int


@dataclass(frozen=True, slots=True)
class ConversationPage:
    """Some conversations, and where the list goes on; "" at its end."""

    conversations: list[ConversationRow]
    next: str


@dataclass(frozen=True, slots=True)
class ListConversations(Query[ConversationPage]):
    """The outlet's conversations, the latest first; of one kind of channel if given. ``cursor`` is
    the ``next`` of the page before.
    """

    kind: str = ""
    cursor: str = ""
    limit: Annotated[int, Meta(ge=1, le=PAGE_MAX)] = 50


@dataclass(frozen=True, slots=True)
class MessageView:
    """A message of a conversation. ``author`` is who wrote it; ``content`` is as it was said."""

    seq: int
    direction: str
    author: str
    content: dict[str, Any]
    at: datetime


@dataclass(frozen=True, slots=True)
class MessagePage:
    """Some messages in order; ``next`` is the ``after`` of the page that follows, whenever."""

    messages: list[MessageView]
    next: int


@dataclass(frozen=True, slots=True)
class ListMessages(Query[MessagePage]):
    """The messages of a conversation with numbers above ``after``, the oldest of them first."""

    conversation_id: UUID
    after: Annotated[int, Meta(ge=0, le=2**31 - 1)] = 0
    limit: Annotated[int, Meta(ge=1, le=PAGE_MAX)] = 50


class NoSuchPage(Refusal):
    """The cursor is none that a list of conversations gave."""


class NoSuchOperator(Refusal):
    """There is no such operator in this outlet."""


class EmptyNote(Refusal):
    """A note needs 1 to 2,000 characters."""


class WrongCanned(Refusal):
    """What is wrong with a canned answer."""


def _of_contact(purpose: str) -> Personal:
    return Personal(
        category="user.content.private",
        subject="contact",
        purpose=purpose,
        basis=Basis.LEGITIMATE_INTEREST,
        retention="last message + 24 months",
        visible=("operator",),
        erasure=Erasure.DELETE_ROW,
    )


DATA_MAP: DataMap = {
    "support_case": {
        "outlet_id": operational("tenant"),
        "conversation_id": operational("which conversation; the person is in contact"),
        "assigned_to": operational("whose it is; the person is in operator"),
        "waits_since": operational("since when an answer is awaited"),
    },
    "support_answer": {
        "outlet_id": operational("tenant"),
        "id": operational("identifier"),
        "conversation_id": operational("which conversation; the person is in contact"),
        "channel_id": operational("figures are shown by channel"),
        "operator_id": operational("who answered; the person is in operator"),
        "asked_at": operational("when an answer was awaited first"),
        "answered_at": operational("when it was given"),
    },
    "support_note": {
        "outlet_id": operational("tenant"),
        "id": operational("identifier"),
        "conversation_id": operational("beside which conversation"),
        "operator_id": operational("who wrote it; the person is in operator"),
        "text": _of_contact("let colleagues know what was found or agreed"),
        "created_at": operational("when"),
    },
    "support_canned": {
        "outlet_id": operational("tenant"),
        "shortcut": operational("its name in the composer"),
        "text": operational("the outlet's own words, with variables"),
    },
}
