"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from appliance.daemon.settings import Settings

DEFAULT_CONFIG = Path("/etc/centralino/centralino.toml")
Command = Callable[..., Any]


def config_option(command: Command) -> Command:
    """Add --config; the environment may name it too."""
    return click.option(
        "--config",
        "config_path",
        type=click.Path(path_type=Path),
        default=DEFAULT_CONFIG,
        envvar="CENTRALINO_CONFIG",
        show_default=True,
        help="The configuration file.",
    )(command)


def load_settings(path: Path) -> Settings:
    """Read the configuration; raises ConfigurationError with every mistake."""
    # Imported here: `centralino run` reads its configuration apart (daemon/apart.py).
    from appliance.daemon import config

    return config.load(path)


def desk_socket(settings: Settings) -> Path:
    """Say where the running desk answers."""
    return Path(settings.folders.run) / "desk.sock"
