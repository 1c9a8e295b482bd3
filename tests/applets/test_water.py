"""The water applet, without database or network."""

from __future__ import annotations

from typing import Any

import pytest

from chatworks.kit.errors import Invalid
from chatworks.sdk.applet import load
from chatworks.sdk.script import Script

OPEN = {
    "open": True,
    "opens": "",
    "delivers": True,
    "area": "Kilimani",
    "fee": {"minor": 10000, "currency": "KES"},
}
REFILL = {
    "id": "01900000-0000-7000-8000-000000000001",
    "sku": "W20",
    "title": "20 L refill",
    "price": {"minor": 25000, "currency": "KES"},
    "left": 9,
}
PRODUCTS = ("catalog.ListProducts", "answer", [REFILL])
CHECK = ("orders.CheckDelivery", "answer", OPEN)
NOBODY = ("orders.LastDelivery", "answer", None)


def ordering(*end: tuple[str, str, Any]) -> Script:
    script = Script("chatworks.applets.water", "order", [CHECK, PRODUCTS, CHECK, NOBODY, *end])
    script.expects("Which bottle would you like?", ["20 L refill · KES 250"])
    script.says("20l refill")
    script.expects("How many? (1 to 9)")
    script.says("2")
    script.expects(
        "Where shall we bring it? Send your location, or write the address with its area."
    )
    script.shares(-1.29, 36.78)
    script.expects("Is this right?", ["Yes", "No"])
    script.taps("Yes")
    script.expects("What name shall the driver ask for?")
    script.says("Amina")
    script.expects("Which phone number can the driver call?")
    script.says("0712345678")
    script.expects("How will you pay?", ["Cash or M-Pesa on delivery"])
    script.taps("Cash or M-Pesa on delivery")
    return script


def test_an_order() -> None:
    placed = {
        "order_id": "01900000-0000-7000-8000-000000000002",
        "number": 1001,
        "goods": {"minor": 50000, "currency": "KES"},
        "delivery": {"minor": 10000, "currency": "KES"},
        "total": {"minor": 60000, "currency": "KES"},
        "lines": [
            {"title": "20 L refill", "count": 2, "price": {"minor": 25000, "currency": "KES"}}
        ],
    }
    script = ordering(("orders.PlaceOrder", "answer", placed))

    script.expects("Order 1001")
    script.expects_end()


def test_somebody_was_faster() -> None:
    script = ordering(("orders.PlaceOrder", "refused", ["catalog.OutOfStock", ["20 L refill", 0]]))

    script.expects("Somebody was faster: of 20 L refill only 0 are left.")


def test_the_outlet_is_closed() -> None:
    closed = {**OPEN, "open": False, "opens": "Monday, 07:00"}
    script = Script(
        "chatworks.applets.water", "order", [("orders.CheckDelivery", "answer", closed)]
    )

    script.expects("We are closed now. We open on Monday, 07:00; please come back then.")
    script.expects_end()


def test_settings_are_refused_before_they_are_saved() -> None:
    water = load("chatworks.applets.water")

    with pytest.raises(Invalid, match=r"regex .* at `\$\.region`"):
        water.settings(b'{"region": "Kenya"}')
    with pytest.raises(Invalid, match="region is two capital letters, such as KE"):
        water.settings(b'{"region": "XX"}')
    with pytest.raises(Invalid, match="unknown field `colour`"):
        water.settings(b'{"colour": "blue"}')


def test_nothing_was_ordered_yet_in_swahili() -> None:
    script = Script(
        "chatworks.applets.water", "where", [("orders.MyOrders", "answer", [])], language="sw"
    )

    script.expects("Bado hujaagiza. Andika “agiza” kuanza.")
    script.expects_end()


def test_a_staff_chat_is_bound_by_its_code() -> None:
    bound = ("identity.BindStaffChat", "answer", {"operator_name": "Joy"})
    script = Script("chatworks.applets.staff", "staff", [bound], arguments="AB12CD34")

    script.expects("Done, Joy: new orders are announced here.")
    script.expects_end()
