"""What is asked of a provider, and what of its answer is believed. Pure.

Only the four algorithms below are read: never ``none``, and never a symmetric one, for which a
public key would be the secret (RFC 8725, 3.1 and 2.1). A value is true where it is the JSON value
``true``, and nowhere else: providers and their triggers send the *text* "false".
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry, Key

from chatworks.federation.models import (
    NAME_LENGTH_MAX,
    SUBJECT_LENGTH_MAX,
    Endpoints,
    Person,
    Provider,
    Tokens,
    Untrusted,
)
from chatworks.kit.addresses import email_of
from chatworks.kit.errors import Invalid

# RS256 is mandatory for providers (OpenID Connect Core 1.0, 15.1); FAPI 2.0, 5.4.1 names the rest.
ALGORITHMS = ("RS256", "PS256", "ES256", "Ed25519")
HASHES = {"Ed25519": hashlib.sha512}  # of at_hash; the other three sign SHA-256
LEEWAY_SECONDS = 60  # between clocks; RFC 7519, 4.1.4: "usually no more than a few minutes"
KEYS_MAX = 100
SCOPES = "openid email profile"
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})

Claims = Mapping[str, Any]


def unpadded(raw: bytes) -> str:
    """Return base64url without its padding (RFC 7515, 2)."""
    return urlsafe_b64encode(raw).decode().rstrip("=")


def derived(browser: str, state: str, what: str) -> str:
    """Return the nonce or the verifier of an attempt: nobody has it who lacks the cookie.

    Thus the database holds no secret of an attempt, and an attempt ends where it began.
    """
    return unpadded(hmac.new(browser.encode(), f"{what} {state}".encode(), hashlib.sha256).digest())


def authorize_url(
    provider: Provider, endpoints: Endpoints, redirect: str, attempt: tuple[str, str]
) -> str:
    """Return the address that an ``attempt`` of (browser's secret, state) leads to."""
    browser, state = attempt
    verifier = derived(browser, state, "verifier")
    query = {
        "response_type": "code",
        "client_id": provider.client_id,
        "redirect_uri": redirect,
        "scope": SCOPES,
        "state": state,
        "nonce": derived(browser, state, "nonce"),
        "code_challenge": unpadded(hashlib.sha256(verifier.encode()).digest()),
        "code_challenge_method": "S256",
    }
    joint = "&" if urlsplit(endpoints.authorize).query else "?"
    return f"{endpoints.authorize}{joint}{urlencode(query)}"


def credentials(provider: Provider, endpoints: Endpoints) -> tuple[dict[str, str], list[Any]]:
    """Return (headers, fields) by which the client shows itself at the token endpoint.

    A public client has its name only. RFC 6749, 2.3.1: both parts are form-encoded, then joined.
    """
    if not provider.client_secret or endpoints.secret_in_body:
        fields = [("client_id", provider.client_id), ("client_secret", provider.client_secret)]
        return {}, [field for field in fields if field[1]]
    pair = ":".join(quote(part, safe="") for part in (provider.client_id, provider.client_secret))
    return {"authorization": f"Basic {b64encode(pair.encode()).decode()}"}, []


def is_trustworthy(url: object, issuer: str = "") -> bool:
    """Return whether an address may be asked: https; on loopback http, for an issuer there."""
    if not isinstance(url, str):
        return False
    try:
        parts = urlsplit(url)
    except ValueError:  # a bracket without its other, and the like
        return False
    if parts.scheme == "http" and parts.hostname in LOOPBACK:
        return urlsplit(issuer or url).hostname in LOOPBACK
    return parts.scheme == "https" and bool(parts.hostname) and parts.username is None


def read_metadata(issuer: str, said: Claims) -> Endpoints:
    """Return a provider's endpoints from its own document; raises ``Untrusted``.

    It must name exactly the issuer that was asked (OpenID Connect Discovery 1.0, 4.3).
    """
    if said.get("issuer") != issuer:
        raise Untrusted("discovery: issuer")
    names = ("authorization_endpoint", "token_endpoint", "jwks_uri")
    if not all(is_trustworthy(said.get(name), issuer) for name in names):
        raise Untrusted("discovery: endpoints")
    ways = said.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
    authorize, token, keys = (str(said[name]) for name in names)
    return Endpoints(
        authorize,
        token,
        keys,
        names_itself=said.get("authorization_response_iss_parameter_supported") is True,
        secret_in_body="client_secret_basic" not in ways,
    )


def check_response(provider: Provider, endpoints: Endpoints, query: Mapping[str, str]) -> None:
    """Check ``iss`` of the answer, where it is given or promised (RFC 9207); or ``Untrusted``."""
    said = query.get("iss")
    if said != provider.issuer and (said is not None or endpoints.names_itself):
        raise Untrusted("response: iss")


def pick_key(token: str, keys: Sequence[Claims]) -> Key | None:
    """Return the key that signed ``token`` by its ``kid``; None where there is no such key.

    Without a ``kid`` it must be the only one (OpenID Connect Core 1.0, 10.1).
    """
    try:
        header = jws.extract_compact(token.encode()).headers()
    except (JoseError, ValueError) as error:
        raise Untrusted("token: form") from error
    if header.get("alg") not in ALGORITHMS:
        raise Untrusted("token: alg")
    signing = [key for key in keys if key.get("use", "sig") == "sig" and key.get("kty") != "oct"]
    kid = header.get("kid")
    fitting = [key for key in signing if kid is None or key.get("kid") == kid]
    if len(fitting) != 1:
        return None
    try:
        return JWKRegistry.import_key({**fitting[0]})
    except (JoseError, ValueError, KeyError) as error:
        raise Untrusted("keys: form") from error


def read_token(token: str, key: Key, now: datetime) -> tuple[str, Claims]:
    """Return (algorithm, claims) of a signed token that is good now; raises ``Untrusted``."""
    try:
        read = jwt.decode(token, key, algorithms=ALGORITHMS)
        jwt.JWTClaimsRegistry(
            now=int(now.timestamp()),
            leeway=LEEWAY_SECONDS,
            iss={"essential": True},
            sub={"essential": True},
            exp={"essential": True},
            iat={"essential": True},
        ).validate(read.claims)
    except (JoseError, ValueError) as error:
        raise Untrusted(f"token: {type(error).__name__}") from error
    return str(read.header["alg"]), read.claims


def check_identity(
    provider: Provider, read: tuple[str, Claims], nonce: str | None, tokens: Tokens
) -> None:
    """Check that an identity token is for us, now, and for this attempt; raises ``Untrusted``.

    OpenID Connect Core 1.0, 3.1.3.7. ``nonce`` is None only where no browser was sent away.
    """
    algorithm, claims = read
    said = claims.get("aud")
    audience = said if isinstance(said, list) else [said]
    party = claims.get("azp", provider.client_id if len(audience) == 1 else None)
    rules = {
        "iss": claims["iss"] == provider.issuer,
        "aud": provider.client_id in audience,
        "azp": party == provider.client_id,
        "nonce": nonce is None or claims.get("nonce") == nonce,
        "token_use": not provider.token_use or claims.get("token_use") == "id",
        "at_hash": _is_bound(claims.get("at_hash"), algorithm, tokens.access),
        "sub": isinstance(claims["sub"], str) and 0 < len(claims["sub"]) <= SUBJECT_LENGTH_MAX,
    }
    _hold(rules)


def check_access(provider: Provider, claims: Claims, subject: str) -> None:
    """Check that a Cognito access token is ours and the same person's; raises ``Untrusted``."""
    _hold(
        {
            "iss": claims["iss"] == provider.issuer,
            "client_id": claims.get("client_id") == provider.client_id,
            "token_use": claims.get("token_use") == "access",
            "sub": claims["sub"] == subject,
        }
    )


def _hold(rules: Mapping[str, bool]) -> None:
    for rule, held in rules.items():
        if not held:
            raise Untrusted(f"token: {rule}")


def _is_bound(said: object, algorithm: str, access: str) -> bool:
    """Return whether ``at_hash`` is of this access token, where it is given (3.1.3.6)."""
    if said is None:
        return True
    digest = HASHES.get(algorithm, hashlib.sha256)(access.encode()).digest()
    expected = unpadded(digest[: len(digest) // 2])
    return isinstance(said, str) and hmac.compare_digest(said.encode(), expected.encode())


def read_person(claims: Claims) -> Person:
    """Return whom checked claims are about. An address that is none is as none given."""
    try:
        email = email_of(str(claims.get("email") or ""))
    except Invalid:
        email = ""
    name = claims.get("name") or claims.get("given_name") or ""
    return Person(
        issuer=claims["iss"],
        subject=claims["sub"],
        email=email,
        verified=bool(email) and claims.get("email_verified") is True,
        name=" ".join(str(name).split())[:NAME_LENGTH_MAX],
    )


def secret_hash(username: str, client_id: str, client_secret: str) -> str:
    """Return Cognito's SECRET_HASH: base64 of HMAC-SHA-256 over the user's and client's names.

    Amazon Cognito Developer Guide, "Computing secret hash values".
    """
    said = f"{username}{client_id}".encode()
    return b64encode(hmac.new(client_secret.encode(), said, hashlib.sha256).digest()).decode()
