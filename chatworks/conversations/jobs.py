"""What conversations hear: who cannot be reached, which chats moved, who wants a person, and that a
lease may have run out.
"""

from __future__ import annotations

from chatworks.channels.topics import STAFF_CALLED, STAFF_WARNED
from chatworks.conversations import store
from chatworks.conversations.models import BotSpeaks, HumanWanted, LeasesDue, Post
from chatworks.conversations.service import post
from chatworks.identity.store import staff_chats
from chatworks.kit.ids import thread_key
from chatworks.kit.texts import Texts
from chatworks.kit.work import Work
from chatworks.outbox.models import Alert, ChatMigrated, ContactUnreachable
from chatworks.sdk.messages import Message

TEXTS = Texts.load("chatworks.conversations")
ENDED_MAX = 100  # leases that one tick ends


async def close_contacts(work: Work, facts: list[ContactUnreachable]) -> None:
    """Note that these people cannot be reached; what they write opens them again."""
    for fact in facts:
        await store.set_contact_status(work, fact.outlet_id, fact.conversation_id, "blocked")


async def move_chats(work: Work, facts: list[ChatMigrated]) -> None:
    """Give conversations their chat's new id."""
    for fact in facts:
        key = thread_key(fact.channel_id, fact.thread)
        await store.move_thread(work, (fact.outlet_id, fact.conversation_id), fact.thread, key)


async def warn_staff(work: Work, facts: list[Alert]) -> None:
    """Tell the outlet's staff chats what a messenger complains of: each complaint once."""
    chats = await staff_chats(work, sorted({fact.outlet_id for fact in facts}))
    for outlet, reason in sorted({(fact.outlet_id, fact.reason) for fact in facts}):
        for outlet_id, conversation_id, language in chats:
            if outlet_id == outlet:
                text = TEXTS.text(
                    language,
                    "A messenger complains: {reason}. Please look at Trouble in the console.",
                    reason=reason,
                )
                message = Message(text, topic=STAFF_WARNED, values=(reason,))
                post(work, Post(outlet_id, conversation_id, message))
        work.notify([f"outlet {outlet.hex}"])


async def call_staff(work: Work, facts: list[HumanWanted]) -> None:
    """Tell the outlet's staff chats that somebody asks for a person."""
    chats = await staff_chats(work, sorted({fact.outlet_id for fact in facts}))
    for fact in facts:
        for outlet_id, conversation_id, language in chats:
            if outlet_id == fact.outlet_id and conversation_id != fact.conversation_id:
                text = TEXTS.text(
                    language, "A customer asks for a person. Please open the console."
                )
                message = Message(text, topic=STAFF_CALLED)
                post(work, Post(outlet_id, conversation_id, message))
        work.notify([f"outlet {fact.outlet_id.hex}"])


async def end_leases(work: Work, _due: list[LeasesDue]) -> None:
    """Hear ``LeasesDue``: where a lease ran out the bot speaks again, and whoever waits is told."""
    for ended in await store.end_leases(work, ENDED_MAX):
        key = (ended.outlet_id, ended.conversation_id)
        work.publish(BotSpeaks(*key, ended.operator_id))
        if ended.waits:
            text = TEXTS.text(
                ended.language,
                "Nobody could answer you here so far. I am the bot: write “human” to ask again, or "
                "“menu” to see what I can do.",
            )
            post(work, Post(*key, Message(text), author="bot"))
        work.notify([f"outlet {ended.outlet_id.hex}", f"chat {ended.conversation_id.hex}"])
