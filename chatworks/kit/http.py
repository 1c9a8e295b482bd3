"""Outgoing HTTP: the one client of the product. JSON or a form out, JSON back; files both ways.

It tells apart what the caller must tell apart: nothing left (``NotSent``), the bytes left and no
whole answer came (``Unanswered``), and an answer with its status.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode
from urllib.request import getproxies_environment

import aiohttp
import msgspec

CONNECTIONS_MAX = 256  # two channels at their most, beside each other
REDIRECTS_MAX = 3
PIECE_BYTES = 65_536
CONNECT_SECONDS_MAX = 5.0
ANSWER_BYTES_MAX = 5_000_000

Headers = Mapping[str, str]


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
class Upload:
    """A file to send."""

    content: bytes
    media_type: str
    name: str


@dataclass(frozen=True, slots=True)
class Answer:
    """A status and a JSON object (empty where the body was none). ``wait_seconds`` is what a
    ``retry-after`` asks for, 0 where there is none.
    """

    status: int
    body: dict[str, Any]
    wait_seconds: float = 0


class HttpClient:
    """One pool of connections. ``open`` in a running loop, ``close`` at the end."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        """Make the pool."""
        connector = aiohttp.TCPConnector(limit=CONNECTIONS_MAX)
        # aiohttp looks a proxy up in a thread, for every request: only where there may be one.
        proxied = bool(getproxies_environment())
        self._session = aiohttp.ClientSession(connector=connector, trust_env=proxied)

    async def close(self) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()

    async def post(
        self, url: str, body: Mapping[str, Any], seconds: float, headers: Headers | None = None
    ) -> Answer:
        """Post ``body`` as JSON; raises ``NotSent`` or ``Unanswered``. Errors never show the
        address.
        """
        data = msgspec.json.encode(body)
        told = {"content-type": "application/json", **(headers or {})}
        return await self._ask("POST", url, data, told, seconds)

    async def form(
        self,
        url: str,
        fields: Sequence[tuple[str, str]],
        seconds: float,
        headers: Headers | None = None,
    ) -> Answer:
        """Post ``fields`` url-encoded; a name may come more than once. Raises as ``post`` does."""
        told = {"content-type": "application/x-www-form-urlencoded", **(headers or {})}
        return await self._ask("POST", url, urlencode(fields).encode(), told, seconds)

    async def upload(
        self,
        url: str,
        body: Mapping[str, Any],
        files: Mapping[str, Upload],
        seconds: float,
        headers: Headers | None = None,
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
        return await self._ask("POST", url, form, headers or {}, seconds)

    async def read(self, url: str, seconds: float, headers: Headers | None = None) -> Answer:
        """Get a JSON object; raises as ``post`` does."""
        return await self._ask("GET", url, None, headers or {}, seconds)

    async def _ask(
        self,
        method: str,
        url: str,
        data: bytes | aiohttp.FormData | None,
        headers: Headers,
        seconds: float,
    ) -> Answer:
        if self._session is None:
            raise RuntimeError("the HTTP client is not open")
        timeout = aiohttp.ClientTimeout(total=seconds, sock_connect=CONNECT_SECONDS_MAX)
        try:
            async with self._session.request(
                method, url, data=data, headers=headers, timeout=timeout, allow_redirects=False
            ) as response:
                if (response.content_length or 0) > ANSWER_BYTES_MAX:
                    raise Unanswered("the answer is too long")
                wait = response.headers.get("retry-after", "")
                seconds = float(wait) if wait.isdecimal() else 0.0
                return Answer(response.status, _object(await response.read()), seconds)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError):
            raise NotSent("no connection") from None
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Unanswered(type(error).__name__) from None

    async def get(
        self, url: str, seconds: float, most_bytes: int, headers: Headers | None = None
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


def basic(user: str, password: str) -> dict[str, str]:
    """Return the header of basic authentication (RFC 7617)."""
    return {"authorization": aiohttp.encode_basic_auth(user, password)}


def bearer(token: str) -> dict[str, str]:
    """Return the header of a bearer token (RFC 6750)."""
    return {"authorization": f"Bearer {token}"}


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _object(raw: bytes) -> dict[str, Any]:
    try:
        body = msgspec.json.decode(raw)
    except msgspec.DecodeError:
        return {}
    return body if isinstance(body, dict) else {}
