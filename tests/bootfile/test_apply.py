"""The card's file at a start: applied whole, or what was before stays; also when power is cut."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from appliance.bootfile.apply import EXAMPLE, NOTICE, BootPlaces, apply_card
from appliance.bootfile.card import CardVerdict, load_outcome
from appliance.bootfile.read import is_made_by_box
from appliance.bootfile.values import FILE_NAME
from appliance.config import read
from appliance.config.editing import SetValue
from appliance.config.settings_files import SettingsFile
from appliance.config.settings_trial import ClockReading, digest_of
from appliance.service import notices
from tests.bootfile.test_read import OFFICE
from tests.bootfile.test_values import KEY
from tests.helpers.examples import examples

if TYPE_CHECKING:
    from collections.abc import Callable

    from appliance.bootfile.apply import CardApplied
    from appliance.config.schema import Settings
    from tests.helpers.figures import Figures


MODEM = "platform-3f980000.usb-usb-0:1.{}:1.0"
SMALL = '[site]\nname = "Piccolo"\n'


PASSWORDS = {
    "mail_password": "due parole\n",
    "mqtt_password": "tre parole mie\n",
    "central_passphrase": "quattro parole tra noi\n",
}


def box(folder: Path) -> BootPlaces:
    """Make a new box of one modem, its card empty."""
    for name in ("card", "ports"):
        (folder / name).mkdir()
    made = BootPlaces(
        card=folder / "card",
        config=folder / "etc" / "centralino.toml",
        kept=folder / "kept",
        data=folder / "data",
        networkd=folder / "networkd",
        run=folder / "run-site",
        notices=folder / "run-notices",
        ports=folder / "ports",
        year=2026,
        crypt=folder / "run-crypt",
        under={"folders": {"state": f"{folder}/state", "run": f"{folder}/run"}},
    )
    plug(made, 2)
    return made


@pytest.fixture
def places(tmp_path: Path) -> BootPlaces:
    """A new box."""
    return box(tmp_path)


def plug(places: BootPlaces, socket: int) -> str:
    """Put a modem into a socket; returns its port."""
    port = places.ports / MODEM.format(socket)
    port.symlink_to(f"/dev/ttyACM{socket}")
    return str(port)


def write(places: BootPlaces, text: str) -> None:
    """Edit the card's file."""
    (places.card / FILE_NAME).write_text(text, encoding="utf-8")


def office(places: BootPlaces) -> Settings:
    """Read what is in force, as the service does."""
    return read.load(places.config)


def trouble(places: BootPlaces) -> str:
    """Return what call control is told."""
    told = notices.read_notices(places.notices).get(NOTICE)
    assert told is None or told.text("it")
    return told.text("en") if told else ""


def started(places: BootPlaces, verdict: CardVerdict) -> CardApplied:
    """Start the box; the verdict is told as it was found."""
    applied = apply_card(places)
    assert applied.outcome.verdict is verdict
    assert load_outcome(places.run) == applied.outcome
    return applied


def test_a_new_file_is_in_force_and_stays(places: BootPlaces) -> None:
    """Everything is where it belongs, private where it must be; the next start writes nothing."""
    write(places, OFFICE)
    applied = started(places, CardVerdict.APPLIED)
    assert applied.is_rewritten
    assert trouble(places) == ""
    assert office(places).site.name == "Comune"
    state = Path(office(places).folders.state)
    secrets = json.loads((state / "secrets" / "phone_secrets.json").read_text())
    assert secrets["op1"] == "abcd-1234"
    assert len(secrets["op2"]) == 20
    assert "fisso" not in secrets
    assert {name: (state / "secrets" / name).read_text() for name in PASSWORDS} == PASSWORDS
    assert (places.data / "etc/ssh/authorized_keys/technician").read_text() == KEY + "\n"
    assert (places.data / "etc/hostname").read_text() == "urp\n"
    assert "192.168.1.10/24" in (places.networkd / "10-lan.network").read_text()
    kept = [path for path in places.kept.parent.rglob("*") if path.exists()]
    modes = {path: path.stat().st_mode & 0o777 for path in kept}
    private = [state / "secrets" / "phone_secrets.json", places.kept / "site.json"]
    private += [state / "secrets" / name for name in PASSWORDS]
    assert {modes[path] for path in private} == {0o600}
    assert "parole" not in places.config.read_text()
    assert modes[places.config] == 0o644
    assert modes[state] == modes[places.kept] == 0o700

    before = {path: path.stat().st_mtime_ns for path in modes if path.is_file()}
    again = started(places, CardVerdict.AS_BEFORE)
    assert not again.is_rewritten
    assert again.outcome.made == ("op2",)
    outcome = places.run / "outcome.json"
    now = {path: path.stat().st_mtime_ns for path in before if path != outcome}
    assert now == {path: at for path, at in before.items() if path != outcome}


STARTS = """
import sys
from pathlib import Path
from appliance.bootfile.apply import BootPlaces, apply_card
folder, year, state = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
names = ("card", "etc/centralino.toml", "kept", "data", "networkd", "run-site", "run-notices",
         "ports")
places = BootPlaces(*(folder / name for name in names), year, {"folders": {"state": state}})
print(apply_card(places).outcome.verdict)
print(*sorted(set(sys.modules) & {"appliance.config.read", "appliance.bootfile.read", "cattrs"}))
"""


def test_a_start_with_nothing_new_costs_call_control_little(places: BootPlaces) -> None:
    """It waits for this: what reads a configuration is imported where there is a new one alone."""

    def starts() -> list[str]:
        folder = places.card.parent
        command = (sys.executable, "-c", STARTS, str(folder), "2026", f"{folder}/state")
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()

    write(places, SMALL)
    assert starts() == ["applied", "appliance.bootfile.read", "appliance.config.read", "cattrs"]
    assert starts() == ["as", "before"]


def test_the_name_is_given_at_once(places: BootPlaces) -> None:
    """The box has its name from the start at which it is read."""
    named: list[str] = []
    write(places, OFFICE)
    apply_card(replace(places, name_host=named.append))
    assert named == ["urp"]


def test_a_wrong_file_changes_nothing(places: BootPlaces) -> None:
    """The one before holds, with its phones and its network; call control says what is wrong."""
    write(places, OFFICE)
    apply_card(places)
    before = places.config.read_bytes()
    write(places, OFFICE.replace("192.168.1.10/24", "192.168.1.300/24"))
    found = started(places, CardVerdict.WRONG).outcome
    assert found.has_former
    assert "riga 6" in found.said[0].text("it")
    assert places.config.read_bytes() == before
    assert "192.168.1.10/24" in (places.networkd / "10-lan.network").read_text()
    assert "line 6" in trouble(places)
    assert "before is in force" in trouble(places)
    write(places, OFFICE)
    started(places, CardVerdict.AS_BEFORE)
    assert trouble(places) == ""


def test_a_long_mistake_is_told_all_the_same(places: BootPlaces) -> None:
    """Whatever somebody typed, call control's notice has room for what is wrong with it."""
    write(places, f'[site]\nzone = "{"😀" * 2000}"\n')
    started(places, CardVerdict.WRONG)
    assert "line 2, site.zone" in trouble(places)
    assert "closed office" in trouble(places)


def test_no_file_at_all(places: BootPlaces) -> None:
    """Every modem found is a line of a closed office; one found later is one too."""
    found = started(places, CardVerdict.MISSING).outcome
    assert not found.has_former
    assert [line.port for line in office(places).lines] == [str(places.ports / MODEM.format(2))]
    assert "closed office" in trouble(places)
    other = plug(places, 3)
    assert apply_card(places).is_rewritten
    assert [line.port for line in office(places).lines][1:] == [other]
    assert not apply_card(places).is_rewritten


def test_a_card_that_is_gone_takes_nothing(places: BootPlaces) -> None:
    """With the partition unreadable what was in force still is."""
    write(places, OFFICE)
    apply_card(places)
    before = places.config.read_bytes()
    (places.card / FILE_NAME).unlink()
    found = started(replace(places, card=places.card / "none"), CardVerdict.MISSING).outcome
    assert found.has_former
    assert places.config.read_bytes() == before
    assert "card cannot be read" in trouble(places)


def test_a_file_by_another_name_is_named(places: BootPlaces) -> None:
    """Windows hides the end of names: what is there instead is said."""
    (places.card / "centralino.toml.txt").write_text(SMALL)
    assert "centralino.toml.txt" in started(places, CardVerdict.MISSING).outcome.said[0].text("it")


def test_a_form_that_is_not_filled_in_is_a_trouble(places: BootPlaces) -> None:
    """The delivered file means what no file means, and call control says that it waits."""
    delivered = Path(__file__).parents[2] / "image" / "fat" / FILE_NAME
    (places.card / FILE_NAME).write_bytes(delivered.read_bytes())
    started(places, CardVerdict.BLANK)
    started(places, CardVerdict.BLANK)
    assert "not filled in" in trouble(places)
    assert len(office(places).lines) == 1


def test_what_was_changed_elsewhere_is_not_undone(places: BootPlaces) -> None:
    """A restore or a hand's change holds until the file itself changes; then it is set aside."""
    write(places, SMALL)
    apply_card(places)
    others = places.config.read_text() + "\n[waiting]\nqueue_max = 3\n"
    places.config.write_text(others)
    found = started(places, CardVerdict.AS_BEFORE).outcome
    assert found.is_others
    plug(places, 3)
    assert not apply_card(places).is_rewritten
    assert places.config.read_text() == others
    write(places, SMALL.replace("Piccolo", "Grande"))
    found = started(places, CardVerdict.APPLIED).outcome
    assert not found.is_others
    assert Path(found.set_aside).read_text() == others
    assert office(places).site.name == "Grande"


def test_it_can_be_used_again_by_command(places: BootPlaces) -> None:
    """Asked to, the box takes the same file once more."""
    write(places, SMALL)
    apply_card(places)
    places.config.write_text("")
    assert apply_card(places, again=True).outcome.verdict is CardVerdict.APPLIED
    assert office(places).site.name == "Piccolo"


def test_a_configuration_that_is_lost_is_made_again(places: BootPlaces) -> None:
    """An empty file in its place is none."""
    write(places, SMALL)
    apply_card(places)
    places.config.write_text("")
    started(places, CardVerdict.AS_BEFORE)
    assert office(places).site.name == "Piccolo"


def test_the_example_is_no_offices_configuration(places: BootPlaces) -> None:
    """What the package brings gives way to the modems that are there."""
    places.config.parent.mkdir()
    places.config.write_bytes(EXAMPLE.read_bytes())
    found = started(places, CardVerdict.MISSING).outcome
    assert not found.has_former
    assert office(places).phones == ()


def test_a_configuration_from_before_is_an_offices(places: BootPlaces) -> None:
    """On a box that somebody has set up otherwise a missing file changes nothing."""
    places.config.parent.mkdir()
    text = EXAMPLE.read_text(encoding="utf-8").replace("Comune di Esempio", "Altro")
    places.config.write_text(text, encoding="utf-8")
    found = started(places, CardVerdict.MISSING).outcome
    assert found.has_former
    assert found.is_others
    assert places.config.read_text(encoding="utf-8") == text


def test_secrets_of_phones_that_are_kept_stay(places: BootPlaces) -> None:
    """What the box made, or somebody made since, is not made again at every change."""
    write(places, OFFICE)
    apply_card(places)
    file = Path(office(places).folders.state) / "secrets" / "phone_secrets.json"
    before = json.loads(file.read_text())
    write(places, OFFICE.replace("abcd-1234", "efgh-5678"))
    started(places, CardVerdict.APPLIED)
    assert json.loads(file.read_text()) == before | {"op1": "efgh-5678"}


def test_passwords_that_are_kept_stay(places: BootPlaces) -> None:
    """Blanked on the card once they are in force, they hold; without their tables they do not."""
    write(places, OFFICE)
    apply_card(places)
    before = office(places)
    blank = OFFICE
    for password in PASSWORDS.values():
        blank = blank.replace(password.strip(), "")
    write(places, blank)
    started(places, CardVerdict.APPLIED)
    assert office(places) == before
    state = Path(before.folders.state)
    assert {name: (state / "secrets" / name).read_text() for name in PASSWORDS} == PASSWORDS
    write(places, SMALL)
    started(places, CardVerdict.APPLIED)
    write(places, blank)
    said = started(places, CardVerdict.WRONG).outcome.said
    assert {"mail.password", "mqtt.password"} <= {
        one.text("en").split(": ")[0].split(", ")[1] for one in said
    }


def test_what_is_taken_out_of_the_file_is_taken_back(places: BootPlaces) -> None:
    """Without a network, a name and a key in it, the delivered ones hold again."""
    write(places, OFFICE)
    apply_card(places)
    write(places, SMALL)
    started(places, CardVerdict.APPLIED)
    assert list(places.networkd.iterdir()) == []
    assert not (places.data / "etc/ssh/authorized_keys/technician").exists()
    assert not (places.data / "etc/hostname").exists()


def test_a_disk_that_refuses_is_said(places: BootPlaces, monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be kept is a trouble in words, and what was in force is."""
    write(places, SMALL)
    apply_card(places)
    before = places.config.read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    write(places, OFFICE)
    found = started(places, CardVerdict.FAILED).outcome
    assert "the disk is full" in found.said[0].text("en")
    assert places.config.read_bytes() == before
    assert "the disk is full" in trouble(places)


@given(st.one_of(st.binary(max_size=300), st.text(max_size=200).map(str.encode)))
@example(b"")
@example(b"\xff\xfe")
@example(b"[site]\nname = \x00")
@settings(max_examples=examples(40))
def test_whatever_lies_there_the_office_stays(contents: bytes) -> None:
    """For any bytes: the configuration is the one before, or a good one made of them."""
    with tempfile.TemporaryDirectory() as folder:
        places = box(Path(folder))
        write(places, SMALL)
        apply_card(places)
        before = places.config.read_bytes()
        (places.card / FILE_NAME).write_bytes(contents)
        found = apply_card(places).outcome
        now = places.config.read_bytes()
        assert now == before or found.verdict in {CardVerdict.APPLIED, CardVerdict.BLANK}
        assert office(places).lines
        assert found.verdict is not CardVerdict.FAILED
        assert bool(trouble(places)) is (found.verdict is not CardVerdict.APPLIED)


@given(st.integers(0, len(OFFICE)), st.integers(0, 40), st.text(max_size=3))
@settings(max_examples=examples(40))
def test_a_slip_of_the_hand_leaves_the_office(at: int, length: int, typed: str) -> None:
    """Any piece of a good file typed over: the one before is in force, or what was typed."""
    with tempfile.TemporaryDirectory() as folder:
        places = box(Path(folder))
        write(places, SMALL)
        apply_card(places)
        before = places.config.read_bytes()
        write(places, OFFICE[:at] + typed + OFFICE[at + length :])
        found = apply_card(places).outcome
        assert (places.config.read_bytes() == before) is (found.verdict is CardVerdict.WRONG)
        assert (
            office(places).site.name in {"Piccolo", "Comune"}
            or found.verdict is CardVerdict.APPLIED
        )


FORMER = (
    OFFICE.replace("Comune", "Prima")
    .replace("abcd-1234", "prima-1234")
    .replace("due parole", "altre parole")
    .replace('"URP"', '"prima"')
    .replace("192.168.1.10", "192.168.1.9")
)


class Cut(BaseException):
    """The power goes: nothing of ours catches it, nothing is done any more."""


class Power:
    """Goes at the n-th use of a call: before it is done, or just afterwards."""

    def __init__(self, real: Callable[..., Any], nth: int, *, done: bool) -> None:
        self._real, self._left, self._done = real, nth, done

    def __call__(self, *given: Any, **named: Any) -> Any:
        """Do what was asked, or not."""
        self._left -= 1
        if self._left == 0 and not self._done:
            raise Cut
        result = self._real(*given, **named)
        if self._left == 0:
            raise Cut
        return result


def cut_start(places: BootPlaces, call: str, power: Power) -> bool:
    """Start the box; returns whether the power went."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, call, power)
        try:
            apply_card(places)
        except Cut:
            return True
    return False


def check_cut(places: BootPlaces) -> None:
    """What is in force is one office or the other, and the next start ends with the new one."""
    cut = read.load(places.config)
    assert cut.site.name in {"Prima", "Comune"}
    found = apply_card(places).outcome
    assert found.verdict in {CardVerdict.APPLIED, CardVerdict.AS_BEFORE}
    assert found.set_aside == "", "its own configuration was taken for somebody else's"
    now = read.load(places.config)
    state = Path(now.folders.state)
    assert now.site.name == "Comune"
    assert json.loads((state / "secrets" / "phone_secrets.json").read_text())["op1"] == "abcd-1234"
    assert (state / "secrets" / "mail_password").read_text() == "due parole\n"
    assert (places.data / "etc/hostname").read_text() == "urp\n"
    assert "192.168.1.10/24" in (places.networkd / "10-lan.network").read_text()


@pytest.mark.parametrize(("call", "done", "least"), [("fsync", False, 8), ("replace", True, 5)])
def test_a_cut_at_any_write_does_no_harm(
    call: str, done: bool, least: int, tmp_path: Path, figures: Figures
) -> None:
    """Each use of the call is the last one once."""
    nth = 0
    while True:
        nth += 1
        (tmp_path / str(nth)).mkdir()
        places = box(tmp_path / str(nth))
        write(places, FORMER)
        apply_card(places)
        write(places, OFFICE)
        if not cut_start(places, call, Power(getattr(os, call), nth, done=done)):
            break
        check_cut(places)
    assert nth > {"fsync": 8, "replace": 5, "open": 8}.get(call, 0)
    when = "after" if done else "before"
    figures.say(
        f"F3 cut {when} each {call} as the card's file comes into force ({nth - 1}): no harm"
    )


def test_a_cut_at_the_first_start_of_all(tmp_path: Path) -> None:
    """On a new box, too, the next start brings it to its end."""
    nth = 0
    while True:
        nth += 1
        (tmp_path / str(nth)).mkdir()
        places = box(tmp_path / str(nth))
        write(places, OFFICE)
        if not cut_start(places, "replace", Power(os.replace, nth, done=True)):
            break
        assert not places.config.exists() or read.load(places.config).site.name == "Comune"
        assert apply_card(places).outcome.verdict in {CardVerdict.APPLIED, CardVerdict.AS_BEFORE}
        assert read.load(places.config).site.name == "Comune"
    assert nth > 3


def test_settings_changed_on_the_box_hold_until_the_cards_file_changes(places: BootPlaces) -> None:
    """A start does not undo them; another file on the card does, and sets them aside."""
    write(places, SMALL)
    apply_card(places)
    changes = SettingsFile(places.config, places.config.parent.parent / "state", 2026)
    now = ClockReading(datetime(2026, 11, 30, tzinfo=UTC), 1.0, "boot")
    change = SetValue("site.name", "Grande")
    changes.apply([change], digest_of(changes.text), "beppe", now, is_trial=False)
    # What the box says of where it comes from stays in it.
    assert is_made_by_box(places.config.read_bytes())
    plug(places, 3)
    assert apply_card(places).outcome.is_others
    assert read.load(places.config).site.name == "Grande"
    write(places, SMALL.replace("Piccolo", "Medio"))
    found = apply_card(places).outcome
    assert read.load(places.config).site.name == "Medio"
    assert "Grande" in Path(found.set_aside).read_text(encoding="utf-8")
