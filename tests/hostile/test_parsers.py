"""Every parser of strangers' input takes every seed and every case that was ever found."""

from __future__ import annotations

from pathlib import Path

import pytest

from fuzz import doors, tokens, words
from fuzz.__main__ import NAMES

ROOT = Path(__file__).parents[2]
SEEDS = ROOT / "fuzz" / "seeds"
TARGETS = {one.__name__: one for one in (*doors.TARGETS, *words.TARGETS, *tokens.TARGETS)}
CASES = sorted(path.relative_to(SEEDS) for path in SEEDS.glob("*/*"))
SEED_BYTES_MAX = 8192


def test_every_target_is_run_and_has_seeds() -> None:
    assert set(NAMES) == set(TARGETS) == {case.parts[0] for case in CASES}
    assert [c for c in CASES if (SEEDS / c).stat().st_size > SEED_BYTES_MAX] == []


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_case_is_taken_or_refused_in_words(case: Path) -> None:
    TARGETS[case.parts[0]]((SEEDS / case).read_bytes())
