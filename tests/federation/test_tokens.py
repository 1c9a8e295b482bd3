"""What a provider answers is believed only where every rule holds. Nothing else ends well."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from ways import query_of

from chatworks.federation.models import Person, Provider, Unavailable, Untrusted
from chatworks.federation.openid import REFETCH_SECONDS, OpenId
from chatworks.kit.clock import FixedClock
from chatworks.kit.http import HttpClient
from chatworks.testing.openid import CLIENT_ID, CLIENT_SECRET, OpenIdProvider

BACK = "http://127.0.0.1:18220/account/with/oidc/back"
ATTEMPT = ("b" * 43, "s" * 43)


@pytest.fixture
def clock(fixed_clock: FixedClock, provider: OpenIdProvider) -> FixedClock:
    provider.clock = fixed_clock
    return fixed_clock


@pytest.fixture
def way(provider: OpenIdProvider, http: HttpClient, clock: FixedClock) -> OpenId:
    return OpenId(Provider("oidc", "Example", provider.base, CLIENT_ID, CLIENT_SECRET), http, clock)


@pytest.fixture
def cognito(provider: OpenIdProvider, http: HttpClient, clock: FixedClock) -> OpenId:
    provider.cognito = True
    known = Provider("cognito", "C", provider.base, CLIENT_ID, CLIENT_SECRET, token_use=True)
    return OpenId(known, http, clock)


async def signed_in(provider: OpenIdProvider, way: OpenId, **changed: str) -> Person:
    """A person says yes; their browser brings the answer, with parts of it ``changed``."""
    sent = provider.consent(await way.authorize(BACK, ATTEMPT))
    return await way.finish({**query_of(sent), **changed}, BACK, ATTEMPT)


async def refused(provider: OpenIdProvider, way: OpenId, **changed: str) -> str:
    """Return the rule that refused."""
    with pytest.raises(Untrusted) as caught:
        await signed_in(provider, way, **changed)
    return caught.value.rule


async def test_a_person_is_proved(provider: OpenIdProvider, way: OpenId) -> None:
    person = await signed_in(provider, way)

    assert person == Person(
        provider.base, "amina-1", "amina@example.org", verified=True, name="Amina Otieno"
    )
    assert [call.method for call in provider.calls] == ["discovery", "token", "keys"]


async def test_a_public_client_shows_no_secret(
    provider: OpenIdProvider, http: HttpClient, clock: FixedClock
) -> None:
    provider.client_secret = ""
    public = OpenId(Provider("oidc", "Example", provider.base, CLIENT_ID), http, clock)

    assert (await signed_in(provider, public)).subject == "amina-1"
    [call] = provider.sent("token")
    assert call.params["client_id"] == CLIENT_ID
    assert "client_secret" not in call.params


async def test_a_client_shows_its_secret_as_the_provider_wants_it(
    provider: OpenIdProvider, way: OpenId
) -> None:
    provider.document = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}

    assert (await signed_in(provider, way)).subject == "amina-1"
    [call] = provider.sent("token")
    assert call.params["client_secret"] == CLIENT_SECRET


async def test_the_challenge_is_of_the_verifier(provider: OpenIdProvider, way: OpenId) -> None:
    asked = query_of(await way.authorize(BACK, ATTEMPT))

    assert asked["code_challenge_method"] == "S256"
    assert asked["redirect_uri"] == BACK
    assert asked["response_type"] == "code"
    assert "b" * 43 not in str(asked)
    sent = provider.consent(await way.authorize(BACK, ATTEMPT))
    with pytest.raises(Untrusted, match="cannot be trusted"):
        await way.finish(query_of(sent), BACK, ("c" * 43, "s" * 43))  # another browser's verifier


NOT_OURS: dict[str, tuple[dict[str, Any], str]] = {
    "wrong issuer": ({"iss": "https://elsewhere.example"}, "token: iss"),
    "no issuer": ({"iss": None}, "token: MissingClaimError"),
    "wrong audience": ({"aud": "another-client"}, "token: aud"),
    "no audience": ({"aud": None}, "token: aud"),
    "two audiences, no party": ({"aud": [CLIENT_ID, "other"]}, "token: azp"),
    "authorised to another": ({"aud": [CLIENT_ID, "other"], "azp": "other"}, "token: azp"),
    "expired": ({"exp": 1_000_000_000}, "token: ExpiredTokenError"),
    "never expires": ({"exp": None}, "token: MissingClaimError"),
    "expires in words": ({"exp": "tomorrow"}, "token: InvalidClaimError"),
    "from the future": ({"iat": 4_000_000_000}, "token: InvalidClaimError"),
    "not yet good": ({"nbf": 4_000_000_000}, "token: InvalidClaimError"),
    "wrong nonce": ({"nonce": "of-another-attempt"}, "token: nonce"),
    "no nonce": ({"nonce": None}, "token: nonce"),
    "of another access token": ({"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"}, "token: at_hash"),
    "at_hash that is no text": ({"at_hash": 7}, "token: at_hash"),
    "no subject": ({"sub": None}, "token: MissingClaimError"),
    "empty subject": ({"sub": ""}, "token: InvalidClaimError"),
    "endless subject": ({"sub": "x" * 256}, "token: sub"),
    "a number as subject": ({"sub": 7}, "token: InvalidClaimError"),
}


@pytest.mark.parametrize("name", NOT_OURS)
async def test_a_token_that_is_not_for_us_now_is_refused(
    provider: OpenIdProvider, way: OpenId, name: str
) -> None:
    provider.claims, rule = NOT_OURS[name]

    assert await refused(provider, way) == rule


@pytest.mark.parametrize(
    ("forge", "rule"),
    [("none", "token: alg"), ("HS256", "token: alg"), ("key", "token: BadSignatureError")],
)
async def test_a_forged_token_is_refused(
    provider: OpenIdProvider, way: OpenId, forge: str, rule: str
) -> None:
    provider.forge = forge

    assert await refused(provider, way) == rule


async def test_a_token_of_an_unknown_key_is_refused_after_one_look(
    provider: OpenIdProvider, way: OpenId, clock: FixedClock
) -> None:
    provider.header = {"kid": "nobody's"}

    assert await refused(provider, way) == "token: kid"
    assert await refused(provider, way) == "token: kid"
    assert len(provider.sent("keys")) == 1
    clock.move(timedelta(seconds=REFETCH_SECONDS))
    assert await refused(provider, way) == "token: kid"
    assert len(provider.sent("keys")) == 2


async def test_keys_that_change_are_followed_with_a_limit(
    provider: OpenIdProvider, way: OpenId, clock: FixedClock
) -> None:
    await signed_in(provider, way)
    provider.rotate()
    assert await refused(provider, way) == "token: kid"  # seen a moment ago: not asked again
    clock.move(timedelta(seconds=REFETCH_SECONDS))

    assert (await signed_in(provider, way)).subject == "amina-1"
    assert len(provider.sent("keys")) == 2


async def test_a_clock_may_be_a_minute_off(
    provider: OpenIdProvider, way: OpenId, clock: FixedClock
) -> None:
    now = int(clock.now().timestamp())
    provider.claims = {"exp": now - 59, "iat": now + 59}
    assert (await signed_in(provider, way)).subject == "amina-1"

    provider.claims = {"exp": now - 61}
    assert await refused(provider, way) == "token: ExpiredTokenError"


async def test_an_answer_of_another_provider_is_refused(
    provider: OpenIdProvider, way: OpenId
) -> None:
    assert await refused(provider, way, iss="https://mixed-up.example") == "response: iss"
    assert provider.sent("token") == []  # the code went nowhere


async def test_a_provider_that_promises_its_name_must_give_it(
    provider: OpenIdProvider, way: OpenId
) -> None:
    sent = query_of(provider.consent(await way.authorize(BACK, ATTEMPT)))
    del sent["iss"]

    with pytest.raises(Untrusted) as caught:
        await way.finish(sent, BACK, ATTEMPT)
    assert caught.value.rule == "response: iss"


async def test_a_document_of_another_issuer_is_refused(
    provider: OpenIdProvider, way: OpenId
) -> None:
    provider.document = {"issuer": f"{provider.base}/"}

    assert await refused(provider, way) == "discovery: issuer"


@pytest.mark.parametrize(
    "address",
    [
        "http://elsewhere.example/token",
        "ftp://127.0.0.1/",
        "https://",
        "https://user@h.example/",
        7,
    ],
)
async def test_endpoints_are_asked_in_the_clear_on_loopback_only(
    provider: OpenIdProvider, way: OpenId, address: object
) -> None:
    provider.document = {"token_endpoint": address}

    assert await refused(provider, way) == "discovery: endpoints"


async def test_the_text_false_is_not_true(provider: OpenIdProvider, way: OpenId) -> None:
    for said in ("false", "true", 1, [True], None):
        provider.person["email_verified"] = said
        person = await signed_in(provider, way)
        assert (person.email, person.verified) == ("amina@example.org", False)


async def test_an_address_that_is_none_is_as_none_given(
    provider: OpenIdProvider, way: OpenId
) -> None:
    for said in ("no address", "", ["a@example.org"], None, "a@b\n.example"):
        provider.person["email"] = said
        person = await signed_in(provider, way)
        assert (person.email, person.verified) == ("", False)


async def test_a_provider_that_is_away_is_no_refusal(provider: OpenIdProvider, way: OpenId) -> None:
    provider.fail_next("close", "token")

    with pytest.raises(Unavailable):
        await signed_in(provider, way)


@pytest.mark.parametrize(
    ("claims", "access", "rule"),
    [
        ({"token_use": "access"}, {}, "token: token_use"),
        ({"token_use": None}, {}, "token: token_use"),
        ({}, {"token_use": "id"}, "token: token_use"),
        ({}, {"client_id": "another-client"}, "token: client_id"),
        ({}, {"sub": "somebody-else"}, "token: sub"),
        ({}, {"iss": "https://elsewhere.example"}, "token: iss"),
    ],
)
async def test_a_cognito_token_of_the_other_kind_is_refused(
    provider: OpenIdProvider,
    cognito: OpenId,
    claims: dict[str, Any],
    access: dict[str, Any],
    rule: str,
) -> None:
    assert (await signed_in(provider, cognito)).subject == "amina-1"
    provider.claims, provider.access_claims = claims, access

    assert await refused(provider, cognito) == rule
