"""The loop that gives leaves their places, grows the tree and signs it.

Each step is one transaction under one advisory lock, so that any number of processes may run this.
A step takes the leaves that it sees in the queue, whatever order they committed in, gives them the
next places, and signs the tree that comes of it: after it has made sure that the tree as it is kept
is the one that was signed and published last. What was committed is then published: written to the
archive, and shown by the log's public pages. Where the kept tree is another one, nothing is signed:
business goes on, leaves wait, and the log and the metrics say so.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import psycopg
import structlog
from prometheus_client import Counter, Gauge

from chatworks.audit import store
from chatworks.audit.archive import Archive
from chatworks.audit.merkle import (
    EMPTY_ROOT,
    Frontier,
    Nodes,
    Range,
    range_hash,
    spans,
    subtree_hashes,
)
from chatworks.audit.notes import (
    LOG,
    BadNote,
    Checkpoint,
    Note,
    Signer,
    checked,
    signed_checkpoint,
)
from chatworks.kit.db import Database
from chatworks.kit.listen import wait_until
from chatworks.kit.work import Work

POLL_SECONDS = 1.0  # a leaf is signed within two seconds of its commit
REFUSED_SECONDS = 30.0
BATCH = 5000

log = structlog.get_logger()
sequenced_total = Counter("chatworks_audit_sequenced_total", "Leaves that got their place")
waiting_leaves = Gauge("chatworks_audit_waiting", "Leaves that have no place in the tree yet")
lag_seconds = Gauge("chatworks_audit_lag_seconds", "Age of the oldest leaf without a place")
refused = Gauge("chatworks_audit_refused", "1 where this process refuses to sign the kept tree")


class Forked(Exception):
    """The kept tree is not the one that was signed; the message says how that shows."""


@dataclass(frozen=True, slots=True)
class LogKey:
    """The log's key: 32 bytes that no database holds, and the name of a log that begins now.

    A log keeps the name of its first checkpoint for good, whatever address it has later.
    """

    seed: bytes
    name: str

    def signer(self, head: str) -> Signer:
        """Return the signer of the log whose newest checkpoint is ``head`` ("": it begins)."""
        try:
            name = Checkpoint.parse(Note.parse(head).text).origin
        except BadNote:
            name = self.name
        return Signer(name, LOG, self.seed)


class Sequencer:
    """Sequences, signs and publishes in one process."""

    def __init__(self, db: Database, key: LogKey, archive: Archive, batch: int = BATCH) -> None:
        self._db = db
        self.key = key
        self._archive = archive
        self._batch = batch
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Take steps until ``stop``; survives a database that is away and a full disk."""
        while not self._stopping.is_set():
            pause = POLL_SECONDS
            try:
                pause = 0 if await self.step() else POLL_SECONDS
                refused.set(0)
            except Forked as fork:
                log.error("the audit log does not sign", why=str(fork))  # noqa: TRY400 - its message says it all
                refused.set(1)
                pause = REFUSED_SECONDS
            except (psycopg.OperationalError, OSError) as error:
                log.warning("the audit log waits", error=type(error).__name__)
            if pause:
                await wait_until(self._stopping, pause)

    def stop(self) -> None:
        """Let the running step end, then leave ``run``."""
        self._stopping.set()

    async def step(self) -> int:
        """Publish what was signed before, then sequence and sign what waits; returns how many.

        Raises ``Forked`` where the kept tree is not the one that was signed.
        """
        async with self._db.engine() as work:
            if not await store.try_lock(work):
                return 0
            head = await store.head(work)
            signer = self.key.signer(head)
            before = _believed(head, signer)
            await self._publish(work, head, before, signer)
            taken = await store.take(work, self._batch)
            if taken:
                frontier = await _frontier(work, before)
                completed = [node for _, _, hashed in taken for node in frontier.append(hashed)]
                await store.add(work, before.size, taken, completed)
                after = Checkpoint(before.origin, frontier.size, frontier.root())
                await store.add_checkpoint(work, after.size, signed_checkpoint(after, signer))
        sequenced_total.inc(len(taken))
        return len(taken)

    async def _publish(self, work: Work, head: str, signed: Checkpoint, signer: Signer) -> None:
        """Make the archive as long as the tree that was signed last."""
        last = self._archive.last()
        held = _believed(last, signer)
        published = max(held.size, self._archive.size)
        if published > signed.size or held.origin != signed.origin:
            raise Forked(f"{published} leaves were published, and {signed.size} are signed here")
        if held == signed and self._archive.size == signed.size:
            return
        if held.size:
            whole = [Range(0, held.size)]
            kept = await store.nodes(work, spans(whole))
            if _hash(whole[0], kept) != held.root:
                raise Forked(f"the first {held.size} leaves are not those that were published")
        first = self._archive.size
        while first < signed.size:
            end = min(first + BATCH, signed.size)
            hashes = await store.entry_hashes(work, first, end)
            if len(hashes) != end - first:
                raise Forked(f"entries between {first} and {end} are missing")
            self._archive.add_hashes(hashes)
            first = end
        if head and held != signed:
            self._archive.add_checkpoint(head)


def _believed(note: str, signer: Signer) -> Checkpoint:
    if not note:
        return Checkpoint(signer.verifier.name, 0, EMPTY_ROOT)
    try:
        return checked(note, signer.verifier)
    except BadNote as bad:
        raise Forked(f"the last checkpoint is not ours: {bad}") from bad


async def _frontier(work: Work, signed: Checkpoint) -> Frontier:
    """Return what the kept tree grows on; raises where it is not the one that was signed."""
    whole = Range(0, signed.size)
    kept = await store.nodes(work, spans([whole]))
    try:
        frontier = Frontier(signed.size, subtree_hashes(whole, kept))
    except KeyError as gone:
        raise Forked(f"the tree's node {gone} is missing") from gone
    if frontier.root() != signed.root:
        raise Forked(f"the tree of {signed.size} leaves is not the one that was signed")
    return frontier


def _hash(whole: Range, kept: Nodes) -> bytes:
    try:
        return range_hash(whole, kept)
    except KeyError:
        return b""


async def measure(work: Work) -> None:
    """Set the gauges of what waits for its place."""
    count, oldest = await store.waiting(work)
    waiting_leaves.set(count)
    lag_seconds.set((work.now - oldest).total_seconds() if oldest else 0)
