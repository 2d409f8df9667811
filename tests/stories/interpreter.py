"""Runs stories on the pure Switchboard: no process, no clock, no sleep.

Strict: every order must be expected before the next statement, except the writing of records,
which `expect record` looks at. A deadline comes exactly when it was asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from appliance.api.sheets import current_call
from appliance.calls import commands, events, orders
from appliance.calls.commands import NoteSheet
from appliance.calls.orders import Order
from appliance.calls.switchboard import Switchboard
from appliance.policy.clock import ClockState, Now
from appliance.policy.dialling import DialLedger
from appliance.policy.directory import Authorisation, EntryStamp, TransferTarget, target_to_tell
from appliance.policy.sheets import SpokenSheet
from appliance.text import unchanged
from tests.stories.dictations import DictationVerbs
from tests.stories.directories import BRANCHES, OFFICE_PHONES, REGISTERS
from tests.stories.expectations import Words, milliseconds
from tests.stories.grammar import Statement, Story, StoryError
from tests.stories.offices import OFFICES
from tests.stories.rows import check_rows, meant, states_of
from tests.stories.screens import ScreenVerbs
from tests.stories.special_hours import HoursVerbs
from tests.stories.transfers import TransferVerbs

REQUESTS: dict[str, Callable[[bool, str, datetime | None], commands.Request]] = {
    "unattended": commands.SetUnattended,
    "closed": commands.SetClosed,
    "opened": commands.SetOpened,
    "absent": commands.SetAllAbsent,
    "away": commands.SetAway,
}


def caller_of(text: str) -> events.Caller:
    """Read a caller: digits, or why there are none."""
    if text.isdigit():
        return events.Caller(events.Presentation.SHOWN, text)
    return events.Caller(events.Presentation(text))


class PureRun(TransferVerbs, HoursVerbs, DictationVerbs, ScreenVerbs):
    """One story on one Switchboard."""

    def __init__(self) -> None:
        self.office = OFFICES["example"]
        self.switchboard = Switchboard(self.office, "t")
        self.now = None
        self.pending = []
        self.ordered = []
        self.legs = {}
        self.first = ""
        self.owners = {}
        self.plays = {}
        self.takes = {}
        self.calls = {}
        self.records = {}
        self.record = None
        self.dialled = 0
        self.answer = ""
        self.named = "example"
        self.entered = ()

    # --- running -----------------------------------------------------------------------------

    def run(self, story: Story) -> None:
        """Run every statement; raises StoryError with its place and what was met instead."""
        for statement in story.statements:
            try:
                self.step(statement)
            except StoryError as error:
                place = f"{story.name}.story:{statement.number}: {statement.text}"
                raise StoryError(f"{place}\n    {error}") from error
        self.settled()

    def step(self, statement: Statement) -> None:
        """Run one statement."""
        if not statement.verb.startswith("expect_"):
            self.settled()
        getattr(self, statement.verb)(statement.words)

    def tell(self, event: events.Event) -> None:
        """Hand an event to the Switchboard and keep what it orders."""
        assert self.now is not None, "a story says `at` first"
        before, told = states_of(self.switchboard), meant(self.switchboard, event)
        for order in self.switchboard.handle(event, self.now):
            self.remember(order)
        check_rows(before, told)

    def remember(self, order: Order) -> None:
        """Keep the names by which later statements speak of things."""
        self.ordered.append(order)
        match order:
            case orders.WriteCall(record):
                self.record = self.records[record.line] = record
                self.calls[record.line] = record.call
                return
            case orders.RingPhones():
                self.legs |= {ringing.phone: ringing.leg for ringing in order.ringing}
                self.owners |= {ringing.leg: ringing.phone for ringing in order.ringing}
            case orders.RecordLeg():
                self.takes[self.phone_of(order.leg)] = order.recording
            case orders.Play():
                self.plays[order.line or self.phone_of(order.leg)] = order.play
        self.pending.append(order)

    def phone_of(self, leg: str) -> str:
        """Name the phone of a leg."""
        return next((phone for phone, known in self.legs.items() if known == leg), leg)

    def pass_time(self, target: datetime) -> None:
        """Let time pass; every deadline comes at its own moment."""
        assert self.now is not None, "a story says `at` first"
        while self.now.wall < target:
            left = (target - self.now.wall).total_seconds()
            deadline = self.switchboard.next_deadline()
            end = self.now.monotonic + left
            if deadline is None or deadline > end:
                self.now = replace(self.now, monotonic=end, wall=target)
                return
            step = timedelta(seconds=max(deadline - self.now.monotonic, 0))
            self.now = replace(self.now, monotonic=deadline, wall=self.now.wall + step)
            for passed in self.switchboard.due(self.now):
                self.tell(passed)

    # --- the scene ---------------------------------------------------------------------------

    def choose_office(self, words: Words) -> None:
        """Choose the office; all its phones are registered, all its lines are up."""
        self.named = words["name"]
        self.office = OFFICES[words["name"]]
        self.switchboard = Switchboard(self.office, "t")

    def at(self, words: Words) -> None:
        """Start at a moment, or let time pass until one."""
        text = words["time"]
        if self.now is not None:
            local = self.office.local(self.now.wall)
            day = text if len(text) > 8 else f"{local:%Y-%m-%d} {text}"
            self.pass_time(datetime.fromisoformat(day).replace(tzinfo=self.office.zone))
            return
        wall = datetime.fromisoformat(text).replace(tzinfo=self.office.zone)
        self.now = Now(1000.0, wall)
        for line in self.office.lines:
            self.tell(events.LineRestored(line.name, "modem", not line.is_half_duplex))
        for phone in self.office.phones:
            self.tell(events.PhoneRegistered(phone))
        if self.named in REGISTERS:
            self.tell(events.DirectoryChanged(REGISTERS[self.named]))
            for phone in (*OFFICE_PHONES, *BRANCHES):
                self.tell(events.PhoneRegistered(phone))

    def after(self, words: Words) -> None:
        assert self.now is not None, "a story says `at` first"
        self.pass_time(self.now.wall + timedelta(milliseconds=milliseconds(words["span"])))

    def clock(self, words: Words) -> None:
        assert self.now is not None, "a story says `at` first"
        self.now = replace(self.now, clock_state=ClockState(words["state"]))

    # --- lines -------------------------------------------------------------------------------

    def line_rings(self, words: Words) -> None:
        self.tell(events.LineRang(words["line"]))

    def line_caller(self, words: Words) -> None:
        self.tell(events.CallerIdentified(words["line"], caller_of(words["caller"])))

    def line_answered(self, words: Words) -> None:
        self.tell(events.LineAnswered(words["line"]))

    def line_gives_up(self, words: Words) -> None:
        self.tell(events.CallerHungUp(words["line"], events.Evidence.GAVE_UP))

    def line_hangs_up(self, words: Words) -> None:
        after = milliseconds(words["span"]) if "span" in words else 0
        evidence = events.Evidence(words["evidence"])
        self.tell(events.CallerHungUp(words["line"], evidence, after))

    def line_idle(self, words: Words) -> None:
        self.tell(events.LineIdle(words["line"]))

    def line_taken(self, words: Words) -> None:
        self.tell(events.LineTaken(words["line"]))

    def line_fax(self, words: Words) -> None:
        source = events.FaxSource(words["source"])
        self.tell(events.FaxCalled(words["line"], source, milliseconds(words["span"])))

    def line_probed(self, words: Words) -> None:
        condition = events.LineCondition(words["condition"])
        self.tell(events.LineProbed(words["line"], condition))

    def line_presses(self, words: Words) -> None:
        self.tell(events.DigitPressed(words["key"], events.DigitSource.CHIP, line=words["line"]))

    def line_prompt_ends(self, words: Words) -> None:
        self.tell(events.PromptEnded(self.plays[words["line"]], "cut" not in words))

    def line_recording_ends(self, words: Words) -> None:
        stop = events.RecordingStop(words["stop"])
        length, trim = int(words["length"]), int(words.get("trim", "0"))
        self.tell(events.RecordingEnded(self.calls[words["line"]], stop, length, trim))

    def line_recording_gap(self, words: Words) -> None:
        self.tell(events.RecordingGap(self.calls[words["line"]], int(words["gap"])))

    def line_far_end(self, words: Words) -> None:
        progress = events.FarEnd(words["progress"])
        self.tell(events.FarEndProgressed(words["line"], progress))

    def line_flashed(self, words: Words) -> None:
        self.tell(events.LineFlashed(words["line"], "refused" not in words))

    def line_lost(self, words: Words) -> None:
        self.tell(events.LineLost(words["line"], unchanged(words.get("reason", "unplugged"))))

    def line_restored(self, words: Words) -> None:
        self.tell(events.LineRestored(words["line"], "modem", "half" not in words))

    def carrier_lost(self, words: Words) -> None:
        self.tell(events.MediaGatewayLost("killed"))

    def carrier_restored(self, words: Words) -> None:
        self.tell(events.MediaGatewayRestored())

    def box_stopped(self, words: Words) -> None:
        self.tell(events.BoxStopped())

    # --- phones ------------------------------------------------------------------------------

    def phone_answers(self, words: Words) -> None:
        self.tell(events.OperatorAnswered(self.legs[words["phone"]], words["phone"]))

    def comes_over(self, words: Words) -> None:
        """Another branch hands a caller over: the leg has a phone's verbs."""
        leg = self.legs[words["phone"]] = f"trunk-{words['phone']}"
        self.owners[leg] = words["phone"]
        self.tell(events.BranchCalled(leg, words["origin"], caller_of(words["caller"])))

    def phone_hangs_up(self, words: Words) -> None:
        self.tell(events.PhoneHungUp(self.legs[words["phone"]]))

    def phone_declines(self, words: Words) -> None:
        self.tell(events.PhoneDeclined(self.legs[words["phone"]]))

    def phone_is_lost(self, words: Words) -> None:
        self.tell(events.PhoneLost(self.legs[words["phone"]], "no answer"))

    def phone_holds(self, words: Words) -> None:
        self._agree(words, sending=False)

    def phone_resumes(self, words: Words) -> None:
        self._agree(words, sending=True)

    def _agree(self, words: Words, *, sending: bool) -> None:
        """The phone's re-INVITE: which way sound goes is the media gateway's affair, not a
        decision.
        """
        leg = self.legs[words["phone"]]
        self.tell(events.MediaAgreed(leg, "192.0.2.21", 7000, "alaw", 101, sending))

    def phone_redirects(self, words: Words) -> None:
        redirected = events.DeclineReason.REDIRECTED
        self.tell(events.PhoneDeclined(self.legs[words["phone"]], redirected))

    def phone_asks_for(self, words: Words) -> None:
        kind = events.TransferKind(words["kind"])
        phone = words["phone"]
        self.tell(events.TransferAsked(self.legs[phone], phone, words["target"], kind))

    def phone_is_busy(self, words: Words) -> None:
        self.tell(events.PhoneBusy(self.legs[words["phone"]]))

    def phone_is_unreachable(self, words: Words) -> None:
        self.tell(events.PhoneUnreachable(self.legs[words["phone"]]))

    def phone_registers(self, words: Words) -> None:
        self.tell(events.PhoneRegistered(words["phone"]))

    def phone_gone(self, words: Words) -> None:
        self.tell(events.PhoneGone(words["phone"]))

    def phone_dials(self, words: Words) -> None:
        self.dialled += 1
        leg = self.legs[words["phone"]] = f"dialled-{self.dialled}"
        self.owners[leg] = words["phone"]
        self.tell(events.PhoneDialled(leg, words["phone"], words["digits"]))

    def phone_presses(self, words: Words) -> None:
        leg = self.legs[words["phone"]]
        self.tell(events.DigitPressed(words["key"], events.DigitSource.RFC4733, leg=leg))

    def fetched(self, words: Words) -> None:
        assert self.now is not None, "a story says `at` first"
        at = self.now.wall
        if "time" in words:
            at = datetime.fromisoformat(words["time"]).replace(tzinfo=self.office.zone)
        number, leg = int(words["number"]), self.legs[words["phone"]]
        caller = caller_of(words["caller"])
        holder = words.get("holder", "")
        self.tell(events.MessageFetched(leg, f"m{number}", number, caller, at, holder=holder))

    def fetched_nothing(self, words: Words) -> None:
        leg, reason = self.legs[words["phone"]], words.get("reason", "")
        self.tell(events.MessageFetched(leg, reason=reason))

    def closed_by(self, words: Words) -> None:
        self.tell(events.MessageClosed(self.legs[words["phone"]], words.get("reason", "")))

    def closed_not_held(self, words: Words) -> None:
        self.tell(events.MessageClosed(self.legs[words["phone"]], "op9 has it", held=True))

    def marked(self, words: Words) -> None:
        self.tell(events.MessageMarked(self.legs[words["phone"]], words.get("reason", "")))

    def marked_not_held(self, words: Words) -> None:
        self.tell(events.MessageMarked(self.legs[words["phone"]], "op9 has it", held=True))

    def pin_checked(self, words: Words) -> None:
        self.tell(events.PinChecked(self.legs[words["phone"]], words["right"] == "right"))

    def phone_prompt_ends(self, words: Words) -> None:
        self.tell(events.PromptEnded(self.plays[words["phone"]]))

    def asked_to_call_back(self, words: Words) -> None:
        asked = events.CallBackAsked(
            "asked", words["phone"], words["number"], words["case"], urgent="urgent" in words
        )
        self.tell(asked)

    # --- the store and people ----------------------------------------------------------------

    def stored(self, words: Words) -> None:
        call = self.calls[words.get("line") or words["origin"]]
        self.tell(events.MessageStored(call, f"message-of-{call}", 1000))

    def call_back_stored(self, words: Words) -> None:
        self.tell(events.CallBackStored(self.calls[words["line"]]))

    def store_fails(self, words: Words) -> None:
        reason = words.get("reason", "disk full")
        self.tell(events.StoreFailed(self.calls[words["line"]], reason))

    def sheets_spoken(self, words: Words) -> None:
        given = (text.split(":") for text in words["sheets"].split())
        menu = tuple(
            SpokenSheet(code, language, f"title_{code}", f"sheet_{code}")
            for code, language in given
        )
        self.tell(events.SpokenSheetsChanged(menu))

    def authorises(self, words: Words) -> None:
        self._tell_directory(words["unit"], target_to_tell(words["number"]))

    def revokes(self, words: Words) -> None:
        self._tell_directory(words["unit"], None)

    def _tell_directory(self, unit: str, told: TransferTarget | None) -> None:
        """Enter a unit's leave to tell a number, or the end of it, at this moment."""
        assert self.now is not None, "a story says `at` first"
        directory, entry = (
            self.switchboard._board.directory,
            EntryStamp(1, "capo", self.now.wall, "mail"),
        )
        leaves = tuple(
            replace(leave, revoked=entry) if leave.unit == unit else leave
            for leave in directory.authorisations
        )
        if told is not None:
            leaves += (Authorisation(entry, unit, told, "il dirigente"),)
        self.tell(events.DirectoryChanged(replace(directory, authorisations=leaves)))

    def log_read(self, words: Words) -> None:
        self.tell(events.NumbersKnown(DialLedger()))

    def uses_sheet(self, words: Words) -> None:
        """The switchboard finds the call that the position is in, as the control socket's question
        does.
        """
        call = current_call(self._status().calls, NoteSheet(words["sheet"], "", words["phone"]))
        self.tell(events.SheetUsed(call, words["sheet"]))

    def messages_waiting(self, words: Words) -> None:
        self.tell(events.MessagesWaiting(int(words["count"])))

    def ask(self, words: Words) -> None:
        assert self.now is not None, "a story says `at` first"
        until = None
        if "until" in words:
            hour, minute, second = map(int, words["until"].split(":"))
            local = self.office.local(self.now.wall)
            until = local.replace(hour=hour, minute=minute, second=second, microsecond=0)
        request = REQUESTS[words["what"]](words["on"] == "on", words["by"], until)
        refusal = self.switchboard.refusal_of(request)
        self.answer = refusal.text("it") if refusal else "nothing"
        self.tell(events.ServiceStateChanged(request))
