"""`centralino phones`: accounts, sheets, what is kept; every refusal is one sentence."""

from __future__ import annotations

import json
import os
import re
import stat
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner, Result

from appliance.__main__ import main
from appliance.api.replies import PhonePlace
from appliance.api.status_text import PHONE_WORDS, Teller
from appliance.commands import provisioning
from appliance.config import phones as service_phones
from appliance.config import read
from appliance.config.phones import StoredHandset
from appliance.config.schema import Settings
from appliance.config.state_folder import SECRETS
from appliance.errors import ConfigurationError, OfficeError
from appliance.policy.office import KEY_CODES
from appliance.provisioning.server import FileWindow

CONFIG = """\
[site]
name = "Test"
patron = "10-04"
languages = ["en", "it"]
[hours]
[sip]
address = "127.0.18.7"
[[phones]]
name = "op1"
label = "Operator 1"
[[phones]]
name = "op2"
[switchboard]
phones = ["op1", "op2"]
[folders]
state = "{folder}/state"
run = "{folder}/run"
"""
YEALINK = "00:15:65:AA:BB:CC"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A configuration with two phones, its folders in the test's own; nothing runs."""
    made = tmp_path / "centralino.toml"
    made.write_text(CONFIG.format(folder=tmp_path))
    return made


@pytest.fixture
def settings(path: Path) -> Settings:
    """The same, read."""
    return read.load(path)


def phones(path: Path, *words: str) -> Result:
    """Run `centralino phones ...`."""
    return CliRunner().invoke(main, ["phones", "--config", str(path), *words])


def test_an_account_is_made_and_told_once(path: Path, settings: Settings) -> None:
    """What to type, the extension, where the file is served; the secret is kept, not repeated."""
    answer = phones(path, "add", "op1", "--mac", YEALINK)
    kept, secret = (
        service_phones.load_handsets(settings)["op1"],
        service_phones.load_secrets(settings)["op1"],
    )
    assert answer.exit_code == 0, answer.output
    for needed in ("Extension", "11", "127.0.18.7", "5060", secret, kept.token):
        assert needed in answer.output
    assert (kept.make, kept.mac) == ("yealink", "001565aabbcc")
    assert "next start" in answer.output  # nothing runs here
    shown = phones(path, "list").output
    assert "yealink 00:15:65:aa:bb:cc" in shown
    assert "no secret yet" in shown  # op2
    assert "which phones are registered is not known" in shown
    assert secret not in shown


def test_what_is_kept_is_for_the_owner_alone(path: Path, settings: Settings) -> None:
    """Secrets, tokens and sheets are readable by nobody else."""
    sheet = path.parent / "op1.html"
    assert phones(path, "add", "op1", "--sheet", str(sheet)).exit_code == 0
    files = (service_phones.secrets_path(settings), service_phones.handsets_path(settings), sheet)
    assert [stat.S_IMODE(file.stat().st_mode) for file in files] == [0o600] * 3


@pytest.mark.skipif(os.geteuid() != 0, reason="what root does for the service's account")
def test_root_is_not_led_elsewhere_by_what_the_service_has_planted(
    path: Path, settings: Settings, tmp_path: Path
) -> None:
    """The service's account lays links where it expects root's drafts: a file of root's is neither
    overwritten nor given away, and what root keeps is the service's.
    """
    roots, state = tmp_path / "roots", Path(settings.folders.state)
    roots.write_text("root's")
    (state / SECRETS).mkdir(parents=True)
    for folder in (state, state / SECRETS):
        os.chown(folder, 4321, 4321)
    kept = (service_phones.secrets_path(settings), service_phones.handsets_path(settings))
    for file in kept:
        file.with_suffix(".tmp").symlink_to(roots)
        file.with_name(f"{file.name}.tmp").symlink_to(roots)
    assert phones(path, "add", "op1").exit_code == 0
    assert roots.read_text() == "root's"
    assert roots.stat().st_uid == 0
    assert {file.stat().st_uid for file in kept} == {4321}


def test_the_sheet_is_written_in_the_language_that_is_asked_for(path: Path) -> None:
    """The site's first by default; a phone without make gets a code for Linphone."""
    sheet = path.parent / "op1.html"
    answer = phones(path, "add", "op1", "--language", "it", "--sheet", str(sheet))
    assert f"Foglio da stampare: {sheet}" in answer.output
    assert "Interno" in sheet.read_text()
    phones(path, "add", "op1", "--sheet", str(sheet))
    assert "Extension" in sheet.read_text()
    assert "/linphone.xml" in sheet.read_text()


def test_a_sheet_that_cannot_be_written_renews_nothing(path: Path, settings: Settings) -> None:
    """The old password goes on when its sheet cannot be handed out."""
    phones(path, "add", "op1")
    before = service_phones.load_secrets(settings)
    answer = phones(path, "add", "op1", "--sheet", str(path.parent / "no" / "op1.html"))
    assert "the sheet cannot be written" in answer.output
    assert service_phones.load_secrets(settings) == before


def test_adding_again_keeps_make_and_address_and_renews_the_rest(
    path: Path, settings: Settings
) -> None:
    """A new password and a new token; the old ones are worth nothing."""
    phones(path, "add", "op1", "--mac", YEALINK)
    first, old = (
        service_phones.load_handsets(settings)["op1"],
        service_phones.load_secrets(settings)["op1"],
    )
    phones(path, "add", "op1")
    second = service_phones.load_handsets(settings)["op1"]
    assert (second.make, second.mac) == (first.make, first.mac)
    assert second.token != first.token
    assert service_phones.load_secrets(settings)["op1"] != old
    phones(path, "add", "op1", "--model", "baresip")
    assert service_phones.load_handsets(settings)["op1"].mac == ""


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("add", "op9"), "is not configured"),
        (("add", "op2", "--mac", "12"), "under the phone"),
        (("add", "op2", "--mac", "ff:ff:ff:00:00:01"), "say --model"),
        (("add", "op2", "--mac", YEALINK), "is phone op1's already"),
        (("serve", "--address", "192.0.2.7"), "give another --address"),
    ],
)
def test_refusals(path: Path, words: tuple[str, ...], sentence: str) -> None:
    """What is wrong, and what to do."""
    phones(path, "add", "op1", "--mac", YEALINK)
    answer = phones(path, *words)
    assert (answer.exit_code, sentence in answer.output) == (1, True), answer.output


def test_nothing_to_serve(path: Path) -> None:
    """A window for nobody is not opened."""
    answer = phones(path, "serve", "--address", "127.0.18.7")
    assert (answer.exit_code, "add one first" in answer.output) == (1, True)


def test_a_broken_file_is_named(path: Path, settings: Settings) -> None:
    """One sentence says which file, and what to do."""
    file = service_phones.handsets_path(settings)
    file.parent.mkdir(parents=True)
    for text in ("[]", "{", '{"op1": {"colour": "red"}}'):
        file.write_text(text)
        with pytest.raises(ConfigurationError, match=r"handsets\.json cannot be read"):
            service_phones.load_handsets(settings)


def test_every_added_phone_is_offered(path: Path, settings: Settings) -> None:
    """A phone without token or secret is not; each file is written for the address served at."""
    phones(path, "add", "op1", "--mac", YEALINK)
    (offer,) = service_phones.provisioning_offers(settings, KEY_CODES, "10.1.2.3")
    assert (offer.phone, offer.mac) == ("op1", "001565aabbcc")
    assert "account.1.sip_server.1.address = 10.1.2.3" in offer.text
    assert "voice_mail.number.1 = *86" in offer.text


def test_a_fetched_file_is_listed_and_its_token_is_burnt(path: Path, settings: Settings) -> None:
    """Who fetched and when is kept; once the phone has registered its token opens nothing."""
    phones(path, "add", "op1", "--mac", YEALINK)
    phones(path, "add", "op2")
    window = FileWindow(service_phones.provisioning_offers(settings, KEY_CODES, "10.1.2.3"), 60.0)
    window.answer("/001565aabbcc.cfg", "10.1.2.21", "", 0.0)
    window.registered({"op1", "op2"})
    provisioning.keep(settings, window)
    kept = service_phones.load_handsets(settings)
    assert (kept["op1"].token, kept["op1"].source) == ("", "10.1.2.21")
    assert kept["op2"].token
    assert service_phones.provisioning_offers(settings, KEY_CODES, "10.1.2.3")[0].phone == "op2"
    assert "by 10.1.2.21" in phones(path, "list").output


def test_a_phone_that_was_added_anew_meanwhile_keeps_its_new_token(
    path: Path, settings: Settings
) -> None:
    """A window does not overwrite what was made while it was open."""
    phones(path, "add", "op1", "--mac", YEALINK)
    window = FileWindow(service_phones.provisioning_offers(settings, KEY_CODES, "10.1.2.3"), 60.0)
    window.answer("/001565aabbcc.cfg", "10.1.2.21", "", 0.0)
    window.registered({"op1"})
    phones(path, "add", "op1")
    provisioning.keep(settings, window)
    assert service_phones.load_handsets(settings)["op1"].token


def test_the_address_for_phones(settings: Settings) -> None:
    """Given, else configured, else that of the way out."""
    assert service_phones.lan_address(settings) == "127.0.18.7"
    assert service_phones.lan_address(settings, "10.1.2.3") == "10.1.2.3"


def test_what_a_phone_is_taken_for() -> None:
    """By its maker's half of the address; a soft phone needs none."""
    assert service_phones.choose_make("", YEALINK) == ("yealink", "001565aabbcc")
    assert service_phones.choose_make("fanvil", YEALINK) == ("fanvil", "001565aabbcc")
    assert service_phones.choose_make("", "") == ("linphone", "")
    assert service_phones.choose_make("baresip", YEALINK) == ("baresip", "")
    with pytest.raises(OfficeError):
        service_phones.choose_make("nokia", "")


def test_addresses_of_the_sheet() -> None:
    """A desk phone adds its own file's name, a soft phone's stands whole."""
    assert (
        service_phones.url_of(StoredHandset("yealink", "", "t"), "10.1.2.3")
        == "http://10.1.2.3:5080/t/"
    )
    soft = service_phones.url_of(StoredHandset("linphone", "", "t"), "10.1.2.3")
    assert soft == "http://10.1.2.3:5080/t/linphone.xml"


def test_the_file_of_what_is_kept_is_plain_json(path: Path, settings: Settings) -> None:
    """It can be read by other means, and holds no password."""
    phones(path, "add", "op1", "--mac", YEALINK)
    text = service_phones.handsets_path(settings).read_text()
    assert set(json.loads(text)["op1"]) == {"make", "mac", "token", "fetched", "source"}
    assert service_phones.load_secrets(settings)["op1"] not in text


def test_the_list_speaks_the_language_that_is_asked_for(path: Path) -> None:
    """The site's first by default."""
    phones(path, "add", "op1", "--mac", YEALINK)
    assert "has a secret, yealink" in phones(path, "list").output
    shown = phones(path, "list", "--language", "it").output
    assert "ha una password, yealink" in shown
    assert "non si sa quali telefoni siano registrati" in shown


def test_where_a_phone_stands_is_told() -> None:
    """Registered, silent, not registered, at a fixed address; each in both languages."""
    at = PhonePlace("op1", "", "10.0.0.21:5060", False)
    zone = ZoneInfo("Europe/Rome")
    kept = StoredHandset("snom", "000413000001", "t", "2026-11-25T09:00:00+00:00", "10.0.0.21")
    italian, english = Teller("it", zone), Teller("en", zone)
    assert italian.row("", True, at, kept) == (
        "si registra, ha una password, registrato a 10.0.0.21:5060, non risponde, "
        "snom 00:04:13:00:00:01, file preso mer 25 novembre 2026, 10:00 da 10.0.0.21"
    )
    assert english.row("10.0.0.9", False, PhonePlace("op1", "", "", True), StoredHandset()) == (
        "at 10.0.0.9, no secret yet: centralino phones add, not registered"
    )


def test_the_catalogue_speaks_both_languages() -> None:
    """No sentence is missing in either, and both have the same places to fill."""
    for words in PHONE_WORDS.values():
        assert words.text("it")
        assert words.text("en")
        assert sorted(re.findall(r"{\w+}", words.text("it"))) == sorted(
            re.findall(r"{\w+}", words.text("en"))
        )


def test_a_base_is_told_its_own_hardware_address(path: Path, settings: Settings) -> None:
    """An N510 uses a file of its own address alone."""
    line = ["phones", "--config", str(path), "add", "op1"]
    added = CliRunner().invoke(
        main, [*line, "--model", "gigaset-n510", "--mac", "7C:2F:80:0A:0B:0C"]
    )
    assert added.exit_code == 0, added.output
    (offer,) = service_phones.provisioning_offers(settings, KEY_CODES, "127.0.18.7")
    assert '<MAC_ADDRESS value="7C2F800A0B0C"/>' in offer.text


def test_phones_get_an_administrator_of_the_offices_own(path: Path, settings: Settings) -> None:
    """One password for all of them, made once, shown when asked for, renewed on demand."""
    runner = CliRunner()
    line = ["phones", "--config", str(path)]
    added = runner.invoke(main, [*line, "add", "op1", "--mac", YEALINK])
    assert "centralino phones administrator" in added.output
    password = service_phones.load_secrets(settings)[service_phones.ADMINISTRATOR]
    runner.invoke(main, [*line, "add", "op2", "--model", "linphone"])
    assert service_phones.load_secrets(settings)[service_phones.ADMINISTRATOR] == password
    shown = runner.invoke(main, [*line, "administrator"])
    assert (shown.exit_code, password in shown.output) == (0, True)
    assert f"{password}.A" in shown.output
    (offer, _) = service_phones.provisioning_offers(settings, KEY_CODES, "127.0.18.7")
    assert f"admin:{password}" in offer.text
    assert "local_time.ntp_server1 = it.pool.ntp.org" in offer.text
    renewed = runner.invoke(main, [*line, "administrator", "--renew"])
    assert password not in renewed.output
    assert [
        phone.name
        for phone in service_phones.phone_accounts(settings, service_phones.load_secrets(settings))
    ]
