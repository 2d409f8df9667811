"""What sound one leg has agreed on: our session, the phone's words, and what the desk was told."""

from __future__ import annotations

from dataclasses import dataclass, replace

from appliance.calls.events import MediaAgreed
from appliance.dsp.wav import Law
from appliance.phones import sdp


@dataclass(slots=True)
class Agreement:
    """Offer and answer of one leg; `laws` is what we take, preferred first."""

    leg: str
    laws: tuple[Law, ...]
    session: sdp.Session | None = None
    told: MediaAgreed | None = None
    _sound: sdp.Sound | None = None
    _we_offered: bool = False

    def read(self, description: str) -> None:
        """Read the phone's offer or answer; raises NoCommonSound, and then nothing has changed."""
        if self._sound is not None and self.told is not None and sdp.is_off(description):
            self._sound = replace(self._sound, is_off=True)  # on hold, by the call that is up
            return
        sound = sdp.read(description)
        sdp.common_law(sound, self.laws)
        self._sound = sound

    def offer(self) -> str:
        """Return our offer, a new version of it each time."""
        assert self.session is not None
        self._we_offered = True
        self.session = self.session.next_version()
        return self.session.offer()

    def repeated(self) -> str:
        """Return our offer as it was: a session is renewed, not changed (RFC 4028 7.4)."""
        assert self.session is not None
        self._we_offered = True
        return self.session.offer()

    @property
    def is_held(self) -> bool:
        """True while sound does not flow both ways: then silence is no sign of anything."""
        return self.told is not None and not (self.told.sending and self.told.receiving)

    def answer(self, offer: str) -> str:
        """Return our answer to the offer that was read last."""
        assert self.session is not None
        assert self._sound is not None
        self._we_offered = False
        self.session = self.session.next_version()
        return self.session.answer(offer, self._sound, self._law(self._sound))

    def news(self) -> MediaAgreed | None:
        """Return what is agreed now; None when the desk knows it already."""
        assert self._sound is not None
        sound = self._sound
        agreed = MediaAgreed(
            self.leg,
            *sound.remote,
            str(self._law(sound)),
            sound.events_payload,
            sound.sending,
            sound.receiving,
            self._offered(sound),
        )
        if agreed == self.told:
            return None
        self.told = agreed
        return agreed

    def _offered(self, sound: sdp.Sound) -> int:
        """Return the keys' payload type of our offer, where the phone's answer names another."""
        ours = self.session.events_payload if self.session and self._we_offered else sdp.NO_EVENTS
        is_other = sound.events_payload not in {ours, sdp.NO_EVENTS}
        return ours if is_other else sdp.NO_EVENTS

    def _law(self, sound: sdp.Sound) -> Law:
        """Keep the coding in use where the phone still knows it (RFC 3264 8)."""
        if self.told and Law(self.told.law) in sound.laws:
            return Law(self.told.law)
        return sdp.common_law(sound, self.laws)
