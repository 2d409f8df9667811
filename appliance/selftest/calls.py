"""Test calls of the self-test: a conversation and, a few moments later, a message.

The caller's and the phone's sound are compared with what reached the other end; times are the
simulated line's own, so that a busy machine shortens none of them.
"""

from __future__ import annotations

import contextlib
import hashlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from appliance.calls.orders import Result
from appliance.dsp import g711, wav
from appliance.dsp.wav import Law
from appliance.errors import CentralinoError, PeerError
from appliance.selftest.findings import TITLES, Finding, not_measured, ok, wrong
from appliance.selftest.sound import (
    Heard,
    as_ulaw,
    compare,
    milliseconds,
    silence,
    voice_like,
)
from appliance.simulator.exchange import process
from appliance.simulator.exchange.call import CallPlan
from appliance.simulator.phone.process import PhoneTimeout
from appliance.store import call_log, voicemail
from appliance.store.database import database_path, open_reader
from appliance.text import Words, _, by_language, decimal_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from appliance.calls.orders import CallRecord
    from appliance.prompts import Catalogue
    from appliance.selftest.box import OwnBox
    from appliance.simulator.exchange.process import RunningCall
    from appliance.simulator.phone.process import TestPhone
    from appliance.store.voicemail import Message

NUMBER: Final = "0515550101"
"""The caller's number, which the simulated exchange sends after the first ring."""
# Several times what a small board needs: a limit is for what never comes.
RING_S: Final = 20.0
CALL_S: Final = 45.0
RECORD_S: Final = 20.0
# Milliseconds from the answer to the caller's words, and between them and the one echoed.
SETTLE_MS: Final = 500
SPEECH_S: Final = 2.4
PAUSE_MS: Final = 1000
ECHO_S: Final = 0.8
TAIL_MS: Final = 900
GREETING_MS: Final = 1200
TONE_MS: Final = 1300
MESSAGE_S: Final = 2.6
PROMPT: Final = "message_stored"
"""The announcement that is compared: every caller of voicemail hears it whole."""

# Limits. The box itself changes no level and adds G.711 alone, 36 dB; a call that hops over a
# busy moment of the machine keeps most of its blocks.
LEAST_SNR_DB: Final = 20.0
MOST_GAIN_DB: Final = 6.0
MOST_MISSING: Final = 0.34
# There and back: a jitter buffer and a slip buffer each way, and the phone's (design/sound.md).
MOST_DELAY_MS: Final = 600
# Busy tone is noticed after three of its periods; the policy's own limit is silence's.
MOST_RELEASE_S: Final = 15.0
MESSAGE_SECONDS: Final = (2.0, 8.0)


@dataclass(slots=True)
class CallPair:
    """What both calls share: the box, its announcements, and how far the first call is."""

    box: OwnBox
    catalogue: Catalogue
    language: str
    rang: bool = False
    """True once the first call rings, or never will: then the office may close behind it (E1)."""
    late: bool = False
    """True once sound was missing or something took longer than its limit."""


Steps = Iterator[Finding | None]
"""A call: its findings one by one, None while it waits for something."""


def calls(stage: CallPair) -> list[Finding]:
    """Make both calls, in turns; returns the findings, those of a call that broke off too."""
    found: list[Finding] = []
    running = [
        _guarded(stage, conversation(stage), ("ring", "answer", *_TALK)),
        _guarded(stage, leave_message(stage), _MAIL),
    ]
    while running:
        for part in tuple(running):
            try:
                step = next(part)
            except StopIteration:
                running.remove(part)
                continue
            found += [step] if step else []
    return found


_TALK: Final = ("to_phone", "to_caller", "delay", "release")
_MAIL: Final = ("caller_id", "prompt", "keys", "message")


def _guarded(stage: CallPair, part: Steps, codes: Sequence[str]) -> Steps:
    """Pass a call's findings on; what breaks it off is the fault of its next check."""
    left = list(codes)
    try:
        for step in part:
            if step is not None and step.code in left:
                left.remove(step.code)
            yield step
    except (CentralinoError, TimeoutError, OSError) as error:
        stage.late = stage.late or isinstance(error, TimeoutError)
        if left:
            yield wrong(left[0], _broken(left[0], error))
        for code in left[1:]:
            yield not_measured(code, _first(left[0]))
    finally:
        stage.rang = True


def _until(is_so: Callable[[], bool], limit: float, why: str) -> Iterator[None]:
    """Wait in turns with the other call; raises TimeoutError."""
    deadline = time.monotonic() + limit
    while not is_so():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{why} within {limit:.0f} s")
        yield None


def _has(call: RunningCall, event: str) -> Callable[[], bool]:
    """Return whether a call has come so far; it raises PeerError for one that ended before."""

    def is_so() -> bool:
        try:
            call.wait_for(event, TURN_S)
        except TimeoutError:
            return False
        return True

    return is_so


def _phone_has(phone: TestPhone, event: str) -> Callable[[], bool]:
    def is_so() -> bool:
        try:
            phone.wait_event(event, TURN_S)
        except PhoneTimeout:
            return False
        return True

    return is_so


def _hears(call: RunningCall, ms: float) -> Callable[[], bool]:
    """Return whether the caller has heard so much of the call; raises PeerError at its end."""

    def is_so() -> bool:
        if len(call.heard) < ms * 8 and _has(call, "ended")():
            raise PeerError(f"the call ended: {call.report.ended_by}")
        return len(call.heard) >= ms * 8

    return is_so


TURN_S: Final = 0.02


def _first(code: str) -> Words:
    return _("first this must be mended: {cause}", cause=TITLES[code])


def _broken(code: str, error: Exception) -> Words:
    said = BROKEN.get(code, BROKEN["answer"])
    return said.filled(error=" ".join(str(error).split())[:160])


BROKEN: Final = {
    "ring": _("a call on the simulated line does not ring at the simulated phone ({error}): "
              "install the update or the package again"),
    "answer": _("the phone was lifted, and the line was not answered ({error}): install the "
                "update or the package again"),
    "to_phone": _("the conversation broke off ({error}): install the update or the package again"),
    "caller_id": _("a call after hours is not answered ({error}): install the update or the "
                   "package again"),
    "prompt": _("a caller after hours hears no announcement ({error}): install the update or the "
                "package again"),
    "message": _("no message was stored ({error}): install the update or the package again"),
}  # fmt: skip
"""What is wrong where a call breaks off before a check."""


# ---- the conversation ----------------------------------------------------------------------------


def conversation(stage: CallPair) -> Steps:
    """A call that the phone answers; both speak at once, then the phone says what it hears."""
    phone, lines = stage.box.phone, stage.box.folder / "lines"
    said, answer = voice_like(1, SPEECH_S), voice_like(2, SPEECH_S)
    echoed = voice_like(3, ECHO_S)
    phone.answer_mode("auto", 300)
    # The phone is lifted a moment before the line is answered.
    phone.say(as_ulaw(silence(SETTLE_MS) + answer))
    plan = CallPlan(
        caller=NUMBER,
        start_delay_ms=SETTLE_MS,
        clips=(as_ulaw(said + silence(PAUSE_MS) + echoed),),
        hang_up_after_ms=60_000,
    )
    with contextlib.closing(process.start_call(lines, 1, plan)) as call:
        yield from _until(_phone_has(phone, "ringing"), RING_S, "it did not ring")
        stage.rang = True
        yield ok("ring", _("the phone rings"))
        yield from _until(_has(call, "answered"), RING_S, "no answer")
        yield ok("answer", _("the line is answered as the phone is lifted"))
        yield from _until(_phone_has(phone, "said"), CALL_S, "the phone did not speak")
        phone.say("echo")
        began = SETTLE_MS + 1000 * SPEECH_S + PAUSE_MS
        end = began + 1000 * ECHO_S + TAIL_MS
        yield from _until(_hears(call, end), CALL_S, "the line stands still")
        heard = g711.ulaw_to_linear(bytes(call.heard))
        received = phone.received()
        call.hang_up()
        yield _sound(
            stage, "to_phone", compare(said, g711.decode(received.data, Law(received.law)))
        )
        yield _sound(stage, "to_caller", compare(answer, heard))
        # What comes back begins after the word was said: nothing before it can be its echo.
        yield _delay(stage, compare(echoed, heard[2 * 8 * round(began) :]))
        yield from _until(_has(call, "ended"), CALL_S, "the line was not freed")
    yield _release(stage, call.report.ended_after_s, call.report.line_freed_after_s)


def _decibels(value: float) -> Words:
    return by_language(lambda language: decimal_words(value, 1, language))


def _sound(stage: CallPair, code: str, heard: Heard) -> Finding:
    """Judge one direction."""
    figures = {
        "gain_db": heard.gain_db,
        "snr_db": heard.snr_db,
        "missing": heard.missing,
        "blocks": heard.blocks,
    }
    if not heard.arrived:
        if heard.level_dbm0 < SILENT_DBM0:
            return wrong(code, SILENT[code], **figures)
        return wrong(code, _("what arrives is noise, not what was said: install the update or the "
                             "package again"), **figures)  # fmt: skip
    if heard.missing > MOST_MISSING * heard.blocks:
        stage.late = True
        return wrong(
            code,
            _("{missing} of {blocks} pieces of the sound are missing: end what keeps the box busy, "
              "or start it anew", missing=heard.missing, blocks=heard.blocks),
            **figures,
        )  # fmt: skip
    if abs(heard.gain_db) > MOST_GAIN_DB:
        return wrong(
            code,
            _("the box changes the loudness by {gain} dB, and should leave it: install the update "
              "or the package again", gain=_decibels(heard.gain_db)),
            **figures,
        )  # fmt: skip
    if heard.snr_db < LEAST_SNR_DB:
        return wrong(
            code,
            _("the box adds noise to the sound ({snr} dB, {least} are needed): install the update "
              "or the package again", snr=_decibels(heard.snr_db), least=round(LEAST_SNR_DB)),
            **figures,
        )  # fmt: skip
    return ok(
        code,
        _("level {gain} dB, {snr} dB above noise", gain=_decibels(heard.gain_db),
          snr=_decibels(heard.snr_db)),
        **figures,
    )  # fmt: skip


SILENT_DBM0: Final = -60.0
SILENT: Final = {
    "to_phone": _("the phone hears nothing of the caller: start the box anew; if it comes back, "
                  "install the update or the package again"),
    "to_caller": _("the caller hears nothing of the phone: start the box anew; if it comes back, "
                   "install the update or the package again"),
}  # fmt: skip


def _delay(stage: CallPair, heard: Heard) -> Finding:
    if not heard.arrived:
        return not_measured("delay", _("what the phone gave back did not arrive"))
    took = milliseconds(heard.begins)
    if took > MOST_DELAY_MS:
        stage.late = True
        return wrong(
            "delay",
            _("sound takes {ms} ms there and back, {most} at most are good: end what keeps the "
              "box busy, or start it anew", ms=took, most=MOST_DELAY_MS),
            ms=took,
        )  # fmt: skip
    return ok("delay", _("{ms} ms there and back", ms=took), ms=took)


def _release(stage: CallPair, ended: float | None, freed: float | None) -> Finding:
    if ended is None or freed is None:
        return wrong("release", NOT_RELEASED.filled())
    took = freed - ended
    shown = by_language(lambda language: decimal_words(took, 1, language))
    if took > MOST_RELEASE_S:
        stage.late = True
        return wrong("release", _("a caller who hangs up is noticed only after {s} s: end what "
                                  "keeps the box busy, or start it anew", s=shown),
                     s=took)  # fmt: skip
    return ok("release", _("the line is free {s} s after the caller hangs up", s=shown), s=took)


NOT_RELEASED: Final = _(
    "a caller who hangs up is not noticed, the line stays engaged: install the update or the "
    "package again"
)


# ---- the message ---------------------------------------------------------------------------------


def leave_message(stage: CallPair) -> Steps:
    """A call after hours: the caller skips the greeting by a key, speaks, ends by a key."""
    yield from _until(lambda: stage.rang, RING_S, "the other call did not ring")
    said, lines = voice_like(4, MESSAGE_S), stage.box.folder / "lines"
    stage.box.close_office()
    with contextlib.closing(process.start_call(lines, 2, CallPlan(caller=NUMBER))) as call:
        yield from _until(_has(call, "answered"), RING_S, "no answer")
        yield from _until(_hears(call, GREETING_MS), CALL_S, "the line stands still")
        call.press("#")
        toned = len(call.heard) / 8 + TONE_MS
        yield from _until(_hears(call, toned), CALL_S, "the line stands still")
        call.say(as_ulaw(said))
        call.press("#")
        # Released: the box has hung up; the busy tone behind it is the exchange's own.
        yield from _until(_has(call, "released"), CALL_S, "the call did not end")
        heard = g711.ulaw_to_linear(bytes(call.heard))
    found: list[CallRecord] = []
    yield from _until(lambda: _recorded(stage, found), RECORD_S, "no record of the call")
    yield _caller_id(found[0])
    yield _prompt(stage, heard)
    yield _keys(found[0])
    yield _message(stage, found[0], said)


def _recorded(stage: CallPair, found: list[CallRecord]) -> bool:
    """Add the call's record, once it is final."""
    with (
        contextlib.suppress(CentralinoError),
        contextlib.closing(open_reader(database_path(stage.box.folder / "state"))) as reader,
    ):
        found += [
            record
            for record in call_log.list_calls(reader)
            if record.line == "line2" and record.result is not Result.OPEN
        ]
    return bool(found)


def _caller_id(record: CallRecord) -> Finding:
    if record.caller.number == NUMBER:
        return ok("caller_id", _("it arrives whole"))
    return wrong(
        "caller_id",
        _("the caller's number, which the simulated exchange sends, does not arrive: install the "
          "update or the package again"),
    )  # fmt: skip


def _prompt(stage: CallPair, heard: bytes) -> Finding:
    try:
        played = stage.catalogue.load(stage.language, PROMPT)
    except CentralinoError as error:
        return wrong("announcements", _("an announcement cannot be played: {problem}",
                                        problem=error))  # fmt: skip
    found = compare(played, heard)
    if found.arrived and found.missing <= MOST_MISSING * found.blocks:
        return ok("prompt", _("heard as it is recorded, {snr} dB above noise",
                              snr=_decibels(found.snr_db)), snr_db=found.snr_db)  # fmt: skip
    stage.late = stage.late or found.arrived
    return wrong(
        "prompt",
        _("callers do not hear the announcement {language}/{key} as it is recorded: start the box "
          "anew; if it comes back, install the update or the package again",
          language=stage.language, key=PROMPT),
    )  # fmt: skip


def _keys(record: CallRecord) -> Finding:
    if {"greeting.skipped", "recorded.key"} <= set(record.trail):
        return ok("keys", _("both keys were understood"))
    return wrong(
        "keys",
        _("the caller's keys are not understood: install the update or the package again"),
    )


def _message(stage: CallPair, record: CallRecord, said: bytes) -> Finding:
    state = stage.box.folder / "state"
    with contextlib.closing(open_reader(database_path(state))) as reader:
        stored = voicemail.find_message(reader, record.message) if record.message else None
    if stored is None:
        return wrong("message", _("the caller's message was not stored ({result}): install the "
                                  "update or the package again",
                                  result=record.result.value))  # fmt: skip
    return _read_back(stage, stored, said)


def _read_back(stage: CallPair, stored: Message, said: bytes) -> Finding:
    path = stage.box.folder / "state" / "voicemail" / stored.path
    try:
        whole = path.read_bytes()
    except OSError as error:
        return wrong("message", _("the stored message cannot be read ({error}): replace the "
                                  "memory card", error=error.strerror))  # fmt: skip
    if hashlib.sha256(whole).hexdigest() != stored.sha256:
        return wrong("message", _("the stored message is not what was written: replace the memory "
                                  "card, and restore a backup"))  # fmt: skip
    sound = wav.parse(whole)
    found = compare(said, g711.decode(sound.data, sound.law))
    seconds = stored.length_ms / 1000
    least, most = MESSAGE_SECONDS
    if not found.arrived or found.missing > MOST_MISSING * found.blocks:
        stage.late = stage.late or found.arrived
        return wrong("message", _("the stored message is not what the caller said: install the "
                                  "update or the package again"))  # fmt: skip
    shown = by_language(lambda language: decimal_words(seconds, 1, language))
    if not least <= seconds <= most:
        return wrong("message", _("the stored message has {s} s, the caller spoke {spoken} s: "
                                  "install the update or the package again",
                                  s=shown, spoken=round(MESSAGE_S)))  # fmt: skip
    return ok("message", _("{s} s, read back whole", s=shown), s=seconds, snr_db=found.snr_db)
