"""What memberships offer."""

from __future__ import annotations

from typing import Any

from chatworks.commands.models import Call, Registration, Trace
from chatworks.kit.feature import Feature
from chatworks.memberships import service
from chatworks.memberships.models import (
    DATA_MAP,
    AnswerVisit,
    ChangeRole,
    HandOver,
    Invite,
    Leave,
    RemoveMember,
    WithdrawInvitation,
)


def _invited(call: Call[Any], result: Any) -> Trace:
    return Trace("invitation", result.invitation_id.hex, {"role": call.request.role})


def _withdrawn(call: Call[Any], result: Any) -> Trace:
    return Trace("invitation", call.request.invitation_id.hex, {"done": int(result.done)})


def _role_changed(call: Call[Any], result: Any) -> Trace:
    details: dict[str, str | int | None] = {"before": result.before, "role": call.request.role}
    return Trace("membership", call.request.membership_id.hex, details)


def _handed_over(call: Call[Any], result: Any) -> Trace:
    return Trace("membership", call.request.membership_id.hex, {"before": result.before.hex})


def _removed(call: Call[Any], result: Any) -> Trace:
    return Trace("membership", call.request.membership_id.hex, {"role": result.role})


def _left(call: Call[Any], result: Any) -> Trace:
    return Trace("membership", call.actor.id, {"role": result.role})


def _visit(call: Call[Any], result: Any) -> Trace:
    visit = result.membership_id
    details: dict[str, str | int | None] = {
        "hours": call.request.hours,
        "role": call.request.role,
        "membership": None if visit is None else visit.hex,
    }
    return Trace("visit_request", call.request.request_id.hex, details)


def feature(inviter: service.Inviter) -> Feature:
    """Return the manifest; ``inviter`` knows where the installation is reached."""
    members, people = frozenset({"operator"}), "people.write"
    return Feature(
        name="memberships",
        registrations=(
            Registration(
                Invite,
                inviter,
                members,
                _invited,
                people,
                personal=True,
                fresh=True,
                asks="Invite {email} to work here as {role}",
            ),
            Registration(
                WithdrawInvitation,
                service.withdraw,
                members,
                _withdrawn,
                people,
                personal=True,
                engine=True,
            ),
            Registration(
                ChangeRole,
                service.change_roles,
                members,
                _role_changed,
                people,
                personal=True,
                fresh=True,
                asks="Give somebody who works here the role {role}",
            ),
            Registration(
                HandOver,
                service.hand_over,
                members,
                _handed_over,
                people,
                personal=True,
                fresh=True,
                asks="Hand the outlet over to somebody else",
            ),
            Registration(
                RemoveMember,
                service.remove,
                members,
                _removed,
                people,
                personal=True,
                engine=True,
            ),
            Registration(
                Leave, service.leave, members, _left, "own.write", personal=True, engine=True
            ),
            Registration(
                AnswerVisit,
                service.answer_visits,
                members,
                _visit,
                people,
                personal=True,
                fresh=True,
                asks="Answer the platform’s request to look in ({hours} hours)",
            ),
        ),
        data_map=DATA_MAP,
    )
