"""Setting and trying passwords.

Hashing takes long, so nothing here is one transaction: a new password is *prepared* before the
transaction that sets it, and a try looks up, draws from the limits, verifies and writes its leaf,
one after the other. Known and unknown accounts go through the same steps.
"""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from chatworks.identity import limits
from chatworks.identity import service as identity
from chatworks.identity.core import normal_address
from chatworks.identity.models import Browser
from chatworks.kit.db import Database
from chatworks.kit.errors import Invalid
from chatworks.kit.texts import Texts
from chatworks.kit.work import Work
from chatworks.mail.service import queue
from chatworks.passwords import core, store
from chatworks.passwords.breached import Breached
from chatworks.passwords.hasher import Hasher
from chatworks.passwords.models import LENGTH_MAX, Prepared, Right

TEXTS = Texts.load("chatworks.passwords")
NOBODY = UUID(int=0)


class Passwords:
    """The passwords of an installation at ``address``."""

    def __init__(self, db: Database, hasher: Hasher, breached: Breached, address: str) -> None:
        self._db = db
        self._hasher = hasher
        self._breached = breached
        self._address = address

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
        """Replace an account's password: every session but ``keep`` ends, and the person is told.

        Who asks has proved that they may: by the old password, or by a code sent to a verified
        address. It signs nobody in, so that a second factor is still asked for.
        """
        await store.put(work, account_id, prepared)
        identity.note(work, account_id, "ChangePassword")
        await identity.revoke_sessions(work, account_id, keep)
        for address, language in await store.told_at(work, account_id):
            self._tell(work, address, language)

    async def has_one(self, work: Work, account_id: UUID) -> bool:
        """Return whether an account has a password."""
        return await store.stored(work, account_id) is not None

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
        return await self._try(account_id, value or address[:LENGTH_MAX], text, browser)

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
        if not await self._hasher.verify(hashed, password):
            async with self._db.engine() as work:
                identity.note(work, account_id or NOBODY, "WrongPassword")
            return None
        assert account_id is not None  # noqa: S101 - nobody's hash is never right
        assert known is not None  # noqa: S101 - see above
        if self._hasher.is_old(known.hash):
            await self._rehash(account_id, known.hash, password)
        return Right(account_id, known.alone)

    async def _rehash(self, account_id: UUID, old: str, password: str) -> None:
        """Hash a password anew by today's parameters: only now it is known."""
        new = await self._hasher.hash(password)
        async with self._db.engine() as work:
            if await store.rehash(work, account_id, old, new):
                identity.note(work, account_id, "RehashPassword")

    def _tell(self, work: Work, address: str, language: str) -> None:
        subject = TEXTS.text(language, "Your password was changed")
        text = TEXTS.text(
            language,
            "The password of your account at {address} was changed just now, and every other"
            " browser was signed out.\n\nIf this was not you, set a new password at once:"
            " {forgot}\n",
            address=self._address,
            forgot=f"{self._address}/account/forgot",
        )
        queue(work, address, subject, text)
