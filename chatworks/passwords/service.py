"""Setting and trying passwords.

Hashing takes long, so nothing here is one transaction: a new password is *prepared* before the
transaction that sets it, and a try looks up, draws from the limits, verifies and writes its leaf,
one after the other. Known and unknown accounts go through the same steps.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from uuid import UUID

from chatworks.identity import accounts, limits
from chatworks.identity import service as identity
from chatworks.identity import store as identities
from chatworks.identity.core import normal_address, spell_code
from chatworks.identity.letters import Courier
from chatworks.identity.models import Browser, CodeForm, Session, Typed
from chatworks.kit.db import Database
from chatworks.kit.errors import Invalid
from chatworks.kit.work import Work
from chatworks.passwords import core, store
from chatworks.passwords.breached import Breached
from chatworks.passwords.hasher import Hasher
from chatworks.passwords.models import (
    FRESH_FOR,
    LENGTH_MAX,
    NotFresh,
    Prepared,
    Right,
    Stored,
)

RESET = "reset"  # what a code is good for
NOBODY = UUID(int=0)
SecondFactor = Callable[[Work, UUID], Awaitable[bool]]


async def no_second_factor(_work: Work, _account_id: UUID) -> bool:
    """Return that no account has a second factor."""
    return False


class Passwords:
    """The passwords of an installation. ``second_factor`` tells whether an account's is on."""

    def __init__(
        self,
        db: Database,
        hasher: Hasher,
        breached: Breached,
        courier: Courier,
        second_factor: SecondFactor = no_second_factor,
    ) -> None:
        self._db = db
        self._hasher = hasher
        self._breached = breached
        self._courier = courier
        self._second_factor = second_factor

    def close(self) -> None:
        """Let go of the pool."""
        self._hasher.close()

    async def prepare(self, text: str, own: Iterable[str], *, alone: bool = True) -> Prepared:
        """Return a new password hashed; raises ``NotFit`` or ``Busy``. No transaction may be open.

        ``own`` are the person's names and addresses. ``alone`` is False only for an account whose
        second factor is on.
        """
        password = core.fit(text, own, self._breached, alone=alone)
        enough = len(password) >= core.length_min(alone=True)
        return Prepared(await self._hasher.hash(password), enough)

    async def put(self, work: Work, account_id: UUID, prepared: Prepared) -> None:
        """Give a new account its password."""
        await store.put(work, account_id, prepared)
        identity.note(work, account_id, "SetPassword")

    async def change(
        self, work: Work, account_id: UUID, prepared: Prepared, keep: UUID | None = None
    ) -> None:
        """Set an account's new password: every session but ``keep`` ends, and the person is told.

        Who asks has proved that they may: by the old password, or by a code sent to a verified
        address. It signs nobody in, so that a second factor is still asked for; what was sent to
        sign in with is of no use any more.
        """
        had_one = await self.has_one(work, account_id)
        await store.put(work, account_id, prepared)
        identity.note(work, account_id, "ChangePassword" if had_one else "SetPassword")
        await identity.revoke_sessions(work, account_id, keep)
        await identities.spend_codes(work, account_id, [RESET, accounts.SIGN_IN, accounts.LINK])
        await self._tell(work, account_id, "password_changed" if had_one else "password_chosen")

    async def forgot(self, typed: Typed, browser: Browser, language: str) -> UUID:
        """Send a code that sets a new password, or word that there is no account.

        Returns the ticket that the page keeps; raises ``TooMany`` or ``Closed``. ``language`` is
        the page's.
        """
        async with self._db.engine() as work:
            account_id = await identities.find_account(work, typed.kind, typed.value)
        await limits.draw(self._db, "send", account_id or typed.value, browser)
        async with self._db.engine() as work:
            account = await identities.account(work, account_id or NOBODY)
            about = {"kind": typed.kind, "value": typed.value}
            code = await identity.issue_code(work, RESET, account_id, about, CodeForm.LETTERS)
            values = {
                "code": spell_code(code.secret),
                "link": f"{self._courier.address}/account/sign-up",
            }
            await self._courier.send(
                work,
                typed.kind,
                typed.value,
                "reset" if account else "no_account",
                values,
                account.language if account else language,
                decoy=account is None and typed.kind == "phone",
            )
        return code.id

    async def reset(self, ticket: UUID, code: str, text: str, browser: Browser) -> bool:
        """Set a new password by the code of a ticket; False where the code is not valid.

        Raises ``NotFit``, ``TooMany``, ``Closed`` or ``Busy``; the code is then still good. The
        person's own words are looked at only behind the right code: others would learn them.
        """
        async with self._db.engine() as work:
            whose = await identities.code_account(work, ticket)
        await limits.draw(self._db, "code", whose or ticket.hex, browser)
        prepared = await self.prepare(text, [])
        async with self._db.engine() as work:
            spent = await identity.spend_code(work, RESET, code, ticket=ticket)
            if spent is None or spent.account_id is None:
                return False  # commits: a wrong code has cost one of its tries
            own = await self._own(work, spent.account_id)
            core.fit(text, own, self._breached, alone=True)  # raising leaves the code unspent
            await self.change(work, spent.account_id, prepared)
        return True

    async def change_own(
        self, session: Session, old: str, new: str, browser: Browser
    ) -> str | None:
        """Set an owner's new password; returns their session's new secret.

        None where the old one is not right. Who has none yet must have proved themselves within
        ``FRESH_FOR``, or ``NotFresh`` is raised; raises ``NotFit``, ``TooMany``, ``Closed`` or
        ``Busy``.
        """
        async with self._db.engine() as work:
            has_one = await self.has_one(work, session.account_id)
            own = await self._own(work, session.account_id)
            beside = await self._second_factor(work, session.account_id)
        if not has_one and session.fresh_at < self._db.clock.now() - FRESH_FOR:
            raise NotFresh("prove again who you are")
        right = await self.verify_own(session.account_id, old, browser) if has_one else None
        if has_one and right is None:
            return None
        prepared = await self.prepare(new, own, alone=not beside)
        async with self._db.engine() as work:
            if right is not None and not await self.stands(work, right):
                return None
            secret = await identity.refresh(work, session, "password")
            if secret is not None:  # else another change ended this session just now
                await self.change(work, session.account_id, prepared, session.id)
        return secret

    async def _tell(self, work: Work, account_id: UUID, letter: str) -> None:
        """Tell an account at every verified address, and lead to where a password is set anew."""
        account = await identities.account(work, account_id)
        values = {"link": f"{self._courier.address}/account/forgot"}
        for one in await identities.addresses(work, account_id):
            if account is not None and one.verified_at is not None:
                await self._courier.send(
                    work, one.kind, one.value, letter, values, account.language
                )

    async def _own(self, work: Work, account_id: UUID) -> list[str]:
        """Return what a person is called, and where they are reached."""
        account = await identities.account(work, account_id)
        called = [] if account is None else [account.name, account.organisation_name or ""]
        return called + [one.value for one in await identities.addresses(work, account_id)]

    async def has_one(self, work: Work, account_id: UUID) -> bool:
        """Return whether an account has a password."""
        return await store.stored(work, account_id) is not None

    async def length_min(self, work: Work, account_id: UUID) -> int:
        """Return how many characters a new password of an account needs today."""
        return core.length_min(alone=not await self._second_factor(work, account_id))

    async def enough_alone(self, work: Work, account_id: UUID) -> bool:
        """Return whether an account's last second factor may go, as far as its password goes."""
        known = await store.stored(work, account_id)
        return known is None or known.alone

    async def verify(self, address: str, text: str, browser: Browser) -> Right | None:
        """Try a password for the account of a typed address; None where it is not right.

        Raises ``TooMany`` or ``Closed`` (the limits), or ``Busy``. No transaction may be open.
        """
        kind = "email" if "@" in address else "phone"
        try:
            value = normal_address(kind, address)
        except Invalid:
            value = ""  # nobody's
        async with self._db.engine() as work:
            account_id = await identity.find_account(work, kind, value) if value else None
        typed = address[:LENGTH_MAX].encode(errors="replace").decode()
        return await self._try(account_id, value or typed, text, browser)

    async def stands(self, work: Work, right: Right) -> bool:
        """Return whether the password that was right still is, and stays it until ``work`` ends.

        Whoever begins a session asks within its transaction: a change in between has ended all
        sessions, and this one must not come after it.
        """
        return await store.stands(work, right.account_id, right.hash)

    async def verify_own(self, account_id: UUID, text: str, browser: Browser) -> Right | None:
        """Try the password of an account that is signed in; raises as ``verify`` does."""
        return await self._try(account_id, "", text, browser)

    async def _try(
        self, account_id: UUID | None, typed: str, text: str, browser: Browser
    ) -> Right | None:
        await limits.draw(self._db, "password", account_id or typed, browser)
        async with self._db.engine() as work:
            known = await store.stored(work, account_id or NOBODY)
        password = core.opaque(text[: LENGTH_MAX + 1]) or ""
        hashed = None if known is None or len(text) > LENGTH_MAX else known.hash
        right = await self._hasher.verify(hashed, password)
        if not right or account_id is None or known is None:  # nobody's hash is never right
            async with self._db.engine() as work:
                identity.note(work, account_id or NOBODY, "WrongPassword")
            return None
        if self._hasher.is_old(known.hash):
            return await self._rehash(account_id, known, password)
        return Right(account_id, known.alone, known.hash)

    async def _rehash(self, account_id: UUID, known: Stored, password: str) -> Right | None:
        """Hash a password anew by today's parameters: only now it is known."""
        new = await self._hasher.hash(password)
        async with self._db.engine() as work:
            if not await store.rehash(work, account_id, known.hash, new):
                return None  # it was changed meanwhile
            identity.note(work, account_id, "RehashPassword")
        return Right(account_id, known.alone, new)
