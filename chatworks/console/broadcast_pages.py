"""Broadcasts in the console: the list, a draft with whom it would reach, and how far one is."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect

from chatworks.broadcasts import core
from chatworks.broadcasts import store as broadcasts
from chatworks.broadcasts.models import (
    DAYS_MAX,
    NAME_LENGTH_MAX,
    TEXT_LENGTH_MAX,
    Broadcast,
    Figures,
    Move,
    MoveBroadcast,
    Segment,
    Status,
    WriteBroadcast,
)
from chatworks.channels.topics import OFFER
from chatworks.console.forms import choice, count, given, id_of, text
from chatworks.console.pages import Asked, Desk, saved
from chatworks.identity.models import Session
from chatworks.kit.errors import Invalid, NotFound
from chatworks.kit.ids import uuid7
from chatworks.outlets.models import Outlet

FIELDS = ("name", "topic", "ordered", "days")
SHORT_OF = {
    "stopped": "said stop",
    "blocked": "blocked us",
    "no_consent": "did not ask for offers",
    "channel_off": "on a channel that is switched off",
    "channel_broken": "on a channel that is refused",
    "window_closed": "wrote too long ago, and no template fits",
    "failed": "not reached before",
    "joined": "got it on another channel of theirs",
    "nowhere": "on no channel of this segment",
}


def broadcast_pages(desk: Desk) -> list[Any]:
    """Return the handlers of broadcasts."""

    @get("/broadcasts", needs="broadcasts.read")
    async def listed(request: Asked) -> Response[str]:
        """Show the newest broadcasts."""
        session: Session = request.state.session
        async with desk.db.web(session.outlet_id) as work:
            rows = await broadcasts.broadcasts(work, session.outlet_id)
        return await desk.show("broadcasts", session, rows=rows)

    @get("/broadcasts/new", needs="broadcasts.write")
    async def new(request: Asked) -> Response[str]:
        """Show the form of a new one; its id is drawn here, so that sending it twice is once."""
        return await _show(desk, request.state.session, uuid7(desk.db.clock), None)

    @get("/broadcasts/{broadcast:str}", needs="broadcasts.read")
    async def shown(broadcast: FromPath[str], request: Asked) -> Response[str]:
        """Show one broadcast."""
        session: Session = request.state.session
        found = await _found(desk, session, id_of(broadcast))
        if found is None:
            raise NotFound("there is no such broadcast")
        return await _show(desk, session, found.id, found, saved=saved(request))

    @post("/broadcasts/{broadcast:str}", status_code=200, needs="broadcasts.write")
    async def change(broadcast: FromPath[str], request: Asked) -> Response[Any]:
        """Write the draft, or move the broadcast."""
        session: Session = request.state.session
        broadcast_id, form = id_of(broadcast), await request.form()
        outlet = await desk.directory.outlet(session.outlet_id)
        typed = None
        command: WriteBroadcast | MoveBroadcast
        if choice(form, "do", {"write", *(move.value for move in Move)}) == "write":
            typed = command = _draft(form, broadcast_id, outlet)
        else:
            move = Move(text(form, "do"))
            at = _at(text(form, "at"), outlet.timezone) if move is Move.SEND else None
            command = MoveBroadcast(broadcast_id, move, at)
        problem = await desk.submit(session, command)
        if problem:
            found = await _found(desk, session, broadcast_id)
            more = {"status": 422, "problem": problem, "typed": typed}
            return await _show(desk, session, broadcast_id, found, **more)
        done = "broadcast_" + text(form, "do")
        return Redirect(f"/console/broadcasts/{broadcast_id.hex}?saved={done}", status_code=303)

    return [listed, new, shown, change]


def _draft(form: Mapping[str, Any], broadcast_id: UUID, outlet: Outlet) -> WriteBroadcast:
    given(form, *FIELDS)
    getall = form.getall  # type: ignore[attr-defined]  # a form is a multi-dict
    ordered = choice(form, "ordered", {"any", "within", "never"})
    days = count(form, "days", DAYS_MAX)
    if ordered == "within" and days is None:
        raise Invalid("days", f"must be a number from 1 to {DAYS_MAX:,}")
    segment = Segment(
        kinds=tuple(sorted({str(kind) for kind in getall("kinds", [])})),
        languages=tuple(sorted({str(one) for one in getall("languages", [])})),
        ordered_days=days if ordered == "within" else None,
        never_ordered=ordered == "never",
    )
    texts = {language: text(form, f"text-{language}") for language in outlet.languages}
    topic = text(form, "topic") or OFFER
    return WriteBroadcast(broadcast_id, text(form, "name"), topic, texts, segment)


def _at(value: str, timezone: str) -> datetime | None:
    """Return a local time of the outlet's; None where the field is empty: at once."""
    if not value:
        return None
    try:
        local = datetime.fromisoformat(value)
        return local.replace(tzinfo=ZoneInfo(timezone)).astimezone(ZoneInfo("UTC"))
    except (ValueError, OverflowError):
        raise Invalid("at", "must be a day and time") from None


def bars(figures: Figures, *, over: bool) -> list[tuple[str, int]]:
    """Return what the progress is made of, in words, without what is zero."""
    standing = figures.standing
    rows = [
        ("not sent" if over else "waiting", figures.waiting),
        ("queued", standing.get("queued", 0) + standing.get("leased", 0)),
        ("held until they write", standing.get("held", 0)),
        ("sent", standing.get("sent", 0)),
        ("delivered", standing.get("delivered", 0)),
        ("read", standing.get("read", 0)),
        ("on the page", standing.get("page", 0)),
        ("not delivered", standing.get("failed", 0) + standing.get("expired", 0)),
        ("not known to have arrived", standing.get("unknown", 0)),
        ("answered within 24 h", figures.answered),
    ]
    return [(label, number) for label, number in rows if number]


async def _found(desk: Desk, session: Session, broadcast_id: UUID) -> Broadcast | None:
    async with desk.db.web(session.outlet_id) as work:
        return await broadcasts.broadcast(work, (session.outlet_id, broadcast_id))


async def _show(
    desk: Desk, session: Session, broadcast_id: UUID, found: Broadcast | None, **values: Any
) -> Response[str]:
    async with desk.db.web(session.outlet_id) as work:
        figures = await broadcasts.figures(work, (session.outlet_id, broadcast_id))
    channels = await desk.directory.channels(session.outlet_id)
    titles = {channel.kind: desk.kinds[channel.kind].title for channel in channels}
    draft = values.pop("typed", None) or found
    return await desk.show(
        "broadcast",
        session,
        broadcast=found,
        broadcast_id=broadcast_id,
        draft=draft,
        titles=titles,
        described="" if found is None else core.describe(found.segment, titles),
        figures=figures,
        bars=bars(figures, over=found is not None and found.status is Status.CANCELLED),
        moves=[] if found is None else [m.value for m in Move if core.moved(found.status, m)],
        short_of=SHORT_OF,
        most={"name": NAME_LENGTH_MAX, "text": TEXT_LENGTH_MAX},
        **{"problem": "", **values},
    )
