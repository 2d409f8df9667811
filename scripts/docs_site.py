"""Build the documentation site: one tree of pages a language, searched without a network.

    .venv/bin/python -m scripts.docs_site [FOLDER]

FOLDER is build/docs by default, replaced whole. docs/site.toml names the pages. MkDocs with the
theme Material (Debian's mkdocs-material) renders each tree; then the trees share one copy of the
theme, and no page has a script or style of its own: the console serves them at /help under a
content security policy without exceptions. The same files give the same bytes.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parent.parent
DOCS: Final = ROOT / "docs"
OUT: Final = ROOT / "build" / "docs"
ENGLISH: Final = "en"
"""Language of a page where the reader's own has none."""

NAMES: Final = {"en": "English", "it": "Italiano", "de": "Deutsch"}
"""Languages as their own readers call them."""
ONLY_IN: Final = {
    "en": {"it": "This page is in Italian only.", "en": ""},
    "it": {"en": "Questa pagina è solo in inglese.", "it": ""},
    "de": {
        "it": "Diese Seite gibt es nur auf Italienisch.",
        "en": "Diese Seite gibt es nur auf Englisch.",
        "de": "",
    },
}
"""Note above a page, by the tree's language and then the page's."""
INSTEAD: Final = {"de": ("it",)}
"""Languages tried before English where a page is missing: South Tyrol's readers know Italian."""

FILES: Final = frozenset({".png", ".svg", ".json", ".yml"})
"""Files beside the pages that come along, by the endings of their names."""
_FENCE: Final = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)
_LINK: Final = re.compile(r"(!?)\[((?:[^\[\]]|!?\[[^\]]*\]\([^)]*\))*)\]\(([^)\s]+)\)")
_OTHER: Final = re.compile(r"(; |\s)?\[[^\]]+\]\(([^)\s#]+)\)(\.| · )?")
"""A link that may lead to the page's other language, with what parts it from its neighbours."""
_INLINE: Final = re.compile(r"<script>(.*?)</script>", re.DOTALL)
_ASSETS: Final = re.compile(r'"((?:\.\./)*|\./)assets/')


class SiteError(Exception):
    """Raised where the site cannot be built: what is wrong, where, what to do."""


@dataclass(frozen=True, slots=True)
class Section:
    """Heading of the menu by language, with its pages by name."""

    heading: Mapping[str, str]
    pages: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """What docs/site.toml says: languages, sections, and pages that lie elsewhere, by language."""

    languages: tuple[str, ...]
    sections: tuple[Section, ...]
    files: Mapping[str, Mapping[str, str]]

    @property
    def pages(self) -> tuple[str, ...]:
        """Names of all pages, in the menu's order."""
        return tuple(page for section in self.sections for page in section.pages)

    def source(self, page: str, language: str) -> tuple[Path, str]:
        """Return a page's file and the file's language; raises SiteError where there is none."""
        for one in dict.fromkeys((language, *INSTEAD.get(language, ()), ENGLISH, *self.languages)):
            for path in self._places(page, one):
                if path.is_file():
                    return path, one
        raise SiteError(f"docs/site.toml: there is no docs/{page}.{ENGLISH}.md: name a page's file")

    def _places(self, page: str, language: str) -> Iterator[Path]:
        if named := self.files.get(page, {}).get(language):
            yield ROOT / named
        yield DOCS / f"{page}.{language}.md"
        if language == ENGLISH:
            yield DOCS / f"{page}.md"

    def by_file(self) -> dict[Path, str]:
        """Return each page's name by each of its files."""
        return {
            path: page
            for page in self.pages
            for language in self.languages
            for path in self._places(page, language)
            if path.is_file()
        }


def plan() -> Plan:
    """Read docs/site.toml."""
    told = tomllib.loads((DOCS / "site.toml").read_text(encoding="utf-8"))
    sections = tuple(Section(one["heading"], tuple(one["pages"])) for one in told["section"])
    return Plan(tuple(told["languages"]), sections, told["files"])


# A page as MkDocs gets it.


@dataclass(frozen=True, slots=True)
class Staged:
    """A page's text for one tree, and the files beside it, by their places in the tree."""

    text: str
    files: Mapping[str, Path]


def staged(site: Plan, page: str, language: str) -> Staged:
    """Return a page as one tree has it: links lead to the tree's own pages and files."""
    path, spoken = site.source(page, language)
    pages, files = site.by_file(), dict[str, Path]()

    def led(match: re.Match[str]) -> str:
        mark, shown, target = match.groups()
        shown = _LINK.sub(led, shown)
        where, _, anchor = target.partition("#")
        if re.match(r"(?:https?|mailto):", target) or not where:
            return f"{mark}[{shown}]({target})"
        to = (path.parent / where).resolve()
        end = f"#{anchor}" if anchor else ""
        if to in pages:
            return f"{mark}[{shown}]({_relative(page, f'{pages[to]}.md')}{end})"
        if to.is_file() and to.is_relative_to(DOCS) and to.suffix in FILES:
            name = to.relative_to(DOCS).as_posix()
            files[name] = to
            return f"{mark}[{shown}]({_relative(page, name)})"
        # The programme's own files and scripts are no part of the site.
        return shown

    def without_other(match: re.Match[str]) -> str:
        before, target, after = match.groups()
        if pages.get((path.parent / target).resolve()) != page:
            return match[0]
        # The site has a switch of its own.
        return (after or "").strip(" ·") if before == "; " else (before or "").strip(" ")

    text = _outside_fences(
        path.read_text(encoding="utf-8"), lambda prose: _OTHER.sub(without_other, prose)
    )
    text = _outside_fences(text, lambda prose: _LINK.sub(led, prose))
    if spoken != language:
        text = _noted(text, ONLY_IN.get(language, {}).get(spoken, ""))
    return Staged(text, files)


def _noted(text: str, note: str) -> str:
    """Put a note under the title; the search of this tree passes the page over."""
    title, _, rest = text.partition("\n")
    shown = f"\n> {note}\n" if note else ""
    return f"---\nsearch:\n  exclude: true\n---\n{title}\n{shown}{rest}"


def _outside_fences(text: str, change: Callable[[str], str]) -> str:
    parts, at = [], 0
    for fence in _FENCE.finditer(text):
        parts += [change(text[at : fence.start()]), fence[0]]
        at = fence.end()
    return "".join((*parts, change(text[at:])))


def _relative(page: str, target: str) -> str:
    return "../" * page.count("/") + target


def title_of(text: str) -> str:
    """Return a page's title without its marks."""
    found = re.search(r"^# (.+)$", text, re.MULTILINE)
    if found is None:
        raise SiteError(f"a page without a title: {text[:40]!r}: begin it with '# '")
    return found[1].replace("`", "")


def navigation(site: Plan, language: str) -> list[dict[str, Any]]:
    """Return the menu of one tree as MkDocs reads it: a section of one page is the page itself."""
    menu: list[dict[str, Any]] = []
    for section in site.sections:
        heading = section.heading.get(language, section.heading[ENGLISH])
        entries = [
            {title_of(staged(site, page, language).text): f"{page}.md"} for page in section.pages
        ]
        menu.append({heading: f"{section.pages[0]}.md" if len(entries) == 1 else entries})
    return menu


def configuration(site: Plan, language: str, folder: Path) -> dict[str, Any]:
    """Return MkDocs' configuration of one tree in `folder`."""
    return {
        "site_name": "Centralino",
        "docs_dir": str(folder / "pages"),
        "site_dir": str(folder / "built"),
        # Pages are opened as files, too.
        "use_directory_urls": False,
        "nav": navigation(site, language),
        "theme": {
            "name": "material",
            "custom_dir": str(ROOT / "scripts" / "docs_theme"),
            "language": language,
            # No font of another host.
            "font": False,
            "logo": "img/icon.svg",
            "favicon": "img/icon.svg",
            "features": [
                "navigation.indexes",
                "search.highlight",
                "toc.follow",
                "content.code.copy",
            ],
            "palette": [
                {
                    "media": "(prefers-color-scheme: light)",
                    "scheme": "default",
                    "primary": "indigo",
                },
                {"media": "(prefers-color-scheme: dark)", "scheme": "slate", "primary": "indigo"},
            ],
        },
        # No stop words and no stems: each word is found by its beginning (END_CUT), in any language
        # alike, and the stemmers' licence (MPL-1.1) need not be carried along.
        "plugins": {"material/search": {"lang": ["en"], "pipeline": []}},
        "extra_css": ["assets/site.css"],
        "extra_javascript": ["assets/site.js"],
        "extra": {
            "generator": False,
            "tree": language,
            "alternate": [{"lang": one, "name": NAMES.get(one, one)} for one in site.languages],
        },
        "markdown_extensions": [
            {"toc": {"permalink": True, "slugify": "SLUGIFY"}},
            # A policy without inline styles takes no style="text-align: …".
            {"tables": {"use_align_attribute": True}},
            "pymdownx.superfences",
            "sane_lists",
        ],
        "validation": {
            "nav": {"omitted_files": "warn", "not_found": "warn", "absolute_links": "warn"},
            "links": {
                "not_found": "warn",
                "anchors": "warn",
                "absolute_links": "warn",
                "unrecognized_links": "warn",
            },
        },
    }


SLUGIFY: Final = "!!python/object/apply:pymdownx.slugs.slugify {kwds: {case: lower}}"
"""Anchors as a forge makes them of headings, accents kept."""


def render(site: Plan, language: str, folder: Path) -> Path:
    """Render one tree with MkDocs and return its folder; raises SiteError with its warnings."""
    for page in site.pages:
        found = staged(site, page, language)
        _write(folder / "pages" / f"{page}.md", found.text)
        for name, path in found.files.items():
            (folder / "pages" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, folder / "pages" / name)
    icon = folder / "pages" / "img" / "icon.svg"
    icon.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(ROOT / "appliance" / "console" / "static" / "icon.svg", icon)
    # JSON is YAML, but for the one value that is an object of Python's.
    told = json.dumps(configuration(site, language, folder), ensure_ascii=False)
    _write(folder / "mkdocs.yml", told.replace('"SLUGIFY"', SLUGIFY))
    done = subprocess.run(
        ["mkdocs", "build", "--quiet", "--strict", "--config-file", str(folder / "mkdocs.yml")],
        capture_output=True,
        text=True,
        env={**os.environ, "SOURCE_DATE_EPOCH": "0", "LC_ALL": "C.UTF-8"},
        check=False,
    )
    if done.returncode or "WARNING" in done.stderr:
        raise SiteError(f"{language}: {done.stderr.strip()}")
    return folder / "built"


# The trees in one folder.

WHOLE_WORD: Final = ":`${r}*`)"
"""Place in the theme's search that looks for words by what was typed as their beginning."""
# "segreterie" finds "segreteria", "announcements" finds "announcement".
END_CUT: Final = ":`${r.length>4?r.replace(/(?:[aeiou]|e?s)$/,''):r}*`)"
"""The same without the last vowel, or the plural's s, of a word of five letters or more."""

DROPPED: Final = ("*.map", "sitemap.xml*", "404.html", "objects.inv")
"""Files that a site without an address of its own has no use for."""


def join(trees: Mapping[str, Path], out: Path) -> None:
    """Put the trees into one folder, with one copy of the theme and no inline script."""
    scripts: dict[str, str] = {}
    for language, tree in trees.items():
        for pattern in DROPPED:
            for path in tree.rglob(pattern):
                path.unlink()
        for path in sorted(tree.rglob("*.html")):
            depth = len(path.relative_to(tree).parts)
            text = _joined(path.read_text(encoding="utf-8"), depth, scripts)
            path.write_text(text, encoding="utf-8")
        shutil.copytree(tree / "assets", out / "assets", dirs_exist_ok=True)
        shutil.rmtree(tree / "assets")
        shutil.copytree(tree, out / language)
    shutil.rmtree(out / "assets" / "javascripts" / "lunr")
    for worker in (out / "assets" / "javascripts" / "workers").glob("search.*.js"):
        _write(worker, _cutting_ends(worker.read_text(encoding="utf-8")))
    for name, text in scripts.items():
        _write(out / "assets" / name, text)
    _write(out / "index.html", _first_page(tuple(trees)))


def _joined(html: str, depth: int, scripts: dict[str, str]) -> str:
    """Return a page with the theme one folder up and its scripts outside; `depth` of its folder."""

    def outside(match: re.Match[str]) -> str:
        name = f"inline-{hashlib.sha256(match[1].encode()).hexdigest()[:12]}.js"
        scripts[name] = match[1]
        return f'<script src="{"../" * depth}assets/{name}"></script>'

    html = _ASSETS.sub(lambda match: f'"{match[1].removeprefix("./")}../assets/', html)
    return _INLINE.sub(outside, html)


def _cutting_ends(worker: str) -> str:
    """Return the theme's search, which cuts ends of words; raises SiteError for another search."""
    if worker.count(WHOLE_WORD) != 1:
        raise SiteError(f"the theme's search has no {WHOLE_WORD} any more: adapt WHOLE_WORD")
    return worker.replace(WHOLE_WORD, END_CUT)


def _first_page(languages: tuple[str, ...]) -> str:
    """Return the page that lets the reader choose; the console chooses by itself."""
    links = "\n".join(
        f'<p><a href="{one}/index.html" lang="{one}">{NAMES.get(one, one)}</a></p>'
        for one in languages
    )
    return (
        '<!doctype html>\n<html lang="en">\n<head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Centralino</title></head>\n<body>\n<h1>Centralino</h1>\n{links}\n</body>\n</html>\n"
    )


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def build(out: Path = OUT) -> Path:
    """Build the whole site into `out`, whole or not at all; raises SiteError."""
    if shutil.which("mkdocs") is None:
        raise SiteError("mkdocs is missing: apt-get install mkdocs-material")
    site = plan()
    with tempfile.TemporaryDirectory() as given:
        work = Path(given)
        trees = {one: render(site, one, work / one) for one in site.languages}
        join(trees, work / "site")
        if out.exists():
            shutil.rmtree(out)
        shutil.copytree(work / "site", out)
    return out


if __name__ == "__main__":
    try:
        built = build(Path(sys.argv[1]) if len(sys.argv) > 1 else OUT)
    except SiteError as error:
        sys.exit(f"docs: {error}")
    print(f"{built}/index.html")
