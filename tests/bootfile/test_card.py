"""The boot card: its file read, what is kept of it, the result written beside it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from appliance.bootfile import card
from appliance.bootfile.apply import SeenSocket, seen_by_box
from appliance.bootfile.card import (
    CARD_BEFORE,
    RESULT_FILE,
    RULE,
    CardOutcome,
    CardVerdict,
    ResultFacts,
    UsbSocket,
    load_outcome,
    outcome_text,
    result_text,
    screen_text,
    without_date,
)
from appliance.bootfile.values import FILE_NAME
from appliance.policy.text import Refused
from appliance.policy.updates import TEST_IMAGE
from appliance.text import LANGUAGES
from tests.helpers.words import pair

ROOT = Path(__file__).parents[2]
WRITES = """
import sys
from pathlib import Path
from appliance.bootfile import card
folder = Path(sys.argv[1])
told = card.write_result(folder, "testo\\n"), card.write_result(folder, "testo\\n")
assert told == (True, False), told
"""


READ_MEANWHILE = """
import sys, threading
from pathlib import Path
from appliance.bootfile import card
folder = Path(sys.argv[1])
card.write_result(folder, "prima\\n")
reader = (folder / card.RESULT_FILE).open()
threading.Timer(1, reader.close).start()
card.write_result(folder, "testo\\n")
"""
"""Somebody has the answer of before open, and closes it a second later."""


def refused(folder: Path) -> str:
    """Return why there is no file."""
    with pytest.raises(Refused) as caught:
        card.read_card(folder)
    assert caught.value.words.text("it")
    return caught.value.words.text("en")


def test_why_there_is_no_file(tmp_path: Path) -> None:
    """No partition, no file, a file by another name, a folder in its place: each in words."""
    assert "write the card again" in refused(tmp_path / "none")
    assert "write the card again" in refused(tmp_path)
    (tmp_path / "config.txt").touch()
    assert "is missing" in refused(tmp_path)
    (tmp_path / "Centralino.toml.txt").touch()
    assert "Centralino.toml.txt" in refused(tmp_path)
    (tmp_path / FILE_NAME).mkdir()
    assert "it is a folder" in refused(tmp_path)


def test_the_answer_is_as_windows_reads_it(tmp_path: Path) -> None:
    """A mark in front and CR LF; written once, and nothing else lies there afterwards."""
    assert card.write_result(tmp_path, "è così\n")
    assert (tmp_path / card.RESULT_FILE).read_bytes() == "\ufeffè così\r\n".encode()
    assert not card.write_result(tmp_path, "è così\n")
    assert card.write_result(tmp_path, "no\n")
    assert [path.name for path in tmp_path.iterdir()] == [card.RESULT_FILE]


@pytest.mark.promise("B7")
@pytest.mark.system
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
@pytest.mark.parametrize("what", [WRITES, READ_MEANWHILE], ids=["alone", "read meanwhile"])
def test_the_partition_is_read_only_before_and_after(tmp_path: Path, what: str) -> None:
    """Mounted read-only, it is writable for the answer alone, also where somebody still reads the
    one of before: the kernel makes nothing read-only as long as a file without a name is open.
    """
    script = (
        'mount -t tmpfs -o ro tmpfs "$0" && "$1" -c "$2" "$0" && ! touch "$0/x" 2>/dev/null && '
        'cat "$0/centralino-result.txt"'
    )
    command = ["unshare", "--mount", "sh", "-c", script, str(tmp_path), sys.executable, what]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "\ufefftesto\n"


def test_modems_are_seen_by_their_sockets(tmp_path: Path) -> None:
    """With the maker's words out of sysfs, one name a device, what is no USB device left out."""
    ports, ttys = tmp_path / "by-path", tmp_path / "tty"
    device = tmp_path / "usb1" / "1-1.2"
    (device / "1-1.2:1.0" / "tty").mkdir(parents=True)
    (device / "manufacturer").write_text("U.S. Robotics\n")
    (device / "product").write_text("56K  Modem\x01\n")
    (ttys / "ttyACM0").mkdir(parents=True)
    (ttys / "ttyACM0" / "device").symlink_to(device / "1-1.2:1.0")
    ports.mkdir()
    for name, tty in (
        ("platform-x.usb-usb-0:1.2:1.0", "ttyACM0"),
        ("platform-x.usb-usbv2-0:1.2:1.0", "ttyACM0"),
        ("platform-x.usb-usb-0:1.3:1.0", "ttyACM1"),
        ("platform-serial", "ttyAMA0"),
    ):
        (ports / name).symlink_to(f"/dev/{tty}")
    assert seen_by_box(ports, ttys) == (
        SeenSocket(f"{ports}/platform-x.usb-usb-0:1.2:1.0", "U.S. Robotics 56K Modem"),
        SeenSocket(f"{ports}/platform-x.usb-usb-0:1.3:1.0"),
    )
    assert seen_by_box(tmp_path / "none", ttys) == ()


def test_an_outcome_is_read_as_it_was_told(tmp_path: Path) -> None:
    """What is no outcome is none."""
    told = CardOutcome(
        CardVerdict.WRONG, sockets=(UsbSocket("/x", "y", "z"),), made=("op1",), set_aside="/b"
    )
    (tmp_path / "outcome.json").write_text(outcome_text(told), encoding="utf-8")
    assert load_outcome(tmp_path) == told
    for text in ("", "[]", "{}", json.dumps({"verdict": "x"})):
        (tmp_path / "outcome.json").write_text(text, encoding="utf-8")
        assert load_outcome(tmp_path) is None


FACTS = ResultFacts(
    version="1.2",
    addresses=("https://urp.local/", "https://192.168.1.10/"),
    code="ABCD-EFGH-JKMN",
    has_run=True,
    secrets=(("op2", "geheim"),),
    means=(pair("linea line1: duplex", "line line1: duplex"),),
)
GOOD = CardOutcome(
    CardVerdict.APPLIED,
    sockets=(UsbSocket("/dev/serial/by-path/usb-a", "USRobotics", "line1"), UsbSocket("/x/usb-b")),
    made=("op2",),
)


def halves(outcome: CardOutcome, facts: ResultFacts = FACTS) -> tuple[str, str]:
    """Return the Italian and the English part; the German one stands between them."""
    it, _de, en = result_text(outcome, facts).split(f"\n{RULE}\n\n")
    return it, en


def test_all_is_well() -> None:
    """Version, verdict, addresses, first user's code, sockets to copy, passwords, meaning."""
    it, en = halves(GOOD)
    for half in (it, en):
        for piece in (
            "Centralino 1.2", "https://urp.local/", "https://192.168.1.10/", "ABCD-EFGH-JKMN",
            'port = "usb-a" (USRobotics): lin', 'port = "usb-b": ', "op2", "geheim",
            "line1: duplex",
        ):  # fmt: skip
            assert piece in half
    assert it.splitlines()[2].startswith("Tutto bene")
    assert en.splitlines()[2].startswith("All is well")


@pytest.mark.parametrize("verdict", CardVerdict)
@pytest.mark.parametrize("has_former", [True, False])
def test_every_verdict_in_both_languages(verdict: CardVerdict, has_former: bool) -> None:
    """What is wrong comes with what holds meanwhile; what is well with the rule of the file."""
    said = (pair("riga 2, x", "line 2, x"),)
    it, en = halves(replace(GOOD, verdict=verdict, said=said, has_former=has_former))
    assert "  - riga 2, x" in it
    assert "  - line 2, x" in en
    is_well = verdict in {CardVerdict.APPLIED, CardVerdict.AS_BEFORE}
    assert ("Correct it" in en) is not is_well
    assert ("configuration before" in en) is (has_former and not is_well)
    assert ("closed office" in en) is (not has_former and not is_well)


def test_secrets_are_told_until_there_is_a_user() -> None:
    """With the first user the code is used up: from then on no password stands on the card."""
    it, en = halves(GOOD, replace(FACTS, code=""))
    assert "geheim" not in it + en
    assert "has its users" in en
    assert "no longer written here" in en
    assert "has its users" not in halves(GOOD, replace(FACTS, code="", has_run=False))[1]


def test_what_is_missing_is_said() -> None:
    """No address and no modem each have their remedy; nothing is left empty."""
    it, en = halves(replace(GOOD, sockets=(), made=()), replace(FACTS, addresses=(), secrets=()))
    assert "look at the cable" in en
    assert "plug it in" in en
    assert "passwords" not in en
    assert "cavo" in it


def test_what_was_changed_elsewhere_is_said() -> None:
    """A file that is as before does not claim what others have changed since."""
    _, en = halves(replace(GOOD, verdict=CardVerdict.AS_BEFORE, is_others=True))
    assert "changed elsewhere" in en
    _, en = halves(replace(GOOD, set_aside="/var/lib/x"))
    assert "set aside in /var/lib/x" in en


DATED = replace(
    FACTS,
    when=pair("lun 30 novembre 2026, 14:30", "Mon 30 November 2026, 14:30"),
    start=7,
    authority="AB:CD",
)


def test_it_says_when_it_was_written_and_of_which_start() -> None:
    """So that nobody takes the answer of before for that of today; and by what a browser's warning
    is compared.
    """
    it, en = halves(GOOD, DATED)
    assert it.splitlines()[1] == "Scritto lun 30 novembre 2026, 14:30 (avvio n. 7)"
    assert en.splitlines()[1] == "Written Mon 30 November 2026, 14:30 (start no. 7)"
    assert "Impronta SHA-256 della sua autorità: AB:CD" in it
    assert "fingerprint of its authority: AB:CD" in en
    uncounted = halves(GOOD, replace(DATED, start=0))[1]
    assert uncounted.splitlines()[1] == "Written Mon 30 November 2026, 14:30"


def test_a_screen_shows_no_secret() -> None:
    """Who looks at the box reads where its console is and what is wrong: no code, no password."""
    wrong = replace(GOOD, verdict=CardVerdict.WRONG, said=(pair("riga 2, x", "line 2, x"),))
    shown = screen_text(wrong, DATED)
    for piece in ("Centralino 1.2", "https://urp.local/", "AB:CD", "start no. 7", "riga 2, x"):
        assert piece in shown
    for secret in ("ABCD-EFGH-JKMN", "geheim"):
        assert secret not in shown
    assert "riga 2" not in screen_text(GOOD, DATED)


def test_a_screen_shows_the_state() -> None:
    """All is well, in both languages, or the mistake alone; what the file leaves out, too."""
    noted = replace(GOOD, notes=(pair("senza gateway", "without a gateway"),))
    shown = screen_text(noted, DATED)
    for piece in ("All is well", "Tutto bene", "without a gateway", "senza gateway"):
        assert piece in shown
    wrong = replace(GOOD, verdict=CardVerdict.WRONG, said=(pair("riga 2, x", "line 2, x"),))
    assert "All is well" not in screen_text(wrong, DATED)


def test_a_test_image_says_so_first() -> None:
    """On the screen and in the result file, in both languages; an ordinary image says nothing."""
    warned = replace(DATED, image=TEST_IMAGE)
    for text in (screen_text(GOOD, warned), result_text(GOOD, warned)):
        lines = text.splitlines()
        assert lines[0] == "Centralino 1.2"
        for said in TEST_IMAGE.by_language().values():
            assert lines[lines.index(said) - 1] == "Centralino 1.2"
    assert "TEST IMAGE" not in screen_text(GOOD, DATED) + result_text(GOOD, DATED)


def test_a_screen_speaks_the_offices_languages() -> None:
    """Alone: one more language would scroll version and addresses off a small screen."""
    noted = replace(GOOD, notes=(pair("senza gateway", "without a gateway"),))
    shown = screen_text(noted, replace(DATED, languages=("it", "en")))
    for piece in ("Tutto bene", "All is well", "senza gateway", "without a gateway"):
        assert shown.count(piece) == 1
    assert "Alles in Ordnung" not in shown
    assert "Alles in Ordnung" in screen_text(noted, replace(DATED, languages=("it", "de")))


def test_the_read_me_names_what_lies_beside_it() -> None:
    """One page in every language, which a browser shows without a network."""
    page = (ROOT / "image" / "fat" / "LEGGIMI-README.html").read_text(encoding="utf-8")
    sections = re.findall(r'<section id="(\w+)".*?</section>', page, re.DOTALL)
    assert set(sections) == set(LANGUAGES)
    for section in page.split("<section")[1:]:
        for name in (FILE_NAME, RESULT_FILE, CARD_BEFORE):
            assert f"<code>{name}</code>" in section
    for words in ("<em>Annulla</em>", "<em>Cancel</em>", "<em>Abbrechen</em>"):
        assert page.count(words) == 1
    assert not re.search("https?:|src=|@import|url\\(", page)


def test_within_a_start_the_moment_alone_is_nothing_new() -> None:
    """The card is written once a start, and when something else has changed."""
    later = replace(DATED, when=pair("lun 30 novembre 2026, 18:00", "Mon 30 November 2026, 18:00"))
    same = without_date(result_text(GOOD, DATED))
    assert without_date(result_text(GOOD, later)) == same
    assert without_date(result_text(GOOD, replace(later, start=8))) != same
    assert without_date(result_text(GOOD, replace(later, code=""))) != same


TESTED = replace(FACTS, selftest=pair("Prova dell'apparecchio: sì", "Self-test: yes"))


def test_the_last_self_test_stands_on_the_card_and_the_screen() -> None:
    """Where a technician without a browser looks: each language in its half; nothing if unknown."""
    it, en = halves(GOOD, TESTED)
    assert ("Prova dell'apparecchio: sì" in it, "Self-test: yes" in it) == (True, False)
    assert ("Prova dell'apparecchio: sì" in en, "Self-test: yes" in en) == (False, True)
    shown = screen_text(GOOD, TESTED)
    assert "Prova dell'apparecchio: sì" in shown
    assert "Self-test: yes" in shown
    assert "Self-test" not in result_text(GOOD, FACTS) + screen_text(GOOD, FACTS)
