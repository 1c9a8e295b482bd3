"""The life of an order as data, and its sums. Pure."""

from __future__ import annotations

from chatworks.channels import topics
from chatworks.commands.models import ActorKind
from chatworks.orders.models import Status

# From where an actor may move an order to where.
MOVES: dict[ActorKind, dict[Status, frozenset[Status]]] = {
    ActorKind.CUSTOMER: {
        Status.PLACED: frozenset({Status.CANCELLED}),
    },
    ActorKind.OPERATOR: {
        Status.PLACED: frozenset({Status.ACCEPTED, Status.CANCELLED}),
        Status.ACCEPTED: frozenset({Status.OUT_FOR_DELIVERY, Status.CANCELLED}),
        Status.OUT_FOR_DELIVERY: frozenset({Status.DELIVERED, Status.CANCELLED}),
    },
}

STATUS_TEXTS = {
    Status.PLACED: "Waiting for the shop",
    Status.ACCEPTED: "Accepted, being prepared",
    Status.OUT_FOR_DELIVERY: "Out for delivery",
    Status.DELIVERED: "Delivered",
    Status.CANCELLED: "Cancelled",
}

TOLD_TEXTS = {
    Status.ACCEPTED: "Good news: order {number} is accepted. We are preparing it.",
    Status.OUT_FOR_DELIVERY: "Order {number} is out for delivery. Please keep your phone near.",
    Status.DELIVERED: "Order {number} is delivered. Thank you!",
    Status.CANCELLED: "Order {number} was cancelled by the shop: {reason}",
}

# What a template says of it outside of a messenger's window.
TOLD_TOPICS = {
    Status.ACCEPTED: topics.ORDER_ACCEPTED,
    Status.OUT_FOR_DELIVERY: topics.ORDER_OUT_FOR_DELIVERY,
    Status.DELIVERED: topics.ORDER_DELIVERED,
    Status.CANCELLED: topics.ORDER_CANCELLED,
}


def moves(actor: ActorKind, status: Status) -> frozenset[Status]:
    """Return where ``actor`` may move an order that is at ``status``."""
    return MOVES.get(actor, {}).get(status, frozenset())
