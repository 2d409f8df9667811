"""What the configuration asks of the lines that a field test measures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from appliance.errors import CentralinoError
from appliance.policy.lines import HalfDuplexDaytime

if TYPE_CHECKING:
    from collections.abc import Sequence

    from appliance.config.schema import Line, Settings


def suite_options(config_path: Path, ports: Sequence[str]) -> list[str]:
    """Return the suite's options that tell what the lines at some ports (A, then B) are for.

    None for a port of no configured line, and without a configuration that can be read: such a line
    is measured as one for conversations.
    """
    if not ports or not config_path.exists():
        return []
    from appliance.config import read

    try:
        settings = read.load(config_path)
    except CentralinoError:
        return []
    options: list[str] = []
    for letter, port in zip("ab", ports, strict=False):
        if (line := _line_at(settings, port)) is not None:
            source = f"{line.label or line.name}, {config_path}"
            options += [f"--needs-{letter}", ",".join(needs_of(line)), f"--use-{letter}", source]
    return options


def needs_of(line: Line) -> tuple[str, ...]:
    """Return the promises (`hw_tests.promises`) that a line's own table asks for."""
    from hw_tests.promises import CONVERSATION, DEFAULT

    is_half = bool(line.daytime) or line.duplex == "false"
    needs = [name for name in DEFAULT if not (is_half and name in CONVERSATION)]
    if line.daytime == HalfDuplexDaytime.PBX_TRANSFER:
        needs.append("transfers")
    return tuple(needs)


def _line_at(settings: Settings, port: str) -> Line | None:
    there = Path(port).resolve()
    return next((line for line in settings.lines if Path(line.port).resolve() == there), None)
