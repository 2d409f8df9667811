"""Sheets come from many hands: what is made of them can be read, and can do nothing else."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from appliance.console.pages.sheets import TITLE_OF_OWN_PAGE, plain_excerpt, sheet_html


class Tags(HTMLParser):
    """What a browser would make of a text."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, list[tuple[str, str | None]]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note one element."""
        self.seen.append((tag, attrs))


def test_a_sheet_is_set_as_it_was_written() -> None:
    """Headings below the page's own, lists, tables, emphasis."""
    body = "# Documenti\n\n- carta\n- **foto**\n\n| a | b |\n|---|---|\n| 1 | 2 |\n"
    html = sheet_html(body)
    assert "<h3>Documenti</h3>" in html
    assert "<li><strong>foto</strong></li>" in html
    assert "<td>2</td>" in html


def test_headings_never_go_below_the_lowest() -> None:
    """Six levels in a sheet end at HTML's last one."""
    levels = "\n\n".join(f"{'#' * level} x{level}" for level in range(1, 7))
    assert re.findall(r"<(h\d)>", sheet_html(levels)) == ["h3", "h4", "h5", "h6", "h6", "h6"]


def test_no_level_of_a_heading_is_left_out() -> None:
    """Whatever level a sheet begins with: below its title comes the next one (WCAG 1.3.1)."""
    text = "## Chi\n\n#### Quando\n\n## Dove"
    assert re.findall(r"<(h\d)>", sheet_html(text)) == ["h3", "h4", "h3"]
    assert re.findall(r"<(h\d)>", sheet_html(text, TITLE_OF_OWN_PAGE)) == ["h2", "h3", "h2"]


def test_a_link_opens_beside_the_page() -> None:
    """Whoever is on the phone loses nothing of what stands here."""
    html = sheet_html("[modulo](https://comune.example/modulo)")
    assert 'href="https://comune.example/modulo"' in html
    assert 'target="_blank"' in html
    assert 'rel="noopener noreferrer"' in html


@pytest.mark.parametrize(
    "body",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[x](javascript:alert(1))",
        "[x](data:text/html;base64,PHNjcmlwdD4=)",
        "![x](https://evil.example/pixel.png)",
        "<a href='https://x' onclick='alert(1)'>x</a>",
        '<iframe src="https://evil.example"></iframe>',
        "[x](https://x \"a' onmouseover='alert(1)\")",
        "<svg/onload=alert(1)>",
        "```\n</code><script>alert(1)</script>\n```",
        "<form action=/desk/state method=post><input name=what></form>",
    ],
)
def test_a_sheet_does_nothing(body: str) -> None:
    """No script, picture, frame or form, no address but a page's or an e-mail's."""
    found = Tags()
    found.feed(sheet_html(body))
    assert {tag for tag, _ in found.seen} <= {"p", "a", "pre", "code"}
    attributes = [pair for _, attrs in found.seen for pair in attrs]
    assert {name for name, _ in attributes} <= {"href", "title", "target", "rel"}
    assert all(re.match("https?:|mailto:", str(to)) for name, to in attributes if name == "href")


def test_a_few_words_are_shown_without_marks() -> None:
    """What is found is read at a glance: no sign of Markdown in it."""
    assert (
        plain_excerpt("# Documenti - **carta** d'identità > `x`")
        == "Documenti - carta d'identità x"
    )
