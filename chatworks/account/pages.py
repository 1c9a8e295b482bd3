"""What every page of an account stands on: who asks, in which language, how a session begins."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from litestar import Request, Response
from litestar.datastructures import Cookie
from litestar.response import Redirect

from chatworks.account.core import own_path
from chatworks.account.models import Check, Proved, Way
from chatworks.factors.pages import Gate
from chatworks.identity import service as identity
from chatworks.identity import store
from chatworks.identity.core import LANGUAGES, kind_of, normal_address
from chatworks.identity.letters import Courier
from chatworks.identity.models import CODE_FOR, Account, Browser, Session, Typed
from chatworks.kit.db import Database
from chatworks.kit.errors import ChatWorksError, Invalid
from chatworks.kit.texts import Texts
from chatworks.kit.work import Work
from chatworks.outlets.service import Directory
from chatworks.web.cookies import SecretCookie
from chatworks.web.templating import Pages

TEXTS = Texts.load("chatworks.account")
SESSION_COOKIE, DEVICE_COOKIE, ASKED_COOKIE = "cw_session", "cw_device", "cw_asked"
DEVICE_KEPT_FOR = timedelta(days=400)  # the longest that browsers keep a cookie (RFC 6265bis, 5.5)
FIELD_LENGTH_MAX = 2000
NO_STORE = {"cache-control": "no-store"}

Asked = Request[Any, Any, Any]


class NotSignedIn(ChatWorksError):
    """There is no session, or it has ended."""

    status = 401


@dataclass(slots=True)
class AccountDesk:
    """What the account's pages need. ``ways`` and ``checks`` are other features'."""

    db: Database
    directory: Directory
    pages: Pages
    courier: Courier
    gate: Gate
    ways: Sequence[Way] = ()
    checks: Sequence[Check] = ()
    session_cookie: SecretCookie = field(init=False)
    device_cookie: SecretCookie = field(init=False)
    asked_cookie: SecretCookie = field(init=False)

    def __post_init__(self) -> None:
        address = self.courier.address
        self.session_cookie = SecretCookie(SESSION_COOKIE, address)
        self.device_cookie = SecretCookie(DEVICE_COOKIE, address, DEVICE_KEPT_FOR)
        self.asked_cookie = SecretCookie(ASKED_COOKIE, address, CODE_FOR)

    def browser(self, request: Asked) -> Browser:
        """Return who asks."""
        agent = request.headers.get("user-agent", "")
        address = request.client.host if request.client else ""
        return Browser(agent, address, self.device_cookie.read(request))

    async def session(self, request: Asked) -> tuple[Session, Account]:
        """Return who is signed in, or raise ``NotSignedIn``."""
        secret = self.session_cookie.read(request)
        async with self.db.engine() as work:
            session = await identity.session_of(work, secret) if secret else None
            account = None if session is None else await store.account(work, session.account_id)
        if session is None or account is None:
            raise NotSignedIn("please sign in")
        return session, account

    async def enter(
        self,
        work: Work,
        request: Asked,
        methods: Collection[str],
        account_id: UUID,
        next_path: str = "",
    ) -> Redirect:
        """Sign in after a first proof, or lead to the check that wants more.

        Where to go then stands in the form, or is ``next_path`` where there is none. Whoever was
        signed in here before is not any more: no secret outlives a sign-in.
        """
        then = own_path(next_path or text(await request.form(), "next"))
        proved = Proved(account_id, frozenset(methods), self.browser(request), then)
        for check in self.checks:
            page = await check(work, proved)
            if page:
                return Redirect(page, status_code=303)
        secrets = await identity.sign_in_as(work, account_id, methods, proved.browser)
        await identity.sign_out(work, self.session_cookie.read(request))
        cookies = [
            self.session_cookie.keep(secrets.session),
            self.device_cookie.keep(secrets.device),
            self.asked_cookie.drop(),
        ]
        return Redirect(proved.next, status_code=303, cookies=cookies)

    def show(
        self,
        name: str,
        language: str,
        *,
        status: int = 200,
        cookies: Sequence[Cookie] = (),
        **values: Any,
    ) -> Response[str]:
        """Render a page in a language."""
        page = self.pages.page(
            f"account/{name}.html",
            status=status,
            headers=NO_STORE,
            lang=language,
            languages=LANGUAGES,
            _=lambda msgid, **v: TEXTS.text(language, msgid, **v),
            **{"problem": "", **values},
        )
        page.cookies.extend(cookies)
        return page


def spoken(request: Asked) -> str:
    """Return the language that was asked for, or the browser's, or English."""
    wanted = [request.query_params.get("lang", "")]
    accepted = request.headers.get("accept-language", "")
    wanted += [part.partition(";")[0].partition("-")[0].strip() for part in accepted.split(",")]
    return next((code for code in wanted if code in LANGUAGES), "en")


def text(form: Mapping[str, Any], name: str) -> str:
    """Return a field's text without the space around it; "" where it is missing."""
    value = form.get(name, "")
    if not isinstance(value, str) or "\x00" in value or len(value) > FIELD_LENGTH_MAX:
        raise Invalid(name, f"must be text of at most {FIELD_LENGTH_MAX} characters")
    return value.strip()


def ident(form: Mapping[str, Any], name: str) -> UUID:
    """Return an id of a form; a made-up one, which finds nothing, where it is none."""
    try:
        return UUID(hex=text(form, name))
    except ValueError:
        return UUID(int=0)


def typed(written: str) -> Typed:
    """Return an address that somebody typed; ``Invalid`` where it is none."""
    kind = kind_of(written)
    return Typed(kind, normal_address(kind, written))
