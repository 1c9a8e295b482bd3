"""The door of a Mini App: who opens an outlet's page inside Telegram is signed in to its chat.

The page posts the signed text that Telegram gave it (``initData``) and gets the token of a web chat
visitor who is bound to that person's Telegram contact: the same one however often they open the
page, on any device of theirs. A text is checked with the tokens of the outlet's own bots, is good
for minutes, and is spent by one atomic statement.
"""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, post

from chatworks.channels.models import Channel
from chatworks.channels.telegram import store as telegram
from chatworks.channels.telegram.miniapp import AGE_MAX, EARLY_MAX, Opened, Refused, check
from chatworks.identity.store import may_try
from chatworks.kit.crypto import digest
from chatworks.kit.errors import ChatWorksError, NotFound, TooMany
from chatworks.outlets.models import Outlet
from chatworks.storefront import store
from chatworks.storefront.routes import (
    AGENT_LENGTH_MAX,
    START_SECONDS,
    STARTS_BURST,
    BadEvent,
)
from chatworks.storefront.service import ChatDesk


class SignIn(msgspec.Struct, frozen=True):
    """What the page posts: the outlet's slug and Telegram's signed text, as it is."""

    outlet: str
    init_data: str


class NotSigned(ChatWorksError):
    """The text signs nobody in here: it is wrong, too old, or was used before."""

    status = 401


_sign_in = msgspec.json.Decoder(SignIn)


def miniapp(desk: ChatDesk, derive: Callable[[str], bytes]) -> list[Any]:
    """Return the door; ``derive`` gives 32 secret bytes for a purpose."""

    @post("/telegram/session", status_code=201, needs="public")
    async def session(request: Request[Any, Any, Any]) -> dict[str, str]:
        """Sign somebody in by what Telegram signed; ``start`` is the word of the link they used."""
        given = _read(await request.body())
        outlet = await desk.outlet(given.outlet)
        await _limit(desk, request, outlet)
        channel, opened = await _opened(desk, outlet, given.init_data)
        web = await desk.directory.channels(outlet.id, "webchat")
        if not web:
            raise NotFound("this outlet has no web chat")
        agent = request.headers.get("user-agent", "")[:AGENT_LENGTH_MAX]
        spoken = opened.user.language_code.partition("-")[0]
        language = spoken if spoken in outlet.languages else outlet.languages[0]
        signed = store.Signed(channel.id, str(opened.user.id), opened.user.name)
        async with desk.db.engine([outlet.id]) as work:
            expires_at = opened.auth_date + AGE_MAX + EARLY_MAX
            if not await telegram.spend_sign_in(work, channel, opened.digest, expires_at):
                raise NotSigned("the signed text was used before")
            new = work.new_id()
            made = (new, digest(_token(derive, new)))
            thread = await store.signed_visitor(
                work, (outlet.id, web[0].id), signed, made, (language, agent)
            )
        token = _token(derive, thread)
        return {"token": token, "thread": thread.hex, "start": opened.start_param}

    return [session]


def _read(body: bytes) -> SignIn:
    try:
        return _sign_in.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadEvent(str(error)) from None


async def _limit(desk: ChatDesk, request: Request[Any, Any, Any], outlet: Outlet) -> None:
    address = request.client.host if request.client else ""
    scope = f"miniapp:{hashlib.sha256(address.encode()).hexdigest()[:32]}"
    async with desk.db.engine([outlet.id]) as work:
        if not await may_try(work, scope, timedelta(seconds=START_SECONDS), STARTS_BURST):
            raise TooMany("sign-ins from one address", int(START_SECONDS))


async def _opened(desk: ChatDesk, outlet: Outlet, init_data: str) -> tuple[Channel, Opened]:
    """Return which of the outlet's bots a text was signed for, and what it says."""
    reason = "this outlet has no bot on Telegram"
    for channel in await desk.directory.channels(outlet.id, "telegram"):
        try:
            return channel, check(init_data, channel.secret, desk.db.clock.now())
        except Refused as no:
            reason = str(no)
    raise NotSigned(reason)


def _token(derive: Callable[[str], bytes], thread: UUID) -> str:
    """Return a signed visitor's token: nobody keeps it, and each sign-in finds the same one."""
    secret = derive(f"visitor who signed in {thread.hex}")
    return urlsafe_b64encode(secret).decode().rstrip("=")
