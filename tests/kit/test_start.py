"""The product as a process: starting, stopping, starting again, and what is wrong in one line."""

from __future__ import annotations

import http.client
import json
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg
import pytest
from processes import Running, chatworks, servers_of


def ready(port: int) -> bool:
    """Wait until ``/readyz`` says so; returns whether it did."""
    until = time.monotonic() + 30
    while time.monotonic() < until:
        try:
            with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=5)) as asked:
                asked.request("GET", "/readyz")
                answer = asked.getresponse()
                if (answer.status, answer.read()) == (200, b"ready"):
                    return True
        except OSError:
            time.sleep(0.05)
    return False


@contextmanager
def following(port: int) -> Iterator[None]:
    """Begin a chat and keep its event stream open."""
    with closing(http.client.HTTPConnection("127.0.0.1", port)) as asked:
        asked.request("POST", "/chat/majipro/start", b"{}", {"content-type": "application/json"})
        token = json.loads(asked.getresponse().read())["token"]
    with closing(http.client.HTTPConnection("127.0.0.1", port)) as stream:
        bearer = {"authorization": f"Bearer {token}"}
        stream.request("GET", "/chat/majipro/events", headers=bearer)
        with stream.getresponse() as response:
            assert response.status == 200
            yield


def test_it_says_where_everything_is_stops_at_once_and_is_all_there_again(
    home: Path, env: dict[str, str], tmp_path: Path
) -> None:
    first = Running.start(env, tmp_path).ready()
    said = "\n".join(first.said)
    address = f"http://127.0.0.1:{env['CHATWORKS_PORT']}"
    assert f"  Outlet    {address}/o/majipro" in said
    assert f"  Console   {address}/console/sign-in?key=" in said
    assert "  Telegram  TELEGRAM_TOKEN=<token of @BotFather> make run" in said
    assert f"  Database  embedded PostgreSQL 18.4 in {home}" in said
    (server,) = servers_of(home)
    url = f"postgresql://postgres@/postgres?host={home / 'postgres'}"
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute("UPDATE product SET price_minor = 777 WHERE sku = 'W10'")
    beside = chatworks("run", env=env, cwd=tmp_path)
    assert (beside.returncode, beside.stdout) == (2, "")
    assert beside.stderr == (
        f"chatworks: CHATWORKS_PORT {env['CHATWORKS_PORT']} of 127.0.0.1"
        " is in use: is ChatWorks running already?\n"
    )
    assert servers_of(home) == [server]

    with following(int(env["CHATWORKS_PORT"])):
        began = time.monotonic()
        assert first.stop() == (0, "")
        assert time.monotonic() - began < 3
    assert servers_of(home) == []

    again = Running.start(env, tmp_path).ready()
    with psycopg.connect(url) as conn:
        price = conn.execute("SELECT price_minor FROM product WHERE sku = 'W10'").fetchone()
    assert again.stop(signal.SIGTERM) == (0, "")
    assert price == (777,)
    assert servers_of(home) == []


@pytest.mark.parametrize("after", [0.05, 0.5, 1.0])
def test_ctrl_c_while_it_starts_leaves_nothing_behind(
    empty_home: Path, env: dict[str, str], tmp_path: Path, after: float
) -> None:
    starting = Running.start({**env, "CHATWORKS_HOME": str(empty_home)}, tmp_path)
    time.sleep(after)

    code, trouble = starting.stop()

    assert trouble == ""
    assert code == 0 or (code == -signal.SIGINT and after < 0.1)  # Python itself was starting
    assert servers_of(empty_home) == []


def test_serve_and_work_run_apart_on_one_embedded_database(
    home: Path, env: dict[str, str], tmp_path: Path
) -> None:
    both = [Running.start(env, tmp_path, "serve"), Running.start(env, tmp_path, "work")]
    assert ready(int(env["CHATWORKS_PORT"]))
    assert len(servers_of(home)) == 1
    assert both[0].stop() == (0, "")
    assert len(servers_of(home)) == 1
    assert both[1].stop() == (0, "")
    assert servers_of(home) == []


def test_a_killed_process_does_not_keep_the_server_from_stopping(
    home: Path, env: dict[str, str], tmp_path: Path
) -> None:
    killed = Running.start(env, tmp_path).ready()
    assert killed.stop(signal.SIGKILL) == (-signal.SIGKILL, "")
    assert len(servers_of(home)) == 1

    assert Running.start(env, tmp_path).ready().stop() == (0, "")

    assert servers_of(home) == []


WRONG = {
    "no secret": (
        {"CHATWORKS_SECRET": ""},
        "CHATWORKS_SECRET must be set",
    ),
    "a short secret": (
        {"CHATWORKS_SECRET": "short"},
        "CHATWORKS_SECRET must have at least 32 characters",
    ),
    "no address": (
        {"DATABASE_URL": "localhost/chatworks"},
        "DATABASE_URL must read postgresql://user:password@host:5432/name",
    ),
    "nobody there": (
        {"DATABASE_URL": "postgresql://me:hidden@127.0.0.1:1/none"},
        "the database at DATABASE_URL does not answer: ",
    ),
    "no such file": (
        {"CHATWORKS_OUTLET_FILE": "none.toml"},
        "none.toml cannot be read: no such file or directory",
    ),
    "a broken file": (
        {"CHATWORKS_OUTLET_FILE": "broken.toml"},
        "broken.toml Object missing required field `languages`",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_said_in_one_line(env: dict[str, str], tmp_path: Path, case: str) -> None:
    more, expected = WRONG[case]
    (tmp_path / "broken.toml").write_text('slug = "broken"\nname = "Broken"\n')
    given = {key: value for key, value in {**env, **more}.items() if value}

    ended = chatworks("run", env=given, cwd=tmp_path)

    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith(f"chatworks: {expected}")
    assert ended.stderr.count("\n") == 1
    assert "hidden" not in ended.stderr


@pytest.fixture
def old_server() -> Iterator[str]:
    """A server that greets as PostgreSQL 14 does (protocol 3.0), once."""
    listening = socket.create_server(("127.0.0.1", 0))

    def greet() -> None:
        conn, _ = listening.accept()
        with conn:
            conn.recv(4096)
            parameters = b"server_version\x0014.9\x00"
            conn.sendall(
                b"R\x00\x00\x00\x08\x00\x00\x00\x00"
                b"S"
                + (len(parameters) + 4).to_bytes(4, "big")
                + parameters
                + b"K\x00\x00\x00\x0c\x00\x00\x00\x01\x00\x00\x00\x01"
                + b"Z\x00\x00\x00\x05I"
            )
            conn.recv(4096)

    thread = threading.Thread(target=greet, daemon=True)
    thread.start()
    port = listening.getsockname()[1]
    yield f"postgresql://me@127.0.0.1:{port}/x?sslmode=disable&gssencmode=disable"
    thread.join(5)
    listening.close()


def test_an_old_server_is_refused(env: dict[str, str], tmp_path: Path, old_server: str) -> None:
    ended = chatworks("run", env={**env, "DATABASE_URL": old_server}, cwd=tmp_path)

    assert (ended.returncode, ended.stderr) == (
        2,
        "chatworks: PostgreSQL 14 is not supported: 15 to 18 are\n",
    )


def test_a_data_folder_of_another_version_is_refused(env: dict[str, str], tmp_path: Path) -> None:
    folder = tmp_path / "old" / "postgres"
    folder.mkdir(parents=True)
    (folder / "PG_VERSION").write_text("16\n")

    ended = chatworks("run", env={**env, "CHATWORKS_HOME": str(tmp_path / "old")}, cwd=tmp_path)

    assert ended.returncode == 2
    assert "was made by PostgreSQL 16 and this release carries 18" in ended.stderr
    assert sorted(path.name for path in folder.iterdir()) == ["PG_VERSION"]


def test_the_terminal_plays_and_ends(home: Path, env: dict[str, str], tmp_path: Path) -> None:
    played = chatworks("chat", "majipro", env=env, cwd=tmp_path, typed="/start\nmenu\n")

    assert (played.returncode, played.stderr) == (0, "")
    assert "MajiPro Ltd keeps what you write here" in played.stdout
    assert "  1) Order water" in played.stdout
    assert servers_of(home) == []
