"""Which function does what a row of the table says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from appliance.calls import (
    ceiling,
    ending,
    fax,
    giving_way,
    keys,
    menu,
    messages,
    parallel,
    passing,
    ringing,
)
from appliance.calls.call import Call
from appliance.calls.desk import Desk
from appliance.calls.ringing import Orders
from appliance.calls.states import Do
from appliance.policy.clock import Now

Handler = Callable[[Desk, Call, Any, Now], Orders]

HANDLERS: Mapping[Do, Handler] = {
    Do.ROUTE: ringing.route,
    Do.LEARN_CALLER: ringing.learn_caller,
    Do.GIVE_UP: ending.give_up,
    Do.ANSWER: ringing.answer,
    Do.LEG_OUT: ringing.leg_out,
    Do.NEXT_STAGE: ringing.next_stage,
    Do.PBX_GREET: passing.greet_passed,
    Do.PBX_GO: passing.pass_on,
    Do.PBX_CALL: passing.call_extension,
    Do.PBX_HEAR: passing.hear_far_end,
    Do.PBX_AWAIT_KEY: passing.await_key,
    Do.PBX_OFFER_AGAIN: passing.offer_again,
    Do.PBX_ACCEPT: passing.accept,
    Do.PBX_TAKE_BACK: passing.take_back,
    Do.PBX_CALLER_BACK: ringing.caller_back,
    Do.PBX_HEED_ABSENCE: passing.heed_absence,
    Do.HEED_ABSENCE: ringing.heed_absence,
    Do.RING_ON: ringing.ring_on,
    Do.HOLD: ringing.hold,
    Do.TALK: ringing.talk,
    Do.OPERATOR_LEFT: ending.operator_left,
    Do.OPERATOR_LOST: parallel.operator_lost,
    Do.CALLER_LEFT: ending.caller_left,
    Do.LEAVE: ending.leave,
    Do.NEVER_UP: ending.never_up,
    Do.GREET: messages.greet,
    Do.SOUND_TONE: messages.sound_tone,
    Do.CHOOSE: menu.choose,
    Do.KEY_IN_SHEET: menu.key_in_sheet,
    Do.OFFER_AGAIN: menu.offer_again,
    Do.RECORD: messages.record,
    Do.NOTE_GAP: messages.note_gap,
    Do.KEEP: messages.keep,
    Do.KEEP_AS_IS: messages.keep_as_is,
    Do.BREAK_OFF: messages.break_off,
    Do.STORED: messages.stored,
    Do.NOT_STORED: messages.not_stored,
    Do.SAVED: messages.saved,
    Do.NOT_SAVED: messages.not_saved,
    Do.CALLER_WENT: messages.caller_went,
    Do.LINE_WENT: messages.line_went,
    Do.FREE_LINE: messages.free_line,
    Do.HANG_UP: ending.hang_up,
    Do.NOTE_RELEASE: ending.note_release,
    Do.TAKEN_RINGING: parallel.taken_ringing,
    Do.HAND_OVER: parallel.hand_over,
    Do.HAND_OVER_SAVING: parallel.hand_over_saving,
    Do.SHARE: parallel.share,
    Do.NOTE_TAKEN: parallel.note_taken,
    Do.END_LONGEST: ceiling.end_longest,
    Do.FORWARD_KEY: keys.pass_on,
    Do.TURN_FAX_AWAY: fax.turn_away,
    Do.NOTE_FAX: fax.note_fax,
    Do.NOTE_FAX_IN_CONVERSATION: fax.note_in_conversation,
    Do.GIVE_LINE: giving_way.give_line,
    Do.GIVE_LINE_RECORDING: giving_way.give_line_recording,
    Do.GIVE_LINE_SAVING: giving_way.give_line_saving,
    Do.CORRECT: messages.correct,
    Do.END: ending.finish,
    Do.NOT_IDLE: ending.not_idle,
    Do.LOSE: ending.lose,
}
