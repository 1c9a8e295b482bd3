"""Orders in the console: the board by state, and one order with its next steps."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect

from chatworks.commands.models import ActorKind
from chatworks.console.forms import choice, id_of, text
from chatworks.console.pages import Asked, Desk, saved
from chatworks.identity.models import Session
from chatworks.kit.errors import NotFound
from chatworks.orders import core
from chatworks.orders import store as orders
from chatworks.orders.models import MoveOrder, Status

COLUMNS = (
    (Status.PLACED, "New"),
    (Status.ACCEPTED, "Preparing"),
    (Status.OUT_FOR_DELIVERY, "On the way"),
)
CLOSED = frozenset({Status.DELIVERED, Status.CANCELLED})
STEPS = (
    (Status.ACCEPTED, "Accept"),
    (Status.OUT_FOR_DELIVERY, "Out for delivery"),
    (Status.DELIVERED, "Delivered"),
)


def next_step(status: str) -> tuple[str, str] | None:
    """Return the step forward from ``status`` with its label; None at the end."""
    allowed = core.moves(ActorKind.OPERATOR, Status(status))
    return next(((to.value, label) for to, label in STEPS if to in allowed), None)


def order_pages(desk: Desk) -> list[Any]:
    """Return the handlers of orders."""

    @get("/", needs="orders.read")
    async def board(request: Asked) -> Response[str]:
        """Show the open orders by state, then the latest closed ones."""
        session: Session = request.state.session
        async with desk.db.web(session.outlet_id) as work:
            rows = await orders.board(work, session.outlet_id)
        columns = [
            (status.value, label, [row for row in rows if row["status"] == status])
            for status, label in COLUMNS
        ]
        return await desk.show(
            "orders",
            session,
            columns=columns,
            closed=[row for row in rows if row["status"] in CLOSED],
            next_step=next_step,
            saved=saved(request),
        )

    @get("/orders/{order:str}", needs="orders.read")
    async def order_page(order: FromPath[str], request: Asked) -> Response[str]:
        """Show one order."""
        return await _order(desk, request.state.session, id_of(order), saved=saved(request))

    @post("/orders/{order:str}", status_code=200, needs="orders.write")
    async def move(order: FromPath[str], request: Asked) -> Response[Any]:
        """Move an order on, and go back to where the button was."""
        form = await request.form()
        order_id = id_of(order)
        to = Status(choice(form, "to", {status.value for status in Status}))
        command = MoveOrder(order_id, to, text(form, "reason"))
        problem = await desk.submit(request.state.session, command)
        if problem:
            return await _order(desk, request.state.session, order_id, problem=problem)
        back = "/console" if text(form, "from") == "board" else f"/console/orders/{order_id.hex}"
        return Redirect(f"{back}?saved={to.value}", status_code=303)

    return [board, order_page, move]


async def _order(
    desk: Desk, session: Session, order_id: UUID, *, problem: str = "", saved: str = ""
) -> Response[str]:
    async with desk.db.web(session.outlet_id) as work:
        found = await orders.detail(work, session.outlet_id, order_id)
    if found is None:
        raise NotFound("there is no such order")
    return await desk.show(
        "order",
        session,
        order=found,
        step=next_step(found["status"]),
        may_cancel=Status.CANCELLED in core.moves(ActorKind.OPERATOR, Status(found["status"])),
        problem=problem,
        saved=saved,
    )
