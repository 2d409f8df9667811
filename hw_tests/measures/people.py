"""What only a person can do or see."""

from __future__ import annotations

from appliance.modem.events import Signal
from appliance.text import Words, _
from hw_tests import limits
from hw_tests.bench import Bench, UnmeasuredError
from hw_tests.field import Field, found, not_here, told, unmeasured
from hw_tests.findings import Figure, Finding, Limit, Verdict
from hw_tests.listening import wait_for
from hw_tests.person import Answer

EXCHANGE = "exchange"
SETTLE_S, SOON_S, LIFTED_S = 1.0, 2.0, 15.0
PULLED_S = 60.0
PLUGGED_S = 60.0
NOBODY = _("Skipped: nobody has done it.")
ABSENT = _("There is none here, says the tester.")
LEDS = _("Look at the LEDs of the box: are they lit as the guide says?")
BUTTON = _("Press the button: does the LED answer as the guide says?")
LIFT = _("A telephone parallel to line A is needed. Press Enter, wait to be told, then lift it.")
LIFT_NOW = _("Lift it now.")
UNSEEN = _("The modem does not tell that a parallel telephone was lifted.")
PULL = _("Unplug line A's modem, then Enter.")
PLUG = _("Plug it into the same USB socket again, then Enter.")


def leds(field: Field) -> list[Finding]:
    """Ask whether the LEDs are right."""
    return [asked(field, "leds", LEDS)]


def button(field: Field) -> list[Finding]:
    """Ask whether the button works."""
    return [asked(field, "button", BUTTON)]


def asked(field: Field, key: str, what: Words, line: str = "") -> Finding:
    """Make a finding of a person's yes or no; asking anew as often as wanted."""
    while (answer := field.ask(what)) is Answer.REPEAT:
        continue
    if answer.is_left_out:
        return left_out(key, line, answer)
    right = float(answer is Answer.OK)
    return found(key, line, Figure("as it should be", right, "", Limit(1.0, 1.0)), remark=what)


def left_out(key: str, line: str, answer: Answer) -> Finding:
    """Say that a step was not made: there is nothing to make it on, or nobody has made it."""
    if answer is Answer.ABSENT:
        return not_here(key, line, ABSENT)
    return told(key, line, Verdict.SKIPPED, NOBODY)


def extension(field: Field) -> list[Finding]:
    """Have a telephone beside the modem lifted while the modem holds line A (-STE; v253.md 10)."""
    bench = field.ready
    bench.rest()
    alone = field.world.kind == EXCHANGE
    if not alone and (answer := field.ask(LIFT)) is not Answer.OK:
        return [left_out("extension", "A", answer)]
    try:
        bench.dial("A", "")
        bench.listen("A")
        bench.run(SETTLE_S)
        mark = bench["A"].mark()
        if alone:
            field.world.turn("A", extension=True)
        else:
            field.person.tell(LIFT_NOW)
        began = bench.now
        seen = wait_for(bench, lambda: _lifted(bench, mark), SOON_S if alone else LIFTED_S)
    except UnmeasuredError as error:
        return [unmeasured("extension", "A", error)]
    finally:
        if alone:
            field.world.turn("A", extension=False)
        bench.rest()
    if seen is None:
        return [not_here("extension", "A", UNSEEN)]
    return [
        found("extension", "A", Figure("noticed after", seen - began, "s", Limit(0.0, LIFTED_S)))
    ]


def _lifted(bench: Bench, mark: int) -> float | None:
    told_of = bench["A"].signals(mark)
    return next((at for at, each in told_of if each.signal is Signal.EXTENSION_PICKUP), None)


def unplug(field: Field) -> list[Finding]:
    """Have line A's modem unplugged and plugged in again, and bring it back."""
    field.ready.rest()
    with field.ready["A"].unplugging():
        return _unplug(field)


def _unplug(field: Field) -> list[Finding]:
    bench = field.ready
    if _done(field, PULL, plugged=False) is not Answer.OK:
        return [told("unplug", "A", Verdict.SKIPPED, NOBODY)]
    noticed = wait_for(bench, lambda: bench["A"].gone, PULLED_S)
    if _done(field, PLUG, plugged=True) is not Answer.OK:
        return [told("unplug", "A", Verdict.INCOMPLETE, NOBODY)]
    began = bench.now
    try:
        wait_for(bench, lambda: field.reopened("A"), PLUGGED_S)
        bench.bring_up("A")
    except UnmeasuredError as error:
        return [unmeasured("unplug", "A", error)]
    return [
        found(
            "unplug",
            "A",
            Figure("unplugging noticed", float(bool(noticed)), "", Limit(1.0, 1.0)),
            limits.PLUGGED_IN.figure("line ready again", bench.now - began, "s"),
        )
    ]


def _done(field: Field, what: Words, **knobs: object) -> Answer:
    """Have something done to line A: the software exchange does it itself, else a person."""
    if field.world.kind != EXCHANGE:
        return field.ask(what)
    field.world.turn("A", **knobs)
    return Answer.OK
