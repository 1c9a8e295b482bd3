"""Outgoing HTTP: the one client of the product, JSON in and JSON out, and files in.

It tells apart what the caller must tell apart: nothing left (``NotSent``), the bytes left and no
whole answer came (``Unanswered``), and an answer with its status.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import aiohttp
import msgspec

CONNECTIONS_MAX = 128
REDIRECTS_MAX = 3
PIECE_BYTES = 65_536
CONNECT_SECONDS_MAX = 5.0
ANSWER_BYTES_MAX = 5_000_000


class NotSent(Exception):
    """The request did not leave: trying again is safe."""


class Unanswered(Exception):
    """The request left and its answer did not come whole: it may have been carried out."""


class TooLong(Exception):
    """A file is longer than what was asked for: the rest of it was not read."""


@dataclass(frozen=True, slots=True)
class Download:
    """A status and a file (cut short unless the status is 200), with the type that it claims."""

    status: int
    content: bytes
    media_type: str


@dataclass(frozen=True, slots=True)
class Answer:
    """A status and a JSON object (empty where the body was none)."""

    status: int
    body: dict[str, Any]


class HttpClient:
    """One pool of connections. ``open`` in a running loop, ``close`` at the end."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        """Make the pool."""
        connector = aiohttp.TCPConnector(limit=CONNECTIONS_MAX)
        self._session = aiohttp.ClientSession(connector=connector, trust_env=True)

    async def close(self) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()

    async def post(self, url: str, body: dict[str, Any], seconds: float) -> Answer:
        """Post ``body``; raises ``NotSent`` or ``Unanswered``. Errors never show the address."""
        if self._session is None:
            raise RuntimeError("the HTTP client is not open")
        timeout = aiohttp.ClientTimeout(total=seconds, sock_connect=CONNECT_SECONDS_MAX)
        data = msgspec.json.encode(body)
        headers = {"content-type": "application/json"}
        try:
            async with self._session.post(
                url, data=data, headers=headers, timeout=timeout, allow_redirects=False
            ) as response:
                if (response.content_length or 0) > ANSWER_BYTES_MAX:
                    raise Unanswered("the answer is too long")
                return Answer(response.status, _object(await response.read()))
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError):
            raise NotSent("no connection") from None
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Unanswered(type(error).__name__) from None

    async def get(
        self, url: str, seconds: float, most_bytes: int, headers: Mapping[str, str] | None = None
    ) -> Download:
        """Get a file of at most ``most_bytes``; raises ``NotSent``, ``Unanswered`` or ``TooLong``.

        Redirects are followed a few times; an ``authorization`` header does not follow to another
        origin. Errors never show the address.
        """
        if self._session is None:
            raise RuntimeError("the HTTP client is not open")
        timeout = aiohttp.ClientTimeout(total=seconds, sock_connect=CONNECT_SECONDS_MAX)
        try:
            async with self._session.get(
                url, headers=headers, timeout=timeout, max_redirects=REDIRECTS_MAX
            ) as response:
                if response.status == HTTPStatus.OK:
                    content = await _read(response, most_bytes)
                else:
                    content = await response.content.read(PIECE_BYTES)
                return Download(response.status, content, response.content_type)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError):
            raise NotSent("no connection") from None
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Unanswered(type(error).__name__) from None


async def _read(response: aiohttp.ClientResponse, most_bytes: int) -> bytes:
    """Return a body, counted while it comes: its announced length may be missing or a lie."""
    if (response.content_length or 0) > most_bytes:
        raise TooLong
    content = bytearray()
    async for piece in response.content.iter_chunked(PIECE_BYTES):
        content += piece
        if len(content) > most_bytes:
            raise TooLong
    return bytes(content)


def _object(raw: bytes) -> dict[str, Any]:
    try:
        body = msgspec.json.decode(raw)
    except msgspec.DecodeError:
        return {}
    return body if isinstance(body, dict) else {}
