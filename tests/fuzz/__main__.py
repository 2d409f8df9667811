"""`python -m tests.fuzz`: strangers' bytes against every entrance of the product.

Each target runs in a process of its own, `--jobs` of them at a time. A failure writes its input
into a file; `--input FILE` runs that one again, in this process.
"""

from __future__ import annotations

import argparse
import re
import secrets
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.fuzz import bounds, cases

FOUND = Path("build/fuzz")
START_S = 120
"""A process that takes so much longer than it was asked for is hung."""
_DONE = re.compile(r"Done (\d+) runs in (\d+) second")
_COVERED = re.compile(r"cov: (\d+)")


def main() -> int:
    """Run the targets asked for; status 1 when one has failed."""
    asked = _arguments()
    if asked.input:
        bounds.timed(cases.TARGETS[asked.target[0]].load().run, Path(asked.input).read_bytes())
        return 0
    names = asked.target or list(cases.TARGETS)
    _say(f"seed {asked.seed}, {asked.seconds} s for each of {len(names)} targets")
    with ThreadPoolExecutor(asked.jobs) as pool:
        verdicts = pool.map(lambda name: _one(name, asked.seconds, asked.seed), names)
        failed = [name for name, is_good in zip(names, verdicts, strict=True) if not is_good]
    _say(f"failed: {', '.join(failed)} (seed {asked.seed})" if failed else "nothing found")
    return 1 if failed else 0


def _one(name: str, seconds: int, seed: int) -> bool:
    """Run one target and say in a line how it went; its own words when it failed."""
    options = (f"--seconds={seconds}", f"--seed={seed}", f"--found={FOUND}")
    command = [sys.executable, "-m", "tests.fuzz.one", name, *options]
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            check=False,
            timeout=seconds + START_S,
            errors="replace",
            text=True,
        )
    except subprocess.TimeoutExpired:
        _say(f"{name}: hung")
        return False
    if done.returncode:
        _say(done.stderr[-3000:] + done.stdout)
        _say(f"again: python -m tests.fuzz --target {name} --input FILE")
        return False
    _say(done.stdout.strip() or _guided_words(name, done.stderr))
    return True


def _guided_words(name: str, report: str) -> str:
    """Say in our words what libFuzzer reports."""
    runs, seconds = _DONE.findall(report)[-1]
    covered = (_COVERED.findall(report) or ["?"])[-1]
    return f"{name}: {runs} inputs in {seconds} s, guided, {covered} edges"


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=int, default=60, help="for each target")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(2**31) or 1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--target", action="append", choices=sorted(cases.TARGETS))
    parser.add_argument("--input", default="", help="run this file once, on the one target")
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
