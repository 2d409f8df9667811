"""Line echo canceller: the ONLY user of libspeexdsp (Debian libspeexdsp1, BSD), by ctypes.

On the modem's side of every buffer, where what was played and what is heard share one crystal:
with 60 ppm between them the gain falls from 36 to 20 dB (audio.md 5).
"""

from __future__ import annotations

import audioop
import ctypes

from appliance.dsp.conceal import ramped
from appliance.dsp.wav import FRAME_SAMPLES, Law, rms_at, silence
from appliance.errors import TechnicianError

LIBRARY = "libspeexdsp.so.1"
TAIL_SAMPLES = 1024
"""128 ms: the hybrid echo of a local loop (audio.md 5, G.168 paths: 32 ms at most) and what a modem
may take besides between the start of what it plays and of what it hears."""
SET_SAMPLING_RATE = 24
"""SPEEX_ECHO_SET_SAMPLING_RATE of speex_echo.h."""
STATED_RATE = 24_000
"""Not the true 8000 Hz: by this the library chooses its notch against direct current, which would
reach up to 165 Hz and turn the phase of every voice. A caller alone, nothing to cancel, came out
with a segmental SNR of 3.7 dB; so stated 24.7 dB, the echo taken out as well (33.6 dB)."""
CALLER = 0.2
"""What is left besides an echo is a caller's voice when it is louder than so much of the echo:
14 dB below, where the echo itself is left 20 to 35 dB below."""
HOLD = 10
"""Frames, 200 ms, for which a caller is taken to speak on."""
SOFT_DBM0 = -45.0
"""Below this it is the line's hiss, or the echo of what was hardly heard."""
_SOFT_RMS = rms_at(SOFT_DBM0)
_SILENCE = silence(Law.LINEAR16, FRAME_SAMPLES)


def _library(name: str) -> ctypes.CDLL:
    try:
        library = ctypes.CDLL(name)
    except OSError as error:
        raise TechnicianError(
            f"the echo canceller needs {name}: install the package libspeexdsp1, "
            'or set echo = "off" for the line'
        ) from error
    library.speex_echo_state_init.restype = ctypes.c_void_p
    return library


class EchoCanceller:
    """Takes what was played out of what was heard, 160 16-bit samples at a time.

    The library's own filter against direct current turns the phase of every voice: 23 dB is the
    best that a caller would come through with. A second state of the library, which hears the
    same and is told of silence, does nothing but that filter. What the filter took, heard less
    filtered, is given back while a caller speaks; an echo alone, of which it would be the
    greater rest, goes without. Raises TechnicianError when the library is not installed.
    """

    def __init__(self, tail: int = TAIL_SAMPLES, library: str = LIBRARY) -> None:
        self._library = _library(library)
        self._states = [self._state(tail), self._state(FRAME_SAMPLES)]
        self._given = True
        self._hold = 0
        self._out = ctypes.create_string_buffer(FRAME_SAMPLES * 2)

    def cancel(self, heard: bytes, played: bytes) -> bytes:
        """Return `heard` (320 bytes) without the echo of `played` (320 bytes)."""
        left, filtered = self._run(0, heard, played), self._run(1, heard, _SILENCE)
        echo = _less(filtered, left)
        before, self._given = self._given, self._gives(left, echo)
        if not before and not self._given:
            return left
        taken = _less(heard, filtered)
        if before != self._given:
            taken = ramped(taken, float(before), float(self._given))
        return audioop.add(left, taken, 2)

    def _gives(self, left: bytes, echo: bytes) -> bool:
        """Whether a caller is heard, or was a moment ago."""
        is_caller = audioop.rms(left, 2) > max(_SOFT_RMS, CALLER * audioop.rms(echo, 2))
        self._hold = HOLD if is_caller else max(0, self._hold - 1)
        return self._hold > 0

    def close(self) -> None:
        """Free the canceller's memory; idempotent."""
        while self._states:
            self._library.speex_echo_state_destroy(self._states.pop())

    def _state(self, tail: int) -> ctypes.c_void_p:
        state = ctypes.c_void_p(self._library.speex_echo_state_init(FRAME_SAMPLES, tail))
        rate = ctypes.c_int(STATED_RATE)
        self._library.speex_echo_ctl(state, SET_SAMPLING_RATE, ctypes.byref(rate))
        return state

    def _run(self, number: int, heard: bytes, played: bytes) -> bytes:
        self._library.speex_echo_cancellation(self._states[number], heard, played, self._out)
        return self._out.raw


def _less(one: bytes, other: bytes) -> bytes:
    """The difference of two stretches of 16-bit sound."""
    return audioop.add(one, audioop.mul(other, 2, -1), 2)
