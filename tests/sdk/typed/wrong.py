"""What an author does wrong; each line says which error mypy gives."""

from __future__ import annotations

from chatworks.catalog.models import ListProducts
from chatworks.orders.models import CancelOrder, MyOrders
from chatworks.sdk import Applet, Chat, Config, text, whole_number

applet = Applet("wrong")


class Settings(Config, frozen=True):
    largest: int = 20


@applet.command("buy", help="Buy")
async def buy(chat: Chat[Settings]) -> None:
    chat.say("Hello")  # E: unused-coroutine: must be used
    chat.ask("Name?", text())  # E: unused-coroutine: must be used
    chat.choose("Which?", ["a"])  # E: unused-coroutine: must be used
    chat.do(ListProducts())  # E: unused-coroutine: must be used
    name: str = chat.ask("Name?", text())  # E: assignment: Coroutine[Any, Any, str]
    count: str = await chat.ask("How many?", whole_number(1, 9))  # E: arg-type: "Input[int]"
    chosen: int = await chat.choose("Which?", ["a", "b"])  # E: list-item: expected "int"
    await chat.ask("Name?", str)  # E: arg-type: expected "Input[Never]"
    await chat.ask("How many?", whole_number("1", 9))  # E: arg-type: expected "int"
    await chat.ask("Name?", text(), timeout="600")  # E: arg-type: expected "int | None"
    await chat.say(12)  # E: arg-type: expected "str"
    smallest = chat.settings.smallest  # E: attr-defined: "Settings" has no attribute "smallest"
    chat.settings.largest = 3  # E: misc: read-only
    orders = await chat.do(MyOrders(limit="3"))  # E: arg-type: expected "int"
    number = orders.number  # E: attr-defined: has no attribute "number"
    misspelt = orders[0].nummer  # E: attr-defined: "OrderView" has no attribute "nummer"
    moved = await chat.do(CancelOrder(orders[0].number))  # E: arg-type: expected "UUID"
    moved.status + 1  # E: operator: Unsupported operand types for + ("str" and "int")
    await chat.do(orders)  # E: arg-type: expected "Request[Never]"
    said = await chat.say("{n}", n=1)  # E: func-returns-value
    if await chat.confirm("Sure?") > "yes":  # E: operator: Unsupported operand types for >
        await chat.say("{a}", a=(name, count, chosen, smallest, number, misspelt, said))


@applet.command("sync", help="")  # E: type-var: "Callable[[Chat[Settings]], None]"
def sync(chat: Chat[Settings]) -> None:
    chat.text("Hello")


@applet.command("nothing", help="")  # E: type-var: "Callable[[], Coroutine[Any, Any, None]]"
async def nothing() -> None:
    return


@applet.command("answers", help="")  # E: type-var: Coroutine[Any, Any, int]]"
async def answers(chat: Chat[Settings]) -> int:
    return await chat.ask("?", whole_number(1, 2))
