"""Topics of a forum: a conversation each, answered where it was asked, within one chat's limits."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import bot_api_schema
import psycopg
import pytest
from houses import at_work
from test_telegram_payments import take, until

from chatworks.channels.models import Prompt, Settle
from chatworks.channels.telegram.manifest import LIMITS
from chatworks.channels.telegram.plan import plan, settle
from chatworks.channels.telegram.threads import address, chat_of, thread_of
from chatworks.house import House
from chatworks.outbox.core import chat_bucket
from chatworks.sdk.messages import Button, Media, MediaKind, Message, Place
from chatworks.testing.telegram import BotApi

FORUM = -1_002_233_445_566
CHOICE = Message("Which?", (Button("0", "20 L"),))


def said(api: BotApi, topic: int, text: str) -> dict[str, Any]:
    update = api.group_text(FORUM, "Kilimani Neighbours", 777, text)
    update["message"] |= {"message_thread_id": topic, "is_topic_message": True}
    return update


def test_a_thread_names_its_chat_and_its_topic() -> None:
    assert thread_of(501) == "501"
    assert thread_of(FORUM, 7) == f"{FORUM}/7"
    assert address("501") == {"chat_id": 501}
    assert address(f"{FORUM}/7") == {"chat_id": FORUM, "message_thread_id": 7}
    assert chat_of(f"{FORUM}/7") == {"chat_id": FORUM}
    assert address("@majipro_news") == {"chat_id": "@majipro_news"}


def test_everything_that_is_sent_to_a_topic_names_it_and_no_edit_does() -> None:
    photo = Media(MediaKind.IMAGE, "/media/a/1", "image/png", 9)
    messages = [
        CHOICE, Message(media=(photo,)), Message(media=(photo, photo)),
        Message(place=Place(-1.29, 36.78)), Message(typing=True),
    ]  # fmt: skip
    parts = [
        part
        for message in messages
        for part in plan(Prompt(f"{FORUM}/7", 3, message, is_group=True)).parts
    ]
    edits = settle(Settle(f"{FORUM}/7", asked_seq=3, message_ref="31", message=CHOICE, chosen="x"))

    assert {part.method for part in parts} == {
        "sendMessage", "sendPhoto", "sendMediaGroup", "sendLocation", "sendChatAction",
    }  # fmt: skip
    for part in parts:
        assert (part.params["chat_id"], part.params["message_thread_id"]) == (FORUM, 7)
    assert [edit.params["chat_id"] for edit in edits] == [FORUM]
    assert "message_thread_id" not in edits[0].params
    if bot_api_schema.SPEC:
        misfits = [bot_api_schema.request_misfit(p.method, p.params) for p in (*parts, *edits)]
        assert set(misfits) == {""}


def test_all_topics_share_their_chats_limit() -> None:
    channel = UUID(int=7).hex

    one, other = (chat_bucket("telegram", channel, f"{FORUM}/{n}", LIMITS) for n in (7, 8))

    assert one == other == (f"telegram:{channel}:{FORUM}", 3.0, 5)


@pytest.mark.promise("messaging")
async def test_two_topics_are_two_conversations_answered_where_they_were_asked(
    house: House, bot_api: BotApi, database_url: str
) -> None:
    async with at_work(house):
        await until(lambda: bot_api.polls)  # our own name is known once we are connected
        order, menu = said(bot_api, 7, "/order@StandInBot"), said(bot_api, 8, "/menu@StandInBot")
        await take(house, [order, menu])
        await until(lambda: len(bot_api.sent(FORUM)) >= 4)

    where = {(c.params["message_thread_id"], c.params["text"]) for c in bot_api.sent(FORUM)}
    assert (7, "Which bottle would you like?") in where
    assert (8, "Welcome to MajiPro. What can I do for you?") in where
    with psycopg.connect(database_url) as conn:
        threads = conn.execute("SELECT thread, is_group FROM conversation ORDER BY 1").fetchall()
    assert threads == [(f"{FORUM}/7", True), (f"{FORUM}/8", True)]
