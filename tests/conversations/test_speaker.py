"""Who speaks: the bot, or a person of the outlet; and what always gets through."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from visitors import Visitor

from chatworks.commands.models import Actor, ActorKind, Call
from chatworks.conversations.models import (
    CannotReach,
    EmptyReply,
    HandBack,
    NoSuchConversation,
    Reply,
    TakeOver,
)
from chatworks.house import House

People = Callable[[str], Visitor]
MENU = "Welcome to MajiPro. What can I do for you?"
HOW_MANY = "How many? (1 to 20)"


@pytest.fixture
async def operate(house: House) -> Callable[[Any], Any]:
    """Give a command as the outlet's owner."""
    outlet = (await house.directory.outlets())[0]
    async with house.db.engine([outlet.id]) as work:
        row = await (await work.conn.execute("SELECT id FROM membership")).fetchone()
    assert row is not None
    actor = Actor(ActorKind.OPERATOR, row[0].hex, "owner")

    async def give(command: Any) -> Any:
        async with house.db.web(outlet.id) as work:
            call: Call[Any] = Call(outlet.id, actor, command)
            return await house.dispatcher.one(work, call)

    return give


async def test_an_order_goes_on_where_it_was_when_the_operator_hands_back(
    visitor: People, operate: Any
) -> None:
    anna = visitor("a")
    await anna.says("order water")
    await anna.taps("20 L refill")
    conversation: UUID = await anna.conversation()

    await operate(TakeOver(conversation))
    assert await anna.says("do you have ice?") == []
    await operate(Reply(conversation, "Not yet."))
    assert await anna.hears() == ["Not yet."]
    assert await anna.says("2") == []  # said to the person, not to the bot
    await operate(HandBack(conversation))

    assert (await anna.says("3"))[0].startswith("Where shall we bring it?")


@pytest.mark.parametrize(
    ("word", "answer"),
    [
        ("menu", MENU),
        ("help", "You can always write: “menu”"),
        ("stop", "You will get no more messages from us here."),
        ("lugha", "Which language do you prefer?"),
        ("human", "A person from MajiPro will answer you here."),
    ],
)
async def test_the_words_get_through_while_a_person_speaks(
    visitor: People, operate: Any, word: str, answer: str
) -> None:
    anna = visitor("a")
    await anna.says("hello")
    await operate(TakeOver(await anna.conversation()))

    assert (await anna.says(word))[0].startswith(answer)


async def test_the_menu_gives_the_conversation_back_to_the_bot(
    visitor: People, operate: Any
) -> None:
    anna = visitor("a")
    await anna.says("hello")
    await operate(TakeOver(await anna.conversation()))
    assert await anna.says("order water") == []

    await anna.says("menu")

    assert await anna.says("order water") == ["Which bottle would you like?"]


async def test_a_forgotten_conversation_comes_back_by_itself(
    visitor: People, operate: Any, database_url: str
) -> None:
    anna = visitor("a")
    await anna.says("hello")
    await operate(TakeOver(await anna.conversation()))
    with psycopg.connect(database_url, autocommit=True) as conn:
        left = conn.execute("SELECT speaker_until - now() FROM conversation").fetchone()
        conn.execute("UPDATE conversation SET speaker_until = now() - interval '1 second'")
    assert left is not None
    assert 29.5 < left[0].total_seconds() / 60 <= 30

    assert await anna.says("order water") == ["Which bottle would you like?"]


async def test_a_reply_that_cannot_be_sent_changes_nothing(
    visitor: People, operate: Any, database_url: str
) -> None:
    anna, ben = visitor("a"), visitor("b")
    await anna.says("hello")
    await ben.says("stop")

    def state() -> list[Any]:
        with psycopg.connect(database_url) as conn:
            return conn.execute(
                "SELECT thread, speaker, last_seq, last_text FROM conversation ORDER BY thread"
            ).fetchall()

    before = state()
    for command, refusal in (
        (Reply(await anna.conversation(), "   "), EmptyReply),
        (Reply(await anna.conversation(), "x" * 4001), EmptyReply),
        (Reply(await ben.conversation(), "hello"), CannotReach),
        (Reply(uuid4(), "hello"), NoSuchConversation),
        (TakeOver(uuid4()), NoSuchConversation),
    ):
        with pytest.raises(refusal):
            await operate(command)

    assert state() == before


async def test_a_button_of_the_bot_waits_until_the_person_is_done(
    visitor: People, operate: Any
) -> None:
    anna = visitor("a")
    await anna.says("order water")
    await anna.taps("20 L refill")
    await anna.says("many")
    conversation = await anna.conversation()
    question = anna.last
    await operate(TakeOver(conversation))

    silence = await anna.says("3")
    await operate(HandBack(conversation))
    anna.last = question

    assert silence == []
    assert (await anna.says("3"))[0].startswith("Where shall we bring it?")
