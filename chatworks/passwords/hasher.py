"""The pool that hashes: so many passwords at a time as there are cores, and a queue with an end.

Without an end to it, whoever asks often enough has this machine do nothing else, and memory for it
(19 MiB each) comes on top. Argon2 leaves the interpreter to others while it works.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import os
from base64 import b64encode
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import BoundedSemaphore
from typing import Any, TypeVar

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError
from prometheus_client import Counter, Gauge

from chatworks.kit.clock import Clock
from chatworks.passwords.models import (
    HASH_BYTES,
    LANES,
    MEMORY_KIB,
    PASSES,
    SALT_BYTES,
    WAITING_PER_CORE,
    Busy,
)

Result = TypeVar("Result")
CORES = os.cpu_count() or 1

in_pool = Gauge("chatworks_passwords_in_pool", "Passwords that are hashed or wait for it")
refused_total = Counter("chatworks_passwords_refused_total", "Tries that found the pool full")
ARGON2 = PasswordHasher(PASSES, MEMORY_KIB, LANES, HASH_BYTES, SALT_BYTES, type=Type.ID)


class Hasher:
    """Hashes and verifies; ``pepper`` is the installation's key. ``close`` it at the end."""

    def __init__(
        self,
        pepper: bytes,
        clock: Clock,
        *,
        cores: int = CORES,
        waiting: int | None = None,
        argon2: PasswordHasher = ARGON2,
    ) -> None:
        self._pepper = pepper
        self._clock = clock
        self._argon2 = argon2
        self._threads = ThreadPoolExecutor(cores, thread_name_prefix="passwords")
        places = cores + (WAITING_PER_CORE * cores if waiting is None else waiting)
        self._places = BoundedSemaphore(places)
        self._nobody = self._made_up()

    def close(self) -> None:
        """Let what is begun end, and nothing else begin."""
        self._threads.shutdown(cancel_futures=True)

    async def hash(self, password: str) -> str:
        """Return the hash of an opaque password, with its parameters; raises ``Busy``."""
        salt = self._clock.random_bytes(SALT_BYTES)
        return await self._in_pool(self._hash, password, salt)

    async def verify(self, stored: str | None, password: str) -> bool:
        """Return whether ``password`` made ``stored``; raises ``Busy``.

        None is nobody's hash: that costs the same one verification, and is never right.
        """
        right = await self._in_pool(self._verify, stored or self._nobody, password)
        return right and stored is not None

    def is_old(self, stored: str) -> bool:
        """Return whether ``stored`` was made with other parameters than today's."""
        return self._argon2.check_needs_rehash(stored)

    async def _in_pool(self, work: Callable[..., Result], *given: str | bytes) -> Result:
        if not self._places.acquire(blocking=False):
            refused_total.inc()
            raise Busy("too many passwords at once: try again in a moment")
        in_pool.inc()
        done = self._threads.submit(work, *given)
        done.add_done_callback(self._leave)  # also where nobody waits for it any more
        return await asyncio.wrap_future(done)

    def _leave(self, _done: Future[Any]) -> None:
        in_pool.dec()
        self._places.release()

    def _hash(self, password: str, salt: bytes) -> str:
        return self._argon2.hash(self._peppered(password), salt=salt)

    def _verify(self, stored: str, password: str) -> bool:
        try:
            return self._argon2.verify(stored, self._peppered(password))
        except (VerificationError, InvalidHashError):
            return False

    def _peppered(self, password: str) -> bytes:
        return b64encode(hmac.new(self._pepper, password.encode(), hashlib.sha256).digest())

    def _made_up(self) -> str:
        """Return a hash with today's parameters that no password is known for."""
        salt, ends = (
            b64encode(self._clock.random_bytes(count)).decode().rstrip("=")
            for count in (SALT_BYTES, HASH_BYTES)
        )
        made = self._argon2
        cost = f"m={made.memory_cost},t={made.time_cost},p={made.parallelism}"
        return f"$argon2id$v=19${cost}${salt}${ends}"
