"""Commands, queries, actors, calls, and what a feature registers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from hashlib import sha256
from typing import Any, ClassVar, Generic, TypeVar, get_args
from uuid import UUID

import msgspec

from chatworks.access.core import PERMISSIONS, reads
from chatworks.kit.datamap import DataMap, operational
from chatworks.kit.errors import Refusal
from chatworks.kit.work import Work

Result = TypeVar("Result")
VALUE_LENGTH_MAX = 200  # of one field, where what is asked is said in words


class ActorKind(StrEnum):
    """Who can do something. An account acts outside of an outlet: on itself."""

    ACCOUNT = "account"
    CUSTOMER = "customer"
    PROVIDER = "provider"
    OPERATOR = "operator"
    PLATFORM = "platform"
    SYSTEM = "system"
    AGENT = "agent"


class Actor(msgspec.Struct, frozen=True):
    """Who does it. ``id`` is the contact's, account's, membership's, key's or job's id.

    ``role`` is that of an outlet under which somebody acts: an operator, or a program or a person
    of the platform that acts for one. ``cap`` names the only requests an agent may give, and
    ``behalf`` is the membership that it acts for.
    """

    kind: ActorKind
    id: str
    role: str = ""
    cap: frozenset[str] = frozenset()
    behalf: str = ""

    @property
    def acts_as(self) -> ActorKind:
        """As what the business treats them: an agent is treated as whom it acts for."""
        return ActorKind.OPERATOR if self.behalf else self.kind

    @property
    def operator_id(self) -> UUID | None:
        """The operator who does it or for whom it is done; None where it is not an operator's."""
        if self.acts_as is not ActorKind.OPERATOR:
            return None
        return UUID(self.behalf or self.id)


class Origin(msgspec.Struct, frozen=True):
    """Where a customer's call comes from: the conversation, its contact and their language."""

    conversation_id: UUID
    contact_id: UUID
    language: str


class Request(Generic[Result]):
    """What a command and a query share: a name, and the type that their handler returns."""

    request_name: ClassVar[str] = ""
    result_type: ClassVar[Any] = None

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        feature = cls.__module__.removeprefix("chatworks.").split(".")[0]
        cls.request_name = f"{feature}.{cls.__name__}"
        for base in getattr(cls, "__orig_bases__", ()):
            arguments = get_args(base)
            if arguments and not isinstance(arguments[0], TypeVar):
                cls.result_type = arguments[0]


class Command(Request[Result]):
    """Something done to the business. Subclasses are frozen dataclasses with slots."""


class Query(Request[Result]):
    """A question to the business: its handler writes nothing."""


class Proof(msgspec.Struct, frozen=True):
    """A step-up that is presented with a call: its id, and the session and account that present it.

    The last two are those of the request's own cookie, never what a form says.
    """

    step_up_id: UUID
    session_id: UUID
    account_id: UUID


class Call(msgspec.Struct, Generic[Result], frozen=True):
    """One request with who gives it. ``origin`` is None outside a conversation; ``proof`` is given
    with what needs a fresh factor.
    """

    outlet_id: UUID
    actor: Actor
    request: Any  # a Request[Result]; handlers know which

    origin: Origin | None = None
    proof: Proof | None = None

    def operation(self) -> bytes:
        """Return SHA-256 of what is asked: the name, where, by whom, and every value of it."""
        whose = [self.outlet_id.hex, self.actor.kind, self.actor.id, self.actor.role]
        body = [self.request.request_name, whose, self.request]
        return sha256(msgspec.json.encode(body, order="deterministic")).digest()


class Trace(msgspec.Struct, frozen=True):
    """What the audit log keeps of a call: its object, and values that are no personal data."""

    object_kind: str
    object_id: str
    details: dict[str, str | int | None]


Handler = Callable[[Work, Sequence[Call[Any]]], Awaitable[Sequence[Any]]]
"""Takes calls of one kind, gives one result or one ``Refusal`` for each, in the same order."""

Tracer = Callable[[Call[Any], Any], Trace]
"""Makes the audit trace of a call that succeeded from the call and its result."""


@dataclass(frozen=True, slots=True)
class Registration:
    """One kind of request as its feature offers it.

    ``allow`` names the kinds of actor who may give it: ``customer`` (from their own conversation),
    ``system``, ``platform``, and ``operator``: whoever acts under a role of the outlet that holds
    the permission ``needs``. A command without ``trace`` changes nothing privileged.

    What operators may give, programs may give for them through the API, unless it is ``personal``:
    about the operator who gives it, and not about the outlet. ``engine`` marks what touches tables
    outside of tenant policies: from the console and the API it runs under the engine's login.

    ``fresh``: who gives it shows a factor anew, for this very request, and no program gives it;
    ``asks`` says in words what is asked then ("Let the program {name} act for you"; its fields are
    the request's), or else the first sentence of the request's docstring does.
    """

    request: type[Request[Any]]
    handler: Handler
    allow: frozenset[str]
    trace: Tracer | None = None
    needs: str = ""
    personal: bool = False
    engine: bool = False
    fresh: bool = False
    asks: str = ""

    @property
    def offered(self) -> bool:
        """Whether programs may give it, for an operator who may."""
        return ActorKind.OPERATOR in self.allow and not self.personal and not self.fresh

    def __post_init__(self) -> None:
        """Refuse what nobody could be judged by."""
        name = self.request.request_name
        if (ActorKind.OPERATOR in self.allow) != bool(self.needs):
            raise ValueError(f"{name}: operators and a permission go together")
        if self.needs and self.needs not in PERMISSIONS:
            raise ValueError(f"{name} needs {self.needs}, which is no permission")
        if reads(self.needs) and issubclass(self.request, Command):
            raise ValueError(f"{name} changes something: {self.needs} only reads")
        if self.asks and not self.fresh:
            raise ValueError(f"{name} asks for a factor that it does not need")

    def step_up(self, call: Call[Any]) -> StepUpNeeded:
        """Return the refusal that leads to a step-up for ``call``."""
        request = call.request
        said = self.asks or (type(request).__doc__ or "").partition("\n")[0].partition(". ")[0]
        values = {f.name: str(getattr(request, f.name))[:VALUE_LENGTH_MAX] for f in fields(request)}
        return StepUpNeeded(call.operation().hex(), said.rstrip("."), values)


class StepUpNeeded(Refusal):
    """A fresh factor must be shown for this: the operation's hash in hexadecimal digits, what is
    asked in words, and the values of its fields.
    """


class NotAllowed(Refusal):
    """This actor may not give this command."""

    status = 403


class KeyReused(Refusal):
    """The idempotency key was used before, with another request."""

    status = 422


DATA_MAP: DataMap = {
    "command_key": {
        "outlet_id": operational("tenant"),
        "key": operational("the caller's idempotency key"),
        "request_hash": operational("SHA-256 of the request, to refuse another one under the key"),
        "result": operational("the command's result: ids, numbers and amounts"),
        "created_at": operational("keys older than a day are removed"),
    },
}
