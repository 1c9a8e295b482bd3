"""Brings a database to the current schema: roles first, then plain SQL in order, under a lock.

Migrations are the numbered files of ``migrations/``, read by yoyo, which keeps in the database what
was applied. Each file and its mark commit together. An advisory lock lets several processes start
at once; it goes with its connection, so a killed process leaves none behind. The two logins that
the product uses are made here from the owner's address; their passwords are derived from the
installation's secret, so nothing has to be stored or typed. The owner need not be a superuser: it
owns the database and may create roles.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from importlib import resources
from io import StringIO
from pathlib import Path
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

import psycopg
from psycopg import sql
from yoyo import get_backend, read_migrations

from chatworks.kit.errors import ChatWorksError

ENGINE, WEB = "chatworks_engine", "chatworks_web"
VERSION_MIN, VERSION_MAX = 15, 18
LOCK = 0x43570001  # any number, the same in every process
TRIES_MAX = 5  # roles belong to the whole server: another database's start may alter them too
CONNECT_SECONDS_MAX = 10


class DatabaseTrouble(ChatWorksError):
    """The database cannot be used; the message says why, and shows no password."""


def password(secret: bytes, role: str) -> str:
    """Return a login's password: HMAC-SHA-256 of its name under the installation's secret."""
    return hmac.new(secret, f"database login {role}".encode(), hashlib.sha256).hexdigest()


def login_url(owner_url: str, role: str, secret: bytes) -> str:
    """Return the address under which ``role`` signs in."""
    parts = urlsplit(owner_url)
    host = parts.netloc.rpartition("@")[2]
    netloc = f"{role}:{quote(password(secret, role))}@{host}"
    kept = [pair for pair in parse_qsl(parts.query) if pair[0] not in {"user", "password"}]
    return urlunsplit(parts._replace(netloc=netloc, query=urlencode(kept, safe="/")))


def migrations_folder() -> Path:
    """Return the folder of the migrations: in the wheel, or in the checkout."""
    packaged = Path(str(resources.files("chatworks").joinpath("_migrations")))
    return packaged if packaged.is_dir() else Path(__file__).parents[2] / "migrations"


@contextmanager
def owner(url: str) -> Iterator[psycopg.Connection]:
    """Give the owner's connection to a supported server; ``DatabaseTrouble`` says what is wrong."""
    if urlsplit(url).scheme not in {"postgresql", "postgres"}:
        raise DatabaseTrouble("DATABASE_URL must read postgresql://user:password@host:5432/name")
    try:
        with psycopg.connect(url, autocommit=True, connect_timeout=CONNECT_SECONDS_MAX) as conn:
            version = conn.info.server_version // 10000
            if not VERSION_MIN <= version <= VERSION_MAX:
                raise DatabaseTrouble(
                    f"PostgreSQL {version} is not supported: {VERSION_MIN} to {VERSION_MAX} are"
                )
            yield conn
    except psycopg.ProgrammingError as error:
        # Without a primary message it is libpq's complaint about the address, which it quotes.
        what = error.diag.message_primary or "the address cannot be read"
        raise DatabaseTrouble(f"the database at DATABASE_URL: {what}") from error
    except psycopg.OperationalError as error:
        what = str(error).strip().split("\n")[0]
        raise DatabaseTrouble(f"the database at DATABASE_URL does not answer: {what}") from error


def migrate(owner_url: str, secret: bytes, folder: Path | None = None) -> str:
    """Make the logins, apply what is missing; returns the server's version (``18.1``)."""
    with owner(owner_url) as conn:
        conn.execute("SELECT pg_advisory_lock(%s)", [LOCK])  # goes with the connection
        make_roles(conn, owner_url, secret)
        _apply(owner_url, folder or migrations_folder())
        shown = str(conn.info.parameter_status("server_version"))
    return shown.split(" ", maxsplit=1)[0]


def _apply(owner_url: str, folder: Path) -> None:
    parts = urlsplit(owner_url)
    backend = get_backend(urlunsplit(parts._replace(scheme="postgresql+psycopg")))
    try:
        backend.break_lock()  # a row of a process that was killed; ours is the lock that counts
        for migration in backend.to_apply(read_migrations(str(folder))):
            try:
                # yoyo prints what a statement returns, and a function's call returns something.
                with backend.transaction(), redirect_stdout(StringIO()):
                    migration.process_steps(backend, "apply")
                    backend.mark_one(migration, log=False)
            except psycopg.Error as error:
                what = error.diag.message_primary or type(error).__name__
                raise DatabaseTrouble(f"migration {migration.id}: {what}") from error
    finally:
        backend.connection.close()


def make_roles(conn: psycopg.Connection, owner_url: str, secret: bytes) -> None:
    """Make the two logins, or give them this installation's passwords; what fits is not touched."""
    for role in (ENGINE, WEB):
        for left in reversed(range(TRIES_MAX)):
            try:
                _make_role(conn, role, owner_url, secret)
            except (psycopg.errors.DuplicateObject, psycopg.errors.InternalError):
                if not left:
                    raise
            else:
                break


def _make_role(conn: psycopg.Connection, role: str, owner_url: str, secret: bytes) -> None:
    known = conn.execute(
        "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = %s", [role]
    ).fetchone()
    if known == (True,):
        raise DatabaseTrouble(f"the login {role} may pass by the policies: make it an ordinary one")
    if known and _signs_in(login_url(owner_url, role, secret)):
        return
    # Nothing here that only a superuser may say; what is left unsaid is "no" by default.
    action = (
        "ALTER ROLE {} LOGIN PASSWORD {}" if known else "CREATE ROLE {} LOGIN NOINHERIT PASSWORD {}"
    )
    conn.execute(sql.SQL(action).format(sql.Identifier(role), sql.Literal(password(secret, role))))


def _signs_in(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=CONNECT_SECONDS_MAX).close()
    except psycopg.OperationalError:
        return False
    return True
