"""The one contract of first factors, run for our own and for a Cognito user pool."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import AsyncIterator

import pytest
from contract import AMINA, BROWSER, FIRST, SECOND, FirstFactorContract, Keeper, refused
from federated import browsing, cognito_house
from pools import Pool, totp

from chatworks.app import House
from chatworks.federation.models import Asked, CodeNotRight, Entered, Newcomer, Wanted
from chatworks.kit.clock import SystemClock


class OurOwn(Keeper):
    """Codes come by our own mail."""

    wrong_code = "0000-0000"

    async def sign_up_code(self, email: str) -> str:
        return await self.code(email)

    async def reset_code(self, email: str) -> str:
        return await self.code(email)

    async def code(self, email: str) -> str:
        [*_, (to, _, _)] = await self.mails.mails()
        assert to == email
        return await self.mails.code()


class Cognito(Keeper):
    """Codes come from the pool; moto takes any code of a sign-up."""

    pool: Pool
    wrong_code = "moto-confirmation-code:0"

    async def sign_up_code(self, email: str) -> str:
        assert self.pool.admin.admin_get_user(UserPoolId=self.pool.id, Username=email)
        return "123456"

    async def reset_code(self, email: str) -> str:
        said = f"{email}{self.pool.client_id}".encode()
        proof = hmac.new(self.pool.client_secret.encode(), said, hashlib.sha256).digest()
        answer = self.pool.admin.forgot_password(
            ClientId=self.pool.client_id,
            Username=email,
            SecretHash=base64.b64encode(proof).decode(),
        )
        headers = answer["ResponseMetadata"]["HTTPHeaders"]
        return str(headers["x-moto-forgot-password-confirmation-code"])


class TestOurOwn(FirstFactorContract):
    @pytest.fixture
    async def keeper(self, house: House) -> AsyncIterator[Keeper]:
        async with browsing(house)() as person:
            yield OurOwn(house, person)

    async def test_a_wrong_code_opens_no_account(self, keeper: Keeper) -> None:
        ticket = await keeper.factor.sign_up(Newcomer(AMINA, FIRST, "Amina", "en"), BROWSER)
        with pytest.raises(CodeNotRight):
            await keeper.factor.confirm(ticket, keeper.wrong_code, BROWSER)
        assert await keeper.rows("SELECT 1 FROM account_address") == []

        again = await keeper.factor.resend(ticket, BROWSER)
        await keeper.factor.confirm(again, await keeper.sign_up_code(AMINA), BROWSER)
        assert isinstance(await keeper.enters(), Entered)


class TestCognito(FirstFactorContract):
    @pytest.fixture
    async def keeper(
        self,
        database_url: str,
        clock: SystemClock,
        environment: pytest.MonkeyPatch,
        pool: Pool,
    ) -> AsyncIterator[Keeper]:
        async with (
            cognito_house(database_url, clock, environment, pool) as house,
            browsing(house)() as person,
        ):
            keeper = Cognito(house, person)
            keeper.pool = pool
            yield keeper

    async def test_an_invited_person_chooses_a_password_of_their_own(
        self, keeper: Keeper, pool: Pool
    ) -> None:
        pool.invite(AMINA, "Temporary-1")
        asked = await keeper.factor.sign_in(AMINA, "Temporary-1", BROWSER)
        assert isinstance(asked, Asked)
        assert asked.wanted is Wanted.PASSWORD
        entered = await keeper.proves(await keeper.factor.answer(asked.ticket, FIRST, BROWSER))

        assert entered.methods == {"password", "code", "email"}
        await refused(keeper, AMINA, "Temporary-1")
        assert (await keeper.enters()).account_id == entered.account_id

    async def test_a_pool_that_demands_an_app_has_it_set_up_and_asks_for_its_codes(
        self, keeper: Keeper, pool: Pool
    ) -> None:
        pool.demand_codes()
        pool.invite(AMINA, "Temporary-1")
        asked = await keeper.factor.sign_in(AMINA, "Temporary-1", BROWSER)
        assert isinstance(asked, Asked)
        asked = await keeper.factor.answer(asked.ticket, FIRST, BROWSER)
        assert isinstance(asked, Asked)
        assert asked.wanted is Wanted.SET_UP
        with pytest.raises(CodeNotRight):
            await keeper.factor.answer(asked.ticket, "000000", BROWSER)
        set_up = await keeper.factor.answer(asked.ticket, totp(asked.secret), BROWSER)
        entered = await keeper.proves(set_up)
        assert entered.methods == {"password", "totp", "code", "email"}

        asks = await keeper.factor.sign_in(AMINA, FIRST, BROWSER)
        assert isinstance(asks, Asked)
        assert asks.wanted is Wanted.CODE
        for wrong in ("000000", "", "12345678901234567890"):
            with pytest.raises(CodeNotRight):
                await keeper.factor.answer(asks.ticket, wrong, BROWSER)
        assert await keeper.factor.answer(asks.ticket, totp(asked.secret), BROWSER) == Entered(
            entered.account_id, frozenset({"password", "totp"})
        )

    async def test_a_pool_s_person_whom_an_administrator_stopped_is_not_let_in(
        self, keeper: Keeper, pool: Pool
    ) -> None:
        await keeper.joins()
        await keeper.enters()
        pool.admin.admin_disable_user(UserPoolId=pool.id, Username=AMINA)

        await refused(keeper, AMINA, FIRST)
        await refused(keeper, AMINA, SECOND)
