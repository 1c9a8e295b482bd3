"""The API's doors: one operation for each request that programs may give, and its description.

An operation finds out who calls, whether their key names it, reads the body strictly, and gives the
request in a transaction of the web login, which sees the key's outlet alone; only what is marked
``engine`` runs under the engine's. What is refused is answered as problem details.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import Any

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.exceptions import HTTPException
from litestar.params import FromPath

from chatworks.api import core
from chatworks.api.models import Caller, Fault, NotInScope, NotJson, NotKnown, Problem, TooLarge
from chatworks.api.openapi import PROBLEMS, document
from chatworks.api.strict import read
from chatworks.commands.dispatch import Dispatcher
from chatworks.commands.models import Call, Command, Registration
from chatworks.identity.store import may_try
from chatworks.kit.db import Database
from chatworks.kit.errors import Invalid, NotFound, Refusal, TooMany
from chatworks.kit.work import Work
from chatworks.web.server import BODY_BYTES_MAX

BEARER = "bearer "
IDEMPOTENCY_KEY = "idempotency-key"
IDEMPOTENCY_KEY_LENGTH_MAX = 128
PRINTABLE = re.compile(rf"[!-~]{{0,{IDEMPOTENCY_KEY_LENGTH_MAX}}}")
BURST_SECONDS = 10  # so long a program may be as fast as it can, after a rest
STRANGERS_SLOWER = 60  # tries without a good key, of one address, against a key's requests
JSON = "application/json"
PROBLEM_JSON = "application/problem+json"
NOT_KEPT = {"cache-control": "no-store"}
TOO_LARGE = 413

Asked = Request[Any, Any, Any]
Finder = Callable[[Work, str, Dispatcher], Awaitable[Caller | None]]


@dataclass(frozen=True, slots=True)
class Gate:
    """What the API needs. ``per_second`` is how many requests a key may make; ``finders`` look for
    whose a secret is, each for its own kind of secret.
    """

    db: Database
    dispatcher: Dispatcher
    address: str
    per_second: int
    finders: Sequence[Finder]

    async def caller(self, request: Asked) -> Caller:
        """Return who calls, or raise ``NotKnown`` or ``TooMany``."""
        header = request.headers.get("authorization", "")
        presented = header[len(BEARER) :] if header.lower().startswith(BEARER) else ""
        async with self.db.engine() as work:
            caller = None
            for find in self.finders:
                caller = caller or await find(work, presented, self.dispatcher)
            allowed = await self._may_go_on(work, request, caller)
        if not allowed:
            raise TooMany("requests of this key" if caller else "tries without a good key", 1)
        if caller is None:
            raise NotKnown(presented=bool(header))
        return caller

    async def _may_go_on(self, work: Work, request: Asked, caller: Caller | None) -> bool:
        if caller is not None:
            pause = timedelta(seconds=1 / self.per_second)
            burst = BURST_SECONDS * self.per_second
            return await may_try(work, f"api-key:{caller.actor.id}", pause, burst)
        host = request.client.host if request.client else ""
        pause = timedelta(seconds=STRANGERS_SLOWER / self.per_second)
        return await may_try(work, f"api-address:{host}", pause, self.per_second)

    async def give(self, caller: Caller, registration: Registration, asked: Any, key: str) -> Any:
        """Give a request and return its result; raises its refusal. ``key`` makes repeats safe."""
        call: Call[Any] = Call(caller.outlet_id, caller.actor, asked)
        # Everybody's idempotency keys are their own: what a program chose hits no other's.
        kept = f"{caller.actor.id}:{key}" if key else None
        outlet = caller.outlet_id
        login = self.db.engine([outlet]) if registration.engine else self.db.web(outlet)
        async with login as work:
            return await self.dispatcher.one(work, call, kept)


def routes(gate: Gate) -> list[Any]:
    """Return the handlers of the API."""
    offered = gate.dispatcher.offered()
    described = msgspec.json.encode(document(offered, gate.address))

    @get("/openapi.json", needs="public")
    async def openapi() -> Response[bytes]:
        """Describe the API: OpenAPI 3.1."""
        return Response(described, media_type=JSON)

    @get(f"{PROBLEMS}/{{code:str}}", needs="public")
    async def problem(code: FromPath[str]) -> Response[bytes]:
        """Say what a refusal means."""
        if code not in Refusal.known:
            raise NotFound("there is no such refusal")
        meaning = {"code": code, "meaning": Refusal.known[code].__doc__}
        return Response(msgspec.json.encode(meaning), media_type=JSON)

    operations = [_operation(gate, registration) for registration in offered]
    handlers: dict[Any, Any] = {Refusal: _refusals(gate.address), Invalid: _invalid}
    guarded = Router("/", route_handlers=operations, exception_handlers=handlers)
    return [Router("/api", route_handlers=[openapi, problem]), guarded]


def _operation(gate: Gate, registration: Registration) -> Any:
    name = registration.request.request_name
    changes = issubclass(registration.request, Command)

    @post(core.address(name), name=name, status_code=200, needs="key")
    async def give(request: Asked) -> Response[bytes]:
        """Give one request for whoever calls."""
        caller = await gate.caller(request)
        if name not in caller.actor.cap:
            raise NotInScope(name)
        key = _idempotency_key(request) if changes else ""
        asked = read(registration.request, await _body(request))
        result = await gate.give(caller, registration, asked, key)
        return Response(msgspec.json.encode(result), media_type=JSON, headers=NOT_KEPT)

    return give


async def _body(request: Asked) -> bytes:
    try:
        body = await request.body()
    except HTTPException as error:
        if error.status_code == TOO_LARGE:
            raise TooLarge(f"the body has more than {BODY_BYTES_MAX} bytes") from None
        raise
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if body and kind != JSON:
        raise NotJson(f"the body must be {JSON}, not {kind or 'of an unknown type'}")
    return body


def _idempotency_key(request: Asked) -> str:
    key = request.headers.get(IDEMPOTENCY_KEY, "")
    if not PRINTABLE.fullmatch(key):
        problem = f"must be 1 to {IDEMPOTENCY_KEY_LENGTH_MAX} printable characters of ASCII"
        raise Invalid("Idempotency-Key", problem)
    return key


def _refusals(address: str) -> Any:
    """Return what answers a refusal of the business: its kind, and what it says beside."""

    def refused(_request: Asked, no: Refusal) -> Response[bytes]:
        arguments = [arg if isinstance(arg, str | int | float) else None for arg in no.args]
        return _answer(
            Problem(
                type=f"{address}/api{PROBLEMS}/{no.code}",
                title=HTTPStatus(no.status).phrase,
                status=no.status,
                detail=(type(no).__doc__ or "").strip(),
                code=no.code,
                arguments=arguments,
            )
        )

    return refused


def _invalid(_request: Asked, error: Invalid) -> Response[bytes]:
    return _answer(
        Problem(
            type="about:blank",
            title=HTTPStatus(error.status).phrase,
            status=error.status,
            detail=str(error),
            errors=[Fault(error.field, error.problem)],
        )
    )


def _answer(problem: Problem) -> Response[bytes]:
    body = msgspec.json.encode(problem)
    return Response(body, status_code=problem.status, media_type=PROBLEM_JSON, headers=NOT_KEPT)
