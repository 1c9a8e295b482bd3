"""A file's type is found from its bytes; what is not on the list, or no picture, is refused."""

from __future__ import annotations

from io import BytesIO

import pytest
from files import (
    AMR,
    M4A,
    MP3,
    MP4,
    OGG,
    PDF,
    TEXT,
    VCARD,
    announced,
    located,
    moving,
    picture,
)
from PIL import Image, ImageSequence

from chatworks.media import core
from chatworks.media.models import NotTaken
from chatworks.media.pictures import SIDE_MAX
from chatworks.media.service import examine

TAKEN = [
    (picture(), "image/jpeg"),
    (picture("PNG"), "image/png"),
    (picture("WEBP"), "image/webp"),
    (moving(), "image/gif"),
    (PDF, "application/pdf"),
    (MP4, "video/mp4"),
    (MP3, "audio/mpeg"),
    (M4A, "audio/mp4"),
    (OGG, "audio/ogg"),
    (AMR, "audio/amr"),
    (TEXT, "text/plain"),
    (VCARD, "text/vcard"),
]


@pytest.mark.parametrize(("content", "media_type"), TAKEN, ids=[kind for _, kind in TAKEN])
def test_every_type_on_the_list_is_found_from_its_bytes(content: bytes, media_type: str) -> None:
    assert core.sniff(content) == media_type


REFUSED = {
    "nothing": b"",
    "html": b"<!doctype html><script>alert(1)</script>",
    "html after space": b"\n\n   <HTML><body>",
    "html behind words": b"Hello <script src=//x></script>",
    "svg": b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
    "svg behind a prologue": b'\xef\xbb\xbf<?xml version="1.0"?><svg/>',
    "shell script": b"#!/bin/sh\nrm -rf /\n",
    "program": b"MZ\x90\x00\x03\x00\x00\x00" + b"\x00" * 300,
    "elf": b"\x7fELF\x02\x01\x01" + b"\x00" * 300,
    "zip": b"PK\x03\x04" + b"\x00" * 300,
    "tiff": picture("TIFF"),
    "bmp": picture("BMP"),
    "unknown bytes": b"\x01\x02\x03\x04" * 100,
    "text with a NUL": b"hello\x00world",
}


@pytest.mark.parametrize("content", REFUSED.values(), ids=REFUSED.keys())
def test_what_is_not_on_the_list_is_refused(content: bytes) -> None:
    with pytest.raises(NotTaken):
        core.sniff(content)


def test_a_picture_loses_its_metadata_its_tail_and_its_tilt() -> None:
    came = located()
    kept = examine(came, "IMG_1.JPG")

    assert (kept.media_type, kept.width, kept.height) == ("image/jpeg", 48, 64)
    assert kept.name == "IMG_1.jpg"
    assert b"script" in came
    assert b"script" not in kept.content
    assert b"Amina" not in kept.content
    assert b"at home" not in kept.content
    with Image.open(BytesIO(kept.content)) as image:
        assert dict(image.getexif()) == {}
        assert "comment" not in image.info


def test_a_large_picture_is_bounded_and_its_shape_stays() -> None:
    kept = examine(picture(size=(6000, 3000)), "")

    assert (kept.width, kept.height) == (SIDE_MAX, SIDE_MAX // 2)


def test_still_pictures_end_as_what_every_messenger_takes() -> None:
    clear = BytesIO()
    Image.new("RGBA", (20, 20), (10, 20, 30, 40)).save(clear, "WEBP")

    assert examine(picture("WEBP"), "a.webp").media_type == "image/jpeg"
    assert examine(clear.getvalue(), "b.webp").media_type == "image/png"
    assert examine(clear.getvalue(), "b.webp").name == "b.png"
    assert examine(picture("PNG"), "c.png").media_type == "image/png"


@pytest.mark.parametrize("form", ["GIF", "WEBP"])
def test_what_moves_keeps_moving_within_the_bound(form: str) -> None:
    kept = examine(moving(form), "wave")

    with Image.open(BytesIO(kept.content)) as image:
        times = []
        for frame in ImageSequence.Iterator(image):
            frame.load()
            times.append(frame.info["duration"])
    assert (kept.media_type, times) == (f"image/{form.lower()}", [80, 80, 80])


def test_what_moves_for_too_long_stands_still(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chatworks.media.pictures.MOVING_PIXELS_MAX", 32 * 24 * 2)

    assert examine(moving(), "wave").media_type == "image/jpeg"


BOMBS = {
    "over our bound": announced(10_000, 5_001),
    "over Pillow's warning": announced(10_000, 9_999),
    "over Pillow's bound": announced(60_000, 60_000),
    "a line": announced(20_000, 10),
    "cut off": picture("PNG")[:60],
    "no picture behind the magic": b"\xff\xd8\xff" + b"\x00" * 200,
    "html behind a GIF's magic": b"GIF89a<script>alert(1)</script>" + b" " * 300,
}


@pytest.mark.parametrize("content", BOMBS.values(), ids=BOMBS.keys())
def test_bombs_and_damaged_pictures_are_refused(content: bytes) -> None:
    with pytest.raises(NotTaken):
        examine(content, "x.png")


NAMES = {
    "../../etc/passwd": "passwd.pdf",
    "C:\\Users\\a\\bill.exe": "bill.pdf",
    "invoice.pdf.html": "invoice.pdf.pdf",
    "gpj.\u202efdp.exe": "gpj.fdp.pdf",
    ".htaccess": "htaccess.pdf",
    "a\r\nSet-Cookie: x": "aSet-Cookie: x.pdf",
    "": "file.pdf",
    "…": "….pdf",
    "n" * 500 + ".pdf": "n" * 116 + ".pdf",
}


@pytest.mark.parametrize(("given", "kept"), NAMES.items())
def test_names_lose_folders_tricks_and_wrong_endings(given: str, kept: str) -> None:
    assert core.clean_name(given, "application/pdf") == kept


def test_a_name_cannot_leave_its_header() -> None:
    header = core.disposition('bill "x"\\é.pdf', "application/pdf")

    assert header == (
        "attachment; filename=\"bill _x___.pdf\"; filename*=UTF-8''bill%20%22x%22%5C%C3%A9.pdf"
    )
    assert core.disposition("a.jpg", "image/jpeg").startswith("inline; ")


RANGES = {
    "bytes=0-4": (0, 5),
    "bytes=5-": (5, 10),
    "bytes=-3": (7, 10),
    "bytes=-99": (0, 10),
    "bytes=8-99": (8, 10),
    "bytes=10-": (10, 10),
    "bytes=-0": (10, 10),
    "bytes=4-2": None,
    "bytes=0-1,4-5": None,
    "bytes=-": None,
    "items=0-1": None,
    "": None,
}


@pytest.mark.parametrize(("header", "asked"), RANGES.items())
def test_ranges_are_read_as_rfc_9110_says(header: str, asked: tuple[int, int] | None) -> None:
    assert core.read_range(header, 10) == asked
