"""The Cloud API's webhooks: what each recorded shape becomes, item by item."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace

from chatworks.channels.models import Channel, Consequence, Lane, RawRequest, Report
from chatworks.channels.whatsapp import adapter
from chatworks.inbox.door import check
from chatworks.kit.clock import FixedClock
from chatworks.sdk.inbound import File, Inbound, InboundKind, Sender
from chatworks.sdk.messages import Place

FOLDER = Path(__file__).parent / "fixtures" / "whatsapp"
NAMES = sorted(path.stem for path in FOLDER.glob("*.json"))
CHANNEL = Channel(
    UUID(int=1), UUID(int=2), "whatsapp", "path", "", "webhook", secret="t", account="10001"
)
PERSON, SCOPED = "254712345678", "KE.1234567890abcDEF"
AMINA = Sender(PERSON, "Amina Otieno", phone=f"+{PERSON}")
JUMA = Sender("254733000111", "Juma", phone="+254733000111")
QUESTION = "wamid.question"
FILE = "1908647269898587"


def body(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text("utf-8"))
    return found


def values(name: str) -> list[dict[str, Any]]:
    """Return the values of a batch's changes."""
    return [change["value"] for entry in body(name)["entry"] for change in entry["changes"]]


def said(kind: str, sender: Sender = AMINA, **more: Any) -> Inbound:
    return Inbound(InboundKind(kind), sender, **more)


def report(status: str, error: str = "", then: str = "none") -> Report:
    return Report("", status, PERSON, error, Consequence(then))


YAYA = Place(-1.2897, 36.7869, "Yaya Centre, Argwings Kodhek Rd, Nairobi")
SCOPED_AMINA = Sender(SCOPED, "Amina Otieno", phone=f"+{PERSON}", aliases=(PERSON,))
# The items of each request in their order. Where an item refers to no other message, its own id is
# what it refers to; a report is about the message of its own id.
MEANT: dict[str, list[Inbound | Report]] = {
    "text": [said("text", text="Habari 👋🏾, nataka maji")],
    "command": [said("command", text="order", arguments="2 bottles")],
    "reply": [said("text", text="this one")],
    "forwarded": [said("text", text="Look at this")],
    "button": [said("tap", tap="7.yes", text="Yes", message_ref=QUESTION)],
    "list": [said("tap", tap="7.p1", text="20 L refill", message_ref=QUESTION)],
    "template_button": [said("tap", tap="7.yes", text="Yes", message_ref=QUESTION)],
    "template_words": [said("text", text="Tell me")],
    "form": [said("form", tap="7.form", values={"name": "Amina", "count": "2"})],
    "form_broken": [said("unknown", text="form")],
    "image": [said("file", text="The leak", file=File("photo", FILE, "", "image/jpeg"))],
    "voice": [said("file", file=File("audio", FILE, "", "audio/ogg; codecs=opus"))],
    "document": [
        said("file", text="The bill", file=File("document", FILE, "bill.pdf", "application/pdf"))
    ],
    "video": [said("file", file=File("video", FILE, "", "video/mp4"))],
    "sticker": [said("file", file=File("sticker", FILE, "", "image/webp"))],
    "location": [said("place", place=Place(-1.292066, 36.783595))],
    "location_named": [said("place", place=YAYA)],
    "contact": [said("phone", phone="+254 733 000 111")],
    "contact_without_number": [said("unknown", text="contacts")],
    "reaction": [said("other", text="reaction")],
    "reaction_taken_back": [said("other", text="reaction")],
    "order": [said("unknown", text="order")],
    "unsupported": [said("unknown", text="unsupported")],
    "future_kind": [said("unknown", text="hologram")],
    "referral": [said("text", text="I saw your offer", referral="https://fb.me/1a2b")],
    "scoped": [said("text", SCOPED_AMINA, text="Still me")],
    "scoped_alone": [said("text", Sender(SCOPED, "Amina Otieno"), text="No number any more")],
    "number_changed": [said("other", text="system")],
    "status_sent": [report("sent")],
    "status_delivered": [report("delivered")],
    "status_read": [report("read")],
    "status_failed_window": [
        report("failed", "131047: Re-engagement message", "close_window"),
    ],
    "status_failed_undeliverable": [report("failed", "131026: Message undeliverable")],
    "status_deleted": [],
    "account_update": [],
    "batch": [
        said("text", text="one"),
        said("text", JUMA, text="two"),
        report("sent"),
        report("read"),
        said("text", text="three"),
        report("delivered"),
    ],
}

TAPPED = {"button", "list", "template_button", "template_words", "form", "form_broken"}


def items(name: str) -> list[tuple[str, Inbound | Report]]:
    """Return what each item of a request is expected to be, with its id, which the file has."""
    ids = [
        item["id"]
        for value in values(name)
        for kind in ("messages", "statuses")
        for item in value.get(kind, ())
    ]
    named: list[tuple[str, Inbound | Report]] = []
    for ident, meant in zip(ids, MEANT[name], strict=bool(MEANT[name])):
        if isinstance(meant, Report):
            named.append((f"{ident}:{meant.status}", replace(meant, vendor_id=ident)))
        else:
            ref = meant.message_ref or ident
            told = "" if meant.kind is InboundKind.OTHER else ident
            named.append((ident, replace(meant, message_ref=ref, reply_ref=told)))
    return named


@pytest.mark.parametrize("name", NAMES)
def test_a_request_becomes_exactly_these_events(name: str) -> None:
    request = RawRequest({}, (FOLDER / f"{name}.json").read_bytes())

    arrivals = adapter.split(request, CHANNEL, FixedClock().now())

    assert [(a.event_id, adapter.read(a.payload, CHANNEL)) for a in arrivals] == items(name)
    for arrival, (_, meant) in zip(arrivals, items(name), strict=True):
        check(arrival)
        where = meant.recipient if isinstance(meant, Report) else meant.sender.vendor_id
        assert arrival.thread == where
        spoken = Lane.TAP if name in TAPPED else Lane.MESSAGE
        assert arrival.lane is (Lane.REST if isinstance(meant, Report) else spoken)


def test_every_shape_is_expected() -> None:
    assert sorted(MEANT) == NAMES
