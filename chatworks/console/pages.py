"""What every page of the console stands on: the desk, sessions, and the pages of no other area.

The desk knows who is signed in, gives commands as that operator, and shows pages with the counts
of what waits. Orders, messages, products and settings have modules of their own.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.response import Redirect, Stream

from chatworks.access.core import may
from chatworks.channels.models import Channel, ChannelKind
from chatworks.commands.dispatch import Dispatcher
from chatworks.commands.models import Actor, ActorKind, Call, Command, StepUpNeeded
from chatworks.commands.models import Request as GivenRequest
from chatworks.console import store
from chatworks.console.forms import choice, count, id_of
from chatworks.conversations import store as conversations
from chatworks.conversations.service import typing_topic
from chatworks.factors.pages import Gate
from chatworks.identity import service as identity
from chatworks.identity.models import (
    Browser,
    IssueStaffCode,
    NoOutlet,
    Operator,
    Session,
    UnbindStaffChats,
)
from chatworks.inbox import store as inbox
from chatworks.inbox.models import DropParked, NotParked, ParkedEvent, ReplayParked
from chatworks.kit.db import Database
from chatworks.kit.errors import ChatWorksError, NotFound, Refusal
from chatworks.kit.work import Work
from chatworks.media.service import Shelf
from chatworks.outbox import store as outbox
from chatworks.outbox.models import NotInTrouble, ResendPart, Status
from chatworks.outlets.service import Directory
from chatworks.sdk.applet import Applets
from chatworks.sdk.inbound import Inbound
from chatworks.web.cookies import SecretCookie
from chatworks.web.sse import Streams, event, event_stream
from chatworks.web.templating import Pages

SESSION_COOKIE, DEVICE_COOKIE = "cw_session", "cw_device"
DEVICE_KEPT_FOR = timedelta(days=400)  # the longest that browsers keep a cookie (RFC 6265bis, 5.5)
REFUSALS = {
    "orders.TooLate": "The order has moved on meanwhile: please look again.",
    "orders.ReasonNeeded": "Please say why: the customer reads it.",
    "orders.NotYourOrder": "There is no such order.",
    "conversations.CannotReach": "This person has stopped or blocked the channel.",
    "conversations.HeldBy": "{} holds this conversation, and for {} more minutes. "
    "To write here yourself, take it over first.",
    "conversations.EmptyReply": "A reply needs 1 to 4,000 characters.",
    "conversations.NoSuchConversation": "There is no such conversation.",
    "support.EmptyNote": "A note needs 1 to 2,000 characters.",
    "support.NoSuchOperator": "There is no such colleague.",
    "broadcasts.NoSuchBroadcast": "There is no such broadcast.",
    "broadcasts.CannotMove": "It has moved on meanwhile: it is {} now.",
    "catalog.NoSuchProduct": "There is no such product.",
    "outlets.NoSuchApplet": "This service is not switched on.",
    "oauth.NoSuchClient": "There is no such app.",
    "api.NoSuchKey": "There is no such key, or it was stopped before.",
    "commands.NotAllowed": "Your role may not do this.",
    "memberships.LastOwner": "An outlet always has an owner: hand it over first.",
    "memberships.NotToOneself": "Somebody else has to change your role.",
    "memberships.NoSuchMember": "Nobody of that name works here any more.",
    "memberships.NoSuchRole": "This role is not given this way.",
    "memberships.NoSuchRequest": "This was answered already, or they work here.",
    "memberships.WrongHours": "A visit lasts 1 to {} hours.",
    "memberships.TooManyInvitations": "{} invitations are open: take some back first.",
}
SAVED = {
    "accepted": "Accepted. The customer has been told.",
    "out_for_delivery": "On its way. The customer has been told.",
    "delivered": "Delivered. The customer has been told.",
    "cancelled": "Cancelled. The customer has been told why.",
    "hours": "Opening hours are saved.",
    "service": "Saved. Conversations that run keep the settings they began with.",
    "widget": "Sites are saved.",
    "answers": "Answers are saved.",
    "broadcast_write": "Saved, and counted.",
    "broadcast_send": "It goes out at its time.",
    "broadcast_pause": "Paused. What was on its way leaves within seconds.",
    "broadcast_resume": "It goes on.",
    "broadcast_cancel": "Cancelled. Nobody else gets it.",
    "revoked": "Stopped. The key works no more.",
    "app-removed": "Removed. Whatever it was let into has ended.",
    "people-invite": "The invitation is on its way.",
    "people-withdraw": "The invitation is taken back: its link does nothing now.",
    "people-role": "The role is changed. It counts from now on.",
    "people-hand-over": "The outlet is handed over. You are an operator now.",
    "people-remove": "They are out, at once.",
    "people-visit": "They may look in now. End it here whenever you like.",
    "people-refuse": "Refused.",
    "people-demand": "From now on everybody who works here needs a second factor.",
    "people-no-demand": "A second factor is everybody’s own choice again.",
    "channel": "Done. What it means at the messenger shows here within seconds.",
}

NOT_SENT = {
    Status.UNKNOWN: "It is not known whether this arrived",
    Status.FAILED: "This was not delivered",
    Status.EXPIRED: "This was not sent in time",
    Status.HELD: "This waits",
}

Asked = Request[Any, Any, Any]
Answer = TypeVar("Answer")


def saved(request: Asked) -> str:
    """Return what was saved, where the page was reached by saving it."""
    return SAVED.get(request.query_params.get("saved", ""), "")


class NotSignedIn(ChatWorksError):
    """There is no session, or it has ended."""

    status = 401


@dataclass(slots=True)
class Desk:
    """What the console's pages need."""

    db: Database
    directory: Directory
    dispatcher: Dispatcher
    streams: Streams
    pages: Pages
    address: str
    applets: Applets
    kinds: Mapping[str, ChannelKind]
    shelf: Shelf
    gate: Gate
    session_cookie: SecretCookie = field(init=False)
    device_cookie: SecretCookie = field(init=False)

    def __post_init__(self) -> None:
        self.session_cookie = SecretCookie(SESSION_COOKIE, self.address)
        self.device_cookie = SecretCookie(DEVICE_COOKIE, self.address, DEVICE_KEPT_FOR)

    def browser(self, request: Asked) -> Browser:
        """Return who asks."""
        agent = request.headers.get("user-agent", "")
        address = request.client.host if request.client else ""
        return Browser(agent, address, self.device_cookie.read(request))

    async def session(self, request: Asked) -> Session:
        """Return who is signed in, or raise ``NotSignedIn``."""
        secret = self.session_cookie.read(request)
        async with self.db.engine() as work:
            found = await identity.session_of(work, secret) if secret else None
        if found is None:
            raise NotSignedIn("please sign in with a link from `chatworks operator link`")
        if found.operator is None:
            raise NoOutlet("this account runs no outlet")
        return found

    async def submit(self, session: Session, command: Command[Any]) -> str:
        """Give a command as the operator; returns what to tell them ("" if all is well)."""
        try:
            await self.give(session, command)
        except Refusal as no:
            return told(no)
        return ""

    async def give(self, session: Session, request: GivenRequest[Answer]) -> Answer:
        """Give a request as the operator and return its result; raises its refusal."""
        outlet_id = session.outlet_id
        engine = self.dispatcher.by_engine(request)
        try:
            async with self.db.engine([outlet_id]) if engine else self.db.web(outlet_id) as work:
                return await self.dispatcher.one(work, _call(session, request))
        except StepUpNeeded as no:
            raise await self.gate.asked(session, no) from None

    async def show(
        self, name: str, session: Session, *, status: int = 200, **values: Any
    ) -> Response[str]:
        """Render a page of the console, with the counts of its menu."""
        outlet = await self.directory.outlet(session.outlet_id)
        async with self.db.engine([outlet.id]) as work:
            waiting = await store.waiting(work, outlet.id)
            mine = await identity.memberships(work, session.account_id)
        channels = await self.directory.channels(outlet.id)
        return self.pages.page(
            f"console/{name}.html",
            status=status,
            headers={"cache-control": "no-store"},
            outlet=outlet,
            operator=session.acting,
            elsewhere=await self._elsewhere(session, mine),
            may=partial(may, session.acting.role),
            waiting=waiting,
            troubled=waiting.parked + sum(1 for channel in channels if channel.trouble),
            **values,
        )

    async def _elsewhere(self, session: Session, mine: list[Operator]) -> list[tuple[str, str]]:
        """Return (id, name) of the account's other outlets."""
        others = [
            operator.outlet_id for operator in mine if operator.outlet_id != session.outlet_id
        ]
        return [(other.hex, (await self.directory.outlet(other)).name) for other in others]


def _call(session: Session, command: GivenRequest[Answer]) -> Call[Answer]:
    operator = session.acting
    kind = ActorKind.PLATFORM if operator.is_visit else ActorKind.OPERATOR
    actor = Actor(kind, operator.id.hex, operator.role)
    return Call(session.outlet_id, actor, command, proof=session.proof)


def told(no: Refusal) -> str:
    """Return a refusal in an operator's words."""
    said = REFUSALS.get(no.code, "").format(*no.args) or " ".join(str(part) for part in no.args)
    return said or f"That was refused ({no.code})."


def sign_in_pages(desk: Desk) -> list[Any]:
    """Return the handlers of signing in, which need no session."""

    @get("/console/sign-in", needs="public")
    async def sign_in(request: Asked) -> Response[str]:
        """Show the button that spends the link: a preview of the link in a chat spends nothing."""
        key = request.query_params.get("key", "")
        return desk.pages.page("console/sign_in.html", key=key, problem="")

    @post("/console/sign-in", status_code=303, needs="public")
    async def enter(request: Asked) -> Response[Any]:
        """Spend the link and begin a session."""
        form = await request.form()
        async with desk.db.engine() as work:
            secrets = await identity.sign_in(work, str(form.get("key", "")), desk.browser(request))
            if secrets is not None:  # whoever was signed in here before is not any more
                await identity.sign_out(work, desk.session_cookie.read(request))
        if secrets is None:
            problem = "This link was used, is too old, or is not ours."
            return desk.pages.page("console/sign_in.html", status=403, key="", problem=problem)
        cookies = [
            desk.session_cookie.keep(secrets.session),
            desk.device_cookie.keep(secrets.device),
        ]
        return Redirect("/console", status_code=303, cookies=cookies)

    return [sign_in, enter]


def session_pages(desk: Desk) -> list[Any]:
    """Return the handlers of signing out and of going over to another outlet."""

    @post("/sign-out", status_code=200, needs="own.write")
    async def sign_out(request: Asked) -> Redirect:
        """End the session at once."""
        async with desk.db.engine() as work:
            await identity.sign_out(work, desk.session_cookie.read(request))
        gone = [desk.session_cookie.drop()]
        return Redirect("/console/sign-in", status_code=303, cookies=gone)

    @post("/switch", status_code=200, needs="own.write")
    async def switch(request: Asked) -> Redirect:
        """Show another outlet of the account's, under a new secret."""
        form = await request.form()
        outlet_id = id_of(str(form.get("outlet")))
        async with desk.db.engine() as work:
            secret = await identity.switch_outlet(work, request.state.session, outlet_id)
        if secret is None:
            raise NotFound("there is no such outlet of yours")
        cookies = [desk.session_cookie.keep(secret)]
        return Redirect("/console", status_code=303, cookies=cookies)

    return [sign_out, switch]


def other_pages(desk: Desk) -> list[Any]:
    """Return the handlers of trouble, staff alerts, and the live stream."""

    @get("/trouble", needs="trouble.read")
    async def trouble(request: Asked) -> Response[str]:
        """Show channels in trouble, parked events, and parts that were not sent."""
        session: Session = request.state.session
        async with desk.db.engine([session.outlet_id]) as work:
            parked = [
                await _parked(desk, work, session, event)
                for event in await inbox.parked(work, session.outlet_id)
            ]
            parts = await outbox.trouble(work, session.outlet_id)
        channels = [c for c in await desk.directory.channels(session.outlet_id) if c.trouble]
        return await desk.show(
            "trouble",
            session,
            channels=channels,
            parked=parked,
            parts_not_sent=parts,
            not_sent=NOT_SENT,
        )

    @post("/trouble", status_code=200, needs="trouble.write")
    async def mend(request: Asked) -> Redirect:
        """Replay or give up a parked event; send a part again."""
        session: Session = request.state.session
        form = await request.form()
        wanted = choice(form, "do", {"replay", "drop", "resend"})
        number = count(form, "event") or 0
        with suppress(NotParked, NotInTrouble):  # a colleague was faster: the page shows it
            if wanted == "resend":
                await desk.give(session, ResendPart(id_of(str(form.get("part")))))
            elif wanted == "replay":
                await desk.give(session, ReplayParked(number))
            else:
                await desk.give(session, DropParked(number))
        return Redirect("/console/trouble", status_code=303)

    @get("/settings/staff", needs="own.write")
    async def settings(request: Asked) -> Response[str]:
        """Show staff alerts."""
        return await _settings(desk, request.state.session, "")

    @post("/settings/staff", status_code=200, needs="own.write")
    async def staff(request: Asked) -> Response[Any]:
        """Make a staff code, or forget the staff chats."""
        session: Session = request.state.session
        form = await request.form()
        if choice(form, "do", {"code", "forget"}) == "forget":
            await desk.submit(session, UnbindStaffChats())
            return Redirect("/console/settings/staff", status_code=303)
        issued = await desk.give(session, IssueStaffCode())
        return await _settings(desk, session, issued.secret)

    @get("/live", needs="own.write")
    async def live(request: Asked) -> Stream:
        """Say when something of this outlet changes, and who writes in the conversation shown."""
        shown = request.query_params.get("conversation", "")
        talk = id_of(shown) if shown else None
        return event_stream(_changes(desk, request.state.session, talk))

    return [trouble, mend, settings, staff, live]


@dataclass(frozen=True, slots=True)
class Parked:
    """A parked event as the page shows it: what was said, if anything, and where."""

    event: ParkedEvent
    said: str
    conversation: str


async def _parked(desk: Desk, work: Work, session: Session, event: ParkedEvent) -> Parked:
    found = await conversations.find_by_thread(work, session.outlet_id, event.source, event.thread)
    channel = await desk.directory.channel(event.source)
    said = "" if channel is None else _said(desk.kinds[channel.kind], event.payload, channel)
    return Parked(event, said, "" if found is None else found[0].hex)


def _said(kind: ChannelKind, payload: bytes, channel: Channel) -> str:
    """Return the words of an event; "" where it has none or cannot be read."""
    try:
        inbound = kind.read(payload, channel)
    except (msgspec.MsgspecError, KeyError, TypeError, ValueError):
        return ""
    return inbound.text if isinstance(inbound, Inbound) else ""


async def _changes(desk: Desk, session: Session, talk: UUID | None) -> AsyncIterator[bytes]:
    outlet = f"outlet {session.outlet_id.hex}"
    typing = "" if talk is None else typing_topic("person", session.outlet_id, talk)
    async for noticed in desk.streams.wakes(outlet, *([typing] if typing else [])):
        if not noticed:
            yield b": still here\n\n"
        if outlet in noticed:
            yield event(b"changed")
        if typing in noticed:
            yield event(b"{}", name="typing")


async def _settings(desk: Desk, session: Session, code: str) -> Response[str]:
    async with desk.db.web(session.outlet_id) as work:
        staff = await identity.staff_of(work, session.acting)
    bots = await desk.directory.channels(session.outlet_id, "telegram")
    return await desk.show("staff", session, code=code, staff=staff, bots=bots)
