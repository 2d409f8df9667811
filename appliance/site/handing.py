"""What follows from the card's file for others: put where they look for it."""

from __future__ import annotations

import os
import pwd
import secrets as randomness
from pathlib import Path
from typing import Final

from appliance.daemon import phone_secrets
from appliance.daemon.secret_files import settle_secrets
from appliance.errors import ConfigurationError
from appliance.files import READABLE, atomic_write, make_private
from appliance.sip.admission import make_secret
from appliance.site import secret_entries
from appliance.site.keeping import contents_of
from appliance.site.made import Made

ACCOUNT: Final = "centralino"
NETWORK: Final = "network/10-lan.network"
HOSTNAME: Final = "etc/hostname"
KEYS: Final = "etc/ssh/authorized_keys/technician"
"""Below the data partition, where the image's own units look for them."""


def keep_secrets(made: Made) -> None:
    """Keep the phones' passwords, and make those that are wanted."""
    try:
        known = phone_secrets.load(made.settings)
    except ConfigurationError:  # a file that nobody can read is worth nothing
        known = {}
    new = {name: make_secret(randomness.token_bytes) for name in made.unsaid if name not in known}
    together = {**known, **new, **made.secrets}
    if together != known:
        phone_secrets.save(made.settings, together)


def keep_passwords(made: Made) -> frozenset[str]:
    """Keep the passwords of accounts elsewhere; returns the tables that have one now."""
    files = secret_entries.files(made.settings)
    for table, text in made.passwords.items():
        make_private(Path(files[table]).parent)
        atomic_write(Path(files[table]), f"{text}\n")
    return frozenset(files)


def own_folder(folder: Path) -> None:
    """Make the service's state folder, which is its account's; what lies there is put in order."""
    if folder.exists():
        settle_secrets(folder)
        return
    folder.mkdir(mode=0o700, parents=True)
    try:
        account = pwd.getpwnam(ACCOUNT)
    except KeyError:
        return
    if os.geteuid() == 0:
        os.chown(folder, account.pw_uid, account.pw_gid)


def network(data: Path, networkd: Path, text: str) -> None:
    """Keep the network's settings, and have networkd find them at its start; "" for DHCP's."""
    link = networkd / Path(NETWORK).name
    give(data / NETWORK, text)
    link.unlink(missing_ok=True)
    if text:
        networkd.mkdir(mode=0o755, parents=True, exist_ok=True)
        link.symlink_to(data / NETWORK)


def give(path: Path, text: str) -> None:
    """Keep a text for others to read, or nothing; what is kept already is left alone."""
    if not text:
        path.unlink(missing_ok=True)
    elif contents_of(path) != text.encode():
        path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        atomic_write(path, text, mode=READABLE)
