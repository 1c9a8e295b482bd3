"""Homes of embedded databases for the product as a process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from processes import environment, free_port, new_home


@pytest.fixture(scope="session")
def home() -> Iterator[Path]:
    """One home that tests share: making a database takes a second."""
    with new_home() as folder:
        yield folder


@pytest.fixture
def empty_home() -> Iterator[Path]:
    """A home in which nothing was ever started."""
    with new_home() as folder:
        yield folder


@pytest.fixture
def env(home: Path) -> dict[str, str]:
    """What the product needs to run in the shared home, on a free port."""
    return environment(home, CHATWORKS_PORT=str(free_port()))
