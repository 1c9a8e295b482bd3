"""Nobody talks over somebody else: who took a conversation over holds it, for a while."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import UUID

import psycopg
import pytest
from visitors import Visitor

from chatworks.app import House
from chatworks.conversations.models import HandBack, HeldBy, Reply, Spoken, TakeOver

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
