"""Call control looks after itself: a thread that hangs starves the watchdog, a lasting fault ends
in one restart and, where that mends nothing, in a box that goes on without.
"""

from __future__ import annotations

import contextlib
import json
import queue
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from gpiozero.pins.mock import MockFactory

from appliance import mail as mail_mail
from appliance import panel as panel_panel
from appliance import workers
from appliance.fleet import prometheus
from appliance.fleet.prometheus import BoxFigures, MetricsServer
from appliance.mail import MailSender
from appliance.panel import (
    Panel,
    PanelStatus,
    PanelWiring,
    PhoneNetwork,
    Readiness,
    StandInPin,
)
from appliance.policy.clock import Now
from appliance.policy.mail import DeliveryReply, OutgoingMail
from appliance.policy.mail import DeliveryVerdict as Sent
from appliance.policy.supervision import (
    RESTART_RULES,
    Component,
    RestartHistory,
    SupervisionVerdict,
)
from appliance.service import composition
from appliance.service.status import StatusCollector
from appliance.service.supervision import FAULT_SHOWN_S, FILE, Supervisor
from appliance.sip import transport
from appliance.store import writer
from appliance.store.database import DATABASE_FAILING, DATABASE_UNSURE
from appliance.store.writer import DatabaseWriter
from appliance.text import Words
from appliance.voicemail import mailbox
from tests.fleet.samples import figures_of, status_of
from tests.helpers.words import pair
from tests.mail.test_sender import Shelf
from tests.sip.office import office
from tests.voicemail.box import Box

LIMIT_S = 20.0
WALL = datetime(2026, 11, 26, 9, 0, tzinfo=UTC)
THREADS = (
    Component.SIP,
    Component.RECORDS,
    Component.VOICEMAIL,
    Component.MAIL,
    Component.PANEL,
    Component.METRICS,
)


@dataclass
class Latch:
    """Where a thread is kept: it has `come`, and goes on once it may."""

    come: threading.Event = field(default_factory=threading.Event)
    may_go: threading.Event = field(default_factory=threading.Event)

    def keep(self, *_: object) -> None:
        """Hang."""
        self.come.set()
        assert self.may_go.wait(LIMIT_S)


@dataclass(frozen=True)
class Thread:
    """One of call control's threads: when it last turned, how to make it hang or do something."""

    beat: Callable[[], float]
    hang: Callable[[Latch], object]
    stir: Callable[[], object]


@contextmanager
def sip(_: Path) -> Iterator[Thread]:
    """The phones' thread, hung by a job that does not end."""
    with office() as made:
        post = made.phones._loop.post
        yield Thread(
            lambda: made.phones.last_turn,
            lambda latch: post(latch.keep),
            lambda: post(lambda _: None),
        )


@contextmanager
def records(folder: Path) -> Iterator[Thread]:
    """The writer of the records, hung as by a card that stalls for ever."""
    made = DatabaseWriter(folder / "records.db", "boot").start()
    yield Thread(
        lambda: made.beat_at, lambda latch: made.do(latch.keep), lambda: made.do(lambda _: None)
    )
    made.stop(LIMIT_S)


@contextmanager
def voicemail(folder: Path) -> Iterator[Thread]:
    """The writer of messages."""
    box = Box(folder).start()
    commands = box.mailbox._commands
    yield Thread(
        lambda: box.mailbox.beat_at,
        lambda latch: commands.put(latch.keep),
        lambda: commands.put(lambda: None),
    )
    box.stop()


@contextmanager
def mail(_: Path) -> Iterator[Thread]:
    """The mail thread, hung in a delivery that does not end."""
    shelf, latches = Shelf(), [Latch()]
    shelf.queued = {}
    latches[0].may_go.set()

    def deliver(_: OutgoingMail) -> DeliveryReply:
        latches[0].keep()
        return DeliveryReply(Sent.AWAY, "away")

    made = MailSender(shelf, deliver, lambda: None, lambda _: None).start()

    def hang(latch: Latch) -> None:
        latches[0] = latch
        shelf.queued = Shelf().queued
        made.wake()

    yield Thread(lambda: made.beat_at, hang, lambda: made.wake(hurry=True))
    made.stop(LIMIT_S)


@contextmanager
def panel(_: Path) -> Iterator[Thread]:
    """The panel's thread, hung in a GPIO that does not answer."""
    latches: list[Latch] = []

    class Pin(StandInPin):
        def _set_state(self, value: float) -> None:
            if latches:
                latches[0].keep()
            super()._set_state(value)

    made = Panel(PanelWiring(ready=17), lambda _: None, MockFactory(pin_class=Pin)).start()
    well = PanelStatus(Readiness.READY, PhoneNetwork.UP)

    def hang(latch: Latch) -> None:
        latches.append(latch)
        made.show(well)

    yield Thread(lambda: made.beat_at, hang, lambda: made.show(well))
    latches.clear()
    made.stop(LIMIT_S)


@contextmanager
def metrics(_: Path) -> Iterator[Thread]:
    """The thread that answers Prometheus, hung in writing a page."""
    latches: list[Latch] = []

    def page(_: BoxFigures) -> bytes:
        for latch in latches:
            latch.keep()
        return b""

    told: queue.SimpleQueue[Words | None] = queue.SimpleQueue()
    made = MetricsServer(("127.53.13.1", 0), (), lambda: page, told.put)
    made.latest = figures_of(status_of())
    made.start()
    assert told.get(timeout=LIMIT_S) is None

    def ask() -> None:
        with socket.create_connection(("127.53.13.1", made.port), timeout=LIMIT_S) as asking:
            asking.sendall(b"GET /metrics HTTP/1.1\r\n\r\n")

    def hang(latch: Latch) -> None:
        latches.append(latch)
        ask()

    yield Thread(lambda: made.beat_at, hang, ask)
    latches.clear()
    made.stop(LIMIT_S)


MADE: dict[Component, Callable[[Path], AbstractContextManager[Thread]]] = {
    Component.SIP: sip,
    Component.RECORDS: records,
    Component.VOICEMAIL: voicemail,
    Component.MAIL: mail,
    Component.PANEL: panel,
    Component.METRICS: metrics,
}


def until(is_so: Callable[[], bool]) -> None:
    """Wait for what another thread does, within a limit."""
    end = time.monotonic() + LIMIT_S
    while not is_so():
        assert time.monotonic() < end
        threading.Event().wait(0.002)


def at(monotonic: float) -> Now:
    """Make a moment."""
    return Now(monotonic, WALL + timedelta(seconds=monotonic))


def supervisor(
    folder: Path, beats: dict[Component, Callable[[], float]] | None = None, *, kept: bool = True
) -> Supervisor:
    """Make one that looks after these threads."""
    return Supervisor(beats or {}, {}, StatusCollector(), folder, kept=kept)


@pytest.fixture
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every thread look around many times a second."""
    for module in (writer, mailbox, panel_panel):
        monkeypatch.setattr(module, "BEAT_S", 0.02)
    monkeypatch.setattr(mail_mail, "LOOK_S", 0.02)
    monkeypatch.setattr(prometheus, "TURN_S", 0.02)
    monkeypatch.setattr(transport, "LONGEST_WAIT", 0.02)


@pytest.mark.usefixtures("short_waits")
@pytest.mark.parametrize("part", THREADS)
def test_a_thread_that_hangs_starves_the_feed(part: Component, tmp_path: Path) -> None:
    """F23, for each thread of call control: while it hangs it gives no sign of life, and beyond its
    own limit the watchdog is not fed; it turns again, and is.
    """
    latch = Latch()
    with MADE[part](tmp_path) as thread, contextlib.ExitStack() as stack:
        stack.callback(latch.may_go.set)
        looking = supervisor(tmp_path, {part: thread.beat})
        thread.hang(latch)
        assert latch.come.wait(LIMIT_S)
        last = thread.beat()
        thread.stir()
        silent_s = RESTART_RULES[part].silent_s
        assert looking.look(at(last + silent_s - 1.0), lambda: True).feeds
        assert not looking.look(at(last + silent_s + 1.0), lambda: True).feeds
        assert thread.beat() == last
        latch.may_go.set()
        until(lambda: thread.beat() > last)
        again = supervisor(tmp_path, {part: thread.beat})
        assert again.look(at(thread.beat() + 1.0), lambda: True).feeds


@pytest.mark.usefixtures("short_waits")
@pytest.mark.parametrize("part", THREADS)
def test_a_thread_with_nothing_to_do_gives_signs_of_life(part: Component, tmp_path: Path) -> None:
    """Nobody calls for a night: every thread turns all the same."""
    with MADE[part](tmp_path) as thread:
        for _ in range(3):
            last = thread.beat()
            until(lambda last=last: thread.beat() > last)  # type: ignore[misc]


def test_idle_threads_turn_well_within_their_limits() -> None:
    """The longest wait of each is a sixth of what makes it hung, or less."""
    waits = {Component.SIP: transport.LONGEST_WAIT, Component.MAIL: mail_mail.LOOK_S}
    for part in THREADS:
        assert waits.get(part, workers.BEAT_S) <= RESTART_RULES[part].silent_s / 5


def test_every_thread_of_call_control_is_looked_after() -> None:
    """No worker is started that nobody would miss."""
    source = Path(composition.__file__).read_text(encoding="utf-8")
    watched = source.partition("def _made_supervisor")[2].partition("return Supervisor")[0]
    assert [part for part in THREADS if f"Component.{part.name}:" in watched] == list(THREADS)
    rooms = Path(composition.__file__).parent.parent
    made = [p for p in rooms.rglob("*.py") if re.search(r' Worker\(\s*"', p.read_text())]
    assert len(made) == len(THREADS) + 1  # and MQTT's, where a broker is configured
    assert "beats[Component.MQTT]" in watched


# --- leaving ------------------------------------------------------------------------------------


def failing(collector: StatusCollector) -> None:
    """Have the card refuse for good."""
    collector.trouble("records", DATABASE_UNSURE)


def test_a_lasting_fault_ends_in_one_restart_when_all_is_idle(tmp_path: Path) -> None:
    """F5: told at once, nobody is cut off, the service leaves once no call is up."""
    collector = StatusCollector()
    looking = Supervisor({}, {}, collector, tmp_path, kept=True)
    failing(collector)
    busy = looking.look(at(10.0), lambda: False)
    assert (busy.feeds, busy.leave) == (True, None)
    assert any("restarts by itself" in words.text("en") for words in collector.troubles())
    idle = looking.look(at(12.0), lambda: True)
    assert idle.leave is Component.RECORDS


def test_it_leaves_once_in_half_an_hour_and_then_goes_on_without(tmp_path: Path) -> None:
    """F5: the next run finds the card as before: it stays, answers calls, and says so; half an
    hour later it is worth another try.
    """
    first = supervisor(tmp_path)
    first.start(5.0)
    first.leave(Component.RECORDS, 12.0)
    collector = StatusCollector()
    second = Supervisor({}, {}, collector, tmp_path, kept=True)
    second.start(14.0)
    failing(collector)
    for now in (15.0, 600.0, 1800.0):
        verdict = second.look(at(now), lambda: True)
        assert (verdict.feeds, verdict.leave) == (True, None)
    (borne,) = [words for words in collector.troubles() if "was of no use" in words.text("en")]
    assert f"{(WALL + timedelta(seconds=12)).astimezone():%H:%M}" in borne.text("en")
    assert "scheda di memoria" in borne.text("it")
    assert second.look(at(1813.0), lambda: True).leave is Component.RECORDS


def test_a_card_that_is_well_again_ends_the_trouble(tmp_path: Path) -> None:
    """What was told is taken back; a fault that a restart cannot mend asks for none."""
    collector = StatusCollector()
    looking = Supervisor({}, {}, collector, tmp_path, kept=True)
    failing(collector)
    looking.look(at(10.0), lambda: False)
    collector.trouble("records", DATABASE_FAILING)
    assert looking.look(at(12.0), lambda: True).leave is None
    assert [words.text("en") for words in collector.troubles()] == [
        DATABASE_FAILING.words.text("en")
    ]


def test_without_a_service_manager_it_stays(tmp_path: Path) -> None:
    """Nobody would start it again: on a workstation it says what is wrong, no more."""
    collector = StatusCollector()
    looking = Supervisor({}, {}, collector, tmp_path, kept=False)
    failing(collector)
    assert looking.look(at(10.0), lambda: True).leave is None
    assert len(collector.troubles()) == 2


def test_a_media_gateway_that_dies_again_and_again_has_call_control_restarted(
    tmp_path: Path,
) -> None:
    """Six deaths within a minute: it may be what call control tells it."""
    past = RestartHistory(tuple(float(n) for n in range(100, 105)))
    pasts = [past]
    looking = Supervisor(
        {}, {Component.MEDIA_GATEWAY: lambda: pasts[0]}, StatusCollector(), tmp_path, kept=True
    )
    assert looking.look(at(106.0), lambda: True).leave is None
    pasts[0] = past.again(107.0)
    assert looking.look(at(108.0), lambda: True).leave is Component.MEDIA_GATEWAY


@pytest.mark.parametrize("text", ["", "{", "[]", '{"starts": 3}', '{"starts": ["x"], "left": []}'])
def test_a_broken_file_is_no_obstacle(tmp_path: Path, text: str) -> None:
    """What was restarted is then forgotten."""
    (tmp_path / FILE).write_text(text, encoding="utf-8")
    looking = supervisor(tmp_path)
    looking.start(5.0)
    assert json.loads((tmp_path / FILE).read_text(encoding="utf-8"))["starts"] == [5.0]


def test_a_run_folder_that_cannot_be_written_is_no_obstacle(tmp_path: Path) -> None:
    """It leaves all the same."""
    looking = supervisor(tmp_path / "nowhere")
    looking.start(5.0)
    looking.leave(Component.RECORDS, 6.0)
    assert looking.rows(at(7.0))[-1].restarts == 1


def test_what_is_shown(tmp_path: Path) -> None:
    """Each part with its restarts, when the last one was, whether it is late, and what the limit is
    of those that call control counts.
    """
    supervisor(tmp_path).start(5.0)
    pasts = {Component.MEDIA_GATEWAY: RestartHistory}
    looking = Supervisor(
        {Component.MAIL: lambda: 10.0}, pasts, StatusCollector(), tmp_path, kept=True
    )
    looking.start(50.0)
    rows = {row.part: row for row in looking.rows(at(2000.0))}
    assert rows["unit"].restarts == 1
    assert rows["unit"].last == WALL + timedelta(seconds=50)
    assert (rows["mail"].late, rows["mail"].restarts) == (True, 0)
    assert rows["desk"].last is None
    assert rows["carrier"].limit == pair(
        "limite 5 in 60 s, poi Centralino", "limit 5 in 60 s, then Switchboard"
    )
    limit = rows["desk"].limit
    assert limit is not None
    assert limit.text("en") == "limit 1 in 1800 s"
    assert (rows["unit"].limit, rows["mail"].limit) == (None, None)


def test_a_job_that_failed_is_shown_for_an_hour(tmp_path: Path) -> None:
    """Which part, and when; the thread lives on, so nothing is restarted and the lamp goes out."""
    failures, collector = {"records": 95.0, "fleet": 20.0, "MainThread": 30.0}, StatusCollector()
    made = Supervisor({}, {}, collector, tmp_path, kept=True, failures=failures)
    assert made.look(at(100.0), lambda: True) == SupervisionVerdict(feeds=True)
    (told,) = collector.troubles()
    assert told.text("it").startswith("Centralino, Collegamento al broker MQTT, Archivi: ")
    assert "Records: a job failed" in told.text("en")
    assert "journal" in told.text("en")
    made.look(at(95.0 + FAULT_SHOWN_S + 1.0), lambda: True)
    assert collector.troubles() == ()
    failures["records"] = 4000.0
    made.look(at(4001.0), lambda: True)
    assert collector.codes() == ("faults",)
