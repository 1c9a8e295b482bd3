"""Orders: sums, limits, the one last bottle, and a life that only takes legal steps."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatworks.catalog.models import OutOfStock
from chatworks.commands.models import Actor, ActorKind, Call, Origin
from chatworks.house import House
from chatworks.kit.errors import Refusal
from chatworks.kit.ids import uuid7
from chatworks.orders import core
from chatworks.orders.models import (
    CancelOrder,
    LineRequest,
    MoveOrder,
    NotDelivered,
    Placed,
    PlaceOrder,
    ReasonNeeded,
    Status,
    TooLate,
)
from chatworks.sdk.messages import Place

KILIMANI = Place(-1.2921, 36.7836)


class Shop:
    """MajiPro with two customers who have a conversation each."""

    def __init__(self, house: House, url: str, outlet: UUID) -> None:
        self.house, self.url, self.outlet = house, url, outlet
        self.people: list[Origin] = []

    async def open(self) -> None:
        channel = (await self.house.directory.channels(self.outlet, "terminal"))[0]
        with psycopg.connect(self.url, autocommit=True) as conn:
            for n in range(4):
                contact, conversation = uuid7(self.house.clock), uuid7(self.house.clock)
                conn.execute(
                    "INSERT INTO contact (outlet_id, id, channel_id, vendor_id, language,"
                    " created_at) VALUES (%s, %s, %s, %s, 'en', now())",
                    [self.outlet, contact, channel.id, str(n)],
                )
                conn.execute(
                    "INSERT INTO conversation (outlet_id, id, channel_id, contact_id, thread,"
                    " thread_key, last_at, created_at)"
                    " VALUES (%s, %s, %s, %s, %s, %s, now(), now())",
                    [self.outlet, conversation, channel.id, contact, str(n), n],
                )
                self.people.append(Origin(conversation, contact, "en"))

    def sql(self, query: str, *values: Any) -> list[Any]:
        with psycopg.connect(self.url, autocommit=True) as conn:
            cursor = conn.execute(query, values)
            return cursor.fetchall() if cursor.description else []

    def product(self, sku: str) -> UUID:
        found: UUID = self.sql("SELECT id FROM product WHERE sku = %s", sku)[0][0]
        return found

    def call(self, person: int, request: Any, kind: ActorKind = ActorKind.CUSTOMER) -> Call[Any]:
        origin = self.people[person]
        actor_id = origin.contact_id.hex if kind is ActorKind.CUSTOMER else UUID(int=9).hex
        actor = Actor(kind, actor_id, "owner" if kind is ActorKind.OPERATOR else "")
        return Call(self.outlet, actor, request, origin)

    def order(self, person: int, sku: str, count: int = 1, place: Place = KILIMANI) -> Call[Any]:
        lines = (LineRequest(self.product(sku), count),)
        return self.call(person, PlaceOrder(lines, place, "Amina", "+254712345678"))

    async def run(self, *calls: Call[Any]) -> list[Any]:
        async with self.house.db.engine([self.outlet]) as work:
            return await self.house.dispatcher.run(work, calls)


@pytest.fixture
async def shop(house: House, database_url: str) -> Shop:
    outlet = (await house.directory.outlets())[0]
    made = Shop(house, database_url, outlet.id)
    await made.open()
    return made


async def test_sums_numbers_and_stock_are_exact(shop: Shop) -> None:
    first, second = await shop.run(shop.order(0, "W20-REFILL", 3), shop.order(1, "W5", 2))

    assert isinstance(first, Placed)
    assert (first.number, first.goods.minor, first.delivery.minor) == (1001, 75000, 10000)
    assert (second.number, second.total.minor, second.total.currency) == (1002, 32000, "KES")
    assert shop.sql("SELECT sku, stock FROM product WHERE sku IN ('W20-REFILL', 'W5')") == [
        ("W20-REFILL", 117),
        ("W5", 78),
    ]


async def test_the_last_bottle_goes_to_exactly_one_in_one_batch(shop: Shop) -> None:
    shop.sql("UPDATE product SET stock = 1 WHERE sku = 'W10'")

    first, second = await shop.run(shop.order(0, "W10"), shop.order(1, "W10"))

    assert isinstance(first, Placed)
    assert isinstance(second, OutOfStock)
    assert second.args == ("10 L bottle", 0)
    assert shop.sql("SELECT stock FROM product WHERE sku = 'W10'") == [(0,)]
    assert shop.sql("SELECT count(*) FROM sales_order") == [(1,)]


async def test_the_last_bottle_goes_to_exactly_one_whatever_the_timing(shop: Shop) -> None:
    for _ in range(20):
        shop.sql("UPDATE product SET stock = 1 WHERE sku = 'W10'")
        answers = await asyncio.gather(
            *(shop.run(shop.order(person, "W10")) for person in range(4))
        )
        kinds = sorted(type(answer).__name__ for (answer,) in answers)
        assert kinds == ["OutOfStock", "OutOfStock", "OutOfStock", "Placed"]
        assert shop.sql("SELECT stock FROM product WHERE sku = 'W10'") == [(0,)]
    assert shop.sql("SELECT count(*), count(DISTINCT number) FROM sales_order") == [(20, 20)]


async def test_a_refused_order_changes_nothing(shop: Shop) -> None:
    before = shop.sql("SELECT sku, stock FROM product ORDER BY sku")

    far, many = await shop.run(shop.order(0, "W5", 1, Place(0.0, 30.0)), shop.order(0, "W5", 5000))

    assert isinstance(far, NotDelivered)
    assert many.args == ("count", "1 to 1000")
    assert shop.sql("SELECT sku, stock FROM product ORDER BY sku") == before
    assert shop.sql("SELECT count(*) FROM sales_order") == [(0,)]
    assert shop.sql("SELECT count(*) FROM audit_leaf WHERE actor_id <> 'outlet file'") == [(0,)]


async def test_an_order_is_cancelled_while_that_is_allowed(shop: Shop) -> None:
    (placed,) = await shop.run(shop.order(0, "W5", 2))
    stranger, mine = (
        shop.call(1, CancelOrder(placed.order_id)),
        shop.call(0, CancelOrder(placed.order_id)),
    )

    refused, moved, again = await shop.run(stranger, mine, mine)

    assert type(refused).__name__ == "NotYourOrder"
    assert (moved.number, moved.status) == (1001, "cancelled")
    assert again.args == (1001, "cancelled")
    assert shop.sql("SELECT stock FROM product WHERE sku = 'W5'") == [(80,)]


async def test_an_operator_moves_an_order_and_says_why_it_is_cancelled(shop: Shop) -> None:
    (placed,) = await shop.run(shop.order(0, "W5"))

    def to(status: Status, reason: str = "") -> Call[Any]:
        return shop.call(0, MoveOrder(placed.order_id, status, reason), ActorKind.OPERATOR)

    answers = await shop.run(
        to(Status.DELIVERED),
        to(Status.ACCEPTED),
        to(Status.CANCELLED),
        to(Status.CANCELLED, "rain"),
    )

    assert isinstance(answers[0], TooLate)
    assert answers[1].status == "accepted"
    assert isinstance(answers[2], ReasonNeeded)
    assert answers[3].status == "cancelled"
    said = shop.sql("SELECT content->>'text' FROM message ORDER BY seq")
    assert said == [
        ("Good news: order 1001 is accepted. We are preparing it.",),
        ("Order 1001 was cancelled by the shop: rain",),
    ]
    steps = shop.sql("SELECT status, actor_kind, reason FROM order_step ORDER BY step")
    assert steps == [
        ("placed", "customer", None),
        ("accepted", "operator", None),
        ("cancelled", "operator", "rain"),
    ]


async def test_a_customer_may_not_give_an_operators_command(shop: Shop) -> None:
    (placed,) = await shop.run(shop.order(0, "W5"))

    (answer,) = await shop.run(shop.call(0, MoveOrder(placed.order_id, Status.ACCEPTED)))

    assert isinstance(answer, Refusal)
    assert answer.code == "commands.NotAllowed"
    assert shop.sql("SELECT status FROM sales_order") == [("placed",)]


@given(st.lists(st.tuples(st.sampled_from(list(ActorKind)), st.sampled_from(list(Status)))))
def test_only_legal_steps_are_ever_taken(wishes: list[tuple[ActorKind, Status]]) -> None:
    order = [Status.PLACED, Status.ACCEPTED, Status.OUT_FOR_DELIVERY, Status.DELIVERED]
    status = Status.PLACED
    for actor, wish in wishes:
        if wish in core.moves(actor, status):
            forward = wish in order and order.index(wish) == order.index(status) + 1
            assert forward or wish is Status.CANCELLED
            assert actor in {ActorKind.CUSTOMER, ActorKind.OPERATOR}
            status = wish
