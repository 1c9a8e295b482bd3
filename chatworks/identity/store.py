"""Accounts, memberships, one-time codes, devices and sessions in the database.

Secrets come in as hashes. Statements that spend something are atomic: they give it to exactly one
of any number of callers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec

from chatworks.identity.models import (
    CODE_TRIES,
    CODES_KEPT,
    KEPT_AFTER_END,
    SESSION_IDLE_FOR,
    Account,
    Address,
    Browser,
    Chat,
    Details,
    Device,
    NewCode,
    NewSession,
    Operator,
    SeenSession,
    Session,
    SpentCode,
    Typed,
)
from chatworks.kit.db import load_queries
from chatworks.kit.work import Work

QUERIES = load_queries(__package__)


async def _run(work: Work, name: str, /, **parameters: Any) -> Any:
    return await work.conn.execute(QUERIES[name], {**parameters, "now": work.now})


async def _count(work: Work, name: str, /, **parameters: Any) -> int:
    return int((await _run(work, name, **parameters)).rowcount)


async def add_account(work: Work, account: Account) -> None:
    """Store a new account."""
    fields = {field: getattr(account, field) for field in account.__dataclass_fields__}
    await _run(work, "add_account", **fields)


async def account(work: Work, account_id: UUID) -> Account | None:
    """Return an account that is not closed."""
    row = await (await _run(work, "account", account_id=account_id)).fetchone()
    return None if row is None else Account(*row)


async def find_account(work: Work, kind: str, value: str) -> UUID | None:
    """Return whose verified address this is; ``value`` is in its normal form."""
    row = await (await _run(work, "find_account", kind=kind, value=value)).fetchone()
    return None if row is None else row[0]


async def lock_account(work: Work, account_id: UUID) -> None:
    """Have whoever changes this account's ways in do it one after the other."""
    await _run(work, "lock_account", account_id=account_id)


async def change_account(work: Work, account_id: UUID, details: Details) -> None:
    """Keep an account's details; its memberships of today bear its name."""
    await _run(
        work,
        "change_account",
        account_id=account_id,
        kind=details.kind,
        name=details.name,
        organisation_name=details.organisation_name or None,
        language=details.language,
        time_zone=details.time_zone,
    )
    await _run(work, "rename_member", account_id=account_id, name=details.name)


async def lock_address(work: Work, typed: Typed) -> None:
    """Wait until nobody else proves this address; the lock goes with the transaction."""
    await _run(work, "lock_address", kind=typed.kind, value=typed.value)


async def prove_address(work: Work, account_id: UUID, typed: Typed) -> None:
    """Make an address an account's own; whoever only claimed it has it no more."""
    about = {"account_id": account_id, "kind": typed.kind, "value": typed.value}
    await _run(work, "forget_claims", **about)
    await _run(work, "prove_address", id=work.new_id(), **about)


async def claim_address(work: Work, account_id: UUID, typed: Typed) -> None:
    """Note an address that an owner is still to verify: it claims nothing."""
    about = {"account_id": account_id, "kind": typed.kind, "value": typed.value}
    await _run(work, "claim_address", id=work.new_id(), **about)


async def addresses(work: Work, account_id: UUID) -> list[Address]:
    """Return an account's addresses, the main one first."""
    rows = await (await _run(work, "addresses", account_id=account_id)).fetchall()
    return [Address(*row) for row in rows]


async def main_address(work: Work, account_id: UUID, address_id: UUID) -> bool:
    """Make a verified address the main one; returns whether there is such a one."""
    return await _count(work, "main_address", account_id=account_id, id=address_id) > 0


async def remove_address(work: Work, account_id: UUID, address_id: UUID) -> None:
    """Remove an address; the oldest verified one is the main one then."""
    await _run(work, "remove_address", account_id=account_id, id=address_id)
    await _run(work, "next_main", account_id=account_id)


async def account_of_contact(work: Work, outlet_id: UUID, contact_id: UUID) -> UUID | None:
    """Return whose chat a contact is."""
    about = {"outlet_id": outlet_id, "contact_id": contact_id}
    row = await (await _run(work, "account_of_contact", **about)).fetchone()
    return None if row is None else row[0]


async def bind_contact(work: Work, account_id: UUID, outlet_id: UUID, contact_id: UUID) -> bool:
    """Make a contact an account's chat; returns whether it was nobody's."""
    about = {"account_id": account_id, "outlet_id": outlet_id, "contact_id": contact_id}
    return await _count(work, "bind_contact", **about) == 1


async def unbind_contact(work: Work, account_id: UUID, outlet_id: UUID, contact_id: UUID) -> bool:
    """Take a contact off an account; returns whether it was its."""
    about = {"account_id": account_id, "outlet_id": outlet_id, "contact_id": contact_id}
    return await _count(work, "unbind_contact", **about) == 1


async def chats(work: Work, account_id: UUID) -> list[Chat]:
    """Return an account's chats, the oldest first."""
    rows = await (await _run(work, "chats", account_id=account_id)).fetchall()
    return [Chat(*row) for row in rows]


async def has_members(work: Work, outlet_id: UUID) -> bool:
    """Return whether an outlet ever had a member; whoever asks as well waits for this end."""
    await _run(work, "lock_outlet", outlet_id=outlet_id)
    row = await (await _run(work, "has_members", outlet_id=outlet_id)).fetchone()
    return bool(row and row[0])


async def add_membership(work: Work, outlet_id: UUID, account_id: UUID, role: str) -> UUID | None:
    """Make an account a member; returns the membership's id, None where it is one already."""
    new_id = work.new_id()
    added = await _count(
        work, "add_membership", outlet_id=outlet_id, id=new_id, account_id=account_id, role=role
    )
    return new_id if added else None


async def operators(work: Work, outlet_id: UUID) -> list[Operator]:
    """Return an outlet's members of today, the first one first."""
    rows = await (await _run(work, "operators", outlet_id=outlet_id)).fetchall()
    return [Operator(*row) for row in rows]


async def memberships(work: Work, account_id: UUID) -> list[Operator]:
    """Return where an account is a member today, the oldest first."""
    rows = await (await _run(work, "memberships", account_id=account_id)).fetchall()
    return [Operator(*row) for row in rows]


async def add_code(work: Work, code: NewCode) -> UUID:
    """Store a one-time code; returns its id."""
    new_id = work.new_id()
    await _run(
        work,
        "add_code",
        id=new_id,
        purpose=code.purpose,
        account_id=code.account_id,
        about=_json(code.about),
        hash=code.secret_hash,
        tries=CODE_TRIES,
        expires_at=code.expires_at,
    )
    return new_id


async def spend_code(
    work: Work, purpose: str, secret_hash: bytes, about: Mapping[str, str]
) -> SpentCode | None:
    """Spend a code by its secret; it is given to exactly one caller, None to all others."""
    cursor = await _run(work, "spend_code", hash=secret_hash, purpose=purpose, about=_json(about))
    row = await cursor.fetchone()
    return None if row is None else SpentCode(*row)


async def try_code(
    work: Work, purpose: str, ticket: UUID, secret_hash: bytes, about: Mapping[str, str]
) -> SpentCode | None:
    """Try a code by its ticket: the right one spends it, a wrong one leaves one try less."""
    cursor = await _run(
        work, "try_code", id=ticket, hash=secret_hash, purpose=purpose, about=_json(about)
    )
    row = await cursor.fetchone()
    return SpentCode(*row[1:]) if row and row[0] else None


async def code_account(work: Work, ticket: UUID) -> UUID | None:
    """Return whose account a code is about."""
    row = await (await _run(work, "code_account", id=ticket)).fetchone()
    return None if row is None else row[0]


async def spend_codes(work: Work, account_id: UUID, purposes: Sequence[str]) -> None:
    """Spend every code of an account that was issued for one of ``purposes``."""
    await _run(work, "spend_codes", account_id=account_id, purposes=list(purposes))


def _json(about: Mapping[str, str]) -> str:
    return msgspec.json.encode(dict(about)).decode()


async def known_device(
    work: Work, account_id: UUID, hashes: Sequence[bytes], browser: Browser
) -> UUID | None:
    """Return the device of ``account_id`` behind one of these secrets, and note that it came."""
    cursor = await _run(
        work,
        "known_device",
        account_id=account_id,
        hashes=list(hashes),
        user_agent=browser.user_agent,
        address=browser.address,
    )
    row = await cursor.fetchone()
    return None if row is None else row[0]


async def knows_device(work: Work, account_id: UUID, hashes: Sequence[bytes]) -> UUID | None:
    """Return the device of ``account_id`` behind one of these secrets."""
    cursor = await _run(work, "knows_device", account_id=account_id, hashes=list(hashes))
    row = await cursor.fetchone()
    return None if row is None else row[0]


async def add_device(work: Work, account_id: UUID, secret_hash: bytes, browser: Browser) -> UUID:
    """Store a browser that an account has not come from before."""
    new_id = work.new_id()
    await _run(
        work,
        "add_device",
        account_id=account_id,
        id=new_id,
        hash=secret_hash,
        user_agent=browser.user_agent,
        address=browser.address,
    )
    return new_id


async def confirm_device(work: Work, account_id: UUID, device_id: UUID) -> bool:
    """Note that a device was confirmed through another channel; returns whether it was news."""
    return await _count(work, "confirm_device", account_id=account_id, id=device_id) == 1


async def devices(work: Work, account_id: UUID) -> list[Device]:
    """Return the browsers that an account is known from, the latest first."""
    rows = await (await _run(work, "devices", account_id=account_id)).fetchall()
    return [Device(*row) for row in rows]


async def forget_device(work: Work, account_id: UUID, device_id: UUID) -> bool:
    """Forget a device and end its sessions; returns whether there was one."""
    await _run(work, "revoke_device", account_id=account_id, id=device_id)
    return await _count(work, "forget_device", account_id=account_id, id=device_id) == 1


async def add_session(work: Work, new: NewSession, browser: Browser) -> UUID:
    """Store a session; returns its id."""
    new_id = work.new_id()
    await _run(
        work,
        "add_session",
        id=new_id,
        account_id=new.account_id,
        device_id=new.device_id,
        outlet_id=new.operator and new.operator.outlet_id,
        membership_id=new.operator and new.operator.id,
        hash=new.secret_hash,
        expires_at=new.expires_at,
        user_agent=browser.user_agent,
        address=browser.address,
        methods=sorted(new.methods),
    )
    return new_id


async def session(work: Work, secret_hash: bytes) -> Session | None:
    """Return the session behind a secret and note that it was seen; None where it has ended."""
    cursor = await _run(work, "session", hash=secret_hash, idle_since=work.now - SESSION_IDLE_FOR)
    row = await cursor.fetchone()
    if row is None:
        return None
    methods, fresh_at, created_at, last_seen_at, user_agent = row[3:8]
    operator = None if row[9] is None else Operator(*row[8:])
    return Session(
        row[0],
        row[1],
        row[2],
        frozenset(methods),
        fresh_at,
        created_at,
        last_seen_at,
        user_agent,
        operator,
    )


async def refresh(work: Work, session: Session, secret_hash: bytes, method: str) -> bool:
    """Give a session another secret, a method more, and a fresh factor."""
    owner = {"id": session.id, "account_id": session.account_id}
    return await _count(work, "refresh", **owner, hash=secret_hash, method=method) == 1


async def switch(work: Work, session: Session, secret_hash: bytes, outlet_id: UUID) -> bool:
    """Show another outlet of the account's in a session, under another secret."""
    owner = {"id": session.id, "account_id": session.account_id}
    return await _count(work, "switch", **owner, hash=secret_hash, outlet_id=outlet_id) == 1


async def sessions(work: Work, account_id: UUID) -> list[SeenSession]:
    """Return an account's live sessions, the latest first."""
    cursor = await _run(
        work, "sessions", account_id=account_id, idle_since=work.now - SESSION_IDLE_FOR
    )
    return [SeenSession(*row) for row in await cursor.fetchall()]


async def revoke(work: Work, secret_hash: bytes) -> tuple[UUID, UUID] | None:
    """End a session at once; returns its (id, account)."""
    row = await (await _run(work, "revoke", hash=secret_hash)).fetchone()
    return None if row is None else (row[0], row[1])


async def revoke_one(work: Work, account_id: UUID, session_id: UUID) -> bool:
    """End one session of an account; returns whether it was alive."""
    return await _count(work, "revoke_one", account_id=account_id, id=session_id) == 1


async def revoke_all(work: Work, account_id: UUID, but: UUID | None) -> int:
    """End an account's sessions ``but`` one; returns how many."""
    return await _count(work, "revoke_all", account_id=account_id, but=but)


async def forget_old(work: Work, limit: int) -> int:
    """Remove what is kept no longer, up to ``limit`` rows of each kind; returns how many."""
    ended = {"before": work.now - KEPT_AFTER_END, "limit": limit}
    gone = await _count(work, "forget_sessions", **ended, idle=SESSION_IDLE_FOR)
    gone += await _count(work, "forget_devices", **ended)
    return gone + await _count(work, "forget_codes", before=work.now - CODES_KEPT, limit=limit)


async def bind_staff(work: Work, operator: Operator, conversation_id: UUID) -> None:
    """Make a conversation a staff chat of an operator."""
    await _run(
        work,
        "bind_staff",
        outlet_id=operator.outlet_id,
        operator_id=operator.id,
        conversation_id=conversation_id,
    )


async def unbind_staff(work: Work, outlet_id: UUID, operator_id: UUID) -> int:
    """Remove an operator's staff chats; returns how many there were."""
    return await _count(work, "unbind_staff", outlet_id=outlet_id, operator_id=operator_id)


async def staff_chats(work: Work, outlets: Sequence[UUID]) -> list[tuple[UUID, UUID, str]]:
    """Return (outlet, conversation, language) of every staff chat of ``outlets``."""
    cursor = await _run(work, "staff_chats", outlets=list(outlets))
    return [(row[0], row[1], row[2]) for row in await cursor.fetchall()]


async def may_try(work: Work, scope: str, interval: timedelta, burst: int) -> bool:
    """Draw one try of ``scope`` by GCRA, atomically for all processes; closed when in doubt."""
    tolerance = interval * (burst - 1)
    return await _count(work, "try", scope=scope, interval=interval, tolerance=tolerance) == 1


async def may_try_all(work: Work, budgets: Mapping[str, tuple[timedelta, int]]) -> bool:
    """Draw one try of every scope of ``budgets`` (interval, burst); one that is spent refuses."""
    scopes = sorted(budgets)  # concurrent callers lock in one order
    drawn = [await may_try(work, scope, *budgets[scope]) for scope in scopes]
    return all(drawn)
