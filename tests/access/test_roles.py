"""Roles are data: what they hold, and what is refused in the file and at the dispatcher."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatworks.access.core import OUTLET_ROLES, PERMISSIONS, PLATFORM_ROLES, may, read_roles, reads
from chatworks.commands.dispatch import allowed
from chatworks.commands.models import Actor, ActorKind, Call, Command, NotAllowed, Registration
from chatworks.house import House
from chatworks.kit.work import Work

ROLE = "[outlet.x]\ntitle = 'X'\nabout = ''\nmay = [{}]\n[platform]\n[permissions]\n'a.read' = ''\n"
ACTING = [ActorKind.OPERATOR, ActorKind.AGENT, ActorKind.PLATFORM]


def test_the_roles_of_an_outlet_hold_what_is_written() -> None:
    assert list(OUTLET_ROLES) == [
        "owner", "operator", "support", "finance", "provider", "read-only",
    ]  # fmt: skip
    assert OUTLET_ROLES["owner"].may == set(PERMISSIONS)
    assert OUTLET_ROLES["provider"].may == {"own.write"}
    read_only = OUTLET_ROLES["read-only"].may
    assert {name for name in PERMISSIONS if reads(name)} == read_only - {"own.write"}
    only_owner = OUTLET_ROLES["owner"].may - OUTLET_ROLES["operator"].may
    assert only_owner == {"channels.write", "keys.write", "money.write", "people.write"}
    assert not any(role.may - set(PERMISSIONS) for role in PLATFORM_ROLES.values())


def test_a_role_that_holds_no_permission_of_ours_is_refused_by_name() -> None:
    assert read_roles(ROLE.format("'a.read'"))[1]["x"].may == {"a.read"}
    with pytest.raises(ValueError, match=r"the role x holds a[.]reed, which is no permission"):
        read_roles(ROLE.format("'a.reed'"))


@given(st.text(), st.text())
def test_an_unknown_role_or_permission_gives_nothing(role: str, permission: str) -> None:
    if role not in OUTLET_ROLES or permission not in PERMISSIONS:
        assert may(role, permission) is False


class Paint(Command[None]):
    """Something that is done."""


async def paint(_work: Work, calls: list[Call[None]]) -> list[None]:
    return [None for _ in calls]


def test_a_command_cannot_be_given_with_a_right_to_read() -> None:
    operators = frozenset({"operator"})
    for needs, said in (
        ("orders.read", "only reads"),
        ("orders.eat", "no permission"),
        ("", "go together"),
    ):
        with pytest.raises(ValueError, match=said):
            Registration(Paint, paint, operators, None, needs)
    with pytest.raises(ValueError, match="go together"):
        Registration(Paint, paint, frozenset({"customer"}), None, "orders.write")


@pytest.mark.promise("access-control")
@pytest.mark.parametrize("role", [*OUTLET_ROLES, "", "nobody", "Owner"])
async def test_every_request_is_judged_by_what_a_role_holds(house: House, role: str) -> None:
    outlet = (await house.directory.outlets())[0]
    registrations = house.dispatcher.registrations()
    assert len(registrations) > 35
    for registration in registrations:
        name = registration.request.request_name
        holds = may(role, registration.needs) and "operator" in registration.allow
        for kind in ACTING:
            actor = Actor(kind, UUID(int=7).hex, role, frozenset({name}))
            bare_platform = kind is ActorKind.PLATFORM and not role
            expected = "platform" in registration.allow if bare_platform else holds
            assert (name, kind, allowed(registration, actor)) == (name, kind, expected)
        other = Actor(ActorKind.AGENT, UUID(int=7).hex, role, frozenset({name + "x"}))
        assert not allowed(registration, other)
        if not holds:
            call: Call[None] = Call(outlet.id, Actor(ActorKind.OPERATOR, "7", role), None)
            call = Call(call.outlet_id, call.actor, object.__new__(registration.request))
            async with house.db.engine([outlet.id]) as work:
                with pytest.raises(NotAllowed):
                    await house.dispatcher.one(work, call)
