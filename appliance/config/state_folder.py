"""Layout of the state folder: records, secrets, announcements, the head office's settings."""

from __future__ import annotations

import logging
import re
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Final

from appliance.files import make_private, move_leaving_a_link
from appliance.prompts import Catalogue
from appliance.store import directory
from appliance.store.directory import secret_place as secret_place
from appliance.text import Words, _

if TYPE_CHECKING:
    from collections.abc import Iterator

    from appliance.config.schema import Settings

log = logging.getLogger(__name__)
FOLDER: Final = "central"
IN_FORCE: Final = "in_force"
PENDING: Final = "pending"
SCHEDULE: Final = "schedule.toml"
UPDATES: Final = "updates.toml"
BACKUPS: Final = "backups.toml"
PROMPTS: Final = "prompts"
DIGEST: Final = re.compile(r"[0-9a-f]{64}")


def bundle_folder(state: Path) -> Path:
    """Return the folder of the head office's bundles."""
    return state / FOLDER


def digest_in_force(state: Path) -> str:
    """Return the digest of the bundle in force, "" for none; raises OSError."""
    try:
        named = (
            (bundle_folder(state) / IN_FORCE).read_text(encoding="ascii", errors="replace").strip()
        )
    except FileNotFoundError:
        return ""
    return named if DIGEST.fullmatch(named) else ""


def in_force(state: Path) -> Path | None:
    """Return the folder of the bundle in force, None for none; read errors are logged.

    An account that may not read the state folder gets None.
    """
    try:
        digest = digest_in_force(state)
        folder = bundle_folder(state) / digest
        if not digest:
            return None
        if folder.is_dir():
            return folder
    except OSError as error:
        log.warning("the central settings cannot be read: %s", error)
        return None
    log.error("the central settings in force are not there (%s): apply them again", folder)
    return None


def schedule_in_force(state: Path) -> str:
    """Return the text of the head office's schedule in force, "" for none."""
    try:
        return _text_in_force(state, SCHEDULE)
    except (OSError, UnicodeDecodeError) as error:
        log.error("the central schedule cannot be read (%s): apply it again", error)
        return ""


def updates_in_force(state: Path) -> str:
    """Return the text of the head office's rollout in force, "" for none; raises OSError."""
    # Damage shows as a mistake of the file: nothing is taken for allowed that is not.
    return _text_in_force(state, UPDATES, errors="replace")


def backups_in_force(state: Path) -> str:
    """Return the text of the head office's backup target in force, "" for none."""
    try:
        return _text_in_force(state, BACKUPS)
    except (OSError, UnicodeDecodeError) as error:
        log.error("the central backup target cannot be read (%s): apply it again", error)
        return ""


def _text_in_force(state: Path, name: str, errors: str = "strict") -> str:
    folder = in_force(state)
    try:
        return (folder / name).read_text(encoding="utf-8", errors=errors) if folder else ""
    except FileNotFoundError:
        return ""


def prompts_in_force(state: Path) -> Path | None:
    """Return the folder of the head office's announcements in force, None for none."""
    folder = in_force(state)
    return folder / PROMPTS if folder else None


SECRETS: Final = directory.SECRETS
PHONES: Final = "phone_secrets.json"
FORMER_PHONES: Final = "phone_secrets_former.json"
HANDSETS: Final = "handsets.json"
PIN: Final = "voicemail_pin.json"
MAIL, MQTT, CENTRAL = "mail_password", "mqtt_password", "central_passphrase"
LEFT: Final = (directory.KEY, PHONES, HANDSETS, PIN, MAIL, MQTT, CENTRAL)
"""Files that older versions kept in the state folder itself."""


def settle_secrets(state: Path) -> None:
    """Move the secrets of an older version into the folder SECRETS; errors are logged."""
    # A link stays in each one's place, for the older version, should an update be taken back. What
    # cannot be moved is found where it is (secret_place): a read-only card keeps no phone out.
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


def speech_folder(state: Path) -> Path:
    """Return the folder of the spoken sounds."""
    return state / "spoken"


def drafts_of(state: Path) -> Path:
    """Return the folder of announcements' drafts, which no caller hears."""
    return state / "drafts"


def announcements_of(settings: Settings) -> tuple[Path, ...]:
    """Return the folders with precedence over our recordings: the office's, the one filled by
    commands, the head office's. The first that has an announcement is used.
    """
    state = Path(settings.folders.state)
    central = prompts_in_force(state) if settings.central.certificate else None
    return (*own_announcements_of(settings), *((central,) if central else ()))


def own_announcements_of(settings: Settings) -> tuple[Path, ...]:
    """Return this office's own folders: the configured one and the one filled by commands."""
    own = (Path(settings.folders.prompts),) if settings.folders.prompts else ()
    return (*own, speech_folder(Path(settings.folders.state)))


def path_of(folder: Path, language: str, key: str) -> Path:
    """Return the path of an announcement in a folder."""
    return folder / language / f"{key}.wav"


def missing_greetings(settings: Settings) -> Iterator[Words]:
    """Yield a notice for each language that a greeting is missing in, not in all of them."""
    # No mistake: callers hear it in another language, and a box that stood for years with it in
    # Italian alone must not start without its lines after an update.
    for place, greeting, missing in greetings_missing(settings, announcements_of(settings)):
        if len(missing) < len(settings.site.languages):
            for language in missing:
                yield _(
                    "{place}: {greeting!r} is missing in the language {language}, callers hear it "
                    "in another one: put {language}/{greeting}.wav into folders.prompts, or let "
                    "the box say it: "
                    "centralino office prompts say {greeting} TEXT --language {language}",
                    place=place,
                    greeting=greeting,
                    language=language,
                )


def greetings_missing(
    settings: Settings, folders: tuple[Path, ...]
) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Yield key, greeting and the languages that have no recording of it."""
    written = [(f"closures.{n}", c.greeting) for n, c in enumerate(settings.closures, 1)]
    written += [(f"periods.{n}", p.greeting) for n, p in enumerate(settings.periods, 1)]
    if not any(greeting for _place, greeting in written):
        return
    catalogue = Catalogue(*folders)
    known = {language: catalogue.keys(language) for language in settings.site.languages}
    for place, greeting in written:
        missing = tuple(each for each, keys in known.items() if greeting not in keys)
        if greeting and missing:
            yield f"{place}.greeting", greeting, missing
