"""Orders, the requests about them, and the facts that they publish."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from msgspec import Meta

from chatworks.commands.models import Command, Query
from chatworks.kit.datamap import Basis, DataMap, Erasure, Personal, operational
from chatworks.kit.errors import Refusal
from chatworks.kit.money import Money
from chatworks.sdk.messages import Place

COUNT_MAX = 1000
LINES_MAX = 20
REASON_LENGTH_MAX = 300
NAME_LENGTH_MAX = 80
ADDRESS_LENGTH_MAX = 1000
FIRST_NUMBER = 1001
PAGE_MAX = 100


class Status(StrEnum):
    """Where an order stands."""

    PLACED = "placed"
    ACCEPTED = "accepted"
    OUT_FOR_DELIVERY = "out_for_delivery"
    DELIVERED = "delivered"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class DeliveryQuote:
    """Whether, where and for how much a place is served now."""

    open: bool
    opens: str
    delivers: bool
    area: str
    fee: Money


@dataclass(frozen=True, slots=True)
class CheckDelivery(Query[DeliveryQuote]):
    """Is the outlet open, and does it deliver to ``place``? Without one only the hours count."""

    place: Place | None = None


@dataclass(frozen=True, slots=True)
class LineRequest:
    """How many of which product."""

    product_id: UUID
    count: int


@dataclass(frozen=True, slots=True)
class PlacedLine:
    """A line as it was sold."""

    title: str
    count: int
    price: Money


@dataclass(frozen=True, slots=True)
class Placed:
    """An order that was placed. ``price`` of a line is for one piece."""

    order_id: UUID
    number: int
    goods: Money
    delivery: Money
    total: Money
    lines: tuple[PlacedLine, ...]


@dataclass(frozen=True, slots=True)
class PlaceOrder(Command[Placed]):
    """Buy at today's prices; stock is taken at once."""

    lines: tuple[LineRequest, ...]
    deliver_to: Place
    name: str
    phone: str
    payment: str = "on_delivery"


@dataclass(frozen=True, slots=True)
class OrderView:
    """An order as its customer sees it."""

    order_id: UUID
    number: int
    status: str
    status_text: str
    total: Money
    can_cancel: bool
    placed_at: datetime


@dataclass(frozen=True, slots=True)
class MyOrders(Query[list[OrderView]]):
    """The customer's own latest orders, newest first."""

    limit: int = 5


@dataclass(frozen=True, slots=True)
class LastDetails:
    """Who took the last delivery, and where."""

    name: str
    phone: str
    place: Place


@dataclass(frozen=True, slots=True)
class LastDelivery(Query[LastDetails | None]):
    """The name, phone and place of the customer's last order, to offer them again."""


@dataclass(frozen=True, slots=True)
class OrderRow:
    """An order as the outlet lists it."""

    order_id: UUID
    number: int
    status: Status
    total: Money
    customer_name: str
    conversation_id: UUID
    placed_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class OrderPage:
    """Some orders, and where the list goes on; "" at its end."""

    orders: list[OrderRow]
    next: str


@dataclass(frozen=True, slots=True)
class ListOrders(Query[OrderPage]):
    """The outlet's orders, the newest first. ``cursor`` is the ``next`` of the page before."""

    cursor: str = ""
    limit: Annotated[int, Meta(ge=1, le=PAGE_MAX)] = 50


@dataclass(frozen=True, slots=True)
class OrderStep:
    """Where an order went, when, and moved by which kind of actor."""

    status: Status
    actor_kind: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Order:
    """Everything about one order, as the outlet reads it."""

    order_id: UUID
    number: int
    status: Status
    goods: Money
    delivery: Money
    total: Money
    payment: str
    customer_name: str
    customer_phone: str
    deliver_to: Place
    conversation_id: UUID
    placed_at: datetime
    lines: list[PlacedLine]
    steps: list[OrderStep]


@dataclass(frozen=True, slots=True)
class GetOrder(Query[Order]):
    """One order of the outlet, with its lines and its history."""

    order_id: UUID


@dataclass(frozen=True, slots=True)
class Moved:
    """Where an order stands now."""

    number: int
    status: str


@dataclass(frozen=True, slots=True)
class CancelOrder(Command[Moved]):
    """The customer takes an own order back, while it is only placed."""

    order_id: UUID
    reason: str = ""


@dataclass(frozen=True, slots=True)
class MoveOrder(Command[Moved]):
    """An operator moves an order on, or cancels it with a reason."""

    order_id: UUID
    to: Status
    reason: str = ""


class OutletClosed(Refusal):
    """The outlet is closed; the argument says when it opens."""


class NotDelivered(Refusal):
    """The outlet does not deliver to this place."""


class TooLate(Refusal):
    """The order cannot go there from where it stands: its number and status."""


class NotYourOrder(Refusal):
    """There is no such order of this person in this outlet."""


class NoSuchPage(Refusal):
    """The cursor is none that a list of orders gave."""


class ReasonNeeded(Refusal):
    """An operator who cancels says why."""


class OrderNotValid(Refusal):
    """The order has a field that cannot be taken: its name and the limit."""


@dataclass(frozen=True, slots=True)
class OrderPlaced:
    """Fact: somebody ordered."""

    outlet_id: UUID
    placed: Placed
    area: str


@dataclass(frozen=True, slots=True)
class OrderMoved:
    """Fact: an order changed its status. ``told`` is False where the customer did it."""

    outlet_id: UUID
    order_id: UUID
    conversation_id: UUID
    number: int
    status: Status
    language: str
    reason: str
    told: bool


def _of_customer(category: str, purpose: str, *visible: str) -> Personal:
    return Personal(
        category=category,
        subject="contact_id",
        purpose=purpose,
        basis=Basis.CONTRACT,
        retention="order closed + 7 years",
        visible=("self", "operator", *visible),
        erasure=Erasure.PSEUDONYM,
    )


DATA_MAP: DataMap = {
    "outlet_counter": {
        "outlet_id": operational("tenant"),
        "name": operational("what is counted"),
        "value": operational("the last number"),
    },
    "sales_order": {
        "outlet_id": operational("tenant"),
        "id": operational("identifier"),
        "number": operational("what people call it"),
        "conversation_id": operational("where it was placed"),
        "contact_id": operational("by whom; the person is in contact"),
        "status": operational("where it stands"),
        "language": operational("what the customer reads"),
        "goods_minor": operational("sum of lines"),
        "delivery_minor": operational("fee"),
        "total_minor": operational("sum"),
        "currency": operational("of the sums"),
        "payment": operational("how it is paid"),
        "customer_name": _of_customer("user.name", "hand over the delivery", "driver"),
        "customer_phone": _of_customer(
            "user.contact.phone_number", "call about the delivery", "driver"
        ),
        "address": _of_customer("user.contact.address", "find the door", "driver"),
        "latitude": _of_customer("user.location.precise", "find the door", "driver"),
        "longitude": _of_customer("user.location.precise", "find the door", "driver"),
        "cancel_reason": operational("why it was cancelled, as the operator wrote it"),
        "placed_at": operational("when"),
        "updated_at": operational("when"),
    },
    "order_line": {
        "outlet_id": operational("tenant"),
        "order_id": operational("which order"),
        "line": operational("order of lines"),
        "product_id": operational("which product"),
        "name": operational("its name as sold"),
        "count": operational("how many"),
        "price_minor": operational("for one"),
    },
    "order_step": {
        "outlet_id": operational("tenant"),
        "order_id": operational("which order"),
        "step": operational("order of steps"),
        "status": operational("where it went"),
        "actor_kind": operational("who moved it"),
        "actor_id": operational("pseudonymous id"),
        "reason": operational("why"),
        "at": operational("when"),
    },
}
