"""Factors, passkeys, recoveries and step-ups in the database.

Secrets come in sealed or as hashes. Statements that spend something are atomic: they give it to
exactly one of any number of callers.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from psycopg import AsyncCursor

from chatworks.factors.models import (
    CHALLENGE_FOR,
    LEFTOVERS_KEPT,
    SETUP_FOR,
    STEP_UP_FOR,
    TELL_AGAIN,
    Factors,
    NewPasskey,
    Passkey,
    Recovery,
    Standing,
    StepUp,
)
from chatworks.identity.models import Session
from chatworks.kit.db import load_queries
from chatworks.kit.work import Work

QUERIES = load_queries(__package__)


async def _run(work: Work, query: str, /, **parameters: Any) -> AsyncCursor[Any]:
    return await work.conn.execute(QUERIES[query], {"now": work.now, **parameters})


async def _count(work: Work, query: str, /, **parameters: Any) -> int:
    return (await _run(work, query, **parameters)).rowcount


async def _row(work: Work, query: str, /, **parameters: Any) -> Any:
    return await (await _run(work, query, **parameters)).fetchone()


async def _yes(work: Work, query: str, /, **parameters: Any) -> bool:
    return bool((await _row(work, query, **parameters))[0])


# What an account has


async def factors(work: Work, account_id: UUID) -> Factors:
    """Return what an account has set."""
    return Factors(*await _row(work, "factors", account_id=account_id))


async def standing(work: Work, session: Session) -> Standing:
    """Return what there is to know before every page of a session."""
    shown = session.operator
    row = await _row(
        work,
        "standing",
        account_id=session.account_id,
        device_id=session.device_id,
        outlet_id=None if shown is None else shown.outlet_id,
    )
    return Standing(Factors(*row[:6]), *row[6:])


async def first_device(work: Work, account_id: UUID) -> bool:
    """Return whether the account never came from more than one device."""
    return await _yes(work, "first_device", account_id=account_id)


async def label(work: Work, account_id: UUID) -> tuple[str, str, str]:
    """Return what tells an account apart (its main address, else its name), its name, language."""
    row = await _row(work, "account_label", account_id=account_id)
    return row[0], row[1], row[2]


async def addresses(work: Work, account_id: UUID) -> list[tuple[UUID, str, str, datetime]]:
    """Return (id, kind, value, since) of the account's verified addresses, the main one first."""
    return list(await (await _run(work, "addresses", account_id=account_id)).fetchall())


async def chats(work: Work, account_id: UUID) -> list[tuple[UUID, UUID, UUID, str, str, datetime]]:
    """Return (outlet, contact, conversation, kind of channel, outlet's name, since) of chats."""
    return list(await (await _run(work, "chats", account_id=account_id)).fetchall())


async def lock_account(work: Work, account_id: UUID) -> None:
    """Have what changes this account's factors happen one after the other."""
    await _run(work, "lock_account", account_id=account_id)


# Authenticator apps


async def begin_totp(work: Work, account_id: UUID, totp_id: UUID, sealed: bytes) -> bool:
    """Store a secret that counts for nothing yet; False where one that counts is there."""
    return await _count(work, "begin_totp", account_id=account_id, id=totp_id, sealed=sealed) == 1


async def totp(work: Work, account_id: UUID) -> tuple[UUID, bytes, bool] | None:
    """Return (id, sealed secret, whether it counts); None where setting it up took too long."""
    row = await _row(work, "totp", account_id=account_id, begun_after=work.now - SETUP_FOR)
    return None if row is None else (row[0], row[1], row[2])


async def spend_step(work: Work, account_id: UUID, totp_id: UUID, step: int) -> bool:
    """Spend a step and all before it; True for exactly one caller."""
    return await _count(work, "spend_step", account_id=account_id, id=totp_id, step=step) == 1


async def confirm_totp(work: Work, account_id: UUID, totp_id: UUID, step: int) -> bool:
    """Let a secret count from now on, and spend the step that confirmed it."""
    return await _count(work, "confirm_totp", account_id=account_id, id=totp_id, step=step) == 1


async def remove_totp(work: Work, account_id: UUID) -> bool:
    """Remove the authenticator app; returns whether there was one that counted."""
    return await _count(work, "remove_totp", account_id=account_id) == 1


# Recovery codes


async def replace_recovery_codes(work: Work, account_id: UUID, hashes: Sequence[bytes]) -> None:
    """Store these recovery codes in place of all others."""
    await lock_account(work, account_id)
    await _run(work, "remove_recovery_codes", account_id=account_id)
    if hashes:
        ids = [work.new_id() for _ in hashes]
        await _run(work, "add_recovery_codes", account_id=account_id, ids=ids, hashes=list(hashes))


async def burn_recovery_code(work: Work, account_id: UUID, secret_hash: bytes) -> bool:
    """Burn one recovery code; True for exactly one caller."""
    return await _count(work, "burn_recovery_code", account_id=account_id, hash=secret_hash) == 1


# What an outlet demands


async def demanded(work: Work, outlet_id: UUID) -> bool:
    """Return whether an outlet demands a second factor of its staff."""
    return await _yes(work, "demanded", outlet_id=outlet_id)


async def demand(work: Work, outlet_id: UUID, *, wanted: bool) -> None:
    """Have an outlet demand a second factor, or stop."""
    await _run(work, "demand" if wanted else "stop_demanding", outlet_id=outlet_id)


async def without_second(work: Work, outlet_id: UUID) -> list[str]:
    """Return the names of an outlet's members who have no second factor."""
    rows = await (await _run(work, "without_second", outlet_id=outlet_id)).fetchall()
    return [row[0] for row in rows]


# Step-ups


async def add_step_up(
    work: Work, session: Session, operation: bytes, asks: str, said: dict[str, str]
) -> UUID:
    """Store that a session is asked for a fresh factor for one operation; returns its id."""
    new_id = work.new_id()
    await _run(
        work,
        "add_step_up",
        id=new_id,
        account_id=session.account_id,
        session_id=session.id,
        operation=operation,
        asks=asks,
        said=msgspec.json.encode(said).decode(),
        expires_at=work.now + STEP_UP_FOR,
    )
    return new_id


async def step_up(work: Work, step_up_id: UUID, session: Session) -> StepUp | None:
    """Return a step-up of this very session that can still be spent."""
    whose = {"account_id": session.account_id, "session_id": session.id}
    row = await _row(work, "step_up", id=step_up_id, **whose)
    return None if row is None else StepUp(*row)


async def prove_step_up(work: Work, asked: StepUp, method: str) -> bool:
    """Note which factor was shown; True once."""
    whose = {"session_id": asked.session_id, "account_id": asked.account_id}
    return await _count(work, "prove_step_up", id=asked.id, **whose, method=method) == 1


async def spend_step_up(
    work: Work, step_up_id: UUID, session_id: UUID, account_id: UUID, operation: bytes
) -> bool:
    """Spend a proved step-up on its operation; True for exactly one caller."""
    whose = {"session_id": session_id, "account_id": account_id}
    return await _count(work, "spend_step_up", id=step_up_id, **whose, operation=operation) == 1


async def forget_old(work: Work, limit: int) -> int:
    """Remove step-ups and challenges that nobody can use any more; returns how many."""
    before = work.now - LEFTOVERS_KEPT
    gone = await _count(work, "forget_step_ups", before=before, limit=limit)
    return gone + await _count(work, "forget_challenges", before=before, limit=limit)


# Recoveries


async def begin_recovery(work: Work, account_id: UUID) -> bool:
    """Begin a recovery; False where one is open."""
    return await _count(work, "begin_recovery", account_id=account_id, id=work.new_id()) == 1


async def recovery(work: Work, account_id: UUID) -> Recovery | None:
    """Return the recovery that is open."""
    row = await _row(work, "recovery", account_id=account_id)
    return None if row is None else Recovery(*row)


async def recovery_by_id(work: Work, recovery_id: UUID) -> Recovery | None:
    """Return a recovery that is open, by its id."""
    row = await _row(work, "recovery_by_id", id=recovery_id)
    return None if row is None else Recovery(*row)


async def prove_recovery(work: Work, asked: Recovery, kind: str) -> list[str] | None:
    """Note that a code came back over a kind of way; returns all kinds, None where it was noted."""
    row = await _row(work, "prove_recovery", account_id=asked.account_id, id=asked.id, kind=kind)
    return None if row is None else row[0]


async def start_recovery(work: Work, asked: Recovery, due_at: datetime) -> bool:
    """Let a recovery wait until ``due_at``; True once."""
    whose = {"account_id": asked.account_id, "id": asked.id}
    return await _count(work, "start_recovery", **whose, due_at=due_at) == 1


async def end_recovery(work: Work, asked: Recovery, how: str) -> bool:
    """End a recovery; True for exactly one caller."""
    whose = {"account_id": asked.account_id, "id": asked.id}
    return await _count(work, "end_recovery", **whose, how=how) == 1


async def due_recoveries(work: Work, limit: int) -> list[Recovery]:
    """Lock and return recoveries whose time has come, or whose ways are to be told again."""
    cursor = await _run(work, "due_recoveries", told_before=work.now - TELL_AGAIN, limit=limit)
    return [Recovery(*row) for row in await cursor.fetchall()]


async def told(work: Work, asked: Recovery) -> None:
    """Note that every way was told just now."""
    await _run(work, "tell_again", account_id=asked.account_id, id=asked.id)


async def give_up_recoveries(work: Work, begun_before: timedelta) -> list[UUID]:
    """End recoveries that were begun long ago and never proved; returns whose they were."""
    cursor = await _run(work, "give_up_recoveries", before=work.now - begun_before)
    return [row[0] for row in await cursor.fetchall()]


# Passkeys


async def add_challenge(
    work: Work, purpose: str, session_id: UUID | None, challenge: bytes
) -> UUID:
    """Store a challenge; returns its ticket."""
    new_id = work.new_id()
    await _run(
        work,
        "add_challenge",
        id=new_id,
        purpose=purpose,
        session_id=session_id,
        challenge=challenge,
        expires_at=work.now + CHALLENGE_FOR,
    )
    return new_id


async def spend_challenge(
    work: Work, ticket: UUID, purpose: str, session_id: UUID | None
) -> bytes | None:
    """Spend a challenge; returns it to exactly one caller."""
    row = await _row(work, "spend_challenge", id=ticket, purpose=purpose, session_id=session_id)
    return None if row is None else bytes(row[0])


async def add_passkey(work: Work, account_id: UUID, new: NewPasskey) -> UUID | None:
    """Store a passkey; returns its id, None where it is somebody's already."""
    new_id = work.new_id()
    added = await _count(
        work,
        "add_passkey",
        account_id=account_id,
        id=new_id,
        credential_id=new.credential_id,
        public_key=new.public_key,
        sign_count=new.sign_count,
        name=new.name,
        transports=new.transports,
        synced=new.synced,
    )
    return new_id if added else None


async def passkeys(work: Work, account_id: UUID) -> list[Passkey]:
    """Return an account's passkeys, the oldest first."""
    rows = await (await _run(work, "passkeys", account_id=account_id)).fetchall()
    return [Passkey(*row) for row in rows]


async def passkey(work: Work, credential_id: bytes) -> Passkey | None:
    """Return the passkey with this credential id."""
    row = await _row(work, "passkey", credential_id=credential_id)
    return None if row is None else Passkey(*row)


async def use_passkey(work: Work, key: Passkey, sign_count: int, *, synced: bool) -> bool:
    """Note that a passkey signed; False where its count went back."""
    whose = {"account_id": key.account_id, "id": key.id}
    return await _count(work, "use_passkey", **whose, sign_count=sign_count, synced=synced) == 1


async def doubt_passkey(work: Work, key: Passkey) -> None:
    """Note that a passkey's count went back."""
    await _run(work, "doubt_passkey", account_id=key.account_id, id=key.id)


async def rename_passkey(work: Work, account_id: UUID, passkey_id: UUID, name: str) -> bool:
    """Give a passkey another name."""
    return (
        await _count(work, "rename_passkey", account_id=account_id, id=passkey_id, name=name) == 1
    )


async def remove_passkey(work: Work, account_id: UUID, passkey_id: UUID) -> bool:
    """Remove a passkey; returns whether there was one."""
    return await _count(work, "remove_passkey", account_id=account_id, id=passkey_id) == 1


async def add_passkey_second(work: Work, account_id: UUID) -> bool:
    """Ask for a passkey after a first factor; False where there is none, or it is so already."""
    return await _count(work, "add_passkey_second", account_id=account_id) == 1


async def remove_passkey_second(work: Work, account_id: UUID) -> bool:
    """Ask for no passkey after a first factor any more; returns whether it was so."""
    return await _count(work, "remove_passkey_second", account_id=account_id) == 1
