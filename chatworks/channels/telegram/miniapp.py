"""Who opened a Mini App: the signed text (``initData``) that Telegram gives to its page. Pure.

Two signatures are known. With the bot's token: ``hash`` is an HMAC over the sorted pairs. Without
it, for third parties: ``signature`` is Telegram's own, by Ed25519, over the bot's id and the sorted
pairs. Both are described at core.telegram.org/bots/webapps, "Validating data".
The text says when it was signed; who calls also spends it, once.
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import urlsafe_b64decode
from binascii import Error
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated
from urllib.parse import parse_qsl

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from msgspec import Meta

# Telegram's public key for production; core.telegram.org/bots/webapps.
TELEGRAM_KEY = bytes.fromhex("e7bf03a2fa4602af4580703d88dda5bb59f32ed8b02a56c187fe7d34caed242d")
DATA_BYTES_MAX = 8_192
AGE_MAX = timedelta(minutes=10)  # from Telegram's signature to our door
EARLY_MAX = timedelta(seconds=30)  # how far Telegram's clock may be ahead of ours


class Refused(Exception):
    """The text is not Telegram's, not for this bot, or too old; the argument says which."""


class AppUser(msgspec.Struct, frozen=True):
    """Who opened the Mini App."""

    id: Annotated[int, Meta(ge=1, le=2**53)]
    first_name: str = ""
    last_name: str = ""
    username: str = ""
    language_code: str = ""

    @property
    def name(self) -> str:
        """The name that the person goes by."""
        return f"{self.first_name} {self.last_name}".strip()


class Opened(msgspec.Struct, frozen=True):
    """A signed text that holds. ``digest`` is its SHA-256, to spend it by."""

    user: AppUser
    auth_date: datetime
    start_param: str
    digest: bytes


def check(init_data: str, token: str, now: datetime) -> Opened:
    """Return who opened the bot's Mini App, by the bot's ``token``; raises ``Refused``."""
    pairs = _pairs(init_data)
    given = pairs.pop("hash", "")
    secret = hmac.new(b"WebAppData", token.encode(), hashlib.sha256).digest()
    wanted = hmac.new(secret, _lines(pairs).encode(), hashlib.sha256).hexdigest()
    if not token or not hmac.compare_digest(given.encode(), wanted.encode()):
        raise Refused("the signature is wrong")
    return _opened(pairs, now)


def check_third_party(
    init_data: str, bot_id: int, now: datetime, key: bytes = TELEGRAM_KEY
) -> Opened:
    """Return who opened the Mini App of bot ``bot_id``, by Telegram's own key; no token is needed.

    Raises ``Refused``.
    """
    pairs = _pairs(init_data)
    pairs.pop("hash", "")
    given = pairs.pop("signature", "")
    signed = f"{bot_id}:WebAppData\n{_lines(pairs)}".encode()
    try:
        signature = urlsafe_b64decode(given + "=" * (-len(given) % 4))
        Ed25519PublicKey.from_public_bytes(key).verify(signature, signed)
    except (InvalidSignature, Error, ValueError):
        raise Refused("the signature is wrong") from None
    return _opened(pairs, now)


def _pairs(init_data: str) -> dict[str, str]:
    """Return the text's fields; each may stand there once."""
    if not 0 < len(init_data) <= DATA_BYTES_MAX or not init_data.isascii():
        raise Refused(f"the signed text must have 1 to {DATA_BYTES_MAX} bytes")
    try:
        listed = parse_qsl(init_data, keep_blank_values=True, strict_parsing=True, errors="strict")
    except ValueError:
        raise Refused("the signed text cannot be read") from None
    pairs = dict(listed)
    if len(pairs) != len(listed):
        raise Refused("the signed text says something twice")
    return pairs


def _lines(pairs: Mapping[str, str]) -> str:
    return "\n".join(f"{name}={pairs[name]}" for name in sorted(pairs))


def _opened(pairs: Mapping[str, str], now: datetime) -> Opened:
    try:
        auth_date = datetime.fromtimestamp(int(pairs["auth_date"]), UTC)
        user = msgspec.json.decode(pairs["user"], type=AppUser)
    except (KeyError, ValueError, OverflowError, OSError, msgspec.DecodeError):
        raise Refused("the signed text names nobody, or no time") from None
    if not now - AGE_MAX <= auth_date <= now + EARLY_MAX:
        raise Refused("the signed text is too old")
    # What is spent is what was signed: another order or spelling of it is the same.
    signed = {name: value for name, value in pairs.items() if name != "signature"}
    digest = hashlib.sha256(_lines(signed).encode()).digest()
    return Opened(user, auth_date, pairs.get("start_param", ""), digest)
