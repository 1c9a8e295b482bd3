"""The addresses of kept files, and reading an upload.

``GET /media/<id>/<key>`` gives a file to whoever has its whole address; a wrong key and a wrong id
are the same 404. Nothing that is served here can run in a browser: its type was found from its
bytes, only pictures are shown in place, and a policy of its own sandboxes what is opened directly.
A file never changes under its address, so it is cached for good; a person's only by their browser.
"""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, get
from litestar.params import FromPath
from litestar.response import Stream

from chatworks.kit.digits import natural
from chatworks.kit.errors import ChatWorksError
from chatworks.media import core
from chatworks.media.models import Kept, Origin, TooLarge
from chatworks.media.service import Shelf

POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'"
AGE_SECONDS = 31_536_000


class NoSuchRange(ChatWorksError):
    """The range begins behind the file's end."""

    status = 416

    def __init__(self, size: int) -> None:
        super().__init__("the range is outside the file")
        self.headers = {"content-range": f"bytes */{size}"}


def routes(shelf: Shelf) -> list[Any]:
    """Return the handler of kept files."""

    @get("/media/{media:str}/{key:str}", needs="visitor")
    async def file(
        media: FromPath[str], key: FromPath[str], request: Request[Any, Any, Any]
    ) -> Response[Any]:
        """Give a file, or the part of it that was asked for."""
        kept = await shelf.find(f"/media/{media}/{key}")
        headers = _headers(kept)
        if headers["etag"] in request.headers.get("if-none-match", ""):
            return Response(b"", status_code=304, headers=headers)
        first, end, status = 0, kept.size_bytes, 200
        part = _asked(request, kept, headers["etag"])
        if part is not None:
            (first, end), status = part, 206
            headers["content-range"] = f"bytes {first}-{end - 1}/{kept.size_bytes}"
        headers["content-length"] = str(end - first)
        pieces = shelf.pieces(kept, first, end)
        return Stream(pieces, media_type=kept.media_type, status_code=status, headers=headers)

    return [file]


def _headers(kept: Kept) -> dict[str, str]:
    reach = "public" if kept.origin is Origin.OUTLET else "private"
    return {
        "accept-ranges": "bytes",
        "cache-control": f"{reach}, max-age={AGE_SECONDS}, immutable",
        "content-disposition": core.disposition(kept.name, kept.media_type),
        "content-security-policy": POLICY,
        "cross-origin-resource-policy": "same-origin",
        "etag": f'"{kept.sha256.hex()[:32]}"',
        "x-robots-tag": "noindex",
    }


def _asked(request: Request[Any, Any, Any], kept: Kept, etag: str) -> tuple[int, int] | None:
    """Return the range that is asked for; None for the whole. ``NoSuchRange`` where it has none."""
    asked = core.read_range(request.headers.get("range", ""), kept.size_bytes)
    if asked is None or request.headers.get("if-range", etag) != etag:
        return None
    if asked[0] >= kept.size_bytes:
        raise NoSuchRange(kept.size_bytes)
    return asked


async def read_upload(request: Request[Any, Any, Any], most_bytes: int) -> bytes:
    """Return a request's body; ``TooLarge`` as soon as it announces or holds more.

    The handler must set ``request_max_body_size=None``: this is the limit.
    """
    announced = natural(request.headers.get("content-length", ""))
    if announced is not None and announced > most_bytes:
        raise TooLarge(most_bytes)
    content = bytearray()
    async for piece in request.stream():
        content += piece
        if len(content) > most_bytes:
            raise TooLarge(most_bytes)
    return bytes(content)
