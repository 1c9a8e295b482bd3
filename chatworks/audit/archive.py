"""What the log published, outside of the database: a folder with two files that only grow.

``hashes`` has the 32 bytes of each leaf's hash, one after the other: what the tiles of level 0
hold. ``checkpoints`` has every checkpoint that was published, each followed by an empty line. With
them a verification names the very row that somebody changed, even if every hash in the database
was made to fit. One process at a time writes (the sequencer's lock); it writes what was committed.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from chatworks.audit.merkle import HASH_BYTES
from chatworks.audit.notes import NOTE_CHARACTERS_MAX, split_notes

PIECE_HASHES = 4096


class Archive:
    """The folder of one log; it is made with the first write."""

    def __init__(self, folder: Path) -> None:
        self._hashes = folder / "hashes"
        self._checkpoints = folder / "checkpoints"

    @property
    def size(self) -> int:
        """How many leaves are archived. A hash that a crash cut short does not count."""
        return self._hashes.stat().st_size // HASH_BYTES if self._hashes.exists() else 0

    def last(self) -> str:
        """Return the newest checkpoint that was written whole; "" where there is none."""
        if not self._checkpoints.exists():
            return ""
        with self._checkpoints.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - NOTE_CHARACTERS_MAX))
            found = split_notes(file.read().decode(errors="replace"))
        return found[-1] if found else ""

    def notes(self) -> list[str]:
        """Return every checkpoint."""
        if not self._checkpoints.exists():
            return []
        return split_notes(self._checkpoints.read_text())

    def hashes(self, end: int) -> Iterator[bytes]:
        """Yield the hashes of the first ``end`` leaves, or of as many as there are."""
        if not self._hashes.exists():
            return
        with self._hashes.open("rb") as file:
            for first in range(0, end, PIECE_HASHES):
                piece = file.read(HASH_BYTES * min(PIECE_HASHES, end - first))
                whole = len(piece) // HASH_BYTES * HASH_BYTES
                yield from (piece[i : i + HASH_BYTES] for i in range(0, whole, HASH_BYTES))

    def add_hashes(self, hashes: Sequence[bytes]) -> None:
        """Write hashes behind the last whole one, and see them on the disk."""
        self._hashes.parent.mkdir(parents=True, exist_ok=True)
        end = self.size * HASH_BYTES
        with self._hashes.open("r+b" if self._hashes.exists() else "wb") as file:
            file.truncate(end)
            file.seek(end)
            file.write(b"".join(hashes))
            file.flush()
            os.fsync(file.fileno())

    def add_checkpoint(self, note: str) -> None:
        """Write a checkpoint behind the last one, and see it on the disk."""
        with self._checkpoints.open("a") as file:
            file.write(f"{note}\n")
            file.flush()
            os.fsync(file.fileno())
