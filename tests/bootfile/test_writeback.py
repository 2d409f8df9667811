"""Settings changed on the box are on the card, too; its file keeps its form."""

from __future__ import annotations

import json
import os
import tempfile
import tomllib
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import tomli_w
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.bootfile import card, writeback
from appliance.bootfile.apply import apply_card, put_card_file
from appliance.bootfile.card import CARD_BEFORE, CardVerdict
from appliance.bootfile.values import CRYPT_OPEN, FILE_NAME, text_of_file
from appliance.bootfile.writeback import CardWrittenBack, write_back
from appliance.config import phones, read
from appliance.config.editing import AddRow, Change, ClearValue, RemoveRow, SetSecret, SetValue
from appliance.config.settings_files import SettingsFile
from appliance.config.settings_trial import FOLDER, ClockReading, digest_of
from appliance.policy.forms import FormRefused
from appliance.policy.hours import WEEKDAYS
from appliance.policy.text import Refused
from appliance.text import NOTHING
from tests.bootfile.test_apply import Cut, Power, box, plug, write
from tests.bootfile.test_read import OFFICE
from tests.config.test_editing import CHANGES
from tests.config.test_short_form import SHORT
from tests.helpers.examples import examples

if TYPE_CHECKING:
    from appliance.bootfile.apply import BootPlaces

ROOT = Path(__file__).parents[2]
FORM = (ROOT / "image/fat/centralino.toml").read_text(encoding="utf-8")
"""The delivered file, which says nothing yet."""
NOW = ClockReading(datetime(2026, 11, 30, tzinfo=UTC), 1.0, "boot")
REMARKS = """\
# ours
[site]
name = "Comune"   # the town
patron = "10-04"

# who is here
[[phones]]
name = "op1"
label = "Uno"   # upstairs

[[phones]]
name = "op2"
secret = "abcd-1234"

[[lines]]
name = "first"

# the end
"""


@pytest.fixture
def places(tmp_path: Path) -> BootPlaces:
    """A box of one modem."""
    return box(tmp_path)


def filled(places: BootPlaces, text: str) -> None:
    """Start the box with that file on its card."""
    write(places, text)
    assert apply_card(places).outcome.verdict in {CardVerdict.APPLIED, CardVerdict.BLANK}


def change(places: BootPlaces, *changes: Change, is_trial: bool = False) -> None:
    """Change settings as in the browser; raises as SettingsFile.apply."""
    state = Path(read.load(places.config).folders.state)
    file = SettingsFile(places.config, state, places.year)
    file.apply(list(changes), digest_of(file.text), "beppe", NOW, is_trial=is_trial)


def on_card(places: BootPlaces) -> str:
    """Return the text of the card's file."""
    return text_of_file((places.card / FILE_NAME).read_bytes())


def new_lines(places: BootPlaces, before: str) -> list[str]:
    """Return the lines of the card's file that were not there before."""
    return [line for line in on_card(places).split("\n") if line not in before.split("\n")]


def check_start(places: BootPlaces) -> None:
    """The next start finds nothing new, and the configuration keeps every byte."""
    before = places.config.read_bytes(), places.config.stat().st_mtime_ns
    applied = apply_card(places)
    assert applied.outcome.verdict in {CardVerdict.AS_BEFORE, CardVerdict.BLANK}
    assert applied.outcome.set_aside == ""
    assert not applied.is_rewritten
    assert not applied.outcome.is_others
    assert (places.config.read_bytes(), places.config.stat().st_mtime_ns) == before


def check_written(places: BootPlaces) -> None:
    """It is written, and the next start finds nothing new."""
    assert write_back(places) == CardWrittenBack(is_same=True)
    check_start(places)


def test_a_value_changes_and_its_remark_stays(places: BootPlaces) -> None:
    """In its line alone; the file of before lies nowhere, since nobody has brought another."""
    filled(places, REMARKS)
    change(places, SetValue("site.name", "Città"))
    check_written(places)
    assert on_card(places) == REMARKS.replace("Comune", "Città")
    assert not (places.card / CARD_BEFORE).exists()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_windows_line_ends_and_encoding_stay(encoding: str, places: BootPlaces) -> None:
    """As the editor wrote them."""
    (places.card / FILE_NAME).write_bytes(REMARKS.replace("\n", "\r\n").encode(encoding))
    apply_card(places)
    change(places, SetValue("site.name", "Città"), AddRow("phones", "op3"))
    check_written(places)
    contents = (places.card / FILE_NAME).read_bytes()
    text = contents.decode(encoding)
    assert text.count("\n") == text.count("\r\n") > REMARKS.count("\n")
    assert "Città" in text
    assert contents == text.encode(encoding)


def test_a_phone_comes_and_goes(places: BootPlaces) -> None:
    """With its row; who rings follows without being written, as on the card before."""
    filled(places, REMARKS)
    change(places, AddRow("phones", "op3", {"label": "Tre"}))
    change(places, SetValue("switchboard.phones", ("op1", "op2", "op3")))
    check_written(places)
    added = ["[[phones]]", 'name = "op3"', 'label = "Tre"']
    assert "\n".join(added) in on_card(places)
    assert "switchboard" not in on_card(places)
    change(places, RemoveRow("phones", "op3"))
    check_written(places)
    assert [line for line in on_card(places).split("\n") if line] == [
        line for line in REMARKS.split("\n") if line
    ]


def test_the_delivered_form_stays_one(places: BootPlaces) -> None:
    """An empty value is filled in, and emptied again; nothing else changes."""
    filled(places, FORM)
    change(places, SetValue("site.email", "urp@esempio.it"), SetValue("hours.monday", ("08-12",)))
    check_written(places)
    filled_in = new_lines(places, FORM)
    assert len(filled_in) == 2
    assert all("# " in line for line in filled_in)
    change(places, ClearValue("site.email"), ClearValue("hours.monday"))
    check_written(places)
    assert on_card(places) == FORM


def test_lines_that_the_card_leaves_out_keep_their_modems(places: BootPlaces) -> None:
    """A label makes the card name them; the ports stay the box's choice."""
    plug(places, 3)
    filled(places, FORM)
    change(places, SetValue("lines.line2.label", "Verde"))
    check_written(places)
    assert new_lines(places, FORM) == [
        "[[lines]]", 'name = "line1"', "[[lines]]", 'name = "line2"', 'label = "Verde"',
    ]  # fmt: skip
    assert [line.name for line in read.load(places.config).lines] == ["line1", "line2"]


def test_a_line_of_defaults_on_the_card_stays_one(places: BootPlaces) -> None:
    """It gets its name where the browser changes it."""
    filled(places, f'{FORM}\n[[lines]]\ndialect = "auto"\n')
    change(places, SetValue("lines.line1.label", "Verde"))
    check_written(places)
    assert [line.name for line in read.load(places.config).lines] == ["line1"]


def test_the_short_form(places: BootPlaces) -> None:
    """Only what changes is written out."""
    filled(places, SHORT.read_text(encoding="utf-8"))
    change(places, SetValue("site.email", "urp@esempio.it"))
    check_written(places)
    assert new_lines(places, SHORT.read_text(encoding="utf-8")) == ['email = "urp@esempio.it"']


def test_network_keys_and_passwords_are_not_touched(places: BootPlaces) -> None:
    """They stand on the card as before, and no other password does."""
    filled(places, OFFICE)
    change(places, SetValue("lines.line2.label", "Due"))
    check_written(places)
    assert new_lines(places, OFFICE) == ['name = "line1"', 'name = "line2"', 'label = "Due"']
    change(places, SetSecret("mail.password", "segretissima"))
    phones.save_secrets(read.load(places.config), {"op1": "another-one", "op2": "of-the-box"})
    assert write_back(places).is_same
    text = on_card(places)
    for secret in ("segretissima", "another-one", "of-the-box"):
        assert secret not in text
    # What is no longer true would come back into force with the next change of the file.
    assert "due parole" not in text
    assert "abcd-1234" not in text
    assert "tre parole mie" in text
    write(places, text.replace('"Comune"', '"Nuovo"'))
    assert apply_card(places).outcome.verdict is CardVerdict.APPLIED
    now = read.load(places.config)
    assert Path(now.mail.password_file).read_text(encoding="utf-8") == "segretissima\n"
    assert phones.load_secrets(now) == {"op1": "another-one", "op2": "of-the-box"}


def test_a_first_password_of_the_mail(places: BootPlaces) -> None:
    """The card names its file; taken away again, the account goes with it."""
    filled(places, REMARKS)
    change(
        places, SetValue("mail.server", "smtp.esempio.it"), SetValue("mail.user", "urp"),
        SetValue("mail.sender", "urp@esempio.it"), SetSecret("mail.password", "segretissima"),
    )  # fmt: skip
    check_written(places)
    assert "segretissima" not in on_card(places)
    change(places, SetValue("mail.user", ""))
    check_written(places)


def test_an_account_without_a_user_keeps_no_password_on_the_card(places: BootPlaces) -> None:
    """The box would refuse such a file."""
    filled(places, OFFICE)
    change(places, SetValue("mail.user", ""))
    check_written(places)
    assert 'password = ""' in on_card(places)


def by_hand(places: BootPlaces, table: str, value: object) -> None:
    """Change a table of the configuration in an editor; None takes it out."""
    data = tomllib.loads(places.config.read_text(encoding="utf-8"))
    data[table] = value
    text = tomli_w.dumps({key: one for key, one in data.items() if one is not None})
    places.config.write_text(text, encoding="utf-8")
    read.load(places.config)


END = datetime(2026, 12, 31, 12)  # noqa: DTZ001 - the office's own time
CLOSURE = {"start": datetime(2026, 12, 31, 8), "end": END}  # noqa: DTZ001 - as above


@pytest.mark.parametrize(
    ("table", "value", "said"),
    [
        ("closures", [CLOSURE], "[[closures]]\nstart = 2026-12-31T08:00:00\n"),
        ("panel", {"unattended_button": 12}, "[panel]\nunattended_button = 12"),
        ("citizens_desk", {"phones": ["op2"], "hours": {"monday": ["08-12"]}},
         '[citizens_desk.hours]\nmonday = ["08-12"]'),
    ],
    ids=["an array", "a table", "a table in a table"],
)  # fmt: skip
def test_what_was_written_by_hand_or_restored(
    table: str, value: object, said: str, places: BootPlaces
) -> None:
    """Whoever changed it, the card says what is in force."""
    filled(places, OFFICE)
    by_hand(places, table, value)
    check_written(places)
    assert said in on_card(places)


def test_an_array_that_was_taken_out(places: BootPlaces) -> None:
    """It stands on the card no more."""
    filled(places, OFFICE)
    by_hand(places, "closures", None)
    check_written(places)
    assert "closures" not in on_card(places)


def test_a_configuration_with_a_mistake_is_not_written(places: BootPlaces) -> None:
    """It is in force nowhere."""
    filled(places, OFFICE)
    with places.config.open("a", encoding="utf-8") as file:
        file.write("\n[folders]\nother = 1\n")
    assert write_back(places) == CardWrittenBack()
    assert on_card(places) == OFFICE


def test_passwords_that_cannot_be_read_stay(places: BootPlaces) -> None:
    """Nothing is emptied on the card without knowing that the box has another one."""
    filled(places, REMARKS)
    change(places, SetValue("site.name", "Città"))
    phones.secrets_path(read.load(places.config)).write_text("{", encoding="utf-8")
    check_written(places)
    assert 'secret = "abcd-1234"' in on_card(places)


def test_rows_in_another_order(places: BootPlaces) -> None:
    """Written anew, with the password that stands there and without the box's ports."""
    filled(places, REMARKS)
    data = tomllib.loads(places.config.read_text(encoding="utf-8"))
    data["phones"].reverse()
    places.config.write_text(tomli_w.dumps(data), encoding="utf-8")
    assert [one.name for one in read.load(places.config).phones] == ["op2", "op1"]
    check_written(places)
    assert on_card(places).index('"op2"') < on_card(places).index('"op1"')
    assert 'secret = "abcd-1234"' in on_card(places)
    assert "port" not in on_card(places)


def test_what_the_file_cannot_say_is_told(places: BootPlaces) -> None:
    """The card's file stays, and so does what is in force; the sentence names what differs."""
    filled(places, 'site = { name = "Comune" }\nlines = ["051 598 111"] # one\n')
    change(places, RemoveRow("lines", "line1"))
    before = on_card(places)
    found = write_back(places)
    assert not found.is_same
    assert "Line removed: 1" in found.left.text("en"), found.left.text("en")
    assert "centralino.toml" in found.left.text("it")
    assert on_card(places) == before
    assert apply_card(places).outcome.is_others


def test_many_differences_are_cut_short(
    places: BootPlaces, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sentence names some, and that there are more."""
    monkeypatch.setattr(writeback, "ROUNDS", 0)
    filled(places, REMARKS)
    change(places, *(SetValue(f"hours.{day}", ("08-12",)) for day in WEEKDAYS[:6]))
    assert "…" in write_back(places).left.text("en")


def test_a_kept_text_of_another_release_is_named_as_a_whole(places: BootPlaces) -> None:
    """What this release cannot read it cannot compare."""
    filled(places, REMARKS)
    change(places, SetValue("site.name", "Città"))
    kept = places.kept / card.KEPT_FILE
    told = json.loads(kept.read_text(encoding="utf-8"))
    old = REMARKS + "[former]\nkey = 1\n"
    kept.write_text(json.dumps(told | {"text": old}), encoding="utf-8")
    write(places, old)
    assert "centralino.toml" in write_back(places).left.text("en")


def test_a_trial_is_waited_for(places: BootPlaces) -> None:
    """What nobody confirms is never on the card."""
    filled(places, REMARKS)
    change(places, SetValue("site.name", "Città"), is_trial=True)
    assert write_back(places) == CardWrittenBack(waits=True)
    assert on_card(places) == REMARKS
    state = Path(read.load(places.config).folders.state)
    SettingsFile(places.config, state, places.year).confirm("beppe", NOW)
    assert not (state / FOLDER / "trial.json").exists()
    check_written(places)


@pytest.mark.parametrize("text", ["[site\n", REMARKS.replace("Comune", "Nuovo"), ""])
def test_a_file_that_was_changed_on_the_card_is_left_alone(text: str, places: BootPlaces) -> None:
    """The next start reads it; also one that is no file of ours."""
    filled(places, REMARKS)
    change(places, SetValue("site.email", "urp@esempio.it"))
    write(places, text)
    assert write_back(places) == CardWrittenBack()
    assert on_card(places) == text
    (places.card / FILE_NAME).write_bytes(b"\xff\xff")
    assert write_back(places) == CardWrittenBack()


def test_a_file_that_comes_in_the_meantime_stays(
    places: BootPlaces, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Brought over SSH while the other one was made."""
    filled(places, REMARKS)
    change(places, SetValue("site.email", "urp@esempio.it"))
    brought = REMARKS.replace("Comune", "Nuovo")
    real = card.exchange_on_card

    def later(*given: object) -> bool:
        put_card_file(places, brought.encode())
        return real(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(writeback, "exchange_on_card", later)
    assert write_back(places) == CardWrittenBack()
    assert on_card(places) == brought
    check_start(places)


def test_a_card_that_cannot_be_written_is_told(
    places: BootPlaces, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the reason; what is in force stays."""
    filled(places, REMARKS)
    change(places, SetValue("site.name", "Città"))

    def full(*_: object) -> bool:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(writeback, "exchange_on_card", full)
    assert "cannot be written" in write_back(places).left.text("en")
    assert on_card(places) == REMARKS


def test_a_box_without_a_file_of_the_card_writes_none(places: BootPlaces) -> None:
    """Its configuration is not made of one."""
    assert write_back(places) == CardWrittenBack()
    places.config.parent.mkdir()
    places.config.write_text(OFFICE, encoding="utf-8")
    assert write_back(places) == CardWrittenBack()
    assert list(places.card.iterdir()) == []


def test_changes_without_the_data_partition_stay_off_the_card(places: BootPlaces) -> None:
    """Its key is missing: what is changed meanwhile is gone with the next start."""
    filled(places, REMARKS)
    change(places, SetValue("site.name", "Città"))
    places.crypt.mkdir()
    assert write_back(places) == CardWrittenBack()
    assert on_card(places) == REMARKS
    (places.crypt / CRYPT_OPEN).touch()
    check_written(places)


@pytest.mark.parametrize(("call", "done", "least"), [("fsync", False, 4), ("replace", True, 2)])
def test_a_cut_at_any_write_leaves_the_old_file_or_the_new(
    call: str, done: bool, least: int, tmp_path: Path
) -> None:
    """The next start finds nothing new, and the writing after it ends what was begun."""
    nth = 0
    while True:
        nth += 1
        (tmp_path / str(nth)).mkdir()
        places = box(tmp_path / str(nth))
        filled(places, REMARKS)
        change(places, SetValue("site.name", "Città"))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(os, call, Power(getattr(os, call), nth, done=done))
            try:
                write_back(places)
            except Cut:
                pass
            else:
                break
        assert on_card(places) in {REMARKS, REMARKS.replace("Comune", "Città")}
        applied = apply_card(places)
        assert applied.outcome.verdict is CardVerdict.AS_BEFORE
        assert applied.outcome.set_aside == ""
        assert not applied.is_rewritten
        assert write_back(places).is_same
        assert on_card(places) == REMARKS.replace("Comune", "Città")
        check_start(places)
    assert nth > least


@pytest.mark.parametrize(
    ("old", "new"),
    [("Città", "Altra"), ("abcd-1234", "abcd-5678"), ("# ours", '[network]\nhostname = "urp"')],
    ids=["a setting", "a password", "the name"],
)
def test_a_file_that_says_more_than_what_is_in_force_is_applied(
    old: str, new: str, places: BootPlaces
) -> None:
    """Written back, the kept file lost, then changed on the card: nothing is passed over."""
    filled(places, REMARKS)
    kept = (places.kept / card.KEPT_FILE).read_bytes()
    change(places, SetValue("site.name", "Città"))
    assert write_back(places).is_same
    (places.kept / card.KEPT_FILE).write_bytes(kept)
    write(places, on_card(places).replace(old, new))
    assert apply_card(places).outcome.verdict is CardVerdict.APPLIED


def test_a_wrong_file_is_no_written_back_one(places: BootPlaces) -> None:
    """Its mistakes are told as ever."""
    filled(places, REMARKS)
    change(places, SetValue("site.name", "Città"))
    write(places, "[site\n")
    assert apply_card(places).outcome.verdict is CardVerdict.WRONG


@settings(max_examples=examples(120, 15))
@given(st.lists(CHANGES, min_size=1, max_size=6), st.sampled_from([REMARKS, FORM, OFFICE]))
def test_any_accepted_change_is_on_the_card(changes: list[Change], text: str) -> None:
    """What the browser may change the card says, with every remark that stands in a line of its
    own; else the file is as it was and the sentence tells.
    """
    with tempfile.TemporaryDirectory() as folder:
        places = box(Path(folder))
        filled(places, text)
        for one in changes:
            with suppress(FormRefused, Refused):
                change(places, one)
        in_force = places.config.read_bytes()
        found = write_back(places)
        assert places.config.read_bytes() == in_force
        if not found.is_same:
            assert not read.load(places.config).lines, found.left.text("en")
            assert on_card(places) == text
            return
        assert found.left == NOTHING
        check_start(places)
        remarks = iter(on_card(places).split("\n"))
        assert all(row in remarks for row in text.split("\n") if row.startswith("# "))
