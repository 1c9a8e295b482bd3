"""What Twilio's stand-in sends: signatures, retries, the fields of people, status callbacks."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest
from hooks import Hook, basic

from chatworks.testing import twilio_webhooks as webhooks
from chatworks.testing.server import Delivery
from chatworks.testing.twilio import SMS, WHATSAPP, Twilio
from chatworks.testing.twilio_webhooks import Event, signature

PERSON, PHONE = "whatsapp:+255700000001", "+255700000002"


@pytest.fixture
async def twilio(hook: Hook) -> AsyncIterator[Twilio]:
    async with Twilio(webhook=f"{hook.base}/in") as stand_in:
        yield stand_in


# The vectors that Twilio's own validators are tested with.
VECTOR = "https://mycompany.com/myapp.php?foo=1&bar=2"
PARAMS: dict[str, str | list[str]] = {
    "CallSid": "CA1234567890ABCDE",
    "Digits": "1234",
    "From": "+14158675309",
    "To": "+18005551212",
    "Caller": "+14158675309",
}
TWICE: dict[str, str | list[str]] = {
    "Sid": "CA123", "SidAccount": "AC123", "Digits": ["5678", "1234"],
}  # fmt: skip
JSON_VECTOR = (
    f"{VECTOR}&bodySHA256=0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620"
)


@pytest.mark.parametrize(
    ("url", "params", "expected"),
    [
        (VECTOR, PARAMS, "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
        (VECTOR, TWICE, "IK+Dwps556ElfBT0I3Rgjkr1wJU="),
        (webhooks.with_port(VECTOR), PARAMS, "kvajT1Ptam85bY51eRf/AJRuM3w="),
        (
            webhooks.with_port(VECTOR.replace("https", "http")),
            PARAMS,
            "0ZXoZLH/DfblKGATFgpif+LLRf4=",
        ),
        (JSON_VECTOR, {}, "a9nBmqA0ju/hNViExpshrM61xv4="),
    ],
)
def test_the_signature_is_twilios(
    url: str, params: dict[str, str | list[str]], expected: str
) -> None:
    assert signature("12345", url, params) == expected


def validated(token: str, url: str, headers: dict[str, str], body: bytes) -> bool:
    """Validate as a bot does, from what came over the wire alone."""
    text = url
    asked = parse_qs(urlsplit(url).query).get("bodySHA256")
    if asked:
        if hashlib.sha256(body).hexdigest() != asked[0]:
            return False
    else:
        form = parse_qs(body.decode(), keep_blank_values=True)
        for name in sorted(form):
            text += "".join(name + value for value in sorted(set(form[name])))
    made = base64.b64encode(hmac.new(token.encode(), text.encode(), hashlib.sha1).digest())
    return hmac.compare_digest(made.decode(), headers["X-Twilio-Signature"])


@pytest.mark.parametrize("as_json", [False, True])
@pytest.mark.parametrize("signs_port", [False, True])
async def test_every_request_is_signed_over_the_public_address(
    twilio: Twilio, hook: Hook, *, as_json: bool, signs_port: bool
) -> None:
    twilio.webhook, twilio.reach = "https://shop.example/in/t?x=1#rc=2&rp=all", hook.base
    twilio.signs_port = signs_port
    event = twilio.text(PERSON, "Größe & mehr", Tag=["b", "a", "b"])
    await twilio.deliver(Event(event.url, event.fields, as_json))
    [(path, headers, body)] = hook.heard
    host = "shop.example:443" if signs_port else "shop.example"

    assert path.startswith("/in/t?x=1")
    assert validated(twilio.auth_token, f"https://{host}{path}", headers, body)
    assert not validated("another", f"https://{host}{path}", headers, body)
    assert not validated(twilio.auth_token, f"https://other.example{path}", headers, body)
    assert not validated(twilio.auth_token, f"https://{host}{path}", headers, body + b"&x=1")


# -- retries ---------------------------------------------------------------------------------


async def test_by_default_an_answer_of_500_loses_the_event(twilio: Twilio, hook: Hook) -> None:
    hook.answers.extend([500])

    assert await twilio.say(PERSON, "Hi") == Delivery(500, "", 1)
    assert len(hook.heard) == 1


async def test_by_default_a_failed_connection_is_tried_once_more(twilio: Twilio) -> None:
    twilio.reach = "http://127.0.0.1:9"

    assert await twilio.say(PERSON, "Hi") == Delivery(0, "no connection", 2)


@pytest.mark.parametrize(
    ("fragment", "answers", "expected"),
    [
        ("rc=5&rp=all", [500] * 5, Delivery(200, "", 6)),
        ("rc=5&rp=all", [500] * 6, Delivery(500, "", 6)),
        ("rc=6&rp=all", [500] * 6, Delivery(500, "", 2)),  # six is nonsense, one is the default
        ("rc=2&rp=5xx", [500, 503], Delivery(200, "", 3)),
        ("rc=2&rp=5xx", [404], Delivery(404, "", 1)),
        ("rc=2&rp=4xx,5xx", [404, 500], Delivery(200, "", 3)),
        ("rc=0&rp=all", [500], Delivery(500, "", 1)),
        ("rc=1&rp=rt&rt=100", [0], Delivery(200, "", 2)),
        ("rc=1&tt=100", [0], Delivery(-1, "ConnectionTimeoutError", 1)),
    ],
)
async def test_the_fragment_overrides_the_retries(
    twilio: Twilio, hook: Hook, fragment: str, answers: list[int], expected: Delivery
) -> None:
    twilio.webhook += f"#{fragment}"
    hook.answers.extend(answers)
    delivery = await twilio.say(PERSON, "Hi")

    assert (delivery.status, delivery.attempts) == (expected.status, expected.attempts)
    assert len({body for *_, body in hook.heard}) == 1


def test_the_limits_of_a_fragment() -> None:
    plain = webhooks.policy("https://a.example/x")
    asked = webhooks.policy("https://a.example/x#ct=100&rt=15000&tt=15000")
    wrong = webhooks.policy("https://a.example/x#ct=99&rt=15001&tt=x")

    assert (plain.retries, plain.kinds) == (1, frozenset({"ct"}))
    assert (plain.timeout.sock_connect, plain.timeout.total) == (5, 15)
    assert (asked.timeout.sock_connect, asked.timeout.sock_read) == (0.1, 15)
    assert wrong == plain


async def test_a_fallback_gets_what_failed(twilio: Twilio, hook: Hook) -> None:
    twilio.fallback = f"{hook.base}/fallback"
    hook.answers.append(500)

    assert await twilio.say(PERSON, "Hi") == Delivery(200, "", 2)
    assert [path for path, *_ in hook.heard] == ["/in", "/fallback"]
    told = hook.forms[1]
    assert (told["ErrorCode"], told["ErrorUrl"]) == ("11200", twilio.webhook)
    assert told["Body"] == "Hi"


# -- what people send ------------------------------------------------------------------------


async def test_a_text_on_whatsapp(twilio: Twilio, hook: Hook) -> None:
    twilio.bsuids[PERSON] = "TZ.abc"
    event = twilio.text(PERSON, "Hi", ReferralSourceId="ad-1", ReferralSourceType="ad")
    await twilio.deliver(event)
    [form] = hook.forms

    assert form["MessageSid"].startswith("SM")
    assert len(form["MessageSid"]) == 34
    assert form["ReferralSourceId"] == "ad-1"
    expected = {
        "From": PERSON, "To": WHATSAPP, "Body": "Hi", "NumMedia": "0", "MessageType": "text",
        "ProfileName": "Person 0001", "WaId": "255700000001", "ExternalUserId": "TZ.abc",
        "AccountSid": twilio.account_sid, "SmsStatus": "received", "ReferralSourceType": "ad",
    }  # fmt: skip
    assert {name: form[name] for name in expected} == expected


async def test_a_person_without_a_number(twilio: Twilio, hook: Hook) -> None:
    await twilio.say("whatsapp:TZ.abc", "Hi")
    [form] = hook.forms

    assert (form["From"], form["ExternalUserId"], "WaId" in form) == (
        "whatsapp:TZ.abc",
        "TZ.abc",
        False,
    )


async def test_a_text_by_sms(twilio: Twilio, hook: Hook) -> None:
    await twilio.say(PHONE, "ж" * 71)
    [form] = hook.forms

    assert (form["From"], form["To"], form["NumSegments"]) == (PHONE, SMS, "2")
    assert not {"ProfileName", "WaId", "MessageType"} & set(form)


async def test_a_place(twilio: Twilio, hook: Hook) -> None:
    await twilio.deliver(twilio.location(PERSON, -6.8, 39.28, Label="Shop", Address="Road 1"))
    [form] = hook.forms

    assert (form["Latitude"], form["Longitude"], form["MessageType"]) == (
        "-6.8",
        "39.28",
        "location",
    )
    assert (form["Label"], form["Address"], form["Body"]) == ("Shop", "Road 1", "")


async def test_taps_on_a_button_and_a_row(
    twilio: Twilio, hook: Hook, client: aiohttp.ClientSession
) -> None:
    await twilio.say(PERSON, "Hi")
    buttons = {"body": "Sure?", "actions": [{"title": "{{1}}", "id": "y"}, {"title": "No"}]}
    rows = {"body": "Pick", "button": "Open", "items": [{"item": "Water", "id": "w"}]}
    first = await made(twilio, client, "twilio/quick-reply", buttons)
    second = await made(twilio, client, "twilio/list-picker", rows)
    sent = await posted(twilio, client, ContentSid=first, ContentVariables='{"1": "Yes please"}')
    await posted(twilio, client, ContentSid=second)
    hook.heard.clear()
    await twilio.deliver(
        twilio.tap(PERSON, "Yes"), twilio.tap(PERSON, "No"), twilio.tap(PERSON, "Wa")
    )
    yes, no, water = hook.forms

    assert (yes["ButtonText"], yes["ButtonPayload"], yes["Body"]) == (
        "Yes please",
        "y",
        "Yes please",
    )
    assert (yes["MessageType"], yes["OriginalRepliedMessageSid"]) == ("button", sent["sid"])
    assert (no["ButtonText"], no["ButtonPayload"]) == ("No", "No")
    assert (water["ListTitle"], water["ListId"], water["MessageType"]) == (
        "Water",
        "w",
        "interactive",
    )
    with pytest.raises(LookupError):
        twilio.tap(PERSON, "Maybe")


async def made(twilio: Twilio, client: aiohttp.ClientSession, kind: str, value: Any) -> str:
    auth = basic(twilio.account_sid, twilio.auth_token)
    body = {"language": "en", "types": {kind: value}}
    async with client.post(f"{twilio.base}/v1/Content", json=body, headers=auth) as answer:
        return str((await answer.json())["sid"])


async def posted(twilio: Twilio, client: aiohttp.ClientSession, **fields: str) -> dict[str, Any]:
    auth = basic(twilio.account_sid, twilio.auth_token)
    url = f"{twilio.base}/2010-04-01/Accounts/{twilio.account_sid}/Messages.json"
    form = {"To": PERSON, "From": WHATSAPP, **fields}
    async with client.post(url, data=form, headers=auth) as answer:
        assert answer.status == 201, await answer.text()
        body: dict[str, Any] = await answer.json()
        return body


# -- status callbacks ------------------------------------------------------------------------


async def test_statuses_are_called_back_in_the_order_asked_for(
    twilio: Twilio, hook: Hook, client: aiohttp.ClientSession
) -> None:
    await twilio.say(PERSON, "Hi")
    hook.heard.clear()
    twilio.steps = ("sending", "sent", "delivered", "read")
    twilio.order, twilio.copies = reversed, 2  # type: ignore[assignment]
    body = await posted(twilio, client, Body="a", StatusCallback=f"{hook.base}/status")
    await twilio.settled()

    assert body["status"] == "queued"
    assert {path for path, *_ in hook.heard} == {"/status"}
    assert {form["MessageSid"] for form in hook.forms} == {body["sid"]}
    assert [form["MessageStatus"] for form in hook.forms] == [
        status for status in ("read", "delivered", "sent", "sending") for _ in range(2)
    ]
    assert twilio.message(body["sid"]).status == "read"


async def test_a_callback_comes_late_and_a_deleted_message_harms_nothing(
    twilio: Twilio, hook: Hook, client: aiohttp.ClientSession
) -> None:
    await twilio.say(PERSON, "Hi")
    hook.heard.clear()
    twilio.delay = 0.05
    body = await posted(twilio, client, Body="a", StatusCallback=f"{hook.base}/status")
    early = len(hook.heard)
    auth = basic(twilio.account_sid, twilio.auth_token)
    async with client.delete(f"{twilio.base}{body['uri']}", headers=auth) as answer:
        assert answer.status == 204
    await twilio.settled()

    assert (early, [form["MessageStatus"] for form in hook.forms]) == (0, ["sent", "delivered"])


async def test_a_sender_may_have_a_webhook_of_its_own(twilio: Twilio, hook: Hook) -> None:
    twilio.webhooks[SMS] = f"{hook.base}/sms"
    await twilio.say(PERSON, "Hi")
    await twilio.say(PHONE, "Hi")

    assert [path for path, *_ in hook.heard] == ["/in", "/sms"]


async def test_a_failure_tells_its_code(
    twilio: Twilio, hook: Hook, client: aiohttp.ClientSession
) -> None:
    await posted(twilio, client, Body="a", StatusCallback=f"{hook.base}/status")
    await twilio.settled()
    [form] = hook.forms

    assert (form["MessageStatus"], form["ErrorCode"]) == ("failed", "63016")


async def test_a_status_by_hand_comes_whenever_it_is_delivered(
    twilio: Twilio, hook: Hook, client: aiohttp.ClientSession
) -> None:
    twilio.steps = ()
    await twilio.say(PERSON, "Hi")
    sid = (await posted(twilio, client, Body="a"))["sid"]
    await twilio.deliver(twilio.status(sid, "read"), twilio.status(sid, "sent"))

    assert [form.get("MessageStatus") for form in hook.forms[1:]] == ["read", "sent"]
    assert hook.forms[1]["EventType"] == "READ"
    assert twilio.message(sid).status == "read"
    assert json.loads(hook.forms[0]["ChannelMetadata"])["type"] == "whatsapp"
