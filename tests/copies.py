"""Databases for tests: copies of a migrated one, each as empty as the first, used again and again.

Copying a database costs a second of the machine's time under load; emptying one costs milliseconds.
A copy whose schema or fixed rows a test changed is dropped. Only a superuser can empty tables
past their triggers: on a server that gives none, each test gets a copy of its own.
"""

from __future__ import annotations

import itertools
import os

import psycopg
from psycopg import Connection, sql

# Everything that DDL leaves behind writes a row in one of these; VACUUM and ANALYZE do not.
CATALOGS = (
    "pg_class", "pg_attribute", "pg_attrdef", "pg_constraint", "pg_index", "pg_trigger",
    "pg_policy", "pg_proc", "pg_type", "pg_namespace", "pg_default_acl", "pg_event_trigger",
)  # fmt: skip
FIRST_OWN_OID = 16384  # of what is not PostgreSQL's (access/transam.h, FirstNormalObjectId)

_numbers = itertools.count(1)


def at(url: str, database: str) -> str:
    """Return the address of another database of the same server."""
    head, _, tail = url.partition("?")
    return f"{head.rpartition('/')[0]}/{database}" + (f"?{tail}" if tail else "")


class Copies:
    """Copies of the database ``template`` on a server."""

    def __init__(self, server_url: str, template: str) -> None:
        self._server_url = server_url
        self._template = template
        self._free: list[str] = []
        with psycopg.connect(at(server_url, template)) as conn:
            self._tables, self._fixed = _tables(conn)
            self._sequences = _column(
                conn, "SELECT format('%I.%I', schemaname, sequencename) FROM pg_sequences"
            )
            self._can_empty = _column(conn, "SELECT rolsuper FROM pg_roles WHERE rolname = user")[0]
            self._looks = self._look(conn)

    def take(self) -> str:
        """Return the name of an empty copy."""
        if self._free:
            return self._free.pop()
        name = f"cw_{os.getpid()}_{next(_numbers)}"
        with psycopg.connect(self._server_url, autocommit=True) as conn:
            conn.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                    sql.Identifier(name), sql.Identifier(self._template)
                )
            )
        return name

    def give_back(self, name: str) -> None:
        """Empty a copy for the next test, or drop it where emptying would not be enough."""
        with psycopg.connect(self._server_url, autocommit=True) as conn:
            conn.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s",
                [name],
            )
            if self._can_empty and self._emptied(name):
                self._free.append(name)
                return
            drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
            conn.execute(drop.format(sql.Identifier(name)))

    def _emptied(self, name: str) -> bool:
        try:
            with psycopg.connect(at(self._server_url, name)) as conn:
                if self._look(conn) != self._looks:
                    return False
                conn.execute("SET session_replication_role = replica")
                for table in self._tables:
                    conn.execute(sql.SQL("DELETE FROM {}").format(sql.SQL(table)))
                for sequence in self._sequences:
                    conn.execute("SELECT setval(%s, 1, false)", [sequence])
        except psycopg.OperationalError:  # the test removed it
            return False
        return True

    def _look(self, conn: Connection) -> list[object]:
        """Return what changes where the schema, a setting or a fixed row does."""
        asked = [f"SELECT count(*), sum(xmin::text::bigint) FROM {table}" for table in self._fixed]  # noqa: S608 - names from the catalogue
        for catalog in CATALOGS:
            own = (
                "attrelid"
                if catalog == "pg_attribute"
                else "indexrelid"
                if catalog == "pg_index"
                else "oid"
            )
            asked.append(
                f"SELECT count(*), sum(xmin::text::bigint) FROM {catalog}"  # noqa: S608 - a constant
                f" WHERE {own} >= {FIRST_OWN_OID}"
            )
        asked.append("SELECT count(*), 0 FROM pg_db_role_setting")
        return conn.execute(sql.SQL(" UNION ALL ").join(map(sql.SQL, asked))).fetchall()  # type: ignore[return-value]


def _tables(conn: Connection) -> tuple[list[str], list[str]]:
    """Return the tables that are empty in the template, and those with fixed rows."""
    names = _column(
        conn,
        "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables"
        " WHERE schemaname NOT IN ('pg_catalog', 'information_schema')",
    )
    fixed = [
        name for name in names
        if conn.execute(sql.SQL("SELECT 1 FROM {} LIMIT 1").format(sql.SQL(name))).fetchone()
    ]  # fmt: skip
    return [name for name in names if name not in fixed], fixed


def _column(conn: Connection, query: str) -> list[str]:
    return [row[0] for row in conn.execute(query).fetchall()]
