"""Links between the pages lead somewhere, and no page names a place on somebody's machine."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from tests.docs.pages import (
    ARCHITECTURE,
    INDEX,
    PAGES,
    guide,
    headings,
    name_of,
    prose,
    read,
    wrong_on,
)

_LINK = re.compile(r"\]\(([^)\s]+)\)")
_PLACES = re.compile(r"/(?:work|tmp|home|root)/\S*")


def anchors(path: Path) -> set[str]:
    """Return the anchors that a forge makes of a page's headings."""
    return {re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-") for _, text in headings(path)}


def dead(path: Path, text: str) -> Iterator[str]:
    """Yield the links of a text on `path` that lead nowhere; those to the web are not followed."""
    for link in _LINK.findall(text):
        if re.match(r"https?:", link):
            continue
        file, _, anchor = link.partition("#")
        target = (path.parent / file).resolve() if file else path
        if not target.exists() or (anchor and anchor not in anchors(target)):
            yield link


def test_links_resolve() -> None:
    """File and heading of every link exist."""
    assert wrong_on(lambda path: dead(path, prose(path))) == {}


def test_a_dead_link_is_seen() -> None:
    """A missing file and a missing heading are noticed (the check can fail)."""
    text = "[a](nowhere.md) [b](#no-such-heading) [c](LICENSE) [d](#hardware)"
    assert list(dead(PAGES[0], text)) == ["nowhere.md", "#no-such-heading"]


def test_no_place_on_a_machine() -> None:
    """Pages name places of the product or of the project, never of a workstation."""
    assert _PLACES.findall("see /home/anna/x and /var/lib/centralino") == ["/home/anna/x"]
    assert wrong_on(lambda path: _PLACES.findall(read(path))) == {}


def test_every_page_is_found_from_the_readme() -> None:
    """The README, the lists of all pages, or the architecture page links to every other page."""
    assert unlinked([*PAGES[1:], PAGES[0].with_name("new.md")]) == ["new.md"]


def unlinked(paths: list[Path]) -> list[str]:
    """List the pages to which neither the README nor a list of pages has a link."""
    lists = (PAGES[0], ARCHITECTURE, INDEX, guide("index", "it"), guide("index", "de"))
    linked = {(page.parent / to).resolve() for page in lists
              for to in _LINK.findall(read(page))}  # fmt: skip
    return [name_of(path) for path in paths if path.resolve() not in linked]
