"""What the stand-ins of REST interfaces have in common: a route that is authenticated, may meet a
fault, is refused by code, and is recorded.

A handler gets what was ``Asked`` and raises ``Refusal``; how a refusal looks is the vendor's.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from aiohttp import web

from chatworks.testing.server import StandIn


@dataclass
class Asked:
    """A request as a handler sees it; ``made`` is the id of what it makes, and ``lost`` says that
    it takes no effect although it is answered well.
    """

    request: web.Request
    name: str
    params: dict[str, Any]
    made: str = ""
    lost: bool = False


class Refusal(Exception):
    """A request is refused with the vendor's code; ``status`` is HTTP's, 0 for the code's own."""

    def __init__(self, code: int, detail: str = "", status: int = 0) -> None:
        super().__init__(code, detail, status)
        self.code, self.detail, self.status = code, detail, status


Handler = Callable[[Asked], Awaitable[web.StreamResponse]]


@dataclass(kw_only=True)
class RestStandIn(StandIn):
    """A stand-in whose calls have paths of their own."""

    faults_refuse: ClassVar[Mapping[str, Refusal]] = {}  # by a fault's kind

    async def params_of(self, request: web.Request) -> dict[str, Any]:
        """Return a request's parameters."""
        raise NotImplementedError

    def called(self, name: str, params: dict[str, Any]) -> tuple[str, Any]:
        """Return a call's name and the person it is for."""
        raise NotImplementedError

    def authenticate(self, request: web.Request) -> None:
        """Raise ``Refusal`` for whoever brings no right token."""
        raise NotImplementedError

    def refusal(self, refusal: Refusal) -> web.Response:
        """Return a refusal in the vendor's words."""
        raise NotImplementedError

    def route(self, method: str, path: str, name: str, handler: Handler) -> web.RouteDef:
        """Return a route of the server."""

        async def serve(request: web.Request) -> web.StreamResponse:
            params = await self.params_of(request)
            call, person = self.called(name, params)
            asked = Asked(request, call, params)
            fault = self.take_fault(call, person)
            if fault is not None and fault.kind != "after":
                self.record(call, params, done=False)
                if fault.kind not in self.faults_refuse:
                    return await self.break_off(request, fault.kind)
                answer = self.refusal(self.faults_refuse[fault.kind])
                if fault.kind == "429":
                    answer.headers["Retry-After"] = str(fault.retry_after)
                return answer
            try:
                self.authenticate(request)
                done = await handler(asked)
            except Refusal as refusal:
                self.record(call, params, done=False)
                return self.refusal(refusal)
            self.record(call, params, done=not asked.lost, made=asked.made)
            return done if fault is None else await self.break_off(request, "close")

        return web.route(method, path, serve)
