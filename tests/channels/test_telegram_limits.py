"""Each of Telegram's limits (reference: core.telegram.org/bots/api), at it and one past it."""

from __future__ import annotations

from chatworks.channels.models import Plan, Prompt, Settle
from chatworks.channels.telegram.plan import menu, plan, settle
from chatworks.sdk.messages import Button, Mark, Media, MediaKind, Message, Style
from chatworks.testing.telegram_rules import check

PHOTO = Media(MediaKind.IMAGE, "/media/a/1", "image/png", 9)
TWO_UNITS = "😀"  # one code point, two UTF-16 code units


def planned(message: Message, seq: int = 1) -> Plan:
    made = plan(Prompt("501", seq, message))
    assert [check(part.method, part.params) for part in made.parts] == [""] * len(made.parts)
    return made


def buttons(count: int, ident: str = "{}", label: str = "Choice {}") -> tuple[Button, ...]:
    return tuple(Button(ident.format(n), label.format(n)) for n in range(count))


def test_a_text_has_4096_units() -> None:
    at, past = planned(Message(TWO_UNITS * 2048)), planned(Message(TWO_UNITS * 2048 + "x"))

    assert (len(at.parts), len(past.parts)) == (1, 2)
    assert at.losses == ()
    assert [loss.what for loss in past.losses] == ["one message"]


def test_a_caption_has_1024_units() -> None:
    at = planned(Message(TWO_UNITS * 512, media=(PHOTO,)))
    past = planned(Message(TWO_UNITS * 512 + "x", media=(PHOTO,)))

    assert [part.method for part in at.parts] == ["sendPhoto"]
    assert [part.method for part in past.parts] == ["sendPhoto", "sendMessage"]
    assert "caption" not in past.parts[0].params


def test_a_message_has_100_entities() -> None:
    def marked(count: int) -> Message:
        marks = tuple(Mark(Style.BOLD, 2 * n, 2 * n + 1) for n in range(count))
        return Message("x " * count + "x", marks=marks)

    assert len(planned(marked(100)).parts[0].params["entities"]) == 100
    assert len(planned(marked(101)).parts[0].params["entities"]) == 100


def test_a_button_carries_64_bytes() -> None:
    def data(ident: str) -> list[str]:
        (part,) = planned(Message("Which?", (Button(ident, "One"),))).parts
        rows = part.params["reply_markup"].get("inline_keyboard", ())
        return [button["callback_data"] for row in rows for button in row]

    assert data("ä" * 31) == [f"1.{'ä' * 31}"]  # 64 bytes with "1."
    assert data("ä" * 31 + "x") == []


def test_a_keyboard_has_100_buttons() -> None:
    at, past = planned(Message("Which?", buttons(100))), planned(Message("Which?", buttons(101)))

    keys = [key for row in at.parts[0].params["reply_markup"]["inline_keyboard"] for key in row]
    assert len(keys) == 100
    assert past.parts[-1].params["reply_markup"] == {"remove_keyboard": True}
    assert "101. Choice 100" in past.parts[-1].params["text"]
    assert "buttons" in [loss.what for loss in past.losses]


def test_a_notice_has_200_units() -> None:
    at = settle(Settle("501", reply_ref="7", notice=TWO_UNITS * 100))
    past = settle(Settle("501", reply_ref="7", notice=TWO_UNITS * 100 + "x"))

    assert [(part.method, "text" in part.params) for part in at] == [("answerCallbackQuery", True)]
    assert [(part.method, "text" in part.params) for part in past] == [
        ("answerCallbackQuery", False),
        ("sendMessage", True),
    ]


def test_a_menu_has_100_commands_of_256_units_and_names_of_32() -> None:
    hundred, none_lost = menu([(f"c{n}", "x") for n in range(100)])
    also, lost = menu([(f"c{n}", "x") for n in range(101)])
    (named, long), problems = menu([("n" * 32, "d" * 256), ("m", "d" * 257), ("n" * 33, "x")])

    assert (len(hundred), none_lost) == (100, ())
    assert (len(also), [loss.what for loss in lost]) == (100, ["/c100"])
    assert (named["command"], named["description"]) == ("n" * 32, "d" * 256)
    assert long["description"] == "d" * 255 + "…"
    assert [loss.what for loss in problems] == ["the description of /m", f"/{'n' * 33}"]
    assert check("setMyCommands", {"commands": hundred}) == ""
