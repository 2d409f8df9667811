"""Real phones fetch their files from the window and register: baresip's accounts, a Linphone."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from appliance.config import phones, read
from appliance.provisioning import server
from tests.commands.test_phones import CONFIG as CONFIGURATION
from tests.helpers import baresip
from tests.helpers.baresip import Baresip
from tests.helpers.box import Box
from tests.helpers.ports import free_port

pytestmark = pytest.mark.system

LINPHONE = "linphonec"
CONFIG = """\
[misc]
config-uri={url}
log_collection=0
[sip]
sip_port={port}
sip_tcp_port=0
sip_tls_port=0
bind_address=127.0.0.1
use_ipv6=0
guess_hostname=1
register_only_when_network_is_up=0
[net]
firewall_policy=0
"""


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    """A box whose phones nobody has set up yet."""
    with Box(tmp_path / "box", lines=1, operators=("op1", "op2")) as made:
        yield made


def centralino(box: Box, *words: str) -> subprocess.Popen[str]:
    """Start `centralino phones ...` as a technician does."""
    return subprocess.Popen(
        [sys.executable, "-m", "appliance", "phones", "--config", str(box.config_path), *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )


def add(box: Box, name: str, *words: str) -> str:
    """Add a phone; returns what was said, once running call control knows of it."""
    said, _ = centralino(box, "add", name, *words).communicate(timeout=20)
    assert "conosce la nuova password" in said
    return said


@contextlib.contextmanager
def window(box: Box) -> Iterator[subprocess.Popen[str]]:
    """Keep the window open."""
    serving = centralino(box, "serve", "--minutes", "2")
    try:
        assert serving.stdout is not None
        assert "Aperto per 2 minuti" in serving.stdout.readline()
        yield serving
    finally:
        serving.kill()
        serving.wait()


def fetch(url: str) -> tuple[int, str]:
    """Fetch as a stranger's client does."""
    try:
        with urllib.request.urlopen(url, timeout=5) as got:
            return got.status, got.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, ""


def row(box: Box, name: str) -> dict[str, Any]:
    """Return what call control says of a phone."""
    found: list[dict[str, Any]] = box.status()["phones"]
    return next(phone for phone in found if phone["name"] == name)


@pytest.mark.skipif(not baresip.is_installed(), reason=f"apt install {baresip.PACKAGE}")
def test_a_phone_is_added_fetches_registers_and_is_served_no_more(box: Box, tmp_path: Path) -> None:
    """The whole of it beside running call control: the new password holds at once, the file is
    fetched by its token, a real baresip registers with the served line, and the window ends by
    itself.
    """
    add(box, "op1", "--model", "baresip")
    url = phones.url_of(phones.load_handsets(box.settings)["op1"], box.address)
    with window(box) as serving:
        code, account = fetch(url)
        assert code == 200
        phone = Baresip(tmp_path / "phone", "op1", server=(box.address, box.port), account=account)
        with phone:
            box.wait_until(lambda: bool(row(box, "op1")["address"]), 10, phone.log)
            said, _ = serving.communicate(timeout=20)
            with pytest.raises(urllib.error.URLError, match="refused"):
                fetch(url)
    assert "op1: registrato" in said
    assert "Chiuso" in said
    assert phones.load_handsets(box.settings)["op1"].token == ""


@pytest.mark.skipif(shutil.which(LINPHONE) is None, reason="apt install linphone-cli")
def test_a_linphone_sets_itself_up_by_the_address_of_its_sheet(box: Box, tmp_path: Path) -> None:
    """Remote provisioning: the Linphone is given the address in the QR code and nothing else."""
    sheet = tmp_path / "op2.html"
    add(box, "op2", "--sheet", str(sheet))
    url = phones.url_of(phones.load_handsets(box.settings)["op2"], box.address)
    assert url in sheet.read_text()
    rc = tmp_path / "linphonerc"
    rc.write_text(CONFIG.format(url=url, port=free_port("127.0.0.1")))
    (tmp_path / ".local" / "share" / "linphone").mkdir(parents=True)
    with window(box):
        phone = subprocess.Popen(
            [LINPHONE, "-c", str(rc), "-d", "5", "-l", str(tmp_path / "log")],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "HOME": str(tmp_path)},
        )
        try:
            box.wait_until(lambda: bool(row(box, "op2")["address"]), 30, "Linphone is not there")
        finally:
            phone.kill()
            phone.wait()


def test_only_the_expected_phone_is_served(box: Box) -> None:
    """A desk phone is known by the name it asks for; nothing else of the box is there."""
    add(box, "op1", "--mac", "00:15:65:AA:BB:CC")
    base = f"http://{box.address}:{server.PORT}"
    with window(box):
        for path in ("/", "/phone_secrets.json", "/001565aabbcd.cfg", "/../state/handsets.json"):
            assert fetch(base + path)[0] == 404
        code, text = fetch(base + "/001565aabbcc.cfg")
    assert code == 200
    assert f"account.1.sip_server.1.address = {box.address}" in text
    assert "secret-op1" not in text  # the password was renewed


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: a network of its own")
def test_a_phone_is_added_before_the_cable_is_plugged_in(tmp_path: Path) -> None:
    """Without a network what to type names the box; a sheet, whose code would lead nowhere, is
    refused, and nothing is renewed.
    """
    path = tmp_path / "centralino.toml"
    text = CONFIGURATION.format(folder=tmp_path).replace("127.0.18.7", "0.0.0.0")
    path.write_text(text)
    alone = ["unshare", "--net", sys.executable, "-m", "appliance", "phones", "--config", str(path)]

    def add_alone(*more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*alone, "add", "op1", *more], capture_output=True, text=True, check=False
        )

    assert socket.gethostname() in add_alone().stdout
    before = phones.load_handsets(read.load(path))
    refused = add_alone("--sheet", str(tmp_path / "op1.html"))
    assert (refused.returncode, "plug in the cable" in refused.stderr) == (1, True)
    assert phones.load_handsets(read.load(path)) == before
