"""Requests of a desk that root must not trust, answers that anybody may read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from appliance.errors import TechnicianError
from appliance.usb import reset
from appliance.usb.reset import (
    LEAST_GAP_S,
    ResetAnswer,
    UsbStep,
    may_reset,
    read_answers,
    request_reset,
    take_request,
    write_answer,
)


def names(folder: Path) -> list[str]:
    """List what lies in a folder."""
    return [path.name for path in folder.iterdir()]


def test_a_request_is_taken_once(tmp_path: Path) -> None:
    """It is whole when it is there, and gone before anything is done, so that nothing loops."""
    folder = tmp_path / "usb"
    assert request_reset(folder, "line1", UsbStep.RESET_USB)
    assert names(folder) == ["line1"]
    assert take_request(folder, "line1") is UsbStep.RESET_USB
    assert take_request(folder, "line1") is None
    assert names(folder) == []


def test_a_request_that_nobody_took_is_noticed(tmp_path: Path) -> None:
    """The helper's unit is not enabled: a person must replug."""
    assert request_reset(tmp_path, "line1", UsbStep.RESET_USB)
    assert not request_reset(tmp_path, "line1", UsbStep.POWER_CYCLE)
    assert take_request(tmp_path, "line1") is UsbStep.POWER_CYCLE


@pytest.mark.parametrize("name", ["", "..", ".line1", "a/b", "linea 1", "x" * 65, "-l"])
def test_a_name_that_is_no_file_s_is_refused(tmp_path: Path, name: str) -> None:
    """A request names a line, and nothing outside its folder."""
    for act in (
        lambda: request_reset(tmp_path, name, UsbStep.RESET_USB),
        lambda: take_request(tmp_path, name),
    ):
        with pytest.raises(TechnicianError, match=r"lines\.name"):
            act()


def test_a_folder_without_room_is_told(tmp_path: Path) -> None:
    """The desk goes on; a person must act."""
    (tmp_path / "usb").write_text("")
    with pytest.raises(TechnicianError, match="no USB reset"):
        request_reset(tmp_path / "usb", "line1", UsbStep.RESET_USB)


def test_nothing_of_the_desk_s_is_followed(tmp_path: Path) -> None:
    """A link, a pipe, a folder or nonsense in the place of a request is removed or left, not read:
    root opens plain files in the very folder only.
    """
    secret, folder = tmp_path / "secret", tmp_path / "usb"
    secret.write_text("reset_usb")
    folder.mkdir()
    (folder / "line1").symlink_to(secret)
    assert take_request(folder, "line1") is None
    assert secret.read_text() == "reset_usb"
    os.mkfifo(folder / "line1")
    assert take_request(folder, "line1") is None
    (folder / "line1").write_text("reset_usb\x00" * 100)
    assert take_request(folder, "line1") is None
    (folder / "line1").mkdir()
    assert take_request(folder, "line1") is None
    elsewhere = tmp_path / "elsewhere"
    elsewhere.symlink_to(folder)
    (folder / "line2").write_text("reset_usb")
    assert take_request(elsewhere, "line2") is None
    assert take_request(tmp_path / "nowhere", "line2") is None
    assert (folder / "line2").exists()


def test_answers_are_kept_by_step(tmp_path: Path) -> None:
    """The desk reads what became of each; nonsense is no answer."""
    reset = ResetAnswer(UsbStep.RESET_USB, True, "done", 10.0)
    power = ResetAnswer(UsbStep.POWER_CYCLE, False, "no switch", 20.0)
    assert read_answers(tmp_path, "line1") == {}
    for answer in (reset, power):
        write_answer(tmp_path, "line1", answer)
    assert read_answers(tmp_path, "line1") == {UsbStep.RESET_USB: reset, UsbStep.POWER_CYCLE: power}
    for nonsense in ("x", "[]", '{"melt": {}}', '{"reset_usb": {}}', '{"reset_usb": 1}'):
        (tmp_path / "line1").write_text(nonsense)
        assert read_answers(tmp_path, "line1") == {}


def test_a_step_is_done_once_in_two_minutes(tmp_path: Path) -> None:
    """Whoever asks in a circle changes nothing; the other step may follow at once."""
    done = {UsbStep.RESET_USB: ResetAnswer(UsbStep.RESET_USB, True, "", 100.0)}
    assert not may_reset(UsbStep.RESET_USB, done, 100.0 + LEAST_GAP_S - 1)
    assert may_reset(UsbStep.RESET_USB, done, 100.0 + LEAST_GAP_S)
    assert may_reset(UsbStep.POWER_CYCLE, done, 101.0)


def test_answers_lie_where_only_root_writes(tmp_path: Path) -> None:
    """Beside the run folder, not in it: a link planted there would be root's to write through."""
    run = Path("/run/centralino")
    assert reset.requests_folder(run) == run / "usb"
    assert reset.answers_folder(run) == Path("/run/centralino-usb")
