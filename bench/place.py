"""A database of its own for a benchmark, with MajiPro open at every hour and endless stock."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import psycopg
from psycopg import sql

from chatworks.app import compose, seed_outlet
from chatworks.house import House
from chatworks.kit.clock import SystemClock
from chatworks.kit.embedded import Embedded
from chatworks.kit.migrate import migrate
from chatworks.outlets.models import WEEKDAYS, Hours
from chatworks.outlets.service import read_file
from chatworks.settings import read_settings

ROOT = Path(__file__).parents[1]
BUILD = ROOT / "build"
SECRET = "the secret of the benchmarks, long enough"


def environment(api_base: str = "http://127.0.0.1:9") -> None:
    """Set what the product reads."""
    os.environ["CHATWORKS_SECRET"] = SECRET
    os.environ["TELEGRAM_TOKEN"] = "12345:stand-in"
    os.environ["TELEGRAM_API_BASE"] = api_base


def server() -> tuple[Embedded, str]:
    """Start the benchmarks' own embedded server."""
    BUILD.mkdir(exist_ok=True)
    embedded = Embedded(BUILD / "bench")
    return embedded, embedded.start()


def fresh(owner_url: str, name: str) -> str:
    """Return the address of a new, migrated database."""
    with psycopg.connect(owner_url, autocommit=True) as conn:
        identifier = sql.Identifier(name)
        conn.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(identifier))
        conn.execute(sql.SQL("CREATE DATABASE {}").format(identifier))
    url = at(owner_url, name)
    migrate(url, SECRET.encode())
    return url


def at(owner_url: str, name: str) -> str:
    """Return the address of another database of the server."""
    head, _, tail = owner_url.partition("?")
    return f"{head.rpartition('/')[0]}/{name}" + (f"?{tail}" if tail else "")


def house(url: str) -> House:
    """Compose the product; nothing is opened."""
    return compose(read_settings(), url, SystemClock())


async def majipro(made: House) -> None:
    """Seed the outlet."""
    file = read_file(ROOT / "outlets" / "majipro.toml")
    hours = msgspec.convert({day: [("00:00", "00:00")] for day in WEEKDAYS}, Hours)
    products = [msgspec.structs.replace(p, stock=1_000_000) for p in file.products]
    await seed_outlet(made, msgspec.structs.replace(file, hours=hours, products=products))
