"""Letting a program in: the page that asks, and the list of what was let in, with a way to end it.

A program leads somebody here with what it wants (``oauth.core``). Who is answered is checked first:
until then nobody is led anywhere. The answer is a page that leads on by itself, because a form of
ours may send to no other site (``web.security``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from authlib.oauth2.rfc6749.errors import OAuth2Error
from litestar import Response, get, post
from litestar.response import Redirect

from chatworks.account.own_pages import saved, shown, who
from chatworks.account.pages import AccountDesk, Asked, ident, text
from chatworks.api.words import in_words
from chatworks.identity import store as identity
from chatworks.identity.models import Account, Operator
from chatworks.kit.errors import NotFound
from chatworks.kit.work import Work
from chatworks.oauth import core, service, store
from chatworks.oauth.models import Asked as Wish
from chatworks.oauth.models import NotAsked
from chatworks.oauth.service import Granting

FIELDS = ("response_type", "client_id", "redirect_uri", "scope", "state", "code_challenge",
          "code_challenge_method")  # fmt: skip
ALLOW = ("oauth.Allow", "Let {name} act for {outlet}")
NO_OUTLET = "You run no outlet in which you may let programs in."


@dataclass(frozen=True, slots=True)
class Choice:
    """An outlet that somebody may let a program into, by name."""

    operator: Operator
    name: str


def consent_pages(desk: AccountDesk, granting: Granting) -> list[Any]:
    """Return the handlers of ``/oauth/authorize``; a session guards them."""

    @get("/authorize", needs="account")
    async def ask(request: Asked) -> Response[str]:
        """Say what a program wants, and ask."""
        given = _once(list(request.query_params.multi_items()))
        wish = await _wish(desk, granting, request, given)
        return wish if isinstance(wish, Response) else await _consent(desk, granting, request, wish)

    @post("/authorize", status_code=200, needs="account")
    async def answer(request: Asked) -> Response[str]:
        """Let the program in, or not, and lead back to it."""
        form = await request.form()
        given = {name: text(form, name) for name in FIELDS if name in form}
        wish = await _wish(desk, granting, request, given)
        if isinstance(wish, Response):
            return wish
        if text(form, "do") != "allow":
            return _lead(desk, request, wish, granting.deny(wish))
        outlet_id = ident(form, "outlet")
        session, _ = who(request)
        async with desk.db.engine() as work:
            mine = await identity.memberships(work, session.account_id)
            chosen = [operator for operator in mine if operator.outlet_id == outlet_id]
        if not chosen:
            raise NotFound("there is no such outlet")
        to = await _allow(desk, granting, request, wish, chosen[0])
        return _lead(desk, request, wish, to)

    return [ask, answer]


def program_pages(desk: AccountDesk, granting: Granting) -> list[Any]:
    """Return the handlers of what was let in."""

    @get("/programs", needs="account")
    async def programs(request: Asked) -> Response[str]:
        """Show which programs act for the account's outlets because it let them."""
        session, _ = who(request)
        async with desk.db.engine() as work:
            grants = await store.grants(work, session.account_id)
        words = {g.id: in_words(g.scopes, granting.dispatcher.offered()) for g in grants}
        return shown(desk, request, "programs", grants=grants, words=words)

    @post("/programs", status_code=200, needs="account")
    async def end(request: Asked) -> Redirect:
        """Let a program in no longer; what ended before has ended."""
        session, _ = who(request)
        form = await request.form()
        async with desk.db.engine() as work:
            await service.take_back(work, session.account_id, ident(form, "grant"))
        return saved("programs", "/programs")

    return [programs, end]


def _once(pairs: list[tuple[str, str]]) -> dict[str, str]:
    try:
        return core.once(pairs)
    except OAuth2Error as error:
        raise NotAsked(str(error.description)) from None


async def _wish(
    desk: AccountDesk, granting: Granting, request: Asked, given: dict[str, str]
) -> Wish | Response[str]:
    """Return what is asked for, or the answer to what cannot be."""
    async with desk.db.engine() as work:
        client, redirect = await granting.whom(work, given)
    try:
        return granting.read(client, redirect, given)
    except OAuth2Error as error:
        wish = Wish(client, redirect, (), given.get("state", "")[: core.STATE_LENGTH_MAX], "")
        to = core.error_to(redirect, granting.issuer, wish.state, error)
        return _lead(desk, request, wish, to)


async def _allow(
    desk: AccountDesk, granting: Granting, request: Asked, wish: Wish, operator: Operator
) -> str:
    """Grant what is asked, by a step-up for just that; returns where to lead the browser."""
    session, _ = who(request)

    async def do(work: Work) -> str:
        return await granting.allow(work, wish, operator)

    return await desk.gate.act(
        session,
        ALLOW,
        do,
        name=wish.client.name,
        outlet=(await desk.directory.outlet(operator.outlet_id)).name,
        client_id=wish.client.id.hex,
        outlet_id=operator.outlet_id.hex,
        scopes=" ".join(wish.scopes),
        challenge=wish.challenge,
    )


async def _consent(
    desk: AccountDesk, granting: Granting, request: Asked, wish: Wish
) -> Response[str]:
    session, account = who(request)
    async with desk.db.engine() as work:
        mine = await identity.memberships(work, session.account_id)
    choices = [
        Choice(operator, (await desk.directory.outlet(operator.outlet_id)).name)
        for operator in mine
        if granting.may(operator.id, operator.role)
    ]
    asked = {
        "response_type": "code",
        "client_id": wish.client.id.hex,
        "redirect_uri": wish.redirect,
        "scope": " ".join(wish.scopes),
        "state": wish.state,
        "code_challenge": wish.challenge,
        "code_challenge_method": "S256",
    }
    return desk.show(
        "consent",
        account.language,
        account=account,
        client=wish.client,
        host=urlsplit(wish.redirect).hostname or wish.redirect.partition(":")[0],
        words=in_words(wish.scopes, granting.dispatcher.offered()),
        choices=choices,
        asked=asked,
        problem="" if choices else NO_OUTLET,
    )


def _lead(desk: AccountDesk, request: Asked, wish: Wish, to: str) -> Response[str]:
    """Return the page that leads back to the program, by itself or by its link."""
    account: Account = request.state.account
    page = desk.show("consented", account.language, client=wish.client, to=to)
    page.headers["refresh"] = f"0; url={to}"
    page.headers["referrer-policy"] = "no-referrer"  # the address holds the code
    return page
