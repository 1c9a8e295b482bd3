"""Registering clients, and the life of a grant: consent, redemption, rotation, revocation.

What is refused here is returned and not raised, because a transaction must keep what a refusal
writes: a code or refresh token that comes a second time ends its whole grant (RFC 9700, 4.14.2).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from authlib.oauth2.rfc6749.errors import InvalidGrantError, InvalidScopeError, OAuth2Error

from chatworks.api import core as keys
from chatworks.api.models import Caller, IssueKey
from chatworks.audit import store as audit
from chatworks.audit.models import Leaf
from chatworks.commands.dispatch import Dispatcher
from chatworks.commands.models import Actor, ActorKind, Call
from chatworks.identity.models import Operator
from chatworks.kit.crypto import digest
from chatworks.kit.errors import Refusal
from chatworks.kit.work import Work
from chatworks.oauth import core, store
from chatworks.oauth.models import (
    ACCESS_FOR,
    CLIENTS_MAX,
    CODE_FOR,
    NAME_LENGTH_MAX,
    REDIRECTS_MAX,
    REFRESH_FOR,
    Asked,
    Client,
    ClientNotValid,
    ClientRegistered,
    ClientRemoved,
    ClientView,
    NoSuchClient,
    NotAsked,
    RegisterClient,
    Token,
    TokenKind,
    Tokens,
)

SECRET_LENGTH = 43  # letters of 62 kinds: 256 bits


def mint(work: Work, kind: str) -> str:
    """Return a fresh secret, which shows what it is and has a checksum for scanners."""
    body = f"cw_{kind}_{keys.letters(work.clock.random_bytes, SECRET_LENGTH)}"
    return body + keys.check_of(body)


async def register(work: Work, calls: Sequence[Call[Any]]) -> list[ClientRegistered | Refusal]:
    """Handle ``RegisterClient``."""
    return [await _register(work, call) for call in calls]


async def _register(work: Work, call: Call[Any]) -> ClientRegistered | Refusal:
    wanted: RegisterClient = call.request
    registrar = call.actor.operator_id
    no = _problem(wanted)
    if no or registrar is None:
        return no or ClientNotValid("client", "is registered by somebody of the outlet")
    if len(await store.clients(work, call.outlet_id)) >= CLIENTS_MAX:
        return ClientNotValid("client", f"at most {CLIENTS_MAX} may be registered")
    secret = mint(work, "secret") if wanted.confidential else ""
    hashed = digest(secret) if secret else None
    client_id = work.new_id()
    await store.add_client(work, (call.outlet_id, client_id), wanted, hashed, registrar)
    return ClientRegistered(client_id, secret)


def _problem(wanted: RegisterClient) -> ClientNotValid | None:
    name = wanted.name.strip()
    if not (0 < len(name) <= NAME_LENGTH_MAX and name.isprintable()):
        return ClientNotValid("name", f"needs 1 to {NAME_LENGTH_MAX} characters")
    if not 0 < len(wanted.redirects) <= REDIRECTS_MAX:
        return ClientNotValid("addresses", f"are 1 to {REDIRECTS_MAX}")
    for uri in wanted.redirects:
        if problem := core.redirect_problem(uri):
            return ClientNotValid(uri[:100], problem)
    return None


async def remove(work: Work, calls: Sequence[Call[Any]]) -> list[ClientRemoved | Refusal]:
    """Handle ``RemoveClient``."""
    return [
        ClientRemoved(call.request.client_id)
        if await store.remove_client(work, call.outlet_id, call.request.client_id)
        else NoSuchClient()
        for call in calls
    ]


async def list_clients(work: Work, calls: Sequence[Call[Any]]) -> list[list[ClientView]]:
    """Handle ``ListClients``."""
    return [await store.clients(work, call.outlet_id) for call in calls]


async def find_client(work: Work, client_id: str) -> Client | None:
    """Return a client by the id that it shows, or None."""
    try:
        return await store.client(work, UUID(hex=client_id))
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class Granting:
    """The authorisation server. ``issuer`` is the installation's own address."""

    dispatcher: Dispatcher
    issuer: str

    async def whom(self, work: Work, given: Mapping[str, str]) -> tuple[Client, str]:
        """Return which client asks, and where it is answered; raises ``NotAsked``."""
        client = await find_client(work, given.get("client_id", ""))
        redirect = given.get("redirect_uri", "")
        if client is None:
            raise NotAsked("this program is not registered here")
        if redirect not in client.redirects:
            raise NotAsked("this program did not register the address that it wants to be told at")
        return client, redirect

    def read(self, client: Client, redirect: str, given: Mapping[str, str]) -> Asked:
        """Return what the client asks for; raises an ``OAuth2Error`` that it is told."""
        ask = core.read_ask(given, keys.known(self.dispatcher.offered()))
        return Asked(client, redirect, ask.scopes, ask.state, ask.challenge)

    def may(self, membership_id: UUID, role: str) -> bool:
        """Return whether somebody may let programs act for the outlet, as of now."""
        return self.dispatcher.may(Actor(ActorKind.OPERATOR, membership_id.hex, role), IssueKey)

    async def allow(self, work: Work, asked: Asked, who: Operator) -> str:
        """Grant what is asked, for the outlet of a membership; returns where to lead the browser.

        Who may not let programs in denies by that.
        """
        if not self.may(who.id, who.role):
            return self.deny(asked)
        grant = (who.outlet_id, work.new_id())
        code = mint(work, TokenKind.CODE)
        await store.add_grant(work, grant, asked, who.id)
        once = {TokenKind.CODE: (digest(code), CODE_FOR)}
        await store.add_tokens(work, grant, once, asked.challenge, asked.redirect)
        said: dict[str, str | int | None] = {
            "client": asked.client.id.hex,
            "scopes": " ".join(asked.scopes),
        }
        note(work, "Allow", grant, ("operator", who.id.hex), said)
        return core.answer_to(asked.redirect, self.issuer, asked.state, code=code)

    def deny(self, asked: Asked) -> str:
        """Return where to lead the browser of somebody who said no."""
        return core.answer_to(asked.redirect, self.issuer, asked.state, error="access_denied")

    async def redeem(
        self, work: Work, client: Client, given: Mapping[str, str]
    ) -> Tokens | OAuth2Error:
        """Spend a code for the first tokens: exactly one caller gets them."""
        code = given.get("code", "")
        hashed = digest(code)
        token = await store.token(work, hashed)
        if token is None or token.kind is not TokenKind.CODE or token.client_id != client.id:
            return InvalidGrantError()
        fits = given.get("redirect_uri", token.redirect) == token.redirect and core.knows(
            given.get("code_verifier", ""), token.challenge
        )
        if not await store.spend(work, TokenKind.CODE, hashed) or not fits:
            await revoke(work, token, "code came again" if fits else "wrong verifier or address")
            return InvalidGrantError()
        return await self._issue(work, token)

    async def refresh(
        self, work: Work, client: Client, given: Mapping[str, str]
    ) -> Tokens | OAuth2Error:
        """Exchange a refresh token for new ones; it is good once."""
        hashed = digest(given.get("refresh_token", ""))
        token = await store.token(work, hashed)
        if token is None or token.kind is not TokenKind.REFRESH or token.client_id != client.id:
            return InvalidGrantError()
        if not set(token.scopes).issuperset(given.get("scope", "").split()):
            return InvalidScopeError()
        if not await store.spend(work, TokenKind.REFRESH, hashed):
            await revoke(work, token, "refresh token came again")
            return InvalidGrantError()
        return await self._issue(work, token)

    async def _issue(self, work: Work, token: Token) -> Tokens | OAuth2Error:
        if not self.may(token.membership_id, token.role):
            return InvalidGrantError()
        access, refresh = mint(work, TokenKind.ACCESS), mint(work, TokenKind.REFRESH)
        pair = {
            TokenKind.ACCESS: (digest(access), ACCESS_FOR),
            TokenKind.REFRESH: (digest(refresh), REFRESH_FOR),
        }
        await store.add_tokens(work, (token.outlet_id, token.grant_id), pair)
        return Tokens(access, refresh, token.scopes)

    async def introspect(self, work: Work, client: Client, secret: str) -> dict[str, Any]:
        """Return what a token of this client is good for (RFC 7662); another's is not active."""
        token = await store.token(work, digest(secret))
        if token is None or not token.good or token.kind is TokenKind.CODE:
            return {"active": False}
        if token.client_id != client.id or not self.may(token.membership_id, token.role):
            return {"active": False}
        return {
            "active": True,
            "scope": " ".join(token.scopes),
            "client_id": client.id.hex,
            "token_type": "Bearer" if token.kind is TokenKind.ACCESS else "refresh_token",
            "exp": int(token.expires_at.timestamp()),
            "sub": token.membership_id.hex,
            "iss": self.issuer,
        }


async def caller_of(work: Work, presented: str, dispatcher: Dispatcher) -> Caller | None:
    """Return who shows this access token, and note its use; None where it does not work."""
    if not presented.startswith(f"cw_{TokenKind.ACCESS}_"):
        return None
    token = await store.token(work, digest(presented))
    if token is None or token.kind is not TokenKind.ACCESS or not token.good:
        return None
    giver = Actor(ActorKind.OPERATOR, token.membership_id.hex, token.role)
    if not dispatcher.may(giver, IssueKey):
        return None
    await store.note_use(work, token)
    cap = keys.cap(token.scopes, dispatcher.offered())
    actor = Actor(ActorKind.AGENT, token.grant_id.hex, token.role, cap, behalf=giver.id)
    return Caller(token.outlet_id, actor)


async def give_back(work: Work, client: Client, secret: str) -> None:
    """End what a client gives back (RFC 7009): any of its tokens ends the whole grant."""
    token = await store.token(work, digest(secret))
    if token is not None and token.client_id == client.id:
        await revoke(work, token, "given back")


async def revoke(work: Work, token: Token, why: str) -> None:
    """End a grant and everything that came of it."""
    if await store.revoke_grant(work, token.outlet_id, token.grant_id):
        grant = (token.outlet_id, token.grant_id)
        note(work, "Revoke", grant, ("agent", token.grant_id.hex), {"why": why})


async def take_back(work: Work, account_id: UUID, grant_id: UUID) -> bool:
    """End a grant that an account gave; returns whether there was one."""
    found = await store.revoke_own(work, account_id, grant_id)
    if found is not None:
        by = ("operator", found[1].hex)
        note(work, "Revoke", (found[0], grant_id), by, {"why": "taken back"})
    return found is not None


def note(
    work: Work,
    act: str,
    grant: tuple[UUID, UUID],
    by: tuple[str, str],
    details: dict[str, str | int | None],
) -> None:
    """Append a leaf about a grant, named by (outlet, id)."""
    kind, actor_id = by
    leaf = Leaf(grant[0], kind, actor_id, f"oauth.{act}", "oauth_grant", grant[1].hex, details)
    work.defer(audit.append, leaf)
