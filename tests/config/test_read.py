"""The configuration: every mistake at once, with place, line and remedy; nothing is guessed."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, time
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from appliance.commands.status import summary
from appliance.config import office as config_office
from appliance.config import read
from appliance.config.office import build_office
from appliance.config.state_folder import missing_greetings
from appliance.config.values import BadConfiguration, MonthDay, OnOff, Seconds
from appliance.errors import ConfigurationError
from appliance.policy.office import AfterHours, GreetingLength
from appliance.service.announcements import PromptFile
from appliance.service.composition import media_setup
from appliance.service.mailroom import account_of, domain_of
from appliance.text import NOTHING

EXAMPLE = Path(read.__file__).with_name("example.toml")
SMALL = """
[site]
name = "Prova"
patron = "10-04"
[hours]
monday = ["08:30-13:00"]
[sip]
address = "127.0.0.1"
"""


def mistakes_of(text: str) -> list[str]:
    """Load a text that is wrong and list what is said of it."""
    with pytest.raises(BadConfiguration) as caught:
        build_office(read.parse(text), 2026)
    return [str(mistake) for mistake in caught.value.mistakes]


def test_the_example_office_is_good() -> None:
    """The file that the product brings passes its own check."""
    settings = read.load(EXAMPLE)
    office = build_office(settings, 2026)
    assert office.public_numbers == ("051598111", "800011837")
    assert office.switchboard.phones == ("op1", "op2")
    assert office.head == ("responsabile",)
    assert office.citizens_desk is not None
    assert office.email == ()
    spelt = replace(settings, voicemail=replace(settings.voicemail, spell_email=OnOff(True)))
    assert build_office(spelt, 2026).email[:3] == ("word_urp", "sign_at", "word_comune")


def test_what_is_not_written_has_its_default() -> None:
    """A small file is enough; the rest is what most offices want."""
    settings = read.parse(SMALL)
    assert settings.switchboard.ring == Seconds(25.0)
    assert settings.site.patron == MonthDay(10, 4)
    assert build_office(settings, 2026).citizens_desk is None


PBX = """
[[lines]]
name = "a"
port = "/x"
dialect = "usr5637"
daytime = "pbx_transfer"
flash = 0.25
pbx_pause = 0
[[lines]]
name = "b"
port = "/y"
dialect = "usr5637"
duplex = true
[switchboard]
pbx_numbers = ["201", "202"]
[citizens_desk]
pbx_numbers = ["301"]
outside = "0541704111"
"""


def test_a_line_behind_a_pbx_is_configured() -> None:
    """Extensions make a group even without a phone; what a probe has proven beats the make."""
    settings = read.parse(SMALL + PBX)
    office = build_office(settings, 2026)
    assert office.switchboard.pbx_numbers == ("201", "202")
    assert office.citizens_desk is not None
    assert [(line.can.bridge, line.passes) for line in office.lines] == [
        (False, True),
        (True, False),
    ]
    setups = media_setup(settings, PromptFile(-1, ())).lines
    assert [(s.duplex, s.flash_ms, s.pbx_pause_ms) for s in setups] == [
        (None, 250, 0),
        (True, 100, 0),
    ]
    told = "\n".join(words.text("en") for words in summary(settings, office))
    assert "a (a): half duplex, by day calls are passed on to 2 extensions" in told
    assert "b (b): duplex" in told
    assert "switchboard: 2 extensions of the PBX" in told
    assert "counter: 1 extension of the PBX, an ordinary telephone over a second line" in told
    assert "0541704111" not in told


def test_what_the_closed_greeting_says_is_configured() -> None:
    """The notice before a message is there unless it is switched off; E11 names nobody unasked."""
    plain = build_office(read.parse(SMALL), 2026)
    assert plain.voicemail.privacy == "privacy"
    assert plain.after_hours == AfterHours()
    assert plain.voicemail.greeting is GreetingLength.SHORT
    long = build_office(read.parse(f'{SMALL}[voicemail]\ngreeting = "long"\n'), 2026)
    assert long.voicemail.greeting is GreetingLength.LONG
    text = '[voicemail]\nprivacy = "off"\nemergency_112 = true\nduty = ["polizia"]\n'
    told = build_office(read.parse(SMALL + text), 2026)
    assert told.voicemail.privacy == ""
    assert told.after_hours == AfterHours(emergency=True, duty=("polizia",))


def test_an_opening_is_the_switchboards_the_counters_or_both(tmp_path: Path) -> None:
    """E14: a Sunday on which the switchboard answers need not open the counter."""
    sunday = datetime(2026, 12, 6, 10, tzinfo=ZoneInfo("Europe/Rome"))
    open_on: dict[str, tuple[bool, bool]] = {}
    for group in ("", "switchboard", "citizens_desk"):
        text = (
            f'{SMALL}[[phones]]\nname = "desk1"\n[citizens_desk]\nphones = ["desk1"]\n'
            f'[[openings]]\nday = 2026-12-06\nhours = ["9-12"]\ngroup = "{group}"\n'
            f'[folders]\nstate = "{tmp_path}"\n'
        )
        office = build_office(read.parse(text), 2026)
        assert office.citizens_desk is not None
        groups = (office.switchboard, office.citizens_desk)
        first, second = (each.schedule.at(sunday).open for each in groups)
        open_on[group] = (first, second)
    assert open_on == {
        "": (True, True),
        "switchboard": (True, False),
        "citizens_desk": (False, True),
    }


def test_a_greeting_that_the_box_says_itself_is_one(tmp_path: Path) -> None:
    """E14: what `office prompts say` has made counts as a recording of the office's own."""
    text = (
        f"{SMALL}[[closures]]\nstart = 2026-12-24T14:00:00\nend = 2026-12-24T18:00:00\n"
        f'greeting = "elezioni"\n[folders]\nstate = "{tmp_path}"\n'
    )
    with pytest.raises(BadConfiguration, match="prompts say elezioni") as refused:
        build_office(read.parse(text), 2026)
    assert "put it/elezioni.wav, en/elezioni.wav into folders.prompts" in str(refused.value)
    spoken = tmp_path / "spoken" / "it" / "elezioni.wav"
    spoken.parent.mkdir(parents=True)
    spoken.write_bytes(b"")
    assert build_office(read.parse(text), 2026).switchboard.schedule.closures
    (told,) = (words.text("en") for words in missing_greetings(read.parse(text)))
    assert told.startswith("closures.1.greeting: 'elezioni' is missing in the language en, ")
    assert "put en/elezioni.wav into folders.prompts" in told
    assert told.endswith("centralino office prompts say elezioni TEXT --language en")
    made = tmp_path / "spoken" / "en" / "elezioni.wav"
    made.parent.mkdir()
    made.write_bytes(b"")
    assert not list(missing_greetings(read.parse(text)))


def test_check_says_what_each_line_can_do() -> None:
    """Also of a line of which only its modem knows, and what it would do by day."""
    settings = read.parse(
        SMALL + '[[lines]]\nname="c"\nport="/x"\n'
        '[[lines]]\nname="d"\nport="/y"\ndaytime="ring_parallel_phone"\n'
        '[[lines]]\nname="e"\nport="/z"\nduplex=false\ndaytime="message"\n'
    )
    told = [words.text("en") for words in summary(settings, build_office(settings, 2026))]
    assert (
        "  line c (c): known once its modem is asked; if half duplex, by day voicemail answers"
        in told
    )
    assert (
        "  line d (d): known once its modem is asked; if half duplex, by day the phone beside the "
        "modem rings first" in told
    )
    assert "  line e (e): half duplex, by day voicemail answers" in told


def test_all_mistakes_are_told_at_once_with_line_and_remedy() -> None:
    """A technician reads one list, not one mistake at a time."""
    said = mistakes_of(
        """[site]
nam = "x"
patron = "13-45"
[hours]
monday = ["8:30-13:00", "12:00-14:00"]
[sip]
address = "0.0.0.0"
port = "5060"
[[lines]]
name = "line1"
port = "/dev/x"
[[lines]]
name = "line2"
por = "/dev/y"
identity_limit = 0
"""
    )
    assert sorted(said) == [
        "line 1, site.name: is missing; it must be set",
        "line 14, lines.2.por: unknown key. Did you mean 'port'?",
        "line 15, lines.2.identity_limit: 0 s is out of range: more than 0, at most 3600",
        "line 2, site.nam: unknown key. Did you mean 'name'?",
        "line 3, site.patron: '13-45' is no day of the year; write month, then day",
        "line 4, hours: monday: 12:00-14:00 begins before 08:30-13:00 has ended",
        "line 8, sip.port: '5060' must be a whole number without quotes",
    ]


@pytest.mark.parametrize(
    ("added", "said"),
    [
        ('[switchboard]\nphones = ["op9"]', "switchboard.phones: 'op9' is unknown"),
        ('[head]\nphones = ["op9"]', "head.phones: 'op9' is unknown"),
        ('[[lines]]\nname="a"\nport="/x"\ndialect="usr5637"', "half duplex"),
        ('[[lines]]\nname="a"\nport="/x"\nduplex=false', "half duplex"),
        ('[[lines]]\nname="a"\nport="/x"\ndialect="generic"', "half duplex"),
        ('[[lines]]\nname="a"\nport="/x"\ndialect="usr5637"\nduplex="maybe"', "true, false or"),
        (
            '[[lines]]\nname="a"\nport="/x"\nduplex=false\ndaytime="pbx_transfer"',
            "switchboard.pbx_numbers: line a passes its calls to the PBX",
        ),
        ('[switchboard]\npbx_numbers = ["20x"]', "no extension of a PBX"),
        ('[citizens_desk]\noutside = "118"', "no ordinary telephone's number"),
        ('[citizens_desk]\noutside = "+39 051"', "no ordinary telephone's number"),
        ('[[lines]]\nname="a"\nport="/x"\nflash=2.0', "lines.1.flash: a hook flash of 2000 ms"),
        (
            '[[lines]]\nname="a"\nport="/x"\nreceive_gain=500',
            "lines.1.receive_gain: 500 is no gain",
        ),
        (
            '[[lines]]\nname="a"\nport="/x"\ntransmit_gain=-2',
            "lines.1.transmit_gain: -2 is no gain",
        ),
        ('[[lines]]\nname="a"\nport="/x"\npbx_pause=11', "0 to 10"),
        ('[[lines]]\nname="a"\nport="/x"\npbx_pause="1"', "must be a number of seconds"),
        ('[[lines]]\nname="a"\nport="/x"\ndialect="hayes"', "'hayes' is unknown: use auto"),
        ('[[lines]]\nname="a"\nport="/x"\ncalled="12"', "lines.1.called"),
        (
            '[[lines]]\nname="a"\nport="/x"\n[[lines]]\nname="b"\nport="/x"',
            "used by more than one line",
        ),
        ('[[lines]]\nname="a"\nport="/dev/serial/by-id/usb-Conexant-if00"', "several modems share"),
        ('[[lines]]\nname="a"\nport="/dev/ttyACM0"', "lines.1.port: /dev/ttyACM0 changes"),
        ('[[phones]]\nname="p"\n[[phones]]\nname="p"', "'p' stands twice"),
        ("[[closures]]\nstart = 2026-12-24\nend = 2026-12-23", "ends before it starts"),
        ('[[closures]]\nstart = "2026-12-24"\nend = 2026-12-25', "must be a date without quotes"),
        ("[sip.x]\ny = 1", "sip.x: unknown key"),
        ('[[phones]]\nname = "p"\naddress = "desk"', "is no phone's address"),
        ("[panel]\nready = 40", "GPIO 40 is not on the header"),
        ("[panel]\nready = 4\nfault = 4", "GPIO 4 is used twice"),
        (
            '[[periods]]\nstart = 2026-08-01\nend = 2026-08-02\ngreeting = "none"\n[periods.hours]',
            "there is no prompt 'none'",
        ),
        ("[retention]\ncalls_days = -1", "retention.calls_days: -1 days cannot be"),
        ('[backup]\nfolder = "/mnt"', "backup.passphrase_file: is missing: a backup is sealed"),
        ('[backup]\ntarget = "nas"', "backup.target: 'nas' is no address of a network folder"),
        ('[backup]\nnotify = "ced"', "backup.notify: 'ced' is no e-mail address"),
        ("[backup]\nkeep = 0", "backup.keep: 0 cannot be: write 1 or more"),
        ("[voicemail]\nroom_alarm = -1", "voicemail.room_alarm: -1 cannot be: write 0 or more"),
        ('[voicemail]\nnotify = "urp"', "voicemail.notify: 'urp' is no e-mail address"),
        ("[calls]\ntransfer = 5", "calls.transfer: 5 s is no time for an office to answer"),
        ("[calls]\nlongest = 60", "calls.longest: 60 s is no limit for a conversation"),
        ("[standards]\nlost_at_most = 101", "standards: lost_at_most = 101 is no percentage"),
        ("[standards]\nby_filter = -1", "standards: by_filter = -1 is no percentage"),
        ("[waiting]\nqueue_max = 3", "waiting: callers wait only where both queue_max"),
        ("[positions]\naway_after_missed = -1", "positions: write 0 for never"),
        ("[calls]\nlines_kept = 2", "calls.lines_kept: 2 lines cannot stay free to answer"),
        ("[calls]\nlines_kept = -1", "calls.lines_kept: -1 lines cannot stay free to answer"),
        ('[clock]\nwithout_time = "never"', "clock.without_time"),
        ('[updates]\ninstall = "now"', "updates.install"),
        ("[clock]\nholdover_days = 0", "clock.holdover_days: 0 days are no time for a clock"),
        ("[voicemail]\nlimit = true", "must be a number of seconds"),
        ('[voicemail]\nprivacy = "long"', "voicemail.privacy"),
        ('[voicemail]\ngreeting = "brief"', "voicemail.greeting"),
        (
            '[[openings]]\nday = 2026-12-06\nhours = ["9-12"]\ngroup = "counter"',
            "openings.1.group",
        ),
        (
            (
                '[[periods]]\nstart = 2026-12-06\nend = 2026-12-08\ngroup = "sportello"\n'
                '[periods.hours]\nmonday = ["9-12"]'
            ),
            "periods.1.group",
        ),
        ("[folders]\nstate = 3", "must be text in quotes"),
    ],
)
def test_what_fits_nobody_is_a_mistake(added: str, said: str) -> None:
    """Names that do not exist, values no modem takes, things that contradict each other."""
    assert any(said in mistake for mistake in mistakes_of(SMALL + added)), mistakes_of(
        SMALL + added
    )


def test_a_file_that_is_no_toml_or_not_there_is_one_sentence(tmp_path: Path) -> None:
    """No traceback for a broken or missing file."""
    assert mistakes_of("[site") == ["line 1, the file: the header is written [site]"]
    with pytest.raises(ConfigurationError, match="there is no file of that name"):
        read.load(tmp_path / "none.toml")
    (tmp_path / "latin.toml").write_bytes(b"\xe8")
    with pytest.raises(ConfigurationError, match="not UTF-8"):
        read.load(tmp_path / "latin.toml")


def test_holidays_and_the_patron_are_in_the_schedule() -> None:
    """4 October is national from 2026; the town's patron is a holiday here (E14)."""
    text = SMALL.replace("10-04", "11-24").replace("[hours]", '[hours]\nsunday = ["09:00-12:00"]')
    schedule = build_office(read.parse(text), 2026).switchboard.schedule
    names = {holiday.day: holiday.name.text("it") for holiday in schedule.holidays}
    assert "Francesco" in names[date(2026, 10, 4)]
    assert names[date(2026, 11, 24)] == "Santo patrono"
    assert not schedule.at(datetime(2026, 10, 4, 8, 30, tzinfo=UTC)).open


def test_special_days_reach_the_schedule() -> None:
    """Openings, closures and periods of the file are those of the office (E14)."""
    office = build_office(read.load(EXAMPLE), 2026)
    assert office.citizens_desk is not None
    feast = office.switchboard.schedule.at(datetime(2026, 12, 8, 9, 0, tzinfo=UTC))
    assert feast.open
    assert office.citizens_desk.schedule.at(datetime(2026, 12, 8, 9, 0, tzinfo=UTC)).open
    eve = office.switchboard.schedule.at(datetime(2026, 12, 24, 14, 0, tzinfo=UTC))
    assert not eve.open
    assert [len(g.schedule.periods) for g in (office.switchboard, office.citizens_desk)] == [1, 0]
    assert office.switchboard.schedule.weekly.days[3][0].end == time(17, 30)


def test_a_good_file_is_kept_and_used_when_the_next_one_is_broken(tmp_path: Path) -> None:
    """A configuration error never takes the lines out of service."""
    path = tmp_path / "centralino.toml"
    good = SMALL + f'[folders]\nstate = "{tmp_path}/state"\n'
    path.write_text(good)
    settings, office, complaint = config_office.in_force(path)
    assert (office.name, complaint) == ("Prova", NOTHING)

    path.write_text(good.replace("[hours]", "[ours]"))
    settings, office, complaint = config_office.in_force(path)
    assert office.name == "Prova"
    assert "ours: unknown key. Did you mean 'hours'?" in complaint.text("en")
    assert "Forse «hours»?" in complaint.text("it")
    assert settings.folders.state == f"{tmp_path}/state"


def test_a_start_with_the_same_file_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a crash callers wait for the start: no flush to the card is in their way."""
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", synced.append)
    path = tmp_path / "centralino.toml"
    path.write_text(SMALL + f'[folders]\nstate = "{tmp_path}/state"\n')
    counts = []
    for _ in range(2):
        config_office.in_force(path)
        counts.append(len(synced))
    path.write_text(path.read_text() + "# changed\n")
    config_office.in_force(path)
    assert [*counts, len(synced)] == [2, 2, 4], "a file and its name, each time it is new"
    assert (tmp_path / "state" / "last_good.toml").read_bytes() == path.read_bytes()


def _nothing(path: Path) -> None:
    """There is no file."""


BAD: dict[str, Callable[[Path], object]] = {
    "missing": _nothing,
    "syntax": lambda path: path.write_text("[site\nname = "),
    "empty": lambda path: path.write_text(""),
    "binary": lambda path: path.write_bytes(bytes(range(256)) * 40),
    "zeros after a power cut": lambda path: path.write_bytes(bytes(4096)),
    "a directory": lambda path: path.mkdir(),
    "a pipe": os.mkfifo,
    "a device without an end": lambda path: path.symlink_to("/dev/zero"),
    "a link in a circle": lambda path: path.symlink_to(path),
    "cannot be read": lambda path: path.symlink_to("/proc/self/mem"),
    "huge": lambda path: path.write_text(SMALL + "#\n" * 600_000),
    "brackets without an end": lambda path: path.write_text("a = " + "[" * 50_000),
    "figures without an end": lambda path: path.write_text("a = " + "9" * 10_000),
    "an unknown key": lambda path: path.write_text(SMALL.replace("[hours]", "[ours]")),
}
"""Every way in which a configuration file has been found wrong, or may be."""


@pytest.mark.parametrize("kind", BAD)
@pytest.mark.parametrize("had_a_good_one", [True, False])
def test_no_file_whatever_keeps_the_box_from_starting(
    kind: str, had_a_good_one: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last good configuration is in force, else a box without lines; the reason is said, and
    the last good one outlives it.
    """
    monkeypatch.setenv("STATE_DIRECTORY", f"{tmp_path}/state")
    good, path = tmp_path / "good.toml", tmp_path / "centralino.toml"
    good.write_text(SMALL + f'[folders]\nstate = "{tmp_path}/state"\n')
    if had_a_good_one:
        config_office.in_force(good)
    BAD[kind](path)
    for _ in range(2):
        settings, office, complaint = config_office.in_force(path)
        assert complaint.text("en").startswith(str(path))
        assert complaint.text("it").startswith(str(path))
        assert office.name == ("Prova" if had_a_good_one else "Centralino")
        assert len(settings.lines) == (len(read.parse(SMALL).lines) if had_a_good_one else 0)


@pytest.mark.parametrize("kind", BAD)
def test_a_last_good_file_that_is_bad_itself_is_passed_over(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The card has damaged both: the box starts, and says so."""
    monkeypatch.setenv("STATE_DIRECTORY", f"{tmp_path}/state")
    (tmp_path / "state").mkdir()
    BAD[kind](tmp_path / "state" / "last_good.toml")
    settings, _, complaint = config_office.in_force(tmp_path / "centralino.toml")
    assert settings.lines == ()
    assert complaint


def test_without_any_good_configuration_the_box_still_starts(tmp_path: Path) -> None:
    """The first file of all is wrong: no line is in service, and the reason is known."""
    path = tmp_path / "centralino.toml"
    path.write_text(f'[folders]\nstate = "{tmp_path}/state"\n')
    settings, office, complaint = config_office.in_force(path)
    assert office.lines == ()
    assert settings.lines == ()
    assert "site: is missing" in complaint.text("en")


MAIL = """
[mail]
server = "smtp.comune.example"
sender = "Centralino <centralino@comune.example>"
user = "centralino"
password_file = "/etc/centralino/mail_password"
"""


def test_the_mail_server_is_taken_as_written() -> None:
    """What most offices write is enough: STARTTLS on its usual port."""
    settings = read.parse(SMALL + MAIL)
    build_office(settings, 2026)
    account = account_of(settings.mail)
    assert account is not None
    assert account.where == "smtp.comune.example:587"
    assert domain_of(settings.mail) == "comune.example"
    assert (account_of(read.parse(SMALL).mail), domain_of(read.parse(SMALL).mail)) == (None, "")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ('server = "smtp.example"', "mail.sender: '' is no mail address"),
        ('sender = "Centralino"', "mail.sender: 'Centralino' is no mail address"),
        ('head = "il capo"', "mail.head: 'il capo' is no mail address"),
        ('user = "centralino"', "mail.user: a user needs its password_file"),
        ('security = "ssl"', "mail.security: 'ssl' is unknown: use starttls, tls, none"),
        ("port = 99999", "mail.port: 99999 is no port"),
        (
            'security = "none"\nuser = "a"\npassword_file = "/x"',
            "mail.security: a password is not sent in the clear",
        ),
    ],
)
def test_what_is_wrong_with_a_mail_server(wrong: str, said: str) -> None:
    """Each in one sentence with its place."""
    assert any(said in mistake for mistake in mistakes_of(f"{SMALL}\n[mail]\n{wrong}\n"))


def test_one_converter_reads_all_configurations() -> None:
    """What one configuration says is not in the next one."""
    example = Path(read.__file__).with_name("example.toml")
    text = example.read_text(encoding="utf-8")
    first = read.parse(text)
    changed = read.parse(text.replace("port = 5060", "port = 5099"))
    assert (first.sip.port, changed.sip.port) == (5060, 5099)
    assert read.parse(text) == first
