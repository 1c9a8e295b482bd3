"""Formatting in texts, and several questions at once."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatworks.sdk import phone, text, whole_number
from chatworks.sdk.formatting import formatted
from chatworks.sdk.forms import FormInput
from chatworks.sdk.inbound import Inbound, InboundKind, Sender
from chatworks.sdk.inputs import NotUnderstood, YesNo
from chatworks.sdk.messages import Mark, Style
from chatworks.sdk.script import Script


@pytest.mark.parametrize(
    ("template", "values", "said", "marks"),
    [
        ("plain", {}, "plain", ()),
        ("*Order {n}* is on", {"n": 7}, "Order 7 is on", (Mark(Style.BOLD, 0, 7),)),
        ("_a_ ~b~ `c`", {}, "a b c", (
            Mark(Style.ITALIC, 0, 1), Mark(Style.STRIKE, 2, 3), Mark(Style.CODE, 4, 5))),
        ("2*3*4 and snake_case_name", {}, "2*3*4 and snake_case_name", ()),
        ("For {who}", {"who": "*me* _x_"}, "For *me* _x_", ()),
        ("*{who}*", {"who": "a*b"}, "a*b", (Mark(Style.BOLD, 0, 3),)),
        ("* not a run *", {}, "* not a run *", ()),
    ],
)  # fmt: skip
def test_signs_are_read_in_the_template_alone(
    template: str, values: dict[str, object], said: str, marks: tuple[Mark, ...]
) -> None:
    assert formatted(template, values) == (said, marks)


@given(st.text())
def test_what_fills_a_field_is_never_formatting(value: str) -> None:
    assert formatted("Hello {name}!", {"name": value}) == (f"Hello {value}!", ())


class Details(msgspec.Struct, frozen=True):
    """What the form asks."""

    name: str
    number: str
    count: int
    again: bool


FORM = FormInput(
    Details,
    {"name": text(2, 40), "number": phone("KE"), "count": whole_number(1, 9), "again": YesNo()},
    {"name": "Name", "number": "Phone", "count": "How many", "again": "Again"},
)


def filled(**values: str) -> Inbound:
    return Inbound(InboundKind.FORM, Sender("1"), values=values)


def test_each_field_is_read_by_its_own_input() -> None:
    answer = FORM.read(filled(name=" Amina ", number="0712345678", count="two", again="yes"))

    assert answer == Details("Amina", "+254712345678", 2, again=True)
    assert FORM.accepts(answer)
    assert not FORM.accepts(msgspec.structs.replace(answer, count=99))


def test_the_field_that_does_not_fit_is_named() -> None:
    with pytest.raises(NotUnderstood) as no:
        FORM.read(filled(name="Amina", number="12", count="2", again="no"))

    assert no.value.text("en") == "Phone: This phone number does not exist. Please check it."


def test_a_form_can_be_answered_in_lines_of_text() -> None:
    lines = "Amina\n0712345678\n\n3\nno"
    assert FORM.read(Inbound(InboundKind.TEXT, Sender("1"), text=lines)) == Details(
        "Amina", "+254712345678", 3, again=False
    )
    with pytest.raises(NotUnderstood) as no:
        FORM.read(Inbound(InboundKind.TEXT, Sender("1"), text="Amina"))
    assert no.value.text("sw") == "Tafadhali jibu kila swali kwenye mstari wake."


APPLET = """
import msgspec
from chatworks.sdk import Applet, Chat, phone, text

applet = Applet("visit")

class Details(msgspec.Struct, frozen=True):
    name: str
    number: str

@applet.command("visit", help="Leave your details")
async def visit(chat: Chat[None]) -> None:
    left = await chat.form(
        "Who are you?", Details,
        name=("Your name", text(2, 40)), number=("Your phone number", phone("KE")),
    )
    await chat.say("Thank you, *{name}* ({number}).", name=left.name, number=left.number)
"""
MANIFEST = """
name = "visit"
version = "1.0.0"
languages = ["en"]
requests = []
title = { en = "Visit" }
[[command]]
name = "visit"
title = { en = "Visit" }
"""


@pytest.fixture
def visit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    folder = tmp_path / "visit"
    folder.mkdir()
    (folder / "__init__.py").write_text('"""Visits."""')
    (folder / "applet.py").write_text(APPLET)
    (folder / "manifest.toml").write_text(MANIFEST)
    monkeypatch.syspath_prepend(str(tmp_path))
    kept: dict[str, ModuleType] = {n: m for n, m in sys.modules.items() if n.startswith("visit")}
    for name in kept:
        monkeypatch.delitem(sys.modules, name)
    return "visit"


def play(package: str, answers: list[Any]) -> Script:
    return Script(package, "visit", answers)


def test_a_messenger_with_forms_asks_once(visit: str) -> None:
    script = play(visit, [("can:form", "answer", True)])

    (asked,) = script.heard()
    assert asked.text == "Who are you?"
    assert asked.form is not None
    assert [(f.id, f.label, f.kind.value) for f in asked.form.fields] == [
        ("name", "Your name", "text"),
        ("number", "Your phone number", "phone"),
    ]
    script.fills(name="Amina", number="nothing")
    (again,) = script.heard()
    assert again.text.startswith("Your phone number: I need a phone number, for example 0712")
    assert again.form == asked.form
    script.fills(name="Amina", number="0712345678")
    (thanks,) = script.heard()
    assert thanks.text == "Thank you, Amina (+254712345678)."
    assert thanks.marks == (Mark(Style.BOLD, 11, 16),)
    script.expects_end()


def test_a_messenger_without_forms_asks_one_by_one(visit: str) -> None:
    script = play(visit, [])

    script.expects("Who are you?")
    script.expects("Your name")
    script.says("Amina")
    script.expects("Your phone number", ["Share my phone number"])
    script.shares_phone("+254712345678")
    script.expects("Thank you, Amina (+254712345678).")
    script.expects_end()
