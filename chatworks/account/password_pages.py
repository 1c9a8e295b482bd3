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
from chatworks.account.pages import TEXTS, AccountDesk, Asked, spoken, text, typed
from chatworks.federation.models import Asked as Wants
from chatworks.federation.models import CodeNotRight, Entered, FirstFactor, NotRight
from chatworks.identity.models import Account
from chatworks.kit.errors import Invalid
from chatworks.passwords.core import length_min
from chatworks.passwords.models import LENGTH_MAX, NotFit, NotFresh, Problem

WAY = Way("password", "account/password_way.html")
TICKET_LENGTH_MAX = 8192  # a user pool's own session, sealed, in hexadecimal digits
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
    Problem.REFUSED: "This password is not strong enough: take a longer one.",
}


def password_pages(desk: AccountDesk, factor: FirstFactor) -> list[Any]:
    """Return the handlers that need no session; ``factor`` keeps the passwords."""
    return [*_sign_in(desk, factor), *_forgot(desk, factor)]


def own_password_pages(desk: AccountDesk, factor: FirstFactor) -> list[Any]:
    """Return the handlers that a session guards."""
    return _change(desk, factor)


def written(form: Mapping[str, Any], name: str) -> str:
    """Return a password as it was written; too long a one stays too long."""
    value = form.get(name, "")
    return value[: LENGTH_MAX + 1] if isinstance(value, str) else ""


def sealed(form: Mapping[str, Any]) -> str:
    """Return a ticket of the first factor: longer than what people write."""
    ticket = form.get("ticket", "")
    if not isinstance(ticket, str) or len(ticket) > TICKET_LENGTH_MAX:
        raise CodeNotRight
    return ticket


def chosen(form: Mapping[str, Any]) -> str:
    """Return a new password; ``Invalid`` where it was not written twice in the same way."""
    new = written(form, "new")
    if new != written(form, "again"):
        raise Invalid("again", NOT_TWICE)
    return new


def _sign_in(desk: AccountDesk, factor: FirstFactor) -> list[Any]:
    @post("/account/sign-in/password", status_code=200, needs="public")
    async def sign_in(request: Asked) -> Response[Any]:
        """Try a password and begin a session."""
        form = await request.form()
        browser, password = desk.browser(request), written(form, "password")
        try:
            reached = await factor.sign_in(text(form, "address"), password, browser)
            return await step(desk, factor, request, reached, text(form, "next"))
        except NotRight:
            pass
        return desk.show(
            "sign_in",
            spoken(request),
            status=REFUSED,
            next=own_path(text(form, "next")),
            ways=desk.ways,
            problem=WRONG,
        )

    return [sign_in]


async def step(  # noqa: PLR0913, PLR0917 - what was reached, and how it is shown
    desk: AccountDesk,
    factor: FirstFactor,
    request: Asked,
    reached: Entered | Wants,
    back: str,
    problem: str = "",
    *,
    language: str = "",
) -> Response[Any]:
    """Begin the session of who is let in, or show what is asked for.

    Raises ``NotRight`` where what let them in has changed since.
    """
    if isinstance(reached, Entered):
        async with desk.db.engine() as work:
            if not await factor.stands(work, reached):
                raise NotRight
            return await desk.enter(work, request, reached.methods, reached.account_id, back)
    return desk.show(
        "with_step",
        language or spoken(request),
        status=REFUSED if problem else 200,
        problem=problem,
        asked=reached,
        next=own_path(back),
    )


def _forgot(desk: AccountDesk, factor: FirstFactor) -> list[Any]:
    def again(request: Asked, form: Any, **values: Any) -> Response[str]:
        return desk.show(
            "reset",
            spoken(request),
            ticket=sealed(form),
            sent_to=text(form, "sent_to"),
            least=0 if factor.elsewhere else length_min(alone=True),
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
        ticket = await factor.forgot(address, desk.browser(request), spoken(request))
        return again(request, {"ticket": ticket, "sent_to": address.value})

    @post("/account/forgot/finish", status_code=200, needs="public")
    async def finish(request: Asked) -> Response[str]:
        """Set a new password by the code. It signs nobody in: the new password does."""
        form = await request.form()
        browser = desk.browser(request)
        try:
            given = text(form, "code"), chosen(form)
            await factor.reset(sealed(form), given, browser)
        except NotFit as no:
            return again(request, form, status=REFUSED, problem=why(no, spoken(request)))
        except Invalid:
            return again(request, form, status=REFUSED, problem=NOT_TWICE)
        except CodeNotRight:
            return again(request, form, status=REFUSED, problem=NOT_VALID)
        return desk.show("password_set", spoken(request))

    return [forgot, send, finish]


def why(no: NotFit, language: str) -> str:
    """Return in a language why a new password is not taken."""
    return TEXTS.text(language, WHY[no.problem], least=no.length_min, most=LENGTH_MAX)


def _change(desk: AccountDesk, factor: FirstFactor) -> list[Any]:
    async def page(request: Asked, **values: Any) -> Response[str]:
        account: Account = who(request)[1]
        async with desk.db.engine() as work:
            has_one = await factor.has_one(work, account.id)
            least = await factor.length_min(work, account.id)
        new = request.query_params.get("new", "") == "1"
        found = {"has_one": has_one, "least": least, "elsewhere": factor.elsewhere}
        return shown(desk, request, "password", new=new, **found, **values)

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
            secret = await factor.change(session, (written(form, "old"), new), browser)
        except NotFit as no:
            return await page(request, problem=why(no, account.language))
        except Invalid:
            return await page(request, problem=NOT_TWICE)
        except NotFresh:
            return await page(request, problem=NOT_FRESH)
        except NotRight:
            return await page(request, problem=WRONG_OLD)
        done = saved("password", "/password")
        done.cookies.append(desk.session_cookie.keep(secret))
        return done

    return [password, change]
