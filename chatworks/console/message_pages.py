"""Messages in the console: the conversations, and one of them with what an operator can do."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect

from chatworks.commands.models import Command
from chatworks.console.forms import choice, id_of, text
from chatworks.console.pages import Asked, Desk
from chatworks.conversations import store as conversations
from chatworks.conversations.models import HandBack, Reply, TakeOver
from chatworks.conversations.service import typing_topic
from chatworks.identity.models import Session
from chatworks.kit.errors import NotFound

PAGE_LENGTH = 50


def message_pages(desk: Desk) -> list[Any]:
    """Return the handlers of messages."""

    @get("/messages")
    async def listed(request: Asked) -> Response[str]:
        """Show the conversations, the latest first."""
        session: Session = request.state.session
        before = _moment(request.query_params.get("before", ""))
        async with desk.db.web(session.outlet_id) as work:
            rows = await conversations.latest(
                work, session.outlet_id, before or work.now, PAGE_LENGTH
            )
        return await desk.show(
            "messages", session, conversations=rows, older=_older(rows), live=before is None
        )

    @get("/messages/{conversation:str}")
    async def conversation_page(conversation: FromPath[str], request: Asked) -> Response[str]:
        """Show one conversation, and note that it was read."""
        return await _conversation(desk, request.state.session, id_of(conversation))

    @post("/messages/{conversation:str}", status_code=200)
    async def speak(conversation: FromPath[str], request: Asked) -> Response[Any]:
        """Reply, take the conversation over, or hand it back to the bot."""
        form = await request.form()
        conversation_id = id_of(conversation)
        said = text(form, "text")
        commands: dict[str, Command[Any]] = {
            "reply": Reply(conversation_id, said),
            "take": TakeOver(conversation_id, _holder(form)),
            "back": HandBack(conversation_id),
        }
        command = commands[choice(form, "do", commands.keys())]
        problem = await desk.submit(request.state.session, command)
        if problem:
            return await _conversation(
                desk, request.state.session, conversation_id, problem=problem, typed=said
            )
        return Redirect(f"/console/messages/{conversation_id.hex}", status_code=303)

    @post("/messages/{conversation:str}/typing", status_code=204)
    async def typing(conversation: FromPath[str], request: Asked) -> None:
        """Tell the person's page that an operator writes."""
        session: Session = request.state.session
        async with desk.db.web(session.outlet_id) as work:
            work.notify([typing_topic("shop", session.outlet_id, id_of(conversation))])

    return [listed, conversation_page, speak, typing]


def _holder(form: Mapping[str, Any]) -> UUID | None:
    """Return whom the operator saw hold the conversation when they took it over."""
    seen = text(form, "holder")
    return id_of(seen) if seen else None


def _speaks(found: Mapping[str, Any], session: Session, now: datetime) -> str:
    """Return who speaks: ``bot``, ``you``, ``colleague``, or ``nobody`` yet."""
    until = found["speaker_until"]
    if found["speaker"] == "bot" or (until is not None and until <= now):
        return "bot"
    if found["operator_id"] is None:
        return "nobody"
    return "you" if found["operator_id"] == session.operator.id else "colleague"


def _moment(written: str) -> datetime | None:
    """Return the time in an address, or None where there is none that can be read."""
    try:
        moment = datetime.fromisoformat(written)
    except ValueError:
        return None
    return moment if moment.tzinfo else None


def _older(rows: list[dict[str, Any]]) -> str:
    """Return where older conversations go on; "" at the end."""
    return rows[-1]["last_at"].isoformat() if len(rows) == PAGE_LENGTH else ""


async def _conversation(
    desk: Desk, session: Session, conversation_id: UUID, problem: str = "", typed: str = ""
) -> Response[str]:
    outlet_id = session.outlet_id
    async with desk.db.web(outlet_id) as work:
        found = await conversations.one(work, outlet_id, conversation_id)
        if found is None:
            raise NotFound("there is no such conversation")
        said = await conversations.history(work, outlet_id, conversation_id)
        await conversations.mark_read(work, outlet_id, conversation_id, found["last_seq"])
        rows = await conversations.latest(work, outlet_id, work.now, PAGE_LENGTH)
    return await desk.show(
        "conversation",
        session,
        conversation=found,
        speaks=_speaks(found, session, work.now),
        messages=said,
        conversations=rows,
        older=_older(rows),
        problem=problem,
        typed=typed,
    )
