"""The pool: its parameters, its bounds, and that nobody's password costs what everybody's does."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from threading import Event
from typing import Literal

import pytest
from argon2 import PasswordHasher, extract_parameters
from argon2.low_level import Type

from chatworks.kit.clock import SystemClock
from chatworks.passwords.hasher import Hasher
from chatworks.passwords.models import Busy

PEPPER = b"p" * 32
CHEAP = PasswordHasher(1, 64, 1)


class Slow(PasswordHasher):
    """Argon2 that goes on when it is told to, and counts."""

    def __init__(self) -> None:
        super().__init__(1, 64, 1)
        self.go = Event()
        self.verified = 0

    def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:  # noqa: A002 - its
        self.go.wait(10)
        self.verified += 1
        return super().verify(hash, password)


@pytest.fixture
def hasher() -> Iterator[Hasher]:
    """A pool with cheap parameters."""
    made = Hasher(PEPPER, SystemClock(), argon2=CHEAP)
    yield made
    made.close()


async def test_hashes_are_argon2id_as_owasp_has_it() -> None:
    hasher = Hasher(PEPPER, SystemClock())
    first, second = await hasher.hash("correct horse"), await hasher.hash("correct horse")
    hasher.close()

    made = extract_parameters(first)
    assert (made.type, made.memory_cost, made.time_cost, made.parallelism) == (Type.ID, 19456, 2, 1)
    assert (made.hash_len, made.salt_len) == (32, 16)
    assert first != second


async def test_the_right_password_is_right_and_no_other(hasher: Hasher) -> None:
    stored = await hasher.hash("correct horse")

    assert await hasher.verify(stored, "correct horse") is True
    for wrong in ("Correct horse", "correct horse ", "", "correct\x00horse", "x" * 1024):
        assert await hasher.verify(stored, wrong) is False
    assert await hasher.verify("no hash at all", "correct horse") is False
    assert await hasher.verify(None, "correct horse") is False


async def test_a_hash_is_of_no_use_without_the_pepper(hasher: Hasher) -> None:
    stored = await hasher.hash("correct horse")
    other = Hasher(b"q" * 32, SystemClock(), argon2=CHEAP)

    assert await other.verify(stored, "correct horse") is False
    other.close()


async def test_a_hash_of_other_parameters_is_right_and_old(hasher: Hasher) -> None:
    today = Hasher(PEPPER, SystemClock(), argon2=PasswordHasher(2, 128, 1))
    stored = await hasher.hash("correct horse")

    assert await today.verify(stored, "correct horse") is True
    assert today.is_old(stored) is True
    assert today.is_old(await today.hash("correct horse")) is False
    today.close()


async def test_nobodys_password_costs_one_verification_with_todays_parameters() -> None:
    slow = Slow()
    slow.go.set()
    hasher = Hasher(PEPPER, SystemClock(), argon2=slow)
    await hasher.verify(None, "correct horse")
    assert slow.verified == 1
    assert hasher.is_old(hasher._nobody) is False
    hasher.close()


async def test_who_comes_when_the_pool_is_full_is_refused_at_once_and_the_rest_is_served() -> None:
    slow = Slow()
    hasher = Hasher(PEPPER, SystemClock(), cores=2, waiting=3, argon2=slow)
    tries = [asyncio.create_task(hasher.verify(None, "x")) for _ in range(12)]
    await asyncio.sleep(0.1)
    refused = [task for task in tries if task.done()]
    slow.go.set()
    answers = await asyncio.gather(*tries, return_exceptions=True)

    assert len(refused) == 7
    assert [type(answer) for answer in answers].count(Busy) == 7
    assert answers.count(False) == 5
    assert slow.verified == 5
    assert await hasher.verify(None, "x") is False  # there is room again
    hasher.close()


async def test_who_goes_away_gives_their_place_back_when_the_work_is_over() -> None:
    slow = Slow()
    hasher = Hasher(PEPPER, SystemClock(), cores=1, waiting=0, argon2=slow)
    gone = asyncio.create_task(hasher.verify(None, "x"))
    await asyncio.sleep(0.05)
    gone.cancel()
    await asyncio.gather(gone, return_exceptions=True)
    with pytest.raises(Busy):  # the thread works on for nobody
        await hasher.verify(None, "x")

    slow.go.set()
    for _ in range(100):
        try:
            assert await hasher.verify(None, "x") is False
            break
        except Busy:
            await asyncio.sleep(0.02)
    else:
        pytest.fail("the place was never given back")
    hasher.close()


async def test_the_loop_goes_on_while_passwords_are_hashed() -> None:
    hasher = Hasher(PEPPER, SystemClock())
    began = time.perf_counter()
    work = asyncio.create_task(hasher.hash("correct horse"))
    turns = 0
    while not work.done():
        await asyncio.sleep(0)
        turns += 1
    hasher.close()

    assert turns > 10, time.perf_counter() - began
