"""`centralino backup` and `centralino restore`: all of the box in one sealed file, and back."""

from __future__ import annotations

import errno
import getpass
import os
import shutil
import tempfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import click

from appliance.commands.answering import answering, both_option
from appliance.commands.options import config_option, load_settings
from appliance.commands.secrets import ask_secret
from appliance.commands.shell import in_language
from appliance.errors import ConfigurationError
from appliance.policy.supervision import words_of
from appliance.policy.text import NOTHING, Refused, Words
from appliance.service.supervision import Asked

if TYPE_CHECKING:
    from appliance.commands.options import Command
    from appliance.service.backup import Written
    from appliance.service.restore import Checked

FILE = click.Path(path_type=Path, dir_okay=False)
OUTPUT = click.Path(path_type=Path, dir_okay=False, allow_dash=True)
STDOUT = Path("-")
PHRASE = "Passphrase"
NAME_ONE = Words(
    "indicare il FILE della copia, oppure senza FILE --nightly, --stick o --stick-asked --run",
    "name the backup's FILE, or --nightly, --stick, or --stick-asked --run without one",
)
NAME_RESTORED = Words(
    "indicare il FILE della copia, oppure senza FILE --nightly, --finish o --asked --run",
    "name the backup's FILE, or --nightly, --finish or --asked --run without one",
)
NO_TEXT = Words("non è un testo UTF-8", "it is not UTF-8 text")


def _passphrase_option(command: Command) -> Command:
    return click.option(
        "--passphrase-file",
        type=click.Path(path_type=Path, dir_okay=False, exists=True),
        help="Its first line is the passphrase; without it, it is asked for.",
    )(command)


@click.command()
@click.argument("file", type=OUTPUT, required=False)
@config_option
@_passphrase_option
@click.option("--nightly", is_flag=True, help="What the box does each night, now; without FILE.")
@click.option(
    "--stick",
    is_flag=True,
    help="Onto the backup stick, as root; the plugged one is set up where none is yet.",
)
@click.option("--stick-asked", is_flag=True, help="What the service asks for (systemd, root).")
@click.option("--run", type=click.Path(path_type=Path), help="Where it asks, with --stick-asked.")
@both_option
def backup(
    file: Path | None,
    config_path: Path,
    passphrase_file: Path | None,
    *,
    nightly: bool,
    stick: bool,
    stick_asked: bool,
    run: Path | None,
    as_json: bool,
) -> None:
    """Write records, messages, configuration, keys and prompts into FILE, sealed.

    FILE may be - for standard output, to fetch a backup over ssh; what is said goes to standard
    error then.
    """
    which = [file is not None, nightly, stick, stick_asked]
    if which.count(True) != 1 or stick_asked is not (run is not None):
        raise click.UsageError(in_language(NAME_ONE))
    if stick or run is not None:
        with answering(config_path, as_json=as_json) as say:
            _onto_stick(config_path, passphrase_file, run, say)
        return
    if file == STDOUT:
        _piped(config_path, passphrase_file, as_json=as_json)
        return
    with answering(config_path, as_json=as_json) as say:
        say(_nightly(config_path) if file is None else _backup(file, config_path, passphrase_file))


def _onto_stick(
    config: Path, passphrase_file: Path | None, run: Path | None, say: Callable[[Words], None]
) -> None:
    """Write onto the backup stick; by hand it is set up where none is yet."""
    from appliance.commands.backup_stick import Helper
    from appliance.service import backup as backup_stick

    if run is not None:
        if (said := Helper(config, run).turn()) != NOTHING:
            say(said)
        return
    folders = load_settings(config).folders
    helper = Helper(config, Path(folders.run))
    if backup_stick.load_stick(Path(folders.state)) is not None:
        say(helper.write())
        return
    phrase = _passphrase(passphrase_file, is_new=True)
    say(helper.set_up(Asked(getpass.getuser(), phrase)))


def _nightly(config_path: Path) -> Words:
    """Look through the records and copy them, on the card and away from it."""
    from appliance.service import backup as night_copies

    settings = load_settings(config_path)
    at = datetime.now(ZoneInfo(settings.site.zone)).replace(microsecond=0)
    try:
        night = night_copies.do(settings, config_path, at)
    except OSError as error:
        why = words_of(error)
        raise Refused(
            f"il lavoro della notte non è possibile: {why.it}",
            f"the night's work cannot be done: {why.en}",
        ) from error
    if not night.well:
        raise Refused(night.words.it, night.words.en)
    return night.words


def _piped(config_path: Path, passphrase_file: Path | None, *, as_json: bool) -> None:
    """Write the backup to standard output, and what is said of it to standard error."""
    from appliance.service import backup as writing
    from appliance.store.backup import checked_passphrase

    out = click.get_binary_stream("stdout")
    with answering(config_path, as_json=as_json, is_beside=True) as say:
        if out.isatty():
            raise Refused(
                "la copia non si scrive sullo schermo: mandarla in un file (… backup - > FILE)",
                "a backup is not written to a terminal: send it to a file (... backup - > FILE)",
            )
        settings = load_settings(config_path)
        passphrase = checked_passphrase(_passphrase(passphrase_file, is_new=True))
        at = datetime.now(ZoneInfo(settings.site.zone)).replace(microsecond=0)
        say(_written(STDOUT, writing.to_stream(settings, config_path, out, passphrase, at)))


def _backup(file: Path, config_path: Path, passphrase_file: Path | None) -> Words:
    from appliance.service import backup as writing
    from appliance.store.backup import checked_passphrase

    settings = load_settings(config_path)
    _check_writable(file)
    passphrase = checked_passphrase(_passphrase(passphrase_file, is_new=True))
    at = datetime.now(ZoneInfo(settings.site.zone)).replace(microsecond=0)
    return _written(file, writing.write_backup(settings, config_path, file, passphrase, at))


@click.command()
@click.argument("file", type=FILE, required=False)
@config_option
@_passphrase_option
@click.option("--nightly", metavar="DAY", help="The records of that night (2026-11-25), no FILE.")
@click.option("--check", is_flag=True, help="Only read the backup whole and say what it is.")
@click.option("--finish", is_flag=True, help="Go on with a restore that was interrupted.")
@click.option("--asked", is_flag=True, help="What was asked for in the browser (systemd, root).")
@click.option("--run", type=click.Path(path_type=Path), help="Where it is asked, with --asked.")
@both_option
def restore(
    file: Path | None,
    config_path: Path,
    passphrase_file: Path | None,
    *,
    nightly: str | None,
    check: bool,
    finish: bool,
    asked: bool,
    run: Path | None,
    as_json: bool,
) -> None:
    """Put the backup FILE in the place of what is on this box, which is kept beside it."""
    which = [file is not None, nightly is not None, finish, asked]
    if which.count(True) != 1 or asked is not (run is not None):
        raise click.UsageError(in_language(NAME_RESTORED))
    with answering(config_path, as_json=as_json) as say:
        try:
            if run is not None:
                _asked(config_path, run, say)
                return
            if nightly is not None:
                say(_restore_night(nightly, config_path, check=check))
            elif file is not None:
                _check_readable(file)
                say(_restore(file, config_path, _passphrase(passphrase_file), check=check))
            else:
                say(_finish(config_path))
        except OSError as error:
            why = words_of(error)
            raise Refused(
                f"il ripristino non è riuscito: {why.it}", f"the restore did not succeed: {why.en}"
            ) from error


def _check_readable(file: Path) -> None:
    """Raise OSError for what cannot be read, before a passphrase is asked for."""
    if not file.exists():
        raise FileNotFoundError(errno.ENOENT, "it is not there", str(file))
    if not os.access(file, os.R_OK):
        raise PermissionError(errno.EACCES, "it is closed", str(file))


def _check_writable(file: Path) -> None:
    """Raise Refused where a backup cannot be written, before a passphrase is asked for."""
    folder = file.absolute().parent
    if not folder.is_dir():
        raise Refused(
            f"la cartella {folder} non c'è: crearla, o indicarne un'altra",
            f"there is no folder {folder}: make it, or name another",
        )
    if not os.access(folder, os.W_OK):
        raise Refused(
            f"in {folder} non si può scrivere: usare sudo, o indicare un'altra cartella",
            f"{folder} cannot be written: use sudo, or name another folder",
        )


def _restore(file: Path, config: Path, passphrase: str, *, check: bool) -> Words:
    from appliance.config.last_good import state_folder
    from appliance.service import restore
    from appliance.service import restore as putting_back
    from appliance.service.backup import UNPACKED

    state = state_folder(config).absolute()
    putting_back.check_finished(state)
    # the service's own account, which only looks, may not write beside its folder
    beside = putting_back.workplace(state)
    if check and not os.access(beside, os.W_OK):
        beside = state
    for left in beside.glob(f"{UNPACKED}*"):  # of a restore that was killed
        shutil.rmtree(left)
    with tempfile.TemporaryDirectory(prefix=UNPACKED, dir=beside) as folder:
        checked = restore.unpack(file, Path(folder), passphrase, config.absolute())
        if check:
            return _about(checked)
        _check_idle(checked, config)
        stamp = f"{datetime.now(ZoneInfo(checked.settings.site.zone)):%Y%m%d-%H%M%S-%f}"
        plan = restore.stage_backup(checked, stamp)
    return _done(putting_back.finish(plan), config)


def _restore_night(day: str, config: Path, *, check: bool) -> Words:
    """Put the records of a night back from the copy on the card."""
    from appliance.service import restore as night_restore
    from appliance.service import restore as putting_back

    settings = load_settings(config)
    state = Path(settings.folders.state).absolute()
    putting_back.check_finished(state)
    copy = night_restore.copy_of(state, day)
    if check:
        return Words(
            f"La copia della notte del {day} è integra. Nulla è stato cambiato.",
            f"The copy of the night of {day} is whole. Nothing was changed.",
        )
    putting_back.check_idle(Path(settings.folders.run))
    stamp = f"{datetime.now(ZoneInfo(settings.site.zone)):%Y%m%d-%H%M%S-%f}"
    return _done(putting_back.finish(night_restore.stage_night_copy(state, copy, stamp)), config)


def _check_idle(checked: Checked, config: Path) -> None:
    """Refuse while the desk of either configuration runs: this box's, the backup's."""
    from appliance.service import restore as putting_back

    putting_back.check_finished(Path(checked.settings.folders.state))
    putting_back.check_idle(Path(checked.settings.folders.run))
    try:
        putting_back.check_idle(Path(load_settings(config).folders.run))
    except Refused:
        raise
    except ConfigurationError:
        pass  # a new box, or one whose configuration is what is to be put right


def _finish(config: Path) -> Words:
    from appliance.config.last_good import state_folder
    from appliance.service import restore as putting_back

    plan = putting_back.plan_path(state_folder(config).absolute())
    if not plan.exists():
        raise Refused("nessun ripristino è stato interrotto", "no restore was interrupted")
    return _done(putting_back.finish(plan), config)


def _asked(config: Path, run: Path, say: Callable[[Words], None]) -> None:
    """Do what was asked for in the browser; at a boot nothing was, and nothing is said."""
    from appliance.commands.restore_asked import Helper

    if (said := Helper(config, run).turn()) != NOTHING:
        say(said)


def _about(checked: Checked) -> Words:
    about = checked.about
    return Words(
        f"Copia integra: {about['site']}, {about['made']}, centralino {about['centralino']}, "
        f"{len(about['files'])} file. Nulla è stato cambiato.",
        f"The backup is whole: {about['site']}, {about['made']}, centralino "
        f"{about['centralino']}, {len(about['files'])} files. Nothing was changed.",
    )


def _done(kept: tuple[Path, ...], config: Path) -> Words:
    places, lacking = ", ".join(map(str, kept)), _lacking(config)
    return Words(
        "Ripristino concluso: avviare il centralino."
        + (f" Ciò che c'era prima è in {places}." if places else "")
        + lacking.it,
        "The backup is in place: start the switchboard."
        + (f" What stood before is in {places}." if places else "")
        + lacking.en,
    )


def _lacking(config: Path) -> Words:
    """Say which files the configuration names that the backup did not bring."""
    from appliance.service import backup as backup_places

    try:
        found = backup_places.missing(load_settings(config))
    except ConfigurationError:
        return NOTHING  # said by `check`, and at the start
    if not found:
        return NOTHING
    files = ", ".join(f"{piece.path} ({piece.key})" for piece in found)
    return Words(
        f" Mancano ancora, da copiare a mano: {files}.",
        f" Still missing, to be copied by hand: {files}.",
    )


def _written(file: Path, written: Written) -> Words:
    where = Words("sull'uscita standard", "to standard output")
    if file != STDOUT:
        where = Words(f"in {file}", f"into {file}")
    closed = ", ".join(written.closed)
    return Words(
        f"Copia di sicurezza scritta {where.it}: {written.files} file. Senza la frase segreta "
        "nessuno può leggerla."
        + (f" Non leggibili da questo utente, quindi non compresi: {closed}." if closed else ""),
        f"Backup written {where.en}: {written.files} files. Without the passphrase nobody can "
        "read it." + (f" Not readable by this user, and so left out: {closed}." if closed else ""),
    )


def _passphrase(file: Path | None, *, is_new: bool = False) -> str:
    return ask_secret(PHRASE, is_confirmed=is_new, err=True) if file is None else first_line(file)


def first_line(file: Path) -> str:
    """Read a secret, the first line of a file; raises Refused."""
    try:
        return (file.read_text(encoding="utf-8").splitlines() or [""])[0]
    except (OSError, UnicodeDecodeError) as error:
        why = NO_TEXT if isinstance(error, UnicodeDecodeError) else words_of(error)
        raise Refused(
            f"la frase segreta non si può leggere da {file}: {why.it}",
            f"the passphrase cannot be read from {file}: {why.en}",
        ) from error
