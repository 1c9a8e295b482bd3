"""A search at size: a hundred thousand messages, read by their index, a bounded page at a time."""

from __future__ import annotations

import statistics

import pytest

from chatworks.house import House
from chatworks.support import store as support
from chatworks.support.store import QUERIES, SEARCHED_CONVERSATIONS, SEARCHED_MESSAGES

PEOPLE, EACH = 1_000, 100
MILLISECONDS_MAX = 50  # docs/explanation/performance.md
FILL = """
WITH people AS (
    INSERT INTO contact (outlet_id, id, channel_id, vendor_id, name, language, created_at)
    SELECT h.outlet_id, gen_random_uuid(), h.id, n::text, 'Person ' || n, 'en', now()
    FROM channel h, generate_series(1, %(people)s) n WHERE h.kind = 'webchat'
    RETURNING outlet_id, id, channel_id, vendor_id
), chats AS (
    INSERT INTO conversation (outlet_id, id, channel_id, contact_id, thread, thread_key, last_at,
                              last_seq, created_at)
    SELECT outlet_id, gen_random_uuid(), channel_id, id, vendor_id, vendor_id::bigint,
           now() - vendor_id::integer * interval '1 minute', %(each)s, now()
    FROM people RETURNING outlet_id, id, thread
)
INSERT INTO message (outlet_id, conversation_id, seq, direction, author, content, created_at)
SELECT outlet_id, id, s, 'in', 'contact',
       jsonb_build_object('text', 'Please bring ' || s || ' bottles to house ' || thread), now()
FROM chats, generate_series(1, %(each)s) s
"""


@pytest.mark.slow
async def test_a_page_of_a_search_reads_the_messages_by_their_index(house: House) -> None:
    outlet = (await house.directory.outlets())[0]
    async with house.db.engine([outlet.id]) as work:
        await work.conn.execute(FILL, {"people": PEOPLE, "each": EACH})
    parameters = {
        "outlet_id": outlet.id,
        "words": "nothing like it",
        "number": -1,
        "kind": "",
        "conversations": SEARCHED_CONVERSATIONS,
        "messages": SEARCHED_MESSAGES,
    }
    spent = []
    async with house.db.web(outlet.id) as work:
        asked = "EXPLAIN (ANALYZE, TIMING OFF) " + QUERIES["search"]
        for _ in range(5):
            cursor = await work.conn.execute(asked, {**parameters, "before": work.now})
            lines = [row[0] for row in await cursor.fetchall()]
            spent.append(float(lines[-1].split()[2]))
        found, end = await support.search(work, outlet.id, "house 7", work.now, kind="")

    plan = "\n".join(lines)
    assert "Index Scan using message_pkey on message" in plan
    assert "Seq Scan on message" not in plan
    assert "Seq Scan on conversation" not in plan
    assert statistics.median(spent) < MILLISECONDS_MAX
    assert [row["name"] for row in found] == ["Person 7", *(f"Person {n}" for n in range(70, 80))]
    assert end is not None
