"""Reading the card's file: every mistake at once; the configuration made of a good one."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from appliance.bootfile import values
from appliance.bootfile.read import (
    MOST_MISTAKES,
    MakingContext,
    config_head,
    is_made_by_box,
    make_configuration,
    read_file,
)
from appliance.bootfile.values import text_of_file
from appliance.config import read
from appliance.config.state_folder import SECRETS
from appliance.config.values import BadConfiguration
from tests.bootfile.test_values import KEY

if TYPE_CHECKING:
    from appliance.bootfile.read import MadeConfiguration
    from appliance.config.schema import Settings


ENGLISH_OF_A_LOST_HASH = "the # before [[lines]] must go too"


def places(text: str) -> list[tuple[int, str]]:
    """Return line and place of every mistake."""
    return [found[:2] for found in mistakes_of(text)]


def test_slips_of_every_kind_are_said_together() -> None:
    """What is no TOML, an unknown entry, a wrong value, and what only the office's rules forbid."""
    text = (
        "[site]\n"
        "name = “Comune”\n"  # 2: quotes
        'patron = "4 ottobre"\n'  # 3: value
        "[hours]\n"
        'monday = ["9-8"]\n'  # 5: a band
        'martedi = ["8-9"]\n'  # 6: another language
        "[[phones]]\n"
        "name = op 1\n"  # 8: no quotes, and no short name
        "secret = \n"  # 9: nothing
        "[[phones]]\n"
        'nmae = "op2"\n'  # 11: unknown
        "[[lines]]\n"
        'port = "/dev/ttyACM0"\n'  # 13: no lasting name
        "[mail]\n"
        'server = "smtp.esempio.it"\n'
        "sender : x\n"  # 16: no entry
    )
    assert places(text) == [
        (2, "the file"), (3, "site.patron"), (5, "hours.monday"), (6, "hours.martedi"),
        (8, "the file"), (8, "phones.1.name"), (9, "the file"), (10, "phones.2.name"),
        (11, "phones.2.nmae"), (13, "lines.1.port"), (16, "the file"),
    ]  # fmt: skip


SLIPS = (
    ('name = ""                        # l', "name = Comune di Prova # l", "the file"),
    ('patron = ""', 'patron = "31-02"', "site.patron"),
    ('zone = "Europe/Rome"', 'zone = "Roma"', "site.zone"),
    ('address = "dhcp"', 'address = "192.168.1.300/24"', "network.address"),
    ('gateway = ""', 'gatway = "192.168.1.1"', "network.gatway"),
    ("keys = []", 'keys = ["ssh-rsa xyz"]', "ssh.keys"),
    ('#port = "" ', 'port = "/dev/ttyACM0" ', "lines.1.port"),
    ('#secret = ""', 'secret = "kurz"', "phones.1.secret"),
    ("monday    = []", 'monday    = ["8.30-13"]', "hours.monday"),
    ('security = "starttls"', 'security = "ssl"', "mail.security"),
    ('user = ""', 'user = "urp"', "mail.password"),
    ('sender = ""', "sender : x", "the file"),
)
"""Mistakes of a technician in the delivered file: what stands there, what was typed, the place."""
UNCOMMENTED = (
    ("#[[lines]]", "[[lines]]"), ("#[[phones]]", "[[phones]]"), ('#name = "op1"', 'name = "op1"')
)  # fmt: skip


def with_slips(slips: tuple[tuple[str, str, str], ...]) -> str:
    """Return the delivered file with these mistakes in it."""
    text = DELIVERED.read_text(encoding="utf-8")
    for there, typed in (*UNCOMMENTED, *(slip[:2] for slip in slips)):
        assert there in text, there
        text = text.replace(there, typed, 1)
    return text


def test_a_dozen_different_mistakes_need_one_round() -> None:
    """Each round is a walk to the box, a restart and a walk back: the first one names them all, and
    none of them hides another: whichever is corrected, the others are named as before.
    """
    assert [place for _, place in places(with_slips(SLIPS))] == [slip[2] for slip in SLIPS]
    for corrected in range(len(SLIPS)):
        left = SLIPS[:corrected] + SLIPS[corrected + 1 :]
        assert [place for _, place in places(with_slips(left))] == [slip[2] for slip in left]
    assert not make_configuration(with_slips(()), AROUND).is_blank


def test_entries_below_a_header_that_still_has_its_hash_are_the_headers() -> None:
    """In the delivered file every `#` but that before [[lines]] was taken away: one mistake, at
    that line, by the right name; what else is wrong below has its right place.
    """
    text = DELIVERED.read_text(encoding="utf-8")
    for entry in ("name", "called", "port"):
        text = text.replace(f"\n#{entry} ", f"\n{entry} ", 1)
    text = text.replace('port = ""', 'port = "/dev/ttyACM0"', 1)
    at = text[: text.index("#[[lines]]")].count("\n") + 1
    found = mistakes_of(text)
    assert [one[:2] for one in found] == [(at, "lines"), (at + 4, "lines.1.port")]
    assert ENGLISH_OF_A_LOST_HASH in found[0][2]
    assert "(lines.name, lines.called, lines.port)" in found[0][2]


def test_two_such_headers_are_two_mistakes() -> None:
    """The second one's entries are not said to be written twice."""
    text = '[ssh]\nkeys = []\n#[[lines]]\nname = "a"\n#[[lines]]\nname = "b"\n#[[phones]]\n'
    assert places(f'{text}name = "c"\n') == [(3, "lines"), (5, "lines"), (7, "phones")]


@pytest.mark.parametrize(
    "text",
    [
        '[site]\nname = "a"\n#[[lines]]\n#name = "line1"\nemail = "a@b.it"\n',
        '[site]\n# [mail]\nname = "a"\n',
        '# [hours] below\n[site]\nname = "a"\n',
    ],
)
def test_a_remark_is_a_remark(text: str) -> None:
    """An entry of the table above stays that, whatever stands behind a # before it."""
    assert read_file(text).mistakes == []
    assert read_file(text).data["site"]["name"] == "a"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("[[lines]\nname = 3\n", [(1, "the file"), (2, "lines.1.name")]),
        ("[site\nname = 3\n", [(1, "the file"), (2, "site.name")]),
        ("[hours]\nmonday = [\ntuesday = ['9-8']\n", [(2, "the file"), (3, "hours.tuesday")]),
        ("[hours]\nmonday = [\n'8-9'\n'10-11'\n]\nsunday = 1\n",
         [(4, "the file"), (6, "hours.sunday")]),
        ('[site]\nname = "a\nzone = "Roma"\n', [(2, "the file"), (3, "site.zone")]),
        ('[site]\nname = "a"\n[site]\nzone = 3\n[sip]\nport = "x"\n',
         [(3, "the file"), (6, "sip.port")]),
        ("[[phones]]\nname = op1\n[switchboard]\nphones = ['op1']\n[sip]\nport = 'x'\n",
         [(2, "the file"), (6, "sip.port")]),
        ("[switchboard]\nphones = ['b']\n[[phones]]\nlabel = 'x'\n[[phones]]\nnmae = 'b'\n",
         [(3, "phones.1.name"), (5, "phones.2.name"), (6, "phones.2.nmae")]),
        ("[[closures]]\n[[closures]]\nstart = 3\nend = 2026-01-01\n",
         [(1, "closures.1.start"), (1, "closures.1.end"), (3, "closures.2.start")]),
    ],
)  # fmt: skip
def test_what_follows_from_another_mistake_is_not_said(
    text: str, found: list[tuple[int, str]]
) -> None:
    """Each mistake once, at its line; the rest of the file is looked at as it was meant."""
    assert places(text) == found


def test_rubbish_has_an_end() -> None:
    """A file of hundreds of mistakes is answered with the first of them, soon."""
    assert len(mistakes_of("a b c\n" * 300)) <= MOST_MISTAKES
    assert len(places("".join(f"x{n} = 1\n" for n in range(300)))) == MOST_MISTAKES


def test_a_good_file_is_read_as_it_is() -> None:
    """Nothing is mended where nothing is wrong."""
    text = DELIVERED.read_text(encoding="utf-8")
    assert (read_file(text).text, read_file(text).mistakes) == (text, [])
    assert AROUND.found


DELIVERED = Path(__file__).parents[2] / "image" / "fat" / "centralino.toml"
FOUND = ("/dev/serial/by-path/usb-a", "/dev/serial/by-path/usb-b")
AROUND = MakingContext(2026, FOUND)
OFFICE = f"""\
[site]
name = "Comune"
patron = "10-04"
[network]
hostname = "URP"
address = "192.168.1.10/24"
gateway = "192.168.1.1"
[ssh]
keys = ["{KEY}"]
[hours]
monday = ["08:30-13:00"]
[[lines]]
called = "051 598 111"
[[lines]]
port = "usb-z"
dialect = "conexant"
[[phones]]
name = "op1"
secret = "abcd-1234"
[[phones]]
name = "op2"
[[phones]]
name = "fisso"
address = "192.168.1.21"
[mail]
server = "smtp.esempio.it"
user = "urp"
password = "due parole"
sender = "urp@esempio.it"
[mqtt]
server = "broker.esempio.it"
prefix = "comune/nord"
user = "nord"
password = "tre parole mie"
[central]
passphrase = "quattro parole tra noi"
[[closures]]
start = 2026-12-24T13:00:00
end = 2026-12-24
"""


PASSWORDS = {
    "mail": "due parole",
    "mqtt": "tre parole mie",
    "central": "quattro parole tra noi",
}
FILES = {
    "mail": "/var/lib/centralino/secrets/mail_password",
    "mqtt": "/var/lib/centralino/secrets/mqtt_password",
    "central": "/var/lib/centralino/secrets/central_passphrase",
}


def settings_of(made: MadeConfiguration) -> Settings:
    """Read the configuration as the service does."""
    return read.parse(made.config)


def mistakes_of(text: str, around: MakingContext = AROUND) -> list[tuple[int, str, str]]:
    """Return line, place and English of every mistake; each has its Italian."""
    with pytest.raises(BadConfiguration) as caught:
        make_configuration(text, around)
    assert all(one.said.text("it") for one in caught.value.mistakes)
    return [(one.line, one.place, one.text) for one in caught.value.mistakes]


def test_what_the_box_made_is_known_by_its_english_line() -> None:
    """A translation may change with a version; a file that a person began is nobody else's."""
    assert is_made_by_box(f"{config_head()}[site]\n".encode())
    assert is_made_by_box(config_head().replace("apparecchio", "altro").encode())
    assert not is_made_by_box(b"# Our own file\n\n[site]\n")
    assert not is_made_by_box(f"[site]\n\n{config_head()}".encode())


def test_an_offices_file() -> None:
    """Each thing goes where it belongs: no password and no key stands in the configuration."""
    made = make_configuration(OFFICE, AROUND)
    settings = settings_of(made)
    assert settings == made.settings
    assert [(line.name, line.port) for line in settings.lines] == [
        ("line1", FOUND[0]), ("line2", "/dev/serial/by-path/usb-z"),
    ]  # fmt: skip
    assert settings.switchboard.phones == ("op1", "op2", "fisso")
    assert settings.mail.password_file == "/var/lib/centralino/secrets/mail_password"
    assert settings.console.names == ("urp.local",)
    assert made.secrets == {"op1": "abcd-1234"}
    assert made.unsaid == ("op2",)
    assert settings.mqtt.password_file == "/var/lib/centralino/secrets/mqtt_password"
    assert settings.central.passphrase_file == "/var/lib/centralino/secrets/central_passphrase"
    assert made.passwords == PASSWORDS
    assert made.hostname == "urp"
    assert "Address=192.168.1.10/24" in made.network
    assert made.keys == KEY + "\n"
    for secret in ("abcd-1234", *PASSWORDS.values(), KEY):
        assert secret not in made.config
    assert made.notes == ()


def test_nothing_at_all_is_a_closed_office_on_every_line() -> None:
    """Each modem found is a line whose make is asked; nobody is rung, DHCP stays."""
    made = make_configuration("", AROUND)
    settings = settings_of(made)
    assert [(line.port, line.dialect) for line in settings.lines] == [(p, "auto") for p in FOUND]
    assert not any(settings.hours.week.days)
    assert settings.phones == ()
    assert (made.network, made.hostname, made.keys) == ("", "", "")
    assert made.is_blank
    assert len(made.notes) == 3


def test_the_delivered_file_says_nothing() -> None:
    """As it comes, on Windows too, it is a form to be filled in, and means what no file means."""
    text = text_of_file(DELIVERED.read_bytes().replace(b"\n", b"\r\n"))
    made = make_configuration(text, AROUND)
    assert made.is_blank
    assert settings_of(made) == settings_of(make_configuration("", AROUND))


def with_its_example(line: str) -> str:
    """Give an entry the value that its remark shows, where it has none of its own."""
    found = re.match(r'(\w+ *= )(?:""|\[\]|"dhcp") .*?(\["[^]]*"\]|"[^"]*")[^"]*$', line)
    return f"{found[1]}{found[2]}" if found else line


def test_the_delivered_file_filled_in() -> None:
    """Every example in it can be used: with the # away, and what stands behind # as the value."""
    text = re.sub(r"^#(?=[\[a-z])", "", DELIVERED.read_text(encoding="utf-8"), flags=re.MULTILINE)
    text = text.replace("AAAA... nome", KEY.partition(" ")[2])
    text = text.replace('user = ""', 'user = "urp"').replace("password = ", 'password = "p" #')
    text = text.replace("passphrase = ", 'passphrase = "una frase lunga" #')
    examples = "\n".join(map(with_its_example, text.splitlines()))
    made = make_configuration(examples, AROUND)
    settings = settings_of(made)
    assert not made.is_blank
    assert settings.site.name == "Comune di Esempio"
    assert made.hostname == "centralino"
    assert "Gateway=192.168.1.1" in made.network
    assert settings.lines[0].called == "051 598 111"
    assert settings.lines[0].port == "/dev/serial/by-path/platform-3f980000.usb-usb-0:1.2:1.0"
    assert settings.mail.server == "smtp.esempio.it"
    assert settings.mqtt.prefix == "comune/nord"
    assert settings.central.branch == "nord"
    assert made.passwords == {"mail": "p", "mqtt": "p", "central": "una frase lunga"}
    assert made.keys == KEY + "\n"


@pytest.mark.parametrize(
    ("text", "line", "place", "words"),
    [
        ('[sit]\nname = "x"', 1, "sit", "Did you mean 'site'"),
        ('[site]\n\nnmae = "x"', 3, "site.nmae", "Did you mean 'name'"),
        ("[site]\nname = 3", 2, "site.name", "text in quotes"),
        ('[site]\npatron = "4 ottobre"', 2, "site.patron", "day of the year"),
        ('[site]\nzone = "Roma"', 2, "site.zone", "no time zone"),
        ('[site]\ncountry = "xx"', 2, "site.country", "unknown"),
        ("[hours]\nlunedi = []", 2, "hours.lunedi", "no weekday"),
        ('# x\n[hours]\nmonday = ["9-8"]', 3, "hours.monday", "end must come after"),
        ('[[lines]]\ndialect = "x"', 2, "lines.1.dialect", "unknown"),
        ('[[lines]]\n[[lines]]\nname="a"\ndialect = "x"', 4, "lines.2.dialect", "unknown"),
        ('[[lines]]\nname = "a b"', 2, "lines.1.name", "no short name"),
        ('[[lines]]\nname="a"\n[[lines]]\nname="a"', 2, "lines.1.name", "stands twice"),
        ('[[lines]]\nport = "/dev/ttyACM0"', 2, "lines.1.port", "changes when"),
        ('[[lines]]\ndialect = "usr5637"', 1, "lines.1.daytime", "half duplex"),
        ('[[lines]]\ncalled = "12"', 2, "lines.1.called", ""),
        ('[[phones]]\nlabel = "x"', 1, "phones.1.name", "is missing"),
        ('[[phones]]\nname = "a"\nsecret = "kurz"', 3, "phones.1.secret", "8 signs"),
        ('[[phones]]\nname = "a"\nsecret = "mit Leerzeichen"', 3, "phones.1.secret", "8 signs"),
        ('[[phones]]\nname = "a"\nsecret = 12345678', 3, "phones.1.secret", "text in quotes"),
        ("[switchboard]\nphones = ['b']", 2, "switchboard.phones", "unknown"),
        ('[mail]\nserver = "a.b"\nsender = "x"', 3, "mail.sender", "no mail address"),
        ("[mail]\nsender = 'a@b.it'\nuser = 'u'", 1, "mail.password", "is missing"),
        ('[mail]\npassword = "u"', 1, "mail.user", "is missing"),
        ("[mqtt]\nuser = 'u'", 1, "mqtt.password", "is missing"),
        ('[mqtt]\npassword = "u"', 1, "mqtt.user", "is missing"),
        ('[mqtt]\npasword = "u"', 2, "mqtt.pasword", "Did you mean 'password'"),
        ('[mqtt]\nuser="u"\npassword = """a\nb"""', 3, "mqtt.password", "in one line"),
        ('[central]\npassphrase = """a\nb"""', 2, "central.passphrase", "in one line"),
        ('[network]\naddress = "x"', 2, "network.address", "no address"),
        ('[network]\ndns = "1.2.3.4"', 2, "network.dns", ""),
        ('[ssh]\nkeys = ["x"]', 2, "ssh.keys", "is no key"),
        ("lines = 3", 1, "lines", ""),
        ("site = 3", 1, "site", ""),
    ],
)
def test_every_mistake_has_its_line(text: str, line: int, place: str, words: str) -> None:
    """What is wrong, in which line of the card's file, and what to write."""
    found = mistakes_of(text)
    assert (line, place) in [one[:2] for one in found], found
    assert any(words in one[2] for one in found), found


def test_all_mistakes_at_once() -> None:
    """One look at the result is enough to correct everything, in the order of the file."""
    text = (
        OFFICE.replace("192.168.1.10/24", "?")
        .replace("abcd-1234", "x")
        .replace("051 598 111", "12")
    )
    assert [one[1] for one in mistakes_of(text)] == [
        "network.address", "lines.1.called", "phones.1.secret",
    ]  # fmt: skip


def test_a_wrong_password_is_repeated_nowhere() -> None:
    """What is said of a password does not say it: the status is read by others."""
    text = (
        '[[phones]]\nname = "a"\nsecret = 87654321\n[mail]\npassword = ["geheim"]\n'
        '[mqtt]\npassword = ["segreta"]\n[central]\npassphrase = 12121212\n'
    )
    said = str(mistakes_of(text))
    for password in ("87654321", "geheim", "segreta", "12121212"):
        assert password not in said


@pytest.mark.parametrize("table", PASSWORDS)
def test_a_password_that_is_kept_need_not_be_written_again(table: str) -> None:
    """A file whose password was blanked keeps the one that was written before."""
    text = OFFICE.replace(f'"{PASSWORDS[table]}"', '""')
    made = make_configuration(text, MakingContext(2026, FOUND, passwords=frozenset({table})))
    assert values.secret_files(settings_of(made)) == FILES
    assert table not in made.passwords


def test_without_its_account_a_kept_password_is_none() -> None:
    """Whoever takes out a user takes its password out; a passphrase goes with its table."""
    text = "[mail]\nserver = 'a.b'\nsender = 'a@b.it'\n[mqtt]\nserver = 'a'\nprefix = 'a'\n"
    made = make_configuration(text, MakingContext(2026, FOUND, passwords=frozenset(PASSWORDS)))
    assert values.secret_files(settings_of(made)) == {}


def test_a_file_of_ones_own_stays() -> None:
    """Where the configuration names a file, and no password is written, that one is used."""
    text = "[central]\npassphrase_file = '/etc/x'\n[mqtt]\nuser = 'a'\npassword_file = '/etc/y'\n"
    made = make_configuration(text, AROUND)
    files = {"central": "/etc/x", "mqtt": "/etc/y"}
    assert values.secret_files(settings_of(made)) == files
    assert made.passwords == {}


def test_a_fixed_address_that_leads_nowhere_is_noted() -> None:
    """It may be meant; but time and mail from outside do not come that way, and this is said."""
    text = OFFICE.replace('gateway = "192.168.1.1"\n', "")
    (note,) = make_configuration(text, AROUND).notes
    assert "without a gateway" in note.text("en")


def test_what_lies_under_the_file() -> None:
    """Tables given beside hold where the file says nothing, key by key."""
    under = {"sip": {"port": 5070}, "site": {"name": "Sotto"}}
    settings = settings_of(
        make_configuration('[sip]\nrealm = "x"\n', MakingContext(2026, under=under))
    )
    assert (settings.sip.port, settings.sip.realm, settings.site.name) == (5070, "x", "Sotto")


def test_the_console_sees_none_of_them() -> None:
    """Whoever takes the console over reads no password of the box's: they lie where the service's
    account alone can enter (tests/faults/systemd/test_sandbox.py).
    """
    assert {Path(file).parent for file in FILES.values()} == {Path("/var/lib/centralino", SECRETS)}
