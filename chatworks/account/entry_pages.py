"""Signing in and opening an account: by a code or a link of a letter, or with a chat.

Nothing here is done by GET, so that what looks at links before people do spends nothing. A page
that asked for a code keeps its ticket; known and unknown addresses are answered alike.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any
from uuid import UUID

from litestar import Response, get, post

from chatworks.account.core import HOME, own_path
from chatworks.account.pages import AccountDesk, Asked, ident, spoken, text, typed
from chatworks.identity import accounts, chats, limits, store
from chatworks.identity.core import spell_code
from chatworks.identity.models import Details, Typed
from chatworks.kit.errors import Invalid

NOT_VALID = "This code is not valid, or it is too old. You can ask for a new one."
LINK_NOT_VALID = "This link was used, is too old, or is not ours."
ADDRESS = "This is no e-mail address and no phone number with its country code (+254…)."
REFUSED = 422
FIRST = "/account/password?new=1"  # where a new account is asked for a password


def entry_pages(desk: AccountDesk) -> list[Any]:
    """Return the handlers that need no session."""
    return [*_sign_in(desk), *_links(desk), *_sign_up(desk), *_chats(desk)]


async def tried(desk: AccountDesk, request: Asked, ticket: UUID) -> None:
    """Draw one try of a code; raises where there is none."""
    async with desk.db.engine() as work:
        whose = await store.code_account(work, ticket)
    await limits.draw(desk.db, "code", whose or ticket.hex, desk.browser(request))


async def asked_for(desk: AccountDesk, request: Asked, address: Typed, what: str) -> None:
    """Draw one letter to an address, known or not; raises where there is none."""
    async with desk.db.engine() as work:
        whose = await store.find_account(work, address.kind, address.value)
    await limits.draw(desk.db, what, whose or address.value, desk.browser(request))


def _code_page(desk: AccountDesk, request: Asked, **values: Any) -> Response[str]:
    return desk.show("code", spoken(request), **values)


def _sign_in(desk: AccountDesk) -> list[Any]:
    def page(request: Asked, next_path: str, problem: str = "") -> Response[str]:
        status = REFUSED if problem else 200
        ways = desk.ways
        return desk.show(
            "sign_in", spoken(request), status=status, next=next_path, ways=ways, problem=problem
        )

    @get("/account/sign-in", needs="public")
    async def sign_in(request: Asked) -> Response[str]:
        """Show the ways in."""
        return page(request, own_path(request.query_params.get("next", "")))

    @post("/account/sign-in/code", status_code=200, needs="public")
    async def code(request: Asked) -> Response[str]:
        """Send a code and a link, or word that there is no account; the page is the same."""
        form = await request.form()
        next_path = own_path(text(form, "next"))
        try:
            address = typed(text(form, "address"))
        except Invalid:
            return page(request, next_path, ADDRESS)
        await asked_for(desk, request, address, "send")
        async with desk.db.engine() as work:
            ticket = await accounts.begin_sign_in(work, desk.courier, address, spoken(request))
        return _code_page(
            desk,
            request,
            cookies=[desk.asked_cookie.keep(ticket.hex)],
            ticket=ticket.hex,
            sent_to=address.value,
            action="/account/sign-in/finish",
            next=next_path,
        )

    @post("/account/sign-in/finish", status_code=200, needs="public")
    async def finish(request: Asked) -> Response[Any]:
        """Spend the code and begin a session."""
        form = await request.form()
        ticket = ident(form, "ticket")
        await tried(desk, request, ticket)
        async with desk.db.engine() as work:
            account_id = await accounts.finish_sign_in(work, ticket, text(form, "code"))
            if account_id is not None:
                return await desk.enter(work, request, {"code"}, account_id)
        return _again(desk, request, form, "/account/sign-in/finish")

    return [sign_in, code, finish]


def _again(desk: AccountDesk, request: Asked, form: Any, action: str) -> Response[str]:
    """Show the page of a code again after a wrong one."""
    return _code_page(
        desk,
        request,
        status=REFUSED,
        problem=NOT_VALID,
        ticket=ident(form, "ticket").hex,
        sent_to=text(form, "sent_to"),
        action=action,
        next=own_path(text(form, "next")),
    )


def _links(desk: AccountDesk) -> list[Any]:
    @get("/account/link", needs="public")
    async def link(request: Asked) -> Response[str]:
        """Show the button that spends a link; say so where another browser asked for it."""
        ticket = request.query_params.get("ticket", "")
        here = bool(ticket) and desk.asked_cookie.read(request) == ticket
        key = request.query_params.get("key", "")
        return desk.show("link", spoken(request), key=key, here=here)

    @post("/account/link", status_code=200, needs="public")
    async def enter(request: Asked) -> Response[Any]:
        """Spend the link and begin a session."""
        form = await request.form()
        await limits.draw(desk.db, "code", None, desk.browser(request))
        async with desk.db.engine() as work:
            account_id = await accounts.open_link(work, text(form, "key"))
            if account_id is not None:
                return await desk.enter(work, request, {"link"}, account_id)
        return desk.show(
            "link", spoken(request), status=REFUSED, key="", here=True, problem=LINK_NOT_VALID
        )

    return [link, enter]


def _details(form: Any, language: str) -> Details:
    return Details(
        text(form, "kind") or "person",
        text(form, "name"),
        text(form, "organisation_name"),
        text(form, "language") or language,
        text(form, "time_zone") or "UTC",
    )


def _sign_up(desk: AccountDesk) -> list[Any]:
    def page(request: Asked, form: Any, wrong: dict[str, str]) -> Response[str]:
        status = REFUSED if wrong else 200
        language = spoken(request)
        filled = {name: text(form, name) for name in FIELDS}
        filled["language"] = filled["language"] or language
        filled["next"] = own_path(text(form, "next"))
        return desk.show(
            "sign_up",
            language,
            status=status,
            filled=filled,
            wrong=defaultdict(str, wrong),
            zones=ZONES,
        )

    @get("/account/sign-up", needs="public")
    async def sign_up(request: Asked) -> Response[str]:
        """Show the form."""
        return page(request, {"next": request.query_params.get("next", "")}, {})

    @post("/account/sign-up", status_code=200, needs="public")
    async def send(request: Asked) -> Response[str]:
        """Send a code to the address, or show the code that a chat is to say."""
        form = await request.form()
        language, wanted = spoken(request), own_path(text(form, "next"))
        try:
            details = _details(form, language)
            if text(form, "by") == "chat":
                return await _show_chat(desk, request, "sign-up", chats.kept(details))
            address, other = _addresses(form)
            await asked_for(desk, request, address, "sign-up")
            async with desk.db.engine() as work:
                ticket = await accounts.begin_sign_up(work, desk.courier, details, address, other)
        except Invalid as error:
            return page(request, form, {error.field: WRONG.get(error.field, str(error))})
        return _code_page(
            desk,
            request,
            ticket=ticket.hex,
            sent_to=address.value,
            action="/account/sign-up/finish",
            next=FIRST if wanted == HOME else wanted,
        )

    @post("/account/sign-up/finish", status_code=200, needs="public")
    async def finish(request: Asked) -> Response[Any]:
        """Spend the code, open the account and begin a session."""
        form = await request.form()
        ticket = ident(form, "ticket")
        await tried(desk, request, ticket)
        async with desk.db.engine() as work:
            account_id = await accounts.finish_sign_up(work, ticket, text(form, "code"))
            if account_id is not None:
                return await desk.enter(work, request, {"code"}, account_id)
        return _again(desk, request, form, "/account/sign-up/finish")

    return [sign_up, send, finish]


# Those that a list offers; any other of the tz database can be typed.
ZONES = (
    "Africa/Nairobi", "Africa/Dar_es_Salaam", "Africa/Kampala", "Africa/Kigali", "Africa/Lagos",
    "Africa/Johannesburg", "Europe/London", "Europe/Berlin", "America/New_York", "Asia/Dubai",
    "Asia/Kolkata", "UTC",
)  # fmt: skip
FIELDS = ("kind", "name", "organisation_name", "email", "phone", "language", "time_zone")
WRONG = {
    "name": "Please say your name, in at most 100 letters.",
    "organisation_name": "Please say what your organisation is called, in at most 100 letters.",
    "email": "Please check this e-mail address.",
    "phone": "Please write the number with its country code: +254712345678.",
    "time_zone": "Please choose a time zone, such as Africa/Nairobi.",
    "address": "Please give an e-mail address or a mobile number.",
}


def _addresses(form: Any) -> tuple[Typed, Typed | None]:
    """Return where the code goes, and what else was given and is still to be verified."""
    given = [typed_as(kind, text(form, kind)) for kind in ("email", "phone") if text(form, kind)]
    if not given:
        raise Invalid("address", "is missing")
    return given[0], given[1] if given[1:] else None


def typed_as(kind: str, written: str) -> Typed:
    """Return an address of one kind; ``Invalid`` names the kind."""
    found = typed(written)
    if found.kind != kind:
        raise Invalid(kind, "is something else")
    return found


async def _show_chat(
    desk: AccountDesk, request: Asked, wanted: str, about: dict[str, str] | None = None
) -> Response[str]:
    form = await request.form()
    await limits.draw(desk.db, "sign-up", None, desk.browser(request))
    async with desk.db.engine() as work:
        code = await chats.show_code(work, wanted, None, about)
    return desk.show(
        "chat",
        spoken(request),
        code=spell_code(code.secret),
        ticket=code.id.hex,
        wanted=wanted,
        action="/account/chat/finish",
        next=own_path(text(form, "next")),
        bots=await bots_of(desk),
    )


async def bots_of(desk: AccountDesk) -> list[tuple[str, str]]:
    """Return (name, link) of the bots in which a code can be said."""
    found = await desk.directory.channels(kind="telegram")
    return [(bot.name, f"https://t.me/{bot.name}") for bot in found if bot.name]


def _chats(desk: AccountDesk) -> list[Any]:
    @post("/account/sign-in/chat", status_code=200, needs="public")
    async def begin(request: Asked) -> Response[str]:
        """Show the code that is to be said in a chat of the account."""
        return await _show_chat(desk, request, "sign-in")

    @post("/account/chat/finish", status_code=200, needs="public")
    async def finish(request: Asked) -> Response[Any]:
        """Take the chat's answer: sign in, or open the account that was asked for."""
        form = await request.form()
        ticket, wanted = ident(form, "ticket"), text(form, "wanted")
        await tried(desk, request, ticket)
        account_id = None
        if wanted in {"sign-in", "sign-up"}:
            async with desk.db.engine() as work:
                account_id = await chats.finish(work, wanted, ticket, text(form, "code"))
                if account_id is not None:
                    return await desk.enter(work, request, {"chat"}, account_id)
        return desk.show(
            "chat",
            spoken(request),
            status=REFUSED,
            problem=NOT_VALID,
            code="",
            ticket=ticket.hex,
            wanted=wanted,
            action="/account/chat/finish",
            next=own_path(text(form, "next")),
            bots=[],
        )

    return [begin, finish]
