"""Calls without a pause: each brings its number and its sound, as good as at first."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING

import numpy as np

from appliance.dsp.wav import SAMPLE_RATE
from appliance.modem.events import Stream
from appliance.text import NOTHING, Words, _
from hw_tests import content, limits, signals
from hw_tests.bench import Bench, UnmeasuredError
from hw_tests.field import LATE_S, PAIRS, Field, found, late_words, not_here, told
from hw_tests.findings import Figure, Finding, Limit, Verdict
from hw_tests.measures import load
from hw_tests.measures.calls import is_known
from hw_tests.measures.extremes import CLIPPED
from hw_tests.signals import GAP_S, MARK_S, Wave

if TYPE_CHECKING:
    from collections.abc import Sequence

LEVEL_HZ, LEVEL_DBM0, LEVEL_S = 800.0, -12.0, 0.5
EDGE_S, PIECE_S = 0.1, 0.05
WEAKER = Limit(-26.0, -4.0)
SPEECH_S = 9.0
"""How long both sides speak in each call: the whole plan of loud, quiet and nothing, twice."""
DELAY_S = 1.0
"""How much later than it was sent speech may come."""
SPARED = 20
"""One call in so many may be worse than all: a click an hour is no fault of a line."""
TOLD_EACH_S = 300.0
"""How often whoever waits for a soak reads how far it is."""
FEWEST = 4
"""Calls that are made at least, however short the time, while this machine is punctual."""
MOST_LATE = 12
"""Calls beyond the time in which this machine was late: then it is not fit to measure."""
CALL_S = 30.0
"""How long a call lasts in which two half-duplex modems speak by turns."""
FORGOTTEN = _(
    "After some calls the number does not come any more, though it came before: the modem loses "
    "its setting, or the exchange stops sending; replace the modem and try again."
)
CHANGED = _(
    "In later calls the sound is louder or weaker than at first: look at cable, sockets and "
    "contacts, then at a gain control of the PBX or VoIP box."
)


@dataclass
class _Heard:
    """What one side heard of the other in all calls; `levels` are of a tone, None: not heard."""

    levels: list[float | None] = field(default_factory=list)
    above_db: list[float] = field(default_factory=list)
    speech: list[content.Content] = field(default_factory=list)


def soak(field: Field) -> list[Finding]:
    """Make one call after the other until the time is over; in each, sound both ways.

    After one call each, that line is called which was called least in the whole run so far: what is
    lost after some calls shows on both.
    """
    bench = field.ready
    began, calls, failed = bench.now, 0, list[Words]()
    heard = {pair: _Heard() for pair in PAIRS}
    known: dict[str, list[bool]] = {name: [] for name in field.names}
    tried = Counter[str]()
    late: list[tuple[float, Words]] = []
    end, tells = began + field.soak_s, began + TOLD_EACH_S
    while bench.now < end or (calls - len(late) < FEWEST and len(late) < MOST_LATE):
        caller, called = min(PAIRS, key=lambda pair: (bool(tried[pair[1]]), bench.called[pair[1]]))
        tried[called] += 1
        calls += 1
        losses = bench.losses
        field.late()
        try:
            rung = bench.call(caller, called, identify=True)
            came = _talk(field)
        except UnmeasuredError as error:
            if bench.losses == losses and not _was_late(field, late):
                failed.append(error.said)
        else:
            # else what came is that of a modem that was unplugged, or has gaps of our own making
            if bench.losses == losses and not _was_late(field, late):
                known[called].append(is_known(rung))
                _keep(heard, came)
        finally:
            bench.rest()
        if bench.now >= tells:
            tells += TOLD_EACH_S
            field.person.tell(_so_far(bench.now - began, calls, len(failed)))
    if late and not any(each.levels for each in heard.values()):
        return [told(key, way, Verdict.INCOMPLETE, late_words(*max(late, key=_by_time)))
                for key, way in _all_of(field)]  # fmt: skip
    sounds = [_sound(field, f"{a}>{b}", each) for (a, b), each in heard.items()]
    lost = [_lost_callers(field, name, known[name]) for name in field.names]
    return [_calls(calls, failed, [*heard.values()]), *sounds, *lost]


def _was_late(field: Field, late: list[tuple[float, Words]]) -> bool:
    """Tell whether this machine was late in a call, which then proves nothing, and note it."""
    late_s, who = field.late()
    if late_s > LATE_S:
        late.append((late_s, who))
    return late_s > LATE_S


def _by_time(late: tuple[float, Words]) -> float:
    return late[0]


def _all_of(field: Field) -> list[tuple[str, str]]:
    """List every finding of these calls: its key, and its line or direction."""
    ways = [("soak.sound", f"{a}>{b}") for a, b in PAIRS]
    return [("soak", ""), *ways, *(("soak.caller_id", name) for name in field.names)]


def _calls(calls: int, failed: list[Words], heard: Sequence[_Heard]) -> Finding:
    """Judge whether every call came about and carried sound."""
    levels = [level for each in heard for level in each.levels]
    there = [level for level in levels if level is not None]
    return found(
        "soak",
        "",
        Figure("calls", float(calls), "", Limit(1.0, None)),
        Figure("calls that failed", float(len(failed)), "", Limit(None, 0.0)),
        Figure("without sound", float(len(levels) - len(there)), "", Limit(None, 0.0)),
        Figure("weakest sound", min(there, default=None), "dBm0", WEAKER),
        remark=failed[0] if failed else NOTHING,
    )


def _lost_callers(field: Field, name: str, known: list[bool]) -> Finding:
    """Judge in how many calls it was not told who calls, where that has ever been told."""
    lost = known.count(False)
    if not known:
        return told("soak.caller_id", name, Verdict.INCOMPLETE, _("The line was not called."))
    if not any(known) and not field.identified.get(name):
        never = _("Never told: see the caller's identity.")
        return not_here("soak.caller_id", name, never)
    figure = limits.NO_LOST_CALLER.figure("calls without the number", float(lost))
    of = Figure("calls to this line", float(len(known)))
    return found("soak.caller_id", name, figure, of, remark=NOTHING if not lost else FORGOTTEN)


def _so_far(seconds: float, calls: int, failed: int) -> Words:
    minutes = round(seconds / 60)
    return _(
        "{minutes} min: {calls} calls, {failed} failed", minutes=minutes, calls=calls, failed=failed
    )


# --- the sound of each call ---------------------------------------------------------------------


@dataclass
class _Came:
    """What one call brought of a direction: a tone's level and how clean it was, and speech."""

    tone: tuple[float, float] | None
    speech: content.Content | None = None


def _talk(field: Field) -> dict[tuple[str, str], _Came]:
    """Send a tone each way, then speak: at once where both modems can, else by turns."""
    bench = field.ready
    came = {pair: _Came(_tone(bench, *pair)) for pair in PAIRS}
    both = all(field.duplex(name) for name in field.names)
    for pairs in (PAIRS,) if both else ((pair,) for pair in PAIRS):
        for pair, speech in _speech(bench, pairs).items():
            came[pair].speech = speech
    return came


def _keep(heard: dict[tuple[str, str], _Heard], came: dict[tuple[str, str], _Came]) -> None:
    for pair, each in came.items():
        heard[pair].levels.append(None if each.tone is None else each.tone[0])
        if each.tone is not None:
            heard[pair].above_db.append(each.tone[1])
        if each.speech is not None:
            heard[pair].speech.append(each.speech)


def _speech(
    bench: Bench, pairs: tuple[tuple[str, str], ...]
) -> dict[tuple[str, str], content.Content | None]:
    """Have the first of each pair speak to the second; gives what has come of it."""
    slots, quiet = content.slots_in(SPEECH_S), load.quiet_of(bench)
    said = {source: signals.pcm(content.said(source, slots, quiet)) for source, _target in pairs}
    # A stream that has played before is ahead by less: a side's own echo would come earlier than
    # the plan of its speech allows, and be taken for noise.
    for name in said:
        if bench[name].plays:
            bench.end_stream(name)
    bench.direct(*pairs[0])
    begins = {target: len(bench[target].heard) for _source, target in pairs}
    for source, sound in said.items():
        bench[source].play(sound, bench.now)
    bench.run(slots * content.SLOT_S + DELAY_S)
    came = {target: signals.wave(bench[target].pcm(begin)) for target, begin in begins.items()}
    for _source, target in pairs:
        if not bench[target].driver.duplex:
            bench.stream(target, Stream.RECEIVE)
    return {pair: content.heard(came[pair[1]], pair[0], slots, quiet) for pair in pairs}


def _tone(bench: Bench, source: str, target: str) -> tuple[float, float] | None:
    """Give a tone's level and by how much (dB) it is above all else; None: it did not arrive."""
    sent = signals.marked(signals.tone(LEVEL_HZ, LEVEL_DBM0, LEVEL_S))
    heard = signals.wave(bench.carry(source, target, signals.pcm(sent)).pcm)
    place = signals.find(heard)
    if place is None:
        return None
    begin = place.at + round((MARK_S + GAP_S + EDGE_S) * SAMPLE_RATE)
    part = heard[begin : begin + round((LEVEL_S - 2 * EDGE_S) * SAMPLE_RATE)]
    return signals.sine_in(part, LEVEL_HZ).dbm0, _above_db(part)


def _above_db(part: Wave) -> float:
    """Give by how much a tone is above all else, whatever jump there is in one place of it."""
    size = round(PIECE_S * SAMPLE_RATE)
    pieces = [part[at : at + size] for at in range(0, len(part) - size + 1, size)]
    return median([signals.sine_in(piece, LEVEL_HZ).snr_db for piece in pieces] or [0.0])


def _sound(field: Field, way: str, heard: _Heard) -> Finding:
    """Judge one direction's sound in all calls, by the worst of all but one in `SPARED`."""
    if not heard.speech:
        said = _("Nothing has arrived of what the other side said meanwhile.")
        return told("soak.sound", way, Verdict.INCOMPLETE, said)
    figures, remark = load.judge(together(heard.speech))
    first = field.speech_dbm0.get(way, heard.speech[0].level_dbm0)
    changes = sorted((each.level_dbm0 - first for each in heard.speech), key=abs)
    above = limits.LOUD_SNR.figure(
        "loud sound above its distortion", _worst(heard.above_db, low=True), "dB"
    )
    changed = limits.CHANGE.figure("against the first call", _but_few(changes)[-1], "dB")
    for figure, said in ((above, CLIPPED), (changed, CHANGED)):
        remark = said if remark == NOTHING and not figure.good else remark
    return found("soak.sound", way, *figures, above, changed, remark=remark)


def _but_few(ordered: list[float]) -> list[float]:
    """Leave the worst few, which are last, out."""
    return ordered[: len(ordered) - len(ordered) // SPARED]


def _worst(values: Sequence[float], *, low: bool = False) -> float:
    return _but_few(sorted(values, reverse=low))[-1]


def together(parts: Sequence[content.Content]) -> content.Content:
    """Give what was heard in several calls as if in one: what is counted whole, else the worst."""
    noise_dbm0 = _worst([each.noise_dbm0 for each in parts])
    noisiest = min(parts, key=lambda each: abs(each.noise_dbm0 - noise_dbm0))
    return content.Content(
        level_dbm0=float(np.median([each.level_dbm0 for each in parts])),
        both_db=_worst([each.both_db for each in parts], low=True),
        quiet_db=_worst([each.quiet_db for each in parts], low=True),
        drop_outs=tuple(at for each in parts for at in each.drop_outs),
        slips=tuple(slip for each in parts for slip in each.slips),
        swing_db=_worst([each.swing_db for each in parts]),
        noise_dbm0=noise_dbm0,
        least_dbm0=noisiest.least_dbm0,
        hums=noisiest.hums,
        seconds=sum(each.seconds for each in parts),
    )
