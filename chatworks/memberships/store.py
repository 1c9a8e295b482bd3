"""Memberships as their outlet changes them, invitations and requests to visit."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from chatworks.kit.db import load_queries
from chatworks.kit.work import Work
from chatworks.memberships.models import Invitation, Member, VisitRequest

QUERIES = load_queries(__package__)

Key = tuple[UUID, UUID]  # outlet, and the id of a membership, an invitation or a request


def _key(work: Work, key: Key) -> dict[str, Any]:
    return {"outlet_id": key[0], "id": key[1], "now": work.now}


async def _changed(work: Work, name: str, parameters: dict[str, Any]) -> bool:
    return (await work.conn.execute(QUERIES[name], parameters)).rowcount == 1


async def members(work: Work, outlet_id: UUID) -> list[Member]:
    """Return who works in an outlet today, or visits it, the oldest membership first."""
    parameters = {"outlet_id": outlet_id, "now": work.now}
    cursor = await work.conn.execute(QUERIES["members"], parameters)
    return [Member(*row) for row in await cursor.fetchall()]


async def lock_members(work: Work, outlet_id: UUID) -> list[Member]:
    """Return the same, locked: nobody else changes who works there meanwhile."""
    parameters = {"outlet_id": outlet_id, "now": work.now}
    cursor = await work.conn.execute(QUERIES["lock_members"], parameters)
    return [Member(*row) for row in await cursor.fetchall()]


async def set_role(work: Work, key: Key, role: str) -> None:
    """Give a locked member a role."""
    await work.conn.execute(QUERIES["set_role"], {**_key(work, key), "role": role})


async def end_membership(work: Work, key: Key) -> None:
    """End a locked membership, with the chats that its alerts went to."""
    await work.conn.execute(QUERIES["end_membership"], _key(work, key))
    await work.conn.execute(QUERIES["forget_staff_chats"], _key(work, key))


async def add_visit(
    work: Work, request: VisitRequest, membership_id: UUID, role: str, ends_at: datetime
) -> bool:
    """Let the person of a request in; returns False where they are a member already."""
    parameters = {
        **_key(work, (request.outlet_id, membership_id)),
        "account_id": request.account_id,
        "name": request.name,
        "role": role,
        "ends_at": ends_at,
    }
    await work.conn.execute(QUERIES["end_old_visits"], parameters)
    return await _changed(work, "add_visit", parameters)


async def open_invitations(work: Work, outlet_id: UUID) -> list[Invitation]:
    """Return the invitations that can still be accepted."""
    parameters = {"outlet_id": outlet_id, "now": work.now}
    cursor = await work.conn.execute(QUERIES["open_invitations"], parameters)
    return [Invitation(*row) for row in await cursor.fetchall()]


async def add_invitation(work: Work, invitation: Invitation) -> None:
    """Store an invitation."""
    parameters = {
        **_key(work, (invitation.outlet_id, invitation.id)),
        "email": invitation.email,
        "role": invitation.role,
        "invited_by": invitation.invited_by,
        "expires_at": invitation.expires_at,
    }
    await work.conn.execute(QUERIES["add_invitation"], parameters)


async def withdraw(work: Work, key: Key) -> bool:
    """Take an invitation back; returns whether it was open."""
    return await _changed(work, "withdraw", _key(work, key))


async def invitation(work: Work, key: Key) -> tuple[Invitation, str] | None:
    """Lock an open invitation; returns it and the role that its sender has today."""
    row = await (await work.conn.execute(QUERIES["invitation"], _key(work, key))).fetchone()
    return None if row is None else (Invitation(*row[:6]), row[6])


async def accept(work: Work, key: Key, membership_id: UUID) -> None:
    """Note what became of a locked invitation."""
    parameters = {**_key(work, key), "membership_id": membership_id}
    await work.conn.execute(QUERIES["accept"], parameters)


async def ask_to_visit(work: Work, request: VisitRequest) -> bool:
    """Store a request; returns False where one of the same person is open."""
    parameters = {
        **_key(work, (request.outlet_id, request.id)),
        "account_id": request.account_id,
        "reason": request.reason,
    }
    return await _changed(work, "ask_to_visit", parameters)


async def visit_requests(work: Work, outlet_id: UUID) -> list[VisitRequest]:
    """Return the requests that wait for an answer."""
    cursor = await work.conn.execute(QUERIES["visit_requests"], {"outlet_id": outlet_id})
    return [VisitRequest(*row) for row in await cursor.fetchall()]


async def lock_visit_request(work: Work, key: Key) -> VisitRequest | None:
    """Lock a request of somebody who is of the platform today."""
    row = await (await work.conn.execute(QUERIES["lock_visit_request"], _key(work, key))).fetchone()
    return None if row is None else VisitRequest(*row)


async def answer_visit(work: Work, key: Key, membership_id: UUID | None) -> bool:
    """Note the answer to a request; returns whether it waited for one."""
    return await _changed(work, "answer_visit", {**_key(work, key), "membership_id": membership_id})


async def grant_platform_role(work: Work, account_id: UUID, role: str) -> bool:
    """Give an account a role of the platform; returns whether it is new."""
    parameters = {"account_id": account_id, "role": role, "now": work.now}
    return await _changed(work, "grant_platform_role", parameters)


async def platform_roles(work: Work, account_id: UUID) -> list[str]:
    """Return the roles of the platform that an account has today."""
    cursor = await work.conn.execute(QUERIES["platform_roles"], {"account_id": account_id})
    return [row[0] for row in await cursor.fetchall()]
