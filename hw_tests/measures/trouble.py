"""What becomes of a line whose program has gone: the recovery ladder, and a killed program."""

from __future__ import annotations

from appliance.errors import TechnicianError
from appliance.modem.events import Up
from appliance.text import NOTHING, _, unchanged
from appliance.usb import UsbStep
from hw_tests import limits
from hw_tests.bench import Bench, UnmeasuredError
from hw_tests.field import Field, found, told, unmeasured
from hw_tests.findings import Figure, Finding, Limit, Verdict
from hw_tests.listening import wait_for
from hw_tests.power import CannotError

IN_BAND, DTR, REOPEN = "in band", "DTR dropped", "port reopened"
STEPS = (IN_BAND, DTR, REOPEN)
"""The ladder as far as a program alone can climb it (v253.md 4)."""
USB_STEPS = (("recovery_usb", UsbStep.RESET_USB), ("recovery_power", UsbStep.POWER_CYCLE))
REOPENED_S = 15.0
NO_DTR = _("DTR: not on this device, its port has none.")


def recovery(field: Field) -> list[Finding]:
    """Leave the modems in the middle of a stream, then bring them back by each step."""
    figures: dict[str, list[Figure]] = {name: [] for name in field.names}
    try:
        for step in STEPS:
            _recover(field, step, figures)
    except (UnmeasuredError, OSError) as error:
        said = error.said if isinstance(error, UnmeasuredError) else unchanged(error)
        return [told("recovery", "", Verdict.FAILED, said)]
    return [_climbed(name, made) for name, made in figures.items()]


def _climbed(name: str, made: list[Figure]) -> Finding:
    lacks = any(figure.value is None for figure in made)
    return found("recovery", name, *made, remark=NO_DTR if lacks else NOTHING)


def _recover(field: Field, step: str, figures: dict[str, list[Figure]]) -> None:
    """Lose every line's modem, do one step, and see how soon each is ready."""
    bench = field.ready
    _lose(bench, field.names)
    did = {name: _step(field, name, step) for name in field.names}
    began = bench.now
    marks = {name: bench[name].mark() for name in field.names}
    bench.bring_up(*field.names)
    for name in field.names:
        up_at = bench[name].told(Up, marks[name])[0][0]
        back = limits.RECOVERED.figure(step, up_at - began, "s")
        figures[name].append(back if did[name] else Figure(step, None, "s"))


def _step(field: Field, name: str, step: str) -> bool:
    """Do one step of the ladder; False where this port cannot."""
    side = field.ready[name]
    done = side.port.drop_dtr() if step == DTR else True
    port = field.world.open(name) if step == REOPEN else side.port
    side.renew(port)
    return done


def _lose(bench: Bench, names: tuple[str, ...]) -> None:
    """Leave modems off hook in a stream, as a program that died."""
    bench.rest(*names)
    bench.dial_all(dict.fromkeys(names, ""))
    for name in names:
        bench.listen(name)
    bench.run(0.3)


def recovery_usb(field: Field) -> list[Finding]:
    """Leave the modems in the middle of a stream, then bring them back over USB (v253.md 4)."""
    findings = []
    for step in USB_STEPS:
        for name in field.names:
            with field.ready[name].unplugging():
                findings.append(_by_usb(field, name, *step))
    return findings


def _by_usb(field: Field, name: str, key: str, step: UsbStep) -> Finding:
    bench = field.ready
    try:
        do = field.world.usb(name, step)
        _lose(bench, (name,))
        do()
        began = bench.now
        wait_for(bench, lambda: field.reopened(name), REOPENED_S)
        bench.bring_up(name)
    except CannotError as error:
        return told(key, name, error.verdict, error.said)
    except UnmeasuredError as error:
        return unmeasured(key, name, error)
    except TechnicianError as error:
        return told(key, name, Verdict.FAILED, unchanged(error))
    return found(key, name, limits.RECOVERED.figure("line ready again", bench.now - began, "s"))


def kill(field: Field) -> list[Finding]:
    """Kill the program that holds line A in the middle of a call; the line must be idle after."""
    bench = field.ready
    bench.rest()
    bench.world.close("A")
    try:
        field.world.die("A")
        killed_at = bench.now
        bench["A"].renew(field.world.open("A"))
        bench.bring_up("A")
        back = bench.now - killed_at
        rings = len(bench.call("B", "A").rings) if "B" in field.names else None
    except (UnmeasuredError, TechnicianError) as error:
        field.leave()
        if isinstance(error, UnmeasuredError):
            return [unmeasured("kill", "A", error)]
        return [told("kill", "A", Verdict.FAILED, unchanged(error))]
    bench.rest()
    figures = [limits.RECOVERED.figure("line ready again", back, "s")]
    if rings is not None:
        figures.append(Figure("rings again", float(rings), "", Limit(1.0, None)))
    return [found("kill", "A", *figures)]
