"""What each answer of the Bot API means, and that no word of it shows the token."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from chatworks.channels.models import (
    Accepted,
    Ambiguous,
    Channel,
    Consequence,
    Outcome,
    Permanent,
    RetryAfter,
    WirePart,
)
from chatworks.channels.telegram.send import BotApi as Api
from chatworks.channels.telegram.send import NotDone, TokenRefused, outcome
from chatworks.house import House
from chatworks.kit.http import Answer, HttpClient
from chatworks.testing.telegram import BotApi, Fault

STOP, OFF = Consequence.STOP_CONTACT, Consequence.DISABLE_CHANNEL


def no(status: int, told: str, **parameters: Any) -> Answer:
    body = {"ok": False, "error_code": status, "description": told, "parameters": parameters}
    return Answer(status, body)


MEANINGS: list[tuple[Answer, Outcome]] = [
    (Answer(200, {"ok": True, "result": {"message_id": 7}}), Accepted("7")),
    (Answer(200, {"ok": True, "result": True}), Accepted("")),
    (Answer(200, {}), Ambiguous("the answer cannot be read")),
    (no(429, "Too Many Requests", retry_after=35), RetryAfter(35.0, "chat", "Too Many Requests")),
    (no(429, "Too Many Requests", retry_after="x"), RetryAfter(1.0, "chat", "Too Many Requests")),
    (no(500, "Internal Server Error"), RetryAfter(0, "chat", "Internal Server Error")),
    (Answer(502, {}), RetryAfter(0, "chat", "HTTP 502")),
    (Answer(404, {}), RetryAfter(0, "chat", "HTTP 404")),  # a proxy's, not the Bot API's
    (Answer(302, {}), RetryAfter(0, "chat", "HTTP 302")),
    (no(401, "Unauthorized"), Permanent("Unauthorized", OFF)),
    (no(404, "Not Found"), Permanent("Not Found", OFF)),
    (
        no(403, "Forbidden: bot was blocked by the user"),
        Permanent("Forbidden: bot was blocked by the user", STOP),
    ),
    (no(400, "Bad Request: chat not found"), Permanent("Bad Request: chat not found", STOP)),
    (
        no(400, "Bad Request: group chat was upgraded", migrate_to_chat_id=-100),
        Permanent("Bad Request: group chat was upgraded", migrate_to="-100"),
    ),
    (no(400, "Bad Request: message is not modified"), Accepted("")),
    (no(400, "Bad Request: message to edit not found"), Accepted("")),
    (no(400, "Bad Request: query is too old and response timeout expired"), Accepted("")),
    (no(400, "Bad Request: message is too long"), Permanent("Bad Request: message is too long")),
]


@pytest.mark.parametrize(("answer", "meaning"), MEANINGS)
def test_an_answer_has_one_meaning(answer: Answer, meaning: Outcome) -> None:
    assert outcome(answer) == meaning


def channel(token: str) -> Channel:
    ids = (UUID(int=1), UUID(int=2))
    return Channel(*ids, "telegram", "p", "n", "polling", secret_env="SHOP_TOKEN", secret=token)


@pytest.mark.parametrize(
    ("kind", "problem", "told"),
    [
        ("401", TokenRefused, "Telegram refuses its token: Unauthorized"),
        ("429", NotDone, "Telegram does not take getMe now: Too Many Requests: retry after 3"),
        ("500", NotDone, "Telegram does not take getMe now: Internal Server Error"),
        ("blocked", NotDone, "Telegram refuses getMe: Forbidden: bot was blocked by the user"),
        ("close", NotDone, "Telegram cannot be reached: ClientPayloadError"),
    ],
)
async def test_what_is_needed_and_not_done_says_why_without_the_token(
    bot_api: BotApi, kind: str, problem: type[Exception], told: str
) -> None:
    http = HttpClient()
    await http.open()
    bot_api.faults.append(Fault(kind, "getMe", retry_after=3))
    try:
        with pytest.raises(problem) as raised:
            await Api(http, bot_api.base).need(channel(bot_api.token), "getMe", {}, 5)
    finally:
        await http.close()

    assert str(raised.value) == told
    assert getattr(raised.value, "seconds", 0) == (3.0 if kind == "429" else 0)


async def test_without_a_token_nothing_is_called(house: House, bot_api: BotApi) -> None:
    bare = channel("")

    sent = await house.bots.api.send(bare, WirePart("sendMessage", {"chat_id": 5, "text": "x"}))

    assert sent == Permanent("SHOP_TOKEN is not set", OFF)
    assert bot_api.calls == []
    assert bot_api.token not in repr(channel(bot_api.token))
