"""`python -m tests.detection`: measures the tables of docs/detection.md and prints them.

With `--write` they replace those in the document.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
from datetime import datetime
from pathlib import Path

from tests.bench.table import cpu
from tests.detection import tables

PAGE = Path(__file__).resolve().parents[2] / "docs" / "detection.md"
BEGIN, END = "<!-- measured -->", "<!-- end of the measured -->"


def main() -> None:
    """Measure and print, or write."""
    parser = argparse.ArgumentParser(prog="python -m tests.detection", description=__doc__)
    parser.add_argument("--write", action="store_true", help="into docs/detection.md")
    asked = parser.parse_args()
    text = f"{_head()}\n\n{tables.rendered(tables.all_tables())}"
    if asked.write:
        PAGE.write_text(replaced(PAGE.read_text(encoding="utf-8"), text), encoding="utf-8")
    else:
        sys.stdout.write(text + "\n")


def replaced(page: str, measured: str) -> str:
    """Put what was measured into the page, in place of what was measured before."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{measured}\n\n{END}{after}"


def _head() -> str:
    now = datetime.now().astimezone()
    return (
        f"Measured on {now:%d %B %Y} by `python -m tests.detection` on {cpu()}, "
        f"{os.cpu_count()} cores, shared; Python {platform.python_version()}. "
        "No modem and no telephone line took part."
    )


if __name__ == "__main__":
    main()
