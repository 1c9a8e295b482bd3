"""What the chat page may send: forms and files, and what of them is refused."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec
import pytest

from chatworks.channels.models import Channel, Lane, Rejected
from chatworks.channels.webchat.adapter import FIELDS_MAX, TEXT_LENGTH_MAX, arrival, read
from chatworks.sdk.inbound import File, InboundKind

IDENT = UUID("01a20dfb-06f0-759c-8bdf-0886e150c840")
CHANNEL = Channel(IDENT, IDENT, "webchat", "", "", "")
FILE = {
    "kind": "image",
    "path": f"/media/{IDENT.hex}/abcDEF_-0123456789",
    "media_type": "image/png",
    "size_bytes": 1234,
    "name": "gate.png",
}


def event(**fields: Any) -> bytes:
    return msgspec.json.encode({"id": str(IDENT), **fields})


def test_a_form_comes_with_its_answers() -> None:
    values = {"name": "Amina", "dog": "no"}
    taken = arrival(
        event(kind="form", tap="7.form", values=values, text="Your name: Amina"), "t", "en"
    )
    inbound = read(taken.payload, CHANNEL)

    assert taken.lane is Lane.TAP
    assert (inbound.kind, inbound.tap, inbound.values) == (InboundKind.FORM, "7.form", values)
    assert inbound.text == "Your name: Amina"


def test_a_file_is_known_by_its_address() -> None:
    inbound = read(arrival(event(kind="file", file=FILE), "t", "en").payload, CHANNEL)

    assert inbound.kind is InboundKind.FILE
    assert inbound.file == File("photo", FILE["path"], "gate.png", "image/png", 1234)  # type: ignore[arg-type]


def test_an_answer_may_be_as_long_as_a_text_and_a_form_have_so_many_fields() -> None:
    whole = {str(n): "x" for n in range(FIELDS_MAX - 1)} | {"last": "x" * TEXT_LENGTH_MAX}

    assert (
        read(
            arrival(event(kind="form", tap="7.form", values=whole), "t", "en").payload, CHANNEL
        ).values
        == whole
    )


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": "form", "values": {"a": "x"}},
        {"kind": "tap", "tap": "buy"},
        {"kind": "form", "tap": "7.form", "values": {"a": "x" * (TEXT_LENGTH_MAX + 1)}},
        {"kind": "form", "tap": "7.form", "values": {str(n): "" for n in range(FIELDS_MAX + 1)}},
        {"kind": "form", "tap": "7.form", "values": {"a": "\x00"}},
        {"kind": "form", "tap": "7.form", "values": {"a\x00": "b"}},
        {"kind": "file"},
        {"kind": "text", "text": "hello", "file": FILE},
        {"kind": "file", "file": {**FILE, "path": "https://elsewhere.example/x.png"}},
        {"kind": "file", "file": {**FILE, "path": f"/media/{IDENT.hex}/../x"}},
        {"kind": "file", "file": {**FILE, "size_bytes": -1}},
        {"kind": "file", "file": {**FILE, "name": "a\x00b"}},
    ],
)
def test_what_does_not_fit_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(Rejected) as refused:
        arrival(event(**fields), "t", "en")

    assert refused.value.http_status == 400
