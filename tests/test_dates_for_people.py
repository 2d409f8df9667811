"""One format of days and times for people: `appliance.policy.hours` writes them all."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import appliance

ROOT: Final = Path(appliance.__file__).parent
WRITER: Final = "policy/hours.py"
DAYS: Final = re.compile(r"%-?[dmyYbBaAjUWGVxcD]")
"""Directives of strftime that write a day; %H:%M alone is a time of day."""
STAMP: Final = re.compile(r"(?:%Y)?%m%d\S*")
"""Digits without anything between them: the name of a file, the key of a mail, a wire."""
IN_TEXT: Final = re.compile(r"\{[^{}]*:([^{}]*%[^{}]*)\}")
"""The format of a value in a text for str.format."""
DATES: Final = {"date", "datetime", "date | None", "datetime | None"}
MACHINES: Final = {
    "commands/reports.py": (2, "the key of a day among the lines' uses; the month in a question"),
    "console/day_typed.py": (1, "the form of the configuration"),
    "console/pages/operator.py": (1, "what an input for a day has sent"),
    "console/pages/reports.py": (1, "the name of a file to be downloaded"),
    "console/pages/privacy.py": (1, "the name of a file to be downloaded"),
    "service/clock.py": (1, "a row of the audit"),
    "service/live_policy.py": (1, "status --json"),
    "sip/dialog.py": (1, "no day: an address"),
    "policy/reports.py": (1, "the key of a month in the figures"),
    "store/monitoring.py": (1, "SQL"),
    "store/hours.py": (2, "a row of the audit"),
    "store/alerts.py": (1, "the key of a mail"),
    "store/reports.py": (1, "the key of a mail"),
}
"""How many places write a day otherwise, by file, and for which machine."""


def _dated_fields() -> set[str]:
    """Name the fields that are a day or a time in a class of ours."""
    named = set()
    for path in ROOT.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.AnnAssign(target=ast.Name(id=name), annotation=kind):
                    named |= {name} if ast.unparse(kind) in DATES else set()
    # A date's `day` is a number, a transfer's `asked` a word.
    return named - {"day", "asked"}


def _formats(node: ast.AST) -> Iterator[str]:
    """Give every format of a value, in an f-string, in a text, or handed to strftime."""
    match node:
        case ast.FormattedValue(format_spec=ast.JoinedStr() as spec):
            yield from (str(n.value) for n in spec.values if isinstance(n, ast.Constant))
        case ast.Constant(value=str() as text):
            yield from IN_TEXT.findall(text)
        case ast.Call(func=ast.Attribute(attr="strftime"), args=args):
            yield from (ast.unparse(each).strip("'") for each in args)


def _bare(scope: ast.FunctionDef | ast.AsyncFunctionDef, fields: set[str]) -> Iterator[int]:
    """Give the lines of a function on which a day stands in a text without any format."""
    given = [*scope.args.args, *scope.args.kwonlyargs]
    names = {a.arg for a in given if a.annotation and ast.unparse(a.annotation) in DATES}
    for node in ast.walk(scope):
        match node:
            case ast.FormattedValue(format_spec=None, value=ast.Name(id=name)) if name in names:
                yield node.lineno
            case ast.FormattedValue(format_spec=None, value=ast.Attribute(attr=name)):
                if name in fields:
                    yield node.lineno


def _written_otherwise(tree: ast.Module, fields: set[str]) -> set[int]:
    """Give the lines on which a day is written by a format of its own, or bare."""
    found = {
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.expr)
        for each in _formats(node)
        if DAYS.search(each) and not STAMP.fullmatch(each)
    }
    for scope in ast.walk(tree):
        if isinstance(scope, ast.FunctionDef | ast.AsyncFunctionDef):
            found.update(_bare(scope, fields))
    return found


def test_days_are_written_by_one_module() -> None:
    """Whatever else writes one writes it for a machine, which is named here."""
    fields, found = _dated_fields(), dict[str, list[int]]()
    for path in sorted(ROOT.rglob("*.py")):
        name = path.relative_to(ROOT).as_posix()
        lines = _written_otherwise(ast.parse(path.read_text(encoding="utf-8")), fields)
        if lines and name != WRITER:
            found[name] = sorted(lines)
    wanted = {name: count for name, (count, _) in MACHINES.items()}
    assert {name: len(lines) for name, lines in found.items()} == wanted, found


def test_pages_write_days_by_their_speaker() -> None:
    """No template calls strftime; isoformat stands in values, addresses and ids alone."""
    for path in sorted((ROOT / "console" / "templates").rglob("*.html")):
        text = re.sub(r"<[^>]*>|{% macro.*?endmacro %}", "", path.read_text(encoding="utf-8"))
        assert "strftime" not in text, path
        assert "isoformat" not in text, path
