"""What all stand-ins have in common: a server on loopback, faults on demand, a record of calls, and
requests of their own to the bot's webhook.

A stand-in gives its routes and names for each call a method and a person; this module does not know
any messenger. A fault meets the first call that fits it, once.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Coroutine, Iterable
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import urlsplit, urlunsplit

import aiohttp
from aiohttp import web

from chatworks.kit.clock import Clock, SystemClock

HANG_SECONDS = 3600
ANSWER_SECONDS = 15
BODY_BYTES_MAX = 110_000_000  # a document of 100 MB and its form


@dataclass(frozen=True, slots=True)
class Call:
    """One call that came in. ``done`` is whether it took effect; ``message_id`` is the vendor's id
    of what it made, a number in the Bot API and a text elsewhere.
    """

    method: str
    params: dict[str, Any]
    at: float
    done: bool
    message_id: Any = 0


@dataclass(slots=True)
class Fault:
    """What the next matching call meets. ``kind``: 429, 500, 401, close, hang, after (done, then
    hang up), blocked (until it is taken out of ``faults``).
    """

    kind: str
    method: str = ""
    chat: int | str = 0
    retry_after: int = 1


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of one request to the webhook. ``status`` is 0 where nobody could be asked, and
    -1 where the answer was late or cut; ``body`` says then what happened.
    """

    status: int
    body: str = ""
    attempts: int = 1


@dataclass
class Bucket:
    """A rate: ``burst`` calls at once, then ``per_second``."""

    per_second: float
    burst: float
    left: float = -1
    at: float = 0

    def take(self, now: float) -> bool:
        """Return whether one more call is within the rate, and count it if so."""
        filled = self.left + (now - self.at) * self.per_second if self.left >= 0 else self.burst
        self.left, self.at = min(filled, self.burst), now
        if self.left < 1:
            return False
        self.left -= 1
        return True


@dataclass(kw_only=True)
class StandIn:
    """A server on loopback. ``base`` is its address once it is started."""

    clock: Clock = field(default_factory=SystemClock)
    calls: list[Call] = field(default_factory=list)
    faults: deque[Fault] = field(default_factory=deque)
    reach: str = ""
    base: str = ""
    other_base: str = ""  # a second address, for files that the vendor keeps on another host
    _runner: web.AppRunner | None = None
    _client: aiohttp.ClientSession | None = None
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def routes(self) -> Iterable[web.RouteDef]:
        """Return what the server answers."""
        raise NotImplementedError

    async def start(self, port: int = 0) -> None:
        """Listen on loopback; 0 picks a free port."""
        app = web.Application(client_max_size=BODY_BYTES_MAX)
        app.router.add_routes(self.routes())
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        for at in (port, 0):
            await web.TCPSite(self._runner, "127.0.0.1", at).start()
        self.base, self.other_base = (
            f"http://{host}:{at}" for host, at, *_ in self._runner.addresses
        )
        self._client = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())

    async def stop(self) -> None:
        """Stop listening and sending."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._client is not None:
            await self._client.close()
        if self._runner is not None:
            await self._runner.cleanup()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    # -- what was taken ----------------------------------------------------------------------

    def is_sent(self, call: Call, person: Any) -> bool:
        """Return whether ``call`` sent something to ``person`` (to anybody, where it is None)."""
        raise NotImplementedError

    def sent(self, person: Any = None) -> list[Call]:
        """Return the messages that took effect, to one person or all."""
        return [call for call in self.calls if call.done and self.is_sent(call, person)]

    def done(self, method: str) -> list[Call]:
        """Return the calls of a method that took effect."""
        return [call for call in self.calls if call.done and call.method == method]

    async def wait_for(self, person: Any, count: int, seconds: float = 10) -> list[Call]:
        """Return the messages to a person once there are ``count`` of them."""
        async with asyncio.timeout(seconds):
            while len(self.sent(person)) < count:  # noqa: ASYNC110 - a test looks
                await asyncio.sleep(0.005)
        return self.sent(person)

    def record(self, method: str, params: dict[str, Any], *, done: bool, made: Any = 0) -> None:
        """Write a call down."""
        at = asyncio.get_running_loop().time()
        self.calls.append(Call(method, params, at, done, made))

    # -- faults ------------------------------------------------------------------------------

    def fail_next(
        self,
        kind: str,
        method: str = "",
        person: int | str = 0,
        *,
        times: int = 1,
        retry_after: int = 1,
    ) -> None:
        """Let the next calls (of a method, to a person) fail; see ``Fault`` for the kinds."""
        self.faults.extend(Fault(kind, method, person, retry_after) for _ in range(times))

    def take_fault(self, method: str, person: Any, unless: str = "") -> Fault | None:
        """Return the fault that this call meets; one without a method spares ``unless``."""
        for fault in self.faults:
            named = fault.method == method or (not fault.method and method != unless)
            if named and fault.chat in {0, "", person}:
                if fault.kind != "blocked":
                    self.faults.remove(fault)
                return fault
        return None

    async def break_off(self, request: web.Request, kind: str) -> web.StreamResponse:
        """Hang, or close in the middle of an answer."""
        if kind == "hang":
            await asyncio.sleep(HANG_SECONDS)
        response = web.StreamResponse(headers={"content-length": "100"})
        await response.prepare(request)
        await response.write(b'{"ok"')
        if request.transport is not None:
            request.transport.close()
        return response

    # -- requests of its own -----------------------------------------------------------------

    async def request(
        self,
        url: str,
        body: bytes = b"",
        headers: dict[str, str] | None = None,
        *,
        method: str = "POST",
        timeout: aiohttp.ClientTimeout | None = None,  # noqa: ASYNC109 - the vendor's own
    ) -> Delivery:
        """Send one request to the bot; no outcome raises."""
        if self._client is None:
            raise RuntimeError("the stand-in is not started")
        if not url:
            return Delivery(0, "no webhook")
        try:
            async with self._client.request(
                method,
                self.reached(url),
                data=body or None,
                headers=headers,
                timeout=timeout or aiohttp.ClientTimeout(total=ANSWER_SECONDS),
                allow_redirects=False,
            ) as answer:
                return Delivery(answer.status, await answer.text(errors="replace"))
        except aiohttp.ClientConnectorError:
            return Delivery(0, "no connection")
        except (aiohttp.ClientError, TimeoutError) as error:
            return Delivery(-1, type(error).__name__)

    def reached(self, url: str) -> str:
        """Return an address at the host where it really listens, without its fragment."""
        parts, reach = urlsplit(url), urlsplit(self.reach)
        if self.reach:
            parts = parts._replace(scheme=reach.scheme, netloc=reach.netloc)
        return urlunsplit(parts._replace(fragment=""))

    def later(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something beside the answer; ``settled`` waits for it."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def settled(self) -> None:
        """Wait until everything that the stand-in does on its own is done."""
        while self._tasks:
            await asyncio.gather(*self._tasks)
