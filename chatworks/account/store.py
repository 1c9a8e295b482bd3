"""What was done to an account, as the audit log has it. It reads, and writes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from chatworks.kit.db import load_queries
from chatworks.kit.work import Work

QUERIES = load_queries(__package__)
SHOWN_MAX = 100


@dataclass(frozen=True, slots=True)
class Act:
    """One leaf about an account; ``details`` are ids, kinds and counts."""

    at: datetime
    action: str
    details: dict[str, Any]


async def history(work: Work, account_id: UUID) -> list[Act]:
    """Return the newest acts on an account."""
    parameters = {"account": account_id.hex, "limit": SHOWN_MAX}
    cursor = await work.conn.execute(QUERIES["history"], parameters)
    return [Act(*row) for row in await cursor.fetchall()]
