"""Several questions at once: a form where the messenger has one, one by one where it has not.

``FormInput`` reads a whole form: each field by its own input, so that a field takes the same
everywhere. On a messenger without forms it reads an answer of several lines, one for each field (a
dialogue may have moved there while its form was open).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from msgspec.structs import replace

from chatworks.sdk.inbound import Inbound, InboundKind
from chatworks.sdk.inputs import Choice, Input, NotUnderstood, YesNo
from chatworks.sdk.messages import Button, Field, FieldKind, Wanted

Answers = TypeVar("Answers")
KINDS = {
    "whole_number": FieldKind.NUMBER,
    "date": FieldKind.DATE,
    "phone": FieldKind.PHONE,
    "choice": FieldKind.CHOICE,
    "yes_no": FieldKind.YES_NO,
}


class FieldProblem(NotUnderstood):
    """A field's answer does not fit: the field's label stands before what was wrong."""

    def __init__(self, label: str, problem: NotUnderstood) -> None:
        super().__init__(problem.msgid, **problem.values)
        self.label = label

    def text(self, language: str) -> str:
        """Return what was wrong with which field."""
        return f"{self.label}: {super().text(language)}"


@dataclass(frozen=True)
class FormInput(Generic[Answers]):
    """All fields of a form, made into ``into``. ``labels`` are ready to be read."""

    into: type[Answers]
    inputs: Mapping[str, Input[Any]]
    labels: Mapping[str, str]
    kind: str = "form"
    wanted: Wanted = Wanted.NOTHING

    @property
    def answer_type(self) -> Any:
        """The type that holds the answers."""
        return self.into

    def read(self, inbound: Inbound) -> Answers:
        """Return the answers; raises the first field's problem."""
        values = self._values(inbound)
        found: dict[str, Any] = {}
        for name, wanted in self.inputs.items():
            try:
                found[name] = wanted.read(_alone(inbound, wanted, values.get(name, "")))
            except NotUnderstood as problem:
                raise FieldProblem(self.labels[name], problem) from None
        return self.into(**found)

    def accepts(self, answer: Answers) -> bool:
        """Whether every field still takes its answer."""
        return all(wanted.accepts(getattr(answer, name)) for name, wanted in self.inputs.items())

    def _values(self, inbound: Inbound) -> Mapping[str, str]:
        if inbound.kind is InboundKind.FORM:
            return inbound.values
        lines = [line.strip() for line in inbound.text.splitlines() if line.strip()]
        if inbound.kind is not InboundKind.TEXT or len(lines) != len(self.inputs):
            raise NotUnderstood("Please answer each question on a line of its own.")
        return dict(zip(self.inputs, lines, strict=True))


def _alone(inbound: Inbound, wanted: Input[Any], value: str) -> Inbound:
    """Return a field's value as if it had been sent alone: what was chosen comes as a tap."""
    tapped = inbound.kind is InboundKind.FORM and isinstance(wanted, Choice | YesNo)
    if tapped and value:
        return replace(inbound, kind=InboundKind.TAP, tap=value, values={}, text="")
    return replace(inbound, kind=InboundKind.TEXT, text=value, tap="", values={})


def field(name: str, label: str, wanted: Input[Any], yes: str, no: str) -> Field:
    """Return the field of a form that ``wanted`` reads; ``yes`` and ``no`` are ready labels."""
    kind = KINDS.get(wanted.kind, FieldKind.TEXT)
    options: tuple[Button, ...] = ()
    if isinstance(wanted, Choice):
        options = tuple(Button(str(n), text) for n, text in enumerate(wanted.labels))
    elif kind is FieldKind.YES_NO:
        options = (Button("yes", yes), Button("no", no))
    return Field(name, label, kind, options)
