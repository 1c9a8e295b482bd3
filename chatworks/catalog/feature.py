"""What the catalogue offers."""

from __future__ import annotations

from typing import Any

from chatworks.catalog import service
from chatworks.catalog.models import (
    DATA_MAP,
    AllProducts,
    ApplyProducts,
    ListProducts,
    SetActive,
    SetPhoto,
    SetPrice,
    SetStock,
)
from chatworks.commands.models import Call, Registration, Trace
from chatworks.kit.feature import Feature


def _trace(call: Call[Any], _result: object) -> Trace:
    details = {
        name: getattr(call.request, name)
        for name in ("price_minor", "stock", "photo", "active")
        if hasattr(call.request, name)
    }
    return Trace("product", call.request.product_id.hex, details)


def _trace_file(call: Call[Any], result: Any) -> Trace:
    details = {"added": result.added, "changed": result.changed}
    return Trace("outlet", call.outlet_id.hex, details)


_OPERATOR = frozenset({"operator"})

FEATURE = Feature(
    name="catalog",
    registrations=(
        Registration(
            ListProducts,
            service.list_products,
            frozenset({"customer", "operator", "system"}),
            needs="catalog.read",
        ),
        Registration(AllProducts, service.all_products, _OPERATOR, needs="catalog.read"),
        Registration(ApplyProducts, service.apply_products, frozenset({"platform"}), _trace_file),
        Registration(SetPrice, service.set_price, _OPERATOR, _trace, needs="catalog.write"),
        Registration(SetStock, service.set_stock, _OPERATOR, _trace, needs="catalog.write"),
        Registration(SetPhoto, service.set_photo, _OPERATOR, _trace, needs="catalog.write"),
        Registration(SetActive, service.set_active, _OPERATOR, _trace, needs="catalog.write"),
    ),
    data_map=DATA_MAP,
)
