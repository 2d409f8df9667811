"""What a field test found: frozen values, written as one `findings.json` a run and read back.

The measuring half (`hw_tests`) writes it after every test, so that an interrupted run still tells
what was measured; the report is made from this file alone.
"""

from __future__ import annotations

import enum
import json
import math
import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import cattrs
from cattrs.errors import ClassValidationError, IterableValidationError

from appliance.text import NOTHING, Words, written

FILE = "findings.json"
FORMAT = 1
"""Grows when an older reader would misunderstand the file."""
WRITTEN_IN = ("it", "en", "de")
"""Order of a text's languages in the file; one of before the third has the first two."""
"""Languages of a text in the file, in this order."""
SeriesKind = Literal["response", "level", "spectrum", "timing"]


MAY_LACK = frozenset({
    "line_voltage", "soak.caller_id", "keys_sent", "chip_keys", "release.loop", "flash", "at_4886",
    "recovery_usb", "recovery_power", "extension", "leds", "button",
})  # fmt: skip
"""Keys of what a box serves its lines without, or does itself where a modem or a line cannot."""
MAY_BE_LEFT_OUT = frozenset({"congestion_tone", "release.silence"})
"""Keys of what is skipped where no number was named, or where another sign has told already."""


class Verdict(enum.StrEnum):
    """What came of one test. Only PASSED says that something works."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_ON_THIS_DEVICE = "not on this device"
    SKIPPED = "skipped"
    INCOMPLETE = "incomplete"


@dataclass(frozen=True, slots=True)
class Limit:
    """Between what a figure must lie, both ends allowed; None: no end on that side."""

    low: float | None = None
    high: float | None = None

    def holds(self, value: float) -> bool:
        """Tell whether a value lies within."""
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)


@dataclass(frozen=True, slots=True)
class Figure:
    """A number measured; `value` None: it could not be; `limit` None: for the record only.

    Beyond `limit` it is bad; within it but beyond `wanted` it deserves attention. What is no finite
    number could not be measured either.
    """

    name: str
    value: float | None
    unit: str = ""
    limit: Limit | None = None
    wanted: Limit | None = None

    def __post_init__(self) -> None:
        if self.value is not None and not math.isfinite(self.value):
            object.__setattr__(self, "value", None)

    @property
    def good(self) -> bool:
        """True unless a limit is broken; what has a limit and no value breaks it."""
        if self.limit is None:
            return True
        return self.value is not None and self.limit.holds(self.value)

    @property
    def needs_attention(self) -> bool:
        """True where a figure holds its limit, and is not what a line should have."""
        if self.wanted is None or self.value is None:
            return False
        return self.good and not self.wanted.holds(self.value)


@dataclass(frozen=True, slots=True)
class Series:
    """Points to be drawn: y over x."""

    name: str
    kind: SeriesKind
    x: tuple[float, ...]
    y: tuple[float, ...]
    x_unit: str
    y_unit: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One test on one line or direction (`line`: "A", "B", "A>B", "B>A"; "" for the whole set-up).

    `key` is stable (`level`, `release.busy`, ...). `remark` says in words what was seen and what to
    do. `sounds` are WAV files beside `findings.json`, by paths relative to it.
    """

    key: str
    line: str
    title: Words
    verdict: Verdict
    figures: tuple[Figure, ...] = ()
    remark: Words = NOTHING
    series: tuple[Series, ...] = ()
    sounds: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class Unit:
    """One modem, as it was asked. `identity` and `firmware` are the modem's own words: untrusted.

    `capabilities`: name and whether it has it; None where it could not be told.
    """

    line: str
    port: str
    maker: str = ""
    identity: str = ""
    firmware: str = ""
    country: str = ""
    serial: str = ""
    capabilities: tuple[tuple[str, bool | None], ...] = ()


@dataclass(frozen=True, slots=True)
class Use:
    """What a line is for: `needs` are names of promises (`hw_tests.promises`), as `source` says."""

    line: str
    source: str
    needs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Run:
    """One run. Times are ISO 8601 with an offset, `ended` "" while it runs or was interrupted.

    `clock_state` is what the machine knows of its own time: "synchronised", "not synchronised" or
    ""; `set_up` is "exchange", "two lines" or "one line"; `expected` are the keys to be run.
    A line that `uses` does not name is for conversations.
    """

    site: str = ""
    tester: str = ""
    started: str = ""
    ended: str = ""
    clock_state: str = ""
    set_up: str = ""
    units: tuple[Unit, ...] = ()
    findings: tuple[Finding, ...] = field(default=())
    expected: tuple[str, ...] = ()
    uses: tuple[Use, ...] = ()

    def with_finding(self, finding: Finding) -> Run:
        """Give the run with one more finding; the same key and line again replaces the former."""
        kept = tuple(f for f in self.findings if (f.key, f.line) != (finding.key, finding.line))
        return replace(self, findings=(*kept, finding))

    @property
    def missing(self) -> tuple[str, ...]:
        """The keys that were to be run and have no finding."""
        found = {finding.key for finding in self.findings}
        return tuple(key for key in self.expected if key not in found)

    @property
    def verdict(self) -> Verdict:
        """What the run as a whole tells, by what its lines are for."""
        # Promises are judged by findings: each of the two knows the other.
        from hw_tests.promises import verdict

        return verdict(self)


def judged(figures: tuple[Figure, ...]) -> Verdict:
    """Give the verdict that the limits of some figures make; without figures, INCOMPLETE."""
    if not figures:
        return Verdict.INCOMPLETE
    return Verdict.PASSED if all(figure.good for figure in figures) else Verdict.FAILED


def write(run: Run, folder: Path) -> Path:
    """Write `findings.json` so that a reader finds the former or the new one, never a half."""
    path = folder / FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".new")
    with beside.open("w", encoding="utf-8") as file:
        file.write(dumps(run))
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    return path


def read(folder: Path) -> Run:
    """Read a run's folder; raises ValueError with a sentence for a file that is none."""
    return loads((folder / FILE).read_text(encoding="utf-8"))


def dumps(run: Run) -> str:
    """Write a run as JSON text."""
    plain = {"format": FORMAT, **_CONVERTER.unstructure(run)}
    return json.dumps(plain, ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def loads(text: str) -> Run:
    """Read a run from JSON text; raises ValueError with a sentence for what is none."""
    try:
        plain: Any = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"the findings are no JSON: {error}") from None
    if not isinstance(plain, dict) or plain.pop("format", None) != FORMAT:
        raise ValueError(
            f"the findings are not of format {FORMAT}: use the program that wrote them"
        )
    try:
        return _CONVERTER.structure(plain, Run)
    except (ClassValidationError, IterableValidationError) as error:
        raise ValueError("the findings are damaged: " + "; ".join(_reasons(error))) from None


def _reasons(error: BaseException) -> list[str]:
    return cattrs.transform_error(error, path="findings")


def _text(value: Any, _: Any) -> Any:
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is no text")
    return value


def _words(value: Any) -> Words:
    if not isinstance(value, list) or not 2 <= len(value) <= len(WRITTEN_IN):
        raise ValueError(f"{value!r} is no text in each of {', '.join(WRITTEN_IN)}")
    texts = [_text(each, str) for each in value]
    # A text that lacks a language is read in the other one.
    return written({name: text for name, text in zip(WRITTEN_IN, texts, strict=False) if text})


def _number(value: Any, _: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{value!r} is no number")
    return float(value)


def _converter() -> cattrs.Converter:
    converter = cattrs.Converter(forbid_extra_keys=True)
    converter.register_structure_hook(str, _text)
    # A verdict is a text too, but not every text is a verdict.
    converter.register_structure_hook(Verdict, lambda value, _: Verdict(value))
    converter.register_structure_hook(float, _number)
    converter.register_structure_hook(Words, lambda value, _: _words(value))
    converter.register_unstructure_hook(Words, lambda words: [*map(words.text, WRITTEN_IN)])
    converter.register_unstructure_hook(Path, str)
    converter.register_structure_hook(Path, lambda value, _: _inside(value))
    return converter


def _inside(value: Any) -> Path:
    """Take a path beside the findings; one that leads elsewhere is refused."""
    path = Path(_text(value, str))
    if path.is_absolute() or ".." in path.parts:
        raise ValueError(f"{value!r} leads out of the run's folder")
    return path


_CONVERTER = _converter()
