"""Run one target, or list them: ``python -m fuzz TARGET --seconds 600``.

Seeds and found cases live in ``fuzz/seeds/TARGET``; what coverage adds stays in ``build/fuzz``. An
exception that a target does not expect ends the run; its input stands beside, to be kept as a seed.
Atheris instruments only what is imported inside of its block, so the targets are imported late.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
NAMES = (
    "telegram_updates", "twilio_forms", "whatsapp_batches", "web_chat", "mini_app", "door",
    "answers", "identities", "files", "file_words", "forms", "headers",
    "api_json", "notes", "passkeys", "providers", "oauth",
)  # fmt: skip


def main() -> None:
    """Run a target for a time."""
    asked = argparse.ArgumentParser(prog="python -m fuzz")
    asked.add_argument("target", choices=NAMES)
    asked.add_argument("--seconds", type=int, default=600)
    given = asked.parse_args()
    import atheris  # noqa: PLC0415 - not in the environment of the tests

    with atheris.instrument_imports(include=["chatworks", "msgspec", "litestar", "webauthn"]):
        from fuzz import doors, tokens, words  # noqa: PLC0415 - instrumented
    targets = {one.__name__: one for one in (*doors.TARGETS, *words.TARGETS, *tokens.TARGETS)}
    grown = ROOT / "build" / "fuzz" / given.target
    grown.mkdir(parents=True, exist_ok=True)
    seeds = ROOT / "fuzz" / "seeds" / given.target
    options = [
        sys.argv[0],
        f"-max_total_time={given.seconds}",
        f"-artifact_prefix={grown}-",
        "-timeout=10",
        "-rss_limit_mb=2048",
        "-print_final_stats=1",
        str(grown),
        str(seeds),
    ]
    atheris.Setup(options, targets[given.target])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
