"""A technician has the box back itself up to the office's NAS, and puts it back on a new card.

The box has been working for some days. The NAS is a real SSH server; whoever administers it adds
keys to the account and reads out its own.

1. The technician writes the NAS into the configuration and types `centralino check`: it says that
   the folder is not set up yet, and by which command it is.
2. They type `centralino box backup-target key` and give the key to the administrator, who adds it.
3. They type `box backup-target set-up`: it shows the key of the NAS; they are not sure and
   answer "no": nothing has changed.
4. They have the administrator read the key out, set it up again, answer "sì", type a passphrase
   twice, and read that the first backup is written and was read back whole; it lies on the NAS.
5. The NAS is switched off: `box backup-target now` says in one sentence that nobody answers,
   and `centralino box backup-target show` says so too, with the day of the last whole one.
6. Another machine stands at the address of the NAS: the command refuses because of its key, and
   nothing is sent; once the technician has compared and accepted the new key, it goes on.
7. The card dies. On a new one, with the same configuration, they set the folder up, list what lies
   there, fetch the last, and put it back: the offices, the messages and their sound are there.
8. The restored box goes on writing to the NAS without being asked anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.commands.test_backup import Home
from tests.faults.needs import require
from tests.helpers.backup_servers import SshServer
from tests.journeys.harness.steps import Journey
from tests.journeys.harness.terminal import Terminal, on_the_box

pytestmark = pytest.mark.system

PHRASE = "pane burro alici capperi"
COMMAND = "./centralino backup-target {} --config centralino.toml"


@pytest.fixture
def nas(tmp_path: Path) -> Iterator[SshServer]:
    """The office's NAS."""
    require("sftp", "sshd")
    server = SshServer(tmp_path / "nas")
    server.start()
    yield server
    server.stop()


def backups(nas: SshServer) -> list[str]:
    """List what lies on the NAS."""
    return sorted(path.name for path in nas.share.iterdir())


def run(terminal: Terminal, words: str) -> str:
    """Type a command of this kind; returns what it wrote in one line."""
    return " ".join(terminal.run(COMMAND.format(words)).split())


def sets_up(terminal: Terminal, nas: SshServer) -> str:
    """Set the folder up: compare the key, say yes, type the passphrase twice."""
    terminal.type(COMMAND.format("set-up"))
    said = terminal.wait_for("(sì/no)")
    assert nas.fingerprint in said
    terminal.type("sì")
    terminal.wait_for("Passphrase:")
    terminal.type(PHRASE)
    terminal.wait_for("Ripetere per conferma:")
    terminal.type(PHRASE)
    return " ".join(terminal.wait_for_prompt().split())


def gives_key(terminal: Terminal, nas: SshServer) -> None:
    """Read the key of the box, and have the administrator add it."""
    shown = terminal.run(COMMAND.format("key"))
    (key,) = re.findall(r"^ssh-ed25519 \S+ centralino$", shown, re.MULTILINE)
    nas.know(key)


def test_to_the_nas_and_back(journey: Journey, tmp_path: Path, nas: SshServer) -> None:
    """A dead card costs an hour, and nothing that was said before the night."""
    home = Home(tmp_path / "box")
    home.fill()
    (home.folder / "own" / "it" / "closed.wav").unlink()
    kept = home.kept()
    text = home.config.read_text("utf-8") + f'\n[backup]\ntarget = "{nas.address}"\n'
    with on_the_box(journey, tmp_path / "home", home.folder) as terminal:
        with journey.step(1):
            home.config.write_text(text, "utf-8")
            said = terminal.run("./centralino check --config centralino.toml")
            assert "la configurazione è buona" in said
            assert "non è ancora preparata per le copie di sicurezza" in said
            assert "centralino box backup-target set-up" in said

        with journey.step(2):
            gives_key(terminal, nas)

        with journey.step(3):
            terminal.type(COMMAND.format("set-up"))
            terminal.wait_for("(sì/no)")
            terminal.type("no")
            assert "non è stata accettata: nulla è cambiato" in terminal.wait_for_prompt()
            assert terminal.status() == 1
            assert backups(nas) == []

        with journey.step(4):
            assert "riletta per intero" in sets_up(terminal, nas)
            (first,) = backups(nas)

        with journey.step(5):
            nas.stop()
            assert "nessuno risponde a quell'indirizzo e porta" in run(terminal, "now")
            assert terminal.status() == 1
            shown = run(terminal, "show")
            assert "ultima copia intera" in shown
            assert "nessuno risponde" in shown

        with journey.step(6):
            nas.new_key()
            nas.start()
            assert "non è più quella accettata" in run(terminal, "now")
            assert backups(nas) == [first]
            assert "riletta per intero" in sets_up(terminal, nas)
            assert len(backups(nas)) == 2

    with journey.step(7):
        home.folder.rename(tmp_path / "dead")
        home.folder.mkdir()
        home.config.write_text(text, "utf-8")
        with on_the_box(journey, tmp_path / "home", home.folder) as terminal:
            gives_key(terminal, nas)
            assert "Qui non c'è ancora nulla da salvare" in sets_up(terminal, nas)
            last = terminal.run(COMMAND.format("list")).split()[-1]
            assert last == backups(nas)[-1]
            assert "restore" in run(terminal, f"fetch {last} last.backup")
            terminal.type("./centralino box restore last.backup --config centralino.toml")
            terminal.wait_for("Passphrase:")
            terminal.type(PHRASE)
            assert "Ripristino concluso" in terminal.wait_for_prompt()
            assert home.kept() == kept

    with journey.step(8):
        # the administrator had added the box's first key already; the restored box has it again
        nas.know((home.state / "secrets" / "backup_target_key.pub").read_text().strip())
        with on_the_box(journey, tmp_path / "home", home.folder) as terminal:
            assert "riletta per intero" in run(terminal, "now")
            assert len(backups(nas)) == 3
