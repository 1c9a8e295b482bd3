"""What a leaf is, and where its columns stand in the register of personal data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from chatworks.kit.datamap import DataMap, operational

LEAF_VERSION = 1


@dataclass(frozen=True, slots=True)
class Leaf:
    """One act: who (by id), what, to which object, and values that are no personal data.

    ``outlet_id`` is None for an act on an account or on the platform: no outlet sees such a leaf.
    """

    outlet_id: UUID | None
    actor_kind: str
    actor_id: str
    action: str
    object_kind: str
    object_id: str
    details: dict[str, str | int | None]

    @classmethod
    def of_account(
        cls, account_id: UUID, action: str, details: Mapping[str, str | int | None]
    ) -> Leaf:
        """Return the leaf of what an account's owner does to it: their security history."""
        whose = account_id.hex
        return cls(None, "account", whose, action, "account", whose, {**details})


@dataclass(frozen=True, slots=True)
class Kept:
    """A leaf as its row has it."""

    outlet_id: UUID | None
    id: UUID
    at: datetime
    actor_kind: str
    actor_id: str
    action: str
    object_kind: str
    object_id: str
    payload: bytes
    leaf_hash: bytes


@dataclass(frozen=True, slots=True)
class Asked:
    """Which leaves somebody wants to see; what is empty asks for nothing. ``what`` is how the
    act's name begins (``orders.``); ``before`` is the last leaf that they saw.
    """

    what: str = ""
    actor_kind: str = ""
    actor_id: str = ""
    object_kind: str = ""
    object_id: str = ""
    since: datetime | None = None
    until: datetime | None = None
    before: UUID | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """A place in the tree: the hash that stands there, and the leaf, where it still exists."""

    n: int
    outlet_id: UUID | None
    leaf_id: UUID
    leaf_hash: bytes
    leaf: Kept | None


@dataclass(frozen=True, slots=True)
class Queued:
    """A leaf that has no place yet; ``queued`` is its hash in the queue, None: it is not there."""

    leaf: Kept
    queued: bytes | None


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as the log left it. ``first`` and ``end`` are places in the tree
    (without ``end``), where it has any; ``leaf_id`` is the leaf, where there is one.
    """

    what: str
    first: int | None = None
    end: int | None = None
    leaf_id: UUID | None = None

    def __str__(self) -> str:
        place = ""
        if self.first is not None and self.end is not None:
            last = self.end - 1
            place = f"entry {last}" if last == self.first else f"entries {self.first} to {last}"
        named = f"leaf {self.leaf_id.hex}" if self.leaf_id else ""
        return f"{', '.join(part for part in (place, named) if part)}: {self.what}".lstrip(": ")


@dataclass(slots=True)
class Report:
    """What a verification saw: the tree's size, what waits and since when, and what is wrong."""

    size: int = 0
    signed: int = 0
    checkpoints: int = 0
    waiting: int = 0
    waits_since: datetime | None = None
    findings: list[Finding] = field(default_factory=list)

    def named(self) -> Sequence[int]:
        """Return the places in the tree that are named, in order."""
        found = set[int]()
        for finding in self.findings:
            if finding.first is not None and finding.end is not None:
                found.update(range(finding.first, finding.end))
        return sorted(found)


DATA_MAP: DataMap = {
    "audit_leaf": {
        "outlet_id": operational("tenant; NULL: an act on an account or on the platform"),
        "id": operational("identifier"),
        "at": operational("when the act was committed"),
        "actor_kind": operational("kind of actor"),
        "actor_id": operational("pseudonymous id; the person is found only through their own row"),
        "action": operational("name of the command"),
        "object_kind": operational("what was acted on"),
        "object_id": operational("its id"),
        "payload": operational("canonical bytes of the other columns and of non-personal values"),
        "leaf_hash": operational("RFC 6962 leaf hash of the payload"),
    },
    "audit_pending": {
        "outlet_id": operational("tenant of a leaf that has no place yet; NULL as there"),
        "leaf_id": operational("the leaf"),
        "at": operational("since when it waits"),
        "leaf_hash": operational("the leaf's hash when it was written"),
    },
    "audit_entry": {
        "n": operational("the leaf's place in the tree"),
        "outlet_id": operational("tenant of the leaf; NULL as there"),
        "leaf_id": operational("the leaf"),
        "leaf_hash": operational("the hash that stands in the tree"),
    },
    "audit_node": {
        "level": operational("it spans 256^level leaves"),
        "n": operational("its number in its level"),
        "hash": operational("hash over those leaves"),
    },
    "audit_checkpoint": {
        "size": operational("how many leaves the tree had"),
        "at": operational("when that was signed"),
        "note": operational("the signed checkpoint"),
    },
}
