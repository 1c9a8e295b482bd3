"""The pages of a first factor that asks for more, and what the environment may name."""

from __future__ import annotations

import re

import pytest
from contract import AMINA, BROWSER, FIRST, SECOND
from federated import browsing, cognito_house
from persons import Browsing, Person
from pools import Pool, totp
from test_contract import OurOwn
from ways import TICKET, WANTED, led_to, steps

from chatworks.app import House, compose
from chatworks.federation.models import Unavailable
from chatworks.federation.user_pool import WAITING_MAX
from chatworks.identity.models import Browser, Typed
from chatworks.kit.clock import SystemClock
from chatworks.kit.errors import Invalid
from chatworks.settings import read_settings

SECRET = re.compile(r'name="secret" value="([^"]+)"')
JOIN = "/account/sign-up/password"


async def joins(person: Person, email: str = AMINA, password: str = FIRST) -> None:
    await person.post(JOIN, name="Amina", email=email, new=password, again=password)
    assert person.status == 200
    [ticket] = TICKET.findall(person.page)
    person.ticket = ticket


async def test_an_account_is_opened_with_a_password_of_our_own(
    house: House, person: Person
) -> None:
    await person.get("/account/sign-up")
    assert "Sign in with Example ID" in person.page
    assert JOIN in person.page
    await joins(person)
    ticket = person.ticket
    await person.post(f"{JOIN}/finish", ticket=ticket, code="0000-0000", sent_to=AMINA)
    assert person.status == 422
    await person.post(f"{JOIN}/again", ticket=ticket, sent_to=AMINA)
    [ticket] = TICKET.findall(person.page)
    await person.post(f"{JOIN}/finish", ticket=ticket, code=await person.code(), sent_to=AMINA)
    assert "Your address is confirmed" in person.page
    assert not await person.signed_in()  # the code is not the password

    await person.post("/account/sign-in/password", address=AMINA, password=SECOND)
    assert person.status == 422
    await person.post("/account/sign-in/password", address=AMINA, password=FIRST)
    assert person.status == 303
    assert await led_to(person) == "/account/device"  # it is the first time from here


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"new": "short", "again": "short"}, "too short"),
        ({"again": "another"}, "in two different ways"),
        ({"email": "no address"}, "Please check this e-mail address."),
        ({"name": ""}, "Please say your name"),
    ],
)
async def test_what_is_wrong_with_a_new_account_is_said(
    house: House, person: Person, form: dict[str, str], said: str
) -> None:
    filled = {"name": "Amina", "email": AMINA, "new": FIRST, "again": FIRST, **form}
    answer = await person.post(JOIN, **filled)

    assert answer.status_code == 422
    assert said in answer.text
    assert FIRST not in answer.text
    assert await person.mails() == []


async def test_known_and_unknown_addresses_sign_up_alike(person: Person, browse: Browsing) -> None:
    await person.signs_up(AMINA)
    pages = []
    for email in (AMINA, "nobody@example.org"):
        async with browse() as other:
            await joins(other, email)
            page = other.page.replace(email, "…").replace(other.ticket, "…")
            pages.append(page)

    assert pages[0] == pages[1]


async def test_a_pool_s_steps_on_our_pages(
    database_url: str, clock: SystemClock, environment: pytest.MonkeyPatch, pool: Pool
) -> None:
    pool.demand_codes()
    pool.invite(AMINA, "Temporary-1")
    async with (
        cognito_house(database_url, clock, environment, pool) as house,
        browsing(house)() as person,
    ):
        await person.post("/account/sign-in/password", address=AMINA, password="Temporary-1")
        assert "Choose a password of your own" in person.page
        await steps(person, "short")
        assert person.status == 422
        assert "not strong enough" in person.page
        await steps(person, FIRST)
        secret = SECRET.findall(person.page)[0]
        await steps(person, totp(secret))
        assert WANTED.findall(person.page) == ["address"]
        await steps(person, AMINA)
        await steps(person, await person.code())
        assert await person.signed_in()
        shown = (await person.get("/account/ways")).text
        assert "Amazon Cognito" in shown
        assert "Connect Example ID" in shown
        assert "Connect Amazon Cognito" not in shown  # it has no hosted pages here
        await person.post("/account/sign-out")
        await person.post("/account/sign-in/password", address=AMINA, password=FIRST)
        for wrong in ("000000", "12"):
            await steps(person, wrong)
            assert person.status == 422
        await steps(person, totp(secret))
        assert await person.signed_in()


async def test_a_pool_that_is_away_lets_nobody_in(
    database_url: str, clock: SystemClock, environment: pytest.MonkeyPatch, pool: Pool
) -> None:
    pool.endpoint = "http://127.0.0.1:9"  # nobody listens
    async with cognito_house(database_url, clock, environment, pool) as house:
        with pytest.raises(Unavailable):
            await house.federation.first_factor.sign_in(AMINA, FIRST, Browser("", "192.0.2.1"))
        assert house.federation.pool is not None
        house.federation.pool._waiting = WAITING_MAX
        with pytest.raises(Unavailable, match="too many"):
            await house.federation.first_factor.sign_in(AMINA, FIRST, Browser("", "192.0.2.1"))


@pytest.mark.parametrize(
    ("environment_of", "variable"),
    [
        ({"OIDC_CLIENT_ID": ""}, "OIDC_CLIENT_ID"),
        ({"OIDC_ISSUER": ""}, "OIDC_ISSUER"),
        ({"OIDC_ISSUER": "http://id.example"}, "OIDC_ISSUER"),
        ({"OIDC_ISSUER": "https://id.example?x=1"}, "OIDC_ISSUER"),
        ({"CHATWORKS_IDENTITY": "cognito"}, "COGNITO_USER_POOL_ID"),
        ({"COGNITO_USER_POOL_ID": "eu-west-1_A"}, "COGNITO_CLIENT_ID"),
        ({"COGNITO_USER_POOL_ID": "no region", "COGNITO_CLIENT_ID": "c"}, "COGNITO_REGION"),
        (
            {
                "COGNITO_USER_POOL_ID": "eu-west-1_A",
                "COGNITO_CLIENT_ID": "c",
                "COGNITO_REGION": "us-east-1",
            },
            "COGNITO_REGION",
        ),
    ],
)
def test_a_variable_that_is_wrong_is_named(
    environment: pytest.MonkeyPatch,
    clock: SystemClock,
    environment_of: dict[str, str],
    variable: str,
) -> None:
    for name, value in environment_of.items():
        environment.setenv(name, value)
    with pytest.raises(Invalid) as caught:
        compose(read_settings(), "postgresql://nobody@127.0.0.1:9/none", clock)

    assert caught.value.field == variable


async def test_a_password_that_changed_meanwhile_begins_no_session(house: House) -> None:
    """A try that was right before a reset, and comes to its session after it."""
    async with browsing(house)() as person:
        keeper = OurOwn(house, person)
        await keeper.joins()
        thief = await keeper.enters()
        assert thief.hold
        assert thief.hold not in repr(thief)
        ticket = await keeper.factor.forgot(Typed("email", AMINA), BROWSER, "en")
        code = await keeper.reset_code(AMINA)
        await keeper.factor.reset(ticket, (code, SECOND), BROWSER)
        async with house.db.engine() as work:
            assert not await keeper.factor.stands(work, thief)
            owner = await keeper.enters(password=SECOND)
            assert await keeper.factor.stands(work, owner)
