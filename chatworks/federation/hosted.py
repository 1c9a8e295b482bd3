"""Signing in on a provider's own pages: the way there and back, each spent once by one browser.

The state goes out in the address, the browser's secret stays in a cookie; the database keeps the
hashes of both, and an attempt is given to the one caller who brings both (RFC 9700, 4.7). Nonce and
verifier are derived from the two. Each provider has a way back of its own, and what it answers must
be meant for it: an answer of one provider cannot be given out as another's (RFC 9700, 4.4).
"""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

import structlog

from chatworks.federation import store
from chatworks.federation.models import (
    CODE_LENGTH_MAX,
    Asked,
    Attempt,
    Entered,
    Fields,
    NotConnected,
    Person,
    Purpose,
    Stranger,
    Untrusted,
)
from chatworks.federation.openid import OpenId
from chatworks.federation.service import Strangers, connect, enter
from chatworks.kit.crypto import digest, new_secret
from chatworks.kit.db import Database
from chatworks.kit.errors import NotFound

log = structlog.get_logger()
SECRET_BYTES = 32
SECRET_LENGTH = 43  # of 32 bytes in base64url
FORGOTTEN_AT_ONCE = 100


class Hosted:
    """The providers with pages of their own. ``address`` is where people reach us."""

    def __init__(
        self, db: Database, ways: Iterable[OpenId], strangers: Strangers, address: str
    ) -> None:
        self._db = db
        self._ways = {way.provider.key: way for way in ways}
        self._strangers = strangers
        self._address = address

    def titles(self) -> dict[str, str]:
        """Return the providers' names by key, in the order of their buttons."""
        return {key: way.provider.title for key, way in self._ways.items()}

    def redirect(self, key: str) -> str:
        """Return the one address that a provider may send people back to."""
        return f"{self._address}/account/with/{key}/back"

    def browser_secret(self, known: str) -> str:
        """Return the secret of a browser that brings ``known``, or a new one."""
        if len(known) == SECRET_LENGTH:
            return known
        return new_secret(self._db.clock, SECRET_BYTES)

    async def begin(
        self, key: str, browser: str, account_id: UUID | None, page: tuple[str, str]
    ) -> str:
        """Return the address to send a browser to; ``browser`` is its secret.

        With ``account_id`` the identity is to be connected to it. ``page`` is (where to go on, the
        language). Raises ``NotFound`` for a provider that is none, ``Untrusted``, ``Unavailable``.
        """
        way = self._way(key)
        state = new_secret(self._db.clock, SECRET_BYTES)
        url = await way.authorize(self.redirect(key), (browser, state))
        purpose = Purpose.SIGN_IN if account_id is None else Purpose.LINK
        attempt = Attempt(key, purpose, account_id, *page)
        async with self._db.engine() as work:
            await store.forget_attempts(work, FORGOTTEN_AT_ONCE)
            await store.add_attempt(work, attempt, (digest(state), digest(browser)))
        return url

    async def finish(self, key: str, query: Fields, browser: str) -> tuple[Attempt, Person]:
        """Spend the attempt that an answer belongs to; returns it, and whom the provider proved.

        Raises ``NotConnected`` for every answer that is not this browser's, not asked for, spent,
        late, a refusal, or not to be trusted: they look alike. ``Unavailable`` is the provider's.
        """
        way = self._way(key)
        state, code = query.get("state", ""), query.get("code", "")
        if not state.isascii() or len(state) != SECRET_LENGTH or len(browser) != SECRET_LENGTH:
            raise NotConnected
        async with self._db.engine() as work:
            attempt = await store.spend_attempt(work, key, (digest(state), digest(browser)))
        if attempt is None or not 0 < len(code) <= CODE_LENGTH_MAX:
            raise NotConnected
        try:
            return attempt, await way.finish(query, self.redirect(key), (browser, state))
        except Untrusted as error:
            log.warning("an identity provider is not trusted", provider=key, rule=error.rule)
            raise NotConnected from None

    async def sign_in(self, attempt: Attempt, person: Person) -> Entered | Asked:
        """Return whose identity was proved; who is new is asked for an address."""
        stranger = Stranger(attempt.provider, person, frozenset({"oidc"}), attempt.language)
        async with self._db.engine() as work:
            entered = await enter(work, self._way(attempt.provider).provider, stranger)
        return entered or self._strangers.ask(stranger)

    async def link(self, attempt: Attempt, person: Person, account_id: UUID) -> None:
        """Connect an identity to the account that began the attempt and is signed in to now.

        Raises ``NotConnected`` where these are two, ``OthersIdentity``.
        """
        if attempt.account_id != account_id:
            raise NotConnected
        async with self._db.engine() as work:
            await connect(work, account_id, attempt.provider, person)

    def _way(self, key: str) -> OpenId:
        if key not in self._ways:
            raise NotFound("there is no such way to sign in")
        return self._ways[key]
