"""The stand-ins against their vendors' own specifications: paths, parameters, answers.

The Cloud API has none; its rules name their sources in ``whatsapp_rules``.
"""

from __future__ import annotations

import json
import re
from typing import Any

import aiohttp
import bot_api_schema
import pytest
import twilio_specs
from hooks import basic
from twilio_specs import API, CONTENT, CONTENT_2, TYPING

from chatworks.testing import twilio_content, twilio_rules
from chatworks.testing.server import Call
from chatworks.testing.telegram import BotApi
from chatworks.testing.twilio import SMS, WHATSAPP, Twilio

PERSON, CHAT = "whatsapp:+255700000001", 501
OWN_PATHS = {"/files/{}", "/2010-04-01/Accounts/{}/Messages/{}/Media/{}"}  # files, by their address


# -- Twilio ----------------------------------------------------------------------------------


@twilio_specs.needed
def test_every_path_of_twilio_is_in_its_specification() -> None:
    known = {
        (method.upper(), re.sub(r"\{\w+\}", "{}", path))
        for name in (API, CONTENT, CONTENT_2, TYPING)
        for path, item in twilio_specs.spec(name)["paths"].items()
        for method in item
    }
    served = {
        (route.method, path)
        for route in Twilio().routes()
        if (path := re.sub(r"\{\w+\}", "{}", route.path)) not in OWN_PATHS
    }

    assert len(served) == 18
    assert served <= known


@twilio_specs.needed
def test_the_parameters_of_a_message_are_the_specifications() -> None:
    schema = twilio_specs.request_schema(API, "CreateMessage")

    assert set(schema["properties"]) == twilio_rules.PARAMETERS
    assert schema["properties"]["ValidityPeriod"]["type"] == "integer"


@twilio_specs.needed
def test_the_types_of_content_are_the_specifications() -> None:
    schemas = twilio_specs.spec(CONTENT)["components"]["schemas"]
    specified = {}
    for kind, pointed in schemas["types"]["properties"].items():
        schema = twilio_specs.resolved(CONTENT, pointed)
        required = set(schema.get("required", ()))
        specified[kind] = (required, set(schema["properties"]) - required)

    assert specified == twilio_content.TYPES
    assert set(schemas["ContentApprovalRequest"]["required"]) == {"name", "category"}


@twilio_specs.needed
def test_the_filters_of_a_list_are_the_specifications() -> None:
    _, _, listed = twilio_specs.operation(API, "ListMessage")
    names = {parameter["name"] for parameter in listed["parameters"]}

    assert names >= {"To", "From", "DateSent", "DateSent<", "DateSent>", "PageSize", "Page"}


async def exchange(
    twilio: Twilio, client: aiohttp.ClientSession
) -> list[tuple[str, str, int, Any]]:
    """Make each call of Twilio once; return the file, the operation, the status and the answer."""
    heard: list[tuple[str, str, int, Any]] = []
    headers = basic(twilio.account_sid, twilio.auth_token)
    account = f"/2010-04-01/Accounts/{twilio.account_sid}/Messages"

    async def ask(name: str, ident: str, method: str, path: str, **sent: Any) -> Any:
        url = f"{twilio.base}{path}"
        async with client.request(method, url, headers=headers, **sent) as answer:
            text = await answer.text()
            body = json.loads(text) if text else {}
            heard.append((name, ident, answer.status, body))
            return body

    types: dict[str, Any] = {
        "twilio/quick-reply": {"body": "Sure, {{1}}?", "actions": [{"title": "Yes", "id": "y"}]}
    }
    made = {"friendly_name": "a", "language": "en", "variables": {"1": "x"}, "types": types}
    content = (await ask(CONTENT, "CreateContent", "POST", "/v1/Content", json=made))["sid"]
    one = f"/v1/Content/{content}"
    await ask(CONTENT, "FetchContent", "GET", one)
    await ask(CONTENT, "UpdateContent", "PUT", one, json={"types": types})
    approval = {"name": "a", "category": "UTILITY"}
    asked = f"{one}/ApprovalRequests"
    await ask(CONTENT, "CreateApprovalCreate", "POST", f"{asked}/whatsapp", json=approval)
    await ask(CONTENT, "FetchApprovalFetch", "GET", asked)
    for name, version in ((CONTENT, "v1"), (CONTENT_2, "v2")):
        for listed in ("Content", "ContentAndApprovals"):
            await ask(name, f"List{listed}", "GET", f"/{version}/{listed}")
    picture = twilio.media(PERSON, (b"x", "image/png"))
    inbound = str(picture.fields["MessageSid"])
    typing = {"channel": "WHATSAPP", "messageId": inbound}
    typed = "/v3/Indicators/Typing.json"
    await ask(TYPING, "CreateV3TypingIndicator", "POST", typed, json=typing)
    await ask(TYPING, "CreateV3TypingIndicator", "POST", typed, json={"channel": "X"})
    form = {"To": PERSON, "From": WHATSAPP, "ContentSid": content}
    sid = (await ask(API, "CreateMessage", "POST", f"{account}.json", data=form))["sid"]
    service = {"To": "+255700000002", "MessagingServiceSid": "MG" + "1" * 32, "Body": "a"}
    await ask(API, "CreateMessage", "POST", f"{account}.json", data=service)
    await twilio.settled()
    await ask(API, "FetchMessage", "GET", f"{account}/{sid}.json")
    await ask(API, "ListMessage", "GET", f"{account}.json?PageSize=2")
    media = (await ask(API, "ListMedia", "GET", f"{account}/{inbound}/Media.json"))["media_list"]
    file = f"{account}/{inbound}/Media/{media[0]['sid']}.json"
    await ask(API, "FetchMedia", "GET", file)
    await ask(API, "DeleteMedia", "DELETE", file)
    await ask(API, "DeleteMessage", "DELETE", f"{account}/{sid}.json")
    await ask(CONTENT, "DeleteContent", "DELETE", one)
    return heard


@twilio_specs.needed
async def test_every_answer_of_twilio_fits_its_specification(
    client: aiohttp.ClientSession,
) -> None:
    async with Twilio() as twilio:
        heard = await exchange(twilio, client)
        names = {call.method for call in twilio.calls}

    misfits = [twilio_specs.answer_misfit(*answer) for answer in heard]
    assert [misfit for misfit in misfits if misfit] == []
    assert names == {ident for _, ident, *_ in heard}
    assert len(names) == 18 - 2  # two of the paths are the second version of another


@twilio_specs.needed
def test_the_check_itself_finds_misfits() -> None:
    assert twilio_specs.answer_misfit(API, "FetchMessage", 201, {}) != ""
    for wrong in ({"sid": "XX"}, {"status": "lost"}, {"body": 1}, {"new": 1}, {"error_code": "1"}):
        assert twilio_specs.answer_misfit(API, "FetchMessage", 200, wrong) != ""


@twilio_specs.needed
def test_the_senders_of_the_stand_in_are_of_the_specified_form() -> None:
    for sender in (WHATSAPP, SMS):
        assert twilio_rules.SENDER.fullmatch(sender.removeprefix("whatsapp:"))
    schema = twilio_specs.resolved(API, {"$ref": "#/components/schemas/api.v2010.account.message"})[
        "properties"
    ]["account_sid"]
    assert re.fullmatch(schema["pattern"], Twilio().account_sid)


# -- Telegram --------------------------------------------------------------------------------


@bot_api_schema.needed
def test_every_method_of_the_bot_api_is_in_its_specification() -> None:
    assert set(BotApi().methods) <= set(bot_api_schema.SPEC["methods"])
    assert len(BotApi().methods) == 34


def returned(method: str, result: Any) -> str:
    """Return why a result is none that the method returns, or ""."""
    kinds = bot_api_schema.SPEC["methods"][method]["returns"]
    fields = [{"name": "result", "types": kinds, "required": True}]
    return bot_api_schema.misfit(fields, {"result": result}, method)


MARKUP = {"inline_keyboard": [[{"text": "t", "callback_data": "d"}]]}
INVOICE: dict[str, Any] = {
    "title": "t", "description": "d", "payload": "p", "currency": "XTR",
    "prices": [{"label": "l", "amount": 1}],
}  # fmt: skip
FILES = ("photo", "document", "audio", "video", "voice", "animation")
FILE = "https://a.example/1"
ITEM = {"type": "document", "media": FILE}
HOOK = {"url": "https://a.example/x", "allowed_updates": ["message"]}
COMMANDS = [{"command": "c", "description": "d"}]
EDIT = {"chat_id": CHAT, "message_id": 1}
CALLS: list[tuple[str, dict[str, Any]]] = [
    ("getMe", {}),
    ("setWebhook", HOOK),
    ("getWebhookInfo", {}),
    ("deleteWebhook", {"drop_pending_updates": True}),
    ("setMyCommands", {"commands": COMMANDS}),
    ("getMyCommands", {}),
    ("setChatMenuButton", {"menu_button": {"type": "default"}}),
    ("getChatMenuButton", {}),
    ("deleteMyCommands", {"scope": {"type": "default"}}),
    ("sendMessage", {"chat_id": CHAT, "text": "a", "reply_markup": MARKUP}),
    *[(f"send{kind.capitalize()}", {"chat_id": CHAT, kind: FILE}) for kind in FILES],
    ("sendMediaGroup", {"chat_id": CHAT, "media": [ITEM, ITEM]}),
    ("sendLocation", {"chat_id": CHAT, "latitude": 1.5, "longitude": 2}),
    ("sendContact", {"chat_id": CHAT, "phone_number": "+1", "first_name": "P"}),
    ("sendInvoice", {"chat_id": CHAT, **INVOICE}),
    ("createInvoiceLink", INVOICE),
    ("sendChatAction", {"chat_id": CHAT, "action": "typing"}),
    ("editMessageText", {**EDIT, "text": "b", "reply_markup": MARKUP}),
    ("editMessageReplyMarkup", {**EDIT, "reply_markup": {"inline_keyboard": []}}),
    ("editMessageCaption", {**EDIT, "message_id": 2, "caption": "c"}),
    ("deleteMessage", EDIT),
    ("getManagedBotToken", {"user_id": 777}),
    ("replaceManagedBotToken", {"user_id": 777}),
    ("setManagedBotAccessSettings", {"user_id": 777, "is_access_restricted": True}),
    ("getManagedBotAccessSettings", {"user_id": 777}),
]


async def asked(api: BotApi, client: aiohttp.ClientSession, method: str, params: Any) -> Any:
    async with client.post(f"{api.base}/bot{api.token}/{method}", json=params) as answer:
        body = await answer.json()
        assert body["ok"], (method, body)
        return body["result"]


@bot_api_schema.needed
async def test_every_answer_of_the_bot_api_fits_its_specification(
    client: aiohttp.ClientSession,
) -> None:
    async with BotApi() as api:
        told = api.create_bot(CHAT, 777, "ShopBot")
        photo = api.media(CHAT, "photo", b"x", "image/png")
        results = [(m, await asked(api, client, m, params)) for m, params in CALLS]
        tap = api.tap_data(CHAT, "d", Call("sendMessage", {"text": "a"}, 0, done=True))
        question = api.pay(CHAT)
        answers = [
            ("getFile", {"file_id": photo["message"]["photo"][0]["file_id"]}),
            ("answerCallbackQuery", {"callback_query_id": tap["callback_query"]["id"]}),
            (
                "answerPreCheckoutQuery",
                {"pre_checkout_query_id": question["pre_checkout_query"]["id"], "ok": True},
            ),
            (
                "refundStarPayment",
                {"user_id": CHAT, "telegram_payment_charge_id": "charge-1"},
            ),
        ]
        results += [(m, await asked(api, client, m, params)) for m, params in answers]
        await api.settled()
        made = [photo, tap, question, *told, *api.updates, *api.migrate(-5, -7, "T", CHAT)]
        made += [api.membership(CHAT, "kicked"), api.text(CHAT, "/start x")]
        made += [api.location(CHAT, 1.5, 2.5), api.contact(CHAT, "+1")]
        made += [api.group_text(-7, "T", CHAT, "hi")]
        made += [api.media(CHAT, kind, b"x", "a/b", "c") for kind in FILES]

    wrong = [returned(method, result) for method, result in results]
    assert [misfit for misfit in wrong if misfit] == []
    assert {method for method, _ in results} == set(api.methods)
    requests = [bot_api_schema.request_misfit(call.method, call.params) for call in api.calls]
    assert [misfit for misfit in requests if misfit] == []
    fields = bot_api_schema.SPEC["types"]["Update"]["fields"]
    updates = [bot_api_schema.misfit(fields, update, "update") for update in made]
    assert [misfit for misfit in updates if misfit] == []
    assert len(made) == 20


@pytest.mark.parametrize("result", [{"message_id": 1}, {"ok": True}, "x"])
@bot_api_schema.needed
def test_the_check_of_the_bot_api_finds_misfits(result: Any) -> None:
    assert returned("sendMessage", result) != ""
