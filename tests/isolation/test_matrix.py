"""Every table × every statement × own, other and no outlet × both logins: as the registry says."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from psycopg import Connection
from row_maker import Maker
from statements import Matrix
from tenancy import TABLES


@pytest.fixture
def owner(database_url: str) -> Iterator[Connection]:
    """A connection of the owner in a transaction that is never committed."""
    with psycopg.connect(database_url) as conn:
        yield conn
        conn.rollback()


def test_every_table_has_its_place_in_the_registry(owner: Connection) -> None:
    found = owner.execute(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
        " AND relkind IN ('r', 'p', 'v', 'm', 'f') AND relname NOT LIKE '%%yoyo%%'"
    ).fetchall()

    assert {name for (name,) in found} == set(TABLES)


@pytest.mark.promise("access-control")
def test_every_statement_does_what_the_registry_says(owner: Connection) -> None:
    wrong = []
    maker = Maker(owner)
    for name in TABLES:
        with owner.transaction(force_rollback=True):
            matrix = Matrix(owner, name, maker)
            matrix.fill()
            wrong += [(name, *difference) for difference in matrix.wrong()]

    assert "\n".join(map(str, wrong)) == ""
