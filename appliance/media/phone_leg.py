"""A phone's RTP leg: its socket, announcements played to it, dictation recorded from it."""

from __future__ import annotations

import contextlib
import os
import select
import selectors
import socket
from collections.abc import Callable, Iterable

from appliance.calls.events import (
    DigitPressed,
    DigitSource,
    MediaAgreed,
    RecordingEnded,
    RecordingStop,
)
from appliance.calls.orders import RecordLeg
from appliance.dsp import g711
from appliance.dsp.conceal import mixed
from appliance.dsp.jitter import JitterBuffer
from appliance.dsp.progress import SilenceMeter
from appliance.dsp.wav import FRAME_MS, FRAME_SAMPLES, SAMPLE_BYTES, Law, silence
from appliance.errors import TechnicianError
from appliance.media.detectors import DigitHandler, LegDigits
from appliance.media.link import Link
from appliance.media.messages import Setup
from appliance.media.playback import KEY_MS, FadeOut, Pcm, Player, SoundRecorder, Source
from appliance.sip.rtp import RtpReceived, RtpReceiver, RtpSender
from appliance.text import _

# Static payload types of RFC 3551 table 4.
PAYLOAD_TYPES = {Law.ULAW: 0, Law.ALAW: 8}
LAWS = {number: law for law, number in PAYLOAD_TYPES.items()}
# Most bytes read of a datagram; 20 ms of G.711 are 172.
PACKET_LIMIT = 2048
# Bounded: a flood of packets must not starve the lines.
PACKETS_A_TURN = 50
"""Most packets read from one phone in a turn of the main loop."""
# The office's network switch then forwards voice before files.
# Expedited forwarding (RFC 3246) in the TOS byte.
DSCP_EF = 0xB8


def bind_port(address: str, ports: tuple[int, int], start: int) -> socket.socket:
    """Bind the first free even RTP port (RFC 3550 11) of the range, from index `start` around.

    Raises TechnicianError when none is free.
    """
    low, high = ports
    evens = range(low + low % 2, high + 1, 2)
    for step in range(len(evens)):
        port = evens[(start + step) % len(evens)]
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.setblocking(False)
        try:
            sock.bind((address, port))
        except OSError:
            sock.close()
            continue
        # Without its priority the call works all the same.
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, DSCP_EF)
        return sock
    raise TechnicianError(
        _(
            "no RTP port of {low}-{high} is free on {address}: give sip.rtp_ports a wider range",
            low=low,
            high=high,
            address=address,
        )
    )


def _random(bits: int) -> int:
    """Return a random number of `bits` bits, 32 at most."""
    # Not by `secrets`: it would lock libcrypto's 7 MB into memory.
    return int.from_bytes(os.urandom(4)) >> (32 - bits)


class PhoneLeg:
    """RTP of one leg: socket, sender and jitter buffer.

    Never blocks; no packet from the LAN makes it raise.
    """

    def __init__(self, leg: str, sock: socket.socket) -> None:
        self.leg = leg
        self.socket = sock
        self.jitter = JitterBuffer(Law.ALAW)
        self._sender = RtpSender(_random(32), _random(15), _random(31))
        self._receiver: RtpReceiver | None = None
        self._media: MediaAgreed | None = None
        self._law = Law.ALAW
        self._payload_type = PAYLOAD_TYPES[self._law]
        self._remote = ("", 0)
        self._unsent = b""
        self._marker = True
        self._aligns = False
        self._whispered: Player | None = None
        self._fade = FadeOut()
        self.came_at = 0.0
        self.last_heard = 0.0
        self.asked_after = 0.0

    @property
    def port(self) -> int:
        """The reserved RTP port."""
        return int(self.socket.getsockname()[1])

    @property
    def agreed(self) -> bool:
        """True once offer and answer have settled address and coding."""
        return self._media is not None

    @property
    def law(self) -> Law:
        """Companding law of the phone's sound."""
        return self._law

    @property
    def expects_sound(self) -> bool:
        """True while the phone must send: sound flows both ways."""
        # A phone that holds may send or not (RFC 3264 8.4 forbids only us to send).
        return self._media is not None and self._media.receiving and self._media.sending

    @property
    def is_holding(self) -> bool:
        """True while the phone holds the caller: it takes no sound."""
        return self._media is not None and not self._media.sending

    def agree(self, media: MediaAgreed, now: float) -> None:
        """Apply the result of offer and answer, the first one or a later one (hold, resume)."""
        self._remote = (media.address, media.port)
        # `expect` also learns anew from which port the phone sends, with each agreement.
        if self._receiver is None or self._receiver.remote != self._remote:
            self._receiver = RtpReceiver(self._remote)
        self._receiver.expect(*(kind for kind in media.key_payloads if kind >= 0))
        self._media = media
        if self._law is not Law(media.law):
            self._law = Law(media.law)
            self._payload_type = PAYLOAD_TYPES[self._law]
            self.jitter = JitterBuffer(self._law)
        self._marker = True
        # The silence of a hold that has ended does not count as a lost phone.
        self.last_heard, self.asked_after = now, 0.0

    def begin(self) -> None:
        """Start the sound both ways."""
        # What was stored before would only be delay.
        self.jitter.restart()
        self._unsent = b""
        self.align()

    def align(self) -> None:
        """Send the next packet with the next `write`, padded with silence in front."""
        self._aligns = True

    def whisper(self, sounds: Iterable[Pcm]) -> None:
        """Mix sounds once into the following writes; only this phone hears them."""
        self._whispered = Player("", sounds)

    def break_off(self, source: Source) -> None:
        """Fade out what the phone heard until now beneath the next `write`."""
        if self._media is not None and self._media.sending:
            self._fade.take(source, self._law)

    def write(self, data: bytes, law: Law) -> None:
        """Send sound in `law` to the phone, one packet for each whole 20 ms.

        After `align`, each piece of `data` that is a frame long sends one packet.
        """
        # To a phone that holds nothing may be sent (RFC 3264 8.4).
        if self._media is None or not self._media.sending:
            self._unsent, self._whispered = b"", None
            self._fade.rest(law)
            return
        data = self._fade.over(data, law)
        if self._whispered is not None:
            data, law = self._with_whisper(self._whispered, data, law), Law.LINEAR16
        data = g711.translate(data, law, self._law)
        if self._aligns:
            self._aligns = False
            missing = -(len(self._unsent) + len(data)) % FRAME_SAMPLES
            self._unsent = silence(self._law, missing) + self._unsent
        data = self._unsent + data
        whole = len(data) - len(data) % FRAME_SAMPLES
        for at in range(0, whole, FRAME_SAMPLES):
            self._send(data[at : at + FRAME_SAMPLES])
        self._unsent = data[whole:]

    def read(self, samples: int, law: Law) -> bytes:
        """Return exactly `samples` samples of the phone's sound in `law`; the reader is the clock.

        The jitter buffer conceals what is missing.
        """
        return g711.translate(self.jitter.read(samples), self._law, law)

    def receive(self, now: float, limit: int = PACKETS_A_TURN) -> list[DigitPressed]:
        """Read up to `limit` arrived packets; returns the keys pressed (RFC 4733)."""
        pressed: list[DigitPressed] = []
        for _packet in range(limit):
            try:
                data, source = self.socket.recvfrom(PACKET_LIMIT)
            except OSError:
                # Nothing left (EAGAIN), or the phone's port is closed (an ICMP error).
                break
            if self._receiver is not None:
                self._take(self._receiver.receive(data, source, now), now, pressed)
        return pressed

    def close(self) -> None:
        """Close the socket."""
        self.socket.close()

    def _take(self, heard: RtpReceived | None, now: float, pressed: list[DigitPressed]) -> None:
        if heard is None:
            return
        self.last_heard, self.asked_after = now, 0.0
        self.came_at = now
        if heard.digit:
            pressed.append(DigitPressed(heard.digit, DigitSource.RFC4733, leg=self.leg))
        # Where both laws were agreed on a phone may send either at any moment (RFC 3264 6.1).
        law = LAWS.get(heard.payload_type)
        sound = g711.translate(heard.payload, law, self._law) if law else b""
        self.jitter.put(heard.sequence, heard.timestamp, sound, heard.ssrc)

    def _with_whisper(self, player: Player, data: bytes, law: Law) -> bytes:
        """Return `data` in 16 bits, mixed with the whisper."""
        if player.ended:
            self._whispered = None
        samples = len(data) // SAMPLE_BYTES[law]
        return mixed(g711.decode(data, law), player.read(samples, Law.LINEAR16))

    def _send(self, frame: bytes) -> None:
        packet = self._sender.packet(self._payload_type, frame, self._marker)
        self._marker = False
        # The LAN may be gone; the line's sound goes on, and silence tells of the phone's loss.
        with contextlib.suppress(OSError):
            self.socket.sendto(packet, self._remote)


class Announcer:
    """Plays prompts to a leg, one frame a tick; without `play` (hold) it repeats them for ever.

    `press` is called with the keys heard in the leg's sound meanwhile.
    """

    def __init__(
        self, play: str, leg: PhoneLeg, sounds: list[Pcm], press: DigitHandler | None = None
    ) -> None:
        self.play = play
        self.leg = leg
        self._player = Player(play, sounds, repeat=not play)
        self._keys = LegDigits(press) if press else None
        self._is_heard = False
        if press:
            # Keys in stored sound were pressed for something else.
            leg.begin()

    def break_off(self) -> None:
        """Let what is heard fade out beneath what the leg hears next."""
        if self._is_heard:
            self.leg.break_off(self._player)

    def tick(self) -> bool:
        """Send the next frame; returns True once nothing is left."""
        if not self.leg.agreed:
            return False
        if self._keys is not None:
            self._keys.hear(self.leg.read(FRAME_SAMPLES, Law.LINEAR16))
        self._is_heard = True
        self.leg.write(self._player.read(FRAME_SAMPLES, self.leg.law), self.leg.law)
        return bool(self.play) and self._player.ended


LAW = Law.ALAW
"""Law of a leg's recording, whatever the phone sends."""


class LegRecording:
    """One recording of a leg that is joined to nobody: a dictated announcement (E21), voicemail.

    One frame a tick, while the phone hears silence. `tick` and `stop` return the ending. `press` is
    called with the keys in the sound, where the order has `keys`; call control then ends it.
    """

    def __init__(
        self, order: RecordLeg, leg: PhoneLeg, link: Link, now: float, press: DigitHandler
    ) -> None:
        self.leg = leg
        self._keys = LegDigits(press) if order.keys else None
        self._recorder = SoundRecorder(order, LAW, link)
        self._meter = SilenceMeter()
        self._voiced_ms = 0
        # Stored sound is older than the recording.
        leg.begin()
        leg.last_heard, leg.asked_after = now, 0.0
        self._recorder.start()

    def tick(self) -> RecordingEnded | None:
        """Record one frame of the leg's sound."""
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
        """End the recording; one ended by a key is cut before the key's tone."""
        trim_ms = KEY_MS if why is RecordingStop.KEY else 0
        return self._told(self._recorder.stop(why, trim_ms))

    def _told(self, ended: RecordingEnded | None) -> RecordingEnded | None:
        """Return the ending; without any voice the whole length is marked to be cut."""
        if ended is None or self._voiced_ms:
            return ended
        # Of a recording in which nobody spoke nothing is kept.
        return RecordingEnded(ended.recording, ended.stop, ended.length_ms, ended.length_ms)


class PhoneSockets:
    """RTP sockets of all phones in an epoll of their own, read one packet each in turn.

    The epoll is in the gateway's selector only while phones may wake the process. `tell` is called
    with the keys pressed.
    """

    def __init__(
        self, selector: selectors.BaseSelector, tell: Callable[[DigitPressed], None]
    ) -> None:
        self._selector = selector
        self._tell = tell
        self._phones = select.epoll()
        # By descriptor, as epoll names them.
        self._legs: dict[int, PhoneLeg] = {}
        self._next_port = 0
        self.setup: Setup | None = None
        """Holds the RTP address and port range; None before the first Setup."""
        self.may_wake = False

    def prepare(self, leg: str) -> PhoneLeg:
        """Open a leg's RTP socket; raises TechnicianError when no port is free."""
        assert self.setup is not None
        low, high = self.setup.rtp_ports
        sock = bind_port(self.setup.rtp_address, (low, high), self._next_port)
        phone = PhoneLeg(leg, sock)
        # In turn, not the lowest free one: a port just freed may still be sent to.
        self._next_port = (phone.port - low) // 2 + 1
        self._legs[sock.fileno()] = phone
        self._phones.register(sock, select.EPOLLIN)
        return phone

    def retire(self, phone: PhoneLeg) -> None:
        """Close a leg's socket."""
        self._phones.unregister(phone.socket)
        del self._legs[phone.socket.fileno()]
        phone.close()

    def await_(self, wanted: bool, hear: Callable[[], None]) -> None:
        """Let packets wake the process (`wanted`), or be read at the wake-ups of modem and clock.

        `hear` reads them when they wake the process.
        """
        # During calls phones' sound is wanted at the modem's clock only: a wake-up for each packet
        # would be a quarter (one call) to a half (four calls) of all. A key waits 25 ms at most.
        # The exact arrival matters only while a line or phone is being joined.
        if wanted == self.may_wake:
            return
        self.may_wake = wanted
        if wanted:
            self._selector.register(self._phones, selectors.EVENT_READ, lambda _: hear())
        else:
            self._selector.unregister(self._phones)

    def hear(self, now: float) -> None:
        """Read one packet of each phone in turn, until none is left or each had its limit."""
        for _turn in range(PACKETS_A_TURN):
            ready = self._phones.poll(0)
            for descriptor, _events in ready:
                for pressed in self._legs[descriptor].receive(now, 1):
                    self._tell(pressed)
            if not ready:
                return

    def close(self) -> None:
        """Close the epoll; the legs' sockets are closed by `retire`."""
        self._phones.close()
