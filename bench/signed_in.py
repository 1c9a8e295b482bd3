"""What a page of the console costs before it does anything: the session, its factors, its right.

Two handlers answer the same word, one behind the console's guard. They are asked in turns, without
a network between; the difference of their medians is what being signed in costs.
"""

from __future__ import annotations

import asyncio
import logging
import statistics
import time
from typing import Any

import httpx
from litestar import Litestar, Router, get

from bench import place
from chatworks.app import sign_in_link
from chatworks.cli import console_desk
from chatworks.console.router import console, guard
from chatworks.factors.pages import Gate
from chatworks.house import House
from chatworks.web.sse import Streams
from chatworks.web.templating import Pages

ROUNDS = 2000
WARM = 200


@get("/word", needs="orders.read", sync_to_thread=False)
def word() -> str:
    """Answer at once."""
    return "here"


def _app(house: House) -> Litestar:
    shown = Pages()
    desk = console_desk(house, Streams(house.listener), shown, Gate(house.prover, shown))
    open_to_all = Router("/open", route_handlers=[word])
    guarded = Router("/guarded", route_handlers=[word], before_request=guard(desk))
    return Litestar([open_to_all, guarded, *console(desk)], openapi_config=None)


async def _measure(url: str) -> float:
    house = place.house(url)
    await house.open()
    await place.majipro(house)
    (outlet,) = await house.directory.outlets()
    app: Any = _app(house)
    transport = httpx.ASGITransport(app)
    took: dict[str, list[float]] = {"/open/word": [], "/guarded/word": []}
    async with httpx.AsyncClient(transport=transport, base_url=house.settings.address) as client:
        key = (await sign_in_link(house, outlet.id)).partition("key=")[2]
        assert (await client.post("/console/sign-in", data={"key": key})).status_code == 303
        for turn in range(WARM + ROUNDS):
            for path, times in took.items():
                began = time.perf_counter()
                answer = await client.get(path)
                if turn >= WARM:
                    times.append(time.perf_counter() - began)
                assert answer.text == "here"
    await house.close()
    bare, signed_in = (statistics.median(times) for times in took.values())
    return (signed_in - bare) * 1000


def measure(owner_url: str) -> float:
    """Return the milliseconds that session and permission checks add to a page."""
    logging.getLogger("httpx").setLevel(logging.WARNING)
    return asyncio.run(_measure(place.fresh(owner_url, "bench_signed_in")))
