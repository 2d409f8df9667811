"""The desk looks after its own threads: whose silence starves the watchdog, and when it leaves.

What follows from what is decided in policy/supervision.py; here stand the clock, the small file in
the run folder that outlives the process (memory, not the card), and the sentences for people.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from appliance.files import atomic_write, load_text
from appliance.policy.supervision import TABLE, Part, Past, Verdict, judge, late
from appliance.policy.text import Words
from appliance.store.database import Trouble

if TYPE_CHECKING:
    from collections.abc import Sequence

    from appliance.daemon.lookout import Lookout
    from appliance.policy.clock import Now

log = logging.getLogger(__name__)

LOOK_S: Final = 1.0
"""Signs of life are looked at so often."""
FILE: Final = "supervision.json"
CODE: Final = "supervision"
FAULTS: Final = "faults"
FAULT_SHOWN_S: Final = 3600.0
"""A job that failed is shown for so long: somebody comes by, and a lamp goes out again."""
FLEET_THREAD: Final = "fleet"

Row = dict[str, Any]


class Supervisor:
    """`beats` say when each thread last turned (monotonic s); `pasts` what others restart.

    `kept` is true where a service manager starts the desk again: only then may it leave.
    `failures` tells when a job of a thread last failed by a fault of ours (workers.faults).
    """

    def __init__(
        self,
        beats: Mapping[Part, Callable[[], float]],
        pasts: Mapping[Part, Callable[[], Past]],
        lookout: Lookout,
        run: Path,
        *,
        kept: bool,
        failures: Mapping[str, float] = MappingProxyType({}),
    ) -> None:
        self.verdict = Verdict(feeds=True)
        self._beats, self._pasts = beats, pasts
        self._lookout = lookout
        self._file = run / FILE
        self._kept, self._failures = kept, failures
        self._starts, self._left, self._why = _read(self._file)
        self._look_at = 0.0

    def start(self, now: float) -> None:
        """Take note of a start."""
        self._starts = self._starts.again(now)
        self._save()

    def look(self, now: Now, is_idle: Callable[[], bool]) -> Verdict:
        """Look whether all threads live, at most once in LOOK_S; returns what follows."""
        if now.monotonic >= self._look_at:
            self._look_at = now.monotonic + LOOK_S
            self._tell(self._judge(now.monotonic, is_idle), now)
            self._lookout.trouble_once(FAULTS, _failed(self._failures, now))
        return self.verdict

    def leave(self, part: Part, now: float) -> None:
        """Take note that the desk leaves because of a part: its next run is to know."""
        log.error("%s: the service leaves, to be started again", TABLE[part].what.en)
        self._left, self._why = self._left.again(now), part
        self._save()

    def rows(self, now: Now) -> list[Row]:
        """Say of each part what was restarted, and how it is, for status and pages."""
        late_ones = late(self._seen(), now.monotonic)
        pasts = {Part.UNIT: Past(self._starts.times[1:])}  # the first start was none again
        pasts |= {part: past() for part, past in self._pasts.items()} | {Part.DESK: self._left}
        shown = (*pasts, *self._beats)
        return [_row(part, pasts.get(part, Past()), part in late_ones, now) for part in shown]

    def _judge(self, now: float, is_idle: Callable[[], bool]) -> Verdict:
        late_ones = late(self._seen(), now)
        spent = [part for part, past in self._pasts.items() if past().is_too_much(part, now)]
        failed = (*self._lookout.failed(), *spent)
        if not late_ones and not failed:
            return Verdict(feeds=True)
        return judge(late_ones, failed, self._left, now, idle=self._kept and is_idle())

    def _seen(self) -> dict[Part, float]:
        return {part: beat() for part, beat in self._beats.items()}

    def _tell(self, verdict: Verdict, now: Now) -> None:
        """Say what has changed: people see it, the LED, `STATUS=`."""
        told = self.verdict.waiting, self.verdict.borne
        self.verdict = verdict
        if told != (verdict.waiting, verdict.borne):
            self._lookout.trouble(CODE, self._trouble(verdict, now))

    def _trouble(self, verdict: Verdict, now: Now) -> Trouble | None:
        if verdict.borne:
            return _borne(verdict.borne, _wall(self._left.times[-1], now))
        return _waiting(verdict.waiting) if verdict.waiting else None

    def _save(self) -> None:
        kept = {"starts": self._starts.times, "left": self._left.times, "why": self._why}
        try:
            atomic_write(self._file, json.dumps(kept), is_durable=False)
        except OSError as error:
            log.warning("what was restarted cannot be kept in %s: %s", self._file, error)


def _read(file: Path) -> tuple[Past, Past, str]:
    """Read what the runs before this one have left; nothing where it cannot be read."""
    try:
        kept = json.loads(load_text(file))
        starts, left = (Past(tuple(map(float, kept[key]))) for key in ("starts", "left"))
        return starts, left, str(kept["why"])
    except (ValueError, KeyError, TypeError):
        return Past(), Past(), ""


def _wall(at: float, now: Now) -> datetime:
    """Say when by the clock on the wall something of this boot was."""
    return now.wall - timedelta(seconds=now.monotonic - at)


def _row(part: Part, past: Past, is_late: bool, now: Now) -> Row:
    """Say how one part is; a time to come is one of another boot."""
    times = [at for at in past.times if at <= now.monotonic]
    rule = TABLE[part]
    return {
        "part": part.value,
        "said": {"it": rule.what.it, "en": rule.what.en},
        "restarts": len(times),
        "last": _wall(times[-1], now).isoformat() if times else None,
        "late": is_late,
        "silent_s": rule.silent_s or None,
        "limit": _limit(part),
    }


def _limit(part: Part) -> dict[str, str] | None:
    """Say how often a part is restarted, and whose turn it is then; None where nobody counts here.

    How often systemd starts the service is the image's to limit; elsewhere it is for ever.
    """
    rule = TABLE[part]
    if rule.most == 0 or part is Part.UNIT:
        return None
    then = TABLE[rule.then].what if rule.then else None
    often = f"{rule.most} in {rule.within_s:.0f} s"
    return {
        "it": f"limite {often}" + (f", poi {then.it}" if then else ""),
        "en": f"limit {often}" + (f", then {then.en}" if then else ""),
    }


def _named(parts: Sequence[Part]) -> Words:
    what = [TABLE[part].what for part in parts]
    return Words(", ".join(one.it for one in what), ", ".join(one.en for one in what))


def _waiting(parts: Sequence[Part]) -> Trouble:
    what = _named(parts)
    return Trouble(
        f"{CODE}.waiting",
        f"{what.it}: non risponde più; il servizio si riavvia da solo appena le linee sono libere.",
        f"{what.en}: no sign of life; the service restarts by itself once the lines are idle.",
    )


def _borne(parts: Sequence[Part], at: datetime) -> Trouble:
    what, local = _named(parts), at.astimezone()
    return Trouble(
        f"{CODE}.borne",
        f"{what.it}: il riavvio delle {local:%H:%M} non è bastato; le chiamate proseguono senza. "
        "Chiamare il tecnico: se è la scheda di memoria, sostituirla.",
        f"{what.en}: the restart at {local:%H:%M} was of no use; calls go on without. Call the "
        "technician: if it is the memory card, replace it.",
    )


def _failed(last_at: Mapping[str, float], now: Now) -> Trouble | None:
    """Say which threads have had a job fail by a fault of ours, and when the last one did."""
    recent = {
        thread: at for thread, at in dict(last_at).items() if now.monotonic - at < FAULT_SHOWN_S
    }
    if not recent:
        return None
    what = _named(sorted({_part(thread) for thread in recent}))
    local = _wall(max(recent.values()), now).astimezone()
    return Trouble(
        FAULTS,
        f"{what.it}: un'operazione non è riuscita per un errore del programma ({local:%H:%M}); il "
        "servizio prosegue. Se si ripete, avvisare il tecnico: il registro di sistema dice che "
        "cosa.",
        f"{what.en}: a job failed by a fault in the programme ({local:%H:%M}); the service goes on."
        " Tell the technician if it happens again: the journal says what.",
    )


def _part(thread: str) -> Part:
    """Return the part that a thread does the work of; the deciding one is the desk's."""
    named = Part.MQTT if thread == FLEET_THREAD else thread
    return Part(named) if named in set(Part) else Part.DESK
