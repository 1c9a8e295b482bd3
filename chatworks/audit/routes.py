"""The log's public pages, as C2SP's tlog-tiles lays them out: its key, its checkpoint, its tiles.

Whoever wants may watch the log grow and prove that it never took anything back. The tiles hold
hashes only: a leaf's bytes begin with a random id, so that nobody finds them by trying. The leaves
themselves are an outlet's business; they are read in its console, and no bundle of entries is
served (decision 0030).
"""

from __future__ import annotations

import re
from typing import Any

from litestar import MediaType, Response, get
from litestar.params import FromPath

from chatworks.audit import store
from chatworks.audit.merkle import HASH_BYTES, TILE_WIDTH
from chatworks.audit.proving import tile
from chatworks.audit.sequencer import LogKey
from chatworks.kit.db import Database
from chatworks.kit.errors import Forbidden, NotFound

TILE = re.compile(
    r"/?([0-9]|[1-5][0-9]|6[0-3])/((?:x[0-9]{3}/)*[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?"
)
DIGITS_MAX = 18  # of a tile's number: it must fit a bigint
FOR_GOOD = "public, max-age=31536000, immutable"
FOR_NOW = "public, max-age=1"


def routes(db: Database, key: LogKey) -> list[Any]:
    """Return the handlers of the log's public pages."""

    @get("/audit/checkpoint", needs="public")
    async def checkpoint() -> Response[str]:
        """Give the newest signed checkpoint."""
        async with db.engine() as work:
            head = await store.head(work)
        if not head:
            raise NotFound("nothing was signed yet")
        return _text(head)

    @get("/audit/key", needs="public")
    async def verifier() -> Response[str]:
        """Give the key that the log's checkpoints are verified with; keep a copy of it."""
        async with db.engine() as work:
            head = await store.head(work)
        return _text(f"{key.signer(head).verifier}\n")

    @get("/audit/tile/entries/{number:path}", needs="public")
    async def bundle(number: FromPath[str]) -> None:
        """Refuse a bundle of entries: they are their outlets' business."""
        del number
        raise Forbidden("entries are not public: an outlet reads its own in its console")

    @get("/audit/tile/{place:path}", needs="public")
    async def hashes(place: FromPath[str]) -> Response[bytes]:
        """Give a tile, or a part of the last one of its level."""
        level, number, width = place_of(place)
        async with db.engine() as work:
            found = await tile(work, level, number, width)
        if len(found) != width * HASH_BYTES:
            raise NotFound("there is no such tile")
        headers = {"cache-control": FOR_GOOD}
        return Response(found, media_type="application/octet-stream", headers=headers)

    return [checkpoint, verifier, bundle, hashes]


def place_of(path: str) -> tuple[int, int, int]:
    """Return the level, number and width that a tile's address names; raises ``NotFound``."""
    found = TILE.fullmatch(path)
    if found is None:
        raise NotFound("there is no such tile")
    level, number, part = found.groups()
    digits, width = re.sub("[x/]", "", number), int(part or TILE_WIDTH)
    if len(digits) > DIGITS_MAX or number.startswith("x000") or width + bool(part) > TILE_WIDTH:
        raise NotFound("there is no such tile")
    return int(level), int(digits), width


def _text(text: str) -> Response[str]:
    headers = {"cache-control": FOR_NOW}
    return Response(text, media_type=MediaType.TEXT, headers=headers)
