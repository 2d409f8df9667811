"""Call-progress tones: recognised by the product's detectors, and in tune."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from appliance.text import _
from hw_tests import limits, signals
from hw_tests.bench import UnmeasuredError
from hw_tests.field import Field, found, told, unmeasured
from hw_tests.findings import Figure, Finding, Limit, Series, Verdict
from hw_tests.listening import Listener, nearest, tone_words, wait_for

TUNE_HZ = 10.0
"""The detectors take 15 Hz and more; a tone so far off leaves them no margin."""
LEVEL = Limit(-30.0, -3.0)
LIMIT_S = 10.0
SILENT_DBM0 = -55.0
"""What is fainter than that is no tone at all."""
UNKNOWN = _("Not recognised: look at the country and the line.")
SILENT = _(
    "Nothing is heard on the line: look whether its cable is in the modem's socket LINE; if a "
    "telephone hears the tone on the same cable, replace the modem."
)
OTHER_CADENCE = _(
    "A dial tone in a cadence of its own: a message waits in the network's mailbox, or a PBX has "
    "such a tone. The box dials all the same."
)
MORE_S = 1.0
DIAL = ("dial", "steady")
OTHER_TONES = ("busy", "congestion", "ringback")
BUSY = ("busy", "congestion")
"""A line in use is told by either: 200/200 is busy in some networks (v253.md 5)."""


def dial_tone(field: Field) -> list[Finding]:
    """Seize every line and listen."""
    field.ready.rest()
    return _tones(field, "dial_tone", "dial", DIAL, dict.fromkeys(field.names, ""))


def busy_tone(field: Field) -> list[Finding]:
    """Call a line that is off hook."""
    bench = field.ready
    bench.rest()
    try:
        bench.dial("B", "")
    except UnmeasuredError as error:
        bench.rest()
        return [unmeasured("busy_tone", "A", error)]
    return _tones(field, "busy_tone", "busy", BUSY, {"A": field.world.numbers["B"]})


def congestion_tone(field: Field) -> list[Finding]:
    """Call a number that leads nowhere, where one is known."""
    number = field.world.known.get("congestion", "")
    if not number:
        return [
            told(
                "congestion_tone",
                "A",
                Verdict.SKIPPED,
                _("No number that leads to congestion was named (--congestion)."),
            )
        ]
    field.ready.rest()
    return _tones(field, "congestion_tone", "congestion", BUSY, {"A": number})


def _tones(
    field: Field, key: str, form: str, kinds: tuple[str, ...], numbers: Mapping[str, str]
) -> list[Finding]:
    """Dial on some lines side by side, and judge what each then hears."""
    bench = field.ready
    try:
        bench.dial_all(numbers)
        heard = {name: _Heard(field, name) for name in numbers}
    except UnmeasuredError as error:
        bench.rest()
        return [unmeasured(key, name, error) for name in numbers]
    wait_for(bench, lambda: all(each.listener.first(kinds) for each in heard.values()), LIMIT_S)
    bench.run(MORE_S)
    findings = [each.judge(key, form, kinds) for each in heard.values()]
    bench.rest()
    return findings


class _Heard:
    """What one line hears from now on."""

    def __init__(self, field: Field, name: str) -> None:
        self._field, self._name = field, name
        bench = field.ready
        bench.listen(name)
        self._began, self._begin = bench.now, len(bench[name].heard)
        self.listener = Listener(bench[name], field.world.country)

    def judge(self, key: str, form: str, kinds: tuple[str, ...]) -> Finding:
        """Judge it as the country's tone of a form."""
        pcm = self._field.ready[self._name].pcm(self._begin)
        kept = self._field.keep(f"{key}-{self._name}", pcm)
        heard = self.listener.first(kinds)
        after = heard[0] - self._began if heard else None
        wave = signals.wave(pcm)
        hz = signals.frequency(wave)
        true = nearest(self._field.world.country, form, hz)
        times, over_time = signals.levels(wave)
        loud = sorted(over_time)[-max(1, len(over_time) // 10)] if over_time else None
        known = limits.TONE_KNOWN.figure("recognised after", after, "s")
        tune = Figure("frequency", hz, "Hz", Limit(true - TUNE_HZ, true + TUNE_HZ))
        level = Figure("level", loud, "dBm0", LEVEL)
        figures: tuple[Figure, ...] = (known, tune, level)
        remark = tone_words(heard[1]) if heard else UNKNOWN
        if not heard and (loud is None or loud < SILENT_DBM0):
            figures, remark = (known, level), SILENT
        elif not heard and key == "dial_tone" and self._may_be_dialled_on(tune, level):
            figures = (replace(known, limit=None, wanted=None), tune, level)
            remark = OTHER_CADENCE
        return found(
            key,
            self._name,
            *figures,
            remark=remark,
            series=(
                Series("level", "level", times, over_time, "s", "dBm0"),
                Series("spectrum", "spectrum", *signals.spectrum(wave), "Hz", "dBm0"),
            ),
            sounds=kept,
        )

    def _may_be_dialled_on(self, tune: Figure, level: Figure) -> bool:
        """Tell whether a tone of no known cadence will do: nobody waits for a dial tone's own."""
        return tune.good and level.good and self.listener.first(OTHER_TONES) is None
