"""Internal calls: phone to phone, a key code that is confirmed, the messages heard on a phone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from appliance.calls import announcements, manual_states, model, orders, outgoing
from appliance.calls.events import (
    DigitPressed,
    LegEnded,
    MessageClosed,
    MessageFetched,
    MessageMarked,
    PhoneBusy,
    PhoneDeclined,
    PhoneDialled,
    PinChecked,
)
from appliance.calls.model import Actions, Side, SwitchboardState
from appliance.calls.orders import Order
from appliance.calls.side_states import (
    INTERCOM_TABLE,
    KEY_TABLE,
    LISTENING_TABLE,
    SideAction,
    SideState,
)
from appliance.policy import users
from appliance.policy.clock import Now
from appliance.policy.transfers import TransferAllowed, TransferReason
from appliance.policy.voicemail import MessageStep

# ---- Intercom: a phone of the office dials another one's extension -------------------------------

# RFC 3261 21: the SIP answer to the phone that dialled: busy, declined, nobody there, no sound.
BUSY, DECLINED, NOT_THERE, NO_SERVICE = 486, 603, 480, 503
ANSWERS: dict[type, int] = {PhoneBusy: BUSY, PhoneDeclined: DECLINED}


@dataclass(slots=True)
class Intercom(Side):
    """Call from `phone` to `other`, which rings or talks on `other_leg`.

    `consulted`: the office that was dialled by its code; `reason`: why (transfer.py).
    """

    other: str = ""
    consulted: TransferAllowed | None = None
    reason: TransferReason = TransferReason.OTHER

    @property
    def other_leg(self) -> str:
        """Name of the other phone's leg."""
        return f"{self.leg}.other"

    @property
    def legs(self) -> dict[str, str]:
        """Both phones, by leg."""
        return {self.leg: self.phone, self.other_leg: self.other}

    def across(self, leg: str) -> str:
        """Return the leg that is joined to this one; "" while nobody has answered."""
        legs = [each for each in self.legs if each != leg]
        return legs[0] if self.state is SideState.TALKING and len(legs) == 1 else ""


def ring_phone(
    board: SwitchboardState,
    event: PhoneDialled,
    other: str,
    now: Now,
    consulted: TransferAllowed | None = None,
    reason: TransferReason = TransferReason.OTHER,
) -> Iterator[Order]:
    """Ring the other phone; refuse where it is engaged or unreachable."""
    # An engaged phone is not rung: a second call would only beep in somebody's ear. One whose
    # position is away is: the person who dials it may know better.
    if other in board.engaged() or other == event.phone:
        yield orders.RefusePhone(event.leg, BUSY)
        return
    if other not in board.reachable:
        yield orders.RefusePhone(event.leg, NOT_THERE)
        return
    side = Intercom(
        event.leg, event.phone, INTERCOM_TABLE, INTERCOM_ACTIONS, SideState.RINGING,
        other=other, consulted=consulted, reason=reason,
    )  # fmt: skip
    board.add_side(side, now)
    yield from manual_states.make_way(board, (other,))
    ringing = (orders.Ringing(side.other_leg, other),)
    own = board.office.extension_of(event.phone)
    label, number = (own.label, own.digits) if own else ("", "")
    yield orders.RingPhones(event.leg, ringing, label or event.phone, number)


def _accept(board: SwitchboardState, side: Intercom, event: object, now: Now) -> Iterator[Order]:
    """Answer the phone that dialled, once the other one has answered."""
    yield orders.AcceptPhone(side.leg)


def _join(board: SwitchboardState, side: Intercom, event: object, now: Now) -> Iterator[Order]:
    yield orders.Join(side.leg, side.other_leg)


def _part(board: SwitchboardState, side: Intercom, event: LegEnded, now: Now) -> Iterator[Order]:
    """Hang up, stop or refuse the phone whose partner has gone."""
    if side.state is not SideState.RINGING:
        yield orders.HangUpPhone(side.other_leg if event.leg == side.leg else side.leg)
    elif event.leg == side.leg:
        yield orders.StopRinging(side.other_leg)
    else:
        yield orders.RefusePhone(side.leg, ANSWERS.get(type(event), NOT_THERE))


def _give_up(board: SwitchboardState, side: Intercom, event: object, now: Now) -> Iterator[Order]:
    """Stop ringing: nobody answered in time, or there is no sound."""
    yield orders.StopRinging(side.other_leg)
    yield orders.RefusePhone(side.leg, NOT_THERE if board.has_media else NO_SERVICE)


INTERCOM_ACTIONS: Actions = {
    **model.COMMON,
    SideAction.ACCEPT: _accept,
    SideAction.JOIN: _join,
    SideAction.PART: _part,
    SideAction.GIVE_UP: _give_up,
}


@dataclass(slots=True)
class KeyCall(Side):
    """Call to a key code, which plays the outcome and hangs up; `prompts` are prompt keys."""

    prompts: tuple[str, ...] = ()


def answer_and_say(
    board: SwitchboardState, event: PhoneDialled, prompts: tuple[str, ...], now: Now
) -> Iterator[Order]:
    """Answer a phone and play prompts to it."""
    side = KeyCall(event.leg, event.phone, KEY_TABLE, KEY_CALL_ACTIONS, prompts=prompts)
    board.add_side(side, now)
    yield orders.AcceptPhone(side.leg)


def _speak(board: SwitchboardState, key: KeyCall, event: object, now: Now) -> Iterator[Order]:
    words = announcements.staff_words(board.office, key.prompts)
    yield orders.Play(key.new_play(), words, leg=key.leg)


KEY_CALL_ACTIONS: Actions = {**model.COMMON, SideAction.SPEAK: _speak}


# ---- Listening to messages on a phone: oldest first, those that nobody has closed ----------------
# Keys while a message plays or after it: 1 again, 2 the next one, 3 dealt with (called back), 4 no
# call back needed, 5 take it (nobody else calls back, E16), 6 called back in vain, 7 call back now.
# Without a key the next one follows (E5). Listening closes no message, but is recorded.

AGAIN, NEXT = "1", "2"
CLOSES = {"3": "called_back", "4": "not_needed"}
"""Outcome (policy.voicemail.MessageOutcome) with which a key closes the message."""
# Key that dials the message's number (E17); it means nothing for a message without one.
CALL_BACK = "7"
# Step that a key notes about the message; a tone confirms that it is stored.
MARKS = {"5": MessageStep.TAKE, "6": MessageStep.FAIL}
HELD = "message_held"


@dataclass(slots=True)
class Listening(Side):
    """Call of a phone that hears messages; `at`: the message fetched last, `told`: how many so far.

    `callable_at`: place, from 1, of the first message that can be called back; 0: none. `whole`:
    the message itself plays, so that its end makes it heard. `digits`: of the code, so far.
    """

    at: MessageFetched | None = None
    told: int = 0
    callable_at: int = 0
    closed: bool = False
    whole: bool = False
    digits: str = field(default="", repr=False)


def hear_messages(board: SwitchboardState, event: PhoneDialled, now: Now) -> Iterator[Order]:
    """Answer a phone that asks for the messages."""
    # Nothing is fetched yet: the phone has no sound before it is up.
    board.add_side(Listening(event.leg, event.phone, LISTENING_TABLE, LISTENING_ACTIONS), now)
    yield orders.AcceptPhone(event.leg)


def _begin(board: SwitchboardState, side: Listening, event: object, now: Now) -> Iterator[Order]:
    """Fetch the first message, or ask for the code on a phone that is not the front desk's."""
    # A phone that is locked out hears the words of any fault, not that it is locked out.
    if not asks_pin(board, side.phone):
        side.enter(SideState.FETCHING, now)
        yield from _fetch(board, side, event, now)
    elif _is_locked_out(board, side.phone, now):
        yield from _leave(board, side, "messages_fault", now)
    else:
        yield from _ask(board, side, now)


def asks_pin(board: SwitchboardState, phone: str) -> bool:
    """Tell whether a phone must enter the code before it hears messages."""
    always = board.office.voicemail.pin is users.PinRule.ALWAYS
    return always or phone not in board.office.phones


def _ask(board: SwitchboardState, side: Listening, now: Now, *keys: str) -> Iterator[Order]:
    """Ask for the code; `keys` are played before, as after a wrong code."""
    side.digits = ""
    side.enter(SideState.ASKING, now)
    words = announcements.staff_words(board.office, (*keys, "pin_ask"))
    yield orders.Play(side.new_play(), words, leg=side.leg)


def _key_in(
    board: SwitchboardState, side: Listening, event: DigitPressed, now: Now
) -> Iterator[Order]:
    """Add a key to the code; check it after the hash key or the longest code."""
    if event.digit != users.PIN_END_KEY:
        side.digits += event.digit
    if event.digit == users.PIN_END_KEY or len(side.digits) >= users.LONGEST_PIN:
        side.enter(SideState.CHECKING, now)
        # By the records' thread: the scrypt comparison must not hold up call control.
        yield orders.CheckPin(side.leg, side.digits, side.phone)
        side.digits = ""
    else:
        side.enter(SideState.ASKING, now)


def _is_locked_out(board: SwitchboardState, phone: str, now: Now) -> bool:
    return board.wrong_pins.wait_s(phone, users.PIN_LOCK_OUT, now.monotonic) > 0


def _judge(
    board: SwitchboardState, side: Listening, event: PinChecked, now: Now
) -> Iterator[Order]:
    """Go on after the right code; ask again after a wrong one, lock the phone out after three."""
    if event.right:
        board.wrong_pins.forget(side.phone)
        side.enter(SideState.FETCHING, now)
        yield from _fetch(board, side, event, now)
        return
    # Counted by phone, not by call: hanging up does not start the count anew.
    board.wrong_pins.count_wrong(side.phone, users.PIN_LOCK_OUT, now.monotonic)
    if _is_locked_out(board, side.phone, now):
        yield from _leave(board, side, "state_refused", now)
    else:
        yield from _ask(board, side, now, "state_refused")


def _fetch(board: SwitchboardState, side: Listening, event: object, now: Now) -> Iterator[Order]:
    yield orders.FetchMessage(side.leg, side.at.number if side.at else 0)


def _tell(
    board: SwitchboardState, side: Listening, event: MessageFetched, now: Now
) -> Iterator[Order]:
    """Play the message: caller and time before it, the keys after it."""
    if event.reason or not event.message:
        key = (
            "messages_fault"
            if event.reason
            else "messages_no_more"
            if side.told
            else "messages_none"
        )
        yield from _leave(board, side, key, now)
        return
    side.at, side.told = event, side.told + 1
    yield orders.LoadMessage(side.leg, event.message)
    yield from _play(board, side, now)


def _play(board: SwitchboardState, side: Listening, now: Now) -> Iterator[Order]:
    assert side.at is not None
    first = ("message_closed",) if side.closed else ()
    held = (HELD,) if _held(side, side.at) else ()
    side.closed, side.whole = False, True
    words = announcements.message_words(
        board.office, side.at, now, (*first, *held), _keys(side, side.at)
    )
    side.enter(SideState.PLAYING, now)
    yield orders.Play(side.new_play(), words, leg=side.leg)


def _keys(side: Listening, at: MessageFetched) -> tuple[str, ...]:
    """Return the prompts of keys after a message, each told once: with the first it applies to."""
    if at.caller.number and not _held(side, at) and not side.callable_at:
        side.callable_at = side.told
    return (
        *(("message_keys",) if side.told == 1 else ()),
        *(("message_call",) if side.told == side.callable_at else ()),
    )


def _obey(
    board: SwitchboardState, side: Listening, event: DigitPressed, now: Now
) -> Iterator[Order]:
    assert side.at is not None
    if event.digit == AGAIN:
        yield from _play(board, side, now)
    elif event.digit == NEXT:
        side.enter(SideState.FETCHING, now)
        yield from _fetch(board, side, event, now)
    elif event.digit in CLOSES:
        side.enter(SideState.CLOSING, now)
        outcome = CLOSES[event.digit]
        yield orders.CloseMessage(side.leg, side.at.message, outcome, side.phone)
    elif event.digit == CALL_BACK and side.at.caller.number:
        yield from _call_back(board, side, side.at, now)
    elif event.digit in MARKS:
        side.enter(SideState.CLOSING, now)
        yield orders.MarkMessage(side.leg, side.at.message, MARKS[event.digit], side.phone)


def _call_back(
    board: SwitchboardState, side: Listening, at: MessageFetched, now: Now
) -> Iterator[Order]:
    """Take the message and call back at once; the phone's leg goes on in that call."""
    # E16: not while a colleague has taken the message.
    if _held(side, at):
        yield from _say(board, side, HELD, now)
        return
    side.state = SideState.ENDED
    # Taken first, so that nobody else calls back (E16).
    yield orders.MarkMessage(side.leg, at.message, MessageStep.TAKE, side.phone)
    yield from outgoing.begin_for(board, side, at.caller.number, f"message:{at.number}", now)


def _held(side: Listening, at: MessageFetched) -> bool:
    """Tell whether somebody else has taken a message."""
    return at.holder not in {"", side.phone}


def _heard(board: SwitchboardState, side: Listening, event: object, now: Now) -> Iterator[Order]:
    """Record that a message was heard to its end, and on which phone."""
    assert side.at is not None
    # Not after a mere announcement: only the end of the message itself makes it heard.
    if side.whole:
        yield orders.MarkMessage(side.leg, side.at.message, MessageStep.HEAR, side.phone)
    side.whole = False


def _tell_closed(
    board: SwitchboardState, side: Listening, event: MessageClosed, now: Now
) -> Iterator[Order]:
    """Confirm that the message is closed, before the next one; or say that it is not."""
    # E16: two people cannot call back the same message.
    if event.held:
        yield from _say(board, side, HELD, now)
        return
    if event.reason:
        yield from _leave(board, side, "message_not_closed", now)
        return
    side.closed = True
    side.enter(SideState.FETCHING, now)
    yield from _fetch(board, side, event, now)


def _tell_marked(
    board: SwitchboardState, side: Listening, event: MessageMarked, now: Now
) -> Iterator[Order]:
    """Play a tone when the step is stored, or that somebody else has taken the message."""
    # E16: where the disk refuses, the phone is told so; nobody believes a message to be theirs.
    if event.reason and not event.held:
        yield from _leave(board, side, "messages_fault", now)
        return
    yield from _say(board, side, HELD if event.held else announcements.TONE, now)


def _say(board: SwitchboardState, side: Listening, key: str, now: Now) -> Iterator[Order]:
    side.enter(SideState.PLAYING, now)
    side.whole = False
    yield orders.Play(side.new_play(), announcements.for_staff(board.office, key), leg=side.leg)


def _tell_fault(
    board: SwitchboardState, side: Listening, event: object, now: Now
) -> Iterator[Order]:
    yield from _leave(board, side, "messages_fault", now)


def _leave(board: SwitchboardState, side: Listening, key: str, now: Now) -> Iterator[Order]:
    keys = (("message_closed",) if side.closed else ()) + (key,)
    side.enter(SideState.LEAVING, now)
    words = announcements.staff_words(board.office, keys)
    yield orders.Play(side.new_play(), words, leg=side.leg)


LISTENING_ACTIONS: Actions = {
    **model.COMMON,
    SideAction.BEGIN: _begin,
    SideAction.KEY_IN: _key_in,
    SideAction.JUDGE: _judge,
    SideAction.TELL: _tell,
    SideAction.HEARD: _heard,
    SideAction.OBEY: _obey,
    SideAction.GO_ON: _fetch,
    SideAction.TELL_CLOSED: _tell_closed,
    SideAction.TELL_MARKED: _tell_marked,
    SideAction.TELL_FAULT: _tell_fault,
}
