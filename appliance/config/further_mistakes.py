"""What else is wrong with a configuration that cannot be read: mistakes of the rest of it.

Reading finds wrong keys and values; only building the office finds a phone that nobody has, two
lines on one port, a day's end before its begin. For `centralino check` alone the office is built of
what can be read, so that one run tells both.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from appliance.config import read, schema
from appliance.config.office import build_office
from appliance.config.values import BadConfiguration, Mistake

MOST_ROUNDS: Final = 12
"""Each round takes something out of the tables; the last ones are deep within rows."""
NEEDED: Final[dict[str, Any]] = {
    "site": {"name": "-", "patron": "01-01"},
    "site.name": "-",
    "site.patron": "01-01",
    "hours": {},
    "sip": {},
}
"""Stand-ins for what has no default."""
FROM_A_FILE: Final = re.compile(r"lines\.profile|lines\.\d+\.(bundle|profile)")
LEANS_ON: Final = tuple(
    (re.compile(place), re.compile(broken))
    for place, broken in (
        # Who rings and who calls out, by the names of the phones.
        (r"(switchboard|citizens_desk|head)\.phones|branches.*", r"phones.*"),
        (r"calls\.lines_kept|switchboard\.pbx_numbers|the file", r"lines.*"),
        (r"the file", r"(phones|switchboard|citizens_desk|head|voicemail|site\.languages).*"),
        (r"lines\.\d+\.called|outgoing.*", r"site\.country"),
        # Greetings are looked for in the folder of recordings, by language.
        (r"(closures|periods)\.\d+\.greeting|voicemail\..*", r"folders.*|site\.languages.*"),
        (r"branches.*", r"sip(\.registrar.*)?"),
        # One port is compared with another.
        (r"metrics\.port", r"console\..*|sip\..*"),
    )
)
"""Places whose mistakes may come of a broken place alone."""
PAIRED: Final = re.compile(
    r"(?:(mail|mqtt)\.(?:user|security|callers|certificate)|(console)\.(?:key|certificate)"
    r"|(central)\.certificate|(backup)\.passphrase_file|(waiting|positions|standards|branches))"
)
"""Places of which a table's other keys decide whether they are good."""


@dataclass(frozen=True, slots=True)
class Further:
    """What else is wrong, and the folder of the office's recordings, "" for none that is known."""

    mistakes: tuple[Mistake, ...] = ()
    prompts: str = ""


def further_mistakes(error: BadConfiguration, text: str, year: int) -> Further:
    """Return what is wrong beside an error of reading, nothing where too little can be read."""
    try:
        data = tomllib.loads(text)
    # Nothing is certain of a file that is no TOML.
    except (ValueError, RecursionError):
        return Further()
    rest = _Rest(read.long_form(data))
    told = {one.place for one in error.mistakes}
    more = rest.taken_out(error.mistakes)
    if rest.settings is None:
        return Further()
    try:
        build_office(rest.settings, year, error.path)
    except BadConfiguration as wrong:
        named = (rest.original(one) for one in wrong.mistakes)
        more = (*more, *(one for one in named if not _leans(one.place, rest.broken)))
    lined = (read.with_line(one, text) for one in more if one.place not in told)
    return Further(tuple(lined), rest.settings.folders.prompts)


def _leans(place: str, broken: Iterable[str]) -> bool:
    """Tell whether a mistake at a place may come of what was taken out."""
    paired = PAIRED.fullmatch(place)
    table = next(filter(None, paired.groups()), "") if paired else ""
    return any(
        _within(place, one)
        or _within(one, place)
        or (table and _within(one, table))
        or any(a.fullmatch(place) and b.fullmatch(one) for a, b in LEANS_ON)
        for one in broken
    )


def _within(place: str, table: str) -> bool:
    return place == table or place.startswith(f"{table}.")


@dataclass(slots=True)
class _Rest:
    """The tables, from which what cannot be read is taken out."""

    data: dict[str, Any]
    broken: set[str] = field(default_factory=set)
    settings: schema.Settings | None = None
    _gone: dict[str, set[int]] = field(default_factory=dict)

    def taken_out(self, known: Sequence[Mistake]) -> tuple[Mistake, ...]:
        """Read the tables, taking out what is wrong; return the mistakes that are not `known`."""
        more: list[Mistake] = []
        found: Sequence[Mistake] = known
        for number in range(MOST_ROUNDS):
            self._remove([one.place for one in found])
            try:
                self.settings = read.structured(self.data, "", "", schema.Settings)
                break
            except BadConfiguration as error:
                found = [self.original(one) for one in error.mistakes]
                # Later rounds find what is missing because it was taken out.
                more += found if not number else ()
        return tuple(more)

    def original(self, mistake: Mistake) -> Mistake:
        """Return a mistake at its place in the file, where rows may stand that were taken out."""
        table, _dot, rest = mistake.place.partition(".")
        number, dot, key = rest.partition(".")
        if not number.isdigit() or table not in self._gone:
            return replace(mistake, line=0)
        left = (n for n in range(1, 10_000) if n not in self._gone[table])
        row = next(n for at, n in enumerate(left, 1) if at == int(number))
        return replace(mistake, place=f"{table}.{row}{dot}{key}", line=0)

    def _remove(self, places: Sequence[str]) -> None:
        self.broken.update(places)
        rows: dict[str, set[int]] = {}
        for place in places:
            # The files that lines name are not among the tables.
            if FROM_A_FILE.fullmatch(place):
                continue
            if (row := self._remove_one(place.split("."))) is not None:
                rows.setdefault(row[0], set()).add(row[1])
        for table, numbers in rows.items():
            kept = enumerate(self._numbers(table))
            self.data[table] = [self.data[table][at] for at, n in kept if n not in numbers]
            self._gone.setdefault(table, set()).update(numbers)

    def _numbers(self, table: str) -> Iterator[int]:
        """Yield the numbers in the file of the rows that are left."""
        gone = self._gone.get(table, set())
        return (n for n in range(1, len(self.data[table]) + len(gone) + 1) if n not in gone)

    def _remove_one(self, steps: list[str]) -> tuple[str, int] | None:
        """Take a place out of the tables; return its row where the whole of it has to go."""
        table, *rest = steps
        holder: Any = self.data
        rows = self.data.get(table)
        row = None
        if isinstance(rows, list) and rest and rest[0].isdigit():
            row = (table, int(rest[0]))
            at = [*self._numbers(table)]
            if row[1] not in at:
                return None
            holder, steps = rows[at.index(row[1])], rest[1:]
        return row if not _dropped(holder, steps, ".".join(steps)) and row else None


def _dropped(holder: Any, steps: list[str], place: str) -> bool:
    """Drop the deepest key on the way that there is, or fill in what is needed; False for none."""
    way = [holder]
    for step in steps[:-1]:
        inner = way[-1].get(step) if isinstance(way[-1], dict) else None
        if not isinstance(inner, dict):
            break
        way.append(inner)
    step = steps[len(way) - 1] if len(steps) >= len(way) else ""
    if isinstance(way[-1], dict) and step in way[-1]:
        del way[-1][step]
        return True
    if place in NEEDED and isinstance(way[-1], dict):
        way[-1][step] = NEEDED[place]
        return True
    # Missing within a table that has no stand-in: the table goes.
    if len(way) > 1:
        del way[-2][steps[len(way) - 2]]
        return True
    return False
