"""What follows a sign-in: a device that is confirmed without asking, and telling of a new one."""

from __future__ import annotations

from dataclasses import dataclass

from chatworks.factors import core, store
from chatworks.factors.models import TRUSTED
from chatworks.factors.ways import Ways, tell
from chatworks.identity import service as identity
from chatworks.identity.models import SignedIn
from chatworks.kit.work import Work


@dataclass(frozen=True, slots=True)
class Devices:
    """Hears of sign-ins."""

    ways: Ways

    async def hear_sign_ins(self, work: Work, facts: list[SignedIn]) -> None:
        """Confirm devices that nothing else could confirm, and tell owners of every new one
        but the one in which the account was opened.
        """
        for fact in facts:
            others = core.others(await self.ways.of(work, fact.account_id), fact.methods)
            sure = core.shown_second(fact.methods) or not TRUSTED.isdisjoint(fact.methods)
            if sure or not others:
                await identity.confirm_device(work, fact.account_id, fact.device_id)
            if fact.new_device and not await store.first_device(work, fact.account_id):
                tell(work, fact.account_id, "new_device")
