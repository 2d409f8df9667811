"""`centralino box selftest` as a technician types it: whole boxes, well and not."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

from appliance.selftest.findings import TITLES, Outcome
from appliance.selftest.machine import Machine
from appliance.selftest.run import CALLS, self_test
from appliance.text import Words
from tests.helpers.box import Box
from tests.helpers.ports import free_port
from tests.selftest.small import Site, Told, run

pytestmark = pytest.mark.system
PLANTED = Path(__file__).with_name("planted")
BOARD = {"heat", "power"}
"""What a computer without these sensors cannot tell."""


def is_well(told: Told) -> bool:
    """Expect the verdict of a healthy box; False where the machine itself, beside other tests, has
    no time left for a call: then the processor is the cause, and no more is asked.
    """
    if told.wrong[:1] == ["processor"]:
        figures = {row["check"]: row["figures"] for row in told.told["checks"]}
        assert figures["processor"]["busy"] >= 95, told
        assert "the processor has no time left for calls" in told.told["en"]
        return False
    assert (told.status, told.wrong) == (0, []), told
    return True


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """A box that is installed and does not run."""
    return Site.made(tmp_path / "box", free_port("127.0.0.1"))


@pytest.mark.alone
def test_a_healthy_box(site: Site) -> None:
    """Every check holds, with its figures; nothing is left in the state folder but the result."""
    # As in a German terminal: neither words nor decimals depend on it.
    told = run(site.config, LANG="de_DE.UTF-8", LC_ALL="de_DE.UTF-8")
    assert [path.name for path in site.state.iterdir()] == ["selftest.json"]
    if not is_well(told):
        return
    assert told.told["it"].startswith("L'apparecchio è in ordine")
    assert {code for code in TITLES if told.outcomes[code] != "ok"} <= BOARD
    figures = {row["check"]: row["figures"] for row in told.told["checks"]}
    assert figures["to_phone"]["snr_db"] > 20
    assert abs(figures["to_caller"]["gain_db"]) < 3
    assert 20 < figures["delay"]["ms"] < 600


@pytest.mark.long
@pytest.mark.parametrize(
    ("fault", "cause", "words"),
    [
        ("deaf", "to_phone", "the phone hears nothing of the caller"),
        ("mute", "to_caller", "the caller hears nothing of the phone"),
        ("shifted", "to_phone", "noise, not what was said"),
        ("dies", "gateway", "the media gateway died during the calls"),
    ],
)
def test_a_broken_programme(site: Site, fault: str, cause: str, words: str) -> None:
    """A media gateway that drops sound, garbles it, or dies: the cause comes first."""
    told = run(site.config, PYTHONPATH=str(PLANTED), PLANTED=fault)
    faults = [check for check in told.wrong if check != "processor"]
    assert (told.status, faults[:1]) == (1, [cause]), told
    said = {row["check"]: row["said"]["en"] for row in told.told["checks"]}
    assert words in said[cause]


def test_a_library_that_is_broken(site: Site, tmp_path: Path) -> None:
    """No call can be made: the library is the cause, the calls are not measured because of it."""
    (tmp_path / "sdnotify.py").write_text("raise ImportError('cut short')")
    told = run(site.config, PYTHONPATH=str(tmp_path))
    assert (told.status, told.wrong) == (1, ["programme"]), told
    assert told.outcomes["ring"] == told.outcomes["message"] == "not_measured"
    assert "first the programme's own files must be mended" in str(told.told["checks"])


@pytest.mark.alone
def test_a_part_that_no_call_needs(site: Site, tmp_path: Path) -> None:
    """The browser's pages alone are broken: that is the cause, and the calls are measured."""
    (tmp_path / "jinja2.py").write_text("raise ImportError('cut short')")
    told = run(site.config, PYTHONPATH=str(tmp_path))
    assert (told.status, told.wrong[:1]) == (1, ["programme"]), told
    assert "appliance.console.process cannot be loaded" in told.told["en"]
    assert (told.outcomes["ring"], told.outcomes["message"]) == ("ok", "ok"), told


def test_a_board_without_room_for_a_second_box(site: Site, tmp_path: Path) -> None:
    """Neither well nor unwell, and no process is started that the service would feel."""
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc" / "meminfo").write_text("MemAvailable: 150000 kB\n")
    told: list[Words] = []
    found = self_test(site.config, Machine(proc=tmp_path / "proc"), told.append)
    assert found.status == 2, found
    assert "two calls need 224 MB of memory" in str(found.verdict)
    assert {f.code for f in found.findings if f.outcome is Outcome.OK} >= {"programme", "memory"}
    calls = [f for f in found.findings if f.code in CALLS]
    assert {f.outcome for f in calls} == {Outcome.NOT_MEASURED}
    assert [str(words) for words in told] == ["Looking at the machine …"]
    assert list(site.state.iterdir()) == []


def test_a_configuration_with_mistakes(site: Site) -> None:
    """It is the cause, in the words of `centralino check`; no call is made with it."""
    site.config.write_text(site.config.read_text().replace("[hours]", "[hour]"))
    told = run(site.config)
    assert (told.status, told.wrong) == (1, ["configuration"]), told
    assert "centralino check" in told.told["en"]
    assert "hours" in told.told["en"]
    assert told.outcomes["message"] == "not_measured"


def test_a_second_one_waits_for_the_first(site: Site) -> None:
    """Two at once would measure each other; what a killed one has left is taken away."""
    (site.state / "selftest-killed" / "run").mkdir(parents=True)
    other = site.state / "selftest-other"
    other.mkdir()
    descriptor = os.open(other, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        command = [sys.executable, "-m", "appliance", "selftest", "--language", "en"]
        done = subprocess.run(
            [*command, "--config", str(site.config)], capture_output=True, text=True, check=False
        )
        assert "a self-test runs already" in done.stderr
        assert done.returncode == 1
    finally:
        os.close(descriptor)
    assert not (site.state / "selftest-killed").exists()


@pytest.mark.long
def test_beside_a_call_that_is_going_on(tmp_path: Path) -> None:
    """On a box in service, with somebody on the phone: the box is well, and the call goes on
    without a gap; the service's lines, records and messages know nothing of the self-test.
    """
    with Box(tmp_path / "box", counters=()) as box, box.phone("op1") as phone:
        phone.answer_mode("auto")
        call = box.place(1, caller="0515550100", hang_up_after_ms=600_000, repeat_say=True,
                         clips=(bytes(range(256)) * 40,))  # fmt: skip
        call.wait_for("answered", 60.0)
        told = run(box.config_path)
        is_well(told)
        assert told.outcomes["ports"] == "ok"
        call.hang_up()
        call.wait(60.0)
        heard = phone.received()
        assert heard.lost == 0
        assert len(box.records()) == 1
        assert box.messages() == ()
