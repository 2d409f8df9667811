"""A newcomer on a box that is not set up asks every command what it is for.

1. There is no configuration. The newcomer types `centralino --help` and reads the list of commands.
2. They ask each command of the list with `--help`, and each of the sub-commands of `state`,
   `users` and `line`: usage and purpose, status 0.
3. Somebody has left a broken configuration there: they ask the same and read the same.

Each command is a start of the programme here; tests/commands/test_options.py asks all of them.
4. They mistype `status`: they are told what they may have meant.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from appliance.commands.tree import SERVICES
from tests.commands.test_options import BROKEN, EVERY
from tests.journeys.harness.steps import Journey
from tests.journeys.harness.terminal import Terminal, on_the_box

pytestmark = pytest.mark.system

ASKED = [words for words in EVERY if len(words) == 1 or words[0] in {"state", "users", "line"}]
ALL_S = 600.0
"""Fifty starts of the programme, on a busy machine."""
ASK = (
    "while read -r words; do ./centralino $words --help > help.txt 2>&1 "
    '&& grep -q "^Uso: centralino $words " help.txt && [ $(wc -l < help.txt) -gt 3 ] '
    '&& cat help.txt >> all.txt || echo "NOT: $words"; done < commands.txt'
)


def asked(terminal: Terminal) -> str:
    """Ask each of them in turn; returns what they said."""
    said = terminal.run(f"rm -f all.txt; {ASK}", ALL_S)
    assert "NOT:" not in said, said
    return (terminal.folder / "all.txt").read_text(encoding="utf-8")


@pytest.mark.timeout(3 * ALL_S)
def test_help_is_there_before_anything_else(journey: Journey, tmp_path: Path) -> None:
    """Nobody has to set a box up, or mend it, to read what its commands do."""
    folder = tmp_path / "box"
    folder.mkdir()
    (folder / "commands.txt").write_text("".join(f"{' '.join(words)}\n" for words in ASKED))
    with on_the_box(journey, tmp_path / "home", folder) as terminal:
        terminal.run("export CENTRALINO_CONFIG=centralino.toml LANG=it_IT.UTF-8")

        with journey.step(1):
            said = terminal.run("./centralino --help")
            listed = re.findall(r"^  ([a-z][a-z-]*) {2,}\S", said, re.MULTILINE)
            assert set(listed) == {words[0] for words in EVERY} - set(SERVICES)

        with journey.step(2):
            first = asked(terminal)
            assert first.count("Uso: centralino") == len(ASKED)

        with journey.step(3):
            (folder / "centralino.toml").write_text(BROKEN)
            assert asked(terminal) == first

        with journey.step(4):
            assert "Forse: centralino status" in terminal.run("./centralino stauts")
