"""The matrix: every statement on a table, by each login, in each situation, and what comes of it.

A *cell* is (mode, login, statement, situation). In the mode ``granted`` a login has what it has; in
the mode ``floor`` the web login was given every right on every table, as by a mistake: policies
alone must hold. Situations of the web login: ``own`` and ``other`` name the row it asks for, with
its own outlet set; ``none`` is a transaction that named no outlet. Everything happens in savepoints
of one transaction of the owner, which takes the login's role: nothing stays.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import LiteralString
from uuid import UUID

import psycopg
from psycopg import Connection, sql
from row_maker import OUTLETS, Maker, Row, insert
from tenancy import RIGHTS, TABLES, Table

Cell = tuple[str, str, str, str]
NEEDS = {
    "select": "S", "copy out": "S", "update": "SU", "move": "SU", "delete": "SD",
    "insert": "I", "returning": "SI", "conflict": "I", "copy in": "I",
}  # fmt: skip
MOVED = frozenset({"outlet_id"})
WRITES = {"insert", "returning", "conflict"}
OWNERS_RIGHTS = ("TRUNCATE", "REFERENCES", "TRIGGER")
SITUATIONS = {"own", "other", "none"}
ROLES = {"web": "chatworks_web", "engine": "chatworks_engine"}
TEXTS: dict[str, LiteralString] = {
    "select": "SELECT {key} FROM {table} WHERE {found}",
    "hidden": "SELECT {column} FROM {table}",
    "update": "UPDATE {table} SET {column} = {value} WHERE {found}",
    "beyond": "UPDATE {table} SET {column} = {value} WHERE {found}",
    "move": "UPDATE {table} SET outlet_id = {other} WHERE {found}",
    "delete": "DELETE FROM {table} WHERE {found}",
    "copy out": "COPY {table} ({key}) TO STDOUT",
    "copy in": "COPY {table} ({key}) FROM STDIN",
}
MEANS = {
    "42501": "refused", "22P02": "loud", "42704": "loud", "0A000": "not supported",
    "23503": "no such row", "23505": "taken",
}  # fmt: skip


def expected(table: Table, mode: str, login: str, statement: str, situation: str) -> str:
    """Return what the registry wants of a cell: a count of rows, or how it is turned away."""
    if not _has_right(table, mode, login, statement):
        return "refused"
    if statement == "copy in":
        return "not supported"  # by PostgreSQL, wherever policies are on
    if login == "engine":
        return _reached(table, statement, rows=2)
    if not table.tenant or situation == "other":
        return "refused" if statement in WRITES else "0 rows"
    if situation == "none":
        return "loud"
    return "refused" if statement == "move" else _reached(table, statement, rows=1)


def _has_right(table: Table, mode: str, login: str, statement: str) -> bool:
    if mode == "floor":
        return True
    if statement.startswith(("hidden ", "beyond ")):
        return False
    if statement == "move" and not table.changeable(MOVED):
        return False
    return set(NEEDS[statement]) <= set(table.web if login == "web" else table.engine)


def _reached(table: Table, statement: str, rows: int) -> str:
    if table.appends and statement in {"update", "delete"}:
        return "refused"
    if statement == "copy out":
        return f"{rows} rows"
    return "0 rows" if statement == "conflict" else "1 rows"


@dataclass(slots=True)
class Matrix:
    """The cells of one table, over a connection of the owner inside of a transaction."""

    conn: Connection
    name: str
    maker: Maker
    rows: dict[int, Row] = field(default_factory=dict)  # in the table: 1 own, 2 the other's
    new: dict[int, Row] = field(default_factory=dict)  # not yet in it: 3 own, 4 the other's
    parents: dict[int, dict[str, Row]] = field(default_factory=dict)

    def fill(self) -> None:
        """Make the rows that the statements are about."""
        for number in (1, 2, 3, 4):
            made = self.parents.setdefault(number, {})
            if number <= len(OUTLETS):
                self.rows[number] = self.maker.family(self.name, number, made)
            else:
                draft = self.maker.draft(self.name, number, made)
                with self.conn.transaction(force_rollback=True):
                    self._make_room()
                    self.new[number] = self.maker.put(self.name, draft)
        # What waits for the commit is done now: a table with pending triggers cannot be altered.
        self.conn.execute("SET CONSTRAINTS ALL IMMEDIATE")
        self.conn.execute("SET CONSTRAINTS ALL DEFERRED")

    def wrong(
        self, modes: tuple[str, ...] = ("granted", "floor")
    ) -> Iterator[tuple[Cell, str, str]]:
        """Yield (cell, what is wanted, what came) where they differ."""
        table = TABLES[self.name]
        yield from self._of_the_catalogue()
        for mode in modes:
            with self.conn.transaction(force_rollback=True):
                if mode == "floor":
                    self._do("GRANT ALL ON {} TO chatworks_web")
                for cell in self._cells(table, mode):
                    wanted, came = expected(table, *cell), self.attempt(*cell[1:])
                    if wanted != came:
                        yield cell, wanted, came
                if mode == "floor":
                    yield from self._links()

    def _cells(self, table: Table, mode: str) -> Iterator[Cell]:
        kinds = [s for s in NEEDS if s != "move" or self._named()]
        for statement in kinds:
            apart = {"own", "none"} if statement in {"copy out", "copy in", "move"} else SITUATIONS
            for situation in sorted(apart):
                yield mode, "web", statement, situation
            if mode == "granted" and statement != "move":
                yield mode, "engine", statement, "own"
                yield mode, "engine", statement, "other"
        if mode == "granted":
            for column in sorted(table.hidden):
                yield mode, "web", f"hidden {column}", "own"
            columns = frozenset(self.maker.shape(self.name).types)
            for column in sorted(columns - table.changeable(columns)):
                yield mode, "web", f"beyond {column}", "own"

    def _named(self) -> bool:
        return "outlet_id" in self.maker.shape(self.name).types

    def attempt(self, login: str, statement: str, situation: str) -> str:
        """Do it and undo it; returns what came of it."""
        outlet = OUTLETS[0] if situation != "none" and login == "web" else None
        other = situation == "other"
        query, row = self._query(statement, 2 if other else 1, 4 if other else 3)
        with self.conn.transaction(force_rollback=True):
            if statement in {"insert", "returning", "copy in"}:
                self._make_room()
            return self._as(ROLES[login], outlet, query, row)

    def _as(self, role: str, outlet: UUID | None, query: sql.Composed, row: Row) -> str:
        came = ""
        try:
            with self.conn.transaction(force_rollback=True):
                self.conn.execute("SELECT set_config('role', %s, true)", [role])
                if outlet is not None:
                    self.conn.execute("SELECT set_config('app.outlet', %s, true)", [str(outlet)])
                with self.conn.cursor() as cursor:
                    if query.as_string().startswith("COPY"):
                        came = _copy(cursor, query)
                    else:
                        came = f"{cursor.execute(query, row).rowcount} rows"
        except psycopg.Error as error:
            came = MEANS.get(error.sqlstate or "", str(error))
        return came

    def _make_room(self) -> None:
        """Where an outlet has one row at most, take it away: another is to be put in."""
        if self.maker.shape(self.name).key == ["outlet_id"]:
            with suppress(psycopg.errors.ForeignKeyViolation), self.conn.transaction():
                self._do("DELETE FROM {}")

    def _query(self, statement: str, old: int, new: int) -> tuple[sql.Composed, Row]:
        shape, row = self.maker.shape(self.name), self.rows[old]
        if statement in {"insert", "returning"}:
            after = f"RETURNING {shape.key[0]}" if statement == "returning" else ""
            return insert(self.name, self.new[new], after), self.new[new]
        if statement == "conflict":
            return insert(self.name, row, "ON CONFLICT DO NOTHING"), row
        word, _, named = statement.partition(" ")
        column = named if word in {"hidden", "beyond"} else self._changed()
        parts = {
            "table": sql.Identifier(self.name),
            "key": sql.SQL(", ").join(map(sql.Identifier, shape.key)),
            "found": sql.SQL(" AND ").join(
                sql.SQL("{} IS NOT DISTINCT FROM {}").format(sql.Identifier(c), sql.Placeholder(c))
                for c in shape.key
            ),
            "column": sql.Identifier(column),
            "value": sql.Placeholder(column),
            "other": sql.Literal(OUTLETS[1]),
        }
        text = TEXTS.get(word) or TEXTS[statement]
        return sql.SQL(text).format(**parts), row

    def _changed(self) -> str:
        """Return a column to update: one that the web login may, and that finds no row."""
        shape = self.maker.shape(self.name)
        allowed = TABLES[self.name].changeable(frozenset(shape.types))
        linked = {column for link in shape.links for column in link.columns}
        free = [c for c in shape.types if c in allowed and c not in shape.key and c not in linked]
        return (free or shape.key)[-1]

    def _of_the_catalogue(self) -> Iterator[tuple[Cell, str, str]]:
        """Yield what no statement of the logins shows: forced policies, rights of an owner."""
        forced = self.conn.execute(
            "SELECT relrowsecurity AND relforcerowsecurity FROM pg_class WHERE oid = %s::regclass",
            [self.name],
        ).fetchone()
        if forced != (True,):
            yield ("catalogue", "owner", "policies", ""), "forced", "not forced"
        for login, role in ROLES.items():
            wanted = {right: TABLES[self.name].wholly(login, s) for s, right in RIGHTS.items()}
            for right, given in (wanted | dict.fromkeys(OWNERS_RIGHTS, False)).items():
                query = "SELECT has_table_privilege(%s, %s, %s)"
                if self.conn.execute(query, [role, self.name, right]).fetchone() != (given,):
                    yield ("catalogue", login, right, ""), f"{given}", f"{not given}"

    def _links(self) -> Iterator[tuple[Cell, str, str]]:
        """Yield each foreign key that lets a row of an outlet refer to another outlet's row."""
        shape = self.maker.shape(self.name)
        linked = {column for link in shape.links for column in link.columns} & shape.nullable
        for link in shape.links:
            theirs = self.parents[2].get(link.to)
            if not TABLES[self.name].tenant or not TABLES[link.to].tenant or theirs is None:
                continue
            if "outlet_id" not in link.columns or link.columns == ["outlet_id"]:
                continue
            pairs = zip(link.columns, link.targets, strict=True)
            row = self.new[3] | dict.fromkeys(linked)
            row |= {ours: theirs[its] for ours, its in pairs if ours != "outlet_id"}
            with self.conn.transaction(force_rollback=True):
                self._make_room()
                came = self._as(ROLES["web"], OUTLETS[0], insert(self.name, row), row)
            if came != "no such row":
                yield ("floor", "web", f"link {link.name}", "other"), "no such row", came

    def _do(self, text: str) -> None:
        self.conn.execute(sql.SQL(text).format(sql.Identifier(self.name)))  # type: ignore[arg-type]


def _copy(cursor: psycopg.Cursor, query: sql.Composed) -> str:
    with cursor.copy(query) as copy:
        if "TO STDOUT" in query.as_string():
            return f"{len(list(copy.rows()))} rows"
    return "0 rows"
