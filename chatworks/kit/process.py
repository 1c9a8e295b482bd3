"""What a long-running process sets once, when everything is loaded."""

from __future__ import annotations

import gc

YOUNG_OBJECTS_MAX = 10_000  # Python's default of 700 is reached by a handful of turns


def settle() -> None:
    """Leave what was loaded at the start out of every later garbage collection.

    A batch holds a hundred thousand objects for some milliseconds. With Python's defaults the
    collector walked all modules and texts several times per batch: a quarter of a turn's time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS_MAX, 20, 20)
