"""Analog line: one modem driver, the call on it, and the commands of call control for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from appliance.calls import events, orders
from appliance.calls.events import (
    DigitSource,
    Evidence,
    FarEnd,
    FarEndProgressed,
    LineCondition,
    RecordingStop,
)
from appliance.dsp import g711
from appliance.dsp.dtmf import PLANS
from appliance.dsp.wav import FRAME_MS, Law
from appliance.errors import TechnicianError
from appliance.media.bridge import Conference, LineBridge, PhoneSource
from appliance.media.clock import CLEAR_S, FrameScheduler, PlayoutLead
from appliance.media.detectors import (
    GONE_MS,
    HELD_MS,
    QUIET_MS,
    VOICE_MS,
    Detected,
    Detectors,
    DialProgress,
    DigitMerger,
    FaxSigns,
    LineHeard,
    ReleaseDetector,
)
from appliance.media.echo import LineEcho
from appliance.media.link import Link
from appliance.media.messages import (
    LineSetup,
    LineSnapshot,
    Marked,
    Measured,
    Notice,
    Recovering,
    StillRinging,
    forbids_dialling,
    line_settings,
)
from appliance.media.phone_leg import PhoneLeg
from appliance.media.playback import DtmfSender, FadingSource, Pcm, Player, Silence, SoundRecorder
from appliance.modem import events as modem_events
from appliance.modem.events import Recovery, Signal, Stream
from appliance.modem.line import LADDER, LineDriver
from appliance.modem.table import LineStage
from appliance.modem.v253 import OK
from appliance.text import Words

# The tone begins before its first recognised frame.
TRIM_MARGIN_MS = 100
"""Milliseconds cut from a recording before a recognised tone."""
# Modems report a lifted telephone after 0.2 s or more (v253.md 1.3, -TTE).
TAKEN_TRIM_MS = 1000
"""Milliseconds cut from a recording before the report of a lifted telephone."""

Tell = Callable[[events.Event | Measured | Marked | Recovering | Notice], None]


class AnalogLine:
    """Carries out call control's commands for one line and reports what happens on it.

    No descriptor and no clock: bytes and `now` (monotonic s) come in, bytes to write and events go
    out. The modem's received bytes clock everything that is played to it, since one crystal drives
    both directions.
    """

    def __init__(
        self,
        setup: LineSetup,
        tell: Tell,
        link: Callable[[], Link | None],
        lead_ms: int,
        canceller: Callable[[], LineEcho] = LineEcho,
    ) -> None:
        self.setup = setup
        self.name = setup.name
        self.driver = LineDriver(setup.name, line_settings(setup))
        self.status = LineReport(setup.name, tell)
        self.lead = PlayoutLead(lead_ms)
        self.rhythm = FrameScheduler()
        self.call: LineCall | None = None
        self.needs: Recovery | None = None
        self.overruns = 0
        self.has_news = True
        """True when there may be bytes to write, or another deadline."""
        self._lead_ms = self._least_lead = lead_ms
        self._heard_at = 0.0
        self._samples_in_read = 0
        self._warm: Detectors | None = None
        self._rang_at = 0.0
        self._tell = tell
        self._link = link
        self._echo = self._make_canceller(canceller) if setup.echo else None

    def start(self, now: float) -> None:
        """Initialise the modem over a port that was just opened."""
        self._take_events(self.driver.start(now), now)

    def found_ringing(self, still: StillRinging, now: float) -> None:
        """Take over, before the start, a caller who rang when the previous gateway was lost."""
        self._rang_at = now - still.ago_ms / 1000
        known = modem_events.Identified(still.caller or events.Caller(), dated=still.dated)
        self.driver.found_ringing(still.modem, known, self._rang_at)

    def timer(self, now: float) -> None:
        """Run the driver's due timers."""
        self._take_events(self.driver.handle_timer(now), now)

    def lost(self, reason: Words, now: float, least: Recovery = Recovery.REOPEN) -> None:
        """End the call on a lost port; recovery starts at step `least` of the ladder."""
        self._take_events(self.driver.lost(reason, now, least), now)

    def receive(self, data: bytes, now: float) -> None:
        """Handle bytes from the port; empty when a frame's fetch found none."""
        self._samples_in_read = 0
        # Not before the stream runs: an answer joins line and phone earlier, and the modem's
        # replies must not be taken for the stream's first piece.
        if data and self.rhythm.is_beginning and self.expects_sound:
            self._choose_rhythm(now)
        self._take_events(self.driver.receive_data(data, now), now)
        if self.expects_sound:
            self.rhythm.took(self._samples_in_read, now)

    def tick(self, now: float) -> None:
        """Feed a transmit stream by the clock, and a duplex one whose received sound is late."""
        if not self._runs:
            # The stream's end is under way. Requested anew at every tick its limit would never
            # come: one lost result then left a caller in silence.
            return
        if self.driver.streaming is Stream.TRANSMIT:
            self.lead.on_clock(now)
            self._feed(now)
        elif self.driver.streaming is Stream.DUPLEX:
            gap_ms = int((now - self._heard_at) * 1000)
            if gap_ms > FRAME_MS:
                self.lead.on_gap(gap_ms)
                self._feed(now)

    # --- state read by switch, port and process ---

    @property
    def needs_ticks(self) -> bool:
        """True during a call: lateness is measured and transmit streams are fed."""
        return self.call is not None

    @property
    def is_clocked(self) -> bool:
        """True while a transmit stream runs, which the ticks clock."""
        return self.driver.streaming is Stream.TRANSMIT

    @property
    def expects_sound(self) -> bool:
        """True while a stream runs in which the modem sends sound continuously."""
        return self._runs and self.driver.streaming is not Stream.TRANSMIT

    @property
    def can_be_joined(self) -> bool:
        """True for a duplex line with a call."""
        return self.call is not None and self.driver.duplex

    def take_least_lead(self) -> int:
        """Return the least lead (ms) since the last call of this method."""
        least, self._least_lead = self._least_lead, self._lead_ms
        return least

    def report_again(self) -> None:
        """Repeat the line's state, and a caller who rings, to a restarted call control."""
        self.status.report_again(self.driver.duplex)
        # Else call control would learn of the caller only at the next ring, and never of an
        # identity, which is sent once a call.
        if self.status.in_service and self.call is None:
            self._take_events(self.driver.ringing, self._rang_at)

    def snapshot(self) -> LineSnapshot:
        """Return the line's state for a Snapshot."""
        state = "in_service" if self.status.in_service else "out"
        return LineSnapshot(self.name, state, self.status.modem, self.driver.duplex)

    # --- commands for the caller on the line ---

    def answer(self, now: float) -> None:
        """Take the line off hook; LineAnswered follows."""
        if self.call is None:
            self.call = LineCall(now, ReleaseDetector(self.name))
            self._take_events(self.driver.answer(now), now)

    def hang_up(self, now: float) -> None:
        """Put the line on hook; LineIdle follows."""
        self._end_recording(RecordingStop.ORDERED)
        self._stop_player()
        if self.call is not None:
            self.call.leg = self.call.three = self.call.calling = None
        self._take_events(self.driver.hang_up(now), now)

    def listen(self, now: float) -> None:
        """Play silence and listen for keys and tones."""
        if self._free_call(now) is not None:
            self._want(Stream.RECEIVE, now)

    def play(self, order: orders.Play, sounds: list[Pcm], now: float) -> None:
        """Play prompts once; PromptEnded follows."""
        call = self._free_call(now)
        if call is None:
            self._tell(events.PromptEnded(order.play, whole=False))
            return
        call.player = Player(order.play, sounds)
        call.source.change_to(call.player)
        self._want(Stream.TRANSMIT, now)

    def record(self, order: orders.Record, now: float) -> None:
        """Record the caller; RecordingEnded follows."""
        call = self._free_call(now)
        law, link = self.driver.law, self._link()
        if call is None or law is None or link is None:
            self._tell(events.RecordingEnded(order.recording, RecordingStop.LOST, 0))
            return
        call.recorder = SoundRecorder(order, law, link)
        call.recorder.start()
        if call.ears is not None:
            # Until now an announcement was playing: the caller's silence does not count.
            call.ears.forget_silence()
        self._want(Stream.RECEIVE, now)

    def hold(self, sounds: list[Pcm], now: float) -> None:
        """Disconnect the line from its phone and repeat the hold prompts."""
        call = self._free_call(now)
        if call is None:
            return
        call.source.change_to(Player("", sounds, repeat=True))
        call.held = True
        self._want(Stream.TRANSMIT, now)

    def press_keys(self, order: orders.PressKeys) -> None:
        """Send keys as DTMF within the running stream; ignored without a call."""
        if self.call is not None:
            self.call.pressing.press(order.digits)

    def connect(self, leg: PhoneLeg, now: float, music: Sequence[Pcm] = ()) -> None:
        """Join the line and a phone, both ways; while the phone holds, the caller hears `music`."""
        call = self._free_call(now)
        if call is None:
            return
        # Once an outgoing call is answered, it is released like an incoming one.
        if call.calling is not None and call.calling.answered:
            call.treat_as_caller()
        call.leg = leg
        call.source.change_to(PhoneSource(leg, music))
        self._begin(leg, now)
        self._want(Stream.DUPLEX, now)

    def bring_in(self, leg: PhoneLeg, now: float, music: Sequence[Pcm] = ()) -> None:
        """Add a second phone to the conversation, without a break for the first one."""
        call = self.call
        if call is None or call.leg is None:
            self.connect(leg, now, music)
            return
        leg.begin()
        call.three = Conference(call.leg, leg, music)
        call.source.continue_with(call.three)

    def part(self, leg: PhoneLeg) -> None:
        """Remove a phone: the caller hears the other phone of a conference, else silence."""
        if self.call is not None:
            self.call.part(leg)

    def join(self, across: LineBridge, now: float) -> None:
        """Join the line to another line; an outgoing call is then treated like an incoming one."""
        call = self._free_call(now)
        if call is not None:
            call.treat_as_caller()
            call.across = across
            call.source.change_to(across)

    def say_farewell(self, order: orders.Play, sounds: list[Pcm], now: float) -> None:
        """Play the farewell to the caller, after taking back a caller held by a PBX."""
        call = self.call
        if call is None or not call.caller_held:
            self.play(order, sounds, now)
            return
        # Another hook flash is what gives the caller back.
        self.flash(orders.Flash(self.name), now)
        call.farewell = lambda at: self.play(order, sounds, at)

    def _want(self, kind: Stream, now: float) -> None:
        """Start the stream that a command needs; a duplex line has one running already."""
        if not self.driver.duplex and kind is not Stream.DUPLEX:
            law = self.driver.law
            # The modem plays to its end what it has, also of a source that was broken off.
            if self.call and law and self.is_clocked and self._runs and kind is Stream.RECEIVE:
                self.driver.send_samples(self.call.source.end(law))
            self._take_events(self.driver.start_stream(kind, now), now)

    def _free_call(self, now: float) -> LineCall | None:
        """End what the call was doing and return it for the next command; None without a call."""
        self._end_recording(RecordingStop.ORDERED)
        self._stop_player()
        if self.call is not None:
            # Sound put by in a conversation is judged as conversation, before the call changes.
            self._listen_to_stored(self.call, now)
            self.call.detach()
        return self.call

    # --- outgoing calls ---

    def flash(self, order: orders.Flash, now: float) -> None:
        """Call an extension of the PBX, or take back the caller on hold; see orders.Flash."""
        if why := forbids_dialling(self.setup, order):
            self._not_dialled(why)
            return
        call = self._free_call(now)
        if call is None:
            self._not_dialled("no call")
            return
        call.ears, call.release, call.calling = None, ReleaseDetector(self.name), None
        call.caller_held = bool(order.digits)
        if order.digits:
            call.calling = self._calling(order.digits, order.no_answer_ms)
        # Without a configured pause the digits wait until the dial tone is heard.
        at_once = order.digits if self.setup.pbx_pause_ms else ""
        self._take_events(self.driver.flash(at_once, now), now)

    def dial(self, order: orders.DialLeg, now: float) -> None:
        """Seize the idle line and dial; see orders.DialLeg."""
        if why := forbids_dialling(self.setup, order):
            self._not_dialled(why)
            return
        if self.call is not None or self.driver.stage not in {LineStage.IDLE, LineStage.CHECKING}:
            self._not_dialled("the line is not idle")
            return
        calling = self._calling(order.digits, order.no_answer_ms)
        self.call = LineCall(now, ReleaseDetector(self.name), calling=calling, told=True)
        self._take_events(self.driver.dial(order.digits, now), now)

    def _on_flashed(self, event: modem_events.FlashSent, now: float) -> None:
        """Continue with what the flash was for: the farewell, the caller's return or a call."""
        call = self.call
        if call is None:
            return
        call.flashed_at = now
        if call.farewell is not None:
            farewell, call.farewell = call.farewell, None
            farewell(now)
            return
        if call.calling is None:
            self._tell(events.LineFlashed(self.name, event.done))
        elif not event.done:
            self._tell(call.calling.failed("ERROR"))
        elif self.setup.pbx_pause_ms:
            self._tell(call.calling.dialled())
        else:
            call.calling.wait_for_dial_tone()
        self._hear_again(now)

    def _on_digits_sent(self, event: modem_events.DigitsSent, now: float) -> None:
        calling = self.call.calling if self.call else None
        if calling is not None:
            self._tell(calling.dialled() if event.done else calling.failed("ERROR"))
            self._hear_again(now)

    def _on_dialled(self, event: modem_events.NumberSent, now: float) -> None:
        call = self.call
        if call is None or call.calling is None:
            return
        if event.result != OK:
            self._tell(call.calling.failed(event.result))
            return
        # Dialling has taken the line off hook; an outgoing call has no OffHook event.
        call.off_hook_at = now
        self._tell(call.calling.dialled())
        self._hear_again(now)

    def _hear_again(self, now: float) -> None:
        """Start a stream in which the line is heard."""
        # AT commands cannot be sent in a stream: the flash or the digits have ended the last one.
        kind = Stream.DUPLEX if self.driver.duplex else Stream.RECEIVE
        self._take_events(self.driver.start_stream(kind, now), now)

    def _calling(self, digits: str, no_answer_ms: int) -> DialProgress:
        return DialProgress(self.name, digits, PLANS[self.setup.country], no_answer_ms)

    def _not_dialled(self, why: str) -> None:
        self._tell(FarEndProgressed(self.name, FarEnd.REFUSED, detail=why))

    # --- events of the driver ---

    def _take_events(self, happened: tuple[modem_events.LineEvent, ...], now: float) -> None:
        """Handle the driver's events."""
        # Also without events: the command that caused them may have bytes to write.
        self.has_news = True
        for event in happened:
            handler = HANDLERS.get(type(event))
            # Prepared alone has no handler: it changes nothing here.
            if handler is not None:
                handler(self, event, now)
        if self.rhythm.fetch_at is not None and not self.expects_sound:
            self.rhythm.stop()

    def _on_rang(self, event: modem_events.RingReceived, now: float) -> None:
        # A ring disproves what was measured on the idle pair.
        self.status.condition = LineCondition.UNKNOWN
        self._rang_at = self.driver.rang_at
        known = event.known
        if known is None:
            self._tell(events.LineRang(self.name, event.count))
        else:
            self._tell(events.LineRang(self.name, event.count, known.caller, known.dated))

    def _on_identified(self, event: modem_events.Identified, now: float) -> None:
        self._tell(events.CallerIdentified(self.name, event.caller, event.dated))
        self._tell(Marked("identified", self.name, now))

    def _on_gave_up(self, event: modem_events.GaveUp, now: float) -> None:
        quiet_ms = round((now - self._rang_at) * 1000)
        self._tell(events.CallerHungUp(self.name, Evidence.GAVE_UP, quiet_ms))

    def _on_taken(self, event: modem_events.ExtensionAnswered, now: float) -> None:
        self._taken()

    def _on_found(self, event: modem_events.PairMeasured, now: float) -> None:
        self.status.measured(event.condition)

    def _on_off_hook(self, event: modem_events.OffHook, now: float) -> None:
        call = self.call
        if call is None:
            return
        call.off_hook_at = now
        self._tell(Measured("answer_to_off_hook", self.name, (now - call.asked_at) * 1000))
        # LineAnswered waits for the duplex stream: it may prove the line half duplex.
        if self.driver.duplex:
            self._take_events(self.driver.start_stream(Stream.DUPLEX, now), now)
        else:
            call.told = True
            self._tell(events.LineAnswered(self.name))

    def _on_streaming(self, event: modem_events.Streaming, now: float) -> None:
        call, law = self.call, self.driver.law
        if call is None or law is None:
            return
        # What an earlier stream has not played any more is no part of this one.
        call.source.end(law)
        self.lead.on_start(now)
        self._heard_at = now
        if self._echo:
            self._echo.starts()
        if call.ears is None:
            call.ears, self._warm = self._warm or Detectors(self.setup.country, law), None
        if call.leg is not None:
            self._begin(call.leg, now)
        if event.kind is not Stream.RECEIVE:
            self._feed(now)
        if event.kind is Stream.DUPLEX and not call.told:
            call.told = True
            self._tell(events.LineAnswered(self.name))

    def _on_stopped(self, event: modem_events.Stopped, now: float) -> None:
        if event.kind is Stream.TRANSMIT:
            self._stop_player(whole=True)

    def _on_broke_off(self, event: modem_events.BrokeOff, now: float) -> None:
        self._tell(Notice(f"line {self.name}: {event.reason}", "warning"))

    def _on_half_duplex(self, event: modem_events.HalfDuplex, now: float) -> None:
        """Report the refused duplex stream, then the answer."""
        # In this order: call control must join no phone to this caller.
        self.status.half_duplex(event.reason)
        call = self.call
        if call is not None and call.calling is not None:
            self._tell(call.calling.failed("ERROR"))
        elif call is not None and not call.told:
            call.told = True
            self._tell(events.LineAnswered(self.name))

    def _on_signalled(self, event: modem_events.Signalled, now: float) -> None:
        if event.signal is Signal.UNDERRUN:
            # While a stream is being ended its buffer runs dry as it should.
            if self._runs:
                self.lead.on_underrun()
                if self._echo:
                    self._echo.starts()
        elif event.signal is Signal.OVERRUN:
            self.overruns += 1
        elif self.call is None or self.driver.stage is LineStage.FLASHING:
            # No call, or the hook flash's own break of the loop.
            pass
        elif event.signal is Signal.DIGIT:
            self._press(event.digit, DigitSource.CHIP, now)
        elif event.signal is Signal.EXTENSION_PICKUP:
            if self.call.release.taken(self.call.settled_ms(now)):
                self._taken()
        elif event.signal is Signal.FAX:
            self._faxed(self.call.fax.chip(self.call.off_hook_ms(now)))
        else:
            self._noticed(self.call, event.signal, now)

    def _noticed(self, call: LineCall, signal: Signal, now: float) -> None:
        """Handle the chip's report of a tone or loop break, on an outgoing or incoming call."""
        if call.calling is None:
            heard = self._heard_now(call, self._listen_to_stored(call, now), now)
            self._released(call.release.chip(signal.value, call.settled_ms(now), heard))
        elif signal is Signal.BUSY and (gone := call.calling.chip_busy()) is not None:
            self._tell(gone)

    def _on_idle(self, event: modem_events.Idle, now: float) -> None:
        self._end_call()
        self._tell(events.LineIdle(self.name))

    def _on_up(self, event: modem_events.Up, now: float) -> None:
        self.needs = None
        # Ahead of the first call: the detectors' tables take 0.1 s to make the first time.
        self._warm = Detectors(self.setup.country, event.law)
        self.status.up(event.identity, self.driver.duplex)

    def _on_recovering(self, event: modem_events.RecoveryStarted, now: float) -> None:
        self.status.recovering(Recovery.IN_BAND, event.reason)

    def _on_recovered(self, event: modem_events.RecoveryDone, now: float) -> None:
        self._fail(events.LineLost(self.name, event.reason))

    def _on_failed(self, event: modem_events.Failed, now: float) -> None:
        self.needs = event.needs
        if event.needs in LADDER:
            self.status.recovering(event.needs, event.reason)
        missing = event.needs is Recovery.PLUG_IN
        self._fail(events.LineLost(self.name, event.reason, missing))

    # --- sound from the modem and to it ---

    def _on_heard(self, event: modem_events.SoundReceived, now: float) -> None:
        samples = event.samples
        self._samples_in_read += len(samples)
        self.lead.on_heard(len(samples))
        self._heard_at = now
        call, law = self.call, self.driver.law
        if call is None or law is None:
            return
        clean = self._echo.cancel(samples, law) if self._echo else samples
        call.pass_on(clean, law)
        # Before the feed, which may set a new count.
        self._count_drain(len(samples))
        if self.driver.streaming is Stream.DUPLEX and self._runs:
            self._least_lead = min(self._least_lead, self.lead.ahead_ms)
            self._feed(now)
        if call.ears is not None:
            self._listen(call, call.ears, clean, now)

    @property
    def _runs(self) -> bool:
        """True while a stream runs and its end has not been ordered."""
        return self.driver.stage is LineStage.STREAMING

    def _begin(self, leg: PhoneLeg, now: float) -> None:
        """Start the sound between line and phone, at the join or when the stream has started."""
        leg.begin()
        # The canceller's frames are counted from the stream's start and cannot be moved.
        if self._echo is None:
            self.rhythm.begin(now)

    def _choose_rhythm(self, now: float) -> None:
        """Let this piece end the first frame, for line and phone, if it comes at the right time."""
        leg = self.call.leg if self.call is not None else None
        if leg is None:
            # No phone any more, whose packets would matter: end the frame now.
            self.rhythm.begins(now, now - CLEAR_S)
        elif self.rhythm.begins(now, leg.came_at):
            leg.align()

    def _feed(self, now: float) -> None:
        """Write as many samples as keep the lead, read from the call's source."""
        call, law = self.call, self.driver.law
        wanted = self.lead.wanted()
        if call is None or law is None or not wanted:
            return
        self.has_news = True
        data = call.pressing.over(call.source.read(wanted, law), law)
        self.driver.send_samples(data)
        self.lead.on_written(len(data))
        # What a transmit stream plays is never heard back.
        if self._echo and self.driver.streaming is Stream.DUPLEX:
            self._echo.played(data, law)
        if call.player is not None and call.player.ended and call.drain is None:
            self._player_ended(call, now)

    def _player_ended(self, call: LineCall, now: float) -> None:
        if self.driver.streaming is Stream.TRANSMIT:
            # Stopped comes once the modem has played its buffer (v253.md 2.2, DLE ETX).
            self._take_events(self.driver.end_stream(now), now)
        else:
            # A duplex stream goes on: the samples ahead are counted down by the samples heard.
            call.drain = self.lead.ahead_ms * 8

    def _count_drain(self, samples: int) -> None:
        call = self.call
        if call is None or call.drain is None:
            return
        call.drain -= samples
        if call.drain <= 0:
            self._stop_player(whole=True)

    def _listen(self, call: LineCall, ears: Detectors, clean: bytes, now: float) -> None:
        """Run the detectors: at once, or during a conversation on several frames together."""
        # While people talk nobody waits for keys, and speech could be mistaken for them
        # (audio.md 2, talk-off). What was put by is heard with the old setting.
        if ears.keys is not (call.leg is None):
            self._listen_to_stored(call, now)
            ears.keys = call.leg is None
        # Five frames together cost little more than one, and come 80 ms late at most
        # (design/sound.md, What a call costs): too late for keys and recordings.
        if call.leg is None or call.calling is not None:
            self._judge(call, ears.hear(clean), clean, now)
        elif ears.store(clean):
            self._listen_to_stored(call, now)

    def _listen_to_stored(self, call: LineCall, now: float) -> Detected | None:
        """Run the detectors on stored sound; returns what they detect by now, None without any."""
        if call.ears is None or call.calling is not None:
            return None
        ear = call.ears.hear(b"")
        self._judge(call, ear, b"", now)
        return ear

    def _judge(self, call: LineCall, ear: Detected, clean: bytes, now: float) -> None:
        recorder = call.recorder
        ended = recorder.take(clean, ear.silent_ms) if recorder is not None else None
        if ended is not None:
            self._recording_over(ended)
        for digit in ear.digits:
            self._press(digit, DigitSource.SOUND, now)
        if call.calling is not None:
            self._judge_far_end(call.calling, clean, now)
            return
        for tone in ear.tones:
            cadence = "/".join(map(str, tone.cadence_ms))
            self._released(call.release.tone(tone.kind.value, cadence, tone.after_ms))
        heard = self._heard_now(call, ear, now)
        self._released(call.release.judge(heard, call.patience_ms))
        self._released(call.release.silence(ear.silent_ms))
        if ear.fax_ms:
            self._faxed(call.fax.sound(ear.fax_ms))

    def _judge_far_end(self, calling: DialProgress, clean: bytes, now: float) -> None:
        for progressed in calling.hear(g711.decode(clean, self.driver.law or Law.ULAW)):
            self._tell(progressed)
            is_answered = progressed.progress is FarEnd.ANSWERED
            if is_answered and self.call is not None and self.call.leg is not None:
                self.call.treat_as_caller()
        if calling.wants_digits():
            self._take_events(self.driver.send_digits(calling.digits, now), now)

    def _heard_now(self, call: LineCall, ear: Detected | None, now: float) -> LineHeard:
        """Return the detectors' view of the line; `deaf` while no sound comes from it."""
        if ear is None or self.driver.streaming is Stream.TRANSMIT:
            return LineHeard(call.off_hook_ms(now), deaf=True)
        return LineHeard(call.off_hook_ms(now), ear.tone_ms, ear.silent_ms)

    # --- end of recordings, prompts and calls ---

    def _press(self, digit: str, source: DigitSource, now: float) -> None:
        call = self.call
        # Keys that the appliance sends itself echo on the line.
        if call is None or call.pressing.active or not call.keys.press(source, now):
            return
        ended = call.recorder.key(digit) if call.recorder else None
        if ended is not None:
            self._recording_over(ended)
        else:
            self._tell(events.DigitPressed(digit, source, line=self.name))

    def _released(self, hung_up: events.CallerHungUp | None) -> None:
        if hung_up is None:
            return
        # Silence alone ends no recording here: the recorder has a limit of its own for it.
        if hung_up.evidence is not Evidence.SILENCE:
            self._end_recording(RecordingStop.RELEASE, hung_up.after_ms + TRIM_MARGIN_MS)
        self._tell(hung_up)

    def _faxed(self, fax: events.FaxCalled | None) -> None:
        """Report a fax machine; end the recording, kept without the tone or not at all."""
        if fax is None or self.call is None or self.call.calling is not None:
            return
        self._tell(fax)
        recorder, ears = self.call.recorder, self.call.ears
        if recorder is not None:
            # Anything said for at least a second before the tone is kept.
            spoke = ears is not None and ears.voiced_ms >= VOICE_MS
            trim_ms = fax.after_ms + TRIM_MARGIN_MS if spoke else int(recorder.length_ms)
            self._end_recording(RecordingStop.FAX, trim_ms)

    def _taken(self) -> None:
        """Report a call taken over by an extension telephone; end the recording before it."""
        # What is said on that telephone must not be recorded.
        self._end_recording(RecordingStop.TAKEN, TAKEN_TRIM_MS)
        self._tell(events.LineTaken(self.name))

    def _stop_player(self, whole: bool = False) -> None:
        call = self.call
        if call is None or call.player is None:
            return
        play, call.player, call.drain = call.player.play, None, None
        call.source.change_to(Silence())
        self._tell(events.PromptEnded(play, whole))

    def _end_recording(self, why: RecordingStop, trim_ms: int = 0) -> None:
        if self.call is not None and self.call.recorder is not None:
            self._recording_over(self.call.recorder.stop(why, trim_ms))

    def _recording_over(self, ended: events.RecordingEnded) -> None:
        assert self.call is not None
        self.call.recorder = None
        self._tell(ended)

    def _end_call(self) -> None:
        self._end_recording(RecordingStop.LOST)
        self._stop_player()
        self.call = None
        self.rhythm.stop()
        law = self.driver.law
        self._warm = Detectors(self.setup.country, law) if law else None
        if self._echo:
            self._echo.call_over()

    def _fail(self, lost: events.LineLost) -> None:
        self._end_call()
        self.status.lost(lost)

    def _make_canceller(self, canceller: Callable[[], LineEcho]) -> LineEcho | None:
        """Return the line's canceller; None, after a notice, when its library is missing."""
        try:
            return canceller()
        except TechnicianError as error:
            # A missing library must not stop the line.
            text = f"line {self.name} works without an echo canceller: {error}"
            self._tell(Notice(text, "warning"))
            return None


HANDLERS: dict[type, Callable[[AnalogLine, Any, float], None]] = {
    modem_events.SoundReceived: AnalogLine._on_heard,
    modem_events.RingReceived: AnalogLine._on_rang,
    modem_events.Identified: AnalogLine._on_identified,
    modem_events.GaveUp: AnalogLine._on_gave_up,
    modem_events.ExtensionAnswered: AnalogLine._on_taken,
    modem_events.PairMeasured: AnalogLine._on_found,
    modem_events.OffHook: AnalogLine._on_off_hook,
    modem_events.FlashSent: AnalogLine._on_flashed,
    modem_events.DigitsSent: AnalogLine._on_digits_sent,
    modem_events.NumberSent: AnalogLine._on_dialled,
    modem_events.Streaming: AnalogLine._on_streaming,
    modem_events.BrokeOff: AnalogLine._on_broke_off,
    modem_events.HalfDuplex: AnalogLine._on_half_duplex,
    modem_events.Stopped: AnalogLine._on_stopped,
    modem_events.Signalled: AnalogLine._on_signalled,
    modem_events.Idle: AnalogLine._on_idle,
    modem_events.Up: AnalogLine._on_up,
    modem_events.RecoveryStarted: AnalogLine._on_recovering,
    modem_events.RecoveryDone: AnalogLine._on_recovered,
    modem_events.Failed: AnalogLine._on_failed,
}


@dataclass(slots=True)
class LineCall:
    """State of a line from AnswerLine or DialLeg to LineIdle: its partners, player and recorder.

    `drain` counts the samples of an ended prompt that were written and not yet played. `calling`
    is an outgoing call, `told` is true once LineAnswered was sent. `flashed_at` is the time of the
    last hook flash, `across` another line joined to this one, `three` the conference with `leg`
    and a second phone. `caller_held` while a PBX holds the caller, who hears `farewell` (call
    control has died) once taken back.
    """

    asked_at: float
    release: ReleaseDetector
    ears: Detectors | None = None
    keys: DigitMerger = field(default_factory=DigitMerger)
    off_hook_at: float | None = None
    source: FadingSource = field(default_factory=FadingSource)
    player: Player | None = None
    leg: PhoneLeg | None = None
    three: Conference | None = None
    recorder: SoundRecorder | None = None
    drain: int | None = None
    held: bool = False
    calling: DialProgress | None = None
    told: bool = False
    flashed_at: float | None = None
    across: LineBridge | None = None
    caller_held: bool = False
    farewell: Callable[[float], None] | None = None
    pressing: DtmfSender = field(default_factory=DtmfSender)
    fax: FaxSigns = field(init=False)

    def __post_init__(self) -> None:
        """Begin to count the signs of a fax."""
        self.fax = FaxSigns(self.release.line)

    @property
    def legs(self) -> tuple[PhoneLeg, ...]:
        """The phones joined to the line."""
        if self.three is not None:
            return self.three.legs
        return () if self.leg is None else (self.leg,)

    @property
    def has_nothing_to_say(self) -> bool:
        """True when no prompt plays or is pending."""
        return self.player is None and self.farewell is None

    def off_hook_ms(self, now: float) -> int:
        """Return how long (ms) the line has been off hook."""
        return int((now - self.off_hook_at) * 1000) if self.off_hook_at is not None else 0

    def settled_ms(self, now: float) -> int:
        """Return the time (ms) since the appliance last changed the loop: off hook or flash."""
        since_flash = None if self.flashed_at is None else int((now - self.flashed_at) * 1000)
        off_hook = self.off_hook_ms(now)
        return off_hook if since_flash is None else min(off_hook, since_flash)

    @property
    def patience_ms(self) -> int:
        """Silence (ms) that confirms a loop break as release."""
        if self.recorder is not None:
            return GONE_MS
        # On hold nobody speaks.
        return HELD_MS if self.held else QUIET_MS

    def treat_as_caller(self) -> None:
        """Detect release as on an incoming call, once the called party has answered."""
        self.calling, self.release = None, ReleaseDetector(self.release.line)

    def pass_on(self, sound: bytes, law: Law) -> None:
        """Write the line's sound to the phones or the line joined to it."""
        if self.leg is not None:
            (self.three or self.leg).write(sound, law)
        elif self.across is not None:
            self.across.write(sound, law)

    def part(self, leg: PhoneLeg) -> None:
        """Remove a phone; the other phone of a conference stays joined."""
        if leg not in self.legs:
            return
        if self.three is None:
            self.leg = None
            self.source.change_to(Silence())
            return
        left = self.three.without(leg)
        self.source.continue_with(PhoneSource(left, self.three.music))
        self.leg, self.three = left, None

    def detach(self) -> None:
        """Leave phones, other line and hold: silence until the next command."""
        self.source.change_to(Silence())
        self.leg, self.held = None, False
        self.across = self.three = None


class LineReport:
    """Service state of a line as reported to call control: reported once, or again on request."""

    def __init__(self, name: str, tell: Tell) -> None:
        self.modem = ""
        self.in_service = False
        self.condition = LineCondition.UNKNOWN
        self._name = name
        self._tell = tell
        self._half_duplex_why: Words | None = None
        self._step: Recovery | None = None
        self._lost: events.LineLost | None = None

    def up(self, modem: str, duplex: bool) -> None:
        """Report the line in service with the modem of that name."""
        self.modem, self.in_service = modem, True
        self._lost = self._step = None
        self.condition = LineCondition.UNKNOWN
        self._report_service(duplex)

    def lost(self, lost: events.LineLost) -> None:
        """Report a line out of service, if it was in service or for a new reason."""
        # A lost line is retried for ever: each failure is not worth a report.
        if self.in_service or lost != self._lost:
            self._tell(lost)
        self.in_service, self._lost = False, lost

    def recovering(self, step: Recovery, reason: Words) -> None:
        """Report a step of the recovery ladder once, not at each repetition."""
        if step is not self._step:
            self._step = step
            self._tell(Recovering(self._name, step.value, reason))

    def half_duplex(self, reason: Words) -> None:
        """Report that the modem refuses duplex sound (+VTR)."""
        self._half_duplex_why = reason
        self._tell(events.LineHalfDuplex(self._name, reason))

    def measured(self, condition: LineCondition) -> None:
        """Report the condition of the idle pair."""
        self.condition = condition
        self._tell(events.LineProbed(self._name, condition))

    def report_again(self, duplex: bool) -> None:
        """Repeat the line's state to a restarted call control."""
        if self.in_service:
            self._report_service(duplex)
            if self.condition is not LineCondition.UNKNOWN:
                self._tell(events.LineProbed(self._name, self.condition))
        elif self._lost is not None:
            self._tell(self._lost)

    def _report_service(self, duplex: bool) -> None:
        """Report the line in service; for half duplex also the reason."""
        self._tell(events.LineRestored(self._name, self.modem, duplex))
        why = self._half_duplex_why
        if why is not None and not duplex:
            self._tell(events.LineHalfDuplex(self._name, why))
