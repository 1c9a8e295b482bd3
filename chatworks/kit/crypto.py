"""Sealing small secrets that must lie in the database: AES-256-GCM under a key of the installation.

A seal is bound to its place: what was sealed for one row opens nowhere else. The key is derived
from ``CHATWORKS_SECRET``; whoever has the database alone, or a backup of it, reads nothing.
"""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from chatworks.kit.clock import Clock

NONCE_BYTES = 12  # NIST SP 800-38D, 8.2.2: random, for far fewer than 2^32 seals under one key
VERSION = b"\x01"  # of the form: version, nonce, ciphertext with its tag


def digest(secret: str) -> bytes:
    """Return what is stored of a secret. It is random and long: one round of SHA-256 is enough."""
    return hashlib.sha256(secret.encode()).digest()


def new_secret(clock: Clock, count: int) -> str:
    """Return ``count`` random bytes as letters that an address can hold (RFC 4648 §5, unpadded)."""
    return urlsafe_b64encode(clock.random_bytes(count)).decode().rstrip("=")


class CannotOpen(Exception):
    """The seal was made with another key, for another place, or changed since."""


class Vault:
    """Seals and opens; ``key`` has 32 bytes."""

    def __init__(self, key: bytes, clock: Clock) -> None:
        self._cipher = AESGCM(key)
        self._clock = clock

    def seal(self, secret: str, place: str) -> bytes:
        """Return ``secret`` sealed for ``place`` (a table, a column and a row's id)."""
        nonce = self._clock.random_bytes(NONCE_BYTES)
        return VERSION + nonce + self._cipher.encrypt(nonce, secret.encode(), place.encode())

    def open(self, sealed: bytes, place: str) -> str:
        """Return the secret; raises ``CannotOpen``."""
        nonce, hidden = sealed[1 : 1 + NONCE_BYTES], sealed[1 + NONCE_BYTES :]
        if sealed[:1] != VERSION or len(nonce) < NONCE_BYTES:
            raise CannotOpen
        try:
            return self._cipher.decrypt(nonce, hidden, place.encode()).decode()
        except InvalidTag:
            raise CannotOpen from None
