"""Handlers of orders: each takes many calls and answers each; what is expected never raises."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from babel.dates import format_datetime

from chatworks.catalog import store as catalog
from chatworks.catalog.models import NoSuchProduct, OutOfStock, Product
from chatworks.catalog.service import title
from chatworks.commands.models import ActorKind, Call
from chatworks.kit import cursors
from chatworks.kit.errors import Refusal
from chatworks.kit.money import MINOR_MAX, Money
from chatworks.kit.texts import Texts
from chatworks.kit.work import Work
from chatworks.orders import core, store
from chatworks.orders.models import (
    ADDRESS_LENGTH_MAX,
    COUNT_MAX,
    LINES_MAX,
    NAME_LENGTH_MAX,
    REASON_LENGTH_MAX,
    DeliveryQuote,
    LastDetails,
    ListOrders,
    Moved,
    NoSuchPage,
    NotDelivered,
    NotYourOrder,
    Order,
    OrderMoved,
    OrderNotValid,
    OrderPage,
    OrderPlaced,
    OrderStep,
    OrderView,
    OutletClosed,
    Placed,
    PlacedLine,
    PlaceOrder,
    ReasonNeeded,
    Status,
    TooLate,
)
from chatworks.orders.store import NewOrder, Row, Step
from chatworks.outlets import store as outlets
from chatworks.outlets.core import area_of, opening
from chatworks.outlets.models import Area, Outlet
from chatworks.sdk.messages import Place

TEXTS = Texts.load("chatworks.orders")


async def _outlets(work: Work, calls: Sequence[Call[Any]]) -> dict[UUID, Outlet]:
    found = await outlets.find(work, sorted({call.outlet_id for call in calls}))
    return {outlet.id: outlet for outlet in found}


def _opens(outlet: Outlet, call: Call[Any], work: Work) -> str | None:
    """Return None where the outlet is open, else when it opens, as its customer reads it."""
    state = opening(outlet.hours, outlet.timezone, work.now)
    if state.open:
        return None
    language = call.origin.language if call.origin else "en"
    if state.opens_at is None:
        return "—"
    return str(format_datetime(state.opens_at, "EEEE, HH:mm", locale=language))


async def check_delivery(work: Work, calls: Sequence[Call[Any]]) -> list[DeliveryQuote]:
    """Handle ``CheckDelivery``."""
    known = await _outlets(work, calls)
    answers = []
    for call in calls:
        outlet = known[call.outlet_id]
        opens = _opens(outlet, call, work)
        place = call.request.place
        area = None if place is None else area_of(outlet.delivery, place)
        answers.append(
            DeliveryQuote(
                open=opens is None,
                opens=opens or "",
                delivers=place is None or area is not None,
                area=area.name if area else "",
                fee=Money(area.fee_minor if area else 0, outlet.currency),
            )
        )
    return answers


async def place_orders(work: Work, calls: Sequence[Call[Any]]) -> list[Placed | Refusal]:
    """Handle ``PlaceOrder``: decide in the order of the calls, on stock that is locked."""
    known = await _outlets(work, calls)
    keys = {(c.outlet_id, line.product_id) for c in calls for line in c.request.lines}
    products = await catalog.lock(work, keys)
    stocks = {key: product.stock for key, product in products.items()}
    answers: list[Placed | Refusal] = []
    new: list[NewOrder] = []
    areas: list[Area] = []
    for call in calls:
        outlet = known[call.outlet_id]
        area = area_of(outlet.delivery, call.request.deliver_to)
        refusal = _refusal(work, call, outlet, area) or _take(call, products, stocks)
        if refusal is not None or area is None or call.origin is None:
            answers.append(refusal or NotDelivered(call.request.deliver_to.address))
            continue
        new.append(_sell(work, call, products, Money(area.fee_minor, outlet.currency)))
        areas.append(area)
        answers.append(new[-1].placed)
    if new:
        await _write(work, new, areas, products, stocks)
        numbered = iter(order.placed for order in new)
        answers = [a if isinstance(a, Refusal) else next(numbered) for a in answers]
    return answers


def _refusal(work: Work, call: Call[Any], outlet: Outlet, area: Area | None) -> Refusal | None:
    request: PlaceOrder = call.request
    opens = _opens(outlet, call, work)
    if opens is not None:
        return OutletClosed(opens)
    if area is None:
        return NotDelivered(request.deliver_to.address)
    limits = {
        ("lines", f"1 to {LINES_MAX}"): 0 < len(request.lines) <= LINES_MAX,
        ("count", f"1 to {COUNT_MAX}"): all(0 < x.count <= COUNT_MAX for x in request.lines),
        ("name", f"1 to {NAME_LENGTH_MAX} characters"): 0 < len(request.name) <= NAME_LENGTH_MAX,
        ("address", f"at most {ADDRESS_LENGTH_MAX} characters"): (
            len(request.deliver_to.address) <= ADDRESS_LENGTH_MAX
        ),
        ("payment", "on_delivery"): request.payment == "on_delivery",
    }
    return next((OrderNotValid(*limit) for limit, kept in limits.items() if not kept), None)


def _take(
    call: Call[Any],
    products: dict[tuple[UUID, UUID], Product],
    stocks: dict[tuple[UUID, UUID], int | None],
) -> Refusal | None:
    """Take the lines off the running stock, all of them or none."""
    wanted: Counter[tuple[UUID, UUID]] = Counter()
    for line in call.request.lines:
        wanted[call.outlet_id, line.product_id] += line.count
    language = call.origin.language if call.origin else "en"
    for key, count in wanted.items():
        product = products.get(key)
        if product is None or not product.active:
            return NoSuchProduct()
        left = stocks[key]
        if left is not None and left < count:
            return OutOfStock(title(product, language), left)
    for key, count in wanted.items():
        left = stocks[key]
        if left is not None:
            stocks[key] = left - count
    return None


def _sell(
    work: Work, call: Call[Any], products: dict[tuple[UUID, UUID], Product], fee: Money
) -> NewOrder:
    """Make the order at the locked prices; its number is drawn later, for all at once."""
    origin = call.origin
    assert origin is not None  # noqa: S101 - the caller has refused calls without a conversation
    lines = tuple(
        PlacedLine(title(product, origin.language), line.count, product.price)
        for line in call.request.lines
        for product in (products[call.outlet_id, line.product_id],)
    )
    goods = sum((line.price * line.count for line in lines), start=Money(0, fee.currency))
    placed = Placed(work.new_id(), 0, goods, fee, goods + fee, lines)
    ids = tuple(line.product_id for line in call.request.lines)
    return NewOrder(
        call.outlet_id,
        origin.conversation_id,
        origin.contact_id,
        origin.language,
        call.request,
        placed,
        ids,
    )


async def _write(
    work: Work,
    new: list[NewOrder],
    areas: Sequence[Area],
    products: dict[tuple[UUID, UUID], Product],
    stocks: dict[tuple[UUID, UUID], int | None],
) -> None:
    counts = Counter(order.outlet_id for order in new)
    numbers = await store.next_numbers(work, {key: counts[key] for key in sorted(counts)})
    for index, order in enumerate(new):
        placed = order.placed
        number = numbers[order.outlet_id]
        numbers[order.outlet_id] += 1
        numbered = Placed(
            placed.order_id, number, placed.goods, placed.delivery, placed.total, placed.lines
        )
        new[index] = NewOrder(
            order.outlet_id,
            order.conversation_id,
            order.contact_id,
            order.language,
            order.request,
            numbered,
            order.product_ids,
        )
        work.publish(OrderPlaced(order.outlet_id, numbered, areas[index].name))
    changed = {k: left for k, left in stocks.items() if left != products[k].stock}
    await catalog.set_stocks(work, changed)
    await store.add(work, new)
    await store.add_steps(
        work,
        [
            Step(o.outlet_id, o.placed.order_id, Status.PLACED, "customer", o.contact_id.hex, "")
            for o in new
        ],
    )


async def my_orders(work: Work, calls: Sequence[Call[Any]]) -> list[list[OrderView]]:
    """Handle ``MyOrders``."""
    askers = [
        (call.outlet_id, call.origin.contact_id, min(call.request.limit, LINES_MAX))
        for call in calls
        if call.origin is not None
    ]
    answers: list[list[OrderView]] = [[] for _ in calls]
    for n, order_id, number, status, minor, currency, placed_at in await store.mine(work, askers):
        call = calls[n - 1]
        language = call.origin.language if call.origin else "en"
        answers[n - 1].append(
            OrderView(
                order_id,
                number,
                status,
                TEXTS.text(language, core.STATUS_TEXTS[Status(status)]),
                Money(minor, currency),
                Status.CANCELLED in core.moves(ActorKind.CUSTOMER, Status(status)),
                placed_at,
            )
        )
    return answers


async def last_delivery(work: Work, calls: Sequence[Call[Any]]) -> list[LastDetails | None]:
    """Handle ``LastDelivery``."""
    askers = [(c.outlet_id, c.origin.contact_id) for c in calls if c.origin is not None]
    answers: list[LastDetails | None] = [None for _ in calls]
    for n, name, phone, address, latitude, longitude in await store.last(work, askers):
        place = Place(latitude, longitude, address or "")
        answers[n - 1] = LastDetails(name, phone or "", place)
    return answers


async def list_orders(work: Work, calls: Sequence[Call[Any]]) -> list[OrderPage | Refusal]:
    """Handle ``ListOrders``: few, and each reads a bounded page by its own index."""
    answers: list[OrderPage | Refusal] = []
    for call in calls:
        asked: ListOrders = call.request
        place = cursors.read(asked.cursor, tuple[int]) if asked.cursor else (MINOR_MAX,)
        if place is None or abs(place[0]) > MINOR_MAX:
            answers.append(NoSuchPage())
            continue
        rows = await store.page(work, call.outlet_id, place[0], asked.limit)
        more = cursors.show(rows[-1].number) if len(rows) == asked.limit else ""
        answers.append(OrderPage(rows, more))
    return answers


async def get_orders(work: Work, calls: Sequence[Call[Any]]) -> list[Order | Refusal]:
    """Handle ``GetOrder``: few, as a program asks for one at a time."""
    return [await _order(work, call.outlet_id, call.request.order_id) for call in calls]


async def _order(work: Work, outlet_id: UUID, order_id: UUID) -> Order | Refusal:
    found = await store.detail(work, outlet_id, order_id)
    if found is None:
        return NotYourOrder()
    currency = found["currency"]
    lines = [
        PlacedLine(line["name"], line["count"], Money(line["price_minor"], currency))
        for line in found["lines"]
    ]
    steps = [
        OrderStep(Status(step["status"]), step["actor_kind"], step["reason"] or "", step["at"])
        for step in found["steps"]
    ]
    return Order(
        order_id=order_id,
        number=found["number"],
        status=Status(found["status"]),
        goods=Money(found["goods_minor"], currency),
        delivery=Money(found["delivery_minor"], currency),
        total=Money(found["total_minor"], currency),
        payment=found["payment"],
        customer_name=found["customer_name"] or "",
        customer_phone=found["customer_phone"] or "",
        deliver_to=Place(found["latitude"], found["longitude"], found["address"] or ""),
        conversation_id=found["conversation_id"],
        placed_at=found["placed_at"],
        lines=lines,
        steps=steps,
    )


async def cancel_orders(work: Work, calls: Sequence[Call[Any]]) -> list[Moved | Refusal]:
    """Handle ``CancelOrder``."""
    return await _move(work, calls, [Status.CANCELLED] * len(calls))


async def move_orders(work: Work, calls: Sequence[Call[Any]]) -> list[Moved | Refusal]:
    """Handle ``MoveOrder``."""
    return await _move(work, calls, [call.request.to for call in calls])


async def _move(
    work: Work, calls: Sequence[Call[Any]], targets: Sequence[Status]
) -> list[Moved | Refusal]:
    keys = [(call.outlet_id, call.request.order_id) for call in calls]
    rows = await store.lock(work, keys)
    now_at = {key: row.status for key, row in rows.items()}
    moved: dict[tuple[UUID, UUID], tuple[Status, str]] = {}
    answers: list[Moved | Refusal] = []
    steps: list[Step] = []
    for call, key, to in zip(calls, keys, targets, strict=True):
        row = rows.get(key)
        reason = call.request.reason.strip()[:REASON_LENGTH_MAX]
        refusal = _move_refusal(call, row, None if row is None else now_at[key], to)
        if refusal is not None or row is None:
            answers.append(refusal or NotYourOrder())
            continue
        now_at[key] = to
        moved[key] = (to, reason)
        steps.append(Step(*key, to, call.actor.kind.value, call.actor.id, reason))
        work.publish(_fact(call, row, to, reason))
        answers.append(Moved(row.number, to.value))
    if moved:
        await store.move(work, moved)
        await store.add_steps(work, steps)
        await _give_back(work, [key for key, (to, _) in moved.items() if to is Status.CANCELLED])
        work.notify(f"outlet {outlet.hex}" for outlet, _ in moved)
    return answers


def _move_refusal(
    call: Call[Any], row: Row | None, status: Status | None, to: Status
) -> Refusal | None:
    if row is None or status is None:
        return NotYourOrder()
    if call.actor.kind is ActorKind.CUSTOMER and row.contact_id.hex != call.actor.id:
        return NotYourOrder()
    if to not in core.moves(call.actor.acts_as, status):
        return TooLate(row.number, status.value)
    operator = call.actor.acts_as is ActorKind.OPERATOR
    if operator and to is Status.CANCELLED and not call.request.reason.strip():
        return ReasonNeeded()
    return None


def _fact(call: Call[Any], row: Row, to: Status, reason: str) -> OrderMoved:
    return OrderMoved(
        outlet_id=row.outlet_id,
        order_id=row.id,
        conversation_id=row.conversation_id,
        number=row.number,
        status=to,
        language=row.language,
        reason=reason,
        told=call.actor.kind is not ActorKind.CUSTOMER,
    )


async def _give_back(work: Work, cancelled: Sequence[tuple[UUID, UUID]]) -> None:
    """Return the stock of cancelled orders. Orders are locked before products, everywhere."""
    if not cancelled:
        return
    lines = await store.lines_of(work, cancelled)
    back: Counter[tuple[UUID, UUID]] = Counter()
    for outlet_id, _order, product_id, _name, count, _price in lines:
        back[outlet_id, product_id] += count
    products = await catalog.lock(work, back)
    await catalog.set_stocks(
        work,
        {
            key: product.stock + back[key]
            for key, product in products.items()
            if product.stock is not None
        },
    )
