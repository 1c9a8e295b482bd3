"""One OpenID Connect provider over the network: its document, its keys, the exchange of a code.

Document and keys are kept for an hour. A token signed by a key that is not among them has the keys
fetched again, once, and no sooner than half a minute after the last time: a provider that changes
its keys is followed, and nobody can have us ask it all the time. Never called in a transaction.
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Any

import structlog

from chatworks.federation.core import (
    KEYS_MAX,
    authorize_url,
    check_access,
    check_identity,
    check_response,
    credentials,
    derived,
    pick_key,
    read_metadata,
    read_person,
    read_token,
)
from chatworks.federation.models import (
    Endpoints,
    Fields,
    Person,
    Provider,
    Tokens,
    Unavailable,
    Untrusted,
)
from chatworks.kit.clock import Clock
from chatworks.kit.http import HttpClient, NotSent, Unanswered

log = structlog.get_logger()
KEPT_SECONDS = 3600.0
REFETCH_SECONDS = 30.0
ANSWER_SECONDS = 10.0


class OpenId:
    """A provider as this process knows it. ``known`` are endpoints that need no discovery."""

    def __init__(
        self, provider: Provider, http: HttpClient, clock: Clock, known: Endpoints | None = None
    ) -> None:
        self.provider = provider
        self._http = http
        self._clock = clock
        self._known = known
        self._endpoints: Endpoints | None = None
        self._endpoints_at = 0.0
        self._keys: list[dict[str, Any]] = []
        self._keys_at: float | None = None
        self._lock = asyncio.Lock()

    async def authorize(self, redirect: str, attempt: tuple[str, str]) -> str:
        """Return where an ``attempt`` of (browser's secret, state) goes."""
        return authorize_url(self.provider, await self._where(), redirect, attempt)

    async def finish(self, query: Fields, redirect: str, attempt: tuple[str, str]) -> Person:
        """Return whom the provider's answer in ``query`` proves.

        ``attempt`` was spent just before. Raises ``Untrusted`` or ``Unavailable``.
        """
        endpoints = await self._where()
        check_response(self.provider, endpoints, query)
        tokens = await self._exchange(
            endpoints, query.get("code", ""), redirect, derived(*attempt, "verifier")
        )
        return await self.read(tokens, derived(*attempt, "nonce"))

    async def read(self, tokens: Tokens, nonce: str | None) -> Person:
        """Return whom tokens prove; ``nonce`` is None where no browser was sent away for them."""
        read = await self._signed(tokens.identity)
        check_identity(self.provider, read, nonce, tokens)
        if self.provider.token_use and tokens.access:
            _, access = await self._signed(tokens.access)
            check_access(self.provider, access, read[1]["sub"])
        return read_person(read[1])

    async def _signed(self, token: str) -> tuple[str, Any]:
        key = pick_key(token, await self._key_set())
        if key is None:
            key = pick_key(token, await self._key_set(again=True))
        if key is None:
            raise Untrusted("token: kid")
        return read_token(token, key, self._clock.now())

    async def _exchange(
        self, endpoints: Endpoints, code: str, redirect: str, verifier: str
    ) -> Tokens:
        headers, fields = credentials(self.provider, endpoints)
        form = [
            *fields,
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", redirect),
            ("code_verifier", verifier),
        ]
        try:
            answer = await self._http.form(endpoints.token, form, ANSWER_SECONDS, headers)
        except (NotSent, Unanswered) as error:
            raise self._away(error) from None
        if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise self._away(f"status {answer.status}")
        identity, access = answer.body.get("id_token"), answer.body.get("access_token", "")
        if answer.status != HTTPStatus.OK or not isinstance(identity, str):
            raise Untrusted(f"exchange: {answer.status}")
        return Tokens(identity, access if isinstance(access, str) else "")

    async def _where(self) -> Endpoints:
        if self._known is not None:
            return self._known
        async with self._lock:
            if self._endpoints is None or self._is_old(self._endpoints_at, KEPT_SECONDS):
                issuer = self.provider.issuer
                url = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
                self._endpoints = read_metadata(issuer, await self._document(url))
                self._endpoints_at = self._clock.monotonic()
        return self._endpoints

    async def _key_set(self, *, again: bool = False) -> list[dict[str, Any]]:
        endpoints = await self._where()
        kept_for = REFETCH_SECONDS if again else KEPT_SECONDS
        async with self._lock:
            if self._keys_at is None or self._is_old(self._keys_at, kept_for):
                keys = (await self._document(endpoints.keys)).get("keys")
                listed = keys if isinstance(keys, list) else []
                self._keys = [key for key in listed[:KEYS_MAX] if isinstance(key, dict)]
                self._keys_at = self._clock.monotonic()
        return self._keys

    def _is_old(self, at: float, seconds: float) -> bool:
        return self._clock.monotonic() - at >= seconds

    async def _document(self, url: str) -> dict[str, Any]:
        try:
            answer = await self._http.read(url, ANSWER_SECONDS)
        except (NotSent, Unanswered) as error:
            raise self._away(error) from None
        if answer.status != HTTPStatus.OK:
            raise self._away(f"status {answer.status}")
        return answer.body

    def _away(self, error: Exception | str) -> Unavailable:
        named = error if isinstance(error, str) else type(error).__name__
        log.warning("an identity provider is away", provider=self.provider.key, error=named)
        return Unavailable("this way of signing in does not answer; please try again")
