"""The first factor as we keep it ourselves: codes of ours, and passwords that are hashed here."""

from __future__ import annotations

from uuid import UUID

from chatworks.federation.models import Asked, CodeNotRight, Entered, Newcomer, NotRight
from chatworks.federation.service import Strangers, Tickets
from chatworks.identity import accounts, limits
from chatworks.identity.letters import Courier
from chatworks.identity.models import Browser, Details, Session, Typed
from chatworks.kit.db import Database
from chatworks.kit.work import Work
from chatworks.passwords.models import Prepared, Right
from chatworks.passwords.service import Passwords

SIGN_UP = "local sign-up"


class LocalFactor:
    """``FirstFactor`` over our own accounts and passwords."""

    elsewhere = False

    def __init__(
        self,
        db: Database,
        passwords: Passwords,
        courier: Courier,
        tickets: Tickets,
        strangers: Strangers,
    ) -> None:
        self._db = db
        self._passwords = passwords
        self._courier = courier
        self._tickets = tickets
        self._strangers = strangers

    async def sign_up(self, who: Newcomer, browser: Browser) -> str:
        """Send a code that opens the account; the ticket holds the password, hashed."""
        await limits.draw(self._db, "sign-up", who.email, browser)
        prepared = await self._passwords.prepare(who.password, [who.name, who.email])
        kept = {
            "email": who.email,
            "name": who.name,
            "language": who.language,
            "hash": prepared.hash,
            "alone": "yes" if prepared.alone else "",
        }
        return await self._begin(kept)

    async def resend(self, ticket: str, browser: Browser) -> str:
        """Send another code for the same account-to-be."""
        kept = self._kept(ticket)
        await limits.draw(self._db, "send", kept["email"], browser)
        return await self._begin(kept)

    async def confirm(self, ticket: str, code: str, browser: Browser) -> None:
        """Open the account, with its address proved and its password set."""
        kept = self._kept(ticket)
        await limits.draw(self._db, "code", kept["code"], browser)
        prepared = Prepared(kept["hash"], alone=kept["alone"] == "yes")
        async with self._db.engine() as work:
            account_id = await accounts.finish_sign_up(work, UUID(hex=kept["code"]), code)
            if account_id is not None:
                await self._passwords.put(work, account_id, prepared)
        if account_id is None:
            raise CodeNotRight

    async def sign_in(self, address: str, password: str, browser: Browser) -> Entered:
        """Check a password of ours."""
        right = await self._passwords.verify(address, password, browser)
        if right is None:
            raise NotRight
        return Entered(right.account_id, frozenset({"password"}), right.hash)

    async def stands(self, work: Work, entered: Entered) -> bool:
        """Return whether the password was not changed since it was right."""
        if not entered.hold:
            return True
        right = Right(entered.account_id, alone=False, hash=entered.hold)
        return await self._passwords.stands(work, right)

    async def answer(self, ticket: str, given: str, browser: Browser) -> Entered | Asked:
        """Take what a stranger was asked for: a password of ours asks for nothing more."""
        reached = await self._strangers.answer(ticket, given, browser)
        if reached is None:
            raise CodeNotRight
        return reached

    async def forgot(self, typed: Typed, browser: Browser, language: str) -> str:
        """Send a code with which a new password can be set."""
        return (await self._passwords.forgot(typed, browser, language)).hex

    async def reset(self, ticket: str, given: tuple[str, str], browser: Browser) -> None:
        """Set a new password by (code, password)."""
        try:
            code_id = UUID(hex=ticket)
        except ValueError:
            raise CodeNotRight from None
        if not await self._passwords.reset(code_id, *given, browser):
            raise CodeNotRight

    async def change(self, session: Session, passwords: tuple[str, str], browser: Browser) -> str:
        """Set a new password by (old, new), or an account's first one."""
        secret = await self._passwords.change_own(session, *passwords, browser)
        if secret is None:
            raise NotRight
        return secret

    async def has_one(self, work: Work, account_id: UUID) -> bool:
        """Return whether an account has a password."""
        return await self._passwords.has_one(work, account_id)

    async def length_min(self, work: Work, account_id: UUID) -> int:
        """Return how long an account's new password must be."""
        return await self._passwords.length_min(work, account_id)

    async def _begin(self, kept: dict[str, str]) -> str:
        details = Details("person", kept["name"], "", kept["language"], "UTC")
        typed = Typed("email", kept["email"])
        async with self._db.engine() as work:
            code = await accounts.begin_sign_up(work, self._courier, details, typed)
        return self._tickets.seal(self._db.clock.now(), SIGN_UP, {**kept, "code": code.hex})

    def _kept(self, ticket: str) -> dict[str, str]:
        kept = self._tickets.open(self._db.clock.now(), SIGN_UP, ticket)
        if kept is None:
            raise CodeNotRight
        return kept
