"""However a card's file is wrong, all of it is said at once, and nothing that only follows."""

from __future__ import annotations

import pytest

from appliance.bootfile.read import MOST_MISTAKES, read_file
from tests.bootfile.test_made import AROUND, DELIVERED, mistakes_of

ENGLISH_OF_A_LOST_HASH = "the # before [[lines]] must go too"


def places(text: str) -> list[tuple[int, str]]:
    """Return line and place of every mistake."""
    return [found[:2] for found in mistakes_of(text)]


def test_slips_of_every_kind_are_said_together() -> None:
    """What is no TOML, an unknown entry, a wrong value, and what only the office's rules forbid."""
    text = (
        "[site]\n"
        "name = “Comune”\n"  # 2: quotes
        'patron = "4 ottobre"\n'  # 3: value
        "[hours]\n"
        'monday = ["9-8"]\n'  # 5: a band
        'martedi = ["8-9"]\n'  # 6: another language
        "[[phones]]\n"
        "name = op 1\n"  # 8: no quotes, and no short name
        "secret = \n"  # 9: nothing
        "[[phones]]\n"
        'nmae = "op2"\n'  # 11: unknown
        "[[lines]]\n"
        'port = "/dev/ttyACM0"\n'  # 13: no lasting name
        "[mail]\n"
        'server = "smtp.esempio.it"\n'
        "sender : x\n"  # 16: no entry
    )
    assert places(text) == [
        (2, "the file"), (3, "site.patron"), (5, "hours.monday"), (6, "hours.martedi"),
        (8, "the file"), (8, "phones.1.name"), (9, "the file"), (10, "phones.2.name"),
        (11, "phones.2.nmae"), (13, "lines.1.port"), (16, "the file"),
    ]  # fmt: skip


def test_entries_below_a_header_that_still_has_its_hash_are_the_headers() -> None:
    """In the delivered file every `#` but that before [[lines]] was taken away: one mistake, at
    that line, by the right name; what else is wrong below has its right place.
    """
    text = DELIVERED.read_text(encoding="utf-8")
    for entry in ("name", "called", "port"):
        text = text.replace(f"\n#{entry} ", f"\n{entry} ", 1)
    text = text.replace('port = ""', 'port = "/dev/ttyACM0"', 1)
    at = text[: text.index("#[[lines]]")].count("\n") + 1
    found = mistakes_of(text)
    assert [one[:2] for one in found] == [(at, "lines"), (at + 4, "lines.1.port")]
    assert ENGLISH_OF_A_LOST_HASH in found[0][2]
    assert "(lines.name, lines.called, lines.port)" in found[0][2]


def test_two_such_headers_are_two_mistakes() -> None:
    """The second one's entries are not said to be written twice."""
    text = '[ssh]\nkeys = []\n#[[lines]]\nname = "a"\n#[[lines]]\nname = "b"\n#[[phones]]\n'
    assert places(f'{text}name = "c"\n') == [(3, "lines"), (5, "lines"), (7, "phones")]


@pytest.mark.parametrize(
    "text",
    [
        '[site]\nname = "a"\n#[[lines]]\n#name = "line1"\nemail = "a@b.it"\n',
        '[site]\n# [mail]\nname = "a"\n',
        '# [hours] below\n[site]\nname = "a"\n',
    ],
)
def test_a_remark_is_a_remark(text: str) -> None:
    """An entry of the table above stays that, whatever stands behind a # before it."""
    assert read_file(text).mistakes == []
    assert read_file(text).data["site"]["name"] == "a"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("[[lines]\nname = 3\n", [(1, "the file"), (2, "lines.1.name")]),
        ("[site\nname = 3\n", [(1, "the file"), (2, "site.name")]),
        ("[hours]\nmonday = [\ntuesday = ['9-8']\n", [(2, "the file"), (3, "hours.tuesday")]),
        ("[hours]\nmonday = [\n'8-9'\n'10-11'\n]\nsunday = 1\n",
         [(4, "the file"), (6, "hours.sunday")]),
        ('[site]\nname = "a\nzone = "Roma"\n', [(2, "the file"), (3, "site.zone")]),
        ('[site]\nname = "a"\n[site]\nzone = 3\n[sip]\nport = "x"\n',
         [(3, "the file"), (6, "sip.port")]),
        ("[[phones]]\nname = op1\n[switchboard]\nphones = ['op1']\n[sip]\nport = 'x'\n",
         [(2, "the file"), (6, "sip.port")]),
        ("[switchboard]\nphones = ['b']\n[[phones]]\nlabel = 'x'\n[[phones]]\nnmae = 'b'\n",
         [(3, "phones.1.name"), (5, "phones.2.name"), (6, "phones.2.nmae")]),
        ("[[closures]]\n[[closures]]\nstart = 3\nend = 2026-01-01\n",
         [(1, "closures.1.start"), (1, "closures.1.end"), (3, "closures.2.start")]),
    ],
)  # fmt: skip
def test_what_follows_from_another_mistake_is_not_said(
    text: str, found: list[tuple[int, str]]
) -> None:
    """Each mistake once, at its line; the rest of the file is looked at as it was meant."""
    assert places(text) == found


def test_rubbish_has_an_end() -> None:
    """A file of hundreds of mistakes is answered with the first of them, soon."""
    assert len(mistakes_of("a b c\n" * 300)) <= MOST_MISTAKES
    assert len(places("".join(f"x{n} = 1\n" for n in range(300)))) == MOST_MISTAKES


def test_a_good_file_is_read_as_it_is() -> None:
    """Nothing is mended where nothing is wrong."""
    text = DELIVERED.read_text(encoding="utf-8")
    assert (read_file(text).text, read_file(text).mistakes) == (text, [])
    assert AROUND.found
