"""Twilio's webhooks: who signed them, what each becomes, and what is not let in."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatworks.channels.models import (
    Arrival,
    Channel,
    Consequence,
    Lane,
    RawRequest,
    Rejected,
    Report,
)
from chatworks.channels.twilio import adapter, signature
from chatworks.channels.twilio.adapter import read
from chatworks.channels.twilio.signature import FORM, HEADER, JSON, compute, signed
from chatworks.inbox.door import check
from chatworks.sdk.inbound import File, Inbound, InboundKind, Sender
from chatworks.sdk.messages import Place

FOLDER = Path(__file__).parent / "fixtures" / "twilio"
NAMES = sorted(path.stem for path in FOLDER.glob("*.json"))
ACCOUNT = "AC" + "5" * 32
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
CHANNEL = Channel(
    UUID(int=1), UUID(int=2), "twilio_whatsapp", "a-path", "", "webhook",
    secret_env="TWILIO_TOKEN", secret="12345", account=ACCOUNT, address="+254700000001",
)  # fmt: skip
BASE = "https://mycompany.com"


def fields(name: str) -> dict[str, str]:
    found: dict[str, str] = json.loads((FOLDER / f"{name}.json").read_text())
    return found


def form(body: Mapping[str, Any]) -> RawRequest:
    return RawRequest({"content-type": FORM}, urlencode(body, doseq=True).encode())


def split(name: str) -> Sequence[Arrival]:
    return adapter.split(form(fields(name)), CHANNEL, NOW)


# -- the signature: vectors of twilio-python, tests/unit/test_request_validator.py --------------

URI = "https://mycompany.com/myapp.php?foo=1&bar=2"
CALL = {
    "CallSid": ["CA1234567890ABCDE"],
    "Digits": ["1234"],
    "From": ["+14158675309"],
    "To": ["+18005551212"],
    "Caller": ["+14158675309"],
}
TWICE = {"Sid": ["CA123"], "SidAccount": ["AC123"], "Digits": ["5678", "1234"]}
JSON_BODY = b'{"property": "value", "boolean": true}'
JSON_SHA = "0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620"
PORTED = URI.replace(".com", ".com:1234")
VECTORS = [
    (URI, CALL, "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
    (URI, TWICE, "IK+Dwps556ElfBT0I3Rgjkr1wJU="),
    (PORTED, CALL, "RSOYDt4T1cUTdK1PDd93/VVr8B8="),  # signed without the port
    (PORTED.replace("https", "http"), CALL, "Zmvh+3yNM1Phv2jhDCwEM3q5ebU="),  # with it
    (URI, CALL, "kvajT1Ptam85bY51eRf/AJRuM3w="),  # with 443
    (URI.replace("https", "http"), CALL, "0ZXoZLH/DfblKGATFgpif+LLRf4="),  # with 80
    (f"{URI}&bodySHA256={JSON_SHA}", {}, "a9nBmqA0ju/hNViExpshrM61xv4="),
]


@pytest.mark.parametrize(("url", "params", "expected"), VECTORS)
def test_signatures_are_those_of_twilios_own_package(
    url: str, params: dict[str, list[str]], expected: str
) -> None:
    assert signed("12345", url, params, expected)
    assert not signed("12345", url, params, expected[:-2] + "A=")
    assert not signed("12346", url, params, expected)
    assert not signed("12345", url, params, "")


def test_values_of_one_name_are_sorted_and_without_doubles() -> None:
    one = compute("t", URI, {"a": ["2", "1", "2"], "b": [""]})

    assert one == compute("t", URI, {"b": [""], "a": ["1", "2"]})
    assert one != compute("t", URI, {"a": ["2"], "b": [""]})


def posted(target: str, body: bytes, given: str, media_type: str = FORM) -> RawRequest:
    headers = {"content-type": f"{media_type}; charset=UTF-8", HEADER: given}
    return RawRequest(headers, body, "POST", target)


TARGET = "/myapp.php?foo=1&bar=2"
CALL_BODY = urlencode({name: value[0] for name, value in CALL.items()}).encode()
SIGNED = "RSOYDt4T1cUTdK1PDd93/VVr8B8="


def test_what_twilio_signed_is_let_in() -> None:
    signature.verify(BASE, posted(TARGET, CALL_BODY, SIGNED), CHANNEL)
    target = f"{TARGET}&bodySHA256={JSON_SHA}"
    given = "a9nBmqA0ju/hNViExpshrM61xv4="
    signature.verify(BASE, posted(target, JSON_BODY, given, JSON), CHANNEL)


@pytest.mark.parametrize(
    ("base", "request_", "status"),
    [
        (BASE, posted(TARGET, CALL_BODY, ""), 403),
        (BASE, posted(TARGET, CALL_BODY + b"&x=1", SIGNED), 403),
        (BASE, posted("/myapp.php?foo=1&bar=3", CALL_BODY, SIGNED), 403),
        ("https://other.example", posted(TARGET, CALL_BODY, SIGNED), 403),
        (BASE, posted(TARGET, CALL_BODY, SIGNED, "text/plain"), 415),
        (BASE, posted(TARGET, b"a=%FF", SIGNED), 400),
        (BASE, posted(TARGET, b"no form", SIGNED), 400),
        (BASE, posted(TARGET, b"\xff", SIGNED), 400),
        (BASE, posted(TARGET, urlencode({f"a{n}": 1 for n in range(201)}).encode(), ""), 400),
        (BASE, posted(f"{TARGET}&bodySHA256={JSON_SHA}", JSON_BODY + b" ", SIGNED, JSON), 403),
        (BASE, posted(TARGET, JSON_BODY, SIGNED, JSON), 403),
    ],
)
def test_what_nobody_signed_is_refused(base: str, request_: RawRequest, status: int) -> None:
    with pytest.raises(Rejected) as refused:
        signature.verify(base, request_, CHANNEL)

    assert refused.value.http_status == status


def test_without_a_token_nothing_can_be_signed() -> None:
    bare = Channel(*CHANNEL_IDS, "twilio_sms", "p", "", "webhook", secret_env="TWILIO_TOKEN")
    empty = compute("", f"{BASE}{TARGET}", CALL)

    with pytest.raises(Rejected, match="TWILIO_TOKEN is not set"):
        signature.verify(BASE, posted(TARGET, CALL_BODY, empty), bare)


CHANNEL_IDS = (UUID(int=1), UUID(int=2))

# -- what comes in ---------------------------------------------------------------------------

NUMBER, SCOPED = "whatsapp:+254712345678", "whatsapp:KE.1234567890abcDEF"
PHONE = "+254712345678"
AMINA = Sender(NUMBER, "Amina Otieno", phone=PHONE)
MEDIA = f"https://api.twilio.com/2010-04-01/Accounts/{ACCOUNT}/Messages"


def ref(name: str) -> str:
    return fields(name)["MessageSid"]


def wa(name: str, kind: str, sender: Sender = AMINA, **more: Any) -> Inbound:
    sid = ref(name)
    return Inbound(InboundKind(kind), sender, message_ref=sid, **{"reply_ref": sid, **more})


def sms(name: str, kind: str, **more: Any) -> Inbound:
    return Inbound(InboundKind(kind), Sender(PHONE, phone=PHONE), message_ref=ref(name), **more)


def file(name: str, kind: str, media_type: str, index: int = 0) -> File:
    return File(kind, f"{MEDIA}/{ref(name)}/Media/ME{index:032x}", media_type=media_type)


YAYA = Place(-1.2897, 36.7869, "Yaya Centre, Argwings Kodhek Rd, Nairobi")
MEANT: dict[str, Inbound] = {
    "wa_text": wa("wa_text", "text", text="Habari 👋🏾, nataka maji"),
    "wa_text_scoped": wa(
        "wa_text_scoped",
        "text",
        Sender(SCOPED, "Amina Otieno", phone=PHONE, aliases=(NUMBER,)),
        text="Still me",
    ),
    "wa_scoped_alone": wa(
        "wa_scoped_alone", "text", Sender(SCOPED, "Amina Otieno"), text="No number any more"
    ),
    "wa_command": wa("wa_command", "command", text="order", arguments="2 bottles"),
    "wa_location": wa("wa_location", "place", place=Place(-1.292066, 36.783595)),
    "wa_location_named": wa("wa_location_named", "place", place=YAYA),
    "wa_location_wrong": wa("wa_location_wrong", "unknown", text="location"),
    "wa_button": wa("wa_button", "tap", text="Yes", tap="7.yes"),
    "wa_list": wa("wa_list", "tap", text="20 L refill", tap="7.p1"),
    "wa_list_as_button": wa("wa_list_as_button", "tap", text="More", tap="7.more:9"),
    "wa_photo": wa(
        "wa_photo", "file", text="At the gate", file=file("wa_photo", "photo", "image/jpeg")
    ),
    "wa_voice": wa("wa_voice", "file", file=file("wa_voice", "audio", "audio/ogg")),
    "wa_document": wa(
        "wa_document", "file", file=file("wa_document", "document", "application/pdf")
    ),
    "wa_video": wa("wa_video", "file", file=file("wa_video", "video", "video/mp4")),
    "wa_contact": wa("wa_contact", "file", file=file("wa_contact", "document", "text/vcard")),
    "wa_referral": wa("wa_referral", "text", text="I saw your offer", referral="120210"),
    "wa_referral_post": wa("wa_referral_post", "text", text="Hi", referral="https://fb.me/post"),
    "wa_reaction": wa("wa_reaction", "other", text="reaction", reply_ref=""),
    "wa_sticker_unknown": wa("wa_sticker_unknown", "unknown", text="unsupported"),
    "sms_text": sms("sms_text", "text", text="nataka maji mawili"),
    "sms_stop": sms("sms_stop", "stop", text="Stop"),
    "sms_stop_advanced": sms("sms_stop_advanced", "stop", text="ACHA"),
    "sms_yes": sms("sms_yes", "start", text="yes"),
    "sms_start": sms("sms_start", "start", text="START"),
    "sms_help": sms("sms_help", "noted", text="info"),
    "sms_help_advanced": sms("sms_help_advanced", "noted", text="MSAADA"),
    "sms_two_photos": sms(
        "sms_two_photos",
        "file",
        text="two photos",
        file=file("sms_two_photos", "photo", "image/jpeg"),
    ),
    "sms_number": sms("sms_number", "text", text="2"),
}


def report(name: str, status: str, error: str = "", then: str = "none") -> Report:
    to = PHONE if "_sms_" in name or name == "status_canceled" else NUMBER
    return Report(ref(name), status, to, error, Consequence(then))


REPORTS = {
    "status_queued": report("status_queued", ""),
    "status_sent": report("status_sent", "sent"),
    "status_delivered": report("status_delivered", "delivered"),
    "status_read": report("status_read", "read"),
    "status_failed_window": report(
        "status_failed_window", "failed", "outside the 24 hours (63016)", "close_window"
    ),
    "status_undelivered_blocked": report(
        "status_undelivered_blocked",
        "failed",
        "the person blocked us on WhatsApp (63033)",
        "stop_contact",
    ),
    "status_failed_paused": report(
        "status_failed_paused", "failed", "WhatsApp paused the template (63041)", "disable_template"
    ),
    "status_sms_delivered": report("status_sms_delivered", "delivered"),
    "status_sms_filtered": report(
        "status_sms_filtered", "failed", "a carrier filtered it as spam (30007)", "alert"
    ),
    "status_sms_unknown_code": report("status_sms_unknown_code", "failed", "Something new (39999)"),
    "status_canceled": report("status_canceled", "failed", "Twilio did not send it"),
}


@pytest.mark.parametrize("name", NAMES)
def test_a_request_becomes_exactly_this(name: str) -> None:
    first, *rest = split(name)
    told = fields(name)

    if name in REPORTS:
        assert (first.event_id, first.thread, first.lane, rest) == (
            f"{told['MessageSid']}.{told['MessageStatus']}", told["To"], Lane.REST, [],
        )  # fmt: skip
        assert read(first.payload, CHANNEL) == REPORTS[name]
        return
    tapped = name in {"wa_button", "wa_list", "wa_list_as_button"}
    thread = SCOPED if "scoped" in name else told["From"]
    assert (first.event_id, first.thread) == (told["MessageSid"], thread)
    assert first.lane is (Lane.TAP if tapped else Lane.MESSAGE)
    assert read(first.payload, CHANNEL) == MEANT[name]
    check(first)


def test_there_are_enough_shapes() -> None:
    assert sorted([*MEANT, *REPORTS]) == NAMES
    assert len(NAMES) >= 25


def test_each_file_of_a_message_is_an_event() -> None:
    first, second = split("sms_two_photos")

    assert second.event_id == f"{first.event_id}.1"
    found = read(second.payload, CHANNEL)
    assert found == sms(
        "sms_two_photos", "file", file=file("sms_two_photos", "photo", "image/png", 1)
    )


def test_json_is_read_as_the_form_is() -> None:
    told = fields("wa_button")
    request = RawRequest({"content-type": JSON}, json.dumps(told).encode())

    assert list(adapter.split(request, CHANNEL, NOW)) == list(split("wa_button"))


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"MessageSid": "", "SmsSid": ""}, 400),
        ({"MessageSid": "SM1"}, 400),
        ({"AccountSid": "AC" + "6" * 32}, 403),
        ({"From": ""}, 400),
        ({"NumMedia": "eleven"}, 400),
        ({"NumMedia": "11"}, 400),
        ({"NumMedia": "1"}, 400),
        ({"Body": "a\x00b"}, 400),
        ({"MessageStatus": "exploded"}, 400),
        ({"MessageStatus": "sent", "To": ""}, 400),
    ],
)
def test_what_cannot_be_read_is_refused_at_the_door(change: dict[str, str], status: int) -> None:
    with pytest.raises(Rejected) as refused:
        adapter.split(form({**fields("wa_text"), **change}), CHANNEL, NOW)

    assert refused.value.http_status == status


names = st.sampled_from(
    [
        *("Body", "From", "To", "NumMedia", "MediaUrl0", "MessageType", "Latitude", "Longitude"),
        *("ListId", "ButtonPayload", "OptOutType", "ExternalUserId", "WaId", "MessageStatus"),
        *("ErrorCode", "ReferralSourceId", "ProfileName"),
    ]
)
values = st.sampled_from(["0", "1", "", "image/png", "location", "90", "-181", "sent", "STOP", "x"])


@settings(max_examples=400, deadline=None)
@given(st.dictionaries(names, values | st.text(max_size=20)))
def test_what_was_let_in_can_be_read(drawn: dict[str, str]) -> None:
    told = {**fields("wa_text"), **drawn}
    try:
        body = urlencode(told).encode()
        arrivals = adapter.split(RawRequest({"content-type": FORM}, body), CHANNEL, NOW)
    except (Rejected, UnicodeEncodeError):
        return
    for arrival in arrivals:
        assert isinstance(read(arrival.payload, CHANNEL), Inbound | Report)
