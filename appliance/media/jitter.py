"""RTP jitter buffer: packets as they come in, sound out at the clock of whoever reads.

The play-out point is a timestamp. Sound that is missing when its turn comes, though later sound
is here, is lost, and bridged. When nothing at all is here the play-out point waits: sound is
delayed instead of cut. How long packets should wait is measured (`arrivals`); the wait is
brought there by splices that are not heard (`pace`, `splice`), every gap is filled and every
joint cross-faded (`conceal`). While packets come in time, the bytes out are the bytes in.
"""

from __future__ import annotations

from appliance.media.arrivals import RESERVE, Arrivals
from appliance.media.conceal import Concealer
from appliance.media.frames import FRAME_SAMPLES, SAMPLES_PER_MS, Law
from appliance.media.packets import Packet, Source, Store
from appliance.media.splicer import Counters, Splicer

MOST = 360 * SAMPLES_PER_MS
"""Samples in store: a stall of 200 ms on top of the longest wait. What comes on top is dropped,
oldest first."""


class JitterBuffer:
    """Puts one RTP stream of an 8-bit `law` back in order and in time; holds 360 ms at most."""

    def __init__(self, law: Law) -> None:
        self.counters = Counters()
        self._law = law
        self._source = Source()
        self._arrivals = Arrivals()
        self._concealer = Concealer(law)
        self.restart()

    def restart(self) -> None:
        """Forget the sound in store: what came before the reader began is only delay."""
        self._concealer.forget()
        self._begin_anew()

    @property
    def depth_ms(self) -> int:
        """How much sound is in store, gaps included, in ms."""
        return self._store.ahead // SAMPLES_PER_MS if self._store else 0

    @property
    def target_ms(self) -> int:
        """How long the fastest packet should wait for its turn, in ms."""
        return self._arrivals.target // SAMPLES_PER_MS

    @property
    def wait_ms(self) -> int:
        """How long the fastest packet waits for its turn, in ms."""
        store = self._store
        play = store.play - len(self._ready) if store else 0
        return self._arrivals.wait(play) // SAMPLES_PER_MS if store else 0

    def put(self, seq: int, timestamp: int, payload: bytes, ssrc: int = 0) -> None:
        """Take a packet with its RTP sequence number (16 bits) and timestamp (32 bits).

        `payload` may be of any length; what is longer than the store is cut to that. It is empty
        in packets that bring something else (keys, comfort noise): they are not missing then.
        """
        packet = Packet(timestamp, seq, payload[:MOST], ssrc)
        if not payload:
            self._source.passes(packet)
        if not payload or self._source.knows(packet):
            return
        is_jump = self._is_jump(packet)
        is_new = self._source.last is not None and ssrc != self._source.last.source
        believed = self._source.believes(packet, is_jump)
        self.counters.refused += not believed
        if believed and (is_jump or is_new):
            self.counters.resyncs += 1
            self._begin_anew()
        for one in believed:
            self._put(one)

    def read(self, samples: int) -> bytes:
        """Return exactly `samples` samples for the reader's clock, whatever came or did not."""
        out = b""
        while len(out) < samples:
            piece = self._piece(samples - len(out))
            self._arrivals.passed(len(piece))
            out += piece
        return out

    # --- packets in --------------------------------------------------------------------------

    def _begin_anew(self) -> None:
        self._store: Store | None = None  # from the first packet on
        self._is_filling = True
        self._waited = 0
        self._ready = b""
        self._turn: Packet | None = None  # whose sound is, or was last, being played
        self._splicer = Splicer(self._law, self.counters)
        self._arrivals.restart()

    def _is_jump(self, packet: Packet) -> bool:
        """Whether a timestamp lies further off than jitter and a pause can explain."""
        store = self._store
        if store is None:
            return False
        at = packet.placed(store.play).at
        return at - store.end - self._waited > MOST or store.play - at > MOST

    def _put(self, packet: Packet) -> None:
        store = self._store = self._store or Store(packet.at)
        packet = packet.placed(store.play)
        self._arrivals.note(packet.at)
        if self._is_filling:
            store.play = min(store.play, packet.at)
        if packet.end <= store.play:
            self.counters.late += 1
            return
        if self._waited and not self._is_filling:
            self._resume(store, packet)
        store.put(packet)
        if store.ahead > MOST:
            self._cut(store)

    def _resume(self, store: Store, packet: Packet) -> None:
        """Sound again after none: the sender's pause is over, or the network's.

        What was not sent need not be waited for, but the packet is given its due wait.
        """
        due = packet.at - max(0, self._arrivals.target - self._arrivals.late(packet.at))
        skipped = max(0, min(due, packet.at) - store.play)
        self.counters.waited += max(0, self._waited - skipped)
        self._waited = 0
        store.go(store.play + skipped)

    def _cut(self, store: Store) -> None:
        """Far too much: go on with the newest; the joint is made as after a gap."""
        to = store.end - self._arrivals.target - FRAME_SAMPLES
        if not self._is_filling:  # else nobody reads
            self.counters.dropped += to - store.play
        self._concealer.part()
        store.go(to)
        self._turn = store.first

    # --- sound out ---------------------------------------------------------------------------

    def _piece(self, most: int) -> bytes:
        """The next samples, at least one and at most `most`."""
        if not self._ready:
            self._ready = self._next(most)
        piece, self._ready = self._ready[:most], self._ready[most:]
        return piece

    def _next(self, most: int) -> bytes:
        store = self._store
        if store is None or (self._is_filling and not self._begins(store, most)):
            return self._concealer.fill(most)
        if store.first is None:
            self._waited += most
            return self._concealer.fill(most)
        self._turn_of(store.first)
        if store.gap:
            return self._over_gap(store, most)
        target = self._arrivals.target
        excess, leeway = self._arrivals.wait(store.play) - target, target - self._arrivals.least
        spliced = self._splicer.sound(store, self._concealer, excess, leeway, most)
        if spliced:
            self._turn = store.first or self._turn
            return self._concealer.played(spliced)
        return self._concealer.played(store.take(most))

    def _begins(self, store: Store, most: int) -> bool:
        """Whether enough has come in to start, or what is here has waited long enough."""
        due = self._arrivals.first_wait
        newest = store.last
        assert newest is not None
        if newest.at - store.play < due and self._waited < due + RESERVE:
            self._waited += most
            return False
        self._is_filling = False
        self._waited = 0
        return True

    def _over_gap(self, store: Store, most: int) -> bytes:
        """Fill a gap behind which there is sound; its last 20 ms at once, to lead over to that."""
        gap = store.gap
        size = gap if gap <= FRAME_SAMPLES else min(most, gap - FRAME_SAMPLES)
        store.go(store.play + size)
        if size < gap:
            return self._concealer.fill(size)
        return self._concealer.bridge(size, store.peek(2 * FRAME_SAMPLES))

    def _turn_of(self, packet: Packet) -> None:
        """Note whose turn it is, and what is lost before it: what was sent and never came."""
        if packet is self._turn:
            return
        if self._turn is not None:
            self.counters.lost += self._source.missing(self._turn, packet)
        self._turn = packet
