"""Orders in the database: many at a time for turns, one at a time for pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg.rows import dict_row

from chatworks.kit.db import load_queries
from chatworks.kit.money import Money
from chatworks.kit.work import Work
from chatworks.orders.models import FIRST_NUMBER, OrderRow, Placed, PlaceOrder, Status

QUERIES = load_queries(__package__)

Key = tuple[UUID, UUID]  # outlet, order


@dataclass(frozen=True, slots=True)
class NewOrder:
    """An order to insert."""

    outlet_id: UUID
    conversation_id: UUID
    contact_id: UUID
    language: str
    request: PlaceOrder
    placed: Placed
    product_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """An entry of an order's history."""

    outlet_id: UUID
    order_id: UUID
    status: Status
    actor_kind: str
    actor_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Row:
    """A locked order."""

    outlet_id: UUID
    id: UUID
    number: int
    conversation_id: UUID
    contact_id: UUID
    status: Status
    language: str


async def next_numbers(work: Work, counts: Mapping[UUID, int]) -> dict[UUID, int]:
    """Draw ``counts`` order numbers of each outlet; returns the first of each outlet's run."""
    parameters = {
        "outlets": list(counts),
        "counts": list(counts.values()),
        "first": FIRST_NUMBER,
    }
    cursor = await work.conn.execute(QUERIES["next_numbers"], parameters)
    return {outlet: last - counts[outlet] + 1 for outlet, last in await cursor.fetchall()}


async def add(work: Work, orders: Sequence[NewOrder]) -> None:
    """Insert orders and their lines."""
    await work.conn.execute(
        QUERIES["add_orders"],
        {
            "now": work.now,
            "outlets": [o.outlet_id for o in orders],
            "ids": [o.placed.order_id for o in orders],
            "numbers": [o.placed.number for o in orders],
            "conversations": [o.conversation_id for o in orders],
            "contacts": [o.contact_id for o in orders],
            "languages": [o.language for o in orders],
            "goods": [o.placed.goods.minor for o in orders],
            "deliveries": [o.placed.delivery.minor for o in orders],
            "currencies": [o.placed.total.currency for o in orders],
            "payments": [o.request.payment for o in orders],
            "names": [o.request.name for o in orders],
            "phones": [o.request.phone for o in orders],
            "addresses": [o.request.deliver_to.address or None for o in orders],
            "latitudes": [o.request.deliver_to.latitude for o in orders],
            "longitudes": [o.request.deliver_to.longitude for o in orders],
        },
    )
    rows = [
        (order, number, line, product)
        for order in orders
        for number, (line, product) in enumerate(
            zip(order.placed.lines, order.product_ids, strict=True), start=1
        )
    ]
    await work.conn.execute(
        QUERIES["add_lines"],
        {
            "outlets": [order.outlet_id for order, _, _, _ in rows],
            "orders": [order.placed.order_id for order, _, _, _ in rows],
            "lines": [number for _, number, _, _ in rows],
            "products": [product for _, _, _, product in rows],
            "names": [line.title for _, _, line, _ in rows],
            "counts": [line.count for _, _, line, _ in rows],
            "prices": [line.price.minor for _, _, line, _ in rows],
        },
    )


async def add_steps(work: Work, steps: Sequence[Step]) -> None:
    """Append to the orders' histories; the orders are locked or new."""
    await work.conn.execute(
        QUERIES["add_steps"],
        {
            "now": work.now,
            "outlets": [step.outlet_id for step in steps],
            "orders": [step.order_id for step in steps],
            "statuses": [step.status.value for step in steps],
            "kinds": [step.actor_kind for step in steps],
            "actors": [step.actor_id for step in steps],
            "reasons": [step.reason or None for step in steps],
        },
    )


def _keys(keys: Sequence[Key]) -> dict[str, list[UUID]]:
    return {"outlets": [key[0] for key in keys], "ids": [key[1] for key in keys]}


async def lock(work: Work, keys: Sequence[Key]) -> dict[Key, Row]:
    """Lock orders in the order of their keys."""
    cursor = await work.conn.execute(QUERIES["lock_orders"], _keys(sorted(set(keys))))
    return {
        (row[0], row[1]): Row(row[0], row[1], row[2], row[3], row[4], Status(row[5]), row[6])
        for row in await cursor.fetchall()
    }


async def lines_of(work: Work, keys: Sequence[Key]) -> list[tuple[Any, ...]]:
    """Return (outlet, order, product, name, count, price) of each line."""
    cursor = await work.conn.execute(QUERIES["lines_of"], _keys(keys))
    return await cursor.fetchall()


async def move(work: Work, moved: Mapping[Key, tuple[Status, str]]) -> None:
    """Write the new status and reason of locked orders."""
    await work.conn.execute(
        QUERIES["move"],
        {
            **_keys(list(moved)),
            "statuses": [status.value for status, _ in moved.values()],
            "reasons": [reason or None for _, reason in moved.values()],
            "now": work.now,
        },
    )


async def mine(work: Work, askers: Sequence[tuple[UUID, UUID, int]]) -> list[tuple[Any, ...]]:
    """Return rows of the latest orders of each (outlet, contact, limit), by its position."""
    cursor = await work.conn.execute(
        QUERIES["mine"],
        {
            "outlets": [asker[0] for asker in askers],
            "contacts": [asker[1] for asker in askers],
            "limits": [asker[2] for asker in askers],
        },
    )
    return await cursor.fetchall()


async def last(work: Work, askers: Sequence[tuple[UUID, UUID]]) -> list[tuple[Any, ...]]:
    """Return the last delivery's details of each (outlet, contact), by its position."""
    parameters = {"outlets": [a[0] for a in askers], "contacts": [a[1] for a in askers]}
    cursor = await work.conn.execute(QUERIES["last"], parameters)
    return await cursor.fetchall()


async def board(work: Work, outlet_id: UUID, limit: int = 100) -> list[dict[str, Any]]:
    """Return an outlet's orders for the console: open ones, the oldest first, then closed ones."""
    async with work.conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(QUERIES["board"], {"outlet_id": outlet_id, "limit": limit})
        return await cursor.fetchall()


async def page(work: Work, outlet_id: UUID, before: int, limit: int) -> list[OrderRow]:
    """Return the orders with numbers below ``before``, the newest first."""
    parameters = {"outlet_id": outlet_id, "before": before, "limit": limit}
    cursor = await work.conn.execute(QUERIES["page"], parameters)
    return [
        OrderRow(row[0], row[1], Status(row[2]), Money(row[3], row[4]), row[5] or "", *row[6:])
        for row in await cursor.fetchall()
    ]


async def detail(work: Work, outlet_id: UUID, order_id: UUID) -> dict[str, Any] | None:
    """Return one order with its lines and steps, or None."""
    parameters = {"outlet_id": outlet_id, "id": order_id}
    async with work.conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(QUERIES["detail"], parameters)
        order = await cursor.fetchone()
        if order is None:
            return None
        await cursor.execute(QUERIES["steps_of"], parameters)
        order["steps"] = await cursor.fetchall()
    rows = await lines_of(work, [(outlet_id, order_id)])
    order["lines"] = [{"name": row[3], "count": row[4], "price_minor": row[5]} for row in rows]
    return order
