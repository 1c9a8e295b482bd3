"""Products in the database."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec

from chatworks.catalog.models import LIST_MAX, Product
from chatworks.kit.db import load_queries
from chatworks.kit.money import Money
from chatworks.kit.work import Work
from chatworks.outlets.models import ProductSpec

QUERIES = load_queries(__package__)

Key = tuple[UUID, UUID]  # outlet, product


def _product(row: tuple[Any, ...]) -> Product:
    return Product(
        id=row[1],
        sku=row[2],
        name=row[3],
        description=row[4],
        price=Money(row[5], row[6]),
        stock=row[7],
        photo=row[8] or "",
        tags=tuple(row[9]),
        active=row[10],
    )


async def products(work: Work, outlets: Sequence[UUID]) -> dict[UUID, list[Product]]:
    """Return the products of each outlet, in the order of its list."""
    parameters = {"outlets": list(outlets), "limit": LIST_MAX * max(1, len(outlets))}
    cursor = await work.conn.execute(QUERIES["products"], parameters)
    found: dict[UUID, list[Product]] = {outlet: [] for outlet in outlets}
    for row in await cursor.fetchall():
        found[row[0]].append(_product(row))
    return found


async def lock(work: Work, keys: Iterable[Key]) -> dict[Key, Product]:
    """Lock products in the order of their keys, and return those that exist."""
    ordered = sorted(set(keys))
    parameters = {"outlets": [k[0] for k in ordered], "ids": [k[1] for k in ordered]}
    cursor = await work.conn.execute(QUERIES["lock"], parameters)
    return {(row[0], row[1]): _product(row) for row in await cursor.fetchall()}


async def _set(work: Work, query: str, column: str, values: Mapping[Key, object]) -> None:
    if values:
        await work.conn.execute(
            QUERIES[query],
            {
                "outlets": [key[0] for key in values],
                "ids": [key[1] for key in values],
                column: list(values.values()),
                "now": work.now,
            },
        )


async def set_stocks(work: Work, stocks: Mapping[Key, int | None]) -> None:
    """Write how many are left of locked products."""
    await _set(work, "set_stock", "stocks", stocks)


async def set_prices(work: Work, prices: Mapping[Key, int]) -> None:
    """Write prices of locked products."""
    await _set(work, "set_price", "prices", prices)


async def set_photos(work: Work, photos: Mapping[Key, str]) -> None:
    """Write the pictures of locked products."""
    await _set(work, "set_photo", "photos", photos)


async def set_actives(work: Work, actives: Mapping[Key, bool]) -> None:
    """Show or hide locked products."""
    await _set(work, "set_active", "actives", actives)


async def seed(work: Work, outlet_id: UUID, product: Product, position: int) -> bool:
    """Insert a product unless its sku is known; returns whether it was new."""
    cursor = await work.conn.execute(
        QUERIES["seed"],
        {
            "outlet_id": outlet_id,
            "id": product.id,
            "sku": product.sku,
            "name": msgspec.json.encode(product.name).decode(),
            "description": msgspec.json.encode(product.description).decode(),
            "price_minor": product.price.minor,
            "currency": product.price.currency,
            "stock": product.stock,
            "photo": product.photo,
            "tags": list(product.tags),
            "position": position,
            "now": work.now,
        },
    )
    return cursor.rowcount == 1


async def describe(
    work: Work, outlet_id: UUID, products: Sequence[tuple[UUID, ProductSpec]]
) -> None:
    """Write what a file says of locked products, in its order; their stock stays."""
    rows = [
        {
            "id": product_id,
            "name": spec.name,
            "description": spec.description,
            "price_minor": spec.price_minor,
            "photo": spec.photo,
            "tags": spec.tags,
            "position": position,
        }
        for position, (product_id, spec) in enumerate(products)
    ]
    parameters = {"outlet_id": outlet_id, "rows": msgspec.json.encode(rows).decode()}
    await work.conn.execute(QUERIES["describe"], {**parameters, "now": work.now})
