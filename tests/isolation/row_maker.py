"""Fills any table: rows made from the catalogue alone (types, foreign keys, checks).

A *family* is a number: all rows made for it refer to one another and share one outlet, and two
families share no value. Parents are made before their children. A value that a check refuses is
exchanged, among what the check's own text names, until it is accepted.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import NAMESPACE_OID, UUID, uuid5

from psycopg import Connection, errors, sql

TRIES_MAX = 400  # combinations of values for one row
OUTLETS = UUID(int=1), UUID(int=2)
COLUMNS = """
    SELECT attname, format_type(atttypid, NULL), NOT attnotnull
    FROM pg_attribute
    WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped
        AND attgenerated = '' AND attidentity <> 'a' ORDER BY attnum"""
LINKS = """
    SELECT conname, confrelid::regclass::text,
        ARRAY(SELECT attname::text FROM unnest(conkey) WITH ORDINALITY AS k(n, i)
              JOIN pg_attribute ON attrelid = conrelid AND attnum = n ORDER BY i),
        ARRAY(SELECT attname::text FROM unnest(confkey) WITH ORDINALITY AS k(n, i)
              JOIN pg_attribute ON attrelid = confrelid AND attnum = n ORDER BY i)
    FROM pg_constraint WHERE contype = 'f' AND conrelid = %s::regclass ORDER BY conname"""
CHECKS = """
    SELECT conname, pg_get_constraintdef(oid),
        ARRAY(SELECT attname::text FROM unnest(conkey) AS n
              JOIN pg_attribute ON attrelid = conrelid AND attnum = n)
    FROM pg_constraint WHERE contype = 'c' AND conrelid = %s::regclass"""
KEY = """
    SELECT ARRAY(SELECT attname::text FROM unnest(indkey) AS n
                 JOIN pg_attribute ON attrelid = indrelid AND attnum = n)
    FROM pg_index WHERE indrelid = %s::regclass AND indisunique AND indpred IS NULL
    ORDER BY EXISTS (SELECT 1 FROM pg_attribute  -- the database draws it: we cannot know it before
            WHERE attrelid = indrelid AND attnum = ANY(indkey) AND attidentity = 'a'),
        indisprimary DESC, indexrelid LIMIT 1"""


@dataclass(frozen=True, slots=True)
class Link:
    """A foreign key."""

    name: str
    to: str
    columns: list[str]
    targets: list[str]


@dataclass(slots=True)
class Shape:
    """A table as the catalogue describes it."""

    name: str
    types: dict[str, str]
    nullable: set[str]
    links: list[Link]
    checks: dict[str, tuple[str, list[str]]]
    key: list[str]  # the columns that find one row


Row = dict[str, Any]


@dataclass(slots=True)
class Maker:
    """Makes rows over a connection of the owner."""

    conn: Connection
    shapes: dict[str, Shape] = field(default_factory=dict)

    def shape(self, table: str) -> Shape:
        """Return what the catalogue says of ``table``."""
        if table not in self.shapes:
            columns = self.conn.execute(COLUMNS, [table]).fetchall()
            found = self.conn.execute(KEY, [table]).fetchone()
            self.shapes[table] = Shape(
                table,
                {name: kind for name, kind, _ in columns},
                {name for name, _, nullable in columns if nullable},
                [Link(*row) for row in self.conn.execute(LINKS, [table]).fetchall()],
                {name: (text, of) for name, text, of in self.conn.execute(CHECKS, [table])},
                found[0] if found else [name for name, kind, _ in columns if kind == "uuid"],
            )
        return self.shapes[table]

    def family(self, table: str, number: int, made: dict[str, Row] | None = None) -> Row:
        """Put a row of ``table`` in, with everything that it refers to; returns it."""
        made = {} if made is None else made
        if table not in made:
            row = self.draft(table, number, made)
            there = table == "outlet" and number > len(OUTLETS)  # another family's, the same one
            made[table] = self.draft(table, number - 2, {}) if there else self.put(table, row)
        return made[table]

    def draft(self, table: str, number: int, made: dict[str, Row]) -> Row:
        """Return values for a row of ``table`` after putting in what it refers to."""
        shape = self.shape(table)
        row = {name: self._value(shape, name, number) for name in shape.types}
        for link in shape.links:
            if link.to == table:
                row |= dict.fromkeys(set(link.columns) & shape.nullable)
                continue
            parent = self.family(link.to, number, made)
            row |= {
                ours: parent[theirs]
                for ours, theirs in zip(link.columns, link.targets, strict=True)
            }
        return row

    def put(self, table: str, row: Row) -> Row:
        """Put ``row`` in, with other values where a check refuses; returns what was accepted."""
        wanted: dict[str, Iterator[Row]] = {}
        for _ in range(TRIES_MAX):
            try:
                with self.conn.transaction():
                    self.conn.execute(insert(table, row), row)
            except errors.CheckViolation as refused:
                name = str(refused.diag.constraint_name)
                if name not in wanted:
                    wanted[name] = self._others(table, name, row)
                other = next(wanted[name], None)
                assert other is not None, f"{table}: {name}"
                row = row | other
            else:
                return row
        raise AssertionError(f"no row of {table} passes its checks")

    def _others(self, table: str, check: str, row: Row) -> Iterator[Row]:
        shape = self.shape(table)
        text, columns = shape.checks[check]
        linked = {name for link in shape.links for name in link.columns}
        choices = []
        for name in columns:
            own: list[Any] = [row[name]]
            if shape.types[name] == "text":
                own += re.findall(r"'([^']*)'::text", text)
            elif shape.types[name] == "boolean":
                own += [True, False]
            elif shape.types[name] == "bytea":
                sizes = re.findall(r"\) = (\d+)", text)
                own += [row[name][: int(size)] for size in sizes]
            elif "int" in shape.types[name]:
                others = (row[c] for c in columns if c != name)
                own += [0, 1, sum(value for value in others if isinstance(value, int))]
            if name in shape.nullable:
                own.append(None)
            choices.append(own if name not in linked or name in shape.nullable else own[:1])
        for values in itertools.product(*choices):
            yield dict(zip(columns, values, strict=True))

    def _value(self, shape: Shape, column: str, number: int) -> Any:
        kind, word = shape.types[column], f"{shape.name}-{column}-{number}"
        if column == "currency":
            return "KES"
        if kind == "uuid":
            return outlet(number) if column == "outlet_id" else uuid5(NAMESPACE_OID, word)
        simple: dict[str, Any] = {
            "text": word.replace("_", "-"), "boolean": False,
            "bytea": hashlib.sha256(word.encode()).digest(),
            "smallint": number, "integer": number, "bigint": number, "double precision": 1.5,
            "jsonb": json.dumps({}), "json": json.dumps({}), "text[]": ["a"],
            "uuid[]": [], "timestamp with time zone": "2026-11-24T10:00:00Z",
            "timestamp without time zone": "2026-11-24T10:00:00",
        }  # fmt: skip
        return simple[kind]


def outlet(number: int) -> UUID:
    """Return the outlet of a family: 1 and 3 are one outlet's, 2 and 4 the other's."""
    return OUTLETS[(number - 1) % len(OUTLETS)]


def insert(table: str, row: Row, after: str = "") -> sql.Composed:
    """Return the INSERT of ``row`` with named parameters."""
    return sql.SQL("INSERT INTO {} ({}) VALUES ({}) {}").format(
        sql.Identifier(table),
        sql.SQL(", ").join(map(sql.Identifier, row)),
        sql.SQL(", ").join(map(sql.Placeholder, row)),
        sql.SQL(after),  # type: ignore[arg-type]
    )
