"""`box update --check`: a signed release at an https server, shown, taken after a yes."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from click.testing import CliRunner

from appliance.__main__ import main
from appliance.commands import minisign, release_place, updates
from appliance.commands.options import load_settings
from appliance.commands.updates import Bundle, Helper, Rauc, Slots
from appliance.policy import updates as policy_updates
from appliance.policy.updates import UpdateState
from appliance.service import updates as service_updates
from tests.commands.samples import CONFIG
from tests.commands.test_updates_fetch import BUNDLE, LATEST, NAME, Site

pytestmark = pytest.mark.skipif(shutil.which("minisign") is None, reason="needs minisign")
NOTES = {"it": "Novità: il sì.\n", "en": "New: the yes.\n"}


@dataclass(frozen=True, slots=True)
class TwoSlots(Rauc):
    """RAUC of a box in slot A; keeps what was written into slot B."""

    written: list[bytes] = field(default_factory=list)

    def look(self, path: Path) -> Bundle:
        """Read a bundle that is signed."""
        return Bundle("1.1.0", "box")

    def slots(self) -> Slots:
        """Say what the slots are."""
        return Slots("A", "B", "box", other_is_good=True)

    def install(self, path: Path, on_progress: Callable[[int], None]) -> None:
        """Write it."""
        on_progress(100)
        self.written.append(path.read_bytes())


def signed(folder: Path, text: bytes, name: str = "keys") -> bytes:
    """Sign a list with the pair of that name, which is made where there is none."""
    key, listed = folder / f"{name}.key", folder / "list"
    if not key.exists():
        _minisign("-G", "-W", "-p", folder / f"{name}.pub", "-s", key)
    listed.write_bytes(text)
    _minisign("-S", "-s", key, "-m", listed, "-x", folder / "signature", "-t", "Centralino 1.1.0")
    return (folder / "signature").read_bytes()


def _minisign(*words: str | Path) -> None:
    subprocess.run(("minisign", *words), check=True, capture_output=True)


class Place:
    """A release place, and a box that runs 1.0.0 and trusts its key."""

    def __init__(self, folder: Path, site: Site) -> None:
        self.folder, self.site = folder, site
        self.running = "1.0.0"
        self.rauc = TwoSlots()
        self.restarts: list[str] = []
        self.config = folder / "centralino.toml"
        (folder / "state").mkdir()
        self.publish()

    def publish(self, bundle: bytes = BUNDLE) -> None:
        """Sign a release whose list has the sum of this bundle."""
        files = {f"notes.{language}.txt": text.encode() for language, text in NOTES.items()}
        files["latest.json"] = json.dumps(LATEST).encode()
        sums = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
        sums[NAME] = hashlib.sha256(bundle).hexdigest()
        listed = "".join(f"{digest}  {name}\n" for name, digest in sums.items()).encode()
        files |= {"SHA256SUMS": listed, "SHA256SUMS.minisig": signed(self.folder, listed)}
        self.site.files = files

    def configure(self, server: str) -> None:
        """Write the box's file."""
        own = f'console = "{self.folder}/console"\n[updates]\nserver = "{server}"\n'
        own += f'ca_file = "{self.site.ca_file}"\n' if server else ""
        self.config.write_text(CONFIG.format(folder=self.folder) + own)

    def helper(self, config: Path, _run: Path | None = None) -> Helper:
        """Return root's helper of this box."""
        settings = load_settings(config)
        run = Path(settings.folders.run)
        return Helper(
            settings,
            run,
            rauc=self.rauc,
            reboot=lambda: self.restarts.append(self.running),
            running=lambda: self.running,
        )

    def check(self, *words: str, typed: str = "", language: str = "it") -> tuple[int, str]:
        """Run the command."""
        asked = ["update", "--config", str(self.config), "--check", *words]
        done = CliRunner(env={"LANG": f"{language}.UTF-8"}).invoke(main, asked, input=typed)
        return done.exit_code, done.output

    def is_untouched(self) -> bool:
        """Tell whether nothing was downloaded or written."""
        folder = self.folder / "state" / "update"
        return not self.rauc.written and not (folder.exists() and list(folder.iterdir()))


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """A release place with version 1.1.0."""
    with Site(tmp_path) as site:
        made = Place(tmp_path, site)
        made.configure(site.address())
        monkeypatch.setattr(service_updates, "check_image", lambda: None)
        monkeypatch.setattr(updates, "helper_of", made.helper)
        monkeypatch.setattr(release_place, "TRUSTED_KEYS", tmp_path / "keys.pub")
        yield made


def test_a_release_is_shown_and_taken_after_a_yes(place: Place) -> None:
    """Version, size and notes; then the bundle is in the other slot, ready to be started from."""
    code, said = place.check(typed="y\n")
    assert code == 0
    assert "È pubblicata la versione 1.1.0 (1 MB); in uso: 1.0.0." in said
    assert "Novità: il sì." in said
    assert place.rauc.written == [BUNDLE]
    kept = service_updates.load_update(place.helper(place.config).kept_in)
    assert (kept.state, kept.version, kept.slot) == (UpdateState.INSTALLED, "1.1.0", "B")


@pytest.mark.parametrize("typed", ["n\n", "\n", ""])
def test_without_a_yes_nothing_is_downloaded(place: Place, typed: str) -> None:
    """No, nothing, or nobody there to answer."""
    said = place.check(typed=typed)[1]
    assert "Novità" in said
    assert place.is_untouched()


def test_a_script_says_yes_beforehand(place: Place) -> None:
    """With --json nobody is asked: without --yes it is only shown, in both languages."""
    code, said = place.check("--json")
    told = json.loads(said)
    assert code == 0
    for language, notes in NOTES.items():
        assert notes.strip() in told[language]
    assert place.is_untouched()
    assert "1.1.0" in json.loads(place.check("--json", "--yes")[1])["en"]
    assert place.rauc.written == [BUNDLE]


@pytest.mark.parametrize("as_json", [True, False])
def test_who_says_now_starts_from_it_at_once(place: Place, as_json: bool) -> None:
    """After the yes it is written, then the box restarts; as JSON that is one value."""
    words = ("--yes", "--now", *(("--json",) if as_json else ()))
    code, said = place.check(*words)
    assert (code, place.rauc.written, place.restarts) == (0, [BUNDLE], ["1.0.0"])
    told = json.loads(said)["it"] if as_json else said
    written = policy_updates.WRITTEN.filled(version="1.1.0").text("it")
    starting = policy_updates.STARTING.filled(version="1.1.0").text("it")
    assert told.index("È pubblicata") < told.index(written) < told.index(starting)


def test_without_now_the_quiet_hour_is_awaited(place: Place) -> None:
    """The yes to an installation is no yes to a restart."""
    assert place.check("--yes")[0] == 0
    assert place.restarts == []


def test_what_is_no_newer_is_not_offered(place: Place) -> None:
    """The version in use, or an older one: one sentence, no question."""
    for running in ("1.1.0", "1.2.0"):
        place.running = running
        code, said = place.check(typed="y\n")
        assert (code, said.count("\n")) == (0, 1)
        assert running in said
    assert place.is_untouched()


def refused(place: Place) -> str:
    """Check what is wrong there; return the one sentence."""
    code, said = place.check("--yes")
    assert code == 1
    assert said.count("\n") == 1, said
    assert place.is_untouched()
    return said


def test_a_forged_list_is_refused(place: Place) -> None:
    """By a stranger's key, changed afterwards, with another comment, or with no signature."""
    files = place.site.files
    listed, signature = files["SHA256SUMS"], files["SHA256SUMS.minisig"]
    lines = signature.decode().splitlines(keepends=True)
    comment = "".join((*lines[:2], "trusted comment: Centralino 9.0.0\n", lines[3]))
    for wrong in (
        {"SHA256SUMS.minisig": signed(place.folder, listed, "stranger")},
        {"SHA256SUMS": listed + b"x"},
        {"SHA256SUMS.minisig": comment.encode()},
        {"SHA256SUMS.minisig": b"untrusted comment: x\nx\ntrusted comment: x\nx\n"},
        {"SHA256SUMS.minisig": b"x"},
    ):
        place.site.files = files | wrong
        assert "non è firmato con una chiave che questo apparecchio riconosce" in refused(place)


@pytest.mark.parametrize("name", ["latest.json", "notes.it.txt", "notes.en.txt"])
def test_a_file_that_is_not_the_lists_is_refused(place: Place, name: str) -> None:
    """What is shown is signed too."""
    place.site.files[name] += b" "
    assert f"{name} in {place.site.address()} non è il file dell'elenco firmato" in refused(place)


def test_another_bundle_than_the_lists_is_refused(place: Place) -> None:
    """Before it is downloaded, where latest.json names another; afterwards by its sum."""
    other = b"x" + BUNDLE[1:]
    place.publish(other)
    assert "latest.json in" in refused(place)
    place.publish()
    place.site.bundle = other
    code, said = place.check("--yes")
    assert (code, "sha256" in said, place.is_untouched()) == (1, True, True)


def test_a_download_that_breaks_off_is_said_and_resumed(place: Place) -> None:
    """Nothing is written until it is whole."""
    place.site.breaks_at = 300_000
    code, said = place.check("--yes")
    assert (code, place.rauc.written) == (1, [])
    assert "interrotto" in said
    place.site.breaks_at = None
    assert place.check("--yes")[0] == 0
    assert (place.rauc.written, place.site.ranges) == ([BUNDLE], ["bytes=300000-"])


def test_a_place_that_cannot_be_reached_is_said(place: Place) -> None:
    """Nobody answers, the list is not there, no server is configured: what and where."""
    for name in ("SHA256SUMS", "SHA256SUMS.minisig", "notes.it.txt"):
        files = dict(place.site.files)
        del place.site.files[name]
        assert f"/{name}" in refused(place)
        place.site.files = files
    place.configure("https://127.0.0.1:1/updates")
    assert "https://127.0.0.1:1/updates/SHA256SUMS" in refused(place)
    place.configure("")
    assert "[updates]" in refused(place)


def test_a_list_without_end_is_not_read(place: Place) -> None:
    """A server may send what it likes."""
    place.site.files["SHA256SUMS"] = bytes(release_place.LIST_BYTES + 1)
    assert "64 kB" in refused(place)


def test_an_image_without_a_key_believes_nobody(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """None, an empty file, or no key of minisign's."""
    for text in (None, "", "untrusted comment: x\n", "nonsense\n", "QUJD\n"):
        path = place.folder / "other.pub"
        path.unlink(missing_ok=True)
        if text is not None:
            path.write_text(text)
        monkeypatch.setattr(release_place, "TRUSTED_KEYS", path)
        assert "non riconosce alcuna chiave" in refused(place)


def test_the_key_to_come_is_believed_beside_the_one_in_use(place: Place) -> None:
    """An image that carries two believes a release by either."""
    text = b"list"
    for name in ("keys", "next"):
        signed(place.folder, text, name)
    both = "".join((place.folder / f"{name}.pub").read_text() for name in ("keys", "next"))
    keys = minisign.public_keys(both)
    for name, is_believed in (("keys", True), ("next", True), ("stranger", False)):
        signature = signed(place.folder, text, name).decode()
        assert minisign.is_signed(text, signature, keys) is is_believed
