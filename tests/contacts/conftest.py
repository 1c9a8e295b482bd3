"""Sides of people: web chat, terminal, and a bot that has told its name."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest
from crossing import Side

from chatworks.house import House


@pytest.fixture
async def side(house: House, database_url: str) -> Callable[[str, str], Side]:
    """Make a side by the kind of its channel and its chat."""
    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.execute("UPDATE channel SET name = 'majipro_bot' WHERE kind = 'telegram'")
    house.directory.forget()
    channels = {channel.kind: channel for channel in await house.directory.channels()}
    return lambda kind, thread: Side(house, channels[kind], thread)
