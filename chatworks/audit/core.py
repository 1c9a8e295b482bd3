"""The canonical bytes of a leaf and their hash. Pure."""

from __future__ import annotations

import hashlib
from datetime import datetime
from uuid import UUID

import msgspec

from chatworks.audit.models import LEAF_VERSION, Leaf

LEAF_PREFIX = b"\x00"  # RFC 6962 §2.1: leaves and inner nodes hash under different prefixes


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


def leaf_hash(payload: bytes) -> bytes:
    """Return the RFC 6962 hash of a leaf's canonical bytes."""
    return hashlib.sha256(LEAF_PREFIX + payload).digest()
