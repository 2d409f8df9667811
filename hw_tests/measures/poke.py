"""What AT!4886 changes: the form in which some firmware reads who calls (v253.md 3, 10)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from appliance.calls.events import Presentation
from appliance.modem.events import Identified
from hw_tests import asking
from hw_tests.bench import Bench, UnmeasuredError
from hw_tests.field import Field, found, not_here, unmeasured
from hw_tests.findings import Figure, Finding, Limit, Texts

if TYPE_CHECKING:
    from hw_tests.findings import Unit

KEY = "at_4886"
COMMAND = "AT!4886=02"
"""ETSI's form, which Italy has."""
TOLD_S = 30.0
SAYS: dict[tuple[bool, bool], Texts] = {
    (True, True): (
        f"{COMMAND} non cambia nulla: il numero arriva comunque.",
        f"{COMMAND} changes nothing: the number comes anyway.",
    ),
    (False, True): (
        f"Il numero arriva solo con {COMMAND}: scriverlo in overrides.",
        f"The number comes with {COMMAND} only: write it into overrides.",
    ),
    (True, False): (
        f"Con {COMMAND} il numero non arriva: non scriverlo in overrides.",
        f"With {COMMAND} the number does not come: do not write it into overrides.",
    ),
    (False, False): (
        f"Il numero non arriva, con {COMMAND} o senza.",
        f"The number does not come, with {COMMAND} or without.",
    ),
}
"""By whether the number comes without the command, and with it."""


def at_4886(field: Field) -> list[Finding]:
    """Call line B with the command and without; line A too, where its modem is another one."""
    bench, called = field.ready, [("A", "B")]
    bench.rest()
    if _who(field.units["A"]) != _who(field.units["B"]):
        called.append(("B", "A"))
    return [_changes(field, *pair) for pair in called]


def _who(unit: Unit) -> tuple[str, str, str]:
    return unit.maker, unit.identity, unit.firmware


def _changes(field: Field, caller: str, called: str) -> Finding:
    bench = field.ready
    try:
        if not asking.takes(field.world, bench[called].port, COMMAND):
            _renew(field, bench, called, ())
            return not_here(
                KEY, called, f"Il modem rifiuta {COMMAND}.", f"The modem refuses {COMMAND}."
            )
        poked = _comes(field, caller, called, (COMMAND,))
        _renew(field, bench, called, ())
        plain = field.identified.get(called)
        if plain is None:
            plain = _comes(field, caller, called, ())
    except UnmeasuredError as error:
        bench[called].settings = replace(bench[called].settings, overrides=field.settings.overrides)
        return unmeasured(KEY, called, error)
    return found(
        KEY,
        called,
        Figure("number as it is", float(plain), ""),
        Figure(f"number with {COMMAND}", float(poked), ""),
        Figure("number at all", float(plain or poked), "", Limit(1.0, None)),
        remark=SAYS[plain, poked],
    )


def _renew(field: Field, bench: Bench, name: str, commands: tuple[str, ...]) -> None:
    """Start a line's modem anew with some more commands after its reset."""
    side = bench[name]
    overrides = (*field.settings.overrides, *commands)
    side.settings = replace(side.settings, overrides=overrides)
    side.renew(side.port)
    bench.bring_up(name)


def _comes(field: Field, caller: str, called: str, commands: tuple[str, ...]) -> bool:
    """Tell whether a call brings who calls, with some more commands after the reset."""
    bench = field.ready
    if commands:
        _renew(field, bench, called, commands)
    mark = bench[called].mark()
    bench.dial(caller, field.world.numbers[called])
    settled = bench.until(
        lambda: bench[called].told(Identified, mark),
        TOLD_S,
        f"la linea {called} non squilla",
        f"line {called} does not ring",
    )
    bench.rest()
    return settled[0][1].caller.presentation is not Presentation.UNKNOWN
