"""Makes measurements one after the other and writes what came of each before the next begins."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

import pytest

from appliance.errors import CentralinoError
from appliance.text import NOTHING, Words, unchanged
from hw_tests.bench import UnmeasuredError, on_line
from hw_tests.field import LATE_S, late_words, not_here, told
from hw_tests.findings import Finding, Run, Verdict, write
from hw_tests.measures.identity import NO_VOICE
from hw_tests.side import GONE

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from hw_tests.bench import Bench
    from hw_tests.field import Field, Measure
    from hw_tests.findings import Use

FOUND = pytest.StashKey[list[Finding]]()
"""Where a test keeps what it has found, for whoever tells of it."""
FIRST = "unit"
CAUSES = ("drops", "commands", "ghosts")
"""Keys of what is known at the end only, and is the cause of whatever else has failed."""
ONCE = frozenset({"soak"})
"""What takes long, and goes on by itself once a lost modem is back: it is not repeated for it."""
TRIES = 3
SPOILT = (Verdict.FAILED, Verdict.INCOMPLETE)
ASKED_S = 5.0


class Recorder:
    """One run under way: `run` is what is known so far, and what stands in the file."""

    def __init__(
        self, field: Field, measures: Iterable[Measure], site: str, tester: str,
        progress: Path | None = None, uses: tuple[Use, ...] = (),
    ) -> None:  # fmt: skip
        self._field = field
        self._progress = progress
        self._measures = tuple(measures)
        self._made: dict[str, list[Finding]] = {}
        self.run = Run(
            site=site,
            tester=tester,
            started=_now(),
            clock_state=clock_state(),
            set_up=field.world.kind,
            expected=tuple(key for measure in self._measures for key in measure.keys),
            uses=uses,
        )
        self._write()

    def make(self, measure: Measure) -> list[Finding]:
        """Make one measurement, whatever becomes of it; its findings are written at once."""
        self._tell("begin", measure)
        findings = self._plugged(measure)
        self._made[measure.name] = findings
        for finding in findings:
            self.run = self.run.with_finding(finding)
        # A modem that drops off USB or refuses commands now and then, or a line that rings by
        # itself, spoils whatever was under way: the cause first.
        causes = tuple(
            each
            for key in CAUSES
            for each in self.run.findings
            if each.key == key and _failed(each)
        )
        others = tuple(each for each in self.run.findings if each not in causes)
        self.run = replace(self.run, findings=(*causes, *others))
        self._write()
        self._tell("end", measure, verdicts=[finding.verdict.value for finding in findings])
        return findings

    def findings_of(self, measure: Measure) -> list[Finding]:
        """Give what a measurement has found; it is made once, when its first figure is wanted.

        Who the modems are is asked first: without voice there is nothing to measure.
        """
        first = next((each for each in self._measures if each.name == FIRST), measure)
        if first.name not in self._made:
            self.make(first)
        return self._made.get(measure.name) or self.make(measure)

    def close(self, *, whole: bool) -> None:
        """End the run; one that was interrupted has no end."""
        if whole:
            self.run = replace(self.run, ended=_now())
        self._write()

    def _plugged(self, measure: Measure) -> list[Finding]:
        """Repeat what a modem that was lost from USB has spoilt, once it is back."""
        if measure.name in CAUSES:  # they tell of the loss itself
            return self._punctually(measure)
        for _unused in range(1 if measure.name in ONCE else TRIES):
            losses = self._field.bench.losses if self._field.bench else {}
            findings = self._punctually(measure)
            bench = self._field.bench
            if bench is None:
                return findings
            lost = bench.lost(losses) or _told_lost(bench, findings)
            if not lost or all(each.verdict not in SPOILT for each in findings):
                return findings
            if not self._are_back(bench):
                break
        return [_unplugged(each, lost[0]) if each.verdict in SPOILT else each for each in findings]

    def _are_back(self, bench: Bench) -> bool:
        """Put every line on hook, lost ones anew; tell whether all are there."""
        for _unused in range(2):  # a line at rest learns of its loss only while others hang up
            self._field.leave()
        return not any(side.gone for side in bench.sides.values())

    def _punctually(self, measure: Measure) -> list[Finding]:
        """Repeat what failed while this machine was late: its sound had gaps of our own making."""
        for _unused in range(TRIES):
            self._field.late()
            findings = self._try(measure)
            late_s, who = self._field.late()
            if late_s <= LATE_S or not any(map(_failed, findings)):
                return findings
            self._field.leave()
        return [_unproven(each, late_s, who) if _failed(each) else each for each in findings]

    def _try(self, measure: Measure) -> list[Finding]:
        units = self._field.units.values()
        if measure.name != FIRST and any(not dict(u.capabilities).get("voice") for u in units):
            return [not_here(key, "", NO_VOICE) for key in measure.keys]
        try:
            return list(measure.run(self._field))
        except UnmeasuredError as error:
            return [told(key, "", Verdict.FAILED, error.said) for key in measure.keys]
        except (CentralinoError, OSError) as error:
            return self._broken(measure, str(error))

    def _broken(self, measure: Measure, said: str) -> list[Finding]:
        return [told(key, "", Verdict.INCOMPLETE, unchanged(said)) for key in measure.keys]

    def _write(self) -> None:
        units = tuple(self._field.units[name] for name in sorted(self._field.units))
        self.run = replace(self.run, units=units)
        write(self.run, self._field.folder)

    def _tell(self, what: str, measure: Measure, **more: object) -> None:
        """Append a line of JSON for whoever follows the run."""
        if self._progress is None:
            return
        line = {
            "event": what,
            "name": measure.name,
            "keys": measure.keys,
            "seconds": measure.seconds,
            "number": self._measures.index(measure) + 1,
            "of": len(self._measures),
            **more,
        }
        with self._progress.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


def reason(findings: Iterable[Finding]) -> str:
    """Say in lines what is wrong with some findings, or missing."""
    return "\n".join(_line(finding) for finding in findings if finding.verdict != Verdict.PASSED)


def _failed(finding: Finding) -> bool:
    return finding.verdict is Verdict.FAILED


def _told_lost(bench: Bench, findings: list[Finding]) -> list[str]:
    """Name and note the lines of which another bench than the run's own has seen the loss."""
    said = {on_line(name, GONE): name for name in bench.sides}
    names = [said[each.remark] for each in findings if each.remark in said]
    for name in names[:1]:
        bench[name].dropped.append(bench.now)
    return names


def _unplugged(finding: Finding, line: str) -> Finding:
    """Say that it was not measured since a line's modem was gone."""
    said = on_line(line, GONE)
    return replace(finding, verdict=Verdict.INCOMPLETE, figures=(), series=(), remark=said)


def _unproven(finding: Finding, late_s: float, who: Words) -> Finding:
    """Say that a failure proves nothing of the line."""
    return replace(finding, verdict=Verdict.INCOMPLETE, remark=late_words(late_s, who))


def _line(finding: Finding) -> str:
    bad = [
        f"{figure.name} {figure.value if figure.value is None else round(figure.value, 2)}"
        f" {figure.unit} ({figure.limit.low} to {figure.limit.high})"
        for figure in finding.figures
        if figure.limit and not figure.good
    ]
    what = f"{finding.title} {finding.line}: {finding.verdict}"
    remark = (str(finding.remark),) if finding.remark != NOTHING else ()
    return "; ".join((what, *bad, *remark))


def _now() -> str:
    return datetime.now().astimezone().isoformat(timespec="seconds")


def clock_state() -> str:
    """Tell what systemd knows of this machine's time: synchronised, not synchronised, or ""."""
    command = ["timedatectl", "show", "--property=NTPSynchronized", "--value"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=ASKED_S, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""
    return {"yes": "synchronised", "no": "not synchronised"}.get(done.stdout.strip(), "")
