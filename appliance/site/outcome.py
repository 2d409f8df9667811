"""What became of the card's file at this start: a trouble for the desk (daemon/notices.py), and
what `centralino site tell` writes beside the file.
"""

from __future__ import annotations

import enum
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from appliance.policy.text import NOTHING, Words

NAME: Final = "outcome.json"
SHOWN: Final = 150
"""So many characters of a mistake are shown in the status (daemon/notices.py takes 4096 bytes, of
which a character may need twelve); the result on the card says all.
"""


class Verdict(enum.StrEnum):
    """What was done with the file."""

    APPLIED = "applied"  # read now, and in force
    AS_BEFORE = "as before"  # not changed since it was applied
    BLANK = "blank"  # it says nothing yet
    WRONG = "wrong"  # not used
    MISSING = "missing"  # there is none, or the card cannot be read
    FAILED = "failed"  # the box could not keep what follows from it


VERDICTS: Final = {
    Verdict.APPLIED: Words("il file della scheda: in vigore", "the card's file: applied"),
    Verdict.AS_BEFORE: Words("il file della scheda: come prima", "the card's file: as before"),
    Verdict.BLANK: Words("il file della scheda: ancora vuoto", "the card's file: blank"),
    Verdict.WRONG: Words("il file della scheda: sbagliato, non usato", "the card's file: wrong"),
    Verdict.MISSING: Words("il file della scheda: manca", "the card's file: missing"),
    Verdict.FAILED: Words(
        "il file della scheda: ciò che ne segue non si è potuto conservare",
        "the card's file: failed",
    ),
}
"""How a command says it."""


@dataclass(frozen=True, slots=True)
class Socket:
    """A USB socket with a modem in it: its port, the maker's words, the line it was given to."""

    port: str
    shown: str = ""
    line: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """`said` are the reasons, `notes` what holds where nothing was written; `has_former` where
    something else was in force before (the last good one); `is_others` where what is in force was
    changed elsewhere since; `made` are phones whose password the box made.
    """

    verdict: Verdict
    said: tuple[Words, ...] = ()
    notes: tuple[Words, ...] = ()
    sockets: tuple[Socket, ...] = ()
    made: tuple[str, ...] = ()
    has_former: bool = False
    is_others: bool = False
    set_aside: str = ""

    @property
    def ports(self) -> tuple[str, ...]:
        """List where a modem was found."""
        return tuple(socket.port for socket in self.sockets)


def text_of(outcome: Outcome) -> str:
    """Write an outcome as JSON."""
    return json.dumps(asdict(outcome), ensure_ascii=False, indent=1) + "\n"


def load(folder: Path) -> Outcome | None:
    """Read an outcome; None where there is none, or none that can be read."""
    try:
        return _outcome(json.loads((folder / NAME).read_text(encoding="utf-8")))
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return None


def trouble_of(outcome: Outcome) -> Words:
    """Say what is wrong, and what is in force all the same."""
    if outcome.verdict in {Verdict.APPLIED, Verdict.AS_BEFORE}:
        return NOTHING
    if outcome.verdict is Verdict.BLANK:
        return Words(
            "centralino.toml della scheda non è compilato: ogni linea trovata risponde come "
            "ufficio chiuso e prende messaggi",
            "the card's centralino.toml is not filled in: every line found answers as a closed "
            "office and takes messages",
        )
    first = outcome.said[0] if outcome.said else NOTHING
    held = (
        Words("resta in vigore la configurazione di prima", "the configuration before is in force")
        if outcome.has_former
        else Words(
            "ogni linea trovata risponde come ufficio chiuso e prende messaggi",
            "every line found answers as a closed office and takes messages",
        )
    )
    return Words(
        f"centralino.toml della scheda: {_short(first.it)}; {held.it}",
        f"the card's centralino.toml: {_short(first.en)}; {held.en}",
    )


def _short(said: str) -> str:
    one_line = " ".join(said.split())
    return one_line if len(one_line) <= SHOWN else f"{one_line[: SHOWN - 1]}…"


def _outcome(data: Mapping[str, Any]) -> Outcome:
    return Outcome(
        Verdict(data["verdict"]),
        tuple(Words(**one) for one in data["said"]),
        tuple(Words(**one) for one in data["notes"]),
        tuple(Socket(**one) for one in data["sockets"]),
        tuple(map(str, data["made"])),
        bool(data["has_former"]),
        bool(data["is_others"]),
        str(data["set_aside"]),
    )
