"""Pure decisions: what a file is, its name, its address, and which bytes of it are asked for."""

from __future__ import annotations

import re
import unicodedata
from base64 import urlsafe_b64decode, urlsafe_b64encode
from urllib.parse import quote
from uuid import UUID

import filetype

from chatworks.media.models import (
    ATTEMPTS_MAX,
    NAME_LENGTH_MAX,
    TYPES,
    Arrived,
    Kept,
    NotTaken,
    State,
    kind_of,
)
from chatworks.sdk.messages import Media

KEY_BYTES = 16
ADDRESS = re.compile(r"/media/(?P<id>[0-9a-f]{32})/(?P<key>[A-Za-z0-9_-]{22})")
BACKOFF_SECONDS_MIN, BACKOFF_SECONDS_MAX = 2.0, 600.0
RANGE = re.compile(r"bytes=(\d{0,15})-(\d{0,15})")
ALIASES = {"image/apng": "image/png"}  # a PNG that moves: its first frame is kept
# What makes a browser take text for a page (WHATWG MIME Sniffing §7.1), or a machine for a program.
ACTIVE = re.compile(
    rb"\s*(?:<[!?]|#!|<(?:html|head|body|script|iframe|style|table|title|svg|math|h1|div|font|img"
    rb"|object|embed|form|meta|link|base|a|br|p|b)\b)",
    re.IGNORECASE,
)
MARKUP = re.compile(rb"<\s*(?:script|svg|iframe|html|object|embed)\b", re.IGNORECASE)
CONTROLS = frozenset(range(32)) - {9, 10, 12, 13} | {127}


def sniff(content: bytes) -> str:
    """Return the media type of ``content`` from its bytes alone; raises ``NotTaken``."""
    if not content:
        raise NotTaken("the file is empty")
    found = filetype.guess_mime(content)
    found = ALIASES.get(found, found) if found else _text_type(content)
    if found not in TYPES:
        raise NotTaken(f"files of the type {found} are not taken")
    return str(found)


def _text_type(content: bytes) -> str:
    """Tell plain text and vCards from markup, programs and what nobody knows."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise NotTaken("files of this type are not taken") from None
    if not CONTROLS.isdisjoint(content):
        raise NotTaken("files of this type are not taken")
    if ACTIVE.match(text.encode()) or MARKUP.search(content):
        raise NotTaken("web pages, drawings as markup, and scripts are not taken")
    return "text/vcard" if text.lstrip().upper().startswith("BEGIN:VCARD") else "text/plain"


def clean_name(name: str, media_type: str) -> str:
    """Return a file's name without folders, controls or tricks, ending as its type does."""
    last = re.split(r"[/\\]", name)[-1]
    kept = "".join(c for c in last if unicodedata.category(c)[0] not in "CZ" or c == " ")
    ending = TYPES[media_type]
    stem = (kept.rpartition(".")[0] or kept).strip(" .") or "file"
    return f"{stem[: NAME_LENGTH_MAX - len(ending) - 1]}.{ending}"


def disposition(name: str, media_type: str) -> str:
    """Return the Content-Disposition of a file (RFC 6266): pictures may be shown in a page."""
    how = "inline" if media_type.startswith("image/") else "attachment"
    plain = re.sub(r"[^ !#-\[\]-~]", "_", name)
    return f"{how}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def show_path(media_id: UUID, key: bytes) -> str:
    """Return the address of a kept file."""
    return f"/media/{media_id.hex}/{urlsafe_b64encode(key).decode().rstrip('=')}"


def read_path(path: str) -> tuple[UUID, bytes] | None:
    """Return the id and the key in an address; None where it is none of ours."""
    found = ADDRESS.fullmatch(path)
    if found is None:
        return None
    return UUID(hex=found["id"]), urlsafe_b64decode(found["key"] + "==")


def as_media(kept: Kept) -> Media:
    """Return a kept file as messages carry it."""
    return Media(
        kind=kind_of(kept.media_type),
        path=show_path(kept.id, kept.key),
        media_type=kept.media_type,
        size_bytes=kept.size_bytes,
        name=kept.name,
        alt=kept.alt,
    )


def arrived(state: State, kept: Kept | None, reason: str) -> Arrived:
    """Return what a page shows of a file that came in."""
    if kept is not None:
        return Arrived(State.HERE, as_media(kept), width=kept.width, height=kept.height)
    if state is State.HERE:  # it was kept once, and is no more
        return Arrived(State.FAILED, reason="it is no longer kept")
    return Arrived(State.FAILED if state is State.FAILED else State.WAITING, reason=reason)


def pause(attempts: int, jitter: float) -> float | None:
    """Return the seconds to wait after so many tries, or None to give up; ``jitter``: [0, 1)."""
    if attempts >= ATTEMPTS_MAX:
        return None
    longest = min(BACKOFF_SECONDS_MAX, BACKOFF_SECONDS_MIN * 5 ** (attempts - 1))
    return float(longest * (0.5 + jitter / 2))


def read_range(header: str, size: int) -> tuple[int, int] | None:
    """Return the first byte and the one after the last that a Range header asks for (RFC 9110 §14).

    None stands for the whole: no range, several, or one that cannot be read. A range that begins
    behind the end gives an empty one, ``(size, size)``: it cannot be satisfied.
    """
    found = RANGE.fullmatch(header.strip())
    if found is None or found[1] == found[2] == "":
        return None
    if not found[1]:  # the last so many
        return (max(0, size - int(found[2])), size) if int(found[2]) else (size, size)
    first, last = int(found[1]), int(found[2] or size - 1)
    if last < first and found[2]:
        return None
    return (size, size) if first >= size else (first, min(last + 1, size))
