"""Every input: what it takes, and what it says when it does not."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatworks.kit.money import Money
from chatworks.sdk import inputs, quantities
from chatworks.sdk.inbound import File, Inbound, InboundKind, Sender
from chatworks.sdk.inputs import Choice, NotUnderstood, YesNo
from chatworks.sdk.messages import Place

TODAY = date(2026, 11, 24)
BOTTLES = Choice((20, 10, 5), {20: "20 L refill", 10: "10 L bottle", 5: "5 L bottle"}.__getitem__)
PHOTO = File("photo", "f1", size_bytes=20_000_000)


def said(text: str) -> Inbound:
    return Inbound(InboundKind.TEXT, Sender("1"), text=text)


def tapped(ident: str) -> Inbound:
    return Inbound(InboundKind.TAP, Sender("1"), tap=ident)


PLACE = Inbound(InboundKind.PLACE, Sender("1"), place=Place(-1.2, 36.8))
SHARED = Inbound(InboundKind.PHONE, Sender("1"), phone="+254712345678")

TAKEN: list[tuple[Any, Inbound, Any]] = [
    (inputs.text(2, 5), said("  Joy "), "Joy"),
    (quantities.whole_number(1, 9), said("3"), 3),
    (quantities.whole_number(1, 9), said("3 bottles"), 3),
    (quantities.whole_number(1, 9), said("Tatu"), 3),
    (quantities.money(Money(1, "KES"), Money(99999, "KES")), said("KES 120"), Money(12000, "KES")),
    (quantities.money(Money(1, "KES"), Money(99999, "KES")), said("120.50"), Money(12050, "KES")),
    (quantities.day(TODAY, timedelta(days=60)), said("tomorrow"), date(2026, 11, 25)),
    (quantities.day(TODAY, timedelta(days=60)), said("24/12"), date(2026, 12, 24)),
    (quantities.day(TODAY, timedelta(days=60)), said("2026-12-01"), date(2026, 12, 1)),
    (quantities.whole_number(1, 9), said("2."), 2),
    (quantities.whole_number(1, 9), said("chupa mbili"), 2),
    (quantities.whole_number(1, 9), said("bottles: 2"), 2),
    (quantities.whole_number(1, 9), said("I want two please"), 2),
    (quantities.whole_number(1, 20), said("kumi na tano"), 15),
    (quantities.whole_number(1, 9), said("٣"), 3),
    (quantities.whole_number(1, 9999), said("1,200"), 1200),
    (quantities.whole_number(-5, 5), said("-3"), -3),
    (
        quantities.money(Money(1, "KES"), Money(999999, "KES")),
        said("Ksh 1,200/="),
        Money(120000, "KES"),
    ),
    (quantities.money(Money(1, "KES"), Money(999999, "KES")), said("250 bob"), Money(25000, "KES")),
    (
        quantities.money(Money(1, "KES"), Money(999999, "KES")),
        said("shilingi 250"),
        Money(25000, "KES"),
    ),
    (quantities.money(Money(1, "USD"), Money(999999, "USD")), said("$5"), Money(500, "USD")),
    (quantities.money(Money(1, "JPY"), Money(999999, "JPY")), said("500"), Money(500, "JPY")),
    (quantities.day(TODAY, timedelta(days=60)), said("kesho kutwa"), date(2026, 11, 26)),
    (quantities.day(TODAY, timedelta(days=60)), said("Ijumaa"), date(2026, 11, 27)),
    (quantities.day(TODAY, timedelta(days=60)), said("on Tuesday"), date(2026, 12, 1)),
    (quantities.day(TODAY, timedelta(days=60)), said("24th of December"), date(2026, 12, 24)),
    (quantities.day(TODAY, timedelta(days=60)), said("Dec 24, 2026"), date(2026, 12, 24)),
    (quantities.day(TODAY, timedelta(days=60)), said("Thu 24 Dec"), date(2026, 12, 24)),
    (quantities.day(TODAY, timedelta(days=60)), said("tarehe 2 Januari"), date(2027, 1, 2)),
    (quantities.day(TODAY, timedelta(days=60)), said("24/12/26"), date(2026, 12, 24)),
    (BOTTLES, tapped("1"), 10),
    (BOTTLES, said("no. 2"), 10),
    (BOTTLES, said("2)"), 10),
    (BOTTLES, said("20"), 20),
    (BOTTLES, said("refill"), 20),
    (YesNo(), said("Yes, please!"), True),
    (YesNo(), said("hapana asante"), False),
    (YesNo(), said("👍🏾"), True),
    (BOTTLES, said("3"), 5),
    (BOTTLES, said("20 l REFILL"), 20),
    (BOTTLES, said("20 L refil"), 20),
    (YesNo(), said("Ndiyo"), True),
    (YesNo(), tapped("no"), False),
    (inputs.location(), PLACE, Place(-1.2, 36.8)),
    (
        inputs.location(),
        Inbound(InboundKind.PLACE, Sender("1"), place=Place(address=" Ngong  Road 5")),
        Place(address="Ngong Road 5"),
    ),
    (inputs.location(), said("Ngong Road 5"), Place(address="Ngong Road 5")),
    (inputs.phone("KE"), said("0712 345 678"), "+254712345678"),
    (inputs.phone("KE"), SHARED, "+254712345678"),
]

REFUSED: list[tuple[Any, Inbound, str]] = [
    (inputs.text(2, 5), said("x"), "Please write at least 2 characters."),
    (inputs.text(2, 5), said("xxxxxx"), "Please write at most 5 characters."),
    (quantities.whole_number(1, 9), said("many"), "I need a whole number, for example 1."),
    (quantities.whole_number(1, 9), said("2.5"), "I need a whole number, for example 1."),
    (quantities.whole_number(1, 9), said("2 or 3"), "I need a whole number, for example 1."),
    (quantities.whole_number(1, 9), said("two hundred"), "I need a whole number, for example 1."),
    (quantities.whole_number(1, 9), said("mbili na nusu"), "I need a whole number, for example 1."),
    (quantities.whole_number(1, 9), said("kumi na nusu"), "I need a whole number, for example 1."),
    (quantities.whole_number(1, 9), said("9" * 5000), "I need a whole number, for example 1."),
    (quantities.whole_number(0, 9), said("½"), "I need a whole number, for example 1."),
    (quantities.whole_number(1, 9), said("10"), "The number must be between 1 and 9."),
    (quantities.whole_number(1, 9), PLACE, "Please write your answer as a message."),
    (
        quantities.money(Money(100, "KES"), Money(99999, "KES")),
        said("lots"),
        "I need an amount of KES, for example KES 999.99.",
    ),
    (
        quantities.day(TODAY, timedelta(days=9)),
        said("31/02"),
        "I need a date, for example 24 November 2026.",
    ),
    (
        quantities.day(TODAY, timedelta(days=9)),
        said("2026-12-30"),
        "The date must be between 24 November 2026 and 3 December 2026.",
    ),
    (
        quantities.money(Money(100, "KES"), Money(99999, "KES")),
        said("250,50"),
        "I need an amount of KES, for example KES 999.99.",
    ),
    (
        quantities.money(Money(100, "KES"), Money(99999, "KES")),
        said("0.50"),
        "The amount must be between KES 1 and KES 999.99.",
    ),
    (BOTTLES, tapped("²"), "Please choose one of the buttons."),
    (BOTTLES, tapped("7"), "Please choose one of the buttons."),
    (BOTTLES, said("beer"), "Please choose one of: 20 L refill, 10 L bottle, 5 L bottle."),
    (BOTTLES, said("bottle"), "Please choose one of: 20 L refill, 10 L bottle, 5 L bottle."),
    (YesNo(), said("maybe"), "Please answer yes or no."),
    (inputs.location(), said("x"), "Please write the address with a street or a place name."),
    (YesNo(), said("yes but bring 3"), "Please answer yes or no."),
    (YesNo(), said("no problem"), "Please answer yes or no."),
    (YesNo(), said("please"), "Please answer yes or no."),
    (
        inputs.location(),
        said("12345 67"),
        "Please write the address with a street or a place name.",
    ),
    (
        inputs.location(),
        said("Tuma mahali nilipo"),
        "Please write the address with a street or a place name.",
    ),
    (
        inputs.location(),
        Inbound(InboundKind.PLACE, Sender("1"), place=Place()),
        "Please write the address with a street or a place name.",
    ),
    (inputs.location(), SHARED, "Please send your location, or write the address."),
    (inputs.location(), said("a" * 1001), "Please write at most 1000 characters."),
    (inputs.phone("KE"), said("call me"), "I need a phone number, for example 0712 123456."),
    (inputs.phone("KE"), said("0000000000"), "This phone number does not exist. Please check it."),
    (inputs.file(), said("here"), "Please send one of these: photo, document."),
    (
        inputs.file(),
        Inbound(InboundKind.FILE, Sender("1"), file=PHOTO),
        "The file is larger than 10 MB.",
    ),
    (
        inputs.file(size_bytes_max=500_000),
        Inbound(InboundKind.FILE, Sender("1"), file=PHOTO),
        "The file is larger than 500 kB.",
    ),
]


@pytest.mark.parametrize(("given_input", "inbound", "answer"), TAKEN)
def test_an_answer_is_taken(given_input: Any, inbound: Inbound, answer: Any) -> None:
    assert given_input.read(inbound) == answer


@pytest.mark.parametrize(("given_input", "inbound", "problem"), REFUSED)
def test_a_refusal_says_what_was_wrong(given_input: Any, inbound: Inbound, problem: str) -> None:
    with pytest.raises(NotUnderstood) as refused:
        given_input.read(inbound)

    assert str(refused.value) == problem


KES = (Money(100, "KES"), Money(99_999_999, "KES"))
ANY = (
    inputs.text(2, 50),
    quantities.whole_number(1, 20),
    quantities.money(*KES),
    quantities.day(TODAY, timedelta(days=400)),
    BOTTLES,
    YesNo(),
    inputs.location(),
    inputs.phone("KE"),
    inputs.file(),
)
TEXTS = st.one_of(
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=60),
    st.text(st.sampled_from("0123456789٣፩²①.,-/: xKESh=#·👍\u202e\x07\n"), max_size=12),
    st.sampled_from(
        ["9", "9" * 5000, "a" * 10_000, "👨\u200d👩\u200d👧" * 900, "\u202eabc", "1e99999"]
    ),
)
INBOUNDS = st.builds(
    Inbound,
    st.sampled_from(InboundKind),
    st.just(Sender("1")),
    text=TEXTS,
    arguments=TEXTS,
    tap=TEXTS,
    place=st.none()
    | st.builds(
        Place,
        st.none() | st.floats(-90, 90),
        st.none() | st.floats(-180, 180),
        st.one_of(st.just(""), TEXTS),
    ),
    phone=TEXTS,
    file=st.none()
    | st.builds(
        File,
        st.sampled_from([*inputs.KINDS, "animation"]),
        st.just("f"),
        size_bytes=st.none() | st.integers(0, 20_000_000),
    ),
)


def outcome(one: Any, inbound: Inbound) -> tuple[Any, NotUnderstood | None]:
    try:
        return one.read(inbound), None
    except NotUnderstood as problem:
        return None, problem


@settings(max_examples=400, deadline=None)
@given(INBOUNDS)
def test_no_event_breaks_an_input(inbound: Inbound) -> None:
    for one in ANY:
        answer, problem = outcome(one, inbound)
        if problem is None:
            assert one.accepts(answer)
            assert msgspec.convert(msgspec.to_builtins(answer), one.answer_type) == answer
        else:
            assert problem.msgid in inputs.SDK_TEXTS.known("sw")
            assert "{" not in problem.text("sw")


LABELS = st.lists(
    st.text(st.characters(categories=["L", "N", "P", "S", "Zs"]), min_size=1, max_size=12),
    min_size=1,
    max_size=12,
    unique_by=inputs.clean,
).filter(lambda labels: all(inputs.clean(label) for label in labels))


@settings(max_examples=300, deadline=None)
@given(LABELS)
def test_every_option_can_be_tapped_numbered_and_named(labels: list[str]) -> None:
    choice = Choice(tuple(range(len(labels))), labels.__getitem__)
    names = {simple(label) for label in labels for simple in (inputs.fold, inputs._compact)}
    names |= {inputs._head(label) for label in labels}

    for index, label in enumerate(labels):
        assert choice.read(tapped(str(index))) == index
        assert choice.read(said(label)) == index
        if str(index + 1) not in names:  # a number that is itself a label means the label
            assert choice.read(said(str(index + 1))) == index


def test_a_number_that_is_a_label_means_the_label() -> None:
    sizes = Choice((20, 5, 1), str)

    assert [sizes.read(said(typed)) for typed in ("5", "20", "2")] == [5, 20, 5]


@pytest.mark.parametrize("typed", ["15 L bottle", "5", "50 L bottle", "bottle 5 10"])
def test_a_near_miss_never_changes_a_number(typed: str) -> None:
    with pytest.raises(NotUnderstood):
        BOTTLES.read(said(typed))


def test_equal_labels_are_told_apart_by_number() -> None:
    twins = Choice(("a", "b"), lambda _: "Refill")

    with pytest.raises(NotUnderstood, match="write its number: 1 to 2"):
        twins.read(said("refill"))
    assert [twins.read(said("2")), twins.read(tapped("0"))] == ["b", "a"]


def test_a_long_list_is_not_written_out() -> None:
    many = Choice(tuple(range(40)), lambda n: f"Street {n:02}")

    with pytest.raises(NotUnderstood, match="write its number: 1 to 40"):
        many.read(said("somewhere"))


@pytest.mark.parametrize("language", ["en", "sw"])
@given(ahead=st.integers(0, 400))
def test_the_example_of_a_date_can_be_written_back(language: str, ahead: int) -> None:
    day = TODAY + timedelta(days=ahead)
    shown = NotUnderstood("{example}", example=day).text(language)

    assert quantities.day(TODAY, timedelta(days=400)).read(said(shown)) == day


def test_a_problem_is_said_in_the_readers_language() -> None:
    def problem(one: Any, inbound: Inbound) -> str:
        with pytest.raises(NotUnderstood) as refused:
            one.read(inbound)
        return refused.value.text("sw")

    assert problem(quantities.money(*KES), said("0")) == (
        "Kiasi lazima kiwe kati ya Ksh 1 na Ksh 999,999.99."
    )
    assert problem(quantities.day(TODAY, timedelta(days=9)), said("?")) == (
        "Nahitaji tarehe, kwa mfano 24 Novemba 2026."
    )
    assert problem(inputs.file(), said("?")) == "Tafadhali tuma moja ya hizi: picha, hati."
    assert problem(inputs.phone("TZ"), said("?")) == (
        "Nahitaji namba ya simu, kwa mfano 0621 234 567."
    )


def test_a_kept_answer_fits_only_where_the_input_would_take_it() -> None:
    assert [quantities.whole_number(1, 5).accepts(n) for n in (0, 5, 6)] == [False, True, False]
    assert [BOTTLES.accepts(n) for n in (20, 10)] == [True, True]
    assert not Choice((1, 2), str).accepts(3)
    assert not inputs.file(["photo"]).accepts(File("document", "f"))
    assert not quantities.money(*KES).accepts(Money(500, "USD"))


def test_options_of_several_types_keep_their_types() -> None:
    nothing = Choice((5, None), str)

    assert msgspec.convert(msgspec.to_builtins(None), nothing.answer_type) is None
    assert msgspec.convert(5, nothing.answer_type) == 5


IMPOSSIBLE: list[tuple[Any, str]] = [
    (lambda: quantities.whole_number(2, 1), "no number lies between these"),
    (lambda: quantities.money(KES[0], Money(1000, "USD")), "no amount lies between these"),
    (lambda: quantities.day(TODAY, timedelta(days=-1)), "the last day lies before today"),
    (lambda: inputs.text(5, 2), "no text is that long"),
    (lambda: inputs.phone("ke"), "a region is two capital letters"),
    (lambda: inputs.file(["image"]), "the kinds are photo, document"),
]


@pytest.mark.parametrize(("make", "problem"), IMPOSSIBLE)
def test_an_input_that_nothing_fits_is_refused_when_it_is_made(make: Any, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        make()
