"""How a product, a cart, an order, an invoice and a receipt read as a card. Pure."""

from __future__ import annotations

from babel.dates import format_datetime

from chatworks.kit.money import Money
from chatworks.sdk.commerce import Cart, Invoice, Item, OrderSheet, Product
from chatworks.sdk.inputs import SDK_TEXTS
from chatworks.sdk.messages import Card, Commerce, Line


def card_of(shown: Commerce, language: str) -> Card:
    """Return the card that says everything ``shown`` does, in ``language``."""
    match shown:
        case Product():
            price = shown.price.show(language)
            return Card(shown.title, price, footer=shown.description, photo=shown.photo)
        case Cart():
            title = SDK_TEXTS.text(language, "Your cart")
            return Card(
                title, lines=(*_lines(shown.items, language), _total(shown.total, language))
            )
        case OrderSheet():
            title = SDK_TEXTS.text(language, "Order {number}", number=shown.number)
            items = _lines((*shown.items, *shown.fees), language)
            lines = (*items, _total(shown.total, language))
            return Card(title, shown.status, lines, footer=shown.deliver_to)
        case Invoice():
            title = SDK_TEXTS.text(language, "Invoice {number}", number=shown.number)
            lines = (*_lines(shown.items, language), _total(shown.total, language))
            footer = "\n".join(part for part in (shown.description, shown.pay_url) if part)
            return Card(title, shown.title, lines, footer, shown.photo)
        case _:
            title = SDK_TEXTS.text(language, "Receipt {number}", number=shown.number)
            paid = str(format_datetime(shown.paid_at, "d MMMM y, HH:mm", locale=language))
            lines = (*_lines(shown.items, language), _total(shown.total, language))
            return Card(title, paid, lines, footer=shown.paid_with)


def _lines(items: tuple[Item, ...], language: str) -> tuple[Line, ...]:
    return tuple(
        Line(i.title if i.count == 1 else f"{i.count} × {i.title}", i.total.show(language))
        for i in items
    )


def _total(total: Money, language: str) -> Line:
    return Line(SDK_TEXTS.text(language, "Total"), total.show(language))
