"""The channels' pages: what is connected and how it fares, connecting, templates, and a picture of
what people see of each service on each channel.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect

from chatworks.broadcasts import store as broadcasts
from chatworks.channels.models import Channel
from chatworks.channels.planning.pieces import Piece
from chatworks.channels.topics import TOPICS
from chatworks.channels.twilio.segments import segments
from chatworks.channels.twilio.send import SMS_KIND, WHATSAPP_KIND, webhook
from chatworks.commands.models import Command
from chatworks.console.forms import choice, given, id_of, text
from chatworks.console.pages import Asked, Desk, saved, told
from chatworks.identity.models import Session
from chatworks.kit.errors import NotFound, Refusal
from chatworks.kit.money import Money
from chatworks.kit.work import Work
from chatworks.outbox import store as outbox
from chatworks.outlets import store
from chatworks.outlets.core import sms_price
from chatworks.outlets.models import (
    CheckChannel,
    ConnectChannel,
    Outlet,
    RemoveTemplate,
    SaveTemplate,
)
from chatworks.previews import CHANNELS, previews

WRONG = 422
HERE = "/console/settings/channels"
FIELDS = ("kind", "token", "account", "number")
TEMPLATE = ("name", "language", "topic", "body")
LATELY = timedelta(days=30)
TEXTS_MOST = 20_000
TEMPLATED = frozenset({WHATSAPP_KIND})  # kinds whose templates are written here


def channel_pages(desk: Desk) -> list[Any]:
    """Return the handlers of the channels' pages."""

    @get("/settings/channels", needs="channels.read")
    async def channels_page(request: Asked) -> Response[str]:
        """Show what is connected and how it fares, and how to connect more."""
        return await _page(desk, request.state.session, done=saved(request))

    @post("/settings/channels", status_code=200, needs="channels.write")
    async def connect(request: Asked) -> Response[Any]:
        """Connect a channel with what its vendor gave."""
        session: Session = request.state.session
        sent = await request.form()
        given(sent, "kind", "token")
        asked = {field: text(sent, field) for field in FIELDS}
        problem = await _give(desk, session, ConnectChannel(**asked))
        if problem:
            shown = {name: value for name, value in asked.items() if name != "token"}
            return await _page(desk, session, problem=problem, typed=shown)
        return Redirect(f"{HERE}?saved=channel", status_code=303)

    @post("/settings/channels/{channel:str}", status_code=200, needs="channels.write")
    async def change(channel: FromPath[str], request: Asked) -> Response[Any]:
        """Look at a channel again, or write or remove one of its templates."""
        session: Session = request.state.session
        sent = await request.form()
        given(sent, "do")
        problem = await _give(desk, session, _command(id_of(channel), sent))
        if problem:
            typed = {name: text(sent, name) for name in TEMPLATE if name in sent}
            return await _page(desk, session, problem=problem, typed=typed)
        return Redirect(f"{HERE}?saved=channel", status_code=303)

    return [channels_page, connect, change, _preview(desk)]


def _preview(desk: Desk) -> Any:
    @get("/settings/channels/preview/{applet:str}/{kind:str}", needs="channels.read")
    async def preview_page(
        applet: FromPath[str], kind: FromPath[str], request: Asked
    ) -> Response[str]:
        """Show a service as people see it on a kind of channel, with what is lost there."""
        session: Session = request.state.session
        outlet = await desk.directory.outlet(session.outlet_id)
        install = next((i for i in outlet.installed if i.applet == applet), None)
        loaded = desk.applets.latest(applet)
        if install is None or loaded is None or kind not in CHANNELS:
            raise NotFound("there is no such service or channel")
        drawn = previews(loaded, CHANNELS[kind], install.settings, outlet.languages[0])
        return await desk.show(
            "preview",
            session,
            applet=loaded,
            kind=kind,
            previews=list(drawn),
            named=_named,
            previewed=CHANNELS,
        )

    return preview_page


async def _page(
    desk: Desk,
    session: Session,
    *,
    problem: str = "",
    typed: Mapping[str, str] | None = None,
    done: str = "",
) -> Response[str]:
    async with desk.db.engine([session.outlet_id]) as work:
        rows = {row.id: row for row in await store.channels(work, session.outlet_id)}
        templates = await store.templates(work, session.outlet_id)
        own = await broadcasts.broadcasts(work, session.outlet_id)
        outlet = await desk.directory.outlet(session.outlet_id)
        known = await desk.directory.channels(session.outlet_id)
        sent = await outbox.sent_since(work, outlet.id, work.now - LATELY)
        spent = {
            channel.id: await _spent(work, outlet, channel)
            for channel in known
            if channel.kind == SMS_KIND
        }
    return await desk.show(
        "channels",
        session,
        status=WRONG if problem else 200,
        channels=[(channel, rows.get(channel.id)) for channel in known],
        kinds=desk.kinds,
        templates=templates,
        templated=TEMPLATED,
        topics=TOPICS,
        own_topics=sorted({one.topic for one in own} - TOPICS.keys()),
        sent=sent,
        spent=spent,
        days=LATELY.days,
        webhook=lambda channel: _webhook(desk.address, channel),
        services=[i.applet for i in outlet.installed if desk.applets.latest(i.applet)],
        previewed=CHANNELS,
        problem=problem,
        typed=typed or {},
        saved=done,
    )


async def _spent(work: Work, outlet: Outlet, channel: Channel) -> tuple[int, Money | None]:
    """Return the segments that a number sent lately, and about what they cost, if prices are known.

    Of more than ``TEXTS_MOST`` texts the newest count.
    """
    texts = await outbox.texts_since(work, (outlet.id, channel.id), work.now - LATELY, TEXTS_MOST)
    counts = [(number, segments(body).count) for number, body in texts if body]
    prices = [sms_price(outlet, number, count) for number, count in counts]
    known = [price.minor for price in prices if price is not None]
    whole = Money(sum(known), outlet.currency) if known else None
    return sum(count for _, count in counts), whole


async def _give(desk: Desk, session: Session, command: Command[Any]) -> str:
    """Give a command; returns what to tell the operator ("" if all is well)."""
    try:
        await desk.give(session, command)
    except Refusal as no:
        return told(no)
    desk.directory.forget()
    return ""


def _command(channel: UUID, sent: Any) -> Command[Any]:
    match choice(sent, "do", {"check", "template", "remove"}):
        case "check":
            return CheckChannel(channel)
        case "remove":
            return RemoveTemplate(channel, text(sent, "name"), text(sent, "language"))
        case _:
            return SaveTemplate(
                channel,
                text(sent, "name"),
                text(sent, "language"),
                text(sent, "topic"),
                text(sent, "body"),
            )


def _webhook(address: str, channel: Channel) -> str:
    """Return what to enter at the vendor; "" where nothing is to be entered."""
    if channel.kind in {WHATSAPP_KIND, SMS_KIND}:
        return webhook(address, channel)
    return f"{address}/in/{channel.kind}/{channel.path}" if channel.kind == "whatsapp" else ""


def _named(piece: Piece) -> str:
    """Return what kind of piece a drawing is, for its template."""
    return type(piece).__name__.lower()
