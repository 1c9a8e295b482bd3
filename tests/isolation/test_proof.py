"""The policies of the web login, linted and proved by pgrls (Z3) over the migrated schema."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from chatworks.kit.migrate import WEB

PGRLS = Path(sys.executable).parent / "pgrls"
CONFIG = Path(__file__).parent / "pgrls.toml"


def judged(url: str, *arguments: str) -> tuple[int, str]:
    command = [str(PGRLS), *arguments, "--config", str(CONFIG), "--database-url", url]
    done = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603 - ours
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def under_policies(database_url: str) -> str:
    """The address of the schema with the web login's policies alone."""
    with psycopg.connect(database_url, autocommit=True) as conn:
        others = conn.execute(
            "SELECT polname, polrelid::regclass::text FROM pg_policy"
            " WHERE polroles <> ARRAY[%s::regrole::oid]",
            [WEB],
        ).fetchall()
        for policy, table in others:
            drop = sql.SQL("DROP POLICY {} ON {}")
            conn.execute(drop.format(sql.Identifier(policy), sql.Identifier(table)))
    return database_url


def test_nothing_is_found_that_is_not_waived_with_a_reason(under_policies: str) -> None:
    code, said = judged(under_policies, "lint")

    assert code == 0, said


@pytest.mark.parametrize("mode", ["anon", "cross-tenant", "write"])
def test_isolation_is_proved_for_every_table(under_policies: str, mode: str) -> None:
    code, said = judged(under_policies, "verify", "--mode", mode, "--strict")

    assert code == 0, said
    assert " 0 leaking, 0 unverified." in said


def test_a_policy_that_lets_go_is_found(under_policies: str) -> None:
    with psycopg.connect(under_policies, autocommit=True) as conn:
        conn.execute(
            "ALTER POLICY web ON product USING (active OR "
            "outlet_id = (SELECT current_setting('app.outlet')::uuid))"
        )

    code, said = judged(under_policies, "verify", "--mode", "cross-tenant", "--strict")

    assert (code, "1 leaking" in said) == (1, True), said
