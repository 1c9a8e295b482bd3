"""Things of trade that a message can show: a product, a cart, an order, an invoice, a receipt.

Each is data in its own right, so that a messenger with a native form of it (an invoice to pay, a
product of a catalogue) draws that; every other draws its ``card``. Amounts are ``Money``; words
around them are the SDK's own texts in the reader's language.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from chatworks.kit.money import Money


class Item(msgspec.Struct, frozen=True):
    """One position: how many of what, and what they cost together."""

    title: str
    count: int
    total: Money


class Product(msgspec.Struct, frozen=True, omit_defaults=True, tag="product"):
    """Something that an outlet sells. ``choice`` is the id that its button answers with."""

    id: str
    title: str
    price: Money
    description: str = ""
    photo: str = ""
    stock: int | None = None


class Cart(msgspec.Struct, frozen=True, tag="cart"):
    """What somebody is about to order."""

    items: tuple[Item, ...]
    total: Money


class OrderSheet(msgspec.Struct, frozen=True, omit_defaults=True, tag="order"):
    """An order as it stands; ``status`` is ready to be read."""

    number: str
    status: str
    items: tuple[Item, ...]
    total: Money
    fees: tuple[Item, ...] = ()
    deliver_to: str = ""


class Invoice(msgspec.Struct, frozen=True, omit_defaults=True, tag="invoice"):
    """Something to pay. ``reference`` comes back with the payment; ``pay_url`` is where it is paid
    outside of the messenger.
    """

    number: str
    title: str
    description: str
    items: tuple[Item, ...]
    total: Money
    reference: str
    pay_url: str = ""
    photo: str = ""


class Receipt(msgspec.Struct, frozen=True, omit_defaults=True, tag="receipt"):
    """Something that was paid, when, and how."""

    number: str
    items: tuple[Item, ...]
    total: Money
    paid_at: datetime
    paid_with: str = ""
