"""Kill -9 of worker, web process or PostgreSQL at random moments under load.

Every webhook is delivered twice, chats in random order. At the end all queues drain, and a checker
that reads only the database and what the stand-in of the Bot API received counts what was lost,
doubled or out of order. ``python -m bench.chaos [rounds] [seed]`` writes ``build/chaos.json``.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import psycopg
from rich.console import Console
from rich.progress import track

from bench import place
from bench.check import check
from bench.updates import AGAIN, STEPS, update
from chatworks.kit.embedded import Embedded
from chatworks.testing.telegram import BotApi, Fault

PORT = 8931
# Within the limits that the outbox keeps: 30 messages a second of a bot, one of a chat.
CHATS = 40
STEP_SECONDS = (1.6, 3.4)
DRAIN_SECONDS = 240
SUPERVISE_SECONDS = 0.2
ROUND_SECONDS = (0.3, 1.5)


@dataclass
class Product:
    """The processes under fire."""

    url: str
    embedded: Embedded
    api: BotApi
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    kills: int = 0

    def ensure(self) -> None:
        """Start what is not running, as a supervisor would."""
        for name, command in (("web", "serve"), ("worker", "work"), ("worker 2", "work")):
            known = self.running.get(name)
            if known is None or known.poll() is not None:
                environment = {
                    **os.environ,
                    "DATABASE_URL": self.url,
                    "TELEGRAM_API_BASE": self.api.base,
                    "CHATWORKS_PORT": str(PORT),
                    "CHATWORKS_PUBLIC_URL": "https://chaos.invalid",
                    "CHATWORKS_LOG_FORMAT": "json",
                }
                log = (place.BUILD / f"chaos-{name.replace(' ', '-')}.log").open("ab")
                self.running[name] = subprocess.Popen(
                    [sys.executable, "-m", "chatworks", command], env=environment, stderr=log
                )

    async def supervise(self) -> None:
        """Start again what has ended, until cancelled."""
        while True:
            self.ensure()
            await asyncio.sleep(SUPERVISE_SECONDS)

    async def kill(self, dice: random.Random) -> None:
        """Kill one at random, and bring it back."""
        self.kills += 1
        victim = dice.choice(["web", "worker", "worker 2", "postgres"])
        if victim == "postgres":
            os.kill(self.embedded.pid, signal.SIGKILL)
            await asyncio.sleep(0.3)
            await asyncio.to_thread(self._restart_database)
        else:
            self.running[victim].kill()
            self.running[victim].wait()

    def _restart_database(self) -> None:
        for _ in range(20):
            try:
                self.embedded.start()
            except Exception:  # noqa: BLE001 - its children may still be going away
                time.sleep(0.3)
            else:
                return
        raise RuntimeError("PostgreSQL does not come back")

    def stop(self) -> None:
        """Stop everything kindly."""
        for process in self.running.values():
            process.send_signal(signal.SIGTERM)
        for process in self.running.values():
            try:
                process.wait(timeout=15)
            except subprocess.TimeoutExpired:
                process.kill()


@dataclass
class Load:
    """People who order, again and again, until they are told to stop."""

    path: str
    secret: str
    dice: random.Random
    given: dict[int, list[int]] = field(default_factory=dict)
    stopping: bool = False
    next_id: int = 1

    async def person(self, session: aiohttp.ClientSession, chat: int) -> None:
        """Order in one chat; each step is delivered until it is acknowledged, and once more."""
        self.given[chat] = []
        steps = list(STEPS)
        while True:
            for step in steps:
                number, self.next_id = self.next_id, self.next_id + 1
                body = update(number, chat, step)
                while not await self._deliver(session, body):  # noqa: ASYNC110 - as Telegram does
                    await asyncio.sleep(0.1)
                self.given[chat].append(number)
                await self._deliver(session, body)
                await asyncio.sleep(self.dice.uniform(*STEP_SECONDS))
            if self.stopping:
                return
            steps = list(AGAIN)

    async def _deliver(self, session: aiohttp.ClientSession, body: bytes) -> bool:
        headers = {"x-telegram-bot-api-secret-token": self.secret}
        try:
            async with session.post(self.path, data=body, headers=headers) as answer:
                return answer.status == 200
        except (aiohttp.ClientError, TimeoutError, OSError):
            return False


async def _drain(url: str) -> None:
    """Wait until both queues are empty."""
    until = time.monotonic() + DRAIN_SECONDS
    rows: object = None
    while time.monotonic() < until:
        try:
            with psycopg.connect(url) as conn:
                rows = conn.execute(
                    "SELECT (SELECT count(*) FROM inbox_pending), (SELECT count(*) FROM outbox_part"
                    " WHERE status IN ('queued', 'leased'))"
                ).fetchone()
        except psycopg.OperationalError:
            rows = None
        if rows == (0, 0):
            return
        await asyncio.sleep(0.5)
    raise AssertionError(f"the queues did not drain: {rows}")


async def chaos(rounds: int, seed: int) -> dict[str, int]:
    """Run ``rounds`` kills; returns the counts of ``build/chaos.json``."""
    print(f"chaos: {rounds} rounds, seed {seed}")
    dice = random.Random(seed)  # noqa: S311 - repeatable on purpose
    api = BotApi()
    await api.start()
    place.environment(api.base)
    embedded, base = place.server()
    url = place.fresh(base, "bench_chaos")
    house = place.house(url)
    await house.open()
    await place.majipro(house)
    channel = (await house.directory.channels(kind="telegram"))[0]
    await house.close()
    product = Product(url, embedded, api)
    supervisor = asyncio.create_task(product.supervise())
    load = Load(f"http://127.0.0.1:{PORT}/in/telegram/{channel.path}", channel.webhook_secret, dice)
    timeout = aiohttp.ClientTimeout(total=10)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        people = [asyncio.create_task(load.person(session, chat)) for chat in range(1, CHATS + 1)]
        for _ in track(range(rounds), "killing", console=Console(stderr=True)):
            await asyncio.sleep(dice.uniform(*ROUND_SECONDS))
            api.faults.append(Fault(dice.choice(["429", "500", "close", "after"])))
            await product.kill(dice)
        load.stopping = True
        await asyncio.gather(*people)
    await _drain(url)
    supervisor.cancel()
    product.stop()
    counts = check(url, load.given, api.calls)
    embedded.stop()
    await api.stop()
    events = sum(len(ids) for ids in load.given.values())
    return {"rounds": rounds, "kills": product.kills, "events": events, **counts, "seed": seed}


def main() -> None:
    """Run, print, and write ``build/chaos.json``, or where ``--to`` says."""
    parser = argparse.ArgumentParser(description="Kill -9 at random moments under load")
    parser.add_argument("rounds", type=int, nargs="?", default=200)
    parser.add_argument("seed", type=int, nargs="?", default=int(time.time()))
    parser.add_argument("--to", type=Path, default=place.BUILD / "chaos.json")
    given = parser.parse_args()
    result = asyncio.run(chaos(given.rounds, given.seed))
    given.to.parent.mkdir(exist_ok=True)
    given.to.write_text(json.dumps(result) + "\n")
    print(result)
    if result["lost"] or result["doubled"] or result["out_of_order"]:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
