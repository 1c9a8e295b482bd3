"""``make bench``: runs everything, prints a table, writes ``build/bench.json``."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess

from rich.console import Console
from rich.table import Table

from bench import audit, idle, inbox, place, plans, replies, sends, signed_in, turns
from chatworks.kit.backup import tool

Row = dict[str, object]


def pgbench(owner_url: str) -> float:
    """Return TPC-B-like transactions per second at 8 clients on the same server."""
    place.fresh(owner_url, "bench_tpcb")
    url = place.at(owner_url, "bench_tpcb")
    subprocess.run([tool("pgbench"), "-i", "-q", "-s", "10", url], check=True, capture_output=True)
    said = subprocess.run(
        [tool("pgbench"), "-c", "8", "-j", "2", "-T", "10", url],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    found = re.search(r"tps = ([\d.]+)", said)
    assert found is not None
    return float(found[1])


def row(name: str, value: float, unit: str, reference: str = "", base: float = 0.0) -> Row:
    """Return one line of ``build/bench.json``."""
    ratio = round(value / base, 2) if base else None
    return {
        "name": name,
        "value": round(value, 2),
        "unit": unit,
        "reference": reference,
        "ratio": ratio,
    }


def aiogram(owner_url: str) -> float:
    """Return turns per second of the peer at 8 conversations at once, in one process or in two."""
    place.fresh(owner_url, "bench_aiogram")
    url = place.at(owner_url, "bench_aiogram")
    python = place.ROOT / ".venv" / "peers" / "bin" / "python"
    peer = place.ROOT / "bench" / "peers" / "aiogram_orders.py"
    best = 0.0
    for processes in ("1", "2"):
        said = subprocess.run(
            [python, peer, url, processes, "8", "60"], check=True, capture_output=True, text=True
        ).stdout
        best = max(best, json.loads(said)["turns_per_s"])
    return best


def tell(what: str) -> None:
    """Say what is being measured: the whole takes minutes."""
    print(f"measuring {what} …", flush=True)


def main() -> None:
    """Run every benchmark."""
    place.environment()
    embedded, base = place.server()
    tell("pgbench")
    tpcb = pgbench(base)
    tell("turns")
    measured = max((turns.measure(base, n) for n in (1, 2)), key=lambda m: m["turns_per_s"])
    tell("the same dialogue with aiogram")
    peer = aiogram(base)
    tell("the inbox")
    bare, _, _ = inbox.run(base, bare=True)
    verified, _, beside = inbox.run(base, bare=False)
    _, p99, _ = inbox.run(base, bare=False, rate=verified / 2)
    single, _, _ = inbox.run(base, bare=False, connections=1)
    tell("a million idle conversations")
    resting = idle.measure(base)
    tell("sends")
    sending = sends.measure(base)
    tell("the audit log")
    log = audit.measure(base)
    tell("being signed in")
    signed = signed_in.measure(base)
    place.environment()
    embedded.stop()
    tell("replies")
    reply = asyncio.run(replies.measure())
    tell("plans of messages")
    planned = plans.measure()
    rows = [
        row("turns_per_s", measured["turns_per_s"], "turns/s", "turns_per_s_aiogram", peer),
        row("turns_per_s_aiogram", peer, "turns/s, 8 conversations at once"),
        row("turns_workers", measured["workers"], "processes"),
        row("turns_products", measured["products"], "products"),
        row("pgbench_tpcb_per_s", tpcb, "transactions/s"),
        row("turns_per_tpcb", measured["turns_per_s"], "turns/s", "pgbench_tpcb_per_s", tpcb),
        row("inbox_per_s", verified, "webhooks/s, a worker beside", "inbox_bare_per_s", bare),
        row("inbox_bare_per_s", bare, "webhooks/s, a worker beside"),
        row("inbox_turns_beside_per_s", beside, "turns/s while inbox_per_s was taken"),
        row("inbox_single_per_s", single, "webhooks/s over one connection"),
        row("inbox_ms_p99", p99, "ms at half load"),
        row("idle_blocks", resting["many"], "blocks, 1,000,000 idle", "10,000", resting["few"]),
        row("idle_plans_changed", len(resting["changed"]), "of 7 hot queries"),
        row(
            "outbox_sends_per_s",
            sending["sends_per_s"],
            "sends/s, 128 in flight",
            "sends_bare_per_s",
            sending["bare_per_s"],
        ),
        row("sends_bare_per_s", sending["bare_per_s"], "requests/s, the client alone"),
        row(
            "audit_tps_ratio",
            log["leaf_tps"] / log["plain_tps"],
            "of the transactions/s with plain audit inserts, 32 clients",
        ),
        row("audit_leaf_per_s", log["leaf_tps"], "transactions/s, each with a leaf"),
        row("audit_sequencer_per_s", log["sequencer_per_s"], "leaves/s sequenced and signed"),
        row("signed_in_overhead_ms", signed, "ms that a page waits for session and permission"),
        row("reply_ms_p50", reply["reply_ms_p50"], "ms"),
        row("reply_ms_p99", reply["reply_ms_p99"], "ms"),
        row("ready_s", reply["ready_s"], "s warm"),
        row("idle_mb", reply["idle_mb"], "MB with its database"),
        row("plan_us", planned["plan_us"], "µs, a typical message, the slowest channel"),
        row("plan_violations", planned["plan_violations"], f"of {plans.COUNT:,} messages"),
    ]
    (place.BUILD / "bench.json").write_text(json.dumps(rows, indent=1) + "\n")
    table = Table("name", "value", "unit", "reference", "ratio")
    for one in rows:
        table.add_row(*(str(one[key]) for key in ("name", "value", "unit", "reference", "ratio")))
    Console().print(table)


if __name__ == "__main__":
    main()
