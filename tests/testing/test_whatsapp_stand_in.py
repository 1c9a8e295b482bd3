"""The Cloud API's stand-in: each limit at the limit and one past it, its codes, rates, batches."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from hooks import Hook

from chatworks.kit.clock import FixedClock
from chatworks.testing import whatsapp_rules as rules
from chatworks.testing.server import Delivery
from chatworks.testing.whatsapp import NUMBER, WABA, WhatsApp

PERSON, SCOPED = "255700000001", "TZ.abc123"


@pytest.fixture
async def whatsapp(hook: Hook, time: FixedClock) -> AsyncIterator[WhatsApp]:
    async with WhatsApp(webhook=f"{hook.base}/in", clock=time) as stand_in:
        yield stand_in


@pytest.fixture
def bot(whatsapp: WhatsApp, client: aiohttp.ClientSession) -> Bot:
    return Bot(whatsapp, client)


class Bot:
    """What a bot asks of the Cloud API."""

    def __init__(self, whatsapp: WhatsApp, client: aiohttp.ClientSession) -> None:
        self.whatsapp, self.client = whatsapp, client
        self.headers = {"Authorization": f"Bearer {whatsapp.token}"}

    async def ask(self, method: str, path: str, **options: Any) -> tuple[int, Any]:
        url = path if path.startswith("http") else f"{self.whatsapp.base}/v23.0/{path}"
        async with self.client.request(method, url, **{"headers": self.headers, **options}) as got:
            return got.status, json.loads(await got.text())

    async def send(self, to: str = PERSON, **message: Any) -> tuple[int, Any]:
        whole = {"messaging_product": "whatsapp", "to": to, "type": "text", **message}
        if "type" not in message:
            whole = {**whole, "text": {"body": "a"}, **message}
        whole = {name: value for name, value in whole.items() if value is not None}
        return await self.ask("POST", f"{NUMBER}/messages", json=whole)

    async def code(self, **message: Any) -> int:
        """Send and return the code of the refusal, or 0."""
        status, body = await self.send(**message)
        assert (status == 200) == ("error" not in body)
        return int(body["error"]["code"]) if "error" in body else 0

    async def upload(self, content: bytes, kind: str) -> tuple[int, Any]:
        form = aiohttp.FormData({"messaging_product": "whatsapp", "type": kind})
        form.add_field("file", content, filename="x", content_type=kind)
        return await self.ask("POST", f"{NUMBER}/media", data=form)


def statuses(hook: Hook) -> list[tuple[str, int]]:
    """Return the statuses that a webhook heard, and their codes."""
    return [
        (status["status"], status.get("errors", [{"code": 0}])[0]["code"])
        for value in values(hook)
        for status in value.get("statuses", [])
    ]


def values(hook: Hook) -> list[dict[str, Any]]:
    return [
        change["value"]
        for *_, body in hook.heard
        for entry in json.loads(body)["entry"]
        for change in entry["changes"]
    ]


# -- limits ----------------------------------------------------------------------------------


def interactive(kind: str, action: dict[str, Any], **more: Any) -> dict[str, Any]:
    whole = {"type": kind, "body": {"text": "b"}, "action": action, **more}
    return {"type": "interactive", "interactive": whole}


def buttons(*pairs: tuple[str, str], **more: Any) -> dict[str, Any]:
    made = [{"type": "reply", "reply": {"id": i, "title": t}} for i, t in pairs]
    return interactive("button", {"buttons": made}, **more)


def numbered(count: int) -> list[tuple[str, str]]:
    return [(str(n), str(n)) for n in range(count)]


def rows(counts: list[int], button: str = "b", title: str = "t", **row: str) -> dict[str, Any]:
    made = [
        {
            "title": title,
            "rows": [{"id": f"{s}-{r}", "title": "t", **row} for r in range(count)],
        }
        for s, count in enumerate(counts)
    ]
    return interactive("list", {"button": button, "sections": made})


def products(counts: list[int]) -> dict[str, Any]:
    made = [
        {"title": "t", "product_items": [{"product_retailer_id": "p"}] * count} for count in counts
    ]
    action = {"catalog_id": "c", "sections": made}
    return interactive("product_list", action, header={"type": "text", "text": "h"})


def cards(count: int, text: str = "b") -> dict[str, Any]:
    made = [{"card_index": n, "type": "cta_url", "body": {"text": text}} for n in range(count)]
    return interactive("carousel", {"cards": made})


def url(label: str, where: str = "https://a.example") -> dict[str, Any]:
    parameters = {"display_text": label, "url": where}
    return interactive("cta_url", {"name": "cta_url", "parameters": parameters})


def flow(label: str) -> dict[str, Any]:
    return interactive("flow", {"name": "flow", "parameters": {"flow_cta": label}})


def text(body: str) -> dict[str, Any]:
    return {"type": "text", "text": {"body": body}}


def image(**more: str) -> dict[str, Any]:
    return {"type": "image", "image": {"link": "https://a.example/1.png", **more}}


LIMITS: list[tuple[Callable[[int], dict[str, Any]], int, int]] = [
    (lambda n: text("a" * n), 1, 4096),
    (lambda n: image(caption="a" * n), 0, 1024),
    (lambda n: buttons(*numbered(n)), 1, 3),
    (lambda n: buttons(("i", "t" * n)), 1, 20),
    (lambda n: buttons(("i" * n, "t")), 1, 256),
    (lambda n: buttons(("i", "t"), body={"text": "b" * n}), 1, 1024),
    (lambda n: buttons(("i", "t"), header={"type": "text", "text": "h" * n}), 1, 60),
    (lambda n: buttons(("i", "t"), footer={"text": "f" * n}), 1, 60),
    (lambda n: rows([n]), 1, 10),
    (lambda n: rows([1] * n), 1, 10),
    (lambda n: rows([5, n]), 1, 5),
    (lambda n: rows([1], button="b" * n), 1, 20),
    (lambda n: rows([1], title="t" * n), 0, 24),
    (lambda n: rows([1, 1], title="t" * n), 1, 24),
    (lambda n: rows([1], id="i" * n), 1, 200),
    (lambda n: rows([1], description="d" * n), 0, 72),
    (lambda n: url("l" * n), 1, 20),
    (lambda n: flow("l" * n), 1, 20),
    (lambda n: products([n]), 1, 30),
    (lambda n: products([1] * n), 1, 10),
    (cards, 2, 10),
    (lambda n: cards(2, "b" * n), 1, 160),
]  # fmt: skip


@pytest.mark.parametrize("which", range(len(LIMITS)))
async def test_each_limit_and_one_past_it(bot: Bot, whatsapp: WhatsApp, which: int) -> None:
    make, least, most = LIMITS[which]
    below = [await bot.code(**make(least - 1))] if least else [131009]
    codes = [await bot.code(**make(n)) for n in (least, most, most + 1)]

    assert (below, codes) == ([131009], [0, 0, 131009])
    assert len(whatsapp.sent(PERSON)) == 2


@pytest.mark.parametrize(("length", "code"), [(1, 0), (24, 0), (25, 131009), (0, 131009)])
async def test_a_rows_title(bot: Bot, length: int, code: int) -> None:
    made = rows([1])
    made["interactive"]["action"]["sections"][0]["rows"][0]["title"] = "t" * length

    assert await bot.code(**made) == code


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (buttons(("1", "Yes"), ("2", "Yes")), 131009),
        (buttons(("1", "Yes"), ("1", "No")), 131009),
        (rows([2], id="same"), 131009),
        (rows([0]), 131009),
        (url("l", "javascript:x"), 131009),
        (interactive("poll", {}), 131009),
        (interactive("button", {}), 131008),
        (interactive("location_request_message", {"name": "send_location"}), 0),
        (interactive("location_request_message", {"name": "x"}), 131009),
        (interactive("product", {"catalog_id": "c", "product_retailer_id": "p"}), 0),
        ({"type": "poll", "poll": {}}, 100),
        ({"type": "text"}, 131008),
        ({"type": "text", "text": "a"}, 100),
        ({"messaging_product": "sms"}, 100),
        ({"type": "image", "image": {}}, 131008),
        ({"type": "image", "image": {"id": "unknown"}}, 0),  # the window is looked at first
        ({"type": "audio", "audio": {"link": "https://a.example/1", "caption": "x"}}, 131009),
        ({"type": "location", "location": {"latitude": 90, "longitude": -180}}, 0),
        ({"type": "location", "location": {"latitude": 90.1, "longitude": 0}}, 131009),
        ({"type": "contacts", "contacts": [{"name": {"formatted_name": "P"}}]}, 0),
        ({"type": "contacts", "contacts": []}, 131009),
        ({"type": "reaction", "reaction": {"message_id": "x", "emoji": "y"}}, 0),
    ],
)
async def test_other_shapes(
    bot: Bot, whatsapp: WhatsApp, message: dict[str, Any], code: int
) -> None:
    assert await bot.code(**message) == code
    assert len(whatsapp.sent(PERSON)) == (0 if code else 1)


async def test_a_refusal_has_the_form_of_the_graph_api(bot: Bot) -> None:
    status, body = await bot.send(**text(""))
    error = body["error"]

    assert status == 400
    assert set(error) == {"message", "type", "code", "error_data", "fbtrace_id"}
    assert (error["code"], error["type"]) == (131009, "OAuthException")
    assert error["error_data"] == {
        "messaging_product": "whatsapp",
        "details": "text.body has 1 to 4096 characters",
    }


async def test_an_answer_names_the_person_and_the_message(bot: Bot, whatsapp: WhatsApp) -> None:
    status, body = await bot.send(f"+{PERSON}")

    assert status == 200
    assert body["contacts"] == [{"input": f"+{PERSON}", "wa_id": PERSON}]
    assert [call.message_id for call in whatsapp.sent(PERSON)] == [body["messages"][0]["id"]]
    assert body["messages"][0]["id"].startswith("wamid.")


# -- whom ------------------------------------------------------------------------------------


async def test_a_scoped_id_in_to_is_answered_200_and_lost(
    bot: Bot, whatsapp: WhatsApp, hook: Hook
) -> None:
    status, body = await bot.send(SCOPED)
    await whatsapp.settled()

    assert (status, body["messages"][0]["id"][:6]) == (200, "wamid.")
    assert (whatsapp.sent(), hook.heard) == ([], [])


async def test_a_scoped_id_belongs_in_recipient(bot: Bot, whatsapp: WhatsApp) -> None:
    assert (await bot.send(to=None, recipient=SCOPED))[1]["contacts"] == [
        {"input": SCOPED, "user_id": SCOPED}
    ]
    assert await bot.code(to=None, recipient=PERSON) == 131009
    assert await bot.code(to=None) == 100
    assert len(whatsapp.sent(SCOPED)) == 1


async def test_to_comes_before_recipient(bot: Bot, whatsapp: WhatsApp) -> None:
    await bot.send(recipient=SCOPED)

    assert (len(whatsapp.sent(PERSON)), len(whatsapp.sent(SCOPED))) == (1, 0)


# -- the window, rates and refusals ----------------------------------------------------------


async def test_the_window_is_open_for_24_hours(
    bot: Bot, whatsapp: WhatsApp, hook: Hook, time: FixedClock
) -> None:
    async def told() -> list[tuple[str, int]]:
        await bot.send()
        await whatsapp.settled()
        found = statuses(hook)
        hook.heard.clear()
        return found

    assert await told() == [("failed", 131047)]
    await whatsapp.say(PERSON, "Hi")
    time.move(timedelta(hours=24) - timedelta(seconds=1))
    assert await told() == [("sent", 0), ("delivered", 0)]
    time.move(timedelta(seconds=1))
    assert await told() == [("failed", 131047)]


async def test_one_person_gets_one_in_six_seconds_after_a_burst_of_45(
    bot: Bot, time: FixedClock
) -> None:
    codes = [await bot.code() for _ in range(46)]
    other = await bot.code(to="255700000002")
    time.move(timedelta(seconds=6))
    later = [await bot.code() for _ in range(2)]

    assert codes == [0] * 45 + [131056]
    assert (other, later) == (0, [0, 131056])


async def test_a_number_sends_80_a_second(bot: Bot, time: FixedClock) -> None:
    async def codes() -> list[int]:
        return [await bot.code(to=f"2557{n:08}") for n in range(81)]

    assert await codes() == [0] * 80 + [130429]
    time.move(timedelta(seconds=1))
    assert await codes() == [0] * 80 + [130429]


@pytest.mark.parametrize("late", sorted(rules.LATE))
async def test_a_refused_person_meets_a_late_code_as_a_status(
    bot: Bot, whatsapp: WhatsApp, hook: Hook, late: int
) -> None:
    whatsapp.refused[PERSON] = late
    code = await bot.code()
    await whatsapp.settled()

    assert (code, statuses(hook)) == (0, [("failed", late)])


async def test_a_refused_person_meets_an_early_code_at_once(bot: Bot, whatsapp: WhatsApp) -> None:
    whatsapp.refused[PERSON] = 131000

    assert (await bot.code(), whatsapp.sent()) == (131000, [])
    whatsapp.block(PERSON)
    assert (await bot.code(), len(whatsapp.sent())) == (0, 1)


# -- media -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "content_type", "most"),
    [
        ("image", "image/png", 5_000_000),
        ("audio", "audio/ogg", 16_000_000),
        ("video", "video/mp4", 16_000_000),
        ("document", "application/pdf", 100_000_000),
        ("sticker", "image/webp", 500_000),
    ],
)
def test_the_sizes_of_media(kind: str, content_type: str, most: int) -> None:
    sizes = (0, 1, most, most + 1)

    assert [rules.media_problem(kind, content_type, size) for size in sizes] == [
        131053, 0, 0, 131053,
    ]  # fmt: skip
    assert rules.media_problem(kind, "text/html", 1) == 131053


async def test_a_file_goes_up_and_comes_down(
    bot: Bot, whatsapp: WhatsApp, client: aiohttp.ClientSession, hook: Hook
) -> None:
    await whatsapp.say(PERSON, "Hi")
    hook.heard.clear()
    ident = (await bot.upload(b"\x89PNG", "image/png"))[1]["id"]
    code = await bot.code(type="image", image={"id": ident})
    shown = (await bot.ask("GET", ident))[1]

    assert code == 0
    assert (shown["mime_type"], shown["file_size"]) == ("image/png", 4)
    assert shown["sha256"] == hashlib.sha256(b"\x89PNG").hexdigest()
    async with client.get(shown["url"]) as answer:
        assert answer.status == 401
    async with client.get(shown["url"], headers=bot.headers) as answer:
        assert await answer.read() == b"\x89PNG"
    assert (await bot.ask("DELETE", ident))[1] == {"success": True}
    assert (await bot.ask("GET", ident))[1]["error"]["code"] == 100
    assert await bot.code(type="image", image={"id": ident}) == 131009


async def test_what_cannot_be_uploaded(bot: Bot, whatsapp: WhatsApp) -> None:
    codes = [
        (await bot.upload(content, kind))[1]["error"]["code"]
        for content, kind in (
            (b"x", "text/html"),
            (b"", "image/png"),
            (b"x" * 500_001, "image/webp"),
        )
    ]

    assert (codes, whatsapp.uploads) == ([131053] * 3, {})


async def test_a_file_of_another_kind_fails_later(bot: Bot, whatsapp: WhatsApp, hook: Hook) -> None:
    await whatsapp.say(PERSON, "Hi")
    ident = (await bot.upload(b"%PDF", "application/pdf"))[1]["id"]
    await bot.send(type="image", image={"id": ident})
    await whatsapp.settled()

    assert statuses(hook) == [("failed", 131053)]


async def test_a_persons_picture(bot: Bot, whatsapp: WhatsApp, hook: Hook) -> None:
    await whatsapp.deliver(whatsapp.media(PERSON, "image", b"\x89PNG", "image/png", caption="Look"))
    picture = values(hook)[0]["messages"][0]["image"]

    assert (picture["caption"], picture["mime_type"]) == ("Look", "image/png")
    assert (await bot.ask("GET", picture["id"]))[1]["file_size"] == 4


# -- templates -------------------------------------------------------------------------------


def template(**more: Any) -> dict[str, Any]:
    parts = [{"type": "BODY", "text": "Order {{1}} leaves {{2}}."}]
    base = {"name": "sent", "language": "en", "category": "UTILITY", "components": parts}
    return {**base, **more}


def use(*values: str, name: str = "sent") -> dict[str, Any]:
    parameters = [{"type": "text", "text": value} for value in values]
    parts = [{"type": "body", "parameters": parameters}]
    content = {"name": name, "language": {"code": "en"}, "components": parts}
    return {"type": "template", "template": content}


async def test_a_template_opens_a_conversation_once_approved(
    bot: Bot, whatsapp: WhatsApp, hook: Hook
) -> None:
    made = await bot.ask("POST", f"{WABA}/message_templates", json=template())
    pending = await bot.code(**use("7", "today"))
    whatsapp.decide("sent", "APPROVED")
    codes = [await bot.code(**use(*values)) for values in (["7", "today"], ["7"], ["7", ""])]
    whatsapp.decide("sent", "PAUSED")
    paused = await bot.code(**use("7", "today"))
    whatsapp.decide("sent", "DISABLED")
    disabled = await bot.code(**use("7", "today"))
    await whatsapp.settled()

    assert made[1]["status"] == "PENDING"
    assert (pending, codes, paused, disabled) == (132001, [0, 132000, 132012], 132015, 132016)
    assert (await bot.send(**use("7", name="other")))[0] == 404
    assert statuses(hook) == [("sent", 0), ("delivered", 0)]
    listed = (await bot.ask("GET", f"{WABA}/message_templates?name=sent"))[1]["data"]
    assert [row["status"] for row in listed] == ["DISABLED"]
    gone = await bot.ask("DELETE", f"{WABA}/message_templates?name=sent")
    assert (gone[0], whatsapp.templates) == (200, {})


def link(length: int) -> dict[str, Any]:
    button = {"type": "URL", "text": "t", "url": "https://a.example/".ljust(length, "x")}
    return {"type": "BUTTONS", "buttons": [button]}


BODY = {"type": "BODY", "text": "b"}
REPLY = {"type": "QUICK_REPLY", "text": "t"}


@pytest.mark.parametrize(
    ("changed", "taken"),
    [
        ({"name": "a" * 512}, True),
        ({"name": "a" * 513}, False),
        ({"name": "A"}, False),
        ({"category": "OTHER"}, False),
        ({"components": []}, False),
        ({"components": [{"type": "BODY", "text": "b" * 1024}]}, True),
        ({"components": [{"type": "BODY", "text": "b" * 1025}]}, False),
        ({"components": [BODY, {"type": "BUTTONS", "buttons": [REPLY] * 10}]}, True),
        ({"components": [BODY, {"type": "BUTTONS", "buttons": [REPLY] * 11}]}, False),
        ({"components": [BODY, link(2000)]}, True),
        ({"components": [BODY, link(2001)]}, False),
    ],
)
async def test_the_limits_of_a_template(
    bot: Bot, whatsapp: WhatsApp, changed: dict[str, Any], *, taken: bool
) -> None:
    made = await bot.ask("POST", f"{WABA}/message_templates", json=template(**changed))

    assert (made[0], len(whatsapp.templates)) == ((200, 1) if taken else (400, 0))


async def approved(bot: Bot, category: str) -> None:
    plain = {"category": category, "components": [BODY]}
    await bot.ask("POST", f"{WABA}/message_templates", json=template(**plain))
    bot.whatsapp.decide("sent", "APPROVED")


async def test_a_tier_counts_the_people_that_are_written_to_first(
    bot: Bot, whatsapp: WhatsApp, time: FixedClock
) -> None:
    await approved(bot, "UTILITY")
    whatsapp.tier = 2
    await whatsapp.say("255700000009", "Hi")

    async def fate(person: str) -> int:
        status, body = await bot.send(person, **use())
        assert status == 200
        return whatsapp.fates[body["messages"][0]["id"]]

    people = ["255700000001", "255700000002", "255700000001", "255700000009", "255700000003"]
    assert [await fate(person) for person in people] == [0, 0, 0, 0, 131064]
    time.move(timedelta(hours=24))
    assert await fate("255700000003") == 0


async def test_no_marketing_goes_to_american_numbers(bot: Bot, whatsapp: WhatsApp) -> None:
    await approved(bot, "MARKETING")
    sent = [await bot.send(person, **use()) for person in ("15005550009", PERSON)]
    fates = [whatsapp.fates[body["messages"][0]["id"]] for _, body in sent]

    assert fates == [131049, 0]


async def test_a_code_for_signing_in_needs_a_number(bot: Bot, whatsapp: WhatsApp) -> None:
    await approved(bot, "AUTHENTICATION")

    assert await bot.code(to=None, recipient=SCOPED, **use()) == 131062
    assert await bot.code(**use()) == 0


# -- read and typing -------------------------------------------------------------------------


async def test_read_and_typing(bot: Bot, whatsapp: WhatsApp) -> None:
    event = whatsapp.text(PERSON, "Hi")
    ident = event["messages"][0]["id"]

    async def read(message: str, **more: Any) -> int:
        body = {"messaging_product": "whatsapp", "status": "read", "message_id": message, **more}
        return (await bot.ask("POST", f"{NUMBER}/messages", json=body))[0]

    assert await read("wamid.other") == 400
    assert await read(ident, typing_indicator={"type": "dance"}) == 400
    assert (await read(ident), whatsapp.typing) == (200, [])
    assert (await read(ident, typing_indicator={"type": "text"}), whatsapp.typing) == (200, [ident])
    assert (whatsapp.sent(), whatsapp.read) == ([], [ident, ident])


# -- webhooks --------------------------------------------------------------------------------


async def test_a_batch_is_signed_over_its_raw_bytes_and_holds_everything(
    whatsapp: WhatsApp, hook: Hook
) -> None:
    events = [whatsapp.text(PERSON, word) for word in ("Größe", "b", "c")]
    await whatsapp.deliver(*events)
    await whatsapp.deliver(*events, merge=True)
    (_, headers, first), (_, _, second) = hook.heard
    signed = hmac.new(whatsapp.app_secret.encode(), first, hashlib.sha256).hexdigest()

    assert headers["X-Hub-Signature-256"] == f"sha256={signed}"
    assert [len(entry["changes"]) for entry in json.loads(first)["entry"]] == [2, 1]
    assert [len(entry["changes"]) for entry in json.loads(second)["entry"]] == [1]
    words = [message["text"]["body"] for value in values(hook) for message in value["messages"]]
    assert words == ["Größe", "b", "c"] * 2
    assert {value["metadata"]["phone_number_id"] for value in values(hook)} == {NUMBER}


async def test_what_was_not_taken_is_sent_again_for_seven_days(
    whatsapp: WhatsApp, hook: Hook, time: FixedClock
) -> None:
    hook.answers.extend([500, 503, 500])
    first = await whatsapp.say(PERSON, "one")
    time.move(timedelta(days=1))
    await whatsapp.say(PERSON, "two")
    time.move(timedelta(days=5))
    again = await whatsapp.redeliver()
    time.move(timedelta(days=1))
    last = await whatsapp.redeliver()

    assert first == Delivery(500)
    assert (again, last) == ([Delivery(500), Delivery(200)], [Delivery(200)])
    words = [value["messages"][0]["text"]["body"] for value in values(hook)]
    assert words == ["one", "two", "two", "one", "two"]
    hook.answers.append(500)
    await whatsapp.say(PERSON, "three")
    time.move(timedelta(days=7))
    assert (await whatsapp.redeliver(), whatsapp.waiting) == ([], [])


async def test_the_webhook_is_verified(whatsapp: WhatsApp, hook: Hook) -> None:
    assert await whatsapp.verify()
    assert "hub.mode=subscribe&hub.verify_token=verify-me&hub.challenge=" in hook.heard[0][0]
    hook.answers.append(403)
    whatsapp.webhook = f"{hook.base}/other?x=1"
    assert not await whatsapp.verify()


async def test_the_public_address_may_be_another(whatsapp: WhatsApp, hook: Hook) -> None:
    whatsapp.webhook, whatsapp.reach = "https://shop.example/in/wa", hook.base

    assert (await whatsapp.say(PERSON, "Hi")).status == 200
    assert hook.heard[0][0] == "/in/wa"


async def test_statuses_come_in_the_order_asked_for(
    bot: Bot, whatsapp: WhatsApp, hook: Hook
) -> None:
    await whatsapp.say(PERSON, "Hi")
    whatsapp.steps, whatsapp.order, whatsapp.copies = ("sent", "read"), reversed, 2  # type: ignore[assignment]
    ident = (await bot.send())[1]["messages"][0]["id"]
    await whatsapp.settled()
    await whatsapp.deliver(whatsapp.status(ident, "delivered"))

    assert [status for status, _ in statuses(hook)] == ["read", "read", "sent", "sent", "delivered"]


async def test_people_with_and_without_a_number(whatsapp: WhatsApp, hook: Hook) -> None:
    whatsapp.bsuids[PERSON] = SCOPED
    await whatsapp.deliver(whatsapp.text(PERSON, "a"), whatsapp.text("TZ.zzz", "b"))
    known, hidden = values(hook)

    assert (known["messages"][0]["from"], known["messages"][0]["from_user_id"]) == (PERSON, SCOPED)
    assert (known["contacts"][0]["wa_id"], known["contacts"][0]["user_id"]) == (PERSON, SCOPED)
    assert "from" not in hidden["messages"][0]
    assert "wa_id" not in hidden["contacts"][0]
    assert hidden["messages"][0]["from_user_id"] == "TZ.zzz"
    assert set(whatsapp.windows) == {PERSON, SCOPED, "TZ.zzz"}


async def test_taps_places_cards_carts_and_changed_ids(
    bot: Bot, whatsapp: WhatsApp, hook: Hook
) -> None:
    await bot.send(**buttons(("y", "Yes"), ("n", "No")))
    await bot.send(**rows([1]))
    await whatsapp.settled()
    hook.heard.clear()
    item = {"product_retailer_id": "w", "quantity": 2, "item_price": 1500, "currency": "TZS"}
    await whatsapp.deliver(
        whatsapp.tap(PERSON, "Ye"),
        whatsapp.tap(PERSON, "t"),
        whatsapp.location(PERSON, -6.8, 39.28, name="Shop"),
        whatsapp.contact(PERSON, "+255700000009"),
        whatsapp.order_of(PERSON, "c", item),
        whatsapp.changed_id(PERSON, "TZ.new"),
    )
    yes, row, place, card, cart, changed = [value["messages"][0] for value in values(hook)]

    assert yes["interactive"] == {
        "type": "button_reply",
        "button_reply": {"id": "y", "title": "Yes"},
    }
    assert yes["context"] == {"id": whatsapp.sent(PERSON)[0].message_id}
    assert row["interactive"]["list_reply"] == {"id": "0-0", "title": "t"}
    assert place["location"] == {"latitude": -6.8, "longitude": 39.28, "name": "Shop"}
    assert card["contacts"][0]["phones"][0]["phone"] == "+255700000009"
    assert cart["order"]["product_items"] == [item]
    assert changed["system"]["user_id"] == "TZ.new"
    with pytest.raises(LookupError):
        whatsapp.tap(PERSON, "Maybe")


# -- faults ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "status", "code"), [("429", 429, 4), ("500", 500, 131000), ("401", 401, 190)]
)
async def test_a_fault_meets_one_call(
    bot: Bot, whatsapp: WhatsApp, kind: str, status: int, code: int
) -> None:
    whatsapp.fail_next(kind, "messages", PERSON)
    first, second = await bot.send(), await bot.send()

    assert (first[0], first[1]["error"]["code"], second[0]) == (status, code, 200)
    assert len(whatsapp.sent()) == 1


@pytest.mark.parametrize(("kind", "made"), [("close", 0), ("after", 1)])
async def test_a_cut_answer_leaves_the_caller_not_knowing(
    bot: Bot, whatsapp: WhatsApp, kind: str, made: int
) -> None:
    whatsapp.fail_next(kind)
    with pytest.raises(aiohttp.ClientError):
        await bot.send()

    assert len(whatsapp.sent(PERSON)) == made


async def test_a_call_may_hang(bot: Bot, whatsapp: WhatsApp) -> None:
    whatsapp.fail_next("hang")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(bot.send(), 0.05)

    assert whatsapp.sent() == []


async def test_a_wrong_token_and_another_number_are_refused(bot: Bot, whatsapp: WhatsApp) -> None:
    assert (await bot.ask("POST", "999/messages", json={}))[1]["error"]["code"] == 100
    bot.headers = {"Authorization": "Bearer wrong"}
    status, body = await bot.send()
    assert (status, body["error"]["code"], whatsapp.sent()) == (401, 190, [])
