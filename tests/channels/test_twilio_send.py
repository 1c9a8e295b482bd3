"""Requests to Twilio and their answers: sending, files, what became of a message, connecting."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from twilio_account import SERVICE, Account, by_the_book

from chatworks.channels.models import (
    Accepted,
    Ambiguous,
    Channel,
    Consequence,
    NotFetched,
    Permanent,
    Prompt,
    RetryAfter,
    WirePart,
)
from chatworks.channels.twilio import content
from chatworks.channels.twilio import send as sending
from chatworks.channels.twilio.api import NotDone, Refused, TwilioApi
from chatworks.channels.twilio.connect import Connected, connect, decision, made, make
from chatworks.channels.twilio.plan import TYPING, plan_sms, plan_whatsapp
from chatworks.channels.twilio.send import Messenger, outcome, webhook
from chatworks.kit.http import Answer, HttpClient
from chatworks.sdk.messages import Button, Message
from chatworks.testing.twilio import AUTH_TOKEN, SMS, WHATSAPP
from chatworks.testing.twilio_api import ACCOUNT_SID

PUBLIC = "https://shop.example"
PERSON, AMINA = "+254712345678", "whatsapp:+254712345678"
CHATS = Channel(
    UUID(int=1), UUID(int=2), "twilio_whatsapp", "a-path", "", "webhook", secret_env="TW",
    secret=AUTH_TOKEN, account=ACCOUNT_SID, address=WHATSAPP.removeprefix("whatsapp:"),
)  # fmt: skip
TEXTS = replace(CHATS, kind="twilio_sms", address=SMS)
OFF = Consequence.DISABLE_CHANNEL


@pytest.fixture
async def account() -> AsyncIterator[Account]:
    async with Account() as found:
        with by_the_book(found.base):
            yield found


@pytest.fixture
async def api(account: Account) -> AsyncIterator[TwilioApi]:
    http = HttpClient()
    await http.open()
    yield TwilioApi(http, account.base)
    await http.close()


@pytest.fixture
def known() -> set[str]:
    """The sids of messages whose fate is known."""
    return set()


@pytest.fixture
def messenger(api: TwilioApi, known: set[str]) -> Messenger:
    async def known_of(_channel: Channel, sids: Sequence[str]) -> set[str]:
        return known & set(sids)

    async def resource_of(channel: Channel, name: str) -> str:
        return await make(api, channel, content.pool(PUBLIC)[name])

    return Messenger(api, PUBLIC, resource_of, known_of)


def sms(text: str) -> WirePart:
    [part] = plan_sms(Prompt(PERSON, 1, Message(text))).parts
    return part


def whatsapp(message: Message) -> WirePart:
    [part] = plan_whatsapp(Prompt(AMINA, 1, message, address=PUBLIC)).parts
    return part


# -- sending -----------------------------------------------------------------------------------


async def test_a_text_leaves_with_its_sender_and_where_to_report(
    messenger: Messenger, account: Account
) -> None:
    sent = await messenger.send(TEXTS, sms("Hi"))

    [call] = account.sent(PERSON)
    assert sent == Accepted(call.message_id)
    assert call.params == {
        "To": PERSON,
        "From": SMS,
        "Body": "Hi",
        "SmartEncoded": "true",
        "StatusCallback": "https://shop.example/in/twilio_sms/a-path#rc=5&rp=all",
    }
    through = replace(TEXTS, address=SERVICE)
    await messenger.send(through, sms("Hi"))
    assert account.sent(PERSON)[1].params["MessagingServiceSid"] == SERVICE
    assert "From" not in account.sent(PERSON)[1].params


async def test_buttons_leave_as_content_and_are_made_where_missing(
    messenger: Messenger, account: Account
) -> None:
    account.windows[AMINA, WHATSAPP] = account.clock.now()
    part = whatsapp(Message("Right?", (Button("yes", "Yes"),)))

    await messenger.send(CHATS, part)
    [sid] = account.contents
    await messenger.send(replace(CHATS, resources={"buttons-1": sid}), part)

    first, second = account.sent(AMINA)
    assert first.params["ContentSid"] == second.params["ContentSid"] == sid
    assert first.params["ContentVariables"] == '{"1":"Right?","2":"Yes","3":"1.yes"}'
    assert len(account.done("CreateContent")) == 1


async def test_typing_goes_with_a_message_of_theirs_and_is_never_missed(
    messenger: Messenger, account: Account
) -> None:
    sid = account.text(AMINA, "Hi").fields["MessageSid"]
    params = {"channel": "WHATSAPP", "messageId": sid}

    assert await messenger.send(CHATS, WirePart(TYPING, params)) == Accepted("")
    account.fail_next("500", "CreateV3TypingIndicator")
    assert await messenger.send(CHATS, WirePart(TYPING, params)) == Accepted("")
    assert account.typing == [sid]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("429", RetryAfter(1.0, "channel", "too many requests (20429)")),
        ("500", Ambiguous("Internal Server Error (20500)")),
        ("401", Permanent("Twilio refuses the account or its token (20003)", OFF)),
        ("close", Ambiguous("ClientPayloadError")),
        ("after", Ambiguous("ClientPayloadError")),
    ],
)
async def test_what_goes_wrong_has_one_meaning(
    messenger: Messenger, account: Account, kind: str, expected: Any
) -> None:
    account.fail_next(kind, "CreateMessage")

    assert await messenger.send(TEXTS, sms("Hi")) == expected
    assert len(account.sent(PERSON)) == (1 if kind == "after" else 0)


async def test_what_twilio_refuses_at_once(messenger: Messenger, account: Account) -> None:
    account.opted_out.add((PERSON, SMS))
    other = replace(TEXTS, address="+15005550009")

    assert await messenger.send(TEXTS, sms("Hi")) == Permanent(
        "the person opted out of messages from this number (21610)", Consequence.STOP_CONTACT
    )
    assert await messenger.send(other, sms("Hi")) == Permanent(
        "this number cannot send messages (21606)", OFF
    )
    bare = replace(TEXTS, secret="")
    assert await messenger.send(bare, sms("Hi")) == Permanent("TW is not set", OFF)
    assert AUTH_TOKEN not in repr(TEXTS)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Answer(201, {"sid": "SM1"}), Accepted("SM1")),
        (Answer(201, {}), Ambiguous("the answer cannot be read")),
        (Answer(502, {}), Ambiguous("HTTP 502")),
        (Answer(404, {}), RetryAfter(0, "chat", "HTTP 404")),
        (Answer(429, {"code": 20429}, 9.0), RetryAfter(
            9.0, "channel", "too many requests (20429)"
        )),
        (Answer(429, {}, 4.0), RetryAfter(4.0, "channel", "too many requests (0)")),
        (Answer(403, {"code": 20999, "message": "No"}), Permanent("No (20999)", OFF)),
        (Answer(400, {"code": 21617}), Permanent(
            "the text is longer than 1,600 characters (21617)", Consequence.ALERT
        )),
    ],
)  # fmt: skip
def test_an_answer_has_one_meaning(answer: Answer, expected: Any) -> None:
    assert outcome(answer) == expected


# -- what became of it -------------------------------------------------------------------------


async def test_a_message_whose_answer_was_lost_is_found(
    messenger: Messenger, account: Account
) -> None:
    since = account.clock.now()
    await messenger.send(TEXTS, sms("Another"))
    account.fail_next("after", "CreateMessage")
    await messenger.send(TEXTS, sms("Hi"))
    sid = account.sent(PERSON)[1].message_id

    assert await messenger.reconcile(TEXTS, sms("Hi"), since) == Accepted(sid)
    missing = RetryAfter(0, "chat", "Twilio did not take it")
    assert await messenger.reconcile(TEXTS, sms("Never sent"), since) == missing
    later = since + timedelta(seconds=30)
    assert await messenger.reconcile(TEXTS, sms("Hi"), later) == missing
    [listed, *_] = account.done("ListMessage")
    assert listed.params == {"To": PERSON, "From": SMS, "PageSize": "100"}


async def test_of_two_equal_texts_the_one_that_is_not_known_is_meant(
    messenger: Messenger, account: Account, known: set[str]
) -> None:
    since = account.clock.now()
    first = await messenger.send(TEXTS, sms("Hi"))
    assert isinstance(first, Accepted)
    known.add(first.vendor_id)
    account.fail_next("after", "CreateMessage")
    await messenger.send(TEXTS, sms("Hi"))
    sid = account.sent(PERSON)[1].message_id

    assert sid != first.vendor_id
    assert await messenger.reconcile(TEXTS, sms("Hi"), since) == Accepted(sid)
    known.add(sid)
    missing = RetryAfter(0, "chat", "Twilio did not take it")
    assert await messenger.reconcile(TEXTS, sms("Hi"), since) == missing
    known.clear()  # somebody else writes from this number, too: in the order of sending
    assert await messenger.reconcile(TEXTS, sms("Hi"), since) == first


async def test_of_what_failed_meanwhile_the_reason_is_told(
    messenger: Messenger, account: Account
) -> None:
    account.refused[PERSON] = 30007
    since = account.clock.now()
    await messenger.send(TEXTS, sms("Win!"))
    await account.settled()

    assert await messenger.reconcile(TEXTS, sms("Win!"), since) == Permanent(
        "a carrier filtered it as spam (30007)", Consequence.ALERT
    )


async def test_content_is_found_by_its_text_and_silence_is_no_answer(
    messenger: Messenger, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    account.windows[AMINA, WHATSAPP] = account.clock.now()
    part = whatsapp(Message("Right?", (Button("yes", "Yes"),)))
    since = account.clock.now()
    await messenger.send(CHATS, part)

    assert await messenger.reconcile(CHATS, part, since) == Accepted(
        account.sent(AMINA)[0].message_id
    )
    account.fail_next("500", "ListMessage")
    assert await messenger.reconcile(CHATS, part, since) is None
    account.fail_next("close", "ListMessage")
    assert await messenger.reconcile(CHATS, part, since) is None
    monkeypatch.setattr(sending, "LISTED_MAX", 1)
    other = whatsapp(Message("Not there"))
    assert await messenger.reconcile(CHATS, other, since) is None  # it may stand on a later page


# -- files -------------------------------------------------------------------------------------


async def test_a_file_is_fetched_from_our_account_alone(
    messenger: Messenger, account: Account
) -> None:
    event = account.media(AMINA, (b"\x89PNG picture", "image/png"))
    address = str(event.fields["MediaUrl0"])

    got = await messenger.fetch(CHATS, address, 100)
    assert (got.content, got.media_type) == (b"\x89PNG picture", "image/png")
    with pytest.raises(NotFetched, match="longer than 5 bytes"):
        await messenger.fetch(CHATS, address, 5)
    with pytest.raises(NotFetched, match="HTTP 404"):
        await messenger.fetch(CHATS, address + "0", 100)
    with pytest.raises(NotFetched, match="not at our account"):
        await messenger.fetch(CHATS, "http://127.0.0.1:1/secret", 100)


# -- connecting --------------------------------------------------------------------------------


async def test_a_numbers_webhook_is_set_once(api: TwilioApi, account: Account) -> None:
    row = account.number(SMS)
    wanted = "https://shop.example/in/twilio_sms/a-path#rc=5&rp=all"

    found = await connect(api, TEXTS, PUBLIC)
    again = await connect(api, TEXTS, PUBLIC)

    assert found == again == Connected(SMS, wanted, webhook_set=True)
    assert (row["sms_url"], len(account.done("UpdateIncomingPhoneNumber"))) == (wanted, 1)


async def test_a_services_webhook_is_set(api: TwilioApi, account: Account) -> None:
    through = replace(CHATS, address=SERVICE)

    found = await connect(api, through, PUBLIC)

    wanted = webhook(PUBLIC, through)
    assert found == Connected("MajiPro", wanted, webhook_set=True)
    assert account.service["inbound_request_url"] == wanted


async def test_of_a_whatsapp_sender_the_address_to_enter_is_told(api: TwilioApi) -> None:
    found = await connect(api, CHATS, PUBLIC)

    wanted = "https://shop.example/in/twilio_whatsapp/a-path#rc=5&rp=all"
    assert (found.webhook, found.webhook_set, found.trouble) == (wanted, None, "")


async def test_what_does_not_work_is_told(api: TwilioApi, account: Account) -> None:
    with pytest.raises(NotDone, match=r"the account has no number \+15005550002"):
        await connect(api, TEXTS, PUBLIC)
    account.number(SMS, sms_application_sid="AP" + "1" * 32)
    assert "remove it there" in (await connect(api, TEXTS, PUBLIC)).trouble
    local = await connect(api, TEXTS, "http://127.0.0.1:8000")
    assert local.trouble.startswith("CHATWORKS_PUBLIC_URL must be https")
    account.status = "suspended"
    with pytest.raises(Refused, match="the account is suspended at Twilio"):
        await connect(api, TEXTS, PUBLIC)
    with pytest.raises(Refused, match="TW is not set"):
        await connect(api, replace(TEXTS, secret=""), PUBLIC)
    with pytest.raises(Refused, match="refuses the account or its token"):
        await connect(api, replace(TEXTS, secret="wrong"), PUBLIC)
    account.fail_next("close")
    with pytest.raises(NotDone, match="cannot be reached: ClientPayloadError"):
        await connect(api, TEXTS, PUBLIC)


async def test_content_is_found_again_over_pages(
    api: TwilioApi, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chatworks.channels.twilio.connect.PAGE_SIZE", 2)
    pool = [content.buttons(1), content.buttons(2), content.rows(1, described=True)]
    sids = [await make(api, CHATS, resource) for resource in pool]

    found = await made(api, CHATS)

    assert found == dict(zip([r.friendly_name for r in pool], sids, strict=True))
    assert await decision(api, CHATS, sids[0]) is None
    assert len(account.done("ListContent")) == 2


def test_an_hour_of_whole_seconds_is_compared_rightly() -> None:
    row = {"date_created": "Tue, 24 Nov 2026 12:00:00 +0000"}
    at = datetime(2026, 11, 24, 12, 0, 0, 900_000, tzinfo=UTC)

    assert sending._made(row) >= at - sending.SKEW  # Twilio drops what is below a second
