"""The chat's own interface: start, send, read, follow, and tell what is seen and written.

The page and the widget use it. A visitor is known by a random token that the browser keeps; only
its hash is stored. What they send goes through the event inbox like every webhook: it is durable
before the answer.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, get, post
from litestar.params import FromPath, QueryParameter
from litestar.response import Stream

from chatworks.channels.models import Rejected
from chatworks.channels.webchat.adapter import arrival
from chatworks.conversations.service import typing_topic
from chatworks.conversations.store import Said
from chatworks.identity.store import may_try
from chatworks.inbox.models import NewEvent
from chatworks.kit.crypto import digest, new_secret
from chatworks.kit.errors import ChatWorksError, NotFound, TooMany
from chatworks.storefront import store
from chatworks.storefront.service import ChatDesk, Visitor, follow, look
from chatworks.storefront.store import Marks, mark_seen
from chatworks.web.sse import event_stream

TOKEN_BYTES = 32
AGENT_LENGTH_MAX = 300
STARTS_BURST, START_SECONDS = 20, 10.0  # new visitors from one address
MESSAGES_BURST, MESSAGE_SECONDS = 15, 0.5  # of one visitor
SIGNS_BURST, SIGN_SECONDS = 20, 1.0  # of one visitor: what was seen, and that they write
SEQ_MAX = 2**31 - 1

After = Annotated[int, QueryParameter(ge=0, le=SEQ_MAX)]


class Start(msgspec.Struct, frozen=True):
    """What a start may say."""

    language: str = ""


class Seen(msgspec.Struct, frozen=True):
    """Up to which message the page was seen."""

    seq: Annotated[int, msgspec.Meta(ge=0, le=SEQ_MAX)]


_start = msgspec.json.Decoder(Start)
_seen = msgspec.json.Decoder(Seen)


class BadEvent(ChatWorksError):
    """The chat page sent something that cannot be taken."""

    status = 400


def routes(desk: ChatDesk) -> list[Any]:
    """Return the chat's handlers."""

    @post("/chat/{slug:str}/start", status_code=201, needs="public")
    async def start(slug: FromPath[str], request: Request[Any, Any, Any]) -> dict[str, str]:
        """Make a visitor; the token is shown this once."""
        outlet = await desk.outlet(slug)
        wanted = _language(await request.body())
        language = wanted if wanted in outlet.languages else outlet.languages[0]
        channels = await desk.directory.channels(outlet.id, "webchat")
        if not channels:
            raise NotFound("this outlet has no web chat")
        agent = request.headers.get("user-agent", "")[:AGENT_LENGTH_MAX]
        address = request.client.host if request.client else ""
        scope = f"chat-start:{hashlib.sha256(address.encode()).hexdigest()[:32]}"
        async with desk.db.engine([outlet.id]) as work:
            if not await may_try(work, scope, timedelta(seconds=START_SECONDS), STARTS_BURST):
                raise TooMany("new chats from one address", int(START_SECONDS))
            token = new_secret(work.clock, TOKEN_BYTES)
            thread = await store.add_visitor(
                work, (outlet.id, channels[0].id), digest(token), language, agent
            )
        return {"token": token, "thread": thread.hex}

    @post("/chat/{slug:str}/messages", status_code=200, needs="visitor")
    async def send(slug: FromPath[str], request: Request[Any, Any, Any]) -> dict[str, str]:
        """Take one event of a visitor; a repeat with the same id is the same event."""
        visitor = await desk.visitor(request, slug)
        scope = f"chat:{visitor.thread.hex}"
        async with desk.db.engine() as work:
            if not await may_try(work, scope, timedelta(seconds=MESSAGE_SECONDS), MESSAGES_BURST):
                raise TooMany("messages of one visitor", 1)
        try:
            taken = arrival(
                await request.body(), visitor.thread.hex, visitor.language, visitor.name
            )
        except Rejected as no:
            raise BadEvent(no.reason) from no
        await desk.committer.accept([NewEvent(visitor.outlet.id, visitor.channel_id, taken)])
        return {}

    @get("/chat/{slug:str}/messages", needs="visitor")
    async def messages(
        slug: FromPath[str], request: Request[Any, Any, Any], after: After = 0
    ) -> Response[bytes]:
        """Give the conversation so far, its language, and how far both sides have read."""
        visitor = await desk.visitor(request, slug)
        said: list[Said] = []
        marks = Marks()
        if visitor.conversation_id is not None:
            said, marks = await look(desk, visitor, visitor.conversation_id, after)
        body = msgspec.json.encode(
            {
                "language": visitor.language,
                "messages": said,
                "read": marks.read,
                "seen": marks.seen,
            }
        )
        return Response(body, media_type="application/json", headers={"cache-control": "no-store"})

    @get("/chat/{slug:str}/events", needs="visitor")
    async def events(
        slug: FromPath[str], request: Request[Any, Any, Any], after: After = 0
    ) -> Stream:
        """Follow the conversation from ``after`` on."""
        visitor = await desk.visitor(request, slug)
        return event_stream(follow(desk, request, visitor, after))

    return [start, send, messages, events, *signs(desk)]


def _language(body: bytes) -> str:
    """Return the language that a start asks for; "" where it names none."""
    if not body:
        return ""
    try:
        return _start.decode(body).language
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadEvent(str(error)) from None


def signs(desk: ChatDesk) -> list[Any]:
    """Return the handlers of what is told in passing: it is no message, and may be lost."""

    async def visitor_of(request: Request[Any, Any, Any], slug: str) -> Visitor:
        visitor = await desk.visitor(request, slug)
        scope = f"chat-sign:{visitor.thread.hex}"
        async with desk.db.engine() as work:
            if not await may_try(work, scope, timedelta(seconds=SIGN_SECONDS), SIGNS_BURST):
                raise TooMany("signs of one visitor", 1)
        return visitor

    @post("/chat/{slug:str}/seen", status_code=204, needs="visitor")
    async def seen(slug: FromPath[str], request: Request[Any, Any, Any]) -> None:
        """Note how far the page was seen; the console shows it."""
        visitor = await visitor_of(request, slug)
        try:
            seq = _seen.decode(await request.body()).seq
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise BadEvent(str(error)) from None
        if visitor.conversation_id is not None:
            async with desk.db.web(visitor.outlet.id) as work:
                await mark_seen(work, visitor.outlet.id, visitor.conversation_id, seq)

    @post("/chat/{slug:str}/typing", status_code=204, needs="visitor")
    async def typing(slug: FromPath[str], request: Request[Any, Any, Any]) -> None:
        """Tell the console that the visitor writes."""
        visitor = await visitor_of(request, slug)
        if visitor.conversation_id is not None:
            async with desk.db.web(visitor.outlet.id) as work:
                topic = typing_topic("person", visitor.outlet.id, visitor.conversation_id)
                work.notify([topic])

    return [seen, typing]
