"""The console's pages and forms."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from litestar import Request, Response, Router, get, post
from litestar.datastructures import Cookie
from litestar.params import FromPath
from litestar.response import Redirect, Stream

from chatworks.catalog import store as catalog
from chatworks.catalog.models import SetActive, SetPrice, SetStock
from chatworks.commands.dispatch import Dispatcher
from chatworks.commands.models import Actor, ActorKind, Call, Command
from chatworks.console.forms import amount, choice, count, id_of
from chatworks.conversations import store as conversations
from chatworks.conversations.models import HandBack, Reply, TakeOver
from chatworks.identity import service as identity
from chatworks.identity.models import Session, UnbindStaffChats
from chatworks.inbox import store as inbox
from chatworks.kit.db import Database
from chatworks.kit.errors import ChatWorksError, Invalid, NotFound, Refusal
from chatworks.orders import core as order_core
from chatworks.orders import store as orders
from chatworks.orders.models import MoveOrder, Status
from chatworks.outbox import store as outbox
from chatworks.outlets.models import Outlet
from chatworks.outlets.service import Directory
from chatworks.web.sse import Streams, event, event_stream
from chatworks.web.templating import Pages

COOKIE = "cw_session"
REFUSALS = {
    "orders.TooLate": "The order has moved on meanwhile: please look again.",
    "orders.ReasonNeeded": "Please say why: the customer reads it.",
    "orders.NotYourOrder": "There is no such order.",
    "conversations.CannotReach": "This person has stopped or blocked the channel.",
    "conversations.EmptyReply": "A reply needs 1 to 4,000 characters.",
}

Asked = Request[Any, Any, Any]


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

    async def session(self, request: Asked) -> Session:
        """Return who is signed in, or raise ``NotSignedIn``."""
        secret = request.cookies.get(COOKIE, "")
        async with self.db.engine() as work:
            found = await identity.session_of(work, secret) if secret else None
        if found is None:
            raise NotSignedIn("please sign in with a link from `chatworks operator link`")
        return found

    async def submit(self, session: Session, command: Command[Any]) -> str:
        """Give a command as the operator; returns what to tell them ("" if all is well)."""
        operator = session.operator
        actor = Actor(ActorKind.OPERATOR, operator.id.hex, operator.role)
        call: Call[Any] = Call(session.outlet_id, actor, command)
        try:
            async with self.db.web(session.outlet_id) as work:
                await self.dispatcher.one(work, call)
        except Refusal as no:
            return REFUSALS.get(no.code, no.code)
        return ""

    async def show(self, name: str, session: Session, **values: Any) -> Response[str]:
        """Render a page of the console."""
        outlet = await self.directory.outlet(session.outlet_id)
        async with self.db.engine([outlet.id]) as work:
            parked = len(await inbox.parked(work, outlet.id))
        return self.pages.page(
            f"console/{name}.html",
            headers={"cache-control": "no-store"},
            outlet=outlet,
            operator=session.operator,
            parked_count=parked,
            **values,
        )


def console(desk: Desk) -> list[Any]:
    """Return the console's routes: the guarded router, and the two doors of signing in."""

    async def require_session(request: Asked) -> Redirect | None:
        try:
            request.state.session = await desk.session(request)
        except NotSignedIn:
            if request.method == "GET" and "text/html" in request.headers.get("accept", ""):
                return Redirect("/console/sign-in")
            raise
        return None

    guarded = Router(
        "/console",
        route_handlers=[
            *_order_pages(desk),
            *_message_pages(desk),
            *_product_pages(desk),
            *_other_pages(desk),
        ],
        before_request=require_session,
    )
    return [guarded, *_sign_in_pages(desk)]


def _sign_in_pages(desk: Desk) -> list[Any]:
    @get("/console/sign-in")
    async def sign_in(request: Asked) -> Response[str]:
        """Show the button that spends the link: a preview of the link in a chat spends nothing."""
        key = request.query_params.get("key", "")
        return desk.pages.page("console/sign_in.html", key=key, problem="")

    @post("/console/sign-in", status_code=303)
    async def enter(request: Asked) -> Response[Any]:
        """Spend the link and begin a session."""
        form = await request.form()
        device = (
            request.headers.get("user-agent", ""),
            request.client.host if request.client else "",
        )
        async with desk.db.engine() as work:
            secret = await identity.sign_in(work, str(form.get("key", "")), device)
        if secret is None:
            problem = "This link was used, is too old, or is not ours."
            return desk.pages.page("console/sign_in.html", status=403, key="", problem=problem)
        cookie = Cookie(
            key=COOKIE,
            value=secret,
            httponly=True,
            samesite="lax",
            secure=desk.address.startswith("https://"),
            path="/",
        )
        return Redirect("/console", status_code=303, cookies=[cookie])

    return [sign_in, enter]


def _order_pages(desk: Desk) -> list[Any]:
    @get("/")
    async def board(request: Asked) -> Response[str]:
        """Show the orders, open ones first."""
        session: Session = request.state.session
        async with desk.db.web(session.outlet_id) as work:
            rows = await orders.board(work, session.outlet_id)
        return await desk.show("orders", session, orders=rows)

    @get("/orders/{order:str}")
    async def order_page(order: FromPath[str], request: Asked) -> Response[str]:
        """Show one order."""
        return await _order(desk, request.state.session, id_of(order), "")

    @post("/orders/{order:str}", status_code=200)
    async def move(order: FromPath[str], request: Asked) -> Response[Any]:
        """Move an order on."""
        form = await request.form()
        to = Status(choice(form, "to", {status.value for status in Status}))
        order_id = id_of(order)
        command = MoveOrder(order_id, to, str(form.get("reason", "")))
        problem = await desk.submit(request.state.session, command)
        if problem:
            return await _order(desk, request.state.session, order_id, problem)
        return Redirect(f"/console/orders/{order_id.hex}", status_code=303)

    return [board, order_page, move]


async def _order(desk: Desk, session: Session, order_id: UUID, problem: str) -> Response[str]:
    async with desk.db.web(session.outlet_id) as work:
        found = await orders.detail(work, session.outlet_id, order_id)
    if found is None:
        raise NotFound("there is no such order")
    moves = order_core.moves(ActorKind.OPERATOR, Status(found["status"]))
    return await desk.show("order", session, order=found, moves=moves, problem=problem)


def _message_pages(desk: Desk) -> list[Any]:
    @get("/messages")
    async def inbox_page(request: Asked) -> Response[str]:
        """Show the conversations, the latest first."""
        session: Session = request.state.session
        async with desk.db.web(session.outlet_id) as work:
            rows = await conversations.latest(work, session.outlet_id, before=work.now)
        return await desk.show("messages", session, conversations=rows)

    @get("/messages/{conversation:str}")
    async def conversation_page(conversation: FromPath[str], request: Asked) -> Response[str]:
        """Show one conversation, and note that it was read."""
        return await _conversation(desk, request.state.session, id_of(conversation), "")

    @post("/messages/{conversation:str}", status_code=200)
    async def speak(conversation: FromPath[str], request: Asked) -> Response[Any]:
        """Reply, take the conversation over, or hand it back to the bot."""
        form = await request.form()
        wanted = choice(form, "do", {"reply", "take", "back"})
        conversation_id = id_of(conversation)
        command: Command[Any] = {
            "reply": Reply(conversation_id, str(form.get("text", ""))),
            "take": TakeOver(conversation_id),
            "back": HandBack(conversation_id),
        }[wanted]
        problem = await desk.submit(request.state.session, command)
        if problem:
            return await _conversation(desk, request.state.session, conversation_id, problem)
        return Redirect(f"/console/messages/{conversation_id.hex}", status_code=303)

    return [inbox_page, conversation_page, speak]


async def _conversation(
    desk: Desk, session: Session, conversation_id: UUID, problem: str
) -> Response[str]:
    async with desk.db.web(session.outlet_id) as work:
        found = await conversations.one(work, session.outlet_id, conversation_id)
        if found is None:
            raise NotFound("there is no such conversation")
        said = await conversations.history(work, session.outlet_id, conversation_id)
        await conversations.mark_read(work, session.outlet_id, conversation_id, found["last_seq"])
    return await desk.show(
        "conversation", session, conversation=found, messages=said, problem=problem
    )


def _product_pages(desk: Desk) -> list[Any]:
    async def show(session: Session, problem: str = "") -> Response[str]:
        async with desk.db.web(session.outlet_id) as work:
            rows = (await catalog.products(work, [session.outlet_id]))[session.outlet_id]
        return await desk.show("products", session, products=rows, problem=problem)

    @get("/products")
    async def products(request: Asked) -> Response[str]:
        """Show what is sold, with prices and stock to edit."""
        return await show(request.state.session)

    @post("/products/{product:str}", status_code=200)
    async def change(product: FromPath[str], request: Asked) -> Response[Any]:
        """Change a price, a stock, or whether a product is shown."""
        session: Session = request.state.session
        outlet: Outlet = await desk.directory.outlet(session.outlet_id)
        form = await request.form()
        product_id = id_of(product)
        try:
            commands: list[Command[Any]] = []
            if "price" in form:
                commands.append(SetPrice(product_id, amount(form, "price", outlet.currency)))
            if "stock" in form:
                commands.append(SetStock(product_id, count(form, "stock")))
            if "active" in form:
                commands.append(SetActive(product_id, form["active"] == "yes"))
        except Invalid as problem:
            return await show(session, str(problem))
        for command in commands:
            refused = await desk.submit(session, command)
            if refused:
                return await show(session, refused)
        return Redirect("/console/products", status_code=303)

    return [products, change]


def _other_pages(desk: Desk) -> list[Any]:
    @get("/trouble")
    async def trouble(request: Asked) -> Response[str]:
        """Show channels in trouble, parked events, and parts that were not sent."""
        session: Session = request.state.session
        async with desk.db.engine([session.outlet_id]) as work:
            parked = await inbox.parked(work, session.outlet_id)
            parts = await outbox.trouble(work, session.outlet_id)
        channels = [c for c in await desk.directory.channels(session.outlet_id) if c.trouble]
        return await desk.show("trouble", session, parked=parked, parts=parts, channels=channels)

    @post("/trouble", status_code=200)
    async def mend(request: Asked) -> Redirect:
        """Replay or give up a parked event; send a part again."""
        session: Session = request.state.session
        form = await request.form()
        wanted = choice(form, "do", {"replay", "drop", "resend"})
        async with desk.db.engine([session.outlet_id]) as work:
            if wanted == "resend":
                await outbox.resend(work, session.outlet_id, id_of(str(form.get("part"))))
            else:
                number = count(form, "event")
                act = inbox.replay if wanted == "replay" else inbox.drop_parked
                await act(work, session.outlet_id, number or 0)
        return Redirect("/console/trouble", status_code=303)

    @get("/settings")
    async def settings(request: Asked) -> Response[str]:
        """Show channels, the widget's line, and staff alerts."""
        return await _settings(desk, request.state.session, "")

    @post("/settings/staff", status_code=200)
    async def staff(request: Asked) -> Response[Any]:
        """Make a staff code, or forget the staff chats."""
        session: Session = request.state.session
        form = await request.form()
        if choice(form, "do", {"code", "forget"}) == "forget":
            await desk.submit(session, UnbindStaffChats())
            return Redirect("/console/settings", status_code=303)
        async with desk.db.engine([session.outlet_id]) as work:
            code = await identity.issue_staff_code(work, session.operator)
        return await _settings(desk, session, code)

    @post("/sign-out", status_code=200)
    async def sign_out(request: Asked) -> Redirect:
        """End the session at once."""
        async with desk.db.engine() as work:
            await identity.sign_out(work, request.cookies.get(COOKIE, ""))
        return Redirect("/console/sign-in", status_code=303)

    @get("/live")
    async def live(request: Asked) -> Stream:
        """Say whenever something of this outlet changes; the page fetches itself anew."""
        return event_stream(_changes(desk, request.state.session))

    return [trouble, mend, settings, staff, sign_out, live]


async def _changes(desk: Desk, session: Session) -> AsyncIterator[bytes]:
    async for noticed in desk.streams.wakes(f"outlet {session.outlet_id.hex}"):
        yield event(b"changed") if noticed else b": still here\n\n"


async def _settings(desk: Desk, session: Session, code: str) -> Response[str]:
    channels = await desk.directory.channels(session.outlet_id)
    async with desk.db.web(session.outlet_id) as work:
        staff = await identity.staff_of(work, session.operator)
    return await desk.show(
        "settings", session, channels=channels, code=code, staff=staff, address=desk.address
    )
