"""Commands about memberships, their results and refusals."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from chatworks.commands.models import Command
from chatworks.kit.datamap import Basis, DataMap, Erasure, Personal, operational
from chatworks.kit.errors import Refusal

INVITED_FOR = timedelta(days=7)
OPEN_INVITATIONS_MAX = 50  # of one outlet
VISIT_HOURS_MAX = 72
REASON_LENGTH_MAX = 300
PURPOSE = "invitation"  # of the one-time code behind a link


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody who works in an outlet, or visits it until ``ends_at``."""

    id: UUID
    name: str
    role: str
    joined_at: datetime
    ends_at: datetime | None
    last_seen_at: datetime | None


@dataclass(frozen=True, slots=True)
class Invitation:
    """An invitation that can still be accepted."""

    outlet_id: UUID
    id: UUID
    email: str
    role: str
    invited_by: UUID
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class VisitRequest:
    """Somebody of the platform who asks to be let in."""

    outlet_id: UUID
    id: UUID
    account_id: UUID
    name: str
    reason: str
    asked_at: datetime


@dataclass(frozen=True, slots=True)
class Invited:
    """An invitation was sent."""

    invitation_id: UUID


@dataclass(frozen=True, slots=True)
class Invite(Command[Invited]):
    """Send a link to ``email`` that makes whoever opens it a member with ``role``."""

    email: str
    role: str


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """Whether the invitation could still be withdrawn."""

    done: bool


@dataclass(frozen=True, slots=True)
class WithdrawInvitation(Command[Withdrawn]):
    """Make the link of an invitation useless."""

    invitation_id: UUID


@dataclass(frozen=True, slots=True)
class RoleChanged:
    """The role that a member had before."""

    before: str


@dataclass(frozen=True, slots=True)
class ChangeRole(Command[RoleChanged]):
    """Give another member another role."""

    membership_id: UUID
    role: str


@dataclass(frozen=True, slots=True)
class HandedOver:
    """Who owned the outlet before."""

    before: UUID


@dataclass(frozen=True, slots=True)
class HandOver(Command[HandedOver]):
    """Make another member the owner in one's own place, and become an operator."""

    membership_id: UUID


@dataclass(frozen=True, slots=True)
class Left:
    """The role of the member who is gone."""

    role: str


@dataclass(frozen=True, slots=True)
class RemoveMember(Command[Left]):
    """End another one's membership, or a visit, at once."""

    membership_id: UUID


@dataclass(frozen=True, slots=True)
class Leave(Command[Left]):
    """End one's own membership at once."""


@dataclass(frozen=True, slots=True)
class VisitAnswered:
    """The visit that was allowed; None where it was refused."""

    membership_id: UUID | None


@dataclass(frozen=True, slots=True)
class AnswerVisit(Command[VisitAnswered]):
    """Let somebody of the platform in for ``hours`` with ``role``; with 0 hours, refuse."""

    request_id: UUID
    hours: int
    role: str = "read-only"


class NoSuchRole(Refusal):
    """An outlet has no such role, or it is not given this way."""


class NoSuchMember(Refusal):
    """Nobody of that id works here (any more)."""


class NotToOneself(Refusal):
    """A change of one's own role is for somebody else to make."""


class LastOwner(Refusal):
    """An outlet always has an owner."""


class WrongEmail(Refusal):
    """This is no e-mail address."""


class TooManyInvitations(Refusal):
    """Too many invitations are open."""


class NoSuchRequest(Refusal):
    """The request was answered already, or never made."""


class WrongHours(Refusal):
    """A visit lasts 1 to 72 hours."""


class CannotAccept(Refusal):
    """The link was used, withdrawn, is too old, or whoever sent it may not invite any more."""


def _personal(subject: str, category: str, purpose: str, retention: str) -> Personal:
    return Personal(
        category=category,
        subject=subject,
        purpose=purpose,
        basis=Basis.CONTRACT,
        retention=retention,
        visible=("self", "operator"),
        erasure=Erasure.DELETE_ROW,
    )


DATA_MAP: DataMap = {
    "invitation": {
        "outlet_id": operational("tenant"),
        "id": operational("identifier"),
        "email": _personal(
            "invited person", "user.account.email", "invite a colleague", "answered + 1 year"
        ),
        "role": operational("what they would be allowed to do"),
        "invited_by": operational("by which member; the person is in membership"),
        "created_at": operational("when"),
        "expires_at": operational("until when"),
        "withdrawn_at": operational("when it was taken back"),
        "accepted_at": operational("when it was accepted"),
        "membership_id": operational("what became of it"),
    },
    "visit_request": {
        "outlet_id": operational("tenant"),
        "id": operational("identifier"),
        "account_id": operational("whose; the person is in account"),
        "reason": _personal(
            "account_id", "user.content.private", "tell the outlet why", "answered + 1 year"
        ),
        "asked_at": operational("when"),
        "answered_at": operational("when the outlet answered"),
        "membership_id": operational("the visit that was allowed"),
    },
}
