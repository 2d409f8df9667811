"""The one file: read back as it was written, by its signer alone, and never more than it may be."""

from __future__ import annotations

import io
import json
import zipfile
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.managed_config import bundle
from appliance.managed_config.bundle import (
    HEAD,
    LARGEST,
    MAGIC,
    MOST_FILES,
    SettingsBundle,
    pack_bundle,
    unpack_bundle,
)
from appliance.policy.text import Refused
from tests.helpers.examples import examples
from tests.managed_config.samples import CERTIFICATE, SECRET

if TYPE_CHECKING:
    from collections.abc import Mapping


NAMES = st.one_of(
    st.just("schedule.toml"),
    st.just("register.sealed"),
    st.from_regex(r"sheets/[a-z0-9][a-z0-9_-]{0,10}\.md", fullmatch=True),
    st.from_regex(r"prompts/(it|en)/[a-z0-9_]{1,10}\.wav", fullmatch=True),
)
BUNDLES = st.builds(
    SettingsBundle,
    version=st.integers(1, 1 << 40),
    sites=st.lists(st.from_regex(r"[a-z0-9][a-z0-9-]{0,8}", fullmatch=True)).map(tuple),
    files=st.dictionaries(NAMES, st.binary(min_size=1, max_size=2000), max_size=6),
)


def sign(data: bytes) -> bytes:
    """Sign as the head office."""
    return bundle.sign_bundle(SECRET, data)


def check(signature: bytes, data: bytes) -> None:
    """Check as a branch."""
    bundle.check_signature(CERTIFICATE, signature, data)


def signed(entries: Mapping[str, bytes], manifest: object = None) -> bytes:
    """Make what `pack` never would: a ZIP of any names, signed well."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        told = {"version": 1, "sites": []} if manifest is None else manifest
        archive.writestr("manifest.json", json.dumps(told))
        for name, data in entries.items():
            archive.writestr(name, data)
    return MAGIC + sign(made.getvalue()) + made.getvalue()


@settings(max_examples=examples(60))
@given(BUNDLES)
def test_what_was_packed_is_unpacked(bundle: SettingsBundle) -> None:
    """Version, branches and files come back; the same bundle is the same bytes."""
    data = pack_bundle(bundle, sign)
    assert unpack_bundle(data, check) == bundle
    assert pack_bundle(bundle, sign) == data


@settings(max_examples=examples(150))
@given(BUNDLES, st.data())
def test_a_damaged_file_is_refused(bundle: SettingsBundle, draw: st.DataObject) -> None:
    """One bit that is wrong anywhere, or an end that is missing, is seen before all else."""
    data = bytearray(pack_bundle(bundle, sign))
    at = draw.draw(st.integers(0, len(data) - 1))
    if draw.draw(st.booleans()):
        data[at] ^= 1 << draw.draw(st.integers(0, 7))
    else:
        del data[at:]
    with pytest.raises(Refused):
        unpack_bundle(bytes(data), check)


@settings(max_examples=examples(100))
@given(st.binary(max_size=400))
def test_any_content_that_is_signed_is_read_or_refused(inside: bytes) -> None:
    """Even the head office's own mistakes end in a sentence, whatever lies after the signature."""
    with pytest.raises(Refused):
        unpack_bundle(MAGIC + sign(inside) + inside, check)


def test_nothing_is_read_before_the_signature() -> None:
    """The content of a stranger's file is not looked at: whatever is wrong, it is the signature."""
    stranger, _ = bundle.make_key_pair("Altri")
    for inside in (b"not a zip", signed({"../../etc/passwd": b"x"})[HEAD:]):
        with pytest.raises(Refused, match="signature is not the head office's"):
            unpack_bundle(MAGIC + bundle.sign_bundle(stranger, inside) + inside, check)


@pytest.mark.parametrize(
    "name",
    ["../centralino.toml", "/etc/passwd", "sheets/../../x.md", "sheets/a/b.md", "sheets/A.md",
     "prompts/it/../x.wav", "prompts/fr/x.wav", "register.toml", "sheets/imu.md/", "x\n.md"],
)  # fmt: skip
def test_other_names_are_refused(name: str) -> None:
    """Nothing but its own few kinds of names is in it: no path leads anywhere else."""
    with pytest.raises(Refused, match="may not be in it"):
        unpack_bundle(signed({name: b"x"}), check)
    with pytest.raises(Refused, match="may not be in it"):
        pack_bundle(SettingsBundle(1, (), {name: b"x"}), sign)


def test_a_name_that_stands_twice_is_refused() -> None:
    """Which of two would count is nobody's guess."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("manifest.json", '{"version": 1, "sites": []}')
        archive.writestr("sheets/imu.md", "one")
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("sheets/imu.md", "two")
    with pytest.raises(Refused, match="may not be in it"):
        unpack_bundle(MAGIC + sign(made.getvalue()) + made.getvalue(), check)


def test_a_bomb_is_refused() -> None:
    """A small file that would become a large one is never unfolded beyond its limit."""
    small = signed({"sheets/imu.md": bytes(50_000_000)})
    assert len(small) < 100_000
    with pytest.raises(Refused, match="too large"):
        unpack_bundle(small, check)
    many = {f"prompts/it/a{n}.wav": bytes(4_000_000) for n in range(9)}
    with pytest.raises(Refused, match="too large"):
        unpack_bundle(signed(many), check)
    with pytest.raises(Refused, match="too large"):
        unpack_bundle(signed({f"sheets/a{n}.md": b"x" for n in range(MOST_FILES)}), check)
    with pytest.raises(Refused, match="too large"):
        unpack_bundle(MAGIC + bytes(LARGEST), check)


@pytest.mark.parametrize(
    "manifest",
    [[], {}, {"version": 1}, {"version": "1", "sites": []}, {"version": True, "sites": []},
     {"version": 1, "sites": "borgo"}, {"version": 0, "sites": []}, {"version": -3, "sites": []},
     {"version": 1, "sites": ["Borgo Panigale"]}, {"version": 1 << 60, "sites": []}],
)  # fmt: skip
def test_a_wrong_manifest_is_refused(manifest: object) -> None:
    """Versions are whole and counted from 1, branches have short names."""
    with pytest.raises(Refused, match="central settings cannot be used"):
        unpack_bundle(signed({}, manifest), check)


def test_either_of_two_signers_may_sign() -> None:
    """While the head office changes its key both certificates stand in the box's file."""
    new, certificate = bundle.make_key_pair("Sede centrale 2")
    for secret in (SECRET, new):
        bundle.check_signature(CERTIFICATE + certificate, bundle.sign_bundle(secret, b"x"), b"x")
    with pytest.raises(Refused, match="signature"):
        bundle.check_signature(certificate, bundle.sign_bundle(SECRET, b"x"), b"x")


def test_other_keys_are_refused() -> None:
    """A key or certificate that cannot be used is told with what to do."""
    other = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    for secret in (other, b"-----BEGIN nothing", b""):
        with pytest.raises(Refused, match="not Ed25519"):
            bundle.sign_bundle(secret, b"x")
    for certificate in (b"", b"-----BEGIN CERTIFICATE-----\nx", SECRET):
        with pytest.raises(Refused, match="holds no Ed25519 certificate"):
            bundle.check_signature(certificate, bytes(64), b"x")
