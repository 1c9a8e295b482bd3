"""Nothing that a stranger sends makes a second line of the log, or steers a terminal."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from datetime import datetime
from io import StringIO

import pytest
import structlog

from chatworks.kit.logs import configure

EVIL = "x\n2026-11-24T12:00:00Z [info] all is well\r\n\x1b[2J\x07\u2028" + '"}{"event": "forged"}'


@pytest.fixture
def logged(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[StringIO]:
    root, stream = logging.getLogger(), StringIO()
    handlers, level = list(root.handlers), root.level
    monkeypatch.setattr("sys.stderr", stream)
    configure(request.param)
    yield stream
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()


@pytest.mark.parametrize("logged", ["console", "json"], indirect=True)
def test_what_is_logged_stays_one_line(logged: StringIO) -> None:
    structlog.get_logger().warning("an update was refused", reason=EVIL)
    logging.getLogger("another.package").warning("odd %s", EVIL)

    lines = logged.getvalue().splitlines()
    assert len(lines) == 2
    assert not any(ord(sign) < 32 or 0x7F <= ord(sign) < 0xA0 for line in lines for sign in line)


@pytest.mark.parametrize("logged", ["json"], indirect=True)
def test_a_line_says_when_in_utc(logged: StringIO) -> None:
    structlog.get_logger().warning("said")

    at = datetime.fromisoformat(json.loads(logged.getvalue())["timestamp"])
    assert at.utcoffset() is not None
    assert at.utcoffset().total_seconds() == 0
