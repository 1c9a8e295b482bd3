"""Signing in with other services: the way to a provider and back, and the steps that may follow.

A way begins with a form of ours, which no other site can send. The page that answers it leads on
by itself: our policy lets no form go to another host. A provider sends people back by GET; the
attempt belongs to the cookie of the browser that began it, and is spent before anything is read.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

import structlog
from litestar import Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect

from chatworks.account.core import own_path
from chatworks.account.entry_pages import NOT_VALID
from chatworks.account.models import Way
from chatworks.account.own_pages import LAST_WAY, saved, shown, who
from chatworks.account.pages import AccountDesk, Asked, NotSignedIn, ident, spoken, text
from chatworks.account.password_pages import sealed, step, why, written
from chatworks.factors.pages import StillLacking
from chatworks.federation import models as federated
from chatworks.federation import service, store
from chatworks.federation.feature import Federation
from chatworks.federation.models import ATTEMPT_FOR, Entered, Purpose, Wanted
from chatworks.identity import limits
from chatworks.identity.models import LastWayIn, Session
from chatworks.kit.errors import Invalid
from chatworks.kit.work import Work
from chatworks.passwords.models import NotFit
from chatworks.web.cookies import SecretCookie

log = structlog.get_logger()
COOKIE = "cw_with"
NO_END = "This did not come to a good end. Nothing has changed; please try again."
OTHERS = "This is connected to another account already."
AWAY = "This service does not answer just now. Please try again, or sign in another way."
WAYS = "/account/ways"
CONNECT = ("federation.Connect", "Let {title} open your account from now on")
DISCONNECT = ("federation.Disconnect", "Disconnect a service from your account")
ACTS = (CONNECT, DISCONNECT)
WAY = Way("Other services", "account/with_way.html")
FORBIDDEN, UNAVAILABLE, CONFLICT = 403, 503, 409
PROBLEMS: dict[type[Exception], tuple[str, int]] = {
    federated.NotConnected: (NO_END, FORBIDDEN),
    federated.NotRight: (NO_END, FORBIDDEN),
    federated.OthersIdentity: (OTHERS, CONFLICT),
    federated.Unavailable: (AWAY, UNAVAILABLE),
    federated.Untrusted: (NO_END, FORBIDDEN),
    NotSignedIn: (NO_END, FORBIDDEN),
    StillLacking: (NO_END, FORBIDDEN),
}


async def _nothing_more(_work: Work) -> None:
    """Only spend the step-up: the rest happens at the provider."""


class WithPages:
    """The handlers, and what they share."""

    def __init__(self, desk: AccountDesk, federation: Federation) -> None:
        self.desk = desk
        self.federation = federation
        self.hosted = federation.hosted
        self.cookie = SecretCookie(COOKIE, desk.courier.address, ATTEMPT_FOR)

    def open(self) -> list[Any]:
        """Return the handlers that need no session."""
        return [self._begin(), self._back(), self._answer()]

    def own(self) -> list[Any]:
        """Return the handlers that a session guards."""
        return [self._ways(), self._connect(), self._disconnect()]

    async def go(self, request: Asked, key: str, account_id: UUID | None, back: str) -> Any:
        """Return the page that leads to a provider."""
        await limits.draw(self.desk.db, "service", account_id, self.desk.browser(request))
        browser = self.hosted.browser_secret(self.cookie.read(request))
        try:
            url = await self.hosted.begin(key, browser, account_id, (back, spoken(request)))
        except (federated.Unavailable, federated.Untrusted) as error:
            if isinstance(error, federated.Untrusted):
                log.warning("an identity provider is not trusted", provider=key, rule=error.rule)
            return self.ended(request, error, back)
        title = self.hosted.titles()[key]
        cookies = [self.cookie.keep(browser)]
        return self.desk.show("with_go", spoken(request), cookies=cookies, url=url, title=title)

    def ended(self, request: Asked, error: Exception, back: str) -> Response[str]:
        """Return the page of a way that came to no good end."""
        problem, status = PROBLEMS[type(error)]
        return self.desk.show(
            "with_ended", spoken(request), status=status, problem=problem, next=own_path(back)
        )

    async def step(
        self,
        request: Asked,
        reached: Entered | federated.Asked,
        back: str,
        problem: str = "",
        language: str = "",
    ) -> Response[Any]:
        """Begin the session of who is let in, or show what is asked for."""
        factor = self.federation.first_factor
        return await step(self.desk, factor, request, reached, back, problem, language=language)

    def _begin(self) -> Any:
        @post("/account/with/{key:str}", status_code=200, needs="public")
        async def begin(request: Asked, key: FromPath[str]) -> Response[Any]:
            """Lead to a provider to sign in."""
            form = await request.form()
            page: Response[Any] = await self.go(request, key, None, own_path(text(form, "next")))
            return page

        return begin

    def _back(self) -> Any:
        @get("/account/with/{key:str}/back", needs="public")
        async def back(request: Asked, key: FromPath[str]) -> Response[Any]:
            """Take a provider's answer: sign in, or connect the identity, or ask for an address."""
            browser = self.cookie.read(request)
            try:
                attempt, person = await self.hosted.finish(key, _once(request), browser)
                if attempt.purpose is Purpose.LINK:
                    session = await self._whole(request)
                    await self.hosted.link(attempt, person, session.account_id)
                    return saved("ways", "/ways")
                reached = await self.hosted.sign_in(attempt, person)
            except tuple(PROBLEMS) as error:
                return self.ended(request, error, "")
            return await self.step(request, reached, attempt.back, language=attempt.language)

        return back

    async def _whole(self, request: Asked) -> Session:
        """Return the session, if it has shown all that it must; raises ``NotConnected``."""
        session, _ = await self.desk.session(request)
        browser = self.desk.browser(request)
        session, instead = await self.desk.gate.before(request, session, browser)
        if instead is not None:
            raise federated.NotConnected
        return session

    def _answer(self) -> Any:
        @post("/account/with/step", status_code=200, needs="public")
        async def answer(request: Asked) -> Response[Any]:
            """Take what a page asked for, and go on."""
            form = await request.form()
            back, given = text(form, "next"), written(form, "given")
            asked = _asked(form)
            browser = self.desk.browser(request)
            try:
                factor = self.federation.first_factor
                reached = await factor.answer(asked.ticket, given, browser)
            except federated.CodeNotRight:
                return await self.step(request, asked, back, NOT_VALID)
            except NotFit as no:
                return await self.step(request, asked, back, why(no, spoken(request)))
            except Invalid:
                return await self.step(request, asked, back, NO_ADDRESS)
            except tuple(PROBLEMS) as error:
                return self.ended(request, error, back)
            return await self.step(request, reached, back)

        return answer

    def _ways(self) -> Any:
        @get("/ways", needs="account")
        async def ways(request: Asked) -> Response[str]:
            """Show which services sign the owner in."""
            return await self._listed(request)

        return ways

    async def _listed(self, request: Asked, problem: str = "") -> Response[str]:
        _, account = who(request)
        async with self.desk.db.engine() as work:
            found = await store.identities(work, account.id)
        return shown(
            self.desk,
            request,
            "ways",
            identities=found,
            titles=self.federation.titles,
            problem=problem,
        )

    def _connect(self) -> Any:
        @post("/ways/{key:str}", status_code=200, needs="account")
        async def connect(request: Asked, key: FromPath[str]) -> Response[Any]:
            """Lead to a provider to connect an identity."""
            session, account = who(request)
            title = self.hosted.titles().get(key, "")
            await self.desk.gate.act(session, CONNECT, _nothing_more, title=title)
            page: Response[Any] = await self.go(request, key, account.id, WAYS)
            return page

        return connect

    def _disconnect(self) -> Any:
        @post("/ways", status_code=200, needs="account")
        async def disconnect(request: Asked) -> Response[Any] | Redirect:
            """Disconnect an identity, unless it is the last way in."""
            session, account = who(request)
            named, keys = ident(await request.form(), "id"), list(self.federation.titles)

            async def part(work: Work) -> None:
                await service.disconnect(work, account.id, named, keys)

            try:
                await self.desk.gate.act(session, DISCONNECT, part, id=named.hex)
            except LastWayIn:
                return await self._listed(request, LAST_WAY)
            return saved("ways", "/ways")

        return disconnect


NO_ADDRESS = "This is no e-mail address."


def _once(request: Asked) -> dict[str, str]:
    """Return what an answer says; nothing may stand twice in it (RFC 6749, 3.1)."""
    pairs = list(request.query_params.multi_items())
    said = dict(pairs)
    if len(said) != len(pairs):
        raise federated.NotConnected
    return said


def _asked(form: Any) -> federated.Asked:
    """Return what was asked on the page that sent a form, to show it again."""
    wanted = text(form, "wanted")
    if wanted not in set(Wanted):
        raise Invalid("wanted", "is nothing that is asked for")
    return federated.Asked(
        Wanted(wanted), sealed(form), text(form, "secret"), text(form, "sent_to")
    )
