"""The register of offices as written in TOML: one frozen dataclass a table."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from appliance.daemon.values import Hours, Instant, OnOff


@dataclass(frozen=True, slots=True)
class Office:
    """An office within a service; `say` is the sentence for who is not put through."""

    code: str
    name: str
    email: str
    say: str = ""


@dataclass(frozen=True, slots=True)
class Service:
    """A service and its offices."""

    code: str
    name: str
    email: str
    say: str = ""
    offices: tuple[Office, ...] = ()


@dataclass(frozen=True, slots=True)
class Number:
    """One number of a need: a SIP phone, a PBX extension, or an outside number."""

    reach: str
    number: str
    label: str = ""
    service_mobile: OnOff = OnOff(False)


@dataclass(frozen=True, slots=True)
class Need:
    """What a caller may want; `returns` only where they differ from the declaration's.

    `code_keys` is what an operator presses for it on a phone.
    """

    code: str
    name: str
    numbers: tuple[Number, ...]
    returns: tuple[str, ...] = ()
    code_keys: str = ""


@dataclass(frozen=True, slots=True)
class Slots:
    """When the office offers appointments, how long one is and how many at a time."""

    hours: Hours
    minutes: int
    places: int = 1


@dataclass(frozen=True, slots=True)
class Declaration:
    """What a unit declared, who entered it and when, by which e-mail or protocol number."""

    unit: str
    declared_by: str
    entered_by: str
    entered_at: Instant
    reference: str
    first: date
    bands: Hours
    returns: tuple[str, ...]
    needs: tuple[Need, ...] = ()
    last: date | None = None
    slots: Slots | None = None
    attachment: str = ""
    number: int = 0


@dataclass(frozen=True, slots=True)
class Variation:
    """Other bands from `first` to `last`; without `bands` the declared ones hold again.

    `notice` is what operators read of it.
    """

    unit: str
    entered_by: str
    entered_at: Instant
    reference: str
    first: date
    last: date
    bands: Hours | None = None
    needs: tuple[str, ...] = ()
    notice: str = ""
    attachment: str = ""
    number: int = 0


@dataclass(frozen=True, slots=True)
class Revocation:
    """When an authorisation ended, who entered it, and on what ground."""

    entered_by: str
    entered_at: Instant
    reference: str
    number: int = 0
    attachment: str = ""


@dataclass(frozen=True, slots=True)
class Authorisation:
    """A unit's written leave to tell a number outside, until the end of `last`."""

    unit: str
    tell: str
    authorised_by: str
    entered_by: str
    entered_at: Instant
    reference: str
    attachment: str = ""
    number: int = 0
    revoked: Revocation | None = None
    last: date | None = None


@dataclass(frozen=True, slots=True)
class Register:
    """The whole file."""

    services: tuple[Service, ...] = ()
    declarations: tuple[Declaration, ...] = ()
    variations: tuple[Variation, ...] = ()
    authorisations: tuple[Authorisation, ...] = ()
