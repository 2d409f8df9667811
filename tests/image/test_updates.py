"""Updates by RAUC itself: signed, newer, tried, kept or left; never during a call, nothing lost."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.commands import updates
from appliance.commands.updates import IN_MEMORY, NO_KEY, Stick
from appliance.policy.text import Refused
from appliance.policy.updates import HEALTHY_S, TRIAL_LIMIT_S, UpdateState
from appliance.service import notices
from appliance.service import updates as service_updates
from appliance.service.updates import UPLOADED, UpdateRequest
from tests.helpers.words import pair
from tests.image.two_slots import RUNNING, TwoSlots, missing

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(missing() != "", reason=f"needs {missing()}"),
]


@pytest.fixture
def box(tmp_path: Path) -> Iterator[TwoSlots]:
    """A box that runs 1.0.0 from slot A."""
    with TwoSlots(tmp_path) as made:
        yield made


def test_a_new_version_is_tried_and_stays(box: TwoSlots) -> None:
    """Written beside the running one, started, good after two minutes of health; then again at
    each start.
    """
    said = box.install(box.bundle("1.1.0"))
    assert "1.1.0" in said.text("it")
    assert (box.kept.state, box.kept.slot, box.booted) == (UpdateState.INSTALLED, "B", "A")
    assert (box.holds("B"), box.holds("A")) == ("1.1.0", "")
    with box.call_control():
        box.helper.start("beppe")
        assert box.restarts == 1
        box.start_anew()
        assert (box.booted, box.left("B")) == ("B", 0)
        began = box.clock.now
        assert "1.1.0" in box.watch().text("en")
        assert box.clock.now - began >= 120
        assert (box.kept.state, box.left("B")) == (UpdateState.GOOD, 3)
        box.start_anew()
        box.watch()
        assert (box.booted, box.left("B")) == ("B", 3)
    (past,) = box.kept.past
    assert (past.by, past.before, past.version, past.outcome) == ("beppe", RUNNING, "1.1.0", "good")


def test_a_version_that_is_not_well_is_left_by_itself(box: TwoSlots) -> None:
    """A line that worked before does not now: the old slot comes back, says why, and stays."""
    box.install(box.bundle("1.1.0"))
    with box.call_control():
        box.helper.start("beppe")
        box.start_anew()
        box.health |= {"working": [], "out": ["line1"]}
        assert "line1" in box.watch().text("it")
        assert box.restarts == 2
        assert box.clock.now >= TRIAL_LIMIT_S
        box.start_anew()
        assert (box.booted, box.version) == ("A", RUNNING)
        box.watch()
    assert (box.kept.state, box.left("A"), box.left("B")) == (UpdateState.BACK, 3, 0)
    assert "line1" in box.kept.said.text("en")
    assert box.kept.failed == ("1.1.0",)
    box.start_anew()
    assert box.booted == "A"


def test_a_good_slot_stays_good_whatever_is_unplugged(box: TwoSlots) -> None:
    """Without a line or a network: only call control that does not even answer costs it a try."""
    box.health |= {"ready_s": 0.0, "carrier": False, "working": [], "out": ["line1"]}
    with box.call_control():
        for _ in range(5):
            box.start_anew()
            assert (box.booted, box.left("A")) == ("A", 2)
            box.watch()
            assert box.left("A") == 3


def test_a_version_that_does_not_even_start_is_left(box: TwoSlots) -> None:
    """A kernel that panics, a power cut in the trial: one try, then the old one."""
    box.install(box.bundle("1.1.0"))
    box.start_anew()
    box.start_anew()
    with box.call_control():
        box.watch()
    assert (box.booted, box.kept.state) == ("A", UpdateState.BACK)
    assert "1.1.0" in box.kept.said.text("it")


@contextlib.contextmanager
def in_memory(box: TwoSlots, notice: str = IN_MEMORY) -> Iterator[None]:
    """Have the data partition out of reach, and what the helper keeps in memory instead."""
    told, kept = notices.folder_of(box.helper.run), box.helper.kept_in
    aside = kept.rename(kept.with_name("out-of-reach")) if kept.exists() else None
    notices.post_notice(notice, pair("in memoria", "in memory"), told)
    yield
    notices.withdraw_notice(notice, told)
    shutil.rmtree(kept, ignore_errors=True)
    if aside is not None:
        aside.rename(kept)


def test_a_version_that_waits_for_the_datas_key_is_not_judged(box: TwoSlots) -> None:
    """Its only start was one without the stick: it is neither marked good nor called bad, and the
    version of before comes back; one that was good before stays good without its stick.
    """
    box.install(box.bundle("1.1.0"))
    with box.call_control():
        box.helper.start("beppe")
        box.start_anew()
        with in_memory(box, NO_KEY):
            assert "stick" in box.watch().text("en")
            assert (box.restarts, box.left("B")) == (1, 0)
        box.start_anew()
        box.watch()
        assert (box.booted, box.kept.state) == ("A", UpdateState.BACK)
        box.start_anew()
        with in_memory(box, NO_KEY):
            box.watch()
        assert (box.booted, box.left("A")) == ("A", 3)


def test_a_version_that_cannot_open_the_data_partition_is_left_at_once(box: TwoSlots) -> None:
    """Nothing there tells that it is on trial, and what callers leave would be lost."""
    box.install(box.bundle("1.1.0"))
    with box.call_control():
        box.helper.start("beppe")
        box.start_anew()
        with in_memory(box):
            assert "1.1.0" in box.watch().text("en")
            assert (box.restarts, box.left("B")) == (2, 0)
            assert box.clock.now < HEALTHY_S
        box.start_anew()
        box.watch()
    assert (box.booted, box.kept.state, box.kept.failed) == ("A", UpdateState.BACK, ("1.1.0",))
    assert box.left("A") == 3


def test_a_good_version_stays_whatever_becomes_of_the_data_partition(box: TwoSlots) -> None:
    """Another one would not reach it either; nor is there one where nothing else was ever good."""
    with box.call_control(), in_memory(box):
        for _ in range(3):
            box.start_anew()
        assert box.left("A") == 0
        box.watch()
    assert (box.restarts, box.left("A")) == (0, 3)


def test_a_version_that_is_well_too_late_is_left(box: TwoSlots) -> None:
    """Within its ten minutes it must be well for two on end; it is said that it was not."""
    box.install(box.bundle("1.1.0"))
    box.health["ready_s"] = 0.0
    with box.call_control():
        box.start_anew()
        box.clock.now = TRIAL_LIMIT_S - HEALTHY_S / 2
        box.health["ready_s"] = 60.0
        assert "two minutes on end" in box.watch().text("en")
    assert box.restarts == 1


@pytest.mark.parametrize("version", ["0.9.9", "1.0.0", "1.0.0~rc3"])
def test_an_older_version_is_refused(box: TwoSlots, version: str) -> None:
    """Also the very same; a person at the shell may insist."""
    bundle = box.bundle(version)
    with pytest.raises(Refused, match="not newer"):
        box.install(bundle)
    assert (box.holds("B"), box.left("A")) == ("", 3)
    assert box.kept.past[0].outcome == "refused"
    box.install(bundle, even_older=True)
    assert box.holds("B") == version


def test_what_somebody_else_has_signed_is_refused(box: TwoSlots) -> None:
    """Nothing is written; also not where an older one would be taken."""
    box.make_keys("others")
    with pytest.raises(Refused, match="no update signed"):
        box.install(box.bundle("2.0.0", "others"), even_older=True)
    assert (box.holds("B"), box.kept.state) == ("", UpdateState.NONE)
    assert not list(box.helper.kept_in.glob("*.raucb"))


@pytest.mark.parametrize("harm", ["cut", "signature", "no bundle"])
def test_what_is_damaged_is_refused(box: TwoSlots, harm: str) -> None:
    """In words, with what to do."""
    bundle = box.bundle("1.1.0")
    data = bytearray(bundle.read_bytes())
    if harm == "signature":
        data[-200] ^= 1
    bundle.write_bytes({"cut": bytes(data[:-5000]), "no bundle": b"hello"}.get(harm, bytes(data)))
    with pytest.raises(Refused, match="fetch it again"):
        box.install(bundle)
    assert box.holds("B") == ""


def test_damaged_contents_cannot_be_written(box: TwoSlots) -> None:
    """The signature covers them: of this format all at once; in a box each block as it is read."""
    bundle = box.bundle("1.1.0")
    data = bytearray(bundle.read_bytes())
    data[200] ^= 1
    bundle.write_bytes(data)
    with pytest.raises(Refused):
        box.install(bundle)
    assert (box.kept.state, box.holds("B")) == (UpdateState.NONE, "")
    box.start_anew()
    assert box.booted == "A"


def test_a_write_that_fails_leaves_all_as_it_is(box: TwoSlots) -> None:
    """Half of it is in the other slot then: that one is bad, and never started from."""
    (box.folder / "B").unlink()
    (box.folder / "B").symlink_to("/dev/full")
    with pytest.raises(Refused, match="could not be written"):
        box.install(box.bundle("1.1.0"))
    assert (box.kept.state, box.left("A"), box.left("B")) == (UpdateState.NONE, 3, 0)
    box.start_anew()
    assert box.booted == "A"


def test_the_format_of_the_image_is_verified(box: TwoSlots) -> None:
    """Bundles as they are made for boxes: read by the same look."""
    found = box.helper.rauc.look(box.bundle("1.1.0", form="verity"))
    assert found.version == "1.1.0"
    assert found.compatible == box.helper.rauc.slots().compatible


@pytest.mark.parametrize("taken, brought", [("plain", "verity"), ("verity", "plain")])
def test_the_other_format_is_refused_in_words(box: TwoSlots, taken: str, brought: str) -> None:
    """The image for Raspberry Pi 5 takes no bundle of the ordinary one, nor the other way round."""
    box.conf.write_text(box.conf.read_text().replace("plain verity", taken))
    box.start_anew()
    with pytest.raises(Refused, match=f"another kind of box .format {brought}."):
        box.install(box.bundle("1.1.0", form=brought))
    assert (box.holds("B"), box.kept.state) == ("", UpdateState.NONE)


def test_an_update_for_another_box_is_refused(box: TwoSlots) -> None:
    """RAUC has signed it with our key, for something else."""
    conf = box.conf.read_text().replace("compatible=centralino", "compatible=other")
    bundle = box.bundle("1.1.0")
    box.conf.write_text(conf)
    box.start_anew()
    with pytest.raises(Refused, match="another kind of box"):
        box.install(bundle)


def test_nobody_is_cut_off(box: TwoSlots) -> None:
    """With somebody on the phone nothing is written and nothing started."""
    box.health["idle"] = False
    with pytest.raises(Refused, match="on the phone"):
        box.install(box.bundle("1.1.0"))
    assert box.holds("B") == ""
    box.health["idle"] = True
    box.install(box.bundle("1.2.0"))
    box.health["idle"] = False
    with box.call_control(), pytest.raises(Refused, match="on the phone"):
        box.helper.start("beppe")
    assert box.restarts == 0
    assert box.kept.state is UpdateState.INSTALLED


def test_one_update_at_a_time(box: TwoSlots) -> None:
    """One that waits is started or given up first; given up, the running slot is the next again."""
    box.install(box.bundle("1.1.0"))
    with pytest.raises(Refused, match="ready already"):
        box.install(box.bundle("1.2.0"))
    box.helper.give_up("beppe")
    box.start_anew()
    assert (box.booted, box.kept.state, box.left("A")) == ("A", UpdateState.NONE, 2)


def test_a_person_goes_back(box: TwoSlots) -> None:
    """To the slot of before, which is tried like any other; not to one that has failed."""
    with pytest.raises(Refused, match="nothing to go back to"):
        box.helper.back("beppe")
    box.install(box.bundle("1.1.0"))
    with box.call_control():
        box.start_anew()
        box.watch()
        box.helper.back("beppe")
        assert box.kept.state is UpdateState.INSTALLED
        box.start_anew()
        assert box.booted == "A"
        box.watch()
        assert (box.kept.state, box.left("A")) == (UpdateState.GOOD, 3)


def test_what_was_uploaded_is_installed_and_gone(box: TwoSlots) -> None:
    """As call control asks: it names no file; a link that lies in its place is not followed."""
    uploaded = box.folder / "console" / UPLOADED
    uploaded.parent.mkdir()
    shutil.copy(box.bundle("1.1.0"), uploaded)
    service_updates.ask_for_update(box.folder / "run", UpdateRequest("beppe", "upload"))
    with box.call_control():
        box.helper.turn()
    assert (box.kept.state, box.kept.by, uploaded.exists()) == (
        UpdateState.INSTALLED,
        "beppe",
        False,
    )
    box.helper.give_up("beppe")
    uploaded.symlink_to(box.bundle("1.2.0"))
    with pytest.raises(Refused, match="the file is gone"):
        box.helper.do(UpdateRequest("beppe", "upload"))
    assert box.holds("B") == "1.1.0"


def test_a_stick_brings_the_newest_that_is_ours(box: TwoSlots) -> None:
    """Not a forged one, however new; at the next start, with the stick still in, nothing happens,
    and a version that went back is not taken again.
    """
    box.make_keys("others")
    folder = box.folder / "stick"
    folder.mkdir()
    for made in (
        box.bundle("1.1.0"), box.bundle("1.3.0"), box.bundle("0.5.0"), box.bundle("9.0.0", "others")
    ):  # fmt: skip
        shutil.copy(made, folder)
    with box.call_control():
        updates.turn(box.helper, Stick(folder))
        assert box.kept.version == "1.3.0"
        box.start_anew()
        box.start_anew()  # it does not stand
        box.watch()
        updates.turn(box.helper, Stick(folder))
        assert box.kept.version == "1.1.0"
        box.start_anew()
        box.watch()
        with pytest.raises(Refused, match=r"1\.3\.0 has been tried here"):
            updates.turn(box.helper, Stick(folder))
        (folder / "centralino-1.3.0.raucb").unlink()
        assert "1.1.0" in updates.turn(box.helper, Stick(folder)).text("it")
    assert (box.kept.state, box.kept.version) == (UpdateState.GOOD, "1.1.0")
