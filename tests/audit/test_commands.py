"""``chatworks audit`` as people run it: witness, prove, check, verify, beside a running product."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import httpx
import psycopg
import pytest
from processes import Running, chatworks, environment, free_port, new_home

from chatworks.audit.notes import LOG, WITNESS, Checkpoint, Signer, signed_checkpoint
from chatworks.audit.witness import Witness, request
from chatworks.settings import Settings
from chatworks.witnessing import door


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[dict[str, str], str, Path]]:
    """The product in a home of its own, its address, and a folder to run commands in."""
    with new_home() as home:
        port = free_port()
        env = environment(home, CHATWORKS_PORT=str(port))
        process = Running.start(env, home.parent).ready()
        address = f"http://127.0.0.1:{port}/audit"
        wait_for_checkpoint(address)
        yield env, address, tmp_path_factory.mktemp("commands")
        code, trouble = process.stop()
        assert (code, trouble) == (0, "")


def wait_for_checkpoint(address: str) -> None:
    with httpx.Client(transport=httpx.HTTPTransport(retries=3)) as client:
        for _ in range(100):
            if client.get(f"{address}/checkpoint").status_code == 200:
                return
            time.sleep(0.2)
    raise AssertionError("nothing was signed")


def a_leaf(home: str) -> str:
    url = f"postgresql://postgres@/postgres?host={home}/postgres"
    with psycopg.connect(url) as conn:
        row = conn.execute("SELECT leaf_id FROM audit_entry ORDER BY n LIMIT 1").fetchone()
    assert row is not None
    return str(row[0].hex)


def test_the_log_is_witnessed_proved_checked_and_verified(
    running: tuple[dict[str, str], str, Path],
) -> None:
    env, address, folder = running
    key = chatworks("audit", "key", env=env, cwd=folder).stdout.strip()
    outside = {k: v for k, v in env.items() if not k.startswith("CHATWORKS")}
    watch = ("audit", "witness", address, key, "--once", "--folder", "w", "--name", "me.example")

    seen = [chatworks(*watch, env=outside, cwd=folder) for _ in range(2)]
    leaf = a_leaf(env["CHATWORKS_HOME"])
    proved = chatworks("audit", "prove", leaf, "--folder", "proofs", env=env, cwd=folder)
    files = (f"proofs/{leaf}.tlog-proof", f"proofs/{leaf}.leaf")
    check = ("audit", "check", *files, "--key", key)
    checked = chatworks(*check, env=outside, cwd=folder)
    witness = seen[0].stdout.split("key: ")[1].split("\n")[0]
    (history,) = (folder / "w").glob("*.history")
    held = ("--held", str(history), "--witness", witness)
    verified = chatworks("audit", "verify", *held, env=env, cwd=folder)

    assert key.startswith(f"{address.removeprefix('http://')}+")
    assert [done.returncode for done in (*seen, proved, checked, verified)] == [0] * 5
    assert "nothing was taken back" in seen[1].stdout
    assert json.loads((folder / files[1]).read_bytes()[1:])["id"] == leaf
    assert "is entry 0 of" in checked.stdout
    assert "nothing was changed" in verified.stdout
    assert (folder / "w" / "key").stat().st_mode & 0o077 == 0

    (folder / files[1]).write_bytes(b"\x01{}")
    forged = chatworks(*check, env=outside, cwd=folder)
    assert (forged.returncode, forged.stdout) == (2, "")
    assert "does not prove" in forged.stderr


def test_what_a_superuser_changed_ends_the_verification_with_an_error(
    running: tuple[dict[str, str], str, Path],
) -> None:
    env, _, folder = running
    url = f"postgresql://postgres@/postgres?host={env['CHATWORKS_HOME']}/postgres"
    leaf = UUID(hex=a_leaf(env["CHATWORKS_HOME"]))

    def write(actor: str) -> str:
        """Write who did it into the leaf, past its triggers; returns who stood there."""
        with psycopg.connect(url) as conn:
            conn.execute("SET LOCAL session_replication_role = replica")
            row = conn.execute("SELECT actor_id FROM audit_leaf WHERE id = %s", [leaf]).fetchone()
            conn.execute("UPDATE audit_leaf SET actor_id = %s WHERE id = %s", [actor, leaf])
        return str(row and row[0])

    before = write("somebody")
    done = chatworks("audit", "verify", env=env, cwd=folder)
    write(before)
    again = chatworks("audit", "verify", env=env, cwd=folder)

    assert done.returncode == 2
    assert f"entry 0, leaf {leaf.hex}: its columns" in done.stdout
    assert (again.returncode, again.stderr) == (0, "")


@pytest.mark.parametrize(
    "arguments",
    [("prove", "0" * 32), ("witness", "http://127.0.0.1:9/audit", "no-key", "--once")],
)
def test_what_cannot_be_done_is_one_line(
    running: tuple[dict[str, str], str, Path], arguments: tuple[str, ...]
) -> None:
    env, _, folder = running

    done = chatworks("audit", *arguments, env=env, cwd=folder)

    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1


async def test_the_witness_answers_the_protocol(tmp_path: Path) -> None:
    log = Signer("shop.example/audit", LOG, bytes(32))
    witness = Witness([log.verifier], Signer("w", WITNESS, bytes([1]) * 32), tmp_path)
    note = signed_checkpoint(Checkpoint("shop.example/audit", 3, bytes(32)), log)
    transport = httpx.ASGITransport(door(witness))  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://w.example") as client:
        first = await client.post("/add-checkpoint", content=request(0, [], note))
        again = await client.post("/add-checkpoint", content=request(0, [], note))
        other = await client.get("/add-checkpoint")
        broken = await client.post("/add-checkpoint", content=b"\xff")
        large = await client.post("/add-checkpoint", content=b"x" * 200_000)

    assert first.status_code == 200
    assert first.text.startswith("— w ")
    assert (again.status_code, again.text) == (409, "3\n")
    assert again.headers["content-type"] == "text/x.tlog.size"
    assert [answer.status_code for answer in (other, broken, large)] == [404, 400, 413]


def test_the_key_is_derived_from_the_secret_alone() -> None:
    settings = [
        Settings(CHATWORKS_SECRET=secret * 32)  # type: ignore[call-arg]
        for secret in ("a", "a", "b")
    ]
    keys = [one.derive("audit log key") for one in settings]

    assert (keys[0] == keys[1], keys[0] == keys[2]) == (True, False)
