"""A short version of ``make chaos``: three kills, nothing lost, doubled or out of order."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.promise("messaging")
def test_three_kills_lose_nothing(tmp_path: Path) -> None:
    found = tmp_path / "chaos.json"
    run = subprocess.run(  # noqa: S603 - our own module
        [sys.executable, "-m", "bench.chaos", "3", "11", "--to", str(found)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert run.returncode == 0, run.stdout + run.stderr[-2000:]
    result = json.loads(found.read_text())
    assert (result["lost"], result["doubled"], result["out_of_order"]) == (0, 0, 0)
    assert result["kills"] == 3
