"""Dictation of an announcement of the office at a phone: ring, record, play back, keep or discard.

The phone plays what to do and a tone; the hash key ends the recording, which is then played back: 1
keeps it as a draft, 2 records anew, star or hanging up discards it. One person speaks, on a leg
that is joined to nobody: no conversation is ever recorded (E21). A caller goes before: a phone that
rings for a dictation counts as free, and one at which somebody dictates is taken where no other is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from appliance.calls import announcements, manual_states, model, orders
from appliance.calls.events import (
    DeadlinePassed,
    DictationAsked,
    DigitPressed,
    Event,
    LegEnded,
    PhoneBusy,
    PhoneDeclined,
    PhoneHungUp,
    RecordingEnded,
    RecordingStop,
    TakeKept,
)
from appliance.calls.model import Actions, Side, SwitchboardState
from appliance.calls.side_states import DICTATION_TABLE, SideAction, SideState
from appliance.calls.status import SAID, Went
from appliance.policy.clock import Now
from appliance.text import Words, _

Orders = Iterator[orders.Order]

KEEP, AGAIN, DISCARD, END = "1", "2", "*", "#"
RING_MS = 25_000
CHOOSE_MS = 30_000
"""Time for a key after the recording was played back, ms."""
# The longest announcement; silence ends it, but not in the grace time, while somebody draws breath.
LONGEST_MS, SILENCE_MS, GRACE_MS = 30_000, 5_000, 8_000
# Shortest recording, ms; in less nothing can be heard.
LEAST_MS = 500
# Longest series of recordings: a phone left off the hook ends all the same.
MOST_TAKES = 9
SHOWN = _("Dictation of an announcement")
"""Text on the phone's display."""
LOST = {RecordingStop.LOST, RecordingStop.ORDERED, RecordingStop.RELEASE}
TURNED_DOWN: dict[type, Went] = {
    PhoneHungUp: Went.NO_ANSWER,
    PhoneBusy: Went.BUSY,
    PhoneDeclined: Went.DECLINED,
}
NOT_THERE = _("This phone is not there, or unreachable.")
NO_SOUND = _("Nothing can be recorded at the moment: try again soon.")


@dataclass(slots=True)
class DictationCall(Side):
    """Dictation at a phone: `ask` names the request, `takes` counts the recordings."""

    ask: str = ""
    takes: int = 0

    @property
    def take(self) -> str:
        """Name of the latest recording."""
        return f"take:{self.leg}.{self.takes}"

    @property
    def gives_way(self) -> bool:
        """True until the phone is answered."""
        return self.state is SideState.RINGING

    @property
    def yields(self) -> bool:
        """True once the phone is answered: a caller goes before, where no other phone is free."""
        # P8: while another phone is free nobody who dictates is disturbed.
        return self.state is not SideState.RINGING

    def enter(self, state: SideState, now: Now) -> None:
        """Enter a state and start its limit."""
        Side.enter(self, state, now)
        # Longer than after a message: the person has heard it to its end and may think.
        if state is SideState.WAITING:
            self.deadline = now.monotonic + CHOOSE_MS / 1000

    def make_way(self) -> Orders:
        """Release the phone for a call and discard the recording."""
        if self.state is SideState.RINGING:
            yield orders.StopRinging(self.leg)
        else:
            yield orders.HangUpPhone(self.leg)
        # In these a recording is being kept already, or was: it stays.
        if self.state not in {SideState.CLOSING, SideState.LEAVING}:
            yield from _drop(self, Went.NEEDED)

    def concerns(self, event: Event) -> bool:
        """True for the end of its recording and for its draft, as well as for `Side`'s events."""
        if isinstance(event, RecordingEnded):
            return event.recording == self.take
        if isinstance(event, TakeKept):
            return event.listener == self.leg
        return Side.concerns(self, event)


def begin_dictation(board: SwitchboardState, event: DictationAsked, now: Now) -> Orders:
    """Ring the phone, or answer why not."""
    hindrance = _hindrance(board, event.phone)
    yield orders.AnswerAsked(event.ask, hindrance is None, hindrance or SAID[Went.RINGS])
    if hindrance is not None:
        return
    leg = f"{board.new_id()}.1"
    side = DictationCall(
        leg, event.phone, DICTATION_TABLE, DICTATION_ACTIONS, SideState.RINGING, ask=event.ask
    )
    yield from manual_states.make_way(board, (event.phone,))
    board.add_side(side, now)
    side.deadline = now.monotonic + RING_MS / 1000
    yield orders.RingPhones(
        leg, (orders.Ringing(leg, event.phone),), SHOWN.text(board.office.staff_language)
    )


def _hindrance(board: SwitchboardState, phone: str) -> Words | None:
    """Return why the phone is not rung, or None."""
    if phone not in board.office.known_phones & board.reachable:
        return NOT_THERE
    # A phone that rings for a dictation counts as free, so `engaged` alone does not find it.
    dictates = any(isinstance(s, DictationCall) and s.phone == phone for s in board.sides.values())
    if dictates or phone in board.engaged():
        return SAID[Went.BUSY]
    return None if board.has_media else NO_SOUND


def _give_up(board: SwitchboardState, side: DictationCall, event: object, now: Now) -> Orders:
    """Stop ringing: nobody answered, or there is no sound."""
    yield orders.StopRinging(side.leg)
    late = isinstance(event, DeadlinePassed)
    yield orders.TakeWent(side.ask, Went.NO_ANSWER if late else Went.LOST)


def _turned_down(board: SwitchboardState, side: DictationCall, event: LegEnded, now: Now) -> Orders:
    yield orders.TakeWent(side.ask, TURNED_DOWN.get(type(event), Went.UNREACHABLE))


def _speak(board: SwitchboardState, side: DictationCall, event: object, now: Now) -> Orders:
    yield from _invite(board, side, Went.SPEAKS, now)


def _invite(board: SwitchboardState, side: DictationCall, went: Went, now: Now) -> Orders:
    """Play what to do, and the tone after which to speak."""
    side.enter(SideState.SPEAKING, now)
    yield orders.TakeWent(side.ask, went)
    yield _play(board, side, "dictation_ask", announcements.TONE)


def _play(board: SwitchboardState, side: DictationCall, *keys: str) -> orders.Play:
    words = announcements.staff_words(board.office, keys)
    return orders.Play(side.new_play(), words, leg=side.leg)


def _record(board: SwitchboardState, side: DictationCall, event: object, now: Now) -> Orders:
    side.takes += 1
    yield orders.RecordLeg(side.take, side.leg, LONGEST_MS, SILENCE_MS, GRACE_MS)


def _end_take(
    board: SwitchboardState, side: DictationCall, event: DigitPressed, now: Now
) -> Orders:
    """End the recording by `#`, discard it by `*`."""
    # Answered by RecordingEnded, upon which the recording is played back.
    if event.digit == END:
        yield orders.EndRecording(side.leg)
    elif event.digit == DISCARD:
        yield from _discard(board, side, event, now)


def _review(
    board: SwitchboardState, side: DictationCall, event: RecordingEnded, now: Now
) -> Orders:
    """Play the recording back, or say that it is of no use."""
    if event.stop in LOST:
        yield from _drop(side, Went.LOST)
        yield from _leave(board, side, "try_later", now)
    elif event.stop is RecordingStop.LIMIT:
        yield from _drop(side, Went.TOO_LONG)
        yield from _leave(board, side, "message_full", now)
    elif event.length_ms - event.trim_ms >= LEAST_MS:
        side.enter(SideState.PLAYING, now)
        yield orders.TakeWent(side.ask, Went.REVIEWS)
        # Like a stored message: `Play` names the sound "message/<take>".
        yield orders.LoadMessage(side.leg, side.take)
        own = announcements.message_sound(side.take)
        words = announcements.for_staff(board.office, "dictation_keys")
        yield orders.Play(side.new_play(), (own, *words), leg=side.leg)
    else:
        yield from _again(board, side, Went.UNHEARD, now)


def _again(board: SwitchboardState, side: DictationCall, went: Went, now: Now) -> Orders:
    """Record anew, MOST_TAKES times at most."""
    if side.takes < MOST_TAKES:
        yield orders.DropTake(side.take)
        yield from _invite(board, side, went, now)
    else:
        yield from _drop(side, Went.SILENT if went is Went.UNHEARD else Went.DISCARDED)
        yield from _leave(board, side, "try_later", now)


def _obey(board: SwitchboardState, side: DictationCall, event: DigitPressed, now: Now) -> Orders:
    if event.digit == KEEP:
        side.enter(SideState.CLOSING, now)
        yield orders.KeepTake(side.leg, side.take, side.ask)
    elif event.digit == AGAIN:
        yield from _again(board, side, Went.SPEAKS, now)
    elif event.digit == DISCARD:
        yield from _discard(board, side, event, now)


def _tell(board: SwitchboardState, side: DictationCall, event: TakeKept, now: Now) -> Orders:
    """Play a tone once the draft is kept."""
    # Not TakeWent: the store itself has told the person who asked.
    yield from _leave(board, side, "try_later" if event.reason else KEPT_TONE, now)


def _tell_fault(board: SwitchboardState, side: DictationCall, event: object, now: Now) -> Orders:
    yield orders.TakeWent(side.ask, Went.NOT_KEPT)
    yield from _leave(board, side, "try_later", now)


def _discard(board: SwitchboardState, side: DictationCall, event: object, now: Now) -> Orders:
    side.state = SideState.ENDED
    yield orders.HangUpPhone(side.leg)
    yield from _drop(side, Went.DISCARDED)


def _drop(side: DictationCall, went: Went) -> Orders:
    if side.takes:
        yield orders.DropTake(side.take)
    yield orders.TakeWent(side.ask, went)


def _leave(board: SwitchboardState, side: DictationCall, key: str, now: Now) -> Orders:
    side.enter(SideState.LEAVING, now)
    yield _play(board, side, key)


def _gone(board: SwitchboardState, side: DictationCall, event: object, now: Now) -> Orders:
    """Discard the recording: the phone hung up or is lost."""
    yield from _drop(side, Went.HUNG_UP)


def _break_off(board: SwitchboardState, side: DictationCall, event: object, now: Now) -> Orders:
    """Hang up and discard: there is no sound any more, or a state's limit has passed."""
    yield orders.HangUpPhone(side.leg)
    yield from _drop(side, Went.LOST)


KEPT_TONE = "tone_ok"
DICTATION_ACTIONS: Actions = {
    SideAction.SPEAK: _speak,
    SideAction.GIVE_UP: _give_up,
    SideAction.LOSE: _turned_down,
    SideAction.RECORD: _record,
    SideAction.END_TAKE: _end_take,
    SideAction.REVIEW: _review,
    SideAction.WAIT: model.forget,
    SideAction.OBEY: _obey,
    SideAction.TELL: _tell,
    SideAction.TELL_FAULT: _tell_fault,
    SideAction.LEAVE: _discard,
    SideAction.PART: _gone,
    SideAction.HANG_UP: _break_off,
    SideAction.FINISH: model.hang_up,
    SideAction.FORGET: model.forget,
}
