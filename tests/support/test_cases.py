"""Who waits, whose it is, how fast answers came, notes, and answers written beforehand."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from visitors import Visitor

from chatworks.conversations.models import HandBack, NoSuchConversation, Reply, TakeOver
from chatworks.house import House
from chatworks.support import store
from chatworks.support.core import fill
from chatworks.support.models import (
    AddNote,
    Assign,
    Canned,
    EmptyNote,
    Figures,
    NoSuchOperator,
    RemoveCanned,
    SaveCanned,
    WrongCanned,
)

People = Callable[[str], Visitor]
Two = tuple[UUID, UUID]
EPOCH = datetime.fromtimestamp(0, UTC)


async def waiting(house: House, *, unassigned: bool = False, kind: str = "") -> list[UUID]:
    outlet = (await house.directory.outlets())[0]
    async with house.db.web(outlet.id) as work:
        rows = await store.waiting(work, outlet.id, EPOCH, unassigned=unassigned, kind=kind)
    return [row["id"] for row in rows]


async def test_who_asked_for_a_person_waits_the_longest_first_until_answered(
    visitor: People, operate: Any, operators: Two, house: House
) -> None:
    people = [visitor(name) for name in "abcd"]
    for person in people:
        await person.says("human")
    anna, ben, cara, dina = [await person.conversation() for person in people]
    await people[0].says("please!")  # keeps the place
    assert await waiting(house) == [anna, ben, cara, dina]
    assert await waiting(house, kind="webchat") == [anna, ben, cara, dina]
    assert await waiting(house, kind="telegram") == []

    await operate(operators[0], Reply(anna, "Yes?"))
    await people[1].says("menu")
    await people[2].says("stop")
    await operate(operators[1], Assign(dina, operators[1]))
    assert await waiting(house) == [dina]
    assert await waiting(house, unassigned=True) == []
    await operate(operators[1], HandBack(dina))
    assert await waiting(house) == []

    await people[0].says("My order is late.")
    assert await waiting(house) == [anna]


async def test_a_conversation_is_given_to_an_operator_and_to_nobody(
    visitor: People, operate: Any, operators: Two, house: House
) -> None:
    owner, ben = operators
    anna = visitor("a")
    await anna.says("hello")
    conversation = await anna.conversation()
    outlet = (await house.directory.outlets())[0]

    async def of(operator: UUID) -> list[UUID]:
        async with house.db.web(outlet.id) as work:
            rows = await store.assigned(
                work, outlet.id, operator, datetime.max.replace(tzinfo=UTC), kind=""
            )
        return [row["id"] for row in rows]

    await operate(owner, Assign(conversation, ben))
    assert (await of(ben), await of(owner)) == ([conversation], [])
    for command, refusal in (
        (Assign(conversation, uuid4()), NoSuchOperator),
        (Assign(uuid4(), ben), NoSuchConversation),
    ):
        with pytest.raises(refusal):
            await operate(owner, command)
    assert await of(ben) == [conversation]
    await operate(owner, Assign(conversation, None))
    assert await of(ben) == []


async def test_figures_are_the_median_and_the_ninetieth_of_a_week(
    visitor: People, operate: Any, operators: Two, house: House, database_url: str
) -> None:
    anna = visitor("a")
    await anna.says("human")
    conversation = await anna.conversation()
    for _ in range(3):
        await operate(operators[0], Reply(conversation, "Yes?"))  # only the first one is awaited
        await anna.says("and?")
    outlet = (await house.directory.outlets())[0]
    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.execute(
            "UPDATE support_answer a SET asked_at = answered_at - make_interval(secs => k.n * 10)"
            " FROM (SELECT id, row_number() OVER (ORDER BY answered_at) AS n FROM support_answer) k"
            " WHERE k.id = a.id"
        )
        async with house.db.web(outlet.id) as work:
            assert await store.figures(work, outlet.id) == [Figures("webchat", 3, 20.0, 28.0)]
        conn.execute("UPDATE support_answer SET answered_at = answered_at - interval '8 days'")
    async with house.db.web(outlet.id) as work:
        assert await store.figures(work, outlet.id) == []


async def test_a_note_is_kept_and_never_sent(
    visitor: People, operate: Any, operators: Two, house: House
) -> None:
    anna = visitor("a")
    await anna.says("hello")
    conversation = await anna.conversation()
    outlet = (await house.directory.outlets())[0]

    await operate(operators[1], AddNote(conversation, " Pays late. "))
    for command, refusal in (
        (AddNote(conversation, "  "), EmptyNote),
        (AddNote(conversation, "x" * 2001), EmptyNote),
        (AddNote(uuid4(), "x"), NoSuchConversation),
    ):
        with pytest.raises(refusal):
            await operate(operators[1], command)

    assert await anna.hears() == []
    async with house.db.web(outlet.id) as work:
        notes = await store.notes(work, outlet.id, conversation)
    assert [(note.author, note.text) for note in notes] == [("Ben", "Pays late.")]


async def test_a_lease_that_ran_out_is_noted(
    visitor: People, operate: Any, operators: Two, house: House, database_url: str
) -> None:
    anna = visitor("a")
    await anna.says("hello")
    conversation = await anna.conversation()
    outlet = (await house.directory.outlets())[0]
    await operate(operators[0], TakeOver(conversation))
    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.execute("UPDATE conversation SET speaker_until = now() - interval '1 second'")

    assert await anna.says("order water") == ["Which bottle would you like?"]

    async with house.db.web(outlet.id) as work:
        notes = await store.notes(work, outlet.id, conversation)
    assert [(note.author, note.text) for note in notes] == [
        ("", "Nobody wrote for half an hour: the bot answers again.")
    ]


async def test_answers_are_saved_changed_and_removed(
    operate: Any, operators: Two, house: House
) -> None:
    outlet = (await house.directory.outlets())[0]

    async def saved() -> list[Canned]:
        async with house.db.web(outlet.id) as work:
            return await store.canned(work, outlet.id)

    await operate(operators[0], SaveCanned("hours", "We open at seven."))
    await operate(operators[0], SaveCanned("hours", "Hi {name}, we open at eight."))
    assert await saved() == [Canned("hours", "Hi {name}, we open at eight.")]
    for shortcut, text in (("Hours", "x"), ("a b", "x"), ("x" * 33, "x"), ("a", ""), ("a", "{x}")):
        with pytest.raises(WrongCanned):
            await operate(operators[0], SaveCanned(shortcut, text))
    assert await saved() == [Canned("hours", "Hi {name}, we open at eight.")]
    await operate(operators[0], RemoveCanned("hours"))
    assert await saved() == []


def test_what_has_no_value_stays_as_it_is_written() -> None:
    values = {"name": "Anna {order}", "order": "", "outlet": "MajiPro"}
    filled = fill("Dear {name}, order {order} {of} {outlet} {}", values)
    assert filled == "Dear Anna {order}, order {order} {of} MajiPro {}"
