"""The hook flash, and how soon a modem is done with a stream (v253.md 10)."""

from __future__ import annotations

from dataclasses import replace

from appliance.modem.events import FlashSent, Stream
from appliance.text import NOTHING, _
from hw_tests import limits, signals
from hw_tests.bench import Bench, UnmeasuredError
from hw_tests.field import Field, found, not_here, unmeasured
from hw_tests.findings import Figure, Finding, Limit
from hw_tests.listening import Listener, wait_for
from hw_tests.measures.release import sign_of
from hw_tests.measures.tones import DIAL

FLASHES_MS = (100, 250, 600)
"""What is tried: the European one, the American one, and one between them (v253.md 5)."""
ANSWER_S = 6.0
RELEASED_S = 4.0
SAID_S = 0.5
LATE = _(
    "The modem tells late that a sound was played: a pause follows each announcement; use another "
    "modem."
)
LEARNT = _(
    "The modem leaves its sound by a later one of the codes that the box knows, not by the first: "
    "its first call waits for that, then the box keeps to it."
)


def flash(field: Field) -> list[Finding]:
    """Find the hook flash by which whoever is behind the called line gives a dial tone."""
    bench = field.ready
    tried: list[int] = []
    try:
        for ms in FLASHES_MS:
            tried.append(ms)
            answer = _flash(field, bench, ms)
            if answer is None:
                return [_refused()]
            if answer:
                return [_works(ms)]
    except UnmeasuredError as error:
        return [unmeasured("flash", "B", error)]
    finally:
        _set(bench, field.settings.flash_ms)
        bench.rest()
    said = ", ".join(map(str, tried))
    return [
        not_here(
            "flash",
            "B",
            _("No dial tone after {flashes} ms: there is no PBX behind this line.", flashes=said),
        )
    ]


def _flash(field: Field, bench: Bench, ms: int) -> bool | None:
    """Tell whether a flash of so long gives a dial tone; None when the modem refuses it."""
    _set(bench, ms)
    bench.call("A", "B")
    bench.listen("A")
    waits, mark_a = Listener(bench["A"], field.world.country), bench["A"].mark()
    mark = bench["B"].mark()
    bench["B"].order(lambda driver, now: driver.flash("", now), bench.now)
    done = bench.until(
        lambda: bench["B"].told(FlashSent, mark),
        10.0,
        _("line B sends no flash"),
    )
    if not done[0][1].done:
        return None
    bench.listen("B")
    listener = Listener(bench["B"], field.world.country)
    if wait_for(bench, lambda: listener.first(DIAL), ANSWER_S) is None:
        return False
    # So long a flash may have been a hang-up: then the other side is told that all is over.
    return wait_for(bench, lambda: sign_of(field, "A", mark_a, waits), RELEASED_S) is None


def _set(bench: Bench, ms: int) -> None:
    """Have line B flash for so long: its driver begins anew when that changes."""
    side = bench["B"]
    if side.settings.flash_ms == ms:
        return
    bench.rest()
    side.settings = replace(side.settings, flash_ms=ms)
    side.renew(side.port)
    bench.bring_up("B")


def _works(ms: int) -> Finding:
    return found("flash", "B", Figure("flash", float(ms), "ms", Limit(50.0, 1000.0)))


def _refused() -> Finding:
    return not_here(
        "flash",
        "B",
        _("The modem refuses the flash (+VTS={!,…})."),
    )


def stream_end(field: Field) -> list[Finding]:
    """Measure from the end of an announcement to the modem's OK."""
    bench = field.ready
    bench.rest()
    try:
        bench.dial_all(dict.fromkeys(field.names, ""))
        return [_stream_end(bench, name) for name in field.names]
    except UnmeasuredError as error:
        return [unmeasured("stream_end", "", error)]
    finally:
        bench.rest()


def _stream_end(bench: Bench, name: str) -> Finding:
    """Measure twice: a driver keeps to the terminator that its modem has heeded."""
    first_ms, again_ms = _end_ms(bench, name), _end_ms(bench, name)
    first = limits.FIRST_STREAM_END.figure("end of the first sound to OK", first_ms, "ms")
    again = limits.STREAM_END.figure("end of sound to OK", again_ms, "ms")
    remark = LATE if not again.good else LEARNT if first.needs_attention else NOTHING
    return found("stream_end", name, again, first, remark=remark)


def _end_ms(bench: Bench, name: str) -> float:
    """Play a tone and end the stream; returns how late the modem says that all was played."""
    said = signals.pcm(signals.tone(600.0, -20.0, SAID_S))
    bench.stream(name, Stream.TRANSMIT)
    _, ends_at = bench[name].play(said, bench.now)
    bench.run(SAID_S)
    ahead = bench[name].played_until
    _, done_at = bench.end_stream(name)
    return (done_at - max(ends_at, ahead)) * 1000
