"""The account's routes: the guarded router with the owner's pages, and the doors of signing in."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from litestar import Router
from litestar.response import Redirect

from chatworks.account.consent_pages import consent_pages, program_pages
from chatworks.account.core import HOME
from chatworks.account.entry_pages import entry_pages
from chatworks.account.own_pages import own_pages
from chatworks.account.pages import AccountDesk, Asked, NotSignedIn
from chatworks.account.password_pages import own_password_pages, password_pages
from chatworks.oauth.service import Granting
from chatworks.passwords.service import Passwords


def account(desk: AccountDesk, passwords: Passwords, granting: Granting) -> list[Any]:
    """Return the account's handlers. Nothing under the router runs without a session."""

    async def require_session(request: Asked) -> Redirect | None:
        try:
            request.state.session, request.state.account = await desk.session(request)
        except NotSignedIn:
            if request.method == "GET" and "text/html" in request.headers.get("accept", ""):
                asked = f"{request.url.path}?{request.url.query}".removesuffix("?")
                return Redirect(f"{HOME}/sign-in?next={quote(asked, safe='/')}")
            raise
        return None

    own = [
        *own_pages(desk),
        *own_password_pages(desk, passwords),
        *program_pages(desk, granting),
    ]
    guarded = Router(HOME, route_handlers=own, before_request=require_session)
    asking = consent_pages(desk, granting)
    consent = Router("/oauth", route_handlers=asking, before_request=require_session)
    return [guarded, consent, *entry_pages(desk), *password_pages(desk, passwords)]
