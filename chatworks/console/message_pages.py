"""Messages in the console: the conversations, and one of them with what an operator can do."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import MediaType, Response, get, post
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
from chatworks.identity.models import Session
from chatworks.kit.errors import NotFound
from chatworks.outbox import store as outbox
from chatworks.outlets.core import sms_price
from chatworks.sdk.messages import Message

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

    @get("/messages/{conversation:str}/cost", media_type=MediaType.TEXT)
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

    @post("/messages/{conversation:str}", status_code=200)
    async def speak(conversation: FromPath[str], request: Asked) -> Response[Any]:
        """Reply, take the conversation over, or hand it back to the bot."""
        form = await request.form()
        conversation_id = id_of(conversation)
        said = text(form, "text")
        commands: dict[str, Command[Any]] = {
            "reply": Reply(conversation_id, said),
            "take": TakeOver(conversation_id),
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

    return [listed, conversation_page, cost, speak, typing]


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
        sent = [message.seq for message in said if message.direction == "out"]
        stands = await outbox.standing(work, outlet_id, conversation_id, sent)
        await conversations.mark_read(work, outlet_id, conversation_id, found["last_seq"])
        rows = await conversations.latest(work, outlet_id, work.now, PAGE_LENGTH)
        routes = await contacts.routes_of(work, outlet_id, conversation_id)
        (reaches,) = await contacts.reaches(work, [(outlet_id, conversation_id)])
    return await desk.show(
        "conversation",
        session,
        conversation=found,
        messages=said,
        stands=stands,
        conversations=rows,
        older=_older(rows),
        routes=routes,
        siblings=[reach for reach in reaches if reach.conversation_id != conversation_id],
        problem=problem,
        typed=typed,
    )
