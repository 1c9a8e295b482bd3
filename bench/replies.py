"""From webhook to the Bot API call, the time to ready, and the memory of the idle product."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path

import aiohttp

from bench import place
from bench.updates import update
from chatworks.testing.telegram import BotApi

PORT = 8932
SAMPLES = 150
PAUSE_SECONDS = 0.15  # two messages each: well below the thirty a second that a bot may send
HOME = place.BUILD / "replies"


def start(api: BotApi) -> tuple[subprocess.Popen[bytes], float]:
    """Start ``chatworks run``; returns it and the seconds until it said that it is ready."""
    environment = {
        **os.environ,
        "CHATWORKS_HOME": str(HOME),
        "CHATWORKS_PORT": str(PORT),
        "TELEGRAM_API_BASE": api.base,
        "PYTHONUNBUFFERED": "1",
    }
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "chatworks", "run"], env=environment, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    for line in process.stdout:
        if b"Ctrl-C" in line:
            return process, time.perf_counter() - started
    raise RuntimeError("the product did not start")


def memory_mb(pid: int) -> float:
    """Return the proportional memory of a process and of the embedded server's processes."""
    pids = [pid]
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                command = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if str(HOME).encode() in command or command.startswith(b"postgres:"):
                pids.append(int(entry.name))
    total = 0
    for one in set(pids):
        try:
            text = Path(f"/proc/{one}/smaps_rollup").read_text()
        except OSError:
            continue
        total += next(int(line.split()[1]) for line in text.split("\n") if line.startswith("Pss:"))
    return total / 1024


async def measure() -> dict[str, float]:
    """Return ``reply_ms_p50``, ``reply_ms_p99``, ``ready_s`` and ``idle_mb``."""
    api = BotApi()
    await api.start()
    place.environment(api.base)
    shutil.rmtree(HOME, ignore_errors=True)  # what an earlier run left unsent would leave first
    cold, _ = await asyncio.to_thread(start, api)
    cold.send_signal(signal.SIGINT)
    cold.wait()
    process, ready = await asyncio.to_thread(start, api)
    await asyncio.sleep(2)
    idle = memory_mb(process.pid)
    path, secret = await asyncio.to_thread(_channel)
    spent = []
    base = int(time.time()) * 1000  # never the same update
    headers = {"x-telegram-bot-api-secret-token": secret}
    async with aiohttp.ClientSession() as session:
        for chat in range(1, SAMPLES + 1):
            body = update(base + chat, base + chat, "menu")
            began = asyncio.get_running_loop().time()
            url = f"http://127.0.0.1:{PORT}/in/telegram/{path}"
            async with session.post(url, data=body, headers=headers) as answer:
                assert answer.status == 200
            (first, *_) = await api.wait_for(base + chat, 1)
            spent.append((first.at - began) * 1000)
            await asyncio.sleep(PAUSE_SECONDS)
    process.send_signal(signal.SIGINT)
    process.wait()
    await api.stop()
    cuts = statistics.quantiles(spent[10:], n=100)
    return {
        "reply_ms_p50": cuts[49],
        "reply_ms_p99": cuts[98],
        "ready_s": ready,
        "idle_mb": idle,
    }


def _channel() -> tuple[str, str]:
    """Return the path and webhook secret of the running product's bot."""
    import psycopg  # noqa: PLC0415 - only here

    from chatworks.settings import read_settings  # noqa: PLC0415 - only here

    with psycopg.connect(f"postgresql://postgres@/postgres?host={HOME}/postgres") as conn:
        row = conn.execute("SELECT path, id FROM channel WHERE kind = 'telegram'").fetchone()
    assert row is not None
    return row[0], read_settings().derive(f"webhook telegram {row[1].hex}").hex()
