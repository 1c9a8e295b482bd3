"""The filter of breached passwords: what it holds, how often it errs, and how it fails."""

from __future__ import annotations

import hashlib
import random
from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatworks import passwords
from chatworks.passwords import breached
from chatworks.passwords.breached import Breached, NotWhole, build


@given(st.sets(st.text(max_size=20), min_size=1, max_size=50))
def test_what_was_put_in_is_held(known: set[str]) -> None:
    made = Breached(build(known))

    assert all(made.holds(password) for password in known)
    assert made.count == len(known)


def test_the_same_passwords_give_the_same_bytes() -> None:
    known = [f"password{n}" for n in range(1000)]

    assert build(known) == build(list(reversed(known)) + known)


def test_it_errs_on_one_in_ten_thousand() -> None:
    shipped = Breached.shipped()
    drawn = random.Random(4)  # noqa: S311 - a sample that is the same each time
    strangers = [f"{drawn.getrandbits(80):020x}" for _ in range(50_000)]

    wrong = sum(shipped.holds(stranger) for stranger in strangers)

    assert wrong <= 20  # 5 are expected; more than 20 come once in ten million draws


@pytest.mark.parametrize(
    "password", ["password", "iloveyou", "1q2w3e4r5t6y", "football", "liverpool1"]
)
def test_the_shipped_filter_knows_what_everybody_tries(password: str) -> None:
    assert Breached.shipped().holds(password)


@pytest.mark.parametrize("password", ["correct horse battery staple", "nilikunywa maji ya kisima"])
def test_the_shipped_filter_lets_others_pass(password: str) -> None:
    assert not Breached.shipped().holds(password)


def test_the_notice_names_these_very_bytes() -> None:
    folder = resources.files(passwords)
    data = folder.joinpath("breached.bin").read_bytes()
    notice = folder.joinpath("breached.md").read_text()

    assert f"`{hashlib.sha256(data).hexdigest()}`" in notice
    assert f"{Breached(data).count:,} passwords" in notice


@pytest.mark.parametrize(
    "damage", [lambda d: d[:-1], lambda _: b"", lambda d: d[:40] + b"\0" + d[41:]]
)
def test_a_damaged_file_stops_the_start(damage: object) -> None:
    data = build(["password"])
    assert callable(damage)
    with pytest.raises(NotWhole):
        Breached(damage(data))


def test_a_missing_file_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(breached, "__package__", "chatworks.mail")  # a folder without one
    with pytest.raises(NotWhole):
        Breached.shipped()
