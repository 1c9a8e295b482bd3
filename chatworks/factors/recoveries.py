"""The way back after a lost second factor: proved over two kinds of ways, told, and waited for.

A recovery takes the second factor away and nothing else: who signs in afterwards still shows a
first factor. It is begun by a session that showed one, it waits while every way is told each day,
and any way and any session of the account cancels it. One kind of way with a recovery code does not
wait: a recovery code is a second factor itself.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from uuid import UUID

from babel.dates import format_datetime

from chatworks.factors import core, store
from chatworks.factors.models import KINDS_ASKED, NothingToRecover, Recovery, Way
from chatworks.factors.service import burn_recovery_code, note, remove_second
from chatworks.factors.ways import Ways, tell
from chatworks.identity import service as identity
from chatworks.identity.models import Session
from chatworks.kit.work import Work

MAC_LENGTH = 32  # hexadecimal digits: 128 bits
PROVED_WITHIN = timedelta(days=1)  # what was begun and not proved until then is given up


@dataclass(frozen=True, slots=True)
class Recoveries:
    """The recoveries of an installation; ``key`` signs the links that cancel."""

    ways: Ways
    key: bytes
    wait: timedelta

    def cancel_link(self, recovery_id: UUID) -> str:
        """Return the address that cancels a recovery with one tap."""
        return (
            f"{self.ways.courier.address}/account/recovery/cancel?key={self._secret(recovery_id)}"
        )

    def _secret(self, recovery_id: UUID) -> str:
        mac = hmac.new(self.key, recovery_id.bytes, sha256).hexdigest()[:MAC_LENGTH]
        return f"{recovery_id.hex}{mac}"

    async def by_secret(self, work: Work, secret: str) -> Recovery | None:
        """Return the open recovery that a link cancels; None where the link is not ours."""
        try:
            recovery_id = UUID(hex=secret[:MAC_LENGTH])
        except ValueError:
            return None
        if not hmac.compare_digest(self._secret(recovery_id).encode(), secret.encode()):
            return None
        return await store.recovery_by_id(work, recovery_id)

    async def usable(self, work: Work, account_id: UUID) -> list[Way]:
        """Return the ways that can prove a recovery: those that are bound for longer than it waits.

        Whoever came into a session and bound ways of their own proves nothing by them.
        """
        found = await self.ways.of(work, account_id)
        return [way for way in found if way.since <= work.now - self.wait]

    async def begin(self, work: Work, session: Session) -> Recovery:
        """Begin a recovery, or go on with the open one; raises ``NothingToRecover``."""
        held = await store.factors(work, session.account_id)
        kinds = {way.kind for way in await self.usable(work, session.account_id)}
        enough = len(kinds) >= KINDS_ASKED or (kinds and held.recovery_left)
        if not held.has_second or not enough:
            raise NothingToRecover
        if await store.begin_recovery(work, session.account_id):
            note(work, session.account_id, "BeginRecovery", session=session.id.hex)
        asked = await store.recovery(work, session.account_id)
        if asked is None:
            raise NothingToRecover
        return asked

    async def proved(self, work: Work, asked: Recovery, kind: str) -> bool:
        """Note that a code came back over a kind of way; two kinds let the recovery wait."""
        account_id = asked.account_id
        kinds = await store.prove_recovery(work, asked, kind)
        if kinds is None:
            return False
        note(work, account_id, "ProveRecovery", kind=kind)
        due_at = core.recovery_due(kinds, work.now, self.wait, code=False)
        if due_at is not None and await store.start_recovery(work, asked, due_at):
            note(work, account_id, "StartRecovery", hours=int(self.wait.total_seconds() // 3600))
            await self.tell_all(work, Recovery(asked.id, account_id, kinds, asked.asked_at, due_at))
        return True

    async def with_code(self, work: Work, session: Session, typed: str) -> bool:
        """Take the second factor away at once, by a recovery code and a way that was proved."""
        asked = await store.recovery(work, session.account_id)
        if asked is None:
            return False
        if core.recovery_due(asked.proved, work.now, self.wait, code=True) is None:
            return False
        if not await burn_recovery_code(work, session.account_id, typed):
            return False
        return await self.finish(work, asked, but=session.id)

    async def finish(self, work: Work, asked: Recovery, but: UUID | None = None) -> bool:
        """Take the second factor away, and end every session ``but`` one; True for one caller."""
        if not await store.end_recovery(work, asked, "done"):
            return False
        await remove_second(work, asked.account_id)
        await identity.revoke_sessions(work, asked.account_id, but)
        tell(work, asked.account_id, "recovery_done")
        return True

    async def cancel(self, work: Work, asked: Recovery, by: str) -> bool:
        """Cancel a recovery; ``by`` is a kind of way's link or a session. True for one caller."""
        if not await store.end_recovery(work, asked, "cancelled"):
            return False
        note(work, asked.account_id, "CancelRecovery", by=by)
        tell(work, asked.account_id, "recovery_cancelled")
        return True

    async def tell_all(self, work: Work, asked: Recovery) -> None:
        """Tell every way what happens when, and how to cancel it."""
        _, _, language = await store.label(work, asked.account_id)
        due_at = asked.due_at or work.now
        tell(
            work,
            asked.account_id,
            "recovery_waits",
            at=format_datetime(due_at, "d MMMM, HH:mm", locale=language),
            cancel=self.cancel_link(asked.id),
        )
