"""Jitter buffer: measured lateness of packets, their order, and playout at the reader's clock.

All times are samples of 8 kHz unless said. The rules and their measurements: docs/design/sound.md.
"""

from __future__ import annotations

import audioop
from bisect import insort
from collections import deque
from dataclasses import dataclass

from appliance.dsp import g711
from appliance.dsp.conceal import FADE, Concealer, best_fit, crossed
from appliance.dsp.wav import FRAME_SAMPLES, SAMPLES_PER_MS, Law

# ---- Arrivals: how unevenly packets arrive, and how long they should wait for it
# A packet's place is its timestamp less the samples that the reader has taken so far: on an even
# network, with a reader of the same crystal, it never changes. The reader's own lumps count as
# well: a reader of 20 ms at once needs them in store. The rule, in the fastest packet's time from
# its arrival to its turn: of the greatest lateness of each half second of the last ten seconds all
# but the worst one must be waited for, and `RESERVE` more. So one stall in ten seconds is an
# accident, two are the network (WLAN phones scan every few seconds); and of packets that are late
# independently of each other some in a thousand are lost.

# One frame at least: the reader is a tick of 10 or 20 ms.
SHORTEST_WAIT = 20 * SAMPLES_PER_MS
LONGEST_WAIT = 120 * SAMPLES_PER_MS
"""Bounds of the wait, in samples: 20 and 120 ms."""
RESERVE = 10 * SAMPLES_PER_MS
# Samples, 7.5 ms, by which the wait may fall below one frame. Above that, all that was seen so far
# must still come in time: a reader of 20 ms sees lateness in whole frames, and a packet that missed
# one by a millisecond asks for no more than the frame that it has.
LEEWAY = 60
INTERVAL = 500 * SAMPLES_PER_MS
INTERVALS = 20
# Intervals, 2 s, for which the spread known before a restart still counts.
CARRIED = 4
# Intervals, 2 s, among whose packets the fastest is looked for: over ten seconds crystals that are
# 1000 ppm apart would look like 10 ms of jitter.
NEIGHBOURS = 4


class Arrivals:
    """Measures the arrivals of one stream, in samples of 8 kHz.

    `spread` is the lateness that must be waited for, `target` how long the fastest packet should
    wait, `least` how short its wait may become before it is corrected.
    """

    def __init__(self) -> None:
        self._carried = 0
        self.restart()

    def restart(self) -> None:
        """Begin with another numbering on the same network: its spread is kept for a while."""
        # What arrived while nobody was reading is forgotten: it says nothing about the network.
        self._now = 0  # samples the reader has taken
        self._begun = 0
        self._spans: deque[tuple[int, int]] = deque(maxlen=INTERVALS)  # fastest, slowest place
        self._span: tuple[int, int] | None = None
        self._judge()

    def passed(self, samples: int) -> None:
        """Count `samples` taken by the reader."""
        self._now += samples
        if self._now - self._begun >= INTERVAL:
            self._begun = self._now
            if self._span is not None:
                self._spans.append(self._span)
                self._span = None
                self._judge()
                if len(self._spans) >= CARRIED:
                    self._carried = self.spread

    def note(self, timestamp: int) -> None:
        """Note the arrival of a packet whose sound begins at `timestamp` (not wrapped)."""
        place = timestamp - self._now
        fastest, slowest = self._span or (place, place)
        span = max(fastest, place), min(slowest, place)
        if span != self._span:
            self._span = span
            self._judge()

    @property
    def first_wait(self) -> int:
        """Wait of the first packet: what was known to be needed before, in samples."""
        return max(SHORTEST_WAIT, min(LONGEST_WAIT, self._carried + RESERVE))

    def wait(self, play: int) -> int:
        """Return the wait of the fastest packet when the next sample out is that of `play`."""
        return self.late(play)

    def late(self, timestamp: int) -> int:
        """Return by how much a packet that arrives now is later than the fastest."""
        return self._fastest - (timestamp - self._now)

    def _judge(self) -> None:
        """Set spread, target and least from the lateness of the intervals known."""
        known = [*self._spans, self._span] if self._span else list(self._spans)
        fastest = [
            max(fast for fast, _ in known[max(0, at + 1 - NEIGHBOURS) : at + 1])
            for at in range(len(known))
        ]
        self._fastest = fastest[-1] if fastest else 0
        late = sorted(fast - slow for fast, (_, slow) in zip(fastest, known, strict=True))
        # All but the worst interval; the only one while there is but one.
        spread = late[-2] if len(late) > 1 else sum(late)
        is_young = len(self._spans) < CARRIED
        self.spread = max(self._carried, spread) if is_young else spread
        self.target = max(SHORTEST_WAIT, min(LONGEST_WAIT, self.spread + RESERVE))
        self.least = max(SHORTEST_WAIT - LEEWAY, min(LONGEST_WAIT - LEEWAY, self.spread))


# ---- Packets of one RTP stream: believed or not, timestamps unwrapped, put back in order
# A jump of timestamp or source is believed when two packets agree (RFC 3550 appendix A.1), and
# nothing of the new numbering is lost by waiting for the second.

# Sequence numbers remembered: a packet that comes twice says nothing about the network.
REPLAY = 128


@dataclass(frozen=True, slots=True, order=True)
class JitterPacket:
    """One packet: `at` is the timestamp of its first sample, `sound` one byte a sample."""

    at: int
    sequence: int
    sound: bytes
    source: int = 0

    @property
    def end(self) -> int:
        """Timestamp after its last sample."""
        return self.at + len(self.sound)

    def placed(self, near: int) -> JitterPacket:
        """Return it with its 32-bit timestamp unwrapped to the value nearest to `near`."""
        away = (self.at - near + (1 << 31)) % (1 << 32) - (1 << 31)
        return JitterPacket(near + away, self.sequence, self.sound, self.source)

    def follows(self, other: JitterPacket | None) -> bool:
        """Return whether it was sent next after `other`, by the same source."""
        return (
            other is not None
            and self.source == other.source
            and self.sequence == (other.sequence + 1) % (1 << 16)
        )


class PacketSource:
    """Decides which packets are believed."""

    def __init__(self) -> None:
        self.last: JitterPacket | None = None
        self._suspect: JitterPacket | None = None
        self._seen: deque[int] = deque(maxlen=REPLAY)

    def knows(self, packet: JitterPacket) -> bool:
        """Return whether this packet of the believed source came before."""
        is_ours = self.last is not None and packet.source == self.last.source
        return is_ours and packet.sequence in self._seen

    def passes(self, packet: JitterPacket) -> None:
        """Note a packet of the believed source without sound, so that it does not count as lost."""
        if self.last is not None and packet.source == self.last.source:
            self._seen.append(packet.sequence)

    def missing(self, before: JitterPacket, packet: JitterPacket) -> int:
        """Count the packets sent between two that never came, up to REPLAY."""
        between = (packet.sequence - before.sequence - 1) % (1 << 16)
        numbers = (before.sequence + 1 + n for n in range(min(between, REPLAY)))
        return sum(number % (1 << 16) not in self._seen for number in numbers)

    def believes(self, packet: JitterPacket, is_jump: bool) -> tuple[JitterPacket, ...]:
        """Return the packets that may be taken now: this one, it and the one it confirms, or none.

        `is_jump` says that its timestamp is out of reach of the packets before.
        """
        last, suspect = self.last, self._suspect
        is_ours = last is None or packet.source == last.source
        if is_ours and (not is_jump or packet.follows(last)):
            return self._taken(packet)
        if suspect is not None and packet.follows(suspect):
            # Numbers of the former source would let packets of the new one count as repeats.
            self._seen.clear()
            return self._taken(suspect, packet)
        self._suspect = packet
        return ()

    def _taken(self, *packets: JitterPacket) -> tuple[JitterPacket, ...]:
        self.last, self._suspect = packets[-1], None
        self._seen.extend(one.sequence for one in packets)
        return packets


class PacketStore:
    """Packets in the order of their timestamps; `play` is the timestamp of the next sample out."""

    def __init__(self, play: int) -> None:
        self.play = play
        self._packets: list[JitterPacket] = []

    @property
    def first(self) -> JitterPacket | None:
        """Packet whose turn is next."""
        return self._packets[0] if self._packets else None

    @property
    def last(self) -> JitterPacket | None:
        """Packet with the newest timestamp."""
        return self._packets[-1] if self._packets else None

    @property
    def end(self) -> int:
        """Timestamp after the newest sound."""
        # A long packet may outlast a later, short one.
        return max((one.end for one in self._packets), default=self.play)

    @property
    def ahead(self) -> int:
        """Samples from the next one out to the newest, gaps included."""
        return self.end - self.play

    @property
    def gap(self) -> int:
        """Samples missing before the next packet in store."""
        return max(0, self._packets[0].at - self.play) if self._packets else 0

    def put(self, packet: JitterPacket) -> None:
        """Insert a packet that ends beyond `play`; of two with one timestamp the first stays."""
        if not any(packet.at == one.at for one in self._packets):
            insort(self._packets, packet)

    def take(self, most: int) -> bytes:
        """Return the next samples out, at least one; there must be no gap before them."""
        first = self._packets[0]
        start = self.play - first.at
        piece = first.sound[start : start + most]
        self.go(self.play + len(piece))
        return piece

    def peek(self, most: int) -> bytes:
        """Return up to `most` of the next samples, without those behind a gap."""
        out, at = b"", self.play
        for one in self._packets:
            if one.at > at or len(out) >= most:
                break
            out += one.sound[at - one.at :]
            at = max(at, one.end)
        return out[:most]

    def go(self, play: int) -> None:
        """Move the play-out point forwards or back, and drop the packets before it."""
        self.play = play
        while self._packets and self._packets[0].end <= play:
            del self._packets[0]


# ---- Delay control: how firmly the delay is brought to its target, and by which splices
# Within its bounds nothing is changed. Beyond them 10 to 20 ms are taken out of, or put into, a
# pause; where none comes, a vowel or held note of which one period more or less is not heard; and
# when the delay is far too long (after a stall) any place will do, one splice after another.

# Bound of the delay above its target, in samples.
MORE = 20 * SAMPLES_PER_MS
# Samples from the target at which a correction that has begun ends.
NEAR = 5 * SAMPLES_PER_MS
# Samples above the target; a correction that was urgent stays so to its end.
URGENT = 40 * SAMPLES_PER_MS
# Samples without a pause after which a good fit within sound is the lesser evil.
PACE_PATIENCE = 8000 * SAMPLES_PER_MS
# The same where delay is to be added: the store is about to run dry.
PATIENCE_LESS = 2000 * SAMPLES_PER_MS
SPACING = 60 * SAMPLES_PER_MS
URGENT_SPACING = 40 * SAMPLES_PER_MS
GOOD_FIT = 0.85
FAIR_FIT = 0.6
# Samples in which nothing has fitted, when it is urgent: then the best place there is is taken.
DESPAIR = 80 * SAMPLES_PER_MS


class DelayControl:
    """Decides about corrections; call `wants` once for each piece that is played."""

    def __init__(self) -> None:
        self._is_correcting = False
        self._waited = 0  # samples since the last splice, or since the bounds were left
        self._is_urgent = False
        self._patience = PACE_PATIENCE

    def wants(self, excess: int, leeway: int, piece: int) -> int:
        """Return by how much to shorten (negative: lengthen) the delay here; 0 for not at all.

        `excess` is the delay less its target, `leeway` by how much it may lie below that; samples.
        """
        if self._is_correcting:
            self._is_correcting = abs(excess) > NEAR
        else:
            self._is_correcting = not -leeway <= excess <= MORE
            self._waited = 0
        self._patience = PACE_PATIENCE if excess > 0 else PATIENCE_LESS
        self._is_urgent = self._is_correcting and (self._is_urgent or excess > URGENT)
        self._waited += piece
        spacing = URGENT_SPACING if self._is_urgent else SPACING
        return excess if self._is_correcting and self._waited >= spacing else 0

    def least_fit(self, is_quiet: bool) -> float:
        """Return how alike the sound must be at both ends of a splice (conceal.likeness)."""
        # In a pause every splice is inaudible.
        if is_quiet:
            return -1.0
        if self._is_urgent:
            return FAIR_FIT if self._waited < DESPAIR else -1.0
        # 2.0 is more than any likeness: no splice.
        return GOOD_FIT if self._waited >= self._patience else 2.0

    def spliced(self) -> None:
        """Note that a splice was made."""
        self._waited = 0


# Samples that a splice may take out or put in: 10 to 20 ms hold whole periods of any voice.
SPLICE_LAGS = (80, 160)


@dataclass(slots=True)
class JitterCounters:
    """Counters: packets `late`, `refused` and `lost`; the others in samples.

    `waited` was added because nothing was in store, `inserted` and `dropped` by `splices` and by
    cutting what was far too much.
    """

    late: int = 0
    refused: int = 0
    lost: int = 0
    waited: int = 0
    inserted: int = 0
    dropped: int = 0
    splices: int = 0
    resyncs: int = 0


class Splicer:
    """Brings the wait of packets to its target by splices, as often as DelayControl allows."""

    def __init__(self, law: Law, counters: JitterCounters) -> None:
        self._law = law
        self._counters = counters
        self._pace = DelayControl()

    def sound(
        self, store: PacketStore, played: Concealer, excess: int, leeway: int, piece: int
    ) -> bytes:
        """Return sound that crosses over to later sound, or back; empty for no splice.

        `excess` is by how much packets wait too long, `leeway` by how much they may wait too short;
        `piece` is the number of samples played otherwise.
        """
        wanted = self._pace.wants(excess, leeway, piece)
        if not wanted or not played.is_whole:
            return b""
        ahead = store.peek(SPLICE_LAGS[1] + FADE)
        rms = audioop.rms(g711.decode(ahead, self._law), 2)
        least = self._pace.least_fit(played.background.floor.is_quiet(rms))
        # Too little sound ahead makes no splice, and the fit would need it.
        if least > 1.0 or len(ahead) < FADE:
            return b""
        if wanted < 0:
            return self._longer(played.past, ahead, -wanted, least)
        return self._shorter(store, ahead, wanted, least)

    def _shorter(self, store: PacketStore, ahead: bytes, wanted: int, least: float) -> bytes:
        most = min(SPLICE_LAGS[1], max(SPLICE_LAGS[0], wanted), len(ahead) - FADE)
        there, fit = self._fit(ahead, 0, range(SPLICE_LAGS[0], most + 1))
        if fit < least:
            return b""
        store.go(store.play + there + FADE)
        self._counters.dropped += there
        return self._joined(ahead[:FADE], ahead[there : there + FADE])

    def _longer(self, past: bytes, ahead: bytes, wanted: int, least: float) -> bytes:
        line = past[-SPLICE_LAGS[1] :] + ahead[:FADE]
        here = SPLICE_LAGS[1]
        # In a pause any length will do, in a voice a whole number of periods.
        most = SPLICE_LAGS[1] if least > 0 else min(SPLICE_LAGS[1], max(SPLICE_LAGS[0], wanted))
        there, fit = self._fit(line, here, range(here - most, here - SPLICE_LAGS[0] + 1))
        if fit < least:
            return b""
        self._counters.inserted += here - there
        return self._joined(ahead[:FADE], line[there : there + FADE]) + line[there + FADE : here]

    def _fit(self, line: bytes, here: int, places: range) -> tuple[int, float]:
        """Return the best place for a splice; with no place to try, a fit below every limit."""
        return best_fit(g711.decode(line, self._law), here, places, FADE) if places else (0, -2.0)

    def _joined(self, old: bytes, new: bytes) -> bytes:
        self._pace.spliced()
        self._counters.splices += 1
        law = self._law
        return g711.encode(crossed(g711.decode(old, law), g711.decode(new, law)), law)


# ---- RTP jitter buffer: packets as they come in, sound out at the reader's clock
# The play-out point is a timestamp. Sound that is missing when its turn comes, though later sound
# is in store, is lost, and bridged. When the store is empty the play-out point waits: sound is
# delayed instead of cut. How long packets should wait is measured (`Arrivals`); the wait is brought
# there by inaudible splices (`Splicer`), every gap is filled and every joint cross-faded
# (`conceal`). While packets come in time, the bytes out are the bytes in.

# Samples in store: a stall of 200 ms on top of the longest wait. What exceeds it is dropped, oldest
# first.
MOST_STORED = 360 * SAMPLES_PER_MS


class JitterBuffer:
    """Puts one RTP stream of an 8-bit `law` back in order and in time; holds 360 ms at most."""

    def __init__(self, law: Law) -> None:
        self.counters = JitterCounters()
        self._law = law
        self._source = PacketSource()
        self._arrivals = Arrivals()
        self._concealer = Concealer(law)
        self.restart()

    def restart(self) -> None:
        """Drop the sound in store: what came before the reader began is only delay."""
        self._concealer.forget()
        self._begin_anew()

    @property
    def depth_ms(self) -> int:
        """Sound in store, gaps included, in ms."""
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

        `payload` may be of any length; what is longer than the store is cut. It is empty in packets
        that bring something else (keys, comfort noise).
        """
        packet = JitterPacket(timestamp, seq, payload[:MOST_STORED], ssrc)
        # Packets of keys and comfort noise count as received: else a phone with pauses seems to
        # lose sound.
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
        """Return exactly `samples` samples at the reader's clock, whatever has arrived."""
        out = b""
        while len(out) < samples:
            piece = self._piece(samples - len(out))
            self._arrivals.passed(len(piece))
            out += piece
        return out

    def _begin_anew(self) -> None:
        self._store: PacketStore | None = None  # from the first packet on
        self._is_filling = True
        self._waited = 0
        self._ready = b""
        self._turn: JitterPacket | None = None  # whose sound is, or was last, being played
        self._splicer = Splicer(self._law, self.counters)
        self._arrivals.restart()

    def _is_jump(self, packet: JitterPacket) -> bool:
        """Return whether a timestamp is further off than jitter and a pause can explain."""
        store = self._store
        if store is None:
            return False
        at = packet.placed(store.play).at
        return at - store.end - self._waited > MOST_STORED or store.play - at > MOST_STORED

    def _put(self, packet: JitterPacket) -> None:
        store = self._store = self._store or PacketStore(packet.at)
        packet = packet.placed(store.play)
        # A late packet counts as well: it shows how long the next ones must wait.
        self._arrivals.note(packet.at)
        if self._is_filling:
            # Nothing was played yet, so a packet that was overtaken is still in time.
            store.play = min(store.play, packet.at)
        if packet.end <= store.play:
            self.counters.late += 1
            return
        if self._waited and not self._is_filling:
            self._resume(store, packet)
        store.put(packet)
        if store.ahead > MOST_STORED:
            self._cut(store)

    def _resume(self, store: PacketStore, packet: JitterPacket) -> None:
        """Go on after an empty store: the sender's pause is over, or the network's."""
        # What was not sent need not be waited for, but the packet is given its due wait.
        due = packet.at - max(0, self._arrivals.target - self._arrivals.late(packet.at))
        skipped = max(0, min(due, packet.at) - store.play)
        self.counters.waited += max(0, self._waited - skipped)
        self._waited = 0
        store.go(store.play + skipped)

    def _cut(self, store: PacketStore) -> None:
        """Drop the oldest sound when far too much is in store; the joint is made as after a gap."""
        to = store.end - self._arrivals.target - FRAME_SAMPLES
        # While it fills nobody reads, and nothing that anybody would have heard is dropped.
        if not self._is_filling:
            self.counters.dropped += to - store.play
        self._concealer.part()
        store.go(to)
        self._turn = store.first

    def _piece(self, most: int) -> bytes:
        """Return the next samples, at least one and at most `most`."""
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

    def _begins(self, store: PacketStore, most: int) -> bool:
        """Return whether enough is in store to begin, or it has waited long enough."""
        due = self._arrivals.first_wait
        newest = store.last
        assert newest is not None
        if newest.at - store.play < due and self._waited < due + RESERVE:
            self._waited += most
            return False
        self._is_filling = False
        self._waited = 0
        return True

    def _over_gap(self, store: PacketStore, most: int) -> bytes:
        """Fill a gap in front of sound in store; its last 20 ms at once, to lead over to that."""
        gap = store.gap
        size = gap if gap <= FRAME_SAMPLES else min(most, gap - FRAME_SAMPLES)
        store.go(store.play + size)
        if size < gap:
            return self._concealer.fill(size)
        return self._concealer.bridge(size, store.peek(2 * FRAME_SAMPLES))

    def _turn_of(self, packet: JitterPacket) -> None:
        """Note the packet whose turn it is, and count what was sent before it and never came."""
        if packet is self._turn:
            return
        if self._turn is not None:
            self.counters.lost += self._source.missing(self._turn, packet)
        self._turn = packet
