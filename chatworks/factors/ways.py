"""Ways to an account: its verified addresses and its chats; telling its owner, and codes over them.

A code goes *to* an address, and comes *from* a chat: the page shows it and its owner sends it to
the bot. In the other direction it would lie in the conversation's history, where the people of the
outlet read it. What is told carries no secret, except for the link that cancels a recovery.
"""

from __future__ import annotations

from uuid import UUID

from chatworks.conversations.models import Post
from chatworks.conversations.service import post
from chatworks.factors import store
from chatworks.factors.models import Way
from chatworks.identity import service as identity
from chatworks.identity.core import spell_code
from chatworks.identity.models import CodeForm, IssuedCode
from chatworks.kit.texts import Texts
from chatworks.kit.work import Work
from chatworks.mail.service import queue
from chatworks.sdk.messages import Message

TEXTS = Texts.load("chatworks.factors")
EMAIL = "email"
HERE = frozenset(
    {"webchat", "terminal"}
)  # kinds of chat that are this same browser, or no messenger
PURPOSE = "way"


def veil(value: str) -> str:
    """Return an address so that its owner knows it and nobody learns it: a•••@example.org."""
    local, at, domain = value.rpartition("@")
    return f"{local[:1]}•••{at}{domain}" if at else f"{value[:4]}•••{value[-2:]}"


async def ways(work: Work, account_id: UUID) -> list[Way]:
    """Return the ways over which a code can travel, addresses first."""
    found = [
        Way(address_id.hex, kind, veil(value), value)
        for address_id, kind, value in await store.addresses(work, account_id)
        if kind == EMAIL
    ]
    for outlet_id, conversation_id, kind, name in await store.chats(work, account_id):
        if kind not in HERE:
            value = f"{outlet_id.hex}:{conversation_id.hex}"
            found.append(Way(conversation_id.hex, kind, name, value))
    return found


async def tell(work: Work, account_id: UUID, msgid: str, **values: object) -> None:
    """Tell the owner something over every way, in the account's language."""
    _, name, language = await store.label(work, account_id)
    said = TEXTS.text(language, msgid, **values)
    subject = TEXTS.text(language, "Your account at ChatWorks")
    for way in await ways(work, account_id):
        if way.kind == EMAIL:
            greeted = TEXTS.text(language, "Hello {name},", name=name)
            queue(work, way.value, subject, f"{greeted}\n\n{said}\n")
        else:
            outlet_id, conversation_id = (UUID(hex=part) for part in way.value.split(":"))
            post(work, Post(outlet_id, conversation_id, Message(said)))


async def send_code(work: Work, account_id: UUID, way: Way, wanted: str, about: str) -> IssuedCode:
    """Issue a code for a way, and mail it where the way is an address.

    ``wanted`` is what it proves (``device``, ``recovery``, ``step_up``), ``about`` the id of that.
    A chat's code is for the page to show: its owner sends it from there.
    """
    kept = {"for": wanted, "id": about, "kind": way.kind}
    if way.kind != EMAIL:
        kept["outlet"], kept["conversation"] = way.value.split(":")
    issued = await identity.issue_code(work, PURPOSE, account_id, kept, CodeForm.LETTERS)
    if way.kind == EMAIL:
        _, _, language = await store.label(work, account_id)
        code = spell_code(issued.secret)
        queue(
            work,
            way.value,
            TEXTS.text(language, "Your code: {code}", code=code),
            TEXTS.text(
                language,
                "Your code is {code}. It is good for ten minutes. If you did not ask for it, "
                "somebody else tries to use your account: give it to nobody.",
                code=code,
            ),
        )
    return issued
