"""The two codecs of the phone: payload type, name, silence and law (RFC 3551 section 6)."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.dsp import g711

# The law's type has its home in media.frames, where this room has no door; wav hands it on.
from appliance.dsp.wav import Law, Sound  # type: ignore[attr-defined]  # see the line above


@dataclass(frozen=True, slots=True)
class Codec:
    """A G.711 codec: its static payload type, its SDP name, its law and one silent sample."""

    payload: int
    name: str
    law: Law
    silence: bytes


PCMU = Codec(0, "PCMU", Law.ULAW, b"\xff")
PCMA = Codec(8, "PCMA", Law.ALAW, b"\xd5")
BY_PAYLOAD = {codec.payload: codec for codec in (PCMU, PCMA)}
PREFERENCES = {"pcmu": (PCMU,), "pcma": (PCMA,), "both": (PCMU, PCMA)}
"""What the option --codec offers and takes."""


def law_called(name: str) -> Law:
    """Return the law of a name such as "ulaw"; raises ValueError."""
    return Law(name)


def written_for(sound: Sound, codec: Codec) -> bytes:
    """Return a sound's bytes for the wire; the very same bytes when the law is the codec's."""
    return g711.translate(sound.data, sound.law, codec.law)
