"""OAuth 2.1: consent, codes, tokens, rotation, revocation, and how each is refused."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

import httpx
import pytest
from asking import REDIRECT, VERIFIER, Asker, asker_of, told
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata
from programs import Program, Tenant, step_up

from chatworks.house import House
from chatworks.oauth import core
from chatworks.oauth.models import ClientNotValid, ListClients, RegisterClient, RemoveClient
from chatworks.oauth.service import Granting
from chatworks.oauth.store import forget_tokens

GRANTS = "SELECT count(*), count(revoked_at) FROM oauth_grant"


async def test_a_program_is_let_in_and_does_what_was_named(aqua: Tenant, keeper: Asker) -> None:
    order = await aqua.order(await aqua.talk("Anna"), "Anna")
    product = aqua.sql("SELECT id FROM product WHERE outlet_id = %s LIMIT 1", aqua.id)[0][0]
    page = await keeper.ask()
    answered = await keeper.consent(aqua)
    redeemed = await keeper.redeem(answered["code"])
    tokens = redeemed.json()
    program = Program(keeper.browser, tokens["access_token"])
    did = [
        (await program.ask(path, body)).status_code
        for path, body in (
            ("orders/list-orders", {}),
            ("catalog/set-price", {"product_id": str(product), "price_minor": 5}),
            ("orders/move-order", {"order_id": str(order), "to": "accepted"}),
            ("catalog/all-products", {}),
        )
    ]
    grant = aqua.sql("SELECT id, last_used_at IS NOT NULL FROM oauth_grant")

    for words in (
        "Let Books in?", "registered by MajiPro", "books.example", "<b>Orders</b>: See</li>",
        "<b>Products and prices</b>: Change a price", ">Aqua</option>",
        "Signed in as MajiPro owner.",
    ):  # fmt: skip
        assert words in page.text
    assert ">MajiPro</option>" not in page.text
    assert (answered["state"], answered["iss"]) == ("a state+&=", "http://127.0.0.1:8000")
    assert redeemed.headers["cache-control"] == "no-store"
    assert {name: tokens[name] for name in ("token_type", "expires_in", "scope")} == {
        "token_type": "Bearer", "expires_in": 900, "scope": "catalog.SetPrice orders:read",
    }  # fmt: skip
    assert did == [200, 200, 403, 403]
    assert [used for _, used in grant] == [True]
    assert aqua.sql(
        "SELECT outlet_id, action, actor_kind, object_id FROM audit_leaf"
        " WHERE action LIKE 'oauth.%%' OR actor_kind = 'agent' ORDER BY id"
    )[-2:] == [
        (aqua.id, "oauth.Allow", "operator", grant[0][0].hex),
        (aqua.id, "catalog.SetPrice", "agent", product.hex),
    ]


async def test_secrets_are_kept_as_hashes(aqua: Tenant, keeper: Asker) -> None:
    tokens = await keeper.tokens(aqua)
    kept = str(
        aqua.sql("SELECT t::text FROM oauth_token t")
        + aqua.sql("SELECT c::text FROM oauth_client c")
    )

    for secret in (tokens["access_token"], tokens["refresh_token"], keeper.secret):
        assert secret[-20:] not in kept


async def test_of_sixty_four_redemptions_exactly_one_wins(aqua: Tenant, asker: Asker) -> None:
    code = (await asker.consent(aqua))["code"]
    answers = await asyncio.gather(*(asker.redeem(code) for _ in range(64)))
    won = [answer.json() for answer in answers if answer.status_code == 200]
    lost = [answer for answer in answers if answer.status_code != 200]

    assert len(won) == 1
    assert {(answer.status_code, answer.json()["error"]) for answer in lost} == {
        (400, "invalid_grant")
    }
    assert aqua.sql("SELECT kind, count(*) FROM oauth_token GROUP BY kind ORDER BY kind") == [
        ("access", 1), ("code", 1), ("refresh", 1),
    ]  # fmt: skip
    assert await asker.works(won[0]["access_token"]) == 401  # a code that came again ends it all


async def test_of_sixty_four_refreshes_exactly_one_wins(aqua: Tenant, asker: Asker) -> None:
    token = (await asker.tokens(aqua))["refresh_token"]
    answers = await asyncio.gather(*(asker.refresh(token) for _ in range(64)))

    assert sorted(answer.status_code for answer in answers) == [200] + [400] * 63
    assert aqua.sql(GRANTS) == [(1, 1)]


async def test_a_refresh_token_that_comes_again_ends_the_whole_family(
    aqua: Tenant, asker: Asker
) -> None:
    first = await asker.tokens(aqua)
    second = (await asker.refresh(first["refresh_token"])).json()
    third = (await asker.refresh(second["refresh_token"])).json()
    before = [await asker.works(t["access_token"]) for t in (first, second, third)]
    stolen = await asker.refresh(first["refresh_token"])
    after = [await asker.works(t["access_token"]) for t in (first, second, third)]

    assert (before, after) == ([200] * 3, [401] * 3)
    assert (stolen.status_code, stolen.json()) == (400, {"error": "invalid_grant"})
    assert (await asker.refresh(third["refresh_token"])).status_code == 400
    leaves = aqua.sql(
        "SELECT convert_from(payload, 'UTF8') FROM audit_leaf WHERE action = 'oauth.Revoke'"
    )
    assert len(leaves) == 1
    assert "refresh token came again" in leaves[0][0]


WRONG_WISHES: list[tuple[dict[str, str | None], str]] = [
    ({"response_type": "token"}, "unsupported_response_type"),
    ({"response_type": None}, "unsupported_response_type"),
    ({"code_challenge": None}, "invalid_request"),
    ({"code_challenge_method": "plain"}, "invalid_request"),
    ({"code_challenge_method": None}, "invalid_request"),
    ({"code_challenge": "short"}, "invalid_request"),
    ({"scope": None}, "invalid_scope"),
    ({"scope": "orders.Eat"}, "invalid_scope"),
    ({"scope": "api.IssueKey"}, "invalid_scope"),
    ({"state": "x" * 501}, "invalid_request"),
]


async def test_a_wrong_wish_is_told_to_the_client(aqua: Tenant, asker: Asker) -> None:
    for changes, error in WRONG_WISHES:
        answered = told(await asker.ask(**changes))
        assert (answered["error"], answered["iss"]) == (error, "http://127.0.0.1:8000")
    assert aqua.sql(GRANTS) == [(0, 0)]


async def test_nobody_is_led_to_an_address_that_was_not_registered(
    aqua: Tenant, asker: Asker
) -> None:
    for changes in (
        {"client_id": "0" * 32},
        {"client_id": "x"},
        {"client_id": None},
        {"redirect_uri": None},
        {"redirect_uri": REDIRECT + "&more=1"},
        {"redirect_uri": REDIRECT.replace("https", "http")},
        {"redirect_uri": REDIRECT.replace("books", "BOOKS")},
        {"redirect_uri": "https://books.example/back"},
        {"redirect_uri": "https://evil.example/"},
        {"redirect_uri": "//books.example/back"},
        {"redirect_uri": "javascript:alert(1)"},
    ):
        page = await asker.ask(**changes)
        assert (page.status_code, page.headers.get("location"), page.headers.get("refresh")) == (
            400, None, None,
        )  # fmt: skip
    twice = await asker.browser.get(
        "/oauth/authorize", params=[*asker.wish().items(), ("client_id", asker.id)]
    )
    forged = await asker.browser.post(
        "/oauth/authorize",
        data=asker.wish(redirect_uri="https://evil.example/")
        | {"do": "allow", "outlet": aqua.id.hex},
    )

    assert (twice.status_code, forged.status_code) == (400, 400)
    assert aqua.sql(GRANTS) == [(0, 0)]


async def test_who_is_not_signed_in_comes_back_here_after(aqua: Tenant, asker: Asker) -> None:
    asker.browser.cookies.clear()
    page = await asker.browser.get(
        "/oauth/authorize", params=asker.wish(), headers={"accept": "text/html"}
    )

    assert page.status_code in {302, 303}
    location = page.headers["location"]
    assert location.startswith("/account/sign-in?next=/oauth/authorize")
    sign_in = await asker.browser.get(location)
    assert "/oauth/authorize?response_type=code&amp;client_id=" in sign_in.text


async def test_another_sites_page_cannot_consent(aqua: Tenant, asker: Asker) -> None:
    form = asker.wish() | {"do": "allow", "outlet": aqua.id.hex}
    forged = await asker.browser.post(
        "/oauth/authorize", data=form, headers={"origin": "https://evil.example"}
    )
    page = await asker.ask()

    assert forged.status_code == 403
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    assert aqua.sql(GRANTS) == [(0, 0)]


async def test_who_says_no_grants_nothing(aqua: Tenant, majipro: Tenant, asker: Asker) -> None:
    denied = await asker.consent(aqua, do="deny")
    page = await asker.ask()
    form = asker.wish() | {"do": "allow", "outlet": majipro.id.hex}  # somebody else's outlet
    stranger = await asker.browser.post("/oauth/authorize", data=form)

    assert (page.status_code, stranger.status_code) == (200, 404)
    assert denied == {
        "error": "access_denied", "state": "a state+&=", "iss": "http://127.0.0.1:8000",
    }  # fmt: skip
    assert aqua.sql(GRANTS) == [(0, 0)]


async def test_who_may_not_let_programs_in_cannot_consent(aqua: Tenant, asker: Asker) -> None:
    aqua.sql("UPDATE membership SET role = 'operator' WHERE outlet_id = %s", aqua.id)
    page = await asker.ask()
    form = asker.wish() | {"do": "allow", "outlet": aqua.id.hex}
    tried = told(await step_up(asker.browser, "/oauth/authorize", form))

    assert "You run no outlet in which you may let programs in." in page.text
    assert tried["error"] == "access_denied"
    assert aqua.sql(GRANTS) == [(0, 0)]


@pytest.mark.parametrize(
    "changes",
    [
        {"code_verifier": "w" * 43},
        {"code_verifier": ""},
        {"code_verifier": VERIFIER[:42]},
        {"redirect_uri": "https://books.example/other"},
    ],
)
async def test_a_code_without_its_verifier_is_burnt(
    aqua: Tenant, asker: Asker, changes: dict[str, str]
) -> None:
    code = (await asker.consent(aqua))["code"]
    wrong = await asker.redeem(code, **changes)
    right = await asker.redeem(code)

    assert [(a.status_code, a.json()) for a in (wrong, right)] == [
        (400, {"error": "invalid_grant"})
    ] * 2
    assert aqua.sql(GRANTS) == [(1, 1)]


async def test_a_code_is_its_clients_and_soon_too_old(
    aqua: Tenant, majipro: Tenant, asker: Asker
) -> None:
    other = await asker_of(majipro, asker.browser, confidential=True)
    code = (await asker.consent(aqua))["code"]
    stolen = await other.redeem(code)
    aqua.sql("UPDATE oauth_token SET expires_at = now()")
    late = await asker.redeem(code)

    assert [a.json() for a in (stolen, late)] == [{"error": "invalid_grant"}] * 2
    assert aqua.sql("SELECT count(*) FROM oauth_token WHERE kind <> 'code'") == [(0,)]


async def test_a_confidential_client_proves_itself_in_one_way(
    aqua: Tenant, keeper: Asker, asker: Asker
) -> None:
    def basic(name: str, secret: str) -> dict[str, str]:
        return {"authorization": "Basic " + base64.b64encode(f"{name}:{secret}".encode()).decode()}

    async def send(headers: dict[str, str], **given: str) -> tuple[int, str]:
        form = {"grant_type": "refresh_token", "refresh_token": "x", **given}
        answer = await keeper.browser.post("/oauth/token", data=form, headers=headers)
        if answer.status_code == 401:
            assert answer.headers["www-authenticate"] == 'Basic realm="chatworks"'
        return answer.status_code, answer.json()["error"]

    no, known = (401, "invalid_client"), (400, "invalid_grant")
    assert await send({}, client_id=keeper.id) == no
    assert await send({}, client_id=keeper.id, client_secret="wrong") == no
    assert await send({}, client_id=keeper.id, client_secret=keeper.secret) == known
    assert await send(basic(keeper.id, keeper.secret)) == known
    assert await send(basic(keeper.id, "wrong")) == no
    assert await send(basic(keeper.id, keeper.secret), client_secret=keeper.secret) == no
    assert await send(basic(keeper.id, keeper.secret), client_id=asker.id) == no
    assert await send({}, client_id=asker.id) == known
    assert await send({}, client_id=asker.id, client_secret="x") == no
    assert await send({}) == no
    assert await send({"authorization": "Basic !!!"}) == no


async def test_what_is_no_form_is_refused(aqua: Tenant, asker: Asker) -> None:
    form = {"content-type": "application/x-www-form-urlencoded"}
    sent: list[tuple[dict[str, str], bytes]] = [
        ({"content-type": "application/json"}, b"{}"),
        (form, b"client_id=a&client_id=b"),
        (form, b"client_id=%00"),
        (form, b"client_id=\xff"),
        (form, b"&".join(b"a%d=1" % n for n in range(30))),
    ]
    for headers, body in sent:
        answer = await asker.browser.post("/oauth/token", content=body, headers=headers)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    large = await asker.browser.post("/oauth/token", content=b"a" * 70_000, headers=form)
    other = await asker.send("token", grant_type="password", username="a", password="b")

    assert large.status_code == 413
    assert (other.status_code, other.json()["error"]) == (400, "unsupported_grant_type")


async def test_a_program_has_no_more_than_who_let_it_in_has_today(
    aqua: Tenant, asker: Asker
) -> None:
    tokens = await asker.tokens(aqua)
    statuses = [await asker.works(tokens["access_token"])]
    for change in ("role = 'support'", "role = 'owner', left_at = now()"):
        aqua.sql(f"UPDATE membership SET {change} WHERE outlet_id = %s", aqua.id)  # noqa: S608 - of these
        statuses.append(await asker.works(tokens["access_token"]))
        refreshed = await asker.refresh(tokens["refresh_token"])
        assert refreshed.status_code == 400

    assert statuses == [200, 401, 401]


async def test_tokens_end_by_themselves(aqua: Tenant, asker: Asker) -> None:
    tokens = await asker.tokens(aqua)
    aqua.sql("UPDATE oauth_token SET expires_at = now() WHERE kind = 'access'")
    statuses = [await asker.works(tokens["access_token"])]
    fresh = (await asker.refresh(tokens["refresh_token"])).json()
    statuses.append(await asker.works(fresh["access_token"]))
    statuses.append(await asker.works(fresh["refresh_token"]))  # no access token
    aqua.sql("UPDATE oauth_token SET expires_at = now() - interval '31 days'")
    async with aqua.house.db.engine() as work:
        removed = await forget_tokens(work, 100)

    assert statuses == [401, 200, 401]
    assert (removed, aqua.sql("SELECT count(*) FROM oauth_token")) == (5, [(0,)])


async def test_what_is_given_back_ends_the_grant(aqua: Tenant, asker: Asker, keeper: Asker) -> None:
    tokens = await asker.tokens(aqua)
    strangers = await keeper.send("revoke", token=tokens["refresh_token"])
    before = await asker.works(tokens["access_token"])
    revoked = await asker.send("revoke", token=tokens["refresh_token"])
    unknown = await asker.send("revoke", token="nothing")

    assert [a.status_code for a in (strangers, revoked, unknown)] == [200, 200, 200]
    assert (before, await asker.works(tokens["access_token"])) == (200, 401)


async def test_a_token_is_introspected_by_the_confidential_client_whose_it_is(
    aqua: Tenant, majipro: Tenant, keeper: Asker, asker: Asker
) -> None:
    other = await asker_of(majipro, keeper.browser, confidential=True)
    tokens = await keeper.tokens(aqua)
    mine = (await keeper.send("introspect", token=tokens["access_token"])).json()
    refusals: list[Any] = [
        (await other.send("introspect", token=tokens["access_token"])).json(),
        (await keeper.send("introspect", token="nothing")).json(),
    ]
    public = await asker.send("introspect", token=tokens["access_token"])
    await keeper.send("revoke", token=tokens["access_token"])
    refusals.append((await keeper.send("introspect", token=tokens["access_token"])).json())

    assert mine.pop("exp") > 0
    assert mine == {
        "active": True, "scope": "catalog.SetPrice orders:read", "client_id": keeper.id,
        "token_type": "Bearer", "sub": aqua.owner.id, "iss": "http://127.0.0.1:8000",
    }  # fmt: skip
    assert refusals == [{"active": False}] * 3
    assert public.status_code == 401


async def test_an_account_sees_what_it_let_in_and_ends_it(
    aqua: Tenant, majipro: Tenant, asker: Asker, browser: httpx.AsyncClient
) -> None:
    tokens = await asker.tokens(aqua)
    page = await browser.get("/account/programs")
    grant = aqua.sql("SELECT id FROM oauth_grant")[0][0]
    nothing = await browser.post("/account/programs", data={"grant": "0" * 32})
    before = await asker.works(tokens["access_token"])
    ended = await browser.post("/account/programs", data={"grant": grant.hex})
    after = await browser.get("/account/programs?saved=programs")

    for words in ("Books", "For Aqua, since", "<b>Orders</b>: See</li>"):
        assert words in page.text
    assert (nothing.status_code, before, ended.status_code) == (303, 200, 303)
    assert await asker.works(tokens["access_token"]) == 401
    assert "You let no program in." in after.text
    assert "The program is let in no longer." in after.text


async def test_nobody_ends_what_another_account_let_in(
    aqua: Tenant, majipro: Tenant, house: House, asker: Asker
) -> None:
    from chatworks.oauth.service import take_back  # noqa: PLC0415 - beside its use

    tokens = await asker.tokens(aqua)
    grant = aqua.sql("SELECT id FROM oauth_grant")[0][0]
    stranger = majipro.sql("SELECT account_id FROM membership WHERE outlet_id = %s", majipro.id)[0][
        0
    ]
    async with house.db.engine() as work:
        done = await take_back(work, stranger, grant)

    assert done is False
    assert await asker.works(tokens["access_token"]) == 200


async def test_a_removed_client_is_dead_with_all_that_it_was_given(
    aqua: Tenant, majipro: Tenant, asker: Asker
) -> None:
    tokens = await asker.tokens(aqua)
    listed = await majipro.give(ListClients())
    await majipro.give(RemoveClient(listed[0].client_id))

    assert [(c.name, c.redirects, c.confidential) for c in listed] == [
        ("Books", (REDIRECT,), False)
    ]
    assert await majipro.give(ListClients()) == []
    assert await asker.works(tokens["access_token"]) == 401
    assert (await asker.refresh(tokens["refresh_token"])).status_code == 401
    assert (await asker.ask()).status_code == 400


GOOD = ["https://a.example", "https://a.example:8443/x?y=z", "http://127.0.0.1:9000/cb",
        "http://[::1]/cb", "com.example.app:/cb"]  # fmt: skip
BAD = ["", "a", "http://a.example/", "https://", "https://a.example/#x", "https://a@b.example/",
       "https://*.example/", "javascript:alert(1)", "data:text/html,x", "myapp:/cb", "file:///etc",
       "http://localhost/", "https://a.example/\n", "https://a.example/ x", "https://é.example/",
       "https://a.example:99999/", "https://[::1", "https://a.example/" + "x" * 300]  # fmt: skip


async def test_only_whole_addresses_are_registered(majipro: Tenant) -> None:
    assert [core.redirect_problem(uri) for uri in GOOD] == [""] * len(GOOD)
    for uri in BAD:
        assert core.redirect_problem(uri)
        with pytest.raises(ClientNotValid):
            await majipro.give(RegisterClient("Books", (GOOD[0], uri), confidential=False))
    for wanted in (
        RegisterClient("", (GOOD[0],), confidential=True),
        RegisterClient("x" * 81, (GOOD[0],), confidential=True),
        RegisterClient("x", (), confidential=True),
        RegisterClient("x", (GOOD[0],) * 11, confidential=True),
    ):
        with pytest.raises(ClientNotValid):
            await majipro.give(wanted)
    assert majipro.sql("SELECT count(*) FROM oauth_client") == [(0,)]


async def test_the_metadata_is_what_the_standard_asks_for(
    house: House, client: httpx.AsyncClient
) -> None:
    served = (await client.get("/.well-known/oauth-authorization-server")).json()
    issuer = "https://chat.example"
    granting = Granting(house.dispatcher, issuer)
    told_of = AuthorizationServerMetadata(core.metadata(granting.issuer, ["orders"]))
    told_of.validate()

    assert served["issuer"] == "http://127.0.0.1:8000"
    assert served["code_challenge_methods_supported"] == ["S256"]
    assert served["authorization_response_iss_parameter_supported"] is True
    assert "orders:read" in served["scopes_supported"]


async def test_an_operator_registers_and_removes_an_app_in_the_console(
    aqua: Tenant, browser: httpx.AsyncClient
) -> None:
    page = "/console/settings/apps"
    form = {"name": "Books <b>", "addresses": f"{REDIRECT}\n{GOOD[0]}", "keeps": "yes"}
    made = await step_up(browser, page, form)
    wrong = await step_up(browser, page, {"name": "Books", "addresses": "http://books.example/"})
    kept = aqua.sql("SELECT id, redirects, confidential FROM oauth_client")
    listed = await browser.get(page)
    removed = await browser.post(f"{page}/remove", data={"app": kept[0][0].hex})
    again = await browser.post(f"{page}/remove", data={"app": kept[0][0].hex})
    aqua.sql("UPDATE membership SET role = 'operator' WHERE outlet_id = %s", aqua.id)
    refused = await browser.post(page, data=form)

    assert (made.status_code, "cw_secret_" in made.text) == (200, True)
    assert (wrong.status_code, "must begin with https://" in wrong.text) == (422, True)
    assert [(redirects, keeps) for _, redirects, keeps in kept] == [([REDIRECT, GOOD[0]], True)]
    assert "Books &lt;b&gt;" in listed.text
    assert "cw_secret_" not in listed.text
    assert (removed.status_code, again.status_code, refused.status_code) == (303, 422, 403)
    assert aqua.sql("SELECT count(*) FROM oauth_client WHERE removed_at IS NULL") == [(0,)]
