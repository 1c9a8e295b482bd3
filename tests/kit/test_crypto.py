"""Seals: what they hide, where they open, and that nothing changed opens."""

from __future__ import annotations

import pytest

from chatworks.kit.clock import SystemClock
from chatworks.kit.crypto import CannotOpen, Vault

SECRET = "12345:AA-token ✓"
PLACE = "channel.secret_sealed 7"


@pytest.fixture
def vault() -> Vault:
    return Vault(b"k" * 32, SystemClock())


def test_what_is_sealed_opens_in_its_place_alone(vault: Vault) -> None:
    sealed = vault.seal(SECRET, PLACE)

    assert vault.open(sealed, PLACE) == SECRET
    assert SECRET.encode() not in sealed
    assert vault.seal(SECRET, PLACE) != sealed
    for other, place in (
        (vault, "channel.secret_sealed 8"),
        (Vault(b"l" * 32, SystemClock()), PLACE),
    ):
        with pytest.raises(CannotOpen):
            other.open(sealed, place)


def test_no_byte_of_a_seal_can_be_changed_or_left_out(vault: Vault) -> None:
    sealed = vault.seal(SECRET, PLACE)

    for at in range(len(sealed)):
        changed = sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :]
        with pytest.raises(CannotOpen):
            vault.open(changed, PLACE)
        with pytest.raises(CannotOpen):
            vault.open(sealed[:at], PLACE)
