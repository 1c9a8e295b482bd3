"""An authenticator in software: makes passkeys and signs with them as Web Authentication says."""

from __future__ import annotations

import hashlib
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

PRESENT, VERIFIED, HAS_KEY = 0x01, 0x04, 0x40  # flags of authenticator data (6.1)


def text(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")


def data(encoded: str) -> bytes:
    return urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))


class SoftKey:
    """One passkey, for one origin; ``verifies`` is whether its person is verified."""

    def __init__(self, origin: str) -> None:
        self.origin = origin
        self.verifies = True
        self.count = 0
        self.id = hashlib.sha256(origin.encode()).digest()
        self._handle = b""
        self._key = ec.generate_private_key(ec.SECP256R1())

    def make(self, options: str) -> str:
        """Answer the options of a registration."""
        asked = json.loads(options)
        self._handle = data(asked["user"]["id"])
        numbers = self._key.public_key().public_numbers()
        cose = {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32), -3: numbers.y.to_bytes(32)}
        made = b"\x00" * 16 + len(self.id).to_bytes(2) + self.id + cbor2.dumps(cose)
        whole = self._data(asked["rp"]["id"], HAS_KEY) + made
        attested = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": whole})
        client = self._client("webauthn.create", asked["challenge"])
        return self._answer(client, {"attestationObject": text(attested), "transports": ["usb"]})

    def sign(self, options: str, **changes: Any) -> str:
        """Answer the options of a sign-in; ``changes`` are made to the answer's response."""
        asked = json.loads(options)
        self.count += 1
        signed = self._data(asked["rpId"])
        client = self._client("webauthn.get", asked["challenge"])
        digest = hashlib.sha256(client).digest()
        response = {
            "authenticatorData": text(signed),
            "signature": text(self._key.sign(signed + digest, ec.ECDSA(hashes.SHA256()))),
            "userHandle": text(self._handle),
        }
        return self._answer(client, {**response, **changes})

    def _data(self, party: str, flags: int = 0) -> bytes:
        flags |= PRESENT | (VERIFIED if self.verifies else 0)
        return hashlib.sha256(party.encode()).digest() + bytes([flags]) + self.count.to_bytes(4)

    def _client(self, kind: str, challenge: str) -> bytes:
        return json.dumps({"type": kind, "challenge": challenge, "origin": self.origin}).encode()

    def _answer(self, client: bytes, response: dict[str, Any]) -> str:
        return json.dumps(
            {
                "id": text(self.id),
                "rawId": text(self.id),
                "type": "public-key",
                "clientExtensionResults": {},
                "response": {"clientDataJSON": text(client), **response},
            }
        )
