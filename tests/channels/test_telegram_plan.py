"""What leaves for Telegram: within every limit, nothing lost silently, every choice reachable."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import bot_api_schema
import pytest
import regex
from hypothesis import example, given, settings
from hypothesis import strategies as st

from chatworks.channels.capabilities import Length, Unit
from chatworks.channels.models import Loss, Prompt, Settle, WirePart
from chatworks.channels.planning import lengths
from chatworks.channels.telegram.plan import menu, plan, settle
from chatworks.sdk.chat import LOCATION_BUTTON, PHONE_BUTTON
from chatworks.sdk.messages import Button, Card, Line, Message, Wanted
from chatworks.testing.telegram_rules import check

REMOVE = {"remove_keyboard": True}
FAMILY = "👩‍👩‍👧‍👦"  # one character of 11 units
FLAG = "🇰🇪"
E_ACUTE = "e\u0301"

pieces = st.sampled_from(
    [
        "a",
        " ",
        "\n",
        "\n\n",
        "water ",
        FAMILY,
        FLAG,
        E_ACUTE,
        "مياه ",
        "नी",
        "\u200b",
        "𝔐",
        " \u0301",
        "…",
    ]
) | st.characters(exclude_categories=["Cs"])
texts = st.tuples(st.lists(pieces, max_size=12), st.sampled_from([1, 1, 1, 300, 900])).map(
    lambda drawn: "".join(drawn[0]) * drawn[1]
)
short = st.lists(pieces, max_size=30).map("".join)
idents = st.text(st.characters(codec="ascii", exclude_characters="\0"), min_size=1, max_size=20)
buttons = st.lists(st.builds(Button, idents, short), max_size=8).flatmap(
    lambda few: st.sampled_from([1, 1, 1, 20]).map(lambda times: tuple(few * times)[:150])
)
shares = st.sampled_from([Button(LOCATION_BUTTON, "Share"), Button(PHONE_BUTTON, "Phone")])
cards = st.builds(
    Card, texts, short, st.lists(st.builds(Line, short, short), max_size=4).map(tuple), short
)
messages = st.builds(Message, texts, buttons, st.none() | cards) | st.builds(
    Message, texts, shares.map(lambda b: (b,)), st.none(), st.just(Wanted.LOCATION)
)
prompts = st.builds(
    Prompt,
    st.sampled_from(["501", "-1002233445566"]),
    st.integers(1, 10**6),
    messages,
    st.booleans(),
).map(lambda p: Prompt(p.thread, p.seq, p.message, p.thread.startswith("-")))


def units(text: str) -> int:
    return lengths.size(text, Unit.UTF16)


def cut(text: str, most: int) -> list[str]:
    return lengths.cut(text, Length(most, Unit.UTF16))


def shorten(text: str, most: int) -> str:
    return lengths.shorten(text, Length(most, Unit.UTF16))


def squeezed(text: str) -> str:
    return "".join(text.split())


def source(message: Message) -> str:
    """Everything that a message says, in order."""
    card = message.card
    rows = (
        [card.title, card.subtitle, *(f"{x.label}: {x.value}" for x in card.lines)] if card else []
    )
    return squeezed("".join([*rows, card.footer if card else "", message.text]))


def keys(part: WirePart) -> list[dict[str, Any]]:
    markup = part.params.get("reply_markup", {})
    rows = [*markup.get("inline_keyboard", ()), *markup.get("keyboard", ())]
    return [key for row in rows for key in row]


@settings(max_examples=250, deadline=None)
@given(prompts)
@example(Prompt("1", 1, Message("x" * 4096 + "y")))
@example(Prompt("1", 1, Message("a" + "\u0301" * 5000)))
@example(Prompt("1", 1, Message(" \n\t ")))
@example(Prompt("1", 1, Message("", tuple(Button(str(n), f"Choice {n}") for n in range(150)))))
def test_any_message_is_within_the_limits_and_whole(prompt: Prompt) -> None:
    planned = plan(prompt)

    assert [check(part.method, part.params) for part in planned.parts] == [""] * len(planned.parts)
    assert all("reply_markup" not in part.params for part in planned.parts[:-1])
    said = squeezed("".join(part.params["text"] for part in planned.parts))
    wanted = source(prompt.message)
    assert said.startswith(wanted) if wanted else said
    tapped = [key["callback_data"] for key in keys(planned.parts[-1]) if "callback_data" in key]
    offered = [b for b in prompt.message.buttons if b.id not in {LOCATION_BUTTON, PHONE_BUTTON}]
    whole = [f"{prompt.seq}.{button.id}" for button in offered]
    listed = squeezed(
        "\n".join(f"{n}. {b.label.strip() or '…'}" for n, b in enumerate(offered, start=1))
    )
    assert tapped == whole or (tapped == [] and said.endswith(listed))
    labels = [key["text"] for key in keys(planned.parts[-1])]
    if any(label.endswith("…") and units(label) > 60 for label in labels):
        assert said.endswith(listed)
    reported = {loss.what for loss in planned.losses}
    assert ("one message" in reported) == (len(planned.parts) > 1)
    assert not (offered and not tapped) or "buttons" in reported


@settings(max_examples=300, deadline=None)
@given(texts, st.sampled_from([2, 7, 40, 4096]))
def test_a_text_is_cut_between_whole_characters(text: str, most: int) -> None:
    made = cut(text, most)

    assert squeezed("".join(made)) == squeezed(text)
    assert all(0 < units(piece) <= most and piece == piece.rstrip() for piece in made)
    assert not any(regex.match(r"\X", piece).group().isspace() for piece in made)
    ends = {0} | {match.end() for match in regex.finditer(r"\X", text)}
    longest = max((units(c) for c in regex.findall(r"\X", text)), default=0)
    if longest <= most:
        at = 0
        for piece in made:
            at = text.index(piece, at)
            assert at in ends
            at += len(piece)


@pytest.mark.parametrize(
    ("text", "most", "made"),
    [
        ("first part\n\nsecond part", 14, ["first part", "second part"]),
        ("one two three", 8, ["one two", "three"]),
        ("a\n\nbcdef ghij", 12, ["a\n\nbcdef", "ghij"]),  # not at a pause in the first half
        (FAMILY * 2, 12, [FAMILY, FAMILY]),
        (FLAG * 3, 9, [FLAG * 2, FLAG]),
        (E_ACUTE * 3, 3, [E_ACUTE, E_ACUTE, E_ACUTE]),
        ("", 5, []),
        ("  \n ", 5, []),
    ],
)
def test_where_a_text_is_cut(text: str, most: int, made: list[str]) -> None:
    assert cut(text, most) == made


def test_shorten_says_that_it_did() -> None:
    assert shorten("water", 5) == "water"
    assert shorten("waters", 5) == "wate…"
    assert shorten(FAMILY + FAMILY, 12) == FAMILY + "…"


def test_a_card_has_a_bold_title_and_its_buttons() -> None:
    card = Card("Your order", "today", (Line("2 × 20 L", "KES 500"),), "Total: KES 600")
    message = Message("Right?", (Button("yes", "Yes"), Button("no", "No")), card)

    planned = plan(Prompt("501", 7, message))

    rows = [[{"text": "Yes", "callback_data": "7.yes"}, {"text": "No", "callback_data": "7.no"}]]
    assert planned.losses == ()
    assert planned.parts == (
        WirePart(
            "sendMessage",
            {
                "chat_id": 501,
                "text": "Your order\ntoday\n\n2 × 20 L: KES 500\n\nTotal: KES 600\n\nRight?",
                "entities": [{"type": "bold", "offset": 0, "length": 10}],
                "reply_markup": {"inline_keyboard": rows},
            },
        ),
    )


def test_a_location_question_has_telegrams_own_button_and_what_follows_takes_it_away() -> None:
    where = Message(
        "Where?", (Button(LOCATION_BUTTON, "Share my location"),), None, Wanted.LOCATION
    )

    (asked,) = plan(Prompt("501", 3, where)).parts
    (after,) = plan(Prompt("501", 4, Message("Thank you."))).parts

    assert asked.params["reply_markup"] == {
        "keyboard": [[{"text": "Share my location", "request_location": True}]],
        "resize_keyboard": True,
        "one_time_keyboard": True,
    }
    assert after.params["reply_markup"] == REMOVE


def test_a_group_is_asked_in_words() -> None:
    where = Message(
        "Where?", (Button(LOCATION_BUTTON, "Share my location"),), None, Wanted.LOCATION
    )

    planned = plan(Prompt("-100", 3, where, is_group=True))

    assert planned.parts == (WirePart("sendMessage", {"chat_id": -100, "text": "Where?"}),)
    assert planned.losses == (Loss("a button that shares", "asked in words"),)


def test_long_labels_stand_whole_above_their_buttons() -> None:
    long = "A very long label that nobody can read on a small phone, " + "x" * 40
    message = Message("Which?", (Button("0", "Short"), Button("1", long)))

    planned = plan(Prompt("501", 2, message))

    assert planned.parts[0].params["text"] == f"Which?\n\n1. Short\n2. {long}"
    labels = [key["text"] for key in keys(planned.parts[0])]
    assert labels == ["Short", long[:63] + "…"]
    assert planned.losses == (Loss("long labels", "shortened, and whole in the text above"),)


QUESTION = Message("Which?", (Button("0", "20 L"), Button("1", "10 L")))


def settled(message: Message | None = QUESTION, **fields: Any) -> Sequence[WirePart]:
    return settle(Settle("501", message=message, **fields))


def test_only_the_answer_to_a_tap_overtakes() -> None:
    answer, edit = settled(reply_ref="77", asked_seq=2, message_ref="31", chosen="20 L")

    assert answer == WirePart(
        "answerCallbackQuery", {"callback_query_id": "77"}, urgent=True, expires_seconds=150
    )
    assert edit == WirePart(
        "editMessageText", {"chat_id": 501, "message_id": 31, "text": "Which?\n✓ 20 L"}
    )


def test_a_typed_answer_edits_the_question_by_its_number() -> None:
    assert settled(asked_seq=2, chosen="20 L") == [
        WirePart("editMessageText", {"chat_id": 501, "text": "Which?\n✓ 20 L"}, refers_to=2)
    ]
    assert settled(asked_seq=2) == [
        WirePart("editMessageReplyMarkup", {"chat_id": 501}, refers_to=2)
    ]


def test_a_question_of_several_messages_keeps_its_text_when_it_is_closed() -> None:
    last = "b" * 100
    long = Message("a" * 4000 + "\n\n" + last, QUESTION.buttons)
    full = Message("a" * 4096, QUESTION.buttons)
    carded = Message("Right?", QUESTION.buttons, Card("Title"))

    assert settled(long, asked_seq=2, chosen="20 L")[0].params["text"] == f"{last}\n✓ 20 L"
    assert settled(full, asked_seq=2, chosen="20 L")[0].method == "editMessageReplyMarkup"
    (edit,) = settled(carded, asked_seq=2, chosen="20 L")
    assert edit.params["entities"] == [{"type": "bold", "offset": 0, "length": 5}]


def test_a_question_without_inline_buttons_is_not_edited() -> None:
    where = Message("Where?", (Button(LOCATION_BUTTON, "Share"),), None, Wanted.LOCATION)

    assert settled(where, asked_seq=2, chosen="there") == []
    assert settled(Message("Name?"), asked_seq=2) == []
    assert settled(None, reply_ref="") == []


def test_a_notice_that_is_too_long_is_a_message() -> None:
    short_notice, long_notice = "That question is closed.", "closed " * 40

    (answer,) = settled(None, reply_ref="7", notice=short_notice)
    assert answer.params == {"callback_query_id": "7", "text": short_notice}
    answer, message = settled(None, reply_ref="7", notice=long_notice)
    assert answer.params == {"callback_query_id": "7"}
    assert message.params["text"] == long_notice.strip()


def test_a_bots_menu_tells_what_it_cannot_show() -> None:
    listed = [("order", "Order water"), ("Bad-Name", "x"), ("long", "d" * 300), ("order", "again")]

    commands, losses = menu(listed + [(f"c{n}", "x") for n in range(120)])

    assert commands[:2] == [
        {"command": "order", "description": "Order water"},
        {"command": "long", "description": "d" * 255 + "…"},
    ]
    assert len(commands) == 100
    assert check("setMyCommands", {"commands": commands}) == ""
    assert losses[:2] == (
        Loss("/Bad-Name", "left out of the menu"),
        Loss("the description of /long", "shortened"),
    )
    assert losses[2:] == tuple(Loss(f"/c{n}", "left out of the menu") for n in range(98, 120))


# -- what leaves, held against the Bot API's own schema ------------------------------------------


def requests() -> list[WirePart]:
    """One of every kind of request that a conversation can make."""
    where = Message("Where?", (Button(PHONE_BUTTON, "Share"),), None, Wanted.PHONE)
    made = [
        *plan(Prompt("501", 1, Message("x" * 5000, QUESTION.buttons, Card("T")))).parts,
        *plan(Prompt("501", 1, where)).parts,
        *plan(Prompt("501", 1, Message("plain"))).parts,
        *settled(reply_ref="7", notice="n", asked_seq=2, message_ref="3", chosen="20 L"),
        *settled(Message("q", QUESTION.buttons, Card("T")), asked_seq=2, chosen="20 L"),
        *settled(asked_seq=2),
    ]
    return [with_target(part) for part in made]


def with_target(part: WirePart) -> WirePart:
    params = part.params if part.refers_to is None else {**part.params, "message_id": 3}
    return WirePart(part.method, params)


@bot_api_schema.needed
def test_every_request_is_one_of_the_schema() -> None:
    assert [bot_api_schema.request_misfit(part.method, part.params) for part in requests()] == [
        ""
    ] * len(requests())
    assert {part.method for part in requests()} == {
        "sendMessage", "answerCallbackQuery", "editMessageText", "editMessageReplyMarkup",
    }  # fmt: skip
