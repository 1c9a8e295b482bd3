"""The rules of OAuth 2.1 as decisions: addresses, challenges, answers. Pure.

Only the code flow with PKCE by S256; no implicit flow, no passwords, no plain challenge. Redirects
are compared letter by letter (RFC 9700, 4.1.3), and every answer names us as its issuer (RFC 9207).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from authlib.common.urls import add_params_to_uri
from authlib.oauth2.rfc6749.errors import (
    InvalidRequestError,
    InvalidScopeError,
    OAuth2Error,
    UnsupportedResponseTypeError,
)
from authlib.oauth2.rfc6749.util import extract_basic_authorization
from authlib.oauth2.rfc7636 import create_s256_code_challenge

from chatworks.api.core import same
from chatworks.oauth.models import REDIRECT_LENGTH_MAX

CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")  # of SHA-256, base64url (RFC 7636, 4.2)
VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")  # RFC 7636, 4.1
STATE_LENGTH_MAX = 500
PRINTABLE = re.compile(r"[\x21-\x7e]+")
APP_SCHEME = re.compile(r"[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+")  # com.example.app (RFC 8252, 7.1)
NOWHERE = "must begin with https://, or lead to 127.0.0.1 or to an app (com.example.app:/…)"
LOOPBACK = {"127.0.0.1", "::1"}  # a name could be another machine's (RFC 8252, 8.3)


@dataclass(frozen=True, slots=True)
class Ask:
    """What an authorisation request says, once it is known whom to answer."""

    scopes: tuple[str, ...]
    state: str
    challenge: str


def redirect_problem(uri: str) -> str:
    """Return why ``uri`` is no address to answer a client at; "" where it is one."""
    if len(uri) > REDIRECT_LENGTH_MAX:
        return f"has more than {REDIRECT_LENGTH_MAX} characters"
    if not PRINTABLE.fullmatch(uri) or set(uri) & set("\"'<>\\^`{|}#*"):
        return "must be a whole address without # and *"
    try:
        parts = urlsplit(uri)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return "is no address"
    if parts.username is not None or parts.password is not None:
        return "must not hold a name or a password"
    web = bool(host) and (parts.scheme == "https" or (parts.scheme == "http" and host in LOOPBACK))
    app = not host and APP_SCHEME.fullmatch(parts.scheme) and parts.path.startswith("/")
    return "" if web or app else NOWHERE


def once(parameters: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Return parameters by name; raises where one is given twice (RFC 6749, 3.1)."""
    found = dict(parameters)
    if len(found) != len(parameters):
        raise InvalidRequestError("A parameter is given twice.")
    if any("\x00" in value for value in found.values()):
        raise InvalidRequestError("A parameter holds a NUL.")
    return found


def basic_of(header: str) -> tuple[str, str]:
    """Return (client, secret) of an ``Authorization: Basic``, else ("", ""); RFC 6749, 2.3.1."""
    try:
        pair = extract_basic_authorization({"Authorization": header})
    except UnicodeDecodeError:
        return "", ""
    named, shown = (unquote(part) if part else "" for part in pair)
    return ("", "") if "\x00" in named + shown else (named, shown)


def read_ask(given: Mapping[str, str], known: frozenset[str]) -> Ask:
    """Return what a client asks for; raises an ``OAuth2Error`` that it is told."""
    state = given.get("state", "")
    if len(state) > STATE_LENGTH_MAX:
        raise InvalidRequestError(f"state has more than {STATE_LENGTH_MAX} characters.")
    if given.get("response_type") != "code":
        raise UnsupportedResponseTypeError(given.get("response_type", ""))
    challenge = given.get("code_challenge", "")
    if given.get("code_challenge_method") != "S256" or not CHALLENGE.fullmatch(challenge):
        raise InvalidRequestError("PKCE is needed: code_challenge_method=S256.")
    scopes = tuple(sorted(set(given.get("scope", "").split())))
    if not scopes or not known.issuperset(scopes):
        raise InvalidScopeError
    return Ask(scopes, state, challenge)


def answer_to(redirect: str, issuer: str, state: str, **said: str) -> str:
    """Return the address at which a client is answered."""
    given = {**said, **({"state": state} if state else {}), "iss": issuer}
    address: str = add_params_to_uri(redirect, list(given.items()))
    return address


def error_to(redirect: str, issuer: str, state: str, error: OAuth2Error) -> str:
    """Return the address at which a client is told of an error."""
    return answer_to(redirect, issuer, state, **dict(error.get_body()))


def knows(verifier: str, challenge: str) -> bool:
    """Return whether this verifier is what the challenge was made from."""
    if not VERIFIER.fullmatch(verifier):
        return False
    made: str = create_s256_code_challenge(verifier)
    return same(made.encode(), challenge.encode())


def metadata(issuer: str, scopes: Sequence[str]) -> dict[str, Any]:
    """Return what clients may know of us (RFC 8414)."""
    ways = ["client_secret_basic", "client_secret_post"]
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/oauth/authorize",
        "token_endpoint": f"{issuer}/oauth/token",
        "revocation_endpoint": f"{issuer}/oauth/revoke",
        "introspection_endpoint": f"{issuer}/oauth/introspect",
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["none", *ways],
        "revocation_endpoint_auth_methods_supported": ["none", *ways],
        "introspection_endpoint_auth_methods_supported": ways,
        "authorization_response_iss_parameter_supported": True,
        "scopes_supported": sorted(scopes),
        "service_documentation": f"{issuer}/api/openapi.json",
    }
