"""What a USB stick brings: a newer signed bundle is installed, a sealed backup laid ready.

The stick is mounted for reading alone, in a name space of this process's own (PrivateMounts=yes).
Nobody need touch the box: whoever may put a stick in it may also take its card out.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from appliance.commands.sticks import mounted
from appliance.commands.update_helper import LOOKS_S, boot_id
from appliance.files import SHARED, make_shared, open_plain, replacing
from appliance.policy import updates as policy_updates
from appliance.policy.supervision import words_of
from appliance.policy.text import Refused, Words
from appliance.policy.updates import State, order
from appliance.service import updates
from appliance.service.backup import UPLOADED as UPLOADED_BACKUP
from appliance.service.updates import BOX, Asked
from appliance.store.backup import MAGIC
from appliance.voicemail.storage import spare_bytes

if TYPE_CHECKING:
    from appliance.commands.update_helper import Helper

MOST: Final = 20
NOTHING_NEW: Final = Words(
    "Sulla chiavetta non c'è un aggiornamento più recente della versione in uso ({}).",
    "The stick holds no update that is newer than the version in use ({}).",
)
GONE: Final = Words(
    "La chiavetta è stata tolta prima di essere letta: inserirla di nuovo.",
    "The stick was pulled out before it was read: put it in again.",
)
LAID_READY: Final = Words(
    "La copia di sicurezza {} della chiavetta è pronta da ripristinare: pagina Copia di sicurezza.",
    "The stick's backup {} is ready to be put back: page Backup and restore.",
)


@dataclass(frozen=True, slots=True)
class Stick:
    """A stick's folder, mounted."""

    folder: Path

    def bundles(self) -> list[Path]:
        """List the bundles that lie on it, not in its folders."""
        return _files(self.folder.glob("*.raucb"))

    def backups(self) -> list[Path]:
        """List the sealed backups that lie on it, the newest first."""
        found = _files(self.folder.glob("*.backup"))
        return sorted(found, key=lambda path: path.stat().st_mtime, reverse=True)


def brought(helper: Helper, device: Path) -> Words:
    """Look at a stick that was put in, and let people see what came of it, or did not; raises
    Refused, OSError.
    """
    wait_until_seen(helper)
    try:
        if not device.exists():
            raise policy_updates.refused(GONE)
        with mounted(str(device), is_written=False) as folder:
            said = turn(helper, Stick(folder))
    except (Refused, OSError) as error:
        updates.tell_stick(helper.run, words_of(error))
        raise
    updates.tell_stick(helper.run, said)
    return said


def turn(helper: Helper, stick: Stick) -> Words:
    """Do what a stick is for; raises Refused, OSError."""
    ready = lay_ready(helper, stick)
    bundle = newest(helper, stick.bundles())
    if bundle is not None:
        return helper.install(bundle, Asked(BOX, "stick"))
    return ready or policy_updates.filled(NOTHING_NEW, helper.running())


def wait_until_seen(helper: Helper) -> None:
    """Where a stick stays in over a start: wait until `update good` has seen what that start means
    for the update that came from it, so that what is said of the stick holds. Nobody has mounted it
    meanwhile: whoever pulls it out then breaks nothing off.
    """
    until = time.monotonic() + helper.idle_s
    while _is_unseen(helper) and time.monotonic() < until:
        time.sleep(LOOKS_S)


def _is_unseen(helper: Helper) -> bool:
    kept = updates.load_update(helper.kept_in)
    return kept.state in {State.INSTALLED, State.TRIAL} and kept.boot != boot_id()


def newest(helper: Helper, bundles: list[Path]) -> Path | None:
    """Return the newest bundle that is signed, newer than what runs, and has not failed here.

    Raises Refused where there are bundles and not one is signed, or newer ones that have all failed
    here: whoever brought them should know.
    """
    found: dict[Path, str] = {}
    wrong: Refused | None = None
    for path in bundles:
        try:
            version = helper.rauc.look(path).version
            order(version)
            found[path] = version
        except Refused as refused:
            wrong = refused
    if wrong is not None and not found:
        raise wrong
    return _not_failed(
        helper, {p: v for p, v in found.items() if order(v) > order(helper.running())}
    )


def _not_failed(helper: Helper, newer: dict[Path, str]) -> Path | None:
    failed = updates.load_update(helper.kept_in).failed
    good = [path for path, version in newer.items() if version not in failed]
    if newer and not good:
        raise policy_updates.refused(policy_updates.FAILED_BEFORE, max(newer.values(), key=order))
    return max(good, key=lambda path: order(newer[path]), default=None)


def lay_ready(helper: Helper, stick: Stick) -> Words | None:
    """Copy the newest backup to where the page of backups finds one, if none lies there yet."""
    target = Path(helper.settings.folders.console) / UPLOADED_BACKUP
    backups = stick.backups()
    if not backups or target.exists() or not target.parent.parent.is_dir():
        return None
    source = backups[0]
    if 2 * source.stat().st_size > spare_bytes(target.parent.parent) or not _is_sealed(source):
        return None
    make_shared(target.parent)
    with open_plain(source) as file, replacing(target, mode=SHARED) as copy:
        shutil.copyfileobj(file, copy)
    return policy_updates.filled(LAID_READY, source.name)


def _files(found: Iterable[Path]) -> list[Path]:
    return sorted(path for path in found if path.is_file() and not path.is_symlink())[:MOST]


def _is_sealed(path: Path) -> bool:
    with open_plain(path) as file:
        return file.read(len(MAGIC)) == MAGIC
