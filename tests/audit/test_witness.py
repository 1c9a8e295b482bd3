"""The witness: it remembers, takes what is proved, and refuses what takes something back."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path

import pytest
from logs import KEY, ORIGIN, log_key

from chatworks.audit.merkle import Frontier, Range, consistency, leaf_hash, range_hash
from chatworks.audit.notes import (
    WITNESS,
    Checkpoint,
    Note,
    Signer,
    checked,
    signed_checkpoint,
    split_notes,
)
from chatworks.audit.routes import place_of
from chatworks.audit.witness import Refused, Witness, request, tile_path
from chatworks.kit.errors import NotFound

NOW = 1_800_000_000
OTHER = Signer("other.example/audit", 1, bytes(32))


class PublicLog:
    """A log's public pages, without a server: what ``fetch`` would get."""

    def __init__(self, size: int, forged: Mapping[int, bytes] | None = None) -> None:
        self.nodes: dict[tuple[int, int], bytes] = {}
        tree = Frontier()
        for n in range(size):
            self.nodes[0, n] = leaf_hash((forged or {}).get(n, b"%d" % n))
            for level, number, made in tree.append(self.nodes[0, n]):
                self.nodes[level, number] = made
        self.checkpoint = Checkpoint(ORIGIN, size, tree.root())
        self.note = signed_checkpoint(self.checkpoint, KEY.signer(""))

    async def fetch(self, path: str, most: int) -> bytes:
        if path == "checkpoint":
            return self.note.encode()
        level, number, width = place_of(path.removeprefix("tile"))
        row = [self.nodes.get((level, number * 256 + i)) for i in range(width)]
        found = b"".join(hashed for hashed in row if hashed)
        assert len(found) <= most
        return found

    def proof(self, old: int) -> list[bytes]:
        parts = consistency(old, self.checkpoint.size)
        return [range_hash(part, self.nodes) for part in parts]

    def root(self, size: int) -> bytes:
        return range_hash(Range(0, size), self.nodes)


@pytest.fixture
def witness(tmp_path: Path) -> Witness:
    return Witness([log_key()], Signer("witness.example", WITNESS, bytes([7]) * 32), tmp_path)


async def test_a_log_that_grows_is_cosigned_each_time(witness: Witness, tmp_path: Path) -> None:
    sizes = (1, 255, 256, 300, 70_000)
    for size in sizes:
        assert (await witness.pull(log_key(), PublicLog(size).fetch, NOW)).size == size

    note = witness.note(log_key())
    assert Note.parse(note).signed_at(witness.signer.verifier) == NOW
    assert checked(note, log_key()).size == 70_000
    history = (tmp_path / f"{log_key().key_id.hex()}.history").read_text()
    assert [checked(one, log_key()).size for one in split_notes(history)] == list(sizes)


async def test_the_same_checkpoint_is_cosigned_once(witness: Witness, tmp_path: Path) -> None:
    for _ in range(3):
        await witness.pull(log_key(), PublicLog(9).fetch, NOW)

    history = (tmp_path / f"{log_key().key_id.hex()}.history").read_text()
    assert len(split_notes(history)) == 1


@pytest.mark.promise("audit")
@pytest.mark.parametrize(
    "forked",
    [
        PublicLog(300, {7: b"another"}),  # another past
        PublicLog(260, {7: b"another"}),  # another tree of the same size
        PublicLog(100),  # less than was shown
        PublicLog(0),
    ],
)
async def test_a_fork_is_refused_and_what_was_seen_stays(
    witness: Witness, forked: PublicLog
) -> None:
    seen = PublicLog(260)
    await witness.pull(log_key(), seen.fetch, NOW)
    before = witness.note(log_key())

    with pytest.raises(Refused):
        await witness.pull(log_key(), forked.fetch, NOW + 1)

    assert witness.note(log_key()) == before
    assert witness.seen(log_key()) == seen.checkpoint


async def test_tiles_that_are_not_shown_are_no_proof(witness: Witness) -> None:
    await witness.pull(log_key(), PublicLog(260).fetch, NOW)
    grown = PublicLog(600)

    async def fetch(path: str, most: int) -> bytes:
        return await grown.fetch(path, most) if path == "checkpoint" else b""

    with pytest.raises(Refused, match="does not show the tile"):
        await witness.pull(log_key(), fetch, NOW)


def test_a_request_of_the_protocol_is_answered_with_a_cosignature(witness: Witness) -> None:
    first, second = PublicLog(5), PublicLog(12)

    witness.add_checkpoint(request(0, [], first.note), NOW)
    line = witness.add_checkpoint(request(5, second.proof(5), second.note), NOW)

    assert Note.parse(second.note + line).signed_at(witness.signer.verifier) == NOW


def b64(raw: bytes) -> str:
    return b64encode(raw).decode()


GROWN = PublicLog(12)
STRANGER = signed_checkpoint(Checkpoint("other.example/audit", 12, bytes(32)), OTHER)
FALSE_KEY = signed_checkpoint(GROWN.checkpoint, Signer(ORIGIN, 1, bytes([3]) * 32))
REFUSALS = {
    "no request": ("hello", HTTPStatus.BAD_REQUEST, ""),
    "no size": (f"old x\n\n{GROWN.note}", HTTPStatus.BAD_REQUEST, ""),
    "a proof that is none": (f"old 5\nxx\n\n{GROWN.note}", HTTPStatus.BAD_REQUEST, ""),
    "a proof too long": (
        "old 5\n" + f"{b64(bytes(32))}\n" * 64 + f"\n{GROWN.note}",
        HTTPStatus.BAD_REQUEST,
        "",
    ),
    "another log": (request(0, [], STRANGER), HTTPStatus.NOT_FOUND, ""),
    "a strange key": (request(5, [], FALSE_KEY), HTTPStatus.FORBIDDEN, ""),
    "an old size above": (request(13, [], GROWN.note), HTTPStatus.BAD_REQUEST, ""),
    "an old size that was not seen": (request(4, [], GROWN.note), HTTPStatus.CONFLICT, "5\n"),
    "no proof": (request(5, [], GROWN.note), HTTPStatus.UNPROCESSABLE_ENTITY, ""),
    "a false proof": (
        request(5, [bytes(32)] * 4, GROWN.note),
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "",
    ),
    "another tree of the same size": (
        request(5, [], PublicLog(5, {1: b"x"}).note),
        HTTPStatus.CONFLICT,
        "",
    ),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_the_answers_of_the_protocol_to_what_is_wrong(witness: Witness, name: str) -> None:
    body, status, said = REFUSALS[name]
    witness.add_checkpoint(request(0, [], PublicLog(5).note), NOW)
    before = witness.note(log_key())

    with pytest.raises(Refused) as no:
        witness.add_checkpoint(body, NOW)

    assert (no.value.status, no.value.body) == (status, said)
    assert witness.note(log_key()) == before


@pytest.mark.parametrize(
    ("level", "number", "width", "path"),
    [
        (0, 0, 256, "tile/0/000"),
        (0, 273, 112, "tile/0/273.p/112"),
        (2, 1234067, 256, "tile/2/x001/x234/067"),
        (1, 1000, 1, "tile/1/x001/000.p/1"),
    ],
)
def test_tiles_are_named_as_the_standard_names_them(
    level: int, number: int, width: int, path: str
) -> None:
    assert tile_path(level, number, width) == path
    assert place_of(path.removeprefix("tile")) == (level, number, width)


@pytest.mark.parametrize(
    "path",
    ["/64/000", "/00/000", "/0/00", "/0/0000", "/0/x000/001", "/0/001.p/0", "/0/001.p/256",
     "/0/001.p/1000", "/0/-01", "/0/" + "x999/" * 6 + "999", "/0/٠٠٠", "/", "/entries/000"],
)  # fmt: skip
def test_what_names_no_tile_is_not_found(path: str) -> None:
    with pytest.raises(NotFound):
        place_of(path)
