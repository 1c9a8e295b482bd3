"""Roles, ownership, leaving and visits: an outlet keeps an owner, and a grant is today's."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from staff_cast import People

from chatworks.access.core import OUTLET_ROLES
from chatworks.catalog.models import SetActive
from chatworks.commands.models import NotAllowed
from chatworks.identity import store as identity
from chatworks.identity.models import Browser, Operator
from chatworks.identity.service import session_of, sign_in_as
from chatworks.kit.errors import Invalid, NotFound, Refusal
from chatworks.memberships import core, service, store
from chatworks.memberships.models import (
    AnswerVisit,
    ChangeRole,
    HandOver,
    LastOwner,
    Leave,
    Member,
    NoSuchMember,
    NoSuchRequest,
    NoSuchRole,
    NotToOneself,
    RemoveMember,
    WrongHours,
)

BROWSER = Browser("Firefox", "127.0.0.1")
NOW = datetime(2026, 11, 24, tzinfo=UTC)


@pytest.mark.promise("access-control")
async def test_a_role_is_changed_by_who_may_and_counts_at_once(people: People) -> None:
    amina = await people.member("Amina", "support")
    ben = await people.member("Ben", "operator")

    with pytest.raises(NotAllowed):
        await people.give(ben, ChangeRole(amina.id, "operator"))
    assert (await people.give(people.owner, ChangeRole(amina.id, "finance"))).before == "support"
    for command, why in (
        (ChangeRole(amina.id, "emperor"), NoSuchRole),
        (ChangeRole(people.owner.id, "support"), NotToOneself),
        (ChangeRole(UUID(int=9), "support"), NoSuchMember),
        (RemoveMember(people.owner.id), LastOwner),
        (Leave(), LastOwner),
    ):
        with pytest.raises(why):
            await people.give(people.owner, command)

    assert await people.roles() == {"MajiPro owner": "owner", "Amina": "finance", "Ben": "operator"}
    assert await people.acts() == ["memberships.ChangeRole"]


async def test_who_hands_over_owns_nothing_any_more(people: People) -> None:
    amina = await people.member("Amina", "support")

    await people.give(people.owner, HandOver(amina.id))

    assert await people.roles() == {"MajiPro owner": "operator", "Amina": "owner"}
    for command in (HandOver(amina.id), ChangeRole(amina.id, "support"), RemoveMember(amina.id)):
        with pytest.raises(NotAllowed):
            await people.give(people.owner, command)
    with pytest.raises(NotToOneself):
        await people.give(amina, HandOver(amina.id))
    assert (await people.give(people.owner, Leave())).role == "operator"
    assert await people.roles() == {"Amina": "owner"}


async def test_two_owners_cannot_both_leave(people: People) -> None:
    other = await people.member("Amina", "owner")

    async def go(by: Operator) -> str:
        try:
            await people.give(by, Leave())
        except LastOwner:
            return "stays"
        return "left"

    assert sorted(await asyncio.gather(go(people.owner), go(other))) == ["left", "stays"]
    assert list((await people.roles()).values()) == ["owner"]


@pytest.mark.promise("secure-accounts")
async def test_a_removed_member_is_out_at_the_next_request(people: People) -> None:
    amina = await people.member("Amina", "operator")
    async with people.house.db.engine() as work:
        secrets = await sign_in_as(work, amina.account_id, {"password"}, BROWSER)
        assert (await session_of(work, secrets.session)).operator == amina  # type: ignore[union-attr]

    await people.give(people.owner, RemoveMember(amina.id))

    async with people.house.db.engine() as work:
        session = await session_of(work, secrets.session)
        assert session is not None
        assert session.operator is None
    with pytest.raises(NotAllowed):
        await people.give(amina, SetActive(UUID(int=1), active=False))
    with pytest.raises(NoSuchMember):
        await people.give(people.owner, RemoveMember(amina.id))


@pytest.mark.promise("access-control")
async def test_a_visit_is_asked_for_allowed_limited_and_ended(people: People) -> None:
    sue = await people.account("Sue")
    house, outlet = people.house, people.outlet
    async with house.db.engine() as work:
        with pytest.raises(NotFound):
            await service.ask_to_visit(work, sue, outlet, "an order is stuck")
        with pytest.raises(Invalid):
            await service.grant_platform_role(work, sue, "emperor")
        await service.grant_platform_role(work, sue, "platform-support")
        with pytest.raises(Invalid):
            await service.ask_to_visit(work, sue, outlet, " ")
        await service.ask_to_visit(work, sue, outlet, "an order is stuck")
        await service.ask_to_visit(work, sue, outlet, "once more")
        requests = await store.visit_requests(work, outlet)
    assert [(r.name, r.reason) for r in requests] == [("Sue", "an order is stuck")]
    asked = requests[0].id

    for command, why in (
        (AnswerVisit(asked, 73), WrongHours),
        (AnswerVisit(asked, -1), WrongHours),
        (AnswerVisit(asked, 4, "owner"), NoSuchRole),
        (AnswerVisit(UUID(int=9), 4), NoSuchRequest),
    ):
        with pytest.raises(why):
            await people.give(people.owner, command)
    assert list(await people.roles()) == ["MajiPro owner"]
    visit = (await people.give(people.owner, AnswerVisit(asked, 4))).membership_id

    async with house.db.engine() as work:
        secrets = await sign_in_as(work, sue, {"password"}, BROWSER)
        session = await session_of(work, secrets.session)
        assert session is not None
        assert (session.acting.id, session.acting.is_visit) == (visit, True)
    sue_there = session.acting
    with pytest.raises(NotAllowed):  # it may read, and nothing else
        await people.give(sue_there, SetActive(UUID(int=1), active=False))
    with pytest.raises(NoSuchMember):  # nobody makes a visitor a member
        await people.give(people.owner, ChangeRole(sue_there.id, "operator"))
    await people.give(people.owner, RemoveMember(sue_there.id))
    async with house.db.engine() as work:
        assert (await session_of(work, secrets.session)).operator is None  # type: ignore[union-attr]


async def test_a_visit_is_over_by_itself(people: People, database_url: str) -> None:
    sue = await people.account("Sue")
    async with people.house.db.engine() as work:
        await service.grant_platform_role(work, sue, "platform-support")
        await service.ask_to_visit(work, sue, people.outlet, "to look")
        asked = (await store.visit_requests(work, people.outlet))[0].id
    visit = (await people.give(people.owner, AnswerVisit(asked, 1, "support"))).membership_id
    async with people.house.db.engine() as work:
        assert [m.id for m in await identity.memberships(work, sue)] == [visit]
    with psycopg.connect(database_url) as conn:
        conn.execute("UPDATE membership SET ends_at = ends_at - interval '1 hour' WHERE is_visit")
    async with people.house.db.engine() as work:
        assert await identity.memberships(work, sue) == []
        await service.ask_to_visit(work, sue, people.outlet, "again")
        again = (await store.visit_requests(work, people.outlet))[0].id
    assert (await people.give(people.owner, AnswerVisit(again, 1))).membership_id is not None


async def test_a_visit_that_was_refused_opens_nothing(people: People) -> None:
    sue = await people.account("Sue")
    async with people.house.db.engine() as work:
        await service.grant_platform_role(work, sue, "platform-support")
        await service.ask_to_visit(work, sue, people.outlet, "to look")
        asked = (await store.visit_requests(work, people.outlet))[0].id

    assert (await people.give(people.owner, AnswerVisit(asked, 0))).membership_id is None
    with pytest.raises(NoSuchRequest):
        await people.give(people.owner, AnswerVisit(asked, 4))

    assert list(await people.roles()) == ["MajiPro owner"]
    assert sorted(await people.acts()) == [
        "memberships.AnswerVisit", "memberships.AskToVisit", "memberships.GrantPlatformRole",
    ]  # fmt: skip


ROLES = st.sampled_from(sorted(OUTLET_ROLES))
STEPS = st.lists(
    st.tuples(st.sampled_from(["role", "over", "go"]), st.integers(0, 3), st.integers(0, 3), ROLES),
    max_size=40,
)


@pytest.mark.promise("access-control")
@given(st.lists(ROLES, min_size=3, max_size=3), STEPS)
def test_no_order_of_changes_leaves_an_outlet_without_an_owner(
    roles: Sequence[str], steps: Sequence[tuple[str, int, int, str]]
) -> None:
    members = {
        UUID(int=i): Member(UUID(int=i), str(i), role, NOW, None, None)
        for i, role in enumerate(["owner", *roles])
    }

    def put(who: UUID, role: str) -> None:
        members[who] = Member(who, str(who.int), role, NOW, None, None)

    for what, by, to, role in steps:
        giver, taker = UUID(int=by), UUID(int=to)
        now = list(members.values())
        refused: Refusal | None
        if what == "role":
            refused = core.may_change(now, giver, taker, role)
            if refused is None and giver in members:
                put(taker, role)
        elif what == "over":
            refused = core.may_hand_over(now, giver, taker)
            if refused is None:
                put(taker, "owner")
                put(giver, "operator")
        elif core.may_go(now, taker) is None:
            del members[taker]
        assert any(member.role == "owner" for member in members.values())


def test_a_visitor_is_no_owner_that_an_outlet_could_be_left_with() -> None:
    owner = Member(UUID(int=1), "a", "owner", NOW, None, None)
    visitor = Member(UUID(int=2), "b", "owner", NOW, NOW + timedelta(hours=1), None)
    assert isinstance(core.may_go([owner, visitor], owner.id), LastOwner)
