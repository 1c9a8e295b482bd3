"""Signing in with a provider's own pages, and what strangers try on the way."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from persons import Browsing, Person
from ways import authenticator, leaves, led_to, proves, query_of, returns, shows, signs_in, steps

from chatworks.app import House
from chatworks.testing.openid import CLIENT_ID, OpenIdProvider

AMINA = "amina@example.org"


async def rows(house: House, query: str) -> list[tuple[Any, ...]]:
    async with house.db.engine() as work:
        return await (await work.conn.execute(query)).fetchall()  # type: ignore[arg-type]


async def identities(house: House) -> list[tuple[Any, ...]]:
    return await rows(house, "SELECT account_id, provider, subject FROM account_identity")


async def accounts(house: House) -> int:
    """Count the accounts that people opened; the outlet's owner has one."""
    [(count,)] = await rows(house, "SELECT count(*) FROM account_address")
    return int(count)


async def nothing_happened(house: House, person: Person) -> None:
    """Nobody is signed in, and nothing has changed."""
    assert not await person.signed_in()
    assert await identities(house) == []
    assert await accounts(house) == 0
    assert await rows(house, "SELECT id FROM session") == []


async def test_a_new_person_proves_an_address_and_comes_back_without(
    house: House, provider: OpenIdProvider, person: Person, browse: Browsing
) -> None:
    await signs_in(person, provider)
    assert AMINA in person.page  # suggested, and not believed
    assert await accounts(house) == 0
    answer = await proves(person, AMINA)

    assert (answer.status_code, answer.headers["location"]) == (303, "/account")
    assert await person.signed_in()
    assert "Amina Otieno" in person.page
    [(account_id, key, subject)] = await identities(house)
    assert (key, subject) == ("oidc", "amina-1")
    assert "Another service was connected" in (await person.get("/account/history")).text
    async with browse() as again:
        answer = await signs_in(again, provider, next="/account/devices")
        assert (answer.status_code, answer.headers["location"]) == (303, "/account/devices")
        assert await led_to(again) == "/account/device"  # a new browser: confirmed first
    found = await rows(house, "SELECT DISTINCT account_id FROM session")
    assert found == [(account_id,)]


async def test_an_account_that_has_the_address_is_got_into_by_its_code_only(
    house: House, provider: OpenIdProvider, person: Person, browse: Browsing
) -> None:
    await person.signs_up(AMINA)
    async with browse() as other:
        await signs_in(other, provider)  # the provider swears that the address is theirs
        assert not await other.signed_in()
        await signs_in(other, provider)
        await steps(other, AMINA)
        for wrong in ("0000-0000", "AAAA-AAAA"):
            assert (await steps(other, wrong)).status_code == 422
        assert await identities(house) == []
        await steps(other, await other.code())
        assert await other.signed_in()

    assert await accounts(house) == 1
    [(account_id, _, _)] = await identities(house)
    assert await rows(house, "SELECT DISTINCT account_id FROM session") == [(account_id,)]


async def test_known_and_unknown_addresses_are_answered_alike(
    provider: OpenIdProvider, person: Person, browse: Browsing
) -> None:
    await person.signs_up(AMINA)
    pages = []
    for address in (AMINA, "nobody@example.org"):
        async with browse() as other:
            await signs_in(other, provider)
            answer = await steps(other, address)
            ticket = other.page.split('name="ticket" value="')[1].split('"')[0]
            page = answer.text.replace(address, "…").replace(ticket, "…")
            pages.append((answer.status_code, page))
    mails = await person.mails()

    assert pages[0] == pages[1]
    subjects = [(to, subject.split("-")[0][:-4]) for to, subject, _ in mails[-2:]]
    assert {to for to, _ in subjects} == {AMINA, "nobody@example.org"}
    assert len({shape for _, shape in subjects}) == 1


async def test_two_ways_into_one_account(
    house: House, provider: OpenIdProvider, person: Person, browse: Browsing
) -> None:
    await person.signs_up(AMINA)
    provider.person["email"] = "amina@work.example"
    back = provider.consent(await leaves(person, "/account/ways/oidc"))
    answer = await returns(person, back)

    assert (answer.status_code, answer.headers["location"]) == (303, "/account/ways?saved=ways")
    page = (await person.get("/account/ways")).text
    assert "Example ID" in page
    [(account_id, _, _)] = await identities(house)
    acts = await rows(
        house, "SELECT action FROM audit_leaf WHERE action LIKE 'federation.%' ORDER BY id"
    )
    assert acts == [("federation.LinkIdentity",)]
    async with browse() as other:
        await signs_in(other, provider)
        assert await led_to(other) == "/account/device"
    assert await rows(house, "SELECT DISTINCT account_id FROM session") == [(account_id,)]


async def test_an_identity_is_one_account_s(
    house: House, provider: OpenIdProvider, person: Person, browse: Browsing
) -> None:
    await person.signs_up(AMINA)
    await returns(person, provider.consent(await leaves(person, "/account/ways/oidc")))
    before = await identities(house)
    async with browse() as other:
        await other.signs_up("other@example.org", "Other")
        back = provider.consent(await leaves(other, "/account/ways/oidc"))
        answer = await returns(other, back)
        assert answer.status_code == 409
        assert "connected to another account" in answer.text

    assert await identities(house) == before


async def test_the_last_way_in_stays(
    house: House, provider: OpenIdProvider, person: Person
) -> None:
    await signs_in(person, provider)
    await proves(person, AMINA)
    [(identity_id,)] = await rows(house, "SELECT id FROM account_identity")
    await shows(person, "/account/ways", id=identity_id.hex)
    assert person.status == 303  # the address is left
    assert await identities(house) == []
    await returns(person, provider.consent(await leaves(person, "/account/ways/oidc")))
    [(identity_id,)] = await rows(house, "SELECT id FROM account_identity")
    async with house.db.engine() as work:  # an account without a verified address
        await work.conn.execute("UPDATE account_address SET verified_at = NULL")
        await work.conn.execute("SELECT set_config('audit.leaf', pg_current_xact_id()::text, true)")
    answer = await shows(person, "/account/ways", id=identity_id.hex)

    assert answer.status_code == 422
    assert "last way into your account" in answer.text
    assert len(await identities(house)) == 1


async def test_nobody_disconnects_what_is_not_theirs(
    house: House, provider: OpenIdProvider, person: Person, browse: Browsing
) -> None:
    await signs_in(person, provider)
    await proves(person, AMINA)
    [(identity_id,)] = await rows(house, "SELECT id FROM account_identity")
    async with browse() as other:
        await other.signs_up("other@example.org", "Other")
        assert (await shows(other, "/account/ways", id=identity_id.hex)).status_code == 404

    assert len(await identities(house)) == 1


# What strangers try


async def test_an_answer_in_another_browser_is_refused(
    house: House, provider: OpenIdProvider, person: Person, browse: Browsing
) -> None:
    """Login CSRF and session fixation: an attacker's answer is opened by somebody else."""
    async with browse() as attacker:
        answer = provider.consent(await leaves(attacker))
    await leaves(person)  # a cookie of their own, too
    refused = await returns(person, answer)

    assert refused.status_code == 403
    assert "Nothing has changed" in refused.text
    await nothing_happened(house, person)


async def test_an_answer_nobody_asked_for_is_refused(
    house: House, provider: OpenIdProvider, person: Person
) -> None:
    for query in (
        "",
        "?code=x&state=",
        f"?code=x&state={'s' * 43}",
        f"?code=x&state={'ü' * 43}",
        "?error=access_denied&error_description=%3Cscript%3E",
    ):
        refused = await person.get(f"/account/with/oidc/back{query}")
        assert refused.status_code == 403, query
        assert "script%3E" not in refused.text
        assert "access_denied" not in refused.text
    await nothing_happened(house, person)


async def test_a_person_who_says_no_is_not_signed_in(
    house: House, provider: OpenIdProvider, person: Person
) -> None:
    state = query_of(await leaves(person))["state"]
    refused = await person.get(f"/account/with/oidc/back?error=access_denied&state={state}")

    assert refused.status_code == 403
    assert await rows(house, "SELECT 1 FROM federation_attempt") == []  # it is spent
    await nothing_happened(house, person)


async def test_of_64_uses_of_one_answer_one_is_taken(
    house: House, provider: OpenIdProvider, person: Person
) -> None:
    await signs_in(person, provider)
    await proves(person, AMINA)
    await person.post("/account/sign-out")
    back = provider.consent(await leaves(person))
    before = len(await rows(house, "SELECT id FROM session"))
    path = back.removeprefix("http://127.0.0.1:8000")

    async def use() -> int:
        return (await person.web.get(path)).status_code

    statuses = await asyncio.gather(*(use() for _ in range(64)))

    assert sorted(statuses) == [303] + [403] * 63
    assert len(await rows(house, "SELECT id FROM session")) == before + 1
    assert (
        len(provider.sent("token")) == 2
    )  # the code was shown to the provider once, and once before


async def test_of_64_uses_of_one_code_to_an_address_one_is_taken(
    house: House, provider: OpenIdProvider, person: Person
) -> None:
    await signs_in(person, provider)
    await steps(person, AMINA)
    page, code = person.page, await person.code()
    ticket = page.split('name="ticket" value="')[1].split('"')[0]
    form = {"ticket": ticket, "wanted": "proof", "given": code}

    async def use() -> int:
        return (await person.web.post("/account/with/step", data=form)).status_code

    statuses = await asyncio.gather(*(use() for _ in range(64)))

    assert statuses.count(303) == 1
    assert set(statuses) <= {303, 422, 429}
    assert len(await identities(house)) == 1
    assert await accounts(house) == 1


async def test_an_attempt_is_good_for_ten_minutes(
    house: House, provider: OpenIdProvider, person: Person
) -> None:
    back = provider.consent(await leaves(person))
    async with house.db.engine() as work:
        await work.conn.execute(
            "UPDATE federation_attempt SET expires_at = expires_at - %s", [timedelta(minutes=10)]
        )
    assert (await returns(person, back)).status_code == 403
    await nothing_happened(house, person)


async def test_an_answer_is_taken_where_it_was_asked_for(
    house: House, provider: OpenIdProvider, person: Person
) -> None:
    """Mix-up: an answer that was asked of one provider is brought back as another's."""
    back = provider.consent(await leaves(person))
    refused = await returns(person, back.replace("/with/oidc/", "/with/cognito/"))
    assert refused.status_code == 404
    mixed = back.replace("iss=", "iss=https%3A%2F%2Felsewhere.example&x=")
    assert (await returns(person, mixed)).status_code == 403
    twice = f"{provider.consent(await leaves(person))}&iss=https%3A%2F%2Felsewhere.example"
    assert (await returns(person, twice)).status_code == 403

    assert provider.sent("token") == []
    await nothing_happened(house, person)


@pytest.mark.parametrize(
    "wanted",
    ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "/../x"],
)
async def test_nobody_is_led_elsewhere(
    house: House, provider: OpenIdProvider, person: Person, wanted: str
) -> None:
    """Open redirects: where to go next is a path of ours, whoever says it."""
    await signs_in(person, provider)
    await proves(person, AMINA)
    await person.post("/account/sign-out")
    answer = await signs_in(person, provider, next=wanted)

    assert (answer.status_code, answer.headers["location"]) == (303, "/account")


async def test_a_link_of_another_account_s_making_connects_nothing(
    house: House, provider: OpenIdProvider, person: Person, browse: Browsing
) -> None:
    """An attempt to connect belongs to the account that began it, in whatever browser."""
    await person.signs_up(AMINA)
    back = provider.consent(await leaves(person, "/account/ways/oidc"))
    await person.post("/account/sign-out")
    assert (await returns(person, back)).status_code == 403  # nobody is signed in

    await person.post("/account/sign-in/code", address=AMINA)
    await person.post("/account/sign-in/finish", code=await person.code())
    back = provider.consent(await leaves(person, "/account/ways/oidc"))
    await person.post("/account/sign-out")
    await person.signs_up("other@example.org", "Other")  # in the same browser
    assert (await returns(person, back)).status_code == 403
    assert await identities(house) == []


async def test_a_service_does_not_go_around_the_second_factor(
    house: House, provider: OpenIdProvider, person: Person
) -> None:
    await signs_in(person, provider)
    await proves(person, AMINA)
    [(account_id, _, _)] = await identities(house)
    await authenticator(house, account_id)
    await person.post("/account/sign-out")
    await signs_in(person, provider)

    assert await led_to(person) == "/account/second"


async def test_connecting_and_disconnecting_ask_again_who_it_is(
    house: House, provider: OpenIdProvider, person: Person
) -> None:
    await signs_in(person, provider)
    await proves(person, AMINA)
    before = await identities(house)
    for path, form in (("/account/ways/oidc", {}), ("/account/ways", {"id": "0" * 32})):
        refused = await person.post(path, **form)
        assert refused.status_code == 403
        assert "Is it you?" in refused.text

    assert await rows(house, "SELECT 1 FROM federation_attempt") == []
    assert await identities(house) == before


async def test_a_half_session_connects_nothing(
    house: House, provider: OpenIdProvider, person: Person
) -> None:
    """Who has shown one of two factors brings back an answer that was asked for before."""
    await person.signs_up(AMINA)
    back = provider.consent(await leaves(person, "/account/ways/oidc"))
    [(account_id,)] = await rows(house, "SELECT DISTINCT account_id FROM session")
    await authenticator(house, account_id)
    await person.post("/account/sign-out")
    await person.post("/account/sign-in/code", address=AMINA)
    await person.post("/account/sign-in/finish", code=await person.code())
    assert await led_to(person) == "/account/second"

    assert (await returns(person, back)).status_code == 403
    assert await identities(house) == []


async def test_another_site_begins_nothing(house: House, person: Person) -> None:
    for path in ("/account/with/oidc", "/account/ways/oidc", "/account/with/step"):
        refused = await person.web.post(path, headers={"sec-fetch-site": "cross-site"})
        assert refused.status_code == 403
    assert await rows(house, "SELECT 1 FROM federation_attempt") == []


async def test_ways_that_are_begun_are_limited(house: House, person: Person) -> None:
    statuses = [(await person.post("/account/with/oidc")).status_code for _ in range(40)]

    assert statuses[0] == 200
    assert statuses[-1] == 429
    [(begun,)] = await rows(house, "SELECT count(*) FROM federation_attempt")
    assert begun == statuses.count(200) < 40


async def test_the_database_holds_no_secret_of_an_attempt(house: House, person: Person) -> None:
    url = await leaves(person)
    [row] = await rows(house, "SELECT federation_attempt::text FROM federation_attempt")
    asked = query_of(url)
    secrets = [asked["state"], asked["nonce"], person.web.cookies["cw_with"]]

    assert [secret for secret in secrets if secret in str(row)] == []


BAD: dict[str, dict[str, Any]] = {
    "wrong issuer": {"claims": {"iss": "https://elsewhere.example"}},
    "wrong audience": {"claims": {"aud": "another"}},
    "authorised to another": {"claims": {"aud": [CLIENT_ID, "x"], "azp": "x"}},
    "expired": {"claims": {"exp": 1_000_000_000}},
    "not yet good": {"claims": {"nbf": 4_000_000_000}},
    "wrong nonce": {"claims": {"nonce": "x"}},
    "of another access token": {"claims": {"at_hash": "x"}},
    "alg none": {"forge": "none"},
    "HS256 with the public key": {"forge": "HS256"},
    "another key": {"forge": "key"},
    "unknown kid": {"header": {"kid": "nobody's"}},
}


@pytest.mark.parametrize("name", BAD)
async def test_a_bad_token_signs_nobody_in(
    house: House, provider: OpenIdProvider, person: Person, name: str
) -> None:
    for knob, value in BAD[name].items():
        setattr(provider, knob, value)
    refused = await signs_in(person, provider)

    assert refused.status_code == 403
    assert "Nothing has changed" in refused.text
    await nothing_happened(house, person)


async def test_a_signed_in_person_s_session_is_new(
    house: House, provider: OpenIdProvider, person: Person
) -> None:
    """Session fixation: no secret that was there before is good afterwards."""
    await signs_in(person, provider)
    await proves(person, AMINA)
    before = person.web.cookies["cw_session"]
    await signs_in(person, provider)

    assert person.web.cookies["cw_session"] != before
    person.web.cookies.clear()
    person.web.cookies.set("cw_session", before)
    assert not await person.signed_in()
