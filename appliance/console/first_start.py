"""First start of a box: its steps, and which of them the technician has done or put off."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from appliance.console.say import N_
from appliance.console.setting_fields import SECTIONS, FieldGroup, Section
from appliance.files import atomic_write, load_text

DONE: Final = "done"
LATER: Final = "later"
FINISHED: Final = "finished"
"""What is noted of a step; FINISHED of the whole."""


@dataclass(frozen=True, slots=True)
class Step:
    """Step with the settings that it asks for, None if it asks for none; `links` lead on."""

    code: str
    title: str
    why: str
    section: Section | None = None
    links: tuple[tuple[str, str], ...] = ()


def _section(code: str, groups: tuple[FieldGroup, ...], rows: str = "") -> Section:
    row = FieldGroup(N_("Line"), ("label", "called", "port"), ()) if rows else None
    return Section(code, "", "", groups, rows, row)


_OFFICE: Final = next(one for one in SECTIONS if one.code == "office")
_MAIL: Final = next(one for one in SECTIONS if one.code == "mail")

STEPS: Final = (
    Step(
        "name",
        N_("Name and patron saint"),
        N_("Callers hear the name; the patron saint's day is a holiday in this town."),
        _section("name", (FieldGroup(_OFFICE.groups[0].title, _OFFICE.groups[0].keys),)),
    ),
    Step(
        "hours",
        N_("Hours"),
        N_("When phones ring. Outside these hours voicemail answers."),
        _section("hours", (_OFFICE.groups[1],)),
        (("/hours", N_("Closures, openings and periods")),),
    ),
    Step(
        "lines",
        N_("Modems and lines"),
        N_("Each line in the wall has a modem in a USB socket. Say which number rings there."),
        _section("lines", (), "lines"),
    ),
    Step(
        "phone",
        N_("First phone"),
        N_("Add it, give it its account (QR code or by hand), then make it ring."),
    ),
    Step(
        "user",
        N_("First user"),
        N_("Somebody of the front desk, who logs in with a password that you hand over."),
    ),
    Step(
        "mail",
        N_("Mail"),
        N_("Requests go to the offices by mail. Without a server they wait on the box."),
        _section("mail", (_MAIL.groups[0],)),
    ),
    Step(
        "call",
        N_("Test call"),
        N_("Call the public number from a mobile. The phone rings, and the call appears here."),
    ),
)
"""Steps in the order in which they are offered; each can be left and taken up again."""


def step_of(code: str) -> Step | None:
    """Return the step of a code, None for none."""
    return next((one for one in STEPS if one.code == code), None)


class FirstStart:
    """What is noted of the first start, in a file of the console's own."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.marks = _read(path)

    @property
    def is_open(self) -> bool:
        """Whether a first start was begun on this box and is not finished."""
        return self._path.exists() and FINISHED not in self.marks

    @property
    def next_step(self) -> Step | None:
        """The first step that is neither done nor put off, None if there is none."""
        return next((one for one in STEPS if one.code not in self.marks), None)

    def begin(self) -> None:
        """Note that it has begun; raises OSError."""
        if not self._path.exists():
            self._keep({})

    def note(self, code: str, mark: str) -> None:
        """Note that a step is done or put off, or all is finished; raises OSError."""
        self._keep({**self.marks, code: mark})

    def _keep(self, marks: Mapping[str, str]) -> None:
        atomic_write(self._path, json.dumps(marks))
        self.marks = dict(marks)


def _read(path: Path) -> dict[str, str]:
    """Read the marks; what is malformed counts as not done."""
    with contextlib.suppress(ValueError):
        told = json.loads(load_text(path) or "{}")
        if isinstance(told, dict):
            return {str(code): str(mark) for code, mark in told.items()}
    return {}
