"""Release: the version of a tag, the notes of that version, and the folder that is published.

    release.py version                 the tag's version on standard output, as Debian writes it
    release.py assemble PARTS OUT      OUT/VERSION from finished parts (scripts/release.sh)

`assemble` takes BASE_URL and KEYS from the environment. The same parts give the same bytes.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from image import os_list

# SemVer 2.0.0, with the one form of a pre-release that Debian's order of versions agrees with.
TAG = re.compile(r"((?:0|[1-9]\d*)\.(?:0|[1-9]\d*)\.(?:0|[1-9]\d*))(?:-([a-z]{1,8}[1-9]\d{0,5}))?")
SUMS = "SHA256SUMS"
SIGNATURE = f"{SUMS}.minisig"
WHOLE_NOTES = "RELEASE-NOTES.txt"
# How a paragraph of the summary begins that is not English, by language.
LEADS = {"it": "In italiano: ", "de": "Auf Deutsch: "}


class ReleaseError(Exception):
    """What stands in the way of a release, and what to do: one sentence."""


@dataclass(frozen=True, slots=True)
class Version:
    """A release's version, `tag` by SemVer ("1.0.0-rc1")."""

    tag: str

    @property
    def debian(self) -> str:
        """The same as Debian's packages and the box's updates have it ("1.0.0~rc1")."""
        return self.tag.replace("-", "~")


def tagged_version(root: Path) -> Version:
    """Return the version of the commit that is checked out; raises ReleaseError."""
    dirty = _git(root, "status", "--porcelain").splitlines()
    if dirty:
        name = dirty[0][3:]
        raise ReleaseError(
            f"{len(dirty)} files are not committed ({name} first): commit or remove them"
        )
    tags = _git(root, "tag", "--points-at", "HEAD").split()
    found = [tag for tag in tags if TAG.fullmatch(tag)]
    if len(found) != 1:
        has = f"has the tags {', '.join(tags)}" if tags else "has no tag"
        raise ReleaseError(f"this commit {has}: give it one, the version by SemVer, like 1.0.0-rc1")
    return Version(found[0])


def _git(root: Path, *words: str) -> str:
    asked = ("git", "-C", str(root), *words)
    return subprocess.run(asked, check=True, capture_output=True, text=True).stdout


def section_of(changelog: str, version: Version) -> str:
    """Return the section of a version, without its heading; raises ReleaseError."""
    head = re.compile(rf"^## \[{re.escape(version.tag)}\].*$", re.MULTILINE)
    found = head.search(changelog)
    if found is None:
        raise ReleaseError(
            f"CHANGELOG.md has no section {version.tag}: give that heading to what is [Unreleased]"
        )
    return re.split(r"^## ", changelog[found.end() :], maxsplit=1, flags=re.MULTILINE)[0].strip()


def summaries_of(section: str, version: Version) -> dict[str, str]:
    """Return what the box shows of a version, by language; raises ReleaseError."""
    before = re.split(r"^###? ", section, maxsplit=1, flags=re.MULTILINE)[0]
    told: dict[str, list[str]] = {language: [] for language in ("en", *LEADS)}
    for paragraph in (" ".join(one.split()) for one in before.split("\n\n") if one.strip()):
        led = (language for language, lead in LEADS.items() if paragraph.startswith(lead))
        language = next(led, "en")
        told[language].append(paragraph.removeprefix(LEADS.get(language, "")))
    if not all(told.values()):
        leads = " and ".join(f'"{lead.strip()}"' for lead in LEADS.values())
        raise ReleaseError(
            f"CHANGELOG.md, section {version.tag}: write what is new under its heading, a "
            f"paragraph in English and one each that begins {leads}"
        )
    return {language: "\n\n".join(paragraphs) + "\n" for language, paragraphs in told.items()}


@dataclass(frozen=True, slots=True)
class Release:
    """A release that is put together from finished parts.

    `keys` holds minisign.key, `base` is the web folder in which it will lie.
    """

    version: Version
    changelog: str
    keys: Path
    base: str

    def check(self) -> None:
        """Refuse before anything is built what would only fail at the end; raises ReleaseError."""
        summaries_of(section_of(self.changelog, self.version), self.version)
        address = urlsplit(self.base)
        if address.scheme != "https" or not address.hostname:
            raise ReleaseError(
                f"BASE_URL={self.base} is no https address: name the web folder of this release, "
                f"like https://example.org/centralino/{self.version.tag}"
            )
        if (self.keys / "throw-away").exists():
            raise ReleaseError(
                f"KEYS={self.keys} was made by a build for itself: make keys to keep by make keys"
            )
        if not (self.keys / "minisign.key").is_file():
            raise ReleaseError(f"KEYS={self.keys} has no minisign.key: make the keys by make keys")

    def assemble(self, parts: Path, out: Path) -> Path:
        """Put the release into a folder of its version and sign its list; raises ReleaseError."""
        self.check()
        files = self._parts(parts)
        self._check_manifest(files["os_list.json"], files)
        self._check_update(files)
        folder = out / self.version.tag
        new = folder.with_name(f"{folder.name}.new")
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(parents=True)
        for name, path in files.items():
            # No link: what is published stays as it is when a part is built anew in its place.
            shutil.copyfile(path, new / name)
        section = section_of(self.changelog, self.version)
        title = f"# Centralino {self.version.tag}\n\n"
        (new / WHOLE_NOTES).write_text(f"{title}{section}\n", encoding="utf-8")
        for language, text in summaries_of(section, self.version).items():
            (new / f"notes.{language}.txt").write_text(text, encoding="utf-8")
        self._sign(new)
        shutil.rmtree(folder, ignore_errors=True)
        new.rename(folder)
        return folder

    def _parts(self, parts: Path) -> dict[str, Path]:
        """Find each part by its name; raises ReleaseError naming all that are missing."""
        version = self.version.debian
        image = [f"centralino-{version}{end}" for end in
                 (".img.xz", ".bmap", ".cdx.json", ".packages", ".raucb")]  # fmt: skip
        debs = [f"centralino_{version}_{machine}.deb" for machine in ("amd64", "arm64")]
        names = [*image, *debs, "os_list.json", "latest.json", "centralino.svg"]
        missing = [name for name in names if not (parts / name).is_file()]
        if missing:
            raise ReleaseError(f"{parts} lacks {', '.join(missing)}: build them by make release")
        return {name: parts / name for name in names}

    def _check_manifest(self, path: Path, files: Mapping[str, Path]) -> None:
        """Check Imager's list by its rules, and that it is true of the files beside it."""
        told = _json(path)
        wrong = list(os_list.mistakes(told))
        if not wrong:
            (one,) = told["os_list"]
            packed, base = f"centralino-{self.version.debian}.img.xz", self.base.rstrip("/")
            true = {
                "url": f"{base}/{packed}",
                "bmap_url": f"{base}/{packed.removesuffix('.img.xz')}.bmap",
                "icon": f"{base}/centralino.svg",
                "image_download_size": files[packed].stat().st_size,
                "image_download_sha256": _digest(files[packed]),
            }
            wrong = [f"{name} is {one.get(name)} and not {value}"
                     for name, value in true.items() if one.get(name) != value]  # fmt: skip
        if wrong:
            raise ReleaseError(f"{path.name}: {'; '.join(wrong)}: build the image again")

    def _check_update(self, files: Mapping[str, Path]) -> None:
        """Check that what the box asks for tells the truth of the update."""
        bundle = f"centralino-{self.version.debian}.raucb"
        true = {
            "version": self.version.debian,
            "bundle": bundle,
            "size": files[bundle].stat().st_size,
            "sha256": _digest(files[bundle]),
        }
        if _json(files["latest.json"]) != true:
            raise ReleaseError(f"latest.json is not that of {bundle}: sign the update again")

    def _sign(self, folder: Path) -> None:
        """Write the list of checksums and its signature; Ed25519 needs no chance."""
        names = sorted(path.name for path in folder.iterdir())
        lines = [f"{_digest(folder / name)}  {name}\n" for name in names]
        (folder / SUMS).write_text("".join(lines), encoding="ascii")
        told = f"Centralino {self.version.tag}"
        words = ("minisign", "-S", "-s", str(self.keys / "minisign.key"), "-m", SUMS,
                 "-x", SIGNATURE, "-t", told, "-c", f"Signature of {told}")  # fmt: skip
        # The key may have a pass phrase, for which minisign asks on the terminal.
        done = subprocess.run(words, cwd=folder, stdout=sys.stderr, check=False)
        if done.returncode:
            raise ReleaseError(f"minisign has not signed with {self.keys}/minisign.key: see above")


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ReleaseError(f"{path.name} is no JSON ({error}): build it again") from error


def release_of(root: Path, environment: Mapping[str, str]) -> Release:
    """Return the release of what is checked out in `root`; raises ReleaseError."""
    changelog = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    keys, base = environment.get("KEYS", ""), environment.get("BASE_URL", "")
    if not keys:
        raise ReleaseError("name by KEYS= the folder with the keys that make keys has made")
    return Release(tagged_version(root), changelog, Path(keys).absolute(), base)


def main(words: list[str], environment: Mapping[str, str]) -> int:
    """Do what is asked and return the exit status."""
    try:
        release = release_of(Path.cwd(), environment)
        match words:
            case ["version"]:
                release.check()
                sys.stdout.write(f"{release.version.debian}\n")
            case ["assemble", parts, out]:
                sys.stdout.write(f"{release.assemble(Path(parts), Path(out))}\n")
            case _:
                sys.stderr.write(__doc__ or "")
                return 2
    except ReleaseError as refused:
        sys.stderr.write(f"release: {refused}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
