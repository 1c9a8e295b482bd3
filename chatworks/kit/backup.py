"""Backup and restore with PostgreSQL's own tools, in its custom format.

A restore goes into an empty database and into nothing else, whoever owns it: the two logins are
made first, everything then belongs to the new owner, and the policies that were the old owner's
become the new one's. It goes into the same major version or a newer one. Passwords are given to
the tools by environment, where no list of processes shows them.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from chatworks.kit.embedded import Embedded
from chatworks.kit.errors import ChatWorksError, Invalid
from chatworks.kit.migrate import make_roles, owner

MAGIC = b"PGDMP"  # a custom-format archive begins so
POLICY_OF_OWNER = re.compile(r"^\d+; \d+ \d+ POLICY public \w+ owner ", re.MULTILINE)
NEW_SETTING = "SET transaction_timeout = 0;\n"  # the tools of 17 and newer say it to any server
KNOWS_NEW_SETTING = 17


class ToolFailed(ChatWorksError):
    """One of PostgreSQL's programs failed; the message is its own first line."""


def tool(name: str) -> str:
    """Return the path of a PostgreSQL program: of the embedded server, or of this machine."""
    bundled = Embedded.binaries() / name
    found = str(bundled) if bundled.exists() else shutil.which(name)
    if found is None:
        raise Invalid(name, "is not installed")
    return found


def backup(url: str, path: Path) -> None:
    """Write the whole database at ``url`` (the owner's address) to ``path``, which must be new.

    The file is made under another name first, so that ``path`` is whole or does not exist. Only
    the person who runs this can read it.
    """
    if path.exists():
        raise Invalid(str(path), "exists: a backup never replaces a file")
    unfinished = path.with_name(f"{path.name}.unfinished")
    try:
        unfinished.unlink(missing_ok=True)
        unfinished.touch(mode=0o600, exist_ok=False)
        _run("pg_dump", ["--format=custom", "--enable-row-security", f"--file={unfinished}"], url)
        unfinished.rename(path)
    except OSError as error:
        raise Invalid(str(path), f"cannot be written: {error.strerror}") from error
    finally:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)


def restore(path: Path, url: str, secret: bytes) -> None:
    """Restore ``path`` into the empty database at ``url`` (its owner's address), all or nothing."""
    with path.open("rb") as file:
        if file.read(len(MAGIC)) != MAGIC:
            raise Invalid(str(path), "is no backup of ChatWorks")
    listed = _run("pg_restore", ["--list", str(path)])
    with owner(url) as conn:
        _check_target(conn, path, listed)
        make_roles(conn, url, secret)
        version = conn.info.server_version // 10000
    with tempfile.TemporaryDirectory() as folder:
        contents, script = Path(folder, "contents"), Path(folder, "script.sql")
        contents.write_text(POLICY_OF_OWNER.sub(r";\g<0>", listed))
        arguments = ["--no-owner", f"--use-list={contents}", f"--file={script}", str(path)]
        _run("pg_restore", arguments)
        if version < KNOWS_NEW_SETTING:
            _without_new_setting(script)
        with script.open("a") as file:
            file.write(OWNERS_POLICIES)
        strict = ["--single-transaction", "--set=ON_ERROR_STOP=1", "--no-psqlrc", "--quiet"]
        _run("psql", [*strict, f"--file={script}", "--output=/dev/null"], url)


# Forced policies hide rows from a table's owner too; migrations and backups need to see them.
OWNERS_POLICIES = """
DO $$
DECLARE t regclass;
BEGIN
    FOR t IN SELECT oid FROM pg_class
             WHERE relnamespace = 'public'::regnamespace AND relforcerowsecurity LOOP
        EXECUTE format(
            'CREATE POLICY owner ON %s TO CURRENT_USER USING (true) WITH CHECK (true)', t);
    END LOOP;
END $$;
"""


def _check_target(conn: psycopg.Connection, path: Path, listed: str) -> None:
    made_by = re.search(r"Dumped from database version: (\d+)", listed)
    version = conn.info.server_version // 10000
    if made_by is None or "TABLE public outlet " not in listed:
        raise Invalid(str(path), "is no backup of ChatWorks")
    if int(made_by[1]) > version:
        raise Invalid(str(path), f"is of PostgreSQL {made_by[1]} and cannot go back into {version}")
    query = sql.SQL("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
    if conn.execute(query).fetchone() != (0,):
        raise Invalid("the database", "must be empty to restore into: nothing was changed")


def _without_new_setting(script: Path) -> None:
    """Take out the one line that an older server does not know; it stands before all data."""
    plain = script.with_suffix(".plain")
    with script.open() as source, plain.open("w") as target:
        for line in source:
            if line == NEW_SETTING:
                break
            target.write(line)
        shutil.copyfileobj(source, target)
    plain.replace(script)


def _run(name: str, arguments: list[str], url: str = "") -> str:
    """Run one of PostgreSQL's programs, on the database at ``url`` if given; returns what it says.

    The password goes by environment.
    """
    environment = dict(os.environ)
    if url:
        parameters = conninfo_to_dict(url)
        if password := parameters.pop("password", None):
            environment["PGPASSWORD"] = str(password)
        arguments = [*arguments, f"--dbname={make_conninfo('', **parameters)}"]
    done = subprocess.run(  # noqa: S603 - PostgreSQL's own tool with our arguments
        [tool(name), *arguments], capture_output=True, text=True, check=False, env=environment
    )
    if done.returncode:
        said = [line for line in done.stderr.strip().split("\n") if line] or ["it failed"]
        raise ToolFailed(f"{name}: {said[0].removeprefix(f'{name}: ').removeprefix('error: ')}")
    return done.stdout
