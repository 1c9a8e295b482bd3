"""Passwords on the account's pages: signing in with one, forgetting it, choosing another.

Nothing of a password is shown again, trimmed or cut. What is wrong with a new one is said in words;
what is wrong with a try is not: a wrong password, an unknown address and an account without a
password are answered alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from litestar import Response, get, post

from chatworks.account.core import own_path
from chatworks.account.entry_pages import ADDRESS, NOT_VALID, REFUSED
from chatworks.account.models import Way
from chatworks.account.own_pages import saved, shown, who
from chatworks.account.pages import TEXTS, AccountDesk, Asked, ident, spoken, text, typed
from chatworks.identity.models import Account
from chatworks.kit.errors import Invalid
from chatworks.passwords.core import length_min
from chatworks.passwords.models import LENGTH_MAX, NotFit, NotFresh, Problem
from chatworks.passwords.service import Passwords

WAY = Way("password", "account/password_way.html")
WRONG = "The address or the password is not right."
WRONG_OLD = "This is not your current password."
NOT_TWICE = "You wrote the new password in two different ways."
NOT_FRESH = "To choose your first password, sign out and in again, and come back within 5 minutes."
WHY: Mapping[Problem, str] = {
    Problem.NOT_TEXT: "This password has signs that no keyboard writes the same way twice.",
    Problem.TOO_SHORT: "This password is too short: it needs {least} characters. A sentence is easy"
    " to remember.",
    Problem.TOO_LONG: "This password is too long: at most {most} characters.",
    Problem.OWN_WORDS: "Your name or address is most of this password: others try that first.",
    Problem.PREDICTABLE: "This password follows a simple pattern: others try that first.",
    Problem.BREACHED: "This password is on a list of stolen ones: others try that first.",
}


def password_pages(desk: AccountDesk, passwords: Passwords) -> list[Any]:
    """Return the handlers that need no session."""
    return [*_sign_in(desk, passwords), *_forgot(desk, passwords)]


def own_password_pages(desk: AccountDesk, passwords: Passwords) -> list[Any]:
    """Return the handlers that a session guards."""
    return _change(desk, passwords)


def written(form: Mapping[str, Any], name: str) -> str:
    """Return a password as it was written; too long a one stays too long."""
    value = form.get(name, "")
    return value[: LENGTH_MAX + 1] if isinstance(value, str) else ""


def chosen(form: Mapping[str, Any]) -> str:
    """Return a new password; ``Invalid`` where it was not written twice in the same way."""
    new = written(form, "new")
    if new != written(form, "again"):
        raise Invalid("again", NOT_TWICE)
    return new


def _sign_in(desk: AccountDesk, passwords: Passwords) -> list[Any]:
    @post("/account/sign-in/password", status_code=200, needs="public")
    async def sign_in(request: Asked) -> Response[Any]:
        """Try a password and begin a session."""
        form = await request.form()
        right = await passwords.verify(
            text(form, "address"), written(form, "password"), desk.browser(request)
        )
        async with desk.db.engine() as work:
            if right is not None and await passwords.stands(work, right):
                return await desk.enter(work, request, {"password"}, right.account_id)
        return desk.show(
            "sign_in",
            spoken(request),
            status=REFUSED,
            next=own_path(text(form, "next")),
            ways=desk.ways,
            problem=WRONG,
        )

    return [sign_in]


def _forgot(desk: AccountDesk, passwords: Passwords) -> list[Any]:
    def again(request: Asked, form: Any, **values: Any) -> Response[str]:
        return desk.show(
            "reset",
            spoken(request),
            ticket=text(form, "ticket"),
            sent_to=text(form, "sent_to"),
            least=length_min(alone=True),
            **values,
        )

    @get("/account/forgot", needs="public")
    async def forgot(request: Asked) -> Response[str]:
        """Ask which address the account has."""
        return desk.show("forgot", spoken(request))

    @post("/account/forgot", status_code=200, needs="public")
    async def send(request: Asked) -> Response[str]:
        """Send a code, or word that there is no account; the page is the same."""
        form = await request.form()
        try:
            address = typed(text(form, "address"))
        except Invalid:
            return desk.show("forgot", spoken(request), status=REFUSED, problem=ADDRESS)
        ticket = await passwords.forgot(address, desk.browser(request), spoken(request))
        return again(request, {"ticket": ticket.hex, "sent_to": address.value})

    @post("/account/forgot/finish", status_code=200, needs="public")
    async def finish(request: Asked) -> Response[str]:
        """Set a new password by the code. It signs nobody in: the new password does."""
        form = await request.form()
        browser = desk.browser(request)
        try:
            code, ticket = text(form, "code"), ident(form, "ticket")
            done = await passwords.reset(ticket, code, chosen(form), browser)
        except NotFit as no:
            return again(request, form, status=REFUSED, problem=_why(no, spoken(request)))
        except Invalid:
            return again(request, form, status=REFUSED, problem=NOT_TWICE)
        if not done:
            return again(request, form, status=REFUSED, problem=NOT_VALID)
        return desk.show("password_set", spoken(request))

    return [forgot, send, finish]


def _why(no: NotFit, language: str) -> str:
    """Return in a language why a new password is not taken."""
    return TEXTS.text(language, WHY[no.problem], least=no.length_min, most=LENGTH_MAX)


def _change(desk: AccountDesk, passwords: Passwords) -> list[Any]:
    async def page(request: Asked, **values: Any) -> Response[str]:
        account: Account = who(request)[1]
        async with desk.db.engine() as work:
            has_one = await passwords.has_one(work, account.id)
            least = await passwords.length_min(work, account.id)
        new = request.query_params.get("new", "") == "1"
        return shown(desk, request, "password", has_one=has_one, least=least, new=new, **values)

    @get("/password", needs="account")
    async def password(request: Asked) -> Response[str]:
        """Show the form for a new password."""
        return await page(request)

    @post("/password", status_code=200, needs="account")
    async def change(request: Asked) -> Response[Any]:
        """Set a new password: every other browser is signed out."""
        session, account = who(request)
        form = await request.form()
        browser = desk.browser(request)
        try:
            new = chosen(form)
            secret = await passwords.change_own(session, written(form, "old"), new, browser)
        except NotFit as no:
            return await page(request, problem=_why(no, account.language))
        except Invalid:
            return await page(request, problem=NOT_TWICE)
        except NotFresh:
            return await page(request, problem=NOT_FRESH)
        if secret is None:
            return await page(request, problem=WRONG_OLD)
        done = saved("password", "/password")
        done.cookies.append(desk.session_cookie.keep(secret))
        return done

    return [password, change]
