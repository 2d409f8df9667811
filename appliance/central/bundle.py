"""The one file: a line, a signature over all that follows, and a ZIP with a manifest.

    the line centralino-settings-1 | 64 bytes | ZIP: manifest.json, schedule.toml,
                                 register.sealed, sheets/CODE.md, prompts/it/KEY.wav

Nothing after the signature is looked at before that is known to be good. What is inside is bounded
all the same, in number, name and size: it is read into memory, never unpacked by a name of its own.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from appliance.central.signing import SIGNATURE_BYTES
from appliance.policy.text import Refused

MAGIC: Final = b"centralino-settings-1\n"
HEAD: Final = len(MAGIC) + SIGNATURE_BYTES
LARGEST: Final = 32 * 1024 * 1024
"""Bytes of the file, and of all that is in it together."""
MOST_FILES: Final = 2000
MANIFEST: Final = "manifest.json"
SCHEDULE: Final = "schedule.toml"
REGISTER: Final = "register.sealed"
SMALL: Final = 1_000_000
_KINDS: Final = (
    (re.compile(r"manifest\.json|schedule\.toml"), SMALL),
    (re.compile(r"register\.sealed"), 4 * SMALL),
    (re.compile(r"sheets/[a-z0-9][a-z0-9_-]{0,63}\.md"), SMALL),
    (re.compile(r"prompts/(?:it|en)/[a-z0-9_]{1,64}\.wav"), 4 * SMALL),
)
_SITE: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
_BAD_ZIP: Final = (
    zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError, ValueError,
    LookupError, TypeError, OSError, OverflowError,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Bundle:
    """What is in the file: its version (1, 2, ...), the boxes it is for (none: all), its files."""

    version: int
    sites: tuple[str, ...] = ()
    files: Mapping[str, bytes] = field(default_factory=dict)


def pack(bundle: Bundle, sign: Callable[[bytes], bytes]) -> bytes:
    """Write a bundle, the same bytes each time; raises Refused for what no box would take."""
    _check(bundle)
    if found := [name for name, data in bundle.files.items() if not 0 < len(data) <= limit(name)]:
        raise _bad(f"{found[0]}: vuoto o troppo grande", f"{found[0]}: empty, or too large")
    manifest = {"version": bundle.version, "sites": list(bundle.sites)}
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        _put(archive, MANIFEST, json.dumps(manifest).encode())
        for name, data in sorted(bundle.files.items()):
            _put(archive, name, data)
    if HEAD + len(made.getvalue()) > LARGEST or _sum(bundle) > LARGEST:
        raise _too_large()
    return MAGIC + sign(made.getvalue()) + made.getvalue()


def unpack(data: bytes, check: Callable[[bytes, bytes], None]) -> Bundle:
    """Read a bundle; `check` takes signature and what is signed, and raises. Raises Refused."""
    if len(data) > LARGEST:
        raise _too_large()
    if len(data) <= HEAD or not data.startswith(MAGIC):
        raise _bad("non è un file di «centralino settings pack»", "no file of `settings pack`")
    check(data[len(MAGIC) : HEAD], data[HEAD:])
    try:
        with zipfile.ZipFile(io.BytesIO(data[HEAD:])) as archive:
            files = _files(archive)
        bundle = _described(json.loads(files.pop(MANIFEST)), files)
    except Refused:
        raise
    except _BAD_ZIP as error:
        raise _bad("il contenuto non si legge", f"its contents cannot be read ({error})") from error
    _check(bundle)
    return bundle


def limit(name: str) -> int:
    """Return how many bytes a file of that name may have, 0 for a name that may not be."""
    return next((most for shape, most in _KINDS if shape.fullmatch(name)), 0)


def _files(archive: zipfile.ZipFile) -> dict[str, bytes]:
    listed, left = archive.infolist(), LARGEST
    if len(listed) > MOST_FILES:
        raise _too_large()
    files: dict[str, bytes] = {}
    for info in listed:
        name, most = info.filename, min(limit(info.filename), left)
        if not limit(name) or name in files:
            raise _bad(f"{name[:80]!r} non può starci", f"{name[:80]!r} may not be in it")
        with archive.open(info) as file:
            files[name] = file.read(most + 1)
        left -= len(files[name])
        if len(files[name]) > most:
            raise _too_large()
    return files


def _described(told: Any, files: dict[str, bytes]) -> Bundle:
    sites = told["sites"]
    if type(told["version"]) is not int or not isinstance(sites, list):
        raise TypeError("the manifest's version and sites")
    return Bundle(told["version"], tuple(map(str, sites)), files)


def _check(bundle: Bundle) -> None:
    """Raise Refused for a version, a site or a name that may not be."""
    if not 0 < bundle.version < 1 << 53:
        raise _bad("la versione si conta da 1", "versions are counted from 1")
    if wrong := [site for site in bundle.sites if not _SITE.fullmatch(site)]:
        raise _bad(
            f"{wrong[0][:80]!r} non è il nome di una sede: lettere minuscole, cifre, trattini",
            f"{wrong[0][:80]!r} is no branch's name: small letters, figures, hyphens",
        )
    if wrong := [name for name in bundle.files if not limit(name) or name == MANIFEST]:
        raise _bad(f"{wrong[0][:80]!r} non può starci", f"{wrong[0][:80]!r} may not be in it")


def _put(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    info = zipfile.ZipInfo(name, _EPOCH)
    info.compress_type = zipfile.ZIP_DEFLATED
    archive.writestr(info, data)


def _sum(bundle: Bundle) -> int:
    return sum(map(len, bundle.files.values()))


def _bad(it: str, en: str) -> Refused:
    return Refused(
        f"le impostazioni centrali non si possono usare: {it}",
        f"the central settings cannot be used: {en}",
    )


def _too_large() -> Refused:
    most = f"{LARGEST >> 20} MB"
    return _bad(f"troppo grandi, al massimo {most}", f"too large, at most {most}")
