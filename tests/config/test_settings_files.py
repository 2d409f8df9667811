"""The configuration's file: written whole, its history, trials that end, two people at once."""

from __future__ import annotations

import contextlib
import json
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.config import read, settings_files
from appliance.config.editing import AddRow, Change, ClearValue, RemoveRow, SetSecret, SetValue
from appliance.config.phones import EnteredPhone, EnteredPhones, save
from appliance.config.setting_names import Effect
from appliance.config.settings_files import (
    BY_HAND,
    MOST_KEPT,
    NO_ENTRY,
    NO_TRIAL,
    NOT_FROM_HERE,
    NOTHING_CHANGES,
    OF_PHONES,
    ON_TRIAL,
    Entry,
    Overtaken,
    SettingsFile,
)
from appliance.config.settings_trial import ClockReading, SettingsTrial, digest_of
from appliance.config.values import BadConfiguration
from appliance.files import atomic_write
from appliance.policy.forms import FormRefused
from appliance.policy.text import Refused

EXAMPLE = (Path(read.__file__).parent / "example.toml").read_text(encoding="utf-8")
AT = datetime(2026, 11, 30, 14, 30, tzinfo=UTC)
NOW = ClockReading(AT, 1000.0, "boot-1")
NAME = SetValue("site.name", "Comune Nuovo")


class Box:
    """A configuration with its state folder."""

    def __init__(self, folder: Path) -> None:
        self.path, self.state = folder / "centralino.toml", folder / "state"
        self.state.mkdir()
        self.path.write_text(EXAMPLE, encoding="utf-8")
        self.file = SettingsFile(self.path, self.state, 2026)

    @property
    def text(self) -> str:
        """The file's text."""
        return self.path.read_text(encoding="utf-8")

    def apply(self, *changes: Change, by: str = "piero", trial: bool = False) -> Entry:
        """Apply changes to the file as it is."""
        return self.file.apply(changes, digest_of(self.text), by, NOW, is_trial=trial)[0]


@pytest.fixture
def box(tmp_path: Path) -> Box:
    """Return a box with the example office."""
    return Box(tmp_path)


def said(error: pytest.ExceptionInfo[Refused]) -> str:
    """Return a refusal in Italian."""
    return error.value.words.text("it")


def test_a_change_is_written_with_its_history(box: Box) -> None:
    """Who, when, what in words; the former text can be put back to the byte."""
    entry = box.apply(NAME)
    assert read.parse(box.text).site.name == "Comune Nuovo"
    (found,) = box.file.history()
    assert found == entry
    assert (found.number, found.by, found.at) == (1, "piero", AT)
    assert [words.text("it") for words in found.words] == [
        "Ente, nome: da «Comune di Esempio» a «Comune Nuovo»"
    ]
    back, _differences = box.file.restore(1, "carla", NOW)
    assert box.text == EXAMPLE
    assert [words.text("it") for words in back.words] == [
        "Ente, nome: da «Comune Nuovo» a «Comune di Esempio»"
    ]
    # And the undoing can be undone.
    box.file.restore(2, "carla", NOW)
    assert read.parse(box.text).site.name == "Comune Nuovo"


def test_nothing_is_written_with_a_mistake_or_without_a_change(box: Box) -> None:
    """All mistakes at once; the file keeps every byte."""
    with pytest.raises(FormRefused) as caught:
        box.apply(NAME, SetValue("waiting.queue_max", "x"), SetValue("calls.lines_kept", "y"))
    assert [one.place for one in caught.value.problems] == ["calls.lines_kept", "waiting.queue_max"]
    with pytest.raises(Refused) as same:
        box.apply(SetValue("site.name", "Comune di Esempio"))
    assert said(same) == NOTHING_CHANGES.text("it")
    assert box.text == EXAMPLE
    assert box.file.history() == ()


def test_the_second_of_two_people_is_told_what_came_between(box: Box) -> None:
    """Nothing is lost: the present revision comes with the refusal."""
    base = digest_of(box.text)
    box.apply(NAME)
    box.apply(SetValue("retention.numbers_days", 90), by="carla")
    with pytest.raises(Overtaken) as caught:
        box.file.apply([SetValue("mail.port", 25)], base, "marta", NOW, is_trial=False)
    assert said(caught).startswith("modifiche fatte nel frattempo da piero, carla (Ente, nome: da")
    assert "a «Comune Nuovo»; Conservazione, numeri" in said(caught)
    present = caught.value.digest
    box.file.apply([SetValue("mail.port", 25)], present, "marta", NOW, is_trial=False)
    after = read.parse(box.text)
    assert (after.site.name, after.retention.numbers_days, after.mail.port) == (
        "Comune Nuovo",
        90,
        25,
    )


def test_a_change_by_hand_is_no_change_of_ours(box: Box) -> None:
    """It is said, and it is never overwritten."""
    base = digest_of(box.text)
    box.path.write_text(EXAMPLE + "# mine\n", encoding="utf-8")
    with pytest.raises(Overtaken) as caught:
        box.file.apply([NAME], base, "piero", NOW, is_trial=False)
    assert said(caught) == BY_HAND.text("it")
    box.apply(NAME)
    assert box.text.endswith("# mine\n")


def test_what_is_the_technicians_is_not_put_back_from_here(box: Box) -> None:
    """A history that somebody has forged leads root nowhere; rows and empty tables may come."""
    box.apply(AddRow("lines", "line3", {"port": "/dev/serial/by-path/x-usb-0:1.4:1.0"}))
    box.apply(SetValue("report.monthly_sheets", True))
    box.file.restore(1, "piero", NOW)
    assert box.text == EXAMPLE
    path = box.state / "settings" / "000001.json"
    path.write_text(path.read_text(encoding="utf-8").replace("[switchboard]", "[folders]"))
    with pytest.raises(Refused) as caught:
        box.file.restore(1, "piero", NOW)
    assert said(caught) == NOT_FROM_HERE.text("it")
    with pytest.raises(Refused) as none:
        box.file.restore(77, "piero", NOW)
    assert said(none) == NO_ENTRY.text("it")
    box.file.restore(3, "piero", NOW)
    with pytest.raises(Refused) as same:
        box.file.restore(3, "piero", NOW)
    assert said(same) == NOTHING_CHANGES.text("it")


def test_the_newest_fifty_are_kept(box: Box) -> None:
    """And a damaged one is left out."""
    for days in range(1, MOST_KEPT + 4):
        box.apply(SetValue("retention.numbers_days", days))
    numbers = [entry.number for entry in box.file.history()]
    assert numbers == list(range(MOST_KEPT + 3, 3, -1))
    (box.state / "settings" / "000010.json").write_text("[]")
    (box.state / "settings" / "000011.json").write_text("{}")
    assert len(box.file.history()) == MOST_KEPT - 2


def test_the_history_is_closed_to_others(box: Box) -> None:
    """It has the numbers that the file has (P7), and the words have none."""
    secret = "3407654321"
    box.apply(SetValue("switchboard.outside", secret))
    box.apply(SetValue("switchboard.outside", "3401111111"))
    folder = box.state / "settings"
    assert folder.stat().st_mode & 0o077 == 0
    assert all(path.stat().st_mode & 0o077 == 0 for path in folder.iterdir())
    words = [words.text("it") for entry in box.file.history() for words in entry.words]
    assert words == ["Centralino, numero esterno: cambiato, qui non mostrato"] * 2


def test_a_password_goes_into_its_own_file(box: Box) -> None:
    """For the service's group alone; the history says that it changed, and can be undone."""
    secret = SetSecret("mail.password", "pane e segreti")
    account = [
        SetValue("mail.server", "smtp.example.org"),
        SetValue("mail.sender", "urp@comune.it"),
        SetValue("mail.user", "urp"),
    ]
    box.apply(*account, secret)
    kept = box.path.with_name("mail_password")
    assert kept.read_text(encoding="utf-8") == "pane e segreti\n"
    assert kept.stat().st_mode & 0o777 == 0o640
    kept.chmod(0o600)
    box.apply(SetSecret("mail.password", "altra"))
    assert (kept.read_text(encoding="utf-8"), kept.stat().st_mode & 0o777) == ("altra\n", 0o600)
    everything = "".join(p.read_text() for p in (box.state / "settings").iterdir()) + box.text
    assert "segreti" not in everything
    assert "altra" not in everything
    box.file.restore(1, "piero", NOW)
    assert box.text == EXAMPLE
    # A place of somebody else's is not put back from a history.
    box.file.restore(3, "piero", NOW)
    path = box.state / "settings" / "000003.json"
    path.write_text(path.read_text(encoding="utf-8").replace(str(kept), "/etc/shadow"))
    box.file.restore(4, "piero", NOW)
    with pytest.raises(Refused) as caught:
        box.file.restore(3, "piero", NOW)
    assert said(caught) == NOT_FROM_HERE.text("it")
    with pytest.raises(FormRefused):
        box.apply(SetSecret("mqtt.password", "x"))


# ---- trials --------------------------------------------------------------------------------------


def later(seconds: float, boot: str = "boot-1") -> ClockReading:
    """Return a moment so long after NOW."""
    return ClockReading(AT, 1000.0 + seconds, boot)


def test_a_confirmed_trial_stays(box: Box) -> None:
    """By its own user alone."""
    box.apply(NAME, trial=True)
    assert box.file.trial() == SettingsTrial(1, "piero", "boot-1", 1060.0)
    with pytest.raises(Refused) as other:
        box.file.confirm("carla", later(5))
    assert "piero" in said(other)
    assert box.file.recover(later(59)) is None
    box.file.confirm("piero", later(59))
    assert box.file.recover(later(61)) is None
    assert read.parse(box.text).site.name == "Comune Nuovo"
    with pytest.raises(Refused) as none:
        box.file.confirm("piero", later(62))
    assert said(none) == NO_TRIAL.text("it")


@pytest.mark.parametrize("now", [later(60), later(1, "boot-2")], ids=["too late", "power cut"])
def test_an_unconfirmed_trial_is_undone(box: Box, now: ClockReading) -> None:
    """To the byte, also by the start after a power cut; who undid it stands in the history."""
    box.apply(NAME, trial=True)
    found = box.file.recover(now)
    assert found is not None
    entry, effects = found
    assert effects == (Effect.CALL_CONTROL,)
    assert box.text == EXAMPLE
    assert (
        entry.words[0].text("it").startswith("Annullato, perché nessuno ha confermato: Ente, nome:")
    )
    assert box.file.trial() is None
    assert box.file.recover(now) is None
    with pytest.raises(Refused):
        box.file.confirm("piero", later(59))


def test_the_undoing_needs_what_the_change_needed(box: Box) -> None:
    """The console's port leaves call control alone; an unreadable text needs everything."""
    for change, effects in (
        (SetValue("console.port", 8443), (Effect.CONSOLE,)),
        (SetValue("site.name", "Comune Nuovo"), tuple(Effect)),
    ):
        box.apply(change, trial=True)
        if change.key == "site.name":
            box.path.write_text("[site\n", encoding="utf-8")
            newest = max((box.state / "settings").glob("0*.json"))
            told = json.loads(newest.read_text(encoding="utf-8"))
            newest.write_text(json.dumps(told | {"made": digest_of(box.text)}))
        found = box.file.recover(later(61))
        assert found is not None
        assert found[1] == effects
        assert box.text == EXAMPLE


def test_a_trial_that_would_last_too_long_is_of_another_start(box: Box) -> None:
    """Where nobody knows the id of a start, the power cut is known by its clock."""
    unknown = ClockReading(AT, 5000.0, "")
    box.file.apply([NAME], digest_of(box.text), "piero", unknown, is_trial=True)
    assert box.file.recover(ClockReading(AT, 5030.0, "")) is None
    assert box.file.recover(ClockReading(AT, 30.0, "")) is not None
    assert box.text == EXAMPLE


def test_what_may_cut_browsers_off_is_on_trial_unasked(box: Box) -> None:
    """Another port of the console; a name is not."""
    for change, is_on_trial in ((NAME, False), (SetValue("console.port", 8443), True)):
        box.file.apply([change], digest_of(box.text), "piero", NOW, is_trial=None)
        assert (box.file.trial() is not None) == is_on_trial


def test_one_trial_at_a_time(box: Box) -> None:
    """Until it is confirmed or undone; the undoing by hand ends it."""
    box.apply(NAME, trial=True)
    with pytest.raises(Refused) as caught:
        box.apply(SetValue("mail.port", 25))
    assert said(caught) == ON_TRIAL.text("it")
    box.file.restore(1, "piero", later(5))
    assert box.text == EXAMPLE
    assert box.file.trial() is None


def test_a_trial_never_undoes_what_came_after_it(box: Box) -> None:
    """By hand, for instance; nor one whose entry is gone or damaged."""
    box.apply(NAME, trial=True)
    box.path.write_text(EXAMPLE + "# mine\n", encoding="utf-8")
    assert box.file.recover(later(61)) is None
    assert box.text.endswith("# mine\n")
    (box.state / "settings" / "trial.json").write_text('{"a": 1}')
    assert box.file.trial() is None


def test_a_trial_whose_entry_is_gone_ends_without_an_undoing(box: Box) -> None:
    """What there was is not known any more."""
    box.apply(NAME, trial=True)
    (box.state / "settings" / "000001.json").unlink()
    assert box.file.recover(later(61)) is None
    assert box.file.trial() is None


def test_without_any_change_there_is_nothing_to_recover(box: Box) -> None:
    """And no folder is made for it."""
    assert box.file.recover(NOW) is None
    assert not (box.state / "settings").exists()
    assert box.file.may_write()


# ---- any sequence --------------------------------------------------------------------------------

POSSIBLE: st.SearchStrategy[Change] = st.one_of(
    st.builds(SetValue, st.just("site.name"), st.text("abc àè#\"'[]=", min_size=1, max_size=9)),
    st.builds(SetValue, st.just("retention.calls_days"), st.integers(0, 9)),
    st.builds(SetValue, st.just("lines.line2.label"), st.text("xyz", max_size=3)),
    st.builds(SetValue, st.just("citizens_desk.hours.saturday"), st.just(("09:00-12:00",))),
    st.builds(ClearValue, st.sampled_from(["site.email", "voicemail.limit", "site.address"])),
    st.builds(AddRow, st.just("phones"), st.sampled_from(["op3", "op4"])),
    st.builds(RemoveRow, st.just("phones"), st.sampled_from(["op2", "op3", "responsabile"])),
)


@settings(max_examples=20, deadline=None)
@given(st.lists(POSSIBLE, min_size=1, max_size=4))
def test_any_sequence_of_changes_undone_gives_the_same_bytes(changes: list[Change]) -> None:
    """One by one backwards, and at once by the first; each step is what it was before."""
    with tempfile.TemporaryDirectory() as folder:
        box = Box(Path(folder))
        texts = {}
        for change in changes:
            before = box.text
            # What cannot be, or changes nothing, is refused.
            with contextlib.suppress(FormRefused, Refused):
                texts[box.apply(change).number] = before
        for number in reversed(texts):
            box.file.restore(number, "carla", NOW)
            assert box.text == texts[number]
        assert box.text == EXAMPLE


# ---- the power may go at any moment --------------------------------------------------------------


class PowerCutError(Exception):
    """The power goes."""


def cuts(monkeypatch: pytest.MonkeyPatch, at: int) -> None:
    """Cut the power before the write number `at`."""
    left = iter(range(at))

    def write(path: Path, data: str, *, mode: int = 0o600) -> None:
        if next(left, None) is None:
            raise PowerCutError
        atomic_write(path, data, mode=mode)

    monkeypatch.setattr(settings_files, "atomic_write", write)


@pytest.mark.parametrize("boot", ["boot-1", "boot-2"], ids=["killed", "power cut"])
@pytest.mark.parametrize("at", [0, 1, 2, 3, 4])
def test_a_cut_leaves_the_old_file_or_a_trial_that_ends(
    box: Box, monkeypatch: pytest.MonkeyPatch, at: int, boot: str
) -> None:
    """Before the plan, the trial, the file, the history, or never: nothing unconfirmed stays."""
    cuts(monkeypatch, at)
    try:
        box.apply(NAME, trial=True)
    except PowerCutError:
        assert at < 4
    monkeypatch.undo()
    box.file.recover(later(5, boot))
    # A process that was killed leaves the trial to its minute; another start of the box ends it.
    goes_on = boot == "boot-1" and at >= 3
    assert (box.file.trial() is not None) == goes_on
    assert (box.text != EXAMPLE) == goes_on
    assert bool(box.file.history()) == (at >= 3)
    box.file.recover(later(61, boot))
    assert box.text == EXAMPLE
    assert box.file.trial() is None
    assert not (box.state / "settings" / "plan.json").exists()


def test_a_cut_between_file_and_history_loses_no_history(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The plan becomes the entry at the next start, or at the next change."""

    with monkeypatch.context() as patched:
        cuts(patched, 2)
        with pytest.raises(PowerCutError):
            box.apply(NAME)
    assert box.file.history() == ()
    box.apply(SetValue("mail.port", 25), by="carla")
    assert [(entry.number, entry.by) for entry in box.file.history()] == [
        (2, "carla"),
        (1, "piero"),
    ]


# ---- the console's own phones --------------------------------------------------------------------


def test_phones_entered_in_the_console_are_judged_with_the_file(box: Box) -> None:
    """A label that they lay over the file is changed there; it would not show here."""
    entered = EnteredPhones(
        (EnteredPhone("op7", "Sette", "switchboard", "77"),), {"op1": "Uno"}, ("op2",)
    )
    save(box.state, entered)
    found = box.file.judge([SetValue("phones.op1.label", "X"), SetValue("phones.op2.label", "Due")])
    assert [(one.place, one.words.text("it")) for one in found.problems] == [
        ("phones.op1.label", OF_PHONES.text("it"))
    ]


def test_a_broken_file_is_mended_by_hand_first(box: Box) -> None:
    """Its own mistakes are told."""
    box.path.write_text("[site\n", encoding="utf-8")
    with pytest.raises(BadConfiguration):
        box.apply(NAME)
