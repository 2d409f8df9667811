"""Consultation, hand-over and return of a transfer (P6, E6, E7), with the operator's choices."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from appliance.calls import (
    announcements,
    conference,
    manual_states,
    orders,
    outside_call,
    ringing,
)
from appliance.calls.events import (
    DigitPressed,
    LegEnded,
    OperatorAnswered,
    PhoneLost,
    PromptEnded,
)
from appliance.calls.model import (
    About,
    Act,
    Call,
    Choices,
    ReturnCause,
    SwitchboardState,
    Transfer,
    TransferMethod,
    TransferStep,
    TransferWish,
)
from appliance.calls.orders import Order
from appliance.calls.ringing import OUTCOMES, Orders, follow_decision, go_on_talking, stop_ringing
from appliance.calls.states import State
from appliance.policy import routing
from appliance.policy.clock import Now
from appliance.policy.directory import ReturnRule
from appliance.policy.office import Group
from appliance.policy.requests import spoken_request
from appliance.policy.routing import NotTaken
from appliance.text import _

# ---- Return (P6): who is rung, in the order of E6, and what the caller hears ---------------------
# The operator who sent the call; the other operators; up to a minute on hold, while an operator who
# becomes free is rung before any new call; the counter; then the caller may leave words or stay.
# A busy operator's own call is never touched (E6).

# E6: held for up to 60 s while every operator is busy.
WAIT_MS = 60_000
# E5, nobody needs a key: a caller who presses none at the second offer comes to voicemail.
OFFERS = 2
WORDS_KEY = "1"
# Causes after which the caller hears that the office did not answer; else "please wait".
UNANSWERED = {
    ReturnCause.NO_ANSWER,
    ReturnCause.BUSY,
    ReturnCause.UNREACHABLE,
    ReturnCause.DECLINED,
}
NEXT = {
    TransferStep.OPERATOR: TransferStep.OTHERS,
    TransferStep.OTHERS: TransferStep.WAIT,
    TransferStep.WAIT: TransferStep.COUNTER,
}


def begin_return(board: SwitchboardState, call: Call, now: Now) -> Orders:
    """Tell the caller why the call returns, and ring its operator."""
    transfer = transfer_of(call)
    transfer.rang, transfer.offers = set(), 0
    said = "office_no_answer" if call.record.returned in UNANSWERED else "please_wait"
    words = announcements.in_languages(board.office, said)
    yield orders.Play(call.new_play(), words, line=call.line.name)
    yield from _go_to(board, call, TransferStep.OPERATOR, now)


def transfer_of(call: Call) -> Transfer:
    """Return the call's transfer, which every transfer state has."""
    assert call.transfer is not None, "no state of a transfer without one"
    return call.transfer


def _go_to(board: SwitchboardState, call: Call, step: TransferStep, now: Now) -> Orders:
    """Enter a step of the return, or the next one when it has nobody to ring."""
    transfer = transfer_of(call)
    # E4: while all are absent no phone rings, not even for a return.
    absent = routing.if_absent(board.office, board.service, now)
    if absent is not None:
        yield from follow_decision(board, call, absent, now)
        return
    transfer.step = step
    phones = _phones(board, transfer, step, now)
    if step is TransferStep.WAIT:
        transfer.wait_until = now.monotonic + WAIT_MS / 1000
        call.note("return.waiting")
        call.enter(State.TRANSFER_RETURNING, now, WAIT_MS)
        yield call.write()
    elif phones:
        yield from _ring(board, call, phones, now)
    elif step in NEXT:
        yield from _go_to(board, call, NEXT[step], now)
    else:
        yield from _offer(board, call, now)


def _phones(
    board: SwitchboardState, transfer: Transfer, step: TransferStep, now: Now
) -> tuple[str, ...]:
    """Return the phones that a step rings: free ones that have not let it ring before."""
    group = _group(board, transfer)
    if step is TransferStep.OPERATOR:
        wanted: tuple[str, ...] = (transfer.operator,)
    elif step is TransferStep.COUNTER:
        counter = board.office.citizens_desk
        wanted = counter.phones if counter and routing.group_open(counter, now) else ()
    else:
        wanted = tuple(phone for phone in group.phones if phone != transfer.operator)
    # E6: a busy operator's own call is not touched.
    free = board.free_of(wanted)
    return tuple(phone for phone in free if phone not in transfer.rang)


def _group(board: SwitchboardState, transfer: Transfer) -> Group:
    """Return the group of the transfer's operator."""
    # E2: the counter's staff do on such a call what an operator does.
    counter = board.office.citizens_desk
    if counter is not None and transfer.operator in counter.phones:
        return counter
    return board.office.switchboard


def _ring(board: SwitchboardState, call: Call, phones: tuple[str, ...], now: Now) -> Orders:
    """Ring phones for a return; they show the office: "Ritorno: Anagrafe" (P6)."""
    transfer = transfer_of(call)
    transfer.rang.update(phones)
    call.rung_since = now.monotonic
    yield from manual_states.make_way(board, phones)
    ringing = tuple(call.new_leg(phone) for phone in phones)
    call.note(f"return.ring.{','.join(phones)}")
    group = board.office.switchboard
    if transfer.step is TransferStep.COUNTER and board.office.citizens_desk is not None:
        group = board.office.citizens_desk
    call.enter(State.TRANSFER_RETURNING, now, group.ring_ms)
    display = _("Return: {office}", office=transfer.unit.name).text(board.office.staff_language)
    yield orders.RingPhones(call.id, ringing, display, call.record.caller.number)
    yield call.write()


def seek(board: SwitchboardState, now: Now) -> Orders:
    """Ring operators who have become free for the returns that wait, oldest first (E6)."""
    # `calls` keeps the order of arrival.
    for call in board.calls.values():
        transfer = call.transfer
        waits = transfer is not None and transfer.step is TransferStep.WAIT and not call.legs
        if call.state is not State.TRANSFER_RETURNING or transfer is None or not waits:
            continue
        # E6: the operator who sent the call before the others.
        operator = _phones(board, transfer, TransferStep.OPERATOR, now)
        phones = operator or _phones(board, transfer, TransferStep.OTHERS, now)
        if phones:
            yield from _ring(board, call, phones, now)


def prompt_over(board: SwitchboardState, call: Call, event: object, now: Now) -> Orders:
    """Play hold sound after the announcement: no caller is left in silence."""
    yield orders.Hold(call.line.name)


def phone_out(board: SwitchboardState, call: Call, event: LegEnded, now: Now) -> Orders:
    """Note a phone that will not answer; after the last one go to the next step."""
    outcome, phone = OUTCOMES[type(event)], call.legs.pop(event.leg)
    call.note(f"return.{outcome}.{phone}")
    # E3: a busy phone, or one that declined, has missed no call.
    if outcome is NotTaken.NO_ANSWER:
        yield from manual_states.count_missed(board, (phone,), call.rung_since, now)
    if not call.legs:
        yield from _unanswered(board, call, now)


def ring_elsewhere(board: SwitchboardState, call: Call, phone: str, now: Now) -> Orders:
    """Stop a phone whose person answers another call; after the last one go to the next step."""
    for leg in [leg for leg, other in call.legs.items() if other == phone]:
        call.note(f"return.{NotTaken.BUSY}.{call.legs.pop(leg)}")
        yield orders.StopRinging(leg)
    if not call.legs:
        yield from _unanswered(board, call, now)


def return_unanswered(board: SwitchboardState, call: Call, event: object, now: Now) -> Orders:
    """Go to the next step: the ringing time of this one is over."""
    # E3: a return that rings unanswered is a missed call like any other.
    phones = tuple(call.legs.values())
    yield from stop_ringing(call)
    yield from manual_states.count_missed(board, phones, call.rung_since, now)
    yield from _unanswered(board, call, now)


def _unanswered(board: SwitchboardState, call: Call, now: Now) -> Orders:
    """Wait for the rest of the wait, or go to the next step."""
    transfer = transfer_of(call)
    left_ms = int((transfer.wait_until - now.monotonic) * 1000)
    if transfer.step is TransferStep.WAIT and left_ms > 0:
        call.enter(State.TRANSFER_RETURNING, now, left_ms)
    elif transfer.step in NEXT:
        yield from _go_to(board, call, NEXT[transfer.step], now)
    else:
        yield from _offer(board, call, now)


def operator_answered(
    board: SwitchboardState, call: Call, event: OperatorAnswered, now: Now
) -> Orders:
    """Join the caller with the operator who answered the return (P6)."""
    call.leg = event.leg
    call.leg_phone = call.legs.pop(event.leg)
    call.note(f"return.answered.{call.leg_phone}")
    yield orders.Connect(call.line.name, call.leg)
    yield from stop_ringing(call, answered_elsewhere=True)
    go_on_talking(board, call, State.TALKING, now)
    yield call.write()


def apply_absence(board: SwitchboardState, call: Call, event: object, now: Now) -> Orders:
    """Stop ringing when all are absent (E4); the caller hears why."""
    # A single position that goes away is no reason: the return rings elsewhere.
    absent = routing.if_absent(board.office, board.service, now)
    if absent is not None:
        yield from stop_ringing(call)
        yield from follow_decision(board, call, absent, now)


def _offer(board: SwitchboardState, call: Call, now: Now) -> Orders:
    """Ask the caller to stay or leave words by a key; only after everybody was rung (E6)."""
    transfer = transfer_of(call)
    transfer.offers += 1
    # E5: nobody takes the return and the caller presses nothing: voicemail in the end.
    if transfer.offers > OFFERS:
        yield from _to_voicemail(board, call, now)
        return
    call.note("return.offer")
    call.enter(State.TRANSFER_OFFER, now)
    words = announcements.in_languages(board.office, "hold", "message_offer")
    yield orders.Play(call.new_play(), words, line=call.line.name)
    yield call.write()


def offer_over(board: SwitchboardState, call: Call, event: object, now: Now) -> Orders:
    """Ring everybody once more: the caller stays."""
    transfer_of(call).rang.clear()
    yield orders.Hold(call.line.name)
    yield from _go_to(board, call, TransferStep.OPERATOR, now)


def leave_words(board: SwitchboardState, call: Call, event: DigitPressed, now: Now) -> Orders:
    """Send the caller to voicemail by the key that was offered."""
    # `line`: the caller's key, no phone's; it means nothing before the offer was made.
    if event.line and event.digit == WORDS_KEY and transfer_of(call).offers:
        call.note("return.left_words")
        yield from stop_ringing(call)
        yield from _to_voicemail(board, call, now)


def _to_voicemail(board: SwitchboardState, call: Call, now: Now) -> Orders:
    facts = board.facts_for(call.line, now)
    first, then = NotTaken.NO_ANSWER, NotTaken.NO_ANSWER
    yield from follow_decision(
        board, call, routing.after_counter(board.office, facts, now, first, then), now
    )


# ---- The office has answered: consultation, hand-over, and what sends the call back (P6, E7) -----

STAR, THROUGH = "*", "#"
"""Keys while operator and clerk talk: refuse the call, or put it through."""
# Seconds. Some phones (baresip) hang up by themselves when a NOTIFY says that the transfer failed.
# A person would take longer.
BY_ITSELF_S = 2.0
# The operator on the line took part in these, and need not be told of them.
UNHEARD = (ReturnCause.TAKEN_BACK, ReturnCause.REFUSED, ReturnCause.SENT_BACK, ReturnCause.LOST)


def tell_failed(call: Call, leg: str, code: int, now: Now) -> Orders:
    """Tell a phone by NOTIFY that its REFER has failed; remember when (BY_ITSELF_S)."""
    call.failed = leg, now.monotonic
    yield orders.TellTransfer(leg, code)


def operator_left(board: SwitchboardState, call: Call, event: LegEnded, now: Now) -> Orders:
    """End the call after the operator hung up; keep the caller when the phone did it by itself."""
    # After a failed REFER some phones end the call (baresip does). Nobody meant that, so the caller
    # comes back (P6).
    leg, failed_at = call.failed
    meant = leg != call.leg or now.monotonic - failed_at > BY_ITSELF_S
    # With a parallel telephone or the supervisor on the line the caller is not left alone.
    if meant or call.shared or conference.supervisor_is_in(board, call):
        yield from conference.operator_left(board, call, event, now)
        return
    call.note("transfer.hung_up_by_itself")
    if call.state is State.TRANSFERRED:
        yield from office_lost(board, call, event, now)
    elif call.transfer is None:
        yield orders.Hold(call.line.name)
        yield from ringing.ring_again(board, call, event, now)
    else:
        call.forget_leg()
        yield from begin_return(board, call, now)


def let_operator_go(call: Call) -> Orders:
    """Hang up the operator's phone."""
    if call.leg:
        yield orders.HangUpPhone(call.leg)
    call.forget_leg()


def office_answered(
    board: SwitchboardState, call: Call, event: OperatorAnswered, now: Now
) -> Orders:
    """Join the office with the operator who stayed, else with the caller."""
    transfer = transfer_of(call)
    # An operator's phone that was answered on an old leg is no office that answers.
    if event.leg != transfer.leg:
        return
    note_met(board, call, transfer)
    if call.leg and transfer.wish.asked is not TransferMethod.REFER:
        yield from _consult(board, call, transfer, now)
    else:
        yield from complete(board, call, now)


def note_met(board: SwitchboardState, call: Call, transfer: Transfer) -> None:
    """Note that the office has answered."""
    transfer.up = transfer.met = True
    call.note(f"answered.{transfer.name}", target=transfer.shown)
    _count(board, transfer, answered=True)


def _count(board: SwitchboardState, transfer: Transfer, *, answered: bool) -> None:
    """Count an answer, or its absence, of the need in this time window (E8)."""
    unit, need = transfer.unit.code, transfer.allowed.need.code
    ends = transfer.allowed.band_ends
    board.unanswered = board.unanswered.heard(unit, need, ends, answered=answered)


def _consult(board: SwitchboardState, call: Call, transfer: Transfer, now: Now) -> Orders:
    call.leg_play = ""
    call.enter(State.TRANSFER_CONSULT, now)
    if not transfer.announced:
        transfer.announced = True
        yield orders.Hold(call.line.name)
    yield orders.Join(call.leg, transfer.leg)
    yield call.write()


def consult_over(board: SwitchboardState, call: Call, event: LegEnded, now: Now) -> Orders:
    """End a consultation: the operator who hangs up puts through, the clerk refuses (E7)."""
    if event.leg == call.leg:
        call.forget_leg()
        yield from complete(board, call, now)
        return
    transfer_of(call).leg = ""
    # A phone that is lost has refused nothing.
    lost = isinstance(event, PhoneLost)
    yield from come_back(board, call, ReturnCause.LOST if lost else ReturnCause.REFUSED, now)


def consult_key(board: SwitchboardState, call: Call, event: DigitPressed, now: Now) -> Orders:
    """Take the caller back by a star of either phone; put through by the operator's `#` (E7)."""
    if event.leg == call.leg and event.digit == THROUGH:
        yield from complete(board, call, now)
    elif event.leg and event.digit == STAR:
        cause = ReturnCause.REFUSED if event.leg == call.leg else ReturnCause.SENT_BACK
        yield from come_back(board, call, cause, now)


def consult_too_long(board: SwitchboardState, call: Call, event: object, now: Now) -> Orders:
    """Return the caller to the operator after the longest consultation."""
    yield from come_back(board, call, ReturnCause.TAKEN_BACK, now)


def alternate(board: SwitchboardState, call: Call, now: Now) -> Orders:
    """Have the operator talk with the other one of caller and clerk, who hears music till then."""
    transfer = transfer_of(call)
    # P3: ten minutes at most, however often the operator goes from one to the other.
    assert call.deadline is not None, "an announcement has a limit"
    left_ms = max(1, int((call.deadline - now.monotonic) * 1000))
    if call.state is State.TRANSFER_CONSULT:
        call.enter(State.OFFICE_WAITS, now, left_ms)
        yield from _office_music(board, call)
        yield orders.Connect(call.line.name, call.leg)
    else:
        call.leg_play = ""
        call.enter(State.TRANSFER_CONSULT, now, left_ms)
        yield orders.Hold(call.line.name)
        yield orders.Join(call.leg, transfer.leg)
    yield call.write()


def _office_music(board: SwitchboardState, call: Call) -> Orders:
    words = announcements.for_staff(board.office, "hold_music")
    yield orders.Play(call.new_leg_play(), words, leg=transfer_of(call).leg)


def office_hold_on(board: SwitchboardState, call: Call, event: PromptEnded, now: Now) -> Orders:
    """Play the music again to the clerk who waits: nobody is left in silence."""
    if event.play == call.leg_play:
        yield from _office_music(board, call)


def take_back(board: SwitchboardState, call: Call, event: DigitPressed, now: Now) -> Orders:
    """Return the caller to the operator who presses a star while the office rings."""
    if event.leg and event.leg == call.leg and event.digit == STAR:
        yield from come_back(board, call, ReturnCause.TAKEN_BACK, now)


def complete(board: SwitchboardState, call: Call, now: Now) -> Orders:
    """Put the call through; answer the REFER that asked for it."""
    if call.leg and transfer_of(call).wish.asked is TransferMethod.REFER:
        yield orders.TellTransfer(call.leg, orders.TRANSFER_DONE)
    yield from hand_over(board, call, now)


def hand_over(board: SwitchboardState, call: Call, now: Now) -> Orders:
    """Hang up the operator and join the line with the office's phone."""
    transfer = transfer_of(call)
    yield from let_operator_go(call)
    call.leg, call.leg_phone, call.keyed = transfer.leg, transfer.phone, ""
    transfer.leg, transfer.up = "", False
    call.note(f"transferred.{transfer.unit.code}")
    yield orders.Connect(call.line.name, call.leg)
    go_on_talking(board, call, State.TRANSFERRED, now)
    yield call.write()


def office_key(board: SwitchboardState, call: Call, event: DigitPressed, now: Now) -> Orders:
    """Send the call back by two stars of the office (E7); pass other keys on to the far end."""
    # The caller's stars are not the office's.
    if not event.leg or event.leg != call.leg:
        return
    star, call.keyed = call.keyed == STAR, ""
    if event.digit != STAR:
        yield orders.PressKeys(call.line.name, (STAR if star else "") + event.digit)
    elif star and now.monotonic - call.keyed_at <= outside_call.STARS_S:
        yield orders.HangUpPhone(call.leg)
        call.forget_leg()
        yield from come_back(board, call, ReturnCause.SENT_BACK, now)
    else:
        # Two stars far apart are no wish to send back: the far end gets the first one.
        if star:
            yield orders.PressKeys(call.line.name, STAR)
        call.keyed, call.keyed_at = STAR, now.monotonic


def office_lost(board: SwitchboardState, call: Call, event: LegEnded, now: Now) -> Orders:
    """Return a caller whose office's phone was lost without a BYE."""
    call.forget_leg()
    yield from come_back(board, call, ReturnCause.LOST, now)


def come_back(board: SwitchboardState, call: Call, cause: ReturnCause, now: Now) -> Orders:
    """Return a call from its transfer to the operator, with the office's rule (P6)."""
    transfer = transfer_of(call)
    # Taken back by the operator: the office has not failed to answer, so E8 does not count it.
    if not transfer.met and cause is not ReturnCause.TAKEN_BACK:
        _count(board, transfer, answered=False)
    yield from transfer.let_go()
    need, operator = transfer.allowed.need.code, transfer.operator
    call.about = About(transfer.unit, need, transfer.allowed.rules, operator)
    call.note(f"returned.{transfer.unit.code}.{cause}", returned=cause.value)
    if not call.leg:
        yield from begin_return(board, call, now)
    # A phone that used its own transfer key hears no announcement: it is told by NOTIFY.
    elif transfer.wish.asked is TransferMethod.REFER:
        yield from tell_failed(call, call.leg, orders.NOT_THERE, now)
        yield from back_to_caller(board, call, None, now)
    elif cause in UNHEARD:
        yield from back_to_caller(board, call, None, now)
    else:
        yield from offer_rules(board, call, call.about, ("nobody_there",), now)


# ---- The office's rule, opened by a key of the operator's phone (P6) -----------------------------
# The caller's words are recorded like a message and stored as a request of the office. The caller
# is told that they are stored only once they are (voicemail.py).

# Subject of the request's e-mail.
SUBJECT = _("Spoken request, {office}")
TO_CALL_BACK = _("To be called back, words too short: {subject}")
"""Subject when the caller's words are too short to say anything."""


def begin_rule(
    board: SwitchboardState, call: Call, rule: ReturnRule, about: About, now: Now
) -> Iterator[Order]:
    """Hang up the operator; ask the caller to say name, number and subject."""
    subject = SUBJECT.filled(office=about.unit.name)
    call.request = spoken_request(
        rule, about.unit.code, about.need, subject.text(board.office.staff_language),
        call.record.caller.number, call.id, now.wall, about.by,
    )  # fmt: skip
    call.note(f"request.{about.unit.code}.{about.need}.{rule}")
    yield orders.HangUpPhone(call.leg)
    call.forget_leg()
    call.enter(State.GREETING, now)
    words = announcements.in_languages(board.office, "leave_message")
    yield orders.Play(call.new_play(), words, line=call.line.name)
    yield call.write()


def is_to_call_back(board: SwitchboardState, call: Call) -> bool:
    """Turn a request with too few words into one to call back; False when no number is known."""
    # Not dropped: the office has the number that was shown, and the words all the same (P6).
    request = call.request
    if request is None or not request.citizen.phone:
        return False
    call.note("request.brief")
    subject = TO_CALL_BACK.filled(subject=request.subject).text(board.office.staff_language)
    call.brief, call.request = True, replace(request, subject=subject)
    return True


# ---- Choices: the operator is asked something, the caller held -----------------------------------

# Time for a key after the announcement, ms; then operator and caller are connected again.
KEY_WAIT_MS = 10_000
REASONS = {"1": Act.TOPIC, "2": Act.DEPTH, "3": Act.OTHER}
RULES = {"1": Act.APPOINTMENT, "2": Act.EMAIL}
TRY_KEY = "3"


def ask_operator(
    board: SwitchboardState,
    call: Call,
    keys: tuple[str, ...],
    now: Now,
    offered: Choices | None = None,
) -> Orders:
    """Hold the caller and play prompts to the operator, with keys to choose by where offered."""
    call.choices = offered or Choices()
    call.enter(State.TRANSFER_CHOICE, now)
    yield orders.Hold(call.line.name)
    yield orders.Play(
        call.new_leg_play(), announcements.staff_words(board.office, keys), leg=call.leg
    )


def offer_reasons(
    board: SwitchboardState, call: Call, wish: TransferWish, code: str, now: Now
) -> Orders:
    """Repeat the code to the operator; a key gives the reason (P3) and confirms."""
    keys = tuple(f"digit_{digit}" for digit in code)
    for key, act in REASONS.items():
        keys += (f"word_{act}", f"digit_{key}")
    yield from ask_operator(board, call, keys, now, Choices(REASONS, wish))


def offer_rules(
    board: SwitchboardState,
    call: Call,
    about: About,
    before: tuple[str, ...],
    now: Now,
    wish: TransferWish | None = None,
) -> Orders:
    """Offer the office's rule by a key (P5, P6); with `wish` also to try all the same (E8)."""
    acts = {key: act for key, act in RULES.items() if ReturnRule(act.value) in about.rules}
    if wish is not None:
        acts[TRY_KEY] = Act.TRY
    keys = before
    for key, act in acts.items():
        keys += (f"word_{act}", f"digit_{key}")
    call.about = about
    yield from ask_operator(board, call, keys, now, Choices(acts, wish))


def choice_heard(board: SwitchboardState, call: Call, event: object, now: Now) -> Orders:
    """Wait for a key after the announcement; without a choice reconnect the caller."""
    assert call.choices is not None, "choices are always set before their state is entered"
    if call.choices.keys:
        call.enter(State.TRANSFER_CHOICE, now, KEY_WAIT_MS)
    else:
        yield from back_to_caller(board, call, event, now)


def back_to_caller(board: SwitchboardState, call: Call, event: object, now: Now) -> Orders:
    """Connect the caller with the operator again."""
    call.leg_play = ""
    yield orders.Connect(call.line.name, call.leg)
    go_on_talking(board, call, State.TALKING, now)
    yield call.write()
