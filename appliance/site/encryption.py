"""Whether the card's file asks for an encrypted data partition, and whether the box has one.

The image's helper of the data partition (`crypt`) asks before anything is written at the first
start; afterwards what was made then stays as it is.
"""

from __future__ import annotations

import enum
import re
from pathlib import Path
from typing import Final

from appliance.daemon.mistakes import BadConfiguration
from appliance.policy.text import Words
from appliance.site.text import text_of

RUN: Final = Path("/run/centralino-crypt")
"""There where the partition is encrypted, or is to be."""
OPEN: Final = "open"
USB_STICK: Final = "usb-stick"
WORD: Final = re.compile(r"(?m)^[^#\n]*encryption")
"""What a file without it, but in comments, need not be read as TOML for."""
TOO_LATE: Final = Words(
    "La cifratura va chiesta prima del primo avvio: la memoria dei dati c'è già, non è cifrata e "
    "resta com'è; per cifrarla, scrivere una scheda nuova con la voce [encryption] e ripristinare "
    "la copia di sicurezza.",
    "Encryption must be asked for before the first start: the data partition is there already, is "
    "not encrypted and stays as it is; to encrypt it, write a new card with the entry [encryption] "
    "and restore the backup.",
)
ENCRYPTED: Final = Words(
    "È cifrata e aperta con la chiave della chiavetta USB, che ora si può togliere: serve di nuovo "
    "al prossimo avvio.",
    "It is encrypted, and was opened with the key on the USB stick, which may be taken out now: it "
    "is needed again at the next start.",
)


class Asked(enum.StrEnum):
    """What a file asks for; the helper reads the words."""

    NOTHING = "nothing"
    USB_STICK = USB_STICK
    UNCLEAR = "unclear"  # it names it, and cannot be read


def asked(contents: bytes) -> Asked:
    """Tell what the bytes of the card's file ask for. What names encryption and cannot be read asks
    for no plain text.
    """
    try:
        text = text_of(contents)
    except BadConfiguration:
        return Asked.UNCLEAR if b"encryption" in contents.replace(b"\0", b"") else Asked.NOTHING
    if not WORD.search(text):
        return Asked.NOTHING
    import tomllib  # the desk waits for this at each start

    try:
        table = tomllib.loads(text).get("encryption", {})
    except (ValueError, RecursionError):
        return Asked.UNCLEAR
    if not isinstance(table, dict) or table.keys() - {"key"}:
        return Asked.UNCLEAR
    key = table.get("key", "")
    return {"": Asked.NOTHING, USB_STICK: Asked.USB_STICK}.get(str(key), Asked.UNCLEAR)


def is_too_late(contents: bytes, run: Path = RUN) -> bool:
    """Tell whether a file asks for what only the first start can do."""
    return asked(contents) is Asked.USB_STICK and not run.exists()


def is_open(run: Path = RUN) -> bool:
    """Tell whether the data partition is encrypted, and in use."""
    return (run / OPEN).exists()
