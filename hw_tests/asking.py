"""Identification of a modem: make, voice and other capabilities, asked first (v253.md 1, 10)."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from appliance.modem import scripts
from appliance.modem.dialects import ALAW_TEXT, GENERIC, ULAW_TEXT
from appliance.modem.probe import DuplexProbe, DuplexVerdict, ProbeFinding
from appliance.modem.scripts import (
    AtCommand,
    LineSettings,
    ScriptDone,
    ScriptFailed,
    ScriptRefused,
    ScriptRunner,
)
from appliance.modem.v253 import Modem, Replied
from appliance.text import _
from hw_tests.bench import UnmeasuredError
from hw_tests.findings import Unit

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Mapping

    from appliance.modem.scripts import ScriptOutcome, ScriptStep
    from hw_tests.side import Port
    from hw_tests.world import World

LIMIT_S = 180.0
PATIENT_MS = 8000
"""How long an answer is waited for: one that comes late is no sign of what a modem lacks."""
QUESTIONS = {
    "model": "AT+GMM",
    "revision": "AT+GMR",
    "country": "AT+GCI?",
    "classes": "AT+FCLASS=?",
    "volts": "AT-TRV",
    "in_use": "AT-STE=?",
    "caller_id": "AT+VCID=?",
}
"""What any modem may be asked on hook, by what the answer is kept under."""
HELD = "volts off hook"
AT_ONCE = frozenset(
    f"{text}\r".encode() for text in ("AT", *(QUESTIONS[key] for key in ("model", "revision")))
)
"""Commands that need nothing but an answer: by them it is told how soon a modem answers."""
CALLER_ID = "caller id (+VCID)"
"""A capability, as a unit's are called."""
_VOLTS = re.compile(r"^(?:-TRV:\s*)?(\d+(?:\.\d+)?)\s*V?$")


class Talker(Protocol):
    """Whatever converses with a modem, sans I/O, until it has `finding`."""

    @property
    def finding(self) -> object | None:
        """What was found, once it is over."""

    def start(self, now: float) -> None:
        """Begin."""

    def receive_data(self, data: bytes, now: float) -> None:
        """Take bytes."""

    def handle_timer(self, now: float) -> None:
        """Do what is due."""

    def next_deadline(self) -> float | None:
        """When that is."""

    def data_to_send(self) -> bytes:
        """Give what is to be written."""

    def written(self, count: int) -> None:
        """Note what was."""


def _twice(text: str, keep: str = "") -> AtCommand:
    """Ask once more what is refused: a modem that refuses now and then lacks nothing."""
    return AtCommand(text, optional=True, keep=keep, otherwise=(text,))


def _patiently(*steps: ScriptStep) -> tuple[ScriptStep, ...]:
    return tuple(
        replace(step, limit_ms=PATIENT_MS) if isinstance(step, AtCommand) else step
        for step in steps
    )


ASKED: tuple[ScriptStep, ...] = _patiently(
    *scripts.sync(),
    *scripts.inquire(GENERIC),
    *(_twice(text, key) for key, text in QUESTIONS.items()),
    _twice("AT+FCLASS=8"),
    _twice("AT+VSM=?", scripts.FORMATS),
    _twice("AT+VLS=1"),
    _twice("AT-TRV", HELD),
    AtCommand("ATH"),
    AtCommand("AT+FCLASS=0"),
)
"""Everything but the first answers may be refused."""


class Asker:
    """Asks `QUESTIONS` and the voice formats, or other steps, of a modem found in any state.

    `answer_s` is how late the latest answer to a command of `AT_ONCE` was.
    """

    def __init__(self, steps: tuple[ScriptStep, ...] = ASKED) -> None:
        self.finding: Mapping[str, tuple[str, ...]] | None = None
        self.trouble: ScriptFailed | ScriptRefused | None = None
        self._steps = steps
        self._modem = Modem(GENERIC)
        self._runner = ScriptRunner(self._modem)
        self.answer_s: float | None = None
        self._asked_at: float | None = None
        self._now = 0.0

    @property
    def replies(self) -> Counter[tuple[str, str]]:
        """Count what came of each command (`ScriptRunner.replies`)."""
        return self._runner.replies

    @property
    def refused(self) -> bool:
        """True when a command with permitted refusals was refused."""
        return bool(self._runner.refused)

    def start(self, now: float) -> None:
        """Begin."""
        self._take(self._runner.begin(self._steps, now))

    def receive_data(self, data: bytes, now: float) -> None:
        """Take bytes."""
        self._now = now
        for event in self._modem.receive_data(data):
            if isinstance(event, Replied) and self._asked_at is not None:
                self.answer_s = max(self.answer_s or 0.0, now - self._asked_at)
                self._asked_at = None
            self._take(self._runner.receive(event, now))

    def handle_timer(self, now: float) -> None:
        """Do what is due."""
        self._now = now
        self._take(self._runner.handle_timer(now))

    def next_deadline(self) -> float | None:
        """When that is."""
        return self._runner.next_deadline()

    def data_to_send(self) -> bytes:
        """Give what is to be written."""
        data = self._runner.data_to_send()
        if data:
            self._asked_at = self._now if data in AT_ONCE else None
        return data

    def written(self, count: int) -> None:
        """All is small enough to be taken."""

    def _take(self, outcome: ScriptOutcome | None) -> None:
        if isinstance(outcome, ScriptDone):
            self.finding = self._runner.kept
        elif outcome is not None:
            self.trouble, self.finding = outcome, self._runner.kept


def converse(world: World, talkers: Mapping[str, tuple[Port, Talker]]) -> None:
    """Carry bytes between ports and talkers, side by side, until all have found something.

    Raises UnmeasuredError after a limit, OSError when a modem has gone.
    """
    end = world.now() + LIMIT_S
    waiting = {name: bytearray() for name in talkers}
    for _unused, talker in talkers.values():
        talker.start(world.now())
    while any(talker.finding is None for _, talker in talkers.values()):
        now = world.now()
        if now > end:
            raise UnmeasuredError(
                _(
                    "the modem came to no end within {limit_s:.0f} s: unplug it and plug it in "
                    "again",
                    limit_s=LIMIT_S,
                ),
            )
        due = end
        for name, (port, talker) in talkers.items():
            _work(port, talker, waiting[name], now)
            due = min(due, talker.next_deadline() or end)
        world.wait(min(due, now + 0.02))
    for name, (port, talker) in talkers.items():
        port.write(bytes(waiting[name]) + talker.data_to_send())


def _work(port: Port, talker: Talker, waiting: bytearray, now: float) -> None:
    data = port.read()
    if data and talker.finding is None:
        talker.receive_data(data, now)
    due = talker.next_deadline()
    if due is not None and now >= due and talker.finding is None:
        talker.handle_timer(now)
    waiting += talker.data_to_send()
    if waiting:
        written = port.write(bytes(waiting))
        del waiting[:written]
        talker.written(written)


@dataclass(frozen=True, slots=True)
class Volts:
    """What lies on a pair, idle and held by the modem itself; None where it cannot tell."""

    idle: float | None
    held: float | None


def ask(
    world: World, ports: Mapping[str, Port], replies: dict[str, Counter[tuple[str, str]]],
    answers_s: dict[str, float],
) -> dict[str, tuple[Unit, Volts]]:  # fmt: skip
    """Return who is at each port, and the volts on its pair.

    Adds to `replies`, and to `answers_s` how late the modem answers, by name.
    """
    askers = {name: Asker() for name in ports}
    converse(world, {name: (ports[name], asker) for name, asker in askers.items()})
    for name, asker in askers.items():
        replies[name] = asker.replies
        if asker.answer_s is not None:
            answers_s[name] = asker.answer_s
        if asker.trouble is not None:
            reason = asker.trouble.reason
            raise UnmeasuredError(_("line {name}: {reason}", name=name, reason=reason))
    return {name: _unit(name, asker.finding or {}) for name, asker in askers.items()}


def takes(world: World, port: Port, command: str) -> bool:
    """Tell whether a modem, on hook, takes a command; it is to be started anew then.

    Raises UnmeasuredError when it does not answer.
    """
    asker = Asker((*scripts.sync(), AtCommand(command, tries=1, answers=scripts.REFUSED)))
    converse(world, {"": (port, asker)})
    if asker.trouble is not None:
        raise UnmeasuredError(asker.trouble.reason)
    return not asker.refused


def _unit(name: str, kept: Mapping[str, tuple[str, ...]]) -> tuple[Unit, Volts]:
    formats = " ".join(kept.get(scripts.FORMATS, ())).upper()
    volts = Volts(_volts(kept.get("volts", ())), _volts(kept.get(HELD, ())))
    classes = _plain(kept.get("classes", ()))
    capabilities = (
        ("voice", bool(formats) or "8" in re.findall(r"[\d.]+", classes)),
        ("mu-law", re.search(ULAW_TEXT, formats) is not None),
        ("A-law", re.search(ALAW_TEXT, formats) is not None),
        ("line voltage (-TRV)", volts.idle is not None),
        ("line in use (-STE)", bool(kept.get("in_use"))),
        (CALLER_ID, bool(kept.get("caller_id"))),
    )
    unit = Unit(
        line=name,
        port="",
        maker=_plain(kept.get(scripts.MAKER, ())),
        identity=_plain(kept.get(scripts.PRODUCT, ())) or _plain(kept.get("model", ())),
        firmware=_plain(kept.get("revision", ())),
        country=_plain(kept.get("country", ())),
        capabilities=capabilities,
    )
    return unit, volts


def _volts(lines: tuple[str, ...]) -> float | None:
    return next((float(m[1]) for line in lines if (m := _VOLTS.match(line))), None)


def _plain(lines: tuple[str, ...]) -> str:
    return " ".join(re.sub(r"^\+[A-Z0-9]+:\s*", "", line) for line in lines)[:120]


def probe(
    world: World, ports: Mapping[str, Port], settings: LineSettings
) -> dict[str, ProbeFinding]:
    """Prove on each unit whether it carries sound both ways at once; the lines are seized."""
    probes = {name: DuplexProbe(settings) for name in ports}
    converse(world, {name: (ports[name], each) for name, each in probes.items()})
    return {name: each.finding for name, each in probes.items() if each.finding is not None}


def able(unit: Unit, found: ProbeFinding) -> Unit:
    """Note in a unit what its probe has proven."""
    duplex = {DuplexVerdict.DUPLEX: True, DuplexVerdict.HALF_DUPLEX: False}.get(found.verdict)
    return replace(unit, capabilities=(*unit.capabilities, ("duplex (+VTR)", duplex)))
