"""A client of OAuth, as somebody else's program would be."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass, field
from html import unescape
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
from programs import Program, Tenant, step_up

from chatworks.oauth.models import RegisterClient

REDIRECT = "https://books.example/back?at=chatworks"
VERIFIER = "v" * 43
CHALLENGE = (
    base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")
)


@dataclass
class Asker:
    """A registered client, and the browser of whoever it asks."""

    browser: httpx.AsyncClient
    id: str
    secret: str
    outlet: Tenant
    shown: dict[str, str] = field(default_factory=dict)

    def wish(self, **changes: str | None) -> dict[str, str]:
        """Return the parameters of an authorisation request; None leaves one out."""
        given = {
            "response_type": "code",
            "client_id": self.id,
            "redirect_uri": REDIRECT,
            "scope": "orders:read catalog.SetPrice",
            "state": "a state+&=",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
        }
        return {name: value for name, value in (given | changes).items() if value is not None}

    async def ask(self, **changes: str | None) -> httpx.Response:
        """Lead the browser to the consent page."""
        return await self.browser.get("/oauth/authorize", params=self.wish(**changes))

    async def consent(self, outlet: Tenant, do: str = "allow", **changes: str) -> dict[str, str]:
        """Ask, fill the form in, and return what the client is told."""
        page = await self.ask()
        hidden = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page.text)
        form = {name: unescape(value) for name, value in hidden}
        form |= {"outlet": outlet.id.hex, "do": do, **changes}
        if do == "deny":
            return told(await self.browser.post("/oauth/authorize", data=form))
        return told(await step_up(self.browser, "/oauth/authorize", form))

    async def send(self, where: str, **given: str) -> httpx.Response:
        """Call an endpoint as this client."""
        known = {"client_id": self.id} | ({"client_secret": self.secret} if self.secret else {})
        return await self.browser.post(f"/oauth/{where}", data=known | given)

    async def redeem(self, code: str, **changes: str) -> httpx.Response:
        """Exchange a code for tokens."""
        given = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": REDIRECT,
            "code_verifier": VERIFIER,
        }
        return await self.send("token", **given | changes)

    async def refresh(self, token: str, **changes: str) -> httpx.Response:
        """Exchange a refresh token for new tokens."""
        return await self.send("token", grant_type="refresh_token", refresh_token=token, **changes)

    async def tokens(self, outlet: Tenant) -> dict[str, Any]:
        """Go all the way to the first tokens."""
        answer = await self.redeem((await self.consent(outlet))["code"])
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def works(self, access: str) -> int:
        """Return the status that a harmless request has with this access token."""
        return (await Program(self.browser, access).ask("orders/list-orders")).status_code


def told(page: httpx.Response) -> dict[str, str]:
    """Return what the client is told by the page that leads back to it."""
    assert page.status_code == 200, page.text
    to = page.headers["refresh"].removeprefix("0; url=")
    assert f'href="{to}"' in unescape(page.text)
    parts = urlsplit(to)
    assert f"{parts.scheme}://{parts.netloc}{parts.path}" == REDIRECT.partition("?")[0]
    answered = dict(parse_qsl(parts.query))
    assert answered.pop("at") == "chatworks"
    return answered


async def asker_of(outlet: Tenant, browser: httpx.AsyncClient, *, confidential: bool) -> Asker:
    """Register a client for an outlet."""
    made = await outlet.give(RegisterClient("Books", (REDIRECT,), confidential))
    return Asker(browser, made.client_id.hex, made.secret, outlet)


def query(**given: str) -> str:
    """Return a form as text."""
    return urlencode(given)
