"""Where a session shows what it lacks: its second factor, that the device is known, or the way back
after a lost factor. And signing in with a passkey alone.

These pages are open to a session that lacks something (``half``), and to no other purpose.
"""

from __future__ import annotations

from typing import Any

from litestar import Response, get, post
from litestar.response import Redirect

from chatworks.account.core import own_path
from chatworks.account.models import Way
from chatworks.account.own_pages import who
from chatworks.account.pages import AccountDesk, Asked, ident, spoken, text
from chatworks.factors import core, service, store
from chatworks.factors.models import ADDRESSES, Lack, NothingToRecover
from chatworks.factors.passkeys import ANSWER_LENGTH_MAX
from chatworks.factors.proving import Given
from chatworks.identity import limits
from chatworks.identity.core import spell_code
from chatworks.identity.models import IssuedCode
from chatworks.kit.errors import Invalid

PASSKEY_WAY = Way("Passkey", "account/passkey_way.html")
NOT_VALID = "That was not right, was used before, or is too old. Please try again."
UNKNOWN_PASSKEY = "This passkey is not one of an account here. Try another way."
REFUSED = 422


def given(form: Any, method: str = "") -> Given:
    """Return what a form shows; ``Invalid`` where it is too long to be that."""
    shown = form.get("text", "")
    if not isinstance(shown, str) or len(shown) > ANSWER_LENGTH_MAX:
        raise Invalid("text", "is too long")
    ticket = ident(form, "ticket") if form.get("ticket") else None
    return Given(method or text(form, "method"), shown, ticket)


def second_pages(desk: AccountDesk) -> list[Any]:
    """Return the handlers of what a session lacks."""
    return [*_second(desk), *_device(desk), *_recovery(desk)]


def _second(desk: AccountDesk) -> list[Any]:
    async def page(request: Asked, next_path: str, problem: str = "") -> Response[str]:
        session, account = who(request)
        passkeys = desk.gate.prover.passkeys
        async with desk.db.engine() as work:
            held = await store.factors(work, session.account_id)
            waiting = await store.recovery(work, session.account_id)
            usable = held.passkeys and passkeys.party is not None
            challenge = await passkeys.ask(work, session) if usable else None
        return desk.show(
            "second",
            account.language,
            status=REFUSED if problem else 200,
            problem=problem,
            next=next_path,
            held=held,
            waiting=waiting,
            challenge=challenge,
        )

    @get("/second", needs="account", half=True)
    async def second(request: Asked) -> Response[Any]:
        """Ask for the second factor."""
        session, _ = who(request)
        next_path = own_path(request.query_params.get("next", ""))
        async with desk.db.engine() as work:
            if await service.lack(work, session) is not Lack.SECOND:
                return Redirect(next_path)
        return await page(request, next_path)

    @post("/second", status_code=200, needs="account", half=True)
    async def show(request: Asked) -> Response[Any]:
        """Take the second factor; the session goes on under another secret."""
        session, _ = who(request)
        form = await request.form()
        next_path = own_path(text(form, "next"))
        secret = await desk.gate.prover.second(session, desk.browser(request), given(form))
        if secret is None:
            return await page(request, next_path, NOT_VALID)
        cookies = [desk.session_cookie.keep(secret)]
        return Redirect(next_path, status_code=303, cookies=cookies)

    return [second, show]


def _sent(way: Any, issued: IssuedCode) -> dict[str, Any]:
    """Return what a page says of a code that is on its way, or that a chat waits for."""
    chat = way.kind not in ADDRESSES
    return {"way": way, "ticket": issued.id.hex, "code": spell_code(issued.secret) if chat else ""}


def _device(desk: AccountDesk) -> list[Any]:
    async def page(
        request: Asked, next_path: str, sent: dict[str, Any] | None = None, problem: str = ""
    ) -> Response[str]:
        session, account = who(request)
        async with desk.db.engine() as work:
            ways = core.others(
                await desk.gate.prover.ways.of(work, session.account_id), session.methods
            )
        return desk.show(
            "device",
            account.language,
            status=REFUSED if problem else 200,
            problem=problem,
            next=next_path,
            ways=ways,
            sent=sent,
        )

    @get("/device", needs="account", half=True)
    async def device(request: Asked) -> Response[Any]:
        """Ask for a code over another way, because the account does not know this device."""
        session, _ = who(request)
        next_path = own_path(request.query_params.get("next", ""))
        async with desk.db.engine() as work:
            if await service.lack(work, session) is not Lack.DEVICE:
                return Redirect(next_path)
        return await page(request, next_path)

    @post("/device", status_code=200, needs="account", half=True)
    async def confirm(request: Asked) -> Response[Any]:
        """Send the code, or take it."""
        session, _ = who(request)
        form = await request.form()
        next_path, browser = own_path(text(form, "next")), desk.browser(request)
        prover = desk.gate.prover
        if session.device_id is None:
            return Redirect(next_path, status_code=303)
        if way := text(form, "send"):
            sent = await prover.send(session, browser, way, "device", session.device_id)
            return await page(request, next_path, _sent(*sent) if sent else None)
        if await prover.device(session, browser, given(form, "code")):
            return Redirect(next_path, status_code=303)
        return await page(request, next_path, problem=NOT_VALID)

    return [device, confirm]


def _recovery(desk: AccountDesk) -> list[Any]:
    async def page(
        request: Asked, sent: dict[str, Any] | None = None, problem: str = ""
    ) -> Response[str]:
        session, account = who(request)
        prover = desk.gate.prover
        async with desk.db.engine() as work:
            ways = await prover.recoveries.usable(work, session.account_id)
            waiting = await store.recovery(work, session.account_id)
            held = await store.factors(work, session.account_id)
        proved = waiting.proved if waiting else []
        return desk.show(
            "recovery",
            account.language,
            status=REFUSED if problem else 200,
            problem=problem,
            account=account,
            waiting=waiting,
            ways=[way for way in ways if way.kind not in proved],
            kinds=len({way.kind for way in ways}),
            held=held,
            hours=int(prover.recoveries.wait.total_seconds() // 3600),
            sent=sent,
        )

    @get("/recovery", needs="account", half=True)
    async def recovery(request: Asked) -> Response[str]:
        """Show how the second factor can be taken away, and how far that is."""
        return await page(request)

    @post("/recovery", status_code=200, needs="account", half=True)
    async def go_on(request: Asked) -> Response[Any]:
        """Begin, send a code, take it, or cancel."""
        session, _ = who(request)
        form = await request.form()
        prover, browser = desk.gate.prover, desk.browser(request)
        if text(form, "do") == "cancel":
            async with desk.db.engine() as work:
                waiting = await store.recovery(work, session.account_id)
                if waiting is not None:
                    await prover.recoveries.cancel(work, waiting, "session")
            return Redirect("/account?saved=kept", status_code=303)
        if way := text(form, "send"):
            try:
                async with desk.db.engine() as work:
                    asked = await prover.recoveries.begin(work, session)
            except NothingToRecover:
                return await page(request)
            sent = await prover.send(session, browser, way, "recovery", asked.id)
            return await page(request, _sent(*sent) if sent else None)
        if await prover.recovery(session, browser, given(form)):
            return Redirect("/account/recovery", status_code=303)
        return await page(request, problem=NOT_VALID)

    return [recovery, go_on]


def passkey_pages(desk: AccountDesk) -> list[Any]:
    """Return the handlers of signing in with a passkey, and of links that cancel a recovery."""

    @post("/account/sign-in/passkey/options", status_code=200, needs="public")
    async def options(request: Asked) -> dict[str, Any]:
        """Give a challenge to whoever wants to sign in."""
        await limits.draw(desk.db, "passkey", None, desk.browser(request))
        async with desk.db.engine() as work:
            return (await desk.gate.prover.passkeys.ask(work, None)).document()

    @post("/account/sign-in/passkey", status_code=200, needs="public")
    async def enter(request: Asked) -> Response[Any]:
        """Sign in with what the passkey signed."""
        form = await request.form()
        shown = given(form, "passkey")
        async with desk.db.engine() as work:
            key = await desk.gate.prover.passkeys.check(
                work, None, ident(form, "ticket"), shown.text
            )
            if key is not None:
                return await desk.enter(work, request, {"passkey"}, key.account_id)
        return desk.show(
            "sign_in",
            spoken(request),
            status=REFUSED,
            next=own_path(text(form, "next")),
            ways=desk.ways,
            problem=UNKNOWN_PASSKEY,
        )

    @get("/account/recovery/cancel", needs="public")
    async def ask(request: Asked) -> Response[str]:
        """Show the one button that cancels: a preview of the link in a chat cancels nothing."""
        key = request.query_params.get("key", "")
        async with desk.db.engine() as work:
            found = await desk.gate.prover.recoveries.by_secret(work, key)
        return desk.show("cancel", spoken(request), key=key if found else "", done=False)

    @post("/account/recovery/cancel", status_code=200, needs="public")
    async def cancel(request: Asked) -> Response[str]:
        """Cancel a recovery by the link that every way was told."""
        form = await request.form()
        recoveries = desk.gate.prover.recoveries
        async with desk.db.engine() as work:
            found = await recoveries.by_secret(work, text(form, "key"))
            done = found is not None and await recoveries.cancel(work, found, "link")
        return desk.show("cancel", spoken(request), key="", done=done)

    return [options, enter, ask, cancel]
