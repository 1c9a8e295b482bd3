"""The door: plain ASGI, one path for each channel, nothing stored that is not ours and whole.

``POST /in/<kind>/<channel path>``, and ``GET`` where a vendor proves an address so. The path names
the channel before anything is parsed; the body is read up to a limit, verified as raw bytes in
constant time, split into its events, checked, and committed before the answer. Whatever is refused
is answered as problem details (RFC 9457) with the reason, and leaves no trace in the log.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from functools import lru_cache
from typing import Any

import msgspec
import psycopg
from prometheus_client import Counter

from chatworks.channels.models import (
    Arrival,
    Channel,
    ChannelKind,
    DoorAnswer,
    RawRequest,
    Rejected,
)
from chatworks.inbox.committer import Committer, Overloaded
from chatworks.inbox.models import (
    BODY_BYTES_MAX,
    EVENTS_PER_REQUEST_MAX,
    ID_BYTES_MAX,
    NewEvent,
)
from chatworks.kit.clock import Clock
from chatworks.kit.digits import natural
from chatworks.web.security import BARE_HEADERS

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Resolve = Callable[[str, str], Awaitable[Channel | None]]

PATH = re.compile(rb"/in/([a-z_]{2,20})/([A-Za-z0-9_-]{8,64})")
KEPT_HEADERS = ("content-type", "user-agent")  # an allow-list: no address, no secret
# A guard against floods, not against work, of one channel in one process.
RATE_PER_SECOND, RATE_BURST = 20_000.0, 40_000.0
RETRY_AFTER_SECONDS = 1

accepted_total = Counter("chatworks_inbox_accepted_total", "Events accepted at the door", ["kind"])
rejected_total = Counter("chatworks_inbox_rejected_total", "Requests refused", ["status"])


class Door:
    """The ASGI application behind ``/in``."""

    def __init__(
        self,
        kinds: Mapping[str, ChannelKind],
        resolve: Resolve,
        committer: Committer,
        clock: Clock,
    ) -> None:
        self._kinds = kinds
        self._resolve = resolve
        self._committer = committer
        self._clock = clock
        self._buckets: dict[str, tuple[float, float]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take one request."""
        try:
            answer = await self._take(scope, receive)
        except Rejected as no:
            rejected_total.labels(str(no.http_status)).inc()
            await _refuse(send, no.http_status, no.reason)
        except (Overloaded, psycopg.OperationalError):
            rejected_total.labels("503").inc()
            await _refuse(send, 503, "the event inbox cannot store now; please retry")
        except (psycopg.Error, UnicodeError, OverflowError):
            rejected_total.labels("400").inc()
            await _refuse(send, 400, "the event holds a value that cannot be stored")
        else:
            await send(_start(answer))
            await send({"type": "http.response.body", "body": answer.body})

    async def _take(self, scope: Scope, receive: Receive) -> DoorAnswer:
        channel = await self._channel(scope)
        kind = self._kinds[channel.kind]
        if scope["method"] == "GET" and kind.greet is not None:
            return kind.greet(RawRequest({}, b"", "GET", _target(scope)), channel)
        if scope["method"] != "POST":
            raise Rejected(405, "only POST is taken here")
        self._limit(channel)
        headers = {
            name.decode("latin-1").lower(): value.decode("latin-1")
            for name, value in scope["headers"]
        }
        body = await _read(headers, receive)
        request = RawRequest(headers, body, scope["method"], _target(scope))
        kind.verify(request, channel)
        arrivals = self._split(kind, request, channel)
        kept = {name: headers[name][:ID_BYTES_MAX] for name in KEPT_HEADERS if name in headers}
        shown = msgspec.json.encode(kept).decode()
        events = [NewEvent(channel.outlet_id, channel.id, a, shown) for a in arrivals]
        await self._committer.accept(events)
        accepted_total.labels(channel.kind).inc(len(events))
        return kind.answer

    async def _channel(self, scope: Scope) -> Channel:
        # raw_path: the decoded path has its slashes collapsed and its escapes undone.
        match = PATH.fullmatch(scope["raw_path"].partition(b"?")[0])
        if match is not None:
            kind, path = match[1].decode(), match[2].decode()
            if kind in self._kinds:
                channel = await self._resolve(kind, path)
                if channel is not None:
                    return channel
        raise Rejected(404, "there is no such channel")

    def _limit(self, channel: Channel) -> None:
        now = self._clock.monotonic()
        tokens, at = self._buckets.get(channel.path, (RATE_BURST, now))
        tokens = min(RATE_BURST, tokens + (now - at) * RATE_PER_SECOND)
        if tokens < 1:
            raise Rejected(429, f"more than {RATE_PER_SECOND:.0f} events a second")
        self._buckets[channel.path] = (tokens - 1, now)

    def _split(self, kind: ChannelKind, request: RawRequest, channel: Channel) -> Sequence[Arrival]:
        try:
            arrivals = kind.split(request, channel, self._clock.now())
        except Rejected:
            raise
        except Exception as error:
            raise Rejected(400, f"the body cannot be read: {type(error).__name__}") from error
        if len(arrivals) > EVENTS_PER_REQUEST_MAX:
            raise Rejected(413, f"more than {EVENTS_PER_REQUEST_MAX} events in one request")
        for arrival in arrivals:
            check(arrival)
        return arrivals


def check(arrival: Arrival) -> None:
    """Refuse ids that the database would refuse, or that nobody sends in earnest."""
    for name, value in (("event id", arrival.event_id), ("thread", arrival.thread)):
        try:
            size = len(value.encode())
        except UnicodeEncodeError:
            raise Rejected(400, f"the {name} holds a lone surrogate") from None
        if not 0 < size <= ID_BYTES_MAX:
            raise Rejected(400, f"the {name} must have 1 to {ID_BYTES_MAX} bytes")
        if "\x00" in value:
            raise Rejected(400, f"the {name} holds a NUL")
    if not -(2**63) <= arrival.rank < 2**63:
        raise Rejected(400, "the event's number is out of range")


async def _read(headers: Mapping[str, str], receive: Receive) -> bytes:
    """Return the body; refuses it as soon as it is known to be too long."""
    announced = natural(headers.get("content-length", "0"))
    if announced is None or announced > BODY_BYTES_MAX:
        raise Rejected(413, f"the body is longer than {BODY_BYTES_MAX} bytes")
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Rejected(400, "the connection closed before the body ended")
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > BODY_BYTES_MAX:
            raise Rejected(413, f"the body is longer than {BODY_BYTES_MAX} bytes")
        chunks.append(chunk)
        if not message.get("more_body"):
            return b"".join(chunks)


def _target(scope: Scope) -> str:
    """Return the raw path with its query, as the vendor asked for it."""
    query = scope.get("query_string", b"")
    path: bytes = scope["raw_path"].partition(b"?")[0]
    return (path + b"?" + query if query else path).decode("latin-1")


@lru_cache(maxsize=64)
def _start(answer: DoorAnswer) -> dict[str, Any]:
    headers = [
        (b"content-type", answer.media_type.encode()),
        (b"content-length", str(len(answer.body)).encode()),
        *BARE_HEADERS,
    ]
    return {"type": "http.response.start", "status": 200, "headers": headers}


async def _refuse(send: Send, status: int, reason: str) -> None:
    body = msgspec.json.encode({"type": "about:blank", "status": status, "title": reason})
    headers = [
        (b"content-type", b"application/problem+json"),
        (b"content-length", str(len(body)).encode()),
        *BARE_HEADERS,
    ]
    if status in {429, 503}:
        headers.append((b"retry-after", str(RETRY_AFTER_SECONDS).encode()))
    if status == 405:  # noqa: PLR2004 - RFC 9110 §15.5.6
        headers.append((b"allow", b"POST"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
