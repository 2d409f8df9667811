"""Codec of the control socket: frozen values to JSON and back."""

from __future__ import annotations

import base64
import binascii
import enum
import functools
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, dataclass, fields
from datetime import date, datetime
from typing import Annotated, Any, Final, TypeVar

import cattrs
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn, override

from appliance.policy.forms import FormProblem
from appliance.policy.text import SaidError
from appliance.text import Words, _, written

T = TypeVar("T")

# Without detailed validation, as in media/link.py: the first mistake is enough.
_converter = cattrs.Converter(detailed_validation=False)
for _kind in (datetime, date):
    _converter.register_unstructure_hook(_kind, lambda value: value.isoformat())
    _converter.register_structure_hook(_kind, lambda text, kind: kind.fromisoformat(text))
_converter.register_unstructure_hook(Words, Words.by_language)
_converter.register_structure_hook(Words, lambda texts, _: written(texts))
_converter.register_unstructure_hook(
    FormProblem, lambda problem: {"place": problem.place, **problem.words.by_language()}
)
_converter.register_structure_hook(FormProblem, lambda fields, _: _problem(**fields))
_converter.register_unstructure_hook(bytes, lambda data: base64.b64encode(data).decode())
_BLANK: dict[object, tuple[str, ...]] = {}


def _problem(place: str, **texts: str) -> FormProblem:
    return FormProblem(place, written(texts))


def blank(*names: str) -> Callable[[type[T]], type[T]]:
    """Declare times of a class that are "" in JSON for None, as released readers know them."""

    def declared(cls: type[T]) -> type[T]:
        _BLANK[cls] = names
        return cls

    return declared


def blank_times(cls: type) -> tuple[str, ...]:
    """Return the times of a class that are "" in JSON for None."""
    return _BLANK.get(cls, ())


def _written_blank(value: date | None) -> str:
    return value.isoformat() if value else ""


def _read_blank(text: str | None, optional: Any) -> date | None:
    kind: type[date] = typing.get_args(optional)[0]
    return kind.fromisoformat(text) if text else None


@_converter.register_unstructure_hook_factory(_BLANK.__contains__)
def _writing(cls: type) -> Callable[[Any], dict[str, Any]]:
    hooks: Any = dict.fromkeys(_BLANK[cls], override(unstruct_hook=_written_blank))
    return make_dict_unstructure_fn(cls, _converter, **hooks)


@_converter.register_structure_hook_factory(_BLANK.__contains__)
def _reading(cls: type) -> Callable[[Mapping[str, Any], Any], Any]:
    hooks: Any = dict.fromkeys(_BLANK[cls], override(struct_hook=_read_blank))
    return make_dict_structure_fn(cls, _converter, _cattrs_detailed_validation=False, **hooks)


def resolve(cls: type, **names: type) -> None:
    """Resolve a class's annotations that its module imports for the type checker alone."""
    cls.__annotations__.update(typing.get_type_hints(cls, localns=names))


def prepare(*kinds: type) -> None:
    """Make the code that writes these classes now instead of at their first reply."""
    for kind in kinds:
        _converter.get_unstructure_hook(kind)


def to_json(value: object) -> dict[str, Any]:
    """Return a frozen value as a JSON object: its fields by name."""
    fields: dict[str, Any] = _converter.unstructure(value)
    return fields


def from_json(kind: type[T], fields: Mapping[str, Any]) -> T:
    """Make a frozen value of a JSON object; raises ValueError if that does not fit.

    Unknown fields are ignored: during an update call control may be newer than the reader.
    """
    try:
        return _converter.structure(fields, kind)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(f"{kind.__name__}: not what the reply holds ({error!r})") from error


# ---- commands ------------------------------------------------------------------------------------
# A command comes from whoever can reach the socket: each of its fields is checked by its type, and
# the first that does not fit is named in a sentence.

YEARS: Final = (2000, 9000)
"""Years that a time may have, the second one excluded."""


@dataclass(frozen=True, slots=True)
class TextRule:
    """How a text is read: what is longer than `most` characters is cut, or refused."""

    most: int
    is_needed: bool = False
    on_one_line: bool = False
    is_cut: bool = True

    def kept(self, key: str, text: str) -> str:
        """Return what is kept of a text; raises SaidError for an empty one that is needed."""
        if self.is_needed and not text.strip():
            raise SaidError(_("{field} is needed", field=key))
        if len(text) > self.most and not self.is_cut:
            raise SaidError(
                _(
                    "{field} has to be a text of at most {most} characters",
                    field=key,
                    most=self.most,
                )
            )
        return (" ".join(text.split()) if self.on_one_line else text)[: self.most]


Name = Annotated[str, TextRule(64, is_needed=True)]
"""Text that a command needs: a user's name, an identifier, a key; a longer one is cut."""
Code = Annotated[str, TextRule(64)]
"""The same, "" for none."""
Word = Annotated[str, TextRule(64, on_one_line=True, is_cut=False)]
"""Text of a form, which is kept whole or refused."""
Secret = Annotated[str, TextRule(200, is_cut=False)]
"""Password, passphrase or key, which is kept whole or refused."""
Line = Annotated[str, TextRule(120, on_one_line=True)]
"""Text on one line."""
Reason = Annotated[str, TextRule(300, on_one_line=True)]
"""The same, longer."""
Text = Annotated[str, TextRule(4000)]
"""Text of several lines."""
Number = Annotated[int, range(1_000_000_000)]
"""Number of something stored, or an offset in a value that is sent in parts; 0 for none."""
ReadValue = Callable[[str, Any], Any]
"""Reads a field's value; its name is for the sentence that refuses it."""


def moment(text: str) -> datetime:
    """Parse an ISO time; raises ValueError without an offset, TypeError for no text."""
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError("a time needs its offset, e.g. 2026-11-25T13:00:00+01:00")
    # Near either end of the calendar a conversion to local time raises OverflowError.
    if not YEARS[0] <= at.year < YEARS[1]:
        raise ValueError(f"the year {at.year} is none to wait for")
    return at


def command_of(kind: type[T], arguments: Mapping[str, Any]) -> T:
    """Make a command of a JSON object; raises SaidError that names the first wrong field.

    Unknown fields are ignored: during an update the console may be newer than call control.
    """
    # mypy does not know that every class is hashable.
    known: Any = kind
    return kind(**{each.name: each.read_from(arguments) for each in _fields_of(known)})


def arguments_of(command: object) -> dict[str, Any]:
    """Return a command's fields as a JSON object; what is as it is by default is left out."""
    # So a field that is new stays unknown to an older call control until somebody uses it.
    kind: Any = type(command)
    values = to_json(command)
    changed = (each for each in _fields_of(kind) if getattr(command, each.name) != each.default)
    return {_key(each.name): values[each.name] for each in changed}


@dataclass(frozen=True, slots=True)
class _Field:
    """Field of a command: its name, how a value is read, what it is if left out."""

    name: str
    read: ReadValue
    default: object

    def read_from(self, arguments: Mapping[str, Any]) -> object:
        key = _key(self.name)
        # Left out and null are the same.
        value = self.default if (found := arguments.get(key)) is None else found
        if value is MISSING:
            raise SaidError(_("{field} is needed", field=key))
        return None if value is None else self.read(key, value)


def _key(name: str) -> str:
    # `as` is a word of Python's own: its field is called `as_`.
    return name.rstrip("_")


@functools.cache
def _fields_of(kind: type) -> tuple[_Field, ...]:
    hints = typing.get_type_hints(kind, include_extras=True)
    found: tuple[Field[Any], ...] = fields(kind)
    return tuple(_Field(each.name, _reader(hints[each.name]), each.default) for each in found)


def _reader(hint: Any) -> ReadValue:
    """Return the function that reads values of a type."""
    arguments = typing.get_args(hint)
    match typing.get_origin(hint):
        case None if issubclass(hint, enum.Enum):
            return functools.partial(_one_of, hint)
        case None:
            return _PLAIN[hint]
        # X | None; typing's own class if X is annotated.
        case types.UnionType | typing.Union:
            return _optional(_reader(arguments[0]), arguments[0])
        case kind if kind is tuple:
            return functools.partial(_several, _reader(arguments[0]))
        case kind if kind is dict:
            return _object
    rule = hint.__metadata__[0]
    if isinstance(rule, TextRule):
        return lambda key, value: rule.kept(key, _text(key, value))
    return lambda key, value: _number(key, value, rule)


def _optional(read: ReadValue, hint: Any) -> ReadValue:
    # An empty text of a form is a text; of a time or a choice it is none.
    if str in (hint, getattr(hint, "__origin__", None)):
        return read
    return lambda key, value: None if value == "" else read(key, value)


def _text(key: str, value: object) -> str:
    if not isinstance(value, str):
        raise SaidError(_("{field} has to be a text", field=key))
    return value


def _number(key: str, value: object, limits: range | None = None) -> int:
    # `bool` is a subclass of `int` in Python: JSON's true would pass as 1.
    if (
        isinstance(value, bool)
        or not isinstance(value, int)
        or not (limits is None or value in limits)
    ):
        raise SaidError(_("{field} has to be a whole number", field=key))
    return value


def _flag(key: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise SaidError(_("{field} has to be true or false", field=key))
    return value


def _time(key: str, value: object) -> datetime:
    try:
        return value if isinstance(value, datetime) else moment(_text(key, value))
    except ValueError as error:
        raise SaidError(
            _("{field} has to be an ISO time with its offset: {error}", field=key, error=error)
        ) from error


def _day(key: str, value: object) -> date:
    try:
        found = date.fromisoformat(_text(key, value))
        moment(f"{found}T00:00:00Z")
    except ValueError as error:
        raise SaidError(
            _("{field} has to be a day, e.g. 2026-11-23: {error}", field=key, error=error)
        ) from error
    return found


def _bytes(key: str, value: object) -> bytes:
    try:
        return base64.b64decode(_text(key, value), validate=True)
    except (binascii.Error, ValueError) as error:
        raise SaidError(_("{field} has to be base64 ({error})", field=key, error=error)) from error


def _object(key: str, value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise SaidError(_("{field} has to be an object: its fields by name", field=key))
    return value


def _several(read: ReadValue, key: str, value: object) -> tuple[Any, ...]:
    if not isinstance(value, (list, tuple)):
        raise SaidError(_("{field} has to be a list", field=key))
    return tuple(read(key, each) for each in value)


def _one_of(kind: type[enum.Enum], key: str, value: object) -> enum.Enum:
    try:
        return kind(value)
    except ValueError as error:
        known = ", ".join(str(each.value) for each in kind)
        raise SaidError(
            _("{field}: {value!r} is unknown: say {known}", field=key, value=value, known=known)
        ) from error


_PLAIN: Final[Mapping[type, ReadValue]] = {
    str: _text,
    int: _number,
    bool: _flag,
    datetime: _time,
    date: _day,
    bytes: _bytes,
}
