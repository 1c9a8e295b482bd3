"""The command line names people of the platform, and asks an outlet to let them in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from click.testing import CliRunner, Result

from chatworks.cli import opened
from chatworks.settings import Settings, read_settings
from chatworks.visiting import platform_commands

SUE = "sue@example.com"


@pytest.fixture
def run(database_url: str, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    """A runner on a database with MajiPro, and Sue's account with her verified address."""
    monkeypatch.setenv("CHATWORKS_SECRET", "a secret of the tests, long enough")
    with psycopg.connect(database_url) as conn:
        conn.execute(
            "INSERT INTO outlet VALUES (gen_random_uuid(), 'majipro', 'MajiPro', %s, '{en}',"
            " 'KES', 'UTC', '{}', '{}', %s, '{}', now(), now())",
            [
                '{"primary": "#0b5fa5", "accent": "#f7d417", "tagline": {"en": "Water"}}',
                '{"controller": "MajiPro", "contact": "hello@example.com"}',
            ],
        )
        conn.execute(
            "WITH a AS (INSERT INTO account (id, kind, name, created_at)"
            " VALUES (gen_random_uuid(), 'person', 'Sue', now()) RETURNING id)"
            " INSERT INTO account_address (account_id, id, kind, value, verified_at, is_main,"
            " created_at) SELECT id, gen_random_uuid(), 'email', %s, now(), true, now() FROM a",
            [SUE],
        )
    return CliRunner()


def give(run: CliRunner, url: str, *words: str) -> Result:
    @contextmanager
    def database(_settings: Settings) -> Iterator[tuple[str, str]]:
        yield url, "a test's"

    read_settings()
    return run.invoke(platform_commands(database, opened), words)


def rows(url: str, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url) as conn:
        return conn.execute(query).fetchall()  # type: ignore[call-overload,no-any-return]


@pytest.mark.promise("access-control")
def test_who_is_of_the_platform_may_ask_and_only_ask(run: CliRunner, database_url: str) -> None:
    stuck = ("visit", "majipro", SUE, "An order of yesterday is stuck")
    refused = give(run, database_url, *stuck)
    assert str(refused.exception) == "this account is not of the platform"

    named = give(run, database_url, "role", SUE.upper(), "platform-support")
    assert named.output == "SUE@EXAMPLE.COM is platform support now.\n"
    asked = give(run, database_url, *stuck)
    assert asked.output == "majipro is asked. Its owner answers under Settings, People.\n"

    assert rows(database_url, "SELECT role FROM platform_role") == [("platform-support",)]
    assert rows(database_url, "SELECT reason FROM visit_request") == [(stuck[3],)]
    assert rows(database_url, "SELECT count(*) FROM membership") == [(0,)]
    assert rows(database_url, "SELECT action FROM audit_leaf ORDER BY at") == [
        ("memberships.GrantPlatformRole",),
        ("memberships.AskToVisit",),
    ]


def test_what_is_not_there_is_named_and_changes_nothing(run: CliRunner, database_url: str) -> None:
    for words, said in (
        (("role", "nobody@example.com", "platform-support"), "is nobody's verified address"),
        (("role", "nobody", "platform-support"), "email"),
        (("visit", "nowhere", SUE, "why"), "nowhere is no outlet here"),
        (("role", SUE, "emperor"), "'emperor' is not one of"),
    ):
        result = give(run, database_url, *words)
        assert result.exit_code != 0
        assert said in str(result.exception) + result.output

    assert rows(database_url, "SELECT 1 FROM platform_role, visit_request, audit_leaf") == []
