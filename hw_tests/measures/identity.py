"""Who the modems are, what they can do, what lies on their lines (v253.md 1.2, 6, 10)."""

from __future__ import annotations

from appliance.modem.probe import DuplexVerdict as ProbeVerdict
from appliance.modem.probe import ProbeFinding as Probed
from appliance.text import NOTHING, Words, _, unchanged
from hw_tests import limits
from hw_tests.asking import Volts
from hw_tests.bench import UnmeasuredError
from hw_tests.field import Field, found, not_here, told, unmeasured
from hw_tests.findings import Figure, Finding, Limit, Verdict

VOLTS = Limit(20.0, 60.0)
"""48 V of an exchange, 24 V and less of a box with a short loop; a held line has about 8."""
HELD = Limit(3.0, 10.0)
"""Of a line that somebody holds, as the box judges it too (`Dialect.probe`)."""
RATE = Limit(7600.0, 8400.0)
BUFFERS = Limit(None, 2.0)
LATE = _(
    "The modem answers commands late: the box takes that for no answer. Try another USB socket, "
    "without a hub; if it stays so, replace the modem."
)
IN_USE = _(
    "A telephone on the same pair is off hook, or the modem does not let the line go: put the "
    "telephone down; if none is, replace the modem."
)
LOOK = _("Look at the cable and the socket.")
NO_VOICE = _("The modem has no voice: replace it by a voice modem.")


def unit(field: Field) -> list[Finding]:
    """Ask each modem who it is; one without voice can serve no line."""
    try:
        field.identify()
    except UnmeasuredError as error:
        return [unmeasured("unit", "", error)]
    return [_unit(field, name) for name in field.names]


def _unit(field: Field, name: str) -> Finding:
    told_of = field.units[name]
    if not dict(told_of.capabilities)["voice"]:
        return told("unit", name, Verdict.FAILED, NO_VOICE)
    answer = limits.ANSWERED.figure("answers after", field.answers_s.get(name), "s")
    said = f"{told_of.maker} {told_of.identity}".strip() or "?"
    lacks = ", ".join(what for what, has in told_of.capabilities if has is False)
    return found(
        "unit",
        name,
        Figure("voice", 1.0, "", Limit(1.0, 1.0)),
        answer,
        remark=_has(said, lacks) if answer.good else LATE,
    )


def _has(modem: str, lacks: str) -> Words:
    return _(
        "{modem}; has not: {lacks}",
        modem=modem,
        lacks=unchanged(lacks) if lacks else _("nothing"),
    )


def duplex(field: Field) -> list[Finding]:
    """Prove on the unit whether sound flows both ways at once."""
    try:
        field.probe()
    except UnmeasuredError as error:
        return [unmeasured("duplex", "", error)]
    return [duplex_of(name, field.probed[name]) for name in field.names]


def duplex_of(name: str, probed: Probed) -> Finding:
    """Judge what the probe has found of a line's modem."""
    said = probed.sentence
    match probed.verdict:
        case ProbeVerdict.HALF_DUPLEX | ProbeVerdict.NO_VOICE:
            return not_here("duplex", name, said)
        case ProbeVerdict.NO_ANSWER:
            return told("duplex", name, Verdict.FAILED, said)
    return found(
        "duplex",
        name,
        Figure("heard", float(probed.heard_rate), "1/s", RATE),
        Figure("sent", float(probed.sent_rate), "1/s", RATE),
        Figure("underruns", float(probed.underruns), "", BUFFERS),
        Figure("overruns", float(probed.overruns), "", BUFFERS),
        remark=_("{verdict} Left by {ended_by}.", verdict=said, ended_by=probed.ended_by),
    )


def line_voltage(field: Field) -> list[Finding]:
    """Give the volts on each idle line, where the chip can tell."""
    field.identify()
    return [_voltage(name, field.volts[name]) for name in field.names]


def _voltage(name: str, volts: Volts) -> Finding:
    if volts.idle is None:
        return not_here(
            "line_voltage",
            name,
            _("The modem does not measure the voltage (-TRV)."),
        )
    remark = IN_USE if HELD.holds(volts.idle) else LOOK
    return found(
        "line_voltage",
        name,
        Figure("voltage", volts.idle, "V", VOLTS),
        Figure("voltage off hook", volts.held, "V"),
        remark=NOTHING if VOLTS.holds(volts.idle) else remark,
    )
