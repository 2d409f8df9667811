"""The key that signs updates: made once, kept where nothing deletes it, changed without a gap."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.image.slot import ROOT

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")
PLACE = ".local/share/centralino/update-keys"


def run(*words: str | Path, **environment: str) -> str:
    """Run something of the repository with a home of its own."""
    clean = {key: os.environ[key] for key in ("PATH",)}
    done = subprocess.run(
        words, cwd=ROOT, env=clean | environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def keys_of(home: Path, **more: str) -> str:
    """Ask the build where it looks for the keys."""
    script = '. image/common.sh; echo "$keys"'
    return run("sh", "-euc", script, HOME=str(home), SOURCE_DATE_EPOCH="0", **more).strip()


def names(pem: Path) -> list[str]:
    """List the certificates of a file."""
    told = run("sh", "-c", f"openssl crl2pkcs7 -nocrl -certfile {pem} | openssl pkcs7 -print_certs")
    return [line for line in told.splitlines() if line.startswith("subject=")]


def test_make_clean_leaves_the_key_alone(tmp_path: Path) -> None:
    """It lies in the builder's own folder, none of which is in what is deleted; a folder that is
    named is used as it is, and a try elsewhere has its own.
    """
    assert keys_of(tmp_path) == str(tmp_path / PLACE)
    assert keys_of(tmp_path, KEYS="/safe/keys") == "/safe/keys"
    assert keys_of(tmp_path, OUT=str(tmp_path / "out")) == str(tmp_path / "out" / "keys")
    deleted = run("make", "--dry-run", "clean").replace("rm -rf", "").split()
    assert "build" in deleted
    assert not [name for name in deleted if Path(name).is_absolute() or ".." in name]


def test_a_pair_is_never_written_over(tmp_path: Path) -> None:
    """Its key is for its owner alone; a second pair can be told from the first."""
    run("image/new_key.sh", tmp_path / "one", "Comune")
    run("image/new_key.sh", tmp_path / "two", "Comune")
    key = tmp_path / "one" / "key.pem"
    before = key.read_bytes()
    assert key.stat().st_mode & 0o077 == 0
    with pytest.raises(AssertionError, match="there is a key"):
        run("image/new_key.sh", tmp_path / "one")
    assert key.read_bytes() == before
    assert names(tmp_path / "one" / "cert.pem") != names(tmp_path / "two" / "cert.pem")


def test_a_slot_trusts_the_key_that_is_to_come(tmp_path: Path) -> None:
    """The build takes both certificates and no key."""
    old, new = tmp_path / "old", tmp_path / "new"
    for folder in (old, new):
        run("image/new_key.sh", folder)
    (old / "trusted").mkdir()
    shutil.copy(new / "cert.pem", old / "trusted" / "next.pem")
    run("image/keys.sh", KEYS=str(old), OUT=str(tmp_path / "out"), SOURCE_DATE_EPOCH="0")
    made = tmp_path / "out" / "work" / "keys"
    assert names(made / "cert.pem") == [*names(old / "cert.pem"), *names(new / "cert.pem")]
    assert [path.name for path in made.iterdir()] == ["cert.pem"]


@pytest.mark.skipif(
    not (shutil.which("rauc") and shutil.which("mksquashfs")), reason="needs rauc, squashfs-tools"
)
def test_an_update_by_either_key_is_taken_meanwhile(tmp_path: Path) -> None:
    """RAUC itself, with the keyring that the slot has then; a stranger's is refused."""
    old, new, other = tmp_path / "old", tmp_path / "new", tmp_path / "other"
    for folder in (old, new, other):
        run("image/new_key.sh", folder)
    (old / "trusted").mkdir()
    shutil.copy(new / "cert.pem", old / "trusted" / "next.pem")
    run("image/keys.sh", KEYS=str(old), OUT=str(tmp_path / "out"), SOURCE_DATE_EPOCH="0")
    slot = tmp_path / "slot.ext4"
    slot.write_bytes(bytes(64 << 10))
    keyring = tmp_path / "out" / "work" / "keys" / "cert.pem"
    for folder, is_taken in ((old, True), (new, True), (other, False)):
        out = tmp_path / f"bundle-{folder.name}"
        run("image/bundle.sh", slot, "9.0.0", out, KEYS=str(folder), FORMAT="plain", LEVEL="1")
        asked = ("rauc", "info", f"--keyring={keyring}", str(out / "centralino-9.0.0.raucb"))
        assert (subprocess.run(asked, capture_output=True).returncode == 0) is is_taken
