"""Which passwords are fit: pure, with exact vectors."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from chatworks.passwords import core
from chatworks.passwords.breached import Breached, build
from chatworks.passwords.models import NotFit, Problem

NOTHING = Breached(build([]))
SHIPPED = Breached.shipped()
OWN = ["Asha Njeri", "asha.njeri@example.com", "Maji Safi Ltd"]
GOOD = "correct horse battery staple"


@pytest.mark.parametrize(
    ("text", "opaque"),
    [
        ("correct horse", "correct horse"),
        (" correct horse ", " correct horse "),  # nothing is trimmed
        ("correct\u00a0horse", "correct horse"),  # RFC 8265: every space is one
        ("correct\u3000horse", "correct horse"),
        ("cafe\u0301", "café"),  # composed characters are one
        ("Café", "Café"),  # case stays
        ("ｃorrect", "ｃorrect"),  # width stays
        ("👩\u200d🚀", "👩\u200d🚀"),
        ("", None),
        ("a\nb", None),
        ("a\x00b", None),
        ("\ud800", None),
        ("a\u2028b", None),
        ("\u0378", None),  # of no Unicode that is known here
    ],
)
def test_a_password_has_one_form(text: str, opaque: str | None) -> None:
    assert core.opaque(text) == opaque


@given(st.text(max_size=80))
def test_the_form_is_stable(text: str) -> None:
    once = core.opaque(text)
    if once is not None:
        assert core.opaque(once) == once
        assert core.opaque(unicodedata.normalize("NFD", once)) == once


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", Problem.TOO_SHORT),
        ("x7#Lq9!vTz2$Wm", Problem.TOO_SHORT),  # 14
        ("x7#Lq9!vTz2$Wmé"[:14] + "e\u0301", None),  # 15 as composed
        ("👩" * 14, Problem.TOO_SHORT),  # code points, not bytes
        ("x7#Lq9!vTz2$Wm\n", Problem.NOT_TEXT),
        (" " * 15, Problem.PREDICTABLE),
        ("aaaaaaaaaaaaaaa", Problem.PREDICTABLE),
        ("abcabcabcabcabc", Problem.PREDICTABLE),
        ("abcdefghijklmnopqrst", Problem.PREDICTABLE),
        ("qwertyuiopasdfghjkl", Problem.PREDICTABLE),
        ("123456789012345", Problem.PREDICTABLE),
        ("iloveyou2iloveyou2", Problem.PREDICTABLE),  # what it repeats is too short alone
        ("ashanjeri1234567", Problem.OWN_WORDS),
        ("Asha.Njeri@Example.com", Problem.OWN_WORDS),
        ("ASHANJERI!mydog", Problem.OWN_WORDS),
        ("chatworkschatworks", Problem.OWN_WORDS),
        ("asha likes her small goat", None),  # a name in a sentence is no matter
        (GOOD, None),
        ("nilikunywa maji ya kisima leo", None),
        ("aaaaaaaaaaaaaaaaaaaaaaaaaaaaa b", Problem.PREDICTABLE),
        ("å" * 2000, Problem.TOO_LONG),
        ("x" * 1025, Problem.TOO_LONG),
    ],
)
def test_what_is_fit_alone(text: str, problem: Problem | None) -> None:
    if problem is None:
        assert core.fit(text, OWN, NOTHING, alone=True) == core.opaque(text)
        return
    with pytest.raises(NotFit) as caught:
        core.fit(text, OWN, NOTHING, alone=True)
    assert (caught.value.problem, caught.value.length_min) == (problem, 15)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("x7#Lq9!", Problem.TOO_SHORT),
        ("x7#Lq9!v", None),
        ("password", Problem.BREACHED),
        ("PassWord", Problem.BREACHED),
        ("ｐａｓｓｗｏｒｄ", Problem.BREACHED),  # compared as it looks, too
        ("passwordpassword", Problem.BREACHED),  # judged by what it repeats
        ("asha1234", Problem.OWN_WORDS),
        ("12345678", Problem.PREDICTABLE),
        ("iloveyou", Problem.BREACHED),
    ],
)
def test_what_is_fit_beside_a_second_factor(text: str, problem: Problem | None) -> None:
    if problem is None:
        assert core.fit(text, OWN, SHIPPED, alone=False) == text
        return
    with pytest.raises(NotFit) as caught:
        core.fit(text, OWN, SHIPPED, alone=False)
    assert (caught.value.problem, caught.value.length_min) == (problem, 8)


def test_a_long_password_of_the_list_is_refused_alone() -> None:
    with pytest.raises(NotFit) as caught:
        core.fit("1q2w3e4r5t6y7u8i9o0p", [], SHIPPED, alone=True)
    assert caught.value.problem is Problem.BREACHED


@given(st.text(st.characters(categories=["L", "N", "P", "S", "M"]), min_size=15, max_size=1024))
def test_nothing_is_asked_of_the_composition(text: str) -> None:
    password = core.opaque(text)
    assume(password is not None and len(password) >= 15)
    assert core.weakness(password or "", [], NOTHING, 15) in {
        None,
        Problem.PREDICTABLE,
        Problem.OWN_WORDS,  # of the product itself
    }


@given(st.text("ab", min_size=1, max_size=12), st.integers(2, 5))
def test_what_repeats_itself_is_found(unit: str, times: int) -> None:
    found = core.repeated(unit * times)

    assert len(found) <= len(unit)
    assert (unit * times).startswith(found)
    assert all((unit * times)[i] == found[i % len(found)] for i in range(len(unit) * times))


@given(st.text(max_size=40))
def test_what_does_not_repeat_itself_stays_whole(text: str) -> None:
    found = core.repeated(text)
    assert found == text or len(found) <= len(text) // 2


@pytest.mark.parametrize(
    ("own", "words"),
    [
        (["Asha Njeri"], ["asha njeri", "ashanjeri", "njeri", "asha"]),
        (["asha@example.com"], ["asha@example.com", "ashaexamplecom", "example", "asha"]),
        (["Jo", "Bo Li", ""], ["bo li", "boli"]),  # short names are in everything
        ([], []),
    ],
)
def test_the_words_of_a_person(own: list[str], words: list[str]) -> None:
    assert core.words(own) == words
