"""Drives an applet by replay: its journal first, then what happens now. Pure.

The coroutine runs again from the top at every turn, fed from the journal. An *entry* is
``[fingerprint, kind, value]`` in JSON; ``kind`` is ``answer`` or ``refused``. Values stay JSON
until their step is known and are decoded anew each time, straight to its type, so that nothing an
applet does to one survives a replay. A run suspends by throwing ``Suspended``; later awaits (in a
``finally``) raise it again.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

import msgspec

from chatworks.commands.models import Command
from chatworks.kit.errors import Refusal
from chatworks.sdk.applet import AppletError, LoadedApplet
from chatworks.sdk.chat import Chat
from chatworks.sdk.requests import Ask, Do, Now, Restart, Say, Step

ENTRIES_MAX = 500  # a longer journal makes every turn slower: chat.restart() begins a fresh one
SUSPENSIONS_MAX = 100  # awaits inside ``finally`` blocks while a run is put away


class Entry(msgspec.Struct, frozen=True, array_like=True):
    """What one ``await`` returned, or the refusal that it raised; ``value`` is JSON."""

    fingerprint: str
    kind: str
    value: msgspec.Raw


class Suspended(BaseException):
    """The run waits for a person; not for applets to catch."""


@dataclass(frozen=True, slots=True)
class Finished:
    """The applet's function returned."""


@dataclass(frozen=True, slots=True)
class Mismatch:
    """The code asks for something else than the journal holds at ``index``."""

    index: int
    expected: str
    found: str


_encode = msgspec.json.Encoder().encode
_STEPS = (Ask, Do, Say, Now, Restart)
Progress = Ask[Any] | Do[Any] | Say | Now | Restart | Finished | Mismatch


class Run:
    """One run of a command. ``entries`` grows with every answer."""

    def __init__(
        self, loaded: LoadedApplet, command: str, chat: Chat[Any], entries: list[Entry]
    ) -> None:
        function = loaded.applet.functions.get(command)
        if function is None:
            raise AppletError(f"{loaded.manifest.name} has no command {command!r}")
        self._make: Callable[[Chat[Any]], Coroutine[Any, Any, None]] = function  # type: ignore[assignment]
        self._allowed = frozenset(loaded.manifest.requests)
        self._chat = chat
        self.entries = entries
        self._coroutine = self._make(chat)
        self._step: Step | None = None
        self._spare: list[Entry] = []

    def replay(self) -> Progress:
        """Run through the journal; returns the first step that it does not answer."""
        progress = self._send(None)
        for index, entry in enumerate(self.entries):
            if isinstance(progress, Finished) or progress.fingerprint != entry.fingerprint:
                found = "the end" if isinstance(progress, Finished) else progress.fingerprint
                return Mismatch(index, entry.fingerprint, found)
            progress = self._give(progress, entry)
        return progress

    def resume(self, value: Any) -> Progress:
        """Answer the step that waits, keep the answer, and run on."""
        step = self._waiting()
        encoded = _encode(value)
        self._keep(Entry(step.fingerprint, "answer", msgspec.Raw(encoded)))
        return self._feed(self._send(_decode(step, encoded)))

    def refuse(self, refusal: Refusal) -> Progress:
        """Throw ``refusal`` into the applet, keep that it was, and run on."""
        value = msgspec.Raw(_encode([refusal.code, refusal.args]))
        self._keep(Entry(self._waiting().fingerprint, "refused", value))
        return self._feed(self._throw(refusal.fresh()))

    def salvage(self) -> Progress:
        """Run again from the top after a mismatch, with what still fits of the old journal.

        Answers of questions, and results of commands, are taken over in order where their
        fingerprints match and the code of today accepts them; everything else is asked anew.
        Messages are not sent again.
        """
        self.suspend()
        self._spare, self.entries = self.entries, []
        self._coroutine = self._make(self._chat)
        return self._feed(self._send(None))

    def suspend(self) -> None:
        """Put the run away: nothing of it stays in memory."""
        for _ in range(SUSPENSIONS_MAX):
            try:
                self._coroutine.throw(Suspended())
            except (Suspended, StopIteration):
                return
            except Exception as error:
                raise AppletError(f"raised {error!r} while it was suspended") from error
        raise AppletError("awaits without end in a finally block")

    def _feed(self, progress: Step | Finished) -> Step | Finished:
        """Answer what a salvaged journal can answer; returns the first step that it cannot."""
        while self._spare and not isinstance(progress, Finished | Restart):
            found = self._fitting(progress)
            if found is None:
                break
            entry = self._spare[found]
            self._spare = self._spare[found + 1 :]
            self._keep(entry)
            progress = self._give(progress, entry)
        return progress

    def _give(self, step: Step, entry: Entry) -> Step | Finished:
        """Answer ``step`` with what the journal holds."""
        if entry.kind == "refused":
            return self._throw(_refusal(entry.value))
        return self._send(_decode(step, entry.value))

    def _fitting(self, step: Step) -> int | None:
        """Return where the spare journal answers ``step``; a message fits only at its front."""
        for index, entry in enumerate(self._spare):
            if entry.fingerprint == step.fingerprint and _fits(step, entry):
                return index
            if isinstance(step, Say):
                break
        return None

    def _keep(self, entry: Entry) -> None:
        if len(self.entries) >= ENTRIES_MAX:
            raise AppletError(
                f"the journal has {ENTRIES_MAX} entries: use chat.restart(state) in long loops"
            )
        self.entries.append(entry)

    def _waiting(self) -> Step:
        if self._step is None:
            raise RuntimeError("the run waits for nothing")
        return self._step

    def _send(self, value: Any) -> Step | Finished:
        try:
            return self._check(self._coroutine.send(value))
        except StopIteration:
            self._step = None
            return Finished()

    def _throw(self, refusal: Refusal) -> Step | Finished:
        try:
            return self._check(self._coroutine.throw(refusal))
        except StopIteration:
            self._step = None
            return Finished()

    def _check(self, step: object) -> Step:
        if not isinstance(step, _STEPS):
            raise AppletError(
                f"awaited something that is not of chat ({type(step).__name__}): asyncio, files "
                "and clocks cannot be replayed"
            )
        if isinstance(step, Do) and step.request.request_name not in self._allowed:
            raise AppletError(f"{step.request.request_name} is not in the manifest's requests")
        self._step = step
        return step


def _type_of(step: Step) -> Any:
    match step:
        case Ask():
            return step.input.answer_type
        case Do():
            return step.request.result_type
        case Now():
            return datetime
        case _:
            return None


@lru_cache(maxsize=1024)
def _decoder(kind: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind)


def _decode(step: Step, value: bytes | msgspec.Raw) -> Any:
    return _decoder(_type_of(step)).decode(value)


def _fits(step: Step, entry: Entry) -> bool:
    if isinstance(step, Do) and not isinstance(step.request, Command):
        return False  # a query is asked anew
    if entry.kind == "refused":
        return True
    try:
        value = _decode(step, entry.value)
    except msgspec.ValidationError:
        return False
    if isinstance(step, Ask):
        accepts = getattr(step.input, "accepts", None)
        return accepts is None or bool(accepts(value))
    return True


def _refusal(value: msgspec.Raw) -> Refusal:
    code, arguments = msgspec.json.decode(value)
    return Refusal.known[code](*arguments)
