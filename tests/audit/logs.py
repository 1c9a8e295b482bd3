"""A small log for tests: leaves of two outlets and of no outlet, sequenced in several steps."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import psycopg

from chatworks.audit import store
from chatworks.audit.archive import Archive
from chatworks.audit.models import Leaf, Report
from chatworks.audit.notes import Verifier
from chatworks.audit.sequencer import LogKey, Sequencer
from chatworks.audit.verifying import Held, verify
from chatworks.kit.db import Database

SEED = bytes(range(32))
ORIGIN = "shop.example/audit"
KEY = LogKey(SEED, ORIGIN)
OUTLETS = (UUID(int=1), UUID(int=2))


def log_key() -> Verifier:
    return KEY.signer("").verifier


def add_outlets(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as conn:
        for outlet in OUTLETS:
            conn.execute(
                "INSERT INTO outlet VALUES (%s, %s, 'x', '{}', '{en}', 'KES', 'UTC', '{}', '{}',"
                " '{}', '{}', now(), now())",
                [outlet, f"outlet-{outlet.int}"],
            )


def leaf(number: int) -> Leaf:
    outlet = (*OUTLETS, None)[number % 3]
    kind = "operator" if outlet else "account"
    details = {"price_minor": number * 100, "currency": "KES", "reason": None}
    return Leaf(outlet, kind, f"{number:032x}", "orders.PlaceOrder", "order", f"{number}", details)


async def append(db: Database, numbers: range) -> None:
    async with db.engine() as work:
        for number in numbers:
            work.defer(store.append, leaf(number))


async def grow(db: Database, sequencer: Sequencer, steps: tuple[int, ...]) -> None:
    """Append and sequence as many leaves as each of ``steps`` says."""
    first = 0
    for count in steps:
        await append(db, range(first, first + count))
        first += count
        assert await sequencer.step() == count
    assert await sequencer.step() == 0


async def verified(
    db: Database, folder: Path, held: tuple[Held, ...] = (), key: Verifier | None = None
) -> Report:
    async with db.engine() as work:
        await store.be_snapshot(work)
        return await verify(work, key or log_key(), Archive(folder), held)


@contextmanager
def superuser(url: str) -> Iterator[psycopg.Connection]:
    """Give a connection for which no trigger fires, as a database's superuser has it."""
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute("SET session_replication_role = replica")
        yield conn
