"""What we read of Telegram's updates, as types: whoever decodes one has checked it.

Only the fields that are used stand here; whatever else an update carries is passed over. The door
decodes with the same types as the turn, so that nothing is stored which cannot be read. Names are
those of core.telegram.org/bots/api.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta, field

Int64 = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
UpdateId = Annotated[int, Meta(ge=0, le=2**63 - 1)]
GROUPS = frozenset({"group", "supergroup", "channel"})


class User(msgspec.Struct, frozen=True):
    """A person or a bot."""

    id: Int64
    first_name: str = ""
    last_name: str = ""
    username: str = ""
    language_code: str = ""


class Chat(msgspec.Struct, frozen=True):
    """A private chat, a group, or a broadcast channel; ``title`` is the latter two's."""

    id: Int64
    type: str = "private"
    title: str = ""
    first_name: str = ""
    last_name: str = ""
    username: str = ""

    @property
    def is_group(self) -> bool:
        """Whether several people may read here."""
        return self.type in GROUPS


class Entity(msgspec.Struct, frozen=True):
    """A marked piece of a text; ``offset`` and ``length`` count UTF-16 code units.

    ``user`` is who is mentioned without a user name.
    """

    type: str
    offset: Int64
    length: Int64
    user: User | None = None


class Location(msgspec.Struct, frozen=True):
    """Degrees of WGS 84."""

    latitude: Annotated[float, Meta(ge=-90, le=90)]
    longitude: Annotated[float, Meta(ge=-180, le=180)]


class Venue(msgspec.Struct, frozen=True):
    """A named place."""

    location: Location
    title: str = ""
    address: str = ""


class Contact(msgspec.Struct, frozen=True):
    """A shared phone number; ``user_id`` is whose it is, where that person is on Telegram."""

    phone_number: str
    user_id: Int64 | None = None


class Media(msgspec.Struct, frozen=True):
    """A file of any kind; ``width`` is a photo size's."""

    file_id: str
    file_name: str = ""
    mime_type: str = ""
    file_size: Int64 | None = None
    width: Int64 = 0


class SuccessfulPayment(msgspec.Struct, frozen=True):
    """What was paid: minor units, and the ids under which it can be found and given back."""

    currency: str
    total_amount: Int64
    invoice_payload: str
    telegram_payment_charge_id: str
    provider_payment_charge_id: str = ""


class InlineButton(msgspec.Struct, frozen=True):
    """A button under a message."""

    text: str = ""
    callback_data: str = ""


class Markup(msgspec.Struct, frozen=True):
    """The buttons under a message."""

    inline_keyboard: list[list[InlineButton]] = []


class Message(msgspec.Struct, frozen=True):
    """What somebody sent, or an old message that is no longer accessible (``date`` is 0 then)."""

    message_id: Int64
    chat: Chat
    date: Int64 = 0
    sender: User | None = field(name="from", default=None)
    edit_date: Int64 = 0
    message_thread_id: Int64 = 0
    is_topic_message: bool = False
    reply_to_message: Message | None = None
    text: str | None = None
    entities: list[Entity] = []
    caption: str = ""
    caption_entities: list[Entity] = []
    location: Location | None = None
    venue: Venue | None = None
    contact: Contact | None = None
    photo: list[Media] = []
    document: Media | None = None
    animation: Media | None = None
    audio: Media | None = None
    video: Media | None = None
    voice: Media | None = None
    video_note: Media | None = None
    sticker: Media | None = None
    successful_payment: SuccessfulPayment | None = None
    migrate_to_chat_id: Int64 | None = None
    reply_markup: Markup | None = None


class CallbackQuery(msgspec.Struct, frozen=True):
    """A tap on an inline button; ``message`` carries the button, unless it was sent elsewhere."""

    id: str
    sender: User = field(name="from")
    message: Message | None = None
    data: str = ""


class PreCheckoutQuery(msgspec.Struct, frozen=True):
    """Somebody is about to pay: Telegram waits ten seconds for our word."""

    id: str
    sender: User = field(name="from")
    currency: str
    total_amount: Int64
    invoice_payload: str


class ManagedBotUpdated(msgspec.Struct, frozen=True):
    """``user`` made a bot that we may manage, or gave it another token."""

    user: User
    bot: User


class ChatMember(msgspec.Struct, frozen=True):
    """Where somebody stands in a chat."""

    status: str


class ChatMemberUpdated(msgspec.Struct, frozen=True):
    """Somebody's standing in a chat changed; ours, in ``my_chat_member``."""

    chat: Chat
    new_chat_member: ChatMember
    date: Int64 = 0
    sender: User | None = field(name="from", default=None)


class Other(msgspec.Struct, frozen=True):
    """The content of any other update, as far as it says where it belongs."""

    id: str | Int64 | None = None
    date: Int64 = 0
    chat: Chat | None = None
    sender: User | None = field(name="from", default=None)
    user: User | None = None


class Numbered(msgspec.Struct, frozen=True):
    """What every update has."""

    update_id: UpdateId


class Update(Numbered, frozen=True):
    """One update, with the kinds that we take."""

    message: Message | None = None
    edited_message: Message | None = None
    callback_query: CallbackQuery | None = None
    my_chat_member: ChatMemberUpdated | None = None
    pre_checkout_query: PreCheckoutQuery | None = None
    managed_bot: ManagedBotUpdated | None = None


# Of a message with no content that we take: what stands beside the content …
BESIDE = frozenset((
    "message_id", "date", "chat", "from", "sender_chat", "sender_boost_count",
    "sender_business_bot", "sender_tag", "business_connection_id", "message_thread_id",
    "direct_messages_topic", "is_topic_message", "forward_origin", "is_automatic_forward",
    "reply_to_message", "external_reply", "quote", "reply_to_story",
    "reply_to_checklist_task_id", "reply_to_poll_option_id", "via_bot", "guest_query_id",
    "guest_bot_caller_user", "guest_bot_caller_chat", "edit_date", "has_protected_content",
    "is_from_offline", "is_paid_post", "media_group_id", "author_signature", "paid_star_count",
    "effect_id", "reply_markup", "caption", "caption_entities", "show_caption_above_media",
    "has_media_spoiler", "entities", "link_preview_options", "suggested_post_info",
))  # fmt: skip

# … and what Telegram tells by itself: nobody said it, and nobody waits for an answer.
SERVICE = frozenset((
    "new_chat_members", "left_chat_member", "chat_owner_left", "chat_owner_changed",
    "new_chat_title", "new_chat_photo", "delete_chat_photo", "group_chat_created",
    "supergroup_chat_created", "channel_chat_created", "message_auto_delete_timer_changed",
    "migrate_from_chat_id", "pinned_message", "refunded_payment", "connected_website",
    "write_access_allowed", "proximity_alert_triggered", "boost_added", "chat_background_set",
    "checklist_tasks_done",
    "checklist_tasks_added", "direct_message_price_changed", "forum_topic_created",
    "forum_topic_edited", "forum_topic_closed", "forum_topic_reopened",
    "general_forum_topic_hidden", "general_forum_topic_unhidden", "giveaway_created",
    "giveaway_completed", "paid_message_price_changed", "poll_option_added",
    "poll_option_deleted", "suggested_post_approved", "suggested_post_approval_failed",
    "suggested_post_declined", "suggested_post_paid", "suggested_post_refunded",
    "video_chat_scheduled", "video_chat_started", "video_chat_ended",
    "video_chat_participants_invited", "managed_bot_created", "gift_upgrade_sent",
))  # fmt: skip
