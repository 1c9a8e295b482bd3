"""Random changes by a database's superuser: every one is found, and what was changed is named.

Each is really made in PostgreSQL with no trigger in the way, the whole log is then verified from
its rows in that same transaction, and the transaction is rolled back: nothing is taken from memory,
and the next one begins with the untouched log.
"""

from __future__ import annotations

import json
import random
from collections.abc import AsyncIterator
from pathlib import Path

import psycopg
import pytest
from logs import KEY, add_outlets, append, grow, log_key, verified
from psycopg import AsyncConnection
from tamperings import KINDS, Kind, Log, Named

from chatworks.audit.archive import Archive
from chatworks.audit.models import Report
from chatworks.audit.sequencer import Sequencer
from chatworks.audit.verifying import verify
from chatworks.kit.clock import SystemClock
from chatworks.kit.db import Database
from chatworks.kit.work import Work

BUILD = Path(__file__).parents[2] / "build"
STEPS = (1, 30, 70, 160, 9, 120, 60, 80, 25)  # more than two whole tiles, several checkpoints
WAITING = 6
EVERY_DAY, IN_FULL = 300, 10_000


@pytest.fixture
async def log(
    db: Database, database_url: str, tmp_path: Path
) -> AsyncIterator[tuple[AsyncConnection, Log]]:
    """A log that was sequenced, signed and published, with some leaves that wait."""
    add_outlets(database_url)
    sequencer = Sequencer(db, KEY, Archive(tmp_path))
    await grow(db, sequencer, STEPS)
    await append(db, range(sum(STEPS), sum(STEPS) + WAITING))
    assert (await verified(db, tmp_path)).findings == []
    async with await AsyncConnection.connect(database_url) as conn:
        placed = await (await conn.execute("SELECT leaf_id FROM audit_entry ORDER BY n")).fetchall()
        waits = await (await conn.execute("SELECT leaf_id FROM audit_pending")).fetchall()
        sizes = await (
            await conn.execute("SELECT size FROM audit_checkpoint ORDER BY 1")
        ).fetchall()
        await conn.rollback()
        yield conn, Log(*([row[0] for row in found] for found in (placed, waits, sizes)))


async def tamper(
    conn: AsyncConnection, log: Log, kind: Kind, draw: random.Random, folder: Path
) -> tuple[Named, Report]:
    """Make one change as the superuser, verify what is there now, and take it back."""
    clock = SystemClock()
    await conn.execute("SET LOCAL session_replication_role = replica")
    named = await kind(conn, log, draw)
    report = await verify(Work(conn, clock, clock.now(), ()), log_key(), Archive(folder))
    await conn.rollback()
    return named, report


def is_named(named: Named, report: Report) -> bool:
    """Say whether a report names all that was changed, and the first change first."""
    places = [f.first for f in report.findings if f.first is not None]
    leaves = {finding.leaf_id for finding in report.findings}
    return (
        named.places <= set(report.named())
        and named.leaves <= leaves
        and (named.first is None or places[0] == named.first)
        and any(named.words in str(finding) for finding in report.findings)
    )


async def attempts(
    conn: AsyncConnection, log: Log, folder: Path, count: int
) -> tuple[dict[str, int], list[str]]:
    counts = {"tried": 0, "found": 0, "named": 0}
    missed = []
    for seed in range(count):
        draw = random.Random(seed)  # noqa: S311 - repeatable
        kind = KINDS[seed % len(KINDS)]
        named, report = await tamper(conn, log, kind, draw, folder)
        counts["tried"] += 1
        counts["found"] += bool(report.findings)
        counts["named"] += is_named(named, report)
        if not is_named(named, report):
            missed.append(f"{kind.__name__} {seed}: {[str(f) for f in report.findings[:5]]}")
    return counts, missed


@pytest.mark.promise("audit")
@pytest.mark.parametrize("count", [EVERY_DAY, pytest.param(IN_FULL, marks=pytest.mark.slow)])
async def test_every_tampering_is_found_and_named(
    log: tuple[AsyncConnection, Log], db: Database, tmp_path: Path, count: int
) -> None:
    counts, missed = await attempts(*log, tmp_path, count)

    BUILD.mkdir(exist_ok=True)
    result = BUILD / "tampering.json"
    before = json.loads(result.read_text())["tried"] if result.exists() else 0
    if count >= before:  # the few of every day do not replace the many
        result.write_text(json.dumps(counts) + "\n")
    assert missed == []
    assert counts == {"tried": count, "found": count, "named": count}
    assert (await verified(db, tmp_path)).findings == []


async def test_without_the_archive_the_rows_between_two_checkpoints_are_named(
    log: tuple[AsyncConnection, Log], tmp_path: Path
) -> None:
    conn, kept = log
    kind = next(k for k in KINDS if k.__name__ == "rewrite_a_leaf_and_the_tree")

    draw = random.Random(4)  # noqa: S311 - repeatable
    named, report = await tamper(conn, kept, kind, draw, tmp_path / "none")

    (changed,) = named.places
    begin = max(size for size in [0, *kept.signed] if size <= changed)
    end = min(size for size in kept.signed if size > changed)
    assert [str(finding) for finding in report.findings] == [
        f"entries {begin} to {end - 1}: these are not the leaves that were signed"
    ]


async def test_a_changed_archive_is_told_from_a_changed_log(
    log: tuple[AsyncConnection, Log], db: Database, tmp_path: Path
) -> None:
    hashes = bytearray((tmp_path / "hashes").read_bytes())
    hashes[100] ^= 1
    (tmp_path / "hashes").write_bytes(bytes(hashes))

    report = await verified(db, tmp_path)

    assert [str(finding) for finding in report.findings] == [
        "the hashes of the archive are not those that were signed"
    ]


async def test_a_log_that_was_begun_anew_does_not_fit_what_was_published(
    log: tuple[AsyncConnection, Log], db: Database, database_url: str, tmp_path: Path
) -> None:
    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.execute("SET session_replication_role = replica")
        conn.execute(
            "TRUNCATE audit_leaf, audit_entry, audit_node, audit_checkpoint, audit_pending"
        )
        conn.execute("SET session_replication_role = origin")
    await grow(db, Sequencer(db, KEY, Archive(tmp_path / "new")), STEPS)

    report = await verified(db, tmp_path)

    assert report.named() == list(range(sum(STEPS)))
    assert "the log was forked" in str(report.findings[0])
