"""Reading what people type into the console, and drawing what they can set. No database."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
import pytest
from msgspec import Meta

from chatworks.console import settings_forms as forms
from chatworks.console.forms import amount, choice, count, id_of, text
from chatworks.kit.errors import Invalid, NotFound
from chatworks.kit.money import Money
from chatworks.outlets.core import origin_of
from chatworks.outlets.models import WEEKDAYS, Hours
from chatworks.sdk import Config


class Everything(Config, frozen=True):
    delivery_fee: Money
    largest_order: Annotated[int, Meta(ge=1, le=50, title="Most at once")] = 20
    coldest: Annotated[int, Meta(lt=1)] = -5
    greeting: Annotated[str, Meta(max_length=10, description="Said first.")] = "Hello"
    gift: bool = False
    size: Literal["small", "large"] = "small"
    tags: tuple[str, ...] = ()


WEEK = {f"{day}-{end}": [""] for day in WEEKDAYS for end in ("from", "to")}
SAVED = b'{"delivery_fee":{"minor":12050,"currency":"KES"},"tags":["a"]}'


def test_a_config_is_drawn_as_the_fields_that_fit_its_types() -> None:
    drawn = {field.name: field for field in forms.draw(Everything, SAVED, "KES")}

    assert {name: (f.kind, f.value) for name, f in drawn.items()} == {
        "delivery_fee": ("money", "120.50"),
        "largest_order": ("number", "20"),
        "coldest": ("number", "-5"),
        "greeting": ("text", "Hello"),
        "gift": ("switch", ""),
        "size": ("choice", "small"),
        "tags": ("fixed", "['a']"),
    }
    assert drawn["largest_order"].label == "Most at once"
    assert drawn["largest_order"].hint == "A whole number from 1 to 50."
    assert drawn["coldest"].hint == "A whole number of at most 0."
    assert drawn["greeting"].hint == "Said first. Text of at most 10 characters."
    assert drawn["size"].options == ("large", "small")


def test_what_a_form_gives_is_saved_and_what_it_cannot_draw_is_kept() -> None:
    typed = {
        "delivery_fee": "1,200",
        "largest_order": "7",
        "coldest": "-20",
        "greeting": "Habari",
        "gift": "yes",
        "size": "large",
    }
    values, fields = forms.read(Everything, typed, SAVED, "KES")

    assert [field.problem for field in fields if field.problem] == []
    assert msgspec.json.decode(values, type=Everything) == Everything(
        Money(120000, "KES"), 7, -20, "Habari", gift=True, size="large", tags=("a",)
    )


def test_what_is_wrong_stands_beside_its_field_with_what_was_typed() -> None:
    typed = {
        "delivery_fee": "a lot",
        "largest_order": "51",
        "coldest": "1",
        "greeting": "Hello and welcome",
        "size": "huge",
    }
    _, fields = forms.read(Everything, typed, SAVED, "KES")

    assert {f.name: (f.value, f.problem) for f in fields if f.problem} == {
        "delivery_fee": ("a lot", "must be an amount of KES, for example 250 or 250.50"),
        "largest_order": ("51", "must be a whole number from 1 to 50"),
        "coldest": ("1", "must be a whole number of at most 0"),
        "greeting": ("Hello and welcome", "must be text of at most 10 characters"),
        "size": ("huge", "does not have the form described here"),
    }


@pytest.mark.parametrize("number", ["", "٣", "²", "1.0", "1e3", "9" * 20, "0x10"])
def test_only_plain_digits_are_a_number(number: str) -> None:
    _, fields = forms.read(Everything, {"delivery_fee": "1", "largest_order": number}, SAVED, "KES")

    problem = {field.name: field.problem for field in fields}["largest_order"]
    assert problem == "must be a whole number from 1 to 50"


def test_hours_are_read_as_they_are_drawn() -> None:
    hours = Hours(
        mon=[("07:00", "12:00"), ("13:00", "19:00"), ("20:00", "02:00")],
        sun=[("00:00", "00:00")],
        closed=["2026-12-25"],
    )
    drawn = forms.draw_hours(hours)
    fields = {"closed": list(drawn.closed)}
    for day in drawn.days:
        fields[f"{day.name}-from"] = [start for start, _ in day.spans]
        fields[f"{day.name}-to"] = [end for _, end in day.spans]
    read = forms.read_hours(fields)

    assert not read.wrong
    assert read == drawn
    assert msgspec.convert({**read.hours(), "closed": list(read.closed)}, Hours) == hours


@pytest.mark.parametrize(
    ("starts", "ends", "problem"),
    [
        (["07:00"], [""], "Give both times, or leave both empty."),
        (["7:00"], ["19:00"], "Write times as 07:00."),
        (["25:00"], ["26:00"], "Write times as 07:00."),
        (["07:00", "11:00"], ["12:00", "13:00"], "These times overlap."),
        (["20:00", "22:00"], ["02:00", "23:00"], "These times overlap."),
    ],
)
def test_hours_that_cannot_be(starts: list[str], ends: list[str], problem: str) -> None:
    read = forms.read_hours({**WEEK, "tue-from": starts, "tue-to": ends})

    assert read.wrong
    assert {day.name: day.problem for day in read.days if day.problem} == {"tue": problem}


def test_a_closed_day_is_a_date() -> None:
    read = forms.read_hours({**WEEK, "closed": ["2026-12-25", "", "christmas", "2026-12-25"]})

    assert read.problem == "christmas is no date: write 2026-12-25."
    assert read.closed == ("2026-12-25", "christmas")


def test_fields_of_a_form() -> None:
    form = {"n": "12", "price": "KES 1,250.50", "do": "take", "nul": "a\x00b", "long": "x" * 9000}

    assert count(form, "n") == 12
    assert count(form, "nothing") is None
    assert amount(form, "price", "KES") == 125050
    assert choice(form, "do", {"take"}) == "take"
    for read in (
        lambda: count(form, "n", 11),
        lambda: count({"n": "²"}, "n"),
        lambda: count({"n": "-1"}, "n"),
        lambda: amount({"price": "NaN"}, "price", "KES"),
        lambda: amount({"price": "1e9"}, "price", "KES"),
        lambda: amount({"price": "1.234"}, "price", "KES"),
        lambda: amount({"price": "9" * 30}, "price", "KES"),
        lambda: choice(form, "do", {"give"}),
        lambda: text(form, "nul"),
        lambda: text(form, "long"),
    ):
        with pytest.raises(Invalid):
            read()
    with pytest.raises(NotFound):
        id_of("not-an-id")


def test_an_origin_is_scheme_host_and_port_and_nothing_else() -> None:
    assert origin_of(" https://Shop.example/ ") == "https://shop.example"
    assert origin_of("http://localhost:8000") == "http://localhost:8000"
    for wrong in (
        "shop.example",
        "http://shop.example",
        "https://shop.example/page",
        "https://shop.example;script-src *",
        "https://*",
        "https://a b",
        "javascript:alert(1)",
        "https://user@shop.example",
    ):
        with pytest.raises(Invalid):
            origin_of(wrong)
