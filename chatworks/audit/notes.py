"""Signed notes, checkpoints, cosignatures and proofs, as text that other programs read. Pure.

The forms are C2SP's: ``signed-note`` (text, a blank line, signatures), ``tlog-checkpoint`` (origin,
size, root), ``tlog-cosignature`` (a witness's signature with its time) and ``tlog-proof`` (a leaf's
place and path, with a checkpoint). A *verifier key* is one line, ``name+hash+key``, as Go's
checksum database writes it.
"""

from __future__ import annotations

import hashlib
import re
import struct
from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from chatworks.audit.merkle import HASH_BYTES

LOG, WITNESS = 0x01, 0x04  # C2SP signed-note: the types of Ed25519 signatures and of cosignatures
KEY_BYTES, SIGNATURE_BYTES, ID_BYTES, TIME_BYTES = 32, 64, 4, 8
NOTE_CHARACTERS_MAX = 100_000
SIGNATURES_MAX = 64  # C2SP signed-note: at least 16 must be taken
PROOF_LINES_MAX = 63  # C2SP tlog-witness: a tree of 2^63 leaves has no longer path
PROOF_HEAD = "c2sp.org/tlog-proof@v1"
_NAME = re.compile(r"[^\s+]{1,200}")
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")


class BadNote(ValueError):
    """The text is no note, no checkpoint, or not signed by whom it should be."""


@dataclass(frozen=True, slots=True)
class Verifier:
    """A public key with its name; ``kind`` is LOG or WITNESS."""

    name: str
    kind: int
    key: bytes

    @property
    def key_id(self) -> bytes:
        """Return the four bytes that stand before this key's signatures."""
        seed = self.name.encode() + b"\n" + bytes([self.kind]) + self.key
        return hashlib.sha256(seed).digest()[:ID_BYTES]

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{_text(bytes([self.kind]) + self.key)}"

    @classmethod
    def parse(cls, line: str) -> Verifier:
        """Read ``name+hash+key``; ``BadNote`` where it is none or its parts disagree."""
        name, _, rest = line.strip().partition("+")
        shown, _, encoded = rest.partition("+")
        raw = _bytes(encoded)
        if not _NAME.fullmatch(name) or len(raw) != 1 + KEY_BYTES or raw[0] not in {LOG, WITNESS}:
            raise BadNote("this is no verifier key: it reads name+hash+key")
        found = cls(name, raw[0], raw[1:])
        if found.key_id.hex() != shown:
            raise BadNote("the verifier key was not copied whole: its hash does not fit")
        return found

    def verify(self, message: bytes, signature: bytes) -> bool:
        """Say whether this key made ``signature`` (64 bytes) over ``message``."""
        try:
            Ed25519PublicKey.from_public_bytes(self.key).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True


class Signer:
    """A private key with its name; ``seed`` has 32 bytes."""

    def __init__(self, name: str, kind: int, seed: bytes) -> None:
        if not _NAME.fullmatch(name):
            raise BadNote("a key's name has no spaces and no plus")
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.verifier = Verifier(name, kind, self._key.public_key().public_bytes_raw())

    def sign(self, text: str) -> str:
        """Return the signature line of a log over a note's text."""
        return self._line(self._key.sign(text.encode()))

    def cosign(self, text: str, seconds: int) -> str:
        """Return the signature line of a witness at ``seconds`` since 1970."""
        signature = self._key.sign(_cosigned(text, seconds))
        return self._line(struct.pack(">Q", seconds) + signature)

    def _line(self, signature: bytes) -> str:
        return f"— {self.verifier.name} {_text(self.verifier.key_id + signature)}\n"


def _cosigned(text: str, seconds: int) -> bytes:
    return f"cosignature/v1\ntime {seconds}\n{text}".encode()


@dataclass(frozen=True, slots=True)
class Note:
    """A note: its text with the newline at its end, and its signature lines as (name, bytes)."""

    text: str
    signatures: tuple[tuple[str, bytes], ...]

    @classmethod
    def parse(cls, note: str) -> Note:
        """Read a note; nothing of it is to be believed before ``signed_at``."""
        head, blank, tail = note.rpartition("\n\n")
        lines = tail.split("\n")[:-1]
        if (
            len(note) > NOTE_CHARACTERS_MAX
            or not blank
            or not tail.endswith("\n")
            or not 0 < len(lines) <= SIGNATURES_MAX
            or any(ord(sign) < ord(" ") and sign != "\n" for sign in note)
        ):
            raise BadNote("this is no signed note")
        return cls(head + "\n", tuple(_signature(line) for line in lines))

    def signed_at(self, verifier: Verifier) -> int | None:
        """Return when ``verifier`` signed this: seconds since 1970, 0 for a log's own signature,
        which has no time; None where it did not. ``BadNote`` where a signature of it is false.
        """
        found = None
        for name, raw in self.signatures:
            key_id, signature = raw[:ID_BYTES], raw[ID_BYTES:]
            if (name, key_id) != (verifier.name, verifier.key_id):
                continue
            seconds, message = 0, self.text.encode()
            if verifier.kind == WITNESS and len(signature) == TIME_BYTES + SIGNATURE_BYTES:
                (seconds,) = struct.unpack(">Q", signature[:TIME_BYTES])
                message, signature = _cosigned(self.text, seconds), signature[TIME_BYTES:]
            if not verifier.verify(message, signature):
                raise BadNote(f"a signature of {verifier.name} is false")
            found = seconds
        return found


def _signature(line: str) -> tuple[str, bytes]:
    dash, _, rest = line.partition(" ")
    name, _, encoded = rest.partition(" ")
    raw = _bytes(encoded)
    if dash != "—" or not _NAME.fullmatch(name) or len(raw) <= ID_BYTES:
        raise BadNote("a line of the note is no signature")
    return name, raw


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a log says of itself: its tree had ``size`` leaves and this root."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        """Return the text that is signed."""
        return f"{self.origin}\n{self.size}\n{_text(self.root)}\n"

    @classmethod
    def parse(cls, text: str) -> Checkpoint:
        """Read a note's text; lines after the third are left alone."""
        lines = text.split("\n")
        if len(lines) < 4 or lines[-1] or not all(lines[:-1]) or not _SIZE.fullmatch(lines[1]):  # noqa: PLR2004 - three lines and what follows the last newline
            raise BadNote("the note is no checkpoint")
        root = _bytes(lines[2])
        if len(root) != HASH_BYTES:
            raise BadNote("the checkpoint's root is no hash")
        return cls(lines[0], int(lines[1]), root)


def signed_checkpoint(checkpoint: Checkpoint, signer: Signer) -> str:
    """Return the checkpoint as a note of its log."""
    text = checkpoint.text()
    return f"{text}\n{signer.sign(text)}"


def checked(note: str, log: Verifier) -> Checkpoint:
    """Return what ``log`` says in ``note``; ``BadNote`` where it is not its own."""
    parsed = Note.parse(note)
    if parsed.signed_at(log) is None:
        raise BadNote(f"the checkpoint is not signed by {log.name}")
    return Checkpoint.parse(parsed.text)


def split_notes(text: str) -> list[str]:
    """Return the checkpoints of a file in which each is followed by an empty line."""
    parts = text.split("\n\n")
    pairs = zip(parts[::2], parts[1::2], strict=False)
    return [f"{head}\n\n{signatures}\n" for head, signatures in pairs]


@dataclass(frozen=True, slots=True)
class Proof:
    """That a leaf stands in a log, to be checked without the log."""

    index: int
    path: tuple[bytes, ...]
    note: str

    def text(self) -> str:
        """Return the proof in the form ``tlog-proof``."""
        lines = [PROOF_HEAD, f"index {self.index}", *map(_text, self.path)]
        return "\n".join(lines) + f"\n\n{self.note}"

    @classmethod
    def parse(cls, text: str) -> Proof:
        """Read such a text; whatever ``extra`` says is left alone, as nobody vouches for it."""
        head, blank, note = text.partition("\n\n")
        lines = [line for line in head.split("\n") if not line.startswith("extra ")]
        if not blank or lines[0] != PROOF_HEAD or not lines[1:] or len(lines) > PROOF_LINES_MAX + 2:
            raise BadNote("this is no proof of a log")
        word, _, number = lines[1].partition(" ")
        if word != "index" or not _SIZE.fullmatch(number):
            raise BadNote("the proof names no leaf")
        return cls(int(number), hash_lines(lines[2:]), note)


def hash_lines(lines: Sequence[str]) -> tuple[bytes, ...]:
    """Read one hash from each line."""
    found = tuple(_bytes(line) for line in lines)
    if any(len(hashed) != HASH_BYTES for hashed in found):
        raise BadNote("a line of the proof is no hash")
    return found


def _text(raw: bytes) -> str:
    return b64encode(raw).decode()


def _bytes(text: str) -> bytes:
    try:
        return b64decode(text, validate=True)
    except ValueError:
        raise BadNote("this is not base64") from None
