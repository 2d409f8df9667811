"""The kept corpus, the targets by name, and inputs as files."""

from __future__ import annotations

import hashlib
import importlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
CORPUS = HERE / "corpus"
LONGEST = 4096
"""Bytes of an input at most, unless the target says otherwise."""


@dataclass(frozen=True, slots=True)
class Target:
    """One entrance for strangers' bytes: `run` raises for what must never happen.

    `tokens` are words of its language, which mutations insert.
    """

    name: str
    module: str
    longest: int = LONGEST

    def load(self) -> Any:
        """Import the module; it has `run(data)` and TOKENS."""
        return importlib.import_module(self.module)


TARGETS: Mapping[str, Target] = {
    path.stem: Target(path.stem, f"tests.fuzz.targets.{path.stem}")
    for path in sorted((HERE / "targets").glob("[a-z]*.py"))
}


def kept(name: str) -> Iterator[Path]:
    """Yield the kept inputs of a target, in a fixed order."""
    yield from sorted(path for path in (CORPUS / name).glob("*") if path.is_file())


def keep(folder: Path, name: str, data: bytes) -> Path:
    """Write an input into a file named after its target and content."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-{hashlib.sha256(data).hexdigest()[:12]}"
    path.write_bytes(data)
    return path
