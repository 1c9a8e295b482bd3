"""``chatworks chat``: a session in the terminal, and the test of the applets that it leaves."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from chatworks.house import House
from chatworks.sdk.recording import Played, record
from chatworks.terminal import Terminal

SESSION = (
    "/start", "order water", "20 L refil", "many", "2", "@-1.2921,36.7836", "1", "Amina",
    "0712 345 678", "1", "where is my order", "cancel my order", "1", "menu", "/order", "lugha",
    "5 L", "help", "beer", "4",
)  # fmt: skip


def run(path: Path) -> str:
    """Run a test file, or a folder of them; returns pytest's last line."""
    ran = subprocess.run(  # noqa: S603 - our own pytest
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", "/dev/null", path],
        capture_output=True,
        text=True,
        check=False,
        cwd=path if path.is_dir() else path.parent,
    )
    lines = ran.stdout.strip().splitlines()
    return next((line for line in reversed(lines) if "passed" in line or "failed" in line), "")


async def play(house: House, lines: tuple[str, ...]) -> tuple[Terminal, list[str]]:
    terminal = await Terminal.open(house, "majipro")
    shown: list[str] = []
    for line in lines:
        shown += await terminal.give(line)
    return terminal, shown


async def test_a_recorded_session_is_a_test_that_passes(house: House, tmp_path: Path) -> None:
    terminal, shown = await play(house, SESSION)
    path = tmp_path / "test_recorded.py"
    path.write_text(await terminal.record())

    assert "I need a whole number, for example 1." in "\n".join(shown)
    assert path.read_text().count("def test_") == 4  # the second order was left open
    assert "def test_order_2()" in path.read_text()
    assert 'script.says("many")' in path.read_text()
    assert (await asyncio.to_thread(run, path)).startswith("4 passed")


CHANGES = {
    "How many? (1 to 20)": "How much?",
    'value="KES 100"': 'value="KES 900"',
    '"Yes", "No"': '"Yes", "Maybe"',
    "script.expects_end()": 'script.expects("And more")',
}


async def test_a_recorded_test_fails_when_the_applet_says_something_else(
    house: House, tmp_path: Path
) -> None:
    terminal, _ = await play(house, SESSION[:10])
    recorded = await terminal.record()
    for nth, (was, becomes) in enumerate(CHANGES.items()):
        assert was in recorded
        (tmp_path / f"test_changed_{nth}.py").write_text(recorded.replace(was, becomes))
    (tmp_path / "test_unchanged.py").write_text(recorded)

    assert (await asyncio.to_thread(run, tmp_path)).startswith("4 failed, 1 passed")


async def test_a_session_without_an_applet_records_nothing(house: House) -> None:
    terminal, _ = await play(house, ("/start", "help"))

    assert await terminal.record() == "# nothing was recorded: no applet spoke\n"


async def test_a_terminal_shows_numbers_cards_and_hints(house: House) -> None:
    _, shown = await play(house, SESSION[:10])

    assert "  1) Order water" in shown
    assert "  1) 20 L refill · KES 250" in shown
    assert "│ 2 × 20 L refill                      KES 500 │" in shown
    assert any("share a place: @-1.2921,36.7836" in line for line in shown)
    assert {len(line) for line in shown if line.startswith("│ Thank")} == {48}


async def test_what_cannot_be_sent_is_said(house: House) -> None:
    _, shown = await play(house, ("/start", "@home", "@91,0", "x" * 5000, "human", "hello"))

    assert any("A place is @latitude,longitude" in line for line in shown)
    assert any("Expected `float` <= 90" in line for line in shown)
    assert any("length <= 4000" in line for line in shown)
    assert "nobody answers now" in shown[-1]


def test_times_timeouts_and_restarts_are_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    folder = tmp_path / "recorded_clock"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "manifest.toml").write_text(
        'name = "clock"\nversion = "1"\nlanguages = ["en"]\nrequests = []\ntitle = {en = "Clock"}\n'
        '[[command]]\nname = "tick"\ntitle = {en = "Tick"}\n'
    )
    (folder / "applet.py").write_text(
        "from chatworks.sdk import Applet, Chat, TimedOut, text\n"
        'applet = Applet("clock")\n'
        '@applet.command("tick", help="Tick")\n'
        "async def tick(chat: Chat[None]) -> None:\n"
        "    at = await chat.now()\n"
        "    try:\n"
        '        await chat.ask("It is {hour}. Next?", text(), timeout=5, hour=at.hour)\n'
        "    except TimedOut:\n"
        '        await chat.say("Too late, {state}.", state=chat.state)\n'
        "    await chat.restart({'at': 1})\n"
    )
    played = Played(
        package="recorded_clock",
        command="tick",
        language="en",
        settings="{}",
        start='{"state": "again"}',
        entries=[
            ["now", "answer", "2026-11-24T07:00:00Z"],
            ["ask:text@tick", "refused", ["sdk.TimedOut", []]],
            ["say@tick", "answer", None],
        ],
        inbounds=[],
    )
    path = tmp_path / "test_recorded.py"
    path.write_text(record([played]))

    assert 'script.expects("It is 7. Next?")\n    script.times_out()\n' in path.read_text()
    assert 'script.expects("Too late, again.")' in path.read_text()
    assert 'script.expects_restart({"at": 1})' in path.read_text()
    assert run(path).startswith("1 passed")


def test_a_dialogue_that_cannot_be_played_again_is_named_and_costs_nothing_else() -> None:
    asks = Played("chatworks.applets.water", "where", "en", "{}", "{}", [], [])
    entry = ["do:orders.MyOrders@where", "answer", []]

    recorded = record(
        [asks, Played("chatworks.applets.water", "where", "en", "{}", "{}", [entry], [])]
    )

    assert "# test_where cannot be played again: the applet asks orders.MyOrders" in recorded
    assert "def test_where_2() -> None:" in recorded


@pytest.fixture
def chat(database_url: str, tmp_path: Path) -> subprocess.Popen[str]:
    """A session of the command line, as a person starts it."""
    return subprocess.Popen(
        [sys.executable, "-m", "chatworks", "chat", "majipro", "--record"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        env={
            "DATABASE_URL": database_url,
            "CHATWORKS_SECRET": "a secret of the tests, long enough",
            "PATH": "",
        },
    )


def test_the_command_plays_what_is_piped_and_prints_the_test(
    chat: subprocess.Popen[str], tmp_path: Path
) -> None:
    output, errors = chat.communicate("where is my order\n", timeout=60)
    path = tmp_path / "test_recorded.py"
    path.write_text(output[output.index('"""A recorded session."""') :])

    assert (chat.returncode, errors) == (0, "")
    assert "> where is my order\nYou have not ordered yet. Write “order” to begin.\n> \n" in output
    assert "\x1b[" not in output
    assert run(path).startswith("1 passed")


def test_ctrl_c_ends_the_session_cleanly(chat: subprocess.Popen[str]) -> None:
    assert chat.stdout is not None
    while "Talk to a person" not in chat.stdout.readline():
        pass
    chat.send_signal(signal.SIGINT)
    output, errors = chat.communicate(timeout=60)

    assert (chat.returncode, errors) == (0, "")
    assert output.endswith("# nothing was recorded: no applet spoke\n")
