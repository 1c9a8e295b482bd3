"""Files on their way to Telegram: within its limits, and uploaded once."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import bot_api_schema
import pytest
from houses import leave_leaf

from chatworks.channels.models import (
    Accepted,
    Channel,
    Outcome,
    Permanent,
    Prompt,
    RetryAfter,
    WirePart,
)
from chatworks.channels.telegram.files import Files, TooLarge, as_document, dimensions
from chatworks.channels.telegram.plan import plan
from chatworks.channels.telegram.send import BotApi as Api
from chatworks.house import House
from chatworks.kit.http import Upload
from chatworks.sdk.messages import Media, MediaKind, Message
from chatworks.testing.telegram import BotApi, Fault

MB = 1_000_000


def png(width: int = 4, height: int = 3, size: int = 0) -> bytes:
    """The head of a PNG of these sides, filled up to ``size`` bytes."""
    head = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"
    return (head + width.to_bytes(4, "big") + height.to_bytes(4, "big")).ljust(size, b"\0")


def jpeg(width: int, height: int) -> bytes:
    """The head of a JPEG, with a segment of another kind before its frame."""
    frame = b"\xff\xc0\x00\x0b\x08" + height.to_bytes(2, "big") + width.to_bytes(2, "big")
    return b"\xff\xd8\xff\xe0\x00\x04ab" + frame + b"\x00" * 8


class Stage:
    """A bot with files of its own, and what they were read for."""

    def __init__(self, house: House, channel: Channel, held: dict[str, Upload]) -> None:
        self.house, self.channel, self.held = house, channel, held
        self.read: list[str] = []
        self.api = Api(house.http, house.settings.telegram_api_base)
        self.files = Files(house.db, self.load, "https://shop.example")

    async def load(self, path: str) -> Upload | None:
        self.read.append(path)
        return self.held.get(path)

    async def send(self, message: Message, person: int = 501) -> list[Outcome]:
        parts = plan(Prompt(str(person), 1, message)).parts
        return [await self.files.send(self.api, self.channel, part) for part in parts]


@pytest.fixture
async def stage(house: House, bot_api: BotApi) -> Stage:
    channel = (await house.directory.channels(kind="telegram"))[0]
    return Stage(
        house,
        channel,
        {
            "/media/a/1": Upload(png(), "image/png", "tap.png"),
            "/media/a/2": Upload(png(9, 9), "image/png", "pipe.png"),
            "/media/a/3": Upload(b"%PDF-1.4", "application/pdf", 'bill “7”\r\n "x".pdf'),
        },
    )


def image(path: str = "/media/a/1", size: int = 24) -> Media:
    return Media(MediaKind.IMAGE, path, "image/png", size)


def document(path: str = "/media/a/3") -> Media:
    return Media(MediaKind.DOCUMENT, path, "application/pdf", 8)


async def test_a_photo_is_uploaded_with_its_caption_and_then_named(
    stage: Stage, bot_api: BotApi
) -> None:
    message = Message("The broken tap", media=(image(),))

    outcomes = [*await stage.send(message), *await stage.send(message, 502)]

    first, second = bot_api.done("sendPhoto")
    assert outcomes == [Accepted("1"), Accepted("1")]
    assert stage.read == ["/media/a/1"]
    assert [u.content for u in bot_api.files.values()] == [png()]
    assert first.params["caption"] == "The broken tap"
    assert first.params["chat_id"] == 501
    assert second.params["photo"] == first.params["photo"] == "file-1"


async def test_a_broadcast_uploads_once(stage: Stage, bot_api: BotApi) -> None:
    message = Message("News", media=(image(),))

    await asyncio.gather(*(stage.send(message, 600 + n) for n in range(20)))

    assert len(bot_api.done("sendPhoto")) == 20
    assert {call.params["photo"] for call in bot_api.done("sendPhoto")} == {"file-1"}
    assert stage.read == ["/media/a/1"]


async def test_an_album_is_uploaded_whole_and_then_named(stage: Stage, bot_api: BotApi) -> None:
    message = Message("Two pictures", media=(image(), image("/media/a/2")))

    (outcome,) = await stage.send(message)
    await stage.send(message)

    first, second = bot_api.done("sendMediaGroup")
    assert outcome == Accepted("1")
    assert [item["media"] for item in first.params["media"]] == ["file-1", "file-2"]
    assert first.params["media"][0]["caption"] == "Two pictures"
    assert second.params["media"] == first.params["media"]
    assert stage.read == ["/media/a/1", "/media/a/2"]


async def test_a_documents_name_and_type_arrive(stage: Stage, bot_api: BotApi) -> None:
    await stage.send(Message(media=(document(),)))

    (upload,) = bot_api.files.values()
    assert (upload.name, upload.content_type) == ('bill “7” "x".pdf', "application/pdf")
    assert upload.content == b"%PDF-1.4"


async def test_an_id_that_telegram_forgot_is_uploaded_again(stage: Stage, bot_api: BotApi) -> None:
    await stage.send(Message(media=(image(),)))
    async with stage.house.db.engine() as work:
        await work.conn.execute("UPDATE telegram_file SET file_id = 'gone'")
    told = "wrong file identifier/HTTP URL specified"
    real = bot_api.file_problem

    async def problem(method: str, params: dict[str, Any]) -> str:
        return told if params["photo"] == "gone" else await real(method, params)

    bot_api.file_problem = problem  # type: ignore[method-assign]

    (outcome,) = await stage.send(Message(media=(image(),)))

    assert outcome == Accepted("2")
    assert stage.read == ["/media/a/1", "/media/a/1"]
    async with stage.house.db.engine() as work:
        rows = await (await work.conn.execute("SELECT file_id FROM telegram_file")).fetchall()
    assert rows == [("file-2",)]


async def test_what_is_not_held_here_is_fetched_by_telegram_from_its_address(
    stage: Stage, bot_api: BotApi
) -> None:
    reached: list[str] = []
    real = bot_api.file_problem

    async def fetched(method: str, params: dict[str, Any]) -> str:
        reached.append(params["photo"])
        return "" if params["photo"].startswith("https://") else await real(method, params)

    bot_api.file_problem = fetched  # type: ignore[method-assign]

    (outcome,) = await stage.send(Message(media=(image("/media/b/9"),)))
    stage.files.address = ""
    (gone,) = await stage.send(Message(media=(image("/media/b/8"),)))

    assert outcome == Accepted("1")
    assert reached == ["https://shop.example/media/b/9"]
    assert gone == Permanent("the file 8 is gone")


async def test_a_picture_that_is_no_photo_to_telegram_goes_as_a_document(
    stage: Stage, bot_api: BotApi
) -> None:
    stage.held["/media/a/1"] = Upload(png(9000, 1001), "image/png", "plan.png")
    message = Message("The plan", media=(image(),))

    await stage.send(message)
    await stage.send(message)

    first, second = bot_api.done("sendDocument")
    assert first.params["document"] == second.params["document"] == "file-1"
    assert "photo" not in first.params
    assert first.params["caption"] == "The plan"
    assert stage.read == ["/media/a/1"]


async def test_a_refused_or_unanswered_upload_keeps_nothing(stage: Stage, bot_api: BotApi) -> None:
    bot_api.faults.append(Fault("429", "sendPhoto", retry_after=3))

    (held,) = await stage.send(Message(media=(image(),)))

    assert held == RetryAfter(3.0, "chat", "Too Many Requests: retry after 3")
    async with stage.house.db.engine() as work:
        row = await (await work.conn.execute("SELECT count(*) FROM telegram_file")).fetchone()
    assert row == (0,)


async def test_another_bots_ids_are_not_ours(stage: Stage, bot_api: BotApi) -> None:
    await stage.send(Message(media=(image(),)))
    async with stage.house.db.engine() as work:
        other = work.new_id()
        await work.conn.execute(
            "INSERT INTO channel (outlet_id, id, kind, path, name, secret_env, created_at)"
            " SELECT outlet_id, %s, kind, 'another', 'b', 'B', now() FROM channel"
            " WHERE kind = 'telegram'",
            [other],
        )
        leave_leaf(work)
    stage.channel = replace(stage.channel, id=other)

    await stage.send(Message(media=(image(),)))

    assert stage.read == ["/media/a/1", "/media/a/1"]


@pytest.mark.parametrize(
    ("content", "as_photo"),
    [
        (png(5000, 5000), True),
        (png(5000, 5001), False),
        (png(2000, 100), True),
        (png(2001, 100), False),
        (png(4, 3, 10 * MB), True),
        (png(4, 3, 10 * MB + 1), False),
        (png(0, 3), False),
        (b"GIF89a", False),
        (jpeg(5000, 5000), True),
        (jpeg(100, 2001), False),
    ],
)
def test_a_photos_limits(content: bytes, as_photo: bool) -> None:  # noqa: FBT001 - a table
    assert as_document("photo", content) is not as_photo


def test_no_file_is_larger_than_50_mb() -> None:
    assert as_document("document", b"x" * 50 * MB) is False
    with pytest.raises(TooLarge, match="the file has more than 50,000,000 bytes"):
        as_document("document", b"x" * (50 * MB + 1))


@pytest.mark.parametrize(
    ("content", "size"),
    [
        (png(640, 480), (640, 480)),
        (jpeg(640, 480), (640, 480)),
        (jpeg(640, 480)[:12], None),
        (b"\xff\xd8\xff\xe0\x00", None),
        (b"", None),
    ],
)
def test_a_pictures_sides(content: bytes, size: tuple[int, int] | None) -> None:
    assert dimensions(content) == size


@pytest.mark.parametrize(("count", "methods"), [(1, ["sendPhoto"]), (2, ["sendMediaGroup"])])
def test_albums_have_2_to_10(count: int, methods: list[str]) -> None:
    assert [p.method for p in plan(Prompt("5", 1, Message(media=(image(),) * count))).parts] == (
        methods
    )
    ten = plan(Prompt("5", 1, Message(media=(image(),) * 10))).parts
    eleven = plan(Prompt("5", 1, Message(media=(image(),) * 11))).parts
    assert [len(part.params["media"]) for part in ten] == [10]
    assert [part.method for part in eleven] == ["sendMediaGroup", "sendPhoto"]


@bot_api_schema.needed
def test_every_request_with_files_is_one_of_the_schema() -> None:
    parts: list[WirePart] = []
    for media in ((image(),), (image(), image()), (document(),)):
        parts += plan(Prompt("5", 1, Message("Look", media=media))).parts

    assert {part.method for part in parts} == {"sendPhoto", "sendMediaGroup", "sendDocument"}
    assert [bot_api_schema.request_misfit(p.method, p.params) for p in parts] == [""] * 3
