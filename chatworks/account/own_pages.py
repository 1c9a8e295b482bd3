"""What an owner sees and changes of their account: details, addresses, chats, devices, memberships.

Every handler acts on the account of the session alone: ids in forms are looked up within it.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict
from typing import Any
from uuid import UUID

from litestar import Response, get, post
from litestar.response import Redirect

from chatworks.access.core import OUTLET_ROLES
from chatworks.account import core
from chatworks.account import store as acts
from chatworks.account.entry_pages import (
    ADDRESS,
    NOT_VALID,
    REFUSED,
    WRONG,
    ZONES,
    asked_for,
    tried,
)
from chatworks.account.entry_pages import bots_of as bots
from chatworks.account.pages import AccountDesk, Asked, ident, text, typed
from chatworks.identity import accounts, chats, limits, store
from chatworks.identity import service as identity
from chatworks.identity.core import spell_code
from chatworks.identity.models import Account, Details, IssuedCode, LastWayIn, Session
from chatworks.kit.errors import Invalid, NotFound, Refusal
from chatworks.kit.work import Work
from chatworks.memberships import service as invitations

NO_INVITATION = "This invitation was used, was taken back, or is too old. Ask for a new one."
# What a step-up says of these; the address stands in its field.
ADD_ADDRESS = ("identity.AddAddress", "Add the address {address}")
REMOVE_ADDRESS = ("identity.RemoveAddress", "Remove an address of yours")
BIND_CHAT = ("identity.BindChat", "Add a chat")
UNBIND_CHAT = ("identity.UnbindChat", "Remove a chat")
WAY_ACTS = (ADD_ADDRESS, REMOVE_ADDRESS, BIND_CHAT, UNBIND_CHAT)
LAST_WAY = "This is the last way into your account. Add another one first."
SAVED = {
    "details": "Your details are saved.",
    "addresses": "Your addresses are saved.",
    "chats": "Your chats are saved.",
    "password": "Your new password is set. Every other browser was signed out.",
    "ways": "Your services are saved.",
    "joined": "Welcome. You work there now.",
    "programs": "Done. The program is let in no longer.",
    "second": "From now on you are asked for it each time you sign in.",
    "removed": "It is removed.",
    "passkey": "Your passkey is kept. You can sign in with it from now on.",
    "renamed": "It has its new name.",
    "kept": "Cancelled. Your second factor stays.",
    "devices": "Done. Whoever was signed in there is not any more.",
}


def own_pages(desk: AccountDesk) -> list[Any]:
    """Return the handlers that a session guards."""
    return [
        *_home(desk),
        *_addresses(desk),
        *_new_addresses(desk),
        *_chats(desk),
        *_devices(desk),
        *_memberships(desk),
        *_invitations(desk),
    ]


def who(request: Asked) -> tuple[Session, Account]:
    """Return the session and the account that the guard found."""
    return request.state.session, request.state.account


def shown(desk: AccountDesk, request: Asked, name: str, **values: Any) -> Response[str]:
    """Render a page of the owner's, in their language."""
    account: Account = request.state.account
    saved = SAVED.get(request.query_params.get("saved", ""), "")
    status = REFUSED if values.get("problem") else 200
    return desk.show(
        name, account.language, status=status, account=account, here=name, saved=saved, **values
    )


def saved(name: str, path: str) -> Redirect:
    """Lead back to a page, which says that it was saved."""
    return Redirect(f"/account{path}?saved={name}", status_code=303)


def _home(desk: AccountDesk) -> list[Any]:
    @get("/", needs="account")
    async def home(request: Asked) -> Response[str]:
        """Show the owner's details."""
        _, account = who(request)
        return _details(desk, request, _of(account), {})

    @post("/details", status_code=200, needs="account")
    async def details(request: Asked) -> Response[Any]:
        """Keep the owner's details: these five fields, and nothing else that is sent."""
        _, account = who(request)
        form = await request.form()
        new = Details(
            text(form, "kind"),
            text(form, "name"),
            text(form, "organisation_name"),
            text(form, "language"),
            text(form, "time_zone"),
        )
        try:
            async with desk.db.engine() as work:
                await accounts.change_details(work, account.id, new)
        except Invalid as error:
            return _details(desk, request, new, {error.field: WRONG.get(error.field, str(error))})
        return saved("details", "")

    @get("/history", needs="account")
    async def history(request: Asked) -> Response[str]:
        """Show what was done to the account, as the audit log has it."""
        _, account = who(request)
        async with desk.db.engine() as work:
            found = await acts.history(work, account.id)
        return shown(
            desk, request, "history", acts=found, act_name=core.act_name, methods=core.METHODS
        )

    @post("/sign-out", status_code=200, needs="account", half=True)
    async def sign_out(request: Asked) -> Redirect:
        """End the session at once."""
        async with desk.db.engine() as work:
            await identity.sign_out(work, desk.session_cookie.read(request))
        gone = [desk.session_cookie.drop()]
        return Redirect("/account/sign-in", status_code=303, cookies=gone)

    return [home, details, history, sign_out]


def _of(account: Account) -> Details:
    return Details(
        account.kind,
        account.name,
        account.organisation_name or "",
        account.language,
        account.time_zone,
    )


def _details(
    desk: AccountDesk, request: Asked, filled: Details, wrong: dict[str, str]
) -> Response[str]:
    return shown(
        desk,
        request,
        "details",
        filled=asdict(filled),
        wrong=defaultdict(str, wrong),
        zones=ZONES,
        problem=" ".join(wrong.values()),
    )


async def _address_page(desk: AccountDesk, request: Asked, problem: str = "") -> Response[str]:
    _, account = who(request)
    async with desk.db.engine() as work:
        found = await store.addresses(work, account.id)
    return shown(desk, request, "addresses", addresses=found, problem=problem)


def _addresses(desk: AccountDesk) -> list[Any]:
    @get("/addresses", needs="account")
    async def listed(request: Asked) -> Response[str]:
        """Show the owner's addresses."""
        return await _address_page(desk, request)

    @post("/addresses", status_code=200, needs="account")
    async def change(request: Asked) -> Response[Any]:
        """Make an address the main one, or remove it."""
        session, account = who(request)
        form = await request.form()
        address_id, problem = ident(form, "id"), ""

        async def remove(work: Work) -> str:
            no = await accounts.remove_address(work, desk.courier, account, address_id)
            return LAST_WAY if no else ""

        if text(form, "do") == "main":
            async with desk.db.engine() as work:
                await accounts.main_address(work, account.id, address_id)
        elif text(form, "do") == "remove":
            problem = await desk.gate.act_on_ways(
                session, REMOVE_ADDRESS, remove, id=address_id.hex
            )
        return (
            await _address_page(desk, request, problem)
            if problem
            else saved("addresses", "/addresses")
        )

    return [listed, change]


def _new_addresses(desk: AccountDesk) -> list[Any]:
    @post("/addresses/add", status_code=200, needs="account")
    async def add(request: Asked) -> Response[str]:
        """Send a code to an address that is to be added."""
        session, account = who(request)
        form = await request.form()
        try:
            address = typed(text(form, "address"))
        except Invalid:
            return await _address_page(desk, request, ADDRESS)
        await asked_for(desk, request, address, "send")

        async def begin(work: Work) -> UUID:
            return await accounts.begin_address(work, desk.courier, account, address)

        said = {"address": address.value}
        ticket = await desk.gate.act_on_ways(session, ADD_ADDRESS, begin, **said)
        return _code(desk, request, ticket.hex, address.value)

    @post("/addresses/finish", status_code=200, needs="account")
    async def finish(request: Asked) -> Response[Any]:
        """Spend the code and add the address."""
        _, account = who(request)
        form = await request.form()
        ticket, code = ident(form, "ticket"), text(form, "code")
        await tried(desk, request, ticket)
        async with desk.db.engine() as work:
            done = await accounts.finish_address(work, desk.courier, account, ticket, code)
        if done:
            return saved("addresses", "/addresses")
        return _code(desk, request, ticket.hex, text(form, "sent_to"), NOT_VALID)

    return [add, finish]


def _code(
    desk: AccountDesk, request: Asked, ticket: str, sent_to: str, problem: str = ""
) -> Response[str]:
    return desk.show(
        "code",
        request.state.account.language,
        status=REFUSED if problem else 200,
        problem=problem,
        ticket=ticket,
        sent_to=sent_to,
        action="/account/addresses/finish",
        next="/account/addresses",
    )


def _chats(desk: AccountDesk) -> list[Any]:
    async def page(request: Asked, problem: str = "", **values: Any) -> Response[str]:
        _, account = who(request)
        async with desk.db.engine() as work:
            found = await chats.chats_of(work, account.id)
        named = {"code": "", "ticket": "", "bots": [], **values}
        return shown(desk, request, "chats", chats=found, problem=problem, **named)

    @get("/chats", needs="account")
    async def listed(request: Asked) -> Response[str]:
        """Show the owner's chats."""
        return await page(request)

    @post("/chats", status_code=200, needs="account")
    async def change(request: Asked) -> Response[Any]:
        """Show the code that is to be said in a chat, or remove a chat."""
        session, account = who(request)
        form = await request.form()

        async def remove(work: Work) -> LastWayIn | None:
            key = ident(form, "outlet"), ident(form, "contact")
            return await chats.unbind(work, account.id, *key)

        async def show(work: Work) -> IssuedCode:
            return await chats.show_code(work, "bind", account.id)

        if text(form, "do") == "remove":
            which = {"contact": text(form, "contact"), "outlet": text(form, "outlet")}
            no = await desk.gate.act_on_ways(session, UNBIND_CHAT, remove, **which)
            return await page(request, LAST_WAY) if no else saved("chats", "/chats")
        await limits.draw(desk.db, "send", account.id, desk.browser(request))
        shown_code = await desk.gate.act_on_ways(session, BIND_CHAT, show)
        code = spell_code(shown_code.secret)
        return await page(request, code=code, ticket=shown_code.id.hex, bots=await bots(desk))

    @post("/chats/finish", status_code=200, needs="account")
    async def finish(request: Asked) -> Response[Any]:
        """Take the chat's answer and bind the chat; the owner is told."""
        _, account = who(request)
        form = await request.form()
        ticket = ident(form, "ticket")
        await tried(desk, request, ticket)
        async with desk.db.engine() as work:
            code = text(form, "code")
            bound = await chats.finish(work, "bind", ticket, code, account.id)
            if bound is not None:
                await accounts.tell_owner(work, desk.courier, account.id, "chat_added")
        if bound is None:
            return await page(request, NOT_VALID, ticket=ticket.hex)
        return saved("chats", "/chats")

    return [listed, change, finish]


def _devices(desk: AccountDesk) -> list[Any]:
    @get("/devices", needs="account")
    async def listed(request: Asked) -> Response[str]:
        """Show where the owner is signed in, and from which devices they came."""
        session, account = who(request)
        async with desk.db.engine() as work:
            sessions = await store.sessions(work, account.id)
            devices = await store.devices(work, account.id)
        return shown(
            desk,
            request,
            "devices",
            current=session,
            sessions=sessions,
            devices=devices,
            browser_name=core.browser_name,
            methods=core.METHODS,
        )

    @post("/devices", status_code=200, needs="account")
    async def change(request: Asked) -> Redirect:
        """End a session, all others, or forget a device with its sessions."""
        session, account = who(request)
        form = await request.form()
        wanted, named = text(form, "do"), ident(form, "id")
        async with desk.db.engine() as work:
            if wanted == "others":
                await identity.revoke_sessions(work, account.id, but=session.id)
            elif wanted == "end":
                await identity.revoke_session(work, account.id, named)
            elif wanted == "forget":
                await identity.forget_device(work, account.id, named)
        return saved("devices", "/devices")

    return [listed, change]


def _memberships(desk: AccountDesk) -> list[Any]:
    @get("/memberships", needs="account")
    async def listed(request: Asked) -> Response[str]:
        """Show in which outlets the owner works."""
        _, account = who(request)
        async with desk.db.engine() as work:
            found = await identity.memberships(work, account.id)
        outlets = [(m, (await desk.directory.outlet(m.outlet_id)).name) for m in found]
        return shown(desk, request, "memberships", memberships=outlets, roles=OUTLET_ROLES)

    @post("/memberships", status_code=200, needs="account")
    async def open_console(request: Asked) -> Redirect:
        """Show an outlet of the owner's in the console, under a new secret."""
        session, _ = who(request)
        form = await request.form()
        async with desk.db.engine() as work:
            secret = await identity.switch_outlet(work, session, ident(form, "outlet"))
        if secret is None:
            raise NotFound("there is no such outlet of yours")
        cookies = [desk.session_cookie.keep(secret)]
        return Redirect("/console", status_code=303, cookies=cookies)

    return [listed, open_console]


def _invitations(desk: AccountDesk) -> list[Any]:
    @get("/invitation", needs="account")
    async def invited(request: Asked) -> Response[str]:
        """Show the button that accepts an invitation: opening its link spends nothing."""
        return shown(desk, request, "invitation", key=request.query_params.get("key", ""))

    @post("/invitation", status_code=200, needs="account")
    async def accept(request: Asked) -> Response[Any]:
        """Make the owner a member of the outlet that invited."""
        _, account = who(request)
        form = await request.form()
        await limits.draw(desk.db, "code", account.id, desk.browser(request))
        async with desk.db.engine() as work:
            answer = await invitations.accept(work, account.id, text(form, "key"))
        if isinstance(answer, Refusal):
            return shown(desk, request, "invitation", key="", problem=NO_INVITATION)
        return saved("joined", "/memberships")

    return [invited, accept]
