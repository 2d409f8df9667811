"""Line echo cancellation with libspeexdsp (Debian libspeexdsp1, BSD), by ctypes; its only user.

The canceller works on the modem's side of every buffer, where what was played and what is heard
share one crystal: with 60 ppm between them the gain falls from 36 to 20 dB (audio.md 5).
"""

from __future__ import annotations

import audioop
import ctypes

from appliance.dsp import g711, wav
from appliance.dsp.conceal import ramped
from appliance.dsp.wav import FRAME_SAMPLES, Law, rms_at, silence
from appliance.errors import TechnicianError
from appliance.text import _

LIBRARY = "libspeexdsp.so.1"
# 128 ms: the hybrid echo of a local loop (audio.md 5, G.168 paths: 32 ms at most), and the time
# that a modem may take between the start of what it plays and of what it hears.
TAIL_SAMPLES = 1024
"""Longest echo that is cancelled, samples."""
SET_SAMPLING_RATE = 24
"""SPEEX_ECHO_SET_SAMPLING_RATE of speex_echo.h."""
# Not the true 8000 Hz: by it the library chooses its notch against direct current, which would
# reach up to 165 Hz and turn the phase of every voice. A caller alone, with nothing to cancel, came
# out with a segmental SNR of 3.7 dB at 8000, of 24.7 dB at 24000; the echo is cancelled as well
# (33.6 dB).
STATED_RATE = 24_000
"""Sampling rate stated to the library, Hz."""
# 14 dB below the echo; the echo itself is left 20 to 35 dB below.
CALLER = 0.2
"""Share of the echo's level above which the rest counts as a caller's voice."""
HOLD = 10
"""Frames (200 ms) for which a caller counts as speaking after the last voice."""
# Below it is the line's hiss, or the echo of something hardly audible.
SOFT_DBM0 = -45.0
"""Least level of a caller's voice, dBm0."""
_SOFT_RMS = rms_at(SOFT_DBM0)
_SILENCE = silence(Law.LINEAR16, FRAME_SAMPLES)


def _library(name: str) -> ctypes.CDLL:
    try:
        library = ctypes.CDLL(name)
    except OSError as error:
        raise TechnicianError(
            _(
                "the echo canceller needs {name}: install the package libspeexdsp1, or set "
                'echo = "off" for the line',
                name=name,
            )
        ) from error
    library.speex_echo_state_init.restype = ctypes.c_void_p
    return library


class EchoCanceller:
    """Removes what was played from what was heard, 160 16-bit samples (20 ms) at a time.

    Raises TechnicianError when the library is not installed.
    """

    def __init__(self, tail: int = TAIL_SAMPLES, library: str = LIBRARY) -> None:
        self._library = _library(library)
        # The library's own filter against direct current turns the phase of every voice: a caller
        # comes through with 23 dB at best. The second state, which hears the same and is given
        # silence as the played sound, does nothing but that filter; so what the filter took can be
        # given back.
        self._states = [self._state(tail), self._state(FRAME_SAMPLES)]
        self._given = True
        self._hold = 0
        self._out = ctypes.create_string_buffer(FRAME_SAMPLES * 2)

    def cancel(self, heard: bytes, played: bytes) -> bytes:
        """Return `heard` (320 bytes) without the echo of `played` (320 bytes)."""
        left, filtered = self._run(0, heard, played), self._run(1, heard, _SILENCE)
        echo = _less(filtered, left)
        # Given back only while a caller speaks: of an echo alone it would be the greater rest.
        before, self._given = self._given, self._gives(left, echo)
        if not before and not self._given:
            return left
        taken = _less(heard, filtered)
        if before != self._given:
            taken = ramped(taken, float(before), float(self._given))
        return audioop.add(left, taken, 2)

    def _gives(self, left: bytes, echo: bytes) -> bool:
        """Return whether a caller speaks, or spoke within the last HOLD frames."""
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
    """Return the difference of two pieces of 16-bit sound of the same length."""
    return audioop.add(one, audioop.mul(other, 2, -1), 2)


FRAME_BYTES = FRAME_SAMPLES * 2


class LineEcho:
    """Echo canceller of one line: pairs received sound with what the modem played at that moment.

    Output lags input by less than one frame, since the canceller works on whole frames. Raises
    TechnicianError when the library is not installed.
    """

    def __init__(self, library: str = LIBRARY) -> None:
        self._canceller = EchoCanceller(library=library)
        self._ahead = bytearray()
        self._heard = bytearray()
        self._played = bytearray()

    def starts(self) -> None:
        """Forget written sound: a stream starts, or the modem has run dry."""
        self._ahead.clear()

    def played(self, data: bytes, law: Law) -> None:
        """Note samples of `law` written to the modem."""
        self._ahead += g711.decode(data, law)

    def cancel(self, heard: bytes, law: Law) -> bytes:
        """Return the sound heard so far, in whole frames and in `law`, without our echo."""
        pcm = g711.decode(heard, law)
        self._heard += pcm
        # One crystal drives both directions: as many samples were played as were heard.
        self._take_played(len(pcm))
        clean = bytearray()
        while len(self._heard) >= FRAME_BYTES:
            clean += self._canceller.cancel(
                bytes(self._heard[:FRAME_BYTES]), bytes(self._played[:FRAME_BYTES])
            )
            del self._heard[:FRAME_BYTES], self._played[:FRAME_BYTES]
        return g711.encode(bytes(clean), law)

    def call_over(self) -> None:
        """Forget the call's sound; keep the learnt echo path."""
        # The hybrid is the modem's and the local loop's, not the far end's: on a known path both
        # may speak at once from the first word (24.6 dB in the first ten seconds, 16.7 dB with a
        # canceller that starts anew).
        for buffer in (self._ahead, self._heard, self._played):
            buffer.clear()

    def _take_played(self, size: int) -> None:
        """Move `size` bytes of written sound to the played sound; silence where there is none."""
        part = bytes(self._ahead[:size])
        del self._ahead[:size]
        self._played += part + wav.silence(Law.LINEAR16, (size - len(part)) // 2)
