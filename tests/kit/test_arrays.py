"""Lists arrive in PostgreSQL as they left Python, of every element type, nulls included."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chatworks.kit.arrays import PACKERS
from chatworks.kit.db import Query

FIRST, LAST = datetime(1, 1, 2), datetime(9999, 12, 30)  # noqa: DTZ001 - Hypothesis wants them bare
MOMENTS = st.datetimes(FIRST, LAST, timezones=st.just(UTC))
WORDS = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]))
ELEMENTS: dict[str, st.SearchStrategy[Any]] = {
    "boolean": st.booleans(),
    "bytea": st.binary(),
    "bigint": st.integers(-(2**63), 2**63 - 1),
    "smallint": st.integers(-(2**15), 2**15 - 1),
    "integer": st.integers(-(2**31), 2**31 - 1),
    "text": WORDS,
    "float8": st.floats(allow_nan=False),
    "timestamptz": MOMENTS,
    "uuid": st.uuids(),
}


def test_every_packed_type_is_tested() -> None:
    assert set(ELEMENTS) == set(PACKERS)


@pytest.mark.parametrize("kind", sorted(ELEMENTS))
def test_a_list_comes_back_as_it_was(kind: str, server_url: str) -> None:
    query = Query(f"SELECT %(values)s::{kind}[]")
    with psycopg.connect(server_url) as conn:
        conn.execute("SET timezone = 'UTC'")

        @given(st.lists(st.none() | ELEMENTS[kind], max_size=20))
        @settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
        def check(values: list[Any]) -> None:
            row = conn.execute(query, query.pack({"values": values}), binary=True).fetchone()
            assert row is not None
            assert row[0] == values

        check()


@pytest.mark.parametrize(
    ("kind", "value"), [("smallint", 2**15), ("integer", -(2**31) - 1), ("bigint", 2**63)]
)
def test_a_number_that_does_not_fit_is_refused(kind: str, value: int) -> None:
    with pytest.raises(OverflowError):
        PACKERS[kind]([value])


def test_what_is_no_list_is_left_alone() -> None:
    query = Query("SELECT %(ids)s::uuid[], %(name)s")

    assert dict(query.pack({"ids": None, "name": ["a"]})) == {"ids": None, "name": ["a"]}
    assert query.pack({"ids": [UUID(int=1)], "name": "a"})["ids"] != [UUID(int=1)]
