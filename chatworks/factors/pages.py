"""The gate before every page of a session: the second factor, the device, and step-ups.

A router asks ``before`` once it knows the session: a session that lacks something is led to the
page where it shows it, and opens nothing else. Who gives something that needs a fresh factor raises
what ``asked`` returns; the router's exception handler (``handlers``) shows the page of the step-up,
which holds the very same form. It comes back with a proof, and the page goes on as if nothing was.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit
from uuid import UUID

from litestar import Request, Response
from litestar.response import Redirect

from chatworks.commands.models import Proof, StepUpNeeded
from chatworks.factors import core, step_ups, store
from chatworks.factors.models import ADDRESSES, Lack, StepUp, Way
from chatworks.factors.models import Asked as Challenge
from chatworks.factors.passkeys import ANSWER_LENGTH_MAX
from chatworks.factors.proving import Given, Prover
from chatworks.identity.core import spell_code
from chatworks.identity.models import Browser, IssuedCode, Session
from chatworks.kit.errors import ChatWorksError
from chatworks.kit.texts import Texts
from chatworks.kit.work import Work
from chatworks.web.templating import Pages

Asked = Request[Any, Any, Any]
Answer = TypeVar("Answer")

TEXTS = Texts.load("chatworks.factors")
PAGE_OF = {Lack.SECOND: "/account/second", Lack.DEVICE: "/account/device"}
SET_UP = "/account/security?demanded=1"
PATH = re.compile(r"/(?![/\\])[A-Za-z0-9/_\-.~%]{0,300}")
OURS = "proof-"  # begins the names of the step-up's own fields
NOT_VALID = "That was not right, was used before, or is too old. Please try again."
NOT_PROVED = 403


class StillLacking(ChatWorksError):
    """The session must show its second factor, or confirm its device, first."""

    status = 403


class TooLate(ChatWorksError):
    """The step-up is over: it was spent, or minutes have passed."""

    status = 403


@dataclass(frozen=True, slots=True)
class Sheet:
    """What the page of a step-up shows: what is asked in words, and what may be shown for it."""

    step_up: StepUp
    methods: tuple[str, ...]
    language: str
    challenge: Challenge | None
    ways: list[Way]
    sent: tuple[Way, IssuedCode] | None = None
    problem: str = ""


class StepUpAsked(ChatWorksError):
    """A fresh factor is asked for; the router's exception handler shows the page."""

    status = NOT_PROVED

    def __init__(self, sheet: Sheet) -> None:
        super().__init__("please show again that it is you")
        self.sheet = sheet


def _path_of(address: str) -> str:
    """Return the path of an address, which is then one of ours; "" where it is none."""
    try:
        path = urlsplit(address).path
    except ValueError:
        return ""
    return path if PATH.fullmatch(path) else ""


def uuid_of(value: object) -> UUID:
    """Return an id of a form; a made-up one, which finds nothing, where it is none."""
    try:
        return UUID(hex=str(value))
    except ValueError:
        return UUID(int=0)


@dataclass(slots=True)
class Gate:
    """See the module."""

    prover: Prover
    pages: Pages

    async def before(
        self, request: Asked, session: Session, browser: Browser, *, staff: bool = False
    ) -> tuple[Session, Response[Any] | None]:
        """Return the session, with the proof that the request brings, and what to answer instead.

        ``staff``: the page is of the outlet that the session shows, which may demand a second
        factor. Raises ``StillLacking`` where nothing can be shown, and ``StepUpAsked`` where a
        proof was not valid.
        """
        async with self.prover.db.engine() as work:
            now = await store.standing(work, session)
        half = request.route_handler.opt.get("half", False)
        lacks = core.lack(now.held, session.methods, device_known=now.device_known)
        page = SET_UP if staff and now.demanded and not now.held.has_second else ""
        if lacks is not None and not half:
            page = f"{PAGE_OF[lacks]}?next={quote(request.url.path, safe='/')}"
        if page:
            if request.method == "GET" and "text/html" in request.headers.get("accept", ""):
                return session, Redirect(page)
            raise StillLacking("this session must show more first")
        if request.method == "POST":
            session = await self._proved(request, session, browser)
        return session, None

    async def _proved(self, request: Asked, session: Session, browser: Browser) -> Session:
        """Keep the form's fields for a step-up to come; take the one that it brings."""
        form = await request.form()
        request.state.fields = [
            (name, value)
            for name, value in form.multi_items()
            if isinstance(value, str) and not name.startswith(OURS)
        ]
        if f"{OURS}id" not in form:
            return session
        request.state.back = _path_of(str(form.get(f"{OURS}back", "")))
        step_up_id = uuid_of(form[f"{OURS}id"])
        if way := form.get(f"{OURS}send"):
            sent = await self.prover.send(session, browser, str(way), "step_up", step_up_id)
            raise await self._again(session, step_up_id, sent)
        ticket = form.get(f"{OURS}ticket")
        given = Given(
            str(form.get(f"{OURS}method", "")),
            str(form.get(f"{OURS}text", ""))[:ANSWER_LENGTH_MAX],
            uuid_of(ticket) if ticket else None,
        )
        if not await self.prover.step_up(session, browser, step_up_id, given):
            raise await self._again(session, step_up_id, None, NOT_VALID)
        return replace(session, proof=Proof(step_up_id, session.id, session.account_id))

    async def _again(
        self,
        session: Session,
        step_up_id: UUID,
        sent: tuple[Way, IssuedCode] | None,
        problem: str = "",
    ) -> ChatWorksError:
        async with self.prover.db.engine() as work:
            asked = await store.step_up(work, step_up_id, session)
            if asked is None:
                return TooLate("this took too long: please go back and begin again")
            sheet = await self._sheet(work, session, asked)
        return StepUpAsked(replace(sheet, sent=sent, problem=problem))

    async def asked(self, session: Session, needed: StepUpNeeded) -> ChatWorksError:
        """Begin a step-up for what was refused; raise what this returns."""
        async with self.prover.db.engine() as work:
            step_up_id = await step_ups.begin(work, session, needed)
        return await self._again(session, step_up_id, None)

    async def _sheet(self, work: Work, session: Session, asked: StepUp) -> Sheet:
        held = await store.factors(work, session.account_id)
        methods = core.accepted(held)
        passkeys = self.prover.passkeys
        if passkeys.party is None:
            methods = tuple(method for method in methods if method != "passkey")
        _, _, language = await store.label(work, session.account_id)
        return Sheet(
            asked,
            methods,
            language,
            await passkeys.ask(work, session) if "passkey" in methods else None,
            await self.prover.ways.of(work, session.account_id) if "code" in methods else [],
        )

    def handlers(self) -> dict[Any, Any]:
        """Return a router's exception handlers: a function, because Litestar copies them deeply."""

        def lead(request: Asked, asked: StepUpAsked) -> Response[Any]:
            return self._lead(request, asked)

        return {StepUpAsked: lead}

    def _lead(self, request: Asked, asked: StepUpAsked) -> Response[Any]:
        """Show the page of a step-up, with the form that asked for it."""
        sheet = asked.sheet
        query = f"?{request.url.query}" if request.url.query else ""
        sent = sheet.sent

        def said(msgid: str, **values: object) -> str:
            return TEXTS.text(sheet.language, msgid, **values)

        kept, came_from = getattr(request.state, "back", ""), request.headers.get("referer", "")
        return self.pages.page(
            "factors/step_up.html",
            status=NOT_PROVED,
            headers={"cache-control": "no-store"},
            lang=sheet.language,
            _=said,
            sheet=sheet,
            asks=said(sheet.step_up.asks, **sheet.step_up.said),
            action=f"{request.url.path}{query}",
            back=kept or _path_of(came_from) or f"/{request.url.path.split('/')[1]}",
            fields=getattr(request.state, "fields", []),
            by_chat=sent is not None and sent[0].kind not in ADDRESSES,
            code=spell_code(sent[1].secret) if sent else "",
        )

    async def act(
        self,
        session: Session,
        said: tuple[str, str],
        do: Callable[[Work], Awaitable[Answer]],
        /,
        **values: str,
    ) -> Answer:
        """Do something to the session's own account, by a step-up for just that.

        ``said`` is its name and what it is in words, with ``values`` in the fields. An account that
        has nothing to show yet does it by its sign-in alone: it is led to set something.
        """
        try:
            async with self.prover.db.engine() as work:
                if not await self.has_nothing(work, session):
                    await step_ups.demand(work, session, said[0], said[1], **values)
                return await do(work)
        except StepUpNeeded as no:
            raise await self.asked(session, no) from None

    async def act_on_ways(
        self,
        session: Session,
        said: tuple[str, str],
        do: Callable[[Work], Awaitable[Answer]],
        /,
        **values: str,
    ) -> Answer:
        """Add or remove a way of the session's account: as ``act``, where anything but ways is set.

        Where nothing else is, a code over one of them would show what the session showed already.
        """
        async with self.prover.db.engine() as work:
            held = await store.factors(work, session.account_id)
            if core.accepted(held) == ("code",):
                return await do(work)
        return await self.act(session, said, do, **values)

    async def has_nothing(self, work: Work, session: Session) -> bool:
        """Return whether the account has nothing that it could show."""
        held = await store.factors(work, session.account_id)
        if core.accepted(held) != ("code",):
            return False
        return not await self.prover.ways.of(work, session.account_id)
