"""Somebody shows a factor: the try is drawn first, then what was shown is looked at.

Both are transactions of their own, so that a try counts whatever comes of it, and parallel tries
cannot pass together. Tries of passwords are counted apart from tries of codes. A signature is drawn
from neither: nobody guesses one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol
from uuid import UUID

from chatworks.commands.models import Proof
from chatworks.factors import core, step_ups, store
from chatworks.factors.models import Passkey, Way
from chatworks.factors.passkeys import Passkeys
from chatworks.factors.recoveries import Recoveries
from chatworks.factors.service import Authenticators, burn_recovery_code, note, shown
from chatworks.factors.ways import Texting, Ways
from chatworks.identity import limits
from chatworks.identity import service as identity
from chatworks.identity.models import Browser, IssuedCode, Session
from chatworks.kit.crypto import Vault
from chatworks.kit.db import Database
from chatworks.kit.work import Work
from chatworks.passwords.models import Right

PASSWORD, CODE, SEND, PASSKEY = "password", "code", "send", "passkey"


class PasswordCheck(Protocol):
    """Tries the password of an account that is signed in; it draws the try and leaves a leaf."""

    async def verify_own(self, account_id: UUID, text: str, browser: Browser) -> Right | None:
        """Return what was right, None where it was not. No transaction may be open."""

    async def stands(self, work: Work, right: Right) -> bool:
        """Return whether it is right still, within the transaction that relies on it."""


@dataclass(frozen=True, slots=True)
class Given:
    """What a person shows: ``totp``, ``recovery``, ``password``, ``passkey`` or ``code``.

    ``ticket`` is the challenge's of a passkey, and the code's of a code that came by mail.
    """

    method: str
    text: str = field(repr=False)
    ticket: UUID | None = None


@dataclass(frozen=True, slots=True)
class Prover:
    """Looks at what is shown; see the module."""

    db: Database
    ways: Ways
    authenticators: Authenticators
    passkeys: Passkeys
    recoveries: Recoveries
    passwords: PasswordCheck

    @classmethod
    def wired(
        cls,
        db: Database,
        vault: Vault,
        courier: Texting,
        passwords: PasswordCheck,
        recovery: tuple[bytes, int],
    ) -> Prover:
        """Wire what an installation needs; ``recovery`` is the key that signs links which cancel
        one, and how many hours it waits.
        """
        ways = Ways(courier)
        return cls(
            db,
            ways,
            Authenticators(vault),
            Passkeys(core.relying_party(courier.address)),
            Recoveries(ways, recovery[0], timedelta(hours=recovery[1])),
            passwords,
        )

    async def spend(self, work: Work, proof: Proof, operation: bytes) -> bool:
        """Spend a step-up on an operation: what the dispatcher asks."""
        return await step_ups.spend(work, proof, operation)

    async def confirm_app(
        self, session: Session, browser: Browser, given: Given
    ) -> tuple[str, list[str]] | None:
        """Let an authenticator app count by its first code; see ``Authenticators.confirm``."""
        await self._draw(session, browser, given)
        async with self.db.engine() as work:
            done = await self.authenticators.confirm(work, session, given.text)
            if done is None:
                self._note_failure(work, session, given)
            return done

    async def second(self, session: Session, browser: Browser, given: Given) -> str | None:
        """Show a second factor; returns the session's new secret, None where it is not valid."""
        if given.method not in {"totp", "passkey", "recovery"}:
            return None
        await self._draw(session, browser, given)
        async with self.db.engine() as work:
            if await self._valid(work, session, given):
                return await shown(work, session, given.method)
            self._note_failure(work, session, given)
        return None

    async def step_up(
        self, session: Session, browser: Browser, step_up_id: UUID, given: Given
    ) -> bool:
        """Show a factor for a step-up; what is weaker than what the account has does not count."""
        right = None
        if given.method == PASSWORD:
            right = await self.passwords.verify_own(session.account_id, given.text, browser)
        await self._draw(session, browser, given)
        async with self.db.engine() as work:
            asked = await store.step_up(work, step_up_id, session)
            held = await store.factors(work, session.account_id)
            if asked is None or given.method not in core.accepted(held):
                return False
            if given.method == CODE:
                valid = await self._spend(work, session, given, "step_up", step_up_id) is not None
            else:
                stands = right is not None and await self.passwords.stands(work, right)
                valid = stands or await self._valid(work, session, given)
            if valid:
                return await step_ups.prove(work, asked, given.method)
            self._note_failure(work, session, given)
        return False

    async def device(self, session: Session, browser: Browser, given: Given) -> bool:
        """Confirm the session's device by a code over another way than the first factor's."""
        if session.device_id is None:
            return False
        await self._draw(session, browser, given)
        async with self.db.engine() as work:
            way = await self._spend(work, session, given, "device", session.device_id)
            if way is None or not core.others([way], session.methods):
                self._note_failure(work, session, given)
                return False
            return await identity.confirm_device(work, session.account_id, session.device_id)

    async def recovery(self, session: Session, browser: Browser, given: Given) -> bool:
        """Prove a way for the recovery that is open, or end it at once by a recovery code."""
        await self._draw(session, browser, given)
        async with self.db.engine() as work:
            asked = await store.recovery(work, session.account_id)
            if asked is None:
                return False
            if given.method == "recovery":
                valid = await self.recoveries.with_code(work, session, given.text)
            else:
                way = await self._spend(work, session, given, "recovery", asked.id)
                usable = await self.recoveries.usable(work, session.account_id)
                valid = (
                    way is not None
                    and way in usable
                    and await self.recoveries.proved(work, asked, way.kind)
                )
            if not valid:
                self._note_failure(work, session, given)
            return valid

    async def send(
        self, session: Session, browser: Browser, way_id: str, wanted: str, about: UUID
    ) -> tuple[Way, IssuedCode] | None:
        """Send a code over one of the account's ways; None where it is not one of them."""
        await limits.draw(self.db, SEND, session.account_id, browser)
        async with self.db.engine() as work:
            found = [
                way for way in await self.ways.of(work, session.account_id) if way.id == way_id
            ]
            if wanted == "device":
                found = core.others(found, session.methods)
            if not found:
                return None
            about_it = _about(wanted, about)
            issued = await self.ways.send_code(work, session.account_id, found[0], about_it)
            return found[0], issued

    async def _draw(self, session: Session, browser: Browser, given: Given) -> None:
        if given.method not in {PASSKEY, PASSWORD}:
            await limits.draw(self.db, CODE, session.account_id, browser)

    async def _valid(self, work: Work, session: Session, given: Given) -> bool:
        account_id = session.account_id
        if given.method == "totp":
            return await self.authenticators.check(work, account_id, given.text)
        if given.method == "recovery":
            return await burn_recovery_code(work, account_id, given.text)
        if given.method == PASSKEY and given.ticket is not None:
            found: Passkey | None = await self.passkeys.check(
                work, session, given.ticket, given.text
            )
            return found is not None
        return False

    async def _spend(
        self, work: Work, session: Session, given: Given, wanted: str, about: UUID
    ) -> Way | None:
        if given.ticket is None:
            return None
        return await self.ways.spend_code(
            work, session.account_id, given.ticket, given.text, _about(wanted, about)
        )

    def _note_failure(self, work: Work, session: Session, given: Given) -> None:
        note(work, session.account_id, "Failed", method=given.method, session=session.id.hex)


def _about(wanted: str, about: UUID) -> dict[str, str]:
    """Return what a code is bound to: what it proves, and of which device, recovery, step-up."""
    return {"for": wanted, "id": about.hex}
