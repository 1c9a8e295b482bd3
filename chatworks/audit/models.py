"""What a leaf is, and where its columns stand in the register of personal data."""

from __future__ import annotations

from dataclasses import dataclass
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
    "audit_guard": {
        "table_name": operational("a table of the schema"),
        "why_not": operational("why its changes need no leaf; NULL: they do"),
    },
}
