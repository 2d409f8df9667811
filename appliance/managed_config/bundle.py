"""The bundle: one signed file with the head office's settings, and its content as values."""

from __future__ import annotations

import io
import json
import re
import zipfile
import zlib
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.x509.oid import NameOID

from appliance.api.speech import OURS
from appliance.config import directory_file, sheet_file
from appliance.config.backups_file import BackupsFile, checked_backups
from appliance.config.read import NOT_UTF8, structure
from appliance.config.rollout_file import parse_rollout
from appliance.config.schema import ManagedSchedule
from appliance.config.state_folder import BACKUPS, SCHEDULE, UPDATES
from appliance.config.values import BadConfiguration, Mistake, reason_of
from appliance.dsp import g711, wav
from appliance.dsp.wav import SAMPLE_RATE, Law
from appliance.policy.directory import Directory, stamps_with_place
from appliance.policy.text import Refused
from appliance.store.age import AgeWriter, checked_passphrase
from appliance.store.backup import SealedReader
from appliance.text import Words, _

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from appliance.policy.sheets import Sheet


# Signatures of the head office: Ed25519 (RFC 8032) with the key of a configured certificate. No
# chain and no dates are checked: the box's technician has named exactly who may sign, and a wrong
# clock changes nothing. So neither CMS nor openssl as a child process is needed, and only 64 bytes
# are read before the signature is verified. cryptography is imported ONLY here, in the vault and in
# the console's certificates.

SIGNATURE_BYTES: Final = 64
_DAYS: Final = 30 * 365
_EARLIER: Final = timedelta(days=1)


def make_key_pair(name: str) -> tuple[bytes, bytes]:
    """Generate a key and its certificate, both PEM; the key stays at the head office."""
    key = Ed25519PrivateKey.generate()
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _EARLIER)
        .not_valid_after(now + timedelta(days=_DAYS))
        .sign(key, None)
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return secret, certificate.public_bytes(serialization.Encoding.PEM)


def sign_bundle(key: bytes, data: bytes) -> bytes:
    """Return the signature of `data` by a key in PEM; raises Refused."""
    try:
        found = serialization.load_pem_private_key(key, None)
    except (ValueError, TypeError) as error:
        raise _no_key() from error
    # PEM holds keys of other kinds, too.
    if not isinstance(found, Ed25519PrivateKey):
        raise _no_key()
    return found.sign(data)


def check_signature(certificates: bytes, signature: bytes, data: bytes) -> None:
    """Raise Refused unless one of the certificates' keys has signed `data`."""
    # While the head office changes its key, the file holds the old and the new certificate.
    try:
        keys = [each.public_key() for each in x509.load_pem_x509_certificates(certificates)]
    except ValueError as error:
        raise _no_certificate() from error
    # Certificates with keys of other kinds are ignored.
    known = [key for key in keys if isinstance(key, Ed25519PublicKey)]
    if not known:
        raise _no_certificate()
    if not any(_is_by(key, signature, data) for key in known):
        raise Refused(
            _(
                "the signature is not the head office's (central.certificate), or the file "
                "is damaged"
            ),
        )


def _is_by(key: Ed25519PublicKey, signature: bytes, data: bytes) -> bool:
    try:
        key.verify(signature, data)
    except InvalidSignature:
        return False
    return True


def _no_key() -> Refused:
    return Refused(
        _(
            "the key is not Ed25519 in PEM without a password: make one by "
            "`centralino box settings key`"
        ),
    )


def _no_certificate() -> Refused:
    return Refused(
        _(
            "central.certificate holds no Ed25519 certificate in PEM: copy there "
            "certificate.pem of `centralino box settings key`"
        ),
    )


# The file: a line, a signature over everything after it, and a ZIP with a manifest.
#
#     the line centralino-settings-1 | 64 bytes | ZIP: manifest.json, schedule.toml, updates.toml,
#                    backups.toml, register.sealed, sheets/CODE.md, prompts/it/KEY.wav
#
# Nothing after the signature is parsed before the signature is verified. The contents are bounded
# all the same, in number, name and size: they are read into memory, and never unpacked under a name
# from the file.

MAGIC: Final = b"centralino-settings-1\n"
HEAD: Final = len(MAGIC) + SIGNATURE_BYTES
LARGEST: Final = 32 * 1024 * 1024
"""Bytes of the file, and of its unpacked contents together."""
MOST_FILES: Final = 2000
MANIFEST: Final = "manifest.json"
REGISTER: Final = "register.sealed"
SMALL_FILE: Final = 1_000_000
_KINDS: Final = (
    (re.compile(r"manifest\.json|(?:schedule|updates|backups)\.toml"), SMALL_FILE),
    (re.compile(r"register\.sealed"), 4 * SMALL_FILE),
    (re.compile(r"sheets/[a-z0-9][a-z0-9_-]{0,63}\.md"), SMALL_FILE),
    (re.compile(r"prompts/(?:it|en)/[a-z0-9_]{1,64}\.wav"), 4 * SMALL_FILE),
)
_SITE: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
# The earliest time that a ZIP can hold: the same contents give the same bytes each time.
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
_BAD_ZIP: Final = (
    zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError, ValueError,
    LookupError, TypeError, OSError, OverflowError,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class SettingsBundle:
    """Contents of a bundle: version (1, 2, ...), the branches it is for (() for all), files."""

    version: int
    sites: tuple[str, ...] = ()
    files: Mapping[str, bytes] = field(default_factory=dict)


def pack_bundle(bundle: SettingsBundle, sign: Callable[[bytes], bytes]) -> bytes:
    """Return a bundle, the same bytes each time; raises Refused if no box would accept it."""
    _check_bundle(bundle)
    if found := [
        name for name, data in bundle.files.items() if not 0 < len(data) <= size_limit(name)
    ]:
        raise _unusable(_("{found}: empty, or too large", found=found[0]))
    manifest = {"version": bundle.version, "sites": list(bundle.sites)}
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        _add_file(archive, MANIFEST, json.dumps(manifest).encode())
        for name, data in sorted(bundle.files.items()):
            _add_file(archive, name, data)
    if HEAD + len(made.getvalue()) > LARGEST or _size_of(bundle) > LARGEST:
        raise _too_large()
    return MAGIC + sign(made.getvalue()) + made.getvalue()


def unpack_bundle(data: bytes, check: Callable[[bytes, bytes], None]) -> SettingsBundle:
    """Read a bundle; `check` gets signature and signed bytes, and raises. Raises Refused."""
    if len(data) > LARGEST:
        raise _too_large()
    if len(data) <= HEAD or not data.startswith(MAGIC):
        raise _unusable(_("no file of `settings pack`"))
    check(data[len(MAGIC) : HEAD], data[HEAD:])
    try:
        with zipfile.ZipFile(io.BytesIO(data[HEAD:])) as archive:
            files = _files(archive)
        bundle = _described(json.loads(files.pop(MANIFEST)), files)
    except Refused:
        raise
    except _BAD_ZIP as error:
        raise _unusable(_("its contents cannot be read ({error})", error=error)) from error
    _check_bundle(bundle)
    return bundle


def size_limit(name: str) -> int:
    """Return the most bytes of a file in the bundle, 0 for a name that is not allowed."""
    return next((most for shape, most in _KINDS if shape.fullmatch(name)), 0)


def _files(archive: zipfile.ZipFile) -> dict[str, bytes]:
    listed, left = archive.infolist(), LARGEST
    if len(listed) > MOST_FILES:
        raise _too_large()
    files: dict[str, bytes] = {}
    for info in listed:
        name, most = info.filename, min(size_limit(info.filename), left)
        if not size_limit(name) or name in files:
            raise _unusable(_("{name!r} may not be in it", name=name[:80]))
        # The size in the ZIP's directory may lie: never unpack more than one byte beyond the limit.
        with archive.open(info) as file:
            files[name] = file.read(most + 1)
        left -= len(files[name])
        if len(files[name]) > most:
            raise _too_large()
    return files


def _described(told: Any, files: dict[str, bytes]) -> SettingsBundle:
    sites = told["sites"]
    # `type`, as isinstance would take true for a number.
    if type(told["version"]) is not int or not isinstance(sites, list):
        raise TypeError("the manifest's version and sites")
    return SettingsBundle(told["version"], tuple(map(str, sites)), files)


def _check_bundle(bundle: SettingsBundle) -> None:
    """Raise Refused for a version, branch or file name that is not allowed."""
    if not 0 < bundle.version < 1 << 53:
        raise _unusable(_("versions are counted from 1"))
    if wrong := [site for site in bundle.sites if not _SITE.fullmatch(site)]:
        raise _unusable(
            _(
                "{site!r} is no branch's name: small letters, figures, hyphens",
                site=wrong[0][:80],
            ),
        )
    if wrong := [name for name in bundle.files if not size_limit(name) or name == MANIFEST]:
        raise _unusable(_("{name!r} may not be in it", name=wrong[0][:80]))


def _add_file(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    info = zipfile.ZipInfo(name, _EPOCH)
    info.compress_type = zipfile.ZIP_DEFLATED
    archive.writestr(info, data)


def _size_of(bundle: SettingsBundle) -> int:
    return sum(map(len, bundle.files.values()))


def _unusable(why: Words) -> Refused:
    return Refused(_("the central settings cannot be used: {why}", why=why))


def _too_large() -> Refused:
    most = f"{LARGEST >> 20} MB"
    return _unusable(_("too large, at most {most}", most=most))


# A bundle's content as values, read at the head office before signing and on each box. The
# directory in it is always sealed with the passphrase that head office and boxes share: undisclosed
# numbers (P7) lie on no web server and in no mail in clear.

PLAIN_DIRECTORY: Final = "register.toml"
SETTINGS_NAME: Final = "central settings"
# The media gateway keeps them in memory.
MOST_SOUND_S: Final = 240
"""Seconds of all announcements together."""
_BESIDE: Final = ("sheets/*.md", "prompts/*/*.wav")


@dataclass(frozen=True, slots=True)
class BundleContent:
    """Content of a bundle; `prompts` are WAV files by their names in it."""

    schedule_text: str = ""
    schedule: ManagedSchedule = ManagedSchedule()
    updates_text: str = ""
    backups_text: str = ""
    directory: Directory = Directory()
    sheets: tuple[Sheet, ...] = ()
    prompts: Mapping[str, bytes] = field(default_factory=dict)


def read_folder(folder: Path) -> dict[str, bytes]:
    """Read a bundle's source files; raises Refused for a name that is not allowed in it."""
    alone = (folder / name for name in (SCHEDULE, UPDATES, BACKUPS, PLAIN_DIRECTORY))
    found = [path for path in alone if path.exists()]
    found += sorted(path for shape in _BESIDE for path in folder.glob(shape))
    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}
    if wrong := [name for name in files if name != PLAIN_DIRECTORY and not size_limit(name)]:
        raise Refused(
            _(
                "{wrong}: such a name may not be in it; sheets/imu-2026.md, prompts/it/hello.wav",
                wrong=wrong[0],
            ),
        )
    if not files:
        raise Refused(
            _(
                "there is nothing in {folder}: {schedule}, {updates}, {backups}, "
                "{plain_register}, sheets/, prompts/it/",
                folder=folder,
                schedule=SCHEDULE,
                updates=UPDATES,
                backups=BACKUPS,
                plain_register=PLAIN_DIRECTORY,
            ),
        )
    return files


def seal_directory(files: Mapping[str, bytes], passphrase: str) -> dict[str, bytes]:
    """Return the files with the directory sealed; raises Refused without a passphrase."""
    given = dict(files)
    plain = given.pop(PLAIN_DIRECTORY, None)
    if plain is not None:
        given[REGISTER] = _seal(plain, passphrase)
    return given


def open_directory(files: Mapping[str, bytes], passphrase: str) -> dict[str, bytes]:
    """Return the files with the directory unsealed; raises Refused if that fails."""
    given = dict(files)
    closed = given.pop(REGISTER, None)
    if closed is not None:
        given[PLAIN_DIRECTORY] = _open(closed, passphrase)
    return given


def content_of(files: Mapping[str, bytes]) -> BundleContent:
    """Read files with an unsealed directory; raises BadConfiguration with all mistakes."""
    reader = _ContentReader(files)
    content = reader.content()
    if reader.mistakes:
        raise BadConfiguration(SETTINGS_NAME, tuple(reader.mistakes))
    return content


class _ContentReader:
    """Reads all files and collects the mistakes by file name."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._files = files
        self.mistakes: list[Mistake] = []

    def content(self) -> BundleContent:
        """Return the values of all files."""
        text = self._text(SCHEDULE) if SCHEDULE in self._files else ""
        prompts = {name: data for name, data in self._files.items() if name.endswith(".wav")}
        self._check_sounds(prompts)
        return BundleContent(
            text,
            self._schedule(text),
            self._updates(),
            self._backups(),
            self._directory(),
            tuple(self._sheets()),
            prompts,
        )

    def _schedule(self, text: str) -> ManagedSchedule:
        try:
            return structure(text, SCHEDULE, ManagedSchedule)
        except BadConfiguration as error:
            self._note(SCHEDULE, error)
            return ManagedSchedule()

    def _updates(self) -> str:
        """Return the rollout's text, once it is checked."""
        text = self._text(UPDATES) if UPDATES in self._files else ""
        if text:
            try:
                parse_rollout(text, UPDATES)
            except BadConfiguration as error:
                self._note(UPDATES, error)
        return text

    def _backups(self) -> str:
        """Return the backup target's text, once it is checked."""
        text = self._text(BACKUPS) if BACKUPS in self._files else ""
        if text:
            try:
                checked_backups(structure(text, BACKUPS, BackupsFile).backups, BACKUPS)
            except BadConfiguration as error:
                self._note(BACKUPS, error)
        return text

    def _directory(self) -> Directory:
        if PLAIN_DIRECTORY not in self._files:
            return Directory()
        try:
            directory = directory_file.parse(self._text(PLAIN_DIRECTORY), PLAIN_DIRECTORY)
        except BadConfiguration as error:
            self._note(PLAIN_DIRECTORY, error)
            return Directory()
        if any(entry.attachment for _unused, entry in stamps_with_place(directory)):
            why = _("attachments do not travel with the settings: leave `attachment` out")
            self.mistakes.append(Mistake(PLAIN_DIRECTORY, why))
        return directory

    def _sheets(self) -> Iterator[Sheet]:
        for name in sorted(self._files):
            if name.endswith(".md"):
                try:
                    yield sheet_file.parse_sheet(self._text(name), Path(name).stem)
                except BadConfiguration as error:
                    self._note(name, error)

    def _check_sounds(self, prompts: Mapping[str, bytes]) -> None:
        seconds = 0.0
        for name, data in prompts.items():
            try:
                seconds += _seconds(name, data)
            except ValueError as error:
                self.mistakes.append(Mistake(name, reason_of(error)))
        if seconds > MOST_SOUND_S:
            why = _(
                "together they last {seconds:.0f} s: at most {most}",
                seconds=seconds,
                most=MOST_SOUND_S,
            )
            self.mistakes.append(Mistake("prompts", why))

    def _text(self, name: str) -> str:
        try:
            return self._files[name].decode("utf-8").replace("\r\n", "\n")
        except UnicodeDecodeError:
            self.mistakes.append(Mistake(name, NOT_UTF8))
            return ""

    def _note(self, name: str, error: BadConfiguration) -> None:
        if any(mistake.place == name for mistake in self.mistakes):
            # The file is not UTF-8, which is reported already; the rest only follows from it.
            return
        self.mistakes += [
            replace(m, place=name if m.place == "the file" else f"{name}, {m.place}")
            for m in error.mistakes
        ]


def _seconds(name: str, data: bytes) -> float:
    """Return an announcement's length (s); raises ValueError if it cannot be played."""
    if Path(name).stem.startswith(OURS):
        raise Refused(
            _("names that begin with {ours} are the box's own", ours=", ".join(OURS)),
        )
    sound = wav.parse(data)
    if sound.law is Law.LINEAR8 or not sound.data:
        raise Refused(
            _("cannot be played: it takes WAV, mono, 8 kHz, 16 bits, A-law or mu-law"),
        )
    return len(g711.decode(sound.data, sound.law)) / 2 / SAMPLE_RATE


def _seal(plain: bytes, passphrase: str) -> bytes:
    made = io.BytesIO()
    writer = AgeWriter(made, checked_passphrase(passphrase))
    writer.write(plain)
    writer.close()
    return made.getvalue()


def _open(closed: bytes, passphrase: str) -> bytes:
    if not passphrase:
        raise Refused(
            _("the register of the central settings is sealed: name central.passphrase_file"),
        )
    try:
        reader = SealedReader(io.BytesIO(closed), passphrase)
        plain = reader.read(size_limit(REGISTER))
        reader.finish()
    except Refused as error:
        raise Refused(
            _(
                "the register of the central settings cannot be opened: the passphrase in "
                "central.passphrase_file is not the head office's, or the file is damaged"
            ),
        ) from error
    return plain
