"""`centralino check` is read by technicians of either language: no English on an Italian box."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from appliance.__main__ import main
from appliance.config import read
from appliance.config.office import build_office
from appliance.config.phones import phone_settings
from appliance.config.values import BadConfiguration, Mistake
from tests.commands.samples import CONFIG

WRONG = """
[site]
name = 3
patron = "32-01"
[hours]
monday = "8-13"
[sip]
address = "127.0.0.1"
port = "x"
rtp_ports = [1, 2, 3]
[calls]
longest = 0
lines_kept = 1.5
[voicemail]
limit = "long"
emergency_112 = "maybe"
[[closures]]
start = "2026-12-24"
end = 2026-12-24
[[lines]]
name = "a"
port = "/dev/ttyACM0"
flash = 60
duplex = "perhaps"
[nonsense]
"""
UNFIT = """
[site]
name = "Prova"
patron = "10-04"
country = "xx"
zone = "Nowhere"
languages = ["it", "fr"]
[hours]
monday = ["8:30-13:00"]
[sip]
address = "127.0.0.1"
laws = ["gsm"]
allowed = ["nowhere"]
[calls]
longest = 1
transfer = 1
lines_kept = 9
[voicemail]
privacy = "long"
notify = "nobody"
pin = "perhaps"
[retention]
calls_days = -1
[positions]
away_after_missed = -1
[waiting]
queue_max = 3
[panel]
ready = 99
fault = 99
[outgoing]
band = "nine"
identity = "x"
prefix = "a"
local = ["x"]
known_days = 999
[mail]
security = "none"
port = 99999
head = "x"
user = "a"
sender = "x"
[console]
port = 99999
listen = "here"
names = ["_"]
key = "x"
[switchboard]
phones = ["none", "none"]
pbx_numbers = ["112", "112"]
[citizens_desk]
outside = "112"
[head]
phones = ["nobody"]
[[closures]]
start = 2026-12-24
end = 2026-12-23
greeting = "missing"
[[lines]]
name = "a"
port = "/dev/ttyACM0"
dialect = "x"
caller_id = "x"
daytime = "x"
called = "12"
flash = 9
duplex = false
[[lines]]
name = "b"
port = "/dev/ttyACM0"
called = "none"
[[phones]]
name = "p"
extension = "112"
address = "x"
dials = ["x"]
[[phones]]
name = "p"
"""

OPEN_DAYS = CONFIG.replace("[hours]", '[hours]\nmonday = ["9-12"]')
LANGUAGES = 'languages = ["it"]'


def mistakes_of(text: str) -> tuple[Mistake, ...]:
    """Read a configuration that cannot be used."""
    with pytest.raises(BadConfiguration) as caught:
        build_office(read.parse(text), 2026)
    return caught.value.mistakes


@pytest.mark.parametrize("text", [WRONG, UNFIT])
def test_every_mistake_is_told_in_both_languages(text: str) -> None:
    """Whatever is wrong, the Italian is not the English one."""
    found = mistakes_of(text)
    assert len(found) > 10
    assert [
        str(one) for one in found if not one.said.text("it") or one.said.text("it") == one.text
    ] == []


def check(folder: Path, text: str, *more: str) -> tuple[int, str]:
    """Run the command on a text."""
    (folder / "centralino.toml").write_text(text.format(folder=folder), encoding="utf-8")
    told = CliRunner().invoke(main, ["check", "--config", f"{folder}/centralino.toml", *more])
    return told.exit_code, told.output


def test_what_is_good_is_said_in_the_language_of_the_house(tmp_path: Path) -> None:
    """The first of site.languages."""
    code, said = check(tmp_path, CONFIG)
    assert (code, "la configurazione è buona" in said) == (0, True)
    english = CONFIG.replace(LANGUAGES, 'languages = ["en"]')
    code, said = check(tmp_path, english)
    assert (code, "the configuration is good" in said) == (0, True)
    assert "Santo patrono" not in said


def test_what_is_wrong_too_where_the_file_can_be_read_at_all(tmp_path: Path) -> None:
    """A file with a wrong value still says which language; one that is no TOML has the
    default's.
    """
    wrong = CONFIG.replace(LANGUAGES, f"{LANGUAGES}\nnonsense = 1")
    code, said = check(tmp_path, wrong)
    assert code == 1
    assert "non si può usare" in said
    assert "voce sconosciuta" in said
    assert "cannot be used" not in said
    code, said = check(tmp_path, "[site")
    assert code == 1
    assert "non si può usare" in said
    assert "cannot be used" not in said


@pytest.mark.parametrize(("text", "code"), [(CONFIG, 0), ("[site", 1)])
def test_for_a_page_it_is_told_in_both(tmp_path: Path, text: str, code: int) -> None:
    """One line of JSON: the reader's language is known to the page alone."""
    ended, said = check(tmp_path, text, "--json")
    told = json.loads(said)
    assert ended == code
    assert told["it"] != told["en"]
    assert said.count("\n") == 1
    assert told["good"] is (code == 0)


def test_what_it_means_is_in_fields(tmp_path: Path) -> None:
    """For a program: codes, names, times with their offset."""
    phones = '[[phones]]\nname = "op1"\n[switchboard]\nphones = ["op1"]\n'
    code, said = check(tmp_path, f"{phones}{OPEN_DAYS}", "--json")
    told = json.loads(said)
    assert (code, told["good"], told["name"]) == (0, True, "Test")
    assert told["patron_day"].endswith("-10-04")
    assert (told["switchboard"], told["citizens_desk"]) == (["op1"], [])
    assert told["why"].partition(".")[0] == ("open" if told["open"] else "closed")
    assert datetime.fromisoformat(told["changes_at"]).tzinfo is not None
    assert all(not one["en"].startswith(" ") for one in (*told["derived"], *told["notices"]))


def test_mistakes_are_in_fields(tmp_path: Path) -> None:
    """The key's place, its line, the sentence; of a file that is not there none."""
    wrong = CONFIG.replace(LANGUAGES, f'{LANGUAGES}\nnonsense = 1\nzone = "Nowhere"')
    code, said = check(tmp_path, wrong, "--json")
    told = json.loads(said)
    assert (code, told["good"]) == (1, False)
    assert told["file"].endswith("centralino.toml")
    assert [one["place"] for one in told["mistakes"]] == ["site.nonsense", "site.zone"]
    first, second = (one["line"] for one in told["mistakes"])
    assert second == first + 1
    assert told["mistakes"][1]["text"]["en"].startswith("'Nowhere' is no time zone")
    _, said = check(tmp_path, "[site", "--json")
    (one,) = json.loads(said)["mistakes"]
    assert (one["place"], one["line"]) == ("", 1)


def test_an_announcement_that_cannot_be_played_is_named(tmp_path: Path) -> None:
    """In both languages, with its file."""
    own = tmp_path / "own" / "it"
    own.mkdir(parents=True)
    (own / "closed.wav").write_bytes(b"none")
    code, said = check(tmp_path, CONFIG + 'prompts = "{folder}/own"\n', "--json")
    told = json.loads(said)
    assert code == 1
    assert told["it"].startswith("un annuncio non si può riprodurre")
    assert "closed.wav" in told["it"]
    assert "closed.wav" in told["en"]


@pytest.mark.parametrize(
    ("more", "key"),
    [
        ("[console]\nport = 5060\n", "console.port"),
        ("[console]\nredirect_port = 5060\n", "console.redirect_port"),
        ('[metrics]\nlisten = "127.0.0.1"\nport = 5060\n', "metrics.port"),
        ("[metrics]\nport = 5060\n", ""),  # it listens nowhere
        ("[console]\nenabled = false\nport = 5060\n", ""),
        ("[console]\nport = 5061\n", ""),
        ("", ""),
    ],
)
def test_a_port_that_is_another_parts_is_named(tmp_path: Path, more: str, key: str) -> None:
    """Phones over UDP are served all the same, and so is who had the port first."""
    text = CONFIG + more
    code, said = check(tmp_path, text)
    assert code == 0
    assert (f"la porta di sip.port è già quella di {key}" in said) == bool(key)
    settings = read.load(tmp_path / "centralino.toml")
    assert phone_settings(settings, {}).tcp == (not key)


def test_check_names_phones_with_the_same_label(tmp_path: Path) -> None:
    """The configuration is in force all the same."""
    text = '[[phones]]\nname = "{}"\nlabel = "{}"\n'
    twins = "".join(text.format(*each) for each in (("p7", "Banco"), ("p8", "banco"), ("p9", "")))
    code, said = check(tmp_path, CONFIG + twins)
    assert code == 0
    assert said.count("hanno la stessa etichetta") == 1
    assert "i telefoni p7 e p8 hanno la stessa etichetta, «banco»" in said


def test_check_names_a_greeting_that_one_language_lacks(tmp_path: Path) -> None:
    """Which file is missing, where it must lie and how to make it; the configuration is in force
    all the same.
    """
    path = tmp_path / "centralino.toml"
    text = CONFIG.format(folder=tmp_path).replace('["it"]', '["it", "en"]')
    path.write_text(
        f'{text}[[closures]]\nstart = 2026-12-24\nend = 2026-12-24\ngreeting = "natale"\n'
    )
    made = tmp_path / "state" / "spoken" / "it" / "natale.wav"
    made.parent.mkdir(parents=True)
    made.write_bytes(b"")
    result = CliRunner().invoke(main, ["check", "--config", str(path)], env={"LANG": "it_IT.UTF-8"})
    assert result.exit_code == 0, result.output
    assert (
        "closures.1.greeting: 'natale' non c'è nella lingua en, chi chiama lo sente in un'altra: "
        "mettere en/natale.wav in folders.prompts" in result.output
    )


def test_one_run_tells_what_reading_and_what_building_finds(tmp_path: Path) -> None:
    """And the recordings that cannot be played: in the order of the lines, none twice."""
    own = tmp_path / "own" / "it"
    own.mkdir(parents=True)
    (own / "closed.wav").write_bytes(b"none")
    text = CONFIG.replace(LANGUAGES, f'{LANGUAGES}\nzone = "Nowhere"\nnonsense = 1')
    code, said = check(tmp_path, text + 'prompts = "{folder}/own"\n')
    assert code == 1
    zone, unknown, sound = (said.index(one) for one in ("site.zone", "site.nonsense", "closed.wav"))
    assert zone < unknown < sound
    assert said.count("site.zone") == 1
    code, said = check(tmp_path, text.replace("nonsense = 1", "") + 'prompts = "{folder}/own"\n')
    assert ("site.zone" in said, "closed.wav" in said) == (True, True)


def test_a_file_that_is_not_there_is_one_mistake(tmp_path: Path) -> None:
    """What it would have to say is not asked for."""
    told = CliRunner().invoke(main, ["check", "--config", f"{tmp_path}/none.toml"])
    assert (told.exit_code, len(told.output.splitlines())) == (1, 2)
