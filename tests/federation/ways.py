"""A person on their way to a provider and back."""

from __future__ import annotations

import html
import re
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

import httpx
import pyotp
from persons import Person

from chatworks.app import House
from chatworks.factors import store as factors
from chatworks.testing.openid import OpenIdProvider

LEADS_TO = re.compile(r'http-equiv="refresh" content="0; url=([^"]+)"')
PROOF = re.compile(r'name="proof-id" value="([0-9a-f]+)"')
PROOF_TICKET = re.compile(r'name="proof-ticket" value="([0-9a-f]+)"')
WAY = re.compile(r'name="proof-send" value="([^"]+)"')
TICKET = re.compile(r'name="ticket" value="([0-9a-f]+)"')
WANTED = re.compile(r'name="wanted" value="([a-z_]+)"')


def query_of(address: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(address).query))


async def led_to(person: Person) -> str:
    """Return where the account's page leads; "" where it is shown."""
    return (await person.get("/account")).headers.get("location", "").partition("?")[0]


async def authenticator(house: House, account_id: UUID) -> pyotp.TOTP:
    """Give an account an authenticator app of our own."""
    async with house.db.engine() as work:
        secret = (await house.prover.authenticators.begin(work, account_id)).secret
        found = await factors.totp(work, account_id)
        assert found is not None
        assert await factors.confirm_totp(work, account_id, found[0], 0)
    return pyotp.TOTP(secret)


async def shows(person: Person, path: str, **form: str) -> httpx.Response:
    """Send a form, and show again who it is where that is asked for: by a code."""
    answer = await person.post(path, **form)
    asked = PROOF.findall(answer.text)
    if not asked:
        return answer
    way = WAY.findall(answer.text)[0]
    proof = {**form, "proof-id": asked[0]}
    sent = await person.post(path, **proof, **{"proof-send": way})
    ticket = PROOF_TICKET.findall(sent.text)[0]
    shown = {"proof-method": "code", "proof-ticket": ticket, "proof-text": await person.code()}
    return await person.post(path, **proof, **shown)


async def leaves(person: Person, path: str = "/account/with/oidc", **form: str) -> str:
    """Begin, and return the address at the provider."""
    answer = await shows(person, path, **form)
    assert answer.status_code == 200, answer.text
    return html.unescape(LEADS_TO.findall(answer.text)[0])


async def returns(person: Person, address: str) -> httpx.Response:
    """Follow the provider's answer, as a browser does."""
    parts = urlsplit(address)
    return await person.get(f"{parts.path}?{parts.query}")


async def signs_in(
    person: Person, provider: OpenIdProvider, path: str = "/account/with/oidc", **form: str
) -> httpx.Response:
    """Go to the provider, say yes, and come back."""
    return await returns(person, provider.consent(await leaves(person, path, **form)))


async def steps(person: Person, given: str) -> httpx.Response:
    """Give what the page asks for."""
    ticket, wanted = TICKET.findall(person.page)[0], WANTED.findall(person.page)[0]
    form = {"ticket": ticket, "wanted": wanted, "given": given}
    return await person.post("/account/with/step", **form)


async def proves(person: Person, address: str) -> httpx.Response:
    """Name an address, and prove it by the code that comes there."""
    await steps(person, address)
    return await steps(person, await person.code())
