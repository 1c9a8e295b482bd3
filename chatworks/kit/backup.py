"""Backup and restore with PostgreSQL's own tools, in its custom format.

A restore goes into an empty database and into nothing else; roles come from ``migrate``, which
derives their passwords from the installation's secret.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import psycopg

from chatworks.kit.embedded import Embedded
from chatworks.kit.errors import Invalid


def tool(name: str) -> str:
    """Return the path of a PostgreSQL program: of the embedded server, or of this machine."""
    bundled = Embedded.binaries() / name
    found = str(bundled) if bundled.exists() else shutil.which(name)
    if found is None:
        raise Invalid(name, "is not installed")
    return found


def backup(url: str, path: Path) -> None:
    """Write the whole database at ``url`` (the owner's address) to ``path``."""
    path.touch(mode=0o600)
    with path.open("wb") as file:
        subprocess.run(  # noqa: S603 - PostgreSQL's own tool with our arguments
            [tool("pg_dump"), "--format=custom", "--enable-row-security", f"--dbname={url}"],
            check=True,
            stdout=file,
        )


def restore(path: Path, url: str) -> None:
    """Restore ``path`` into the empty database at ``url``; refuses one that holds tables."""
    with psycopg.connect(url) as conn:
        row = conn.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone()
        if row is None or row[0]:
            raise Invalid("DATABASE_URL", "must be an empty database to restore into")
    subprocess.run(  # noqa: S603 - PostgreSQL's own tool with our arguments
        [
            tool("pg_restore"),
            "--exit-on-error",
            "--single-transaction",
            f"--dbname={url}",
            str(path),
        ],
        check=True,
    )
