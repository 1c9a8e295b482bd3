"""Who sent a webhook: Twilio's signature over the public address and the form. Pure.

The algorithm is Twilio's own (twilio-python, ``request_validator``): base64 of HMAC-SHA1 with the
auth token over the full address and, sorted by name, each name and value of the form, the values
of one name sorted and without doubles. An address is tried with its port, or else its scheme's,
and without any. A JSON body is signed through its SHA-256 in the query (``bodySHA256``). The
fragment that asks for retries is no part of the address.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from urllib.parse import parse_qs, parse_qsl, urlsplit, urlunsplit

from chatworks.channels.models import Channel, RawRequest, Rejected

HEADER = "x-twilio-signature"
FORM = "application/x-www-form-urlencoded"
JSON = "application/json"
FIELDS_MAX = 200  # a message with ten files and every address field has about seventy
PORTS = {"https": 443, "http": 80}

Form = Mapping[str, Sequence[str]]


def form_of(request: RawRequest) -> dict[str, list[str]]:
    """Return the fields of a form body; ``Rejected`` where it is none, or holds what we never keep.

    Fields without a value count: Twilio signs them too.
    """
    try:
        pairs = parse_qsl(
            request.body.decode("utf-8"),
            keep_blank_values=True,
            strict_parsing=bool(request.body),
            errors="strict",
            max_num_fields=FIELDS_MAX,
        )
    except UnicodeDecodeError:
        raise Rejected(400, "the form is not UTF-8") from None
    except ValueError as error:
        raise Rejected(400, f"this is no form: {error}") from None
    fields: dict[str, list[str]] = {}
    for name, value in pairs:
        if "\x00" in name or "\x00" in value:
            raise Rejected(400, "the text holds a NUL")
        fields.setdefault(name, []).append(value)
    return fields


def compute(token: str, url: str, form: Form) -> str:
    """Return the signature of a request to ``url`` with ``form`` (empty where its body is JSON)."""
    text = url + "".join(name + value for name in sorted(form) for value in sorted(set(form[name])))
    digest = hmac.new(token.encode(), text.encode(), hashlib.sha1).digest()
    return base64.b64encode(digest).decode()


def signed(token: str, url: str, form: Form, given: str) -> bool:
    """Return whether ``given`` is the signature of the request; in constant time."""
    found = False
    for address in _addresses(url):
        found |= hmac.compare_digest(compute(token, address, form).encode(), given.encode())
    return found


def _addresses(url: str) -> tuple[str, ...]:
    """Return the ways in which Twilio may have written an address: with and without its port."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    ported = parts.netloc if parts.port else f"{host}:{PORTS.get(parts.scheme, 80)}"
    return tuple(urlunsplit(parts._replace(netloc=netloc)) for netloc in (ported, host))


def verify(base: str, request: RawRequest, channel: Channel) -> None:
    """Raise ``Rejected`` unless Twilio signed this request to our public address ``base``."""
    given = request.headers.get(HEADER, "")
    if not channel.secret:
        raise Rejected(503, f"{channel.secret_env} is not set")
    url = f"{base}{request.target}"
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type == JSON:
        named = parse_qs(urlsplit(url).query).get("bodySHA256", [""])[0]
        digest = hashlib.sha256(request.body).hexdigest()
        whole = hmac.compare_digest(named.lower().encode(), digest.encode())
        if not whole or not signed(channel.secret, url, {}, given):
            raise Rejected(403, "the signature or bodySHA256 is missing or wrong")
        return
    if media_type != FORM:
        raise Rejected(415, f"Twilio sends {FORM} or {JSON}")
    if not signed(channel.secret, url, form_of(request), given):
        raise Rejected(403, f"the signature is missing or wrong for {base}: see the public address")
