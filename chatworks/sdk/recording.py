"""Writes a played dialogue down as a test of its applet. Pure.

The dialogue is played once more by a ``Script``: what the business answered comes from its journal,
what the person did from what was recorded. Each step is written as it is played, so what is written
passes as it stands, and fails when the applet says something else.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from chatworks.sdk.applet import AppletError
from chatworks.sdk.inbound import Inbound, InboundKind
from chatworks.sdk.requests import Ask, Restart
from chatworks.sdk.runtime import Finished
from chatworks.sdk.script import Reply, Script

WIDTH = 100
INDENT = 4
TIMED_OUT = "sdk.TimedOut"
END: list[Any] = ["", "", None]  # what stands behind the last entry


class Played(msgspec.Struct, frozen=True):
    """One dialogue: what it began with, its journal as plain JSON, and what the person did.

    ``settings`` and ``start`` are JSON; an entry is ``[fingerprint, kind, value]``.
    """

    package: str
    command: str
    language: str
    settings: str
    start: str
    entries: list[list[Any]]
    inbounds: list[Inbound]


def record(dialogues: Sequence[Played]) -> str:
    """Return a module with one test for each dialogue, in order."""
    names: dict[str, int] = {}
    tests = []
    for played in dialogues:
        names[played.command] = names.get(played.command, 0) + 1
        nth = names[played.command]
        name = f"test_{played.command}" + (f"_{nth}" if nth > 1 else "")
        try:
            tests.append(f"def {name}() -> None:\n" + "\n".join(_test(played)) + "\n")
        except (AssertionError, AppletError) as error:  # a turn of it failed: the rest is worth it
            tests.append(f"# {name} cannot be played again: {error}\n")
    body = "\n\n".join(tests)
    imports = [name for name in ("Card", "File", "Line") if f"{name}(" in body]
    head = [f"from chatworks.sdk import {', '.join(imports)}"] if imports else []
    head.append("from chatworks.sdk.script import Script")
    return "\n".join(['"""A recorded session."""', "", *head]) + f"\n\n\n{body}"


def _test(played: Played) -> Iterator[str]:
    answers = list(_answers(played.entries))
    begun = msgspec.json.decode(played.start or "{}")
    named: dict[str, Any] = {
        "settings": played.settings if played.settings not in {"", "{}"} else None,
        "language": played.language if played.language != "en" else None,
        "arguments": begun.get("arguments") or None,
        "state": begun.get("state"),
    }
    given = {name: value for name, value in named.items() if value is not None}
    script = Script(played.package, played.command, answers, **given)
    arguments: list[Any] = [played.package, played.command]
    if answers:
        yield f"    answers = {_written(answers, INDENT)}"
        arguments.append(_Name("answers"))
    yield _call("script = Script", *arguments, **given)
    yield from _expected(script)
    for inbound in played.inbounds:
        yield from _time_outs(played.entries, script)
        yield _did(inbound, script)
        script.gives(inbound)
        yield from _expected(script)
    yield from _time_outs(played.entries, script)
    if isinstance(script.step, Finished):
        yield _call("script.expects_end")
    elif isinstance(script.step, Restart):
        yield _call("script.expects_restart", script.step.state)


def _answers(entries: Sequence[list[Any]]) -> Iterator[Reply]:
    """Return what the business answered, and the times that were read, in order."""
    for fingerprint, kind, value in entries:
        asked, _, rest = fingerprint.partition(":")
        if asked == "do":
            yield rest.partition("@")[0], kind, value
        elif asked == "now":
            yield "now", kind, value
        elif asked == "can":
            yield f"can:{rest.partition('@')[0]}", kind, value


def _time_outs(entries: Sequence[list[Any]], script: Script) -> Iterator[str]:
    """Let time run out wherever the journal says that it did."""
    while isinstance(script.step, Ask):
        _, kind, value = entries[len(script.entries)] if len(script.entries) < len(entries) else END
        if kind != "refused" or value[0] != TIMED_OUT:
            return
        script.times_out()
        yield _call("script.times_out")
        yield from _expected(script)


def _did(inbound: Inbound, script: Script) -> str:
    """Write what the person did, in the words of a script."""
    match inbound.kind:
        case InboundKind.TAP if isinstance(script.step, Ask):
            buttons = script.step.message.choices
            label = next((b.label for b in buttons if b.id == inbound.tap), inbound.tap)
            return _call("script.taps", label)
        case InboundKind.PLACE if inbound.place is not None:
            return _call("script.shares", inbound.place.latitude, inbound.place.longitude)
        case InboundKind.PHONE:
            return _call("script.shares_phone", inbound.phone)
        case InboundKind.FILE:
            return _call("script.sends", inbound.file)
        case InboundKind.FORM:
            return _call("script.fills", **inbound.values)
    return _call("script.says", inbound.text)


def _expected(script: Script) -> Iterator[str]:
    """Write every message that was said meanwhile."""
    for message in script.heard():
        arguments: list[Any] = [message.text or (message.card.title if message.card else "")]
        if message.choices:
            arguments.append([button.label for button in message.choices])
        card = {} if message.card is None else {"card": message.card}
        yield _call("script.expects", *arguments, **card)


class _Name(str):
    """A name of the written module, not a text."""

    __slots__ = ()


def _call(name: str, *arguments: Any, **named: Any) -> str:
    return f"    {_block(name + '(', _items(arguments, named), ')', INDENT)}"


def _items(arguments: Sequence[Any], named: dict[str, Any]) -> list[tuple[str, Any]]:
    return [("", value) for value in arguments] + [(f"{n}=", v) for n, v in named.items()]


def _written(value: Any, at: int) -> str:
    """Return ``value`` as Python that a formatter would leave alone, at an indentation."""
    items: list[tuple[str, Any]]
    match value:
        case _Name():
            return value
        case str():
            return json.dumps(value, ensure_ascii=False)
        case list() | tuple():
            begin, end = (
                ("[", "]") if isinstance(value, list) else ("(", ")" if value[1:] else ",)")
            )
            return _block(begin, _items(value, {}), end, at)
        case dict():
            items = [(f"{json.dumps(k, ensure_ascii=False)}: ", v) for k, v in value.items()]
            return _block("{", items, "}", at)
        case msgspec.Struct():
            told = {name: getattr(value, name) for name in value.__struct_fields__}
            items = _items((), {name: field for name, field in told.items() if field})
            return _block(f"{type(value).__name__}(", items, ")", at)
    return repr(value)


def _block(begin: str, items: Sequence[tuple[str, Any]], end: str, at: int) -> str:
    """Write items in one line, or one on each where they do not fit."""
    flat = begin + ", ".join(f"{name}{_written(value, 0)}" for name, value in items) + end
    if at + len(flat) < WIDTH and "\n" not in flat:
        return flat
    inner = at + INDENT
    lines = [f"{' ' * inner}{name}{_written(value, inner)}," for name, value in items]
    return "\n".join([begin, *lines, f"{' ' * at}{end.removeprefix(',')}"])
