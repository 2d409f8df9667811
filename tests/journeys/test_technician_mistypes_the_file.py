"""A technician edits the configuration by hand and mistypes it, in each way that people do.

1. The technician looks at the good file with `centralino check`: all is well.
2. They make one slip after the other, each in a copy of the good file, and type `centralino check`
   each time: they read in which line, what is wrong there and what to write; each kind has its own
   sentence, none is the library's English, and nothing shows a traceback.
3. They make five slips in one file: all five are told at once.
4. A colleague who reads English types `centralino --language en check`: the same in English.
5. They correct the file, and all is well again.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.journeys.harness.steps import Journey
from tests.journeys.harness.terminal import Terminal, on_the_box

pytestmark = pytest.mark.system

GOOD = """\
[site]
name = "Comune di Prova"
patron = "10-04"
languages = ["it", "en"]

[sip]
address = "127.0.0.1"

[hours]
monday = ["9-13"]
"""
SLIPS = (
    ('name = "Comune di Prova"', 'name = "Comune di Prova', "manca una virgoletta"),
    ('name = "Comune di Prova"', "name = Comune di Prova", "va fra virgolette"),
    ('name = "Comune di Prova"', "name = “Comune di Prova”", "programma di scrittura"),
    ('name = "Comune di Prova"', 'name "Comune di Prova"', "manca = dopo name"),
    ('name = "Comune di Prova"', 'name: "Comune di Prova"', "non i due punti"),
    ('["it", "en"]', '["it", "en"', "manca ]"),
    ('["it", "en"]', '["it" "en"]', "manca una virgola"),
    ("[hours]", "[hours", "si scrive [hours]"),
    ("[hours]", "[site]", "c'è già alla riga 1"),
    ('patron = "10-04"', 'patron = "10-04"\nname = "Altro"', "scritta due volte"),
    ('patron = "10-04"', "patron =", "manca il valore"),
    ('patron = "10-04"', 'patron = "10-04",', "togliere ,"),
)
"""What is right, what is typed, and what is read."""
TOLD = re.compile(r"^  riga (\d+), (.+?): (.+)$", re.MULTILINE)


def check(terminal: Terminal, text: str, words: str = "check") -> str:
    """Save the file and type the command."""
    (terminal.folder / "centralino.toml").write_text(text, encoding="utf-8")
    return terminal.run(f"./centralino {words} --config centralino.toml")


def test_each_slip_has_its_sentence(journey: Journey, tmp_path: Path) -> None:
    """A mistyped line costs one look at the terminal."""
    folder = tmp_path / "box"
    folder.mkdir()
    with on_the_box(journey, tmp_path / "home", folder) as terminal:
        with journey.step(1):
            assert "la configurazione è buona" in check(terminal, GOOD)
            assert terminal.status() == 0

        with journey.step(2):
            read = []
            for right, wrong, words in SLIPS:
                said = check(terminal, GOOD.replace(right, wrong))
                (told,) = TOLD.findall(said)
                line = GOOD[: GOOD.index(right)].count("\n") + 1 + wrong.count("\n")
                assert int(told[0]) == line, said
                assert words in told[2], said
                assert "at line" not in said
                read.append(told[2])
            assert len(set(read)) == len(SLIPS)
            assert terminal.status() == 1
        bad = GOOD
        for right, wrong, _ in (SLIPS[0], SLIPS[7], SLIPS[10]):
            bad = bad.replace(right, wrong)
        bad = bad.replace('["9-13"]', '["9-13"];') + "tuesday = 9-13\n"

        with journey.step(3):
            lines = [int(line) for line, *_ in TOLD.findall(check(terminal, bad))]
            assert lines == [2, 3, 9, 10, 11]

        with journey.step(4):
            said = check(terminal, bad, "--language en check")
            assert len(re.findall(r"^  line \d+, the file: ", said, re.MULTILINE)) == 5
            assert "riga" not in said

        with journey.step(5):
            assert "la configurazione è buona" in check(terminal, GOOD)
