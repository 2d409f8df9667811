"""Secrets that the service manager hands over (systemd.exec(5), LoadCredential=), else their files.

What systemd hands over lies in memory, readable by that one service alone, and its source may stay
root's. What the box makes for itself, the phones' secrets and the register's key, stays in its
state folder, 0600: it must be able to write it, and commands beside the service to read it.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

MAIL_PASSWORD: Final = "mail-password"  # noqa: S105 - a name, no password
MQTT_PASSWORD: Final = "mqtt-password"  # noqa: S105 - a name, no password
BACKUP_PASSPHRASE: Final = "backup-passphrase"  # noqa: S105 - a name, no passphrase


def secret_file(configured: str, name: str) -> str:
    """Return where a secret lies: handed over under `name` if it was, else as configured."""
    folder = os.environ.get("CREDENTIALS_DIRECTORY", "")
    handed = Path(folder) / name
    return str(handed) if folder and _holds_something(handed) else configured


def _holds_something(path: Path) -> bool:
    """Tell whether there is a secret; an empty one is a unit's stand-in for a file that is not."""
    try:
        return path.stat().st_size > 0
    except OSError:
        return False
