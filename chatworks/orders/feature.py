"""What orders offer."""

from __future__ import annotations

from typing import Any

from chatworks.commands.models import Call, Registration, Trace
from chatworks.kit.feature import Feature
from chatworks.orders import jobs, service
from chatworks.orders.models import (
    DATA_MAP,
    CancelOrder,
    CheckDelivery,
    GetOrder,
    LastDelivery,
    ListOrders,
    MoveOrder,
    MyOrders,
    OrderMoved,
    OrderPlaced,
    PlaceOrder,
)

_CUSTOMER = frozenset({"customer"})
_OPERATOR = frozenset({"operator"})


def _trace_placed(_call: Call[Any], result: Any) -> Trace:
    details = {"number": result.number, "total_minor": result.total.minor}
    return Trace("order", result.order_id.hex, details)


def _trace_moved(call: Call[Any], result: Any) -> Trace:
    return Trace("order", call.request.order_id.hex, {"status": result.status})


FEATURE = Feature(
    name="orders",
    registrations=(
        Registration(
            CheckDelivery,
            service.check_delivery,
            frozenset({"customer", "operator"}),
            needs="orders.read",
        ),
        Registration(MyOrders, service.my_orders, _CUSTOMER),
        Registration(LastDelivery, service.last_delivery, _CUSTOMER),
        Registration(PlaceOrder, service.place_orders, _CUSTOMER, _trace_placed),
        Registration(CancelOrder, service.cancel_orders, _CUSTOMER, _trace_moved),
        Registration(MoveOrder, service.move_orders, _OPERATOR, _trace_moved, needs="orders.write"),
        Registration(ListOrders, service.list_orders, _OPERATOR, needs="orders.read"),
        Registration(GetOrder, service.get_orders, _OPERATOR, needs="orders.read"),
    ),
    subscribers={OrderPlaced: (jobs.alert_staff,), OrderMoved: (jobs.tell_customers,)},
    data_map=DATA_MAP,
)
