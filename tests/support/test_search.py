"""Search finds a person by name, phone, order number and what was said, page by page."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import psycopg
import pytest
from visitors import Visitor

from chatworks.house import House
from chatworks.support import store

People = Callable[[str], Visitor]


async def test_a_person_is_found_by_what_is_known_of_them(
    visitor: People, house: House, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    anna, ben = visitor("a"), visitor("b")
    await anna.says("Is there 100% ice_cream?")
    await ben.says("hello")
    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.execute(
            "UPDATE contact p SET name = 'Ben Otieno', username = 'beno', phone = '+254712345678',"
            " phone_proof = 'messenger', phone_proved_at = now()"
            " FROM conversation c WHERE c.contact_id = p.id AND c.id = %s",
            [await ben.conversation()],
        )
    outlet = (await house.directory.outlets())[0]
    first, second = await anna.conversation(), await ben.conversation()

    async def found(words: str, kind: str = "") -> list[UUID]:
        async with house.db.web(outlet.id) as work:
            rows, end = await store.search(work, outlet.id, words, work.now, kind=kind)
        assert end is None
        return [row["id"] for row in rows]

    for words in ("otieno", "BEN OTI", "@beno", "0712345678"[1:], "hello"):
        assert await found(words) == [second]
    assert await found("100% ICE_") == [first]
    assert await found("iceXcream") == await found("text") == await found("4711") == []
    assert await found("otieno", kind="telegram") == []

    monkeypatch.setattr(store, "SEARCHED_CONVERSATIONS", 1)
    async with house.db.web(outlet.id) as work:
        rows, end = await store.search(work, outlet.id, "ice_", work.now, kind="")
        assert (rows, end is None) == ([], False)
        assert end is not None
        rows, end = await store.search(work, outlet.id, "ice_", end, kind="")
    assert [row["id"] for row in rows] == [first]


async def test_a_person_is_found_by_the_number_of_their_order(
    visitor: People, house: House, database_url: str
) -> None:
    anna, ben = visitor("a"), visitor("b")
    await anna.says("hello")
    await ben.orders()
    with psycopg.connect(database_url) as conn:
        row = conn.execute("SELECT number, conversation_id FROM sales_order").fetchone()
    assert row is not None
    outlet = (await house.directory.outlets())[0]

    async with house.db.web(outlet.id) as work:
        rows, _ = await store.search(work, outlet.id, f"#{row[0]}", work.now, kind="")

    assert [found["id"] for found in rows] == [row[1]]
