"""A phone's sound is recorded: an announcement that somebody dictates, alone on the leg (E21).

Paced by the carrier's own tick, as what is played to a phone is; the phone hears silence meanwhile.
"""

from __future__ import annotations

from appliance.calls.events import RecordingEnded, RecordingStop
from appliance.calls.orders import RecordLeg
from appliance.carrier.leg_keys import LegKeys, Press
from appliance.carrier.link import Link
from appliance.carrier.phone import PhoneLeg
from appliance.carrier.recorder import KEY_MS, Recorder
from appliance.dsp import g711
from appliance.dsp.progress import SilenceMeter
from appliance.dsp.wav import FRAME_MS, FRAME_SAMPLES, Law, silence

LAW = Law.ALAW
"""As it is recorded, whatever the phone sends."""


class Dictated:
    """One recording of a leg; `tick` and `stop` return its ending when it comes.

    `press` is told the keys in its sound, where the order wants them heard: the desk ends it.
    """

    def __init__(
        self, order: RecordLeg, leg: PhoneLeg, link: Link, now: float, press: Press
    ) -> None:
        self.leg = leg
        self._keys = LegKeys(press) if order.keys else None
        self._recorder = Recorder(order, LAW, link)
        self._meter = SilenceMeter()
        self._voiced_ms = 0
        leg.begin()  # what lay in store was not said for this
        leg.last_heard, leg.asked_after = now, 0.0
        self._recorder.start()

    def tick(self) -> RecordingEnded | None:
        """Take one frame of what is said."""
        if not self.leg.agreed:
            return None
        heard = self.leg.read(FRAME_SAMPLES, LAW)
        self.leg.write(silence(self.leg.law, FRAME_SAMPLES), self.leg.law)
        pcm = g711.decode(heard, LAW)
        if self._keys is not None:
            self._keys.hear(pcm)
        silent_ms = self._meter.feed(pcm)
        self._voiced_ms += 0 if silent_ms else FRAME_MS
        return self._told(self._recorder.take(heard, silent_ms))

    def stop(self, why: RecordingStop) -> RecordingEnded | None:
        """End it; by a key what was heard of the key is to be dropped."""
        trim_ms = KEY_MS if why is RecordingStop.KEY else 0
        return self._told(self._recorder.stop(why, trim_ms))

    def _told(self, ended: RecordingEnded | None) -> RecordingEnded | None:
        """Of a recording in which nobody spoke nothing is to be kept."""
        if ended is None or self._voiced_ms:
            return ended
        return RecordingEnded(ended.recording, ended.stop, ended.length_ms, ended.length_ms)
