"""`python -m tests.fuzz.one`: one target in one process; ends by itself, with status 0 or 1.

Guided by coverage where atheris is installed, else by mutations of the kept corpus alone.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import os
import random
import resource
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.fuzz import bounds, cases
from tests.fuzz.mutations import mutated

atheris: Any = None
with contextlib.suppress(ImportError):  # no wheel for this machine: mutations are of use too
    atheris = importlib.import_module("atheris")

MEMORY_MB = 1024
HANG_S = 30
"""An input that never ends is given up after so long."""
Run = Callable[[bytes], None]


def main() -> None:
    """Run one target for as long as asked."""
    asked = _arguments()
    target = cases.TARGETS[asked.target]
    module = _loaded(target)
    run = _guarded(target, module.run, Path(asked.found))
    for path in cases.kept(target.name):
        run(path.read_bytes())
    if atheris is None:
        _plain(target, module, run, asked)
    else:
        _guided(target, module, run, asked)


def _loaded(target: cases.Target) -> Any:
    if atheris is None:
        return target.load()
    with atheris.instrument_imports(include=["appliance"]):
        return target.load()


def _guarded(target: cases.Target, run: Run, found: Path) -> Run:
    """Wrap a target: what fails is written to a file and named, and the process ends."""

    def once(data: bytes) -> None:
        try:
            bounds.timed(run, data)
        except BaseException as error:  # noqa: BLE001 - a failure of any kind is what is sought
            traceback.print_exc()
            path = cases.keep(found, target.name, data)
            _say(f"{target.name}: {type(error).__name__}: {str(error)[:200]}; the input is {path}")
            os._exit(1)

    return once


def _plain(target: cases.Target, module: Any, run: Run, asked: argparse.Namespace) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_MB << 20,) * 2)
    signal.signal(signal.SIGALRM, _hangs)
    dice = random.Random(asked.seed)
    corpus = [path.read_bytes() for path in cases.kept(target.name)]
    began, runs = time.monotonic(), 0
    while (took := time.monotonic() - began) < asked.seconds:
        signal.alarm(HANG_S)
        run(mutated(dice, corpus, module.TOKENS, target.longest))
        runs += 1
    _say(f"{target.name}: {runs} inputs in {took:.0f} s, by mutation")


def _hangs(_number: int, _frame: object) -> None:
    raise TimeoutError(f"no end within {HANG_S} s")


def _guided(target: cases.Target, module: Any, run: Run, asked: argparse.Namespace) -> None:
    """Hand over to libFuzzer; it ends the process, so its own words are the report."""
    words = Path(tempfile.mkdtemp(prefix="centralino-fuzz-"))
    (words / "tokens").write_text("\n".join(map(_token, module.TOKENS)) + "\n", encoding="ascii")
    (words / "new").mkdir()
    flags = {
        "max_total_time": asked.seconds,
        "seed": asked.seed,
        "max_len": target.longest,
        "timeout": HANG_S,
        "rss_limit_mb": MEMORY_MB,
        "artifact_prefix": f"{asked.found}/{target.name}-",
        "dict": words / "tokens",
    }
    options = [f"-{name}={value}" for name, value in flags.items()]
    kept = cases.CORPUS / target.name
    Path(asked.found).mkdir(parents=True, exist_ok=True)
    atheris.Setup([sys.argv[0], *options, str(words / "new"), str(kept)], run)
    atheris.Fuzz()


def _token(word: bytes) -> str:
    """Write a word as libFuzzer's dictionaries want it."""
    return '"' + "".join(f"\\x{byte:02X}" for byte in word) + '"'


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.one", description=__doc__)
    parser.add_argument("target", choices=sorted(cases.TARGETS))
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--found", default="build/fuzz", help="where a failing input is written")
    return parser.parse_args()


if __name__ == "__main__":
    main()
