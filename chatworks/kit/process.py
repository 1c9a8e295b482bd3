"""How a long-running process treats Python's garbage collector."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

YOUNG_OBJECTS_MAX = 10_000  # Python's default of 700 is reached by a handful of turns


def settle() -> None:
    """Leave what was loaded at the start out of every later garbage collection.

    A batch holds a hundred thousand objects for some milliseconds. With Python's defaults the
    collector walked all modules and texts several times per batch: a quarter of a turn's time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS_MAX, 20, 20)


@contextmanager
def uncollected() -> Iterator[None]:
    """Keep the collector away while a batch is taken.

    A batch's objects are let go by their reference counts when it ends: it makes no cycles. What
    the collector would walk meanwhile is alive, all of it: a quarter of a turn's time.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
