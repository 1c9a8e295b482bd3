"""What may be changed about memberships. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from chatworks.access.core import OUTLET_ROLES
from chatworks.access.models import OWNER
from chatworks.kit.errors import Refusal
from chatworks.memberships.models import (
    VISIT_HOURS_MAX,
    LastOwner,
    Member,
    NoSuchMember,
    NoSuchRole,
    NotToOneself,
    WrongHours,
)

VISITING = ("read-only", "support", "operator")  # roles that a visit may have


def find(members: Sequence[Member], membership_id: UUID) -> Member | None:
    """Return the member of that id."""
    return next((member for member in members if member.id == membership_id), None)


def may_invite(role: str) -> Refusal | None:
    """Return why nobody is invited under ``role``: an outlet is handed over, not sent by mail."""
    return None if role in OUTLET_ROLES and role != OWNER else NoSuchRole(role)


def may_change(
    members: Sequence[Member], by: UUID, membership_id: UUID, role: str
) -> Refusal | None:
    """Return why ``by`` may not give a member ``role``."""
    member = find(members, membership_id)
    if role not in OUTLET_ROLES:
        return NoSuchRole(role)
    if membership_id == by:
        return NotToOneself()
    if member is None or member.ends_at is not None:
        return NoSuchMember()
    if member.role == OWNER and role != OWNER and _is_last(members, member):
        return LastOwner()
    return None


def may_hand_over(members: Sequence[Member], by: UUID, membership_id: UUID) -> Refusal | None:
    """Return why ``by`` may not make a member the owner in their own place."""
    giver, taker = find(members, by), find(members, membership_id)
    if membership_id == by:
        return NotToOneself()
    if taker is None or taker.ends_at is not None:
        return NoSuchMember()
    return None if giver is not None and giver.role == OWNER else NoSuchMember()


def may_go(members: Sequence[Member], membership_id: UUID) -> Refusal | None:
    """Return why a membership may not end."""
    member = find(members, membership_id)
    if member is None:
        return NoSuchMember()
    return LastOwner() if member.role == OWNER and _is_last(members, member) else None


def may_visit(hours: int, role: str) -> Refusal | None:
    """Return why a visit cannot be allowed so."""
    if role not in VISITING:
        return NoSuchRole(role)
    return None if 1 <= hours <= VISIT_HOURS_MAX else WrongHours(VISIT_HOURS_MAX)


def _is_last(members: Sequence[Member], owner: Member) -> bool:
    return not any(m.role == OWNER and m.ends_at is None and m.id != owner.id for m in members)
