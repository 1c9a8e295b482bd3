"""Each of our own rules finds what its examples say, and nothing else."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "tools" / "semgrep"
SCANNER = ROOT / ".venv" / "scan" / "bin" / "semgrep"  # make check installs it
EXAMPLES = FOLDER / "examples" / "cases.py"
RULES_MIN = 20


def test_rules_find_their_examples_and_nothing_else(tmp_path: Path) -> None:
    rules = set(re.findall(r"- id: (\S+)", (FOLDER / "rules.yml").read_text()))
    wanted = {
        (number + 1, line.partition("# finds: ")[2])
        for number, line in enumerate(EXAMPLES.read_text().splitlines(), 1)
        if "# finds: " in line
    }

    done = subprocess.run(  # noqa: S603 - fixed arguments
        [SCANNER, "scan", "--quiet", "--metrics=off", "--disable-version-check", "--jobs=1",
         "--json", "--config", FOLDER / "rules.yml", EXAMPLES],
        check=True, capture_output=True,
        env={**os.environ, "SEMGREP_SETTINGS_FILE": str(tmp_path / "settings.yml")},
    )  # fmt: skip
    said = json.loads(done.stdout)
    found = {(r["start"]["line"], r["check_id"].rpartition(".")[2]) for r in said["results"]}

    assert said["errors"] == []
    assert found == wanted
    assert {rule for _, rule in wanted} == rules
    assert len(rules) >= RULES_MIN
