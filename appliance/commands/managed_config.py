"""`centralino settings`: make the head office's settings, show and apply them."""

from __future__ import annotations

import contextlib
import getpass
import hashlib
import http.client
import json
import ssl
import urllib.request
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.error import HTTPError
from zoneinfo import ZoneInfo

import click

from appliance.commands.answering import answering, both_option, lines_of
from appliance.commands.options import config_option, desk_socket, in_language
from appliance.config.state_folder import bundle_folder
from appliance.errors import CentralinoError, OfficeError
from appliance.files import PRIVATE, READABLE, atomic_write, load_text, make_shared
from appliance.managed_config.bundle import LARGEST
from appliance.policy import managed_config
from appliance.policy.text import Refused, Words, words_of
from appliance.policy.updates import check_server
from appliance.voicemail.storage import spare_bytes

if TYPE_CHECKING:
    from appliance.config.schema import Settings
    from appliance.managed_config.apply import ApplyStamp, JudgedBundle, ManagedBox


# Downloads over https. While the clock cannot be trusted a certificate's dates are not checked,
# only its name and authority: the downloaded file has its own signature.

FETCH_LIMIT_S: Final = 30.0
NO_CHECK_TIME: Final = 0x200000
"""X509_V_FLAG_NO_CHECK_TIME (openssl/x509_vfy.h), which Python's ssl does not define."""


def context_of(ca_file: str, key: str, *, checks_dates: bool) -> ssl.SSLContext:
    """Return the TLS context; `key` is the setting of `ca_file`. Raises Refused."""
    try:
        context = ssl.create_default_context(cafile=ca_file or None)
    except OSError as error:
        why = words_of(error)
        raise Refused(f"{key} non si legge: {why.it}", f"{key}: {why.en}") from error
    if not checks_dates:
        context.verify_flags |= NO_CHECK_TIME
    return context


def opener(context: ssl.SSLContext) -> urllib.request.OpenerDirector:
    """Return an opener for https only: no http and no file, not even after a redirect."""
    # Not `build_opener`: it adds handlers for http, ftp and files.
    made = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.HTTPSHandler(context=context),
        urllib.request.HTTPRedirectHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.UnknownHandler(),
    ):
        made.add_handler(handler)
    return made


def not_fetched(url: str, it: str, en: str) -> Refused:
    """Return the error for a URL that cannot be downloaded."""
    return Refused(f"{url} non si scarica: {it}", f"{url} cannot be fetched: {en}")


def unreached(url: str, error: Exception) -> Refused:
    """Return the error for a URL, with the system's or the library's reason."""
    reason = getattr(error, "reason", error)
    why = words_of(reason if isinstance(reason, Exception) else error)
    return not_fetched(url, why.it, why.en)


# The last bundle is kept: a server that replies "not modified" sends nothing, and a bundle that
# could not be used is checked again each time, as the obstacle on this box may be gone.

FETCHED: Final = "fetched"
SERVER: Final = "server.json"
# A server may send headers of any length, which are stored.
_LONGEST: Final = 500


@dataclass(frozen=True, slots=True)
class Known:
    """The last downloaded bundle, as described by the server."""

    address: str = ""
    etag: str = ""
    modified: str = ""
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Server:
    """The head office's server; `ca_file` "" for the system's authorities."""

    address: str
    ca_file: str = ""
    checks_dates: bool = True

    def bundle(self, state: Path) -> bytes:
        """Return the server's bundle, the kept one if unchanged; raises Refused."""
        check_server(self.address)
        known, kept = _kept(state, self.address)
        request = urllib.request.Request(self.address)  # noqa: S310 - see check_server, opener
        if known.etag:
            request.add_header("If-None-Match", known.etag)
        if known.modified:
            request.add_header("If-Modified-Since", known.modified)
        context = context_of(self.ca_file, "central.ca_file", checks_dates=self.checks_dates)
        try:
            with opener(context).open(request, timeout=FETCH_LIMIT_S) as answer:
                data = _read_answer(answer, self.address)
                _keep(state, self.address, answer.headers, data)
        except HTTPError as error:
            if error.code == http.client.NOT_MODIFIED and kept:
                return kept
            code = f"HTTP {error.code}"
            raise not_fetched(self.address, code, code) from error
        except (OSError, http.client.HTTPException) as error:
            raise unreached(self.address, error) from error
        return data


def _read_answer(answer: Any, address: str) -> bytes:
    """Read a whole response; raises Refused if it is interrupted or too long."""
    told = answer.headers.get("Content-Length", "")
    if told.isdecimal() and int(told) > LARGEST:
        raise _too_large(address)
    try:
        # One byte beyond the limit shows that there is more, whatever Content-Length says.
        data: bytes = answer.read(LARGEST + 1)
    except (ConnectionError, TimeoutError, http.client.HTTPException, ssl.SSLError) as error:
        raise not_fetched(address, "si è interrotto", "it broke off") from error
    if len(data) > LARGEST:
        raise _too_large(address)
    # `read` with a size returns the part of an interrupted response without an error.
    if told.isdecimal() and len(data) < int(told):
        raise not_fetched(address, "si è interrotto", "it broke off")
    return data


def _too_large(address: str) -> Exception:
    most = f"{LARGEST >> 20} MB"
    return not_fetched(address, f"più di {most}", f"more than {most}")


def _keep(state: Path, address: str, headers: Any, data: bytes) -> None:
    """Store the downloaded bundle; if that fails, the next time downloads it again."""
    etag, modified = headers.get("ETag", ""), headers.get("Last-Modified", "")
    digest = hashlib.sha256(data).hexdigest()
    known = Known(address, etag[:_LONGEST], modified[:_LONGEST], digest)
    with contextlib.suppress(OSError):
        make_shared(bundle_folder(state))
        atomic_write(bundle_folder(state) / FETCHED, data)
        atomic_write(bundle_folder(state) / SERVER, json.dumps(asdict(known)))


def _kept(state: Path, address: str) -> tuple[Known, bytes]:
    """Return the bundle last downloaded from this URL; b"" unless whole."""
    try:
        known = Known(**json.loads(load_text(bundle_folder(state) / SERVER)))
        data = (bundle_folder(state) / FETCHED).read_bytes()
    except (OSError, ValueError, TypeError):
        return Known(), b""
    # The digest shows that both files belong together: after a power cut between the two writes
    # they do not.
    is_it = known.address == address and known.digest == hashlib.sha256(data).hexdigest()
    return (known, data) if is_it else (Known(), b"")


KEY, CERTIFICATE = "key.pem", "certificate.pem"
FOLDER = click.Path(path_type=Path, file_okay=False)
FILE = click.Path(path_type=Path, dir_okay=False)


@click.command("key")
@click.argument("folder", type=FOLDER)
@click.option("--name", default="Centralino settings", help="Whose key it is.")
def make_key(folder: Path, name: str) -> None:
    """Make the head office's key in FOLDER: key.pem signs, certificate.pem goes to the boxes."""

    if (folder / KEY).exists() or (folder / CERTIFICATE).exists():
        raise Refused(
            f"in {folder} c'è già una chiave: indicare un'altra cartella",
            f"there is a key in {folder} already: name another folder",
        )
    from appliance.managed_config.bundle import make_key_pair

    secret, certificate = make_key_pair(name)
    folder.mkdir(parents=True, exist_ok=True)
    atomic_write(folder / KEY, secret, mode=PRIVATE)
    atomic_write(folder / CERTIFICATE, certificate, mode=READABLE)
    said = Words(
        f"{folder / KEY} firma e resta qui; {folder / CERTIFICATE} va su ogni apparecchio",
        f"{folder / KEY} signs and stays here; {folder / CERTIFICATE} goes to every box",
    )
    click.echo(in_language(said))


@click.command("pack")
@click.argument("folder", type=FOLDER)
@click.option("--key", "key_file", type=FILE, required=True, help="key.pem of the head office.")
@click.option("--version", type=click.IntRange(min=1), required=True, help="Counted up each time.")
@click.option("--site", "sites", multiple=True, help="For this branch alone (central.branch).")
@click.option("--passphrase-file", type=FILE, help="Its first line seals the register.")
@click.option("--to", type=FILE, required=True, help="The file to be written.")
def pack_settings(
    folder: Path,
    key_file: Path,
    version: int,
    sites: tuple[str, ...],
    passphrase_file: Path | None,
    to: Path,
) -> None:
    """Make one signed file of FOLDER: schedule.toml, register.toml, sheets/, prompts/it/."""
    from appliance.managed_config import bundle

    files = bundle.read_folder(folder)
    found = bundle.content_of(files)
    if bundle.PLAIN_REGISTER in files and passphrase_file is None:
        raise Refused(
            "la rubrica contiene numeri riservati: indicare --passphrase-file, che la sigilla",
            "the register holds undisclosed numbers: name --passphrase-file, which seals it",
        )
    phrase = _first_line(passphrase_file) if passphrase_file else ""
    secret = key_file.read_bytes()
    made = bundle.SettingsBundle(version, sites, bundle.seal_register(files, phrase))
    data = bundle.pack_bundle(made, lambda signed: bundle.sign_bundle(secret, signed))
    atomic_write(to, data, mode=READABLE)
    whom = ", ".join(sites) or "every branch"
    click.echo(
        f"{to}: version {version} for {whom}, {len(data)} bytes: {len(found.sheets)} sheets, "
        f"{len(found.register.units)} offices, {len(found.register.entered())} entries, "
        f"{len(found.prompts)} announcements"
    )


def _first_line(file: Path) -> str:
    return file.read_text(encoding="utf-8").partition("\n")[0].strip()


BOX = "box"


@click.group()
def settings() -> None:
    """The head office's settings: one signed file for all branches."""


settings.add_command(make_key)
settings.add_command(pack_settings)


@settings.command()
@click.argument("file", type=FILE)
@config_option
@both_option
def show(file: Path, config_path: Path, *, as_json: bool) -> None:
    """Verify FILE and say what it would change here; nothing is changed."""
    with answering(config_path, as_json=as_json) as say:
        here = _Here.at(config_path)
        say(managed_config.bundle_words(here.judged(_read_bundle(file))))


@settings.command("apply")
@click.argument("file", type=FILE)
@click.option("--by", default="", help="Whom the list of changes names, instead of the shell.")
@config_option
@both_option
def apply_(file: Path, by: str, config_path: Path, *, as_json: bool) -> None:
    """Verify FILE and put it in force, whole or not at all; calls that are on go on."""
    with answering(config_path, as_json=as_json) as say:
        here = _Here.at(config_path)
        say(here.brought(_read_bundle(file), by or _shell(), file.name))


@settings.command()
@click.option("--by", default="", help="Whom the list of changes names, instead of the shell.")
@config_option
@both_option
def revert(by: str, config_path: Path, *, as_json: bool) -> None:
    """Go back to the settings that were in force before; what was declared stays declared."""
    with answering(config_path, as_json=as_json) as say:
        say(_Here.at(config_path).reverted(by or _shell()))


@settings.command()
@config_option
@both_option
def fetch(config_path: Path, *, as_json: bool) -> None:
    """Look at the head office's server, and put in force what is newer there."""
    from appliance.service import managed_config as central_said
    from appliance.service.managed_config import FetchOutcome as Outcome
    from appliance.service.managed_config import FetchResult as Said

    with answering(config_path, as_json=as_json) as say:
        here = _Here.at(config_path)
        outcome, found, failed = here.fetched()
        if here.settings.central.server:
            at = datetime.now(UTC)
            central_said.keep(here.place.state, Said(at, Outcome(outcome), found))
        if failed is not None:
            raise failed
        say(found)


@settings.command()
@config_option
@both_option
def status(config_path: Path, *, as_json: bool) -> None:
    """Say which version is in force, since when, from where, and what came of the last look."""
    from appliance.service import managed_config as central_said
    from appliance.store import managed_config as records

    with answering(config_path, as_json=as_json) as say:
        here = _Here.at(config_path)
        with here.place.reading() as connection:
            now = records.in_force(connection)
        said = central_said.load_central_said(here.place.state)
        zone = ZoneInfo(here.settings.site.zone)
        last = [managed_config.last_look_words(said.at, said.words, zone)] if said else []
        held = (now.version, now.at, now.by, now.source_shown) if now else None
        say(lines_of([managed_config.in_force_words(held, zone), *last]))


@dataclass(frozen=True, slots=True)
class _Here:
    """This box with its own configuration."""

    settings: Settings
    place: ManagedBox

    @classmethod
    def at(cls, config_path: Path) -> _Here:
        """Read the configuration; raises BadConfiguration."""
        from appliance.config import read as config
        from appliance.managed_config.apply import ManagedBox

        own = config.load_own(config_path)
        return cls(own, ManagedBox(own, datetime.now(UTC).year))

    def judged(self, data: bytes) -> JudgedBundle:
        """Check a bundle; raises Refused, BadConfiguration."""
        from appliance.managed_config import apply

        return apply.judge_bundle(self.place, data)

    def brought(self, data: bytes, by: str, source: str) -> Words:
        """Check and apply a bundle; a refusal is noted with user and reason, and raised."""
        from appliance.managed_config.apply import refusals_noted

        with refusals_noted(self.place, data, self._stamp(by, source)):
            return self.applied(self.judged(data), by, source)

    def applied(self, given: JudgedBundle, by: str, source: str) -> Words:
        """Apply a bundle unless it is in force; raises Refused, OSError."""

        if given.is_so_already:
            return managed_config.in_force_already_words(given.version)
        self._check_room(given)
        from appliance.managed_config.apply import apply_bundle

        changes = apply_bundle(self.place, given, self._stamp(by, source))
        is_told = self._tell_desk(schedule=changes.schedule)
        return managed_config.applied_words(given.version, changes.words, is_told)

    def reverted(self, by: str) -> Words:
        """Revert to the former bundle; raises Refused, OSError."""
        from appliance.managed_config.apply import revert_bundle
        from appliance.store import managed_config as records

        version, changes = revert_bundle(self.place, self._stamp(by, records.REVERT))
        is_told = self._tell_desk(schedule=changes.schedule)
        return managed_config.reverted_words(version, changes.words, is_told)

    def fetched(self) -> tuple[str, Words, Exception | None]:
        """Finish an interrupted application, ask the server, apply a newer bundle.

        Returns the outcome, its sentence, and the error to raise, None for none.
        """
        from appliance.managed_config import apply
        from appliance.managed_config.apply import refusals_noted
        from appliance.store import managed_config as records

        with apply.bundles_locked(self.place.state):
            apply.finish_interrupted(self.place)
        central = self.settings.central
        if not central.server:
            return "good", managed_config.NO_SERVER, None
        try:
            server = Server(central.server, central.ca_file, checks_dates=self._has_time())
            data = server.bundle(self.place.state)
        except (CentralinoError, OSError) as error:
            return "unreached", words_of(error), error
        try:
            with refusals_noted(self.place, data, self._stamp(BOX, central.server)):
                given = self.judged(data)
                with self.place.reading() as connection:
                    highest = records.highest(connection)
                # What people have reverted is not applied again by itself.
                if given.version == highest and not given.is_so_already and _was_left(self.place):
                    return "good", managed_config.taken_back_words(given.version), None
                return "good", self.applied(given, BOX, central.server), None
        except (CentralinoError, OSError) as error:
            return "refused", words_of(error), error

    def _stamp(self, by: str, source: str) -> ApplyStamp:
        from appliance.managed_config.apply import ApplyStamp

        return ApplyStamp(by, datetime.now(UTC).replace(microsecond=0), source)

    def _check_room(self, given: JudgedBundle) -> None:
        """Raise Refused if too little space would be left for messages."""
        # Messages come first.
        if spare_bytes(self.place.state) < 3 * len(given.data):
            raise Refused(
                "sul disco non c'è abbastanza spazio libero: i messaggi vengono prima",
                "there is not enough free space on the disk: messages come first",
            )

    def _tell_desk(self, *, schedule: bool) -> bool:
        """Have a running service load the new settings; return whether one runs."""
        from appliance.api import protocol as door

        with contextlib.suppress(OfficeError):
            question = {"ask": "central_changed", "schedule": schedule}
            door.ask(desk_socket(self.settings), question, limit=30.0)
            return True
        return False

    def _has_time(self) -> bool:
        """True if call control trusts its clock, or does not run."""
        from appliance.api import protocol as door

        with contextlib.suppress(OfficeError, LookupError, TypeError):
            answer = door.ask(desk_socket(self.settings), {"ask": "status"})
            return bool(answer["status"]["health"]["clock_trusted"])
        return True


def _was_left(place: ManagedBox) -> bool:
    """True if people have reverted from the highest version so far."""
    from appliance.store import managed_config as records

    with place.reading() as connection:
        now = records.in_force(connection)
        return now is not None and now.version < records.highest(connection)


def _read_bundle(file: Path) -> bytes:
    """Read a bundle's file, at most one byte beyond the limit; raises OSError."""
    from appliance.managed_config.bundle import LARGEST

    with file.open("rb") as opened:
        return opened.read(LARGEST + 1)


def _shell() -> str:
    from appliance.store.users import SHELL

    return f"{SHELL}{getpass.getuser()}"
