"""What leaves for WhatsApp and SMS: within every limit, whole, every choice reachable."""

from __future__ import annotations

import json
from typing import Any

import pytest
from capable import messages
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.plans import ADDRESS, POOL
from bench.plans import twilio_problem as problem
from chatworks.channels.models import Loss, Plan, Prompt, Settle, Template, WirePart
from chatworks.channels.twilio import content
from chatworks.channels.twilio.connect import template_problem
from chatworks.channels.twilio.errors import MEANINGS, outcome, words
from chatworks.channels.twilio.limits import RESERVED
from chatworks.channels.twilio.plan import (
    TYPING,
    plan_sms,
    plan_whatsapp,
    settle_sms,
    settle_whatsapp,
)
from chatworks.channels.twilio.segments import Segments, segments, smart
from chatworks.sdk.messages import (
    Button,
    Card,
    Link,
    Mark,
    Media,
    MediaKind,
    Message,
    Place,
    Section,
    Style,
)
from chatworks.testing.twilio_content import fill, shape_problem

AMINA, PHONE = "whatsapp:+254712345678", "+254712345678"
PHOTO = Media(MediaKind.IMAGE, "/media/ab/cd.jpg", "image/jpeg", 5_000_000)


def whatsapp(message: Message, **more: Any) -> Plan:
    return plan_whatsapp(Prompt(AMINA, 7, message, address=ADDRESS, **more))


def shown(part: WirePart) -> dict[str, Any]:
    """Return what a part of the pool looks like once its variables are in."""
    types = POOL[part.params["Content"]].types
    [value] = fill(types, json.loads(part.params["ContentVariables"])).values()
    return dict(value)


@settings(max_examples=200, deadline=None)
@given(messages(), st.booleans())
def test_no_plan_exceeds_a_limit(message: Message, open_: bool) -> None:  # noqa: FBT001 - drawn
    for plan in (
        whatsapp(message, window_open=open_),
        plan_sms(Prompt(PHONE, 7, message, address=ADDRESS)),
    ):
        assert [problem(part) for part in (*plan.parts, *plan.first) if problem(part)] == []
        assert plan.held in {"", "window"}


@settings(max_examples=100, deadline=None)
@given(messages())
def test_every_choice_is_answerable(message: Message) -> None:
    idents = [b.id for b in message.choices if not b.id.startswith("share")]
    plan = whatsapp(message)
    tapped = set()
    for part in plan.parts:
        if "Content" in part.params:
            value = shown(part)
            tapped |= {one["id"] for one in value.get("actions", value.get("items", ()))}
    text = "\n".join(str(part.params.get("Body", "")) for part in plan.parts)
    whole = len(idents) <= 10
    for number, ident in enumerate(idents, 1):
        by_tap = f"7.{ident}" in tapped or (not whole and any("more:" in t for t in tapped))
        assert by_tap or f"{number}. " in text

    said = "\n".join(
        part.params["Body"] for part in plan_sms(Prompt(PHONE, 7, message, address=ADDRESS)).parts
    )
    assert all(f"{number}. " in said for number in range(1, len(idents) + 1))


def three(count: int, label: str = "Choice") -> tuple[Button, ...]:
    return tuple(Button(f"c{n}", f"{label} {n}") for n in range(count))


@pytest.mark.parametrize(
    ("count", "name"),
    [(1, "buttons-1"), (3, "buttons-3"), (4, "rows-4"), (10, "rows-10"), (11, "rows-10")],
)
def test_choices_use_the_smallest_resource_that_holds_them(count: int, name: str) -> None:
    plan = whatsapp(Message("Which?", three(count)))

    described = "-described" if count > 10 else ""  # "More" says how many there are
    assert [part.params["Content"] for part in plan.parts] == [name + described]


def test_buttons_are_variables_of_the_pool() -> None:
    [part] = whatsapp(Message("Is this *right*?", (Button("yes", "Yes"), Button("no", "No")))).parts

    assert part == WirePart(
        "Messages",
        {
            "To": AMINA,
            "Content": "buttons-2",
            "ContentVariables": '{"1":"Is this *right*?","2":"Yes","3":"7.yes",'
            '"4":"No","5":"7.no"}',
        },
    )
    assert shown(part) == {
        "body": "Is this *right*?",
        "actions": [
            {"type": "QUICK_REPLY", "title": "Yes", "id": "7.yes"},
            {"type": "QUICK_REPLY", "title": "No", "id": "7.no"},
        ],
    }


@pytest.mark.parametrize(("length", "name"), [(20, "buttons-1"), (21, "rows-1")])
def test_a_label_of_20_is_a_button_and_one_of_21_a_row(length: int, name: str) -> None:
    [part] = whatsapp(Message("Which?", (Button("a", "x" * length),))).parts

    assert part.params["Content"] == name


@pytest.mark.parametrize(("length", "count"), [(1600, 1), (1601, 2)])
def test_a_text_of_1600_is_one_message(length: int, count: int) -> None:
    assert len(whatsapp(Message("x" * length)).parts) == count
    assert len(plan_sms(Prompt(PHONE, 7, Message("x" * length))).parts) == count


@pytest.mark.parametrize(("length", "count"), [(1024, 1), (1025, 2)])
def test_a_text_above_buttons_has_1024(length: int, count: int) -> None:
    assert len(whatsapp(Message("x" * length, three(2))).parts) == count


def test_a_list_says_which_title_it_leaves_out() -> None:
    sections = (Section("Water", (Button("a", "20 L", description="KES 250"), Button("b", "5 L"))),)

    plan = whatsapp(Message("Which?", sections=sections))

    [part] = plan.parts
    assert shown(part)["items"] == [
        {"item": "20 L", "id": "7.a", "description": "KES 250"},
        {"item": "5 L", "id": "7.b", "description": "·"},
    ]
    assert plan.losses == (Loss("the title “Water”", "left out"),)


def test_formatting_a_place_and_files() -> None:
    marked = Message(
        "Order 1001 is paid", marks=(Mark(Style.BOLD, 0, 10), Mark(Style.CODE, 14, 18))
    )
    assert whatsapp(marked).parts[0].params["Body"] == "*Order 1001* is ```paid```"

    [place] = whatsapp(Message(place=Place(-1.29, 36.78, "Yaya | Centre"))).parts[:1]
    assert place.params["PersistentAction"] == ["geo:-1.290000,36.780000|Yaya / Centre"]
    assert place.params["Body"] == "Yaya / Centre"

    [photo] = whatsapp(Message("At the gate", media=(PHOTO,))).parts
    assert photo.params == {"To": AMINA, "Body": "At the gate", "Files": ["/media/ab/cd.jpg"]}
    [card] = whatsapp(Message("Yours?", three(2), media=(PHOTO,))).parts
    assert shown(card)["media"] == ["https://shop.example/media/ab/cd.jpg"]
    bill = Media(MediaKind.DOCUMENT, "/media/ab/b.pdf", "application/pdf", 9, "bill.pdf")
    parts = whatsapp(Message("Your bill", media=(bill,))).parts
    assert [sorted(part.params) for part in parts] == [["Files", "To"], ["Body", "To"]]
    too_large = Media(MediaKind.IMAGE, "/media/ab/c.jpg", "image/jpeg", 16_000_001, "c.jpg")
    linked = whatsapp(Message("Look", media=(too_large,)))
    assert linked.losses == (Loss("the image c.jpg", "a link"),)
    assert linked.parts[0].params["Body"] == "c.jpg\nhttps://shop.example/media/ab/c.jpg"


def test_sms_is_plain_numbered_text() -> None:
    card = Card("Your order", buttons=())
    message = Message("Confirm?", (Button("y", "Yes"), Button("n", "No")), card)

    plan = plan_sms(Prompt(PHONE, 7, message))

    assert [part.params["Body"] for part in plan.parts] == [
        "Your order\n\nConfirm?\n\n1. Yes\n2. No\nReply with a number: 1 to 2."
    ]
    assert Loss("the word “YES” as an answer", "answered by its number") in plan.losses
    assert {"YES", "CANCEL", "END", "QUIT", "STOP", "START", "HELP", "INFO"} <= RESERVED
    linked = plan_sms(Prompt(PHONE, 7, Message("Pay", link=Link("https://x.example", "Pay here"))))
    assert "https://x.example" in linked.parts[0].params["Body"]


# -- the window ------------------------------------------------------------------------------


def template(name: str, topic: str, body: str, language: str = "en", **more: Any) -> Template:
    found = {"vendor_id": f"HX{name}", "status": "approved", **more}
    return Template(name, language, topic, body, **found)


ON_ITS_WAY = template("way", "order.on_its_way", "Hello, your order: {{1}} Reply to talk to us.")
REOPEN = template("reopen", "reopen", "There is news from MajiPro. Reply to read it.")


def test_within_the_window_no_template_leaves() -> None:
    plan = whatsapp(Message("On its way", topic="order.on_its_way"), templates=(ON_ITS_WAY,))

    assert (plan.held, plan.first, plan.parts[0].params["Body"]) == ("", (), "On its way")


def test_a_template_of_its_topic_says_the_message() -> None:
    message = Message("Order 1001\nis on\tits   way.", topic="order.on_its_way")

    plan = whatsapp(message, window_open=False, templates=(REOPEN, ON_ITS_WAY))

    [part] = plan.parts
    assert part.params == {
        "To": AMINA,
        "ContentSid": "HXway",
        "ContentVariables": '{"1":"Order 1001 · is on its way."}',
        "Said": "Hello, your order: Order 1001 · is on its way. Reply to talk to us.",
    }
    assert (plan.held, plan.first) == ("", ())


CANCELLED = template("no", "order-cancelled", "Order {{1}} was cancelled: {{2}}. Sorry!")


@pytest.mark.parametrize(
    ("values", "filled"),
    [
        (("1001", "no\n  water"), '{"1":"1001","2":"no water"}'),
        (("1001",), '{"1":"1001","2":"–"}'),
        (("1001", "no water", "left over"), '{"1":"1001","2":"no water"}'),
    ],
)
def test_a_messages_own_values_fill_the_template_of_its_topic(
    values: tuple[str, ...], filled: str
) -> None:
    message = Message("It was cancelled.", topic="order-cancelled", values=values)

    plan = whatsapp(message, window_open=False, templates=(REOPEN, CANCELLED))

    [part] = plan.parts
    assert (part.template, part.params["ContentVariables"]) == ("no", filled)


def test_the_values_are_not_what_a_template_that_asks_to_write_is_filled_with() -> None:
    news = template("reopen", "reopen", "News for you: {{1}} Reply to read it.")
    message = Message("It was cancelled.", topic="order-cancelled", values=("1001", "rain"))

    plan = whatsapp(message, window_open=False, templates=(news,))

    [part] = plan.first
    assert part.params["ContentVariables"] == '{"1":"It was cancelled."}'


def test_a_file_is_not_left_out_for_a_template() -> None:
    photo = Media(MediaKind.IMAGE, "/media/a.jpg", "image/jpeg", 900)
    answer = template("answer", "answer", "Your answer: {{1}} Reply to go on.")
    message = Message("See here", media=(photo,), topic="answer")

    plan = whatsapp(message, window_open=False, templates=(answer, REOPEN))

    assert (plan.held, [part.template for part in plan.first]) == ("window", ["reopen"])


def test_else_the_message_waits_and_a_template_asks_to_write() -> None:
    plan = whatsapp(Message("Which?", three(2)), window_open=False, templates=(REOPEN,))

    assert plan.held == "window"
    assert [part.params["ContentSid"] for part in plan.first] == ["HXreopen"]
    assert [part.params["Content"] for part in plan.parts] == ["buttons-2"]
    alone = whatsapp(Message("News"), window_open=False)
    assert (alone.held, alone.first) == ("window", ())
    paused = template("reopen", "reopen", "x", status="paused")
    assert whatsapp(Message("News"), window_open=False, templates=(paused,)).first == ()


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        (("order_way", "en", "Your order {{1}} is on its way.", "utility"), ""),
        (("order_way", "sw_KE", "Oda {{1}}, {{2}} asante", "marketing"), ""),
        (("Order", "en", "x", "utility"), "the name takes lower case letters, digits and _"),
        (("a", "english", "x", "utility"), "the language is a code such as en, sw or en_GB"),
        (("a", "en", "x", "news"), "the category is one of authentication, marketing, utility"),
        (("a", "en", " ", "utility"), "the text has 1 to 1024 characters"),
        (("a", "en", "x" * 1025, "utility"), "the text has 1 to 1024 characters"),
        (
            ("a", "en", "a {{2}} b", "utility"),
            "variables are {{1}}, {{2}} and so on, without a gap",
        ),
        (("a", "en", "{{1}} b", "utility"), "a variable must not stand at the start or at the end"),
        (("a", "en", "a {{1}}", "utility"), "a variable must not stand at the start or at the end"),
        (("a", "en", "a {{1}}{{2}} b", "utility"), "two variables must not stand side by side"),
    ],
)
def test_a_template_that_whatsapp_would_refuse_is_told(
    given: tuple[str, str, str, str], fault: str
) -> None:
    assert template_problem(*given) == fault


def test_taps_are_read_at_once_and_notices_are_messages() -> None:
    sid = "SM" + "1" * 32
    typing, notice = settle_whatsapp(Settle(AMINA, sid, "That question is closed."))

    assert typing == WirePart(
        TYPING, {"channel": "WHATSAPP", "messageId": sid}, urgent=True, expires_seconds=25
    )
    assert notice.params == {"To": AMINA, "Body": "That question is closed."}
    assert settle_whatsapp(Settle(AMINA)) == []
    assert settle_sms(Settle(PHONE, "x")) == ()


# -- segments --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Segments(1, "GSM-7", 0, 160)),
        ("a" * 160, Segments(1, "GSM-7", 160, 0)),
        ("a" * 161, Segments(2, "GSM-7", 161, 145)),
        ("a" * 306, Segments(2, "GSM-7", 306, 0)),
        ("a" * 307, Segments(3, "GSM-7", 307, 152)),
        ("€" * 80, Segments(1, "GSM-7", 160, 0)),
        ("€" * 81, Segments(2, "GSM-7", 162, 143)),
        ("a" * 152 + "€" + "b" * 152, Segments(3, "GSM-7", 306, 152)),  # an escape is not parted
        ("ш" * 70, Segments(1, "UCS-2", 70, 0)),
        ("ш" * 71, Segments(2, "UCS-2", 71, 63)),
        ("😀" * 35, Segments(1, "UCS-2", 70, 0)),
        ("ш" * 66 + "😀" + "ш" * 66, Segments(3, "UCS-2", 134, 66)),  # nor a surrogate pair
        ("“Maji” — sawa…", Segments(1, "GSM-7", 16, 144)),
    ],
)
def test_segments_are_counted_as_carriers_do(text: str, expected: Segments) -> None:
    assert segments(text) == expected


def test_smart_encoding_is_twilios() -> None:
    assert smart("“a” ‘b’ — … • ¼ ０ Ｚ\u200b‹›") == "\"a\" 'b' - ... - 1/4 0 Z><"
    assert segments("“a”", encoded=False) == Segments(1, "UCS-2", 3, 67)
    assert all(len(segments(chr(n)).alphabet) == 5 for n in range(0x20, 0x7F))


# -- errors ----------------------------------------------------------------------------------

AFTER = {
    63016: "close_window", 63024: "none", 63032: "none", 63033: "stop_contact",
    63027: "disable_template", 63028: "disable_template", 63040: "disable_template",
    63041: "disable_template", 21656: "alert", 21610: "stop_contact", 30007: "alert",
    30003: "none", 30005: "none", 30034: "disable_channel", 20003: "disable_channel",
}  # fmt: skip
WAITS = {63018: 10.0, 63017: 10.0, 20429: 1.0, 21611: 60.0, 30001: 60.0, 63038: 3600.0}


@pytest.mark.parametrize("code", sorted(AFTER))
def test_a_refusal_has_its_consequence(code: int) -> None:
    found: Any = outcome(code)

    assert found.consequence == AFTER[code]
    assert found.reason == f"{MEANINGS[code].reason} ({code})"


@pytest.mark.parametrize("code", sorted(WAITS))
def test_too_much_is_tried_later(code: int) -> None:
    found: Any = outcome(code)
    told: Any = outcome(code, wait_seconds=7)

    assert (found.seconds, found.scope, told.seconds) == (WAITS[code], "channel", 7)


def test_an_unknown_code_refuses_the_one_message() -> None:
    found: Any = outcome(12345, "Strange")

    assert (found.reason, found.consequence) == ("Strange (12345)", "none")
    assert words(0) == "Twilio did not send it"


def test_the_pool_is_small_and_its_names_are_its_shapes() -> None:
    assert len(POOL) == 3 + 3 + 20
    assert len({resource.friendly_name for resource in POOL.values()}) == len(POOL)
    assert POOL["card-1"].friendly_name != content.pool("https://b.example")["card-1"].friendly_name
    assert POOL["rows-3"].friendly_name == "chatworks-rows-3-v1"
    assert not any(name.startswith("card") for name in content.pool("http://127.0.0.1:8000"))
    for resource in POOL.values():
        assert len(resource.samples) <= 100
        assert shape_problem(resource.types, approved=False, sent=False) == ""
