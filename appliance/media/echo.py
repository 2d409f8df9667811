"""Line echo cancellation with libspeexdsp."""

from __future__ import annotations

import audioop
import ctypes

from appliance.dsp import g711, wav
from appliance.dsp.conceal import ramped
from appliance.dsp.wav import FRAME_SAMPLES, Law, rms_at, silence
from appliance.errors import TechnicianError

# ---- echo --------------------------------------------------------------------------------------
# Line echo canceller: the ONLY user of libspeexdsp (Debian libspeexdsp1, BSD), by ctypes.
#
# On the modem's side of every buffer, where what was played and what is heard share one crystal:
# with 60 ppm between them the gain falls from 36 to 20 dB (audio.md 5).

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


# ---- loopback ----------------------------------------------------------------------------------
# Takes a line's own echo out: pairs what is heard with what the modem was playing just then.
#
# What was learnt of the path stays from call to call. The hybrid is the modem's and the local
# loop's, not the far end's: the next call is clean from its first word, and both may speak at once
# (measured in the first ten seconds: 24.6 dB, where a canceller that starts anew has 16.7).

FRAME_BYTES = FRAME_SAMPLES * 2


class LineEcho:
    """Keeps what was written and not yet played; one crystal drives both directions.

    Output lags input by less than one frame: the canceller works on whole frames only. Raises
    TechnicianError when there is no such library.
    """

    def __init__(self, library: str = LIBRARY) -> None:
        self._canceller = EchoCanceller(library=library)
        self._ahead = bytearray()
        self._heard = bytearray()
        self._played = bytearray()

    def starts(self) -> None:
        """A stream starts, or the modem has run dry: nothing that was written lies ahead."""
        self._ahead.clear()

    def played(self, data: bytes, law: Law) -> None:
        """Note what was written to the modem."""
        self._ahead += g711.decode(data, law)

    def cancel(self, heard: bytes, law: Law) -> bytes:
        """Return what was heard so far, in whole frames, without our own sound in it."""
        pcm = g711.decode(heard, law)
        self._heard += pcm
        self._take_played(len(pcm))
        clean = bytearray()
        while len(self._heard) >= FRAME_BYTES:
            clean += self._canceller.cancel(
                bytes(self._heard[:FRAME_BYTES]), bytes(self._played[:FRAME_BYTES])
            )
            del self._heard[:FRAME_BYTES], self._played[:FRAME_BYTES]
        return g711.encode(bytes(clean), law)

    def call_over(self) -> None:
        """Forget the call's sound, and keep what was learnt of the line."""
        for buffer in (self._ahead, self._heard, self._played):
            buffer.clear()

    def _take_played(self, size: int) -> None:
        """Move what the modem played meanwhile; silence where it had nothing."""
        part = bytes(self._ahead[:size])
        del self._ahead[:size]
        self._played += part + wav.silence(Law.LINEAR16, (size - len(part)) // 2)
