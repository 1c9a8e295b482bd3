"""Topics: each message of the product's own has one that exists, with as many values as told."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from chatworks.broadcasts.core import TOPIC
from chatworks.channels.topics import TOPICS, problem, variables
from chatworks.orders.core import TOLD_TEXTS, TOLD_TOPICS
from chatworks.orders.models import Status


def test_every_topic_is_told_and_named_as_a_broadcast_may_name_it() -> None:
    assert all(re.fullmatch(TOPIC, name) for name in TOPICS)
    assert len(TOPICS) == 11
    assert all(topic.about and name == topic.name for name, topic in TOPICS.items())


def test_the_how_to_names_every_topic_with_its_variables() -> None:
    page = Path(__file__).parents[2] / "docs" / "howto" / "connect-whatsapp-twilio.md"
    row = re.compile(r"^\| `([a-z-]+)` \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)
    told = [
        (name, about, re.findall(r"`{{\d}}` ([^,]+)", filled))
        for name, about, filled in row.findall(page.read_text("utf-8"))
    ]
    assert told == [(t.name, t.about, list(t.values)) for t in TOPICS.values()]


def test_what_customers_are_told_of_orders_has_a_topic() -> None:
    assert TOLD_TOPICS.keys() == TOLD_TEXTS.keys()
    assert {TOLD_TOPICS[status] for status in TOLD_TEXTS} < TOPICS.keys()
    assert TOPICS[TOLD_TOPICS[Status.CANCELLED]].values == ("the order’s number", "why")


@pytest.mark.parametrize(
    ("topic", "body", "wrong"),
    [
        ("order-accepted", "Order {{1}} is accepted.", ""),
        ("order-accepted", "Good news, it is accepted.", ""),
        (
            "order-accepted",
            "Order {{1}} is accepted: {{ 2 }}!",
            "“order-accepted” fills no more variables than {{1}} the order’s number",
        ),
        ("order-cancelled", "Order {{1}} was cancelled: {{2}}.", ""),
        ("reopen", "News: {{1}}, {{2}}, {{3}} and more.", ""),  # lines fill it
        ("easter", "{{1}} {{2}}", ""),  # a broadcast's own
    ],
)
def test_a_template_has_no_variable_that_its_topic_does_not_fill(
    topic: str, body: str, wrong: str
) -> None:
    assert problem(topic, body) == wrong


def test_variables_are_counted_by_their_highest_number() -> None:
    assert [variables(body) for body in ("none", "{{2}} {{1}}", "{{ 3 }}")] == [0, 2, 3]
