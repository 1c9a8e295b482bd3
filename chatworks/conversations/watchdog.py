"""Ends applet code that computes too long: one endless loop must not hang a batch.

Applet code runs synchronously in the engine's thread, so a second thread watches it and, past the
limit, raises ``ComputedTooLong`` inside it through the interpreter (PyThreadState_SetAsyncExc, the
documented way to raise in another thread). Every step says when it starts and ends under a lock,
so the exception can never surface after the step.
"""

from __future__ import annotations

import ctypes
import threading

from chatworks.kit.clock import Clock

STEP_SECONDS_MAX = 1.0  # one step of an applet takes microseconds
CHECKS_PER_LIMIT = 10


class ComputedTooLong(BaseException):
    """An applet's step ran past the limit; ``except Exception`` in it does not catch this."""


class Watchdog:
    """Watches one thread: the one that calls ``step``."""

    def __init__(self, clock: Clock, limit_seconds: float = STEP_SECONDS_MAX) -> None:
        self._clock = clock
        self._limit = limit_seconds
        self._lock = threading.Lock()
        self._started: float | None = None
        self._target = 0
        self._raised = False
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def stop(self) -> None:
        """Stop watching and wait for the thread."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def step(self) -> Watchdog:
        """Watch the code inside ``with``; raises ``ComputedTooLong`` in it past the limit."""
        return self

    def __enter__(self) -> None:
        self._target = threading.get_ident()
        # In this order: the watching thread must never see an old start with nothing raised.
        self._started = self._clock.monotonic()
        self._raised = False

    def __exit__(self, *_raised: object) -> None:
        with self._lock:
            self._started = None
            if self._raised:  # withdraw what was raised but has not surfaced yet
                _raise_in(self._target, None)

    def _watch(self) -> None:
        while not self._stop.wait(self._limit / CHECKS_PER_LIMIT):
            with self._lock:
                started = self._started
                if started is None or self._raised:
                    continue
                if self._clock.monotonic() - started > self._limit:
                    self._raised = True
                    _raise_in(self._target, ComputedTooLong)


def _raise_in(thread: int, error: type[BaseException] | None) -> None:
    target = ctypes.c_ulong(thread)
    argument = None if error is None else ctypes.py_object(error)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(target, argument)
