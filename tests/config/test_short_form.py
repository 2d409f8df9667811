"""The short form of the configuration: what is left out is derived, and `check` shows it."""

from __future__ import annotations

import json
import os
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.config import line_ports, read
from appliance.config.derived import derived_words
from appliance.config.editing import AddRow, RemoveRow, SetValue, edited, judge
from appliance.config.office import build_office, in_force
from appliance.config.schema import Settings
from appliance.config.short_form import name_from, without_lists, written_out
from appliance.config.values import BadConfiguration
from appliance.policy.hours import WEEKDAYS
from tests.docs.pages import ROOT

EXAMPLES = ROOT / "appliance" / "config"
SHORT = EXAMPLES / "example_short.toml"
MOST_LINES = 15
A, B, C = (f"platform-3f980000.usb-usb-0:1.{n}:1.0" for n in (2, 3, 4))
LONG = """
[site]
name = "Comune di Esempio"
patron = "10-04"
[hours]
monday = ["08:30-13:00", "14:30-17:30"]
tuesday = ["08:30-13:00", "14:30-17:30"]
wednesday = ["08:30-13:00", "14:30-17:30"]
thursday = ["08:30-13:00", "14:30-17:30"]
friday = ["08:30-13:00"]
[sip]
address = "0.0.0.0"
[[lines]]
name = "line1"
label = "051 598 111"
called = "051 598 111"
[[lines]]
name = "line2"
label = "800 011 837"
called = "800 011 837"
[[phones]]
name = "operatore-1"
label = "Operatore 1"
[[phones]]
name = "operatore-2"
label = "Operatore 2"
[[phones]]
name = "operatore-3"
label = "Operatore 3"
[switchboard]
phones = ["operatore-1", "operatore-2", "operatore-3"]
[mail]
server = "smtp.comune.esempio.it"
sender = "URP <urp@comune.esempio.it>"
"""
"""What the short example says, in the long form."""


@pytest.fixture
def ports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of plugged-in modems, empty at first."""
    folder = tmp_path / "ports"
    folder.mkdir()
    monkeypatch.setenv(line_ports.PORTS_VARIABLE, str(folder))
    return folder


def plug(folder: Path, *names: str) -> None:
    """Plug modems in at their sockets."""
    for name in names:
        device = folder.parent / f"tty-{name}"
        device.touch()
        (folder / name).symlink_to(device)


def ports_of(settings: Settings, folder: Path) -> list[str]:
    """Return the sockets of the lines."""
    return [line.port.removeprefix(f"{folder}/") for line in settings.lines]


def mistakes_of(text: str) -> list[str]:
    """Return the mistakes of a text."""
    with pytest.raises(BadConfiguration) as caught:
        read.own_of(text, "f")
    return [str(mistake) for mistake in caught.value.mistakes]


# ---- the example ---------------------------------------------------------------------------------


def test_the_commonest_office_takes_fifteen_lines() -> None:
    """Two lines, three phones, hours, municipality and patron, mail: 15 lines of text."""
    text = SHORT.read_text(encoding="utf-8")
    said = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    assert len(said) <= MOST_LINES
    settings = read.parse(text)
    assert (len(settings.lines), len(settings.phones)) == (2, 3)
    assert settings.mail.server
    assert settings.hours.week.days[0]


def test_the_short_example_says_what_the_long_form_says() -> None:
    """The same settings and the same office."""
    short, long = read.parse(SHORT.read_text(encoding="utf-8")), read.parse(LONG)
    assert short == long
    assert build_office(short, 2026) == build_office(long, 2026)


def test_a_file_of_the_long_form_stays_as_it_is() -> None:
    """The example office is read as it is written: nothing is derived where something is said."""
    for name in ("example.toml",):
        data = tomllib.loads((EXAMPLES / name).read_text(encoding="utf-8"))
        assert written_out(data) == data
        assert without_lists(data) == data


# ---- names and groups ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("Operatore 1", "operatore-1"),
        ("op1", "op1"),
        ("Sportello Città", "sportello-citta"),
        ("  U.R.P. (sala) ", "u-r-p-sala"),
        ("Ж", ""),
        ("a" * 40, "a" * 32),
    ],
)
def test_a_phones_name_is_made_of_its_label(label: str, name: str) -> None:
    """Small letters, figures and dashes, as a SIP user has them."""
    assert name_from(label) == name


def test_names_that_are_left_out() -> None:
    """A line's by its place, a phone's by its label or its place; written ones stay."""
    text = """
[[lines]]
[[lines]]
name = "line1"
[[lines]]
[[phones]]
label = "Sala"
[[phones]]
[[phones]]
name = "op9"
"""
    found = written_out(tomllib.loads(text))
    assert [line["name"] for line in found["lines"]] == ["line2", "line1", "line3"]
    assert [phone["name"] for phone in found["phones"]] == ["sala", "phone2", "op9"]


def test_phones_of_no_other_group_ring_for_the_switchboard() -> None:
    """Unless [switchboard] is written: then it says who rings."""
    text = 'phones = ["a", "b", "c"]\n[citizens_desk]\nphones = ["b"]\n[head]\nphones = ["c"]\n'
    assert written_out(tomllib.loads(text))["switchboard"] == {"phones": ["a"]}
    assert written_out(tomllib.loads(f"{text}[switchboard]\n"))["switchboard"] == {}
    assert "switchboard" not in written_out({})


def test_working_days_stand_for_five() -> None:
    """A day of its own goes first; Saturday and Sunday stay closed."""
    week = read.parse(
        '[site]\nname = "a"\npatron = "10-04"\n'
        '[hours]\nweekdays = ["8:00-12:00"]\nfriday = []\nsunday = ["9:00-10:00"]\n'
    ).hours.week
    shown = [[str(band) for band in day] for day in week.days]
    assert shown == [["08:00-12:00"]] * 4 + [[], [], ["09:00-10:00"]]


# ---- what is wrong -------------------------------------------------------------------------------

SITE = '[site]\nname = "a"\npatron = "10-04"\n[hours]\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f'lines = "051 598 111"\n{SITE}', "line 1, lines: must be a list"),
        (f'phones = "op1"\n{SITE}', "line 1, phones: must be a list"),
        (f'lines = ["051", 5]\n{SITE}', "line 1, lines.2"),
        (f'{SITE}weekdays = "8-9"\n', "line 4, hours: weekdays"),
        (f'{SITE}weekday = ["8:00-9:00"]\n', "use monday"),
    ],
)
def test_what_is_wrong_is_said_at_its_line(text: str, said: str) -> None:
    """One sentence, with the line of the list."""
    (found,) = mistakes_of(text)
    assert said in found


def test_a_wrong_number_in_the_list_is_said_at_its_line() -> None:
    """The check of the office names the list's line, too."""
    with pytest.raises(BadConfiguration) as caught:
        build_office(read.parse(f'lines = ["051 598 111", "x"]\n{SITE}'), 2026)
    assert [mistake.place for mistake in caught.value.mistakes] == ["lines.2.called"]


# ---- modems --------------------------------------------------------------------------------------


def text_of(state: Path, *more: str) -> str:
    """Return a file of two lines without ports."""
    return (
        'lines = ["051 598 111", "800 011 837"]\n' + SITE + f'[folders]\nstate = "{state}"\n'
        + "\n".join(more)
    )  # fmt: skip


def test_lines_take_the_modems_in_the_order_of_their_sockets(ports: Path, tmp_path: Path) -> None:
    """One name a device; what is no USB device is none."""
    plug(ports, B, A, "platform-serial0")
    found = read.own_of(text_of(tmp_path), "f")
    assert ports_of(found, ports) == [A, B]


def test_a_line_keeps_its_socket(ports: Path, tmp_path: Path) -> None:
    """Once in force, a modem that is taken out or added moves no line."""
    plug(ports, B, C)
    path = tmp_path / "centralino.toml"
    path.write_text(text_of(tmp_path / "state"), encoding="utf-8")
    settings, _, complaint = in_force(path, 2026)
    assert (ports_of(settings, ports), str(complaint)) == ([B, C], "")
    (ports / B).unlink()
    plug(ports, A)
    again, _, _ = in_force(path, 2026)
    assert ports_of(again, ports) == [A, C]
    (ports / A).unlink()
    last, _, _ = in_force(path, 2026)
    assert ports_of(last, ports) == [A, C]


def test_a_modem_that_a_line_names_is_not_given_to_another(ports: Path, tmp_path: Path) -> None:
    """Only free modems are given."""
    plug(ports, A, B)
    text = f'{SITE}[folders]\nstate = "{tmp_path}"\n[[lines]]\n[[lines]]\nport = "{ports / A}"\n'
    assert ports_of(read.own_of(text, "f"), ports) == [B, A]


def test_a_line_without_a_modem_is_out_of_order(ports: Path, tmp_path: Path) -> None:
    """The configuration is good all the same: the box answers over the other lines."""
    plug(ports, A)
    settings = read.own_of(text_of(tmp_path), "f")
    assert ports_of(settings, ports)[0] == A
    assert line_ports.is_nowhere(settings.lines[1].port)
    assert build_office(settings, 2026).lines[1].name == "line2"


def test_a_missing_modem_is_not_remembered(ports: Path, tmp_path: Path) -> None:
    """The modem that is plugged in later is found."""
    plug(ports, A)
    path, state = tmp_path / "centralino.toml", tmp_path / "state"
    path.write_text(text_of(state), encoding="utf-8")
    in_force(path, 2026)
    kept = json.loads((state / line_ports.FILE).read_text(encoding="utf-8"))
    assert kept == {"line1": str(ports / A)}
    plug(ports, B)
    assert ports_of(in_force(path, 2026)[0], ports) == [A, B]


@pytest.mark.parametrize("contents", ["", "[]", "{", '"x"'])
def test_a_damaged_memory_is_none(ports: Path, tmp_path: Path, contents: str) -> None:
    """Lines are given modems anew."""
    plug(ports, A, B)
    (tmp_path / line_ports.FILE).write_text(contents, encoding="utf-8")
    assert ports_of(read.own_of(text_of(tmp_path), "f"), ports) == [A, B]


def test_other_serial_devices_are_no_modems(
    ports: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the delivered udev rules only modems of known makes are given to lines."""
    plug(ports, A, B)
    ours = tmp_path / "ours"
    ours.mkdir()
    (ours / "line-x").symlink_to(os.path.realpath(ports / B))
    monkeypatch.delenv(line_ports.PORTS_VARIABLE)
    monkeypatch.setattr(line_ports, "BY_PATH", str(ports))
    monkeypatch.setattr(line_ports, "OUR_MODEMS", ours)
    assert line_ports.modems_found() == (str(ports / B),)
    monkeypatch.setattr(line_ports, "OUR_MODEMS", tmp_path / "none")
    assert line_ports.modems_found() == (str(ports / A), str(ports / B))
    monkeypatch.setattr(line_ports, "BY_PATH", str(tmp_path / "none"))
    assert line_ports.modems_found() == ()


# ---- what check shows ----------------------------------------------------------------------------


def test_what_is_derived_is_shown(ports: Path, tmp_path: Path) -> None:
    """Each modem's socket, each phone's name, the address that phones reach."""
    plug(ports, A)
    text = f'phones = ["Sala A", "op2"]\n{text_of(tmp_path)}'
    said = [str(words) for words in derived_words(text, read.own_of(text, "f"))]
    assert said[:3] == [
        "line line1: modem found at USB socket 1.2",
        "line line2: no modem was found for it: plug one in, then restart the service",
        "phone “Sala A”: its name for commands is sala-a",
    ]
    assert said[3].startswith("phones reach the box at ")
    assert len(said) == 4


def test_nothing_is_derived_of_the_example() -> None:
    """Where everything is said, nothing is shown."""
    text = (EXAMPLES / "example.toml").read_text(encoding="utf-8")
    assert list(derived_words(text, read.parse(text))) == []


@pytest.mark.parametrize(
    ("port", "shown"),
    [(f"/dev/serial/by-path/{A}", "1.2"), ("/dev/x", "/dev/x"), ("pci-usb-0:3.1.4:1.0", "3.1.4")],
)
def test_a_socket_is_named_as_people_find_it(port: str, shown: str) -> None:
    """The numbers of the hubs' sockets; a path that has none as it is."""
    assert line_ports.usb_socket(port) == shown


# ---- changed from the browser --------------------------------------------------------------------


def check(text: str) -> Settings:
    """Read a text as the service does."""
    return read.own_of(text, "f")


def short() -> str:
    """Return the short example's text."""
    return SHORT.read_text(encoding="utf-8")


def test_a_change_writes_out_what_it_touches_alone(ports: Path) -> None:
    """Lines in the long form, with the remark; phones, hours and everything else as they were."""
    judged = judge(short(), [SetValue("lines.line2.label", "Verde")], check)
    assert [str(one.words) for one in judged.differences] == [
        "Line 2, label: from “800 011 837” to “Verde”"
    ]
    assert 'phones = ["Operatore 1", "Operatore 2", "Operatore 3"]' in judged.text
    assert "# i numeri pubblici / the public numbers" in judged.text
    assert "weekdays" in judged.text
    assert judged.after.lines[1].label == "Verde"
    assert judged.problems == ()


def test_a_phone_is_added_and_removed(ports: Path) -> None:
    """It rings with the others, as no group is written."""
    judged = judge(short(), [AddRow("phones", "op9", {"label": "Nove"})], check)
    assert judged.after.switchboard.phones[-1] == "op9"
    again = judge(judged.text, [RemoveRow("phones", "operatore-1")], check)
    assert again.after.switchboard.phones == ("operatore-2", "operatore-3", "op9")
    assert (judged.problems, again.problems) == ((), ())


def test_one_day_is_changed_and_the_others_stay(ports: Path) -> None:
    """Working days are written one by one where one of them changes."""
    judged = judge(short(), [SetValue("hours.monday", ("09:00-12:00",))], check)
    assert len(judged.differences) == 1
    closed = judge(judged.text, [SetValue("hours.tuesday", ())], check)
    assert len(closed.differences) == 1
    assert not closed.after.hours.week.days[1]


def test_rows_without_names_get_them_where_one_changes(ports: Path) -> None:
    """A row is found by its name, which then stands in the file; comments stay."""
    text = f'{SITE}[[lines]]  # the first\n[[lines]]\ncalled = "051 598 111"\n'
    made = edited(text, [SetValue("lines.line2.label", "Due")])
    assert made == (
        f'{SITE}[[lines]]  # the first\nname = "line1"\n'
        '[[lines]]\nname = "line2"\ncalled = "051 598 111"\nlabel = "Due"\n'
    )


def test_a_mistake_in_a_list_comes_to_its_field(ports: Path) -> None:
    """By the line's name, although nothing of it was written out."""
    judged = judge(short(), [SetValue("outgoing.known_days", 30), SetValue("calls.transfer", 5)],
                   lambda text: _built(text))  # fmt: skip
    assert [problem.place for problem in judged.problems] == ["calls.transfer"]


def _built(text: str) -> Settings:
    settings = read.own_of(text, "f")
    build_office(settings, 2026)
    return settings


# ---- any short form ------------------------------------------------------------------------------

NAMES = st.text(st.sampled_from("abc xyzàÈ019-_."), min_size=1, max_size=8)
ROWS = st.lists(
    st.one_of(NAMES, st.fixed_dictionaries({}, optional={"name": NAMES, "label": NAMES})),
    max_size=4,
)


@given(lines=ROWS, phones=ROWS)
def test_writing_out_twice_changes_nothing(lines: list[Any], phones: list[Any]) -> None:
    """Every line and phone has a name, and the long form of the long form is itself."""
    once = written_out({"lines": lines, "phones": phones})
    assert written_out(once) == once
    assert all(row["name"] for table in ("lines", "phones") for row in once[table])


@given(bands=st.lists(st.sampled_from(["8:00-9:00", "10:00-12:00"]), unique=True, max_size=2))
def test_a_week_is_the_same_written_out(bands: list[str]) -> None:
    """`weekdays` and the five days say the same."""
    told = json.dumps(sorted(bands, key=len))
    short_week = f"{SITE}weekdays = {told}\n"
    long_week = SITE + "".join(f"{day} = {told}\n" for day in WEEKDAYS[:5])
    assert read.parse(short_week) == read.parse(long_week)
