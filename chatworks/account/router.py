"""The account's routes: the guarded router with the owner's pages, and the doors of signing in."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from litestar import Response, Router
from litestar.response import Redirect

from chatworks.account.core import HOME
from chatworks.account.entry_pages import entry_pages
from chatworks.account.own_pages import own_pages
from chatworks.account.pages import AccountDesk, Asked, NotSignedIn
from chatworks.account.password_pages import own_password_pages, password_pages
from chatworks.account.second_pages import passkey_pages, second_pages
from chatworks.account.security_pages import security_pages
from chatworks.passwords.service import Passwords


def account(desk: AccountDesk, passwords: Passwords) -> list[Any]:
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

    own = [
        *own_pages(desk),
        *own_password_pages(desk, passwords),
        *second_pages(desk),
        *security_pages(desk),
    ]
    guarded = Router(
        HOME,
        route_handlers=own,
        before_request=require_session,
        exception_handlers=desk.gate.handlers(),
    )
    doors = [*entry_pages(desk), *password_pages(desk, passwords), *passkey_pages(desk)]
    return [guarded, *doors]
