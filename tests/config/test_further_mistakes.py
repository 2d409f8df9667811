"""What `check` finds beside mistakes of reading: all of the rest, and nothing that they cause."""

from __future__ import annotations

import copy
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tomlkit

from appliance.config import read
from appliance.config.further_mistakes import further_mistakes
from appliance.config.office import build_office
from appliance.config.values import BadConfiguration

FOLDER = Path(read.__file__).parent
EXAMPLES = [
    (FOLDER / name).read_text(encoding="utf-8") for name in ("example.toml", "example_short.toml")
]
FULL = (
    EXAMPLES[0].partition("[folders]")[0]
    + """
[metrics]
listen = "127.0.0.1"
port = 9799
[branches]
names = ["borgo"]
when = ["busy"]
[sip.registrar]
address = "192.168.1.5"
user = "box"
"""
)
WRONG = """
[site]
name = 3
patron = "10-04"
zone = "Nowhere"
[hours]
monday = "8-13"
[sip]
port = "x"
laws = ["gsm"]
[[closures]]
start = "2026-12-24"
end = 2026-12-24
[[closures]]
start = 2026-12-24
end = 2026-12-26
greeting = "missing"
[[openings]]
day = 3
[[openings]]
day = 2026-12-08
hours = ["9-12"]
group = "nobody"
[switchboard]
phones = ["op1", "opx"]
[[lines]]
name = "a"
port = "/dev/ttyACM0"
flash = "long"
dialect = "x"
bundle = "nofile"
[[phones]]
name = "op1"
[mail]
port = 99999
server = 3
[nonsense]
"""


OTHER_KINDS: tuple[Any, ...] = (3, {}, [3], None)
"""Values of another kind; None: the key is not there."""


def further(text: str) -> list[str]:
    """Return the places of what is wrong beside the mistakes of reading, with their lines."""
    with pytest.raises(BadConfiguration) as caught:
        read.own_of(text, "c.toml")
    found = further_mistakes(caught.value, text, 2026).mistakes
    return [f"{one.line} {one.place}" for one in found]


def test_what_only_the_whole_shows_is_told_in_the_same_run() -> None:
    """Also what a bundle that cannot be read has kept from being read; rows keep their numbers."""
    assert sorted(further(WRONG), key=lambda said: int(said.partition(" ")[0])) == [
        "3 site.name",
        "5 site.zone",
        "6 hours",
        "9 sip.port",
        "10 sip.laws",
        "12 closures.1.start",
        "17 closures.2.greeting",
        "18 openings.1.hours",
        "19 openings.1.day",
        "23 openings.2.group",
        "25 switchboard.phones",
        "28 lines.1.port",
        "29 lines.1.flash",
        "30 lines.1.dialect",
        "35 mail.port",
        "36 mail.server",
        "37 nonsense",
    ]


def test_what_leans_on_a_broken_part_is_left_out() -> None:
    """Whether op2 is a phone is not known while the phones are not."""
    text = EXAMPLES[0].replace('name = "op2"', "name = 2").replace("ring = 25", "ring = 25\nx = 1")
    assert further(text) == []
    assert further(EXAMPLES[0].replace("[[phones]]", "[phones]", 1)) == []
    assert further("[site") == []
    assert further("phones = 3\nsite = 3\nhours = []\nsip = 0\nlines = [3]\nclosures = [[]]") == []


def _keys(table: Any, *before: str | int) -> Iterator[tuple[str | int, ...]]:
    inner = table.items() if isinstance(table, dict) else enumerate(table)
    for key, value in inner:
        yield (*before, key)
        if isinstance(value, dict | list):
            yield from _keys(value, *before, key)


def _spoilt(text: str) -> Iterator[str]:
    """Yield a configuration with each of its keys in turn of another kind, or gone."""
    data = tomllib.loads(text)
    for way in _keys(data):
        for value in OTHER_KINDS:
            made = copy.deepcopy(data)
            holder = made
            for step in way[:-1]:
                holder = holder[step]  # type: ignore[index]
            if value is not None:
                holder[way[-1]] = value  # type: ignore[index]
            else:
                del holder[way[-1]]  # type: ignore[arg-type]
            yield tomlkit.dumps(made)


@pytest.mark.parametrize("text", [*EXAMPLES, FULL], ids=["long", "short", "full"])
def test_a_broken_part_makes_no_other_mistake(text: str) -> None:
    """Of a good configuration with one thing spoilt, nothing more is told."""
    build_office(read.own_of(text, "c.toml"), 2026)
    told: dict[str, list[str]] = {}
    tried = 0
    for spoilt in _spoilt(text):
        try:
            read.own_of(spoilt, "c.toml")
        except BadConfiguration as error:
            tried += 1
            found = further_mistakes(error, spoilt, 2026).mistakes
            told |= {str(error): [str(one) for one in found]} if found else {}
    assert tried > 50
    assert told == {}
