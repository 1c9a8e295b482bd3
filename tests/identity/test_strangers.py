"""No body, status, work or time tells a stranger whether an account exists."""

from __future__ import annotations

import math
import re
from collections.abc import Awaitable, Callable, Sequence
from time import perf_counter
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from persons import Person

from chatworks.kit.db import PackingCursor, Query

SAMPLES = 40
ROUNDS = 3  # a round of equals fails once in a hundred; three do once in a million
LEVEL = 0.01
OWN = re.compile(r'"[0-9a-f]{32}"|[a-z]+-[0-9a-f]+@example\.com|\+2547\d{8}')

Asking = Callable[[Person, str], Awaitable[Any]]


def named(number: int) -> str:
    return f"known-{number}@example.com"


@pytest.fixture
def known(database_url: str) -> None:
    """Many accounts, each with a verified address."""
    with psycopg.connect(database_url) as conn:
        for number in range(SAMPLES * ROUNDS + 1):
            account = uuid4()
            conn.execute(
                "INSERT INTO account (id, kind, name, created_at)"
                " VALUES (%s, 'person', 'Somebody', now())",
                [account],
            )
            conn.execute(
                "INSERT INTO account_address VALUES (%s, %s, 'email', %s, now(), true, now())",
                [account, account, named(number)],
            )


def freed(url: str) -> None:
    with psycopg.connect(url) as conn:
        conn.execute("DELETE FROM rate_limit")


async def signing_in(person: Person, address: str) -> Any:
    return await person.post("/account/sign-in/code", address=address)


async def signing_up(person: Person, address: str) -> Any:
    form = {"kind": "person", "name": "Somebody", "email": address, "by": "code"}
    return await person.post("/account/sign-up", **form)


WAYS = pytest.mark.parametrize("ask", [signing_in, signing_up], ids=lambda ask: ask.__name__)


@WAYS
@pytest.mark.promise("secure-accounts")
async def test_known_and_unknown_get_the_same_answer_for_the_same_work(
    person: Person, known: None, ask: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    execute = PackingCursor.execute

    async def noted(self: Any, query: Any, params: Any = None, **options: Any) -> Any:
        done.append(str(query).split("\n", 1)[0] if isinstance(query, Query) else "other")
        return await execute(self, query, params, **options)

    await ask(person, "first@example.com")  # what is read once a process
    monkeypatch.setattr(PackingCursor, "execute", noted)
    seen = []
    for address in (named(0), "unknown-0@example.com"):
        done.clear()
        answer = await ask(person, address)
        seen.append((answer.status_code, OWN.sub("…", answer.text), list(done)))
        seen[-1][2].sort()

    assert seen[0] == seen[1]
    assert len(seen[0][2]) > 3
    mails = [mail[0] for mail in await person.mails()]
    assert {named(0), "unknown-0@example.com"} <= set(mails)


def ks(one: Sequence[float], other: Sequence[float]) -> float:
    """Return the p-value of the two-sample Kolmogorov-Smirnov test (Stephens' approximation)."""
    points = sorted({*one, *other})
    apart = max(
        abs(sum(x <= p for x in one) / len(one) - sum(x <= p for x in other) / len(other))
        for p in points
    )
    root = math.sqrt(len(one) * len(other) / (len(one) + len(other)))
    scaled = (root + 0.12 + 0.11 / root) * apart
    terms = ((-1) ** (k - 1) * math.exp(-2 * k * k * scaled * scaled) for k in range(1, 101))
    return min(1.0, max(0.0, 2 * sum(terms))) if scaled > 0.2 else 1.0


def test_the_measure_tells_apart_what_differs() -> None:
    steady = [float(n) for n in range(SAMPLES)]
    assert ks(steady, steady) == 1.0
    assert ks(steady, [n + SAMPLES / 2 for n in steady]) < LEVEL


@WAYS
@pytest.mark.promise("secure-accounts")
async def test_known_and_unknown_take_the_same_time(
    person: Person, known: None, ask: Asking, database_url: str
) -> None:
    async def timed(address: str) -> float:
        started = perf_counter()
        answer = await ask(person, address)
        took = perf_counter() - started
        assert answer.status_code == 200, answer.text
        return took

    await timed("warm@example.com")
    found = []
    for turn in range(ROUNDS):
        times: dict[str, list[float]] = {"known": [], "unknown": []}
        for number in range(turn * SAMPLES, (turn + 1) * SAMPLES):
            if number % 3 == 0:
                freed(database_url)
            addresses = {"known": named(number), "unknown": f"unknown-{number}@example.com"}
            order = sorted(addresses, reverse=bool(number % 2))  # neither is always the first
            for kind in order:
                times[kind].append(await timed(addresses[kind]))
        found.append(ks(times["known"], times["unknown"]))
        if found[-1] > LEVEL:
            break

    assert max(found) > LEVEL, found
