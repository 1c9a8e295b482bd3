"""What programs bring: JSON, keys, cursors, notes, passkeys, OpenID Connect and OAuth."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID

import msgspec
import webauthn
from authlib.oauth2 import OAuth2Error
from webauthn.helpers import parse_authentication_credential_json

from chatworks.api import strict
from chatworks.api.core import prefix_of
from chatworks.api.models import Malformed
from chatworks.audit.notes import LOG, WITNESS, BadNote, Checkpoint, Note, Proof, Signer, Verifier
from chatworks.audit.witness import Refused, Witness
from chatworks.factors.passkeys import MALFORMED
from chatworks.federation import core as federation
from chatworks.federation.models import Untrusted
from chatworks.kit import cursors
from chatworks.kit.errors import Invalid
from chatworks.kit.money import Money
from chatworks.oauth import core
from fuzz.doors import NOW, fields

ISSUER = "https://id.example"
LOG_SIGNER = Signer("log.example", LOG, bytes(32))
WITNESS_SIGNER = Signer("witness.example", WITNESS, bytes(range(32)))


@dataclass(frozen=True)
class Row:
    """A part of a request."""

    product: UUID
    count: int
    price: Money | None = None


@dataclass(frozen=True)
class Everything:
    """A request with a field of every kind that the product's requests have."""

    name: str = ""
    rows: list[Row] = field(default_factory=list)
    labels: dict[str, str] = field(default_factory=dict)
    at: datetime | None = None
    yes: bool = False
    ratio: float = 0.0


def api_json(data: bytes) -> None:
    """Read a request of the API, a key and a cursor."""
    with suppress(Invalid, Malformed):
        strict.read(Everything, data)
    text = data.decode("utf-8", "replace")
    prefix_of(text)
    cursors.read(text, tuple[datetime, UUID])


def notes(data: bytes) -> None:
    """Read notes, proofs and keys; a log that is watched may also say anything."""
    head, rest = fields(data, 2)
    text, more = head.decode("utf-8", "replace"), rest.decode("utf-8", "replace")
    for parse in (Note.parse, Checkpoint.parse, Proof.parse, Verifier.parse):
        with suppress(BadNote):
            parse(text)
    signed = f"{text}\n{LOG_SIGNER.sign(text)}" if "\n" in text else text
    with tempfile.TemporaryDirectory() as folder:
        witness = Witness([LOG_SIGNER.verifier], WITNESS_SIGNER, Path(folder))
        for body in (text, f"{more}\n\n{signed}", f"old 0\n\n{signed}"):
            with suppress(Refused):
                witness.add_checkpoint(body, 1_800_000_000)


def passkeys(data: bytes) -> None:
    """Read what a browser says of a passkey, as registration and as sign-in."""
    text = data.decode("utf-8", "replace")
    expected: dict[str, Any] = {
        "expected_challenge": bytes(32),
        "expected_rp_id": "shop.example",
        "expected_origin": "https://shop.example",
        "require_user_verification": True,
    }
    with suppress(*MALFORMED):
        webauthn.verify_registration_response(credential=text, **expected)
    with suppress(*MALFORMED):
        parse_authentication_credential_json(text)
        webauthn.verify_authentication_response(
            credential=text,
            credential_public_key=bytes.fromhex("a5010203262001215820") + bytes(32)
            + bytes.fromhex("225820") + bytes(32),
            credential_current_sign_count=0,
            **expected,
        )  # fmt: skip


def providers(data: bytes) -> None:
    """Read what a provider of identities says of itself, its keys and a person."""
    token, document = fields(data, 2)
    try:
        said = msgspec.json.decode(document, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError):
        said = {}
    text = token.decode("utf-8", "replace")
    with suppress(Untrusted):
        federation.read_metadata(ISSUER, {**said, "issuer": ISSUER})
    with suppress(Untrusted):
        key = federation.pick_key(text, [said])
        if key is not None:
            federation.read_token(text, key, NOW)
    federation.read_person({**said, "iss": ISSUER, "sub": "1"})


def oauth(data: bytes) -> None:
    """Read what a client asks for, where it is answered, and how it proves itself."""
    text = data.decode("utf-8", "replace")
    pairs = parse_qsl(text, keep_blank_values=True, errors="replace")
    with suppress(OAuth2Error):
        core.read_ask(core.once(pairs), frozenset({"orders.read"}))
    core.redirect_problem(text)
    core.knows(text, text)
    assert "\x00" not in "".join(core.basic_of(text))


TARGETS = (api_json, notes, passkeys, providers, oauth)
