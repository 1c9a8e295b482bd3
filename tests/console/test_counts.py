"""What the menu counts and the board shows is found by indexes of what is open, at every size."""

from __future__ import annotations

from typing import Any

import pytest

from chatworks.app import House
from chatworks.console import store as console
from chatworks.orders import store as orders


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
    async with house.db.engine([outlet.id]) as work:
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
