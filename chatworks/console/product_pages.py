"""Products in the console: price, stock, photo, and whether they are shown; and what all files of
the outlet take together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from litestar import Response, get, post
from litestar.datastructures import UploadFile
from litestar.params import FromPath
from litestar.response import Redirect

from chatworks.catalog import store as catalog
from chatworks.catalog.models import (
    STOCK_MAX,
    Product,
    SetActive,
    SetPhoto,
    SetPrice,
    SetStock,
)
from chatworks.commands.models import Command
from chatworks.console.forms import amount, count, id_of, text
from chatworks.console.pages import Asked, Desk
from chatworks.identity.models import Session
from chatworks.kit.errors import Invalid, NotFound
from chatworks.media import store as media
from chatworks.media.models import NotTaken, OutletFull, TooLarge

FORM_BYTES = 1 << 16
FULL_NEAR = 0.9  # of the limit: from here on the meter warns


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
        now = await _product(desk, session, product)
        commands, problems = read_changes(now, form)
        for command in commands if not problems else []:
            refused = await desk.submit(session, command)
            if refused:
                problems["price"] = refused
        if problems:
            typed = {field: str(form.get(field, "")) for field in ("price", "stock")}
            return await _products(desk, session, wrong=Wrong(now.id, problems, typed))
        return _saved(now)

    # A file may have as many bytes as the shelf takes, and a form a little more.
    most_bytes = desk.shelf.bounds.file_bytes + FORM_BYTES

    @post(
        "/products/{product:str}/photo",
        status_code=200,
        request_max_body_size=most_bytes,
        needs="catalog.write",
    )
    async def photo(product: FromPath[str], request: Asked) -> Response[Any]:
        """Show another picture of a product, or none."""
        session: Session = request.state.session
        now, form = await _product(desk, session, product), await request.form()
        try:
            path = "" if "remove" in form else await _kept(desk, session, form, now)
        except (NotTaken, TooLarge, OutletFull) as no:
            return await _products(desk, session, wrong=Wrong(now.id, {"photo": str(no)}, {}))
        refused = await desk.submit(session, SetPhoto(now.id, path))
        if refused:
            return await _products(desk, session, wrong=Wrong(now.id, {"photo": refused}, {}))
        return _saved(now)

    return [listed, change, photo]


async def _product(desk: Desk, session: Session, product: str) -> Product:
    async with desk.db.web(session.outlet_id) as work:
        known = (await catalog.products(work, [session.outlet_id]))[session.outlet_id]
    found = next((item for item in known if item.id == id_of(product)), None)
    if found is None:
        raise NotFound("there is no such product")
    return found


def _saved(product: Product) -> Redirect:
    return Redirect(f"/console/products?saved={product.id.hex}#p-{product.id.hex}", status_code=303)


async def _kept(desk: Desk, session: Session, form: Mapping[str, Any], product: Product) -> str:
    """Keep the picture that a form brings; returns its path. Raises what the shelf raises."""
    file = form.get("file")
    if not isinstance(file, UploadFile) or not file.filename:
        raise NotTaken("choose a picture first")
    content = await file.read()
    if not (await desk.shelf.examine(content, file.filename)).media_type.startswith("image/"):
        raise NotTaken("a photo is a picture: JPEG, PNG, WebP or GIF")
    alt = product.name.get("en") or product.sku
    return (await desk.shelf.keep(session.outlet_id, content, file.filename, alt=alt)).path


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


def size_in_words(size_bytes: int) -> str:
    """Return a size as people say it: 0 MB, 1.5 MB, 10 GB (of 10⁶ and 10⁹ bytes)."""
    unit, step = ("GB", 10**9) if size_bytes >= 10**9 else ("MB", 10**6)
    return f"{size_bytes / step:.1f}".removesuffix(".0") + f" {unit}"


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
    async with desk.db.engine([session.outlet_id]) as work:
        files, size_bytes = await media.total(work, session.outlet_id)
    most_bytes = desk.shelf.bounds.outlet_bytes
    return await desk.show(
        "products",
        session,
        status=200 if wrong is None else 422,
        products=rows,
        files=files,
        taken=size_in_words(size_bytes),
        most=size_in_words(most_bytes),
        share=min(1.0, size_bytes / most_bytes),
        near=FULL_NEAR,
        wrong=wrong,
        done=done,
    )
