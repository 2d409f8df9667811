"""Citations: every requirement, page and section that the code, tests and pages name exists."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.pages import PAGES, ROOT, headings, read

REFERENCE = ROOT / "docs" / "reference"
REQUIREMENTS = ROOT / "docs" / "requirements.md"
SOURCES = ("appliance", "hw_tests", "scripts", "image", "debian", "tests")
KINDS = (".py", ".sh", ".toml", ".service", ".path", ".timer", ".story", ".conf", ".txt")

_CODE = re.compile(r"(?<![\w&./-])([PBE]\d{1,2})(?![\w.%-])")
_SECTION = re.compile(r"\b([a-z0-9]+)\.md(?: sections?)? (\d+(?:\.\d+)?)(?: and (\d+(?:\.\d+)?))?")
_CHAPTER = re.compile(r"\b(architecture|design/[\w-]+)\.md,\s+([A-Z][\w\s]+)")
_PAGE = re.compile(r"(?<![\w/.*-])([A-Za-z0-9_][A-Za-z0-9_./-]*\.md)\b")
_OTHERS = {"CODE.md", "imu-2026.md"}
"""Names that sheets might have, in examples."""


def sources() -> list[Path]:
    """Return the product's text files, and the tests'; what is built or vendored is left out."""
    out = {"__pycache__", "vendor", "locale", "corpus"}
    return sorted(
        path
        for folder in SOURCES
        for path in (ROOT / folder).rglob("*")
        if path.suffix in KINDS and not out & set(path.parts) and path.is_file()
    )


def defined() -> set[str]:
    """Return the codes that the requirements define, each by a heading of its own."""
    return {text for _, text in headings(REQUIREMENTS)}


def sections(path: Path) -> set[str]:
    """Return the numbers of a page's sections, and of the numbered items below each."""
    found, current = set(), ""
    for line in read(path).splitlines():
        if heading := re.match(r"#+ (\d+(?:\.\d+)?)\b", line):
            current = heading[1]
            found.add(current)
        elif current and (item := re.match(r"(\d+)\. ", line)):
            found.add(f"{current}.{item[1]}")
    return found


def prose_of(path: Path, text: str) -> str:
    """Return what may cite: of a program its comments and quoted words, else the whole text."""
    if path.suffix != ".py":
        return text
    return "\n".join(re.findall(r'#.*|""".*?"""|"[^"\n]*"', text, re.DOTALL))


def unresolved_codes(text: str) -> Iterator[str]:
    """Yield codes of the requirements that nobody defines; bare E0 to E1 is a modem's command."""
    known = defined()
    for code in _CODE.findall(text):
        if code not in known and code not in ("E0", "P99"):
            yield code


def unresolved_sections(text: str) -> Iterator[str]:
    """Yield cited sections of the reference that are not there."""
    for name, *numbers in _SECTION.findall(text):
        page = REFERENCE / f"{name}.md"
        known = sections(page) if page.exists() else set()
        yield from (f"{name}.md {number}" for number in numbers if number and number not in known)
    for page, chapter in _CHAPTER.findall(text):
        path, words = ROOT / "docs" / f"{page}.md", " ".join(chapter.split())
        chapters = {title for _, title in headings(path)} if path.exists() else set()
        if not any(words.startswith(title) for title in chapters):
            yield f"{page}.md, {words}"


def unresolved_pages(text: str) -> Iterator[str]:
    """Yield pages that are named and are nowhere in the repository."""
    known = {path.name for path in PAGES} | {"NOTICE.md"}
    for name in _PAGE.findall(text):
        if Path(name).name not in known | _OTHERS:
            yield name


def test_every_requirement_has_a_place() -> None:
    """P1-P9, B1-B9 and E1-E24 are defined, once each."""
    wanted = [
        f"{kind}{n}" for kind, last in (("P", 9), ("B", 9), ("E", 24)) for n in range(1, last + 1)
    ]
    found = [text for _, text in headings(REQUIREMENTS) if re.fullmatch(r"[PBE]\d+", text)]
    assert found == wanted


def test_every_citation_of_the_code_resolves() -> None:
    """A code, a section of the reference, a chapter of the architecture that is cited exists."""
    wrong = {}
    for path in [*sources(), *PAGES]:
        text = prose_of(path, read(path))
        bad = [*unresolved_codes(text), *unresolved_sections(text)]
        if path.parent == REFERENCE or path == Path(__file__):
            bad = []  # they name what is others', or wrong on purpose
        if bad:
            wrong[str(path.relative_to(ROOT))] = bad
    assert not wrong


def test_every_page_that_is_named_exists() -> None:
    """What the product's own files and pages name as a page is a page; tests may invent some."""
    wrong = {}
    for path in [*sources(), *PAGES]:
        if path.is_relative_to(ROOT / "tests") or path.parent == REFERENCE:
            continue
        if bad := list(unresolved_pages(prose_of(path, read(path)))):
            wrong[str(path.relative_to(ROOT))] = bad
    assert not wrong


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("as P10 and E25 say", ["P10", "E25"]),
        ("v253.md 1.9, reliability.md 44", ["v253.md 1.9", "reliability.md 44"]),
        ("nowhere.md 3", ["nowhere.md 3"]),
        ("(architecture.md, No such chapter)", ["architecture.md, No such chapter"]),
        ("(design/call.md, No such chapter)", ["design/call.md, No such chapter"]),
        ("P1, B9, E24, v253.md 9.2, v253.md section 9, (design/call.md, The link)", []),
    ],
)
def test_what_is_missing_is_found(text: str, missing: list[str]) -> None:
    """Codes, sections and chapters that do not exist are named."""
    assert [*unresolved_codes(text), *unresolved_sections(text)] == missing


def test_a_page_that_is_missing_is_found() -> None:
    """A page of no folder is named; one of docs/ is not."""
    assert list(unresolved_pages("see ARCHITECTURE.md and docs/image.md")) == ["ARCHITECTURE.md"]
