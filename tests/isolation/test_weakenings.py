"""Whether the matrix would notice: each policy, right and foreign key weakened in turn."""

from __future__ import annotations

import json
from pathlib import Path

import psycopg
import pytest
from psycopg import Connection, sql
from row_maker import Maker
from statements import Matrix
from weakenings import Weakening, weakenings

REPORT = Path(__file__).parents[2] / "build" / "isolation.json"
SAMPLE = {"product", "api_key", "session", "timer"}  # one of each kind


def unnoticed(conn: Connection, tried: list[Weakening]) -> list[Weakening]:
    """Return the weakenings after which the matrix of their table is as before."""
    return [weaker for weaker in tried if not noticed(conn, weaker)]


def noticed(conn: Connection, weaker: Weakening) -> bool:
    """Weaken, look, and take it back."""
    with conn.transaction(force_rollback=True):
        matrix = Matrix(conn, weaker.table, Maker(conn))
        matrix.fill()
        conn.execute(sql.SQL(weaker.change))  # type: ignore[arg-type]
        return next(matrix.wrong(weaker.modes), None) is not None


def test_what_weakens_one_table_of_each_kind_is_noticed(database_url: str) -> None:
    with psycopg.connect(database_url) as conn:
        tried = [weaker for weaker in weakenings(conn) if weaker.table in SAMPLE]
        missed = unnoticed(conn, tried)
        conn.rollback()

    assert len(tried) > 60
    assert missed == []


@pytest.mark.slow
def test_every_weakening_is_noticed(database_url: str) -> None:
    with psycopg.connect(database_url) as conn:
        tried = weakenings(conn)
        missed = unnoticed(conn, tried)
        conn.rollback()
    REPORT.parent.mkdir(exist_ok=True)
    figures = {"tried": len(tried), "noticed": len(tried) - len(missed)}
    REPORT.write_text(json.dumps(figures) + "\n")

    assert missed == []
