"""Programme texts in tests (`python -c`, sitecustomize) import what the product has."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent
IMPORT = re.compile(r"from (appliance[\w.]*) import ([\w, ]+)")


def texts(source: str) -> Iterator[str]:
    """Yield the strings of a module that import something of the product."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Constant(value=str(text)):
                pass
            case ast.JoinedStr(values=parts):
                text = "".join(str(p.value) if isinstance(p, ast.Constant) else "X" for p in parts)
            case _:
                continue
        if IMPORT.search(text):
            yield text


def missing(text: str) -> Iterator[str]:
    """Yield the names that a programme text imports or uses and that are not there."""
    for module, names in IMPORT.findall(text):
        for each in names.split(","):
            name, _, other = each.strip().partition(" as ")
            try:
                found = _found(module, name)
            except (ImportError, AttributeError):
                yield f"{module}.{name}"
                continue
            used = re.findall(rf"(?<![\w.]){re.escape(other or name)}\.(\w+)", text)
            yield from (f"{module}.{name}.{one}" for one in used if not hasattr(found, one))


def _found(module: str, name: str) -> object:
    try:
        return importlib.import_module(f"{module}.{name}")
    except ModuleNotFoundError:
        return getattr(importlib.import_module(module), name)


def test_programme_texts_import_what_there_is() -> None:
    """A name that was moved is moved in texts, too: mypy does not read them."""
    wrong = {
        str(path.relative_to(ROOT)): names
        for path in sorted(ROOT.rglob("*.py"))
        if path != Path(__file__)
        for text in texts(path.read_text(encoding="utf-8"))
        if (names := list(missing(text)))
    }
    assert wrong == {}


def test_a_missing_name_is_seen() -> None:
    """A module, a name and an attribute that are not there are named (the check can fail)."""
    text = "from appliance.nowhere import x\nfrom appliance.files import atomic_write, never\n"
    assert list(missing(text)) == ["appliance.nowhere.x", "appliance.files.never"]
    assert list(missing("from appliance import files\nfiles.never()")) == ["appliance.files.never"]
