"""Switchboard: events in, orders out. It decides; it opens nothing and reads no clock.

`handle(event, now)` returns the orders to carry out, in order. `next_deadline()` returns when to
call `due`; the events that `due` returns go to `handle` like any other. The service around it
reserves an RTP port before a phone is rung, and keeps records and recordings.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple, Never, TypeVar, cast

from appliance.calls import (
    branches,
    conference,
    confinement,
    dictation,
    incoming,
    internal,
    manual_states,
    model,
    orders,
    outgoing,
    outside_call,
    pbx,
    phone_control,
    returning,
    ringing,
    transfer,
    updates,
    voicemail,
)
from appliance.calls.commands import BringHead, ControlPhone, Request, TransferCall
from appliance.calls.events import (
    AlternateWished,
    AnswerWished,
    BoxStopped,
    BranchCalled,
    CallBackAsked,
    CallerHungUp,
    CallerIdentified,
    DeadlinePassed,
    DictationAsked,
    Event,
    Evidence,
    HandOverWished,
    HangUpWished,
    HoldWished,
    LineNeeded,
    LineRang,
    MediaGatewayLost,
    OperatorAnswered,
    PhoneDialled,
    PhoneHungUp,
    ResumeWished,
    RingTried,
    ServiceStateChanged,
    TransferAsked,
)
from appliance.calls.manual_states import REMIND, become, request_of, requested
from appliance.calls.model import Call, LearnedPhone, LineState, Side, SwitchboardState
from appliance.calls.orders import CallRecord, HangUpPhone, Order
from appliance.calls.states import CallAction, Ignored, State, row_for
from appliance.calls.status import Status, status
from appliance.calls.transfer import Offered
from appliance.deadlines import earliest, is_due
from appliance.policy.clock import Now
from appliance.policy.directory import Directory
from appliance.policy.office import KeyCode, Office, StaffKey
from appliance.policy.opening import NO_MANUAL_STATES, ServiceState
from appliance.policy.text import SaidError
from appliance.text import Words, _

Orders = Iterator[Order]
# Never: each handler takes the events of its own rows only. mypy checks a handler against its
# annotation, tests/calls/test_states.py the annotation against the rows.
Handler = Callable[[SwitchboardState, Call, Never, Now], Orders]

HANDLERS: Mapping[CallAction, Handler] = {
    CallAction.ROUTE: ringing.route,
    CallAction.RING_AT_ONCE: ringing.ring_at_once,
    CallAction.TURN_HALF_DUPLEX: ringing.turn_half_duplex,
    CallAction.LEARN_CALLER: ringing.learn_caller,
    CallAction.GIVE_UP: ringing.give_up,
    CallAction.ANSWER: ringing.answer,
    CallAction.LEG_OUT: ringing.leg_out,
    CallAction.NEXT_STAGE: ringing.next_stage,
    CallAction.PBX_GREET: pbx.greet_passed,
    CallAction.PBX_GO: pbx.pass_on,
    CallAction.PBX_CALL: pbx.call_extension,
    CallAction.PBX_HEAR: pbx.hear_far_end,
    CallAction.PBX_AWAIT_KEY: pbx.await_key,
    CallAction.PBX_OFFER_AGAIN: pbx.offer_again,
    CallAction.PBX_ACCEPT: pbx.accept_key,
    CallAction.PBX_TAKE_BACK: pbx.take_back,
    CallAction.PBX_CALLER_BACK: transfer.caller_back,
    CallAction.PBX_APPLY_ABSENCE: pbx.apply_absence,
    CallAction.APPLY_ABSENCE: ringing.apply_absence,
    CallAction.RING_ON: ringing.ring_on,
    CallAction.HOLD: ringing.hold_caller,
    CallAction.QUEUE_GREET: ringing.queue_line_up,
    CallAction.QUEUE_HOLD: ringing.hold_waiting,
    CallAction.QUEUE_KEY: voicemail.key_in_queue,
    CallAction.QUEUE_LEG_OUT: ringing.queue_leg_out,
    CallAction.QUEUE_TICK: ringing.waiting_due,
    CallAction.QUEUE_FOLLOW_STATES: ringing.queue_follow_states,
    CallAction.CALLBACK_AWAIT_KEY: ringing.await_callback_key,
    CallAction.CALLBACK_OBEY: ringing.obey_callback_key,
    CallAction.CALLBACK_STORED: ringing.callback_stored,
    CallAction.CALLBACK_DECLINED: ringing.callback_declined,
    CallAction.TALK: ringing.begin_talk,
    CallAction.PICK_UP: phone_control.pick_up,
    CallAction.PUT_ON_HOLD: phone_control.put_on_hold,
    CallAction.RESUME: phone_control.resume,
    CallAction.RESUME_BY_KEY: phone_control.resume_by_key,
    CallAction.RECALL: phone_control.recall,
    CallAction.HOLD_ON: phone_control.hold_on,
    CallAction.BACK_TO_CALLER: phone_control.back_to_caller,
    CallAction.TAKE_BACK_AT_SCREEN: phone_control.take_back,
    CallAction.ALTERNATE: phone_control.alternate,
    CallAction.HAND_OVER_AT_SCREEN: phone_control.hand_over,
    CallAction.OFFICE_HOLD_ON: returning.office_hold_on,
    CallAction.OPERATOR_LEFT: returning.operator_left,
    CallAction.OPERATOR_LOST: incoming.operator_lost,
    CallAction.CALLER_LEFT: ringing.caller_left,
    CallAction.LEAVE: ringing.leave,
    CallAction.LEAVE_BEFORE_TONE: voicemail.leave_before_tone,
    CallAction.LOSE_BEFORE_TONE: voicemail.lose_before_tone,
    CallAction.GIVE_LINE_BEFORE_TONE: incoming.give_line_before_tone,
    CallAction.NEVER_UP: ringing.never_up,
    CallAction.GREET: voicemail.greet_caller,
    CallAction.SOUND_TONE: voicemail.sound_tone,
    CallAction.CHOOSE: voicemail.choose_sheet,
    CallAction.KEY_IN_SHEET: voicemail.key_in_sheet,
    CallAction.OFFER_AGAIN: voicemail.offer_again,
    CallAction.RECORD: voicemail.begin_recording,
    CallAction.END_BY_KEY: voicemail.end_by_key,
    CallAction.NOTE_GAP: voicemail.note_gap,
    CallAction.KEEP: voicemail.keep_message,
    CallAction.KEEP_AS_IS: voicemail.keep_as_is,
    CallAction.BREAK_OFF: voicemail.break_off,
    CallAction.STORED: voicemail.message_stored,
    CallAction.NOT_STORED: voicemail.not_stored,
    CallAction.SAVED: voicemail.message_saved,
    CallAction.NOT_SAVED: voicemail.not_saved,
    CallAction.CALLER_WENT: voicemail.caller_went,
    CallAction.LINE_WENT: voicemail.line_went,
    CallAction.FREE_LINE: voicemail.free_line,
    CallAction.HANG_UP: ringing.hang_up,
    CallAction.NOTE_RELEASE: ringing.note_release,
    CallAction.TAKEN_RINGING: incoming.taken_ringing,
    CallAction.HAND_OVER: incoming.leave_to_parallel,
    CallAction.HAND_OVER_SAVING: incoming.leave_to_parallel_saving,
    CallAction.SHARE: incoming.share_line,
    CallAction.NOTE_TAKEN: incoming.note_taken,
    CallAction.END_LONGEST: incoming.end_longest,
    CallAction.FORWARD_KEY: transfer.pass_on,
    CallAction.COLLECT_KEY: transfer.collect,
    CallAction.NO_MORE_KEYS: transfer.give_up,
    CallAction.CHOICE_HEARD: returning.choice_heard,
    CallAction.CHOICE_KEY: transfer.press,
    CallAction.CHOICE_OVER: returning.back_to_caller,
    CallAction.ASK_BY_REFER: transfer.attended_by_refer,
    CallAction.ASK_FOR: transfer.by_person,
    CallAction.BRING_HEAD: conference.by_person,
    CallAction.TRANSFER_HOLD: transfer.prompt_over,
    CallAction.NUMBER_OUT: transfer.number_out,
    CallAction.NUMBER_SILENT: transfer.number_silent,
    CallAction.OFFICE_ANSWERED: returning.office_answered,
    CallAction.TAKE_BACK: returning.take_back,
    CallAction.CONSULT_OVER: returning.consult_over,
    CallAction.CONSULT_KEY: returning.consult_key,
    CallAction.CONSULT_TOO_LONG: returning.consult_too_long,
    CallAction.OFFICE_KEY: returning.office_key,
    CallAction.OFFICE_LOST: returning.office_lost,
    CallAction.RETURN_PHONE_OUT: returning.phone_out,
    CallAction.RETURN_NOBODY: returning.return_unanswered,
    CallAction.RETURN_HOLD: returning.prompt_over,
    CallAction.RETURN_ANSWERED: returning.operator_answered,
    CallAction.RETURN_APPLY_ABSENCE: returning.apply_absence,
    CallAction.RETURN_STAY: returning.offer_over,
    CallAction.LEAVE_WORDS: returning.leave_words,
    CallAction.TURN_FAX_AWAY: incoming.turn_fax_away,
    CallAction.NOTE_FAX: incoming.note_fax,
    CallAction.NOTE_FAX_IN_CONVERSATION: incoming.note_fax_in_conversation,
    CallAction.GIVE_LINE: incoming.give_line,
    CallAction.GIVE_LINE_RECORDING: incoming.give_line_recording,
    CallAction.GIVE_LINE_SAVING: incoming.give_line_saving,
    CallAction.CORRECT: voicemail.correct,
    CallAction.END: ringing.finish_call,
    CallAction.NOT_IDLE: ringing.not_idle,
    CallAction.LOSE: ringing.lose_line,
}

# RFC 3261 21.4: the SIP answers to an unknown code and to a phone that is not the office's.
NOT_FOUND = 404
FORBIDDEN = 403
EXPIRY = "service_state"
"""`what` of the deadline at which a manual state ends by itself."""

Given = tuple[Order, ...]
"""Orders of the steps before."""


class Switchboard:
    """Call control of one office. `prefix` makes call ids unique over restarts: "prefix-1", ...

    `state` holds the manual states saved before the restart, `learned` what was seen of phones.
    Not thread-safe: one thread decides. `on_fault` is called in the handler that caught a
    programming error; the error is confined to its call (confinement.py). Without `on_fault` the
    error is raised.
    """

    def __init__(
        self,
        office: Office,
        prefix: str,
        state: ServiceState = NO_MANUAL_STATES,
        on_fault: Callable[[], None] | None = None,
        learned: tuple[LearnedPhone, ...] = (),
    ) -> None:
        self.on_fault = on_fault
        self._board = SwitchboardState(office, prefix, state)
        phone_control.recall_learned(self._board, learned)
        self._expiry = None if state.next_expiry() is None else 0.0
        self._followed = NO_MANUAL_STATES

    def handle(self, event: Event, now: Now) -> tuple[Order, ...]:
        """Return the orders that an event leads to, in order."""
        now, event = self._prepared(event, now)
        # An ordinary telephone has no SIP leg: its line's events tell all of it (outside_call.py),
        # and a phone's event for such a leg would leave the line seized.
        if getattr(event, "leg", "") in self._board.outside:
            return ()
        given: tuple[Order, ...] = ()
        for step in STEPS:
            given += self._carry_out(step, event, given, now)
        return given

    def failed(self, order: Order, now: Now) -> tuple[Order, ...]:
        """Return the orders that bring the call of a failed order to safety."""
        # `_release` takes an order as well as an event: both name their subject by line or leg.
        return self._carry_out(HandleStep(Switchboard._release), cast("Event", order), (), now)

    def _prepared(self, event: Event, now: Now) -> tuple[Now, Event]:
        """Return the moment as it is judged, and the event translated and with a national number.

        The event of a leg that is a call's line becomes that line's (sip_line.py).
        """
        board, meant = self._board, event
        try:
            now, meant = board.judged(now), board.line_event(event)
            meant = updates.with_national_number(board, meant)
            phone = getattr(meant, "phone", "")
            # People of another branch say nothing about who is here.
            if isinstance(meant, BY_PEOPLE) and not branches.is_elsewhere(board, phone):
                self.somebody_is_there(now)
                # Again: without a trusted clock, somebody present changes what holds.
                now = board.judged(now)
        except Exception:  # noqa: BLE001 - a fault of ours, which is confined
            self._note_fault()
        return now, meant

    def _carry_out(
        self, step: HandleStep, event: Event, given: tuple[Order, ...], now: Now
    ) -> tuple[Order, ...]:
        """Run a step; after a programming error run its rescue too. Return the orders of both."""
        ordered: list[Order] = []
        try:
            # Order by order: what a step ordered before an error holds. Each one is translated at
            # once, because what a leg stands for may change before the step is over.
            for order in step.run(self, event, given, now):
                ordered += self._translated(order, now)
        except Exception:  # noqa: BLE001 - a fault of ours, which is confined
            self._note_fault()
            # The rescue is a step without one of its own: an error in it ends here.
            rescue = HandleStep(step.rescue)
            ordered += self._carry_out(rescue, event, tuple(ordered), now)
            confinement.tidy(self._board, now)
        return tuple(ordered)

    def _note_fault(self) -> None:
        """Report the programming error being handled; without `on_fault` raise it again."""
        if self.on_fault is None:
            raise
        self.on_fault()

    # --- The steps of STEPS and their rescues, in that order. ------------------------------------

    def _note(self, event: Event, _given: Given, now: Now) -> Orders:
        """Update what the switchboard knows, before any call handles the event."""
        if own := OWN.get(type(event)):
            yield from own(self, cast("Never", event), now)
        elif update := updates.UPDATES.get(type(event)):
            yield from update(self._board, cast("Never", event), now)

    def _refuse(self, event: Event, given: Given, _now: Now) -> Orders:
        """Refuse a phone whose call could not be begun."""
        return confinement.unheard(self._board, event, given)

    def _tell_calls(self, event: Event, _given: Given, now: Now) -> Orders:
        """Give an event to the calls it concerns."""
        return self._dispatch(event, now)

    def _release(self, event: Event | Order, _given: Given, now: Now) -> Orders:
        """Bring the calls that an event or an order names to safety."""
        leg = getattr(event, "leg", "")
        sides = [side for side in self._board.sides.values() if leg in side.legs]
        yield from self._confined_sides(sides, now)
        yield from self._confined(self._calls_of(event), event, now)

    def _seek_for_returns(self, _event: Event, _given: Given, now: Now) -> Orders:
        """Ring the phones that have become free for a transfer that came back."""
        return returning.seek(self._board, now)

    def _release_returns(self, _event: Event, _given: Given, now: Now) -> Orders:
        """Rescue of `_seek_for_returns`: bring every returning call to safety."""
        yield from self._confined(self._calls_in(State.TRANSFER_RETURNING), None, now)

    def _seize(self, _event: Event, _given: Given, now: Now) -> Orders:
        """Give an emergency call without a line the first idle one, or have one freed."""
        for side in outgoing.waiting(self._board):
            freeing = side.freeing
            yield from outgoing.seek(self._board, side, now)
            # Only when the choice is new: a call is asked once to give its line away.
            if side.freeing and side.freeing != freeing:
                yield from self._dispatch(LineNeeded(side.freeing), now)

    def _release_seeking(self, _event: Event, _given: Given, now: Now) -> Orders:
        """Rescue of `_seize`: end the emergency calls that wait for a line."""
        yield from self._confined_sides(outgoing.waiting(self._board), now)

    def _place_supervisor(self, _event: Event, given: Given, now: Now) -> Orders:
        """Let the supervisor hear what the operator hears, or hang up the supervisor's phones."""
        return conference.place_supervisor(self._board, given, now)

    def _dismiss_supervisors(self, _event: Event, _given: Given, _now: Now) -> Orders:
        """Hang up every supervisor's phones; the conversations go on."""
        board = self._board
        for side in [
            side for side in board.sides.values() if isinstance(side, conference.SupervisorCall)
        ]:
            yield from conference.dismiss_supervisor(board, side)

    def _follow_states(self, _event: Event, _given: Given, now: Now) -> Orders:
        """Follow a change of the manual states: reminders, mails and their next end."""
        board, before = self._board, self._followed
        if board.service is not before:
            self._followed = board.service
            yield from manual_states.heed(board, before, now)

    def _plan_expiry(self, _event: Event, _given: Given, now: Now) -> Orders:
        """Set the monotonic deadline at which the next manual state ends."""
        # After every event anew: states end by wall clock, and the clock may be set meanwhile.
        at = self._board.service.next_expiry()
        wait = None if at is None else (at - now.wall).total_seconds()
        self._expiry = None if wait is None else now.monotonic + max(wait, 0.0)
        return iter(())

    def _serve_queue(self, _event: Event, _given: Given, now: Now) -> Orders:
        """Ring the positions that are still free for the callers in the queue."""
        return ringing.serve_queue(self._board, now)

    def _release_queue(self, _event: Event, _given: Given, now: Now) -> Orders:
        """Rescue of `_serve_queue`: bring every waiting call to safety."""
        yield from self._confined(self._calls_in(State.QUEUED), None, now)

    def _free_lines(self, _event: Event, _given: Given, now: Now) -> Orders:
        """Report lines as idle that were let go and have no modem to prove it."""
        for idle in self._board.take_idle():
            yield from self._dispatch(idle, now)

    def _calls_in(self, state: State) -> tuple[Call, ...]:
        return tuple(call for call in self._board.calls.values() if call.state is state)

    def _confined(self, calls: Iterable[Call], event: object, now: Now) -> Orders:
        for call in tuple(calls):
            yield from confinement.of_call(self._board, call, event, None, now, self._note_fault)

    def _confined_sides(self, sides: Iterable[Side], now: Now) -> Orders:
        for side in sides:
            yield from confinement.of_side(self._board, side, None, None, now, self._note_fault)

    def _translated(self, order: Order, now: Now) -> list[Order]:
        """Turn orders to an ordinary telephone's leg into orders to its line, then orders to a line
        into what its driver understands.
        """
        # In this order: the first may yield an order to a line that is itself a SIP leg.
        ours = outside_call.for_its_line(self._board, order, now)
        return [each for order in ours for each in self._board.driver_orders(order)]

    def next_deadline(self) -> float | None:
        """Return the monotonic second at which `due` returns something, or None."""
        return earliest((*_deadlines(self._board), self._expiry))

    def due(self, now: Now) -> tuple[DeadlinePassed, ...]:
        """Return the deadlines that have passed, each once; give them to `handle`."""
        passed = []
        if is_due(self._expiry, now.monotonic):
            self._expiry = None
            passed.append(DeadlinePassed(EXPIRY))
        passed += _take_due(self._board, now)
        return tuple(passed)

    @property
    def service(self) -> ServiceState:
        """The manual states in force."""
        return self._board.service

    @property
    def directory(self) -> Directory:
        """The directory of offices in force."""
        return self._board.directory

    @property
    def office(self) -> Office:
        """The office, with the hours in force."""
        return self._board.office

    def answer_to(self, request: TransferCall, now: Now) -> Words | None:
        """Return why a transfer command is refused now (E23); None: TransferWished carries it out.

        Raises OfficeError when nobody talks with that caller, and for an unknown office.
        """
        self.call_for(request)
        return transfer.answer_to(self._board, request, self.judged(now))

    def offered(self, now: Now) -> tuple[Offered, ...]:
        """List every office and need, and whether a caller may be transferred there now (P5)."""
        return transfer.offered(self._board, self.judged(now))

    def answer_about_head(self, request: BringHead, now: Now) -> Words | None:
        """Return why a supervisor cannot be brought in, or called off, now; None: HeadWished does.

        Raises OfficeError when nobody talks with that caller.
        """
        call = self._board.calls[self.call_for(request)]
        return conference.answer_to(self._board, call, request, self.judged(now))

    def about_phone(self, request: ControlPhone, now: Now) -> phone_control.PhoneVerdict:
        """Decide on a command for the phone of a position, at the screen."""
        return phone_control.judge(self._board, request, self.judged(now))

    def refusal_of(self, request: object) -> Words | None:
        """Return why a command about the manual states is refused (E19); None: it is allowed."""
        return manual_states.away_refusal(self._board, request)

    def call_for(self, request: TransferCall | BringHead) -> str:
        """Return the id of the talking call that a command names by its id or by its phone.

        Raises OfficeError when there is none.
        """
        # On hold: the caller may go on to an office, the supervisor joins only who talk.
        able = transfer.WITH_CALLER if isinstance(request, TransferCall) else {State.TALKING}
        for call in self._board.calls.values():
            if call.state in able and request.call in {call.id, call.leg_phone}:
                return call.id
        raise SaidError(
            _("{call!r} talks with no caller: name a call or a phone that does", call=request.call)
        )

    def status(self, now: Now) -> Status:
        """Return the status of all calls, lines and positions at a moment."""
        return status(self._board, self.judged(now))

    def learned(self) -> tuple[LearnedPhone, ...]:
        """Return what was seen of phones, for the next run."""
        return phone_control.learned(self._board)

    def judged(self, now: Now) -> Now:
        """Return a moment with the rule that replaces the hours while the clock is not trusted."""
        return self._board.judged(now)

    def somebody_is_there(self, now: Now) -> None:
        """Note that a person has done something; it counts while the time is not known."""
        self._board.attendance = self._board.attendance.see(now.monotonic)

    # --- What an event does before any call handles it: the rows of OWN. -------------------------

    def _on_rang(self, event: LineRang, now: Now) -> Orders:
        """Begin a call when a line without one rings."""
        board = self._board
        channel = board.channels.get(event.line)
        if channel is None or channel.call:
            return
        number = channel.line.called_number
        channel.call = call_id = board.new_id()
        clock = now.clock_state.value
        record = CallRecord(call_id, event.line, now.wall, clock, called=number, trail=("rang",))
        call = board.calls[call_id] = Call(call_id, channel.line, record)
        call.enter(call.state, now)
        channel.become(LineState.RINGING, now)
        if event.caller is not None:
            known = CallerIdentified(event.line, event.caller, event.dated)
            yield from updates.note_caller(board, known, now)
        # Before any other order of this call: it is on record even if the box dies now (E18).
        yield call.write()

    def _on_call_back(self, event: CallBackAsked, now: Now) -> Orders:
        yield from outgoing.call_back(self._board, event, now)

    def _on_branch(self, event: BranchCalled, now: Now) -> Orders:
        yield from incoming.begin_trunk_call(self._board, event, now)

    def _on_dictation(self, event: DictationAsked, now: Now) -> Orders:
        yield from dictation.begin_dictation(self._board, event, now)

    def _on_ring_tried(self, event: RingTried, now: Now) -> Orders:
        yield from manual_states.try_ring(self._board, event.phone, now)

    def why_no_ring(self, phone: str) -> Words | None:
        """Return why a phone cannot ring for a try now, None if it can."""
        return manual_states.why_no_ring(self._board, phone)

    def _on_dialled(self, event: PhoneDialled, now: Now) -> Orders:
        """Carry out a dialled key code, or begin the call to a dialled number."""
        # A leg dials once: a repeated event must not disturb the call that is on it.
        if event.leg in (*self._board.sides, *self._board.channels):
            return
        yield from manual_states.count_answer(self._board, event.phone)
        yield from _serve_dialled(self._board, event, now)
        request = _state_command(self._board, event, now)
        if request is not None:
            change = ServiceStateChanged(request)
            yield from self._on_request(change, now)
            yield from self._dispatch(change, now)

    def _on_transfer(self, event: TransferAsked, now: Now) -> Orders:
        """Refuse a REFER of a phone that does not talk with a caller."""
        calls = self._calls_of(event)
        for call in calls:
            if isinstance(row_for(call.state, TransferAsked), Ignored):
                yield from transfer.refuse_refer(call, event, now)
        if not calls:
            yield orders.TellTransfer(event.leg, event.fault or orders.DECLINED)

    def _on_request(self, event: ServiceStateChanged, now: Now) -> Orders:
        board = self._board
        left = manual_states.open_call(board, event.request)
        # E19: no position goes away while it holds a caller or a return is open.
        if left is not None:
            yield from manual_states.note_away_refusal(left, getattr(event.request, "by", ""))
            return
        yield from become(board, requested(board.office, board.service, event.request, now))

    def _on_lifted(self, event: OperatorAnswered, now: Now) -> Orders:
        """Note that a position is attended: its phone was answered (E3)."""
        phone_control.note_answer(self._board, event, now)
        yield from manual_states.count_answer(self._board, event.phone)

    def _on_answer_wished(self, event: AnswerWished, now: Now) -> Orders:
        """Have a phone pick up that rings without a caller; a call's row does it for a caller."""
        leg = phone_control.ringing_leg(self._board, event.phone)
        if leg and not event.call:
            yield from phone_control.ask_to_pick_up(self._board, leg, event.phone, now)

    def _on_hang_up_wished(self, event: HangUpWished, now: Now) -> Orders:
        """Put a phone down: what follows is what follows a handset that is put down."""
        leg = phone_control.own_leg(self._board, event.phone)
        if not leg:
            return
        # A person has asked for it: it is no phone that hangs up by itself after a failed REFER.
        for call in self._board.calls.values():
            if call.leg == leg:
                call.failed = ("", 0.0)
        yield HangUpPhone(leg)
        yield from self._dispatch(PhoneHungUp(leg, "screen"), now)

    def _on_deadline(self, event: DeadlinePassed, now: Now) -> Orders:
        """End manual states whose time is over, and send reminders that are due."""
        board = self._board
        ended = board.service.expired(now.wall)
        # E4: when "all absent" ends by itself, every position is told; people are expected back.
        all_back = board.service.absent is not None and ended.absent is None
        yield from become(board, ended)
        if all_back:
            yield from manual_states.all_back(board, now)
        if event.what == REMIND:
            yield from manual_states.remind(board, event.call, now)

    def _dispatch(self, event: Event, now: Now) -> Orders:
        """Give an event to the calls it concerns, by the tables."""
        # A tuple first: handlers add and remove calls of `sides` while this runs.
        concerned = tuple(side for side in self._board.sides.values() if side.concerns(event))
        for side in concerned:
            yield from self._follow_side(side, event, now)
            # Events that a call of the box's own makes for the caller's call (outside_call.py).
            for told in side.take_told():
                yield from self._dispatch(told, now)
        calls = self._calls_of(event)
        for call in calls:
            yield from self._follow(call, event, now)
        # It crossed the order to stop ringing.
        if isinstance(event, OperatorAnswered) and not calls and not concerned:
            yield orders.HangUpPhone(event.leg)

    def _follow(self, call: Call, event: Event, now: Now) -> Orders:
        # E5: a listener is silent, so silence ends no call; recordings have a rule of their own.
        if isinstance(event, CallerHungUp) and event.evidence is Evidence.SILENCE:
            call.note("silence.ignored")
            return
        row = row_for(call.state, type(event))
        if isinstance(row, Ignored):
            return
        before = confinement.seen(call)
        try:
            yield from HANDLERS[row.do](self._board, call, cast("Never", event), now)
        except Exception:  # noqa: BLE001 - a fault of ours, which is confined
            self._note_fault()
            note = self._note_fault
            yield from confinement.of_call(self._board, call, event, before, now, note)

    def _follow_side(self, side: Side, event: Event, now: Now) -> Orders:
        before = side.state, tuple(side.legs)
        try:
            yield from model.follow(self._board, side, event, now)
        except Exception:  # noqa: BLE001 - a fault of ours, which is confined
            self._note_fault()
            note = self._note_fault
            yield from confinement.of_side(self._board, side, event, before, now, note)

    def _calls_of(self, event: object) -> tuple[Call, ...]:
        """Return the calls that an event concerns; none for an event of a call that is over."""
        board = self._board
        # These concern every call and name none.
        if isinstance(event, MediaGatewayLost | BoxStopped | ServiceStateChanged):
            return tuple(board.calls.values())
        # `late`: a MessageStored may come after its call has ended, and corrects the record.
        call = board.calls.get(self._call_id(event)) or board.late.get(self._call_id(event))
        play = getattr(event, "play", "")
        # The end of an earlier announcement, which a later one has cut short, means nothing now:
        # the end of a greeting that `#` has skipped is not the end of the tone.
        if call is None or (play and play not in {call.play, call.leg_play}):
            return ()
        # The call has left the state whose limit this was.
        if isinstance(event, DeadlinePassed) and event.what != call.state.value:
            return ()
        return (call,)

    def _call_id(self, event: object) -> str:
        """Return the id of the call that an event names by line, leg, play, call or recording."""
        line, leg = getattr(event, "line", ""), getattr(event, "leg", "")
        if line:
            channel = self._board.channels.get(line)
            return channel.call if channel else ""
        if leg:
            # A REFER with Replaces names two legs; the caller may be on either (RFC 5589).
            legs = (leg, getattr(event, "other", ""))
            owned = (c.id for each in legs for c in self._board.calls.values() if c.owns(each))
            return next(owned, "")
        play = getattr(event, "play", "")
        # Call.new_play names it "<call>.p<number>".
        if play:
            return str(play).rpartition(".")[0]
        # A recording of a line has its call's id as its name (voicemail.begin_recording).
        return str(getattr(event, "call", "") or getattr(event, "recording", ""))


def _nothing(_switchboard: Switchboard, _event: Event, _given: Given, _now: Now) -> Orders:
    """Order nothing: the rescue of a step that concerns no call."""
    return iter(())


class HandleStep(NamedTuple):
    """Step of `handle`, and the `rescue` that runs when it fails by a programming error.

    `run` takes the event, the orders of the steps before and the moment; `rescue` takes the orders
    that its own step had given before it failed.
    """

    run: Callable[[Switchboard, Event, Given, Now], Orders]
    rescue: Callable[[Switchboard, Event, Given, Now], Orders] = _nothing


STEPS: tuple[HandleStep, ...] = (
    # First what is known of lines, phones, hours and states: the calls below decide by it.
    HandleStep(Switchboard._note, Switchboard._refuse),
    # The calls that the event concerns, by the tables; their handlers may free phones and lines.
    HandleStep(Switchboard._tell_calls, Switchboard._release),
    # E6: a free operator is rung for a return before any new call, so before the queue.
    HandleStep(Switchboard._seek_for_returns, Switchboard._release_returns),
    # A line that the calls have let go is an emergency call's before anybody else's.
    HandleStep(Switchboard._seize, Switchboard._release_seeking),
    # Needs all orders so far: one that joins the line elsewhere has parted the supervisor from it.
    HandleStep(Switchboard._place_supervisor, Switchboard._dismiss_supervisors),
    # Once the calls have heard of another manual state: reminders and mails.
    HandleStep(Switchboard._follow_states),
    # After every step that may change a manual state: when the next one ends by itself.
    HandleStep(Switchboard._plan_expiry),
    # Those who wait get the phones that nothing above has taken.
    HandleStep(Switchboard._serve_queue, Switchboard._release_queue),
    # Last: SIP legs that any step has let go are idle lines now, which ends their calls.
    HandleStep(Switchboard._free_lines),
)
"""What `handle` does with every event, in this order."""

# Events that only a person can cause: somebody is there.
BY_PEOPLE = (
    OperatorAnswered,
    PhoneDialled,
    ServiceStateChanged,
    CallBackAsked,
    RingTried,
    AnswerWished,
    HoldWished,
    ResumeWished,
    AlternateWished,
    HandOverWished,
    HangUpWished,
)
E = TypeVar("E")
OwnHandler = Callable[[Switchboard, Never, Now], Orders]


def _own(kind: type[E], do: Callable[[Switchboard, E, Now], Orders]) -> tuple[type, OwnHandler]:
    """Return a row of OWN; mypy sees that the method takes its event."""
    return kind, do


# Events that do more than update state (updates.py) before any call handles them.
OWN: Mapping[type, OwnHandler] = dict(
    (
        _own(LineRang, Switchboard._on_rang),
        _own(OperatorAnswered, Switchboard._on_lifted),
        _own(PhoneDialled, Switchboard._on_dialled),
        _own(BranchCalled, Switchboard._on_branch),
        _own(CallBackAsked, Switchboard._on_call_back),
        _own(DictationAsked, Switchboard._on_dictation),
        _own(RingTried, Switchboard._on_ring_tried),
        _own(TransferAsked, Switchboard._on_transfer),
        _own(AnswerWished, Switchboard._on_answer_wished),
        _own(HangUpWished, Switchboard._on_hang_up_wished),
        _own(ServiceStateChanged, Switchboard._on_request),
        _own(DeadlinePassed, Switchboard._on_deadline),
    )
)


def _serve_dialled(board: SwitchboardState, event: PhoneDialled, now: Now) -> Iterator[Order]:
    """Answer or refuse a phone that dialled; `_state_command` returns what changes the state."""
    code = board.office.key_code(event.digits)
    other = board.office.phone_at(event.digits)
    number = board.office.outgoing.outside(event.digits)
    # First, and for any phone: also one that the office does not know may call for help.
    if board.office.outgoing.is_emergency(number):
        yield from outgoing.dial(board, event, number, now)
    elif event.phone not in board.office.known_phones:
        yield orders.RefusePhone(event.leg, FORBIDDEN)
    elif code is not None:
        yield from _obey(board, event, code, now)
    elif other:
        yield from internal.ring_phone(board, event, other, now)
    elif wish := transfer.wished(board, event, now):
        yield from transfer.begin_consultation(board, event, wish, now)
    elif number:
        yield from outgoing.dial(board, event, number, now)
    else:
        yield orders.RefusePhone(event.leg, NOT_FOUND)


def _state_command(board: SwitchboardState, event: PhoneDialled, now: Now) -> Request | None:
    """Return the state command that a dialled code stands for, or None."""
    code = board.office.key_code(event.digits)
    if code is None or event.phone not in board.office.known_phones:
        return None
    return request_of(code, event.phone, now)


def _obey(board: SwitchboardState, event: PhoneDialled, code: KeyCode, now: Now) -> Iterator[Order]:
    # What needs a call of its own comes first; every other code only plays its outcome.
    if code.what is StaffKey.MESSAGES:
        yield from internal.hear_messages(board, event, now)
        return
    if code.what is StaffKey.PICK_UP and (call := incoming.longest_waiting(board, event.phone)):
        yield from incoming.pick_up(board, call, event, now)
        return
    nothing = code.what is StaffKey.PICK_UP
    prompt = "pickup_nothing" if nothing else f"state_{code.what}_{'on' if code.on else 'off'}"
    # E19: refused; `_on_request` changes nothing either, and says so in the record.
    if manual_states.open_call(board, request_of(code, event.phone, now)) is not None:
        prompt = manual_states.REFUSAL_PROMPT
    yield from internal.answer_and_say(board, event, (prompt,), now)


def _deadlines(board: SwitchboardState) -> Iterator[float | None]:
    """Yield the deadline of every call and reminder; None for one without."""
    yield from (call.deadline for call in board.calls.values())
    yield from (side.deadline for side in board.sides.values())
    yield from board.reminders.values()


def _take_due(board: SwitchboardState, now: Now) -> Iterator[DeadlinePassed]:
    """Yield the deadlines that have passed, and clear them."""
    for call in board.calls.values():
        if is_due(call.deadline, now.monotonic):
            call.deadline = None
            yield DeadlinePassed(call.state.value, call.id)
    for side in board.sides.values():
        if is_due(side.deadline, now.monotonic):
            side.deadline = None
            yield DeadlinePassed(side.state.value, side.leg)
    for phone, at in board.reminders.items():
        if is_due(at, now.monotonic):
            board.reminders[phone] = None
            yield DeadlinePassed(REMIND, phone)
