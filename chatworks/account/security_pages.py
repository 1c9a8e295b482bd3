"""The owner's second factor, passkeys and recovery codes.

Every change asks for a fresh factor, for just that change (``Gate.act``); what is shown once, a key
or recovery codes, is in no other answer.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect

from chatworks.account.own_pages import saved, shown, who
from chatworks.account.pages import AccountDesk, Asked, ident, text
from chatworks.account.second_pages import NOT_VALID, given
from chatworks.factors import core, passkeys, service, store
from chatworks.factors.models import (
    AlreadySet,
    FactorNotValid,
    LastWayIn,
    PasswordTooShort,
    Setup,
    TooManyPasskeys,
)
from chatworks.kit.errors import Invalid

HERE = "/account/security"
# What a step-up says of each change; the values stand in its fields.
SET_APP = ("factors.SetAuthenticator", "Set up an authenticator app")
REMOVE_APP = ("factors.RemoveAuthenticator", "Remove the authenticator app")
NEW_CODES = ("factors.NewRecoveryCodes", "Make new recovery codes; the old ones are void then")
ADD_PASSKEY = ("factors.AddPasskey", "Add the passkey “{name}”")
RENAME_PASSKEY = ("factors.RenamePasskey", "Call the passkey “{name}”")
REMOVE_PASSKEY = ("factors.RemovePasskey", "Remove the passkey “{name}”")
ASK = ("factors.AskForPasskeys", "Ask for a passkey at each sign-in")
STOP_ASKING = ("factors.StopAskingForPasskeys", "Stop asking for a passkey at each sign-in")
ACTS = (
    SET_APP,
    REMOVE_APP,
    NEW_CODES,
    ADD_PASSKEY,
    RENAME_PASSKEY,
    REMOVE_PASSKEY,
    ASK,
    STOP_ASKING,
)
HAS_APP = "There is an authenticator app already."
NOT_ADDED = "This passkey could not be added."
NO_NAME = "Please give the passkey a short name."
LAST_WAY = (
    "Without this passkey you could not sign in any more. Add another way in first, or tick the "
    "box to remove it all the same."
)
TOO_SHORT = (
    "Please choose a longer password first: without a second factor yours is too short to be safe."
)
PROBLEMS = (TOO_SHORT, HAS_APP, NOT_ADDED, NO_NAME, LAST_WAY)


def security_pages(desk: AccountDesk) -> list[Any]:
    """Return the handlers of the security pages."""
    return [
        *_overview(desk),
        *_app(desk),
        *_no_app(desk),
        *_new_passkeys(desk),
        *_known_passkeys(desk),
    ]


async def _page(desk: AccountDesk, request: Asked, **values: Any) -> Response[str]:
    session, _ = who(request)
    prover = desk.gate.prover
    async with desk.db.engine() as work:
        held = await store.factors(work, session.account_id)
        keys = await store.passkeys(work, session.account_id)
        waiting = await store.recovery(work, session.account_id)
    return shown(
        desk,
        request,
        "security",
        held=held,
        keys=keys,
        waiting=waiting,
        makes_passkeys=prover.passkeys.party is not None,
        demanded=bool(request.query_params.get("demanded")),
        **values,
    )


def _codes(desk: AccountDesk, request: Asked, codes: list[str], **values: Any) -> Response[str]:
    """Show recovery codes, this once; also as a file to keep."""
    kept = "data:text/plain;charset=utf-8," + quote("ChatWorks\n\n" + "\n".join(codes) + "\n")
    page = shown(desk, request, "security_codes", codes=codes, kept=kept)
    page.cookies.extend(values.get("cookies", ()))
    return page


def _overview(desk: AccountDesk) -> list[Any]:
    @get("/security", needs="account")
    async def security(request: Asked) -> Response[str]:
        """Show what the account has set."""
        return await _page(desk, request)

    @post("/security/codes", status_code=200, needs="account")
    async def codes(request: Asked) -> Response[str]:
        """Make new recovery codes and show them."""
        session, _ = who(request)

        async def make(work: Any) -> list[str]:
            return await service.new_recovery_codes(work, session.account_id)

        return _codes(desk, request, await desk.gate.act(session, NEW_CODES, make))

    @post("/security/second", status_code=200, needs="account")
    async def second(request: Asked) -> Response[Any]:
        """Ask for a passkey at each sign-in, or stop."""
        session, _ = who(request)
        form = await request.form()
        wanted = text(form, "do") == "ask"

        async def change(work: Any) -> list[str]:
            if not await service.ask_for_passkeys(work, session, wanted=wanted) or not wanted:
                return []
            held = await store.factors(work, session.account_id)
            if held.recovery_left:
                return []
            return await service.new_recovery_codes(work, session.account_id)

        try:
            new = await desk.gate.act(session, ASK if wanted else STOP_ASKING, change)
        except PasswordTooShort:
            return await _page(desk, request, problem=TOO_SHORT)
        if not wanted:
            return saved("removed", "/security")
        return _codes(desk, request, new) if new else saved("second", "/security")

    return [security, codes, second]


def _app(desk: AccountDesk) -> list[Any]:
    def setup_page(request: Asked, setup: Setup, problem: str = "") -> Response[str]:
        return shown(
            desk,
            request,
            "security_app",
            key=core.spell(setup.secret),
            qr=core.qr_svg(setup.address),
            problem=problem,
        )

    @post("/security/app", status_code=200, needs="account")
    async def begin(request: Asked) -> Response[Any]:
        """Make a key, and show it until a first code comes."""
        session, _ = who(request)
        apps = desk.gate.prover.authenticators

        async def make(work: Any) -> Setup:
            return await apps.begin(work, session.account_id)

        try:
            return setup_page(request, await desk.gate.act(session, SET_APP, make))
        except AlreadySet:
            return await _page(desk, request, problem=HAS_APP)

    @post("/security/app/confirm", status_code=200, needs="account")
    async def confirm(request: Asked) -> Response[Any]:
        """Take the first code: from then on the app is asked for."""
        session, _ = who(request)
        form = await request.form()
        prover = desk.gate.prover
        done = await prover.confirm_app(session, desk.browser(request), given(form, "totp"))
        if done is not None:
            cookies = [desk.session_cookie.keep(done[0])]
            if done[1]:
                return _codes(desk, request, done[1], cookies=cookies)
            return Redirect(f"{HERE}?saved=second", status_code=303, cookies=cookies)
        async with desk.db.engine() as work:
            setup = await prover.authenticators.begun(work, session.account_id)
        return (
            Redirect(HERE, status_code=303)
            if setup is None
            else setup_page(request, setup, NOT_VALID)
        )

    return [begin, confirm]


def _no_app(desk: AccountDesk) -> list[Any]:
    @post("/security/app/remove", status_code=200, needs="account")
    async def remove(request: Asked) -> Response[Any]:
        """Ask for the app no more."""
        session, _ = who(request)

        async def drop(work: Any) -> bool:
            return await desk.gate.prover.authenticators.remove(work, session.account_id)

        try:
            await desk.gate.act(session, REMOVE_APP, drop)
        except PasswordTooShort:
            return await _page(desk, request, problem=TOO_SHORT)
        return saved("removed", "/security")

    return [remove]


def _new_passkeys(desk: AccountDesk) -> list[Any]:
    keys = desk.gate.prover.passkeys

    @post("/security/passkeys/options", status_code=200, needs="account")
    async def options(request: Asked) -> dict[str, Any]:
        """Give what a browser needs to make a passkey."""
        session, _ = who(request)
        async with desk.db.engine() as work:
            return (await keys.ask_to_register(work, session)).document()

    @post("/security/passkeys", status_code=200, needs="account")
    async def add(request: Asked) -> Response[Any]:
        """Keep the passkey that the browser made."""
        session, _ = who(request)
        form = await request.form()
        made, name = given(form, "passkey"), text(form, "name")

        async def keep(work: Any) -> UUID:
            return await keys.register(work, session, ident(form, "ticket"), made.text, name)

        try:
            await desk.gate.act(session, ADD_PASSKEY, keep, name=passkeys.passkey_name(name))
        except (FactorNotValid, TooManyPasskeys):
            return await _page(desk, request, problem=NOT_ADDED)
        except Invalid:
            return await _page(desk, request, problem=NO_NAME)
        return saved("passkey", "/security")

    return [options, add]


def _known_passkeys(desk: AccountDesk) -> list[Any]:
    @post("/security/passkeys/{key:str}", status_code=200, needs="account")
    async def change(key: FromPath[str], request: Asked) -> Response[Any]:
        """Give a passkey another name, or remove it."""
        session, _ = who(request)
        form = await request.form()
        key_id, warned = ident({"id": key}, "id"), text(form, "sure") == "yes"
        async with desk.db.engine() as work:
            known = {one.id: one.name for one in await store.passkeys(work, session.account_id)}
        name = known.get(key_id, "")

        async def rename(work: Any) -> bool:
            return await passkeys.rename(work, session, key_id, text(form, "name"))

        async def remove(work: Any) -> bool:
            return await passkeys.remove(
                work, desk.gate.prover.ways, session, key_id, warned=warned
            )

        about = {"id": key_id.hex, "sure": str(int(warned))}
        try:
            if text(form, "do") == "rename":
                new = passkeys.passkey_name(text(form, "name"))
                await desk.gate.act(session, RENAME_PASSKEY, rename, name=new, id=key_id.hex)
                return saved("renamed", "/security")
            await desk.gate.act(session, REMOVE_PASSKEY, remove, name=name, **about)
        except PasswordTooShort:
            return await _page(desk, request, problem=TOO_SHORT)
        except LastWayIn:
            return await _page(desk, request, problem=LAST_WAY, last=key_id)
        except Invalid:
            return await _page(desk, request, problem=NO_NAME)
        return saved("removed", "/security")

    return [change]
