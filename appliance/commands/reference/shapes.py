"""JSON Schemas of Python types: what the codec makes of them is what a schema says."""

from __future__ import annotations

import dataclasses
import enum
import types
import typing
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Final

from appliance.api.codec import blank_times
from appliance.policy.forms import FormProblem
from appliance.text import ENGLISH, Words

JsonSchema = dict[str, Any]
Shape = Any
"""A type; or a dict of fields by name, {str: shape} for any names, a list of one for all,
a tuple of alternatives.
"""
_PLAIN: Final[Mapping[Any, JsonSchema]] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    bytes: {"type": "string", "contentEncoding": "base64"},
    datetime: {"type": "string", "format": "date-time"},
    date: {"type": "string", "format": "date"},
    type(None): {"type": "null"},
    None: {"type": "null"},
    Any: {},
    object: {},
}
TEXTS: Final[JsonSchema] = {
    "type": "object",
    "properties": {ENGLISH: {"type": "string"}},
    "required": [ENGLISH],
    "additionalProperties": {"type": "string"},
}
"""A sentence by language: English, and each further one that the box has."""


def schema_of(shape: Shape) -> JsonSchema:
    """Return the schema of a shape."""
    if isinstance(shape, dict) and list(shape) == [str]:
        return {"type": "object", "additionalProperties": schema_of(shape[str])}
    if isinstance(shape, dict):
        return _object({name: schema_of(each) for name, each in shape.items()})
    if isinstance(shape, tuple):
        return {"anyOf": [schema_of(each) for each in shape]}
    if isinstance(shape, list):
        return {"type": "array", "items": schema_of(shape[0])}
    if shape in {Words, FormProblem}:
        return TEXTS
    if (found := _PLAIN.get(shape)) is not None:
        return dict(found)
    if typing.get_origin(shape) is not None:
        return _generic(typing.get_origin(shape), typing.get_args(shape))
    if isinstance(shape, typing.TypeAliasType):
        return schema_of(shape.__value__)
    assert isinstance(shape, type), shape
    if issubclass(shape, enum.Enum):
        return {"enum": [each.value for each in shape]}
    return _object({name: schema_of(each) for name, each in _fields(shape).items()})


def fields_of(cls: type, *left_out: str) -> dict[str, Shape]:
    """Return the fields of a class but some, to be put into a table."""
    return {name: each for name, each in _fields(cls).items() if name not in left_out}


def _fields(cls: type) -> dict[str, Shape]:
    hints = typing.get_type_hints(cls)
    if not dataclasses.is_dataclass(cls):
        return hints
    blank = blank_times(cls)
    # What is no time yet is "" in JSON for released readers.
    shown = {name: str if name in blank else hints[name] for name in hints}
    return {each.name: shown[each.name] for each in dataclasses.fields(cls)}


def _object(properties: dict[str, JsonSchema]) -> JsonSchema:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _generic(origin: Any, arguments: tuple[Any, ...]) -> JsonSchema:
    if origin in {types.UnionType, typing.Union}:
        return {"anyOf": [schema_of(each) for each in arguments]}
    if origin is typing.Annotated:
        return schema_of(arguments[0])
    if origin is typing.Literal:
        return {"enum": list(arguments)}
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return {"type": "object", "additionalProperties": schema_of(arguments[1])}
    if origin is tuple and arguments[-1] is not ...:
        items = [schema_of(each) for each in arguments]
        return {"type": "array", "prefixItems": items, "items": False}
    return {"type": "array", "items": schema_of(arguments[0])}
