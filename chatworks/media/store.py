"""Kept files and wanted ones in the database."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from chatworks.kit.db import load_queries
from chatworks.kit.work import Work
from chatworks.media import core
from chatworks.media.models import (
    KEPT_FOR,
    LEASE,
    UNSENT_FOR,
    Arrived,
    Change,
    Examined,
    Fetch,
    Kept,
    Origin,
    Owner,
    State,
    Wanted,
)
from chatworks.sdk.inbound import File
from chatworks.sdk.messages import Media

QUERIES = load_queries(__package__)

_encode = msgspec.json.Encoder().encode
_file = msgspec.json.Decoder(File)


def _kept(row: Sequence[Any]) -> Kept:
    return Kept(*(*row[:10], Origin(row[10])))


async def put(work: Work, outlet_id: UUID, file: Examined, owner: Owner, alt: str = "") -> Kept:
    """Keep an examined file; bytes that the same owner has already are that file again."""
    cursor = await work.conn.execute(
        QUERIES["put"],
        {
            "outlet_id": outlet_id,
            "id": work.new_id(),
            "key": work.clock.random_bytes(core.KEY_BYTES),
            "conversation_id": owner.conversation_id,
            "visitor_id": owner.visitor_id,
            "origin": owner.origin.value,
            "sha256": hashlib.sha256(file.content).digest(),
            "media_type": file.media_type,
            "size_bytes": len(file.content),
            "name": file.name,
            "alt": alt,
            "width": file.width,
            "height": file.height,
            "content": file.content,
            "now": work.now,
        },
    )
    row = await cursor.fetchone()
    if row is None:
        raise RuntimeError("an insert that returns its row returned none")
    return _kept(row)


async def total(work: Work, outlet_id: UUID) -> tuple[int, int]:
    """Return how many files an outlet has, and their bytes together."""
    row = await (await work.conn.execute(QUERIES["total"], {"outlet_id": outlet_id})).fetchone()
    return (0, 0) if row is None else (row[0], row[1])


async def given(
    work: Work, conversation: tuple[UUID, UUID], files: Sequence[Media]
) -> tuple[Media, ...] | None:
    """Return files that somebody names, as they are kept; None where one is not of this (outlet,
    conversation): a path alone proves nothing.
    """
    addresses = [core.read_path(file.path) for file in files]
    named = [address for address in addresses if address is not None]
    parameters = {
        "outlet_id": conversation[0],
        "conversation_id": conversation[1],
        "ids": [address[0] for address in named],
        "keys": [address[1] for address in named],
    }
    rows = await (await work.conn.execute(QUERIES["given"], parameters)).fetchall()
    kept = {media.path: media for media in (core.as_media(_kept(row)) for row in rows)}
    if any(file.path not in kept for file in files):
        return None
    return tuple(kept[file.path] for file in files)


async def by_address(work: Work, media_id: UUID) -> Kept | None:
    """Return the file of an id in an address: the caller compares the key."""
    row = await (await work.conn.execute(QUERIES["by_address"], {"id": media_id})).fetchone()
    return None if row is None else _kept(row)


async def content(work: Work, kept: Kept, first: int, length: int) -> bytes | None:
    """Return up to ``length`` bytes of a file from ``first`` on; None where it is gone."""
    parameters = {
        "outlet_id": kept.outlet_id,
        "id": kept.id,
        "first": first,
        "length": length,
    }
    row = await (await work.conn.execute(QUERIES["slice"], parameters)).fetchone()
    return None if row is None else bytes(row[0])


async def want(work: Work, wanted: Sequence[Wanted]) -> None:
    """Have files fetched that messages of this transaction brought; ours are found at once."""
    ours = [(item, core.read_path(item.file.vendor_id)) for item in wanted]
    far = [item for item, address in ours if address is None]
    near = [(item, address) for item, address in ours if address is not None]
    if far:
        await work.conn.execute(QUERIES["want"], {"now": work.now, **_columns(far)})
        work.notify(["media"])
    if near:
        addresses = {
            "ids": [address[0] for _, address in near],
            "keys": [address[1] for _, address in near],
        }
        columns = _columns([item for item, _ in near])
        await work.conn.execute(QUERIES["adopt"], {"now": work.now, **columns, **addresses})


def _columns(wanted: Sequence[Wanted]) -> dict[str, list[Any]]:
    return {
        "outlets": [item.outlet_id for item in wanted],
        "conversations": [item.conversation_id for item in wanted],
        "seqs": [item.seq for item in wanted],
        "channels": [item.channel_id for item in wanted],
        "files": [_encode(item.file).decode() for item in wanted],
    }


async def lease(work: Work, limit: int) -> list[Fetch]:
    """Lease up to ``limit`` files that may be fetched now; each lease counts as a try."""
    parameters = {"now": work.now, "until": work.now + LEASE, "limit": limit}
    cursor = await work.conn.execute(QUERIES["lease"], parameters)
    return [
        Fetch(Wanted(row[0], row[1], row[2], row[3], _file.decode(row[4])), row[5], row[6])
        for row in await cursor.fetchall()
    ]


async def finish(work: Work, fetch: Fetch, change: Change) -> bool:
    """Write what became of a try; False where another fetcher holds it by now."""
    cursor = await work.conn.execute(
        QUERIES["finish"],
        {
            "now": work.now,
            "outlet_id": fetch.wanted.outlet_id,
            "conversation_id": fetch.wanted.conversation_id,
            "seq": fetch.wanted.seq,
            "fence": fetch.fence,
            "status": change.state.value,
            "ready_at": change.ready_at,
            "media_id": change.media_id,
            "reason": change.reason,
        },
    )
    return await cursor.fetchone() is not None


async def arrived(
    work: Work, outlet_id: UUID, conversation_id: UUID, seqs: Sequence[int]
) -> dict[int, Arrived]:
    """Return what became of the files of these messages, by message."""
    parameters = {
        "outlet_id": outlet_id,
        "conversation_id": conversation_id,
        "seqs": list(seqs),
    }
    cursor = await work.conn.execute(QUERIES["arrived"], parameters)
    return {
        row[0]: core.arrived(State(row[1]), _kept(row[3:]) if row[4] else None, row[2])
        for row in await cursor.fetchall()
    }


async def expire(work: Work, limit: int) -> int:
    """Delete up to ``limit`` files whose time is over; returns how many."""
    parameters = {
        "kept_since": work.now - KEPT_FOR,
        "unsent_since": work.now - UNSENT_FOR,
        "limit": limit,
    }
    return (await work.conn.execute(QUERIES["expire"], parameters)).rowcount


async def erase(work: Work, outlet_id: UUID, conversations: Sequence[UUID]) -> int:
    """Delete every file of these conversations, and what was to be fetched; returns how many."""
    parameters = {"outlet_id": outlet_id, "conversations": list(conversations)}
    await work.conn.execute(QUERIES["erase_fetches"], parameters)
    return (await work.conn.execute(QUERIES["erase"], parameters)).rowcount


async def depth(work: Work) -> tuple[int, float]:
    """Return how many files are still to be fetched and the age of the oldest in seconds."""
    row = await (await work.conn.execute(QUERIES["depth"], {"now": work.now})).fetchone()
    return (0, 0.0) if row is None else (row[0], float(row[1] or 0))
