"""Listing, seeding, and the operator's changes of price and stock."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

from chatworks.catalog import store
from chatworks.catalog.core import changes
from chatworks.catalog.models import (
    STOCK_MAX,
    Changed,
    NoSuchProduct,
    PhotoNotValid,
    PriceNotValid,
    Product,
    ProductsApplied,
    ProductView,
    StockNotValid,
)
from chatworks.catalog.store import Key
from chatworks.commands.models import Call
from chatworks.kit.errors import Refusal
from chatworks.kit.money import MINOR_MAX, Money
from chatworks.kit.work import Work
from chatworks.outlets import store as outlets
from chatworks.outlets.models import Outlet, ProductSpec


def title(product: Product, language: str) -> str:
    """Return a product's name in ``language``, or in English, or in whatever there is."""
    names = product.name
    return names.get(language) or names.get("en") or next(iter(names.values()))


def view(product: Product, language: str) -> ProductView:
    """Return what a customer sees of a product."""
    return ProductView(
        product.id,
        product.sku,
        title(product, language),
        product.price,
        product.stock,
        product.photo,
    )


async def list_products(work: Work, calls: Sequence[Call[Any]]) -> list[list[ProductView]]:
    """Handle ``ListProducts``: one query for all outlets of the batch."""
    found = await store.products(work, sorted({call.outlet_id for call in calls}))
    return [
        [
            view(product, call.origin.language if call.origin else "en")
            for product in found[call.outlet_id]
            if product.active
            and product.stock != 0
            and (not call.request.tag or call.request.tag in product.tags)
        ]
        for call in calls
    ]


async def all_products(work: Work, calls: Sequence[Call[Any]]) -> list[list[Product]]:
    """Handle ``AllProducts``: one query for all outlets of the batch."""
    found = await store.products(work, sorted({call.outlet_id for call in calls}))
    return [found[call.outlet_id] for call in calls]


async def seed(work: Work, outlet: Outlet, specs: Sequence[ProductSpec]) -> int:
    """Insert the products that the outlet does not have yet; returns how many."""
    new = 0
    for position, spec in enumerate(specs):
        product = Product(
            id=work.new_id(),
            sku=spec.sku,
            name=spec.name,
            description=spec.description,
            price=Money(spec.price_minor, outlet.currency),
            stock=spec.stock,
            photo=spec.photo,
            tags=tuple(spec.tags),
            active=True,
        )
        new += await store.seed(work, outlet.id, product, position)
    return new


async def apply_products(work: Work, calls: Sequence[Call[Any]]) -> list[ProductsApplied]:
    """Handle ``ApplyProducts``: they are few, and each is another outlet's."""
    return [await _apply(work, call.outlet_id, call.request.products) for call in calls]


async def _apply(work: Work, outlet_id: UUID, specs: Sequence[ProductSpec]) -> ProductsApplied:
    outlet = (await outlets.find(work, [outlet_id]))[0]
    added = await seed(work, outlet, specs)
    listed = (await store.products(work, [outlet_id]))[outlet_id]
    differs = {
        c.field.split(".")[1] for c in changes(specs, listed) if "." in c.field and not c.kept
    }
    known = await store.lock(work, [(outlet_id, product.id) for product in listed])
    ids = {product.sku: product.id for product in known.values()}
    await store.describe(work, outlet_id, [(ids[spec.sku], spec) for spec in specs])
    work.notify([f"outlet {outlet_id.hex}"])
    return ProductsApplied(added, len(differs))


PHOTO = re.compile(r"(/media/[0-9a-f]{32}/[A-Za-z0-9_-]{22})?")  # an address that media gives
Check = Callable[[Any], Refusal | None]
Write = Callable[[Work, Mapping[Key, Any]], Awaitable[None]]


async def _change(
    work: Work, calls: Sequence[Call[Any]], field: str, check: Check, write: Write
) -> list[Changed | Refusal]:
    """Lock what the calls name, refuse what does not fit, and write the rest at once."""
    keys = [(call.outlet_id, call.request.product_id) for call in calls]
    known = await store.lock(work, keys)
    answers: list[Changed | Refusal] = []
    values: dict[tuple[UUID, UUID], Any] = {}
    for call, key in zip(calls, keys, strict=True):
        value = getattr(call.request, field)
        problem = check(value)
        if key not in known:
            answers.append(NoSuchProduct())
        elif problem is not None:
            answers.append(problem)
        else:
            values[key] = value
            answers.append(Changed(known[key].sku))
    await write(work, values)
    work.notify(f"outlet {outlet.hex}" for outlet, _ in keys)
    return answers


async def set_price(work: Work, calls: Sequence[Call[Any]]) -> list[Changed | Refusal]:
    """Handle ``SetPrice``; orders that were placed keep their prices."""

    def check(value: int) -> Refusal | None:
        return None if 0 <= value <= MINOR_MAX else PriceNotValid()

    return await _change(work, calls, "price_minor", check, store.set_prices)


async def set_stock(work: Work, calls: Sequence[Call[Any]]) -> list[Changed | Refusal]:
    """Handle ``SetStock``."""

    def check(value: int | None) -> Refusal | None:
        return None if value is None or 0 <= value <= STOCK_MAX else StockNotValid()

    return await _change(work, calls, "stock", check, store.set_stocks)


async def set_photo(work: Work, calls: Sequence[Call[Any]]) -> list[Changed | Refusal]:
    """Handle ``SetPhoto``."""

    def check(value: str) -> Refusal | None:
        return None if PHOTO.fullmatch(value) else PhotoNotValid()

    return await _change(work, calls, "photo", check, store.set_photos)


async def set_active(work: Work, calls: Sequence[Call[Any]]) -> list[Changed | Refusal]:
    """Handle ``SetActive``."""

    def check(_value: bool) -> Refusal | None:  # noqa: FBT001 - the shape of a check
        return None

    return await _change(work, calls, "active", check, store.set_actives)
