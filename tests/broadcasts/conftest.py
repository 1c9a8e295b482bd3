"""An outlet with people on Telegram and in web chat who agreed to offers."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest
from audience import Audience

from chatworks.house import House


@pytest.fixture
def audience(house: House, database_url: str) -> Callable[[int], Audience]:
    """Make people by their number; everyone agreed to offers."""

    def make(people: int) -> Audience:
        made = Audience(house, database_url)
        with psycopg.connect(database_url, autocommit=True) as conn:
            made.outlet_id, made.channel_id = conn.execute(
                "SELECT outlet_id, id FROM channel WHERE kind = 'telegram'"
            ).fetchone()  # type: ignore[misc]
        made.add(people)
        return made

    return make
