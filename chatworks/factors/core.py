"""Pure decisions about factors: what a typed code is, which step it is of, what a session lacks."""

from __future__ import annotations

import hmac
import unicodedata
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from io import BytesIO
from ipaddress import ip_address
from urllib.parse import urlsplit

import pyotp
import segno

from chatworks.factors.models import (
    ADDRESSES,
    CODES,
    ISSUER,
    KINDS_ASKED,
    SECOND,
    TOTP_DIGITS,
    TOTP_SECONDS,
    TOTP_TOLERANCE,
    Factors,
    Lack,
    RelyingParty,
    Way,
)

GROUP = 4  # letters that are read at once


def normal_digits(text: str) -> str:
    """Return the digits of a typed code; "" where it is none.

    Digits of any script are digits (a keyboard set to another script types them); spaces, hyphens
    and what cannot be seen are no part of a code. Whatever reads alike is one code, and is spent
    once: what is spent is the step, never the text.
    """
    kept = [
        c
        for c in unicodedata.normalize("NFKC", text)
        if unicodedata.category(c)[0] not in "ZC" and unicodedata.category(c) != "Pd"
    ]
    digits = [unicodedata.decimal(c, -1) for c in kept]
    if len(digits) != TOTP_DIGITS or -1 in digits:
        return ""
    return "".join(map(str, digits))


def matching_step(secret: str, typed: str, now: datetime) -> int | None:
    """Return the step that a code is of, within the tolerance; None where it is of none.

    Every step is compared, in constant time.
    """
    code = normal_digits(typed)
    current = int(now.timestamp()) // TOTP_SECONDS
    generator = pyotp.TOTP(secret, digits=TOTP_DIGITS, interval=TOTP_SECONDS)
    found = None
    for step in range(current - TOTP_TOLERANCE, current + TOTP_TOLERANCE + 1):
        if hmac.compare_digest(generator.generate_otp(step), code):
            found = step
    return found


def setup_address(secret: str, account: str) -> str:
    """Return the otpauth address that an authenticator app reads."""
    return pyotp.TOTP(secret, digits=TOTP_DIGITS, interval=TOTP_SECONDS).provisioning_uri(
        name=account, issuer_name=ISSUER
    )


def qr_svg(text: str) -> str:
    """Return a QR code of ``text`` as an SVG element, dark on light in every colour scheme."""
    drawn = BytesIO()
    segno.make(text, error="m", micro=False).save(
        drawn, kind="svg", xmldecl=False, svgns=False, nl=False, omitsize=True, light="#fff"
    )
    return drawn.getvalue().decode()


def spell(text: str) -> str:
    """Return a key or a recovery code in groups that are read at once."""
    return "-".join(text[i : i + GROUP] for i in range(0, len(text), GROUP))


def relying_party(address: str) -> RelyingParty | None:
    """Return for whom browsers make passkeys; None where they make none.

    Web Authentication wants a domain (no number) and a connection that nobody reads along.
    """
    parts = urlsplit(address)
    host = parts.hostname or ""
    try:
        ip_address(host)
    except ValueError:
        safe = parts.scheme == "https" or host == "localhost" or host.endswith(".localhost")
        return RelyingParty(host, f"{parts.scheme}://{parts.netloc}") if host and safe else None
    return None


def shown_second(methods: Collection[str]) -> bool:
    """Return whether a session showed what counts beside a first factor."""
    return not SECOND.isdisjoint(methods)


def lack(factors: Factors, methods: Collection[str], *, device_known: bool) -> Lack | None:
    """Return what a session must still show before it opens anything else.

    A second factor confirms the device too: whoever has it is the owner.
    """
    if shown_second(methods):
        return None
    if factors.has_second:
        return Lack.SECOND
    return None if device_known else Lack.DEVICE


def others(ways: Sequence[Way], methods: Collection[str]) -> list[Way]:
    """Return the ways of another kind than the one that a first factor came over.

    ``methods`` name the kind beside ``code`` or ``link`` (``email``); where they do not, no address
    is another way than itself, and after a chat no chat is.
    """
    shown = set(methods)
    if shown & CODES and not shown & ADDRESSES:
        shown |= ADDRESSES
    return [
        way
        for way in ways
        if way.kind not in shown and not ("chat" in shown and way.kind not in ADDRESSES)
    ]


def accepted(factors: Factors) -> tuple[str, ...]:
    """Return what counts for a step-up: the strongest that the account has set.

    Where there is a second factor nothing weaker counts; a code over a bound way counts only where
    nothing else is set.
    """
    strong = (("passkey", factors.passkeys > 0), ("totp", factors.totp))
    if factors.has_second:
        return tuple(name for name, is_set in strong if is_set)
    plain = (*strong, ("password", factors.password))
    return tuple(name for name, is_set in plain if is_set) or ("code",)


def recovery_due(
    proved: Collection[str], now: datetime, wait: timedelta, *, code: bool
) -> datetime | None:
    """Return when a recovery takes effect: two kinds of ways wait, one with a recovery code does
    not; less is not enough.
    """
    if code and proved:
        return now
    return now + wait if len(set(proved)) >= KINDS_ASKED else None
