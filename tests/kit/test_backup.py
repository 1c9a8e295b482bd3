"""What was backed up comes back: rows, sequences, policies, grants; the conversation goes on."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path

import psycopg
import pytest
from processes import chatworks, servers_of
from psycopg import sql

from chatworks.app import compose
from chatworks.house import House
from chatworks.kit.backup import ToolFailed, backup, restore, tool
from chatworks.kit.clock import SystemClock
from chatworks.kit.errors import Invalid
from chatworks.kit.migrate import migrate
from chatworks.settings import read_settings
from chatworks.terminal import Terminal

TO_THE_PHONE = ["/order", "1", "two", "@-1.2921,36.7836", "1", "Amina", "0712 345 678"]


def contents(url: str) -> dict[str, list[tuple[object, ...]]]:
    """Return everything that a backup must bring back."""
    with psycopg.connect(url) as conn:

        def rows(query: str) -> list[tuple[object, ...]]:
            return conn.execute(query).fetchall()

        names = rows("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
        found = {}
        for (name,) in names:
            query = sql.SQL("SELECT * FROM {} ORDER BY 1, 2").format(sql.Identifier(str(name)))
            found[str(name)] = conn.execute(query).fetchall()
        found["policies"] = rows(
            "SELECT tablename, policyname, roles::text, qual, with_check FROM pg_policies"
            " ORDER BY 1, 2"
        )
        found["grants"] = rows(
            "SELECT relname, relacl::text, relrowsecurity, relforcerowsecurity FROM pg_class"
            " WHERE relnamespace = 'public'::regnamespace ORDER BY 1"
        )
        found["columns"] = rows(
            "SELECT table_name, column_name, data_type, column_default, is_nullable"
            " FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1, 2"
        )
        found["indexes"] = rows(
            "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1"
        )
        found["constraints"] = rows(
            "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint"
            " WHERE connamespace = 'public'::regnamespace ORDER BY 1, 2"
        )
        found["triggers"] = rows(
            "SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1"
        )
        found["sequences"] = rows(
            "SELECT sequencename, last_value FROM pg_sequences"
            " WHERE schemaname = 'public' ORDER BY 1"
        )
    return found


def forced_and_open_to_the_owner(url: str) -> tuple[int, int]:
    """Return how many tables force their policies, and how many of them the owner sees."""
    with psycopg.connect(url) as conn:
        row = conn.execute(
            "SELECT (SELECT count(*) FROM pg_class WHERE relforcerowsecurity),"
            " (SELECT count(*) FROM pg_policies WHERE policyname = 'owner' AND qual = 'true'"
            "  AND roles = ARRAY[current_user])"
        ).fetchone()
    assert row is not None
    return row


async def test_what_was_ordered_before_is_finished_after(
    house: House, database_url: str, empty_database_url: str, tmp_path: Path, secret: bytes
) -> None:
    path = tmp_path / "backup"
    terminal = await Terminal.open(house, "majipro")
    await terminal.give("/start")
    for line in TO_THE_PHONE:
        await terminal.give(line)
    await asyncio.to_thread(backup, database_url, path)
    before = contents(database_url)

    await asyncio.to_thread(restore, path, empty_database_url, secret)

    assert contents(empty_database_url) == before
    assert len(before["journal"]) > 0
    assert before["sequences"]
    tables, seen = forced_and_open_to_the_owner(empty_database_url)
    assert tables == seen > 20
    assert path.stat().st_mode & 0o077 == 0
    migrate(empty_database_url, secret)
    restored = compose(read_settings(), empty_database_url, SystemClock())
    await restored.open()
    try:
        terminal.house = restored
        shown = await terminal.give("1")  # pays on delivery
    finally:
        await restored.close()
    assert "Order 1001" in "\n".join(shown)


@pytest.fixture
def archive(database_url: str, tmp_path: Path) -> Path:
    path = tmp_path / "archive"
    backup(database_url, path)
    return path


def test_a_backup_never_replaces_a_file(database_url: str, tmp_path: Path) -> None:
    path = tmp_path / "notes"
    path.write_text("mine")

    with pytest.raises(Invalid, match="exists: a backup never replaces a file"):
        backup(database_url, path)
    with pytest.raises(Invalid, match="cannot be written: No such file or directory"):
        backup(database_url, tmp_path / "none" / "file")

    assert [p.read_text() for p in tmp_path.iterdir()] == ["mine"]


def test_a_failed_backup_leaves_no_file(database_url: str, tmp_path: Path) -> None:
    gone = database_url.replace("/cw_", "/gone_")

    with pytest.raises(ToolFailed, match="does not exist"):
        backup(gone, tmp_path / "file")

    assert list(tmp_path.iterdir()) == []


def test_only_an_empty_database_is_restored_into(
    archive: Path, database_url: str, secret: bytes
) -> None:
    before = contents(database_url)

    with pytest.raises(Invalid, match="must be empty to restore into: nothing was changed"):
        restore(archive, database_url, secret)

    assert contents(database_url) == before


@pytest.mark.parametrize("kind", ["text", "cut", "another program's"])
def test_a_wrong_file_changes_nothing(
    archive: Path,
    empty_database_url: str,
    tmp_path: Path,
    secret: bytes,
    kind: str,
) -> None:
    wrong = tmp_path / "wrong"
    wrong.write_bytes(b"CREATE TABLE x ();" if kind == "text" else archive.read_bytes()[:-2000])
    if kind == "another program's":
        wrong.unlink()
        with psycopg.connect(empty_database_url) as conn:
            conn.execute("CREATE TABLE x (id int)")
        backup(empty_database_url, wrong)
        with psycopg.connect(empty_database_url) as conn:
            conn.execute("DROP TABLE x")

    with pytest.raises((Invalid, ToolFailed)):
        restore(wrong, empty_database_url, secret)

    with psycopg.connect(empty_database_url) as conn:
        left = conn.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone()
    assert left == (0,)


def test_a_newer_versions_backup_is_refused(
    archive: Path, empty_database_url: str, tmp_path: Path, secret: bytes
) -> None:
    # The archive's header names the server that it was taken from, as text.
    with psycopg.connect(empty_database_url) as conn:
        version = str(conn.info.parameter_status("server_version")).encode()
    newer = tmp_path / "newer"
    newer.write_bytes(archive.read_bytes().replace(version, b"99" + version[2:], 1))

    with pytest.raises(Invalid, match="is of PostgreSQL 99 and cannot go back into"):
        restore(newer, empty_database_url, secret)


def test_the_embedded_database_is_backed_up_and_restored_by_one_command_each(
    env: dict[str, str], empty_home: Path, tmp_path: Path
) -> None:
    new = {**env, "CHATWORKS_HOME": str(empty_home)}
    assert chatworks("chat", "majipro", env=env, cwd=tmp_path).returncode == 0

    made = chatworks("backup", "kept", env=env, cwd=tmp_path)
    restored = chatworks("restore", "kept", env=new, cwd=tmp_path)
    twice = chatworks("restore", "kept", env=new, cwd=tmp_path)
    link = chatworks("operator", "link", env=new, cwd=tmp_path)

    assert (made.returncode, made.stderr) == (0, "")
    assert made.stdout == "The database is in kept. Keep CHATWORKS_SECRET with it.\n"
    assert (restored.returncode, restored.stderr) == (0, "")
    assert restored.stdout == f"Restored into embedded PostgreSQL 18.4 in {empty_home}.\n"
    assert (twice.returncode, twice.stdout) == (2, "")
    assert twice.stderr == (
        "chatworks: the database must be empty to restore into: nothing was changed\n"
    )
    address = f"http://127.0.0.1:{env['CHATWORKS_PORT']}"
    assert link.stdout.startswith(f"{address}/console/sign-in?key=")
    assert servers_of(empty_home) == []


def test_passwords_stand_in_no_list_of_processes(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    run = subprocess.run

    def watched(arguments: list[str], **options: object) -> object:
        seen.extend(arguments)
        return run(arguments, **options)  # type: ignore[call-overload]

    monkeypatch.setattr(subprocess, "run", watched)
    head, _, tail = database_url.partition("://")
    user, _, place = tail.partition("@")
    name = user.partition(":")[0]
    known = user.partition(":")[2] or "hidden"

    backup(f"{head}://{name}:{known}@{place}", tmp_path / "file")

    assert seen[0] == tool("pg_dump")
    assert f"password={known}" not in " ".join(seen)
    assert f":{known}@" not in " ".join(seen)
