"""Outgoing HTTP: the one client of the product, JSON in and JSON out.

It tells apart what the caller must tell apart: nothing left (``NotSent``), the bytes left and no
whole answer came (``Unanswered``), and an answer with its status.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import aiohttp
import msgspec

CONNECTIONS_MAX = 256
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


def _object(raw: bytes) -> dict[str, Any]:
    try:
        body = msgspec.json.decode(raw)
    except msgspec.DecodeError:
        return {}
    return body if isinstance(body, dict) else {}
