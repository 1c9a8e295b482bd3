"""Reading what strangers send: each request's type again, with every limit and no unknown field.

``strict`` mirrors a request's dataclass as a struct that msgspec decodes and describes by itself:
unknown fields are refused, and what has no limit of its own gets ours. So the limits that are
checked and the limits that the published document names are the same thing. Pure.
"""

from __future__ import annotations

import re
from datetime import datetime
from functools import cache
from typing import Annotated, Any, Union
from uuid import UUID

import msgspec
from msgspec import Meta, inspect

from chatworks.api.models import Malformed
from chatworks.kit.errors import Invalid

TEXT_LENGTH_MAX = 8000  # code points of any one text; what it means has its own limit
ITEMS_MAX = 200  # of any one list or object
NUMBER_MAX = 2**53 - 1  # the largest whole number that every JSON reader keeps exactly
NO_NUL = r"^[^\u0000]*$"  # PostgreSQL keeps no NUL in a text
PLAIN: dict[type[inspect.Type], Any] = {
    inspect.BoolType: bool,
    inspect.FloatType: float,
    inspect.NoneType: None,
    inspect.UUIDType: UUID,
}
_MOMENT = {"format": "date-time"}
_AT = re.compile(r"(?P<problem>.*) - at `(?:key in )?\$(?P<path>.*)`", re.DOTALL)
_STEP = re.compile(r"\.(\w+)|\[(\d+|\.\.\.)\]")


def read(request: type[Any], body: bytes) -> Any:
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


@cache
def strict(request: type[Any]) -> type[msgspec.Struct]:
    """Return the struct that stands for a request's dataclass."""
    return _mirror(request, request.__name__)


def _mirror(kind: type[Any], name: str) -> type[msgspec.Struct]:
    info = inspect.type_info(kind)
    assert isinstance(info, inspect.DataclassType | inspect.StructType)  # noqa: S101 - of requests
    fields: list[Any] = []
    for given in info.fields:
        mirrored = _limited(given.type)
        if given.required:
            fields.append((given.encode_name, mirrored))
        elif given.default_factory is not msgspec.NODEFAULT:
            factory = msgspec.field(default_factory=given.default_factory)
            fields.append((given.encode_name, mirrored, factory))
        else:
            fields.append((given.encode_name, mirrored, given.default))
    space = {"__doc__": kind.__doc__}
    return msgspec.defstruct(
        name, fields, namespace=space, frozen=True, forbid_unknown_fields=True, kw_only=True
    )


@cache
def _nested(kind: type[Any]) -> type[msgspec.Struct]:
    """Return the mirror of a type within a request, under a name of its own in the document."""
    return _mirror(kind, f"{kind.__name__}Input")


def _limited(info: inspect.Type) -> Any:
    """Return a type's mirror, with limits where it has none."""
    match info:
        case inspect.StrType(min_length, max_length, pattern):
            most = TEXT_LENGTH_MAX if max_length is None else max_length
            limits = Meta(min_length=min_length, max_length=most, pattern=pattern or NO_NUL)
            return Annotated[str, limits]
        case inspect.IntType():
            least = -NUMBER_MAX if info.ge is None else info.ge
            most = NUMBER_MAX if info.le is None else info.le
            return Annotated[int, Meta(ge=least, le=most)]
        case inspect.DateTimeType():
            return Annotated[datetime, Meta(tz=True, extra_json_schema=_MOMENT)]
        case inspect.ListType() | inspect.VarTupleType():
            most = ITEMS_MAX if info.max_length is None else info.max_length
            limits = Meta(min_length=info.min_length, max_length=most)
            return Annotated[list[_limited(info.item_type)], limits]  # type: ignore[misc]
        case inspect.TupleType():
            return tuple[tuple(_limited(item) for item in info.item_types)]  # type: ignore[misc]
        case inspect.DictType():
            kinds = (_limited(info.key_type), _limited(info.value_type))
            return Annotated[dict[kinds], Meta(max_length=ITEMS_MAX)]  # type: ignore[valid-type]
        case inspect.UnionType():
            return Union[tuple(_limited(kind) for kind in info.types)]
        case inspect.DataclassType() | inspect.StructType():
            return _nested(info.cls)
        case inspect.EnumType():
            return info.cls
        case _:
            return PLAIN[type(info)]
