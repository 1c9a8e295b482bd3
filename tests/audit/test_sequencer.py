"""The sequencer: every leaf gets one place, the tree is signed and published, forks are refused."""

from __future__ import annotations

import asyncio
from pathlib import Path

import psycopg
import pytest
from logs import KEY, ORIGIN, add_outlets, append, grow, leaf, log_key, superuser, verified

from chatworks.audit import store
from chatworks.audit.archive import Archive
from chatworks.audit.merkle import Frontier
from chatworks.audit.notes import Checkpoint, checked, signed_checkpoint
from chatworks.audit.sequencer import Forked, Sequencer, lag_seconds, measure, waiting_leaves
from chatworks.kit.db import Database


@pytest.fixture
def sequencer(database_url: str, db: Database, tmp_path: Path) -> Sequencer:
    add_outlets(database_url)
    return Sequencer(db, KEY, Archive(tmp_path))


def entries(url: str) -> list[tuple[int, bytes]]:
    with psycopg.connect(url) as conn:
        return conn.execute("SELECT n, leaf_hash FROM audit_entry ORDER BY n").fetchall()


async def test_leaves_get_dense_places_and_the_tree_is_signed_and_published(
    sequencer: Sequencer, db: Database, database_url: str, tmp_path: Path
) -> None:
    await grow(db, sequencer, (3, 1, 600, 40))

    rows, archive = entries(database_url), Archive(tmp_path)
    tree = Frontier()
    for _, hashed in rows:
        tree.append(hashed)
    notes = [checked(note, log_key()) for note in archive.notes()]
    assert [n for n, _ in rows] == list(range(644))
    assert [note.size for note in notes] == [3, 4, 604, 644]
    assert notes[-1] == Checkpoint(ORIGIN, 644, tree.root())
    assert list(archive.hashes(archive.size)) == [hashed for _, hashed in rows]
    with psycopg.connect(database_url) as conn:
        waits = conn.execute("SELECT count(*) FROM audit_pending").fetchone()
        nodes = conn.execute("SELECT level, n FROM audit_node ORDER BY 1, 2").fetchall()
    assert (waits, nodes) == ((0,), [(1, 0), (1, 1)])
    report = await verified(db, tmp_path)
    assert (report.findings, report.size, report.signed, report.waiting) == ([], 644, 644, 0)


async def test_a_leaf_that_commits_late_is_not_skipped(
    sequencer: Sequencer, db: Database, database_url: str
) -> None:
    async with db.engine() as slow:
        await store.append(slow, [leaf(1)])
        await append(db, range(2, 4))
        assert await sequencer.step() == 2
    assert await sequencer.step() == 1

    assert [n for n, _ in entries(database_url)] == [0, 1, 2]


async def test_many_sequencers_give_every_leaf_one_place(
    sequencer: Sequencer, db: Database, database_url: str, tmp_path: Path
) -> None:
    others = [Sequencer(db, KEY, Archive(tmp_path), batch=7) for _ in range(3)]

    async def write() -> None:
        for first in range(0, 60, 5):
            await append(db, range(first, first + 5))

    async def sequence(one: Sequencer) -> None:
        for _ in range(25):
            await one.step()
            await asyncio.sleep(0)

    await asyncio.gather(write(), *(sequence(one) for one in others))
    while await sequencer.step():
        pass

    assert [n for n, _ in entries(database_url)] == list(range(60))
    assert (await verified(db, tmp_path)).findings == []


async def test_another_machine_archives_what_the_first_one_signed(
    sequencer: Sequencer, db: Database, tmp_path: Path
) -> None:
    await grow(db, sequencer, (5, 300))
    elsewhere = Archive(tmp_path / "elsewhere")

    assert await Sequencer(db, KEY, elsewhere).step() == 0

    assert elsewhere.size == 305
    assert elsewhere.last() == Archive(tmp_path).last()


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE audit_entry SET leaf_hash = decode(repeat('00', 32), 'hex') WHERE n = 9",
        "DELETE FROM audit_entry WHERE n = 9",
        "UPDATE audit_checkpoint SET note = replace(note, 'shop', 'ship')",
        "DELETE FROM audit_checkpoint WHERE size = 10",
        "DELETE FROM audit_checkpoint; DELETE FROM audit_entry; DELETE FROM audit_node",
    ],
)
async def test_a_tree_that_is_not_the_one_that_was_signed_is_not_signed(
    sequencer: Sequencer, db: Database, database_url: str, tmp_path: Path, change: str
) -> None:
    await grow(db, sequencer, (8, 2))
    with superuser(database_url) as conn:
        conn.execute(change)
    before = Archive(tmp_path).notes()
    await append(db, range(10, 12))

    with pytest.raises(Forked):
        await sequencer.step()

    assert Archive(tmp_path).notes() == before
    with psycopg.connect(database_url) as conn:
        waits = conn.execute("SELECT count(*) FROM audit_pending").fetchone()
    assert waits == (2,)


async def test_nothing_is_signed_in_front_of_another_key(
    sequencer: Sequencer, db: Database, database_url: str, tmp_path: Path
) -> None:
    await grow(db, sequencer, (4,))
    await append(db, range(4, 5))
    other = type(KEY)(bytes(32), ORIGIN)

    with pytest.raises(Forked, match="not ours"):
        await Sequencer(db, other, Archive(tmp_path)).step()

    assert len(entries(database_url)) == 4


async def test_a_crash_between_the_commit_and_the_archive_is_made_good(
    sequencer: Sequencer, db: Database, tmp_path: Path
) -> None:
    await append(db, range(3))
    assert await sequencer.step() == 3
    archive = Archive(tmp_path)
    archive.add_hashes([])
    (tmp_path / "hashes").write_bytes(b"cut short")  # the write that the crash cut short
    assert archive.notes() == []

    assert await sequencer.step() == 0

    assert (archive.size, len(archive.notes())) == (3, 1)
    assert (await verified(db, tmp_path)).findings == []


async def test_what_waits_and_for_how_long_is_measured(sequencer: Sequencer, db: Database) -> None:
    await append(db, range(3))
    async with db.engine() as work:
        await measure(work)
    assert waiting_leaves._value.get() == 3
    assert 0 <= lag_seconds._value.get() < 60

    await sequencer.step()
    async with db.engine() as work:
        await measure(work)
    assert (waiting_leaves._value.get(), lag_seconds._value.get()) == (0, 0)


async def test_the_loop_sequences_until_it_is_stopped(
    sequencer: Sequencer, db: Database, database_url: str
) -> None:
    await append(db, range(3))
    running = asyncio.create_task(sequencer.run())
    async with asyncio.timeout(20):
        while len(entries(database_url)) < 3:  # noqa: ASYNC110 - another login's commit has no event
            await asyncio.sleep(0.05)
    sequencer.stop()

    await asyncio.wait_for(running, timeout=20)


def test_a_checkpoint_says_whose_log_it_is() -> None:
    note = signed_checkpoint(Checkpoint("old.example/audit", 1, bytes(32)), KEY.signer(""))

    assert KEY.signer(note).verifier.name == "old.example/audit"
    assert KEY.signer("").verifier.name == ORIGIN
