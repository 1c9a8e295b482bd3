"""Apps, in the settings: programs of other companies that may ask people to let them in (OAuth)."""

from __future__ import annotations

from typing import Any

from litestar import Response, get, post
from litestar.response import Redirect

from chatworks.console.forms import given, id_of, text
from chatworks.console.pages import Asked, Desk, saved, told
from chatworks.identity.models import Session
from chatworks.kit.errors import Refusal
from chatworks.oauth.models import ClientRegistered, ListClients, RegisterClient, RemoveClient


def app_pages(desk: Desk) -> list[Any]:
    """Return the handlers of apps."""

    @get("/settings/apps", needs="keys.read")
    async def apps(request: Asked) -> Response[str]:
        """Show the apps, and the form for a new one."""
        return await _apps(desk, request.state.session, ("", ""), saved=saved(request))

    @post("/settings/apps", status_code=200, needs="keys.write")
    async def register(request: Asked) -> Response[Any]:
        """Register an app and show its secret this once, or show the form again as it was."""
        session: Session = request.state.session
        form = await request.form()
        given(form, "name", "addresses")
        typed = (text(form, "name"), text(form, "addresses"))
        keeps = text(form, "keeps") == "yes"
        wanted = RegisterClient(typed[0], tuple(typed[1].split()), keeps)
        try:
            made = await desk.give(session, wanted)
        except Refusal as no:
            return await _apps(desk, session, typed, status=422, problem=told(no))
        return await _apps(desk, session, ("", ""), made=made)

    @post("/settings/apps/remove", status_code=200, needs="keys.write")
    async def remove(request: Asked) -> Response[Any]:
        """Remove an app."""
        form = await request.form()
        session: Session = request.state.session
        problem = await desk.submit(session, RemoveClient(id_of(text(form, "app"))))
        if problem:
            return await _apps(desk, session, ("", ""), status=422, problem=problem)
        return Redirect("/console/settings/apps?saved=app-removed", status_code=303)

    return [apps, register, remove]


async def _apps(
    desk: Desk,
    session: Session,
    typed: tuple[str, str],
    *,
    made: ClientRegistered | None = None,
    **values: Any,
) -> Response[str]:
    clients = await desk.give(session, ListClients())
    return await desk.show(
        "apps", session, clients=clients, typed=typed, made=made, address=desk.address, **values
    )
