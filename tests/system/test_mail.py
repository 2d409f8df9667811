"""Mail of the running box (P6, B4): taken with the network down, kept over a kill, sent once."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import pytest
from click.testing import CliRunner

from appliance.__main__ import main
from tests.helpers.box import Box
from tests.helpers.mail_server import PASSWORD, USER, MailServer
from tests.helpers.ports import free_port

pytestmark = pytest.mark.system

EXAMPLE = str(resources.files("appliance.config") / "example_register.toml")
MAIL = """
[mail]
server = "{address}"
port = {port}
user = "{user}"
password_file = "{folder}/password"
ca_file = "{folder}/certificate.pem"
sender = "Centralino <centralino@comune.example>"
head = "responsabile@comune.example"
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[MailServer]:
    """Prepare a mail server that is not there yet; it is stopped where a test has started it."""
    made = MailServer(tmp_path / "mail", port=free_port("127.0.14.1"))
    made.folder.mkdir()
    made.start()  # makes its certificate
    made.stop()
    yield made
    if made.is_running:
        made.stop()


@pytest.fixture
def box(tmp_path: Path, server: MailServer) -> Iterator[Box]:
    """A box whose mail server cannot be reached."""
    (server.folder / "password").write_text(PASSWORD)
    extra = MAIL.format(address=server.address, port=server.port, user=USER, folder=server.folder)
    with Box(tmp_path / "box", lines=1, extra=extra) as made:
        command(made, "register", "import", EXAMPLE, "--by", "Responsabile")
        yield made


def command(box: Box, *words: str) -> str:
    """Run a command beside the running box."""
    config = ("--config", str(box.config_path))
    result = CliRunner().invoke(main, (words[0], *config, *words[1:]))
    assert result.exit_code == 0, result.output
    return result.output


def mails(box: Box) -> list[dict[str, object]]:
    """Return the outbox, whatever became of each."""
    found: list[dict[str, object]] = json.loads(command(box, "outbox", "list", "--all", "--json"))
    return found


@pytest.mark.promise("P6", "B4", "B5")
def test_taken_with_the_network_down_it_survives_a_kill_and_leaves_once(
    box: Box, server: MailServer
) -> None:
    """P6, B5: number told at once; kill -9; the office gets its mail when the server is back."""
    asked = ("--rule", "email", "--unit", "anagrafe", "--need", "residenza")
    who = ("--name", "Anna Verdi", "--phone", "3470000001", "--subject", "Cambio di residenza")
    assert "richiesta 1" in command(box, "requests", "new", *asked, *who)
    box.wait_until(lambda: mails(box)[0]["tries"] == 1, 10.0, "nobody tried to send")
    box.wait_until(
        lambda: any("waits for the mail server" in t for t in box.troubles()),
        10.0,
        "nobody says that mail waits",
    )
    box.kill()
    box.start()
    assert [mail["state"] for mail in mails(box)] == ["queued"]
    server.start()
    command(box, "outbox", "retry", "1")
    box.wait_until(lambda: mails(box)[0]["state"] == "sent", 20.0, "the mail did not leave")
    (mail,) = server.wait_for(1)
    assert mail["Subject"] == "[Richiesta 1] Cambio di residenza"
    assert mail["Message-ID"] == mails(box)[0]["message_id"]
    assert json.loads(command(box, "requests", "show", "1", "--json"))["state"] == "sent"
    box.wait_until(lambda: not box.troubles(), 10.0, "the trouble stays")


def test_a_stop_does_not_wait_for_a_mail_server_that_hangs(box: Box, server: MailServer) -> None:
    """A stop in the middle of a try ends within its limits; the mail is tried at the next start."""
    with socket.create_server((server.address, server.port)) as deaf:
        asked = ("--rule", "email", "--unit", "anagrafe", "--need", "residenza")
        who = ("--name", "Anna", "--phone", "3470000001", "--subject", "Residenza")
        command(box, "requests", "new", *asked, *who)
        deaf.settimeout(10.0)
        visitor, _ = deaf.accept()
        with visitor:
            assert box.stop(limit=10.0) == 0
    box.start()
    assert [mail["state"] for mail in mails(box)] == ["queued"]
