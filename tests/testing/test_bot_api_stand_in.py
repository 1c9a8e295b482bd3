"""The Bot API's stand-in: limits at the limit and one past it, files, payments, expiry."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl

import aiohttp
import pytest
from hooks import Hook

from chatworks.kit.clock import FixedClock
from chatworks.testing import telegram_rules as rules
from chatworks.testing.server import Delivery
from chatworks.testing.telegram import BotApi

CHAT, GROUP = 501, -100_501


@pytest.fixture
async def api(time: FixedClock, hook: Hook) -> AsyncIterator[BotApi]:
    async with BotApi(clock=time, reach=hook.base) as stand_in:
        yield stand_in


@pytest.fixture
def bot(api: BotApi, client: aiohttp.ClientSession) -> Bot:
    return Bot(api, client)


class Bot:
    """What a bot asks of Telegram."""

    def __init__(self, api: BotApi, client: aiohttp.ClientSession) -> None:
        self.api, self.client = api, client

    async def ask(self, method: str, params: Any = None, **form: Any) -> tuple[int, Any]:
        sent: dict[str, Any] = {"json": params or {}}
        if form:
            sent = {"data": aiohttp.FormData()}
            for name, value in form.items():
                extra = {"filename": name} if isinstance(value, bytes) else {}
                text = value if isinstance(value, str | bytes) else json.dumps(value)
                sent["data"].add_field(name, text, **extra)
        url = f"{self.api.base}/bot{self.api.token}/{method}"
        async with self.client.post(url, **sent) as answer:
            return answer.status, json.loads(await answer.text())

    async def result(self, method: str, params: Any = None, **form: Any) -> Any:
        status, body = await self.ask(method, params, **form)
        assert (status, body["ok"]) == (200, True), body
        return body["result"]

    async def refusal(self, method: str, params: Any = None, **form: Any) -> str:
        """Return why a call is refused, or nothing."""
        status, body = await self.ask(method, params, **form)
        assert (status == 200) == body["ok"]
        return str(body.get("description", "")).removeprefix("Bad Request: ")


# -- limits ----------------------------------------------------------------------------------


def keyboard(*rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {"inline_keyboard": list(rows)}


def buttons(count: int, **more: Any) -> list[dict[str, Any]]:
    return [{"text": "t", "callback_data": "d", **more}] * count


def message(**more: Any) -> dict[str, Any]:
    return {"chat_id": CHAT, "text": "a", **more}


def button(**more: Any) -> dict[str, Any]:
    return message(reply_markup=keyboard(buttons(1, **more)))


def forced(placeholder: str) -> dict[str, Any]:
    return message(reply_markup={"force_reply": True, "input_field_placeholder": placeholder})


def bold(text: str, length: int) -> dict[str, Any]:
    return message(text=text, entities=[{"type": "bold", "offset": 0, "length": length}])


def document(caption: str) -> dict[str, Any]:
    return {"chat_id": CHAT, "document": "https://a.example/1", "caption": caption}


def subscription(stars: int) -> dict[str, Any]:
    prices = [{"label": "l", "amount": stars}]
    return invoice(subscription_period=2_592_000, prices=prices)


def invoice(**more: Any) -> dict[str, Any]:
    prices = [{"label": "l", "amount": 100}]
    base = {"title": "t", "description": "d", "payload": "p", "currency": "XTR", "prices": prices}
    return {"chat_id": CHAT, **base, **more}


def album(count: int) -> dict[str, Any]:
    media = [{"type": "document", "media": "https://a.example/1"}] * count
    return {"chat_id": CHAT, "media": media}


def commands(count: int = 1, command: str = "c", description: str = "d") -> dict[str, Any]:
    return {"commands": [{"command": command, "description": description}] * count}


MIXED = {"chat_id": CHAT, "media": [{"type": t, "media": "x"} for t in ("photo", "audio")]}
PAY, OPEN = {"text": "p", "pay": True}, {"text": "o", "url": "x"}
HOOK = {"url": "https://a.example/x"}
Make = Callable[[int], tuple[str, dict[str, Any]]]
SEND, BILL = "sendMessage", "sendInvoice"
LIMITS: dict[str, tuple[Make, int, int]] = {
    "text": (lambda n: (SEND, message(text="a" * n)), 1, 4096),
    "utf16": (lambda n: (SEND, message(text="😀" * n)), 1, 2048),
    "data": (lambda n: (SEND, button(callback_data="d" * n)), 1, 64),
    "bytes": (lambda n: (SEND, button(callback_data="é" * n)), 1, 32),
    "row": (lambda n: (SEND, message(reply_markup=keyboard(buttons(n)))), 1, 8),
    "buttons": (lambda n: (SEND, message(reply_markup=keyboard(*[buttons(1)] * n))), 0, 100),
    "copy": (lambda n: (SEND, button(copy_text={"text": "c" * n})), 1, 256),
    "placeholder": (
        lambda n: (SEND, forced("p" * n)),
        0,
        64,
    ),
    "entity": (lambda n: (SEND, bold("ab", n)), 1, 2),
    "caption": (
        lambda n: ("sendDocument", document("c" * n)),
        0,
        1024,
    ),
    "album": (lambda n: ("sendMediaGroup", album(n)), 2, 10),
    "commands": (lambda n: ("setMyCommands", commands(n)), 0, 100),
    "command": (lambda n: ("setMyCommands", commands(command="c" * n)), 1, 32),
    "description": (lambda n: ("setMyCommands", commands(description="d" * n)), 1, 256),
    "title": (lambda n: (BILL, invoice(title="t" * n)), 1, 32),
    "about": (lambda n: (BILL, invoice(description="d" * n)), 1, 255),
    "payload": (lambda n: (BILL, invoice(payload="é" * n)), 1, 64),
    "stars": (lambda n: (BILL, invoice(prices=[{"label": "l", "amount": 1}] * n)), 1, 1),
    "tips": (lambda n: (BILL, invoice(suggested_tip_amounts=[1] * n)), 0, 4),
    "subscription": (
        lambda n: (BILL, subscription(n)),
        1,
        10_000,
    ),
    "secret": (lambda n: ("setWebhook", {**HOOK, "secret_token": "s" * n}), 1, 256),
}


@pytest.mark.parametrize("name", LIMITS)
async def test_each_limit_and_one_past_it(bot: Bot, api: BotApi, name: str, hook: Hook) -> None:
    hook.said = "a file"
    make, least, most = LIMITS[name]
    lengths = [least, most, most + 1, *([least - 1] if least else [])]
    told = [bool(await bot.refusal(*make(length))) for length in lengths]

    assert told == [False, False, True, *([True] if least else [])]
    assert len(api.done(make(1)[0])) == 2


@pytest.mark.parametrize(
    ("method", "params", "told"),
    [
        (BILL, invoice(currency="USD"), "PAYMENT_PROVIDER_INVALID"),
        (BILL, invoice(currency="USD", provider_token="x"), ""),
        (BILL, invoice(subscription_period=1), "SUBSCRIPTION_PERIOD_INVALID"),
        (BILL, invoice(prices=[{"label": "l", "amount": 0}]), "CURRENCY_TOTAL_AMOUNT_INVALID"),
        (BILL, invoice(reply_markup=keyboard([PAY, OPEN])), ""),
        (BILL, invoice(reply_markup=keyboard([OPEN, PAY])), "BUTTON_TYPE_INVALID"),
        ("sendMediaGroup", MIXED, "media can't be mixed in one group"),
        ("sendLocation", {"chat_id": CHAT, "latitude": 90, "longitude": -180}, ""),
        (
            "sendLocation",
            {"chat_id": CHAT, "latitude": 90.1, "longitude": 0},
            "wrong latitude or longitude",
        ),
        ("sendContact", {"chat_id": CHAT, "phone_number": "+1", "first_name": "P"}, ""),
        (
            "sendContact",
            {"chat_id": CHAT, "phone_number": "", "first_name": "P"},
            "PHONE_NUMBER_INVALID",
        ),
        ("sendChatAction", {"chat_id": CHAT, "action": "typing"}, ""),
        (
            "sendChatAction",
            {"chat_id": CHAT, "action": "dance"},
            "wrong parameter action in request",
        ),
        (
            "sendDocument",
            {"chat_id": CHAT, "document": "unknown"},
            "wrong file identifier/HTTP URL specified",
        ),
        ("sendDocument", {"chat_id": CHAT}, "parameter 'document' is required"),
        (SEND, {"chat_id": CHAT, "text": 7}, "can't parse parameters"),
        (
            SEND,
            {
                "chat_id": GROUP,
                "text": "a",
                "reply_markup": {"keyboard": [[{"text": "w", "web_app": {}}]]},
            },
            "BUTTON_TYPE_INVALID",
        ),
        ("deleteMessage", {"chat_id": CHAT, "message_id": 9}, "message to delete not found"),
        ("getFile", {"file_id": "unknown"}, "invalid file_id"),
        (
            "setWebhook",
            {"url": "https://a.example:8444/x"},
            "bad webhook: an HTTPS URL must be provided for webhook",
        ),
        ("setWebhook", {"url": "https://a.example:8443/x"}, ""),
    ],
)
async def test_other_rules(
    bot: Bot, api: BotApi, method: str, params: dict[str, Any], told: str
) -> None:
    assert await bot.refusal(method, params) == told
    assert len(api.done(method)) == (0 if told else 1)


# -- files -----------------------------------------------------------------------------------


def png(width: int, height: int, size: int = 33) -> bytes:
    sides = width.to_bytes(4, "big") + height.to_bytes(4, "big")
    return (b"\x89PNG\r\n\x1a\n" + b"\0\0\0\rIHDR" + sides).ljust(size, b"\0")


def jpeg(width: int, height: int) -> bytes:
    frame = b"\xff\xc0\x00\x0b\x08" + height.to_bytes(2, "big") + width.to_bytes(2, "big")
    return b"\xff\xd8\xff\xe0\x00\x04ab" + frame + b"\x01\x01"


@pytest.mark.parametrize(
    ("kind", "content", "told"),
    [
        ("photo", png(5000, 5000), ""),
        ("photo", png(5000, 5001), "PHOTO_INVALID_DIMENSIONS"),
        ("photo", jpeg(2000, 100), ""),
        ("photo", jpeg(2001, 100), "PHOTO_INVALID_DIMENSIONS"),
        ("photo", png(10, 0), "IMAGE_PROCESS_FAILED"),
        ("photo", b"no picture", "IMAGE_PROCESS_FAILED"),
        ("photo", png(1, 1, 10_000_000), ""),
        ("photo", png(1, 1, 10_000_001), "file is too big"),
        ("document", b"x" * 50_000_000, ""),
        ("document", b"x" * 50_000_001, "file is too big"),
        ("document", b"", "file must be non-empty"),
    ],
)
def test_the_limits_of_a_file(kind: str, content: bytes, told: str) -> None:
    assert rules.file_problem(kind, content) == told


@pytest.mark.parametrize(
    ("kind", "size", "told"),
    [
        ("photo", 5_000_000, ""),
        ("photo", 5_000_001, "failed to get HTTP URL content"),
        ("video", 20_000_000, ""),
        ("video", 20_000_001, "failed to get HTTP URL content"),
    ],
)
def test_the_limits_of_a_file_by_its_address(kind: str, size: int, told: str) -> None:
    assert rules.file_problem(kind, png(1, 1, size), by_url=True) == told


@pytest.mark.parametrize("kind", rules.MEDIA)
async def test_a_file_goes_up_and_comes_down(
    bot: Bot, api: BotApi, time: FixedClock, kind: str
) -> None:
    content = png(10, 10)
    sent = await bot.result(
        f"send{kind.capitalize()}", **{"chat_id": CHAT, kind: content, "caption": "7"}
    )
    shown = sent[kind][0] if kind == "photo" else sent[kind]
    known = await bot.result("getFile", {"file_id": shown["file_id"]})
    address = f"{api.base}/file/bot{api.token}/{known['file_path']}"

    assert sent["caption"] == "7"
    assert (shown["file_size"], known["file_size"]) == (len(content), len(content))
    async with bot.client.get(address) as answer:
        assert await answer.read() == content
    async with bot.client.get(address.replace(api.token, "wrong")) as answer:
        assert answer.status == 401
    time.move(timedelta(hours=1, seconds=1))
    async with bot.client.get(address) as answer:
        assert answer.status == 404
    again = {"chat_id": CHAT, kind: shown["file_id"]}
    assert await bot.refusal(f"send{kind.capitalize()}", again) == ""
    assert [call.params[kind] for call in api.sent(CHAT)] == [shown["file_id"]] * 2


async def test_a_person_sends_a_file_and_a_large_one_cannot_be_had(bot: Bot, api: BotApi) -> None:
    sizes = (20_000_000, 20_000_001)
    updates = [api.media(CHAT, "document", b"x" * n, "application/pdf", "Look") for n in sizes]
    ids = [update["message"]["document"]["file_id"] for update in updates]

    assert updates[0]["message"]["caption"] == "Look"
    assert [await bot.refusal("getFile", {"file_id": i}) for i in ids] == ["", "file is too big"]


async def test_an_album_is_uploaded_at_once(bot: Bot, api: BotApi) -> None:
    media = [{"type": "photo", "media": f"attach://{name}"} for name in ("a", "b")]
    first, second = png(1, 1), png(2, 2)
    sent = await bot.result("sendMediaGroup", chat_id=CHAT, media=media, a=first, b=second)
    [call] = api.sent(CHAT)

    assert [message["message_id"] for message in sent] == [1, 2]
    assert len({message["media_group_id"] for message in sent}) == 1
    kept = [api.files[item["media"]].content for item in call.params["media"]]
    assert kept == [first, second]
    assert set(call.params) == {"chat_id", "media"}


async def test_a_file_by_its_address_is_fetched(bot: Bot, hook: Hook) -> None:
    photo = {"chat_id": CHAT, "photo": "https://shop.example/1.png"}
    hook.said = "no picture"
    assert await bot.refusal("sendPhoto", photo) == "IMAGE_PROCESS_FAILED"
    hook.answers.append(404)
    assert await bot.refusal("sendPhoto", photo) == "failed to get HTTP URL content"
    assert [path for path, *_ in hook.heard] == ["/1.png"] * 2


# -- payments --------------------------------------------------------------------------------


async def test_a_payment_from_its_invoice_to_its_refund(bot: Bot, api: BotApi) -> None:
    await bot.result(BILL, invoice(payload="order-7"))
    question = api.pay(CHAT)["pre_checkout_query"]
    answer = {"pre_checkout_query_id": question["id"], "ok": True}
    await bot.result("answerPreCheckoutQuery", answer)
    await api.settled()
    paid = api.updates[-1]["message"]["successful_payment"]
    refund = {"user_id": CHAT, "telegram_payment_charge_id": paid["telegram_payment_charge_id"]}

    assert (question["invoice_payload"], question["total_amount"]) == ("order-7", 100)
    assert (paid["invoice_payload"], paid["currency"]) == ("order-7", "XTR")
    assert await bot.refusal("answerPreCheckoutQuery", answer) != ""  # once
    assert await bot.refusal("refundStarPayment", {**refund, "user_id": 9}) == "CHARGE_NOT_FOUND"
    assert await bot.refusal("refundStarPayment", refund) == ""
    assert await bot.refusal("refundStarPayment", refund) == "CHARGE_ALREADY_REFUNDED"
    await api.settled()
    assert api.updates[-1]["message"]["refunded_payment"]["total_amount"] == 100
    assert len(api.updates) == 2


@pytest.mark.parametrize(("seconds", "state"), [(10, "paid"), (10.1, "failed")])
async def test_the_question_before_a_payment_is_answered_within_ten_seconds(
    bot: Bot, api: BotApi, time: FixedClock, seconds: float, state: str
) -> None:
    await bot.result(BILL, invoice())
    question = api.pay(CHAT)["pre_checkout_query"]["id"]
    time.move(timedelta(seconds=seconds))
    told = await bot.refusal(
        "answerPreCheckoutQuery", {"pre_checkout_query_id": question, "ok": True}
    )
    await api.settled()

    assert told.startswith("query is too old") == (state == "failed")
    assert (api.sales[question]["state"], len(api.charges)) == (state, int(state == "paid"))
    assert len(api.updates) == int(state == "paid")


async def test_a_payment_may_be_refused_with_a_reason(bot: Bot, api: BotApi) -> None:
    await bot.result(BILL, invoice())
    answer = {"pre_checkout_query_id": api.pay(CHAT)["pre_checkout_query"]["id"], "ok": False}

    assert await bot.refusal("answerPreCheckoutQuery", answer) != ""
    assert (
        await bot.refusal("answerPreCheckoutQuery", {**answer, "error_message": "Sold out"}) == ""
    )
    assert (api.charges, [sale["state"] for sale in api.sales.values()]) == ({}, ["refused"])


# -- queries and updates ---------------------------------------------------------------------


@pytest.mark.parametrize(("seconds", "old"), [(150, False), (151, True)])
async def test_a_callback_is_answered_within_150_seconds(
    bot: Bot, api: BotApi, time: FixedClock, seconds: int, *, old: bool
) -> None:
    await bot.result(SEND, message(reply_markup=keyboard(buttons(1))))
    query = api.tap(CHAT, "t")["callback_query"]["id"]
    time.move(timedelta(seconds=seconds))
    told = await bot.refusal("answerCallbackQuery", {"callback_query_id": query, "text": "x" * 200})

    assert told.startswith("query is too old") == old
    assert await bot.refusal("answerCallbackQuery", {"callback_query_id": "unknown"}) != ""


async def test_what_waits_expires(bot: Bot, api: BotApi, time: FixedClock) -> None:
    await bot.result(SEND, message(reply_markup=keyboard(buttons(1))))
    await api.deliver(api.tap(CHAT, "t"), api.text(CHAT, "one"))

    async def waiting() -> list[str]:
        updates = await bot.result("getUpdates")
        return [kind for update in updates for kind in update if kind != "update_id"]

    time.move(timedelta(seconds=150))
    assert await waiting() == ["callback_query", "message"]
    time.move(timedelta(seconds=1))
    assert await waiting() == ["message"]
    time.move(timedelta(hours=24))
    assert await waiting() == []


async def test_a_webhook_gets_its_secret_and_again_what_it_did_not_take(
    bot: Bot, api: BotApi, hook: Hook
) -> None:
    secret = {"url": "https://shop.example/in/tg", "secret_token": "s3cret"}
    await bot.result("setWebhook", secret)
    hook.answers.append(500)
    told = [await api.say(CHAT, word) for word in ("one", "two")]
    pending = (await bot.result("getWebhookInfo"))["pending_update_count"]
    again = await api.redeliver()

    assert (told, pending) == ([Delivery(500), Delivery(200)], 1)
    assert (again, list(api.updates)) == ([Delivery(200)], [])
    assert {path for path, *_ in hook.heard} == {"/in/tg"}
    assert {h["X-Telegram-Bot-Api-Secret-Token"] for _, h, _ in hook.heard} == {"s3cret"}
    words = [json.loads(body)["message"]["text"] for *_, body in hook.heard]
    assert words == ["one", "two", "one"]


async def test_only_what_was_asked_for_comes(bot: Bot, api: BotApi, hook: Hook) -> None:
    url = "https://shop.example/in/tg"
    await bot.result("setWebhook", {"url": url, "allowed_updates": ["message"]})
    told = await api.deliver(api.membership(CHAT, "kicked"), api.text(CHAT, "a"))

    assert [delivery.status for delivery in told] == [0, 200]
    assert (len(hook.heard), list(api.updates)) == (1, [])
    await bot.result("deleteWebhook")
    await api.deliver(api.membership(CHAT, "kicked"), api.text(CHAT, "a"))
    polled = await bot.result("getUpdates", {"allowed_updates": ["my_chat_member"]})
    assert [set(update) for update in polled] == [{"update_id", "my_chat_member"}]


@pytest.mark.parametrize(
    ("text", "comes"),
    [("/order", True), ("hi @StandInBot", True), ("hi", False), ("@other", False)],
)
async def test_privacy_mode_keeps_back_what_does_not_speak_to_the_bot(
    api: BotApi, text: str, *, comes: bool
) -> None:
    api.privacy = True
    answer = api.group_text(GROUP, "Friends", CHAT, text)
    replied = api.group_text(GROUP, "Friends", CHAT, text)
    replied["message"]["reply_to_message"] = {"from": {"id": 12345}}
    await api.deliver(answer, replied, api.text(CHAT, text), *api.migrate(-5, -7, "T", CHAT))

    assert len(api.updates) == (5 if comes else 4)
    assert (answer in api.updates) == comes


async def test_the_data_of_a_mini_app_is_signed_with_the_token(api: BotApi) -> None:
    told = dict(parse_qsl(api.init_data(CHAT, start_param="shop")))
    given = told.pop("hash")
    text = "\n".join(f"{name}={value}" for name, value in sorted(told.items()))
    key = hmac.new(b"WebAppData", api.token.encode(), hashlib.sha256).digest()

    assert hmac.new(key, text.encode(), hashlib.sha256).hexdigest() == given
    assert (json.loads(told["user"])["id"], told["start_param"]) == (CHAT, "shop")
    assert told["auth_date"] == "1793610000"


async def test_what_waits_is_dropped_when_asked(bot: Bot, api: BotApi) -> None:
    await api.say(CHAT, "one")
    await bot.result("deleteWebhook", {"drop_pending_updates": True})

    assert list(api.updates) == []


# -- what stands -----------------------------------------------------------------------------


async def test_messages_are_edited_and_deleted(bot: Bot, api: BotApi) -> None:
    sent = await bot.result(SEND, message())
    one = {"chat_id": CHAT, "message_id": sent["message_id"]}
    photo = await bot.result("sendPhoto", chat_id=CHAT, photo=png(1, 1), caption="a")
    other = {"chat_id": CHAT, "message_id": photo["message_id"]}

    assert (await bot.result("editMessageText", {**one, "text": "b"}))["text"] == "b"
    assert await bot.refusal("editMessageText", {**one, "text": "b"}) == "message is not modified"
    assert await bot.refusal("editMessageText", {**other, "text": "b"}) == (
        "there is no text in the message to edit"
    )
    assert (await bot.result("editMessageCaption", {**other, "caption": "c"}))["caption"] == "c"
    assert await bot.result("deleteMessage", one) is True
    assert await bot.refusal("editMessageText", {**one, "text": "c"}) == "message to edit not found"
    assert set(api.chats) == {(CHAT, 2)}


async def test_commands_have_a_scope_and_a_language(bot: Bot, api: BotApi) -> None:
    group = {"scope": {"type": "all_group_chats"}}
    await bot.result("setMyCommands", commands(1, "order"))
    await bot.result("setMyCommands", {**commands(1, "agiza"), "language_code": "sw"})
    await bot.result("setMyCommands", {**commands(1, "menu"), **group})

    async def names(**asked: Any) -> list[str]:
        return [row["command"] for row in await bot.result("getMyCommands", asked)]

    assert await names() == ["order"]
    assert await names(language_code="sw") == ["agiza"]
    assert await names(**group) == ["menu"]
    assert await names(scope={"type": "chat", "chat_id": CHAT}) == []
    await bot.result("deleteMyCommands", group)
    assert await names(**group) == []
    assert set(api.commands) == {"", "sw"}


async def test_a_group_moves(bot: Bot, api: BotApi) -> None:
    old, new = api.migrate(GROUP, -7, "Friends", CHAT)
    status, body = await bot.ask(SEND, message(chat_id=GROUP))

    assert old["message"]["migrate_to_chat_id"] == -7
    assert new["message"]["migrate_from_chat_id"] == GROUP
    assert (status, body["parameters"]) == (400, {"migrate_to_chat_id": -7})
    assert await bot.refusal(SEND, message(chat_id=-7)) == ""


async def test_a_managed_bot(bot: Bot, api: BotApi) -> None:
    told, made = api.create_bot(CHAT, 777, "ShopBot")
    token = await bot.result("getManagedBotToken", {"user_id": 777})

    assert told["message"]["managed_bot_created"]["bot"]["id"] == 777
    assert (made["managed_bot"]["user"]["id"], made["managed_bot"]["bot"]["id"]) == (CHAT, 777)
    async with bot.client.post(f"{api.base}/bot{token}/getMe") as answer:
        assert (await answer.json())["result"]["id"] == 777
    replaced = await bot.result("replaceManagedBotToken", {"user_id": 777})
    async with bot.client.post(f"{api.base}/bot{token}/getMe") as answer:
        assert (answer.status, replaced == token) == (401, False)
    ten, eleven = (
        {"user_id": 777, "is_access_restricted": True, "added_user_ids": [1] * n} for n in (10, 11)
    )
    assert await bot.refusal("setManagedBotAccessSettings", eleven) == "USERS_TOO_MUCH"
    assert await bot.refusal("setManagedBotAccessSettings", ten) == ""
    settings = await bot.result("getManagedBotAccessSettings", {"user_id": 777})
    assert (settings["is_access_restricted"], len(settings["added_users"])) == (True, 10)
    assert await bot.refusal("getManagedBotToken", {"user_id": 1}) == "BOT_INVALID"


# -- rates and faults ------------------------------------------------------------------------


async def test_rates_are_kept_where_asked_for(bot: Bot, api: BotApi, time: FixedClock) -> None:
    api.flood = True
    chat = [(await bot.ask(SEND, message()))[0] for _ in range(6)]
    status, body = await bot.ask(SEND, message())
    time.move(timedelta(seconds=1))
    later = [(await bot.ask(SEND, message()))[0] for _ in range(2)]
    group = [(await bot.ask(SEND, message(chat_id=GROUP)))[0] for _ in range(21)]
    time.move(timedelta(seconds=10))
    many = [(await bot.ask(SEND, message(chat_id=1000 + n)))[0] for n in range(31)]

    assert chat == [200] * 5 + [429]
    assert (status, body["parameters"]) == (429, {"retry_after": 1})
    assert later == [200, 429]
    assert group == [200] * 20 + [429]
    assert many == [200] * 30 + [429]


@pytest.mark.parametrize(("kind", "status"), [("429", 429), ("500", 500), ("401", 401)])
async def test_a_fault_meets_one_call(bot: Bot, api: BotApi, kind: str, status: int) -> None:
    api.fail_next(kind, SEND, CHAT, retry_after=7)
    first, second = await bot.ask(SEND, message()), await bot.ask(SEND, message())

    assert (first[0], second[0], len(api.sent(CHAT))) == (status, 200, 1)
    assert first[1].get("parameters", {"retry_after": 7}) == {"retry_after": 7}


@pytest.mark.parametrize(("kind", "made"), [("close", 0), ("after", 1)])
async def test_a_cut_answer_leaves_the_caller_not_knowing(
    bot: Bot, api: BotApi, kind: str, made: int
) -> None:
    api.fail_next(kind)
    with pytest.raises(aiohttp.ClientError):
        await bot.ask(SEND, message())

    assert len(api.sent(CHAT)) == made


async def test_a_call_may_hang(bot: Bot, api: BotApi) -> None:
    api.fail_next("hang")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(bot.ask(SEND, message()), 0.05)

    assert api.sent() == []


async def test_a_person_blocks_the_bot(bot: Bot, api: BotApi) -> None:
    told = api.block(CHAT)["my_chat_member"]["new_chat_member"]["status"]

    assert told == "kicked"
    assert [(await bot.ask(SEND, message()))[0] for _ in range(2)] == [403, 403]
    assert (await bot.ask(SEND, message(chat_id=5)))[0] == 200
