"""Reading what strangers send: each request's type again, with every limit and no unknown field.

``strict`` mirrors a request's dataclass as a struct that msgspec decodes and describes by itself:
unknown fields are refused, and what has no limit of its own gets ours. So the limits that are
checked and the limits that the published document names are the same thing. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from functools import reduce
from operator import or_
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta, inspect

from chatworks.api.models import Malformed
from chatworks.kit.errors import Invalid

TEXT_LENGTH_MAX = 8000  # code points of any one text; what it means has its own limit
ITEMS_MAX = 200  # of any one list or object
NUMBER_MAX = 2**53 - 1  # the largest whole number that every JSON reader keeps exactly
NO_NUL = r"^[^\u0000]*$"  # PostgreSQL keeps no NUL in a text
MOMENT = Meta(tz=True, extra_json_schema={"format": "date-time"})
_AT = re.compile(r"(?P<problem>.*) - at `(?:key in )?\$(?P<path>.*)`", re.DOTALL)
_STEP = re.compile(r"\.(\w+)|\[(\d+|\.\.\.)\]")


_made: dict[Any, type[msgspec.Struct]] = {}  # one struct for each type, so that names are unique


def read(request: Any, body: bytes) -> Any:
    """Return the request that ``body`` (JSON) gives; nothing at all is an object without fields.

    Raises ``Malformed`` for what is no JSON, ``Invalid`` with a JSON pointer for what does not fit.
    """
    try:
        given = msgspec.json.decode(body or b"{}", type=strict(request))
    except msgspec.ValidationError as error:
        raise _problem(str(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(f"the body is not JSON in UTF-8: {error}") from None
    return msgspec.convert(given, request, from_attributes=True)


def _problem(text: str) -> Invalid:
    """Return msgspec's complaint with its place as a JSON pointer (RFC 6901)."""
    found = _AT.fullmatch(text)
    if found is None:
        return Invalid("#", text)
    steps = [name or index for name, index in _STEP.findall(found["path"])]
    return Invalid("".join(("#", *(f"/{step}" for step in steps))), found["problem"])


def strict(request: Any) -> type[msgspec.Struct]:
    """Return the struct that stands for a request's dataclass."""
    return _mirror(request, request.__name__)


def _nested(info: inspect.DataclassType | inspect.StructType) -> type[msgspec.Struct]:
    """Return the mirror of a type within a request, under a name of its own in the document."""
    return _mirror(info.cls, f"{info.cls.__name__}Input")


def _mirror(kind: Any, name: str) -> type[msgspec.Struct]:
    if kind not in _made:
        info = inspect.type_info(kind)
        assert isinstance(info, inspect.DataclassType | inspect.StructType)  # noqa: S101 - it is
        _made[kind] = msgspec.defstruct(
            name,
            [_field(given) for given in info.fields],
            namespace={"__doc__": kind.__doc__},
            frozen=True,
            forbid_unknown_fields=True,
            kw_only=True,
        )
    return _made[kind]


def _field(given: inspect.Field) -> Any:
    mirrored = _limited(given.type)
    if given.required:
        return given.encode_name, mirrored
    if given.default_factory is not msgspec.NODEFAULT:
        factory = msgspec.field(default_factory=given.default_factory)
        return given.encode_name, mirrored, factory
    return given.encode_name, mirrored, given.default


def _limited(info: Any) -> Any:
    """Return a type's mirror, with limits where it has none of its own."""
    return MIRRORS[type(info)](info)


def _text(info: inspect.StrType) -> Any:
    most = TEXT_LENGTH_MAX if info.max_length is None else info.max_length
    limits = Meta(min_length=info.min_length, max_length=most, pattern=info.pattern or NO_NUL)
    return Annotated[str, limits]


def _number(info: inspect.IntType) -> Any:
    least = -NUMBER_MAX if info.ge is None else info.ge
    most = NUMBER_MAX if info.le is None else info.le
    return Annotated[int, Meta(ge=least, le=most)]


def _list(info: inspect.ListType | inspect.VarTupleType) -> Any:
    most = ITEMS_MAX if info.max_length is None else info.max_length
    limits = Meta(min_length=info.min_length, max_length=most)
    return Annotated[list[_limited(info.item_type)], limits]  # type: ignore[misc]


def _row(info: inspect.TupleType) -> Any:
    return tuple[tuple(_limited(item) for item in info.item_types)]  # type: ignore[misc]


def _object(info: inspect.DictType) -> Any:
    kinds = (_limited(info.key_type), _limited(info.value_type))
    return Annotated[dict[kinds], Meta(max_length=ITEMS_MAX)]  # type: ignore[misc, valid-type]


MIRRORS: dict[type[inspect.Type], Callable[[Any], Any]] = {
    inspect.StrType: _text,
    inspect.IntType: _number,
    inspect.ListType: _list,
    inspect.VarTupleType: _list,
    inspect.TupleType: _row,
    inspect.DictType: _object,
    inspect.UnionType: lambda info: reduce(or_, (_limited(kind) for kind in info.types)),
    inspect.DataclassType: _nested,
    inspect.StructType: _nested,
    inspect.EnumType: lambda info: info.cls,
    inspect.DateTimeType: lambda _: Annotated[datetime, MOMENT],
    inspect.BoolType: lambda _: bool,
    inspect.FloatType: lambda _: float,
    inspect.NoneType: lambda _: None,
    inspect.UUIDType: lambda _: UUID,
}
"""How each type is mirrored. A request with another type is refused when the product starts."""
