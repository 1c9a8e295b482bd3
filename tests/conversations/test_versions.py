"""Versions, timeouts and restarts of applets, through the inbox and the history."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from visitors import Visitor

from chatworks.audit import store as audit
from chatworks.audit.models import Leaf
from chatworks.house import House
from chatworks.inbox import store as inbox
from chatworks.outlets import store as outlets_store
from chatworks.outlets.models import Install
from chatworks.sdk.applet import Applets, load

People = Callable[[str], Visitor]
IMPROVED = (
    "We have improved this service while we were talking. I kept your answers that still fit; "
    "let us go on from here."
)

MANIFEST = """
name = "kiosk"
version = "{version}"
languages = ["en"]
requests = ["catalog.ListProducts", "orders.PlaceOrder"]
title = {{ en = "Kiosk" }}
[[command]]
name = "{command}"
title = {{ en = "Kiosk" }}
words.en = ["kiosk"]
"""

FIRST = '''
"""A kiosk that sells one bottle at a time."""
from chatworks.catalog.models import ListProducts
from chatworks.orders.models import LineRequest, PlaceOrder
from chatworks.sdk import Applet, Chat, Config, Place, TimedOut, text, whole_number

applet = Applet("kiosk")

class Settings(Config, frozen=True):
    wait: int = 600
    thanks: str = "Bye"

@applet.command("kiosk", help="Kiosk")
async def kiosk(chat: Chat[Settings]) -> None:
    bottle = (await chat.do(ListProducts(tag="water")))[0]
    count = await chat.ask("How many?", whole_number(1, 5))
    order = PlaceOrder((LineRequest(bottle.id, count),), Place(-1.29, 36.78), "Joy", "0712345678")
    placed = await chat.do(order)
    try:
        word = await chat.ask("A word for us?", text(), timeout=chat.settings.wait)
    except TimedOut:
        await chat.say("No word then for {number}.", number=placed.number)
        return
    await chat.say("{number}: {word}", number=placed.number, word=word)
    await chat.ask("Once more?", text())
    await chat.restart({"seen": True})
'''
SECOND = FIRST.replace(
    "    order = PlaceOrder",
    '    await chat.say("New: {count}", count=count)\n    order = PlaceOrder',
).replace("whole_number(1, 5)", "whole_number(1, 3)")
CHANGED_SETTINGS = SECOND.replace('thanks: str = "Bye"', 'goodbye: str = "Bye"')


@pytest.fixture
def publish(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Write an applet's package under its own module name."""
    monkeypatch.syspath_prepend(tmp_path)

    def write(name: str, version: str, code: str, command: str = "kiosk") -> str:
        package = f"{tmp_path.name.replace('-', '_')}_{name}"
        folder = tmp_path / package
        folder.mkdir()
        (folder / "__init__.py").write_text("")
        (folder / "manifest.toml").write_text(MANIFEST.format(version=version, command=command))
        (folder / "applet.py").write_text(code.replace('command("kiosk"', f'command("{command}"'))
        return package

    return write


@pytest.fixture
def offer(house: House) -> Callable[..., Any]:
    """Install these packages in the process, and switch a version on in the outlet."""

    async def switch(packages: list[str], version: str = "", settings: str = "{}") -> None:
        installed = Applets(load(package) for package in packages)
        house.applets._by_version, house.applets._latest = installed._by_version, installed._latest
        outlet = (await house.directory.outlets())[0]
        async with house.db.engine([outlet.id]) as work:
            await outlets_store.add_install(
                work, outlet.id, Install("kiosk", version, settings.encode())
            )
            await work.conn.execute(
                "UPDATE applet_install SET version = %s, settings = %s WHERE applet = 'kiosk'",
                [version, settings],
            )
            switched = Leaf(outlet.id, "system", "test", "test.Switch", "outlet", "", {})
            work.defer(audit.append, switched)
        house.directory.forget()

    return switch


def orders(database_url: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(database_url) as conn:
        return conn.execute(
            "SELECT o.number, l.count FROM sales_order o JOIN order_line l ON l.order_id = o.id"
            " ORDER BY o.number"
        ).fetchall()


def dialogues(database_url: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(database_url) as conn:
        return conn.execute("SELECT version, status FROM dialogue ORDER BY started_at").fetchall()


async def test_a_running_dialogue_stays_on_its_version_and_a_new_one_takes_the_outlets(
    visitor: People, publish: Any, offer: Any, database_url: str
) -> None:
    one, two = publish("one", "1.0.0", FIRST), publish("two", "2.0.0", SECOND)
    anna, ben = visitor("a"), visitor("b")
    await offer([one], "1.0.0")
    assert (await anna.says("kiosk"))[1:] == ["How many?"]

    await offer([one, two], "2.0.0")

    assert (await ben.says("kiosk"))[1:] == ["How many?"]
    assert await anna.says("5") == ["A word for us?"]
    assert await ben.says("5") == ["The number must be between 1 and 3.\nHow many?"]
    assert await ben.says("3") == ["New: 3", "A word for us?"]
    assert await anna.says("old") == ["1001: old", "Once more?"]
    assert dialogues(database_url) == [("1.0.0", "waiting"), ("2.0.0", "waiting")]


async def test_changed_code_keeps_what_fits_and_does_nothing_twice(
    visitor: People, publish: Any, offer: Any, database_url: str
) -> None:
    one, two = publish("one", "1.0.0", FIRST), publish("two", "2.0.0", SECOND)
    anna, ben = visitor("a"), visitor("b")
    await offer([one], "1.0.0")
    for person, count in ((anna, "2"), (ben, "5")):
        await person.says("kiosk")
        await person.says(count)
    assert orders(database_url) == [(1001, 2), (1002, 5)]

    await offer([two], "2.0.0")  # the first version is gone

    assert await anna.says("fine") == [IMPROVED, "New: 2", "A word for us?"]
    assert await anna.says("fine") == ["1001: fine", "Once more?"]
    assert await ben.says("fine") == [IMPROVED, "How many?"]  # five is too many now
    assert await ben.says("3") == ["New: 3", "A word for us?"]
    assert await ben.says("fine") == ["1002: fine", "Once more?"]  # the order stands
    assert orders(database_url) == [(1001, 2), (1002, 5)]
    assert dialogues(database_url) == [("2.0.0", "waiting")] * 2


async def test_settings_of_an_older_version_give_way_to_the_outlets_own(
    visitor: People, publish: Any, offer: Any
) -> None:
    one, two = publish("one", "1.0.0", FIRST), publish("two", "2.0.0", CHANGED_SETTINGS)
    anna = visitor("a")
    await offer([one], "1.0.0", '{"thanks": "Asante"}')
    await anna.says("kiosk")

    await offer([two], "2.0.0", '{"goodbye": "Kwaheri"}')

    assert await anna.says("2") == ["New: 2", "A word for us?"]


@pytest.mark.parametrize("word", ["2", "help"])
async def test_a_service_that_is_gone_says_so_and_shows_the_menu(
    visitor: People, publish: Any, offer: Any, database_url: str, word: str
) -> None:
    one, two = publish("one", "1.0.0", FIRST), publish("two", "2.0.0", FIRST, command="stall")
    anna = visitor("a")
    await offer([one], "1.0.0")
    await anna.says("kiosk")
    await offer([two], "2.0.0")

    said = await anna.says(word)

    assert [text[:16] for text in said[:-2]] == (["You can always w"] if word == "help" else [])
    assert said[-2:] == [
        "This service is no longer offered, so we stop here. I am sorry.",
        "Welcome to MajiPro. What can I do for you?",
    ]
    assert dialogues(database_url) == [("1.0.0", "failed")]
    assert orders(database_url) == []


async def test_a_question_times_out_by_its_timer(
    visitor: People, publish: Any, offer: Any, house: House, database_url: str
) -> None:
    anna, ben = visitor("a"), visitor("b")
    await offer([publish("one", "1.0.0", FIRST)], "1.0.0")
    for person in (anna, ben):
        await person.says("kiosk")
        await person.says("1")
    await ben.says("in time")
    async with house.db.engine() as work:
        rows = await (
            await work.conn.execute("SELECT due_at - %s FROM timer", [work.now])
        ).fetchall()
        await work.conn.execute("UPDATE timer SET due_at = now() - interval '1 second'")
    assert [590 < row[0].total_seconds() < 601 for row in rows] == [True, True]

    assert await anna.hears() == ["No word then for 1001."]
    assert await ben.hears() == []
    with psycopg.connect(database_url) as conn:
        assert conn.execute("SELECT count(*) FROM timer").fetchone() == (0,)
    assert [status for _, status in dialogues(database_url)] == ["done", "waiting"]
    assert await ben.says("again") == ["How many?"]  # restarted with a fresh journal
    with psycopg.connect(database_url) as conn:
        starts = conn.execute("SELECT start FROM dialogue ORDER BY started_at").fetchall()
    assert starts[-1] == ({"state": {"seen": True}},)


SLEEPY = FIRST.replace(
    "    count = await", "    import asyncio\n    await asyncio.sleep(1)\n    count = await"
)


async def test_an_authors_error_is_parked_with_his_line_and_hurts_nobody_else(
    visitor: People,
    publish: Any,
    offer: Any,
    house: House,
    database_url: str,
) -> None:
    anna, ben = visitor("a"), visitor("b")
    await offer([publish("one", "1.0.0", SLEEPY)], "1.0.0")
    await anna.says("hello")
    await ben.says("hello")
    await anna.give(kind="text", text="kiosk")
    await ben.give(kind="text", text="help")

    await house.worker.step()  # the same step tells her: nothing waits for a back-off
    said = [message["text"] for message in await anna.answers()]

    assert [text[:20] for text in said] == ["Something went wrong"]
    assert (await ben.answers())[0]["text"].startswith("You can always write")
    async with house.db.engine() as work:
        (parked,) = await inbox.parked(work, anna.channel.outlet_id)
    assert parked.reason == (
        "AppletError: awaited something that is not of chat (Future): asyncio, files and clocks "
        "cannot be replayed"
    )
    with psycopg.connect(database_url) as conn:
        assert conn.execute("SELECT attempts FROM inbox_pending").fetchall() == [(1,)]
