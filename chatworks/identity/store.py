"""Operators, one-time codes and sessions in the database. Secrets come in as hashes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from chatworks.identity.models import SESSION_IDLE_FOR, Operator, Session
from chatworks.kit.db import load_queries
from chatworks.kit.work import Work

QUERIES = load_queries(__package__)


async def add_first_operator(work: Work, outlet_id: UUID, name: str) -> bool:
    """Make ``name`` the owner of an outlet that has no operator yet; returns whether it was so."""
    parameters = {"outlet_id": outlet_id, "id": work.new_id(), "name": name, "now": work.now}
    return (await work.conn.execute(QUERIES["add_operator"], parameters)).rowcount == 1


async def operators(work: Work, outlet_id: UUID) -> list[Operator]:
    """Return an outlet's operators, the first one first."""
    cursor = await work.conn.execute(QUERIES["operators"], {"outlet_id": outlet_id})
    return [Operator(*row) for row in await cursor.fetchall()]


async def add_code(
    work: Work, operator: Operator, purpose: str, secret_hash: bytes, expires_at: datetime
) -> None:
    """Store a one-time code."""
    await work.conn.execute(
        QUERIES["add_code"],
        {
            "outlet_id": operator.outlet_id,
            "id": work.new_id(),
            "purpose": purpose,
            "operator_id": operator.id,
            "hash": secret_hash,
            "expires_at": expires_at,
        },
    )


async def spend_code(
    work: Work, purpose: str, secret_hash: bytes, outlet_id: UUID | None = None
) -> tuple[UUID, UUID] | None:
    """Spend a code; returns its (outlet, operator) to exactly one caller, None to all others."""
    parameters = {
        "hash": secret_hash,
        "purpose": purpose,
        "outlet_id": outlet_id,
        "now": work.now,
    }
    row = await (await work.conn.execute(QUERIES["spend_code"], parameters)).fetchone()
    return None if row is None else (row[0], row[1])


async def add_session(
    work: Work,
    owner: tuple[UUID, UUID],
    secret_hash: bytes,
    expires_at: datetime,
    device: tuple[str, str],
) -> None:
    """Store a session of (outlet, operator) on a ``device`` of (user agent, address)."""
    await work.conn.execute(
        QUERIES["add_session"],
        {
            "outlet_id": owner[0],
            "id": work.new_id(),
            "operator_id": owner[1],
            "hash": secret_hash,
            "expires_at": expires_at,
            "user_agent": device[0],
            "address": device[1],
            "now": work.now,
        },
    )


async def session(work: Work, secret_hash: bytes) -> Session | None:
    """Return the session behind a secret and note that it was seen; None where it has ended."""
    parameters = {
        "hash": secret_hash,
        "now": work.now,
        "idle_since": work.now - SESSION_IDLE_FOR,
    }
    row = await (await work.conn.execute(QUERIES["session"], parameters)).fetchone()
    if row is None:
        return None
    return Session(row[0], row[1], Operator(row[0], row[2], row[3], row[4]), *row[5:])


async def revoke(work: Work, secret_hash: bytes) -> None:
    """End a session at once."""
    await work.conn.execute(QUERIES["revoke"], {"hash": secret_hash, "now": work.now})


async def bind_staff(work: Work, outlet_id: UUID, operator_id: UUID, conversation_id: UUID) -> None:
    """Make a conversation a staff chat of an operator."""
    await work.conn.execute(
        QUERIES["bind_staff"],
        {
            "outlet_id": outlet_id,
            "operator_id": operator_id,
            "conversation_id": conversation_id,
            "now": work.now,
        },
    )


async def unbind_staff(work: Work, outlet_id: UUID, operator_id: UUID) -> int:
    """Remove an operator's staff chats; returns how many there were."""
    parameters = {"outlet_id": outlet_id, "operator_id": operator_id}
    return (await work.conn.execute(QUERIES["unbind_staff"], parameters)).rowcount


async def staff_chats(work: Work, outlets: Sequence[UUID]) -> list[tuple[UUID, UUID, str]]:
    """Return (outlet, conversation, language) of every staff chat of ``outlets``."""
    cursor = await work.conn.execute(QUERIES["staff_chats"], {"outlets": list(outlets)})
    return [(row[0], row[1], row[2]) for row in await cursor.fetchall()]


async def may_try(work: Work, scope: str, interval: timedelta, burst: int) -> bool:
    """Draw one try of ``scope`` by GCRA, atomically for all processes; closed when in doubt."""
    parameters = {
        "scope": scope,
        "now": work.now,
        "interval": interval,
        "tolerance": interval * (burst - 1),
    }
    return (await work.conn.execute(QUERIES["try"], parameters)).rowcount == 1
