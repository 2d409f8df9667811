"""`centralino restore --asked`: root's helper for a restore that was asked for in the browser.

Started by centralino-restore.path, and at every boot: a restore in which the power failed is then
finished first. What it may replace is what the present configuration names, nothing else: whoever
asks is not the administrator.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from appliance.api import control_socket
from appliance.commands.options import load_settings
from appliance.config.last_good import state_folder
from appliance.errors import CentralinoError, OfficeError
from appliance.policy.supervision import words_of
from appliance.policy.text import NOTHING, Refused, Words
from appliance.service import backup, restore
from appliance.service.backup import UNPACKED, UPLOADED, backup_pieces
from appliance.service.supervision import Asked, Went

if TYPE_CHECKING:
    from appliance.config.schema import Settings
    from appliance.service.restore import Checked

IDLE_S: Final = 600.0
"""So long a moment is waited for in which nobody is on the phone."""
LOOKS_S: Final = 0.5
STOP_S: Final = 60.0
UNITS: Final = ("centralino-console.service", "centralino.service")
SESSIONS: Final = "sessions.db"
"""In the console's folder: people log in again, with the passwords of the backup."""
DONE: Final = Words(
    "Ripristino concluso: vale ciò che era nella copia, anche utenti e password. Ciò che c'era "
    "prima è in {}: eliminarlo quando tutto va bene, contiene numeri di chi ha chiamato.",
    "The backup is in place: what it held is in force, users and passwords too. What stood before "
    "is in {}: delete it when all is well, it holds callers' numbers.",
)
ELSEWHERE: Final = Words(
    "la copia nomina altre cartelle o un'altra configurazione rispetto a questo apparecchio: "
    "ripristinarla con il comando, come amministratore",
    "the backup names other folders or files than this box does: put it back by the command, as "
    "administrator",
)
NEVER_IDLE: Final = Words(
    "per dieci minuti qualcuno è sempre stato al telefono: nulla è stato cambiato, riprovare",
    "somebody was on the phone for ten minutes: nothing was changed, try again",
)
NO_FILE: Final = Words(
    "il file caricato non c'è più: caricarlo di nuovo",
    "the uploaded file is gone: upload it again",
)


@dataclass(frozen=True, slots=True)
class Helper:
    """One turn of the helper, on a box with this configuration; `run` is the desk's folder."""

    config: Path
    run: Path
    idle_s: float = IDLE_S

    def turn(self) -> Words:
        """Do what is to be done, and answer; nothing where nothing was. Raises as it fails."""
        asked = backup.restore_asking_take(
            self.run
        )  # first: systemd starts us while one lies there
        plan = restore.plan_path(state_folder(self.config).absolute())
        if asked is None and not plan.exists():
            return NOTHING
        try:
            kept = restore.finish(plan) if plan.exists() else self._put_back(asked)
        except (CentralinoError, OSError) as error:
            self._answer(asked, words_of(error), is_well=False)
            raise
        places = ", ".join(map(str, kept))
        said = Words(DONE.it.format(places), DONE.en.format(places))
        self._answer(asked, said, is_well=True)
        return said

    def _answer(self, asked: Asked | None, said: Words, *, is_well: bool) -> None:
        at = datetime.now(UTC).replace(microsecond=0)
        backup.restore_asking_tell(self.run, Went(at, is_well, said, asked.by if asked else ""))

    def _put_back(self, asked: Asked | None) -> tuple[Path, ...]:
        """Unpack and look while the box works; stop it for the renames alone."""
        assert asked is not None
        settings = load_settings(self.config)
        file = Path(settings.folders.console) / UPLOADED
        if not file.is_file() or file.is_symlink():
            raise Refused(NO_FILE.it, NO_FILE.en)
        beside = restore.workplace(state_folder(self.config).absolute())
        for left in beside.glob(f"{UNPACKED}*"):  # of a restore that was killed
            shutil.rmtree(left)
        with tempfile.TemporaryDirectory(prefix=UNPACKED, dir=beside) as folder:
            config = self.config.absolute()
            checked = restore.unpack(file, Path(folder), asked.passphrase, config)
            _check_places(checked, settings, config)
            self._wait_for_idle()
            _systemctl("stop", *UNITS)
            try:
                return self._exchange(checked, settings, file)
            finally:
                _systemctl("start", "--no-block", *UNITS)

    def _exchange(self, checked: Checked, settings: Settings, file: Path) -> tuple[Path, ...]:
        restore.check_idle(self.run)
        stamp = f"{datetime.now(ZoneInfo(checked.settings.site.zone)):%Y%m%d-%H%M%S-%f}"
        kept = restore.finish(restore.stage_backup(checked, stamp))
        console = Path(settings.folders.console)
        for path in (file, *console.glob(f"{SESSIONS}*")):
            path.unlink(missing_ok=True)
        return kept

    def _wait_for_idle(self) -> None:
        """Wait until nobody is on the phone; a desk that is not there has nobody."""
        until = time.monotonic() + self.idle_s
        while not self._is_idle():
            if time.monotonic() >= until:
                raise Refused(NEVER_IDLE.it, NEVER_IDLE.en)
            time.sleep(LOOKS_S)

    def _is_idle(self) -> bool:
        try:
            return bool(control_socket.ask(self.run / "desk.sock", {"ask": "restoring"})["idle"])
        except OfficeError:
            return not (self.run / "desk.sock").exists()


def _check_places(checked: Checked, settings: Settings, config: Path) -> None:
    """Raise Refused for a backup that would write elsewhere than this box has its things."""
    own = {piece.name: piece.path for piece in backup_pieces(settings, config)}
    are_own = all(own.get(piece.name) == piece.path for piece in checked.pieces)
    if not are_own or checked.settings.folders != settings.folders:
        raise Refused(ELSEWHERE.it, ELSEWHERE.en)


def _systemctl(*words: str) -> None:
    """Have systemd do it; raises OSError, Refused."""
    done = subprocess.run(
        ("systemctl", *words), capture_output=True, timeout=STOP_S, check=False, text=True
    )
    if done.returncode:
        why = " ".join(done.stderr.split())[:200]
        raise Refused(
            f"systemd non ha eseguito ({why}): vedere il giornale",
            f"systemd has not done it ({why}): see the journal",
        )
