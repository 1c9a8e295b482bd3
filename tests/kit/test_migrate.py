"""Migrations: under a lock, once, whole or not at all, by an owner who is no superuser."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from chatworks.kit.clock import SystemClock
from chatworks.kit.db import Database
from chatworks.kit.migrate import ENGINE, WEB, DatabaseTrouble, login_url, migrate

SECRET = b"a secret of the tests, long enough"  # as in conftest.py: logins belong to the server
FILES = sorted(path.stem for path in (Path(__file__).parents[2] / "migrations").glob("*.sql"))


def state(url: str) -> list[tuple[object, ...]]:
    """Return what migrating leaves in a database: marks, tables, grants and logins."""
    with psycopg.connect(url) as conn:
        return [
            *conn.execute(
                "SELECT migration_id, applied_at_utc FROM _yoyo_migration ORDER BY 1"
            ).fetchall(),
            *conn.execute(
                "SELECT oid, relname, relacl::text FROM pg_class"
                " WHERE relnamespace = 'public'::regnamespace ORDER BY 1"
            ).fetchall(),
            *conn.execute(
                "SELECT rolname, rolpassword, xmin::text FROM pg_authid"
                " WHERE rolname LIKE 'chatworks%' ORDER BY 1"
            ).fetchall(),
        ]


def test_many_processes_may_start_at_once_on_one_empty_database(
    empty_database_url: str, tmp_path: Path
) -> None:
    program = (
        "import sys; from chatworks.kit.migrate import migrate;"
        " print(migrate(sys.argv[1], sys.argv[2].encode()))"
    )
    arguments: list[str] = [sys.executable, "-c", program, empty_database_url, SECRET.decode()]
    with ThreadPoolExecutor(4) as four:
        ended = list(
            four.map(
                lambda _: subprocess.run(  # noqa: S603 - ourselves
                    arguments, capture_output=True, text=True, check=False
                ),
                range(4),
            )
        )

    assert {(one.returncode, one.stderr) for one in ended} == {(0, "")}
    assert len({one.stdout for one in ended}) == 1
    with psycopg.connect(empty_database_url) as conn:
        applied = conn.execute("SELECT migration_id FROM _yoyo_migration ORDER BY 1").fetchall()
    files = Path(__file__).parents[2] / "migrations"
    assert [row[0] for row in applied] == sorted(path.stem for path in files.glob("*.sql"))


def test_a_second_run_changes_nothing(database_url: str) -> None:
    before = state(database_url)

    migrate(database_url, SECRET)

    assert state(database_url) == before


def test_a_failing_migration_leaves_nothing_half_written(
    empty_database_url: str, tmp_path: Path
) -> None:
    (tmp_path / "0001_good.sql").write_text("CREATE TABLE good (id int);")
    (tmp_path / "0002_bad.sql").write_text("CREATE TABLE half (id int);\nSELECT 1 / 0;")

    with pytest.raises(DatabaseTrouble, match="migration 0002_bad: division by zero"):
        migrate(empty_database_url, SECRET, tmp_path)

    with psycopg.connect(empty_database_url) as conn:
        tables = conn.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
            " AND tablename NOT LIKE '%%yoyo%%'"
        ).fetchall()
        marked = conn.execute("SELECT migration_id FROM _yoyo_migration").fetchall()
    assert (tables, marked) == ([("good",)], [("0001_good",)])
    (tmp_path / "0002_bad.sql").write_text("CREATE TABLE half (id int);")
    migrate(empty_database_url, SECRET, tmp_path)


def test_the_lock_of_a_killed_process_stops_nobody(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.execute("INSERT INTO yoyo_lock (locked, ctime, pid) VALUES (1, now(), 1)")

    migrate(database_url, SECRET)

    with psycopg.connect(database_url) as conn:
        assert conn.execute("SELECT count(*) FROM yoyo_lock").fetchone() == (0,)


@pytest.fixture
def modest_url(server_url: str, empty_database_url: str) -> Iterator[str]:
    """The address of an owner who is no superuser, as managed servers give."""
    name = empty_database_url.partition("?")[0].rpartition("/")[2]
    role, database = sql.Identifier(f"{name}_owner"), sql.Identifier(name)
    with psycopg.connect(server_url, autocommit=True) as conn:
        conn.execute(sql.SQL("CREATE ROLE {} LOGIN CREATEROLE PASSWORD 'modest'").format(role))
        for login in (ENGINE, WEB):  # on 16 and newer, whoever made a login may change it
            grant = "GRANT {} TO {} WITH ADMIN OPTION"
            conn.execute(sql.SQL(grant).format(sql.Identifier(login), role))
        conn.execute(sql.SQL("ALTER DATABASE {} OWNER TO {}").format(database, role))
        yield login_url(empty_database_url, f"{name}_owner", SECRET).replace(
            login_url("postgresql://x/y", f"{name}_owner", SECRET).split(":")[2].split("@")[0],
            "modest",
        )
        conn.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(database))
        conn.execute(sql.SQL("DROP ROLE {}").format(role))


async def test_the_owner_need_not_be_a_superuser(template: str, modest_url: str) -> None:
    migrate(modest_url, SECRET)

    opened = Database.connect(
        login_url(modest_url, ENGINE, SECRET), login_url(modest_url, WEB, SECRET), SystemClock()
    )
    await opened.open()
    async with opened.engine() as work:
        row = await (
            await work.conn.execute("SELECT current_user, count(*) FROM outlet")
        ).fetchone()
    await opened.close()
    assert row is None or row == (ENGINE, 0)
    with psycopg.connect(modest_url) as conn:
        owners = conn.execute(
            "SELECT DISTINCT tableowner = current_user FROM pg_tables WHERE schemaname = 'public'"
        ).fetchall()
    assert owners == [(True,)]


def test_a_login_that_may_pass_by_the_policies_is_refused(
    server_url: str, database_url: str
) -> None:
    with psycopg.connect(server_url, autocommit=True) as conn:
        conn.execute(f"ALTER ROLE {WEB} BYPASSRLS")
        try:
            with pytest.raises(DatabaseTrouble, match=f"the login {WEB} may pass by the policies"):
                migrate(database_url, SECRET)
        finally:
            conn.execute(f"ALTER ROLE {WEB} NOBYPASSRLS")


@pytest.mark.parametrize(
    ("owner", "login"),
    [
        ("postgresql://o:p@db:5432/x", "postgresql://web:{}@db:5432/x"),
        ("postgresql:///x?host=/run/pg&user=o&password=p", "postgresql://web:{}@/x?host=/run/pg"),
        ("postgresql://o@h1,h2/x?sslmode=require", "postgresql://web:{}@h1,h2/x?sslmode=require"),
    ],
)
def test_a_login_signs_in_where_its_owner_does(owner: str, login: str) -> None:
    secret = login_url("postgresql://h/d", "web", SECRET).split(":")[2].partition("@")[0]

    assert login_url(owner, "web", SECRET) == login.format(secret)
