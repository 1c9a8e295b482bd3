"""What the menu counts and the board shows is found by indexes of what is open, at every size."""

from __future__ import annotations

from typing import Any

import pytest

from chatworks.channels.models import Channel
from chatworks.console import store as console
from chatworks.house import House
from chatworks.kit.work import Work
from chatworks.orders import store as orders


async def talked(work: Work, channel: Channel) -> None:
    """Make a thousand conversations, so that indexes differ in what they cost."""
    parameters = {"outlet": channel.outlet_id, "channel": channel.id, "now": work.now}
    await work.conn.execute(
        "INSERT INTO contact (outlet_id, id, channel_id, vendor_id, language, created_at)"
        " SELECT %(outlet)s, gen_random_uuid(), %(channel)s, n::text, 'en', %(now)s"
        " FROM generate_series(1, 1000) AS n",
        parameters,
    )
    await work.conn.execute(
        "INSERT INTO conversation (outlet_id, id, channel_id, contact_id, thread, thread_key,"
        " last_at, created_at)"
        " SELECT outlet_id, gen_random_uuid(), channel_id, id, vendor_id, 0,"
        " %(now)s - vendor_id::integer * interval '1 hour', %(now)s"
        " FROM contact WHERE channel_id = %(channel)s",
        parameters,
    )


@pytest.mark.parametrize(
    ("query", "indexes"),
    [
        (
            console.QUERIES["waiting"],
            {"sales_order_open", "conversation_latest", "inbox_pending_parked"},
        ),
        (orders.QUERIES["board"], {"sales_order_open", "sales_order_outlet_id_number_key"}),
    ],
    ids=["waiting", "board"],
)
async def test_queries_are_bounded(house: House, query: Any, indexes: set[str]) -> None:
    outlet = (await house.directory.outlets())[0]
    channel = (await house.directory.channels(kind="webchat"))[0]
    async with house.db.engine([outlet.id]) as work:
        await talked(work, channel)
        parameters = {"outlet_id": outlet.id, "since": work.now, "most": 100, "limit": 100}
        explained = await work.conn.execute("EXPLAIN " + query, parameters)
        plan = "\n".join(row[0] for row in await explained.fetchall())

    assert {name for name in indexes if name in plan} == indexes, plan
    assert "Seq Scan" not in plan


async def test_nothing_waits_in_a_new_outlet(house: House) -> None:
    outlet = (await house.directory.outlets())[0]
    async with house.db.engine([outlet.id]) as work:
        assert await console.waiting(work, outlet.id) == console.Waiting(0, 0, 0)
        assert await orders.board(work, outlet.id) == []
