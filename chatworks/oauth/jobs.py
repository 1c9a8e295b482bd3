"""Forgets secrets that ended long ago, a few at a time."""

from __future__ import annotations

from chatworks.inbox.models import Tick
from chatworks.kit.work import Work
from chatworks.oauth import store

TIDIED_MAX = 100


async def tidy(work: Work, _ticks: list[Tick]) -> None:
    """Remove some of what ended more than a month ago."""
    await store.forget_tokens(work, TIDIED_MAX)
