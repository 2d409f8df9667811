"""Procedure sheets as pages: Markdown into HTML that can do no harm. ONLY markdown-it and nh3 here.

Raw HTML in a sheet is shown as text, and what is made of the rest is cleaned once more: sheets come
from many hands.
"""

from __future__ import annotations

import re
from typing import Final

import nh3
from markdown_it import MarkdownIt

_MARKDOWN: Final = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
_TAGS: Final = {
    "a", "blockquote", "br", "code", "em", "h2", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p",
    "pre", "s", "strong", "table", "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip
"""No picture, no script, no form: a sheet is read."""
_LOWEST: Final = 6
BESIDE_A_CALL: Final = 2
"""The level of a sheet's title on the desk, below the page's own: its headings begin lower."""
ITS_OWN_PAGE: Final = 1


_MARKS: Final = re.compile(r"[#*_`>|~]+")


def unmarked(excerpt: str) -> str:
    """Return a few words of a sheet without the marks of Markdown."""
    return " ".join(_MARKS.sub("", excerpt).split())


def rendered(body: str, title: int = BESIDE_A_CALL) -> str:
    """Return a sheet's text as HTML below a title of a level; no level is left out.

    Links open beside the page that one is working on.
    """
    tokens = _MARKDOWN.parse(body)
    headings = [token for token in tokens if token.type in ("heading_open", "heading_close")]
    used = sorted({token.tag for token in headings})
    for token in headings:
        token.tag = f"h{min(used.index(token.tag) + 1 + title, _LOWEST)}"
    return nh3.clean(
        _MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {}),
        tags=_TAGS,
        attributes={"a": {"href", "title"}, "ol": {"start"}},
        url_schemes={"http", "https", "mailto"},
        set_tag_attribute_values={"a": {"target": "_blank"}},
        link_rel="noopener noreferrer",
    )
