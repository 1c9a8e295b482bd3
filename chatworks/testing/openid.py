"""A stand-in of an OpenID Connect provider on loopback: discovery, keys, codes, signed tokens.

It keeps what the real ones keep: a code is good once, for the address and the verifier that it was
asked with (RFC 6749, 4.1.3; RFC 7636, 4.6), and a confidential client shows its secret. ``consent``
is a person who says yes: it returns where their browser is sent. Each way in which a token can be
bad is a knob: ``claims`` replaces claims of the identity token (None removes one), ``header`` parts
of its header, ``forge`` signs it otherwise. ``python -m chatworks.testing.openid`` serves one.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import hmac
import secrets
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from aiohttp import web
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

from chatworks.testing.server import Call, StandIn

CLIENT_ID, CLIENT_SECRET = "chatworks", "secret/of the client"
LIFE_SECONDS = 3600
ALGORITHM = "RS256"


def _unpadded(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode().rstrip("=")


def _new_key() -> RSAKey:
    return RSAKey.generate_key(2048, {"use": "sig", "kid": secrets.token_hex(4)}, private=True)


@cache
def _first_key() -> RSAKey:
    """Return the key of every fresh stand-in: making one takes a moment."""
    return _new_key()


@dataclass
class Grant:
    """What a code stands for."""

    query: dict[str, str]
    person: dict[str, Any]


@dataclass(kw_only=True)
class OpenIdProvider(StandIn):
    """One stand-in. ``person`` is who consents; ``issuer`` is ``base`` unless it is set."""

    issuer: str = ""
    client_secret: str = CLIENT_SECRET
    person: dict[str, Any] = field(
        default_factory=lambda: {
            "sub": "amina-1",
            "email": "amina@example.org",
            "email_verified": True,
            "name": "Amina Otieno",
        }
    )
    names_itself: bool = True
    cognito: bool = False  # tokens carry token_use, access tokens client_id
    keys: list[RSAKey] = field(default_factory=lambda: [_first_key()])
    claims: dict[str, Any] = field(default_factory=dict)
    access_claims: dict[str, Any] = field(default_factory=dict)
    header: dict[str, Any] = field(default_factory=dict)
    document: dict[str, Any] = field(default_factory=dict)
    forge: str = ""  # "none", "HS256" with the public key, or "key": another one, not published
    grants: dict[str, Grant] = field(default_factory=dict)

    def routes(self) -> Iterable[web.RouteDef]:
        """Return what the server answers."""
        return [
            web.get("/.well-known/openid-configuration", self._document),
            web.get("/keys", self._keys),
            web.get("/{pool}/.well-known/jwks.json", self._keys),
            web.get("/oauth2/authorize", self._authorize),
            web.post("/oauth2/token", self._token),
        ]

    def is_sent(self, call: Call, person: Any) -> bool:
        """Return whether ``call`` went to the endpoint ``person``: nothing is sent to people."""
        return person in {None, call.method}

    def rotate(self) -> None:
        """Sign with another key from now on; the old one is not published any more."""
        self.keys = [_new_key()]

    def consent(self, address: str) -> str:
        """Return where a person who says yes at ``address`` is sent."""
        query = dict(parse_qsl(urlsplit(address).query))
        code = secrets.token_urlsafe(16)
        self.grants[code] = Grant(query, dict(self.person))
        said = {"code": code, "state": query["state"]}
        if self.names_itself:
            said["iss"] = self._issuer
        return f"{query['redirect_uri']}?{urlencode(said)}"

    @property
    def _issuer(self) -> str:
        return self.issuer or self.base

    async def _document(self, _request: web.Request) -> web.Response:
        self.record("discovery", {}, done=True)
        said = {
            "issuer": self._issuer,
            "authorization_endpoint": f"{self.base}/oauth2/authorize",
            "token_endpoint": f"{self.base}/oauth2/token",
            "jwks_uri": f"{self.base}/keys",
            "authorization_response_iss_parameter_supported": self.names_itself,
        }
        return web.json_response({**said, **self.document})

    async def _keys(self, _request: web.Request) -> web.Response:
        self.record("keys", {}, done=True)
        return web.json_response({"keys": [key.as_dict(private=False) for key in self.keys]})

    async def _authorize(self, request: web.Request) -> web.Response:
        raise web.HTTPSeeOther(self.consent(str(request.url)))

    async def _token(self, request: web.Request) -> web.StreamResponse:
        form = {name: str(value) for name, value in (await request.post()).items()}
        if fault := self.take_fault("token", 0):
            return await self.break_off(request, fault.kind)
        grant = self.grants.pop(form.get("code", ""), None)
        problem = self._problem(request, form, grant)
        self.record("token", form, done=not problem)
        if problem or grant is None:
            return web.json_response({"error": problem}, status=400)
        access = self._sign(self._access(grant))
        identity = self._identity(grant, access)
        told = {"access_token": access, "id_token": identity, "token_type": "Bearer"}
        return web.json_response({**told, "expires_in": LIFE_SECONDS})

    def _problem(self, request: web.Request, form: dict[str, str], grant: Grant | None) -> str:
        if not self._is_client(request, form):
            return "invalid_client"
        if grant is None or form.get("redirect_uri") != grant.query.get("redirect_uri"):
            return "invalid_grant"
        verifier = form.get("code_verifier", "").encode()
        proved = _unpadded(hashlib.sha256(verifier).digest())
        return "" if proved == grant.query.get("code_challenge") else "invalid_grant"

    def _is_client(self, request: web.Request, form: dict[str, str]) -> bool:
        if not self.client_secret:
            return form.get("client_id") == CLIENT_ID
        header = request.headers.get("authorization", "")
        if not header.startswith("Basic "):
            return form.get("client_secret") == self.client_secret
        pair = b64decode(header.removeprefix("Basic ")).decode()
        shown = tuple(unquote(part) for part in pair.split(":"))
        return shown == (CLIENT_ID, self.client_secret)

    def _common(self, grant: Grant) -> dict[str, Any]:
        now = int(self.clock.now().timestamp())
        person = {"sub": grant.person["sub"]}
        return {"iss": self._issuer, "iat": now, "exp": now + LIFE_SECONDS, **person}

    def _access(self, grant: Grant) -> dict[str, Any]:
        if not self.cognito:
            return self._common(grant)
        of_cognito = {"token_use": "access", "client_id": CLIENT_ID}
        return {**self._common(grant), **of_cognito, **self.access_claims}

    def _identity(self, grant: Grant, access: str) -> str:
        digest = hashlib.sha256(access.encode()).digest()
        claims = {
            **self._common(grant),
            **grant.person,
            "aud": CLIENT_ID,
            "nonce": grant.query.get("nonce"),
            "at_hash": _unpadded(digest[: len(digest) // 2]),
            **({"token_use": "id"} if self.cognito else {}),
            **self.claims,
        }
        return self._forged({name: said for name, said in claims.items() if said is not None})

    def _sign(self, claims: dict[str, Any]) -> str:
        key = self.keys[0]
        return jwt.encode({"alg": ALGORITHM, "kid": key.kid, **self.header}, claims, key)

    def _forged(self, claims: dict[str, Any]) -> str:
        if self.forge == "none":
            head, body, _ = self._sign(claims).split(".")
            head = _unpadded(b'{"alg":"none","typ":"JWT"}')
            return f"{head}.{body}."
        if self.forge == "HS256":
            return self._confused(claims)
        if self.forge == "key":
            kid = self.keys[0].kid
            return jwt.encode({"alg": ALGORITHM, "kid": kid}, claims, _new_key())
        return self._sign(claims)

    def _confused(self, claims: dict[str, Any]) -> str:
        """Return a token signed with the public key as if it were a secret (RFC 8725, 2.1)."""
        key = self.keys[0]
        head, body, _ = jwt.encode(
            {"alg": "HS256", "kid": key.kid},
            claims,
            OctKey.import_key(secrets.token_bytes(32)),
            algorithms=["HS256"],
        ).split(".")
        public = key.as_pem(private=False)
        made = hmac.new(public, f"{head}.{body}".encode(), hashlib.sha256).digest()
        return f"{head}.{body}.{_unpadded(made)}"


async def _main(port: int) -> None:
    provider = OpenIdProvider()
    await provider.start(port)
    print(f"OIDC_ISSUER={provider.base} OIDC_CLIENT_ID={CLIENT_ID}")  # noqa: T201 - a command's output
    await asyncio.Event().wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="A stand-in of an OpenID Connect provider")
    parser.add_argument("--port", type=int, default=8084)
    asyncio.run(_main(parser.parse_args().port))
