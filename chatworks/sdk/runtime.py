"""Drives an applet by replay: its journal first, then what happens now. Pure.

The coroutine runs again from the top at every turn, fed from the journal. An *entry* is
``[fingerprint, kind, value]`` in JSON; ``kind`` is ``answer`` or ``refused``. Values stay JSON
until their step is known and are decoded anew each time, straight to its type, so that nothing an
applet does to one survives a replay. A run suspends by throwing ``Suspended``; later awaits (in a
``finally``) raise it again. Whatever an applet's code does wrong becomes an ``AppletError`` that
names the line, for its author.

Where the code no longer asks what the journal answers, the journal is *salvaged*: it becomes the
*spare*, which answers what it can from then on, over as many turns as that takes (decision 0013).
It stands first in the journal, as the one entry ``["spare", "spare", [entry, …]]``.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import PurePath
from traceback import extract_tb
from typing import Any

import msgspec

from chatworks.commands.models import Command
from chatworks.kit.errors import Refusal
from chatworks.sdk.applet import AppletError, LoadedApplet
from chatworks.sdk.chat import Chat
from chatworks.sdk.requests import Ask, Can, Do, Now, Restart, Say, Step

ENTRIES_MAX = 500  # a longer journal makes every turn slower: chat.restart() begins a fresh one
SUSPENSIONS_MAX = 100  # awaits inside ``finally`` blocks while a run is put away

SPARE = "spare"
DO = "do:"  # what the fingerprints of commands and queries begin with


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
_entries = msgspec.json.Decoder(list[Entry])
_UNREADABLE = (msgspec.DecodeError, LookupError, TypeError, ValueError)  # what an entry may raise
_STEPS = (Ask, Do, Say, Now, Can, Restart)
_SDK = PurePath(__file__).parent
_FOREIGN = "awaited something that is not of chat"
_ONLY_CHAT = "asyncio, files and clocks cannot be replayed"
Progress = Ask[Any] | Do[Any] | Say | Now | Can | Restart | Finished | Mismatch


class Run:
    """One run of a command. ``entries`` grows with every answer; ``journal`` is what to keep.

    ``salvaged`` says that what was kept before has changed and not only grown.
    """

    _coroutine: Coroutine[Any, Any, None]

    def __init__(
        self, loaded: LoadedApplet, command: str, chat: Chat[Any], entries: list[Entry]
    ) -> None:
        function = loaded.applet.functions.get(command)
        if function is None:
            raise AppletError(f"{loaded.manifest.name} has no command {command!r}")
        self._make = function
        self._allowed = frozenset(loaded.manifest.requests)
        self._chat = chat
        self.entries = list(entries)
        self._spare: list[Entry] = []
        if self.entries and self.entries[0].fingerprint == SPARE:
            self._spare = _entries.decode(self.entries.pop(0).value)
        self.salvaged = bool(self._spare)
        self._coroutine = self._make(chat)
        self._step: Step | None = None

    def replay(self) -> Progress:
        """Run through the journal; returns the first step that it does not answer."""
        progress = self._send(None)
        for index, entry in enumerate(self.entries):
            if isinstance(progress, Finished) or progress.fingerprint != entry.fingerprint:
                found = "the end" if isinstance(progress, Finished) else progress.fingerprint
                return Mismatch(index, entry.fingerprint, found)
            try:
                answer = _answer(progress, entry)
            except _UNREADABLE:
                return Mismatch(index, entry.fingerprint, "an answer of another shape")
            progress = self._give(answer, entry)
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

        Answers of questions are taken over in order where their fingerprints match and the code of
        today accepts them, results of commands wherever in the code they are given now; everything
        else is asked anew. Messages are not sent again.
        """
        self.suspend()
        self.salvaged = True
        self._spare, self.entries = [*self.entries, *self._spare], []
        self._coroutine = self._make(self._chat)
        return self._feed(self._send(None))

    def suspend(self) -> None:
        """Put the run away: nothing of it stays in memory."""
        for _ in range(SUSPENSIONS_MAX):
            if self._coroutine.cr_frame is None:  # type: ignore[attr-defined]
                return
            try:
                self._coroutine.throw(Suspended())
            except (Suspended, StopIteration):
                return
            except Exception as error:
                raise AppletError(f"raised while it was suspended: {_blame(error)}") from error
        raise AppletError("awaits without end in a finally block")

    def __del__(self) -> None:
        """Put a run away whose batch failed: Python would complain of a finally that awaits."""
        with suppress(AppletError, AttributeError):  # there is no coroutine of an unknown command
            self.suspend()

    def journal(self) -> list[Entry]:
        """Return what is to be kept of this run: the spare that is left, and the entries."""
        if not self._spare:
            return self.entries
        return [Entry(SPARE, SPARE, msgspec.Raw(_encode(self._spare))), *self.entries]

    def _feed(self, progress: Step | Finished) -> Step | Finished:
        """Answer what a salvaged journal can answer; returns the first step that it cannot."""
        while self._spare and not isinstance(progress, Finished | Restart):
            entry = self._take(progress)
            if entry is None:
                break
            self._keep(entry)
            progress = self._give(_answer(progress, entry), entry)
        return progress

    def _give(self, answer: Any, entry: Entry) -> Step | Finished:
        """Give the applet what the journal holds: an answer, or a refusal."""
        return self._throw(answer) if entry.kind == "refused" else self._send(answer)

    def _take(self, step: Step) -> Entry | None:
        """Take the entry for ``step`` out of the spare, with the answers that stand before it.

        The first entry of the kind was for this step: where it does not fit, no later one does.
        Commands stay until they are asked for.
        """
        index = self._first(step)
        if index is None:
            return None
        entry = self._spare[index]
        commands = [other for other in self._spare[:index] if other.fingerprint.startswith(DO)]
        self._spare = [*commands, *self._spare[index + 1 :]]
        return Entry(step.fingerprint, entry.kind, entry.value) if _fits(step, entry) else None

    def _first(self, step: Step) -> int | None:
        """Return where the spare speaks of ``step``; a message only before any answer."""
        for index, entry in enumerate(self._spare):
            if _kind(entry.fingerprint) == _kind(step.fingerprint):
                return index
            if isinstance(step, Say) and not entry.fingerprint.startswith(DO):
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
        return self._go(self._coroutine.send, value)

    def _throw(self, refusal: Refusal) -> Step | Finished:
        return self._go(self._coroutine.throw, refusal)

    def _go(self, on: Callable[[Any], object], value: object) -> Step | Finished:
        """Let the applet run to its next step; what it raises is said in its author's words."""
        try:
            return self._check(on(value))
        except StopIteration:
            self._step = None
            return Finished()
        except AppletError:
            raise
        except Exception as error:
            raise AppletError(_blame(error)) from error

    def _check(self, step: object) -> Step:
        if not isinstance(step, _STEPS):
            cancel = getattr(step, "cancel", None)
            if callable(cancel):  # a future of asyncio: nothing of it may go on behind our back
                cancel()
            raise AppletError(f"{_FOREIGN} ({type(step).__name__}): {_ONLY_CHAT}")
        if isinstance(step, Do) and step.request.request_name not in self._allowed:
            name = step.request.request_name
            raise AppletError(f'{name} is not in the manifest: add "{name}" to its requests')
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
        case Can():
            return bool
        case _:
            return None


@lru_cache(maxsize=1024)
def _decoder(kind: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind)


def _decode(step: Step, value: bytes | msgspec.Raw) -> Any:
    return _decoder(_type_of(step)).decode(value)


def _answer(step: Step, entry: Entry) -> Any:
    """Return the answer or the refusal that ``entry`` holds; raises one of ``_UNREADABLE``."""
    return _refusal(entry.value) if entry.kind == "refused" else _decode(step, entry.value)


def _kind(fingerprint: str) -> str:
    """Return what must be equal for an entry to be salvaged: of a command its name alone."""
    return fingerprint.partition("@")[0] if fingerprint.startswith(DO) else fingerprint


def _fits(step: Step, entry: Entry) -> bool:
    if isinstance(step, Do) and not isinstance(step.request, Command):
        return False  # a query is asked anew
    try:
        answer = _answer(step, entry)
    except _UNREADABLE:
        return False
    return not isinstance(step, Ask) or entry.kind == "refused" or step.input.accepts(answer)


def _refusal(value: msgspec.Raw) -> Refusal:
    code, arguments = msgspec.json.decode(value)
    return Refusal.known[code](*arguments)


def _blame(error: Exception) -> str:
    """Return what went wrong in an applet, and on which line of it."""
    if isinstance(error, Refusal):
        what = f"did not catch the refusal {error.code}{error.args}"
    elif str(error) == "no running event loop":
        what = f"{_FOREIGN}: {_ONLY_CHAT}"
    else:
        what = f"{type(error).__name__}: {error}"
    frames = [f for f in extract_tb(error.__traceback__) if "asyncio" not in f.filename]
    own = [frame for frame in frames if PurePath(frame.filename).parent != _SDK]
    return f"{what} ({PurePath(own[-1].filename).name}, line {own[-1].lineno})" if own else what
