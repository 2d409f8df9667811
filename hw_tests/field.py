"""Context and results of a measurement: `Field`, and the helpers that make findings."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from appliance.dsp.wav import Law, Sound, write
from appliance.errors import CentralinoError, TechnicianError
from appliance.media.detectors import SILENCE_LIMIT_MS
from appliance.media.messages import COUNTRY_CODES
from appliance.modem.scripts import LineSettings
from appliance.text import NOTHING, Words, _
from hw_tests import asking
from hw_tests.bench import Bench, UnmeasuredError
from hw_tests.findings import Figure, Finding, Series, Unit, Verdict, judged
from hw_tests.person import WORK_S, Answer, Nobody
from hw_tests.side import Side
from hw_tests.titles import TITLES

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable, Iterable, Mapping

    from appliance.modem import probe as modem_probe
    from hw_tests.person import Person
    from hw_tests.side import Port
    from hw_tests.world import World

IDENTITY_LIMIT_MS = 4000
"""Who calls is waited for until it has come after the first ring in any country (v253.md 3)."""
PAIRS = (("A", "B"), ("B", "A"))
LATE_S = 0.06
"""Later than that, what lies ahead inside a modem has run out, or a port has run over."""
OURS = _("This machine was too busy (late by {}): repeat the test without other load.")
EXCHANGE = _(
    "This machine was too busy and served the software exchange late by {}: repeat the test."
)


@dataclass
class Field:
    """The set-up under test; `bench` is there once the modems were asked who they are.

    `soak_s` and `load_s` are how long lines are held under load; `overrides` are commands sent to
    the modems after every reset, to see what they do; `silence_s` is how long a line is listened to
    that falls silent. `delays_ms` is how long sound was on its way
    from a line to the other, `levels_dbm0` how loud a tone came, `speech_dbm0` how loud speech,
    `identified` whether a call brought a line who called. `idle_s` is how long idle lines are
    watched, `false_keys` how many keys a line's chip named while nobody pressed one but both sides
    spoke, `replies` what came of the commands by which the modems were first asked
    (`ScriptRunner.replies`), by line, `answers_s` how late they answered.
    """

    world: World
    folder: Path
    person: Person = field(default_factory=Nobody)
    soak_s: float = 3600.0
    load_s: float = 20.0
    silence_s: float = SILENCE_LIMIT_MS / 1000
    idle_s: float = 120.0
    overrides: tuple[str, ...] = ()
    units: dict[str, Unit] = field(default_factory=dict)
    volts: dict[str, asking.Volts] = field(default_factory=dict)
    probed: dict[str, modem_probe.ProbeFinding] = field(default_factory=dict)
    delays_ms: dict[str, float] = field(default_factory=dict)
    identified: dict[str, bool] = field(default_factory=dict)
    replies: dict[str, Counter[tuple[str, str]]] = field(default_factory=dict)
    answers_s: dict[str, float] = field(default_factory=dict)
    levels_dbm0: dict[str, float] = field(default_factory=dict)
    speech_dbm0: dict[str, float] = field(default_factory=dict)
    false_keys: dict[str, int] = field(default_factory=dict)
    bench: Bench | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The letters of the sides."""
        return ("A",) if self.world.kind == "one line" else ("A", "B")

    @property
    def ready(self) -> Bench:
        """The bench, with its modems up: asked, probed and brought up when first wanted."""
        if self.bench is None:
            self.probe()
            ports = {name: self.world.open(name) for name in self.names}
            self.bench = self.brought_up(ports, {name: self.duplex(name) for name in ports})
        return self.bench

    def brought_up(self, ports: Mapping[str, Port], duplex: Mapping[str, bool | None]) -> Bench:
        """Bring the modems at some ports up, with what was proven of them."""
        sides = {
            name: Side(name, port, replace(self.settings, duplex=duplex.get(name)))
            for name, port in ports.items()
        }
        bench = Bench(self.world, sides)
        bench.bring_up()
        return bench

    @property
    def settings(self) -> LineSettings:
        """How the modems are spoken to."""
        return LineSettings(
            country=COUNTRY_CODES[self.world.country],
            identity_limit_ms=IDENTITY_LIMIT_MS,
            overrides=self.overrides,
        )

    def duplex(self, name: str) -> bool:
        """Tell whether sound was proven to flow both ways at once."""
        return self.probed[name].verdict == "duplex"

    def identify(self) -> None:
        """Ask the modems who they are, once; raises UnmeasuredError, TechnicianError."""
        if not self.units:
            ports = {name: self.world.open(name) for name in self.names}
            for name, (unit, volts) in self._asked(ports):
                port, serial = self.world.placed(name)
                self.units[name] = replace(unit, port=port, serial=serial)
                self.volts[name] = volts

    def _asked(self, ports: Mapping[str, Port]) -> Iterable[tuple[str, tuple[Unit, asking.Volts]]]:
        return asking.ask(self.world, ports, self.replies, self.answers_s).items()

    def probe(self) -> None:
        """Prove on the modems whether they are duplex, once; raises UnmeasuredError."""
        self.identify()
        if not self.probed:
            ports = {name: self.world.open(name) for name in self.names}
            self.probed = asking.probe(self.world, ports, self.settings)
            for name, found in self.probed.items():
                self.units[name] = asking.able(self.units[name], found)

    def ask(self, what: Words) -> Answer:
        """Ask the person something while the lines go on being served."""
        bench = self.bench
        return self.person.ask(what, (lambda: bench.run(WORK_S)) if bench else (lambda: None))

    def reopened(self, name: str) -> bool:
        """Open a side's port anew, if it is there; its modem is to be brought up then."""
        try:
            port = self.world.open(name)
        except TechnicianError:
            return False
        self.ready[name].renew(port)
        return True

    def late(self) -> tuple[float, Words]:
        """Tell how late anything of this machine was at worst since last asked, and what it was.

        That is the bench, once there is one, and the exchange where the lines are simulated.
        """
        ours_s = 0.0
        if self.bench is not None:
            ours_s, self.bench.late_s = self.bench.late_s, 0.0
        lines_s = self.world.late_s()
        return (ours_s, OURS) if ours_s >= lines_s else (lines_s, EXCHANGE)

    def leave(self) -> None:
        """Put every line on hook, as far as its modem still answers."""
        if self.bench is not None:
            with suppress(CentralinoError, OSError):
                self.bench.rest()

    def keep(self, name: str, pcm: bytes) -> tuple[Path, ...]:
        """Keep a sound beside the findings; returns its path as a finding names it."""
        path = Path(f"{name}.wav".replace(">", "-to-"))
        write(self.folder / path, Sound(pcm, Law.LINEAR16))
        return (path,)


@dataclass(frozen=True, slots=True)
class Measure:
    """One test: `keys` are those of the findings it makes, `seconds` about how long it takes.

    What takes as long as the tester says (soak, load) has those seconds besides.
    `where` are the kinds of set-up (`World.kind`) in which it can be made.
    """

    name: str
    run: Callable[[Field], Iterable[Finding]]
    keys: tuple[str, ...]
    seconds: float
    where: tuple[str, ...] = ("exchange", "two lines")


def late_words(late_s: float, who: Words) -> Words:
    """Say by how much this machine was late."""
    return who.filled(f"{late_s * 1000:.0f} ms")


def found(
    key: str,
    line: str,
    *figures: Figure,
    remark: Words = NOTHING,
    series: tuple[Series, ...] = (),
    sounds: tuple[Path, ...] = (),
) -> Finding:
    """Make a finding whose verdict follows from its figures' limits."""
    return Finding(key, line, TITLES[key], judged(figures), figures, remark, series, sounds)


def told(key: str, line: str, verdict: Verdict, said: Words) -> Finding:
    """Make a finding that has a reason instead of figures."""
    return Finding(key, line, TITLES[key], verdict, remark=said)


def not_here(key: str, line: str, said: Words) -> Finding:
    """Say that a unit cannot do what would be tested: that is never a pass."""
    return told(key, line, Verdict.NOT_ON_THIS_DEVICE, said)


def unmeasured(key: str, line: str, error: UnmeasuredError) -> Finding:
    """Say that what was to be measured did not come about."""
    return told(key, line, Verdict.FAILED, error.said)
