"""How the office's phones and their legs stand at one moment, as others are told."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.phones.bindings import Binding
from appliance.phones.left import Left
from appliance.phones.registration import Standing
from appliance.phones.rtp import Address


@dataclass(frozen=True, slots=True)
class PhoneState:
    """One phone: where it can be rung, None for nowhere; `answers` is False where it is silent,
    `tcp` True where it is rung over its connection.
    """

    name: str
    label: str
    address: Address | None
    answers: bool = True
    tcp: bool = False


@dataclass(frozen=True, slots=True)
class LegState:
    """One leg: its phone, and where it stands in words of call_states.State."""

    leg: str
    phone: str
    state: str


@dataclass(frozen=True, slots=True)
class PhonesStatus:
    """The phones' room at one moment; `trouble` is a sentence for the technician, "" for none.

    `nonsense` counts datagrams that were no SIP, `dropped` those that were not read (a flood, an
    address that is not allowed); `locked_out` are addresses that gave too many wrong passwords, and
    so may not register for ten minutes. `flood` are those that most of a flood of strangers comes
    from. `registrar` is how the box stands with the telephone system
    where it has an account, None without one; `branches` are the others there. `left` is what a
    successor needs to end the calls. `tcp_trouble` says why phones are not heard over TCP, beside
    UDP; `connections` is how many there are.
    """

    listening: bool = False
    trouble: str = ""
    address: Address = ("", 0)
    phones: tuple[PhoneState, ...] = ()
    legs: tuple[LegState, ...] = ()
    bindings: tuple[Binding, ...] = ()
    left: tuple[Left, ...] = ()
    nonsense: int = 0
    locked_out: tuple[str, ...] = ()
    dropped: int = 0
    flood: tuple[str, ...] = ()
    registrar: Standing | None = None
    branches: tuple[PhoneState, ...] = ()
    tcp_trouble: str = ""
    connections: int = 0
