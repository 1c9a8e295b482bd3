"""The log in the console: read, filter and export what was done in an outlet, and prove one act.

An outlet sees its own leaves and no others: they are read under its row-level security. The tree
is the installation's; from it come only the places of leaves that were read so, and their proofs.
"""

from __future__ import annotations

import csv
import io
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from litestar import Response, get
from litestar.params import FromPath

from chatworks.audit import store as audit
from chatworks.audit.core import details_of
from chatworks.audit.models import Asked as Wanted
from chatworks.audit.models import Kept
from chatworks.audit.proving import prove
from chatworks.console import history_words as words
from chatworks.console.forms import id_of
from chatworks.console.pages import Asked, Desk
from chatworks.identity.models import Session
from chatworks.identity.store import operators
from chatworks.kit.errors import NotFound
from chatworks.outlets.models import Outlet

PAGE_ROWS = 50
EXPORT_ROWS = 10_000
FIELD_LENGTH_MAX = 200
COLUMNS = ("when", "who", "what", "to", "id of who", "id of what", "values", "entry", "leaf")


@dataclass(frozen=True, slots=True)
class Shown:
    """One act as the page shows it."""

    leaf: Kept
    who: str
    did: str
    values: Sequence[tuple[str, Any, str]]


def history_pages(desk: Desk) -> list[Any]:
    """Return the handlers of the log."""

    @get("/history", needs="audit.read")
    async def history(request: Asked) -> Response[str]:
        """Show what was done, newest first."""
        session: Session = request.state.session
        outlet = await desk.directory.outlet(session.outlet_id)
        asked = _wanted(request.query_params, outlet)
        leaves, names = await _read(desk, session, asked, PAGE_ROWS + 1)
        rest = {k: v for k, v in request.query_params.items() if k != "before" and v}
        older = leaves[PAGE_ROWS - 1].id.hex if len(leaves) > PAGE_ROWS else ""
        return await desk.show(
            "history",
            session,
            rows=[_shown(leaf, names, outlet) for leaf in leaves[:PAGE_ROWS]],
            names=names,
            areas=words.AREAS,
            actors=words.ACTORS,
            given=rest,
            about=_about(asked, leaves),
            query=urlencode(rest),
            older=urlencode({**rest, "before": older}) if older else "",
            most=EXPORT_ROWS,
        )

    @get("/history.csv", needs="audit.read")
    async def table(request: Asked) -> Response[str]:
        """Give the same as a table for a spreadsheet."""
        session: Session = request.state.session
        outlet = await desk.directory.outlet(session.outlet_id)
        leaves, names = await _read(
            desk, session, _wanted(request.query_params, outlet), EXPORT_ROWS
        )
        places = await _places(desk, leaves)
        body = _csv([_shown(leaf, names, outlet) for leaf in leaves], places, outlet)
        return _file(body, "text/csv; charset=utf-8", "history.csv")

    @get("/history.json", needs="audit.read")
    async def data(request: Asked) -> Response[str]:
        """Give the same with the bytes of each leaf, from which its hash can be computed."""
        session: Session = request.state.session
        outlet = await desk.directory.outlet(session.outlet_id)
        leaves, _ = await _read(desk, session, _wanted(request.query_params, outlet), EXPORT_ROWS)
        places = await _places(desk, leaves)
        body = msgspec.json.encode([_plain(leaf, places.get(leaf.id)) for leaf in leaves])
        return _file(body.decode(), "application/json", "history.json")

    @get("/history/{leaf:str}/proof", needs="audit.read")
    async def proof(leaf: FromPath[str], request: Asked) -> Response[str]:
        """Give the proof that an act of this outlet stands in the log."""
        session: Session = request.state.session
        leaf_id = id_of(leaf)
        async with desk.db.web(session.outlet_id) as work:
            kept = await audit.leaf(work, session.outlet_id, leaf_id)
        if kept is None:
            raise NotFound("there is no such entry")
        async with desk.db.engine() as work:
            proved = await prove(work, leaf_id)
        return _file(proved.text(), "text/plain; charset=utf-8", f"{leaf_id.hex}.tlog-proof")

    return [history, table, data, proof]


async def _read(
    desk: Desk, session: Session, asked: Wanted, limit: int
) -> tuple[list[Kept], dict[str, str]]:
    """Return leaves, and the operators' names by their ids."""
    async with desk.db.web(session.outlet_id) as work:
        leaves = await audit.leaves(work, session.outlet_id, asked, limit)
        known = await operators(work, session.outlet_id)
    return leaves, {operator.id.hex: operator.name for operator in known}


async def _places(desk: Desk, leaves: Sequence[Kept]) -> dict[UUID, int]:
    async with desk.db.engine() as work:
        return await audit.places(work, [leaf.id for leaf in leaves])


def _wanted(query: Mapping[str, Any], outlet: Outlet) -> Wanted:
    """Read what the address asks for; what makes no sense asks for nothing."""
    given = {k: str(v).replace("\x00", "")[:FIELD_LENGTH_MAX].strip() for k, v in query.items()}
    kind, _, actor_id = given.get("who", "").partition(":")
    zone = ZoneInfo(outlet.timezone)
    last = _day(given.get("until", ""), zone)
    wanted = Wanted(
        what=given.get("what", "") if given.get("what", "") in words.AREAS else "",
        actor_kind=kind if kind in words.ACTORS else "",
        actor_id=actor_id,
        since=_day(given.get("since", ""), zone),
        until=last and last + timedelta(days=1),
        before=id_of(given["before"]) if given.get("before") else None,
    )
    if given.get("kind") and given.get("id"):
        return replace(wanted, object_kind=given["kind"], object_id=given["id"])
    return wanted


def _day(text: str, zone: ZoneInfo) -> datetime | None:
    try:
        return datetime.combine(date.fromisoformat(text), time.min, zone).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _about(asked: Wanted, leaves: Sequence[Kept]) -> str:
    """Return what the page is about, where it is about one thing."""
    if not asked.object_id:
        return ""
    details = [details_of(leaf.payload) for leaf in leaves]
    number = next((d["number"] for d in details if "number" in d), None)
    kind = asked.object_kind.replace("_", " ").capitalize()
    return f"{kind} {number}" if number is not None else f"{kind} …{asked.object_id[-6:]}"


def _shown(leaf: Kept, names: Mapping[str, str], outlet: Outlet) -> Shown:
    who = words.actor(leaf.actor_kind, leaf.actor_id, names)
    values = words.values(details_of(leaf.payload), outlet.currency)
    return Shown(leaf, who, words.act(leaf.action), values)


def _csv(rows: Sequence[Shown], places: Mapping[UUID, int], outlet: Outlet) -> str:
    zone, out = ZoneInfo(outlet.timezone), io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for row in rows:
        leaf = row.leaf
        kept = "; ".join(f"{k}: {v}" for k, v in details_of(leaf.payload).items() if v is not None)
        when = leaf.at.astimezone(zone).isoformat(timespec="seconds")
        told = (when, row.who, row.did, leaf.object_kind, leaf.actor_id, leaf.object_id, kept)
        writer.writerow(map(words.cell, (*told, places.get(leaf.id, ""), leaf.id.hex)))
    return out.getvalue()


def _plain(leaf: Kept, place: int | None) -> dict[str, Any]:
    return {
        "id": leaf.id.hex,
        "at": leaf.at.astimezone(UTC),
        "actor": {"kind": leaf.actor_kind, "id": leaf.actor_id},
        "action": leaf.action,
        "object": {"kind": leaf.object_kind, "id": leaf.object_id},
        "details": details_of(leaf.payload),
        "entry": place,
        "payload": b64encode(leaf.payload).decode(),
        "leaf_hash": leaf.leaf_hash.hex(),
    }


def _file(body: str, media_type: str, name: str) -> Response[str]:
    headers = {
        "cache-control": "no-store",
        "content-disposition": f'attachment; filename="{name}"',
        "content-type": media_type,
    }
    return Response(body, headers=headers)
