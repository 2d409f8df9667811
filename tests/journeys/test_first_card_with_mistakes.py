"""A technician in a hurry: a first card with five mistakes, one look at the result, one correction.

1. The technician writes the card and opens `centralino.toml` on it.
2. They fill it in in a hurry: the office's name in the quotes of a word processor, the patron
   saint's day in letters, a Monday that ends before it begins, a phone's short name with a space;
   and before `[[lines]]` they forget to take the `#` away.
3. They put the card into the box, switch it on, wait, and switch it off again.
4. They open `centralino-result.txt` on the card: the file was not used, and each of the five
   mistakes stands there, once, with its line, in the order of the file; the lines' entries are
   called by their right names.
5. They correct the five lines, and nothing else.
6. They put the card back and switch the box on: all is well.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.journeys.harness.card_file import SLIPS, corrected, with_slips
from tests.journeys.harness.new_box import ANSWER, CARD_FILE, NewBox
from tests.journeys.harness.steps import Journey
from tests.journeys.test_technicians_first_card import italian

pytestmark = pytest.mark.system


@pytest.fixture
def box(tmp_path: Path) -> Iterator[NewBox]:
    """A box that has never been switched on."""
    with NewBox(tmp_path / "box") as made:
        yield made


def line_of(text: str, words: str) -> int:
    """Return the number of the line in which some words stand."""
    return text[: text.index(words)].count("\n") + 1


def test_five_mistakes_are_one_round(journey: Journey, box: NewBox) -> None:
    """Two starts: one that names all five, one that is well."""
    with journey.step(1):
        box.flash()
        assert "Si compila con un editor di testo" in box.read_card(CARD_FILE)

    with journey.step(2):
        box.fill_in()
        text = with_slips(box.read_card(CARD_FILE))
        box.write_card(CARD_FILE, text)

    with journey.step(3), box.switched_on():
        pass

    with journey.step(4):
        answer = italian(box.read_card(ANSWER))
        assert "centralino.toml NON è stato usato" in answer
        told = re.findall(r"^  - riga (\d+), ([^:]+): (.+)$", answer, re.MULTILINE)
        wrong = [line_of(text, wrong) for _, wrong in SLIPS]
        expected = {
            wrong[0]: ("il file", "virgolette"),
            wrong[1]: ("site.patron", "10-04"),
            wrong[2]: ("hours.monday", "18:00-09:00"),
            wrong[3]: ("phones.1.name", "non è un nome breve"),
            line_of(text, "#[[lines]]"): ("lines", "lines.name"),
        }
        assert [int(line) for line, _, _ in told] == sorted(expected), answer
        for line, place, words in told:
            assert place == expected[int(line)][0]
            assert expected[int(line)][1] in words
        assert "ssh" not in answer

    with journey.step(5):
        box.write_card(CARD_FILE, corrected(text))

    with journey.step(6), box.switched_on():
        assert "Tutto bene" in italian(box.read_card(ANSWER))
