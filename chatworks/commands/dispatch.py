"""Where commands are dispatched: the one place of permission, idempotency, audit and batching."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, TypeVar

import msgspec

from chatworks.access.core import may
from chatworks.audit import store as audit
from chatworks.audit.models import Leaf
from chatworks.commands import store
from chatworks.commands.models import (
    Actor,
    ActorKind,
    Call,
    KeyReused,
    NotAllowed,
    Proof,
    Registration,
    Request,
)
from chatworks.kit.errors import Invalid, Refusal
from chatworks.kit.work import Work

Result = TypeVar("Result")
KEY_LENGTH_MAX = 200
ACT_UNDER_A_ROLE = frozenset({ActorKind.OPERATOR, ActorKind.AGENT})
NO_PERSON = frozenset({ActorKind.SYSTEM, ActorKind.PLATFORM})  # without a role: our own machinery

Spend = Callable[[Work, Proof, bytes], Awaitable[bool]]
"""Spends a step-up on an operation (its SHA-256): true for exactly one caller, and within the
transaction of what it is spent on, so that what is refused costs no step-up."""


async def _nobody_proves(_work: Work, _proof: Proof, _operation: bytes) -> bool:
    return False


class Dispatcher:
    """Knows every request that the features registered."""

    def __init__(
        self, registrations: Iterable[Registration], spend: Spend = _nobody_proves
    ) -> None:
        self._spend = spend
        self._known: dict[type[Request[Any]], Registration] = {}
        for registration in registrations:
            if registration.request in self._known:
                raise ValueError(f"{registration.request.request_name} is registered twice")
            self._known[registration.request] = registration

    def names(self) -> frozenset[str]:
        """Return the names of everything that can be asked: manifests are checked against it."""
        return frozenset(request.request_name for request in self._known)

    def registrations(self) -> list[Registration]:
        """Return what every request declares, in the order of their names."""
        return sorted(self._known.values(), key=lambda known: known.request.request_name)

    def offered(self) -> list[Registration]:
        """Return what programs may give, in the order of their names: the API is made from it."""
        return [registration for registration in self.registrations() if registration.offered]

    def may(self, actor: Actor, request: type[Request[Any]]) -> bool:
        """Return whether ``actor`` may give this kind of request."""
        registration = self._known.get(request)
        if registration is None:
            raise LookupError(f"nobody handles {request.request_name}")
        return allowed(registration, actor)

    async def run(self, work: Work, calls: Sequence[Call[Any]]) -> list[Any]:
        """Answer every call with its result or a ``Refusal``, in order; one handler run per kind.

        Kinds run in the order of their names, so that concurrent batches lock alike.
        """
        answers: list[Any] = [None] * len(calls)
        groups: dict[type[Request[Any]], list[int]] = {}
        for index, call in enumerate(calls):
            if not self.may(call.actor, type(call.request)):
                answers[index] = NotAllowed(call.request.request_name)
            elif not await self._proved(work, call):
                answers[index] = self._known[type(call.request)].step_up(call)
            else:
                groups.setdefault(type(call.request), []).append(index)
        for kind in sorted(groups, key=lambda request: request.request_name):
            indexes = groups[kind]
            registration = self._known[kind]
            results = await registration.handler(work, [calls[i] for i in indexes])
            if len(results) != len(indexes):
                raise RuntimeError(
                    f"{kind.request_name} answered {len(results)} of {len(indexes)} calls"
                )
            for i, result in zip(indexes, results, strict=True):
                answers[i] = result
                self._trace(work, registration, calls[i], result)
        return answers

    async def one(self, work: Work, call: Call[Result], key: str | None = None) -> Result:
        """Answer one call; raises its ``Refusal``. With a ``key``, a repeat gets the first result.

        The caller's transaction must end with the exception, so that a refused key is not spent.
        """
        if key is None:
            return await self._one(work, call)
        if not 1 <= len(key) <= KEY_LENGTH_MAX:
            raise Invalid("Idempotency-Key", f"must have 1 to {KEY_LENGTH_MAX} characters")
        body = msgspec.json.encode([call.request.request_name, call.actor.id, call.request])
        request_hash = hashlib.sha256(body).digest()
        kept = await store.take_key(work, call.outlet_id, key, request_hash)
        if kept is not None:
            if kept.request_hash != request_hash or kept.result is None:
                raise KeyReused(key)
            result: Result = msgspec.json.decode(kept.result, type=call.request.result_type)
            return result
        result = await self._one(work, call)
        await store.keep_result(work, call.outlet_id, key, msgspec.json.encode(result).decode())
        return result

    async def _one(self, work: Work, call: Call[Result]) -> Result:
        answer = (await self.run(work, [call]))[0]
        if isinstance(answer, Refusal):
            raise answer.fresh()
        result: Result = answer
        return result

    def needs_proof(self, request: Request[Any]) -> bool:
        """Return whether a person who gives this shows a factor anew."""
        known = self._known.get(type(request))
        return known is not None and known.fresh

    def by_engine(self, request: Request[Any]) -> bool:
        """Return whether a page gives this under the engine's login.

        So does what touches tables outside of tenant policies, and what spends a step-up: those
        belong to accounts, which the web login does not see.
        """
        known = self._known.get(type(request))
        return known is not None and (known.engine or known.fresh)

    async def _proved(self, work: Work, call: Call[Any]) -> bool:
        if not self.needs_proof(call.request):
            return True
        if call.actor.kind in NO_PERSON and not call.actor.role:
            return True
        return call.proof is not None and await self._spend(work, call.proof, call.operation())

    def _trace(
        self, work: Work, registration: Registration, call: Call[Any], result: object
    ) -> None:
        if registration.trace is None or isinstance(result, Refusal):
            return
        trace = registration.trace(call, result)
        leaf = Leaf(
            outlet_id=call.outlet_id,
            actor_kind=call.actor.kind,
            actor_id=call.actor.id,
            action=call.request.request_name,
            object_kind=trace.object_kind,
            object_id=trace.object_id,
            details=trace.details,
        )
        work.defer(audit.append, leaf)


def allowed(registration: Registration, actor: Actor) -> bool:
    """Return whether an actor may give this kind of request.

    Who acts under a role of the outlet is judged by what the role holds; an agent besides may give
    nothing that its cap does not name.
    """
    if not actor.role and actor.kind not in ACT_UNDER_A_ROLE:
        return actor.kind in registration.allow
    name = registration.request.request_name
    if actor.kind is ActorKind.AGENT and name not in actor.cap:
        return False
    return ActorKind.OPERATOR in registration.allow and may(actor.role, registration.needs)
