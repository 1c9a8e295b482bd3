"""Recomputes the whole log from its rows and names what is not as the log left it.

Every leaf's bytes are hashed anew and put into a tree anew; that tree must pass through every root
that was ever signed, whether the database, the archive or a witness holds it. Where the archive
knows a leaf's hash, the very row is named; otherwise the rows between two checkpoints are. Reading
is one snapshot, taken after the archive was read: what was published must be there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from chatworks.audit import store
from chatworks.audit.archive import Archive
from chatworks.audit.core import problem
from chatworks.audit.merkle import Frontier
from chatworks.audit.models import Entry, Finding, Report
from chatworks.audit.notes import BadNote, Verifier, checked
from chatworks.kit.work import Work

BATCH = 2000
FIRST = -(2**63)  # a place below 0 is no place, and is to be named
WATCHMEN = frozenset({
    "audit_leaf_append_only", "audit_leaf_no_truncate", "audit_leaf_noted",
    "audit_entry_append_only", "audit_entry_no_truncate", "audit_node_append_only",
    "audit_node_no_truncate", "audit_checkpoint_append_only", "audit_checkpoint_no_truncate",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Held:
    """Checkpoints that somebody holds, and who."""

    holder: str
    notes: Sequence[str]
    witness: Verifier | None = None  # must have cosigned each of them


@dataclass(slots=True)
class Signed:
    """What was signed: the root of each size, and the findings among the notes themselves."""

    roots: dict[int, bytes] = field(default_factory=dict)
    count: int = 0
    findings: list[Finding] = field(default_factory=list)

    def add(self, holder: str, note: str, log: Verifier, witness: Verifier | None = None) -> int:
        """Take a note; returns its size, or -1 where it cannot be believed.

        Of two trees of one size the first is believed: what lies outside the database goes first.
        """
        try:
            said = checked(note, log)
            if witness is not None:
                checked(note, witness)
        except BadNote as bad:
            self.findings.append(Finding(f"a checkpoint of {holder} cannot be believed: {bad}"))
            return -1
        self.count += 1
        if self.roots.setdefault(said.size, said.root) != said.root:
            self.findings.append(
                Finding(f"the log was forked: {holder} has another tree of {said.size} leaves")
            )
        return said.size


async def verify(work: Work, log: Verifier, archive: Archive, held: Iterable[Held] = ()) -> Report:
    """Return what is wrong in the log as ``work`` sees it; ``work`` must be one snapshot."""
    archived, published = archive.notes(), archive.size
    signed = Signed()
    sizes = {signed.add("the archive", note, log) for note in archived}
    for other in held:
        for note in other.notes:
            signed.add(other.holder, note, log, other.witness)
    sizes -= await _notes_of_the_database(work, signed, log)
    signed.findings += [
        Finding(f"the checkpoint of {size} leaves was published and is gone")
        for size in sorted(sizes - {0, -1})
    ]
    if not _fits(archive, published, signed.roots):
        published = 0  # what it says of rows is not to be believed
        what = "the hashes of the archive are not those that were signed"
        signed.findings.append(Finding(what))
    rebuilt = Rebuilt(signed.roots, archive.hashes(published), await store.all_nodes(work))
    await _rebuild(work, rebuilt)
    report = Report(rebuilt.tree.size, max(signed.roots, default=0), signed.count)
    report.findings = [*signed.findings, *rebuilt.findings]
    await _waiting(work, report)
    report.findings += [
        Finding(f"the table {table} has no guard: its changes need no leaf")
        for table in await store.unguarded(work)
    ]
    report.findings += [
        Finding(f"the trigger {name} is gone or switched off")
        for name in sorted(WATCHMEN - await store.watchmen(work))
    ]
    return report


async def _notes_of_the_database(work: Work, signed: Signed, log: Verifier) -> set[int]:
    found = set[int]()
    for size, note in await store.checkpoints(work):
        if signed.add(f"the database, at {size} leaves,", note, log) not in {-1, size}:
            signed.findings.append(Finding(f"the checkpoint at {size} is one of another size"))
        found.add(size)
    return found


def _fits(archive: Archive, published: int, roots: Mapping[int, bytes]) -> bool:
    """Say whether the archived hashes pass through every root that was signed on their way."""
    tree = Frontier()
    for hashed in archive.hashes(published):
        tree.append(hashed)
        if roots.get(tree.size, b"") not in {b"", tree.root()}:
            return False
    return True


async def _rebuild(work: Work, rebuilt: Rebuilt) -> None:
    first = FIRST
    while found := await store.entries(work, first, BATCH):
        for entry in found:
            rebuilt.add(entry)
        first = found[-1].n + 1
    rebuilt.end()


async def _waiting(work: Work, report: Report) -> None:
    report.waiting, report.waits_since = await store.waiting(work)
    for one in await store.unplaced(work):
        if one.queued is None:
            what = "it has no place in the tree and waits for none"
        elif not (what := problem(one.leaf, one.queued)):
            continue
        report.findings.append(Finding(what, leaf_id=one.leaf.id))
    report.findings += [
        Finding("it waits for its place and is gone", leaf_id=leaf_id)
        for leaf_id in await store.queued_for_nothing(work)
    ]


class Rebuilt:
    """The tree as it comes out of the rows, compared on the way with all that is known of it.

    After a row that was named, the tree goes on with the hash that should have stood there: one
    change is one finding.
    """

    def __init__(
        self,
        roots: dict[int, bytes],
        archived: Iterator[bytes],
        nodes: dict[tuple[int, int], bytes],
    ) -> None:
        self.tree = Frontier()
        self.findings: list[Finding] = []
        self._roots = roots
        self._archived = archived
        self._nodes = nodes
        self._last = max(roots, default=0)
        self._sound = 0  # up to here, the tree is the one that was signed
        self._lost = False  # no root has fitted since: none will

    def add(self, entry: Entry) -> None:
        """Take the next row; places that are left out are named."""
        if entry.n < self.tree.size:
            self._find("this is no place of its own", entry.n, entry.n + 1, entry)
            return
        self._missing(entry.n)
        published = next(self._archived, None)
        wrong = self._wrong(entry, published)
        if wrong:
            self._find(wrong, entry.n, entry.n + 1, entry)
        self._grow(published or entry.leaf_hash)

    def end(self) -> None:
        """Say what is missing at the end, and which nodes span nothing."""
        self._missing(self._last)
        for level, n in sorted(self._nodes):
            width = 256**level
            self._find(f"the node {level}/{n} is no node of this tree", n * width, (n + 1) * width)

    def _wrong(self, entry: Entry, published: bytes | None) -> str:
        if entry.leaf is None:
            return "the leaf is gone"
        if wrong := problem(entry.leaf, entry.leaf_hash):
            return wrong
        if published is not None and published != entry.leaf_hash:
            return "it is not the leaf that was published there"
        return "it was never signed" if entry.n >= self._last else ""

    def _missing(self, end: int) -> None:
        first = self.tree.size
        if end > first:
            self._find("nothing is there", first, end)
        while self.tree.size < end:
            hashed = next(self._archived, None)
            if hashed is None:
                self._lost = True
            self._grow(hashed or b"")

    def _grow(self, hashed: bytes) -> None:
        for level, n, made in self.tree.append(hashed):
            kept = self._nodes.pop((level, n), None)
            if kept != made and not self._lost:
                width = 256**level
                what = "is missing" if kept is None else "does not fit its leaves"
                self._find(f"the node {level}/{n} {what}", n * width, (n + 1) * width)
        root = self._roots.get(self.tree.size)
        if root is None or self._lost:
            return
        if root == self.tree.root():
            self._sound = self.tree.size
        else:
            self._find("these are not the leaves that were signed", self._sound, self.tree.size)
            self._lost = True

    def _find(self, what: str, first: int, end: int, entry: Entry | None = None) -> None:
        self.findings.append(Finding(what, first, end, entry.leaf_id if entry else None))
