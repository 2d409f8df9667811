"""Lines and legs by name: orders in, events out; opens no descriptor.

`process` passes it sockets, ports and time; tests pass fakes of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from appliance.calls import events, orders
from appliance.deadlines import earliest
from appliance.errors import TechnicianError
from appliance.media.bridge import PhoneBridge, bridge_lines
from appliance.media.detectors import DigitHandler
from appliance.media.line import AnalogLine, LineCall
from appliance.media.link import Link
from appliance.media.messages import Notice, Snapshot
from appliance.media.phone_leg import Announcer, LegRecording, PhoneLeg
from appliance.media.playback import Pcm, PromptMemory
from appliance.text import _

# A phone that loses its power in a conversation is known to be gone after 8 s at most: this, then
# an OPTIONS that is not answered for 5 s (design/failures.md, When a phone is known to be gone).
ASK_SILENT_PHONE_S = 3.0
"""Seconds without sound after which a phone in a conversation is queried by OPTIONS."""
# Whatever it answers: the caller hears nothing of it.
SILENT_PHONE_S = 30.0
"""Seconds without sound after which a phone in a conversation counts as lost."""

Tell = Callable[[Any], None]


class Switch:
    """Routes orders to lines and legs, and joins legs to each other.

    `tell` receives events, `prepare` opens a leg's socket (TechnicianError without a free port),
    `retire` closes it, `link` returns the link for recordings, None without call control.
    """

    def __init__(
        self,
        tell: Tell,
        prepare: Callable[[str], PhoneLeg],
        retire: Callable[[PhoneLeg], None],
        link: Callable[[], Link | None] = lambda: None,
    ) -> None:
        self.lines: dict[str, AnalogLine] = {}
        self.legs: dict[str, PhoneLeg] = {}
        self.announcers: dict[str, Announcer] = {}
        self.dictated: dict[str, LegRecording] = {}
        self.joins: list[PhoneBridge] = []
        self.prompts = PromptMemory(None, ())
        self.hold_prompts: tuple[str, ...] = ()
        self._loaded: dict[str, tuple[str, Pcm]] = {}
        self._leaving: dict[str, LineCall] = {}
        self._tell = tell
        self._prepare = prepare
        self._retire = retire
        self._link = link

    def order(self, order: orders.MediaOrder | events.MediaAgreed, now: float) -> None:
        """Carry out one order; report an unknown line or leg by the event of its loss."""
        handler = HANDLERS.get(type(order))
        if handler is not None:
            handler(self, order, now)

    def load(self, order: orders.LoadMessage, sound: Pcm) -> None:
        """Keep a voicemail message's sound for the leg that will hear it, replacing the last."""
        if order.leg in self.legs:
            self._loaded[order.leg] = (f"message/{order.message}", sound)

    def tick(self, now: float) -> None:
        """Serve what has no clock of its own, and check that phones in conversations still send.

        No clock of their own have announcements to phones, dictation and half-duplex streams.
        """
        for line in self.lines.values():
            line.tick(now)
        # Copies: what ends is removed on the way.
        for announcer in list(self.announcers.values()):
            if announcer.tick():
                self._announced(announcer, whole=True)
        for dictated in list(self.dictated.values()):
            self._watch_leg(dictated.leg, now)
            self._recorded(dictated, dictated.tick())
        for joined in self.joins:
            for leg in joined.legs:
                self._watch_leg(leg, now)
        for line in self.lines.values():
            for leg in line.call.legs if line.call is not None else ():
                self._watch_leg(leg, now)

    def run_joins(self, now: float) -> None:
        """Serve each pair of joined phones at its own 20 ms clock."""
        for joined in self.joins:
            joined.run(now)

    @property
    def due_at(self) -> float | None:
        """Time (monotonic s) of the next frame of two joined phones, None without any."""
        return earliest(joined.due_at for joined in self.joins)

    @property
    def needs_ticks(self) -> bool:
        """True while a call, an announcement or a dictation runs."""
        going_on = bool(self.announcers or self.joins or self.dictated)
        return going_on or any(line.needs_ticks for line in self.lines.values())

    @property
    def is_beginning(self) -> bool:
        """True while a line or two phones choose where frames end, by the phones' packets."""
        lines = any(line.rhythm.is_beginning for line in self.lines.values())
        return lines or any(joined.is_beginning for joined in self.joins)

    @property
    def is_clocked(self) -> bool:
        """True while ticks clock an announcement, a dictation or a half-duplex stream."""
        alone = bool(self.announcers or self.dictated)
        return alone or any(line.is_clocked for line in self.lines.values())

    def snapshot(self, realtime: str) -> Snapshot:
        """Return the state of every line and leg; `realtime` is what the kernel refused."""
        lines = tuple(line.snapshot() for line in self.lines.values())
        return Snapshot(lines, tuple(self.legs), realtime)

    # --- end of all calls after call control's death -----------------------------------------

    @property
    def in_use(self) -> bool:
        """True while any line is off hook, or on its way there or back."""
        return any(line.call is not None for line in self.lines.values())

    def see_off(self, play: str, prompts: tuple[str, ...], now: float) -> None:
        """Release every phone and play `prompts` as the play `play` to every caller on a line."""
        for leg in list(self.legs):
            self._release_phone(orders.ReleasePhone(leg), now)
        for line in self.lines.values():
            if line.call is not None:
                self._leaving[line.name] = line.call
                last = orders.Play(play, prompts, line=line.name)
                line.say_farewell(last, self._sounds(prompts), now)

    def end_farewell(self, now: float, hang_up: bool) -> None:
        """Put on hook the lines whose farewell has been played, with `hang_up` all of them."""
        for name, call in list(self._leaving.items()):
            line = self.lines.get(name)
            # A new call control may have begun another call on the line meanwhile.
            if line is None or line.call is not call:
                del self._leaving[name]
            elif hang_up or call.has_nothing_to_say:
                line.hang_up(now)

    # --- orders ------------------------------------------------------------------------------

    def _answer(self, order: orders.AnswerLine, now: float) -> None:
        self._on_line(order.line, lambda line: line.answer(now))

    def _hang_up(self, order: orders.HangUp, now: float) -> None:
        self._on_line(order.line, lambda line: line.hang_up(now))

    def _flash(self, order: orders.Flash, now: float) -> None:
        self._on_line(order.line, lambda line: line.flash(order, now))

    def _dial(self, order: orders.DialLeg, now: float) -> None:
        self._on_line(order.line, lambda line: line.dial(order, now))

    def _join_lines(self, order: orders.JoinLines, now: float) -> None:
        """Join two lines; report a line that cannot be joined as FarEndProgressed, REFUSED."""
        found = [self.lines.get(name) for name in (order.line, order.other)]
        ready = [line for line in found if line is not None and line.can_be_joined]
        if len(ready) == 2:
            for line, across in zip(ready, bridge_lines(), strict=True):
                line.join(across, now)
            return
        for name in {order.line, order.other} - {line.name for line in ready}:
            refused = events.FarEnd.REFUSED
            self._tell(events.FarEndProgressed(name, refused, detail="it carries no conversation"))

    def _listen(self, order: orders.Listen, now: float) -> None:
        if order.line:
            self._on_line(order.line, lambda line: line.listen(now))
        else:
            # Playing nothing for ever, the announcer hears the keys in the leg's sound.
            self._speak(orders.Play("", (), leg=order.leg, keys=True), [])

    def _connect(self, order: orders.Connect, now: float) -> None:
        leg = self._ready(order.leg, now)
        if leg is not None:
            music = self._sounds(self.hold_prompts)
            self._on_line(order.line, lambda line: line.connect(leg, now, music))

    def _bring_in(self, order: orders.BringIn, now: float) -> None:
        leg = self._ready(order.leg, now)
        if leg is not None:
            music = self._sounds(self.hold_prompts)
            self._on_line(order.line, lambda line: line.bring_in(leg, now, music))

    def _ready(self, name: str, now: float) -> PhoneLeg | None:
        """Return a leg free to be joined; report PhoneHungUp and return None when it is gone."""
        leg = self.legs.get(name)
        if leg is None:
            self._tell(events.PhoneHungUp(name, "its sound is gone"))
            return None
        # The silence before the conversation does not count as a lost phone.
        leg.last_heard, leg.asked_after = now, 0.0
        # An announcement to the leg would go on over the line.
        self._part(leg)
        return leg

    def _whisper(self, order: orders.Whisper, now: float) -> None:
        leg = self.legs.get(order.leg)
        if leg is not None:
            leg.whisper(self._sounds(order.prompts))

    def _join(self, order: orders.Join, now: float) -> None:
        legs = [self.legs[name] for name in (order.leg, order.other) if name in self.legs]
        if len(legs) == 2:
            for leg in legs:
                self._part(leg)
            music = self._sounds(self.hold_prompts)
            self.joins.append(PhoneBridge(legs[0], legs[1], now, music))
            return
        for name in {order.leg, order.other} - set(self.legs):
            self._tell(events.PhoneHungUp(name, "its sound is gone"))

    def _hold(self, order: orders.Hold, now: float) -> None:
        sounds = self._sounds(self.hold_prompts)
        if order.line:
            self._on_line(order.line, lambda line: line.hold(sounds, now))
        else:
            self._speak(orders.Play("", (), leg=order.leg, keys=True), sounds)

    def _play(self, order: orders.Play, now: float) -> None:
        sounds = self._sounds(order.prompts, order.leg)
        if order.line:
            self._on_line(order.line, lambda line: line.play(order, sounds, now))
            return
        if order.leg not in self.legs:
            self._tell(events.PromptEnded(order.play, whole=False))
        self._speak(order, sounds)

    def _speak(self, order: orders.Play, sounds: list[Pcm]) -> None:
        """Play to a leg; ignore a leg that is gone."""
        leg = self.legs.get(order.leg)
        if leg is not None:
            self._part(leg)
            press = self._presser(order.leg) if order.keys else None
            self.announcers[order.leg] = Announcer(order.play, leg, sounds, press)

    def _presser(self, leg: str) -> DigitHandler:
        """Return a handler that reports keys heard in a leg's sound."""
        source = events.DigitSource.SOUND
        return lambda digit: self._tell(events.DigitPressed(digit, source, leg=leg))

    def _press_keys(self, order: orders.PressKeys, now: float) -> None:
        self._on_line(order.line, lambda line: line.press_keys(order))

    def _record(self, order: orders.Record, now: float) -> None:
        self._on_line(order.line, lambda line: line.record(order, now))

    def _record_leg(self, order: orders.RecordLeg, now: float) -> None:
        leg, link = self.legs.get(order.leg), self._link()
        if leg is None or link is None:
            self._tell(events.RecordingEnded(order.recording, events.RecordingStop.LOST, 0))
            return
        self._part(leg)
        self.dictated[order.leg] = LegRecording(order, leg, link, now, self._presser(order.leg))

    def _end_recording(self, order: orders.EndRecording, now: float) -> None:
        self._stop_dictating(order.leg, events.RecordingStop.KEY)

    def _prepare_phone(self, order: orders.PreparePhone, now: float) -> None:
        if order.leg not in self.legs:
            try:
                self.legs[order.leg] = self._prepare(order.leg)
            except TechnicianError as error:
                # No RTP port is free, or the appliance's address is missing.
                self._tell(Notice(str(error), "error"))
                self._tell(events.PhoneUnreachable(order.leg, str(error)))
                return
        self._tell(events.PhonePrepared(order.leg, self.legs[order.leg].port))

    def _release_phone(self, order: orders.ReleasePhone, now: float) -> None:
        leg = self.legs.pop(order.leg, None)
        if leg is None:
            return
        self._loaded.pop(order.leg, None)
        self._part(leg)
        self._retire(leg)

    def _agree(self, agreed: events.MediaAgreed, now: float) -> None:
        leg = self.legs.get(agreed.leg)
        if leg is not None:
            leg.agree(agreed, now)

    def _on_line(self, name: str, act: Callable[[AnalogLine], None]) -> None:
        line = self.lines.get(name)
        if line is None:
            self._tell(events.LineLost(name, _("line {name} is not configured", name=name)))
        else:
            act(line)

    def _part(self, leg: PhoneLeg) -> None:
        """Remove a leg from its line, joined phone, announcement and recording."""
        self._silence_announcer(leg.leg)
        self._stop_dictating(leg.leg, events.RecordingStop.ORDERED)
        for line in self.lines.values():
            line.part(leg)
        for joined in self.joins:
            if joined.has(leg):
                joined.break_off(leg)
        self.joins = [joined for joined in self.joins if not joined.has(leg)]

    def _sounds(self, names: Iterable[str], leg: str = "") -> list[Pcm]:
        wanted = tuple(names)
        name, sound = self._loaded.get(leg, ("", b""))
        loaded = {name: sound} if name else {}
        return [
            loaded[each] if each in loaded else self.prompts.sound(self._known(each, wanted))
            for each in wanted
        ]

    def _known(self, name: str, wanted: tuple[str, ...]) -> str:
        """Return a prompt's name, or the same prompt's in another language if it is missing."""
        if name in self.prompts:
            return name
        other = self.prompts.instead(name)
        # What is said in several languages in turn is not said twice in one.
        if not other or other in wanted:
            self._tell(Notice(f"no prompt {name}: silence is played", "warning"))
            return name
        self._tell(Notice(f"no prompt {name}: {other} is played", "warning"))
        return other

    def _silence_announcer(self, leg: str) -> None:
        announcer = self.announcers.get(leg)
        if announcer is not None:
            announcer.break_off()
            self._announced(announcer, whole=False)

    def _stop_dictating(self, leg: str, why: events.RecordingStop) -> None:
        dictated = self.dictated.get(leg)
        if dictated is not None:
            self._recorded(dictated, dictated.stop(why))

    def _recorded(self, dictated: LegRecording, ended: events.RecordingEnded | None) -> None:
        if ended is not None:
            del self.dictated[dictated.leg.leg]
            self._tell(ended)

    def _announced(self, announcer: Announcer, whole: bool) -> None:
        del self.announcers[announcer.leg.leg]
        if announcer.play:
            self._tell(events.PromptEnded(announcer.play, whole))

    def _watch_leg(self, leg: PhoneLeg, now: float) -> None:
        """Report PhoneSilent every 3 s of a leg's silence, PhoneLost after 30 s."""
        # A phone that holds may send nothing.
        if not leg.expects_sound:
            return
        silent_s = now - leg.last_heard
        if silent_s >= SILENT_PHONE_S:
            # Counted anew: else every tick would report it, until call control releases the leg.
            leg.last_heard = now
            self._tell(events.PhoneLost(leg.leg, f"no sound for {SILENT_PHONE_S:.0f} s"))
        elif silent_s - leg.asked_after >= ASK_SILENT_PHONE_S:
            leg.asked_after = silent_s
            self._tell(events.PhoneSilent(leg.leg, round(silent_s * 1000)))


HANDLERS: dict[type, Callable[[Switch, Any, float], None]] = {
    orders.AnswerLine: Switch._answer,
    orders.HangUp: Switch._hang_up,
    orders.Flash: Switch._flash,
    orders.DialLeg: Switch._dial,
    orders.JoinLines: Switch._join_lines,
    orders.Listen: Switch._listen,
    orders.Connect: Switch._connect,
    orders.BringIn: Switch._bring_in,
    orders.Whisper: Switch._whisper,
    orders.Join: Switch._join,
    orders.Hold: Switch._hold,
    orders.Play: Switch._play,
    orders.PressKeys: Switch._press_keys,
    orders.Record: Switch._record,
    orders.RecordLeg: Switch._record_leg,
    orders.EndRecording: Switch._end_recording,
    orders.PreparePhone: Switch._prepare_phone,
    orders.ReleasePhone: Switch._release_phone,
    events.MediaAgreed: Switch._agree,
}
