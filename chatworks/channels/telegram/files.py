"""Files on their way to Telegram: uploaded once, and named by Telegram's own id from then on.

A part names its files as ``attach://<name>`` and says where they lie. What this bot has uploaded
before is sent by its file id; what we hold is uploaded; what we only know an address of is fetched
by Telegram itself, where this installation has a public one. While one send uploads a file, the
others that want it wait: a broadcast uploads once.

Limits are those of core.telegram.org/bots/api: photos of 10 MB whose width and height make at most
10,000 together and are at most 1:20, other files of 50 MB. A picture beyond a photo's limits goes
as a document.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID
from weakref import WeakValueDictionary

from chatworks.channels.models import Accepted, Channel, Outcome, Permanent, WirePart
from chatworks.channels.telegram import store
from chatworks.channels.telegram.limits import (
    FILE_BYTES_MAX,
    PHOTO_BYTES_MAX,
    PHOTO_RATIO_MAX,
    PHOTO_SIDES_MAX,
)
from chatworks.channels.telegram.send import BotApi
from chatworks.kit.db import Database
from chatworks.kit.http import Upload

ATTACHED = "attach://"
PHOTO, DOCUMENT = "photo", "document"
JPEG, PNG = b"\xff\xd8", b"\x89PNG\r\n\x1a\n"
# How Telegram says that it does not know a file's id any more.
STALE = ("wrong file identifier", "wrong remote file", "file reference", "invalid file_id")

Load = Callable[[str], Awaitable[Upload | None]]
"""Gives the file at a path of this installation; None where it is not held here."""


class TooLarge(Exception):
    """Telegram takes no such file."""


@dataclass(slots=True)
class Files:
    """What the sender needs to send files. ``address`` is the public one, or ""."""

    db: Database
    load: Load
    address: str = ""
    _turns: WeakValueDictionary[tuple[UUID, str], asyncio.Lock] = field(
        default_factory=WeakValueDictionary
    )

    async def send(self, api: BotApi, channel: Channel, part: WirePart) -> Outcome:
        """Send a part that carries files."""
        wanted = attached(part)
        outcome = await self._by_ids(api, channel, part, wanted)
        if outcome is not None:
            return outcome
        first = min(part.uploads.values())
        turn = self._turns.setdefault((channel.id, first), asyncio.Lock())
        async with turn:
            outcome = await self._by_ids(api, channel, part, wanted)  # another was quicker
            if outcome is None:
                outcome = await self._upload(api, channel, part, wanted)
            return outcome

    async def _by_ids(
        self, api: BotApi, channel: Channel, part: WirePart, wanted: Mapping[str, str]
    ) -> Outcome | None:
        """Send by the ids that are known; None where one is not, or is good no more."""
        paths = sorted(set(part.uploads.values()))
        async with self.db.engine([channel.outlet_id]) as work:
            known = await store.known_files(work, channel, paths)
        ids: dict[str, str] = {}
        documents: set[str] = set()
        for name, path in part.uploads.items():
            as_document = known.get((path, DOCUMENT))
            ident = known.get((path, wanted[name])) or as_document
            if ident is None:
                return None
            ids[name] = ident
            if (path, wanted[name]) not in known:
                documents.add(name)
        outcome = await api.send(channel, fill(part, ids, documents))
        if isinstance(outcome, Permanent) and any(s in outcome.reason.lower() for s in STALE):
            async with self.db.engine([channel.outlet_id]) as work:
                await store.forget_files(work, channel, paths)
            return None
        return outcome

    async def _upload(
        self, api: BotApi, channel: Channel, part: WirePart, wanted: Mapping[str, str]
    ) -> Outcome:
        files: dict[str, Upload] = {}
        links: dict[str, str] = {}
        for name, path in part.uploads.items():
            file = await self.load(path)
            if file is not None:
                files[name] = file
            elif self.address.startswith("https://") and path.startswith("/"):
                links[name] = f"{self.address}{path}"
            else:
                return Permanent(f"the file {path.rpartition('/')[2]} is gone")
        try:
            beyond = {n for n, f in files.items() if as_document(wanted[n], f.content)}
            documents = beyond if "media" not in part.params else set()
        except TooLarge as no:
            return Permanent(str(no))
        filled = fill(part, links, documents)
        renamed = {_named(n, documents): file for n, file in files.items()}
        outcome, result = await api.upload(channel, filled, renamed)
        if isinstance(outcome, Accepted):
            kinds = {n: DOCUMENT if n in documents else wanted[n] for n in part.uploads}
            ids = _ids(result, part, kinds)
            if ids:
                async with self.db.engine([channel.outlet_id]) as work:
                    await store.keep_files(work, channel, ids)
        return outcome


def attached(part: WirePart) -> dict[str, str]:
    """Return what each file of a part is shown as, by its name there."""
    album = part.params.get("media", ())
    if album:
        return {item["media"].removeprefix(ATTACHED): item["type"] for item in album}
    return {name: part.method.removeprefix("send").lower() for name in part.uploads}


def fill(part: WirePart, values: Mapping[str, str], documents: set[str]) -> WirePart:
    """Return the part with ``values`` in place of files that need no upload.

    ``documents`` are photos that Telegram takes as documents only.
    """
    params = dict(part.params)
    if "media" in params:
        params["media"] = [_put(item, "media", values) for item in params["media"]]
        return WirePart(part.method, params)
    (name,) = part.uploads
    params = _put(params, name, values)
    if name in documents:
        params[DOCUMENT] = params.pop(name).replace(f"{ATTACHED}{name}", f"{ATTACHED}{DOCUMENT}")
        return WirePart("sendDocument", params)
    return WirePart(part.method, params)


def _named(name: str, documents: set[str]) -> str:
    return DOCUMENT if name in documents else name


def _put(holder: Mapping[str, Any], key: str, values: Mapping[str, str]) -> dict[str, Any]:
    name = holder[key].removeprefix(ATTACHED)
    return {**holder, key: values.get(name, holder[key])}


def as_document(shown_as: str, content: bytes) -> bool:
    """Return whether a picture passes a photo's limits; raises ``TooLarge`` past a document's."""
    if len(content) > FILE_BYTES_MAX:
        raise TooLarge(f"the file has more than {FILE_BYTES_MAX:,} bytes")
    if shown_as != PHOTO:
        return False
    size = dimensions(content)
    if len(content) > PHOTO_BYTES_MAX or size is None or 0 in size:
        return True
    return sum(size) > PHOTO_SIDES_MAX or max(size) > PHOTO_RATIO_MAX * min(size)


def dimensions(content: bytes) -> tuple[int, int] | None:
    """Return the width and height that a PNG or JPEG claims; None where it is neither."""
    if content.startswith(PNG) and content[12:16] == b"IHDR":
        return int.from_bytes(content[16:20], "big"), int.from_bytes(content[20:24], "big")
    at = len(JPEG) if content.startswith(JPEG) else len(content)
    while at + 9 <= len(content) and content[at] == 0xFF:  # noqa: PLR2004 - a marker begins so
        marker, length = content[at + 1], int.from_bytes(content[at + 2 : at + 4], "big")
        # A frame's header (ITU-T T.81, B.2.2); C4, C8 and CC are no frames.
        if 0xC0 <= marker <= 0xCF and marker not in {0xC4, 0xC8, 0xCC}:  # noqa: PLR2004
            height, width = content[at + 5 : at + 7], content[at + 7 : at + 9]
            return int.from_bytes(width, "big"), int.from_bytes(height, "big")
        at += 2 + length
    return None


def _ids(result: Any, part: WirePart, kinds: Mapping[str, str]) -> dict[tuple[str, str], str]:
    """Return the ids that Telegram gave to the files of a message, or of an album's messages."""
    messages = result if isinstance(result, list) else [result]
    ids = {}
    for (name, path), message in zip(part.uploads.items(), messages, strict=False):
        shown = message.get(kinds[name]) if isinstance(message, dict) else None
        if isinstance(shown, list):  # a photo, in several sizes: the last is the largest
            shown = shown[-1] if shown else None
        if isinstance(shown, dict) and isinstance(shown.get("file_id"), str):
            ids[path, kinds[name]] = shown["file_id"]
    return ids
