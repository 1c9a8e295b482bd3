"""Products in the console: price, stock, and whether they are shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect

from chatworks.catalog import store as catalog
from chatworks.catalog.models import STOCK_MAX, Product, SetActive, SetPrice, SetStock
from chatworks.commands.models import Command
from chatworks.console.forms import amount, count, id_of, text
from chatworks.console.pages import Asked, Desk
from chatworks.identity.models import Session
from chatworks.kit.errors import Invalid, NotFound


def product_pages(desk: Desk) -> list[Any]:
    """Return the handlers of products."""

    @get("/products", needs="catalog.read")
    async def listed(request: Asked) -> Response[str]:
        """Show what is sold, with prices and stock to edit."""
        done = request.query_params.get("saved", "")
        return await _products(desk, request.state.session, done=done)

    @post("/products/{product:str}", status_code=200, needs="catalog.write")
    async def change(product: FromPath[str], request: Asked) -> Response[Any]:
        """Change a price, a stock, or whether a product is shown: what differs, and no more."""
        session: Session = request.state.session
        form = await request.form()
        async with desk.db.web(session.outlet_id) as work:
            known = (await catalog.products(work, [session.outlet_id]))[session.outlet_id]
        now = next((item for item in known if item.id == id_of(product)), None)
        if now is None:
            raise NotFound("there is no such product")
        commands, problems = read_changes(now, form)
        for command in commands if not problems else []:
            refused = await desk.submit(session, command)
            if refused:
                problems["price"] = refused
        if problems:
            typed = {field: str(form.get(field, "")) for field in ("price", "stock")}
            return await _products(desk, session, wrong=Wrong(now.id, problems, typed))
        return Redirect(f"/console/products?saved={now.id.hex}#p-{now.id.hex}", status_code=303)

    return [listed, change]


def read_changes(
    now: Product, form: Mapping[str, Any]
) -> tuple[list[Command[Any]], dict[str, str]]:
    """Return the commands that make ``now`` what the form says, and what is wrong, by field."""
    commands: list[Command[Any]] = []
    problems: dict[str, str] = {}
    try:
        if "price" in form:
            price = amount(form, "price", now.price.currency)
            if price != now.price.minor:
                commands.append(SetPrice(now.id, price))
    except Invalid as no:
        problems["price"] = no.problem
    try:
        if "stock" in form:
            stock = count(form, "stock", STOCK_MAX)
            if stock != now.stock:
                commands.append(SetStock(now.id, stock))
    except Invalid as no:
        problems["stock"] = no.problem
    if "active" in form:
        commands.append(SetActive(now.id, text(form, "active") == "yes"))
    return commands, problems


@dataclass(frozen=True, slots=True)
class Wrong:
    """A row that was not saved: what is wrong with it, and what was typed, by field."""

    id: UUID
    problems: Mapping[str, str]
    typed: Mapping[str, str]


async def _products(
    desk: Desk, session: Session, *, wrong: Wrong | None = None, done: str = ""
) -> Response[str]:
    async with desk.db.web(session.outlet_id) as work:
        rows = (await catalog.products(work, [session.outlet_id]))[session.outlet_id]
    return await desk.show(
        "products",
        session,
        status=200 if wrong is None else 422,
        products=rows,
        wrong=wrong,
        done=done,
    )
