"""What was backed up comes back: every table, row by row, with its policies."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from chatworks.app import House
from chatworks.kit.backup import backup, restore
from chatworks.kit.errors import Invalid


def contents(url: str) -> dict[str, list[tuple[object, ...]]]:
    with psycopg.connect(url) as conn:
        names = conn.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
        ).fetchall()
        found = {}
        for (name,) in names:
            query = sql.SQL("SELECT * FROM {} ORDER BY 1, 2").format(sql.Identifier(name))
            found[name] = conn.execute(query).fetchall()
        found["policies"] = conn.execute(
            "SELECT tablename, policyname, roles::text, qual FROM pg_policies ORDER BY 1, 2"
        ).fetchall()
    return found


async def test_a_restore_brings_everything_back_and_only_into_an_empty_database(
    house: House, database_url: str, empty_database_url: str, tmp_path: Path
) -> None:
    path = tmp_path / "backup"
    backup(database_url, path)
    before = contents(database_url)

    restore(path, empty_database_url)

    assert contents(empty_database_url) == before
    assert len(before["product"]) == 5
    assert path.stat().st_mode & 0o077 == 0
    with pytest.raises(Invalid, match="must be an empty database"):
        restore(path, database_url)
