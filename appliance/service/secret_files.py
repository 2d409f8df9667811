"""Keys and passwords of the state folder, in a folder that no other account can enter."""

from __future__ import annotations

import logging
import stat
from pathlib import Path
from typing import Final

from appliance.files import make_private, move_leaving_a_link
from appliance.store import directory
from appliance.store.directory import secret_place as secret_place

log = logging.getLogger(__name__)

SECRETS: Final = directory.SECRETS
PHONES: Final = "phone_secrets.json"
HANDSETS: Final = "handsets.json"
PIN: Final = "voicemail_pin.json"
MAIL, MQTT, CENTRAL = "mail_password", "mqtt_password", "central_passphrase"
LEFT: Final = (directory.KEY, PHONES, HANDSETS, PIN, MAIL, MQTT, CENTRAL)
"""What a programme of before kept in the state folder itself."""


def settle_secrets(state: Path) -> None:
    """Move what a programme of before has left into the folder.

    A link is left to each, for the programme of before, should an update be taken back. What cannot
    be moved is found where it is (vault.secret_place): a card that is read-only keeps no phone out.
    """
    left = [state / name for name in LEFT if _is_plain(state / name)]
    try:
        for path in left:
            make_private(state / SECRETS)
            move_leaving_a_link(path, state / SECRETS)
    except OSError as error:
        log.warning("secrets stay where they are: %s", error)


def _is_plain(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return False
