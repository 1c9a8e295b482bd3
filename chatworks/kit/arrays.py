"""Lists as PostgreSQL arrays: one dimension, binary, packed by the element type of the query.

A batch hands whole columns to its statements. psycopg finds the type of each list and dumps element
by element in Python, which took a tenth of a turn's time; here the type is known from the query
(``%(ids)s::uuid[]``) and a list becomes one piece of bytes. The form is PostgreSQL's own
(``array_recv`` in ``src/backend/utils/adt/arrayfuncs.c``): dimensions, a flag for nulls, the
element's OID, length and lower bound; then each element with its length, -1 for null.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
from psycopg import pq
from psycopg.adapt import Buffer, Dumper

_HEAD = struct.Struct("!iiIii").pack
_LENGTH = struct.Struct("!i").pack
_DOUBLE = struct.Struct("!id").pack
_NULL = _LENGTH(-1)
_UUID_LENGTH = _LENGTH(16)
_BOOLEANS = {True: _LENGTH(1) + b"\x01", False: _LENGTH(1) + b"\x00"}
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

Element = Callable[[Any], bytes]
Packer = Callable[[Sequence[Any]], bytes]


def _uuid(value: UUID) -> bytes:
    return _UUID_LENGTH + value.int.to_bytes(16, "big")


def _text(value: str) -> bytes:
    return _bytea(value.encode())


def _bytea(value: bytes) -> bytes:
    return _LENGTH(len(value)) + value


def _whole(size: int) -> Element:
    length = _LENGTH(size)
    return lambda value: length + int(value).to_bytes(size, "big", signed=True)


def _instant(value: datetime) -> bytes:
    return _LENGTH(8) + ((value - _EPOCH) // _MICROSECOND).to_bytes(8, "big", signed=True)


def _double(value: float) -> bytes:
    return _DOUBLE(8, value)


# Element type: its OID, its array's OID (pg_type.dat), how one element is written.
_TYPES: dict[str, tuple[int, int, Element]] = {
    "boolean": (16, 1000, _BOOLEANS.__getitem__),
    "bytea": (17, 1001, _bytea),
    "bigint": (20, 1016, _whole(8)),
    "smallint": (21, 1005, _whole(2)),
    "integer": (23, 1007, _whole(4)),
    "text": (25, 1009, _text),
    "float8": (701, 1022, _double),
    "timestamptz": (1184, 1185, _instant),
    "uuid": (2950, 2951, _uuid),
}


def _register(element_oid: int, array_oid: int, write: Element) -> Packer:
    """Make the class of one array type, and tell psycopg that it is packed already."""
    packed: type[bytes] = type("PackedArray", (bytes,), {})

    class _PackedDumper(Dumper):
        format = pq.Format.BINARY
        oid = array_oid

        def dump(self, obj: Any) -> Buffer | None:
            return bytes(obj)

    psycopg.adapters.register_dumper(packed, _PackedDumper)

    def pack(values: Sequence[Any]) -> bytes:
        if not values:
            return packed(_HEAD(0, 0, element_oid, 0, 0)[:12])
        nulls = int(None in values)
        head = _HEAD(1, nulls, element_oid, len(values), 1)
        if nulls:
            return packed(head + b"".join([_NULL if v is None else write(v) for v in values]))
        return packed(head + b"".join(map(write, values)))

    return pack


PACKERS: dict[str, Packer] = {name: _register(*how) for name, how in _TYPES.items()}
