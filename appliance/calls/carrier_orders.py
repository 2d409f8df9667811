"""Orders to the carrier: what lines and sound are to do (cf. calls.orders)."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class AnswerLine:
    """Take the ringing line off hook and start its stream; answered by LineAnswered."""

    line: str


@dataclass(frozen=True, slots=True)
class HangUp:
    """Put the line on hook and prove it idle; answered by LineIdle (or LineLost)."""

    line: str


@dataclass(frozen=True, slots=True)
class Flash:
    """Flash the hook: the PBX behind the line holds the caller and is given `digits`.

    Answered by FarEndProgressed, over and over; nobody answers within `no_answer_ms`: NO_ANSWER.
    Without digits the caller comes back; answered by LineFlashed. Digits are printed nowhere (P7).
    """

    line: str
    digits: str = field(default="", repr=False)
    no_answer_ms: int = 25_000


@dataclass(frozen=True, slots=True)
class DialLeg:
    """Seize an idle line and dial; answered by FarEndProgressed (REFUSED: it is not idle).

    The line is the box's until HangUp. Play and Listen speak to and hear whoever answers.
    """

    line: str
    digits: str = field(repr=False)
    no_answer_ms: int = 40_000
    emergency: bool = False  # a person called for help; without it no emergency number is dialled


@dataclass(frozen=True, slots=True)
class JoinLines:
    """Join the sound of two duplex lines, both ways, until one of them ends or is told otherwise.

    Whoever hangs up is then told as CallerHungUp of their line. A half-duplex line: REFUSED.
    """

    line: str
    other: str


@dataclass(frozen=True, slots=True)
class Listen:
    """Be silent and hear the line: keys, and how a call of the box's own gets on.

    Or the leg of a caller who came over by SIP: keys.
    """

    line: str = ""
    leg: str = ""


@dataclass(frozen=True, slots=True)
class Connect:
    """Join the sound of a line and of a phone's leg, both ways, until one of them ends."""

    line: str
    leg: str


@dataclass(frozen=True, slots=True)
class BringIn:
    """Let one more phone into the conversation of a line and a phone: each hears the two others.

    When one of the phones ends, the two that are left go on. A line without a phone: Connect.
    """

    line: str
    leg: str


@dataclass(frozen=True, slots=True)
class Whisper:
    """Play prompts to a phone over its conversation, which goes on; nobody else hears them.

    Answered by nothing; a later one takes the place of an earlier.
    """

    leg: str
    prompts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Join:
    """Join the sound of two phones' legs, both ways, until one of them ends."""

    leg: str
    other: str


@dataclass(frozen=True, slots=True)
class LoadMessage:
    """Give the carrier a fetched message's sound; `Play` names it "message/<message>".

    A descriptor of the sound (one sealed memfd, 16-bit) travels with it; the next one for the
    same leg replaces it.
    """

    leg: str
    message: str


@dataclass(frozen=True, slots=True)
class Hold:
    """Part the line from its leg and play the hold prompt to it until the next order.

    Or a leg from whatever it is joined to: a caller who came over by SIP, whose keys are heard.
    """

    line: str = ""
    leg: str = ""


@dataclass(frozen=True, slots=True)
class Play:
    """Play prompts one after the other to a line or a leg; answered by PromptEnded(play).

    `prompts` are catalogue names "it/greeting_closed"; a later Play, Record, Connect or HangUp
    on the same line cuts it short. `keys`: those of a leg are heard in its sound, too, as a
    line's are; phones send theirs apart.
    """

    play: str
    prompts: tuple[str, ...]
    line: str = ""
    leg: str = ""
    keys: bool = False


@dataclass(frozen=True, slots=True)
class PressKeys:
    """Press keys (0-9 * # A-D) into the line's running stream, over what is played there.

    80 ms each and 80 ms apart. Digits are printed nowhere (P7).
    """

    line: str
    digits: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Record:
    """Record the caller until release, `#`, silence (never in the first `grace_ms`) or limit."""

    recording: str
    line: str
    limit_ms: int = 180_000
    silence_ms: int = 5_000
    grace_ms: int = 10_000


@dataclass(frozen=True, slots=True)
class RecordLeg:
    """Record whoever dictates at a phone, or a caller who came over by SIP, alone (E21).

    Until EndRecording, silence (never in the first `grace_ms`) or limit; a later Play, Connect or
    Join of the leg ends it too. `keys`: `#` in the leg's sound ends it, as on a line.
    """

    recording: str
    leg: str
    limit_ms: int = 30_000
    silence_ms: int = 5_000
    grace_ms: int = 8_000
    keys: bool = False


@dataclass(frozen=True, slots=True)
class EndRecording:
    """End what is recorded of a phone's leg; answered by RecordingEnded."""

    leg: str


@dataclass(frozen=True, slots=True)
class PreparePhone:
    """Reserve an RTP port for a leg; answered by PhonePrepared."""

    leg: str


@dataclass(frozen=True, slots=True)
class ReleasePhone:
    """Forget a leg's RTP port and sound."""

    leg: str
