"""Who speaks through a chat's token, and what they follow: messages, read marks, who writes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request

from chatworks.conversations.service import typing_topic
from chatworks.conversations.store import Said, history
from chatworks.inbox.committer import Committer
from chatworks.kit.crypto import digest
from chatworks.kit.db import Database
from chatworks.kit.errors import ChatWorksError, NotFound
from chatworks.media.service import Shelf
from chatworks.outlets.models import Outlet
from chatworks.outlets.service import Directory
from chatworks.storefront import store
from chatworks.storefront.store import Marks
from chatworks.web.sse import Streams, event

HEARTBEAT = b": still here\n\n"


class NoVisitor(ChatWorksError):
    """The token is missing or not of this outlet: begin again."""

    status = 401


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who speaks through a token. ``language`` is what the conversation speaks now."""

    outlet: Outlet
    channel_id: UUID
    thread: UUID
    language: str
    conversation_id: UUID | None
    name: str = ""  # where a messenger told us


@dataclass(slots=True)
class ChatDesk:
    """What the routes need."""

    db: Database
    directory: Directory
    committer: Committer
    streams: Streams
    shelf: Shelf

    async def outlet(self, slug: str) -> Outlet:
        """Return an outlet, or ``NotFound``."""
        outlet = await self.directory.by_slug(slug)
        if outlet is None:
            raise NotFound("there is no such outlet")
        return outlet

    async def visitor(self, request: Request[Any, Any, Any], slug: str) -> Visitor:
        """Return who sent ``request``, or ``NoVisitor``."""
        outlet = await self.outlet(slug)
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        async with self.db.engine([outlet.id]) as work:
            found = await store.visitor(work, outlet.id, digest(token))
        if found is None:
            raise NoVisitor("the chat's token is not known here")
        return Visitor(outlet, found[1], found[0], found[2], found[3], found[4])


async def _begun(
    desk: ChatDesk, request: Request[Any, Any, Any], visitor: Visitor
) -> AsyncIterator[UUID | None]:
    """Yield None at each heartbeat until the first word is taken, and then the conversation."""
    if visitor.conversation_id is not None:
        yield visitor.conversation_id
        return
    async with aclosing(desk.streams.wakes(f"outlet {visitor.outlet.id.hex}")) as wakes:
        async for noticed in wakes:
            found = await desk.visitor(request, visitor.outlet.slug) if noticed else visitor
            if found.conversation_id is not None or not noticed:
                yield found.conversation_id
            if found.conversation_id is not None:
                return


async def follow(
    desk: ChatDesk, request: Request[Any, Any, Any], visitor: Visitor, after: int
) -> AsyncIterator[bytes]:
    """Yield each message once, in order; what was read and who writes; heartbeats."""
    conversation = None
    async for conversation in _begun(desk, request, visitor):
        if conversation is None:
            yield HEARTBEAT
    if conversation is None:  # the process stops
        return
    typing = typing_topic("shop", visitor.outlet.id, conversation)
    read = -1
    async for noticed in desk.streams.wakes(f"chat {conversation.hex}", typing):
        if not noticed:
            yield HEARTBEAT
        if typing in noticed:
            yield event(b"{}", name="typing")
        more = bool(noticed - {typing})
        while more:  # a long absence takes several rounds
            said, marks = await look(desk, visitor, conversation, after)
            for message in said:
                after = message.seq
                yield event(msgspec.json.encode(message), message.seq)
            if marks.read != read:
                read = marks.read
                yield event(b"%d" % read, name="read")
            more = bool(said)


async def look(
    desk: ChatDesk, visitor: Visitor, conversation: UUID, after: int
) -> tuple[list[Said], Marks]:
    """Return the next messages after ``after``, and how far both sides have read."""
    async with desk.db.web(visitor.outlet.id) as work:
        said = await history(work, visitor.outlet.id, conversation, after)
        return said, await store.marks(work, visitor.outlet.id, conversation)
