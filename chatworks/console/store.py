"""What the console counts for its menu. It reads across features, and writes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from chatworks.kit.db import load_queries
from chatworks.kit.work import Work

QUERIES = load_queries(__package__)
COUNT_MAX = 100
PEOPLE_WAIT_FOR = timedelta(days=2)  # the bot speaks again long before that


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits for an operator: new orders, people to answer, events to look at."""

    orders: int
    people: int
    parked: int


async def waiting(work: Work, outlet_id: UUID) -> Waiting:
    """Return the counts of an outlet, each up to ``COUNT_MAX``."""
    parameters = {
        "outlet_id": outlet_id,
        "since": work.now - PEOPLE_WAIT_FOR,
        "most": COUNT_MAX,
    }
    row = await (await work.conn.execute(QUERIES["waiting"], parameters)).fetchone()
    return Waiting(0, 0, 0) if row is None else Waiting(*row)
