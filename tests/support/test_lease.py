"""Nobody talks over somebody else: who took a conversation over holds it, for a while."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import UUID

import psycopg
import pytest
from visitors import Visitor

from chatworks.conversations.models import HandBack, HeldBy, Reply, Spoken, TakeOver
from chatworks.house import House

People = Callable[[str], Visitor]
Two = tuple[UUID, UUID]


def holds(database_url: str) -> Any:
    """Return who holds the one conversation, and for how many minutes."""
    with psycopg.connect(database_url) as conn:
        return conn.execute(
            "SELECT operator_id, round(extract(epoch FROM speaker_until - now()) / 60)"
            " FROM conversation"
        ).fetchone()


async def test_a_colleague_neither_replies_nor_hands_back_but_takes_over(
    visitor: People, operate: Any, operators: Two, database_url: str
) -> None:
    owner, ben = operators
    anna = visitor("a")
    await anna.says("hello")
    conversation = await anna.conversation()
    await operate(owner, TakeOver(conversation))

    for command in (Reply(conversation, "Hi!"), HandBack(conversation), TakeOver(conversation)):
        with pytest.raises(HeldBy) as no:
            await operate(ben, command)
        assert no.value.args == ("MajiPro owner", 30)
    assert holds(database_url) == (owner, 30)
    assert await anna.hears() == []

    await operate(ben, TakeOver(conversation, holder_id=owner))
    await operate(ben, Reply(conversation, "I am Ben."))
    assert await anna.hears() == ["I am Ben."]
    with pytest.raises(HeldBy):
        await operate(owner, Reply(conversation, "And I?"))
    assert holds(database_url) == (ben, 30)


async def test_of_two_at_the_same_moment_one_wins(
    visitor: People, operate: Any, operators: Two, database_url: str
) -> None:
    anna = visitor("a")
    await anna.says("hello")
    conversation = await anna.conversation()
    for command in (TakeOver(conversation), Reply(conversation, "It is me.")):
        answers = await asyncio.gather(
            *(operate(who, command) for who in operators * 3), return_exceptions=True
        )
        winner = holds(database_url)[0]
        assert [type(answer) for answer in answers] == [
            Spoken if who == winner else HeldBy for who in operators * 3
        ]
        assert await anna.hears() == ["It is me."] * 3 * isinstance(command, Reply)
        await operate(winner, HandBack(conversation))


async def test_a_reply_begins_the_lease_anew_and_without_one_it_ends(
    visitor: People, operate: Any, operators: Two, database_url: str
) -> None:
    owner, ben = operators
    anna = visitor("a")
    await anna.says("hello")
    conversation = await anna.conversation()
    await operate(owner, TakeOver(conversation))

    def minutes_pass(minutes: int) -> None:
        with psycopg.connect(database_url, autocommit=True) as conn:
            conn.execute(
                "UPDATE conversation SET speaker_until = speaker_until - make_interval(mins => %s)",
                [minutes],
            )

    minutes_pass(29)
    assert holds(database_url) == (owner, 1)
    await operate(owner, Reply(conversation, "One moment."))
    assert holds(database_url) == (owner, 30)
    minutes_pass(31)
    await operate(ben, Reply(conversation, "Ben here."))
    assert await anna.hears() == ["One moment.", "Ben here."]
    assert holds(database_url) == (ben, 30)
    minutes_pass(31)
    assert await anna.says("order water") == ["Which bottle would you like?"]


async def test_whoever_asked_for_a_person_is_anybodys(
    visitor: People, operate: Any, operators: Two, house: House
) -> None:
    anna = visitor("a")
    await anna.says("human")
    conversation = await anna.conversation()

    await operate(operators[1], Reply(conversation, "Here I am."))

    assert (await anna.hears())[-1] == "Here I am."
    async with house.db.engine() as work:
        row = await (
            await work.conn.execute(
                "SELECT action, actor_id FROM audit_leaf ORDER BY id DESC LIMIT 1"
            )
        ).fetchone()
    assert row == ("conversations.Reply", operators[1].hex)


LATER = "Nobody could answer you here so far. I am the bot: "
STANDS = "SELECT speaker, operator_id, speaker_until FROM conversation"


def run(database_url: str, query: str) -> list[Any]:
    with psycopg.connect(database_url, autocommit=True) as conn:
        cursor = conn.execute(query)  # type: ignore[call-overload]
        return cursor.fetchall() if cursor.description else []


PAST = "UPDATE conversation SET speaker_until = now() - interval '1 second'"


async def test_a_lease_that_ran_out_is_noticed_without_anybodys_doing(
    visitor: People, operate: Any, operators: Two, house: House, database_url: str
) -> None:
    owner, _ = operators
    anna = visitor("a")
    await anna.says("hello")
    await operate(owner, TakeOver(await anna.conversation()))
    await house.worker.tick()
    assert holds(database_url) == (owner, 30)  # it runs

    await anna.says("are you there?")
    run(database_url, PAST)
    await house.worker.tick()
    await house.worker.tick()

    assert run(database_url, STANDS) == [("bot", None, None)]
    assert [text[: len(LATER)] for text in await anna.hears()] == [LATER]
    notes = run(database_url, "SELECT operator_id, text FROM support_note")
    assert notes == [(None, "Nobody wrote for half an hour: the bot answers again.")]
    assert await anna.says("order water") == ["Which bottle would you like?"]


async def test_who_was_answered_is_not_told_and_whom_nobody_came_to_is(
    visitor: People, operate: Any, operators: Two, house: House, database_url: str
) -> None:
    anna, juma = visitor("a"), visitor("j")
    await anna.says("hello")
    await operate(operators[0], Reply(await anna.conversation(), "Here I am."))
    await anna.hears()
    await juma.says("human")
    run(database_url, PAST)

    await house.worker.tick()

    assert run(database_url, STANDS) == [("bot", None, None)] * 2
    assert await anna.hears() == []
    assert [text[: len(LATER)] for text in await juma.hears()] == [LATER]


async def test_a_conversation_in_somebodys_hands_is_left_for_the_next_look(
    visitor: People, operate: Any, operators: Two, house: House, database_url: str
) -> None:
    anna = visitor("a")
    await anna.says("hello")
    await operate(operators[0], TakeOver(await anna.conversation()))
    run(database_url, PAST)
    before = run(database_url, STANDS)
    with psycopg.connect(database_url) as held:
        held.execute("SELECT pg_advisory_xact_lock(thread_key) FROM conversation")
        await house.worker.tick()
        assert run(database_url, STANDS) == before
    with psycopg.connect(database_url) as held:
        held.execute("SELECT 1 FROM conversation FOR UPDATE")
        await house.worker.tick()
        assert run(database_url, STANDS) == before

    await house.worker.tick()

    assert run(database_url, STANDS) == [("bot", None, None)]
