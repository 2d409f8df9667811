"""The register as the desk has it: read from the records at the start and whenever it changed.

A register that cannot be read leaves the last one in force, and that is said (P5).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from appliance.calls import events
from appliance.errors import CentralinoError
from appliance.policy.register.attention import Attention, attention
from appliance.policy.register.merge import in_force
from appliance.policy.register.register import Register
from appliance.policy.words import Words
from appliance.records import register as store
from appliance.records.trouble import Trouble
from appliance.records.worker import Records

Told = Callable[[Register | CentralinoError], None]


class RegisterKeeper:
    """Reads in the records' thread; `post` takes RegisterChanged, `on_trouble` what hinders it."""

    def __init__(
        self,
        records: Records,
        key: Path,
        post: Callable[[events.Event], None],
        on_trouble: Callable[[Trouble | None], None],
    ) -> None:
        self._records = records
        self._key = key
        self._post = post
        self._on_trouble = on_trouble
        self.register = Register()

    def load(self, told: Told = lambda _: None) -> None:
        """Read it; `told` hears the register, or why the last one stays, in the records' thread."""

        def done(result: Register | CentralinoError) -> None:
            if isinstance(result, Register):
                self.register = result
                self._post(events.RegisterChanged(result))
            self._on_trouble(unreadable(result) if isinstance(result, CentralinoError) else None)
            told(result)

        self._records.do(lambda connection: in_force(store.load(connection, self._key)), done)


def unreadable(error: CentralinoError) -> Trouble:
    """Say that the register cannot be read, and what holds meanwhile."""
    return Trouble(
        "register.unreadable",
        "La rubrica uffici non si può leggere: vale l'ultima letta; avvisare il tecnico "
        "(«centralino register show» dice perché).",
        f"The register of offices cannot be read, the one read last holds: {error}",
    )


def summary(register: Register, at: datetime, zone: ZoneInfo) -> dict[str, Any]:
    """Return what `status --json` tells of the register: counts and codes, no number."""
    found = attention(register, at, zone)
    return {
        "units": len(register.units),
        "undeclared": [unit.code for unit in found.undeclared],
        "expiring": [{"unit": d.unit, "last": f"{d.last}"} for d in found.expiring],
        "authorisations_expiring": [each.entry.number for each in found.lapsing],
        "authorisations_expired": [each.entry.number for each in found.lapsed],
    }


def in_one_line(register: Register, at: datetime, zone: ZoneInfo) -> Words:
    """Say in one line how many units there are, and whether the head must look after any."""
    if not register.units:
        return Words("vuota: nessun trasferimento possibile", "empty: nothing can be transferred")
    found, count = attention(register, at, zone), len(register.units)
    it, en = [f"{count} tra servizi e uffici"], [f"{count} services and offices"]
    for said_it, said_en, codes in _listed(found):
        if codes:
            it.append(f"{said_it}: {', '.join(codes)}")
            en.append(f"{said_en}: {', '.join(codes)}")
    return Words("; ".join(it), "; ".join(en))


def _listed(found: Attention) -> tuple[tuple[str, str, list[str]], ...]:
    expiring = [f"{each.unit} ({each.last})" for each in found.expiring]
    lapsing = [f"{each.entry.number} ({each.last})" for each in found.lapsing]
    lapsed = [str(each.entry.number) for each in found.lapsed]
    undeclared = [unit.code for unit in found.undeclared]
    return (
        ("senza comunicazione valida", "without a valid declaration", undeclared),
        ("comunicazioni in scadenza", "declarations running out", expiring),
        ("autorizzazioni in scadenza", "authorisations running out", lapsing),
        ("autorizzazioni scadute", "authorisations that ran out", lapsed),
    )
