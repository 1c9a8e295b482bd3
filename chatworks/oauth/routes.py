"""The endpoints that clients call themselves: tokens, revocation, introspection, metadata.

Forms only, each field once; answers are never kept. Who fails often from one address waits.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from authlib.oauth2.rfc6749.errors import (
    InvalidClientError,
    InvalidRequestError,
    OAuth2Error,
    UnsupportedGrantTypeError,
)
from litestar import Request, Response, get, post

from chatworks.api.core import known, same
from chatworks.identity.store import may_try
from chatworks.kit.crypto import digest
from chatworks.kit.db import Database
from chatworks.kit.errors import TooMany
from chatworks.kit.work import Work
from chatworks.oauth import core, service
from chatworks.oauth.models import ACCESS_FOR, Client, Tokens

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
NOT_KEPT = {"cache-control": "no-store", "pragma": "no-cache"}  # RFC 6749, 5.1
FIELDS_MAX = 20
TRY_EVERY, TRIES = timedelta(milliseconds=200), 100  # of one address: five a second, after a burst

Sent = Request[Any, Any, Any]
Act = Callable[[Work, Client, Mapping[str, str]], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class OAuthDesk:
    """What the endpoints need."""

    db: Database
    granting: service.Granting


def routes(desk: OAuthDesk) -> list[Any]:
    """Return the handlers."""
    granting = desk.granting

    @get("/.well-known/oauth-authorization-server", needs="public")
    async def metadata() -> Response[bytes]:
        """Say what clients may know of us."""
        scopes = sorted(known(granting.dispatcher.offered()))
        return Response(
            msgspec.json.encode(core.metadata(granting.issuer, scopes)), media_type=JSON
        )

    @post("/oauth/token", status_code=200, needs="key")
    async def token(request: Sent) -> Response[bytes]:
        """Give tokens for a code or for a refresh token."""
        acts = {"authorization_code": granting.redeem, "refresh_token": granting.refresh}

        async def act(work: Work, client: Client, given: Mapping[str, str]) -> Any:
            wanted = acts.get(given.get("grant_type", ""))
            if wanted is None:
                return UnsupportedGrantTypeError(given.get("grant_type", ""))
            return await wanted(work, client, given)

        return await _answer(desk, request, act)

    @post("/oauth/revoke", status_code=200, needs="key")
    async def revoke(request: Sent) -> Response[bytes]:
        """End what a client gives back; what is none of its own is as good as ended."""

        async def act(work: Work, client: Client, given: Mapping[str, str]) -> Any:
            await service.give_back(work, client, given.get("token", ""))
            return {}

        return await _answer(desk, request, act)

    @post("/oauth/introspect", status_code=200, needs="key")
    async def introspect(request: Sent) -> Response[bytes]:
        """Say what a token is good for, to the confidential client whose it is."""

        async def act(work: Work, client: Client, given: Mapping[str, str]) -> Any:
            if client.secret_hash is None:
                return InvalidClientError()
            return await granting.introspect(work, client, given.get("token", ""))

        return await _answer(desk, request, act)

    return [metadata, token, revoke, introspect]


async def _answer(desk: OAuthDesk, request: Sent, act: Act) -> Response[bytes]:
    """Find out which client asks, act, commit, and answer."""
    host = request.client.host if request.client else ""
    try:
        given = await _form(request)
        async with desk.db.engine() as work:
            allowed = await may_try(work, f"oauth:{host}", TRY_EVERY, TRIES)
            client = await _client(work, request, given) if allowed else None
            answered = InvalidClientError() if client is None else await act(work, client, given)
    except OAuth2Error as error:
        answered = error
        allowed = True
    if not allowed:
        raise TooMany("requests to the token endpoints", 1)
    if isinstance(answered, OAuth2Error):
        return _error(answered)
    body = _said(answered) if isinstance(answered, Tokens) else answered
    return Response(msgspec.json.encode(body), media_type=JSON, headers=NOT_KEPT)


async def _form(request: Sent) -> dict[str, str]:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != FORM:
        raise InvalidRequestError("The body must be a form.")
    try:
        text = (await request.body()).decode()
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=FIELDS_MAX)
    except ValueError:
        raise InvalidRequestError("The body is no form in UTF-8.") from None
    return core.once(pairs)


async def _client(work: Work, request: Sent, given: Mapping[str, str]) -> Client | None:
    """Return the client that proves itself: by its secret, or, a public one, by its name alone."""
    header = request.headers.get("authorization", "")
    named, shown = core.basic_of(header)
    if named and "client_secret" in given:
        return None  # one way of proving it at a time (RFC 6749, 2.3)
    client = await service.find_client(work, named or given.get("client_id", ""))
    secret = shown if named else given.get("client_secret", "")
    if client is None or (named and given.get("client_id", named) != named):
        return None
    if client.secret_hash is None:
        return None if secret else client
    return client if same(digest(secret), client.secret_hash) else None


def _said(tokens: Tokens) -> dict[str, Any]:
    return {
        "access_token": tokens.access,
        "token_type": "Bearer",
        "expires_in": int(ACCESS_FOR.total_seconds()),
        "refresh_token": tokens.refresh,
        "scope": " ".join(tokens.scopes),
    }


def _error(error: OAuth2Error) -> Response[bytes]:
    headers = dict(NOT_KEPT)
    status = error.status_code
    if isinstance(error, InvalidClientError):
        status, headers["www-authenticate"] = 401, 'Basic realm="chatworks"'
    body = msgspec.json.encode(dict(error.get_body()))
    return Response(body, status_code=status, media_type=JSON, headers=headers)
