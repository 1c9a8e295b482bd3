"""Codes that come back from a chat: the messenger vouches for who sends them.

The page shows the code and the person sends it from the very chat that it was made for. Nothing
secret is ever written into a conversation before it is spent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from chatworks.commands.models import Call, Origin
from chatworks.factors import core, step_ups, store
from chatworks.factors.models import CHAT_TRIES, CHAT_TRY, Confirmed, FactorNotValid
from chatworks.factors.recoveries import Recoveries
from chatworks.factors.ways import PURPOSE, ways
from chatworks.identity import service as identity
from chatworks.identity import store as limits
from chatworks.identity.models import SpentCode, TooManyTries
from chatworks.kit.errors import Refusal
from chatworks.kit.work import Work


@dataclass(frozen=True, slots=True)
class FromChat:
    """Takes what people send from their chats."""

    recoveries: Recoveries

    async def confirm(self, work: Work, calls: Sequence[Call[Any]]) -> list[Confirmed | Refusal]:
        """Handle ``ConfirmFromChat``: few, and each spends its own code."""
        return [await self._confirm(work, call) for call in calls]

    async def _confirm(self, work: Work, call: Call[Any]) -> Confirmed | Refusal:
        origin: Origin | None = call.origin
        if origin is None:
            return FactorNotValid()
        here = origin.conversation_id
        if not await limits.may_try(work, f"confirm:{here.hex}", CHAT_TRY, CHAT_TRIES):
            return TooManyTries()
        place = {"outlet": call.outlet_id.hex, "conversation": here.hex}
        spent = await identity.spend_code(work, PURPOSE, call.request.code, place)
        if spent is None or spent.account_id is None:
            return FactorNotValid()
        bound = {way.id for way in await ways(work, spent.account_id)}
        if here.hex in bound and await self._apply(work, spent, spent.account_id):
            return Confirmed(spent.about["for"])
        return FactorNotValid()

    async def _apply(self, work: Work, spent: SpentCode, account_id: UUID) -> bool:
        about = UUID(hex=spent.about["id"])
        match spent.about["for"]:
            case "device":
                return await identity.confirm_device(work, account_id, about)
            case "recovery":
                return await self.recoveries.proved(work, account_id, about, spent.about["kind"])
            case "step_up":
                asked = await store.step_up(work, about, account_id, None)
                held = await store.factors(work, account_id)
                if asked is None or core.accepted(held) != ("code",):
                    return False
                return await step_ups.prove(work, asked, "code")
        return False
