"""People in the settings: who works here, whom to invite, and whom the platform may send in."""

from __future__ import annotations

from typing import Any

from litestar import Response, get, post
from litestar.response import Redirect

from chatworks.access.core import OUTLET_ROLES, PERMISSIONS
from chatworks.access.models import OWNER
from chatworks.commands.models import Command
from chatworks.console.forms import choice, count, id_of, text
from chatworks.console.pages import Asked, Desk, saved, told
from chatworks.factors import store as factors
from chatworks.factors.models import DemandSecondFactor
from chatworks.identity.models import Session
from chatworks.kit.errors import Invalid, Refusal
from chatworks.memberships import store as memberships
from chatworks.memberships.core import VISITING
from chatworks.memberships.models import (
    VISIT_HOURS_MAX,
    AnswerVisit,
    ChangeRole,
    HandOver,
    Invite,
    Leave,
    RemoveMember,
    WithdrawInvitation,
)

HERE = "/console/settings/people"
DEEDS = frozenset({
    "invite", "withdraw", "role", "hand-over", "remove", "visit", "refuse", "demand", "no-demand",
})  # fmt: skip


def people_pages(desk: Desk) -> list[Any]:
    """Return the handlers of people."""

    @get("/settings/people", needs="people.read")
    async def people(request: Asked) -> Response[str]:
        """Show who works here, and who was invited or asks to visit."""
        return await _people(desk, request.state.session, saved=saved(request))

    @post("/settings/people", status_code=200, needs="people.write")
    async def change(request: Asked) -> Response[Any]:
        """Invite, change, remove, let in, or show the page again with what was refused."""
        session: Session = request.state.session
        form = await request.form()
        done = choice(form, "do", DEEDS)
        try:
            await desk.give(session, _command(done, form))
        except Refusal as no:
            return await _people(desk, session, problem=told(no), typed=text(form, "email"))
        return Redirect(f"{HERE}?saved=people-{done}", status_code=303)

    @post("/settings/people/leave", status_code=200, needs="own.write")
    async def leave(request: Asked) -> Response[Any]:
        """Leave this outlet."""
        session: Session = request.state.session
        try:
            await desk.give(session, Leave())
        except Refusal as no:
            return await _people(desk, session, problem=told(no))
        return Redirect("/account", status_code=303)

    return [people, change, leave]


def _command(done: str, form: Any) -> Command[Any]:
    """Return what a form asks for; ids that are none and words that are no choice are 404s."""
    if done == "invite":
        return Invite(text(form, "email"), choice(form, "role", set(OUTLET_ROLES) - {OWNER}))
    if done == "withdraw":
        return WithdrawInvitation(id_of(text(form, "invitation")))
    if done in {"demand", "no-demand"}:
        return DemandSecondFactor(done == "demand")
    if done in {"visit", "refuse"}:
        return _visit(form, done)
    member = id_of(text(form, "member"))
    if done == "role":
        return ChangeRole(member, choice(form, "role", set(OUTLET_ROLES)))
    return HandOver(member) if done == "hand-over" else RemoveMember(member)


def _visit(form: Any, done: str) -> AnswerVisit:
    request = id_of(text(form, "request"))
    if done == "refuse":
        return AnswerVisit(request, 0)
    hours = count(form, "hours", VISIT_HOURS_MAX)
    if not hours:
        raise Invalid("hours", f"must be a whole number from 1 to {VISIT_HOURS_MAX}")
    return AnswerVisit(request, hours, choice(form, "role", set(VISITING)))


async def _people(
    desk: Desk, session: Session, *, problem: str = "", saved: str = "", typed: str = ""
) -> Response[str]:
    async with desk.db.engine([session.outlet_id]) as work:
        members = await memberships.members(work, session.outlet_id)
        invitations = await memberships.open_invitations(work, session.outlet_id)
        requests = await memberships.visit_requests(work, session.outlet_id)
        demanded = await factors.demanded(work, session.outlet_id)
        without = await factors.without_second(work, session.outlet_id)
    return await desk.show(
        "people",
        session,
        status=422 if problem else 200,
        members=members,
        invitations=invitations,
        requests=requests,
        demanded=demanded,
        without=without,
        roles=OUTLET_ROLES,
        permissions=PERMISSIONS,
        visiting=VISITING,
        hours_max=VISIT_HOURS_MAX,
        problem=problem,
        saved=saved,
        typed=typed,
    )
