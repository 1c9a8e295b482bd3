"""Chat identities: proved by two codes, one in each direction, and never by a name or a number.

The page shows a code that is said in the chat; the chat answers with a code that is typed on that
page. Whoever has one side alone gets nothing: a victim who says a stranger's code would have to
hand the stranger the answer as well, and a link that somebody sends binds nothing. A chat is known
by its contact, which stands for one channel account and the messenger's immutable id.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from chatworks.commands.models import Call, Origin
from chatworks.identity import store
from chatworks.identity.accounts import details_of, open_account
from chatworks.identity.core import checked, spell_code
from chatworks.identity.models import (
    Chat,
    ChatAnswer,
    CodeForm,
    CodeNotValid,
    Details,
    Door,
    IssuedCode,
    LastWayIn,
    NoAccountHere,
    TooManyTries,
)
from chatworks.identity.service import issue_code, note, spend_code
from chatworks.kit.errors import Refusal
from chatworks.kit.work import Work

SAY, ANSWER = "chat", "chat answer"
SAYS_BURST, SAY_PAUSE = 5, timedelta(minutes=1)  # codes said in one conversation


async def show_code(
    work: Work, wanted: str, account_id: UUID | None = None, about: Mapping[str, str] | None = None
) -> IssuedCode:
    """Return the code that a page shows; ``wanted`` is bind, sign-in or sign-up."""
    return await issue_code(
        work, SAY, account_id, {"wanted": wanted, **(about or {})}, CodeForm.LETTERS
    )


def kept(details: Details) -> dict[str, str]:
    """Return what the code of a sign-up keeps of the form; ``Invalid`` names a wrong field."""
    good = checked(details)
    return {
        "account_kind": good.kind,
        "name": good.name,
        "organisation_name": good.organisation_name,
        "language": good.language,
        "time_zone": good.time_zone,
    }


class FindPage:
    """Handles ``FindAccountPage``; ``address`` is the installation's public one."""

    def __init__(self, address: str) -> None:
        self._address = address

    async def __call__(self, _work: Work, calls: Sequence[Call[Any]]) -> list[Door]:
        """Answer every call alike."""
        return [Door(f"{self._address}/account/sign-up")] * len(calls)


async def say_codes(work: Work, calls: Sequence[Call[Any]]) -> list[ChatAnswer | Refusal]:
    """Handle ``SayAccountCode``: spend the page's code, and answer with the chat's."""
    return [await _say(work, call) for call in calls]


async def _say(work: Work, call: Call[Any]) -> ChatAnswer | Refusal:
    if call.origin is None:
        return CodeNotValid()
    scope = f"account-code:{call.origin.conversation_id.hex}"
    if not await store.may_try(work, scope, SAY_PAUSE, SAYS_BURST):
        return TooManyTries()
    spent = await spend_code(work, SAY, call.request.code)
    if spent is None:
        return CodeNotValid()
    account_id = spent.account_id
    if spent.about["wanted"] == "sign-in":
        account_id = await store.account_of_contact(work, *_contact(call, call.origin))
        if account_id is None:
            return NoAccountHere()
    about = {
        **spent.about,
        "ticket": spent.id.hex,
        "outlet": call.outlet_id.hex,
        "contact": call.origin.contact_id.hex,
    }
    answer = await issue_code(work, ANSWER, account_id, about, CodeForm.LETTERS)
    return ChatAnswer(spell_code(answer.secret))


def _contact(call: Call[Any], origin: Origin) -> tuple[UUID, UUID]:
    return call.outlet_id, origin.contact_id


async def finish(
    work: Work, wanted: str, ticket: UUID, code: str, account_id: UUID | None = None
) -> UUID | None:
    """Spend the chat's answer on the page whose code was said; returns the account.

    ``account_id`` is who is signed in there and binds the chat. None where the code is not this
    page's, or the chat is an account's already.
    """
    about = {"wanted": wanted, "ticket": ticket.hex}
    spent = await spend_code(work, ANSWER, code, about)
    if spent is None or (wanted == "bind" and spent.account_id != account_id):
        return None
    outlet_id, contact_id = UUID(hex=spent.about["outlet"]), UUID(hex=spent.about["contact"])
    if wanted == "sign-in":  # the chat may have been unbound since it was asked
        bound = await store.account_of_contact(work, outlet_id, contact_id)
        return bound if bound is not None and bound == spent.account_id else None
    if await store.account_of_contact(work, outlet_id, contact_id) is not None:
        return None
    whose = account_id or await open_account(work, details_of(spent.about))
    if not await store.bind_contact(work, whose, outlet_id, contact_id):
        raise LostRace  # another page bound it this moment: what was opened goes with this
    note(work, whose, "BindChat", outlet=outlet_id.hex, contact=contact_id.hex)
    return whose


class LostRace(Refusal):
    """The chat became another account's while it was being bound."""


async def chats_of(work: Work, account_id: UUID) -> list[Chat]:
    """Return the chats of an account, the oldest first."""
    return await store.chats(work, account_id)


async def unbind(
    work: Work, account_id: UUID, outlet_id: UUID, contact_id: UUID
) -> LastWayIn | None:
    """Take a chat off an account; the last way in stays."""
    await store.lock_account(work, account_id)
    chats = await store.chats(work, account_id)
    verified = [a for a in await store.addresses(work, account_id) if a.verified_at is not None]
    if len(chats) == 1 and not verified:
        return LastWayIn()
    if await store.unbind_contact(work, account_id, outlet_id, contact_id):
        note(work, account_id, "UnbindChat", outlet=outlet_id.hex, contact=contact_id.hex)
    return None
