"""Handles the commands about memberships, and what people of the platform and invited ones do.

All of it runs under the engine's login: accounts are in no outlet. The commands name the outlet.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from chatworks.access.core import OUTLET_ROLES, PLATFORM_ROLES, may
from chatworks.access.models import OWNER
from chatworks.audit import store as audit
from chatworks.audit.models import Leaf
from chatworks.commands.models import Call
from chatworks.identity import store as identity
from chatworks.identity.models import CodeForm
from chatworks.identity.service import issue_code, spend_code
from chatworks.kit.addresses import email_of
from chatworks.kit.errors import Invalid, NotFound, Refusal
from chatworks.kit.work import Work
from chatworks.mail.service import queue
from chatworks.memberships import core, store
from chatworks.memberships.models import (
    INVITED_FOR,
    OPEN_INVITATIONS_MAX,
    PURPOSE,
    REASON_LENGTH_MAX,
    CannotAccept,
    HandedOver,
    Invitation,
    Invited,
    Left,
    NoSuchMember,
    NoSuchRequest,
    RoleChanged,
    TooManyInvitations,
    VisitAnswered,
    VisitRequest,
    Withdrawn,
    WrongEmail,
)
from chatworks.outlets.models import Outlet

INVITATION = """{inviter} invites you to work with {outlet} on ChatWorks, as “{role}”.

Open this link to accept. It is good for seven days and works once:

{link}

If you do not know {outlet}, do nothing: nothing happens.
"""


class Inviter:
    """Handles ``Invite``; ``address`` is where the installation is reached."""

    def __init__(self, address: str, outlet_of: Callable[[UUID], Awaitable[Outlet]]) -> None:
        self._address = address
        self._outlet_of = outlet_of

    async def __call__(self, work: Work, calls: Sequence[Call[Any]]) -> list[Invited | Refusal]:
        """Store each invitation and queue its e-mail, in the command's transaction."""
        return [await self._one(work, call) for call in calls]

    async def _one(self, work: Work, call: Call[Any]) -> Invited | Refusal:
        refused = core.may_invite(call.request.role)
        if refused is not None:
            return refused
        try:
            email = email_of(call.request.email)
        except Invalid as error:
            return WrongEmail(str(error))
        inviter = core.find(await store.lock_members(work, call.outlet_id), UUID(call.actor.id))
        if inviter is None:
            return NoSuchMember()
        if len(await store.open_invitations(work, call.outlet_id)) >= OPEN_INVITATIONS_MAX:
            return TooManyInvitations(OPEN_INVITATIONS_MAX)
        invitation = Invitation(
            outlet_id=call.outlet_id,
            id=work.new_id(),
            email=email,
            role=call.request.role,
            invited_by=inviter.id,
            expires_at=work.now + INVITED_FOR,
        )
        await store.add_invitation(work, invitation)
        await self._send(work, invitation, inviter.name)
        return Invited(invitation.id)

    async def _send(self, work: Work, invitation: Invitation, inviter: str) -> None:
        about = {"outlet": invitation.outlet_id.hex, "invitation": invitation.id.hex}
        issued = await issue_code(work, PURPOSE, None, about, CodeForm.LINK)
        outlet = await self._outlet_of(invitation.outlet_id)
        text = INVITATION.format(
            inviter=inviter,
            outlet=outlet.name,
            role=OUTLET_ROLES[invitation.role].title,
            link=f"{self._address}/account/invitation?key={issued.secret}",
        )
        queue(
            work,
            invitation.email,
            f"{outlet.name} invites you to ChatWorks",
            text,
            good_for=INVITED_FOR,
        )


async def withdraw(work: Work, calls: Sequence[Call[Any]]) -> list[Withdrawn | Refusal]:
    """Handle ``WithdrawInvitation``."""
    return [
        Withdrawn(await store.withdraw(work, (call.outlet_id, call.request.invitation_id)))
        for call in calls
    ]


async def accept(work: Work, account_id: UUID, secret: str) -> UUID | Refusal:
    """Make an account a member by the link of an invitation; returns the outlet.

    The link is spent whatever comes of it. Whoever sent it must still be allowed to invite.
    """
    spent = await spend_code(work, PURPOSE, secret)
    if spent is None:
        return CannotAccept()
    key = (UUID(hex=spent.about["outlet"]), UUID(hex=spent.about["invitation"]))
    found = await store.invitation(work, key)
    if found is None or not may(found[1], "people.write"):
        return CannotAccept()
    invitation = found[0]
    membership_id = await identity.add_membership(work, key[0], account_id, invitation.role)
    if membership_id is None:  # they are a member already: their role stays as it is
        return CannotAccept()
    await store.accept(work, key, membership_id)
    leaf = Leaf(
        outlet_id=key[0],
        actor_kind="account",
        actor_id=account_id.hex,
        action="memberships.Accept",
        object_kind="membership",
        object_id=membership_id.hex,
        details={"invitation": invitation.id.hex, "role": invitation.role},
    )
    work.defer(audit.append, leaf)
    return key[0]


async def change_roles(work: Work, calls: Sequence[Call[Any]]) -> list[RoleChanged | Refusal]:
    """Handle ``ChangeRole``."""
    answers: list[RoleChanged | Refusal] = []
    for call in calls:
        members = await store.lock_members(work, call.outlet_id)
        wanted = call.request
        refused = core.may_change(members, UUID(call.actor.id), wanted.membership_id, wanted.role)
        member = core.find(members, wanted.membership_id)
        if refused is not None or member is None:
            answers.append(refused or NoSuchMember())
            continue
        await store.set_role(work, (call.outlet_id, member.id), wanted.role)
        answers.append(RoleChanged(member.role))
    return answers


async def hand_over(work: Work, calls: Sequence[Call[Any]]) -> list[HandedOver | Refusal]:
    """Handle ``HandOver``."""
    answers: list[HandedOver | Refusal] = []
    for call in calls:
        giver, taker = UUID(call.actor.id), call.request.membership_id
        members = await store.lock_members(work, call.outlet_id)
        refused = core.may_hand_over(members, giver, taker)
        if refused is not None:
            answers.append(refused)
            continue
        await store.set_role(work, (call.outlet_id, taker), OWNER)
        await store.set_role(work, (call.outlet_id, giver), "operator")
        answers.append(HandedOver(giver))
    return answers


async def remove(work: Work, calls: Sequence[Call[Any]]) -> list[Left | Refusal]:
    """Handle ``RemoveMember``."""
    return [await _end(work, call, call.request.membership_id) for call in calls]


async def leave(work: Work, calls: Sequence[Call[Any]]) -> list[Left | Refusal]:
    """Handle ``Leave``."""
    return [await _end(work, call, UUID(call.actor.id)) for call in calls]


async def _end(work: Work, call: Call[Any], membership_id: UUID) -> Left | Refusal:
    members = await store.lock_members(work, call.outlet_id)
    refused = core.may_go(members, membership_id)
    member = core.find(members, membership_id)
    if refused is not None or member is None:
        return refused or NoSuchMember()
    await store.end_membership(work, (call.outlet_id, membership_id))
    return Left(member.role)


# Visits of the platform's support


async def grant_platform_role(work: Work, account_id: UUID, role: str) -> None:
    """Give an account a role of the platform; for the command line of whoever runs it."""
    if role not in PLATFORM_ROLES:
        raise Invalid("role", f"must be one of {', '.join(PLATFORM_ROLES)}")
    if await store.grant_platform_role(work, account_id, role):
        leaf = Leaf(
            None,
            "platform",
            "command line",
            "memberships.GrantPlatformRole",
            "account",
            account_id.hex,
            {"role": role},
        )
        work.defer(audit.append, leaf)


async def ask_to_visit(work: Work, account_id: UUID, outlet_id: UUID, reason: str) -> None:
    """Ask an outlet to let somebody of the platform in; the outlet's owner sees it at once."""
    reason = reason.strip()
    if not 1 <= len(reason) <= REASON_LENGTH_MAX:
        raise Invalid("reason", f"must have 1 to {REASON_LENGTH_MAX} characters")
    if not await store.platform_roles(work, account_id):
        raise NotFound("this account is not of the platform")
    request = VisitRequest(outlet_id, work.new_id(), account_id, "", reason, work.now)
    if await store.ask_to_visit(work, request):
        leaf = Leaf(
            outlet_id=outlet_id,
            actor_kind="account",
            actor_id=account_id.hex,
            action="memberships.AskToVisit",
            object_kind="visit_request",
            object_id=request.id.hex,
            details={},
        )
        work.defer(audit.append, leaf)
    work.notify([f"outlet {outlet_id.hex}"])


async def answer_visits(work: Work, calls: Sequence[Call[Any]]) -> list[VisitAnswered | Refusal]:
    """Handle ``AnswerVisit``."""
    return [await _answer(work, call) for call in calls]


async def _answer(work: Work, call: Call[Any]) -> VisitAnswered | Refusal:
    key, hours = (call.outlet_id, call.request.request_id), call.request.hours
    request = await store.lock_visit_request(work, key)
    if request is None:
        return NoSuchRequest()
    if hours == 0:
        await store.answer_visit(work, key, None)
        return VisitAnswered(None)
    refused = core.may_visit(hours, call.request.role)
    if refused is not None:
        return refused
    visit = work.new_id()
    ends_at = work.now + timedelta(hours=hours)
    if not await store.add_visit(work, request, visit, call.request.role, ends_at):
        return NoSuchRequest()
    await store.answer_visit(work, key, visit)
    return VisitAnswered(visit)
