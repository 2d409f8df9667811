"""How the desk asks and the helper answers: one small file a line each way, in /run.

The request lies in a folder of the desk's, who is not to be trusted by root; the answer in a
folder of root's. A request names a line, never a port: which port that is, only the
configuration says.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import stat
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from appliance.errors import TechnicianError
from appliance.files import READABLE, atomic_write
from appliance.usb.steps import Step

LEAST_GAP_S = 120.0
"""The same step for the same line is done at most so often; the ladder asks once a climb."""
_SIZE_LIMIT = 32
_LINE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}")
"""A line's name that can be a file's and a unit's instance as it stands (systemd.unit(5))."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a request: done, or why not; `at` is monotonic seconds of this boot."""

    step: Step
    done: bool
    sentence: str
    at: float


def requests_folder(run: Path) -> Path:
    """Say where the desk puts its requests, below its run folder."""
    return run / "usb"


def answers_folder(run: Path) -> Path:
    """Say where the helper puts its answers: beside the run folder, which root must not trust."""
    return run.with_name(f"{run.name}-usb")


def ask(folder: Path, line: str, step: Step) -> bool:
    """Put a request; False when nobody has taken the last one (it is replaced).

    Raises TechnicianError for a line whose name cannot be asked for, or a folder without room.
    """
    _check(line)
    request = folder / line
    try:
        folder.mkdir(parents=True, exist_ok=True)
        taken = not request.exists()
        atomic_write(request, step.value, is_durable=False)
    except OSError as error:
        raise TechnicianError(f"no USB reset can be asked for: {error}") from error
    return taken


def take(folder: Path, line: str) -> Step | None:
    """Take a request away and read it; None when there is none, or what lies there is none.

    Nothing is followed and nothing but a plain file is opened: the folder is somebody else's.
    """
    _check(line)
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        inside = os.open(folder, flags | os.O_DIRECTORY)
    except OSError:
        return None
    try:
        text = _contents(inside, line, flags | os.O_NONBLOCK)
        with contextlib.suppress(OSError):
            os.unlink(line, dir_fd=inside)
    finally:
        os.close(inside)
    return Step(text) if text in tuple(Step) else None


def take_all(folder: Path) -> dict[str, Step]:
    """Take every request away; what is no request of a line's is taken away too, and not told.

    The path unit starts the helper for as long as anything lies there (systemd.path(5)).
    """
    try:
        inside = os.open(folder, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_DIRECTORY)
    except OSError:
        return {}
    try:
        with os.scandir(inside) as found:
            names = [each.name for each in found if not each.name.startswith(".")]
        texts = {name: _taken(inside, name) for name in names}
    finally:
        os.close(inside)
    steps = tuple(Step)
    return {n: Step(text) for n, text in texts.items() if text in steps and _LINE.fullmatch(n)}


def _taken(inside: int, name: str) -> str:
    """Return what lies there and take it away, a folder too; whoever put it may put it again."""
    text = _contents(inside, name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    with contextlib.suppress(OSError):
        os.unlink(name, dir_fd=inside)
        return text
    shutil.rmtree(name, ignore_errors=True, dir_fd=inside)
    return ""


def _contents(inside: int, line: str, flags: int) -> str:
    try:
        descriptor = os.open(line, flags, dir_fd=inside)
    except OSError:
        return ""
    try:
        plain = stat.S_ISREG(os.fstat(descriptor).st_mode)
        return os.read(descriptor, _SIZE_LIMIT).decode("ascii", "replace").strip() if plain else ""
    finally:
        os.close(descriptor)


def tell(folder: Path, line: str, answer: Answer) -> None:
    """Keep what became of a request, beside the answers to other steps."""
    kept = {a.step.value: asdict(a) for a in answers(folder, line).values()}
    kept[answer.step.value] = asdict(answer)
    folder.mkdir(parents=True, exist_ok=True)
    atomic_write(folder / line, json.dumps(kept), mode=READABLE, is_durable=False)


def answers(folder: Path, line: str) -> Mapping[Step, Answer]:
    """Read the latest answer to each step; none where none can be read."""
    try:
        kept = json.loads((folder / line).read_text(encoding="utf-8"))
        return {
            Step(name): Answer(Step(name), bool(a["done"]), str(a["sentence"]), float(a["at"]))
            for name, a in kept.items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def may_do(step: Step, earlier: Mapping[Step, Answer], now: float) -> bool:
    """Tell whether the rate allows a step."""
    last = earlier.get(step)
    return last is None or now - last.at >= LEAST_GAP_S


def _check(line: str) -> None:
    if not _LINE.fullmatch(line):
        raise TechnicianError(
            f"line {line!r} cannot be reset: use letters, digits and _ . : - in lines.name"
        )
