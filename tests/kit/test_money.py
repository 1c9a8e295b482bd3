"""Money: exact, shown as people write it, read as people type it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatworks.kit.errors import Invalid
from chatworks.kit.money import MINOR_MAX, Money


def test_amounts_are_shown_without_needless_decimals() -> None:
    assert Money(25000, "KES").show("en") == "KES 250"
    assert Money(120050, "KES").show("en") == "KES 1,200.50"
    assert Money(500, "JPY").show("en") == "¥ 500"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("much", "is not an amount of KES"),
        ("1.005", "has more than 2 decimals"),
        ("-1", f"must be between 0 and {MINOR_MAX} minor units"),
        ("NaN", "is not an amount of KES"),
        ("1e999999", "is not an amount of KES"),
        ("250,50", "is not an amount of KES"),
        ("1,2,3", "is not an amount of KES"),
        ("1.200", "has more than 2 decimals"),
        ("9" * 5000, f"must be between 0 and {MINOR_MAX} minor units"),
    ],
)
def test_a_bad_amount_says_why(text: str, problem: str) -> None:
    with pytest.raises(Invalid) as refused:
        Money.read(text, "KES")

    assert refused.value.problem == problem


@given(st.integers(0, MINOR_MAX))
def test_what_is_written_is_read_back(minor: int) -> None:
    assert Money.read(f"{minor // 100}.{minor % 100:02}", "KES") == Money(minor, "KES")


def test_thousands_may_be_parted() -> None:
    written = ("1200.5", "1,200.50", "1 200.50", "KES 1,200.50")

    assert {Money.read(text, "KES") for text in written} == {Money(120050, "KES")}


def test_currencies_do_not_mix() -> None:
    with pytest.raises(ValueError, match="KES and USD cannot be mixed"):
        Money(1, "KES") + Money(1, "USD")
