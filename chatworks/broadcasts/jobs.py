"""What broadcasts hear: which message each recipient got."""

from __future__ import annotations

from chatworks.broadcasts import store
from chatworks.conversations.models import PostWritten
from chatworks.kit.work import Work


async def note_written(work: Work, facts: list[PostWritten]) -> None:
    """Keep the message's number: what becomes of it is looked up by it."""
    await store.place(work, facts)
