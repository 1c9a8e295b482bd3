"""The shelf: examines files away from the event loop, keeps them, and gives them back.

``keep`` is for whoever has a file's bytes (an upload, a fetched file, a seed); ``load`` is for an
adapter that must upload one. Both open transactions of their own.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from uuid import UUID

from prometheus_client import Gauge

from chatworks.kit.db import Database
from chatworks.kit.errors import NotFound
from chatworks.kit.http import Upload
from chatworks.kit.work import Work
from chatworks.media import core, store
from chatworks.media.models import (
    ALT_LENGTH_MAX,
    Examined,
    Kept,
    Loaded,
    OutletFull,
    Owner,
    TooLarge,
)
from chatworks.media.pictures import redraw
from chatworks.media.store import arrived as arrived
from chatworks.media.store import erase as erase
from chatworks.media.store import given as given
from chatworks.media.store import total as total
from chatworks.media.store import want as want
from chatworks.sdk.messages import Media
from chatworks.web.templating import static_files

EXAMINED_AT_ONCE = 2  # threads; a picture takes up to 200 MB while it is drawn
SLICE_BYTES = 1 << 20
STATIC = "/static/"
NO_KEY = bytes(core.KEY_BYTES)

waiting_files = Gauge("chatworks_media_waiting", "Files that are still to be fetched")
oldest_file = Gauge("chatworks_media_waiting_seconds", "Age of the oldest file to be fetched")

OUTLETS = Owner()


@dataclass(frozen=True, slots=True)
class Bounds:
    """The largest file, and the most that all files of one outlet may have, in bytes."""

    file_bytes: int
    outlet_bytes: int


def examine(content: bytes, name: str) -> Examined:
    """Return a file as it may be kept; raises ``NotTaken``. Takes CPU: call it in a thread."""
    media_type = core.sniff(content)
    file = Examined(content, media_type, "")
    if media_type.startswith("image/"):
        file = redraw(file)
    return replace(file, name=core.clean_name(name, file.media_type))


class Shelf:
    """The files of a process's database. ``close`` lets the threads go."""

    def __init__(self, db: Database, bounds: Bounds) -> None:
        self._db = db
        self.bounds = bounds
        self._threads = ThreadPoolExecutor(EXAMINED_AT_ONCE, thread_name_prefix="media")

    def close(self) -> None:
        """Let the threads end."""
        self._threads.shutdown(cancel_futures=True)

    async def examine(self, content: bytes, name: str) -> Examined:
        """Examine a file in a thread; raises ``TooLarge`` or ``NotTaken``."""
        if len(content) > self.bounds.file_bytes:
            raise TooLarge(self.bounds.file_bytes)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, examine, content, name)

    async def put(
        self, work: Work, outlet_id: UUID, file: Examined, owner: Owner, alt: str = ""
    ) -> Kept:
        """Keep an examined file in ``work``; raises ``OutletFull``."""
        _, size_bytes = await store.total(work, outlet_id)
        if size_bytes + len(file.content) > self.bounds.outlet_bytes:
            most = self.bounds.outlet_bytes
            raise OutletFull(f"the files of an outlet may have at most {most:,} bytes together")
        return await store.put(work, outlet_id, file, owner, alt)

    async def keep(
        self, outlet_id: UUID, content: bytes, name: str = "", owner: Owner = OUTLETS, alt: str = ""
    ) -> Media:
        """Examine and keep a file; returns it as messages carry it.

        Raises ``TooLarge``, ``NotTaken`` or ``OutletFull``. Nothing may be open meanwhile: this is
        no part of a transaction.
        """
        file = await self.examine(content, name)
        async with self._db.engine([outlet_id]) as work:
            kept = await self.put(work, outlet_id, file, owner, alt[:ALT_LENGTH_MAX])
        return core.as_media(kept)

    async def find(self, path: str) -> Kept:
        """Return the file at an address; ``NotFound`` for a wrong key as for a wrong id."""
        address = core.read_path(path)
        if address is None:
            raise NotFound("there is no such file")
        async with self._db.engine() as work:
            kept = await store.by_address(work, address[0])
        fits = hmac.compare_digest(address[1], NO_KEY if kept is None else kept.key)
        if kept is None or not fits:
            raise NotFound("there is no such file")
        return kept

    async def load(self, path: str) -> Loaded:
        """Return the file at a path of ours, /media/… or /static/…; raises ``NotFound``."""
        if path.startswith(STATIC):
            file = static_files().get(path.removeprefix(STATIC))
            if file is None:
                raise NotFound("there is no such file")
            return Loaded(file.body, file.media_type, path.rpartition("/")[2])
        kept = await self.find(path)
        pieces = [piece async for piece in self.pieces(kept, 0, kept.size_bytes)]
        return Loaded(b"".join(pieces), kept.media_type, kept.name)

    async def upload(self, path: str) -> Upload | None:
        """Return the file at a path of ours as a vendor is sent it; None where there is none."""
        try:
            file = await self.load(path)
        except NotFound:
            return None
        return Upload(file.content, file.media_type, file.name)

    async def pieces(self, kept: Kept, first: int, end: int) -> AsyncIterator[bytes]:
        """Yield the bytes from ``first`` to before ``end``, so that no large file is held whole."""
        while first < end:
            async with self._db.engine() as work:
                piece = await store.content(work, kept, first, min(SLICE_BYTES, end - first))
            if not piece:  # it was erased while it was read
                raise NotFound("there is no such file")
            yield piece
            first += len(piece)


async def measure(work: Work) -> None:
    """Set the gauges of what waits to be fetched."""
    count, age_seconds = await store.depth(work)
    waiting_files.set(count)
    oldest_file.set(age_seconds)
