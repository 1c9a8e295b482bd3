"""What a first factor promises, whoever keeps the passwords: the same tests for every keeper."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID

import pytest
from persons import Person
from ways import authenticator, led_to

from chatworks.app import House
from chatworks.federation.models import (
    Asked,
    CodeNotRight,
    Entered,
    FirstFactor,
    Newcomer,
    NotRight,
    Wanted,
)
from chatworks.identity import service as identity
from chatworks.identity.models import Browser, Session, Typed
from chatworks.kit.errors import TooMany
from chatworks.passwords.models import NotFit

AMINA, NOBODY = "amina@example.org", "nobody@example.org"
FIRST, SECOND, WRONG = "Maziwa lala, asubuhi 7!", "Ndizi kaanga, jioni 8!", "Chai moto, usiku 9!!"
BROWSER = Browser("a browser", "192.0.2.1")


@dataclass
class Keeper(ABC):
    """A house whose passwords somebody keeps; ``mails`` reads what was sent from the house."""

    house: House
    mails: Person
    wrong_code: ClassVar[str]

    @property
    def factor(self) -> FirstFactor:
        return self.house.federation.first_factor

    @abstractmethod
    async def sign_up_code(self, email: str) -> str:
        """Return the code that proves a new address."""

    @abstractmethod
    async def reset_code(self, email: str) -> str:
        """Return the code that sets a new password."""

    async def joins(self, email: str = AMINA, password: str = FIRST, name: str = "Amina") -> None:
        """Sign up, and prove the address."""
        ticket = await self.factor.sign_up(Newcomer(email, password, name, "en"), BROWSER)
        await self.factor.confirm(ticket, await self.sign_up_code(email), BROWSER)

    async def enters(
        self, email: str = AMINA, password: str = FIRST, browser: Browser = BROWSER
    ) -> Entered:
        """Sign in, and prove an address where that is asked for."""
        return await self.proves(await self.factor.sign_in(email, password, browser), email)

    async def proves(self, reached: Entered | Asked, email: str = AMINA) -> Entered:
        """Name an address and prove it, where that is asked for."""
        if isinstance(reached, Entered):
            return reached
        assert reached.wanted is Wanted.ADDRESS
        sent = await self.factor.answer(reached.ticket, email, BROWSER)
        assert isinstance(sent, Asked)
        entered = await self.factor.answer(sent.ticket, await self.mails.code(), BROWSER)
        assert isinstance(entered, Entered)
        return entered

    async def session(self, account_id: UUID, browser: Browser = BROWSER) -> tuple[str, Session]:
        """Begin a session; returns its secret, too."""
        async with self.house.db.engine() as work:
            secrets = await identity.sign_in_as(work, account_id, {"password"}, browser)
            found = await identity.session_of(work, secrets.session)
        assert found is not None
        return secrets.session, found

    async def lives(self, secret: str) -> bool:
        """Return whether a session goes on."""
        async with self.house.db.engine() as work:
            return await identity.session_of(work, secret) is not None

    async def rows(self, query: str) -> list[tuple[Any, ...]]:
        async with self.house.db.engine() as work:
            return await (await work.conn.execute(query)).fetchall()  # type: ignore[arg-type]


async def refused(keeper: Keeper, email: str, password: str) -> str:
    """Return the answer to a try that does not get in."""
    with pytest.raises(NotRight) as caught:
        await keeper.factor.sign_in(email, password, BROWSER)
    return f"{caught.value.code} {caught.value.args}"


async def tried(keeper: Keeper, email: str, password: str) -> str:
    """Return what a try that does not get in is called."""
    try:
        await refused(keeper, email, password)
    except TooMany as error:
        return type(error).__name__
    return NotRight.code


class FirstFactorContract:
    """Subclasses give the fixture ``keeper``."""

    async def test_signing_up_proving_the_address_and_signing_in(self, keeper: Keeper) -> None:
        await keeper.joins()
        first = await keeper.enters()
        again = await keeper.factor.sign_in(f" {AMINA.upper()}", FIRST, BROWSER)

        assert isinstance(again, Entered)  # the address is asked for once at most
        assert again.account_id == first.account_id
        assert again.methods == {"password"}
        found = await keeper.rows("SELECT value FROM account_address WHERE verified_at IS NOT NULL")
        assert found == [(AMINA,)]

    async def test_whatever_is_wrong_is_answered_alike(self, keeper: Keeper) -> None:
        await keeper.joins()
        before = await keeper.rows("SELECT id FROM account")
        unproved = "unproved@example.org"
        await keeper.factor.sign_up(Newcomer(unproved, FIRST, "U", "en"), BROWSER)
        answers = {
            await refused(keeper, AMINA, WRONG),
            await refused(keeper, NOBODY, WRONG),
            await refused(keeper, unproved, FIRST),
            await refused(keeper, "no address", FIRST),
            await refused(keeper, AMINA, ""),
        }

        assert len(answers) == 1
        assert await keeper.rows("SELECT id FROM account") == before
        assert await keeper.rows("SELECT id FROM session") == []

    async def test_signing_up_twice_takes_nothing_over(self, keeper: Keeper) -> None:
        await keeper.joins()
        entered = await keeper.enters()
        ticket = await keeper.factor.sign_up(Newcomer(AMINA, SECOND, "Other", "en"), BROWSER)
        other = await keeper.factor.sign_up(Newcomer(NOBODY, SECOND, "Other", "en"), BROWSER)

        assert type(ticket) is type(other)
        await refused(keeper, AMINA, SECOND)
        assert (await keeper.enters()).account_id == entered.account_id

    async def test_a_forgotten_password_is_set_anew(self, keeper: Keeper) -> None:
        await keeper.joins()
        account_id = (await keeper.enters()).account_id
        secret, _ = await keeper.session(account_id)
        typed = Typed("email", AMINA)
        ticket = await keeper.factor.forgot(typed, BROWSER, "en")
        code = await keeper.reset_code(AMINA)
        with pytest.raises(CodeNotRight):
            await keeper.factor.reset(ticket, (keeper.wrong_code, SECOND), BROWSER)
        assert await keeper.lives(secret)
        await keeper.factor.reset(ticket, (code, SECOND), BROWSER)

        assert not await keeper.lives(secret)
        await refused(keeper, AMINA, FIRST)
        assert (await keeper.enters(password=SECOND)).account_id == account_id

    async def test_forgetting_says_nothing_of_who_is_known(self, keeper: Keeper) -> None:
        await keeper.joins()
        refusals = set()
        for email in (AMINA, NOBODY):
            ticket = await keeper.factor.forgot(Typed("email", email), BROWSER, "en")
            with pytest.raises(CodeNotRight) as caught:
                await keeper.factor.reset(ticket, (keeper.wrong_code, SECOND), BROWSER)
            refusals.add((type(ticket), caught.value.args))

        assert len(refusals) == 1
        assert isinstance(await keeper.enters(), Entered)

    async def test_an_owner_changes_their_password(self, keeper: Keeper) -> None:
        await keeper.joins()
        account_id = (await keeper.enters()).account_id
        secret, session = await keeper.session(account_id)
        other, _ = await keeper.session(account_id)
        with pytest.raises(NotRight):
            await keeper.factor.change(session, (WRONG, SECOND), BROWSER)
        assert await keeper.lives(other)
        with pytest.raises(NotFit):
            await keeper.factor.change(session, (FIRST, "short"), BROWSER)
        renewed = await keeper.factor.change(session, (FIRST, SECOND), BROWSER)

        alive = [await keeper.lives(one) for one in (secret, other, renewed)]
        assert alive == [False, False, True]
        await refused(keeper, AMINA, FIRST)
        assert (await keeper.enters(password=SECOND)).account_id == account_id
        async with keeper.house.db.engine() as work:
            assert await keeper.factor.has_one(work, account_id)

    async def test_tries_are_limited_and_a_known_device_is_not_locked_out(
        self, keeper: Keeper
    ) -> None:
        await keeper.joins()
        account_id = (await keeper.enters()).account_id
        async with keeper.house.db.engine() as work:
            secrets = await identity.sign_in_as(work, account_id, {"password"}, BROWSER)
        answers = [await tried(keeper, AMINA, WRONG) for _ in range(12)]
        assert answers[0] == "federation.NotRight"
        assert answers[-1] == "TooMany"
        with pytest.raises(TooMany):
            await keeper.factor.sign_in(AMINA, FIRST, BROWSER)  # the right one, from anywhere

        known = Browser("a browser", "192.0.2.1", secrets.device)
        assert (await keeper.enters(browser=known)).account_id == account_id

    async def test_our_own_second_factor_is_asked_for(self, keeper: Keeper) -> None:
        await keeper.joins()
        account_id = (await keeper.enters()).account_id
        app = await authenticator(keeper.house, account_id)
        person = keeper.mails
        await person.post("/account/sign-in/password", address=AMINA, password=FIRST)
        assert person.status == 303
        assert await led_to(person) == "/account/second"
        await person.post("/account/second", method="totp", text=app.now())
        assert await led_to(person) != "/account/second"

    async def test_a_weak_password_is_refused(self, keeper: Keeper) -> None:
        with pytest.raises(NotFit):
            await keeper.factor.sign_up(Newcomer(AMINA, "short", "Amina", "en"), BROWSER)
        assert await keeper.rows("SELECT 1 FROM account_address") == []

    async def test_a_ticket_is_good_for_what_it_was_given_for(self, keeper: Keeper) -> None:
        ticket = await keeper.factor.sign_up(Newcomer(AMINA, FIRST, "Amina", "en"), BROWSER)
        for bad in ("", "00", "ü", ticket[:-2] + "00", ticket[2:]):
            with pytest.raises(CodeNotRight):
                await keeper.factor.confirm(bad, await keeper.sign_up_code(AMINA), BROWSER)
        with pytest.raises(CodeNotRight):
            await keeper.factor.reset(ticket, (keeper.wrong_code, SECOND), BROWSER)
        with pytest.raises(CodeNotRight):
            await keeper.factor.answer(ticket, "123456", BROWSER)

        assert await keeper.rows("SELECT id FROM session") == []
