"""Data files beside the modules: the package that is installed brings each (setup.cfg)."""

from __future__ import annotations

import configparser
import subprocess
from pathlib import Path

from appliance.text import ENGLISH, LANGUAGES
from appliance.text.__main__ import compiled

TRANSLATED = [language for language in LANGUAGES if language != ENGLISH]
ROOT = Path(__file__).resolve().parents[2]


def left_out(tracked: list[str], patterns: list[str]) -> list[str]:
    """List the tracked data files below `appliance` that no pattern of `package_data` takes in."""
    package = ROOT / "appliance"
    taken = {str(path.relative_to(package)) for one in patterns for path in package.glob(one)}
    return sorted(set(tracked) - taken)


def test_every_data_file_is_installed() -> None:
    """A file that only a checkout has is missing on the box: no pattern without a file, either."""
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    patterns = setup["options.package_data"]["appliance"].split()
    listed = subprocess.run(
        ("git", "ls-files", "--", "appliance"), cwd=ROOT, check=True, capture_output=True, text=True
    )
    tracked = [name.removeprefix("appliance/") for name in listed.stdout.splitlines()]
    data = [name for name in tracked if not name.endswith(".py")]
    assert len(data) > 500
    assert left_out(data, patterns) == []
    # Compiled at set-up and packaging, so not under version control.
    texts = [str(compiled(language).relative_to(ROOT / "appliance")) for language in TRANSLATED]
    assert left_out(texts, patterns) == []
    data += texts
    assert [one for one in patterns if left_out(data, [one]) == sorted(data)] == []
