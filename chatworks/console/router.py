"""The console's routes: the guarded router with its pages by area, and the doors of signing in."""

from __future__ import annotations

from typing import Any

from litestar import Response, Router
from litestar.response import Redirect

from chatworks.access.core import PERMISSIONS, may
from chatworks.console.app_pages import app_pages
from chatworks.console.broadcast_pages import broadcast_pages
from chatworks.console.canned_pages import canned_pages
from chatworks.console.channel_pages import channel_pages
from chatworks.console.history_pages import history_pages
from chatworks.console.key_pages import key_pages
from chatworks.console.message_pages import message_pages
from chatworks.console.order_pages import order_pages
from chatworks.console.pages import (
    Asked,
    Desk,
    NotSignedIn,
    other_pages,
    session_pages,
    sign_in_pages,
)
from chatworks.console.people_pages import people_pages
from chatworks.console.product_pages import product_pages
from chatworks.console.settings_pages import settings_pages
from chatworks.kit.errors import Forbidden

HOME = "/console"


def console(desk: Desk) -> list[Any]:
    """Return the console's handlers.

    Nothing under the router runs without a session, or without what the handler says it needs.
    """

    async def require_session(request: Asked) -> Response[Any] | None:
        try:
            session = await desk.session(request)
        except NotSignedIn:
            if request.method == "GET" and "text/html" in request.headers.get("accept", ""):
                return Redirect("/console/sign-in")
            raise
        session, instead = await desk.gate.before(
            request, session, desk.browser(request), staff=True
        )
        if instead is not None:
            return instead
        request.state.session = session
        needs = request.route_handler.opt["needs"]
        if not may(request.state.session.acting.role, needs):
            if request.url.path.rstrip("/") == HOME:
                return Redirect(f"{HOME}/settings")  # what everybody may see
            raise Forbidden(f"your role here may not {PERMISSIONS[needs]}")
        return None

    guarded = Router(
        HOME,
        route_handlers=[
            *order_pages(desk),
            *message_pages(desk),
            *broadcast_pages(desk),
            *canned_pages(desk),
            *product_pages(desk),
            *settings_pages(desk),
            *channel_pages(desk),
            *key_pages(desk),
            *app_pages(desk),
            *history_pages(desk),
            *people_pages(desk),
            *other_pages(desk),
            *session_pages(desk),
        ],
        before_request=require_session,
        exception_handlers=desk.gate.handlers(),
    )
    return [guarded, *sign_in_pages(desk)]
