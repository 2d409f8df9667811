"""Every key of centralino.toml in the order of the reader's schema, with its type and sentence."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from typing import Any, Final, get_args, get_origin, get_type_hints

from appliance.config import schema
from appliance.config.keys import machine, office, telephony
from appliance.config.keys.key import Key

KEYS: Final[dict[str, Key]] = {**office.KEYS, **telephony.KEYS, **machine.KEYS}
"""What each key is, by its dotted name."""


@dataclass(frozen=True, slots=True)
class KeyPlace:
    """A key where the schema has it: its table, its type, its default (MISSING if required).

    `kind` is the type of the value, of each entry if it `is_list`.
    """

    table: str
    name: str
    kind: Any
    is_list: bool
    default: Any

    @property
    def dotted(self) -> str:
        """The key as the guides write it."""
        return f"{self.table}.{self.name}" if self.table else self.name


def places(cls: type = schema.Settings, table: str = "") -> Iterator[KeyPlace]:
    """Yield every key below a class of the schema; `hours` is a key that holds a week."""
    hints = get_type_hints(cls)
    for field in fields(cls):
        inner = table_of(hints[field.name])
        if inner is not None:
            yield from places(inner, f"{table}.{field.name}".lstrip("."))
        else:
            yield place_of(table, field, hints[field.name])


def table_of(hint: Any) -> type | None:
    """Return the class behind a table or an array of tables, None for a value."""
    kind = _without_none(get_args(hint)) if get_args(hint) else hint
    is_table = is_dataclass(kind) and kind.__module__ == schema.__name__
    return kind if is_table and isinstance(kind, type) else None


def is_array(hint: Any) -> bool:
    """Tell whether a table is an array of tables."""
    return get_origin(hint) is tuple


def place_of(table: str, field: Field[Any], hint: Any) -> KeyPlace:
    """Return the place of a key that is no table."""
    is_list = get_origin(hint) is tuple
    kind = _without_none(get_args(hint)) if get_args(hint) else hint
    return KeyPlace(table, field.name, kind, is_list, field.default)


def _without_none(args: tuple[Any, ...]) -> Any:
    return next(each for each in args if each not in {type(None), Ellipsis})


def is_required(place: KeyPlace) -> bool:
    """Tell whether the file must have the key."""
    return place.default is MISSING
