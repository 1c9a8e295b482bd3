"""Programs, in the settings: which ones may act for the outlet, what they may do, and their keys.

People choose by area, in the words of the menu: see, or see and change.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from litestar import Response, get, post
from litestar.response import Redirect

from chatworks.api.core import READ, known
from chatworks.api.models import IssueKey, Key, ListKeys, RevokeKey
from chatworks.api.words import AREAS, in_words
from chatworks.console.forms import choice, given, id_of, text
from chatworks.console.pages import Asked, Desk, saved, told
from chatworks.identity.models import Session
from chatworks.kit.errors import Refusal

NOTHING, SEE, CHANGE = "nothing", "see", "change"
DAYS = {"30": "30 days", "90": "90 days", "365": "A year"}


@dataclass(frozen=True, slots=True)
class Row:
    """One area of the form: what can be chosen, and what is."""

    name: str
    title: str
    choices: tuple[tuple[str, str], ...]
    chosen: str


def key_pages(desk: Desk) -> list[Any]:
    """Return the handlers of programs and their keys."""

    @get("/settings/programs", needs="keys.read")
    async def programs(request: Asked) -> Response[str]:
        """Show the keys, and the form for a new one."""
        return await _programs(desk, request.state.session, {}, saved=saved(request))

    @post("/settings/programs", status_code=200, needs="keys.write")
    async def issue(request: Asked) -> Response[Any]:
        """Issue a key and show it this once, or show the form again as it was filled."""
        session: Session = request.state.session
        form = await request.form()
        given(form, "name", "days")
        typed = {name: text(form, name) for name in ("name", "days", *AREAS)}
        days = int(choice(form, "days", DAYS.keys()))
        wanted = IssueKey(typed["name"], scopes(typed), days)
        problem = _missing(wanted)
        if problem:
            return await _programs(desk, session, typed, status=422, problem=problem)
        try:
            issued = await desk.give(session, wanted)
        except Refusal as no:
            return await _programs(desk, session, typed, status=422, problem=told(no))
        return await _programs(desk, session, {}, issued=issued.secret)

    @post("/settings/programs/revoke", status_code=200, needs="keys.write")
    async def revoke(request: Asked) -> Response[Any]:
        """End a key."""
        form = await request.form()
        problem = await desk.submit(request.state.session, RevokeKey(id_of(text(form, "key"))))
        if problem:
            return await _programs(desk, request.state.session, {}, status=422, problem=problem)
        return Redirect("/console/settings/programs?saved=revoked", status_code=303)

    return [programs, issue, revoke]


def _missing(wanted: IssueKey) -> str:
    """Return what is still to be filled, in words; "" where nothing is."""
    if not wanted.name:
        return "Say which program the key is for."
    return "" if wanted.scopes else "Choose at least one thing that the program may do."


def scopes(typed: Mapping[str, str]) -> tuple[str, ...]:
    """Return the scopes of what was chosen by area."""
    found: list[str] = []
    for name, area in AREAS.items():
        if typed.get(name) == CHANGE:
            found += area.features
        elif typed.get(name) == SEE:
            found += [f"{feature}{READ}" for feature in area.features]
    return tuple(found)


def _areas(typed: Mapping[str, str], everything: frozenset[str]) -> list[Row]:
    areas = []
    for name, area in AREAS.items():
        reads = any(f"{feature}{READ}" in everything for feature in area.features)
        choices = [(NOTHING, "Nothing"), (CHANGE, area.change)]
        if reads:
            choices.insert(1, (SEE, "See"))
        areas.append(Row(name, area.title, tuple(choices), typed.get(name) or NOTHING))
    return areas


async def _programs(
    desk: Desk, session: Session, typed: Mapping[str, str], *, issued: str = "", **values: Any
) -> Response[str]:
    keys: list[Key] = await desk.give(session, ListKeys())
    offered = desk.dispatcher.offered()
    now = desk.db.clock.now()
    return await desk.show(
        "programs",
        session,
        working=[key for key in keys if key.revoked_at is None and key.expires_at > now],
        ended=[key for key in keys if key.revoked_at is not None or key.expires_at <= now],
        days_left={key.id: (key.expires_at - now).days + 1 for key in keys},
        words={key.id: in_words(key.scopes, offered) for key in keys},
        areas=_areas(typed, known(offered)),
        days=DAYS,
        typed=typed,
        issued=issued,
        address=desk.address,
        **values,
    )
