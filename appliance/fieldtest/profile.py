"""From what a field test found of a modem to its profile, which the daemon reads as data.

The questions are those that no manual answers (v253.md 10): what was not measured stays open.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import tomli_w

from appliance.errors import TechnicianError
from appliance.fieldtest.shown import clean
from appliance.files import READABLE, atomic_write
from hw_tests.findings import Verdict

if TYPE_CHECKING:
    from pathlib import Path

    from hw_tests.findings import Finding, Run, Unit

HEAD: Final = """\
# A modem's profile, measured by `centralino field-test`. A line uses it by
#     profile = "/etc/centralino/THIS-FILE.toml"
# in its [[lines]] table of centralino.toml; what that table says itself wins over [use].
# [answers] and `open` are for whoever collects what such modems really do: please send this file.
"""
DUPLEX, VOLTAGE, IN_USE = "duplex (+VTR)", "line voltage (-TRV)", "line in use (-STE)"
"""Capabilities as `hw_tests/asking.py` names them."""
SIMULATED: Final = "exchange"
AFTER_S: Final = 0.5
"""So much later than measured a caller's number may still come."""
DEFAULT_LIMIT_S: Final = 3.0
OPEN: Final = {
    "duplex": "does +VTR carry sound both ways?",
    "stream_end": "how long from the end of an announcement to OK?",
    "voltage": "can -TRV be believed?",
    "line_in_use": "is there -STE?",
    "caller_id": "when does the caller's number come?",
    "release": "how is it told that the far end has hung up?",
    "flash": "how long must a hook flash be here?",
    "at_4886": "what does AT!4886 change?",
}
"""The questions, in the order of v253.md 10."""


def write(run: Run, path: Path, overrides: tuple[str, ...] = ()) -> list[Path]:
    """Write the profile of line A's modem, and beside it line B's where that is another modem.

    `overrides` are the commands with which it was measured. Raises TechnicianError when no modem
    was asked who it is, or the file cannot be written.
    """
    if not run.units:
        raise TechnicianError(f"{path} was not written: no modem was asked who it is")
    written: list[Path] = []
    known: set[tuple[str, str, str]] = set()
    for unit in run.units:
        if _who(unit) in known:
            continue
        known.add(_who(unit))
        place = path.with_stem(f"{path.stem}-{unit.line}") if written else path
        try:
            atomic_write(place, text(run, unit, overrides), mode=READABLE)
        except OSError as error:
            raise TechnicianError(f"{place} cannot be written: {error}") from error
        written.append(place)
    return written


def text(run: Run, unit: Unit, overrides: tuple[str, ...] = ()) -> str:
    """Write the profile of one modem as TOML."""
    answers = _answers(run, unit)
    told: dict[str, Any] = {
        "open": [question for key, question in OPEN.items() if key not in answers],
        "device": {
            "maker": clean(unit.maker),
            "identity": clean(unit.identity),
            "firmware": clean(unit.firmware),
        },
        "measured": {
            "at": clean(run.ended or run.started),
            "site": clean(run.site),
            "tester": clean(run.tester),
            "set_up": run.set_up,
        },
        "use": _use(run, unit) | ({"overrides": list(overrides)} if overrides else {}),
        "answers": answers,
    }
    return HEAD + tomli_w.dumps(told)


def _who(unit: Unit) -> tuple[str, str, str]:
    return unit.maker, unit.identity, unit.firmware


def _use(run: Run, unit: Unit) -> dict[str, Any]:
    """Give the keys of [[lines]] that were measured; of a simulated line only what is its modem's.

    When a simulated exchange sends the number, and what flash it takes, says nothing of a real one.
    """
    use: dict[str, Any] = {}
    if (duplex := dict(unit.capabilities).get(DUPLEX)) is not None:
        use["duplex"] = duplex
    if (voltage := _voltage(run, unit)) is not None:
        use["voltage"] = voltage
    if run.set_up == SIMULATED:
        return use
    if (after := _identity_s(run, unit)) is not None:
        use["caller_id"] = "before" if after < 0 else "after"
        if after + AFTER_S > DEFAULT_LIMIT_S:
            use["identity_limit"] = math.ceil((after + AFTER_S) * 2) / 2
    if (flash_ms := _figure(_of_make(run, "flash", unit), "flash")) is not None:
        use["flash"] = flash_ms / 1000
    return use


def _answers(run: Run, unit: Unit) -> dict[str, str]:
    """Say in words what was found, question by question."""
    able = dict(unit.capabilities)
    end_ms = _figure(_found(run, "stream_end", unit.line), "end of sound to OK")
    voltage, after = _voltage(run, unit), _identity_s(run, unit)
    flash = _of_make(run, "flash", unit)
    said = {
        "duplex": _yes(able.get(DUPLEX)),
        "stream_end": None if end_ms is None else f"{end_ms:.0f} ms",
        "voltage": _yes(voltage),
        "line_in_use": _line_in_use(run, unit),
        "caller_id": None if after is None else f"{after:.2f} s after the first ring",
        "release": _releases(run, unit),
        "flash": clean(_flash_said(flash)) if flash else None,
        "at_4886": _poke_said(_of_make(run, "at_4886", unit)),
    }
    return {key: answer for key, answer in said.items() if answer}


def _line_in_use(run: Run, unit: Unit) -> str | None:
    """Say whether there is -STE, and what the modem tells of a telephone that is lifted."""
    has = _yes(dict(unit.capabilities).get(IN_USE))
    lifted = _found(run, "extension", unit.line)
    after = _figure(lifted, "noticed after")
    if after is not None:
        return f"{has or '?'}; a lifted telephone is told after {after:.2f} s"
    if lifted is not None and lifted.verdict is Verdict.NOT_ON_THIS_DEVICE:
        return f"{has or '?'}; a lifted telephone is not told"
    return has


def _poke_said(poked: Finding | None) -> str | None:
    if poked is None or poked.verdict not in {Verdict.PASSED, Verdict.NOT_ON_THIS_DEVICE}:
        return None
    return clean(poked.remark[1])


def _yes(told: bool | None) -> str | None:
    return None if told is None else "yes" if told else "no"


def _voltage(run: Run, unit: Unit) -> bool | None:
    """Tell whether the volts were those of a line; None when they were not asked for."""
    found = _found(run, "line_voltage", unit.line)
    return None if found is None else found.verdict is Verdict.PASSED


def _identity_s(run: Run, unit: Unit) -> float | None:
    for finding in run.findings:
        if finding.key == "caller_id" and finding.line.rpartition(">")[2] == unit.line:
            return _figure(finding, "after the first ring")
    return None


def _releases(run: Run, unit: Unit) -> str:
    told = (
        f"{finding.key.rpartition('.')[2]}: {finding.remark[1].rstrip('.')}"
        for finding in run.findings
        if finding.key.startswith(("release.", "person_release"))
        and finding.line == unit.line
        and finding.verdict in {Verdict.PASSED, Verdict.NOT_ON_THIS_DEVICE}
    )
    return clean("; ".join(told))


def _flash_said(flash: Finding) -> str:
    ms = _figure(flash, "flash")
    return flash.remark[1] if ms is None else f"{ms:.0f} ms"


def _of_make(run: Run, key: str, unit: Unit) -> Finding | None:
    """Return what was found of a modem, or of another one of its make where only that was asked."""
    same = (each.line for each in run.units if each.line != unit.line and _who(each) == _who(unit))
    found = (_found(run, key, line) for line in (unit.line, *same))
    return next((finding for finding in found if finding), None)


def _found(run: Run, key: str, line: str) -> Finding | None:
    return next((f for f in run.findings if (f.key, f.line) == (key, line)), None)


def _figure(finding: Finding | None, name: str) -> float | None:
    """Return a figure of a finding that holds."""
    if finding is None or finding.verdict is not Verdict.PASSED:
        return None
    return next((figure.value for figure in finding.figures if figure.name == name), None)
