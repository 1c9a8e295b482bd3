"""Telegram's updates: what each becomes, and that nothing is let in which cannot be read."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import bot_api_schema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from chatworks.channels.models import Arrival, Channel, Lane, RawRequest, Rejected
from chatworks.channels.telegram import adapter
from chatworks.channels.telegram.adapter import read
from chatworks.channels.telegram.updates import BESIDE, SERVICE
from chatworks.inbox.door import check
from chatworks.sdk.inbound import File, Inbound, InboundKind, Payment, Sender
from chatworks.sdk.messages import Place

FOLDER = Path(__file__).parent / "fixtures" / "telegram"
CHANNEL = Channel(UUID(int=1), UUID(int=2), "telegram", "path", "StandInBot", "webhook")


def split(raw: bytes, now: datetime) -> Sequence[Arrival]:
    """Return what the door makes of a body."""
    return adapter.split(RawRequest({}, raw), CHANNEL, now)


NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
WEEK = 2968  # of the date that all fixtures carry

AMINA = Sender("501", "Amina Otieno", "amina_o", "en")
JUMA = Sender("777", "Juma", language="sw")
GROUP = {"is_group": True, "chat_title": "Kilimani Neighbours"}
HABARI = "Habari 👋🏾, nataka maji"


def amina(kind: str, ref: int | None = None, **fields: Any) -> Inbound:
    return Inbound(InboundKind(kind), AMINA, message_ref=str(ref or ""), **fields)


def group(kind: str, ref: int | None = None, **fields: Any) -> Inbound:
    """What Juma does in the group; who is not spoken to keeps silent: ``other``."""
    return Inbound(InboundKind(kind), JUMA, message_ref=str(ref or ""), **GROUP, **fields)


def tap(data: str, label: str, ref: int, query: str) -> dict[str, Any]:
    return {"tap": data, "text": label, "ref": ref, "reply_ref": query}


YAYA = Place(-1.2897, 36.7869, "Yaya Centre, Argwings Kodhek Rd, Nairobi")
HERE = Place(-1.292066, 36.783595)
PHOTO = File("photo", "AgACAgQAAxkBAAIx", size_bytes=146_982)
PDF = File("document", "BQACAgQAAxkBAAIdoc", "receipt 11.pdf", "application/pdf", 48_213)
VOICE = File("voice", "AwACAgQAAxkBAAIvoice", media_type="audio/ogg", size_bytes=17_344)
STICKER = File("sticker", "CAACAgIAAxkBAAIstick", size_bytes=24_042)
CAT = File("animation", "CgACAgQAAxkBAAIanim", "cat.mp4", "video/mp4", 51_200)
NOTE = File("video_note", "DQACAgQAAxkBAAInote", size_bytes=401_230)
FIRST, OLD, THIRD = "2151778910223344556", "2151778910223344557", "3337778910223344558"
FOURTH = "3337778910223344559"

# In the order of their numbers, which begin with 845101.
MESSAGES: dict[str, Inbound] = {
    "text": amina("text", 4000, text=HABARI),
    "command": amina("command", 4001, text="order"),
    "command_with_arguments": amina("command", 4002, text="staff", arguments="7K3M 9QXZ"),
    "deep_link": Inbound(
        InboundKind.COMMAND, JUMA, "start", arguments="order-W20", message_ref="4003"
    ),
    "command_inside_text": amina("text", 4004, text="please /order now"),
    "text_with_entities": amina("text", 4005, text="See maji.example or call +254712345678"),
    "reply": amina("text", 4006, text="this one"),
    "callback_query": amina("tap", **tap("5.1", "10 L bottle · KES 180", 3991, FIRST)),
    "callback_query_old_message": amina("tap", **tap("1.go:water:order", "", 12, OLD)),
    "callback_query_in_group": group("tap", **tap("5.0", "20 L refill · KES 250", 88, THIRD)),
    "location": amina("place", 4010, place=HERE),
    "live_location": amina("place", 4011, place=HERE),
    "live_location_moves": amina("other", text="edited_message"),
    "venue": amina("place", 4013, place=YAYA),
    "contact_own": replace(
        amina("phone", 4014, phone="+254712345678"), sender=replace(AMINA, phone="+254712345678")
    ),
    "contact_foreign": amina("phone", 4015, phone="+254 733 000 111"),
    "photo": amina("file", 4016, file=PHOTO, text="the broken tap"),
    "document": amina("file", 4017, file=PDF),
    "voice": amina("file", 4018, file=VOICE),
    "sticker": amina("file", 4019, file=STICKER),
    "animation": amina("file", 4020, file=CAT),
    "video_note": amina("file", 4021, file=NOTE),
    "dice": amina("unknown", 4022, text="dice"),
    "poll_message": amina("unknown", 4023, text="poll"),
    "pinned_message": amina("other", 4024, text="pinned_message"),
    "future_message_kind": amina("unknown", 4025, text="hologram"),
    "edited_message": amina("edited", 4026, text="three bottles please"),
    "edited_caption": amina("edited", 4027, text="the other tap"),
    "blocked": amina("blocked"),
    "unblocked": amina("unblocked"),
    "added_to_group": group("unblocked"),
    "group_text": group("other", 90, text="text"),
    "group_command_ours": group("command", 91, text="order", arguments="now"),
    "group_command_any_bot": group("command", 92, text="order"),
    "group_command_of_another_bot": group("other", 93, text="/order@OtherBot"),
    "group_anonymous_admin": replace(
        group("other", 94, text="text"),
        sender=Sender("1087968824", "Group", "GroupAnonymousBot"),
    ),
    "group_new_member": group("other", 95, text="new_chat_members"),
    "group_migrates": group("moved", 96, arguments="-1002233445566"),
    "channel_post": Inbound(
        InboundKind.OTHER,
        Sender("-1009988776655", username="majipro_news"),
        "channel_post",
        is_group=True,
        chat_title="MajiPro News",
    ),
    "inline_query": amina("other", text="inline_query"),
    "pre_checkout_query": amina(
        "checkout", payment=Payment(60_000, "KES", "ord_01hx"), reply_ref="2151778910223345000"
    ),
    "message_reaction": amina("other", text="message_reaction"),
    "poll_answer": amina("other", text="poll_answer"),
    "future_kind": amina("other", text="teleport_request"),
    "successful_payment": amina(
        "paid", 4044, text="⭐ 250", payment=Payment(250, "XTR", "ord_01hx", "stxAbC-123", "501_7")
    ),
    "refunded_payment": amina("other", 4045, text="refunded_payment"),
    "managed_bot": amina("bot", arguments="7700112233 MajiMtaaniBot"),
    "managed_bot_created": amina("other", 4047, text="managed_bot_created"),
    "group_mention": group("text", 98, text="👋🏾 two bottles please"),
    "group_mention_of_another": group("other", 99, text="text"),
    "group_text_mention": group("text", 100, text="two bottles"),
    "group_reply_to_us": group("text", 101, text="2"),
    "group_reply_to_another": group("other", 102, text="text"),
    "group_photo_with_mention": group("file", 103, file=PHOTO, text="the broken tap"),
    "group_place": group("other", 104, text="location"),
    "group_edit": group("other", text="edited_message"),
    "topic_command": group("command", 105, text="order"),
    "topic_tap": group("tap", **tap("5.0", "20 L refill · KES 250", 106, FOURTH)),
    "group_reply_thread": group("text", 107, text="3"),
    "deep_link_in_group": group("command", 108, text="start", arguments="order-W20"),
}
OWN_IDS = {
    "callback_query": FIRST,
    "callback_query_old_message": OLD,
    "callback_query_in_group": THIRD,
    "inline_query": "2151778910223344999",
    "pre_checkout_query": "2151778910223345000",
    "poll_answer": "0",  # it has neither an id nor a date
    "future_kind": "77",
    "managed_bot": "7700112233",
    "topic_tap": FOURTH,
}
TOPIC = "-1002233445566/7"
THREADS = {
    "topic_command": TOPIC,
    "topic_tap": TOPIC,
    "deep_link": "777",
    "group_migrates": "-4455667788",
    "channel_post": "-1009988776655",
}


def body(name: str) -> bytes:
    return (FOLDER / f"{name}.json").read_bytes()


def lane(name: str, inbound: Inbound) -> Lane:
    if name == "pre_checkout_query":
        return Lane.DEADLINE
    if inbound.kind is InboundKind.TAP:
        return Lane.TAP
    spoken = "message" in json.loads(body(name))
    return Lane.MESSAGE if spoken else Lane.REST


@pytest.mark.parametrize("name", MESSAGES)
def test_an_update_becomes_one_arrival(name: str) -> None:
    number = 845_101 + list(MESSAGES).index(name)
    inbound = MESSAGES[name]
    thread = THREADS.get(name, "-1002233445566" if inbound.is_group else "501")

    (arrival,) = split(body(name), NOW)

    event_id = f"{number}.{OWN_IDS.get(name, WEEK)}"
    assert arrival == Arrival(event_id, thread, lane(name, inbound), number, body(name))


@pytest.mark.parametrize("name", MESSAGES)
def test_an_update_is_read_into_our_words(name: str) -> None:
    assert read(body(name), CHANNEL) == MESSAGES[name]


def test_every_fixture_is_expected_and_a_poll_has_nobody() -> None:
    assert {path.stem for path in FOLDER.glob("*.json")} == {*MESSAGES, "poll"}
    with pytest.raises(Rejected, match="poll names no chat or person"):
        split(body("poll"), NOW)


def test_a_command_of_any_bot_is_ours_where_nobody_else_listens() -> None:
    update = json.loads(body("command"))
    update["message"]["text"] = "/order@OldNameBot please"
    update["message"]["entities"] = [{"type": "bot_command", "offset": 0, "length": 17}]

    inbound = read(json.dumps(update).encode(), CHANNEL)

    assert (inbound.kind, inbound.text, inbound.arguments) == ("command", "order", "please")


def test_two_taps_of_one_number_are_two_events_and_a_retry_is_one() -> None:
    """After an idle week Telegram restarts its numbers at random."""
    first, later = json.loads(body("callback_query")), json.loads(body("callback_query"))
    later["callback_query"]["id"] = "99"

    ids = [split(json.dumps(u).encode(), NOW)[0].event_id for u in (first, first, later)]

    assert ids == [f"845108.{FIRST}", f"845108.{FIRST}", "845108.99"]


def text_update(text: bytes) -> bytes:
    chat = b'"chat":{"id":5,"type":"private"}'
    return (
        b'{"update_id":1,"message":{"message_id":1,"date":1,' + chat + b',"text":"' + text + b'"}}'
    )


@pytest.mark.parametrize(
    ("escaped", "text"),
    [
        (rb"\\u0000", r"\u0000"),
        (rb"\ud83d\ude00", "😀"),
        (rb"\\ud800", r"\ud800"),
        (b"[{" * 100, "[{" * 100),
        (rb"\"[" * 100, '"[' * 100),
        (rb"\\", "\\"),
    ],
)
def test_harmless_escapes_are_taken(escaped: bytes, text: str) -> None:
    (arrival,) = split(text_update(escaped), NOW)

    assert read(arrival.payload, CHANNEL).text == text


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (text_update(rb"\u0000"), "the text holds a NUL"),
        (text_update(rb"\\\u0000"), "the text holds a NUL"),
        (text_update(rb"\ud800"), "the body is not a JSON object"),
        (text_update(rb"\ud800 and more text after it"), "the body is not a JSON object"),
        (text_update(rb"\udc00\ud800"), "the body is not a JSON object"),
        (b'{"update_id":1,"message":5}', "this is no update: Expected `object | null`, got `int`"),
        (b'{"update_id":1,"callback_query":[]}', "this is no update: Expected `object | null`"),
        (b'{"update_id":true,"message":{}}', "update_id is missing or not a number"),
        (b'{"update_id":1e3,"message":{}}', "update_id is missing or not a number"),
        (b'{"update_id":-1,"message":{}}', "update_id is missing or not a number"),
        (b'{"update_id":9223372036854775808}', "update_id is missing or not a number"),
        (b'{"update_id":1}', "the update names no chat or person"),
        (b'{"update_id":1,"a\\u0000b":{"from":{"id":1}}}', "the text holds a NUL"),
        (b"null", "the body is not a JSON object"),
        (b'"\\ud800"', "the body is not a JSON object"),
        (b"", "the body is not a JSON object"),
    ],
)
def test_what_is_wrong_is_refused_with_its_reason(wrong: bytes, reason: str) -> None:
    with pytest.raises(Rejected) as refused:
        split(wrong, NOW)

    assert refused.value.http_status == 400
    assert refused.value.reason.startswith(reason)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("message", "chat"), []),
        (("message", "chat", "id"), 2**63),
        (("message", "chat", "id"), 5.0),
        (("message", "date"), "y"),
        (("message", "date"), 1.5),
        (("message", "from"), "Amina"),
        (("message", "from", "id"), None),
        (("message", "entities"), "x"),
        (("message", "entities"), [5]),
        (("message", "text"), {"a": 1}),
        (("message", "location"), {"latitude": 91, "longitude": 0}),
        (("message", "location"), {"latitude": "1", "longitude": 0}),
        (("message", "contact"), {"phone_number": 254}),
        (("message", "photo"), {"file_id": "x"}),
    ],
)
def test_a_value_of_the_wrong_type_is_refused_at_the_door(
    path: tuple[str, ...], value: Any
) -> None:
    update = json.loads(body("command"))
    holder = update
    for name in path[:-1]:
        holder = holder[name]
    holder[path[-1]] = value

    with pytest.raises(Rejected, match="this is no update") as refused:
        split(json.dumps(update).encode(), NOW)

    assert path[-1] in refused.value.reason or "$." in refused.value.reason


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=6,
)


def mutate(value: Any, dice: Any) -> Any:
    """Replace, drop or keep each part of an update, by draws."""
    if dice.draw(st.integers(0, 25)) == 0:
        return dice.draw(junk)
    if isinstance(value, dict):
        kept = {k: mutate(v, dice) for k, v in value.items() if dice.draw(st.integers(0, 20))}
        if dice.draw(st.integers(0, 15)) == 0:
            kept[dice.draw(st.text(max_size=6))] = dice.draw(junk)
        return kept
    return [mutate(item, dice) for item in value] if isinstance(value, list) else value


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(sorted(MESSAGES)), st.data())
def test_what_the_door_takes_can_always_be_read(name: str, dice: Any) -> None:
    raw = json.dumps(mutate(json.loads(body(name)), dice)).encode()
    try:
        (arrival,) = split(raw, NOW)
        check(arrival)
    except Rejected:  # with a status of 400: any other error fails this test
        return

    inbound = read(arrival.payload, CHANNEL)

    assert isinstance(inbound, Inbound)
    assert "\x00" not in repr(inbound)
    json.dumps(inbound.text, ensure_ascii=False).encode()  # no lone surrogate


# What Telegram sends beside its schema, and what the future may bring.
BEYOND = {"hologram", "new_chat_participant", "new_chat_member", "all_members_are_administrators"}


def documented(value: Any) -> Any:
    """Return an update without what the schema does not list."""
    if isinstance(value, list):
        return [documented(item) for item in value]
    if not isinstance(value, dict):
        return value
    spare = BEYOND - ({"new_chat_member"} if "old_chat_member" in value else set())
    return {name: documented(item) for name, item in value.items() if name not in spare}


@bot_api_schema.needed
@pytest.mark.parametrize("name", [*(name for name in MESSAGES if name != "future_kind"), "poll"])
def test_a_fixture_is_true_to_the_schema(name: str) -> None:
    fields = bot_api_schema.SPEC["types"]["Update"]["fields"]

    assert bot_api_schema.misfit(fields, documented(json.loads(body(name))), name) == ""


@bot_api_schema.needed
def test_the_names_beside_the_content_are_those_of_the_schema() -> None:
    fields = bot_api_schema.SPEC["types"]["Message"]["fields"]

    assert (SERVICE | BESIDE) - {field["name"] for field in fields} == set()
