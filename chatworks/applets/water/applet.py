"""Order bottled water: pick, say how many, share where, pay on delivery."""

from __future__ import annotations

from typing import Annotated

from chatworks.catalog.models import ListProducts, OutOfStock, ProductView
from chatworks.orders.models import (
    CancelOrder,
    CheckDelivery,
    DeliveryQuote,
    LastDelivery,
    LineRequest,
    MyOrders,
    NotDelivered,
    OrderView,
    OutletClosed,
    Placed,
    PlaceOrder,
    TooLate,
)
from chatworks.sdk import (
    Applet,
    Card,
    Chat,
    Config,
    Line,
    Meta,
    Place,
    location,
    phone,
    text,
    whole_number,
)

applet = Applet("water")

NAME_LENGTH_MAX = 60


class Settings(Config, frozen=True):
    """What the operator may set."""

    tag: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=40,
            title="Products",
            description="The tag of the products that are offered.",
        ),
    ] = "water"
    largest_order: Annotated[
        int,
        Meta(ge=1, le=1000, title="Largest order", description="Of one product at a time."),
    ] = 20
    region: Annotated[
        str,
        Meta(
            pattern="^[A-Z]{2}$",
            title="Country of phone numbers",
            description="Two letters (KE): how numbers without a country code are read.",
        ),
    ] = "KE"

    def __post_init__(self) -> None:
        """Refuse a region that no phone number has, before it is saved."""
        phone(self.region)


@applet.command("order", help="Order water")
async def order(chat: Chat[Settings]) -> None:
    """Take an order from the first bottle to the order card."""
    hours = await chat.do(CheckDelivery())
    if not hours.open:
        await chat.say(
            "We are closed now. We open on {when}; please come back then.", when=hours.opens
        )
        return
    await take(chat)


async def take(chat: Chat[Settings]) -> None:
    """Ask for everything an order needs, and place it."""
    bottles = await chat.do(ListProducts(tag=chat.settings.tag))
    if not bottles:
        await chat.say("Everything is sold out right now. We are sorry; please try again later.")
        return
    bottle = await chat.choose(
        "Which bottle would you like?",
        bottles,
        label=lambda b: f"{b.title} · {b.price.show(chat.language)}",
    )
    most = min(chat.settings.largest_order, bottle.left or chat.settings.largest_order)
    count = await chat.ask("How many? (1 to {most})", whole_number(1, most), most=most)
    place, quote = await deliver_to(chat)
    if not await chat.confirm("Is this right?", card=summary(chat, bottle, count, quote)):
        await chat.say("No problem: nothing was ordered. Write “menu” to begin again.")
        return
    name, number = await who_takes_it(chat)
    await chat.choose("How will you pay?", [chat.text("Cash or M-Pesa on delivery")])
    request = PlaceOrder((LineRequest(bottle.id, count),), place, name, number)
    try:
        placed = await chat.do(request)
    except OutOfStock as no:
        title, left = no.args
        await chat.say(
            "Somebody was faster: of {title} only {left} are left.", title=title, left=left
        )
        await chat.restart(None)
    except OutletClosed as no:
        await chat.say(
            "We are closed now. We open on {when}; please come back then.", when=no.args[0]
        )
    except NotDelivered:
        await chat.say("We do not deliver there yet. We are sorry.")
    else:
        await chat.show(receipt(chat, placed, quote))


async def deliver_to(chat: Chat[Settings]) -> tuple[Place, DeliveryQuote]:
    """Ask where to bring it until it is a place that is served."""
    place = await chat.ask(
        "Where shall we bring it? Send your location, or write the address with its area.",
        location(),
    )
    quote = await chat.do(CheckDelivery(place))
    while not quote.delivers:
        place = await chat.ask(
            "We do not deliver there yet, or I did not find the area. Please send a location or "
            "another address, for example: Argwings Kodhek Road, Kilimani.",
            location(),
        )
        quote = await chat.do(CheckDelivery(place))
    return place, quote


async def who_takes_it(chat: Chat[Settings]) -> tuple[str, str]:
    """Ask for the driver's contact, or take last time's."""
    last = await chat.do(LastDelivery())
    if (
        last is not None
        and last.phone
        and await chat.confirm(
            "Shall the driver ask for {name}, {phone}, as last time?",
            name=last.name,
            phone=last.phone,
        )
    ):
        return last.name, last.phone
    name = await chat.ask("What name shall the driver ask for?", text(2, NAME_LENGTH_MAX))
    number = await chat.ask("Which phone number can the driver call?", phone(chat.settings.region))
    return name, number


def summary(chat: Chat[Settings], bottle: ProductView, count: int, quote: DeliveryQuote) -> Card:
    """Return what will be ordered, with its sums."""
    goods = bottle.price * count
    return Card(
        title=chat.text("Your order"),
        lines=(
            Line(f"{count} × {bottle.title}", goods.show(chat.language)),
            Line(chat.text("Delivery to {area}", area=quote.area), quote.fee.show(chat.language)),
        ),
        footer=chat.text("Total: {total}", total=(goods + quote.fee).show(chat.language)),
        photo=bottle.photo,
    )


def receipt(chat: Chat[Settings], placed: Placed, quote: DeliveryQuote) -> Card:
    """Return the order card with its number."""
    goods = tuple(
        Line(f"{line.count} × {line.title}", (line.price * line.count).show(chat.language))
        for line in placed.lines
    )
    delivery = Line(
        chat.text("Delivery to {area}", area=quote.area), placed.delivery.show(chat.language)
    )
    return Card(
        title=chat.text("Order {number}", number=placed.number),
        subtitle=chat.text("Thank you! We tell you here as soon as it is on its way."),
        lines=(*goods, delivery),
        footer=chat.text("To pay on delivery: {total}", total=placed.total.show(chat.language)),
    )


@applet.command("where", help="Where is my order?")
async def where(chat: Chat[Settings]) -> None:
    """Show the person's latest orders."""
    orders = await chat.do(MyOrders(limit=3))
    if not orders:
        await chat.say("You have not ordered yet. Write “order” to begin.")
        return
    await chat.show(
        Card(
            title=chat.text("Your orders"),
            lines=tuple(Line(_called(chat, one), one.status_text) for one in orders),
        )
    )


@applet.command("cancel_order", help="Cancel an order")
async def cancel_order(chat: Chat[Settings]) -> None:
    """Take an order back, while that is allowed."""
    orders = [one for one in await chat.do(MyOrders(limit=5)) if one.can_cancel]
    if not orders:
        await chat.say(
            "You have no order that can still be cancelled here. Write “human” to talk to us."
        )
        return
    chosen = await chat.choose(
        "Which order shall I cancel?", orders, label=lambda one: _called(chat, one)
    )
    if not await chat.confirm("Cancel order {number}?", number=chosen.number):
        await chat.say("Good, it stays.")
        return
    try:
        await chat.do(CancelOrder(chosen.order_id))
    except TooLate:
        await chat.say("It is too late: the order is on its way. Write “human” to talk to us.")
    else:
        await chat.say("Order {number} is cancelled.", number=chosen.number)


def _called(chat: Chat[Settings], one: OrderView) -> str:
    order_number = chat.text("Order {number}", number=one.number)
    return f"{order_number} · {one.total.show(chat.language)}"
