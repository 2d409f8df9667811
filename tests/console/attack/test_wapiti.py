"""A scanner of other people's making (wapiti) finds nothing, as a visitor and as an operator.

It is a program of its own, in an environment of its own: scripts/wapiti.sh makes it. What it finds
and is no hole stands in ACCEPTED, each with its reason.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import pytest

from appliance.policy.users import User
from appliance.store import sheets
from appliance.store.database import database_path, open_database
from tests.calls.test_transfer import office_switchboard
from tests.console import people
from tests.console.attack.call_control import AnsweringControl
from tests.console.attack.test_probing import SHEET
from tests.console.control_socket import ServedSocket
from tests.console.states import told
from tests.console.test_process import console
from tests.docs.pages import ROOT

pytestmark = pytest.mark.system

OWN: Final = ROOT / "build" / "wapiti" / "bin" / "wapiti"
MODULES: Final = (
    "cookieflags,crlf,csp,csrf,exec,file,http_headers,methods,permanentxss,redirect,sql,"
    "upload,xss,xxe"
)
"""Everything that needs no host outside; the heavier ones are for the long run."""
MOST_FIELDS: Final = 12
"""A longer form, a user's roles ticked in every way and the year's 365 days would each take all the
time there is; every field of every form is probed by test_probing.py."""
SCAN_S: Final = 120
SMOKE: Final = "cookieflags,csp,http_headers,redirect"
ACCEPTED: Final = {
    "Strict-Transport-Security is not set": "a box with a new authority would be locked out of",
    "X-Frame-Options is not set": "the content security policy's frame-ancestors says it",
    "HTTP Strict Transport Security (HSTS)": "as above",
    "Clickjacking Protection": "as above",
}
"""What is found and is none: as wapiti says it, and why it stays."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve a real console over TLS, with people, a sheet and call control behind; yields its
    address.
    """
    folder = tmp_path_factory.mktemp("scanned")
    path = database_path(folder / "state")
    path.parent.mkdir(parents=True)
    with closing(open_database(path, path.parent / "corrupt").connection) as kept:
        people.enter(kept)
        sheets.store(kept, (SHEET,))
    switchboard = office_switchboard()
    answer = AnsweringControl(folder / "desk", switchboard, "Fatto.")
    (folder / "run").mkdir()
    with (
        ServedSocket(folder / "run" / "desk.sock", answer, **told(switchboard)),
        console(folder) as port,
    ):
        yield f"https://127.0.0.1:{port}"
    assert "Traceback" not in (folder / "console.log").read_text(encoding="utf-8")


def scanner() -> str:
    """Find wapiti; skips in words where it is missing."""
    found = str(OWN) if OWN.exists() else shutil.which("wapiti")
    if not found:
        pytest.skip("wapiti is missing (scripts/wapiti.sh)")
    return found


def scan(
    home: str, folder: Path, modules: str, seconds: int, user: User | None = None
) -> dict[str, Any]:
    """Have wapiti look for so many seconds at most, logged in as a user; returns its report."""
    report = folder / "report.json"
    command = [
        scanner(), "-u", f"{home}/", "-m", modules, "--no-bugreport", "-v", "0", "--verify-ssl",
        "0", "-t", "5", "-d", "6", "--max-scan-time", str(seconds), "--max-attack-time",
        str(max(5, seconds // 4)), "--max-links-per-page", "60", "--tasks", "4",
        "-f", "json", "-o", str(report), "--store-session", str(folder / "session"),
        "--store-config", str(folder / "config"), "-S", "normal",
        "-x", f"{home}/hours?*", "--skip", "roles", "--max-parameters", str(MOST_FIELDS),
        "-x", f"{home}/logout", "-x", f"{home}/language", "-x", f"{home}/account/password",
    ]  # fmt: skip
    if user:
        command += ["--form-user", user.name, "--form-password", people.PHRASE]
        command += ["--form-url", f"{home}/login"]
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
    report = scan(home, tmp_path, MODULES, SCAN_S, user)
    assert report["infos"]["crawled_pages_nbr"] > (20 if user else 3)
    assert findings(report) == []
