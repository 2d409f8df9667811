"""A runner of the command line that keeps stdout and stderr apart."""

from __future__ import annotations

import inspect
from typing import Any

from click.testing import CliRunner


def runner() -> CliRunner:
    """Return a runner whose results have a `stderr`: click 8.1 keeps it apart on request only."""
    on_request: dict[str, Any] = {"mix_stderr": False}
    known = inspect.signature(CliRunner).parameters
    return CliRunner(**{name: value for name, value in on_request.items() if name in known})
