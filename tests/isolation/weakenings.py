"""Ways to make isolation weaker, each of which the matrix must notice.

A *weakening* is one statement of the owner on one table: a policy dropped, opened or made silent,
row-level security switched off or no longer forced, a right given or taken, a foreign key dropped.
"""

from __future__ import annotations

from dataclasses import dataclass

from psycopg import Connection
from row_maker import Maker
from statements import ROLES
from tenancy import RIGHTS, TABLES

SILENT = "(outlet_id = nullif(current_setting('app.outlet', true), '')::uuid)"


@dataclass(frozen=True, slots=True)
class Weakening:
    """One change of ``table``, and the modes of the matrix that must show it."""

    table: str
    change: str
    modes: tuple[str, ...]


def weakenings(conn: Connection) -> list[Weakening]:
    """Return every weakening of the migrated schema."""
    maker = Maker(conn)
    return [
        weaker
        for name in TABLES
        for weaker in _policies(conn, name) + _rights(name) + _links(maker, name)
    ]


def _policies(conn: Connection, name: str) -> list[Weakening]:
    rows = conn.execute(
        "SELECT polname FROM pg_policy WHERE polrelid = %s::regclass AND polname <> 'owner'", [name]
    ).fetchall()
    changes = [
        f"ALTER TABLE {name} DISABLE ROW LEVEL SECURITY",
        f"ALTER TABLE {name} NO FORCE ROW LEVEL SECURITY",
        f"CREATE POLICY more ON {name} TO chatworks_web USING (true)",
        f"CREATE POLICY more ON {name} FOR INSERT TO chatworks_web WITH CHECK (true)",
        f"ALTER POLICY engine ON {name} TO PUBLIC",
    ]
    for (policy,) in rows:
        changes.append(f"DROP POLICY {policy} ON {name}")
        if policy == "web":
            changes += [
                f"ALTER POLICY web ON {name} USING (true)",
                f"ALTER POLICY web ON {name} WITH CHECK (true)",
                f"ALTER POLICY web ON {name} USING {SILENT} WITH CHECK {SILENT}",
            ]
    return [Weakening(name, change, ("granted", "floor")) for change in changes]


def _rights(name: str) -> list[Weakening]:
    changes = []
    for login in ROLES:
        for letter, right in RIGHTS.items():
            given = TABLES[name].wholly(login, letter)
            word, way = ("REVOKE", "FROM") if given else ("GRANT", "TO")
            changes.append(f"{word} {right} ON {name} {way} {ROLES[login]}")
        changes.append(f"GRANT TRUNCATE ON {name} TO {ROLES[login]}")
    return [Weakening(name, change, ("granted",)) for change in changes]


def _links(maker: Maker, name: str) -> list[Weakening]:
    return [
        Weakening(name, f"ALTER TABLE {name} DROP CONSTRAINT {link.name}", ("floor",))
        for link in maker.shape(name).links
        if TABLES[name].tenant
        and TABLES[link.to].tenant
        and "outlet_id" in link.columns
        and link.columns != ["outlet_id"]
    ]
