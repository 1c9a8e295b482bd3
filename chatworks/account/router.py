"""The account's routes: the guarded router with the owner's pages, and the doors of signing in."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from litestar import Response, Router
from litestar.response import Redirect

from chatworks.account.consent_pages import consent_pages, program_pages
from chatworks.account.core import HOME
from chatworks.account.entry_pages import entry_pages
from chatworks.account.joining_pages import joining_pages
from chatworks.account.own_pages import own_pages
from chatworks.account.pages import AccountDesk, Asked, NotSignedIn
from chatworks.account.password_pages import own_password_pages, password_pages
from chatworks.account.second_pages import passkey_pages, second_pages
from chatworks.account.security_pages import security_pages
from chatworks.account.with_pages import WithPages
from chatworks.federation.feature import Federation
from chatworks.oauth.service import Granting


def account(desk: AccountDesk, federation: Federation, granting: Granting) -> list[Any]:
    """Return the account's handlers. Nothing under the router runs without a session."""

    async def require_session(request: Asked) -> Response[Any] | None:
        try:
            session, request.state.account = await desk.session(request)
        except NotSignedIn:
            if request.method == "GET" and "text/html" in request.headers.get("accept", ""):
                asked = f"{request.url.path}?{request.url.query}".removesuffix("?")
                return Redirect(f"{HOME}/sign-in?next={quote(asked, safe='/')}")
            raise
        request.state.session, instead = await desk.gate.before(
            request, session, desk.browser(request)
        )
        return instead

    factor, services = federation.first_factor, WithPages(desk, federation)
    own = [
        *own_pages(desk),
        *own_password_pages(desk, factor),
        *second_pages(desk),
        *security_pages(desk),
        *services.own(),
        *program_pages(desk, granting),
    ]
    guarded = [
        Router(
            path,
            route_handlers=handlers,
            before_request=require_session,
            exception_handlers=desk.gate.handlers(),
        )
        for path, handlers in ((HOME, own), ("/oauth", consent_pages(desk, granting)))
    ]
    return [
        *guarded,
        *entry_pages(desk),
        *password_pages(desk, factor),
        *joining_pages(desk, factor),
        *passkey_pages(desk),
        *services.open(),
    ]
