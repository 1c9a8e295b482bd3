"""Messages in the console: the conversations, and one of them with what an operator can do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import msgspec
from litestar import MediaType, Response, get, post
from litestar.datastructures import UploadFile
from litestar.params import FromPath
from litestar.response import Redirect

from chatworks.channels.models import Prompt
from chatworks.channels.twilio.plan import plan_sms
from chatworks.channels.twilio.segments import of_plan
from chatworks.channels.twilio.send import SMS_KIND
from chatworks.commands.models import Command
from chatworks.console.forms import choice, id_of, text
from chatworks.console.pages import Asked, Desk
from chatworks.contacts import store as contacts
from chatworks.conversations import store as conversations
from chatworks.conversations.models import REPLY_LENGTH_MAX, HandBack, Reply, TakeOver
from chatworks.conversations.service import typing_topic
from chatworks.conversations.store import Said
from chatworks.identity.models import Session
from chatworks.identity.store import operators
from chatworks.kit.errors import NotFound
from chatworks.kit.work import Work
from chatworks.media.models import NotTaken, Origin, OutletFull, Owner, TooLarge
from chatworks.outbox import store as outbox
from chatworks.outlets.core import sms_price
from chatworks.sdk.messages import Media, Message
from chatworks.support import store as support
from chatworks.support.core import fill
from chatworks.support.models import AddNote, Assign
from chatworks.support.store import PAGE_LENGTH

FORM_BYTES = 1 << 16
WORDS_LENGTH_MAX = 100  # code points of a search
VIEWS = {"all": "All", "mine": "Mine", "unassigned": "Unassigned", "waiting": "Waiting"}


@dataclass(frozen=True, slots=True)
class View:
    """Which conversations a list shows, of which kind of channel, and where it starts."""

    show: str
    kind: str
    start: datetime | None
    words: str = ""  # what is searched for


def message_pages(desk: Desk) -> list[Any]:
    """Return the handlers of messages."""

    @get("/messages", needs="messages.read")
    async def listed(request: Asked) -> Response[str]:
        """Show the conversations: all, one's own, those that wait; of every channel or one kind."""
        session: Session = request.state.session
        asked = request.query_params
        show = asked.get("show", "")
        view = View(
            show if show in VIEWS else "all",
            next((kind for kind in desk.kinds if kind == asked.get("kind")), ""),
            _moment(asked.get("before", "")),
            asked.get("words", "").replace("\0", "").strip()[:WORDS_LENGTH_MAX],
        )
        async with desk.db.web(session.outlet_id) as work:
            rows, more = await _rows(work, session, view)
            figures = await support.figures(work, session.outlet_id)
        channels = await desk.directory.channels(session.outlet_id)
        return await desk.show(
            "messages",
            session,
            conversations=rows,
            more=more,
            live=view.start is None,
            view=view,
            views=VIEWS,
            channel_kinds=sorted({channel.kind for channel in channels}),
            figures=figures,
        )

    @get("/messages/{conversation:str}", needs="messages.read")
    async def conversation_page(conversation: FromPath[str], request: Asked) -> Response[str]:
        """Show one conversation, and note that it was read."""
        return await _conversation(desk, request.state.session, id_of(conversation))

    return [listed, conversation_page, *_speaking(desk), *_while_writing(desk)]


def _speaking(desk: Desk) -> list[Any]:
    # A file may have as many bytes as the shelf takes, and a form a little more.
    bytes_most = desk.shelf.bounds.file_bytes + FORM_BYTES

    @post(
        "/messages/{conversation:str}",
        status_code=200,
        request_max_body_size=bytes_most,
        needs="messages.write",
    )
    async def speak(conversation: FromPath[str], request: Asked) -> Response[Any]:
        """Reply, take the conversation over, or hand it back to the bot."""
        form = await request.form()
        conversation_id = id_of(conversation)
        said = text(form, "text")
        did = choice(form, "do", {"reply", "take", "back", "assign", "note", "insert"})
        wanted = text(form, "canned") if did == "insert" else said.removeprefix("/")
        if did == "insert" or (did == "reply" and said.startswith("/")):
            filled = await _filled(desk, request.state.session, conversation_id, wanted)
            if filled or did == "insert":
                return await _conversation(
                    desk, request.state.session, conversation_id, typed=filled or said
                )
        try:
            media = await _attached(desk, request.state.session, conversation_id, form, did)
        except (NotTaken, TooLarge, OutletFull) as no:
            return await _conversation(
                desk, request.state.session, conversation_id, problem=str(no), typed=said
            )
        commands: dict[str, Command[Any]] = {
            "reply": Reply(conversation_id, said, media),
            "take": TakeOver(conversation_id, _id(form, "holder")),
            "back": HandBack(conversation_id),
            "assign": Assign(conversation_id, _id(form, "operator")),
            "note": AddNote(conversation_id, text(form, "note")),
        }
        problem = await desk.submit(request.state.session, commands[did])
        if problem:
            return await _conversation(
                desk, request.state.session, conversation_id, problem=problem, typed=said
            )
        return Redirect(f"/console/messages/{conversation_id.hex}", status_code=303)

    return [speak]


def _while_writing(desk: Desk) -> list[Any]:
    @get("/messages/{conversation:str}/cost", media_type=MediaType.TEXT, needs="messages.read")
    async def cost(conversation: FromPath[str], request: Asked) -> str:
        """Say what a reply by SMS would take, before it is sent; "" on other channels."""
        session: Session = request.state.session
        async with desk.db.web(session.outlet_id) as work:
            found = await conversations.one(work, session.outlet_id, id_of(conversation))
        if found is None:
            raise NotFound("there is no such conversation")
        said = request.query_params.get("text", "")[:REPLY_LENGTH_MAX]
        if found["kind"] != SMS_KIND or not said.strip():
            return ""
        outlet = await desk.directory.outlet(session.outlet_id)
        count = of_plan(plan_sms(Prompt(found["thread"], 0, Message(said))))
        price = sms_price(outlet, found["thread"], count)
        about = f", about {price.show('en')}" if price else ""
        return f"{count} segment{'' if count == 1 else 's'}{about}"

    @post("/messages/{conversation:str}/typing", status_code=204, needs="messages.write")
    async def typing(conversation: FromPath[str], request: Asked) -> None:
        """Tell the person's page that an operator writes."""
        session: Session = request.state.session
        async with desk.db.web(session.outlet_id) as work:
            work.notify([typing_topic("shop", session.outlet_id, id_of(conversation))])

    return [cost, typing]


def _files(said: Said) -> list[Media]:
    """Return the files that we sent with a message."""
    return msgspec.convert(said.content.get("media", []), list[Media])


async def _attached(
    desk: Desk, session: Session, conversation_id: UUID, form: Mapping[str, Any], did: str
) -> tuple[Media, ...]:
    """Return the file that a reply brings, examined and kept; nothing where it brings none."""
    file = form.get("file")
    if did != "reply" or not isinstance(file, UploadFile) or not file.filename:
        return ()
    async with desk.db.web(session.outlet_id) as work:
        if await conversations.one(work, session.outlet_id, conversation_id) is None:
            raise NotFound("there is no such conversation")
    owner = Owner(Origin.OPERATOR, conversation_id=conversation_id)
    return (await desk.shelf.keep(session.outlet_id, await file.read(), file.filename, owner),)


async def _rows(work: Work, session: Session, view: View) -> tuple[list[dict[str, Any]], str]:
    """Return the conversations of a view, and the query of its next page; "" at its end."""
    if not view.words:
        rows = await _listed(work, session, view)
        return rows, _more(rows, view)
    rows, end = await support.search(
        work, session.outlet_id, view.words, view.start or work.now, kind=view.kind
    )
    asked = {"words": view.words, "kind": view.kind}
    return rows, urlencode({**asked, "before": end.isoformat()}) if end else ""


async def _listed(work: Work, session: Session, view: View) -> list[dict[str, Any]]:
    outlet_id, kind = session.outlet_id, view.kind
    if view.show == "all":
        return await conversations.latest(
            work, outlet_id, view.start or work.now, PAGE_LENGTH, kind
        )
    if view.show == "mine":
        start = view.start or work.now
        return await support.assigned(work, outlet_id, session.acting.id, start, kind=kind)
    start = view.start or datetime.fromtimestamp(0, UTC)
    unassigned = view.show == "unassigned"
    return await support.waiting(work, outlet_id, start, unassigned=unassigned, kind=kind)


def _more(rows: list[dict[str, Any]], view: View) -> str:
    """Return where the list goes on, as a query; "" at its end."""
    if len(rows) < PAGE_LENGTH:
        return ""
    ordered = "last_at" if view.show in {"all", "mine"} else "waits_since"
    return urlencode(
        {"show": view.show, "kind": view.kind, "before": rows[-1][ordered].isoformat()}
    )


async def _filled(desk: Desk, session: Session, conversation_id: UUID, shortcut: str) -> str:
    """Return a canned answer for this person; "" where there is none of that name."""
    outlet = await desk.directory.outlet(session.outlet_id)
    async with desk.db.web(outlet.id) as work:
        known = {item.shortcut: item.text for item in await support.canned(work, outlet.id)}
        found = await conversations.one(work, outlet.id, conversation_id)
        order = await support.last_order(work, outlet.id, conversation_id)
    values = {"name": found["name"] if found else "", "order": order, "outlet": outlet.name}
    return fill(known.get(shortcut, ""), values)


def _id(form: Mapping[str, Any], field: str) -> UUID | None:
    """Return the id in a field, or None where it is empty."""
    value = text(form, field)
    return id_of(value) if value else None


def _speaks(found: Mapping[str, Any], session: Session, now: datetime) -> str:
    """Return who speaks: ``bot``, ``you``, ``colleague``, or ``nobody`` yet."""
    until = found["speaker_until"]
    if found["speaker"] == "bot" or (until is not None and until <= now):
        return "bot"
    if found["operator_id"] is None:
        return "nobody"
    return "you" if found["operator_id"] == session.acting.id else "colleague"


def _moment(written: str) -> datetime | None:
    """Return the time in an address, or None where there is none that can be read."""
    try:
        moment = datetime.fromisoformat(written)
    except ValueError:
        return None
    return moment if moment.tzinfo else None


async def _conversation(
    desk: Desk, session: Session, conversation_id: UUID, problem: str = "", typed: str = ""
) -> Response[str]:
    outlet_id = session.outlet_id
    async with desk.db.web(outlet_id) as work:
        found = await conversations.one(work, outlet_id, conversation_id)
        if found is None:
            raise NotFound("there is no such conversation")
        said = await conversations.history(work, outlet_id, conversation_id)
        sent = [message.seq for message in said if message.direction == "out"]
        stands = await outbox.standing(work, outlet_id, conversation_id, sent)
        await conversations.mark_read(work, outlet_id, conversation_id, found["last_seq"])
        rows = await conversations.latest(work, outlet_id, work.now, PAGE_LENGTH)
        notes = await support.notes(work, outlet_id, conversation_id)
        assigned_to, waits_since = await support.case(work, outlet_id, conversation_id)
        people = await operators(work, outlet_id)
        canned = await support.canned(work, outlet_id)
        routes = await contacts.routes_of(work, outlet_id, conversation_id)
        (reaches,) = await contacts.reaches(work, [(outlet_id, conversation_id)])
    return await desk.show(
        "conversation",
        session,
        conversation=found,
        speaks=_speaks(found, session, work.now),
        thread=sorted([*said, *notes], key=lambda item: item.at),
        attached=_files,
        conversations=rows,
        assigned_to=assigned_to,
        waits_since=waits_since,
        people=people,
        canned=canned,
        stands=stands,
        routes=routes,
        siblings=[reach for reach in reaches if reach.conversation_id != conversation_id],
        problem=problem,
        typed=typed,
    )
