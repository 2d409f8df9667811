"""A scanner of other people's making (wapiti) finds nothing, as a visitor and as an operator.

It is a program of its own, in an environment of its own: scripts/wapiti.sh makes it. What it finds
and is no hole stands in ACCEPTED, each with its reason.
"""

from __future__ import annotations

import json
import os
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from appliance.daemon.door import Answer, Later
from appliance.daemon.stores import database_path
from appliance.daemon.transfer_questions import offices
from appliance.policy.accounts import User
from appliance.records import sheets
from appliance.records.database import open_database
from tests.calls.test_transfers import office_desk
from tests.console import people
from tests.console.attack.test_probing import SHEET
from tests.console.door import ServedDoor
from tests.console.states import told
from tests.console.test_process import console
from tests.docs.pages import ROOT
from tests.fuzz.targets.door import Desk

pytestmark = pytest.mark.system

OWN: Final = ROOT / "build" / "wapiti" / "bin" / "wapiti"
MODULES: Final = (
    "cookieflags,crlf,csp,csrf,exec,file,http_headers,methods,permanentxss,redirect,sql,"
    "upload,xss,xxe"
)
"""Everything that needs no host outside; the heavier ones are for the long run."""
SMOKE: Final = "cookieflags,csp,http_headers,redirect"
COOKIE: Final = "__Host-centralino"
ACCEPTED: Final = {
    "Strict-Transport-Security is not set": "a box with a new authority would be locked out of",
    "X-Frame-Options is not set": "the content security policy's frame-ancestors says it",
    "HTTP Strict Transport Security (HSTS)": "as above",
    "Clickjacking Protection": "as above",
}
"""What is found and is none: as wapiti says it, and why it stays."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve a real console over TLS, with people, a sheet and a desk behind; yields its address."""
    folder = tmp_path_factory.mktemp("scanned")
    path = database_path(folder / "state")
    path.parent.mkdir(parents=True)
    with closing(open_database(path, path.parent / "corrupt").connection) as kept:
        people.enter(kept)
        sheets.store(kept, (SHEET,))
    desk: Any = Desk(office_desk())

    def answer(question: dict[str, Any]) -> Answer | Later:
        if question["ask"] == "offices":
            return offices(desk, question)
        return {"said": {"it": "Fatto.", "en": "Done."}, "slots": [], "offers": False}

    (folder / "run").mkdir()
    with (
        ServedDoor(folder / "run" / "desk.sock", answer, **told(desk.switchboard)),
        console(folder) as port,
    ):
        yield f"https://127.0.0.1:{port}"


def scanner() -> str:
    """Find wapiti; skips in words where it is missing."""
    found = str(OWN) if OWN.exists() else shutil.which("wapiti")
    if not found:
        pytest.skip("wapiti is missing (scripts/wapiti.sh)")
    return found


def log_in(home: str, user: User) -> str:
    """Log somebody in; returns the word of the session's cookie."""
    trusting = ssl.create_default_context()
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    with httpx.Client(base_url=home, verify=trusting) as client:
        page = client.get("/login").text
        token = page.split('name="csrf" value="')[1].split('"')[0]
        form = {"csrf": token, "name": user.name, "password": people.PHRASE, "next": "/"}
        assert client.post("/login", data=form).status_code == 303
        return client.cookies[COOKIE]


def scan(home: str, folder: Path, modules: str, seconds: int, word: str = "") -> dict[str, Any]:
    """Have wapiti look for so many seconds at most; returns its report."""
    report = folder / "report.json"
    command = [
        scanner(), "-u", f"{home}/", "-m", modules, "--no-bugreport", "-v", "0", "--verify-ssl",
        "0", "-t", "5", "-d", "6", "--max-scan-time", str(seconds), "--max-attack-time",
        str(max(5, seconds // 4)), "--max-links-per-page", "60", "--tasks", "4",
        "-f", "json", "-o", str(report), "--store-session", str(folder / "session"),
        "--store-config", str(folder / "config"), "-S", "normal",
        "-x", f"{home}/logout", "-x", f"{home}/language", "-x", f"{home}/account/password",
    ]  # fmt: skip
    if word:
        # what the scanner is given as a new cookie would be another session
        command += ["-C", f"{COOKIE}={word}", "--drop-set-cookie"]
    own = {**os.environ, "HOME": str(folder), "PYTHONPATH": ""}
    ran = subprocess.run(
        command, capture_output=True, text=True, timeout=seconds * 3 + 120, env=own, check=False
    )
    assert report.exists(), ran.stdout[-3000:] + ran.stderr[-3000:]
    found: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))
    return found


def findings(report: dict[str, Any]) -> list[str]:
    """List what was found and is not accepted: holes, and pages that have failed."""
    return [
        f"{kind}: {one['method']} {one['path']}: {one['info']} [{one['parameter']}]"
        for group in ("vulnerabilities", "anomalies")
        for kind, many in report[group].items()
        for one in many
        if kind not in ACCEPTED and not any(known in one["info"] for known in ACCEPTED)
    ]


def test_a_visitor_finds_nothing_at_a_glance(home: str, tmp_path: Path) -> None:
    """Headers, cookies, redirections of what is open to everybody."""
    report = scan(home, tmp_path, SMOKE, 20)
    assert report["infos"]["crawled_pages_nbr"] > 0
    assert findings(report) == []


@pytest.mark.long
@pytest.mark.parametrize(
    "user", [None, people.CARLA, people.BEPPE], ids=lambda u: getattr(u, "name", "visitor")
)
def test_nobody_finds_anything(home: str, tmp_path: Path, user: User | None) -> None:
    """Injections, traversals, scripts, uploads, forms without a token: on every page they reach."""
    word = log_in(home, user) if user else ""
    report = scan(home, tmp_path, MODULES, 240, word)
    assert report["infos"]["crawled_pages_nbr"] > (10 if user else 3)
    assert findings(report) == []
