"""Walks through an applet with made-up answers, so that it can be looked at before anybody uses it.

The walk answers each question with the first sample that its input reads, and each request with a
sample of its result's type; it takes the first choice everywhere, and ends where the applet ends,
begins again, or has asked enough. Pure: nothing is asked of a business.
"""

from __future__ import annotations

import types
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime
from enum import Enum
from typing import Any, Union, get_args, get_origin, get_type_hints
from uuid import UUID

import msgspec

from chatworks.kit.errors import Refusal
from chatworks.kit.money import Money
from chatworks.sdk.applet import AppletError, LoadedApplet
from chatworks.sdk.inbound import File, Inbound, InboundKind, Sender
from chatworks.sdk.inputs import NotUnderstood
from chatworks.sdk.messages import Message, Place
from chatworks.sdk.requests import Ask, Can, Do, Now, Say
from chatworks.sdk.runtime import Progress, Run

STEPS_MAX = 100
LISTED = 4  # how many of a list are made up
NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)  # a Monday morning
PERSON = Sender("sample", name="Amina")
PLAIN = {str: "Sample", int: 3, float: 1.0, bool: True, bytes: b"", type(None): None, Any: None}


def _said(text: str) -> Inbound:
    return Inbound(InboundKind.TEXT, PERSON, text=text)


ANSWERS = (
    Inbound(InboundKind.TAP, PERSON, tap="0"),
    Inbound(InboundKind.TAP, PERSON, tap="yes"),
    Inbound(InboundKind.PLACE, PERSON, place=Place(-1.2921, 36.8219)),
    Inbound(InboundKind.PHONE, PERSON, phone="+254712345678"),
    Inbound(
        InboundKind.FILE, PERSON, file=File("photo", "sample", "photo.jpg", "image/jpeg", 1000)
    ),
    Inbound(
        InboundKind.FILE, PERSON, file=File("document", "sample", "a.pdf", "application/pdf", 9)
    ),
    *(_said(text) for text in ("2", "200", "tomorrow", "Amina Wanjiru", "1", "yes")),
)


def walk(
    loaded: LoadedApplet, command: str, settings: bytes = b"{}", language: str = "en"
) -> list[Message]:
    """Return every message of a walk through ``command``, in order; raises ``AppletError``."""
    run = Run(loaded, command, loaded.chat(settings, language, b"{}"), [])
    step: Progress | None = run.replay()
    shown: list[Message] = []
    for _ in range(STEPS_MAX):
        if isinstance(step, Say | Ask):
            shown.append(step.message)
        step = _next(run, step)
        if step is None:
            break
    run.suspend()
    return shown


def _next(run: Run, step: Progress | None) -> Progress | None:
    """Answer a step; None where the walk ends."""
    match step:
        case Say():
            return run.resume(None)
        case Now():
            return run.resume(NOW)
        case Can():
            return run.resume(value=True)
        case Do():
            return run.resume(sample(step.request.result_type))
        case Ask():
            for answer in ANSWERS:
                try:
                    return run.resume(step.input.read(answer))
                except NotUnderstood:
                    continue
    return None


def sample(kind: Any, number: int = 1) -> Any:
    """Return a made-up value of a type: structs, dataclasses and containers of plain values."""
    origin, arguments = get_origin(kind), get_args(kind)
    if kind in PLAIN:
        return PLAIN[kind] if kind is not str else f"Sample {number}"
    if origin in {Union, types.UnionType}:
        wanted = [one for one in arguments if not _is_refusal(one)]
        return sample(wanted[0], number)
    if origin in {list, tuple, set, frozenset} or kind in {list, tuple}:
        inner = [one for one in arguments if one is not Ellipsis]
        made = [sample(inner[0], n) for n in range(1, LISTED + 1)] if inner else []
        return (origin or kind)(made)
    if origin is dict or kind is dict:
        return {"en": sample(arguments[1], number)} if arguments else {}
    if origin is not None and hasattr(origin, "__metadata__"):
        return sample(arguments[0], number)
    return _made(kind, number)


def _is_refusal(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Refusal)


def _made(kind: Any, number: int) -> Any:
    if kind is Money:
        return Money(20_000 * number, "KES")
    if kind is UUID:
        return UUID(int=number)
    if kind in {date, datetime}:
        return NOW if kind is datetime else NOW.date()
    if isinstance(kind, type) and issubclass(kind, Enum):
        return next(iter(kind))
    if isinstance(kind, type) and (is_dataclass(kind) or issubclass(kind, msgspec.Struct)):
        return kind(**{name: sample(wanted, number) for name, wanted in _wanted(kind)})
    raise AppletError(f"cannot make up a {kind}")


def _wanted(kind: Any) -> Iterator[tuple[str, Any]]:
    """Yield the fields that a value cannot be made without, and those that are read: all but
    pictures, which would not be there.
    """
    hints = get_type_hints(kind)
    names = [f.name for f in fields(kind)] if is_dataclass(kind) else kind.__struct_fields__
    return ((name, hints[name]) for name in names if name != "photo")
