"""What an account's owner does with their factors, within an open transaction of the engine's.

Who tries is limited before (``proving``), and who changes something has shown a factor for just
that (``step_ups``); both is done by whoever calls. Every change appends its leaf here.
"""

from __future__ import annotations

from base64 import b32encode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from chatworks.audit import store as audit
from chatworks.audit.models import Leaf
from chatworks.commands.models import Call
from chatworks.factors import core, store
from chatworks.factors.models import (
    RECOVERY_CODES,
    RECOVERY_LETTERS,
    AlreadySet,
    Demanded,
    FactorNotValid,
    Factors,
    Lack,
    PasswordTooShort,
    Setup,
)
from chatworks.factors.ways import tell
from chatworks.identity import service as identity
from chatworks.identity.core import letters, normal_code
from chatworks.identity.models import Session
from chatworks.kit.crypto import Vault, digest
from chatworks.kit.errors import Refusal
from chatworks.kit.work import Work

SECRET_BYTES = 20  # RFC 4226, 4 (R6): 160 bits are recommended


def note(work: Work, account_id: UUID, act: str, **details: str | int | None) -> None:
    """Append a leaf about an account's factors, by its owner; its security history shows it."""
    work.defer(audit.append, Leaf.of_account(account_id, f"factors.{act}", details))


# What a session lacks


async def has_second(work: Work, account_id: UUID) -> bool:
    """Return whether an account's second factor is on."""
    return (await store.factors(work, account_id)).has_second


async def lack(work: Work, session: Session) -> Lack | None:
    """Return what a session must still show before it opens anything else; asked each time."""
    now = await store.standing(work, session)
    return core.lack(now.held, session.methods, device_known=now.device_known)


async def shown(work: Work, session: Session, method: str) -> str | None:
    """Note that a session showed a second factor; returns its new secret: the old one is dead.

    Whoever has it is the owner, so that the device is confirmed, and a recovery is over.
    """
    if session.device_id is not None:
        await identity.confirm_device(work, session.account_id, session.device_id)
    waiting = await store.recovery(work, session.account_id)
    if waiting is not None and await store.end_recovery(work, waiting, "cancelled"):
        note(work, session.account_id, "CancelRecovery", by="factor")
    return await identity.refresh(work, session, method)


# Authenticator apps


@dataclass(frozen=True, slots=True)
class Authenticators:
    """Authenticator apps; their secrets are sealed with ``vault``."""

    vault: Vault

    async def begin(self, work: Work, account_id: UUID) -> Setup:
        """Make a secret that counts once a code confirms it; raises ``AlreadySet``."""
        secret = b32encode(work.clock.random_bytes(SECRET_BYTES)).decode()
        totp_id = work.new_id()
        sealed = self.vault.seal(secret, _place(totp_id))
        if not await store.begin_totp(work, account_id, totp_id, sealed):
            raise AlreadySet
        note(work, account_id, "BeginAuthenticator")
        return await self._setup(work, account_id, secret)

    async def begun(self, work: Work, account_id: UUID) -> Setup | None:
        """Return the secret that waits for its first code; None where none does."""
        found = await store.totp(work, account_id)
        if found is None or found[2]:
            return None
        return await self._setup(work, account_id, self._open(found[0], found[1]))

    async def _setup(self, work: Work, account_id: UUID, secret: str) -> Setup:
        label, _, _ = await store.label(work, account_id)
        return Setup(secret, core.setup_address(secret, label))

    async def confirm(
        self, work: Work, session: Session, code: str
    ) -> tuple[str, list[str]] | None:
        """Let the secret count from now on; None where the code is not of it.

        Returns the session's new secret and, where there are none yet, recovery codes to be shown
        this once. Every other session ends: it never showed this factor.
        """
        account_id = session.account_id
        found = await store.totp(work, account_id)
        if found is None or found[2]:
            return None
        step = core.matching_step(self._open(found[0], found[1]), code, work.now)
        if step is None or not await store.confirm_totp(work, account_id, found[0], step):
            return None
        note(work, account_id, "SetAuthenticator")
        await identity.revoke_sessions(work, account_id, session.id)
        tell(work, account_id, "second_set")
        secret = await shown(work, session, "totp")
        if secret is None:
            raise FactorNotValid
        held = await store.factors(work, account_id)
        codes = [] if held.recovery_left else await new_recovery_codes(work, account_id)
        return secret, codes

    async def check(self, work: Work, account_id: UUID, code: str) -> bool:
        """Spend a code; True for exactly one caller, whoever comes at the same time."""
        found = await store.totp(work, account_id)
        if found is None or not found[2]:
            return False
        step = core.matching_step(self._open(found[0], found[1]), code, work.now)
        return step is not None and await store.spend_step(work, account_id, found[0], step)

    async def remove(self, work: Work, account_id: UUID) -> bool:
        """Ask for codes no more; returns whether they were asked for."""
        if not await store.remove_totp(work, account_id):
            return False
        note(work, account_id, "RemoveAuthenticator")
        tell(work, account_id, "second_removed")
        await after_removal(work, account_id)
        return True

    def _open(self, totp_id: UUID, sealed: bytes) -> str:
        return self.vault.open(sealed, _place(totp_id))


def _place(totp_id: UUID) -> str:
    return f"totp.secret_sealed|{totp_id.hex}"


# Passkeys as the second factor


async def ask_for_passkeys(work: Work, session: Session, *, wanted: bool) -> bool:
    """Ask for a passkey after a password or a code, or stop; returns whether that is a change."""
    account_id = session.account_id
    change = store.add_passkey_second if wanted else store.remove_passkey_second
    if not await change(work, account_id):
        return False
    note(work, account_id, "AskForPasskeys" if wanted else "StopAskingForPasskeys")
    if wanted:
        await identity.revoke_sessions(work, account_id, session.id)
        tell(work, account_id, "second_set")
    else:
        tell(work, account_id, "second_removed")
        await after_removal(work, account_id)
    return True


# Recovery codes


async def new_recovery_codes(work: Work, account_id: UUID) -> list[str]:
    """Replace every recovery code; returns the new ones, to be shown this once."""
    codes = [letters(work.clock.random_bytes(RECOVERY_LETTERS)) for _ in range(RECOVERY_CODES)]
    await store.replace_recovery_codes(work, account_id, [digest(c) for c in codes])
    note(work, account_id, "NewRecoveryCodes", count=len(codes))
    tell(work, account_id, "recovery_codes_new")
    return [core.spell(code) for code in codes]


async def burn_recovery_code(work: Work, account_id: UUID, typed: str) -> bool:
    """Burn a recovery code; True for exactly one caller. Its owner is told over every way."""
    code = normal_code(typed)
    if len(code) != RECOVERY_LETTERS:
        return False
    if not await store.burn_recovery_code(work, account_id, digest(code)):
        return False
    left = (await store.factors(work, account_id)).recovery_left
    note(work, account_id, "UseRecoveryCode", left=left)
    tell(work, account_id, "recovery_code_used", left=str(left))
    return True


async def after_removal(work: Work, account_id: UUID) -> None:
    """Remove recovery codes that nothing asks for any more.

    Raises ``PasswordTooShort`` where the last second factor went, and the password is too short to
    stand alone: what was removed comes back with the transaction.
    """
    held = await store.factors(work, account_id)
    if not held.has_second and not held.password_alone:
        raise PasswordTooShort
    if not held.has_second and held.recovery_left:
        await store.replace_recovery_codes(work, account_id, [])
        note(work, account_id, "DropRecoveryCodes")


async def remove_second(work: Work, account_id: UUID) -> Factors:
    """Take the second factor away and nothing else: passkeys still sign in by themselves."""
    await store.lock_account(work, account_id)
    before = await store.factors(work, account_id)
    await store.remove_totp(work, account_id)
    await store.remove_passkey_second(work, account_id)
    await store.replace_recovery_codes(work, account_id, [])
    note(work, account_id, "RemoveSecondFactor", totp=int(before.totp))
    return before


# What an outlet demands


async def demand_second_factor(work: Work, calls: Sequence[Call[Any]]) -> list[Demanded | Refusal]:
    """Handle ``DemandSecondFactor``."""
    answers: list[Demanded | Refusal] = []
    for call in calls:
        await store.demand(work, call.outlet_id, wanted=call.request.demanded)
        answers.append(Demanded(call.request.demanded))
    return answers
