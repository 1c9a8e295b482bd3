"""What wraps every page: security headers, HEAD, and the refusal of other sites' unsafe requests.

The check is Go 1.25's CrossOriginProtection: an unsafe request is ours if ``Sec-Fetch-Site`` is
``same-origin`` or ``none``; a browser without that header is judged by ``Origin`` against ``Host``;
a request with neither comes from no browser and carries no cookie of one.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import urlsplit

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
POLICY = (
    "default-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'self'; "
    "object-src 'none'; frame-ancestors {ancestors}"
)
HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"strict-origin-when-cross-origin"),
    (b"permissions-policy", b"geolocation=(self), camera=(), microphone=(), payment=()"),
    (b"cross-origin-opener-policy", b"same-origin"),
)
# Of an answer that no browser draws.
BARE_HEADERS = (
    *HEADERS,
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
)
ANCESTORS_HEADER = b"x-frame-ancestors"  # ours: a page that may be framed says by whom


def is_cross_site(method: str, headers: dict[bytes, bytes]) -> bool:
    """Return whether an unsafe request comes from another site's page."""
    if method in SAFE_METHODS:
        return False
    site = headers.get(b"sec-fetch-site")
    if site is not None:
        return site not in {b"same-origin", b"none"}
    origin = headers.get(b"origin")
    if origin is None:
        return False
    try:
        host = urlsplit(origin.decode("latin-1")).netloc
    except ValueError:  # no browser writes such an address
        return True
    return host.encode("latin-1") != headers.get(b"host")


class Security:
    """The ASGI wrapper. ``refuse`` answers what comes from another site."""

    def __init__(self, app: App, refuse: App) -> None:
        self._app = app
        self._refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse, or pass on with headers added to the answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        head = scope["method"] == "HEAD"
        app = self._refuse if is_cross_site(scope["method"], dict(scope["headers"])) else self._app

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                await send({**message, "headers": _headers(list(message.get("headers", ())))})
                if head:
                    await send({"type": "http.response.body", "body": b""})
            elif not head:
                await send(message)

        # HEAD is GET without the body: every page has it, and a stream ends after its headers,
        # because the server counts the answer as whole and tells the stream so.
        await app({**scope, "method": "GET"} if head else scope, receive, guarded)


def _headers(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    given = dict(headers)
    ancestors = given.get(ANCESTORS_HEADER, b"'none'")
    kept = [pair for pair in headers if pair[0] != ANCESTORS_HEADER]
    policy = POLICY.format(ancestors=ancestors.decode("latin-1")).encode()
    return [*kept, *HEADERS, (b"content-security-policy", policy)]
