"""Clients, grants and tokens in the database. Secrets come in as hashes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

from chatworks.kit.db import load_queries
from chatworks.kit.work import Work
from chatworks.oauth.models import (
    Asked,
    Client,
    ClientView,
    Grant,
    RegisterClient,
    Token,
    TokenKind,
)

QUERIES = load_queries(__package__)
LISTED_MAX = 200
USE_NOTED_EVERY = timedelta(minutes=1)
KEPT_AFTER_END = timedelta(days=30)  # a code or refresh token that comes back so late is noticed


async def add_client(
    work: Work, key: tuple[UUID, UUID], wanted: RegisterClient, secret_hash: bytes | None, by: UUID
) -> None:
    """Insert a client under (outlet, id)."""
    parameters = {
        "outlet_id": key[0],
        "id": key[1],
        "name": wanted.name.strip(),
        "redirects": list(wanted.redirects),
        "hash": secret_hash,
        "by": by,
        "now": work.now,
    }
    await work.conn.execute(QUERIES["add_client"], parameters)


async def clients(work: Work, outlet_id: UUID) -> list[ClientView]:
    """Return the clients that an outlet registered, the newest first."""
    parameters = {"outlet_id": outlet_id, "limit": LISTED_MAX}
    rows = await (await work.conn.execute(QUERIES["clients"], parameters)).fetchall()
    return [ClientView(row[0], row[1], tuple(row[2]), row[3], row[4]) for row in rows]


async def remove_client(work: Work, outlet_id: UUID, client_id: UUID) -> bool:
    """Remove a client; returns whether there was one."""
    parameters = {"outlet_id": outlet_id, "id": client_id, "now": work.now}
    return (await work.conn.execute(QUERIES["remove_client"], parameters)).rowcount == 1


async def client(work: Work, client_id: UUID) -> Client | None:
    """Return a client of any outlet, or None."""
    row = await (await work.conn.execute(QUERIES["client"], {"id": client_id})).fetchone()
    return None if row is None else Client(row[0], row[1], row[2], tuple(row[3]), row[4], row[5])


async def add_grant(work: Work, key: tuple[UUID, UUID], asked: Asked, membership_id: UUID) -> None:
    """Insert a grant under (outlet, id)."""
    parameters = {
        "outlet_id": key[0],
        "id": key[1],
        "client_outlet_id": asked.client.outlet_id,
        "client_id": asked.client.id,
        "membership_id": membership_id,
        "scopes": list(asked.scopes),
        "now": work.now,
    }
    await work.conn.execute(QUERIES["add_grant"], parameters)


async def add_tokens(
    work: Work,
    grant: tuple[UUID, UUID],
    tokens: Mapping[TokenKind, tuple[bytes, timedelta]],
    challenge: str = "",
    redirect: str = "",
) -> None:
    """Insert tokens of a grant, named by (outlet, id): their hashes, and how long each is good."""
    parameters = {
        "outlet_id": grant[0],
        "grant_id": grant[1],
        "ids": [work.new_id() for _ in tokens],
        "kinds": [kind.value for kind in tokens],
        "hashes": [hashed for hashed, _ in tokens.values()],
        "ends": [work.now + good_for for _, good_for in tokens.values()],
        "challenge": challenge,
        "redirect": redirect,
        "now": work.now,
    }
    await work.conn.execute(QUERIES["add_tokens"], parameters)


async def spend(work: Work, kind: TokenKind, secret_hash: bytes) -> bool:
    """Spend a secret that is good once; returns True to exactly one caller."""
    parameters = {"hash": secret_hash, "kind": kind.value, "now": work.now}
    return (await work.conn.execute(QUERIES["spend"], parameters)).rowcount == 1


async def token(work: Work, secret_hash: bytes) -> Token | None:
    """Return a secret of a grant that stands, spent or not; None where there is none."""
    parameters = {"hash": secret_hash, "now": work.now}
    row = await (await work.conn.execute(QUERIES["token"], parameters)).fetchone()
    if row is None:
        return None
    return Token(row[0], row[1], row[2], row[3], TokenKind(row[4]), tuple(row[5]), *row[6:])


async def revoke_grant(work: Work, outlet_id: UUID, grant_id: UUID) -> bool:
    """End a grant and all of its secrets; returns whether it stood."""
    parameters = {"outlet_id": outlet_id, "id": grant_id, "now": work.now}
    return (await work.conn.execute(QUERIES["revoke_grant"], parameters)).rowcount == 1


async def revoke_own(work: Work, account_id: UUID, grant_id: UUID) -> tuple[UUID, UUID] | None:
    """End a grant of an account's; returns its (outlet, membership), or None."""
    parameters = {"account_id": account_id, "id": grant_id, "now": work.now}
    row = await (await work.conn.execute(QUERIES["revoke_own"], parameters)).fetchone()
    return None if row is None else (row[0], row[1])


async def note_use(work: Work, token: Token) -> None:
    """Note that a grant was used now, unless that was noted within the minute."""
    before: datetime = work.now - USE_NOTED_EVERY
    if token.last_used_at is None or token.last_used_at < before:
        key = {"outlet_id": token.outlet_id, "id": token.grant_id}
        await work.conn.execute(QUERIES["note_use"], {**key, "now": work.now, "before": before})


async def grants(work: Work, account_id: UUID) -> list[Grant]:
    """Return what an account granted and did not take back, the newest first."""
    parameters = {"account_id": account_id, "limit": LISTED_MAX}
    rows = await (await work.conn.execute(QUERIES["grants"], parameters)).fetchall()
    return [Grant(row[0], row[1], row[2], row[3], tuple(row[4]), *row[5:]) for row in rows]


async def forget_tokens(work: Work, limit: int) -> int:
    """Remove up to ``limit`` secrets that ended long ago; returns how many."""
    parameters = {"before": work.now - KEPT_AFTER_END, "limit": limit}
    return (await work.conn.execute(QUERIES["forget_tokens"], parameters)).rowcount
