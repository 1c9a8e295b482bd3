"""How an outlet's products differ from those of its file. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from chatworks.catalog.models import Product
from chatworks.outlets.models import Change, ProductSpec

COUNTED = "sales count it down; edit it in the console"
UNNAMED = "the file does not name it"


def changes(specs: Sequence[ProductSpec], products: Sequence[Product]) -> list[Change]:
    """Return the differences, the file's products first; ``products`` are in their order."""
    known = {product.sku: product for product in products}
    found: list[Change] = []
    for spec in specs:
        if spec.sku in known:
            found += _of(spec, known[spec.sku])
        else:
            found.append(Change(f"products.{spec.sku}", None, _text(spec.name)))
    named = {spec.sku for spec in specs}
    then = [spec.sku for spec in specs if spec.sku in known]
    now = [product.sku for product in products if product.sku in named]
    if now != then:
        found.append(Change("products", ", ".join(now), ", ".join(then)))
    return found + [
        Change(f"products.{product.sku}", _text(product.name), None, kept=UNNAMED)
        for product in products
        if product.sku not in named
    ]


def _of(spec: ProductSpec, product: Product) -> list[Change]:
    pairs = {
        "name": (product.name, spec.name),
        "description": (product.description, spec.description),
        "price_minor": (product.price.minor, spec.price_minor),
        "photo": (product.photo, spec.photo),
        "tags": (list(product.tags), spec.tags),
        "stock": (product.stock, spec.stock),
    }
    return [
        Change(f"products.{spec.sku}.{field}", _text(now), _text(then), _kept(field))
        for field, (now, then) in pairs.items()
        if now != then
    ]


def _kept(field: str) -> str:
    return COUNTED if field == "stock" else ""


def _text(value: object) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
