"""A bundle applied: whole or not at all, wherever the power is cut."""

from __future__ import annotations

import os
import shutil
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import date
from functools import partial
from typing import TYPE_CHECKING

import pytest

from appliance.api import speech
from appliance.commands.answering import office_in_force
from appliance.config import read, state_folder
from appliance.config.office import build_office
from appliance.config.state_folder import digest_in_force
from appliance.config.values import BadConfiguration
from appliance.managed_config import apply
from appliance.managed_config.apply import ApplyStamp
from appliance.policy import directory_changes
from appliance.policy.directory import Unit
from appliance.policy.hours import Period, week_of
from appliance.policy.hours_changes import HoursEntry, Whose
from appliance.policy.sheets import Sheet
from appliance.policy.text import Refused, words_of
from appliance.store import database, directory, hours, managed_config, policy_change, sheets
from appliance.store.database import Noted, connect, database_path, transaction
from appliance.store.directory import Who, key_path
from tests.bootfile.test_apply import Cut, Power
from tests.helpers.words import pair
from tests.managed_config.samples import (
    AT,
    FIRST,
    OWN,
    REGISTER,
    branch,
    made,
    sheet,
    sound,
    without,
)

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from appliance.managed_config.apply import JudgedBundle
    from tests.helpers.figures import Figures
    from tests.managed_config.samples import Branch


GREETED = b"""\
[[closures]]
start = 2026-12-24
end = 2026-12-24
greeting = "nessuno"
"""
SECOND = FIRST | {"sheets/imu.md": sheet("IMU", "Acconto a giugno."), "sheets/cie.md": sheet("CIE")}
SECOND = without(SECOND, "sheets/tari.md")
PLAIN = without(SECOND, "register.toml")
OLDER = without(FIRST, "register.toml")


@pytest.fixture
def box(tmp_path: Path) -> Branch:
    """A branch that has met no head office."""
    return branch(tmp_path)


def test_all_of_it_comes_into_force(box: Branch) -> None:
    """Schedule, directory, sheets and announcements hold; what changes was told before."""
    said = box.judged(made(1, FIRST)).changes.words.text("en")
    assert said == (
        "sheets new: 2, offices new: 2, declarations added: 1, schedule changed, "
        "announcements changed"
    )
    assert box.sheets() == {"orti": "Orti urbani"}, "showing changed something"
    box.apply(made(1, FIRST))
    assert box.sheets() == {"imu": "IMU", "tari": "TARI", "orti": "Orti urbani"}
    settings = read.load(box.config)
    assert [f"{band}" for band in settings.hours.week.days[0]] == ["08:00-12:00"]
    assert [c.reason for c in settings.closures] == ["Vigilia"]
    declared = box.directory().declarations
    assert [str(d.needs[0].targets[0].number) for d in declared] != [""]
    central = state_folder.announcements_of(settings)[-1]
    assert (central / "it/greeting_closed.wav").read_bytes() == sound()


def test_the_numbers_lie_sealed(box: Branch) -> None:
    """No number stands in clear in the file, in the state folder, or in what is told (P7)."""
    data = made(1, FIRST)
    box.apply(data)
    kept = [path.read_bytes() for path in box.place.state.rglob("*") if path.is_file()]
    assert all(b"598204" not in each and b"598 204" not in each for each in (data, *kept))
    with closing(connect(box.place.database)) as connection:
        assert "598" not in "".join(noted.about for noted in database.latest(connection))


def test_no_sentence_tells_a_number_that_its_office_keeps(box: Branch) -> None:
    """P7: refused whole where it is judged, with office and field and without a digit."""
    say = b'say = "Chiami lo 051\xe2\x80\x93598 204"\n[[declarations]]'
    files = FIRST | {"register.toml": FIRST["register.toml"].replace(b"[[declarations]]", say)}
    with pytest.raises(Refused) as refused:
        box.judged(made(1, files))
    assert "unit anagrafe, say: anagrafe: callers may not be told the number •••" in str(
        refused.value
    )
    assert "598" not in str(refused.value)
    box.apply(made(1, FIRST))


def test_the_audit_tells_what_it_changed(box: Branch) -> None:
    """Each coming into force, and each going back, stands there in counted words."""
    box.apply(made(1, FIRST))
    box.apply(made(2, SECOND))
    box.revert()
    with closing(connect(box.place.database)) as connection:
        found = [(noted.what, noted.about) for noted in database.latest(connection, "central.")]
    nothing = "offices 0 changed 0 new 0 gone, declarations 0 added"
    assert found[:2] == [
        ("central.revert", f"1: sheets 1 changed 1 new 1 gone, {nothing}"),
        ("central.apply", f"2: sheets 1 changed 1 new 1 gone, {nothing}"),
    ]
    assert found[2][1].endswith("declarations 1 added, schedule, announcements")


def test_a_revert_goes_back_once(box: Branch) -> None:
    """What held before holds again; declarations stay (P4); there is no further back."""
    box.apply(made(1, FIRST))
    box.apply(made(2, PLAIN))
    assert box.revert() == 1
    assert box.sheets() == {"imu": "IMU", "tari": "TARI", "orti": "Orti urbani"}
    assert len(box.directory().declarations) == 1
    assert len(box.directory().units) == 2
    with pytest.raises(Refused, match="nothing to go back to"):
        box.revert()
    box.apply(made(3, PLAIN))
    assert "cie" in box.sheets()


def test_an_office_that_is_left_out_goes(box: Branch) -> None:
    """Unless the branch has entered something for it, or the bundle has no directory at all."""
    box.apply(made(1, FIRST))
    fewer = REGISTER[: REGISTER.index("[[services.offices]]")].encode()
    box.apply(made(2, FIRST | {"register.toml": fewer}))
    assert [unit.code for unit in box.directory().units] == ["demografici"]
    assert len(box.directory().declarations) == 1, "what was declared is kept (P4)"
    box.apply(made(3, OLDER))
    assert [unit.code for unit in box.directory().units] == ["demografici"]


def test_the_first_can_be_taken_back(box: Branch) -> None:
    """Then the branch's configuration holds alone; offices stay, as the branch's own."""
    box.apply(made(1, FIRST))
    assert box.revert() == 0
    assert box.sheets() == {"orti": "Orti urbani"}
    assert read.load(box.config) == read.load_own(box.config)
    assert [unit.code for unit in box.directory().units] == ["demografici", "anagrafe"]


def test_an_older_one_is_refused(box: Branch) -> None:
    """Versions only go up, also after a revert; the same file once more changes nothing."""
    second = made(2, PLAIN)
    box.apply(second)
    assert box.judged(second).is_so_already
    with pytest.raises(Refused, match="version 1, and 2 was in force"):
        box.apply(made(1, OLDER))
    with pytest.raises(Refused, match="another file of version 2"):
        box.apply(made(2, OLDER))
    assert box.revert() == 0
    with pytest.raises(Refused, match="version 1, and 2 was in force"):
        box.apply(made(1, OLDER))
    box.apply(second)
    assert "cie" in box.sheets()


def test_one_at_a_time(box: Branch) -> None:
    """Who comes while others are put in force is told so, and may try again."""
    given = made(1, OLDER)
    with (
        apply.bundles_locked(box.place.state),
        pytest.raises(Refused, match="are being put in force: try again"),
    ):
        box.apply(given)
    box.apply(given)
    assert box.judged(given).is_so_already


def test_settings_for_others_are_refused(box: Branch) -> None:
    """A bundle that names branches is for those alone."""
    with pytest.raises(Refused, match=r"others' \(centro, stazione\), this box is 'borgo'"):
        box.apply(made(1, FIRST, ("centro", "stazione")))
    box.apply(made(1, FIRST, ("borgo", "centro")))


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("schedule.toml", b"[hours]\nmonday = ['8-']\n", "schedule.toml, hours"),
        ("schedule.toml", GREETED, "there is no prompt 'nessuno'"),
        ("register.toml", REGISTER.replace("Protocollo 1042/2026", "").encode(),
         "register.toml, declarations.1.reference"),
        ("register.toml", REGISTER.replace('"anagrafe@', '"').encode() + b'attachment = "a.pdf"\n',
         "register.toml"),
        ("sheets/imu.md", b"senza intestazione", "sheets/imu.md, the sheet: has no head"),
        ("sheets/imu.md", b"\xff\xfe", "it is not UTF-8"),
        ("prompts/it/saluto.wav", b"RIFF....", "prompts/it/saluto.wav"),
        ("prompts/it/sheet_1.wav", sound(), "names that begin with"),
        ("prompts/it/lungo.wav", sound(0.0, 241_000), "at most 240"),
    ],
)  # fmt: skip
def test_wrong_content_is_refused_in_a_sentence(
    box: Branch, name: str, data: bytes, said: str
) -> None:
    """It names the place, and what was in force stays, directory and sheets too."""
    box.apply(made(1, OLDER))
    before = (box.sheets(), box.directory(), read.load(box.config))
    with pytest.raises((Refused, BadConfiguration)) as error:
        box.apply(made(2, OLDER | {name: data}))
    assert said in str(error.value)
    assert words_of(error.value).text("it") != words_of(error.value).text("en") or name.endswith(
        "toml"
    )
    assert (box.sheets(), box.directory(), read.load(box.config)) == before


def test_a_sheet_of_the_branchs_own_is_never_lost(box: Branch) -> None:
    """A bundle that would write over one is refused; one with the same words is taken over."""
    with pytest.raises(Refused, match="sheets of its own with these names: orti"):
        box.apply(made(1, OLDER | {"sheets/orti.md": sheet("Altri orti")}))
    same = SHEET_OF_OWN.encode()
    assert "orti" in box.apply(made(1, OLDER | {"sheets/orti.md": same})).content.sheets[1].code
    assert box.sheets()["orti"] == "Orti urbani"


SHEET_OF_OWN = """\
+++
title = "Orti urbani"
source = "Regolamento"
updated = 2026-05-20
+++
Si chiede al quartiere.
"""


def test_what_is_the_head_offices_is_changed_there(box: Branch) -> None:
    """Neither console nor command changes or removes a central sheet; an import leaves it."""
    box.apply(made(1, OLDER))
    imu = Sheet("imu", "Mia", "", "Io", date(2026, 1, 1), "No.\n")
    with closing(connect(box.place.database)) as connection:
        noted = Noted(AT, "anna", sheets.CHANGED, "imu")
        with pytest.raises(Refused, match="head office, to be changed there: imu"):
            sheets.put(connection, imu, noted)
        with pytest.raises(Refused, match="head office, to be changed there: imu"):
            sheets.remove(connection, "imu", noted)
        with pytest.raises(Refused, match="head office, to be changed there: imu"):
            sheets.store(connection, (imu,))
        sheets.store(connection, (replace(OWN, title="Orti"),))
    assert box.sheets() == {"imu": "IMU", "tari": "TARI", "orti": "Orti"}


def test_a_central_office_is_changed_there(box: Branch) -> None:
    """Not by the branch, which may enter declarations for it, and offices of its own."""
    box.apply(made(1, FIRST))
    who = Who("anna", AT, "unit")
    theirs = Unit("anagrafe", "Altra", "altra@comune.example", "demografici")
    own = replace(theirs, code="orti", name="Orti")
    with closing(connect(box.place.database)) as connection:
        key = key_path(box.place.database)
        with pytest.raises(Refused, match="head office, to be changed there: anagrafe"):
            directory.change(
                connection, key, who, lambda r: directory_changes.with_unit(r, theirs), {}
            )
        directory.change(connection, key, who, lambda r: directory_changes.with_unit(r, own), {})
    box.apply(made(2, FIRST | {"sheets/imu.md": sheet("IMU 2027")}))
    names = {unit.code: unit.name for unit in box.directory().units}
    assert names == {"demografici": "Servizi demografici", "anagrafe": "Anagrafe", "orti": "Orti"}


def test_a_branchs_own_hours_win(tmp_path: Path) -> None:
    """On a day of which both speak the branch's opening holds; closures of both hold."""
    local = '[[openings]]\nday = 2026-12-24\nhours = ["09:00-10:00"]\nreason = "Qui"\n'
    box = branch(tmp_path, more=local)
    given = b'[[openings]]\nday = 2026-12-24\nhours = ["15:00-16:00"]\nreason = "Tutti"\n'
    box.apply(made(1, {"schedule.toml": given}))
    settings = read.load(box.config)
    assert [o.reason for o in settings.openings] == ["Tutti", "Qui"]
    bands = build_office(settings, 2026).switchboard.schedule.bands_on(date(2026, 12, 24))
    assert [str(band) for band in bands] == ["09:00-10:00"]


def test_what_the_head_entered_here_lies_over_both(box: Branch) -> None:
    """Special hours that were entered in the console hold, whatever the head office's say."""
    box.apply(made(1, OLDER))
    day = date(2026, 12, 14)
    before = office_in_force(read.load(box.config), 2026)
    assert [str(band) for band in before.switchboard.schedule.bands_on(day)] == ["08:00-12:00"]
    period = Period(day, day, pair("Qui", "Here"), week_of(monday="15-16"))
    with closing(connect(box.place.database)) as connection:
        entry = HoursEntry(1, Whose.HOUSE, period, "anna", AT, "e-mail")
        hours.add(connection, "anna", AT, lambda _: entry)
    found = office_in_force(read.load(box.config), 2026)
    assert [str(band) for band in found.switchboard.schedule.bands_on(day)] == ["15:00-16:00"]


def test_a_damaged_schedule_leaves_the_branchs_own(box: Branch) -> None:
    """A file that a bad card has spoilt costs the head office's hours, not the box."""
    given = box.apply(made(1, OLDER))
    path = box.place.state / "central" / given.digest / "schedule.toml"
    path.write_bytes(b"\xff[")
    assert read.load(box.config).hours == box.place.settings.hours


def test_a_spoken_sheet_comes_with_its_sounds(box: Branch) -> None:
    """Its voice is made before it holds; what a cut has left is made good by the next turn."""
    spoken_sheet = sheet("CIE").replace(b"updated", b'spoken = true\nsay = "In linea."\nupdated')
    folder = state_folder.speech_folder(box.place.state)
    box.apply(made(1, {"sheets/cie.md": spoken_sheet}))
    assert [each.sheet for each in speech.load_menu(folder)] == ["cie"]
    (folder / speech.MENU).unlink()
    (box.place.state / "central/pending").write_text("cut\n")
    apply.finish_interrupted(box.place)
    assert [each.sheet for each in speech.load_menu(folder)] == ["cie"]
    assert box.revert() == 0
    assert speech.load_menu(folder) == ()


BEFORE = {
    "schedule.toml": b'[hours]\nmonday = ["08:00-12:00"]\n',
    "sheets/imu.md": sheet("IMU"),
    "prompts/it/hold.wav": sound(),
}
AFTER = {
    "schedule.toml": b'[hours]\nmonday = ["09:00-13:00"]\n',
    "sheets/imu.md": sheet("IMU nuova"),
    "sheets/tari.md": sheet("TARI"),
    "prompts/it/hold.wav": sound(880.0),
}
HELD = {
    "08:00-12:00": ({"orti", "imu"}, "IMU"),
    "09:00-13:00": ({"orti", "imu", "tari"}, "IMU nuova"),
}


def cut_while(call: str, power: Power, act: Callable[[], object]) -> bool:
    """Do something; returns whether the power went."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, call, power)
        try:
            act()
        except Cut:
            return True
    return False


def start(box: Branch) -> None:
    """Do what call control does before it reads its configuration (commands/services.py)."""
    apply.settle_folder(box.place.state, database_path(box.place.state))


def check_whole(box: Branch) -> str:
    """What holds after a start is one bundle, all of it; returns its monday."""
    start(box)
    settings = read.load(box.config)
    monday = str(settings.hours.week.days[0][0])
    codes, imu = HELD[monday]
    assert set(box.sheets()) == codes
    assert box.sheets()["imu"] == imu
    with closing(connect(box.place.database)) as connection:
        now = managed_config.in_force(connection)
    assert now is not None
    assert digest_in_force(box.place.state) == now.digest
    wav = state_folder.announcements_of(settings)[-1] / "it/hold.wav"
    assert wav.read_bytes() == (sound() if imu == "IMU" else sound(880.0))
    return monday


@pytest.mark.parametrize(("call", "done"), [("fsync", False), ("replace", True), ("rename", True)])
def test_a_cut_at_any_write_does_no_harm(
    call: str, done: bool, tmp_path: Path, figures: Figures
) -> None:
    """Each use of the call is the last one once; the same file then comes into force whole."""
    nth, box, data = 0, branch(tmp_path), made(2, AFTER)
    while True:
        nth += 1
        box = anew(box)
        given = box.judged(data)
        power = Power(getattr(os, call), nth, done=done)
        if not cut_while(call, power, partial(put, box, given)):
            break
        check_whole(box)
        box.apply(data)
        assert check_whole(box) == "09:00-13:00"
    assert nth > LEAST[call]
    figures.say(f"F9 cut at each {call} as central settings come into force ({nth - 1}): no harm")


@pytest.mark.parametrize("is_over", [False, True])
def test_a_cut_at_the_commit_is_the_moment(is_over: bool, tmp_path: Path) -> None:
    """Before it the settings of before hold, after it the new ones: sounds and hours follow."""

    @contextmanager
    def cut(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
        with transaction(connection):
            yield connection
            if not is_over:
                raise Cut
        raise Cut

    box = anew(branch(tmp_path))
    given = box.judged(made(2, AFTER))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(policy_change, "transaction", cut)
        with pytest.raises(Cut):
            put(box, given)
    assert check_whole(box) == ("09:00-13:00" if is_over else "08:00-12:00")


LEAST = {"fsync": 8, "replace": 4, "rename": 1}


def anew(box: Branch) -> Branch:
    """Give the branch the first settings, and nothing of what a test left."""
    shutil.rmtree(box.folder)
    fresh = branch(box.folder)
    fresh.apply(made(1, BEFORE))
    return fresh


def put(box: Branch, given: JudgedBundle) -> None:
    """Put judged settings in force."""
    apply.apply_bundle(box.place, given, ApplyStamp("anna", AT, "prova"))
