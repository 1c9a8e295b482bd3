"""Outgoing HTTP: the one client of the product, JSON in and JSON out, and files out.

It tells apart what the caller must tell apart: nothing left (``NotSent``), the bytes left and no
whole answer came (``Unanswered``), and an answer with its status.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
import msgspec

CONNECTIONS_MAX = 128
CONNECT_SECONDS_MAX = 5.0
ANSWER_BYTES_MAX = 5_000_000


class NotSent(Exception):
    """The request did not leave: trying again is safe."""


class Unanswered(Exception):
    """The request left and its answer did not come whole: it may have been carried out."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A status and a JSON object (empty where the body was none)."""

    status: int
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Upload:
    """A file to send."""

    content: bytes
    media_type: str
    name: str


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
        data = msgspec.json.encode(body)
        return await self._post(url, data, {"content-type": "application/json"}, seconds)

    async def upload(
        self, url: str, body: Mapping[str, Any], files: Mapping[str, Upload], seconds: float
    ) -> Answer:
        """Post ``body`` and ``files`` as one form (RFC 7578): a value that is no text is JSON.

        Raises as ``post`` does.
        """
        form = aiohttp.FormData(quote_fields=False, default_to_multipart=True)  # names are UTF-8
        for name, value in body.items():
            form.add_field(name, value if isinstance(value, str) else _json(value))
        for name, file in files.items():
            called = "".join(sign for sign in file.name if sign.isprintable()) or name
            form.add_field(name, file.content, filename=called, content_type=file.media_type)
        return await self._post(url, form, {}, seconds)

    async def _post(
        self, url: str, data: bytes | aiohttp.FormData, headers: dict[str, str], seconds: float
    ) -> Answer:
        if self._session is None:
            raise RuntimeError("the HTTP client is not open")
        timeout = aiohttp.ClientTimeout(total=seconds, sock_connect=CONNECT_SECONDS_MAX)
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


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _object(raw: bytes) -> dict[str, Any]:
    try:
        body = msgspec.json.decode(raw)
    except msgspec.DecodeError:
        return {}
    return body if isinstance(body, dict) else {}
