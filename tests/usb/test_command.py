"""The helper as a command, on a faithful sysfs in a temporary folder."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from appliance import usb
from appliance.__main__ import main
from appliance.usb import UsbStep
from tests.usb.tree import Tree

if TYPE_CHECKING:
    from click.testing import Result


CONFIGURATION = """\
[site]
name = "Test"
patron = "10-04"
[hours]
[sip]
address = "127.0.0.1"
[[lines]]
name = "line1"
port = "{port}"
[folders]
run = "{run}"
"""


class Helper:
    """A box with one configured line, whose modem hangs at "1-1.2"."""

    def __init__(self, folder: Path) -> None:
        self.tree = Tree(folder)
        self.run = folder / "run"
        self.config = folder / "centralino.toml"
        self.config.write_text(CONFIGURATION.format(port=self.tree.port(2), run=self.run))
        self.requests = usb.requests_folder(self.run)

    def __call__(self, *arguments: str) -> Result:
        """Run the command as the unit does."""
        options = ["--config", str(self.config), "--sysfs", str(self.tree.sysfs)]
        return CliRunner().invoke(main, ["usb-reset", *options, *arguments])

    def answer(self, step: UsbStep) -> usb.ResetAnswer:
        """Return what became of a step."""
        return usb.read_answers(usb.answers_folder(self.run), "line1")[step]


@pytest.fixture
def helper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Helper:
    """A helper that does not wait."""
    monkeypatch.setattr(usb, "UNBOUND_S", 0.0)
    monkeypatch.setattr(usb, "DARK_S", 0.0)
    return Helper(tmp_path)


def test_what_call_control_asks_for_is_done_and_answered(helper: Helper) -> None:
    """The request is gone, the device was reset, the answer says which."""
    usb.request_reset(helper.requests, "line1", UsbStep.RESET_USB)
    result = helper("line1")
    assert (result.exit_code, "1-1.2" in result.output) == (0, True)
    assert helper.tree.read("bus/usb/drivers/usb/bind") == "1-1.2"
    assert not (helper.requests / "line1").exists()
    assert helper.answer(UsbStep.RESET_USB).done


def test_a_line_that_is_not_configured_cannot_be_reset(helper: Helper) -> None:
    """Whatever call control asks for, only the configuration's ports are touched."""
    usb.request_reset(helper.requests, "line2", UsbStep.RESET_USB)
    result = helper("line2")
    assert (result.exit_code, "non è configurata" in result.output) == (1, True)
    assert helper.tree.read("bus/usb/drivers/usb/unbind") == ""
    assert not (helper.requests / "line2").exists()


def test_the_rate_is_limited(helper: Helper) -> None:
    """The second request for the same step within two minutes is refused, in words."""
    assert helper("--step", "reset_usb", "line1").exit_code == 0
    (helper.tree.sysfs / "bus/usb/drivers/usb/bind").write_text("")
    result = helper("--step", "reset_usb", "line1")
    assert (result.exit_code, "due minuti" in result.output) == (1, True)
    assert helper.tree.read("bus/usb/drivers/usb/bind") == ""
    assert helper("--step", "power_cycle", "line1").exit_code == 0


def test_a_modem_that_has_gone_is_answered_too(helper: Helper) -> None:
    """Call control reads why it was of no use."""
    Path(helper.tree.port(2)).unlink()
    result = helper("--step", "power_cycle", "line1")
    assert (result.exit_code, "scollegarlo" in result.output) == (1, True)
    answer = helper.answer(UsbStep.POWER_CYCLE)
    assert (answer.done, "unplug" in answer.sentence) == (False, True)


def test_without_a_request_nothing_is_done(helper: Helper) -> None:
    """Started by hand it wants a step."""
    result = helper("line1")
    assert (result.exit_code, "indicare --step" in result.output) == (1, True)


def test_a_broken_configuration_leaves_no_request(helper: Helper) -> None:
    """systemd starts the helper for as long as a request lies there: it is taken before anything
    can fail, else the path unit gives up after twenty starts and no modem is reset any more.
    """
    usb.request_reset(helper.requests, "line1", UsbStep.RESET_USB)
    helper.config.write_text("[site\n")
    result = helper("--run", str(helper.run), "line1")
    assert result.exit_code == 1
    assert not (helper.requests / "line1").exists()
    assert helper.tree.read("bus/usb/drivers/usb/unbind") == ""


def test_the_run_folder_of_the_option_is_where_it_asks_and_answers(helper: Helper) -> None:
    """The unit names its folder; the configuration's is for those who start it by hand."""
    elsewhere = helper.run.with_name("elsewhere")
    usb.request_reset(usb.requests_folder(elsewhere), "line1", UsbStep.RESET_USB)
    assert helper("--run", str(elsewhere), "line1").exit_code == 0
    assert usb.read_answers(usb.answers_folder(elsewhere), "line1")[UsbStep.RESET_USB].done


def test_one_start_does_all_that_call_control_asks_for(helper: Helper) -> None:
    """As the unit starts it: the request of a line that is not configured keeps no other waiting,
    and nothing is left by which systemd would start it again and again.
    """
    for line in ("line0", "line1"):
        usb.request_reset(helper.requests, line, UsbStep.RESET_USB)
    (helper.requests / "not a line").write_text("reset_usb", encoding="ascii")
    (helper.requests / "folder" / "in it").mkdir(parents=True)
    result = helper("--asked", "--run", str(helper.run))
    assert (result.exit_code, "'line0' non è configurata" in result.output) == (1, True)
    assert helper.answer(UsbStep.RESET_USB).done
    assert list(helper.requests.iterdir()) == []


def test_all_that_is_asked_for_may_be_nothing(helper: Helper) -> None:
    """A request that somebody else has taken is no fault of anything, and is said."""
    result = helper("--asked", "--run", str(helper.run))
    assert (result.exit_code, "nulla è stato richiesto" in result.output) == (1, True)


@pytest.mark.parametrize("words", [(), ("--asked", "line1"), ("--asked", "--step", "reset_usb")])
def test_it_wants_a_line_or_all_that_is_asked_for(helper: Helper, words: tuple[str, ...]) -> None:
    """Both at once, or neither, is a slip of the hand."""
    assert helper(*words).exit_code == 2


def test_the_units_agree_on_where_requests_lie_and_let_uhubctl_in() -> None:
    """The path unit's folder is the helper's; libusb starts with a netlink socket or not at all."""
    units = Path(__file__).resolve().parents[2] / "systemd"
    waits = (units / "centralino-request@.path").read_text().replace("%i", "usb")
    helps = (units / "centralino-helper@.service").read_text().replace("%i", "usb")
    rights = (units / "centralino-helper@usb.service.d" / "rights.conf").read_text()
    run = re.search(r"--run (\S+)", helps)
    assert run is not None
    assert f"PathExistsGlob={usb.requests_folder(Path(run[1]))}/*\n" in waits
    assert f"RuntimeDirectory={usb.answers_folder(Path(run[1])).name}\n" in helps
    assert re.search(r"^RestrictAddressFamilies=.*AF_NETLINK", rights, re.MULTILINE)
