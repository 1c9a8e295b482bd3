"""Topics: what the product's own messages are about, so that a template can say them.

A message that may leave when nobody has written for a while has a topic and, beside its text, the
``values`` that fill the variables of a template of that topic, ``{{1}}``, ``{{2}}`` …, in the order
told here. A topic without values of its own is filled with the lines of the message. What answers
somebody who wrote a moment ago needs no topic: no window is closed then. Broadcasts bring topics of
their own, which whoever writes them names.
"""

from __future__ import annotations

import re

import msgspec

REOPEN = "reopen"
ORDER_ACCEPTED = "order-accepted"
ORDER_OUT_FOR_DELIVERY = "order-out-for-delivery"
ORDER_DELIVERED = "order-delivered"
ORDER_CANCELLED = "order-cancelled"
ORDER_NEW = "order-new"
ANSWER = "answer"
APPS_JOINED = "apps-joined"
STAFF_CALLED = "staff-called"
STAFF_WARNED = "staff-warned"
OFFER = "offer"

SPOT = re.compile(r"\{\{\s*(\d+)\s*\}\}")  # a variable in a template's text


class Topic(msgspec.Struct, frozen=True):
    """When messages of a topic leave, and what their values are, in words for operators.

    Without ``values`` the lines of the message fill a template.
    """

    name: str
    about: str
    values: tuple[str, ...] = ()


TOPICS: dict[str, Topic] = {
    topic.name: topic
    for topic in (
        Topic(REOPEN, "asks the person to write; whatever no other template says waits for that"),
        Topic(ORDER_ACCEPTED, "the shop accepted an order", ("the order’s number",)),
        Topic(ORDER_OUT_FOR_DELIVERY, "an order is on its way", ("the order’s number",)),
        Topic(ORDER_DELIVERED, "an order was delivered", ("the order’s number",)),
        Topic(ORDER_CANCELLED, "the shop cancelled an order", ("the order’s number", "why")),
        Topic(
            ORDER_NEW,
            "tells staff of a new order",
            ("the order’s number", "the area", "the total"),
        ),
        Topic(ANSWER, "a person of the outlet answers, in words alone"),
        Topic(APPS_JOINED, "tells somebody that another app was joined with this one"),
        Topic(STAFF_CALLED, "tells staff that a customer asks for a person"),
        Topic(STAFF_WARNED, "tells staff what a messenger complains of", ("the complaint",)),
        Topic(OFFER, "a broadcast that names no topic of its own"),
    )
}


def variables(body: str) -> int:
    """Return how many variables a template's text has: the highest of its ``{{n}}``."""
    return max((int(n) for n in SPOT.findall(body)), default=0)


def problem(topic: str, body: str) -> str:
    """Return, for people, why a text does not fit a topic: it has more variables; "" if it does."""
    known = TOPICS.get(topic)
    if known is None or not known.values or variables(body) <= len(known.values):
        return ""
    told = ", ".join(f"{{{{{n}}}}} {value}" for n, value in enumerate(known.values, start=1))
    return f"“{topic}” fills no more variables than {told}"
