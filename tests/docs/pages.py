"""The pages of the documentation, cut into what the tests look at."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
GUIDES = (
    "office", "technician", "tester", "hardware", "card", "commands", "privacy", "accessibility",
    "configuration",
    "index", "installation", "field-test", "fleet/boxes", "fleet/branches", "fleet/mqtt",
    "fleet/settings", "box", "troubles", "leds", "operator", "messages",
)  # fmt: skip
PAGES = (
    ROOT / "README.md",
    ROOT / "CHANGELOG.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "README.it.md",
    ROOT / "SECURITY.md",
    *sorted((ROOT / "docs").rglob("*.md")),
)
READMES = {"en": ROOT / "README.md", "it": ROOT / "README.it.md"}
ARCHITECTURE, INDEX = ROOT / "docs" / "architecture.md", ROOT / "docs" / "index.en.md"
REQUIREMENTS = ROOT / "docs" / "requirements.md"
DESIGN = ROOT / "docs" / "design"

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_SPAN = re.compile(r"`([^`\n]+)`")
_HEADING = re.compile(r"^(#+) (.+)$", re.MULTILINE)


def name_of(path: Path) -> str:
    """Name a page in a test's id."""
    return str(path.relative_to(ROOT))


def wrong_on(check: Callable[[Path], Iterable[object]]) -> dict[str, list[object]]:
    """Return what a check finds wrong on each page, by the page's name."""
    found = {name_of(path): list(check(path)) for path in PAGES}
    return {name: wrong for name, wrong in found.items() if wrong}


def guide(name: str, language: str) -> Path:
    """Return the path of a guide."""
    return ROOT / "docs" / f"{name}.{language}.md"


def read(path: Path) -> str:
    """Return a page's text."""
    return path.read_text(encoding="utf-8")


def prose(path: Path) -> str:
    """Return a page without its fenced blocks."""
    return _FENCE.sub("", read(path))


def code_of(path: Path) -> list[str]:
    """List what stands in code: every line of a fenced block, every span."""
    fenced = [line for _, block in _FENCE.findall(read(path)) for line in block.splitlines()]
    return fenced + _SPAN.findall(prose(path))


def headings(path: Path) -> list[tuple[int, str]]:
    """List a page's headings with their levels."""
    return [(len(marks), text) for marks, text in _HEADING.findall(prose(path))]


def rows(path: Path, heading: str) -> list[list[str]]:
    """List the cells of the first table under a heading, without the table's own head."""
    section = read(path).split(f"# {heading}\n", 1)[1]
    table = section[section.index("|") :].split("\n\n", 1)[0].splitlines()
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table[2:]]


def spans(text: str) -> list[str]:
    """List the code spans of a cell."""
    return _SPAN.findall(text)
