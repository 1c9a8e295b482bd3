"""Webhooks per second, verified and committed before the answer, beside a bare endpoint.

The server is its own process (uvicorn, uvloop, httptools); the load is another, this file's
``_drive``: connections kept open that write raw HTTP. A worker, a third process, takes turns all
the while. ``bare`` has the same shared commit and neither verifies nor parses.
"""

from __future__ import annotations

import asyncio
import multiprocessing as mp
import time
from typing import Any

import psycopg
import uvicorn
import uvloop

from bench import place
from bench.updates import update
from chatworks.channels.models import Arrival, Lane
from chatworks.inbox.door import Door
from chatworks.inbox.models import NewEvent
from chatworks.kit.process import settle

PORT = 8933
CONNECTIONS = 64
SECONDS = 6.0
OK = b"HTTP/1.1 200"


def _serve(url: str, *, bare: bool) -> None:
    place.environment()
    uvloop.run(_server(url, bare=bare))


async def _server(url: str, *, bare: bool) -> None:
    house = place.house(url)
    await house.open()
    channel = (await house.directory.channels(kind="telegram"))[0]
    number = 0

    async def plain(scope: Any, receive: Any, send: Any) -> None:
        nonlocal number
        message = await receive()
        number += 1
        arrival = Arrival(str(number), str(number % 1000), Lane.MESSAGE, number, message["body"])
        await house.committer.accept([NewEvent(channel.outlet_id, channel.id, arrival)])
        headers = [(b"content-length", b"2")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"{}"})
        del scope

    door = Door(house.kinds, house.directory.resolve, house.committer, house.clock)
    app: Any = plain if bare else door
    config = uvicorn.Config(app, port=PORT, lifespan="off", access_log=False, log_level="error")
    await uvicorn.Server(config).serve()


def _work(url: str) -> None:
    place.environment()
    uvloop.run(_worker(url))


async def _worker(url: str) -> None:
    house = place.house(url)
    await house.open()
    settle()
    await house.worker.run()


def _load(path: str, secret: str, connections: int, rate: float, out: Any) -> None:
    out.put(uvloop.run(_drive(path, secret, connections, rate)))


async def _drive(path: str, secret: str, connections: int, rate: float) -> tuple[float, float]:
    """Return requests per second and the 99th percentile of latency in ms."""
    spent: list[float] = []
    until = time.perf_counter() + SECONDS
    pause = connections / rate if rate else 0.0

    async def one(index: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", PORT)
        count = 0
        while time.perf_counter() < until:
            count += 1
            body = update(index * 10_000_000 + count, index * 100 + count % 100 + 1, "hello")
            head = (
                f"POST {path} HTTP/1.1\r\nhost: x\r\nx-telegram-bot-api-secret-token: {secret}\r\n"
                f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
            )
            began = time.perf_counter()
            writer.write(head.encode() + body)
            answer = await reader.readuntil(b"{}")
            assert answer.startswith(OK), answer
            spent.append(time.perf_counter() - began)
            if pause:
                await asyncio.sleep(max(0.0, pause - spent[-1]))
        writer.close()

    await asyncio.gather(*(one(index) for index in range(connections)))
    spent.sort()
    return len(spent) / SECONDS, spent[int(len(spent) * 0.99)] * 1000


def run(owner_url: str, *, bare: bool, connections: int = CONNECTIONS, rate: float = 0.0) -> Any:
    """Return (requests per second, p99 in ms, turns per second beside it) of one arrangement."""
    url = place.fresh(owner_url, "bench_inbox")

    async def seed() -> tuple[str, str]:
        house = place.house(url)
        await house.open()
        await place.majipro(house)
        channel = (await house.directory.channels(kind="telegram"))[0]
        await house.close()
        return f"/in/telegram/{channel.path}", channel.webhook_secret

    path, secret = asyncio.run(seed())
    context = mp.get_context("spawn")
    server = context.Process(target=_serve, args=(url,), kwargs={"bare": bare})
    worker = context.Process(target=_work, args=(url,))
    server.start()
    worker.start()
    time.sleep(3)
    out = context.Queue()
    load = context.Process(target=_load, args=(path, secret, connections, rate, out))
    load.start()
    result = out.get(timeout=60)
    load.join()
    with psycopg.connect(url) as conn:
        row = conn.execute("SELECT count(*) FROM message WHERE direction = 'in'").fetchone()
    for process in (server, worker):
        process.terminate()
        process.join()
    assert row is not None
    return (*result, row[0] / SECONDS)
