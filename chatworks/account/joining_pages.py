"""Opening an account with an address and a password, whoever keeps the password.

Known and unknown addresses are answered alike; the code that proves the address signs nobody in:
the password does, so that whoever began here must know it.
"""

from __future__ import annotations

from typing import Any

from litestar import Response, get, post

from chatworks.account.entry_pages import NOT_VALID, REFUSED, WRONG
from chatworks.account.pages import AccountDesk, Asked, spoken, text
from chatworks.account.password_pages import NOT_TWICE, chosen, sealed, why
from chatworks.federation.models import CodeNotRight, FirstFactor, Newcomer
from chatworks.identity.core import checked, normal_address
from chatworks.identity.models import Details
from chatworks.kit.errors import Invalid
from chatworks.passwords.core import length_min
from chatworks.passwords.models import NotFit

PATH = "/account/sign-up/password"


def joining_pages(desk: AccountDesk, factor: FirstFactor) -> list[Any]:
    """Return the handlers; ``factor`` keeps the passwords."""
    return [*_form(desk, factor), *_code(desk, factor)]


def _form(desk: AccountDesk, factor: FirstFactor) -> list[Any]:
    def page(request: Asked, form: Any, problem: str = "") -> Response[str]:
        return desk.show(
            "join",
            spoken(request),
            status=REFUSED if problem else 200,
            problem=problem,
            called=text(form, "name"),
            email=text(form, "email"),
            least=0 if factor.elsewhere else length_min(alone=True),
        )

    @get(PATH, needs="public")
    async def join(request: Asked) -> Response[str]:
        """Show the form."""
        return page(request, {})

    @post(PATH, status_code=200, needs="public")
    async def send(request: Asked) -> Response[str]:
        """Have a code sent that proves the address."""
        form, language = await request.form(), spoken(request)
        try:
            name, password = _called(text(form, "name"), language), chosen(form)
            email = normal_address("email", text(form, "email"))
            who = Newcomer(email, password, name, language)
            ticket = await factor.sign_up(who, desk.browser(request))
        except NotFit as no:
            return page(request, form, why(no, language))
        except Invalid as error:
            return page(request, form, WRONG.get(error.field, NOT_TWICE))
        return _code_page(desk, request, (ticket, who.email))

    return [join, send]


def _code(desk: AccountDesk, factor: FirstFactor) -> list[Any]:
    @post(f"{PATH}/again", status_code=200, needs="public")
    async def again(request: Asked) -> Response[str]:
        """Have the code sent again."""
        form = await request.form()
        ticket, to = sealed(form), text(form, "sent_to")
        try:
            ticket = await factor.resend(ticket, desk.browser(request))
        except CodeNotRight:
            return _code_page(desk, request, (ticket, to), NOT_VALID)
        return _code_page(desk, request, (ticket, to))

    @post(f"{PATH}/finish", status_code=200, needs="public")
    async def finish(request: Asked) -> Response[str]:
        """Prove the address; now the password signs in."""
        form = await request.form()
        ticket, to = sealed(form), text(form, "sent_to")
        try:
            await factor.confirm(ticket, text(form, "code"), desk.browser(request))
        except CodeNotRight:
            return _code_page(desk, request, (ticket, to), NOT_VALID)
        return desk.show("joined", spoken(request))

    return [again, finish]


def _code_page(
    desk: AccountDesk, request: Asked, sent: tuple[str, str], problem: str = ""
) -> Response[str]:
    """Ask for the code that was ``sent``: (ticket, address)."""
    ticket, to = sent
    return desk.show(
        "join_code",
        spoken(request),
        status=REFUSED if problem else 200,
        problem=problem,
        ticket=ticket,
        sent_to=to,
    )


def _called(name: str, language: str) -> str:
    """Return a name as it is kept; ``Invalid`` where it cannot be."""
    return checked(Details("person", name, "", language, "UTC")).name
