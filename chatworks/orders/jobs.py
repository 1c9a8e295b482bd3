"""What follows from orders: the customer is told, staff are alerted, consoles refresh."""

from __future__ import annotations

from chatworks.channels.topics import ORDER_NEW
from chatworks.contacts.models import SendTo
from chatworks.conversations.models import Post
from chatworks.conversations.service import post
from chatworks.identity.store import staff_chats
from chatworks.kit.work import Work
from chatworks.orders.core import TOLD_TEXTS, TOLD_TOPICS
from chatworks.orders.models import OrderMoved, OrderPlaced
from chatworks.orders.service import TEXTS
from chatworks.sdk.messages import Card, Line, Message


async def tell_customers(work: Work, facts: list[OrderMoved]) -> None:
    """Tell each customer in their language: in the conversation of the order, or, where that one
    cannot be reached any more, wherever else they can.
    """
    for fact in facts:
        msgid = TOLD_TEXTS.get(fact.status)
        if fact.told and msgid is not None:
            text = TEXTS.text(fact.language, msgid, number=fact.number, reason=fact.reason)
            values = (str(fact.number), fact.reason) if fact.reason else (str(fact.number),)
            message = Message(text, topic=TOLD_TOPICS[fact.status], values=values)
            work.publish(SendTo(fact.outlet_id, fact.conversation_id, message))


async def alert_staff(work: Work, facts: list[OrderPlaced]) -> None:
    """Send each new order to the outlet's staff chats: what and where, never the phone number."""
    chats = await staff_chats(work, sorted({fact.outlet_id for fact in facts}))
    for fact in facts:
        for outlet_id, conversation_id, language in chats:
            if outlet_id == fact.outlet_id:
                post(work, Post(outlet_id, conversation_id, _news(fact, language)))
    work.notify(f"outlet {fact.outlet_id.hex}" for fact in facts)


def _news(fact: OrderPlaced, language: str) -> Message:
    values = (str(fact.placed.number), fact.area, fact.placed.total.show(language))
    return Message(card=_card(fact, language), topic=ORDER_NEW, values=values)


def _card(fact: OrderPlaced, language: str) -> Card:
    placed = fact.placed
    return Card(
        title=TEXTS.text(language, "New order {number}", number=placed.number),
        subtitle=fact.area,
        lines=tuple(
            Line(f"{line.count} × {line.title}", (line.price * line.count).show(language))
            for line in placed.lines
        ),
        footer=TEXTS.text(language, "Total: {total}", total=placed.total.show(language)),
    )
