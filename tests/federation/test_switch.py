"""Who keeps the passwords changes, there and back: everybody reaches the account that they had."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from contract import AMINA, FIRST, SECOND, refused
from federated import browsing, cognito_house
from houses import opened
from persons import Person
from pools import Pool
from test_contract import Cognito, OurOwn
from ways import TICKET, proves, signs_in, steps

from chatworks.app import House
from chatworks.federation.user_pool import pool_issuer
from chatworks.kit.clock import SystemClock
from chatworks.testing.openid import OpenIdProvider

BEN = "ben@example.org"


async def rows(house: House, query: str) -> list[tuple[Any, ...]]:
    async with house.db.engine() as work:
        return await (await work.conn.execute(query)).fetchall()  # type: ignore[arg-type]


async def by_code(person: Person, email: str) -> UUID:
    """Sign in by a code of our own; returns whose session it is."""
    await person.post("/account/sign-in/code", address=email)
    answer = await person.post("/account/sign-in/finish", code=await person.code())
    assert answer.status_code == 303, answer.text
    return await latest(person.house)


async def latest(house: House) -> UUID:
    found = await rows(house, "SELECT account_id FROM session ORDER BY id DESC LIMIT 1")
    return UUID(str(found[0][0]))


async def test_local_to_cognito_and_back_loses_nobody(
    database_url: str, clock: SystemClock, environment: pytest.MonkeyPatch, pool: Pool
) -> None:
    async with opened(database_url, clock) as house, browsing(house)() as person:
        local = OurOwn(house, person)
        await local.joins(AMINA, FIRST)
        amina = (await local.enters(AMINA, FIRST)).account_id

    async with cognito_house(database_url, clock, environment, pool) as house:
        async with browsing(house)() as person:  # without a user in the pool: by a code
            assert await by_code(person, AMINA) == amina
        async with browsing(house)() as person:
            cognito = Cognito(house, person)
            cognito.pool = pool
            await refused(cognito, AMINA, FIRST)  # the pool does not know her
            await cognito.joins(AMINA, SECOND)
            entered = await cognito.enters(AMINA, SECOND)
            assert (entered.account_id, entered.methods) == (amina, {"password", "code", "email"})
            entered = await cognito.enters(AMINA, SECOND)
            assert (entered.account_id, entered.methods) == (amina, {"password"})
            await cognito.joins(BEN, SECOND, "Ben")  # opened while the pool kept passwords
            ben = (await cognito.enters(BEN, SECOND)).account_id

    async with opened(database_url, clock) as house:
        async with browsing(house)() as person:
            local = OurOwn(house, person)
            assert (await local.enters(AMINA, FIRST)).account_id == amina  # hers of before
            assert await by_code(person, BEN) == ben
            await refused(local, BEN, SECOND)
            await person.post("/account/forgot", address=BEN)
            code = await person.code()
            new = {"new": SECOND, "again": SECOND}
            await person.post("/account/forgot/finish", code=code, sent_to=BEN, **new)
            assert (await local.enters(BEN, SECOND)).account_id == ben
        verified = "SELECT count(*) FROM account_address WHERE verified_at IS NOT NULL"
        assert await rows(house, verified) == [(2,)]


@pytest.fixture
def hosted_pool(environment: pytest.MonkeyPatch, provider: OpenIdProvider) -> OpenIdProvider:
    """A pool with hosted pages, beside passwords of our own."""
    provider.cognito = True
    provider.issuer = pool_issuer("eu-west-1", "eu-west-1_Example01")
    for name in ("OIDC_ISSUER", "OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET", "OIDC_NAME"):
        environment.delenv(name)
    environment.setenv("COGNITO_USER_POOL_ID", "eu-west-1_Example01")
    environment.setenv("COGNITO_CLIENT_ID", "chatworks")
    environment.setenv("COGNITO_CLIENT_SECRET", provider.client_secret)
    environment.setenv("COGNITO_DOMAIN", provider.base)
    environment.setenv("COGNITO_ENDPOINT", provider.base)
    return provider


KEY = "/account/with/cognito"


async def goes(person: Person, provider: OpenIdProvider) -> Any:
    return await signs_in(person, provider, path=KEY)


async def test_a_pool_s_word_opens_a_new_account_and_no_other(
    hosted_pool: OpenIdProvider, house: House, person: Person
) -> None:
    answer = await goes(person, hosted_pool)
    assert (answer.status_code, answer.headers["location"]) == (303, "/account")
    [(verified,)] = await rows(house, "SELECT value FROM account_address WHERE is_main")
    assert verified == AMINA
    first = await latest(house)
    await person.post("/account/sign-out")

    hosted_pool.person["sub"] = "somebody-else"  # another user of the pool, the same address
    await goes(person, hosted_pool)
    assert not await person.signed_in()
    await goes(person, hosted_pool)
    await proves(person, AMINA)
    assert await latest(house) == first
    verified = "SELECT count(*) FROM account_address WHERE verified_at IS NOT NULL"
    assert await rows(house, verified) == [(1,)]


@pytest.mark.parametrize("said", ["false", "true", False, None, 1])
async def test_only_the_value_true_is_true(
    hosted_pool: OpenIdProvider, house: House, person: Person, said: object
) -> None:
    hosted_pool.person["email_verified"] = said
    answer = await goes(person, hosted_pool)

    assert answer.status_code == 200
    assert TICKET.search(answer.text)
    assert not await person.signed_in()
    assert await rows(house, "SELECT 1 FROM account_identity") == []


@pytest.mark.parametrize(
    "knobs",
    [
        {"claims": {"token_use": "access"}},
        {"access_claims": {"token_use": "id"}},
        {"access_claims": {"client_id": "another"}},
        {"claims": {"aud": "another"}},
    ],
)
async def test_a_token_of_the_other_kind_signs_nobody_in(
    hosted_pool: OpenIdProvider, house: House, person: Person, knobs: dict[str, Any]
) -> None:
    for knob, value in knobs.items():
        setattr(hosted_pool, knob, value)

    assert (await goes(person, hosted_pool)).status_code == 403
    assert not await person.signed_in()
    assert await rows(house, "SELECT 1 FROM account_identity") == []


async def test_an_address_that_is_none_is_asked_for_again(
    hosted_pool: OpenIdProvider, person: Person
) -> None:
    hosted_pool.person["email_verified"] = False
    await goes(person, hosted_pool)
    answer = await steps(person, "no address")

    assert answer.status_code == 422
    assert "This is no e-mail address." in answer.text
    assert await person.mails() == []
