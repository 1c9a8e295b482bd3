"""The canonical bytes of a leaf, and what is wrong with a kept one. Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec

from chatworks.audit.merkle import leaf_hash
from chatworks.audit.models import LEAF_VERSION, Kept, Leaf


def canonical(leaf: Leaf, leaf_id: UUID, at: datetime) -> bytes:
    """Return the leaf as bytes: a version byte, then JSON with sorted keys and no spaces."""
    fields = {
        "action": leaf.action,
        "actor": [leaf.actor_kind, leaf.actor_id],
        "at": at.isoformat(timespec="microseconds"),
        "details": leaf.details,
        "id": leaf_id.hex,
        "object": [leaf.object_kind, leaf.object_id],
        "outlet": leaf.outlet_id.hex if leaf.outlet_id else None,
    }
    return bytes([LEAF_VERSION]) + msgspec.json.encode(fields, order="sorted")


def details_of(payload: bytes) -> dict[str, Any]:
    """Return the values that a leaf kept; none where its bytes are not a leaf's."""
    try:
        fields = msgspec.json.decode(payload[1:])
    except msgspec.DecodeError:
        return {}
    details = fields.get("details") if isinstance(fields, dict) else None
    return details if isinstance(details, dict) else {}


def problem(kept: Kept, expected: bytes) -> str:
    """Return what is wrong with a leaf whose hash should be ``expected``; "" where nothing is."""
    if leaf_hash(kept.payload) != kept.leaf_hash:
        return "its bytes are not those of its own hash"
    if kept.leaf_hash != expected:
        return "it is not the leaf that was put there"
    leaf = Leaf(
        kept.outlet_id,
        kept.actor_kind,
        kept.actor_id,
        kept.action,
        kept.object_kind,
        kept.object_id,
        details_of(kept.payload),
    )
    if canonical(leaf, kept.id, kept.at.astimezone(UTC)) != kept.payload:
        return "its columns do not say what its bytes say"
    return ""
