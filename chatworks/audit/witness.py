"""A witness: somebody else who watches a log and remembers what it said.

It keeps one file for each log, the newest checkpoint that it cosigned, and takes a newer one only
with the log's signature and a proof that the new tree begins with the old. So a log that takes
something back, or tells two people two stories, is refused by whoever saw the first. The rules and
the answers are those of C2SP's tlog-witness; ``pull`` asks a log for its checkpoint and tiles,
``add_checkpoint`` is what a log, or anybody, posts.
"""

from __future__ import annotations

import os
import re
from base64 import b64encode
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from chatworks.audit.merkle import (
    EMPTY_ROOT,
    HASH_BYTES,
    TILE_HEIGHT,
    TILE_WIDTH,
    Nodes,
    Span,
    extends,
)
from chatworks.audit.notes import (
    PROOF_LINES_MAX,
    BadNote,
    Checkpoint,
    Note,
    Signer,
    Verifier,
    checked,
    hash_lines,
)
from chatworks.audit.proving import consistent

OLD = re.compile(r"old (0|[1-9][0-9]{0,18})")
BODY_BYTES_MAX = 100_000
TILE_BYTES = TILE_WIDTH * HASH_BYTES

Fetch = Callable[[str, int], Awaitable[bytes]]
"""Gets a path below the log's address, of so many bytes at most."""


class Refused(Exception):
    """The witness does not cosign; ``status`` and ``body`` are the answer of tlog-witness."""

    def __init__(self, status: HTTPStatus, why: str, body: str = "") -> None:
        super().__init__(why)
        self.status = status
        self.body = body


@dataclass(frozen=True, slots=True)
class Witness:
    """Watches ``logs``; ``folder`` is where it remembers."""

    logs: Sequence[Verifier]
    signer: Signer
    folder: Path

    def seen(self, log: Verifier) -> Checkpoint:
        """Return what this witness cosigned last of ``log``; an empty tree where nothing."""
        note = self.note(log)
        return checked(note, log) if note else Checkpoint(log.name, 0, EMPTY_ROOT)

    def note(self, log: Verifier) -> str:
        """Return the cosigned checkpoint itself; "" where there is none."""
        path = self._path(log)
        return path.read_text() if path.exists() else ""

    def add_checkpoint(self, body: str, seconds: int) -> str:
        """Answer a request of tlog-witness at ``seconds`` since 1970: the cosignature's line.

        Raises ``Refused``. The checkpoint is on the disk before this returns.
        """
        old, proof, note = _read(body)
        log, said = self._believed(note)
        seen = self.seen(log)
        if old > said.size:
            raise Refused(HTTPStatus.BAD_REQUEST, "the old size is above the new one")
        if old != seen.size:
            why = f"this witness has seen {seen.size} leaves, not {old}"
            raise Refused(HTTPStatus.CONFLICT, why, f"{seen.size}\n")
        if old == said.size and seen.root != said.root:
            raise Refused(HTTPStatus.CONFLICT, f"the log shows two trees of {old} leaves")
        if not extends(old, seen.root, said.size, said.root, proof):
            why = f"the tree of {said.size} leaves does not begin with the {old} that were seen"
            raise Refused(HTTPStatus.UNPROCESSABLE_ENTITY, why)
        line = self.signer.cosign(Note.parse(note).text, seconds)
        self._keep(log, note, line)
        return line

    async def pull(self, log: Verifier, fetch: Fetch, seconds: int) -> Checkpoint:
        """Fetch the newest checkpoint of ``log``, and cosign it; raises ``Refused``."""
        note = (await fetch("checkpoint", BODY_BYTES_MAX)).decode(errors="replace")
        try:
            said, seen = checked(note, log), self.seen(log)
        except BadNote as bad:
            raise Refused(HTTPStatus.FORBIDDEN, str(bad)) from bad
        if said.size < seen.size:
            why = f"the log shows {said.size} leaves and had {seen.size}"
            raise Refused(HTTPStatus.UNPROCESSABLE_ENTITY, why)
        if said == seen and self.note(log):
            return said
        tiles = Tiles(fetch, said.size)
        try:
            proof = await consistent(tiles.read, seen.size, said.size)
        except KeyError as missing:
            why = f"the log does not show the tile of node {missing}"
            raise Refused(HTTPStatus.UNPROCESSABLE_ENTITY, why) from missing
        self.add_checkpoint(request(seen.size, proof, note), seconds)
        return said

    def _believed(self, note: str) -> tuple[Verifier, Checkpoint]:
        try:
            origin = Checkpoint.parse(Note.parse(note).text).origin
        except BadNote as bad:
            raise Refused(HTTPStatus.BAD_REQUEST, str(bad)) from bad
        log = next((one for one in self.logs if one.name == origin), None)
        if log is None:
            raise Refused(HTTPStatus.NOT_FOUND, f"this witness does not watch {origin}")
        try:
            return log, checked(note, log)
        except BadNote as bad:
            raise Refused(HTTPStatus.FORBIDDEN, str(bad)) from bad

    def _path(self, log: Verifier) -> Path:
        return self.folder / f"{log.key_id.hex()}.checkpoint"

    def _keep(self, log: Verifier, note: str, line: str) -> None:
        """Replace the file as a whole, and add the note to all that was ever cosigned."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self._path(log)
        new = path.with_suffix(".new")
        with (self.folder / f"{log.key_id.hex()}.history").open("a") as history:
            history.write(f"{note}{line}\n")
        with new.open("w") as file:
            file.write(note + line)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)


class Tiles:
    """Reads nodes out of the public tiles of a log whose tree has ``size`` leaves."""

    def __init__(self, fetch: Fetch, size: int) -> None:
        self._fetch = fetch
        self._size = size
        self._rows: dict[tuple[int, int], bytes] = {}

    async def read(self, asked: Sequence[Span]) -> Nodes:
        """Return the nodes of ``asked``, as far as the log shows them."""
        nodes: dict[tuple[int, int], bytes] = {}
        for level, first, count in asked:
            row = await self._tile(level, first // TILE_WIDTH)
            for n in range(first, first + count):
                at = n % TILE_WIDTH * HASH_BYTES
                if at + HASH_BYTES <= len(row):
                    nodes[level, n] = row[at : at + HASH_BYTES]
        return nodes

    async def _tile(self, level: int, number: int) -> bytes:
        if (level, number) not in self._rows:
            whole = self._size >> (TILE_HEIGHT * level)
            width = min(TILE_WIDTH, whole - number * TILE_WIDTH)
            path = tile_path(level, number, width)
            self._rows[level, number] = await self._fetch(path, TILE_BYTES)
        return self._rows[level, number]


def tile_path(level: int, number: int, width: int) -> str:
    """Return a tile's path as tlog-tiles writes it: ``tile/0/x001/234.p/7``."""
    digits = f"{number:03d}"
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    parts = [digits[i : i + 3] for i in range(0, len(digits), 3)]
    place = "/".join([*(f"x{part}" for part in parts[:-1]), parts[-1]])
    return f"tile/{level}/{place}" + (f".p/{width}" if width < TILE_WIDTH else "")


def request(old: int, proof: Sequence[bytes], note: str) -> str:
    """Return the body of a request of tlog-witness."""
    lines = [f"old {old}", *(b64encode(hashed).decode() for hashed in proof)]
    return "\n".join(lines) + f"\n\n{note}"


def _read(body: str) -> tuple[int, tuple[bytes, ...], str]:
    head, blank, note = body.partition("\n\n")
    first, *lines = head.split("\n")
    old = OLD.fullmatch(first)
    if old is None or not blank or len(lines) > PROOF_LINES_MAX:
        raise Refused(HTTPStatus.BAD_REQUEST, "this is no request to a witness")
    try:
        return int(old[1]), hash_lines(lines), note
    except BadNote as bad:
        raise Refused(HTTPStatus.BAD_REQUEST, str(bad)) from bad
