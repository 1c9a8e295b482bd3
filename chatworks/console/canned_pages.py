"""Answers written beforehand, in the settings: the list, and one form for a new or changed one."""

from __future__ import annotations

from typing import Any

from litestar import Response, get, post
from litestar.response import Redirect

from chatworks.console.forms import choice, given, text
from chatworks.console.pages import Asked, Desk, saved
from chatworks.identity.models import Session
from chatworks.support import store as support
from chatworks.support.models import RemoveCanned, SaveCanned


def canned_pages(desk: Desk) -> list[Any]:
    """Return the handlers of canned answers."""

    @get("/settings/answers", needs="messages.read")
    async def answers(request: Asked) -> Response[str]:
        """Show the answers."""
        return await _answers(desk, request.state.session, saved=saved(request))

    @post("/settings/answers", status_code=200, needs="messages.write")
    async def save_answer(request: Asked) -> Response[Any]:
        """Save or remove an answer, or show the form again as it was typed."""
        session: Session = request.state.session
        form = await request.form()
        given(form, "shortcut")
        shortcut = text(form, "shortcut").removeprefix("/")
        if choice(form, "do", {"save", "remove"}) == "remove":
            problem = await desk.submit(session, RemoveCanned(shortcut))
        else:
            given(form, "text")
            problem = await desk.submit(session, SaveCanned(shortcut, text(form, "text")))
        if problem:
            typed = (shortcut, text(form, "text"))
            return await _answers(desk, session, status=422, problem=problem, typed=typed)
        return Redirect("/console/settings/answers?saved=answers", status_code=303)

    return [answers, save_answer]


async def _answers(
    desk: Desk, session: Session, *, typed: tuple[str, str] = ("", ""), **values: Any
) -> Response[str]:
    async with desk.db.web(session.outlet_id) as work:
        canned = await support.canned(work, session.outlet_id)
    return await desk.show("answers", session, canned=canned, typed=typed, **values)
