"""Line echo canceller: the ONLY user of libspeexdsp (Debian libspeexdsp1, BSD), by ctypes.

On the modem's side of every buffer, where what was played and what is heard share one crystal:
with 60 ppm between them the gain falls from 36 to 20 dB (audio.md 5).
"""

from __future__ import annotations

import ctypes

from appliance.errors import TechnicianError
from appliance.media.frames import FRAME_SAMPLES

LIBRARY = "libspeexdsp.so.1"
TAIL_SAMPLES = 512
"""64 ms: longer than any hybrid echo of a local loop (audio.md 5, G.168 paths)."""
SET_SAMPLING_RATE = 24
"""SPEEX_ECHO_SET_SAMPLING_RATE of speex_echo.h."""
STATED_RATE = 24_000
"""Not the true 8000 Hz: by this the library chooses its notch against direct current, which would
reach up to 165 Hz and turn the phase of every voice. A caller alone, nothing to cancel, came out
with a segmental SNR of 3.7 dB; so stated 24.7 dB, the echo taken out as well (33.6 dB)."""


def _library() -> ctypes.CDLL:
    try:
        library = ctypes.CDLL(LIBRARY)
    except OSError as error:
        raise TechnicianError(
            f"the echo canceller needs {LIBRARY}: install the package libspeexdsp1, "
            'or set echo = "off" for the line'
        ) from error
    library.speex_echo_state_init.restype = ctypes.c_void_p
    return library


class EchoCanceller:
    """Takes what was played out of what was heard, 160 16-bit samples at a time.

    Raises TechnicianError when the library is not installed.
    """

    def __init__(self, tail: int = TAIL_SAMPLES) -> None:
        self._library = _library()
        self._state = ctypes.c_void_p(self._library.speex_echo_state_init(FRAME_SAMPLES, tail))
        rate = ctypes.c_int(STATED_RATE)
        self._library.speex_echo_ctl(self._state, SET_SAMPLING_RATE, ctypes.byref(rate))
        self._out = ctypes.create_string_buffer(FRAME_SAMPLES * 2)

    def cancel(self, heard: bytes, played: bytes) -> bytes:
        """Return `heard` (320 bytes) without the echo of `played` (320 bytes)."""
        self._library.speex_echo_cancellation(self._state, heard, played, self._out)
        return self._out.raw

    def close(self) -> None:
        """Free the canceller's memory; idempotent."""
        if self._state:
            self._library.speex_echo_state_destroy(self._state)
            self._state = ctypes.c_void_p(None)
