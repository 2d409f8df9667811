"""F13: no network, from the start or for a day; when it is back everything comes back by itself."""

from __future__ import annotations

import http.client
import queue
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from appliance.calls.orders import Result
from appliance.mail import MailSender, Security, SmtpServer
from appliance.policy.mail import DeliveryVerdict, MailState
from appliance.policy.routing import Destination
from appliance.service.mailroom import DatabaseOutbox
from appliance.store.writer import DatabaseWriter
from tests.bench.visitors import trusting
from tests.faults.needs import require
from tests.faults.network import ALONE, LAN_ADDRESS, PLUGGED, beside, lan_port, plug
from tests.helpers.box import Box, wait
from tests.helpers.figures import Figures
from tests.helpers.mail_server import MailServer
from tests.helpers.ports import free_port
from tests.mail.post import LIMIT_S, Post, a_mail, account_at
from tests.system.calls import end, in_call, in_state, into_voicemail, record_of

pytestmark = pytest.mark.system
BACK_S = 150.0
"""A phone registers anew after half of its 120 s, or tries again."""


def leave_a_message(box: Box, number: int) -> None:
    """Have a caller leave the n-th message; nobody's phone rings."""
    name, caller = into_voicemail(box, 4.0)
    in_state(box, "recording")
    wait(3.0)
    caller.hang_up()
    box.wait_until(lambda: len(box.messages()) == number, 20.0, "no message")
    assert record_of(box, name).way is Destination.VOICEMAIL


def test_a_box_without_a_network_takes_messages(tmp_path: Path, figures: Figures) -> None:
    """From its start not even a loopback: it is ready, answers, and stores the message; a computer
    that is plugged into the LAN port reaches the console, though nothing lies beyond.
    """
    require("unshare", root=True)
    folder = tmp_path / "box"
    with Box(folder, lines=1, prefix=ALONE, extra=CONSOLE.format(folder=folder)) as box:
        leave_a_message(box, 1)
        assert box.daemon is not None
        pid = box.daemon.pid
        with console_beside(box, pid) as log, lan_port(pid) as computer:
            box.wait_until(lambda: "is open at" in log.read_text(), 30.0, "no console")
            assert "<title>" in beside(computer, first_page)
        assert "Traceback" not in box.log()
    figures.say("F13 no network from the start: the message was taken, the console seen at the LAN")


CONSOLE = """\
console = "{folder}/console"
[console]
listen = "0.0.0.0"
port = 8443
redirect_port = 0
"""


@contextmanager
def console_beside(box: Box, pid: int) -> Iterator[Path]:
    """Run the console on the box's own network; yields what it says."""
    told = box.folder / "console.log"
    command = ["nsenter", "-t", str(pid), "-n", sys.executable, "-m", "appliance", "console"]
    with (
        told.open("w") as log,
        subprocess.Popen([*command, "--config", str(box.config_path)], stderr=log) as console,
    ):
        try:
            yield told
        finally:
            console.terminate()
            console.wait(15.0)


def first_page() -> str:
    """Read the console's first page as a computer at the LAN port does."""
    connection = http.client.HTTPSConnection(LAN_ADDRESS, 8443, timeout=15.0, context=trusting())
    with closing(connection):
        connection.request("GET", "/")
        return connection.getresponse().read().decode()


def test_a_cable_that_is_pulled_and_plugged_in_again(tmp_path: Path, figures: Figures) -> None:
    """Without it the caller is at the greeting at once, though the phone was there a moment ago;
    with it the phone comes back by itself, and rings.
    """
    require("unshare", root=True)
    with Box(tmp_path / "box", lines=1, prefix=PLUGGED) as box:
        assert box.daemon is not None
        pid = box.daemon.pid
        op1 = beside(pid, lambda: box.phone("op1"))
        call, _ = in_call(box, 1, op1)
        assert end(box, call).result is Result.ANSWERED
        plug(pid, into=False)
        leave_a_message(box, 1)
        plug(pid, into=True)
        box.wait_until(lambda: is_free(box), BACK_S, "the phone did not come back")
        call, _ = in_call(box, 1, op1)
        assert end(box, call).result is Result.ANSWERED
        assert "Traceback" not in box.log()
    figures.say("F13 cable pulled: a message was taken; back in, the next call was answered")


def is_free(box: Box) -> bool:
    """Tell whether the operator's phone can be rung."""
    free: list[str] = box.status()["switchboard"]["free"]
    return free == ["op1"]


# --- a day without a mail server, minute by minute on a clock of the test's own -------------------

NOTICES = 3
DAY_MIN = 24 * 60


@dataclass(frozen=True)
class Watched(DatabaseOutbox):
    """The outbox of the records; `turns` gets a word after each turn of the mail thread."""

    turns: queue.SimpleQueue[None] = field(default_factory=queue.SimpleQueue)

    def dead(self) -> int:
        """Count what was given up: the last that a turn asks."""
        found = DatabaseOutbox.dead(self)
        self.turns.put(None)
        return found


@dataclass
class Minutes(Post):
    """A post room whose mail thread is told the time; `tries` counts what it has tried."""

    now: float = 0.0
    tries: int = 0

    def start(self) -> Minutes:
        """Start records and mail thread."""
        self.records = DatabaseWriter(self.folder / "centralino.db", "b").start()
        self.server = SmtpServer(self.account)
        self.outbox = Watched(self.records)
        self.sender = MailSender(
            self.outbox, self._deliver, self.server.abort, self.healths.append, None, self._clock
        ).start()
        self.outbox.turns.get(timeout=LIMIT_S)
        return self

    def minute(self) -> list[DeliveryVerdict]:
        """Let a minute go by; returns what was tried in it came to."""
        self.now += 60.0
        self.sender.wake()
        self.outbox.turns.get(timeout=LIMIT_S)
        found = []
        while not self.replies.empty():
            found.append(self.replies.get().verdict)
        return found

    def _clock(self) -> float:
        return self.now


def test_a_day_without_a_mail_server_costs_tries_and_no_mail(
    tmp_path: Path, figures: Figures
) -> None:
    """P6: for 24 h nobody answers at the server: it is asked every quarter of an hour, and nothing
    is given up; when it is back each notice leaves, once.
    """
    server = MailServer(
        tmp_path / "mail", port=free_port("127.0.14.1"), tls=False, need_login=False
    )
    server.folder.mkdir()
    mail = Minutes(tmp_path, account_at(server, tmp_path, Security.NONE)).start()
    try:
        for n in range(NOTICES):
            mail.queue(a_mail(key=f"k{n}", subject=f"n{n}"))
            mail.outbox.turns.get(timeout=LIMIT_S)
        tried = [verdict for _ in range(DAY_MIN) for verdict in mail.minute()]
        assert set(tried) == {DeliveryVerdict.AWAY}
        assert DAY_MIN / 15 <= len(tried) <= DAY_MIN / 15 + 10
        assert {kept.state for kept in mail.kept()} == {MailState.QUEUED}
        server.start()
        later = [verdict for _ in range(20) for verdict in mail.minute()]
        mails = server.wait_for(NOTICES)
    finally:
        mail.stop()
        if server.is_running:
            server.stop()
    figures.say(f"F13 a day without a mail server: {len(tried)} tries; then {len(mails)} of "
                f"{NOTICES} notices left, once each")  # fmt: skip
    assert later.count(DeliveryVerdict.SENT) == NOTICES
    assert sorted(str(mail["Subject"]) for mail in mails) == ["n0", "n1", "n2"]
