"""The tables of docs/detection.md: measured anew by `python -m tests.detection`.

Each table knows its rows before anything is measured, so that a test can compare them with the
document without measuring.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from appliance.dsp import dtmf, g711
from appliance.dsp.progress import ToneKind
from appliance.simulator.exchange import audio
from tests.bench.table import percentile
from tests.detection import spandsp, strangers, trials
from tests.detection.corpora import MUSIC, VARIANTS, VOICES, Change, Corpus, listen
from tests.detection.signals import Dialling, errors

Cells = tuple[str, ...]
QUIET = bytes(8000)


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its name, and how the rest of its cells is measured; the last one is the verdict."""

    name: str
    measure: Callable[[], Cells]


@dataclass(frozen=True, slots=True)
class Table:
    """One table: heading, what stands above it, the heads of its columns, its rows."""

    heading: str
    words: str
    heads: Cells
    rows: tuple[Row, ...]

    def rendered(self) -> Iterator[str]:
        """Yield the lines of the table in Markdown, measuring each row."""
        yield from (f"### {self.heading}", "", self.words, "")
        yield line(self.heads)
        yield line(["---"] * len(self.heads))
        for row in self.rows:
            yield line((row.name, *row.measure()))


def line(cells: Sequence[str]) -> str:
    """Write one line of a table."""
    return f"| {' | '.join(cells)} |"


def verdict(met: bool) -> str:
    """Say whether an aim is met."""
    return "met" if met else "NOT MET"


def all_tables() -> tuple[Table, ...]:
    """Return every table, in the document's order."""
    return (
        _accepted(),
        _refused(),
        _talk_off(),
        _progress(),
        _special(),
        _identities(),
        _faxes(),
    )


# --- keys ---------------------------------------------------------------------------------------

_JUDGES: tuple[Callable[[bytes], str], ...] = (
    trials.digits_in,
    spandsp.digits_in,
    strangers.multimon_digits,
)
_JUDGED = ("ours", "spandsp", "multimon-ng")


def _accepted() -> Table:
    words = (
        f"Errors in {trials.KEYS} random keys through A-law, at any place of our frames; both "
        "tones off by the deviation, each in either direction. The strangers hear the same "
        "sound."
    )
    rows = tuple(Row(how.name, partial(_missed, how)) for how in trials.ACCEPTED)
    return Table("Keys that must be heard", words, ("keys", *_JUDGED, "aim", "verdict"), rows)


def _missed(how: Dialling) -> Cells:
    sound = trials.pressed(how)
    counts = [errors(sound.keys, judge(sound.pcm)) for judge in _JUDGES]
    most = trials.most_errors(how)
    return (*map(str, counts), f"≤ {most}", verdict(counts[0] <= most))


def _refused() -> Table:
    words = f"Digits told of {trials.KEYS} keys that are none by Q.24."
    rows = tuple(Row(how.name, partial(_taken, how)) for how in trials.REFUSED)
    return Table("Keys that must not be heard", words, ("keys", *_JUDGED, "aim", "verdict"), rows)


def _taken(how: Dialling) -> Cells:
    sound = trials.pressed(how)
    counts = [len(judge(sound.pcm)) for judge in _JUDGES]
    return (*map(str, counts), "0", verdict(counts[0] == 0))


# --- voices and music ---------------------------------------------------------------------------


def _talk_off() -> Table:
    words = (
        "Recorded voices and music of Debian, and the office's guide read aloud by two of its "
        "voices, in which nothing may be heard: keys, busy, congestion, dial tone and ring-back of "
        "all five countries, SIT, fax."
    )
    pairs = [(corpus, how) for corpus in (*VOICES, MUSIC) for how in VARIANTS]
    rows = tuple(
        Row(f"{corpus.name}, {how}", partial(_heard_in, corpus, VARIANTS[how]))
        for corpus, how in pairs
    )
    heads = ("recordings", "minutes", "keys", "tones", "SIT", "fax", "aim", "verdict")
    return Table("Talk-off", words, heads, rows)


def _heard_in(corpus: Corpus, change: Change) -> Cells:
    found = listen(corpus.files(), change)
    counts = (found.digits, found.tones, found.sits, found.faxes)
    return (f"{found.minutes:.1f}", *map(str, counts), "0", verdict(found.is_nothing))


# --- tones --------------------------------------------------------------------------------------


def _progress() -> Table:
    levels = ", ".join(f"{dbm0:g}" for dbm0 in trials.LEVELS_DBM0)
    words = (
        f"Each form of each tone at {levels} dBm0 a frequency, without noise, 20 dB and 12 dB "
        "above it, 1 % low, right and 1 % high, through A-law: named once and as nothing else. "
        "Times are ms from the tone's onset to certainty."
    )
    rows = tuple(Row(_form_name(*form), partial(_named, *form)) for form in trials.forms())
    heads = ("tone", "named rightly", "p50", "p95", "max", "aim", "verdict")
    return Table("Call-progress tones", words, heads, rows)


def _form_name(country: str, kind: ToneKind, place: int) -> str:
    form = getattr(dtmf.PLANS[country], kind.value)[place]
    hz = "+".join(str(freq) for freq in form.bursts[0].freqs)
    times = "/".join(str(ms) for burst in form.bursts for ms in (burst.on_ms, burst.off_ms))
    steady = all(burst.off_ms == 0 for burst in form.bursts)
    return f"{country.upper()} {kind.value}, {hz} Hz {'steady' if steady else times}"


def _named(country: str, kind: ToneKind, place: int) -> Cells:
    done = trials.named(country, kind, place)
    times = [f"{percentile(done.after_ms, share):.0f}" for share in (0.50, 0.95, 1.0)]
    is_release = kind in {ToneKind.BUSY, ToneKind.CONGESTION}
    aim = f"all, p95 ≤ {trials.BUSY_LIMIT_MS}" if is_release else "all"
    in_time = not is_release or percentile(done.after_ms, 0.95) <= trials.BUSY_LIMIT_MS
    right = f"{done.tried - done.wrong} of {done.tried}"
    return (right, *times, aim, verdict(done.wrong == 0 and in_time))


def _special() -> Table:
    words = (
        "The special information tone of ITU-T E.180 (950, 1400, 1800 Hz, 330 ms each), at the "
        "same levels and noises, right and 1, 2 and 4 % high and low: told once."
    )
    rows = tuple(
        Row(f"pauses of {gap_ms} ms", partial(_special_told, gap_ms)) for gap_ms in (0, 15, 40)
    )
    return Table("Special information tone", words, ("tone", "told", "aim", "verdict"), rows)


def _special_told(gap_ms: int) -> Cells:
    done = trials.special(gap_ms)
    told = f"{done.tried - done.wrong} of {done.tried}"
    return (told, "all", verdict(done.wrong == 0))


# --- caller id ----------------------------------------------------------------------------------

SAMPLES = {
    "number and name": audio.SentIdentity("0541704111", "1125", "0830", "COMUNE"),
    "number alone": audio.SentIdentity("3331234567", "1125", "0830"),
    "withheld": audio.SentIdentity("P", "1125", "0830"),
    "not available": audio.SentIdentity("O", "1125", "0830"),
}
"""Identities that the software exchange sends."""


def _identities() -> Table:
    words = (
        "What the software exchange sends as V.23 FSK, read by strangers: the tests on caller "
        "identity stand on a generator that others understand."
    )
    rows = tuple(Row(name, partial(_read, caller)) for name, caller in SAMPLES.items())
    heads = ("identity", "spandsp", "multimon-ng", "minimodem", "aim", "verdict")
    return Table("Caller identity", words, heads, rows)


def identity_sound(caller: audio.SentIdentity) -> bytes:
    """The exchange's FSK of an identity as 16-bit samples, silence around it."""
    return (
        QUIET + g711.ulaw_to_linear(audio.fsk_modulate(audio.mdmf_message(caller), "v23")) + QUIET
    )


def _read(caller: audio.SentIdentity) -> Cells:
    sound, message = identity_sound(caller), audio.mdmf_message(caller)
    got = (
        spandsp.identities_in(sound) == [message[:-1]],
        strangers.multimon_identity(sound).get("DATE") == caller.date + caller.time,
        message in strangers.minimodem_bytes(sound),
    )
    return (*("read" if ok else "not read" for ok in got), "all", verdict(all(got)))


# --- fax ----------------------------------------------------------------------------------------


def _faxes() -> Table:
    words = (
        "A fax machine's calling tone (T.30: 1100 Hz, 0.5 s on, 3 s off), ms from its first "
        "burst to certainty."
    )
    levels = (-10.0, -25.0, -38.0)
    ours = [
        Row(f"{hz} Hz, {dbm0:g} dBm0", partial(_fax, partial(_cng, hz, dbm0)))
        for hz in (1062, 1100, 1138)
        for dbm0 in levels
    ]
    rows = (*ours, Row("spandsp's own", partial(_fax, partial(spandsp.fax_call, 9000))))
    return Table("Fax", words, ("tone", "ours", "spandsp", "aim", "verdict"), rows)


def _cng(hz: int, dbm0: float) -> bytes:
    return dtmf.play(dtmf.cadence((hz,), 500, 3000, dbm0=dbm0), 9000)


def _fax(make: Callable[[], bytes]) -> Cells:
    pcm = make()
    after = trials.fax_after_ms(pcm)
    judged = "heard" if spandsp.is_fax_call(pcm) else "not heard"
    return (str(after), judged, "≤ 4100", verdict(after is not None and after <= 4100))


def outline(table: Table) -> tuple[Cells, tuple[str, ...]]:
    """What the document must repeat: the heads, and the name of every row."""
    return table.heads, tuple(row.name for row in table.rows)


def rendered(tables: Iterable[Table]) -> str:
    """Measure and write tables, an empty line between them."""
    return "\n\n".join("\n".join(table.rendered()) for table in tables)
