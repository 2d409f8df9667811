"""Replies cross the control socket unharmed, and a misfit is an error."""

from __future__ import annotations

import dataclasses
import enum
import json
import types
import typing
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from typing import Any

import pytest

from appliance.api import codec, replies, technician_replies
from appliance.policy.forms import FormProblem
from appliance.text import NOTHING, Words
from tests.helpers.words import pair

PLAIN: dict[Any, Any] = {
    str: "è", int: 7, float: 1.5, bool: True, date: date(2026, 11, 25), type(None): None,
    datetime: datetime(2026, 11, 25, 10, tzinfo=UTC), Any: {"a": [1, None]},
}  # fmt: skip


def kinds(base: type[Any] = replies.Reply) -> Iterator[type[Any]]:
    """Yield every class of replies."""
    for each in base.__subclasses__():
        # A dataclass with slots leaves the class behind of which it was made.
        # Not a class of tests.
        if any(getattr(of, each.__name__, None) is each for of in (replies, technician_replies)):
            yield each
            yield from kinds(each)


def sample(kind: Any, *, full: bool) -> Any:
    """Make a value of a type: optional parts and lists filled, or left out."""
    if kind in PLAIN:
        return PLAIN[kind]
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        hints = typing.get_type_hints(kind)
        return kind(**{f.name: sample(hints[f.name], full=full) for f in dataclasses.fields(kind)})
    if kind is Words:
        return pair("perché", "why") if full else NOTHING
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return list(kind)[-1]
    of, inner = typing.get_origin(kind), typing.get_args(kind)
    if of in (types.UnionType, typing.Union):
        return sample(inner[0 if full else 1], full=full)
    if of is tuple and inner[-1] is not ...:
        return tuple(sample(each, full=full) for each in inner)
    if of is Mapping:
        return {sample(inner[0], full=full): sample(inner[1], full=full)} if full else {}
    return of(sample(each, full=full) for each in inner[:1]) if full else of()


@pytest.mark.parametrize("full", [True, False])
@pytest.mark.parametrize("kind", sorted(set(kinds()), key=str))
def test_every_reply_comes_back_as_it_was(kind: type[Any], full: bool) -> None:
    """By way of the JSON line on the socket."""
    given = sample(kind, full=full)
    assert codec.from_json(kind, json.loads(json.dumps(codec.to_json(given)))) == given


def test_all_of_them_are_found() -> None:
    """The walk over the classes finds those of those, too."""
    assert {replies.Said, replies.StatusReply, replies.WeekChange} <= set(kinds())


@pytest.mark.parametrize("fields", [{}, {"said": None}, {"said": 3}])
def test_a_reply_of_another_version_is_an_error(fields: dict[str, Any]) -> None:
    """Not a page that fails."""
    with pytest.raises(ValueError, match="Said"):
        codec.from_json(replies.Said, fields)


def test_what_a_newer_version_adds_is_left_out() -> None:
    """Also inside."""
    fields = {"ok": True, "said": {"it": "a", "en": "b", "de": "c"}, "done": True, "more": 1}
    assert codec.from_json(replies.Said, fields) == replies.Said(pair("a", "b"))


def test_what_was_declined_is_raised_to_the_reader() -> None:
    """With the problems of its form."""
    problem = FormProblem("since", pair("a", "b"))
    declined = replies.Declined(pair("no", "not now"), (problem,))
    with pytest.raises(replies.DeclinedError, match="not now") as raised:
        replies.reply_of(replies.Said, codec.to_json(declined))
    assert raised.value.problems == (problem,)


def test_a_time_that_is_none_is_written_as_released_readers_know_it() -> None:
    """An empty text for some, null for the others."""
    week = sample(replies.EnteredWeek, full=False)
    assert codec.to_json(week)["since"] == ""
    assert codec.to_json(sample(replies.PartRestarts, full=False))["last"] is None
