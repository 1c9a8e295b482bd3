"""The order dialogue written with aiogram 3 the way its documentation shows, state in PostgreSQL.

What it does less than ours, in its favour: no journal, no message history, no outbox (an answer is
"sent" the moment it is made, by a session that talks to nobody), no audit leaf, no durable inbox.
What is the same: the questions, state kept in PostgreSQL between two messages, an order with its
line and stock in one transaction, ``synchronous_commit = on``. The files of the peer do not import
the product. ``aiogram_orders.py <postgresql address> <processes> <conversations> <orders>`` prints
one JSON object.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing as mp
import sys
import time
from collections.abc import AsyncGenerator, Mapping
from datetime import UTC, datetime
from typing import Any

from aiogram import Bot, Dispatcher, Router
from aiogram.client.session.base import BaseSession
from aiogram.filters import Command
from aiogram.fsm.context import FSMContext
from aiogram.fsm.state import State, StatesGroup
from aiogram.fsm.storage.base import BaseStorage, StateType, StorageKey
from aiogram.methods import TelegramMethod
from aiogram.types import Chat, InlineKeyboardButton, InlineKeyboardMarkup, Message, Update
from psycopg_pool import AsyncConnectionPool

FIRST = ("/order", "1", "2", "@", "yes", "Amina", "0712345678", "1")
AGAIN = ("/order", "1", "2", "@", "yes", "yes", "1")
PRODUCTS = 5

SCHEMA = """
DROP TABLE IF EXISTS fsm, bot_order_line, bot_order, bot_product, bot_customer;
CREATE TABLE fsm (chat bigint PRIMARY KEY, state text, data jsonb NOT NULL DEFAULT '{}');
CREATE TABLE bot_product (id int PRIMARY KEY, name text NOT NULL, price bigint NOT NULL,
    stock int NOT NULL CHECK (stock >= 0));
CREATE TABLE bot_customer (chat bigint PRIMARY KEY, name text NOT NULL, phone text NOT NULL);
CREATE TABLE bot_order (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, chat bigint NOT NULL,
    total bigint NOT NULL, name text NOT NULL, phone text NOT NULL, latitude float8 NOT NULL,
    longitude float8 NOT NULL, placed_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE bot_order_line (order_id bigint REFERENCES bot_order, product_id int NOT NULL
    REFERENCES bot_product, count int NOT NULL, price bigint NOT NULL);
"""

router = Router()


class Order(StatesGroup):
    """Where a customer stands."""

    bottle = State()
    count = State()
    place = State()
    right = State()
    as_last_time = State()
    name = State()
    phone = State()
    payment = State()


class Storage(BaseStorage):
    """FSM state in one row per chat."""

    def __init__(self, pool: AsyncConnectionPool[Any]) -> None:
        self._pool = pool

    async def set_state(self, key: StorageKey, state: StateType = None) -> None:
        """Write the state's name."""
        name = state.state if isinstance(state, State) else state
        async with self._pool.connection() as conn:
            await conn.execute(
                "INSERT INTO fsm (chat, state) VALUES (%s, %s)"
                " ON CONFLICT (chat) DO UPDATE SET state = EXCLUDED.state",
                (key.chat_id, name),
            )

    async def get_state(self, key: StorageKey) -> str | None:
        """Read the state's name."""
        async with self._pool.connection() as conn:
            cursor = await conn.execute("SELECT state FROM fsm WHERE chat = %s", (key.chat_id,))
            row = await cursor.fetchone()
        return row[0] if row else None

    async def set_data(self, key: StorageKey, data: Mapping[str, Any]) -> None:
        """Write what was answered."""
        async with self._pool.connection() as conn:
            await conn.execute(
                "INSERT INTO fsm (chat, data) VALUES (%s, %s::jsonb)"
                " ON CONFLICT (chat) DO UPDATE SET data = EXCLUDED.data",
                (key.chat_id, json.dumps(dict(data))),
            )

    async def get_data(self, key: StorageKey) -> dict[str, Any]:
        """Read what was answered."""
        async with self._pool.connection() as conn:
            cursor = await conn.execute("SELECT data FROM fsm WHERE chat = %s", (key.chat_id,))
            row = await cursor.fetchone()
        return row[0] if row else {}

    async def close(self) -> None:
        """The pool is closed by who opened it."""


class Nobody(BaseSession):
    """A session that answers every request at once."""

    async def make_request(
        self,
        bot: Bot,  # noqa: ARG002 - aiogram's signature
        method: TelegramMethod[Any],
        timeout: int | None = None,  # noqa: ARG002, ASYNC109 - aiogram's signature
    ) -> Any:
        """Return a sent message."""
        chat = Chat(id=getattr(method, "chat_id", 0), type="private")
        return Message(message_id=1, date=datetime.now(UTC), chat=chat, text="sent")

    async def stream_content(self, *_: Any, **__: Any) -> AsyncGenerator[bytes, None]:
        """Return nothing: files are not asked for."""
        yield b""

    async def close(self) -> None:
        """Nothing is open."""


def keyboard(*labels: str) -> InlineKeyboardMarkup:
    """Return one row for each label."""
    rows = [
        [InlineKeyboardButton(text=text, callback_data=str(i))] for i, text in enumerate(labels)
    ]
    return InlineKeyboardMarkup(inline_keyboard=rows)


async def products(pool: AsyncConnectionPool[Any]) -> list[Any]:
    """Return what is on sale."""
    async with pool.connection() as conn:
        cursor = await conn.execute(
            "SELECT id, name, price FROM bot_product WHERE stock > 0 ORDER BY id"
        )
        return await cursor.fetchall()


@router.message(Command("order"))
async def begin(message: Message, state: FSMContext, pool: AsyncConnectionPool[Any]) -> None:
    """Offer the bottles."""
    offered = await products(pool)
    await state.set_data({"offered": offered})
    await state.set_state(Order.bottle)
    labels = [f"{name} · KES {price / 100:,.0f}" for _, name, price in offered]
    await message.answer("Which bottle would you like?", reply_markup=keyboard(*labels))


@router.message(Order.bottle)
async def bottle(message: Message, state: FSMContext) -> None:
    """Take the bottle."""
    offered = (await state.get_data())["offered"]
    if not (message.text or "").isdigit() or not 1 <= int(message.text or 0) <= len(offered):
        await message.answer("Please choose one of them.")
        return
    await state.update_data(bottle=offered[int(message.text or 1) - 1])
    await state.set_state(Order.count)
    await message.answer("How many? (1 to 20)")


@router.message(Order.count)
async def count(message: Message, state: FSMContext) -> None:
    """Take the count."""
    if not (message.text or "").isdigit() or not 1 <= int(message.text or 0) <= 20:
        await message.answer("The number must be between 1 and 20.")
        return
    await state.update_data(count=int(message.text or 1))
    await state.set_state(Order.place)
    await message.answer("Where shall we bring it? Send your location.")


@router.message(Order.place)
async def place(message: Message, state: FSMContext) -> None:
    """Take the location and show the sums."""
    if message.location is None:
        await message.answer("Please send a location.")
        return
    data = await state.update_data(
        latitude=message.location.latitude, longitude=message.location.longitude
    )
    await state.set_state(Order.right)
    total = data["bottle"][2] * data["count"] + 10_000
    text = f"Your order\n{data['count']} × {data['bottle'][1]}\nTotal: KES {total / 100:,.0f}"
    await message.answer(f"{text}\n\nIs this right?", reply_markup=keyboard("Yes", "No"))


@router.message(Order.right)
async def right(message: Message, state: FSMContext, pool: AsyncConnectionPool[Any]) -> None:
    """Go on to the driver's contact, known from last time or not."""
    if message.text != "yes":
        await state.clear()
        await message.answer("No problem: nothing was ordered.")
        return
    async with pool.connection() as conn:
        cursor = await conn.execute(
            "SELECT name, phone FROM bot_customer WHERE chat = %s", (message.chat.id,)
        )
        last = await cursor.fetchone()
    if last is None:
        await state.set_state(Order.name)
        await message.answer("What name shall the driver ask for?")
        return
    await state.update_data(name=last[0], phone=last[1])
    await state.set_state(Order.as_last_time)
    text = f"Shall the driver ask for {last[0]}, {last[1]}, as last time?"
    await message.answer(text, reply_markup=keyboard("Yes", "No"))


@router.message(Order.as_last_time)
async def as_last_time(message: Message, state: FSMContext) -> None:
    """Take last time's contact."""
    if message.text != "yes":
        await state.set_state(Order.name)
        await message.answer("What name shall the driver ask for?")
        return
    await _ask_payment(message, state)


@router.message(Order.name)
async def name(message: Message, state: FSMContext) -> None:
    """Take the name."""
    await state.update_data(name=message.text)
    await state.set_state(Order.phone)
    await message.answer("Which phone number can the driver call?")


@router.message(Order.phone)
async def phone(message: Message, state: FSMContext) -> None:
    """Take the phone number."""
    await state.update_data(phone=message.text)
    await _ask_payment(message, state)


async def _ask_payment(message: Message, state: FSMContext) -> None:
    await state.set_state(Order.payment)
    await message.answer("How will you pay?", reply_markup=keyboard("On delivery"))


@router.message(Order.payment)
async def payment(message: Message, state: FSMContext, pool: AsyncConnectionPool[Any]) -> None:
    """Place the order."""
    data = await state.get_data()
    product, price = data["bottle"][0], data["bottle"][2]
    total = price * data["count"] + 10_000
    async with pool.connection() as conn:
        taken = await conn.execute(
            "UPDATE bot_product SET stock = stock - %(n)s WHERE id = %(id)s AND stock >= %(n)s",
            {"n": data["count"], "id": product},
        )
        if taken.rowcount == 0:
            await message.answer("Somebody was faster.")
            return
        cursor = await conn.execute(
            "INSERT INTO bot_order (chat, total, name, phone, latitude, longitude)"
            " VALUES (%s, %s, %s, %s, %s, %s) RETURNING id",
            (
                message.chat.id,
                total,
                data["name"],
                data["phone"],
                data["latitude"],
                data["longitude"],
            ),
        )
        number = (await cursor.fetchone())[0]
        await conn.execute(
            "INSERT INTO bot_order_line VALUES (%s, %s, %s, %s)",
            (number, product, data["count"], price),
        )
        await conn.execute(
            "INSERT INTO bot_customer VALUES (%s, %s, %s) ON CONFLICT (chat)"
            " DO UPDATE SET name = EXCLUDED.name, phone = EXCLUDED.phone",
            (message.chat.id, data["name"], data["phone"]),
        )
    await state.clear()
    await message.answer(f"Order {number}\nTo pay on delivery: KES {total / 100:,.0f}")


def update(number: int, chat: int, step: str) -> bytes:
    """Return one update of a private chat, as Telegram sends it."""
    message: dict[str, object] = {
        "message_id": number,
        "from": {"id": chat, "is_bot": False, "first_name": "Amina", "language_code": "en"},
        "chat": {"id": chat, "type": "private", "first_name": "Amina"},
        "date": 1_790_000_000,
    }
    if step == "@":
        message["location"] = {"latitude": -1.2921, "longitude": 36.7836}
    else:
        message["text"] = step
        if step.startswith("/"):
            message["entities"] = [{"type": "bot_command", "offset": 0, "length": len(step)}]
    return json.dumps({"update_id": number, "message": message}).encode()


async def converse(url: str, first: int, conversations: int, orders: int) -> tuple[int, float]:
    """Hold ``conversations`` at once; returns turns and the seconds they took."""
    async with AsyncConnectionPool(url, min_size=conversations, max_size=conversations) as pool:
        bot = Bot("1:peer", session=Nobody())
        dispatcher = Dispatcher(storage=Storage(pool), pool=pool)
        router._parent_router = None  # noqa: SLF001 - a router belongs to one dispatcher
        dispatcher.include_router(router)

        async def one(chat: int, steps: tuple[str, ...]) -> None:
            for number, step in enumerate(steps):
                body = update(number + 1, chat, step)
                await dispatcher.feed_update(bot, Update.model_validate_json(body))

        chats = range(first, first + conversations)
        await asyncio.gather(*(one(chat, FIRST) for chat in chats))  # warm, and everybody known
        started = time.perf_counter()
        await asyncio.gather(*(one(chat, AGAIN * orders) for chat in chats))
        return conversations * orders * len(AGAIN), time.perf_counter() - started


def _process(url: str, first: int, conversations: int, orders: int, out: Any) -> None:
    out.put(asyncio.run(converse(url, first, conversations, orders)))


def main() -> None:
    """Run as many processes as asked for, and add their turns."""
    import psycopg  # noqa: PLC0415 - the owner's connection is needed here alone

    url, processes, conversations, orders = sys.argv[1], *map(int, sys.argv[2:5])
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute(SCHEMA)
        for number in range(1, PRODUCTS + 1):
            conn.execute(
                "INSERT INTO bot_product VALUES (%s, %s, %s, 100000000)",
                (number, f"Bottle {number}", number * 10_000),
            )
    context = mp.get_context("spawn")
    out = context.Queue()
    share = conversations // processes
    running = [
        context.Process(target=_process, args=(url, 1 + i * share, share, orders, out))
        for i in range(processes)
    ]
    for process in running:
        process.start()
    results = [out.get(timeout=300) for _ in running]
    for process in running:
        process.join()
    with psycopg.connect(url) as conn:
        row = conn.execute("SELECT count(*) FROM bot_order").fetchone()
    expected = share * processes * (orders + 1)
    if row is None or row[0] != expected:
        raise SystemExit(f"{row} orders where {expected} were placed")
    print(json.dumps({"turns_per_s": sum(turns / spent for turns, spent in results)}))


if __name__ == "__main__":
    main()
