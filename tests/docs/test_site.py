"""The documentation site: which pages it has, how long they are, and what it says twice.

What the pages become in a browser is tested by test_site_built.py, which builds them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

import pytest

from scripts import docs_site
from scripts.docs_site import Plan, Section, SiteError
from tests.docs.pages import PAGES, ROOT, name_of
from tests.helpers.figures import Figures

SITE = docs_site.plan()
OUTSIDE = {"docs/reference"}
"""Folders of pages that the site leaves out: facts for those who change the code."""
MOST_WORDS = {"en": 45_000, "it": 42_300, "de": 17_100}
"""Words of each tree at most: lowered when a page has become shorter, never raised."""
DEVELOPERS = {"Design", "Requirements"}
"""Sections for those who change the code, which no person at an office reads: not counted."""
LONG = 40
"""Words of a paragraph that nobody may read twice."""


def test_every_page_is_in_the_site() -> None:
    """A page that nobody put into docs/site.toml, or that docs/site.toml names twice, is seen."""
    known = {path.resolve() for path in SITE.by_file()}
    missing = [name_of(path) for path in PAGES if path.resolve() not in known]
    assert [one for one in missing if not one.startswith(tuple(OUTSIDE))] == []
    assert [page for page, times in Counter(SITE.pages).items() if times > 1] == []


@pytest.mark.parametrize("language", SITE.languages)
def test_every_page_has_a_source(language: str) -> None:
    """Each page of the menu has a file, a title, and its place in the tree of each language."""
    titles = [
        docs_site.title_of(docs_site.staged(SITE, page, language).text) for page in SITE.pages
    ]
    assert all(titles)
    assert len(titles) == len(SITE.pages)


def test_a_page_without_a_file_is_an_error() -> None:
    """The sentence names the table and the file that is missing (the check can fail)."""
    site = Plan(("en",), (Section({"en": "A"}, ("nowhere",)),), {})
    with pytest.raises(SiteError, match=r"docs/site\.toml: there is no docs/nowhere\.en\.md"):
        docs_site.staged(site, "nowhere", "en")


def test_a_third_language_is_one_word() -> None:
    """A tree of a language without pages of its own shows the English ones, and no search finds
    them there; the German tree shows the Italian ones before.
    """
    site = Plan((*SITE.languages, "sl"), SITE.sections, SITE.files)
    assert docs_site.navigation(site, "sl")[1] == {"Office": "office.md"}
    text = docs_site.staged(site, "office", "sl").text
    assert text.startswith("---\nsearch:\n  exclude: true\n---\n# Guide for the office\n")
    assert docs_site.staged(site, "office", "de").text.startswith("# Handbuch für das Amt\n")
    instead = docs_site.staged(site, "technician", "de").text
    assert "# Guida per il tecnico\n\n> Diese Seite gibt es nur auf Italienisch.\n" in instead


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("[a](card.it.md#x)", "[a](card.md#x)"),
        ("[a](fleet/boxes.it.md)", "[a](fleet/boxes.md)"),
        ("![a](img/one-line.svg)", "![a](img/one-line.svg)"),
        ("[a](../README.it.md)", "[a](readme.md)"),
        ("[a](../setup.cfg)", "a"),
        ("For x; [in English](office.en.md). Y", "For x. Y"),
        ("For x. [English](office.en.md). Y", "For x. Y"),
        ("For x. [English](office.en.md)", "For x."),
        ("[English](office.en.md) · [a](card.it.md)", "[a](card.md)"),
        ("[a](https://a.example/b)", "[a](https://a.example/b)"),
        ("[![b](img/one-line.svg)](card.it.md)", "[![b](img/one-line.svg)](card.md)"),
    ],
)
def test_links_lead_to_the_tree_itself(
    said: str, shown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A link of a page leads to the same tree; a file that is no part of the site is no link."""
    path = ROOT / "docs" / "office.it.md"
    read = type(path).read_text

    def given(one: object, *words: object, **named: object) -> str:
        text = f"# A\n\n{said}\n"
        return text if one == path else read(one, *words, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(type(path), "read_text", given)
    assert docs_site.staged(SITE, "office", "it").text == f"# A\n\n{shown}\n"


def pages_for_people() -> tuple[str, ...]:
    """Return the pages of all sections but those for developers."""
    return tuple(
        page
        for section in SITE.sections
        if section.heading["en"] not in DEVELOPERS
        for page in section.pages
    )


def text_of(page: str, language: str) -> str:
    """Return a page of a tree; "" where the tree only shows the one of another language."""
    _, spoken = SITE.source(page, language)
    return docs_site.staged(SITE, page, language).text if spoken == language else ""


def words_of(text: str) -> list[str]:
    """Return the words of a text: no marks, no addresses of links, no rules of tables."""
    return re.findall(r"[^\W_]+(?:[.'’/-][^\W_]+)*", re.sub(r"\]\([^)]*\)", "]", text))


@pytest.mark.parametrize("language", SITE.languages)
def test_the_guides_get_no_longer(language: str, figures: Figures) -> None:
    """What an office, a technician or an officer reads in one language has a limit, which falls."""
    counts = {page: len(words_of(text_of(page, language))) for page in pages_for_people()}
    total = sum(counts.values())
    whole = sum(len(words_of(text_of(page, language))) for page in SITE.pages)
    figures.say(f"words in {language}: {total}, with requirements and design {whole}")
    assert total <= MOST_WORDS[language], "shorten a page, or take out what another says already"


def paragraphs(text: str) -> Iterator[str]:
    """Yield the long paragraphs and rows of tables, as bare words."""
    for block in re.split(r"\n\s*\n|\n(?=[|>]|\s*(?:[-*]|\d+\.) )", text):
        words = words_of(block.lower())
        if len(words) >= LONG:
            yield " ".join(words)


def twice(texts: dict[str, str]) -> list[str]:
    """List the long paragraphs that stand in more than one place, each with its places."""
    places: dict[str, list[str]] = {}
    for page, text in texts.items():
        for one in paragraphs(text):
            places.setdefault(one, []).append(page)
    return [f"{', '.join(at)}: {one[:80]}" for one, at in places.items() if len(at) > 1]


@pytest.mark.parametrize("language", SITE.languages)
def test_nothing_is_said_twice(language: str) -> None:
    """No paragraph of 40 words or more stands in two places of one language's tree."""
    assert twice({page: text_of(page, language) for page in SITE.pages}) == []


def test_a_paragraph_that_is_said_twice_is_seen() -> None:
    """Also with other marks and line breaks; a short one may be repeated (the check can fail)."""
    long = " ".join(f"word{number}" for number in range(LONG))
    texts = {"a": f"# A\n\n{long}\n", "b": f"| **{long.replace(' ', '  ')}** |\n\nshort one\n"}
    assert twice(texts) == [f"a, b: {long[:80]}"]
    assert twice({"a": "short one", "b": "short one"}) == []
