"""A person opens a report: a PDF, a page, a table; returns what can be read in it."""

from __future__ import annotations

import csv
import io
import shutil
import subprocess
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import Browser

LIMIT_S: Final = 60.0


def text_of_pdf(path: Path) -> str:
    """Return the text of a PDF, laid out as on the page; skips in words without pdftotext."""
    if shutil.which("pdftotext") is None:
        pytest.skip("pdftotext is missing (Debian package poppler-utils)")
    done = subprocess.run(
        ("pdftotext", "-layout", str(path), "-"),
        capture_output=True, text=True, check=False, timeout=LIMIT_S,
    )  # fmt: skip
    assert done.returncode == 0, f"{path} is no PDF that can be read: {done.stderr}"
    assert done.stdout.strip(), f"{path} has no text: a picture of words is read by nobody"
    return done.stdout


def text_of_page(browser: Browser, path: Path) -> str:
    """Open a page from the disk in a real browser, without a network; returns what can be read.

    A script that fails, or a file that is missing beside it, fails here.
    """
    context = browser.new_context(offline=True)
    try:
        page = context.new_page()
        troubles: list[str] = []
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("requestfailed", lambda one: troubles.append(f"{one.url}: {one.failure}"))
        page.goto(path.resolve().as_uri())
        page.wait_for_load_state("networkidle")
        assert not troubles, f"{path}: {troubles}"
        return page.locator("body").inner_text()
    finally:
        context.close()


def rows_of_csv(path: Path) -> list[dict[str, str]]:
    """Return the rows of a table as a spreadsheet shows them; commas, semicolons or tabs."""
    text = path.read_text(encoding="utf-8-sig")
    head = text.partition("\n")[0]
    between = max(";,\t", key=head.count)
    assert between in head, f"{path} has one column: {head}"
    rows = list(csv.DictReader(io.StringIO(text), delimiter=between, strict=True))
    uneven = [row for row in rows if None in row or None in row.values()]
    assert not uneven, f"{path}: a row has not as many cells as the head: {uneven[0]}"
    return rows
