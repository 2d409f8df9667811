"""Release place: the newest release that a server offers, by its signed list of checksums.

Its folder is what image/release.py makes: SHA256SUMS with its signature, latest.json, the bundle,
and notes by language. Nothing of it is shown or downloaded unless a key of the image has signed
the list; whether the bundle may be installed RAUC decides by the bundle's own signature.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from appliance.commands.downloads import LATEST, LATEST_BYTES, Offer, UpdateServer
from appliance.commands.minisign import is_signed, public_keys
from appliance.files import load_text
from appliance.policy.text import Refused
from appliance.text import ENGLISH, FIRST, LANGUAGES, Words, _, written

TRUSTED_KEYS: Final = Path("/etc/rauc/minisign.pub")
"""Public keys of releases that the image trusts (image/slot.sh)."""
LIST: Final = "SHA256SUMS"
SIGNATURE: Final = f"{LIST}.minisig"
NOTES: Final = "notes.{}.txt"
LIST_BYTES: Final = 1 << 16
NOTES_BYTES: Final = 1 << 14
_LINE: Final = re.compile(r"([0-9a-f]{64})  (\S+)")

NO_KEY: Final = _(
    "this image trusts no key of releases: take the update from a file or a USB stick"
)
NOT_SIGNED: Final = _(
    "the list of the release at {address} is not signed by a key that this box trusts: nothing "
    "was downloaded; ask whoever publishes the updates"
)
NOT_LISTED: Final = _(
    "{name} at {address} is not the file of the signed list: nothing was downloaded; ask whoever "
    "publishes the updates"
)
AVAILABLE: Final = _("Version {version} is published ({size} MB); in use: {running}.")
DOWNLOAD: Final = _("Download it and write it into the other slot?")
NOT_DOWNLOADED: Final = _(
    "Nothing was downloaded. To download it: sudo centralino box update --check --yes."
)


@dataclass(frozen=True, slots=True)
class Release:
    """A published release: what to download, and its notes in each language."""

    offer: Offer
    notes: Words

    def words(self, running: str) -> Words:
        """Return the announcement of the version, beside the running one."""
        size = max(1, round(self.offer.size / 1e6))
        return AVAILABLE.filled(version=self.offer.version, size=size, running=running)


def newest(server: UpdateServer) -> Release:
    """Return what the release place offers; raises Refused."""
    digests = _signed_digests(server)
    offer = server.offer_in(_listed(server, LATEST, LATEST_BYTES, digests))
    if digests.get(offer.url.rpartition("/")[2]) != offer.sha256:
        raise _not_listed(server, LATEST)
    notes = {
        language: _plain(_listed(server, NOTES.format(language), NOTES_BYTES, digests))
        for language in LANGUAGES
        # An older release has none in a language that came since: English stands for it.
        if language in (FIRST, ENGLISH) or NOTES.format(language) in digests
    }
    return Release(offer, written(notes))


def _signed_digests(server: UpdateServer) -> dict[str, str]:
    """Return the SHA-256 of each file by its name, of the signed list; raises Refused."""
    try:
        keys = public_keys(load_text(TRUSTED_KEYS))
    except ValueError as error:
        raise Refused(NO_KEY) from error
    if not keys:
        raise Refused(NO_KEY)
    told = server.small_file(LIST, LIST_BYTES)
    signature = server.small_file(SIGNATURE, LATEST_BYTES).decode("utf-8", "replace")
    if not is_signed(told, signature, keys):
        raise Refused(NOT_SIGNED.filled(address=server.address))
    found = (_LINE.fullmatch(line) for line in told.decode("utf-8", "replace").splitlines())
    return {one[2]: one[1] for one in found if one}


def _listed(server: UpdateServer, name: str, most: int, digests: dict[str, str]) -> bytes:
    """Download a small file and compare it with the signed list; raises Refused."""
    data = server.small_file(name, most)
    if hashlib.sha256(data).hexdigest() != digests.get(name):
        raise _not_listed(server, name)
    return data


def _not_listed(server: UpdateServer, name: str) -> Refused:
    return Refused(NOT_LISTED.filled(name=name, address=server.address))


def _plain(data: bytes) -> str:
    """Return notes as text for a terminal."""
    text = data.decode("utf-8", "replace").strip()
    return "".join(one for one in text if one.isprintable() or one == "\n")
