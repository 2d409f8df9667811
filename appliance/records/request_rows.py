"""A request and its table's columns, and the JSON beside a recording that is to become one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from appliance.policy.appointments import Slot
from appliance.policy.citizens import Citizen, Contact
from appliance.policy.register.declarations import ReturnRule
from appliance.policy.requests import (
    Appointment,
    Closing,
    Form,
    NewRequest,
    Request,
    State,
    Step,
)
from appliance.records.call_log import by_column, to_ms

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping

    from appliance.records.call_log import Value


@dataclass(frozen=True, slots=True)
class Sound:
    """The caller's recorded words: a file below the state folder, and the SHA-256 of all of it."""

    path: str = ""
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class Happened:
    """One step of a request's life; `id` was given to it before it was stored."""

    id: str
    step: Step
    at: datetime
    by: str
    said_by: str = ""
    words: str = ""


@dataclass(frozen=True, slots=True)
class Kept:
    """A request as it is kept: itself, its sound, and all that became of it, oldest first."""

    request: Request
    sound: Sound
    steps: tuple[Happened, ...]


COLUMNS: Final = (
    "id", "rule", "unit", "need", "subject", "asked", "at", "at_ms", "by_whom", "call", "sheet",
    "name", "phone", "email", "prefers", "language", "spoken", "starts", "ends", "form",
    "confirmed", "sequence", "recording", "sha256", "state",
)  # fmt: skip


def to_row(ident: str, new: NewRequest, sound: Sound) -> dict[str, Value]:
    """Spread a new request over its columns (its number is the database's)."""
    return {
        "id": ident,
        **_of_new(new),
        "at_ms": to_ms(new.at),
        "recording": sound.path,
        "sha256": sound.sha256,
        "state": State.OPEN.value,
    }


def to_json(new: NewRequest) -> dict[str, Any]:
    """Write a new request beside its recording."""
    return dict(_of_new(new))


def from_json(value: Mapping[str, Any]) -> NewRequest:
    """Read it back; raises KeyError, ValueError, TypeError, OfficeError for what is none."""
    return NewRequest(
        ReturnRule(str(value["rule"])),
        str(value["unit"]),
        str(value["need"]),
        _citizen(value),
        str(value["subject"]),
        str(value["asked"]),
        datetime.fromisoformat(str(value["at"])),
        str(value["by_whom"]),
        str(value["call"]),
        str(value["sheet"]),
        _appointment(value),
    )


def from_row(row: sqlite3.Row, steps: tuple[Happened, ...]) -> Kept:
    """Gather a request from its columns and its steps."""
    value: dict[str, Any] = by_column(row)
    new = from_json(value)
    request = Request(
        int(value["number"]),
        new.rule,
        new.unit,
        new.need,
        new.citizen,
        new.subject,
        new.asked,
        new.at,
        new.by,
        new.call,
        new.sheet,
        new.appointment,
        State(str(value["state"])),
        str(value["taken_by"]),
        tuple(each.words for each in steps if each.step is Step.REMIND),
        next((_closing(each) for each in steps if each.step in _ENDS), None),
        next((each.said_by for each in reversed(steps) if each.step is Step.GIVE), None),
    )
    return Kept(request, Sound(str(value["recording"]), str(value["sha256"])), steps)


def step_from_row(row: sqlite3.Row) -> Happened:
    """Gather a step from its columns."""
    return Happened(
        str(row["id"]),
        Step(str(row["step"])),
        datetime.fromisoformat(str(row["at"])),
        str(row["by_whom"]),
        str(row["said_by"]),
        str(row["words"]),
    )


def appointment_columns(appointment: Appointment | None) -> dict[str, Value]:
    """Spread an appointment over its columns."""
    if appointment is None:
        return dict.fromkeys(("starts", "ends", "form", "confirmed", "sequence"))
    return {
        "starts": appointment.slot.start.isoformat(),
        "ends": appointment.slot.end.isoformat(),
        "form": appointment.form.value,
        "confirmed": int(appointment.confirmed),
        "sequence": appointment.sequence,
    }


_ENDS: Final = frozenset({Step.CLOSE, Step.CANCEL})


def _of_new(new: NewRequest) -> dict[str, Value]:
    citizen = new.citizen
    return {
        "rule": new.rule.value,
        "unit": new.unit,
        "need": new.need,
        "subject": new.subject,
        "asked": new.asked,
        "at": new.at.isoformat(),
        "by_whom": new.by,
        "call": new.call,
        "sheet": new.sheet,
        "name": citizen.name,
        "phone": citizen.phone,
        "email": citizen.email,
        "prefers": citizen.prefers.value,
        "language": citizen.language,
        "spoken": int(citizen.spoken),
        **appointment_columns(new.appointment),
    }


def _citizen(value: Mapping[str, Any]) -> Citizen:
    return Citizen(
        str(value["name"]),
        str(value["phone"]),
        str(value["email"]),
        Contact(str(value["prefers"])),
        str(value["language"]),
        bool(value["spoken"]),
    )


def _appointment(value: Mapping[str, Any]) -> Appointment | None:
    if value["starts"] is None:
        return None
    slot = Slot(
        datetime.fromisoformat(str(value["starts"])), datetime.fromisoformat(str(value["ends"]))
    )
    return Appointment(
        slot, Form(str(value["form"])), bool(value["confirmed"]), int(value["sequence"])
    )


def _closing(step: Happened) -> Closing:
    return Closing(step.at, step.by, step.said_by, step.words, step.step is Step.CANCEL)
