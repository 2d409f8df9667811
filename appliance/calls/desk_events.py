"""Facts of people and time (cf. calls.events)."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ServiceStateChanged:
    """A person (button, phone key, command, console) asked for a state; see calls.requests."""

    request: object  # one of calls.requests; typed there to keep this module a leaf


@dataclass(frozen=True, slots=True)
class SheetUsed:
    """The person who has `call` answered it from a sheet of that code (P2)."""

    call: str
    sheet: str


@dataclass(frozen=True, slots=True)
class TransferWished:
    """A person wants an operator's caller to go on to an office: console or command (P5)."""

    call: str
    request: object  # calls.requests.TransferCall; typed there to keep this module a leaf


@dataclass(frozen=True, slots=True)
class HeadWished:
    """A person wants the head in an operator's conversation, or no longer rung (E10)."""

    call: str
    request: object  # calls.requests.BringHead; typed there to keep this module a leaf


@dataclass(frozen=True, slots=True)
class RegisterChanged:
    """The register of offices as it stands now: at the start, and after every entry (P4, E12).

    `officials` are whom the sheets make public as in charge (E10).
    """

    register: object  # policy.register.register.Register; typed there to keep this module a leaf
    officials: object = ()  # of policy.sheets.InCharge, likewise


@dataclass(frozen=True, slots=True)
class HoursChanged:
    """The special hours that were entered, all of them: at the start, and after each (E14)."""

    entered: object  # a tuple of policy.special.Special; typed there to keep this module a leaf


@dataclass(frozen=True, slots=True)
class SpokenSheetsChanged:
    """Which sheets callers may hear after hours: at the start, and after every import.

    `units` are the prompts that say units' names, "it/unit_...", by code: what operators hear.
    """

    menu: object  # policy.spoken.Menu; typed there to keep this module a leaf
    units: object = None  # a mapping of texts, likewise


@dataclass(frozen=True, slots=True)
class NumbersKnown:
    """Who has called, and what was placed, as the call log has it: at the start, and when read
    again (E17); until then no position dials freely. `forgotten`: numbers erased since (E20)."""

    ledger: object  # policy.dialling.Ledger; typed there to keep this module a leaf
    forgotten: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class BoxStopped:
    """A person, or the system, stopped the service: every call ends now."""

    reason: str = "the box was stopped"


@dataclass(frozen=True, slots=True)
class DeadlinePassed:
    """A deadline that the Switchboard asked for has come; `what` names it within `call`."""

    what: str
    call: str = ""
