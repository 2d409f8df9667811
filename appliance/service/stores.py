"""Stores: database, voicemail, spoken sounds and small state files, and the orders to each."""

from __future__ import annotations

import contextlib
import json
import logging
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any

from appliance.calls import events, orders
from appliance.calls.commands import CallBack
from appliance.calls.model import AutoAnswer, LearnedPhone
from appliance.calls.orders import CallRecord, Direction, Result
from appliance.config.state_folder import drafts_of, speech_folder
from appliance.dsp import wav
from appliance.dsp.wav import Law
from appliance.errors import CentralinoError
from appliance.files import atomic_write, load_text, make_private
from appliance.media.messages import RecordingStarted
from appliance.policy.dialling import DIAL_REFUSAL_WORDS, DialLedger, DialRefusal, DialRules
from appliance.policy.mail import TO_HEAD, Mail
from appliance.policy.numbering import NumberClass
from appliance.policy.opening import ManualMark, ManualState, ServiceState
from appliance.policy.requests import Request
from appliance.service.announcements import Dictations, SpokenSounds
from appliance.service.housekeeping import MessageSounds, Pins, in_vain
from appliance.service.live_policy import LiveDirectory, LiveHours
from appliance.store import call_log, outbox, requests, voicemail
from appliance.store.backup import PolicyCopy
from appliance.store.backup import folder_of as folder_of_copy
from appliance.store.database import Trouble, database_path
from appliance.store.directory import key_path
from appliance.store.requests import RequestToStore
from appliance.store.writer import DatabaseWriter
from appliance.voicemail.mailbox import DEFAULT_LIMITS, Mailbox
from appliance.voicemail.storage import MailboxLimits

log = logging.getLogger(__name__)


def log_outgoing(record: CallRecord) -> None:
    """Log refused and emergency outgoing calls once they are over; never a number (P7)."""
    if record.direction is not Direction.OUT or record.ended_at is None:
        return
    if record.result is Result.REFUSED:
        log.warning(
            "%s may not call out: %s",
            record.phone,
            DIAL_REFUSAL_WORDS[DialRefusal(record.reason)],
        )
    elif record.number_class == NumberClass.EMERGENCY:
        freed = " ".join(code for code in record.trail if code.startswith("freed."))
        log.warning("emergency call from %s: %s %s", record.phone, record.result, freed)


STOP_LIMIT_S = 10.0
AWAY = "away:"


def _not_counted(result: object) -> None:
    if isinstance(result, CentralinoError):
        log.info("a call back in vain was not counted: %s", result)


class Stores:
    """Owner of the database and voicemail threads; orders in, events out, no waiting.

    Keeps each open call's record, because a recording begins with it. `zone` is the site's.
    """

    def __init__(
        self,
        state: Path,
        boot: str,
        post: Callable[[events.Event], None],
        on_trouble: Callable[[str, Trouble | None], None],
        site: Path | None = None,
        limits: MailboxLimits = DEFAULT_LIMITS,
        zone: tzinfo | None = None,
    ) -> None:
        # Whatever the appliance writes is readable by its own account alone (reliability.md,
        # Privacy); the console's part is opened by service/main.py.
        make_private(state)
        self._post, self._zone = post, zone
        self._bindings_file = state / "phone_bindings.json"
        self._learned_file = state / "phones_learned.json"
        self._service_file = state_file(state)
        self.records = DatabaseWriter(
            database_path(state),
            boot,
            lambda trouble: on_trouble("records", trouble),
            self._interrupted,
        )
        self.mailbox = Mailbox(
            state / "voicemail",
            self.records,
            lambda law, length: wav.header(Law(law), length),
            post,
            lambda trouble: on_trouble("voicemail", trouble),
            limits,
        )
        self.on_call: Callable[[orders.CallRecord], None] = lambda _: None
        """Called with every call record that is written."""
        self.on_care: Callable[[], None] = lambda: None
        """Called when somebody has dealt with a message or a missed call."""
        self.pins = Pins(state, self.records, post)
        self.sounds = MessageSounds(
            state / "voicemail", self.records, self.mailbox.recount, post, zone
        )
        self.directory = LiveDirectory(
            self.records,
            key_path(database_path(state)),
            post,
            lambda trouble: on_trouble("register", trouble),
        )
        self.hours = LiveHours(self.records, post, lambda trouble: on_trouble("hours", trouble))
        self._policy = PolicyCopy(
            folder_of_copy(database_path(state)), lambda trouble: on_trouble("policy", trouble)
        )
        self.records.watch(self.directory.look)
        self.records.watch(self.hours.look)
        self.records.watch(self._policy.look)
        self.spoken = SpokenSounds(speech_folder(state), site, self.records, post)
        self.records.watch(self.spoken.look)
        self.dictations = Dictations(drafts_of(state), self.records, post)
        self._calls: dict[str, orders.CallRecord] = {}
        self._outgoing = DialRules()
        self._asked_by: dict[tuple[str, str], str] = {}

    def start(self) -> None:
        """Start both workers; nothing here waits for the disk."""
        self.records.start()
        self.mailbox.start()
        self.directory.load()
        self.hours.load()

    def stop(self, hear: Callable[[], None]) -> None:
        """Write what is queued and end both threads; a stalled disk is given up after STOP_LIMIT_S.

        `hear` handles the mailbox's last events while the database can still store them.
        """
        # The mailbox first: its last messages become rows of the database.
        with contextlib.suppress(CentralinoError):
            self.mailbox.stop(STOP_LIMIT_S)
        hear()
        with contextlib.suppress(CentralinoError):
            self.records.stop(STOP_LIMIT_S)

    def order(self, order: orders.StoreOrder) -> None:
        """Carry out one order of the Switchboard."""
        match order:
            case orders.WriteCall(record):
                self._keep(record)
                self.on_call(record)
                log_outgoing(record)
                self.records.write_call(record)
                self._count_in_vain(record)
            case orders.StoreMessage():
                self.mailbox.finish(order.recording, order.trim_ms, order.record)
            case orders.StoreCallBack(record):
                self._store_call_back(record)
            case orders.StoreRequest():
                self._store_request(order)
            case orders.QueueMail(mail):
                self.queue_mail(mail)
            case orders.DropRecording(recording):
                self.mailbox.drop(recording)
            case orders.KeepTake() | orders.DropTake() | orders.TakeWent():
                self.dictations.order(order)
            case (
                orders.FetchMessage()
                | orders.CloseMessage()
                | orders.MarkMessage()
                | orders.CheckPin()
            ):
                self._for_listener(order)
            case orders.SaveServiceState(state) if isinstance(state, ServiceState):
                self.records.do(lambda _: save_state(self._service_file, state))

    def _for_listener(self, order: orders.ListenerOrder) -> None:
        """Carry out an order of a phone that plays messages."""
        match order:
            case orders.FetchMessage():
                self.sounds.fetch(order)
            case orders.CloseMessage():
                self.sounds.close(order)
            case orders.MarkMessage():
                self.sounds.mark(order)
            case orders.CheckPin():
                self.pins.check(order)

    def called_back(self, asked: CallBack) -> None:
        """Remember who asked for a call back until it is over."""
        # A position makes one call back at a time: its earlier one is over.
        self._asked_by = {k: v for k, v in self._asked_by.items() if k[0] != asked.position}
        self._asked_by[asked.position, asked.case] = asked.by

    def _count_in_vain(self, record: orders.CallRecord) -> None:
        """Count an unanswered call back at its message or missed call (E16)."""
        if record.ended_at is None:
            return
        asked_by = self._asked_by.pop((record.phone, record.case), "")
        counted = in_vain(record, asked_by)
        if counted is not None:
            kind, name, entry = counted
            # The database refuses the entry if a colleague has taken the case meanwhile.
            self.records.do(
                lambda c: voicemail.add_entry(c, kind, name, entry, self._zone), _not_counted
            )

    def forget_numbers(self, numbers: tuple[str, ...]) -> None:
        """Remove erased numbers from call control's memory (E20)."""
        self.load_numbers(self._outgoing, numbers)

    def load_numbers(self, outgoing: DialRules, forgotten: tuple[str, ...] = ()) -> None:
        """Read recent callers and dialled numbers; NumbersKnown follows (E17)."""
        self._outgoing = outgoing

        def told(found: DialLedger | CentralinoError) -> None:
            if isinstance(found, CentralinoError):
                log.error("who has called cannot be read, nobody is called back: %s", found)
            else:
                self._post(events.NumbersKnown(found, forgotten))

        now = datetime.now(UTC)
        self.records.do(lambda c: call_log.ledger(c, outgoing.plan, now, outgoing.known_days), told)

    def queue_mail(self, mail: Mail) -> None:
        """Store a notice in the outbox; none to the supervisor if no address is configured."""
        at, letters = datetime.now(UTC), self.records.letters
        # Nobody would ever read it.
        if mail.to == TO_HEAD and not letters.head:
            log.info("%s: the head is not told, [mail] head is empty", mail.key)
            return

        def told(result: CentralinoError | None) -> None:
            if isinstance(result, CentralinoError):
                log.error("mail %s could not be kept: %s", mail.key, result)
            else:
                letters.queued()

        self.records.do(lambda c: outbox.queue_mail(c, mail, at, letters.domain), told)

    def _store_request(self, order: orders.StoreRequest) -> None:
        """Store a request, after its recording if it has one; RequestStored or StoreFailed follows.

        The citizen's words are on the disk before the request is confirmed.
        """
        if order.recording:
            if not self.mailbox.finish_request(order.recording, order.trim_ms, order.request):
                self._post(events.StoreFailed(order.call, "the caller's words were never recorded"))
            return
        # An id of its own: a write of unknown outcome can be repeated without a duplicate
        # (reference/reliability.md 4).
        taking = RequestToStore(uuid.uuid4().hex, order.request, datetime.now(UTC))
        letters = self.records.letters

        def told(result: Request | CentralinoError) -> None:
            if isinstance(result, CentralinoError):
                self._post(events.StoreFailed(order.call, str(result)))
            else:
                letters.queued()
                self._post(events.RequestStored(order.call, result.number))
                # The citizen of the new request may be called back from now on.
                self.load_numbers(self._outgoing)

        self.records.do(lambda c: requests.insert_request(c, taking, letters), told)

    def _store_call_back(self, record: orders.CallRecord) -> None:
        """Store a call-back wish; CallBackStored or StoreFailed follows."""
        # The caller is promised a call back only after CallBackStored.
        self._keep(record)

        def done(error: CentralinoError | None) -> None:
            failed = isinstance(error, CentralinoError)
            self._post(
                events.StoreFailed(record.call, str(error))
                if failed
                else events.CallBackStored(record.call)
            )

        self.records.keep_call(record, done)

    def begin(self, started: RecordingStarted) -> None:
        """Begin a recording: a dictation, or a message of its open call."""
        if self.dictations.begin(started):
            return
        record = self._calls.get(started.recording)
        if record is None:
            log.error("voicemail: recording %s belongs to no call", started.recording)
        else:
            self.mailbox.begin(started.recording, started.law, record)

    def append(self, recording: str, data: bytes) -> None:
        """Append sound to a recording."""
        if not self.dictations.append(recording, data):
            self.mailbox.append(recording, data)

    def memory(self, order: orders.LoadMessage) -> int | None:
        """Return the memfd with the sound for a phone, None if absent; the taker closes it."""
        own = self.dictations.memory(order)
        return self.sounds.take(order.leg) if own is None else own

    def load_service_state(self) -> ServiceState:
        """Return the manual states of the last run; empty if absent or malformed."""
        return load_state(self._service_file)

    def load_bindings(self) -> str:
        """Return the stored registrations of phones, "" for none."""
        return load_text(self._bindings_file)

    def save_bindings(self, text: str) -> None:
        """Write the phones' registrations, in the database thread."""
        self.records.do(lambda _: atomic_write(self._bindings_file, text))

    def load_learned(self) -> tuple[LearnedPhone, ...]:
        """Return what the last run has seen of phones; () for a broken file."""
        return learned_from_json(load_text(self._learned_file))

    def save_learned(self, learned: tuple[LearnedPhone, ...]) -> None:
        """Write what was seen of phones, in the database thread."""
        text = learned_to_json(learned)
        self.records.do(lambda _: atomic_write(self._learned_file, text))

    def save_left(self, file: Path, text: str) -> None:
        """Write the phones' present calls for a next run, in the database thread."""
        # Not durable: the run folder is memory. Private as all files: it has callers' numbers.
        self.records.do(lambda _: atomic_write(file, text, is_durable=False))

    def _keep(self, record: orders.CallRecord) -> None:
        if record.result is orders.Result.OPEN:
            self._calls[record.call] = record
        else:
            self._calls.pop(record.call, None)

    def _interrupted(self, records: tuple[orders.CallRecord, ...]) -> None:
        for record in records:
            log.warning("call %s on %s was interrupted by the last stop", record.call, record.line)


def state_file(state: Path) -> Path:
    """Return the path of the manual states' file."""
    return state / "service_state.json"


def learned_to_json(learned: tuple[LearnedPhone, ...]) -> str:
    """Serialise what was seen of phones."""
    rows = [{"phone": one.phone, "answers": one.answer, "agent": one.agent} for one in learned]
    return json.dumps(rows, indent=1)


def learned_from_json(text: str) -> tuple[LearnedPhone, ...]:
    """Parse what was seen of phones; () if unreadable: it is seen anew."""
    try:
        return tuple(
            LearnedPhone(str(row["phone"]), AutoAnswer(row["answers"]), str(row["agent"]))
            for row in json.loads(text)
        )
    except (ValueError, KeyError, TypeError):
        return ()


def save_state(path: Path, state: ServiceState) -> None:
    """Write the manual states."""
    atomic_write(path, json.dumps(state_to_json(state)))


def load_state(path: Path) -> ServiceState:
    """Read the manual states; empty, with a warning, for a broken file."""
    try:
        return state_from_json(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return ServiceState()
    except (OSError, ValueError, KeyError, TypeError) as error:
        log.warning("%s cannot be read (%s): no manual state is in force", path, error)
        return ServiceState()


def state_to_json(state: ServiceState) -> dict[str, dict[str, str | bool | None]]:
    """Convert the marks that are set to JSON, times in ISO form; a phone's as "away:NAME"."""
    marks = state.marks() | {f"{AWAY}{phone}": mark for phone, mark in state.away}
    return {
        name: {
            "by": mark.by,
            "since": mark.since.isoformat(),
            "until": mark.until.isoformat() if mark.until else None,
            "by_hours": mark.by_hours,
            "shown": mark.shown,
        }
        for name, mark in marks.items()
    }


def state_from_json(data: dict[str, Any]) -> ServiceState:
    """Convert JSON to marks; raises ValueError, KeyError or TypeError if malformed."""
    state = ServiceState()
    for name, mark in data.items():
        until = datetime.fromisoformat(mark["until"]) if mark["until"] else None
        since = datetime.fromisoformat(mark["since"])
        read = ManualMark(
            str(mark["by"]),
            since,
            until,
            mark.get("by_hours") is True,
            str(mark.get("shown", "")),
        )
        if name.startswith(AWAY):
            state = state.go_away(name.removeprefix(AWAY), read)
        else:
            state = state.set(ManualState(name), read)
    return state
