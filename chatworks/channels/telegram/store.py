"""Telegram's own tables: the ids of files that it has, and spent sign-ins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from chatworks.channels.models import Channel
from chatworks.kit.db import load_queries
from chatworks.kit.work import Work

QUERIES = load_queries(__package__)

FileIds = Mapping[tuple[str, str], str]  # (path, photo | video | audio | document): file id


async def known_files(work: Work, channel: Channel, paths: Sequence[str]) -> FileIds:
    """Return the ids under which the channel's bot may send these files again."""
    parameters = {**_key(channel), "paths": list(paths)}
    cursor = await work.conn.execute(QUERIES["known_files"], parameters)
    return {(row[0], row[1]): row[2] for row in await cursor.fetchall()}


async def keep_files(work: Work, channel: Channel, ids: FileIds) -> None:
    """Remember the ids of files that the bot uploaded."""
    parameters = {
        **_key(channel),
        "paths": [path for path, _ in ids],
        "kinds": [kind for _, kind in ids],
        "file_ids": list(ids.values()),
        "now": work.now,
    }
    await work.conn.execute(QUERIES["keep_files"], parameters)


async def forget_files(work: Work, channel: Channel, paths: Sequence[str]) -> None:
    """Forget ids that Telegram knows no more."""
    await work.conn.execute(QUERIES["forget_files"], {**_key(channel), "paths": list(paths)})


async def spend_sign_in(
    work: Work, channel: Channel, data_hash: bytes, expires_at: datetime
) -> bool:
    """Spend a signed text; True to exactly one caller. What is too old by itself is forgotten."""
    await work.conn.execute(QUERIES["forget_sign_ins"], {"now": work.now})
    parameters = {**_key(channel), "hash": data_hash, "expires_at": expires_at}
    return (await work.conn.execute(QUERIES["spend_sign_in"], parameters)).rowcount == 1


def _key(channel: Channel) -> dict[str, object]:
    return {"outlet_id": channel.outlet_id, "channel_id": channel.id}
