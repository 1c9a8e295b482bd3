"""Sends per second: queued parts in, accepted by a stand-in over loopback, settled and committed.

The stand-in is a process of its own that answers every POST as the Bot API does. The reference is
the bare HTTP client posting the same bodies to it, as many at a time. Limits are off: they are
what a vendor bears, not what we can do.
"""

from __future__ import annotations

import asyncio
import multiprocessing as mp
import time
from dataclasses import replace
from typing import Any

import aiohttp
import msgspec
import psycopg
import uvloop

from bench import place
from chatworks.kit.process import settle

IN_FLIGHT = 128
PARTS = 20_000
PORT = 8933
ANSWER = b'{"ok":true,"result":{"message_id":7}}'
REPLY = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(
    ANSWER
)
FILL = """
INSERT INTO outbox_part (outlet_id, id, channel_id, conversation_id, thread, message_seq, part,
                         payload, status, ready_at, created_at)
SELECT %s, md5('o' || n)::uuid, %s, md5('c' || n)::uuid, n::text, 1, 0,
       jsonb_build_object('method', 'sendMessage', 'params',
                          jsonb_build_object('chat_id', n, 'text', 'Your order is on its way.')),
       'queued', now(), now()
FROM generate_series(1, %s) n
"""


class StandIn(asyncio.Protocol):
    """Answers each request as soon as its body is here."""

    def connection_made(self, transport: Any) -> None:
        """Keep the connection."""
        self.transport = transport
        self.held = b""

    def data_received(self, data: bytes) -> None:
        """Answer what is whole."""
        self.held += data
        while (end := self.held.find(b"\r\n\r\n")) >= 0:
            head = self.held[:end].lower()
            length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
            if len(self.held) < end + 4 + length:
                return
            self.held = self.held[end + 4 + length :]
            self.transport.write(REPLY + ANSWER)


def _serve(ready: Any) -> None:
    async def run() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(StandIn, "127.0.0.1", PORT, backlog=512)
        ready.set()
        await server.serve_forever()

    uvloop.run(run())


async def _through_the_outbox(url: str) -> float:
    house = place.house(url)
    kind = house.kinds["telegram"]
    house.kinds["telegram"] = replace(kind, limits=None)
    await house.open()
    await place.majipro(house)
    channel = (await house.directory.channels(kind="telegram"))[0]
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute(FILL, [channel.outlet_id, channel.id, PARTS])
        conn.execute("ANALYZE outbox_part")
        settle()
        started = time.perf_counter()
        task = asyncio.create_task(house.sender.run())
        left = PARTS
        while left:
            await asyncio.sleep(0.05)
            row = conn.execute(
                "SELECT count(*) FROM outbox_part WHERE status IN ('queued', 'leased')"
            ).fetchone()
            left = 0 if row is None else row[0]
        spent = time.perf_counter() - started
        sent = conn.execute("SELECT count(*) FROM outbox_part WHERE status = 'sent'").fetchone()
    house.sender.stop()
    await task
    await house.close()
    if sent != (PARTS,):
        raise AssertionError(f"not everything was sent: {sent}")
    return PARTS / spent


async def _bare() -> float:
    numbers = iter(range(PARTS))

    async def post(session: aiohttp.ClientSession) -> None:
        for number in numbers:
            body = msgspec.json.encode({"chat_id": number, "text": "Your order is on its way."})
            url = f"http://127.0.0.1:{PORT}/bot12345:stand-in/sendMessage"
            async with session.post(url, data=body) as answer:
                await answer.read()

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=IN_FLIGHT)) as session:
        started = time.perf_counter()
        await asyncio.gather(*(post(session) for _ in range(IN_FLIGHT)))
        return PARTS / (time.perf_counter() - started)


def measure(owner_url: str) -> dict[str, float]:
    """Return ``sends_per_s`` through the outbox, and ``bare_per_s`` beside it."""
    url = place.fresh(owner_url, "bench_sends")
    context = mp.get_context("spawn")
    ready = context.Event()
    vendor = context.Process(target=_serve, args=(ready,), daemon=True)
    vendor.start()
    ready.wait()
    place.environment(f"http://127.0.0.1:{PORT}")
    bare = uvloop.run(_bare())
    sends = uvloop.run(_through_the_outbox(url))
    vendor.terminate()
    vendor.join()
    return {"sends_per_s": sends, "bare_per_s": bare}


if __name__ == "__main__":
    place.environment()
    embedded, base = place.server()
    print(measure(base))
    embedded.stop()
