"""What the audit log costs: leaves in the business transaction, and the sequencer behind them.

``tps`` runs 32 clients side by side, each with a connection of its own: a transaction changes a
row, works 3 ms, and writes its trace: as a plain row of an audit table, or as a leaf of the product
(hashed, queued for its place, with the guard on the changed table). Rounds of the two alternate, so
that a busy machine slows both. ``sequencer`` gives places to leaves that wait, signs and publishes.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID

import psycopg
from psycopg import AsyncConnection

from bench import place
from chatworks.audit import store
from chatworks.audit.archive import Archive
from chatworks.audit.core import canonical
from chatworks.audit.models import Leaf
from chatworks.audit.sequencer import LogKey, Sequencer
from chatworks.kit.clock import SystemClock
from chatworks.kit.db import PLANNER, Database, PackingCursor
from chatworks.kit.migrate import ENGINE, WEB, login_url
from chatworks.kit.work import Work

CLIENTS = 32
WORK_SECONDS = 0.003  # of the application, inside the transaction
ROUND_SECONDS = 4.0
ROUNDS = 3
LEAVES = 60_000
OUTLET = UUID(int=1)
TABLES = """
INSERT INTO outlet VALUES ('00000000-0000-0000-0000-000000000001', 'bench', 'x', '{}', '{en}',
    'KES', 'UTC', '{}', '{}', '{}', '{}', now(), now());
CREATE TABLE purse (id integer PRIMARY KEY, amount bigint NOT NULL) WITH (fillfactor = 50);
INSERT INTO purse SELECT n, 0 FROM generate_series(1, 64) AS n;
CREATE TABLE guarded (id integer PRIMARY KEY, amount bigint NOT NULL) WITH (fillfactor = 50);
INSERT INTO guarded SELECT n, 0 FROM generate_series(1, 64) AS n;
SELECT guard_with_leaf('guarded');
CREATE TABLE plain (outlet_id uuid NOT NULL, id uuid NOT NULL, at timestamptz NOT NULL,
    actor_kind text NOT NULL, actor_id text NOT NULL, action text NOT NULL,
    object_kind text NOT NULL, object_id text NOT NULL, payload bytea NOT NULL,
    PRIMARY KEY (outlet_id, id));
CREATE INDEX ON plain (outlet_id, object_kind, object_id, id);
GRANT SELECT, INSERT, UPDATE ON purse, guarded, plain TO chatworks_engine;
"""
PLAIN = "INSERT INTO plain VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)"


def leaf(number: int) -> Leaf:
    """Return one act, as big as most are."""
    details: dict[str, str | int | None] = {"total_minor": number, "currency": "KES"}
    return Leaf(OUTLET, "operator", f"{number:032x}", "orders.MoveOrder", "order",
                f"{number * 7919:032x}", details)  # fmt: skip


async def _client(conn: AsyncConnection[Any], number: int, until: float, *, ours: bool) -> int:
    clock, done = SystemClock(), 0
    table = "guarded" if ours else "purse"
    while time.monotonic() < until:
        async with conn.transaction():
            work = Work(conn, clock, clock.now(), ())
            await conn.execute(f"UPDATE {table} SET amount = amount + 1 WHERE id = %s", [number])  # noqa: S608 - one of two names
            await asyncio.sleep(WORK_SECONDS)
            act = leaf(number * 1_000_000 + done)
            if ours:
                await store.append(work, [act])
            else:
                ident = work.new_id()
                row = (ident, work.now, act.actor_kind, act.actor_id, act.action, act.object_kind,
                       act.object_id, canonical(act, ident, work.now))  # fmt: skip
                await conn.execute(PLAIN, (OUTLET, *row))
        done += 1
    return done


async def _round(conns: list[AsyncConnection[Any]], *, ours: bool) -> float:
    began = time.monotonic()
    until = began + ROUND_SECONDS
    done = await asyncio.gather(
        *(_client(conn, n, until, ours=ours) for n, conn in enumerate(conns, 1))
    )
    return sum(done) / (time.monotonic() - began)


async def _tps(url: str) -> tuple[float, float]:
    engine = login_url(url, ENGINE, place.SECRET.encode())
    conns = [
        await AsyncConnection.connect(
            engine, options=PLANNER, cursor_factory=PackingCursor, autocommit=True
        )
        for _ in range(CLIENTS)
    ]
    plain, ours = [], []
    for _ in range(ROUNDS):
        plain.append(await _round(conns, ours=False))
        ours.append(await _round(conns, ours=True))
    for conn in conns:
        await conn.close()
    return statistics.median(plain), statistics.median(ours)


async def _sequenced(url: str, folder: Path) -> float:
    secret = place.SECRET.encode()
    logins = (login_url(url, ENGINE, secret), login_url(url, WEB, secret))
    db = Database.connect(*logins, SystemClock())
    await db.open()
    sequencer = Sequencer(db, LogKey(bytes(32), "bench/audit"), Archive(folder))
    while await sequencer.step():  # what the clients wrote
        pass
    for first in range(0, LEAVES, 500):
        async with db.engine() as work:
            await store.append(work, [leaf(first + i) for i in range(500)])
    began, placed = time.monotonic(), 0
    while done := await sequencer.step():
        placed += done
    took = time.monotonic() - began
    await db.close()
    assert placed == LEAVES
    return placed / took


def measure(owner_url: str) -> dict[str, float]:
    """Return transactions per second with plain inserts and with leaves, and leaves placed."""
    url = place.fresh(owner_url, "bench_audit")
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute(TABLES)
    plain, ours = asyncio.run(_tps(url))
    with TemporaryDirectory() as folder:
        placed = asyncio.run(_sequenced(url, Path(folder)))
    return {"plain_tps": plain, "leaf_tps": ours, "sequencer_per_s": placed}


if __name__ == "__main__":
    place.environment()
    embedded, base = place.server()
    print(measure(base))
    embedded.stop()
