"""Attempts and identities in the database. Secrets come in as hashes."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

from chatworks.federation.models import ATTEMPT_FOR, Attempt, Identity, Person, Purpose
from chatworks.kit.db import load_queries
from chatworks.kit.work import Work

QUERIES = load_queries(__package__)


async def _run(work: Work, name: str, /, **parameters: Any) -> Any:
    return await work.conn.execute(QUERIES[name], {**parameters, "now": work.now})


async def add_attempt(work: Work, attempt: Attempt, hashes: tuple[bytes, bytes]) -> None:
    """Store an attempt by the hashes of (state, browser's secret)."""
    await _run(
        work,
        "add_attempt",
        state=hashes[0],
        browser=hashes[1],
        provider=attempt.provider,
        purpose=attempt.purpose,
        account_id=attempt.account_id,
        back=attempt.back,
        language=attempt.language,
        expires_at=work.now + ATTEMPT_FOR,
    )


async def spend_attempt(work: Work, provider: str, hashes: tuple[bytes, bytes]) -> Attempt | None:
    """Spend an attempt; it is given to exactly one caller, None to all others."""
    cursor = await _run(
        work, "spend_attempt", provider=provider, state=hashes[0], browser=hashes[1]
    )
    row = await cursor.fetchone()
    return None if row is None else Attempt(row[0], Purpose(row[1]), *row[2:])


async def forget_attempts(work: Work, limit: int) -> int:
    """Remove attempts that nobody came back from."""
    return int((await _run(work, "forget_attempts", limit=limit)).rowcount)


async def owner(work: Work, person: Person) -> UUID | None:
    """Return whose identity this is."""
    cursor = await _run(work, "owner", issuer=person.issuer, subject=person.subject)
    row = await cursor.fetchone()
    return None if row is None else row[0]


async def used(work: Work, person: Person) -> None:
    """Note that an identity signed somebody in."""
    await _run(work, "used", issuer=person.issuer, subject=person.subject)


async def link(work: Work, account_id: UUID, provider: str, person: Person) -> UUID | None:
    """Connect an identity; returns its id, or None where it is connected already."""
    new_id = work.new_id()
    cursor = await _run(
        work,
        "link",
        account_id=account_id,
        id=new_id,
        provider=provider,
        issuer=person.issuer,
        subject=person.subject,
    )
    return new_id if cursor.rowcount else None


async def identities(work: Work, account_id: UUID) -> list[Identity]:
    """Return the identities of an account, the first one first."""
    rows = await (await _run(work, "identities", account_id=account_id)).fetchall()
    return [Identity(*row) for row in rows]


async def lock_account(work: Work, account_id: UUID) -> bool:
    """Wait for whoever else changes an account's ways in; returns whether it is open."""
    return await (await _run(work, "lock_account", account_id=account_id)).fetchone() is not None


async def ways_in(work: Work, account_id: UUID, providers: Collection[str]) -> int:
    """Return by how many ways this account can be signed in to today."""
    cursor = await _run(work, "ways_in", account_id=account_id, providers=list(providers))
    return int((await cursor.fetchone())[0])


async def unlink(work: Work, account_id: UUID, identity_id: UUID) -> bool:
    """Disconnect an identity; returns whether it was this account's."""
    cursor = await _run(work, "unlink", account_id=account_id, id=identity_id)
    return bool(cursor.rowcount)
