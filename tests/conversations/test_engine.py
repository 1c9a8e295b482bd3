"""The engine's rules, through the inbox and the history."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from visitors import Visitor

from chatworks.commands.models import Actor, ActorKind, Call
from chatworks.conversations.models import HandBack, Reply, TakeOver
from chatworks.conversations.watchdog import ComputedTooLong, Watchdog
from chatworks.house import House
from chatworks.inbox import store as inbox
from chatworks.kit.clock import SystemClock

People = Callable[[str], Visitor]
MENU = "Welcome to MajiPro. What can I do for you?"


async def test_the_first_word_brings_the_notice_and_the_menu(visitor: People) -> None:
    said = await visitor("a").says("hello")

    assert said[0].startswith("MajiPro Ltd keeps what you write here")
    assert said[1:] == [MENU]


async def test_a_whole_order_in_words(visitor: People, database_url: str) -> None:
    anna = visitor("a")

    assert await anna.orders() == ["Order 1001"]
    assert await anna.says("where is my order") == ["Your orders"]

    with psycopg.connect(database_url) as conn:
        order = conn.execute(
            "SELECT number, status, goods_minor, delivery_minor, total_minor, customer_name,"
            " customer_phone, address FROM sales_order"
        ).fetchall()
        stock = conn.execute("SELECT stock FROM product WHERE sku = 'W20-REFILL'").fetchone()
        leaves = conn.execute(
            "SELECT action, actor_kind FROM audit_leaf WHERE actor_id <> 'outlet file'"
        ).fetchall()
    address = "Argwings Kodhek Road, Kilimani"
    assert order == [(1001, "placed", 50000, 10000, 60000, "Amina", "+254712345678", address)]
    assert stock == (118,)
    assert leaves == [("orders.PlaceOrder", "customer")]


async def test_an_answer_that_does_not_fit_is_asked_again_with_the_reason(visitor: People) -> None:
    anna = visitor("a")
    await anna.says("order water")

    nearly = await anna.says("20 L refil")
    many = await anna.says("400")

    assert nearly == ["How many? (1 to 20)"]
    assert many == ["The number must be between 1 and 20.\nHow many? (1 to 20)"]


async def test_the_words_work_in_every_language(visitor: People) -> None:
    anna = visitor("a")
    await anna.says("order water")

    assert await anna.says("ghairi") == [
        "Cancelled: nothing was done. Write “menu” to see what I can do."
    ]
    assert await anna.says("Menyu") == [MENU]
    assert (await anna.says("help"))[0].startswith("You can always write: “menu”")
    assert await anna.says("lugha") == ["Which language do you prefer?"]
    assert await anna.taps("Kiswahili") == [
        "Sasa tunazungumza Kiswahili.",
        "Karibu MajiPro. Nikusaidie nini?",
    ]
    assert await anna.taps("Agiza maji") == ["Ungependa chupa gani?"]
    assert await anna.says("acha") == [
        "Hutapata ujumbe tena kutoka kwetu hapa. Andika “anza” kurudi."
    ]
    assert await anna.says("hello?") == []
    assert await anna.says("anza") == ["Karibu MajiPro. Nikusaidie nini?"]


async def test_a_stale_button_is_refused_kindly_and_the_open_question_comes_again(
    visitor: People,
) -> None:
    anna = visitor("a")
    await anna.says("order water")
    old = [m for m in anna.last if m.get("buttons")][-1]
    await anna.taps("5 L")

    await anna.give(kind="tap", tap=f"{old['seq']}.0", text="old")

    assert await anna.hears() == ["How many? (1 to 20)"]


async def operate(house: House, visitor: Visitor, command: Any) -> None:
    async with house.db.engine([visitor.channel.outlet_id]) as work:
        row = await (await work.conn.execute("SELECT id FROM membership")).fetchone()
    assert row is not None
    actor = Actor(ActorKind.OPERATOR, row[0].hex, "owner")
    async with house.db.web(visitor.channel.outlet_id) as work:
        call: Call[Any] = Call(visitor.channel.outlet_id, actor, command)
        await house.dispatcher.one(work, call)


async def test_nobody_talks_over_the_operator(visitor: People, house: House) -> None:
    anna = visitor("a")
    await anna.says("hello")
    conversation: UUID = await anna.conversation()

    await operate(house, anna, TakeOver(conversation))
    silence = await anna.says("are you there?")
    await operate(house, anna, Reply(conversation, "I am Joy, how can I help?"))
    reply = await anna.hears()
    await operate(house, anna, HandBack(conversation))
    bot = await anna.says("order water")

    assert silence == []
    assert reply == ["I am Joy, how can I help?"]
    assert bot == ["Which bottle would you like?"]


async def test_asking_for_a_person_silences_the_bot_until_the_menu(visitor: People) -> None:
    anna = visitor("a")
    await anna.says("hello")

    asked = await anna.says("human")
    silence = await anna.says("please")

    assert asked[0].startswith("A person from MajiPro will answer you here.")
    assert silence == []
    assert await anna.says("menu") == [MENU]


async def test_a_failing_event_is_parked_and_the_conversation_goes_on(
    visitor: People, house: House, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    anna, ben = visitor("a"), visitor("b")
    await anna.says("hello")
    monkeypatch.setattr("chatworks.conversations.worker.BACKOFF_SECONDS", (0, 0, 0, 0))
    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.execute(
            "INSERT INTO inbox_event (outlet_id, source, event_id, thread, received_at, headers,"
            " payload) VALUES (%s, %s, 'bad', 'a', now(), '{}', 'not json') RETURNING id",
            [anna.channel.outlet_id, anna.channel.id],
        )
        conn.execute(
            "INSERT INTO inbox_pending (id, outlet_id, source, thread_key, lane, rank, ready_at)"
            " SELECT e.id, e.outlet_id, e.source, p.thread_key, 2, 0, now() FROM inbox_event e,"
            " conversation p WHERE e.event_id = 'bad' AND p.thread = 'a'"
        )

    good = await ben.says("hello")
    after = await anna.hears()

    assert good[1:] == [MENU]
    assert after[0].startswith("Something went wrong on our side with your last message.")
    async with house.db.engine() as work:
        (parked,) = await inbox.parked(work, anna.channel.outlet_id)
    assert parked.reason.startswith("DecodeError")
    assert await anna.says("menu") == [MENU]
    async with house.db.engine() as work:
        assert await inbox.replay(work, anna.channel.outlet_id, parked.id)
        assert not await inbox.replay(work, anna.channel.outlet_id, parked.id)


async def test_a_batch_needs_as_many_queries_for_fifty_people_as_for_one(
    visitor: People, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted: list[str] = []
    real = psycopg.AsyncCursor.execute

    async def count(self: Any, query: Any, *args: Any, **kwargs: Any) -> Any:
        counted.append(str(query)[:60])
        return await real(self, query, *args, **kwargs)

    async def round_of(people: list[Visitor], text: str) -> int:
        for person in people:
            await person.give(kind="text", text=text)
        counted.clear()
        assert await house.worker.step() == len(people)
        return len(counted)

    # On a busy machine the directory would be read again in the middle, and be counted.
    monkeypatch.setattr("chatworks.outlets.service.DIRECTORY_SECONDS", 3600.0)
    await visitor("warm").says("hello")
    monkeypatch.setattr(psycopg.AsyncCursor, "execute", count)
    one = [await round_of([visitor("one")], text) for text in ("hello", "order water", "1", "2")]
    crowd = [visitor(f"p{n}") for n in range(50)]
    many = [await round_of(crowd, text) for text in ("hello", "order water", "1", "2")]

    assert many == one
    assert max(one) <= 20


async def test_two_workers_never_share_a_conversation_and_keep_its_order(
    visitor: People, house: House
) -> None:
    people = [visitor(f"p{n}") for n in range(12)]
    for text in ("hello", "order water", "1", "3"):
        for person in people:
            await person.give(kind="text", text=text)

    async def work() -> None:
        while await house.worker.step():
            pass

    await asyncio.gather(work(), work(), work())
    await work()

    for person in people:
        said = await person.hears()
        assert said[1:4] == [MENU, "Which bottle would you like?", "How many? (1 to 20)"]
        assert said[4].startswith("Where shall we bring it?")


def test_the_watchdog_ends_an_endless_loop() -> None:
    watchdog = Watchdog(SystemClock(), limit_seconds=0.1)
    watchdog.start()

    def endless() -> None:
        with watchdog.step():
            while True:
                pass

    with pytest.raises(ComputedTooLong):
        endless()
    with watchdog.step():
        done = sum(range(100))
    watchdog.stop()

    assert done == 4950


async def test_a_timer_wakes_through_the_inbox(visitor: People, house: House) -> None:
    anna = visitor("a")
    await anna.says("order water")
    async with house.db.engine([anna.channel.outlet_id]) as work:
        row = await (await work.conn.execute("SELECT id, steps FROM dialogue")).fetchone()
        assert row is not None
        await work.conn.execute(
            "INSERT INTO timer VALUES (%s, %s, %s, 'a', %s, %s, %s)",
            [
                anna.channel.outlet_id,
                work.new_id(),
                anna.channel.id,
                row[0],
                row[1] + 5,  # of a question that is no longer open
                work.now - timedelta(seconds=1),
            ],
        )

    said = await anna.hears()

    assert said == []
    assert await anna.says("1") == ["How many? (1 to 20)"]
