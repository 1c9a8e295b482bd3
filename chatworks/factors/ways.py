"""Ways to an account: its verified addresses and its chats; telling its owner, and codes over them.

A code goes *to* an address. With a chat it is as when the chat was bound (``identity.chats``): the
page shows a code that is said in the chat, and the chat answers with the one that is typed on the
page; what stands in the conversation, where the people of the outlet read it, is worth nothing
without that page.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from chatworks.factors import store
from chatworks.factors.models import ADDRESSES, Tell, Way
from chatworks.identity import chats
from chatworks.identity import service as identity
from chatworks.identity import store as accounts
from chatworks.identity.core import spell_code
from chatworks.identity.letters import Courier
from chatworks.identity.models import CodeForm, IssuedCode
from chatworks.kit.work import Work

PURPOSE = "way"
WANTED = "prove"  # of a chat's code, beside bind, sign-in and sign-up
HERE = frozenset({"webchat", "terminal"})  # kinds of chat that are this very browser


class Texting(Courier, Protocol):
    """A courier that knows whether it can write to phones."""

    async def can_text(self) -> bool:
        """Return whether the installation has a channel for SMS."""


def veil(value: str) -> str:
    """Return an address so that its owner knows it and nobody learns it: a•••@example.org."""
    local, at, domain = value.rpartition("@")
    return f"{local[:1]}•••{at}{domain}" if at else f"{value[:4]}•••{value[-2:]}"


def tell(work: Work, account_id: UUID, key: str, **values: str) -> None:
    """Send the letter ``key`` to the owner over every way, with the transaction."""
    work.publish(Tell(account_id, key, values))


@dataclass(frozen=True, slots=True)
class Ways:
    """The ways of every account; what leaves, leaves by ``courier``."""

    courier: Texting

    async def of(self, work: Work, account_id: UUID) -> list[Way]:
        """Return the ways over which a code can travel, addresses first."""
        kinds = ADDRESSES if await self.courier.can_text() else {"email"}
        found = [
            Way(address_id.hex, kind, veil(value), value, since)
            for address_id, kind, value, since in await store.addresses(work, account_id)
            if kind in kinds
        ]
        for outlet, contact, conversation, kind, name, since in await store.chats(work, account_id):
            if kind not in HERE:
                value = f"{outlet.hex}:{conversation.hex}"
                found.append(Way(contact.hex, kind, name, value, since))
        return found

    async def hear_tells(self, work: Work, facts: list[Tell]) -> None:
        """Send what owners are told, over every way, in their account's language."""
        for fact in facts:
            _, name, language = await store.label(work, fact.account_id)
            values = {"name": name, "link": f"{self.courier.address}/account", **fact.values}
            for way in await self.of(work, fact.account_id):
                kind = way.kind if way.kind in ADDRESSES else "chat"
                await self.courier.send(work, kind, way.value, fact.key, values, language)

    async def send_code(
        self, work: Work, account_id: UUID, way: Way, about: dict[str, str]
    ) -> IssuedCode:
        """Issue a code for a way, bound to what it is ``about``; an address gets it at once.

        A chat's is for the page to show.
        """
        if way.kind not in ADDRESSES:
            return await chats.show_code(work, WANTED, account_id, {**about, "way": way.id})
        kept = {**about, "way": way.id}
        issued = await identity.issue_code(work, PURPOSE, account_id, kept, CodeForm.LETTERS)
        _, _, language = await store.label(work, account_id)
        values = {"code": spell_code(issued.secret)}
        await self.courier.send(work, way.kind, way.value, "prove", values, language)
        return issued

    async def spend_code(
        self, work: Work, account_id: UUID, ticket: UUID, typed: str, about: dict[str, str]
    ) -> Way | None:
        """Spend what came back: a code by its ticket, or a chat's answer to it.

        Returns the way that it came over, None where it is not valid for just this. Nothing may be
        rolled back after a wrong try.
        """
        bound = {way.id: way for way in await self.of(work, account_id)}
        spent = await identity.spend_code(work, PURPOSE, typed, about, ticket=ticket)
        if spent is not None and spent.account_id == account_id:
            return bound.get(spent.about["way"])
        said = {**about, "wanted": WANTED, "ticket": ticket.hex}
        spent = await identity.spend_code(work, chats.ANSWER, typed, said)
        if spent is None or spent.account_id != account_id:
            return None
        outlet_id, contact_id = UUID(hex=spent.about["outlet"]), UUID(hex=spent.about["contact"])
        if await accounts.account_of_contact(work, outlet_id, contact_id) != account_id:
            return None  # somebody said it in a chat of theirs
        way = bound.get(contact_id.hex)
        return way if way is not None and way.id == spent.about["way"] else None
