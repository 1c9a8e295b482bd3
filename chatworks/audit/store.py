"""Appends leaves, many at a time; nothing here changes one."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from psycopg.rows import dict_row

from chatworks.audit.core import canonical, leaf_hash
from chatworks.audit.models import Leaf
from chatworks.kit.db import load_queries
from chatworks.kit.work import Work

QUERIES = load_queries(__package__)


async def append(work: Work, leaves: list[Leaf]) -> None:
    """Write all ``leaves`` with one statement; meant for ``work.defer``."""
    ids = [work.new_id() for _ in leaves]
    payloads = [canonical(leaf, i, work.now) for leaf, i in zip(leaves, ids, strict=True)]
    await work.conn.execute(
        QUERIES["append"],
        {
            "at": work.now,
            "outlets": [leaf.outlet_id for leaf in leaves],
            "ids": ids,
            "actor_kinds": [leaf.actor_kind for leaf in leaves],
            "actor_ids": [leaf.actor_id for leaf in leaves],
            "actions": [leaf.action for leaf in leaves],
            "object_kinds": [leaf.object_kind for leaf in leaves],
            "object_ids": [leaf.object_id for leaf in leaves],
            "payloads": payloads,
            "hashes": [leaf_hash(payload) for payload in payloads],
        },
    )


async def leaves(work: Work, outlet_id: UUID, limit: int = 100) -> list[dict[str, Any]]:
    """Return the newest leaves of an outlet."""
    async with work.conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(QUERIES["leaves"], {"outlet_id": outlet_id, "limit": limit})
        return await cursor.fetchall()
