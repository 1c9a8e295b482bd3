"""Invitations: one link, one member, and only while whoever sent it may still invite."""

from __future__ import annotations

import asyncio
from uuid import UUID

import pytest
from staff_cast import People

from chatworks.commands.models import NotAllowed
from chatworks.kit.errors import Refusal
from chatworks.memberships import service, store
from chatworks.memberships.models import (
    CannotAccept,
    ChangeRole,
    Invite,
    NoSuchRole,
    RemoveMember,
    WithdrawInvitation,
    WrongEmail,
)


async def accept(people: People, account_id: UUID, link: str) -> UUID | Refusal:
    async with people.house.db.engine() as work:
        return await service.accept(work, account_id, link)


async def test_a_link_makes_its_opener_a_member_with_the_role(people: People) -> None:
    amina = await people.account("Amina")

    await people.give(people.owner, Invite(" Amina@Example.com ", "support"))

    async with people.house.db.engine([people.outlet]) as work:
        (invitation,) = await store.open_invitations(work, people.outlet)
    assert (invitation.email, invitation.role) == ("amina@example.com", "support")
    (link,) = await people.links()
    assert await accept(people, amina, link) == people.outlet
    assert (await people.roles())["Amina"] == "support"
    assert isinstance(await accept(people, amina, link), CannotAccept)
    assert await people.acts() == ["memberships.Invite", "memberships.Accept"]


@pytest.mark.promise("secure-accounts")
async def test_of_sixty_four_who_open_one_link_exactly_one_becomes_a_member(
    people: People,
) -> None:
    accounts = [await people.account(f"P{i}") for i in range(64)]
    await people.give(people.owner, Invite("x@example.com", "operator"))
    (link,) = await people.links()

    answers = await asyncio.gather(*(accept(people, one, link) for one in accounts))

    assert sum(answer == people.outlet for answer in answers) == 1
    assert len(await people.roles()) == 2


@pytest.mark.promise("access-control")
async def test_an_invitation_is_worth_what_its_sender_may_do_today(people: People) -> None:
    ben = await people.member("Ben", "owner")
    amina = await people.account("Amina")
    await people.give(ben, Invite("a@example.com", "operator"))
    await people.give(people.owner, ChangeRole(ben.id, "support"))

    assert isinstance(await accept(people, amina, (await people.links())[0]), CannotAccept)
    await people.give(people.owner, ChangeRole(ben.id, "owner"))
    await people.give(ben, Invite("b@example.com", "operator"))
    await people.give(people.owner, RemoveMember(ben.id))
    assert isinstance(await accept(people, amina, (await people.links())[1]), CannotAccept)

    assert "Amina" not in await people.roles()


async def test_what_was_taken_back_or_is_wrong_makes_nobody_a_member(people: People) -> None:
    amina = await people.account("Amina")
    support = await people.member("Sam", "support")
    sent = await people.give(people.owner, Invite("a@example.com", "operator"))

    assert (await people.give(people.owner, WithdrawInvitation(sent.invitation_id))).done
    assert not (await people.give(people.owner, WithdrawInvitation(sent.invitation_id))).done
    (link,) = await people.links()
    for secret in (link, link + "x", "", "é", "x" * 5000):
        assert isinstance(await accept(people, amina, secret), CannotAccept)
    for command, why in (
        (Invite("a@example.com", "owner"), NoSuchRole),
        (Invite("a@example.com", "emperor"), NoSuchRole),
        (Invite("a at example", "support"), WrongEmail),
        (Invite("a@example.com\nBcc: b@example.com", "support"), WrongEmail),
    ):
        with pytest.raises(why):
            await people.give(people.owner, command)
    with pytest.raises(NotAllowed):
        await people.give(support, Invite("a@example.com", "support"))

    assert list(await people.roles()) == ["MajiPro owner", "Sam"]
    assert len(await people.links()) == 1


async def test_a_member_who_opens_a_link_keeps_the_role(people: People) -> None:
    ben = await people.member("Ben", "finance")
    await people.give(people.owner, Invite("ben@example.com", "operator"))

    assert isinstance(await accept(people, ben.account_id, (await people.links())[0]), CannotAccept)

    assert (await people.roles())["Ben"] == "finance"
