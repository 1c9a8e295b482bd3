"""A walk through an applet shows what it says, with answers that are made up."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from chatworks.kit.money import Money
from chatworks.sdk.applet import load
from chatworks.sdk.walk import NOW, sample, walk


@dataclass(frozen=True)
class Thing:
    """Something of every kind."""

    id: UUID
    title: str
    price: Money
    left: int | None
    tags: tuple[str, ...]
    at: datetime
    names: dict[str, str]


def test_a_sample_is_of_the_type() -> None:
    first, second, *_ = sample(list[Thing])

    assert first == Thing(
        UUID(int=1),
        "Sample 1",
        Money(20_000, "KES"),
        3,
        ("Sample 1", "Sample 2", "Sample 3", "Sample 4"),
        NOW,
        {"en": "Sample 1"},
    )
    assert second.title == "Sample 2"


def test_the_water_order_is_walked_to_its_end() -> None:
    loaded = load("chatworks.applets.water")

    said = [message.text or message.card.title for message in walk(loaded, "order") if message]

    assert said[0] == "Which bottle would you like?"
    assert any(text.startswith("How many?") for text in said)
    assert len(said) >= 7


def test_every_command_of_every_applet_can_be_walked() -> None:
    for package in ("chatworks.applets.water", "chatworks.applets.staff"):
        loaded = load(package)
        for command in loaded.applet.functions:
            assert walk(loaded, command, language="sw")
