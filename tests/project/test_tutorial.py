"""The tutorial's files, written out and run as a newcomer would."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "tutorial" / "first-applet.md"


def test_the_first_applet_works_as_written(tmp_path: Path) -> None:
    blocks = re.findall(r"```\w+\n# file: (\S+)\n(.*?)```", PAGE.read_text(), re.DOTALL)
    for name, text in blocks:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)

    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_hello.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": str(tmp_path), "PATH": ""},
    )

    assert [name for name, _ in blocks][-1] == "test_hello.py"
    assert run.returncode == 0, run.stdout + run.stderr
    assert "1 passed" in run.stdout
