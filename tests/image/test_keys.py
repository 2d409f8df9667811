"""The key that signs updates: made once, kept where nothing deletes it, changed without a gap."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from appliance.policy.updates import TEST_IMAGE
from tests.image.slot import ROOT

pytestmark = pytest.mark.skipif(
    not (shutil.which("openssl") and shutil.which("minisign")), reason="needs openssl, minisign"
)
needs_rauc = pytest.mark.skipif(
    not (shutil.which("rauc") and shutil.which("mksquashfs")), reason="needs rauc, squashfs-tools"
)
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


def test_the_command_says_where_each_key_belongs(tmp_path: Path) -> None:
    """The root in a safe, what signs at the machine that builds, the public part in the image."""
    keys = tmp_path / "keys"
    said = run("make", "--silent", "keys", f"KEYS={keys}", "NAME=Comune di Esempio")
    for piece in (f"{keys}/root/", f"{keys}/key.pem", "minisign.key", f"{keys}/root.pem", "Stolen"):
        assert piece in said
    secret = {path.relative_to(keys).as_posix() for path in keys.rglob("*")
              if path.is_file() and path.stat().st_mode & 0o077 == 0}  # fmt: skip
    assert {"key.pem", "minisign.key", "root/key.pem"} <= secret
    assert not {"root.pem", "cert.pem", "minisign.pub"} & secret
    assert names(keys / "cert.pem")[0].startswith("subject=O=Comune di Esempio, CN=signing ")


def image_keys(keys: Path, out: Path, **more: str) -> Path:
    """Return the folder of what an image made with these keys will trust."""
    run("image/keys.sh", KEYS=str(keys), OUT=str(out), SOURCE_DATE_EPOCH="0", **more)
    return out / "work" / "keys"


def test_an_image_of_a_builds_own_keys_is_a_test_image(tmp_path: Path) -> None:
    """Of those that somebody has made to keep it is none."""
    here = {"HOME": str(tmp_path), "SOURCE_DATE_EPOCH": "0"}
    for out in ("one", "two"):
        run("image/keys.sh", OUT=str(tmp_path / out), **here)
        assert (tmp_path / out / "work" / "keys" / "throw-away").exists()
    run("image/new_key.sh", tmp_path / "kept")
    made = image_keys(tmp_path / "kept", tmp_path / "three")
    assert sorted(path.name for path in made.iterdir()) == ["cert.pem", "minisign.pub"]
    again = image_keys(tmp_path / "one" / "keys", tmp_path / "four")
    assert (again / "throw-away").exists()
    text = (ROOT / "image" / "test-image.txt").read_text(encoding="utf-8")
    assert set(TEST_IMAGE.by_language().values()) == set(text.strip().splitlines())


def test_a_slot_trusts_the_key_that_is_to_come(tmp_path: Path) -> None:
    """The build takes both roots and what they have revoked, both keys of releases, no secret."""
    old, new = two_roots(tmp_path)
    made = image_keys(old, tmp_path / "out")
    wanted = [*names(old / "root.pem"), *names(new / "root.pem")]
    assert names(made / "cert.pem") == wanted
    assert (made / "cert.pem").read_text().count("BEGIN X509 CRL") == len(wanted)
    both = (old / "minisign.pub").read_text() + (new / "minisign.pub").read_text()
    assert (made / "minisign.pub").read_text() == both
    assert sorted(path.name for path in made.iterdir()) == ["cert.pem", "minisign.pub"]


def two_roots(folder: Path) -> tuple[Path, Path]:
    """Make the keys of now, and those to come, which the first folder trusts too."""
    old, new = folder / "old", folder / "new"
    for each in (old, new):
        run("image/new_key.sh", each)
    (old / "trusted").mkdir()
    shutil.copy(new / "root.pem", old / "trusted" / "next.pem")
    shutil.copy(new / "minisign.pub", old / "trusted" / "next.pub")
    return old, new


def test_a_certificate_without_its_list_is_refused(tmp_path: Path) -> None:
    """A box that looks at lists would take no update of that one's at all."""
    old, new = two_roots(tmp_path)
    shutil.copy(new / "root" / "cert.pem", old / "trusted" / "next.pem")
    with pytest.raises(AssertionError, match=r"next\.pem has no list of what is revoked"):
        image_keys(old, tmp_path / "out")


def bundle_of(keys: Path, out: Path) -> Path:
    """Sign an update of 64 KiB."""
    slot = out.with_suffix(".ext4")
    slot.write_bytes(bytes(64 << 10))
    run("image/bundle.sh", slot, "9.0.0", out, KEYS=str(keys), FORMAT="plain", LEVEL="1")
    return out / "centralino-9.0.0.raucb"


def is_taken(bundle: Path, trust: Path, folder: Path) -> bool:
    """Ask RAUC itself, by the configuration that the slot has, for this keyring."""
    own = (ROOT / "image/overlay/etc/rauc/system.conf").read_text(encoding="utf-8")
    assert "/etc/rauc/keyring.pem" in own
    conf = folder / "system.conf"
    own = own.replace("/etc/rauc/keyring.pem", str(trust)).replace("=verity", "=plain")
    conf.write_text(own, encoding="utf-8")
    asked = ("rauc", f"--conf={conf}", "info", str(bundle))
    return subprocess.run(asked, capture_output=True, check=False).returncode == 0


@pytest.mark.system
@needs_rauc
def test_an_update_by_either_key_is_taken_meanwhile(tmp_path: Path) -> None:
    """By the keyring that a slot has while the root is changed; a stranger's is refused."""
    old, new = two_roots(tmp_path)
    run("image/new_key.sh", tmp_path / "other")
    trust = image_keys(old, tmp_path / "out") / "cert.pem"
    for keys, wanted in ((old, True), (new, True), (tmp_path / "other", False)):
        bundle = bundle_of(keys, tmp_path / f"bundle-{keys.name}")
        assert is_taken(bundle, trust, tmp_path) is wanted


@pytest.mark.system
@needs_rauc
def test_a_renewed_signing_key_needs_no_new_image(tmp_path: Path) -> None:
    """The root vouches for both, until the one of before is revoked: then a new slot refuses what
    it signs, also what it has signed before, and the build signs nothing with it.
    """
    keys = tmp_path / "keys"
    run("image/new_key.sh", keys)
    before = image_keys(keys, tmp_path / "before") / "cert.pem"
    first = bundle_of(keys, tmp_path / "first")
    stolen = tmp_path / "stolen"
    shutil.copytree(keys, stolen)
    run("image/new_key.sh", "--renew", keys)
    second = bundle_of(keys, tmp_path / "second")
    assert [is_taken(one, before, tmp_path) for one in (first, second)] == [True, True]
    run("image/new_key.sh", "--revoke", keys, keys / "before-1.pem")
    after = image_keys(keys, tmp_path / "after") / "cert.pem"
    assert [is_taken(one, after, tmp_path) for one in (first, second)] == [False, True]
    shutil.copy(keys / "root.pem", stolen / "root.pem")
    with pytest.raises(AssertionError, match="is revoked"):
        bundle_of(stolen, tmp_path / "third")


@pytest.mark.system
@needs_rauc
def test_a_signing_key_signs_no_other_key(tmp_path: Path) -> None:
    """Who has it can make no further certificate that a box takes."""
    keys, forged = tmp_path / "keys", tmp_path / "forged"
    run("image/new_key.sh", keys)
    forged.mkdir()
    run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
        "-subj", "/CN=forged", "-CA", keys / "cert.pem", "-CAkey", keys / "key.pem",
        "-keyout", forged / "key.pem", "-out", forged / "leaf.pem")  # fmt: skip
    leaf = (forged / "leaf.pem").read_text()
    (forged / "cert.pem").write_text(leaf + (keys / "cert.pem").read_text())
    trust = image_keys(keys, tmp_path / "out") / "cert.pem"
    slot = tmp_path / "in" / "slot.ext4"
    slot.parent.mkdir()
    slot.write_bytes(bytes(64 << 10))
    manifest = (
        "[update]\ncompatible=centralino-pi-arm64\nversion=9.0.0\n[bundle]\nformat=plain\n"
        "[image.rootfs]\nfilename=slot.ext4\n"
    )
    (slot.parent / "manifest.raucm").write_text(manifest)
    bundle = tmp_path / "forged.raucb"
    run("rauc", "bundle", f"--cert={forged / 'cert.pem'}", f"--key={forged / 'key.pem'}",
        f"--intermediate={keys / 'cert.pem'}", slot.parent, bundle)  # fmt: skip
    assert not is_taken(bundle, trust, tmp_path)
    assert is_taken(bundle_of(keys, tmp_path / "good"), trust, tmp_path)
