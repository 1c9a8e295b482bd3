"""The product as its own process, in an environment of its own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil

SECRET = "a secret of the processes, long enough"
READY_SECONDS = 60.0


def environment(home: Path, **more: str) -> dict[str, str]:
    """Return what a process needs to run in ``home``."""
    kept = {k: v for k, v in os.environ.items() if k in {"PATH", "HOME", "LANG", "USER"}}
    given = {"CHATWORKS_SECRET": SECRET, "CHATWORKS_HOME": str(home), **more}
    return {**kept, **{key: value for key, value in given.items() if value}}


def chatworks(
    *arguments: str, env: dict[str, str], cwd: Path, typed: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run one command of the command line to its end."""
    return subprocess.run(  # noqa: S603 - ourselves
        [sys.executable, "-m", "chatworks", *arguments],
        cwd=cwd,
        env=env,
        input=typed,
        capture_output=True,
        text=True,
        check=False,
        timeout=READY_SECONDS,
    )


def free_port() -> int:
    """Return a port that is free now."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def servers_of(home: Path) -> list[int]:
    """Return the process ids of the PostgreSQL servers that run in ``home``."""
    data = str(home / "postgres")
    return [
        process.pid
        for process in psutil.process_iter(["cmdline"])
        if data in (process.info["cmdline"] or [])
    ]


@contextmanager
def new_home() -> Iterator[Path]:
    """Give a folder for an embedded database that its server's user can reach too."""
    with TemporaryDirectory(prefix="chatworks-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder) / "home"


@dataclass
class Running:
    """A process that was started, and what it has said so far."""

    process: subprocess.Popen[str]
    said: list[str] = field(default_factory=list)
    _ready: threading.Event = field(default_factory=threading.Event)

    @classmethod
    def start(cls, env: dict[str, str], cwd: Path, command: str = "run") -> Running:
        """Start the product; it is not ready yet."""
        process = subprocess.Popen(  # noqa: S603 - ourselves
            [sys.executable, "-m", "chatworks", command],
            cwd=cwd,
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        running = cls(process)
        running._listening.start()
        return running

    def __post_init__(self) -> None:
        self._listening = threading.Thread(target=self._listen, daemon=True)

    def _listen(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as lines:
            for line in lines:
                self.said.append(line.rstrip())
                if "Stop      Ctrl-C" in line:
                    self._ready.set()

    def ready(self) -> Running:
        """Wait until it has said where everything is."""
        if not self._ready.wait(READY_SECONDS):
            self.process.kill()
            raise AssertionError(f"not ready: {self.said} {self.process.communicate()[1]}")
        return self

    def stop(self, number: signal.Signals = signal.SIGINT) -> tuple[int, str]:
        """Send it a signal; returns its exit code and what stood on standard error."""
        self.process.send_signal(number)
        assert self.process.stderr is not None
        trouble = self.process.stderr.read()
        self._listening.join()
        self.process.stderr.close()
        return self.process.wait(READY_SECONDS), trouble
