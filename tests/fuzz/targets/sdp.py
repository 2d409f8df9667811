"""Session descriptions: read or refused; an answer keeps every stream of its offer in place."""

from __future__ import annotations

import contextlib

from appliance.dsp.wav import Law
from appliance.sip.sdp import NoCommonSound, SdpSession, common_law, read

TOKENS = (
    b"v=0\r\n", b"o=- 1 1 IN IP4 192.0.2.21\r\n", b"c=IN IP4 192.0.2.21\r\n",
    b"m=audio 7000 RTP/AVP 8 0 101\r\n", b"a=rtpmap:101 telephone-event/8000\r\n",
    b"a=sendonly\r\n", b"m=video 0 RTP/AVP 96\r\n", b"m=", b"RTP/SAVP", b"c=IN IP6 ::1\r\n",
    b"0.0.0.0", b"a=rtpmap:8 ", b"PCMA/8000/1",
)  # fmt: skip
OURS = SdpSession(("192.0.2.1", 16000), (Law.ALAW, Law.ULAW), 1)


def run(data: bytes) -> None:
    """Read a description and answer it."""
    text = data.decode("utf-8", "replace")
    with contextlib.suppress(NoCommonSound):
        sound = read(text)
        assert 0 < sound.remote[1] < 0x10000
        assert -1 <= sound.events_payload < 1000
        answer = OURS.answer(text, sound, common_law(sound, OURS.laws))
        lines = [line for line in text.splitlines()[:256] if line.startswith("m=")]
        assert answer.count("\r\nm=") == len(lines)
        assert read(answer).laws == (common_law(sound, OURS.laws),)
