"""`box card`, as the image's units call it: from the card's file to the answer beside it."""

from __future__ import annotations

import itertools
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

import pytest
from click.testing import Result

from appliance.__main__ import main
from appliance.api import users
from appliance.bootfile import apply, card, writeback
from appliance.bootfile.apply import BootPlaces, CardApplied
from appliance.bootfile.read import config_head
from appliance.bootfile.values import FILE_NAME
from appliance.config import read
from appliance.selftest.findings import TITLES, Finding, ok, whole, wrong
from appliance.service import card_values, selftest, updates
from appliance.text import NOTHING
from tests.bootfile.test_read import OFFICE
from tests.helpers.command import runner
from tests.helpers.words import pair

ROOT = Path(__file__).parents[2]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A new box, which nobody tells its name and whose service does not run."""
    (tmp_path / "card").mkdir()
    (tmp_path / "under.toml").write_text(
        f'[folders]\nstate = "{tmp_path}/state"\nrun = "{tmp_path}/run"\n', encoding="utf-8"
    )
    monkeypatch.setattr(socket, "sethostname", lambda _: None)
    monkeypatch.setattr(shutil, "which", lambda _: None)
    monkeypatch.setattr(updates, "is_image", lambda: True)
    return tmp_path


@pytest.fixture
def other(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A box that was not made from the image: a Debian machine with the package on it."""
    monkeypatch.setattr(updates, "is_image", lambda: False)
    (folder / "etc").mkdir()
    return folder


def given(folder: Path, what: str) -> list[str]:
    """Return the words of one of the two commands on the box."""
    own = {"card": "card", "config": "etc/centralino.toml", "run": "run-site", "kept": "kept"}
    own["under"] = "under.toml"
    if what == "apply":
        own |= {name: name for name in ("data", "networkd", "notices", "ports")}
    return [what, *(word for name, at in own.items() for word in (f"--{name}", str(folder / at)))]


def run(folder: Path, what: str, *more: str) -> Result:
    """Run one of the two commands on the box."""
    return runner().invoke(main, ["site", *given(folder, what), *more])


def looks(
    folder: Path, monkeypatch: pytest.MonkeyPatch, meanwhile: Callable[[], None]
) -> tuple[list[str], list[str]]:
    """Run `tell` as often as it starts itself again; return what it said, and its pauses in s."""
    said: list[str] = []
    pauses: list[str] = []

    def become(_path: str, words: tuple[str, ...]) -> NoReturn:
        pauses.append(words[3])
        raise SystemExit(0)

    monkeypatch.setattr(os, "execv", become)
    for number in itertools.count(1):
        told = run(folder, "tell", "--settle", "60")
        assert told.exit_code == 0, told.output
        said += told.output.splitlines()
        if len(pauses) < number:
            break
        meanwhile()
    return said, pauses


def answer(folder: Path) -> str:
    """Return what is written on the card."""
    return (folder / "card" / "centralino-result.txt").read_text(encoding="utf-8-sig")


WHOLE = OFFICE.replace("Comune", "Comune Vero")
"""A configuration that somebody wrote for this box."""


@pytest.mark.parametrize(
    "own",
    [WHOLE, apply.EXAMPLE.read_text(encoding="utf-8"), config_head() + WHOLE],
    ids=["by hand", "the package's example", "brought from another box"],
)
def test_a_box_not_made_from_the_image_keeps_its_configuration(own: str, other: Path) -> None:
    """Without a card's file nothing is written, which is said; the status is no success."""
    path = other / "etc" / "centralino.toml"
    path.write_text(own, encoding="utf-8")
    result = run(other, "apply")
    assert result.exit_code == 1
    assert path.read_text(encoding="utf-8") == own
    assert f"{path} resta com'è" in result.stderr
    assert not (other / "kept").exists()


@pytest.mark.parametrize(
    "own",
    [WHOLE, apply.EXAMPLE.read_text(encoding="utf-8"), config_head() + WHOLE],
    ids=["by hand", "the package's example", "brought from another box"],
)
def test_what_the_card_s_file_replaces_is_kept_and_told(own: str, other: Path) -> None:
    """Whoever names a card's file has it put in force; the former configuration is not lost."""
    path = other / "etc" / "centralino.toml"
    path.write_text(own, encoding="utf-8")
    (other / "card" / FILE_NAME).write_text(OFFICE, encoding="utf-8")
    result = run(other, "apply")
    assert result.exit_code == 0, result.output
    assert read.load(path).site.name == "Comune"
    before = other / "kept" / card.CONFIG_BEFORE
    assert before.read_text(encoding="utf-8") == own
    assert f"{path} è stato sostituito; ciò che conteneva è conservato in {before}" in result.output


def test_an_image_s_configuration_of_which_nothing_is_kept_is_not_replaced(folder: Path) -> None:
    """What was made of a card's file stays in force where neither card nor memory of it is left."""
    path = folder / "etc" / "centralino.toml"
    path.parent.mkdir()
    path.write_text(config_head() + WHOLE, encoding="utf-8")
    assert run(folder, "apply").exit_code == 0
    assert path.read_text(encoding="utf-8") == config_head() + WHOLE


@pytest.mark.usefixtures("italian")
def test_a_file_to_lie_under_the_card_s_has_its_mistakes_told(folder: Path) -> None:
    """With line and remedy, like any other."""
    (folder / "under.toml").write_text("[site\n", encoding="utf-8")
    result = run(folder, "apply")
    assert result.exit_code == 1
    assert "riga 1, il file: l'intestazione si scrive [site]" in result.stderr


def test_from_the_file_to_the_answer(folder: Path) -> None:
    """Applied, told, told only once; a secret that the box made stands there with the code."""
    (folder / "card" / FILE_NAME).write_text(OFFICE, encoding="utf-8")
    assert run(folder, "apply").exit_code == 0
    settings = read.load(folder / "etc" / "centralino.toml")
    assert settings.site.name == "Comune"
    users.keep_code(folder / "state", is_wanted=True)
    assert "scritto sulla scheda" in run(folder, "tell").output
    assert "lo dice già" in run(folder, "tell").output
    code = users.code_path(folder / "state").read_text().strip()
    assert code in answer(folder)
    assert "op2: nome utente op2, password " in answer(folder)
    assert "abcd-1234" not in answer(folder)
    users.keep_code(folder / "state", is_wanted=False)
    run(folder, "tell")
    assert "op2: nome utente" not in answer(folder)


def test_what_the_file_leaves_out_is_told_at_each_start(folder: Path) -> None:
    """A fixed address without a gateway still stands in the answer once the file is known, also
    after a modem has appeared; not where another configuration is in force.
    """
    text = OFFICE.replace('gateway = "192.168.1.1"\n', "")
    (folder / "card" / FILE_NAME).write_text(text, encoding="utf-8")
    for _ in range(2):
        assert run(folder, "apply").exit_code == 0
        assert run(folder, "tell").exit_code == 0
        assert "without a gateway" in answer(folder)
    made = folder / "etc" / "centralino.toml"
    made.write_text("[site]\nname = 3\n")
    run(folder, "apply")
    run(folder, "tell")
    assert "without a gateway" not in answer(folder)


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ((), "10:00: Non si sa se l'apparecchio è in ordine"),
        ((wrong("disk", pair("disco rotto", "broken disk")),), "10:00: L'apparecchio non è in"),
        (tuple(ok(code, pair("bene", "fine")) for code in TITLES), "10:00: L'apparecchio è in"),
    ],
    ids=["nothing measured", "a fault", "all holds"],
)
def test_the_last_self_test_is_told(folder: Path, found: tuple[Finding, ...], said: str) -> None:
    """On the card and the screen: none yet, then its date and result; never well unmeasured."""
    (folder / "card" / FILE_NAME).write_text(OFFICE, encoding="utf-8")
    run(folder, "apply")
    screen = folder / "tty1"
    screen.touch()
    run(folder, "tell", "--screen", str(screen))
    for told in (answer(folder), screen.read_text(encoding="utf-8")):
        assert "Prova dell'apparecchio: non ancora fatta" in told
    test = whole(datetime(2026, 11, 30, 9, tzinfo=UTC), 20.0, found)
    selftest.keep_in(folder / "state", test, "")
    assert "scritto sulla scheda" in run(folder, "tell", "--screen", str(screen)).output
    for told in (answer(folder), screen.read_text(encoding="utf-8")):
        line = next(row for row in told.splitlines() if "Prova dell'apparecchio" in row)
        assert said in line
        assert ("L'apparecchio è in ordine" in line) is (test.status == 0)


def test_the_card_is_written_again_after_a_self_test() -> None:
    """systemd watches the file that each self-test writes, also one typed in a shell."""
    unit = ROOT / "image/overlay/etc/systemd/system/centralino-changed.path"
    watched = unit.read_text(encoding="utf-8").splitlines()
    assert f"PathChanged=/var/lib/centralino/{selftest.FILE}" in watched


def test_changed_settings_are_written_into_the_cards_file(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With what is told beside it; a change on trial is looked at again until it is confirmed."""
    (folder / "card" / FILE_NAME).write_text(OFFICE, encoding="utf-8")
    run(folder, "apply")
    own = folder / "etc" / "centralino.toml"
    own.write_text(own.read_text(encoding="utf-8").replace('"Comune"', '"Nuovo"'))
    run(folder, "apply")
    trial = folder / "state" / "settings" / "trial.json"
    trial.parent.mkdir()
    trial.write_text('{"number": 1, "by": "b", "boot": "x", "until": 1.0}')

    _said, pauses = looks(folder, monkeypatch, lambda: trial.unlink(missing_ok=True))
    assert len(pauses) >= 1
    written = (folder / "card" / FILE_NAME).read_text(encoding="utf-8")
    assert written == OFFICE.replace('"Comune"', '"Nuovo"')
    assert "changed elsewhere" not in answer(folder)
    assert "is written into it" in answer(folder)
    assert "come prima" in run(folder, "apply").output


def test_what_the_cards_file_cannot_say_is_told_there_and_by_check(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In one sentence, until the file says it."""
    monkeypatch.setattr(card_values, "RUN", folder / "run-site")
    monkeypatch.setattr(writeback, "ROUNDS", 0)
    (folder / "card" / FILE_NAME).write_text(OFFICE, encoding="utf-8")
    run(folder, "apply")
    own = folder / "etc" / "centralino.toml"
    own.write_text(own.read_text(encoding="utf-8").replace('"Comune"', '"Nuovo"'))
    assert run(folder, "tell").exit_code == 0
    sentence = "in vigore su questo apparecchio, ma non sulla scheda"
    assert sentence in answer(folder)
    assert "changed elsewhere" in answer(folder)
    assert (folder / "card" / FILE_NAME).read_text(encoding="utf-8") == OFFICE
    check = runner().invoke(main, ["check", "--config", str(own)])
    assert sentence in check.output
    monkeypatch.undo()
    assert card_values.left(folder / "run-site") != NOTHING
    run(folder, "tell")
    assert card_values.left(folder / "run-site") == NOTHING
    assert sentence not in answer(folder)


def test_the_card_is_written_again_after_changed_settings() -> None:
    """systemd watches the configuration's file, whoever writes it."""
    unit = ROOT / "image/overlay/etc/systemd/system/centralino-changed.path"
    watched = unit.read_text(encoding="utf-8").splitlines()
    assert "PathChanged=/etc/centralino/centralino.toml" in watched


def test_a_mistake_is_said_and_no_failure_of_the_unit(folder: Path) -> None:
    """A wrong file is the technician's matter: the start goes on, the answer names the line."""
    (folder / "card" / FILE_NAME).write_text("[site]\nname = “x”\n", encoding="utf-8")
    found = run(folder, "apply")
    assert found.exit_code == 0
    assert "riga 2" in found.stderr
    assert "Traceback" not in found.stderr
    run(folder, "tell")
    assert "riga 2" in answer(folder)
    assert "line 2" in answer(folder)


def test_a_screen_is_written_to_and_never_read(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The unit may write to it and no more, which the kernel answers with a refusal to read; a
    screen that cannot be written to either costs the answer on the card nothing.
    """
    (folder / "card" / FILE_NAME).write_text(OFFICE, encoding="utf-8")
    run(folder, "apply")
    screen = folder / "tty1"
    screen.touch()
    asked = os.access

    def is_allowed(path: object, mode: int) -> bool:
        return (str(path), mode) != (str(screen), os.R_OK) and asked(str(path), mode)

    monkeypatch.setattr(os, "access", is_allowed)
    result = run(folder, "tell", "--screen", str(screen))
    assert result.exit_code == 0, result.output
    assert "Centralino " in screen.read_text(encoding="utf-8")
    assert answer(folder)
    (folder / "card" / "centralino-result.txt").unlink()
    assert run(folder, "tell", "--screen", str(folder / "none" / "tty1")).exit_code == 0
    assert answer(folder)


@pytest.mark.usefixtures("italian")
def test_what_was_not_read_cannot_be_told(folder: Path) -> None:
    """In the wrong order the command says what comes first."""
    found = run(folder, "tell")
    assert found.exit_code == 1
    assert "prima `centralino box card apply`" in found.stderr


def test_a_configuration_in_force_that_is_wrong_is_told(folder: Path) -> None:
    """Spoilt by hand, what is wrong with it stands in the answer, too."""
    run(folder, "apply")
    (folder / "etc" / "centralino.toml").write_text("[site]\nname = 3\n", encoding="utf-8")
    assert run(folder, "tell").exit_code == 0
    assert "site.name" in answer(folder)


def test_it_can_be_used_again(folder: Path) -> None:
    """The same file, once more, over what somebody has changed by hand."""
    (folder / "card" / FILE_NAME).write_text(OFFICE, encoding="utf-8")
    run(folder, "apply")
    made = folder / "etc" / "centralino.toml"
    made.write_text(made.read_text() + "\n# by hand\n")
    assert "come prima" in run(folder, "apply").output
    assert "in vigore" in run(folder, "apply", "--again").output
    assert "by hand" not in made.read_text()


def test_a_modem_that_appears_meanwhile_is_found(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Plugged in while the command runs, which nothing starts again, it is a line all the same."""
    (folder / "ports").mkdir()
    real = apply.apply_card

    def slow(places: BootPlaces, *, again: bool = False) -> CardApplied:
        applied = real(places, again=again)
        modem = folder / "ports" / "platform-x.usb-usb-0:1.2:1.0"
        if not modem.is_symlink():
            modem.symlink_to("/dev/ttyACM0")
        return applied

    monkeypatch.setattr(apply, "apply_card", slow)
    assert run(folder, "apply").exit_code == 0
    assert len(read.load(folder / "etc" / "centralino.toml").lines) == 1


def test_it_looks_again_until_nothing_is_new(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What changes while the card was just written is written too, and then it ends."""
    run(folder, "apply")

    def change() -> None:
        (folder / "card" / FILE_NAME).write_text(OFFICE, encoding="utf-8")
        for _ in range(2):
            run(folder, "apply")

    said, pauses = looks(folder, monkeypatch, change)
    assert said == ["scritto sulla scheda", "scritto sulla scheda", "la scheda lo dice già"]
    assert pauses == ["60", "60"]
    assert "op2" in answer(folder)


@pytest.mark.system
def test_while_it_waits_it_is_a_shell(folder: Path) -> None:
    """The process that waits holds no more memory than a shell, and then looks again."""
    run(folder, "apply")
    words = given(folder, "tell")
    command = (sys.executable, "-m", "appliance", "site", *words, "--settle", "3")
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "scritto sulla scheda\n"
        until = time.monotonic() + 60.0
        while (name := name_of(process.pid)) != "sh" and time.monotonic() < until:
            time.sleep(0.05)
        assert name == "sh"
        assert process.stdout.read() == "la scheda lo dice già\n"
        assert process.wait() == 0


def name_of(pid: int) -> str:
    """Return the name of the programme that a process is."""
    return Path(f"/proc/{pid}/comm").read_text(encoding="ascii").strip()
