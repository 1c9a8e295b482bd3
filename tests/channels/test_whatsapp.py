"""WhatsApp's Cloud API: what comes in, whole and signed, and what goes out, within every limit."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from capable import messages, misfits
from hypothesis import given, settings
from hypothesis import strategies as st

from chatworks.channels.models import (
    Accepted,
    Ambiguous,
    Arrival,
    Channel,
    Consequence,
    Lane,
    Loss,
    Permanent,
    Prompt,
    RawRequest,
    Rejected,
    Report,
    RetryAfter,
    Settle,
    Template,
)
from chatworks.channels.planning.drawing import draw
from chatworks.channels.whatsapp import adapter
from chatworks.channels.whatsapp.limits import CAPABILITIES
from chatworks.channels.whatsapp.plan import plan, settle
from chatworks.channels.whatsapp.send import outcome
from chatworks.kit.http import Answer
from chatworks.sdk.chat import LOCATION_BUTTON
from chatworks.sdk.inbound import File, Inbound, InboundKind, Sender
from chatworks.sdk.messages import Button, ContactCard, Media, MediaKind, Message, Place
from chatworks.testing import whatsapp_webhooks as webhooks
from chatworks.testing.whatsapp_rules import check

NOW = datetime(2026, 11, 24, tzinfo=UTC)
CHANNEL = Channel(
    UUID(int=1), UUID(int=2), "whatsapp", "path", "MajiPro", "webhook",
    secret="token", webhook_secret="ours", signing_secret="app secret", account="10001",
)  # fmt: skip
PERSON, SCOPED = "254712345678", "KE.abc123"
SENDER = Sender(PERSON, name="Person 5678", phone=f"+{PERSON}")


def request(*values: Mapping[str, Any], number: str = "10001") -> RawRequest:
    body = webhooks.batch(values, "20001", number, "15005550001")
    return RawRequest({"x-hub-signature-256": webhooks.signature("app secret", body)}, body)


def split(*values: Mapping[str, Any]) -> Sequence[Arrival]:
    return adapter.split(request(*values), CHANNEL, NOW)


def message(content: Mapping[str, Any], bsuid: str = "", person: str = PERSON) -> Any:
    return webhooks.message(person, "wamid.1", 1_790_000_000, content, bsuid)


def heard(content: Mapping[str, Any], bsuid: str = "") -> Inbound | Report:
    (arrival,) = split(message(content, bsuid))
    return adapter.read(arrival.payload, CHANNEL)


# -- the door --------------------------------------------------------------------------------


def test_a_signature_is_checked_over_the_raw_bytes() -> None:
    good = request(message({"type": "text", "text": {"body": "hi"}}))

    adapter.verify(good, CHANNEL)
    for wrong in (
        RawRequest(good.headers, good.body + b" "),
        RawRequest({}, good.body),
        RawRequest({"x-hub-signature-256": "sha256=é"}, good.body),
    ):
        with pytest.raises(Rejected) as no:
            adapter.verify(wrong, CHANNEL)
        assert no.value.http_status == 401


def test_the_address_is_proved_by_our_token() -> None:
    asked = "/in/whatsapp/path?hub.mode=subscribe&hub.challenge=abc123&hub.verify_token="

    answer = adapter.greet(RawRequest({}, b"", "GET", asked + "ours"), CHANNEL)
    assert (answer.media_type, answer.body) == ("text/plain", b"abc123")
    with pytest.raises(Rejected) as no:
        adapter.greet(RawRequest({}, b"", "GET", asked + "other"), CHANNEL)
    assert no.value.http_status == 403
    with pytest.raises(Rejected):
        adapter.greet(RawRequest({}, b"", "GET", "/in/whatsapp/path"), CHANNEL)


def test_every_item_of_a_batch_is_an_event() -> None:
    text = {"type": "text", "text": {"body": "hi"}}
    values = [webhooks.message(PERSON, f"wamid.{n}", 5, text, "") for n in range(5)]
    sent = [webhooks.status("wamid.x", PERSON, what, 6) for what in ("sent", "delivered", "read")]

    arrivals = split(webhooks.merged([values[0], values[1], sent[0]]), *values[2:], *sent[1:])

    assert [a.event_id for a in arrivals] == [
        "wamid.0", "wamid.1", "wamid.x:sent", "wamid.2", "wamid.3", "wamid.4",
        "wamid.x:delivered", "wamid.x:read",
    ]  # fmt: skip
    assert {a.thread for a in arrivals} == {PERSON}


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{}", b"\xff", b'{"entry":[{"changes":[{"field":"messages","value":3}]}]}',
     b'{"entry":[{"changes":[{"field":"messages","value":{"messages":[{"type":"text"}]}}]}]}',
     b'{"entry":' + b"[" * 5000],
)  # fmt: skip
def test_a_body_that_cannot_be_read_is_refused(body: bytes) -> None:
    with pytest.raises(Rejected) as no:
        adapter.split(RawRequest({}, body), CHANNEL, NOW)
    assert no.value.http_status == 400


def test_another_number_and_another_field_are_not_ours() -> None:
    with pytest.raises(Rejected):
        adapter.split(request(message({"type": "text"}), number="777"), CHANNEL, NOW)
    other = {"entry": [{"changes": [{"field": "account_update", "value": {"event": "x"}}]}]}
    assert adapter.split(RawRequest({}, json.dumps(other).encode()), CHANNEL, NOW) == []


# -- what it says ----------------------------------------------------------------------------

IMAGE = {"id": "77", "mime_type": "image/jpeg", "caption": "The leak"}
BUTTON = {"type": "button_reply", "button_reply": {"id": "7.yes", "title": "Yes"}}
ROW = {"type": "list_reply", "list_reply": {"id": "7.3", "title": "20 L", "description": "d"}}
FLOW = {"response_json": json.dumps({"flow_token": "7.form", "name": "Amina", "count": 2})}


@pytest.mark.parametrize(
    ("content", "fields"),
    [
        ({"type": "text", "text": {"body": "Hi"}}, {"kind": InboundKind.TEXT, "text": "Hi"}),
        ({"type": "text", "text": {"body": "/Order two"}},
         {"kind": InboundKind.COMMAND, "text": "order", "arguments": "two"}),
        ({"type": "image", "image": IMAGE},
         {"kind": InboundKind.FILE, "file": File("photo", "77", "", "image/jpeg"),
          "text": "The leak"}),
        ({"type": "document", "document": {"id": "8", "filename": "bill.pdf"}},
         {"kind": InboundKind.FILE, "file": File("document", "8", "bill.pdf")}),
        ({"type": "audio", "audio": {"id": "9", "voice": True}},
         {"kind": InboundKind.FILE, "file": File("audio", "9")}),
        ({"type": "sticker", "sticker": {"id": "5"}},
         {"kind": InboundKind.FILE, "file": File("sticker", "5")}),
        ({"type": "location", "location": {"latitude": -1.2, "longitude": 36.8, "name": "Home"}},
         {"kind": InboundKind.PLACE, "place": Place(-1.2, 36.8, "Home")}),
        ({"type": "contacts", "contacts": [{"phones": [{"phone": "+254700000001"}]}]},
         {"kind": InboundKind.PHONE, "phone": "+254700000001"}),
        ({"type": "button", "button": {"payload": "7.yes", "text": "Yes"}},
         {"kind": InboundKind.TAP, "tap": "7.yes", "text": "Yes", "message_ref": ""}),
        ({"type": "button", "button": {"payload": "Tell me", "text": "Tell me"}},
         {"kind": InboundKind.TEXT, "text": "Tell me"}),
        ({"type": "reaction", "reaction": {"emoji": "👍"}},
         {"kind": InboundKind.OTHER, "text": "reaction"}),
        ({"type": "unsupported"}, {"kind": InboundKind.UNKNOWN, "text": "unsupported"}),
        ({"type": "contacts", "contacts": []}, {"kind": InboundKind.UNKNOWN, "text": "contacts"}),
    ],
)  # fmt: skip
def test_what_a_person_sends(content: Mapping[str, Any], fields: dict[str, Any]) -> None:
    seen = "" if fields["kind"] is InboundKind.OTHER else "wamid.1"  # nothing answers a reaction
    wanted = {"message_ref": "wamid.1", "reply_ref": seen, **fields}
    assert heard(content) == Inbound(sender=SENDER, **wanted)


@pytest.mark.parametrize(
    ("interactive", "fields"),
    [
        (BUTTON, {"kind": InboundKind.TAP, "tap": "7.yes", "text": "Yes"}),
        (ROW, {"kind": InboundKind.TAP, "tap": "7.3", "text": "20 L"}),
    ],
)
def test_a_tap_names_the_message_that_it_answers(
    interactive: Mapping[str, Any], fields: dict[str, Any]
) -> None:
    content = {"type": "interactive", "interactive": interactive, "context": {"id": "wamid.q"}}

    tap = Inbound(sender=SENDER, message_ref="wamid.q", reply_ref="wamid.1", **fields)
    assert heard(content) == tap
    (arrival,) = split(message(content))
    assert arrival.lane is Lane.TAP


def test_a_form_and_where_somebody_came_from() -> None:
    content = {
        "type": "interactive",
        "interactive": {"type": "nfm_reply", "nfm_reply": FLOW},
        "referral": {"source_url": "https://ads.example/1", "headline": "Water"},
    }

    inbound = heard(content)
    assert isinstance(inbound, Inbound)
    assert (inbound.kind, inbound.tap) == (InboundKind.FORM, "7.form")
    assert inbound.values == {"name": "Amina", "count": "2"}
    assert inbound.referral == "https://ads.example/1"


def test_a_person_is_the_scoped_id_and_the_number_an_alias() -> None:
    text = {"type": "text", "text": {"body": "Hi"}}

    both = heard(text, SCOPED)
    assert isinstance(both, Inbound)
    assert both.sender == Sender(SCOPED, name="Person 5678", phone=f"+{PERSON}", aliases=(PERSON,))
    (unnumbered,) = split(message(text, person=SCOPED))
    alone = adapter.read(unnumbered.payload, CHANNEL)
    assert isinstance(alone, Inbound)
    assert (unnumbered.thread, alone.sender.phone, alone.sender.aliases) == (SCOPED, "", ())


def test_a_changed_scoped_id_moves_the_person_at_once() -> None:
    changed = {"type": "system", "system": {"type": "user_changed_user_id", "user_id": "KE.new"}}

    (arrival,) = split(message(changed, SCOPED))
    inbound = adapter.read(arrival.payload, CHANNEL)

    assert arrival.thread == "KE.new"
    assert isinstance(inbound, Inbound)
    assert inbound.kind is InboundKind.OTHER
    assert inbound.sender.aliases == (SCOPED, PERSON)


@pytest.mark.parametrize(
    ("code", "consequence"),
    [
        (131047, Consequence.CLOSE_WINDOW),
        (132015, Consequence.DISABLE_TEMPLATE),
        (131026, Consequence.NONE),
        (131048, Consequence.ALERT),
    ],
)
def test_a_failed_message_says_why(code: int, consequence: Consequence) -> None:
    (arrival,) = split(webhooks.status("wamid.9", PERSON, "failed", 5, code))

    report = adapter.read(arrival.payload, CHANNEL)
    assert isinstance(report, Report)
    assert (report.vendor_id, report.status, report.recipient) == ("wamid.9", "failed", PERSON)
    assert report.error.startswith(f"{code}: ")
    assert report.consequence is consequence


# -- what goes out ---------------------------------------------------------------------------


@settings(max_examples=200, deadline=None)
@given(message=messages(), seq=st.integers(1, 10**6), to=st.sampled_from([PERSON, SCOPED]))
def test_any_message_is_within_the_limits(message: Message, seq: int, to: str) -> None:
    prompt = Prompt(to, seq, message, address="https://shop.example")

    planned = plan(prompt)

    assert misfits(draw(prompt, CAPABILITIES), CAPABILITIES) == []
    assert [check(part.params) for part in planned.parts] == [None] * len(planned.parts)
    assert all(("to" in part.params) == (to == PERSON) for part in planned.parts)


def body(message: Message) -> dict[str, Any]:
    (part,) = plan(Prompt(PERSON, 7, message, address="https://shop.example")).parts
    return part.params


def test_how_each_kind_is_drawn() -> None:
    yes_no = (Button("yes", "Yes"), Button("no", "No"))
    photo = Media(MediaKind.IMAGE, "/media/1/a", "image/jpeg", 10)

    assert body(Message("See https://a.example"))["text"] == {
        "body": "See https://a.example",
        "preview_url": True,
    }
    buttons = body(Message("Right?", yes_no, media=(photo,)))["interactive"]
    assert buttons["header"] == {
        "type": "image", "image": {"link": "https://shop.example/media/1/a"}
    }  # fmt: skip
    assert [b["reply"]["id"] for b in buttons["action"]["buttons"]] == ["7.yes", "7.no"]
    where = body(Message("Where?", (Button(LOCATION_BUTTON, "Share"),)))["interactive"]
    assert where == {
        "type": "location_request_message",
        "body": {"text": "Where?"},
        "action": {"name": "send_location"},
    }
    many = tuple(Button(str(n), f"Choice {n}", description="d") for n in range(5))
    listed = body(Message("Which?", many))["interactive"]
    assert listed["type"] == "list"
    assert listed["action"]["button"] == "Choose"
    assert listed["action"]["sections"][0]["rows"][0] == {
        "id": "7.0", "title": "Choice 0", "description": "d"
    }  # fmt: skip
    card = body(Message(contact=ContactCard("Joy W", "+254700000001", "joy@example.org")))
    assert card["contacts"][0]["phones"] == [{"phone": "+254700000001", "type": "CELL"}]
    pin = body(Message(place=Place(-1.2, 36.8)))["location"]
    assert pin == {"latitude": -1.2, "longitude": 36.8}


TEMPLATES = (
    Template("ready_en", "en", "order.ready", "Order {{1}}: {{2}}", "1", "approved"),
    Template("ready_sw", "sw", "order.ready", "Oda {{1}}: {{2}}", "2", "approved"),
    Template("paused", "en", "order.late", "Late {{1}}", "3", "paused"),
    Template("reopen", "en", "reopen", "There is news. Reply to read it.", "4", "approved"),
)


def closed(message: Message, language: str = "en", templates: Any = TEMPLATES) -> Any:
    prompt = Prompt(PERSON, 7, message, language=language, window_open=False, templates=templates)
    return plan(prompt)


def test_outside_of_the_window_a_template_of_the_topic_says_it() -> None:
    planned = closed(Message("1042\n\nIt is  ready\nat the gate", topic="order.ready"), "sw")

    (part,) = planned.parts
    assert part.params["template"] == {
        "name": "ready_sw",
        "language": {"code": "sw"},
        "components": [
            {
                "type": "body",
                "parameters": [
                    {"type": "text", "text": "1042"},
                    {"type": "text", "text": "It is ready · at the gate"},
                ],
            }
        ],
    }
    assert (planned.held, planned.first) == ("", ())
    assert check(part.params) is None


def test_a_messages_own_values_fill_the_template_of_its_topic() -> None:
    message = Message("Order 1042 is ready. Come!", topic="order.ready", values=("1042", "gate B"))

    (part,) = closed(message).parts

    assert part.params["template"]["name"] == "ready_en"
    (body,) = part.params["template"]["components"]
    assert [p["text"] for p in body["parameters"]] == ["1042", "gate B"]
    assert check(part.params) is None


def test_what_no_template_says_waits_until_the_person_writes() -> None:
    for message in (
        Message("Late", topic="order.late"),  # paused
        Message("Right?", (Button("yes", "Yes"),), topic="order.ready"),  # it asks something
    ):
        planned = closed(message)
        assert planned.held == "window"
        assert [part.params["template"]["name"] for part in planned.first] == ["reopen"]
        assert planned.losses[-1] == Loss(
            "the message", "waits until the person writes: the window is closed"
        )
    nothing = closed(Message("Hello"), templates=())
    assert (nothing.held, nothing.first) == ("window", ())


def answer(status: int, code: int | None = None) -> Answer:
    error = {"error": {"code": code, "message": "m", "error_data": {"details": "why"}}}
    return Answer(status, error if code is not None else {})


def test_what_an_answer_means() -> None:
    assert outcome(Answer(200, {"messages": [{"id": "wamid.5"}]})) == Accepted("wamid.5")
    assert outcome(Answer(200, {})) == Ambiguous("the answer names no id")
    assert outcome(answer(400, 131047)) == Permanent("131047: why", Consequence.CLOSE_WINDOW)
    assert outcome(answer(400, 131056)) == RetryAfter(6.0, "chat", "131056: why")
    assert outcome(answer(429, 130429)) == RetryAfter(5.0, "channel", "130429: why")
    assert outcome(answer(401, 190)) == Permanent("190: why", Consequence.DISABLE_CHANNEL)
    assert outcome(answer(400, 424242)) == Permanent("424242: why", Consequence.ALERT)
    assert outcome(answer(502)) == RetryAfter(0, "chat", "HTTP 502")


def test_what_was_read_is_shown_with_an_answer_to_come_and_a_notice_is_said() -> None:
    read, said = settle(Settle(PERSON, reply_ref="wamid.1", notice="Closed."))

    assert read.params == {
        "messaging_product": "whatsapp",
        "status": "read",
        "message_id": "wamid.1",
        "typing_indicator": {"type": "text"},
    }
    assert (read.urgent, read.expires_seconds) == (True, 25)
    assert (said.params["to"], said.params["text"]["body"]) == (PERSON, "Closed.")
    assert settle(Settle(PERSON, asked_seq=3)) == []
