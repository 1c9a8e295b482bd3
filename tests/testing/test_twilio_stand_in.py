"""Twilio's stand-in: each limit at the limit and one past it, its codes, its queues, its faults."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from hooks import Hook, basic

from chatworks.kit.clock import FixedClock
from chatworks.testing import twilio_rules as rules
from chatworks.testing.server import Delivery
from chatworks.testing.twilio import SANDBOX, SMS, WHATSAPP, Twilio

PERSON, PHONE = "whatsapp:+255700000001", "+255700000002"
Answer = tuple[int, dict[str, Any]]


@pytest.fixture
async def twilio(hook: Hook, time: FixedClock) -> AsyncIterator[Twilio]:
    async with Twilio(webhook=f"{hook.base}/in", clock=time) as stand_in:
        yield stand_in


@pytest.fixture
def bot(twilio: Twilio, client: aiohttp.ClientSession) -> Bot:
    return Bot(twilio, client)


class Bot:
    """What a bot asks of Twilio."""

    def __init__(self, twilio: Twilio, client: aiohttp.ClientSession) -> None:
        self.twilio, self.client = twilio, client
        self.auth = basic(twilio.account_sid, twilio.auth_token)
        self.account = f"/2010-04-01/Accounts/{twilio.account_sid}"

    async def ask(self, method: str, path: str, **options: Any) -> Answer:
        url = f"{self.twilio.base}{path}"
        options = {"headers": self.auth, "allow_redirects": False, **options}
        async with self.client.request(method, url, **options) as answer:
            text = await answer.text()
            return answer.status, json.loads(text) if text.startswith("{") else {"text": text}

    async def send(self, to: str = PERSON, **fields: Any) -> Answer:
        sender = WHATSAPP if to.startswith("whatsapp:") else SMS
        form = [("To", to)]
        for name, value in {"From": sender, **fields}.items():
            values = value if isinstance(value, list) else [value]
            form += [(name, one) for one in values if one is not None]
        return await self.ask("POST", f"{self.account}/Messages.json", data=form)

    async def make(self, kind: str, value: Any, **fields: Any) -> Answer:
        body = {"friendly_name": "x", "language": "en", "types": {kind: value}, **fields}
        return await self.ask("POST", "/v1/Content", json=body)

    async def fate(self, to: str = PERSON, **fields: Any) -> tuple[str, int]:
        """Send, wait, and return the message's last status and code."""
        status, body = await self.send(to, **fields)
        assert status == 201, body
        await self.twilio.settled()
        kept = self.twilio.message(body["sid"])
        return kept.status, kept.code


FINE = ("delivered", 0)


# -- a message's fields ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"Body": "a" * 1600}, 0),
        ({"Body": "a" * 1601}, 21617),
        ({"Body": None}, 21602),
        ({"Body": ""}, 21602),
        ({"Body": "a", "MediaUrl": ["https://a.example/1"] * 10}, 0),
        ({"Body": "a", "MediaUrl": ["https://a.example/1"] * 11}, 21623),
        ({"Body": "a", "MediaUrl": ["file:///etc/passwd"]}, 21620),
        ({"Body": "a", "StatusCallback": "nowhere"}, 21609),
        ({"Body": "a", "ValidityPeriod": "36000"}, 0),
        ({"Body": "a", "ValidityPeriod": "36001"}, 20422),
        ({"Body": "a", "ValidityPeriod": "0"}, 20422),
        ({"Body": "a", "PersistentAction": ["geo:-6.8,39.28|Shop"]}, 0),
        ({"Body": "a", "PersistentAction": ["mailto:x"]}, 20422),
        ({"Body": "a", "From": "whatsapp:+15005550009"}, 63007),
        ({"Body": "a", "From": SMS}, 21910),
        ({"Body": "a", "Bodytext": "b"}, 20001),
        ({"Body": "a", "ContentVariables": '{"1": "x"}'}, 21656),
        ({"ContentSid": "HX" + "0" * 32}, 21655),
    ],
)
async def test_what_twilio_takes_and_refuses_at_once(
    bot: Bot, twilio: Twilio, fields: dict[str, Any], code: int
) -> None:
    twilio.reach = "http://127.0.0.1:9"  # nothing is fetched from elsewhere
    status, body = await bot.send(**fields)

    assert (status, body.get("code", 0)) == (400 if code else 201, code)
    assert len(twilio.sent(PERSON)) == (0 if code else 1)
    assert len(twilio.messages) == (0 if code else 1)


@pytest.mark.parametrize(
    ("to", "code"),
    [
        ("", 21604),
        ("+12", 21211),
        ("whatsapp:me", 21211),
        ("whatsapp:TZ." + "a" * 128, 0),
        ("whatsapp:TZ." + "a" * 129, 21211),
        ("whatsapp:TZ.ENT.abc", 0),
        ("TZ.abc", 21211),
    ],
)
async def test_who_can_be_written_to(bot: Bot, to: str, code: int) -> None:
    status, body = await bot.send(to, Body="a")

    assert (status, body.get("code", 0)) == (400 if code else 201, code)


async def test_an_error_has_the_form_of_twilio(bot: Bot) -> None:
    status, body = await bot.send(Body="a" * 1601)

    assert status == 400
    assert body == {
        "code": 21617,
        "message": "The concatenated message body exceeds the 1600 character limit",
        "more_info": "https://www.twilio.com/docs/errors/21617",
        "status": 400,
    }


async def test_a_wrong_token_is_refused(bot: Bot, twilio: Twilio) -> None:
    bot.auth = basic(twilio.account_sid, "wrong")

    assert (await bot.send(Body="a"))[1]["code"] == 20003
    assert twilio.messages == []


async def test_a_repeated_request_makes_a_second_message(bot: Bot, twilio: Twilio) -> None:
    first, second = [await bot.send(Body="a") for _ in range(2)]

    assert first[1]["sid"] != second[1]["sid"]
    assert [call.message_id for call in twilio.sent(PERSON)] == [first[1]["sid"], second[1]["sid"]]


# -- the window ------------------------------------------------------------------------------


async def test_the_window_is_open_for_24_hours(bot: Bot, twilio: Twilio, time: FixedClock) -> None:
    before = await bot.fate(Body="a")
    await twilio.say(PERSON, "Hi")
    time.move(timedelta(hours=24) - timedelta(seconds=1))
    within = await bot.fate(Body="a")
    time.move(timedelta(seconds=1))
    after = await bot.fate(Body="a")

    assert (before, within, after) == (("failed", 63016), FINE, ("failed", 63016))


async def test_the_window_is_one_persons_and_one_senders(bot: Bot, twilio: Twilio) -> None:
    twilio.senders.append("whatsapp:+15005550003")
    await twilio.say(PERSON, "Hi")

    assert await bot.fate(Body="a", From="whatsapp:+15005550003") == ("failed", 63016)
    assert await bot.fate("whatsapp:+255700000009", Body="a") == ("failed", 63016)
    assert await bot.fate(PHONE, Body="a") == FINE  # SMS has none


# -- content ---------------------------------------------------------------------------------


def replies(count: int, title: str = "t", ident: str = "i", body: str = "Pick") -> dict[str, Any]:
    return {
        "body": body,
        "actions": [
            {"title": f"{n}{title}"[: max(len(title), 1)], "id": f"{n}{ident}"[: len(ident)]}
            for n in range(count)
        ],
    }


def picker(count: int, **item: str) -> dict[str, Any]:
    rows = [{"item": "x", "id": str(n), "description": "d", **item} for n in range(count)]
    return {"body": "Pick", "button": "Open", "items": rows}


QUICK, LIST = "twilio/quick-reply", "twilio/list-picker"
CARD, CALL = "twilio/card", "twilio/call-to-action"


@pytest.mark.parametrize(
    ("kind", "value", "taken"),
    [
        (QUICK, replies(1), True),
        (QUICK, replies(10), True),
        (QUICK, replies(11), False),
        (QUICK, replies(0), False),
        (QUICK, replies(1, title="t" * 25), True),
        (QUICK, replies(1, title="t" * 26), False),
        (QUICK, replies(1, ident="i" * 200), True),
        (QUICK, replies(1, ident="i" * 201), False),
        (QUICK, replies(1, body="b" * 1024), True),
        (QUICK, replies(1, body="b" * 1025), False),
        (QUICK, {"body": "b"}, False),
        (LIST, picker(1), True),
        (LIST, picker(10), True),
        (LIST, picker(11), False),
        (LIST, picker(0), False),
        (LIST, picker(1, item="x" * 24), True),
        (LIST, picker(1, item="x" * 25), False),
        (LIST, picker(1, item=""), False),
        (LIST, picker(1, id="x" * 200), True),
        (LIST, picker(1, id="x" * 201), False),
        (LIST, picker(1, description="x" * 72), True),
        (LIST, picker(1, description="x" * 73), False),
        (LIST, {**picker(1), "button": "x" * 20}, True),
        (LIST, {**picker(1), "button": "x" * 21}, False),
        (LIST, {**picker(1), "body": "x" * 1024}, True),
        (LIST, {**picker(1), "body": "x" * 1025}, False),
        ("twilio/carousel", {"body": "b", "cards": [
            {"body": "x" * 160, "media": "https://a.example/1", "actions": []}] * 10}, True),
        ("twilio/carousel", {"body": "b", "cards": [
            {"body": "x" * 161, "media": "https://a.example/1", "actions": []}]}, False),
        ("twilio/carousel", {"body": "b", "cards": [
            {"body": "x", "media": "https://a.example/1", "actions": []}] * 11}, False),
        ("twilio/carousel", {"body": "b", "cards": [{"body": "x"}]}, False),
        (CARD, {"title": "t" * 1024, "subtitle": "s" * 60}, True),
        (CARD, {"title": "t" * 1025}, False),
        (CARD, {"title": "t", "colour": "red"}, False),
        (CARD, {"title": "t", "subtitle": "s" * 61}, False),
        (CARD, {"title": "t", "actions": replies(10)["actions"]}, True),
        (CARD, {"title": "t", "actions": replies(11)["actions"]}, False),
        (CARD, {"title": "t", "actions": replies(1, title="t" * 26)["actions"]}, False),
        (CALL, {"body": "b", "actions": [{"type": "URL", "title": "t" * 25}]}, True),
        (CALL, {"body": "b", "actions": [{"type": "URL", "title": "t" * 26}]}, False),
        (CALL, {"body": "b", "actions": []}, False),
        ("twilio/text", {"body": "b"}, True),
        ("twilio/new", {"body": "b"}, False),
        ("twilio/text", "b", False),
        (LIST, {"body": "b", "button": "b", "items": ["i"]}, False),
    ],
)  # fmt: skip
async def test_the_limits_of_a_content_resource(
    bot: Bot, twilio: Twilio, kind: str, value: Any, *, taken: bool
) -> None:
    status, body = await bot.make(kind, value)

    assert (status, body.get("code", 0)) == ((201, 0) if taken else (400, 20422))
    assert len(twilio.contents) == int(taken)


async def test_a_resource_is_shown_changed_and_deleted(bot: Bot, twilio: Twilio) -> None:
    sid = (await bot.make("twilio/text", {"body": "Hi {{1}}"}, variables={"1": "you"}))[1]["sid"]
    one = f"/v1/Content/{sid}"

    shown = (await bot.ask("GET", one))[1]
    assert (shown["sid"], shown["variables"]) == (sid, {"1": "you"})
    listed = (await bot.ask("GET", "/v1/Content"))[1]
    assert [row["sid"] for row in listed["contents"]] == [sid]
    changed = await bot.ask("PUT", one, json={"types": {"twilio/text": {"body": "Bye"}}})
    assert changed[1]["types"] == {"twilio/text": {"body": "Bye"}}
    assert (await bot.ask("DELETE", one))[0] == 204
    assert (await bot.ask("GET", one))[1]["code"] == 20404
    assert twilio.contents == {}


async def test_pages_of_content_lead_on(bot: Bot) -> None:
    for _ in range(3):
        await bot.make("twilio/text", {"body": "x"})

    first = (await bot.ask("GET", "/v1/Content?PageSize=2"))[1]
    second = (await bot.ask("GET", first["meta"]["next_page_url"].partition("127.0.0.1")[2][6:]))[1]
    assert [len(page["contents"]) for page in (first, second)] == [2, 1]
    assert second["meta"]["next_page_url"] is None


async def test_content_has_rates(bot: Bot, time: FixedClock) -> None:
    async def listed() -> list[int]:
        return [(await bot.ask("GET", "/v1/Content"))[0] for _ in range(21)]

    assert await listed() == [200] * 20 + [429]
    time.move(timedelta(seconds=1))
    assert await listed() == [200] * 20 + [429]


@pytest.mark.parametrize(
    ("variables", "code"),
    [
        ('{"1": "x"}', 0),
        ('{"1": "%s"}' % ("x" * 1600), 63021),  # taken, then the body is too long for WhatsApp
        ('{"1": "%s"}' % ("x" * 1601), 21656),
        ('{"1": ""}', 21656),
        ('{"1": 1}', 21656),
        ('{"2": "x"}', 21656),
        ("{", 21656),
        ("[]", 21656),
        (None, 63028),
    ],
)
async def test_variables(bot: Bot, twilio: Twilio, variables: str | None, code: int) -> None:
    await twilio.say(PERSON, "Hi")
    sid = (await bot.make("twilio/text", {"body": "{{1}}"}))[1]["sid"]

    if rules.is_late(code) or not code:
        fate = await bot.fate(ContentSid=sid, ContentVariables=variables)
        assert fate == (("failed", code) if code else FINE)
    else:
        assert (await bot.send(ContentSid=sid, ContentVariables=variables))[1]["code"] == code


@pytest.mark.parametrize(("names", "fits"), [(100, True), (101, False)])
async def test_100_variables(names: int, *, fits: bool) -> None:
    assert (rules.variables(json.dumps({str(n): "x" for n in range(names)})) is not None) == fits


@pytest.mark.parametrize(("length", "fits"), [(16, True), (17, False)])
async def test_16_characters_of_a_variables_name(length: int, *, fits: bool) -> None:
    assert (rules.variables(json.dumps({"k" * length: "x"})) is not None) == fits


async def test_the_values_of_variables_are_measured_when_sent(bot: Bot, twilio: Twilio) -> None:
    await twilio.say(PERSON, "Hi")
    quick = {"body": "{{1}}", "actions": [{"title": "{{2}}", "id": "{{3}}"}]}
    sid = (await bot.make(QUICK, quick))[1]["sid"]

    async def fate(**values: str) -> tuple[str, int]:
        given = {"1": "b", "2": "t", "3": "i"} | {k[1:]: v for k, v in values.items()}
        return await bot.fate(ContentSid=sid, ContentVariables=json.dumps(given))

    broken = ("failed", 63021)
    assert [await fate(_2="t" * n) for n in (20, 21)] == [FINE, broken]
    assert [await fate(_3="i" * n) for n in (200, 201)] == [FINE, broken]
    assert [await fate(_1="b" * n) for n in (1024, 1025)] == [FINE, broken]


@pytest.mark.parametrize("kind", [QUICK, CARD])
async def test_in_session_there_are_three_buttons(bot: Bot, twilio: Twilio, kind: str) -> None:
    await twilio.say(PERSON, "Hi")
    shown = {QUICK: {"body": "Pick"}, CARD: {"title": "Pick"}}[kind]
    three, four = [
        (await bot.make(kind, {**shown, "actions": replies(n)["actions"]}))[1]["sid"]
        for n in (3, 4)
    ]

    assert await bot.fate(ContentSid=three) == FINE
    assert await bot.fate(ContentSid=four) == ("failed", 63021)
    twilio.decide(four, "approved")
    assert await bot.fate(ContentSid=four) == FINE


@pytest.mark.parametrize(
    ("state", "code"),
    [
        ("unsubmitted", 63016),
        ("received", 63016),
        ("pending", 63016),
        ("approved", 0),
        ("rejected", 63040),
        ("paused", 63041),
        ("disabled", 63027),
    ],
)
async def test_outside_the_window_only_an_approved_template_goes(
    bot: Bot, twilio: Twilio, state: str, code: int
) -> None:
    sid = (await bot.make("twilio/text", {"body": "Your order is on its way."}))[1]["sid"]
    twilio.decide(sid, state, "INVALID_FORMAT")

    assert await bot.fate(ContentSid=sid) == (("failed", code) if code else FINE)


async def test_a_template_is_submitted_and_tracked(bot: Bot, twilio: Twilio) -> None:
    text = {"body": "Order {{1}} is on its way."}
    sid = (await bot.make("twilio/text", text, variables={"1": "7"}))[1]["sid"]
    requests = f"/v1/Content/{sid}/ApprovalRequests"
    asked = {"name": "order_sent", "category": "UTILITY"}

    wrong = await bot.ask("POST", f"{requests}/whatsapp", json={**asked, "name": "Order sent"})
    assert (wrong[0], twilio.contents[sid].state) == (400, "unsubmitted")
    taken = await bot.ask("POST", f"{requests}/whatsapp", json=asked)
    assert (taken[0], taken[1]["status"]) == (201, "received")
    twilio.decide(sid, "rejected", "TAG_CONTENT_MISMATCH")
    told = (await bot.ask("GET", requests))[1]["whatsapp"]
    assert (told["status"], told["rejection_reason"]) == ("rejected", "TAG_CONTENT_MISMATCH")
    listed = (await bot.ask("GET", "/v1/ContentAndApprovals"))[1]["contents"]
    assert [row["approval_requests"]["status"] for row in listed] == ["rejected"]


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (LIST, picker(1)),
        ("twilio/text", {"body": "{{1}} at the start"}),
        ("twilio/text", {"body": "at the end {{1}}"}),
        ("twilio/text", {"body": "beside {{1}}{{2}} another"}),
    ],
)
async def test_what_whatsapp_never_approves(
    bot: Bot, twilio: Twilio, kind: str, value: dict[str, Any]
) -> None:
    sid = (await bot.make(kind, value))[1]["sid"]
    asked = {"name": "x", "category": "UTILITY"}

    status, _ = await bot.ask("POST", f"/v1/Content/{sid}/ApprovalRequests/whatsapp", json=asked)
    assert (status, twilio.contents[sid].state) == (400, "unsubmitted")


async def test_a_list_picker_needs_the_window(bot: Bot, twilio: Twilio) -> None:
    sid = (await bot.make(LIST, picker(10)))[1]["sid"]

    assert await bot.fate(ContentSid=sid) == ("failed", 63016)
    await twilio.say(PERSON, "Hi")
    assert await bot.fate(ContentSid=sid) == FINE


# -- media -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("to", "kind", "size", "code"),
    [
        (PERSON, "image/png", 5_000_000, 0),
        (PERSON, "image/png", 5_000_001, 63021),
        (PERSON, "video/mp4", 16_000_000, 0),
        (PERSON, "video/mp4", 16_000_001, 63021),
        (PERSON, "application/zip", 10, 63021),
        (PERSON, "image/png", 0, 63019),
        (PHONE, "image/gif", 5_000_000, 0),
        (PHONE, "image/gif", 5_000_001, 11751),
        (PHONE, "application/pdf", 10, 12300),
    ],
)
def test_the_limits_of_media(to: str, kind: str, size: int, code: int) -> None:
    assert rules.media_problem(to, kind, size) == code


async def test_media_are_fetched_as_twilio_does(bot: Bot, twilio: Twilio, hook: Hook) -> None:
    await twilio.say(PERSON, "Hi")
    hook.heard.clear()
    hook.said = "no picture"
    there = await bot.fate(Body="a", MediaUrl=f"{hook.base}/a.png")
    hook.answers.append(404)
    missing = await bot.fate(Body="a", MediaUrl=f"{hook.base}/b.png")

    assert (there, missing) == (("failed", 63021), ("failed", 63019))
    assert [path for path, *_ in hook.heard] == ["/a.png", "/b.png"]


async def test_media_of_a_person_need_the_token_and_lie_on_another_host(
    bot: Bot, twilio: Twilio, client: aiohttp.ClientSession, hook: Hook
) -> None:
    await twilio.deliver(twilio.media(PERSON, (b"\x89PNG", "image/png"), text="Look"))
    [form] = hook.forms
    path = form["MediaUrl0"].removeprefix(twilio.base)

    assert (form["NumMedia"], form["MediaContentType0"]) == ("1", "image/png")
    assert (form["Body"], form["MessageType"]) == ("Look", "image")
    async with client.get(form["MediaUrl0"], allow_redirects=False) as answer:
        assert answer.status == 401
    async with client.get(form["MediaUrl0"], headers=bot.auth, allow_redirects=False) as answer:
        assert answer.status == 307
        other = answer.headers["Location"]
    assert not other.startswith(twilio.base)
    async with client.get(other, headers=bot.auth) as answer:
        assert answer.status == 400
    async with client.get(other) as answer:
        assert (answer.content_type, await answer.read()) == ("image/png", b"\x89PNG")
    listed = (await bot.ask("GET", f"{path.partition('/Media/')[0]}/Media.json"))[1]["media_list"]
    assert [row["content_type"] for row in listed] == ["image/png"]
    assert (await bot.ask("DELETE", f"{path}.json"))[0] == 204
    assert (await bot.ask("GET", path))[1]["code"] == 20404


# -- SMS -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("ж" * 70, 1),
        ("ж" * 71, 2),
        ("ж" * 134, 2),
        ("ж" * 135, 3),
        ("😀" * 35, 1),
        ("😀" * 36, 2),
    ],
)
def test_segments(text: str, count: int) -> None:
    assert rules.segments(text) == count


@pytest.mark.parametrize("word", sorted(rules.STOP_WORDS))
async def test_a_stop_word_stops_and_a_start_word_starts(
    bot: Bot, twilio: Twilio, hook: Hook, word: str
) -> None:
    await twilio.say(PHONE, f" {word.lower()} ")
    stopped = (await bot.send(PHONE, Body="a"))[1]["code"]
    await twilio.say(PHONE, word)
    await twilio.say(PHONE, "Unstop")

    assert stopped == 21610
    assert await bot.fate(PHONE, Body="a") == FINE
    own = [message.body for message in twilio.messages if message.direction == "outbound-reply"]
    assert own == [rules.OWN_ANSWERS["STOP"], rules.OWN_ANSWERS["START"]]  # once, not twice
    assert [form["Body"] for form in hook.forms] == [f" {word.lower()} ", word, "Unstop"]
    assert [call.params["Body"] for call in twilio.sent(PHONE)] == ["a"]


async def test_other_words_and_whatsapp_are_no_opt_out(bot: Bot, twilio: Twilio) -> None:
    await twilio.say(PHONE, "Please stop")
    await twilio.say(PHONE, "yes")
    await twilio.say(PHONE, "help")
    await twilio.say(PERSON, "STOP")

    assert (await bot.fate(PHONE, Body="a"), await bot.fate(Body="a")) == (FINE, FINE)
    own = [message.body for message in twilio.messages if message.direction == "outbound-reply"]
    assert own == [rules.OWN_ANSWERS["HELP"]]


async def test_advanced_opt_out_tells_its_kind(twilio: Twilio, hook: Hook) -> None:
    twilio.advanced_opt_out = True
    await twilio.say(PHONE, "QUIT")

    assert hook.forms[0]["OptOutType"] == "STOP"


# -- queues ----------------------------------------------------------------------------------


async def test_whatsapp_waits_up_to_four_hours(bot: Bot, twilio: Twilio) -> None:
    await twilio.say(PERSON, "Hi")
    twilio.whatsapp_per_second = 1 / 7200
    fates = [await bot.fate(Body="a") for _ in range(4)]

    assert fates == [FINE, FINE, FINE, ("failed", 30001)]


async def test_an_sms_sender_overflows_after_ten_hours(bot: Bot, twilio: Twilio) -> None:
    twilio.sms_segments_per_second = 1 / 18_000
    codes = [(await bot.send(PHONE, Body="a"))[1].get("code") for _ in range(4)]

    assert codes == [None, None, None, 21611]


async def test_a_message_outlives_its_validity_no_more(bot: Bot, twilio: Twilio) -> None:
    await bot.send(PHONE, Body="a" * 306)  # two segments are two seconds

    assert await bot.fate(PHONE, Body="a", ValidityPeriod="2") == FINE
    assert await bot.fate(PHONE, Body="a", ValidityPeriod="2") == ("failed", 30036)


async def test_the_sandbox_sends_once_in_three_seconds(
    bot: Bot, twilio: Twilio, time: FixedClock
) -> None:
    twilio.senders.append(SANDBOX)
    await twilio.say(PERSON, "join us", to=SANDBOX)

    async def fate(seconds: float) -> tuple[str, int]:
        time.move(timedelta(seconds=seconds))
        return await bot.fate(Body="a", From=SANDBOX)

    assert [await fate(s) for s in (0, 2.9, 0.1)] == [FINE, ("failed", 63018), FINE]


async def test_a_refused_person_meets_their_code(bot: Bot, twilio: Twilio) -> None:
    await twilio.say(PERSON, "Hi")
    twilio.block(PERSON)
    twilio.refused[PHONE] = 21211

    assert await bot.fate(Body="a") == ("undelivered", 63033)
    assert (await bot.send(PHONE, Body="a"))[1]["code"] == 21211
    twilio.refused[PHONE] = 30003
    assert await bot.fate(PHONE, Body="a") == ("undelivered", 30003)


# -- reading back ----------------------------------------------------------------------------


async def test_a_list_finds_what_was_sent(bot: Bot, twilio: Twilio, time: FixedClock) -> None:
    await twilio.say(PERSON, "Hi")
    for text in ("one", "two", "three"):
        await bot.fate(Body=text)
    await bot.fate(PHONE, Body="other")
    today = time.now().date()

    async def found(**query: str) -> list[str]:
        path = f"{bot.account}/Messages.json"
        body = (await bot.ask("GET", path, params={"To": PERSON, **query}))[1]
        return [message["body"] for message in body["messages"]]

    assert await found() == ["three", "two", "one"]
    assert await found(From=SMS) == []
    assert await found(DateSent=str(today)) == ["three", "two", "one"]
    assert await found(**{"DateSent>": str(today + timedelta(days=1))}) == []
    assert await found(**{"DateSent<": str(today)}) == ["three", "two", "one"]
    assert await found(PageSize="2") == ["three", "two"]
    assert await found(PageSize="2", Page="1") == ["one"]


async def test_a_message_is_fetched_and_deleted(bot: Bot, twilio: Twilio) -> None:
    sid = (await bot.send(PHONE, Body="a"))[1]["sid"]
    await twilio.settled()
    path = f"{bot.account}/Messages/{sid}.json"

    assert (await bot.ask("GET", path))[1]["status"] == "delivered"
    assert (await bot.ask("DELETE", path))[0] == 204
    assert (await bot.ask("GET", path))[1]["code"] == 20404


async def test_a_messaging_service_picks_a_sender(bot: Bot, twilio: Twilio) -> None:
    service = "MG" + "1" * 32
    status, body = await bot.send(PHONE, Body="a", From=None, MessagingServiceSid=service)

    assert (status, body["status"], body["from"]) == (201, "accepted", None)
    assert twilio.message(body["sid"]).sender == SMS


async def test_typing_marks_read_and_needs_a_message_of_a_person(bot: Bot, twilio: Twilio) -> None:
    event = twilio.text(PERSON, "Hi")
    sid = str(event.fields["MessageSid"])
    path = "/v3/Indicators/Typing.json"

    fine = await bot.ask("POST", path, json={"channel": "WHATSAPP", "messageId": sid})
    assert (fine, twilio.typing) == ((200, {"success": True}), [sid])
    own = (await bot.send(PHONE, Body="a"))[1]["sid"]
    wrong = await bot.ask("POST", path, json={"channel": "WHATSAPP", "messageId": own})
    assert (wrong[0], twilio.typing) == (400, [sid])


# -- faults ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "status", "code"), [("429", 429, 20429), ("500", 500, 20500), ("401", 401, 20003)]
)
async def test_a_fault_meets_one_call(
    bot: Bot, twilio: Twilio, kind: str, status: int, code: int
) -> None:
    twilio.fail_next(kind)
    first, second = await bot.send(Body="a"), await bot.send(Body="a")

    assert (first[0], first[1]["code"], second[0]) == (status, code, 201)
    assert len(twilio.messages) == 1


async def test_a_busy_twilio_says_when_to_come_again(
    bot: Bot, twilio: Twilio, client: aiohttp.ClientSession
) -> None:
    twilio.fail_next("429", retry_after=7)
    async with client.post(f"{twilio.base}/v1/Content", json={}, headers=bot.auth) as answer:
        assert (answer.status, answer.headers["Retry-After"]) == (429, "7")


async def test_a_fault_may_name_a_call_and_a_person(bot: Bot, twilio: Twilio) -> None:
    twilio.fail_next("429", "CreateMessage", PHONE, times=2)

    assert (await bot.make("twilio/text", {"body": "x"}))[0] == 201
    assert (await bot.send(Body="a"))[0] == 201
    assert [(await bot.send(PHONE, Body="a"))[0] for _ in range(3)] == [429, 429, 201]


@pytest.mark.parametrize(("kind", "made"), [("close", 0), ("after", 1)])
async def test_a_cut_answer_leaves_the_caller_not_knowing(
    bot: Bot, twilio: Twilio, kind: str, made: int
) -> None:
    twilio.fail_next(kind)
    with pytest.raises(aiohttp.ClientError):
        await bot.send(Body="a")

    assert (len(twilio.messages), len(twilio.sent(PERSON))) == (made, made)


async def test_a_call_may_hang(bot: Bot, twilio: Twilio) -> None:
    twilio.fail_next("hang")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(bot.send(Body="a"), 0.05)

    assert twilio.messages == []


async def test_what_is_not_started_sends_nothing() -> None:
    with pytest.raises(RuntimeError, match="not started"):
        await Twilio(webhook="http://127.0.0.1:9/in").say(PHONE, "Hi")


async def test_a_delivery_is_counted(twilio: Twilio, hook: Hook) -> None:
    hook.said = "<Response/>"

    assert await twilio.say(PHONE, "Hi") == Delivery(200, "<Response/>", 1)
