"""`centralino backup` and `centralino restore`: all of the box in one sealed file, and back."""

from __future__ import annotations

import os
import shutil
import tempfile
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import click

from appliance.commands.options import config_option, in_house, load_settings
from appliance.errors import ConfigurationError, TechnicianError
from appliance.policy.refused import Refused
from appliance.policy.words import Words

if TYPE_CHECKING:
    from appliance.commands.options import Command
    from appliance.daemon.restore import Checked

FILE = click.Path(path_type=Path, dir_okay=False)
PHRASE = "Passphrase"


def _passphrase_option(command: Command) -> Command:
    return click.option(
        "--passphrase-file",
        type=click.Path(path_type=Path, dir_okay=False, exists=True),
        help="Its first line is the passphrase; without it, it is asked for.",
    )(command)


@click.command()
@click.argument("file", type=FILE, required=False)
@config_option
@_passphrase_option
@click.option("--nightly", is_flag=True, help="What the box does each night, now; without FILE.")
def backup(
    file: Path | None, config_path: Path, passphrase_file: Path | None, *, nightly: bool
) -> None:
    """Write records, messages, configuration, keys and prompts into FILE, sealed."""
    if (file is None) != nightly:
        raise click.UsageError("name the backup's FILE, or --nightly without one")
    if file is None:
        _nightly(config_path)
    else:
        _backup(file, config_path, passphrase_file)


def _nightly(config_path: Path) -> None:
    """Look through the records and copy them, on the card and away from it."""
    from appliance.daemon import night_copies

    settings = load_settings(config_path)
    at = datetime.now(ZoneInfo(settings.site.zone)).replace(microsecond=0)
    try:
        night = night_copies.do(settings, config_path, at)
    except OSError as error:
        raise TechnicianError(f"the night's work cannot be done: {error}") from error
    said = in_house(settings, night.words)
    if not night.well:
        raise TechnicianError(said)
    click.echo(said)


def _backup(file: Path, config_path: Path, passphrase_file: Path | None) -> None:
    from appliance.daemon import backup as writing
    from appliance.records.sealed_stream import checked_passphrase

    settings = load_settings(config_path)
    try:
        passphrase = checked_passphrase(_passphrase(passphrase_file, is_new=True))
        at = datetime.now(ZoneInfo(settings.site.zone)).replace(microsecond=0)
        count = writing.write(settings, config_path, file, passphrase, at)
    except Refused as refused:
        raise _said(refused, config_path) from refused
    words = Words(
        f"Copia di sicurezza scritta in {file}: {count} file. Senza la frase segreta nessuno può "
        "leggerla.",
        f"Backup written into {file}: {count} files. Without the passphrase nobody can read it.",
    )
    click.echo(in_house(settings, words))


@click.command()
@click.argument("file", type=FILE, required=False)
@config_option
@_passphrase_option
@click.option("--check", is_flag=True, help="Only read the backup whole and say what it is.")
@click.option("--finish", is_flag=True, help="Go on with a restore that was interrupted.")
def restore(
    file: Path | None,
    config_path: Path,
    passphrase_file: Path | None,
    *,
    check: bool,
    finish: bool,
) -> None:
    """Put the backup FILE in the place of what is on this box, which is kept beside it."""
    if (file is None) != finish:
        raise click.UsageError("name the backup's FILE, or --finish without one")
    try:
        words = (
            _finish(config_path)
            if file is None
            else _restore(file, config_path, _passphrase(passphrase_file), check=check)
        )
    except Refused as refused:
        raise _said(refused, config_path) from refused
    except OSError as error:
        raise _said(_failed(error), config_path) from error
    click.echo(_in_words(words, config_path))


def _restore(file: Path, config: Path, passphrase: str, *, check: bool) -> Words:
    from appliance.daemon import putting_back, restore
    from appliance.daemon.backup_places import UNPACKED
    from appliance.daemon.last_good import state_folder

    state = state_folder(config).absolute()
    putting_back.check_finished(state)
    # the service's own account, which only looks, may not write beside its folder
    beside = state if check and not os.access(state.parent, os.W_OK) else state.parent
    for left in beside.glob(f"{UNPACKED}*"):  # of a restore that was killed
        shutil.rmtree(left)
    with tempfile.TemporaryDirectory(prefix=UNPACKED, dir=beside) as folder:
        checked = restore.unpack(file, Path(folder), passphrase, config.absolute())
        if check:
            return _about(checked)
        _check_idle(checked, config)
        stamp = f"{datetime.now(ZoneInfo(checked.settings.site.zone)):%Y%m%d-%H%M%S-%f}"
        plan = restore.stage(checked, stamp)
    return _done(putting_back.finish(plan))


def _check_idle(checked: Checked, config: Path) -> None:
    """Refuse while the desk of either configuration runs: this box's, the backup's."""
    from appliance.daemon import putting_back

    putting_back.check_finished(Path(checked.settings.folders.state))
    putting_back.check_idle(Path(checked.settings.folders.run))
    try:
        putting_back.check_idle(Path(load_settings(config).folders.run))
    except Refused:
        raise
    except ConfigurationError:
        pass  # a new box, or one whose configuration is what is to be put right


def _finish(config: Path) -> Words:
    from appliance.daemon import putting_back
    from appliance.daemon.last_good import state_folder

    plan = putting_back.plan_path(state_folder(config).absolute())
    if not plan.exists():
        raise Refused("nessun ripristino è stato interrotto", "no restore was interrupted")
    return _done(putting_back.finish(plan))


def _about(checked: Checked) -> Words:
    about = checked.about
    return Words(
        f"Copia integra: {about['site']}, {about['made']}, centralino {about['centralino']}, "
        f"{len(about['files'])} file. Nulla è stato cambiato.",
        f"The backup is whole: {about['site']}, {about['made']}, centralino "
        f"{about['centralino']}, {len(about['files'])} files. Nothing was changed.",
    )


def _done(kept: tuple[Path, ...]) -> Words:
    places = ", ".join(map(str, kept))
    return Words(
        "Ripristino concluso: avviare il centralino."
        + (f" Ciò che c'era prima è in {places}." if places else ""),
        "The backup is in place: start the switchboard."
        + (f" What stood before is in {places}." if places else ""),
    )


def _passphrase(file: Path | None, *, is_new: bool = False) -> str:
    if file is None:
        asked: str = click.prompt(PHRASE, hide_input=True, confirmation_prompt=is_new)
        return asked
    try:
        return (file.read_text(encoding="utf-8").splitlines() or [""])[0]
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(
            f"la frase segreta non si può leggere da {file}: {error}",
            f"the passphrase cannot be read from {file}: {error}",
        ) from error


def _failed(error: OSError) -> Refused:
    return Refused(
        f"il ripristino non è riuscito: {error}", f"the restore did not succeed: {error}"
    )


def _said(refused: Refused, config: Path) -> TechnicianError:
    return TechnicianError(_in_words(refused.words, config))


def _in_words(words: Words, config: Path) -> str:
    """Say it in the language of the house; in both where no configuration tells which that is."""
    try:
        return in_house(load_settings(config), words)
    except ConfigurationError:
        return f"{words.it}\n{words.en}"
