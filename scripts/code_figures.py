"""Figures of the code base: files, lines, who imports whom, names, comments.

`python scripts/code_figures.py [-v] [ROOT]`; `-v` lists the places, too.

Each figure is what it says and no goal: a module that one sibling alone imports, a class name used
twice or a circle of files is a place to look at. Only the standard library is used, nothing is
imported, so that any checkout can be measured, older ones too.
"""

from __future__ import annotations

import ast
import io
import re
import sys
import tokenize
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SIDE = {"simulator", "fieldtest"}
"""Packages that are no part of the running product."""
_ITALIAN = re.compile(
    r"\b(?:il|lo|la|gli|le|un|una|di|del|della|dei|delle|al|alla|dal|dalla|nel|nella|non|che|per|con|"
    r"sono|più|è|chi|questo|questa|si|da)\b"
)


@dataclass(frozen=True)
class Module:
    """One source file: its dotted name, text, syntax tree and the modules that it imports."""

    name: str
    path: Path
    text: str
    tree: ast.Module
    imports: frozenset[str]

    @property
    def package(self) -> str:
        """The package below `appliance` that it belongs to."""
        parts = self.name.split(".")
        return parts[1] if len(parts) > 1 else ""

    @property
    def is_side(self) -> bool:
        """Whether it belongs to the simulator or the field test."""
        return self.package in SIDE


def modules(root: Path) -> dict[str, Module]:
    """Read every module below `root/appliance`, by its dotted name."""
    read = {}
    for path in sorted((root / "appliance").rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        text = path.read_text(encoding="utf-8")
        read[name] = (path, text, ast.parse(text))
    known = set(read)
    return {
        name: Module(name, path, text, tree, frozenset(imported(tree, known) - {name}))
        for name, (path, text, tree) in read.items()
    }


def imported(tree: ast.Module, known: set[str]) -> set[str]:
    """Return the known modules that a tree imports, at any depth, for type checkers also."""
    found: set[str] = set()
    nodes: list[ast.AST] = [tree]
    while nodes:
        node = nodes.pop()
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names} & known
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                found |= {full if full in known else node.module} & known
        elif not isinstance(node, ast.expr):  # an expression holds no import
            nodes += ast.iter_child_nodes(node)
    return found


def loaded_by_name(module: Module, known: set[str]) -> set[str]:
    """Return the known modules that a module loads by name: commands, a package's pages."""
    # "appliance.commands.status:check" for importlib, or every module that pkgutil finds.
    words = (n.value for n in ast.walk(module.tree) if isinstance(n, ast.Constant))
    found = {word.partition(":")[0] for word in words if isinstance(word, str) and ":" in word}
    if module.path.name == "__init__.py" and "import pkgutil" in module.text:
        found |= {name for name in known if name.rpartition(".")[0] == module.name}
    return found & known


def of_one_sibling(all_: dict[str, Module]) -> list[str]:
    """List modules that exactly one module imports, which is of the same package.

    A module that is loaded by name is an entry point, like __main__: whoever borrows a function
    of it is not its only user.
    """
    users: dict[str, set[str]] = defaultdict(set)
    entries: set[str] = set()
    for module in all_.values():
        entries |= loaded_by_name(module, set(all_))
        for name in module.imports:
            users[name].add(module.name)
    return [
        name
        for name, by in users.items()
        if len(by) == 1
        and name not in entries
        and all_[next(iter(by))].package == all_[name].package
        and all_[name].path.name not in ("__init__.py", "__main__.py")
    ]


def circles(all_: dict[str, Module]) -> list[list[str]]:
    """List groups of modules that import each other (strongly connected, Tarjan)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(name: str) -> None:
        index[name] = low[name] = len(index)
        stack.append(name)
        for other in sorted(all_[name].imports):
            if other not in index:
                visit(other)
                low[name] = min(low[name], low[other])
            elif other in stack:
                low[name] = min(low[name], index[other])
        if low[name] == index[name]:
            at = stack.index(name)
            group = stack[at:]
            del stack[at:]
            if len(group) > 1:
                found.append(sorted(group))

    sys.setrecursionlimit(10_000)
    for name in all_:
        if name not in index:
            visit(name)
    return found


def classes_twice(all_: dict[str, Module]) -> list[str]:
    """List class names that more than one module defines."""
    names = Counter(
        node.name
        for module in all_.values()
        for node in module.tree.body
        if isinstance(node, ast.ClassDef)
    )
    return sorted(name for name, count in names.items() if count > 1)


def any_in(all_: dict[str, Module], package: str) -> int:
    """Count the annotations `Any` in a package."""
    return sum(
        isinstance(node, ast.Name) and node.id == "Any"
        for module in all_.values()
        if module.package == package
        for node in ast.walk(module.tree)
    )


def with_a_language(all_: dict[str, Module]) -> list[str]:
    """List modules that hold Italian sentences, or choose a text by its language, in code."""
    return sorted(name for name, module in all_.items() if any(_in_a_language(module.tree)))


def _in_a_language(tree: ast.Module) -> Iterator[bool]:
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef))
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and id(node) not in docstrings
        ):
            yield len(_ITALIAN.findall(node.value)) >= 2
        elif isinstance(node, ast.Attribute):
            yield node.attr in ("it", "en") and isinstance(node.ctx, ast.Load)


def comments(module: Module) -> tuple[int, int]:
    """Count own-line comments that say something, and lines that hold code or comment."""
    said = 0
    for token in tokenize.generate_tokens(io.StringIO(module.text).readline):
        if token.type == tokenize.COMMENT and not token.line[: token.start[1]].strip():
            words = token.string.lstrip("#! ")
            said += (
                not words.startswith(("---", "fmt:", "type:", "noqa")) and len(words.split()) > 2
            )
    return said, sum(bool(line.strip()) for line in module.text.splitlines())


def lengths(all_: dict[str, Module]) -> list[int]:
    """Return the lengths of all functions in lines, sorted."""
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return sorted(
        (node.end_lineno or 0) - node.lineno + 1
        for module in all_.values()
        for node in ast.walk(module.tree)
        if isinstance(node, functions)
    )


def _part(sorted_: list[int], percent: int) -> int:
    return sorted_[len(sorted_) * percent // 100]


def main() -> None:
    """Print the figures of a checkout; with `-v` also the places."""
    words = [word for word in sys.argv[1:] if word != "-v"]
    all_ = modules(Path(words[0] if words else "."))
    product = {name: module for name, module in all_.items() if not module.is_side}
    sizes = sorted(len(module.text.splitlines()) for module in all_.values())
    said, lines = (sum(column) for column in zip(*map(comments, all_.values()), strict=True))
    long = lengths(all_)
    lists = {
        "modules imported by one sibling only": of_one_sibling(all_),
        "class names used more than once": classes_twice(all_),
        "modules with a language in code": with_a_language(product),
        "circles of files": [" ".join(group) for group in circles(all_)],
    }
    figures: dict[str, object] = {
        "Python files in appliance/": len(all_),
        "median lines of a file": _part(sizes, 50),
        "lines without simulator and field test": sum(
            len(module.text.splitlines()) for module in product.values()
        ),
        "`Any` in calls/": any_in(all_, "calls"),
        **{name: len(found) for name, found in lists.items()},
        "own-line comments": f"{100 * said / lines:.1f} %",
        "function lengths, median and p95": f"{_part(long, 50)}, {_part(long, 95)}",
    }
    for name, figure in figures.items():
        print(f"| {name} | {figure} |")
    if "-v" in sys.argv:
        for name, found in lists.items():
            print(f"\n{name}:", *found, sep="\n  ")


if __name__ == "__main__":
    main()
