"""Every command is a class: it survives the codec, says who may, and its handler takes it."""

from __future__ import annotations

import ast
import dataclasses
import enum
import importlib
import inspect
import json
import re
import types
import typing
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

import appliance
from appliance.api import protocol, technician_commands
from appliance.api.codec import TextRule, arguments_of, command_of
from appliance.api.commands import (
    COMMANDS,
    NEEDS,
    AddUser,
    ChangeUser,
    Command,
    Explain,
    FetchPaper,
    LeavePosition,
    SendRecording,
)
from appliance.api.replies import Reply
from appliance.errors import Bug, OfficeError
from appliance.policy.text import SaidError
from appliance.policy.users import Role
from tests.helpers.wire import wish

AT = datetime(2026, 11, 25, 10, 0, tzinfo=UTC)
PLAIN: dict[Any, Any] = {str: "x", int: 7, bool: True, date: AT.date(), datetime: AT, bytes: b"ab"}
SOURCES = Path(appliance.__file__).parent


def value_of(hint: Any) -> Any:
    """Return a value of a field's type that is not its default."""
    if hint in PLAIN:
        return PLAIN[hint]
    arguments = typing.get_args(hint)
    match typing.get_origin(hint):
        case None:
            assert issubclass(hint, enum.Enum), hint
            return list(hint)[-1]
        case types.UnionType | typing.Union:
            return value_of(arguments[0])
        case kind if kind is tuple:
            return (value_of(arguments[0]),)
        case kind if kind is dict:
            return {"name": "y"}
    return value_of(arguments[0])


def filled(kind: type[Command[Any]]) -> Command[Any]:
    """Return a command with a value in each of its fields."""
    hints = typing.get_type_hints(kind, include_extras=True)
    values = {each.name: value_of(hints[each.name]) for each in dataclasses.fields(kind)}
    return kind(**values)


def test_there_are_all_of_them() -> None:
    """The technician's, too; `watch` is the control socket's own."""
    assert technician_commands.ShowSystem.ask in COMMANDS
    assert len(COMMANDS) > 90
    assert NEEDS.keys() - COMMANDS.keys() == {"watch"}


@pytest.mark.parametrize("kind", COMMANDS.values(), ids=list(COMMANDS))
def test_it_survives_the_codec(kind: type[Command[Any]]) -> None:
    """As JSON and back it is the same, whole or with nothing but what it needs."""
    command = filled(kind)
    arguments = json.loads(json.dumps(command.arguments()))
    assert arguments.pop("ask") == kind.ask
    assert command_of(kind, arguments) == command
    # Call control may be older or newer: it knows a field more, or one less.
    assert command_of(kind, arguments | {"new": 1}) == command


@pytest.mark.parametrize("kind", COMMANDS.values(), ids=list(COMMANDS))
def test_it_says_who_may_and_what_is_replied(kind: type[Command[Any]]) -> None:
    """On the class itself: a permission, or that anybody may, or a shell alone."""
    assert kind.needs == NEEDS[kind.ask]
    assert kind.needs is None or isinstance(kind.needs, frozenset)
    assert issubclass(kind.reply, Reply)


@pytest.mark.parametrize("kind", COMMANDS.values(), ids=list(COMMANDS))
def test_what_is_of_the_wrong_type_is_named(kind: type[Command[Any]]) -> None:
    """One sentence in each language, that begins with the field."""
    arguments = json.loads(json.dumps(filled(kind).arguments()))
    for key in arguments.keys() - {"ask"}:
        with pytest.raises(SaidError) as refused:
            command_of(kind, arguments | {key: {"wrong": 1} if key != "form" else "wrong"})
        said = refused.value.words
        assert said.text("en").startswith(key)
        assert said.text("it").startswith(key)


def test_a_command_that_says_nothing_of_who_may_is_none() -> None:
    """Neither everybody's nor nobody's by an omission."""
    with pytest.raises(Bug, match="who may"):

        class Unsaid(Command[Reply], ask="unsaid"):
            """Of nobody."""

    assert "unsaid" not in COMMANDS


def test_no_handler_takes_a_dictionary() -> None:
    """Each takes the class that it is declared for, or the base of its classes."""
    importlib.import_module("appliance.service.composition")
    handled = protocol._KINDS
    wrong = {}
    for function, kinds in handled.items():
        assert inspect.isfunction(function)
        *_, last = inspect.get_annotations(function).values() or ("",)
        names = [text for key, text in inspect.get_annotations(function).items() if key != "return"]
        bases = {base.__name__ for kind in kinds for base in kind.__mro__}
        if not names or re.match(r"\w+", str(names[-1])).group() not in bases:  # type: ignore[union-attr]
            wrong[function.__qualname__] = (names, last)
    assert wrong == {}
    assert len(handled) > 50


def test_nobody_writes_a_command_as_a_dictionary() -> None:
    """Pages and commands send values, whose reply mypy knows."""
    found = []
    for path in SOURCES.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Dict):
                keys = [key.value for key in node.keys if isinstance(key, ast.Constant)]
                found += [path.relative_to(SOURCES).as_posix()] if "ask" in keys else []
    # The first makes them of values; the second subscribes to the status.
    assert sorted(found) == ["api/commands.py", "console/control_client.py"]


def test_what_is_by_default_is_not_sent() -> None:
    """An older call control need not know a field that nobody uses."""
    assert LeavePosition(on=True, by="op1").arguments() == {
        "ask": "SetAway",
        "on": True,
        "by": "op1",
    }
    assert "call" not in Explain(line="line1").arguments()


def test_no_log_has_a_passphrase() -> None:
    """Whoever prints a command reads its name."""
    wanted = technician_commands.MakeBackup(passphrase="mare sole vento")
    assert "sole" not in repr(wanted)
    assert wanted != technician_commands.CheckBackup(passphrase="mare sole vento")
    assert wanted != technician_commands.MakeBackup(passphrase="mare sole")


def test_a_field_may_have_a_name_of_pythons() -> None:
    """`as` on the socket."""
    paper = FetchPaper(number=1, as_="pdf", by="carla")
    assert arguments_of(paper) == {"number": 1, "as": "pdf", "by": "carla"}
    assert wish({"number": 1, "as": "pdf", "by": "carla"}, "request_paper") == paper


def test_nothing_and_left_out_are_the_same_and_an_empty_text_is_one() -> None:
    """A unit is taken away by an empty text; a time that is empty is none."""
    given = {"name": "anna", "by": "rita", "shown": None, "unit": ""}
    assert wish(given, "user_change") == ChangeUser(name="anna", by="rita", unit="")
    assert wish({"at": ""}, "explain") == Explain()


def test_texts_are_cut_or_refused() -> None:
    """An identifier is cut; what a person wrote into a form is kept whole or refused."""
    user = {"by": "x" * 70, "name": " anna  b ", "shown": "A", "password": "p", "roles": ["head"]}
    added = wish(user, "user_add")
    assert added == AddUser(by="x" * 64, name="anna b", shown="A", password="p", roles=(Role.HEAD,))
    with pytest.raises(OfficeError, match="at most 64"):
        wish(user | {"shown": "A" * 65}, "user_add")
    assert TextRule(3).kept("key", "abcd") == "abc"


def test_a_number_has_its_limits() -> None:
    """Bytes travel as base64; JSON's true is no number."""
    part = {"by": "a", "language": "it", "key": "k", "at": 3, "data": "YWI="}
    read = wish(part, "announcement_part")
    assert read == SendRecording(by="a", language="it", key="k", at=3, data=b"ab")
    for wrong in (True, -1, 10**9, 1.5):
        with pytest.raises(SaidError, match="at has to be a whole number"):
            wish(part | {"at": wrong}, "announcement_part")
