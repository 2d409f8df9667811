"""What AT!4886 changes: the form in which some firmware reads who calls (v253.md 3, 10)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from appliance.modem.events import Identified
from appliance.text import Words, _
from hw_tests import asking
from hw_tests.bench import Bench, UnmeasuredError
from hw_tests.field import Field, found, not_here, unmeasured
from hw_tests.findings import Figure, Finding, Limit

if TYPE_CHECKING:
    from hw_tests.findings import Unit

KEY = "at_4886"
COMMAND = "AT!4886=02"
"""ETSI's form, which Italy has."""
TOLD_S = 30.0
SAYS: dict[tuple[bool, bool], Words] = {
    (True, True): _("{command} changes nothing: the number comes anyway.", command=COMMAND),
    (False, True): _(
        "The number comes with {command} only: write it into overrides.", command=COMMAND
    ),
    (True, False): _(
        "With {command} the number does not come: do not write it into overrides.", command=COMMAND
    ),
    (False, False): _("The number does not come, with {command} or without.", command=COMMAND),
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
            return not_here(KEY, called, _("The modem refuses {command}.", command=COMMAND))
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
    bench.until(
        lambda: bench[called].told(Identified, mark),
        TOLD_S,
        _("line {called} does not ring", called=called),
    )
    bench.untold.discard(called)
    comes = bench.identify(called, mark)
    bench.rest()
    return comes
