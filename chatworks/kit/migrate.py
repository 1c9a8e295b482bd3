"""Brings a database to the current schema: roles first, then plain SQL in order, under a lock.

Migrations are the numbered files of ``migrations/``, run by yoyo, which keeps what was applied in
the database and holds a lock, so that several processes may start at once. The two logins that the
product uses are made here from the owner's address; their passwords are derived from the
installation's secret, so nothing has to be stored or typed.
"""

from __future__ import annotations

import hashlib
import hmac
from importlib import resources
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg
from psycopg import sql
from yoyo import get_backend, read_migrations

from chatworks.kit.errors import ChatWorksError

ENGINE, WEB = "chatworks_engine", "chatworks_web"
VERSION_MIN, VERSION_MAX = 15, 18
ROLES_LOCK = 0x43570001  # any number, the same in every process
LOCK_SECONDS = 60


class WrongServer(ChatWorksError):
    """The server's version is not supported."""


def password(secret: bytes, role: str) -> str:
    """Return a login's password: HMAC-SHA-256 of its name under the installation's secret."""
    return hmac.new(secret, f"database login {role}".encode(), hashlib.sha256).hexdigest()


def login_url(owner_url: str, role: str, secret: bytes) -> str:
    """Return the address under which ``role`` signs in."""
    parts = urlsplit(owner_url)
    host = parts.netloc.rpartition("@")[2]
    netloc = f"{role}:{quote(password(secret, role))}@{host}"
    return urlunsplit(parts._replace(netloc=netloc))


def migrations_folder() -> Path:
    """Return the folder of the migrations: in the wheel, or in the checkout."""
    packaged = Path(str(resources.files("chatworks").joinpath("_migrations")))
    return packaged if packaged.is_dir() else Path(__file__).parents[2] / "migrations"


def migrate(owner_url: str, secret: bytes) -> str:
    """Make the logins, apply what is missing; returns the server's version (``18.1``)."""
    with psycopg.connect(owner_url, autocommit=True) as conn:
        version = conn.info.server_version // 10000
        if not VERSION_MIN <= version <= VERSION_MAX:
            raise WrongServer(
                f"PostgreSQL {version} is not supported: {VERSION_MIN} to {VERSION_MAX} are"
            )
        _make_roles(conn, secret)
        shown = str(conn.info.parameter_status("server_version"))
    parts = urlsplit(owner_url)
    backend = get_backend(urlunsplit(parts._replace(scheme="postgresql+psycopg")))
    try:
        migrations = read_migrations(str(migrations_folder()))
        with backend.lock(timeout=LOCK_SECONDS):
            backend.apply_migrations(backend.to_apply(migrations))
    finally:
        backend.connection.close()
    return shown.split(" ", maxsplit=1)[0]


def _make_roles(conn: psycopg.Connection, secret: bytes) -> None:
    with conn.transaction():
        conn.execute("SELECT pg_advisory_xact_lock(%s)", [ROLES_LOCK])
        for role in (ENGINE, WEB):
            known = conn.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone()
            verb = sql.SQL("ALTER" if known else "CREATE")
            conn.execute(
                sql.SQL(
                    "{} ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOINHERIT NOBYPASSRLS"
                    " NOREPLICATION PASSWORD {}"
                ).format(verb, sql.Identifier(role), sql.Literal(password(secret, role)))
            )
