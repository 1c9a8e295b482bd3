"""What people send is fetched after its turn, tried again, given up, shown, and let go of."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import httpx
import msgspec
import psycopg
import pytest
from files import PDF, located, picture

from chatworks.channels.models import RawRequest
from chatworks.conversations.store import Said, find_by_thread, history
from chatworks.house import House
from chatworks.inbox.models import NewEvent
from chatworks.kit.errors import NotFound
from chatworks.media import core, store
from chatworks.media.models import ATTEMPTS_MAX, KEPT_FOR, Origin, Owner, State, Wanted
from chatworks.sdk.inbound import File
from chatworks.testing.telegram import BotApi, Fault

CHAT = 77


async def send(house: House, outlet: UUID, update: object) -> None:
    """Have Telegram's update stand in the inbox."""
    channel = (await house.directory.channels(outlet, "telegram"))[0]
    request = RawRequest({}, msgspec.json.encode(update))
    arrivals = house.kinds["telegram"].split(request, channel, house.clock.now())
    await house.committer.accept([NewEvent(outlet, channel.id, one) for one in arrivals])


async def files(house: House, outlet: UUID) -> list[Said]:
    """Return the messages of the chat that brought a file."""
    channel = (await house.directory.channels(outlet, "telegram"))[0]
    async with house.db.engine() as work:
        found = await find_by_thread(work, outlet, channel.id, str(CHAT))
        said = [] if found is None else await history(work, outlet, found[0])
    return [message for message in said if message.file is not None]


async def until(
    house: House, outlet: UUID, wanted: Callable[[Said], bool], seconds: float = 10
) -> Said:
    async with asyncio.timeout(seconds):
        while True:
            for message in await files(house, outlet):
                if wanted(message):
                    return message
            await asyncio.sleep(0.02)


def is_in(state: State) -> Callable[[Said], bool]:
    return lambda said: said.file is not None and said.file.state is state


async def test_a_photo_is_fetched_after_its_turn_and_loses_where_it_was_taken(
    working: House, outlet: UUID, bot_api: BotApi, client: httpx.AsyncClient
) -> None:
    await send(working, outlet, bot_api.media(CHAT, "photo", located(), "image/jpeg", "my gate"))
    said = await until(working, outlet, is_in(State.HERE))

    assert said.content["text"] == "my gate"
    assert said.file is not None
    assert said.file.media is not None
    assert (said.file.media.media_type, said.file.width, said.file.height) == ("image/jpeg", 48, 64)
    answer = await client.get(said.file.media.path)
    assert answer.headers["cache-control"] == "private, max-age=31536000, immutable"
    assert b"Amina" not in answer.content


async def test_what_is_not_taken_says_why_and_leaves_nothing(
    working: House, outlet: UUID, bot_api: BotApi
) -> None:
    page = b"<!doctype html><script>alert(1)</script>"
    await send(working, outlet, bot_api.media(CHAT, "document", page, "image/png"))
    said = await until(working, outlet, is_in(State.FAILED))

    assert said.file is not None
    assert said.file.reason == "web pages, drawings as markup, and scripts are not taken"
    async with working.db.web(outlet) as work:
        assert await store.total(work, outlet) == (0, 0)


async def test_a_vendor_in_trouble_is_asked_again(
    working: House, outlet: UUID, bot_api: BotApi
) -> None:
    bot_api.faults.append(Fault("500", "getFile"))
    await send(working, outlet, bot_api.media(CHAT, "document", PDF, "text/html"))
    tried = await until(working, outlet, lambda s: bool(s.file and s.file.reason))
    said = await until(working, outlet, is_in(State.HERE))

    assert tried.file is not None
    assert tried.file.reason == "Telegram does not give it now: Internal Server Error"
    assert said.file is not None
    assert said.file.media is not None
    assert said.file.media.media_type == "application/pdf"


def test_tries_wait_longer_each_time_and_end() -> None:
    pauses = [core.pause(attempts, 0.0) for attempts in range(1, ATTEMPTS_MAX + 1)]

    assert pauses == [1.0, 5.0, 25.0, 125.0, None]


async def spoken(house: House, outlet: UUID, bot_api: BotApi) -> tuple[UUID, UUID]:
    """Return a conversation with one message, and its channel; the worker stands still."""
    await send(house, outlet, bot_api.text(CHAT, "hello"))
    await house.worker.step()
    channel = (await house.directory.channels(outlet, "telegram"))[0]
    async with house.db.engine() as work:
        found = await find_by_thread(work, outlet, channel.id, str(CHAT))
    assert found is not None
    return found[0], channel.id


async def want(house: House, outlet: UUID, bot_api: BotApi, vendor_id: str) -> UUID:
    conversation, channel = await spoken(house, outlet, bot_api)
    file = File("photo", vendor_id)
    async with house.db.engine() as work:
        await store.want(work, [Wanted(outlet, channel, conversation, 1, file)])
    return conversation


async def test_a_late_fetcher_changes_nothing(house: House, outlet: UUID, bot_api: BotApi) -> None:
    vendor_id = bot_api.media(CHAT, "photo", picture(), "image/jpeg")["message"]["photo"][-1][
        "file_id"
    ]
    conversation = await want(house, outlet, bot_api, vendor_id)
    (late,) = await house.fetcher.lease()
    assert await house.fetcher.lease() == []  # somebody holds it
    async with house.db.engine() as work:
        await work.conn.execute("UPDATE media_fetch SET ready_at = now()")
    (second,) = await house.fetcher.lease()
    await house.fetcher.fetch(late)
    async with house.db.engine() as work:
        after_late = await store.total(work, outlet)
    await house.fetcher.fetch(second)

    assert (late.attempts, second.attempts, second.fence) == (1, 2, 2)
    assert after_late == (0, 0)
    async with house.db.engine() as work:
        shown = await store.arrived(work, outlet, conversation, [1])
        assert (await store.total(work, outlet))[0] == 1
    assert shown[1].state is State.HERE


async def test_our_own_upload_is_here_at_once_and_only_by_its_whole_address(
    house: House, outlet: UUID, bot_api: BotApi
) -> None:
    media = await house.shelf.keep(outlet, PDF, "a.pdf")
    conversation = await want(house, outlet, bot_api, media.path)
    async with house.db.engine() as work:
        shown = await store.arrived(work, outlet, conversation, [1])
        await store.erase(work, outlet, [conversation])
        channel = (await house.directory.channels(outlet, "telegram"))[0].id
        forged = media.path[:-22] + "A" * 22
        wanted = Wanted(outlet, channel, conversation, 1, File("document", forged))
        await store.want(work, [wanted])
        wrong = await store.arrived(work, outlet, conversation, [1])

    assert (shown[1].state, shown[1].media) == (State.HERE, media)
    assert (wrong[1].state, wrong[1].reason) == (State.FAILED, "the upload is no longer there")


@pytest.mark.promise("deletion")
async def test_erasure_takes_the_files_of_one_conversation_and_no_other(
    house: House, outlet: UUID, bot_api: BotApi
) -> None:
    conversation, _ = await spoken(house, outlet, bot_api)
    owner = Owner(Origin.INBOUND, conversation)
    theirs = await house.shelf.keep(outlet, PDF, "a.pdf", owner)
    ours = await house.shelf.keep(outlet, PDF, "a.pdf")
    async with house.db.engine() as work:
        gone = await store.erase(work, outlet, [conversation])

    assert gone == 1
    with pytest.raises(NotFound, match="no such file"):
        await house.shelf.load(theirs.path)
    assert (await house.shelf.load(ours.path)).content == PDF


@pytest.mark.promise("retention")
async def test_files_go_when_their_conversation_has_long_been_silent(
    house: House, outlet: UUID, bot_api: BotApi, database_url: str
) -> None:
    conversation, _ = await spoken(house, outlet, bot_api)
    owner = Owner(Origin.INBOUND, conversation)
    await house.shelf.keep(outlet, PDF, "a.pdf", owner)
    await house.shelf.keep(outlet, picture(), "shop.jpg")
    long_ago = house.clock.now() - KEPT_FOR - timedelta(days=1)
    gone = []
    for change in ("UPDATE media SET created_at = %s", "UPDATE conversation SET last_at = %s"):
        with psycopg.connect(database_url, autocommit=True) as conn:
            conn.execute(change, [long_ago])
        async with house.db.engine() as work:
            gone.append(await store.expire(work, 10))

    assert gone == [0, 1]
    async with house.db.engine() as work:
        assert (await store.total(work, outlet))[0] == 1
