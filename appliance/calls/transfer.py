"""An operator asks for an office: by code, by the phone's transfer key, or by a person's command.

All of them end in `ask`, and nobody is put through beside it (P5). Handlers of the table
(states.py), as in ringing.py.
"""

from __future__ import annotations

from dataclasses import replace

from appliance.calls import choices, not_now, orders, put_through, transferring
from appliance.calls.call import Call
from appliance.calls.desk import Desk
from appliance.calls.events import TransferAsked, TransferWished
from appliance.calls.requests import TransferCall
from appliance.calls.ringing import Orders
from appliance.calls.transfer_call import About, Asked, Wish
from appliance.policy import routing
from appliance.policy.clock import Now
from appliance.policy.directory import Hindrance, by_keys
from appliance.policy.text import Words
from appliance.policy.transfers import (
    Allowed,
    Later,
    Reason,
    in_words,
    may_transfer,
    unanswered_in_words,
)

REASON_KEYS = {"": Reason.OTHER, "1": Reason.TOPIC, "2": Reason.DEPTH, "3": Reason.OTHER}
"""What a phone may dial behind a code, as in `31*2`, to say why by its own transfer key."""


def decide(desk: Desk, wish: Wish, now: Now) -> Allowed | Later:
    """Say whether the call may go on now; raises OfficeError for a unit that is not there.

    While all are absent no phone rings (E4).
    """
    calendar = desk.office.switchboard.schedule
    answer = may_transfer(desk.register, calendar, wish.unit, wish.need, now)
    if isinstance(answer, Allowed) and routing.if_absent(desk.office, desk.service, now):
        return Later(answer.unit, wish.need, Hindrance.ABSENT, answer.rules)
    return answer


def ask(desk: Desk, call: Call, wish: Wish, now: Now) -> Orders:
    """Put the call through, or say why not and offer the office's rule (P5): the one way."""
    answer = decide(desk, wish, now)
    if isinstance(answer, Later):
        yield from refuse(desk, call, wish, answer, now)
    elif _is_told_first(desk, wish, answer):
        yield from _warn(desk, call, wish, _about(wish, answer), now)
    elif wish.reason is None:
        yield from choices.reasons(desk, call, wish, answer.need.code_keys, now)
    else:
        yield from transferring.begin(desk, call, wish, answer, now)


def _is_told_first(desk: Desk, wish: Wish, allowed: Allowed) -> bool:
    """True for an office that has not answered of late (E8); a phone's transfer key cannot hear."""
    unanswered = desk.unanswered.tells(allowed.unit.code, wish.need, allowed.band_ends)
    return unanswered and not wish.anyway and wish.asked is not Asked.REFER


def _about(wish: Wish, answer: Allowed | Later) -> About:
    return About(answer.unit, wish.need, answer.rules, wish.by)


def refuse(
    desk: Desk, call: Call, wish: Wish, later: Later, now: Now, asked_on: str = ""
) -> Orders:
    """Not now: noted, told, and the rule opens at once (P5); `asked_on` is the leg of a REFER."""
    about = _about(wish, later)
    why = later.why.removeprefix("transfer.")
    call.note(f"transfer_refused.{wish.unit}.{wish.need}.{why}")
    call.about = about
    call.refused = in_words(later, desk.office.local(now.wall))
    if wish.asked is Asked.REFER:
        yield from put_through.tell_failed(call, asked_on or call.leg, orders.DECLINED, now)
    elif wish.asked is Asked.KEYS:
        words = not_now.words(desk, later, now)
        yield from choices.rules(desk, call, about, words, now)
    yield call.write()


def _warn(desk: Desk, call: Call, wish: Wish, about: About, now: Now) -> Orders:
    """It has not answered of late: the rule may be opened straight away (E8)."""
    call.note(f"transfer_warned.{wish.unit}.{wish.need}")
    call.about = about
    if wish.asked is Asked.KEYS:
        yield from choices.rules(desk, call, about, ("nobody_there",), now, wish)
    yield call.write()


# --- the three ways -------------------------------------------------------------------------------


def by_code(desk: Desk, call: Call, code: str, now: Now) -> Orders:
    """An operator has keyed a code."""
    coded = by_keys(desk.register, code, desk.office.today(now.wall))
    if coded is None:
        call.note("transfer_refused.no_such_code")
        yield from choices.say(desk, call, ("state_refused",), now)
        return
    yield from ask(desk, call, Wish(coded.unit, coded.need.code, call.leg_phone), now)


def by_refer(desk: Desk, call: Call, event: TransferAsked, now: Now) -> Orders:
    """The phone's own transfer key: to a code of the register, and nowhere else."""
    code, _, reason = event.target.partition("*")
    coded = by_keys(desk.register, code, desk.office.today(now.wall))
    if event.leg != call.leg or coded is None or reason not in REASON_KEYS:
        yield from refuse_refer(call, event, now)
        return
    why = REASON_KEYS[reason]
    wish = Wish(coded.unit, coded.need.code, call.leg_phone, Asked.REFER, why)
    yield from ask(desk, call, wish, now)


def refuse_refer(call: Call, event: TransferAsked, now: Now, code: int = orders.DECLINED) -> Orders:
    """Not to be had: noted, and the phone is told so."""
    call.note(f"transfer_refused.{event.kind}")
    yield call.write()
    yield from put_through.tell_failed(call, event.leg, code, now)


def by_person(desk: Desk, call: Call, event: TransferWished, now: Now) -> Orders:
    """Console or command; who asks was told by `answer_to` what will come of it."""
    request = event.request
    if not isinstance(request, TransferCall) or desk.register.unit(request.unit) is None:
        return
    wish = wish_of(request)
    if call.leg in desk.outside:
        wish = replace(wish, attended=False)  # an ordinary telephone hears no announcements
    yield from ask(desk, call, wish, now)


def wish_of(request: TransferCall) -> Wish:
    """Return what a person asks for."""
    r = request
    return Wish(r.unit, r.need, r.by, Asked.PERSON, r.reason, r.attended, r.anyway)


def answer_to(desk: Desk, request: TransferCall, now: Now) -> Words | None:
    """Say why a person's wish would not be carried out now, in the words of E23; None: it would be.

    Raises OfficeError for a unit that is not in the register.
    """
    wish = wish_of(request)
    answer = decide(desk, wish, now)
    if isinstance(answer, Later):
        return in_words(answer, desk.office.local(now.wall))
    if _is_told_first(desk, wish, answer):
        count = desk.unanswered.count(answer.unit.code, wish.need, answer.band_ends)
        return unanswered_in_words(answer, count)
    return None
