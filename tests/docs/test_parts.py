"""docs/image.md has the numbers of units, drop-ins, helpers and programmes of root's."""

from __future__ import annotations

import re

from tests.docs.pages import read
from tests.image.parts import ROOT, counted


def test_the_page_on_the_image_counts_its_parts() -> None:
    """Whoever adds a part sees the number rise; what replaces the sandbox, or gives a helper its
    rights, is counted apart.
    """
    chapter = (
        read(ROOT / "docs/image.md").partition("## Parts of its own\n")[2].partition("\n## ")[0]
    )
    rows = re.findall(r"(?m)^\| (.+?) \| (\d+) \|$", chapter)
    parts = counted()
    assert [int(number) for _, number in rows] == [
        len(parts.units), len(parts.dropins), len(parts.helpers), len(parts.as_root),
    ]  # fmt: skip
    masks = list((ROOT / "image/overlay").rglob("10-hardening.conf"))
    rights = [name for name in parts.dropins if name.startswith("centralino-helper@")]
    assert f"of which {len(masks)} take" in rows[1][0]
    assert f"and {len(rights)} give" in rows[1][0]
