"""A modem of no known make, with 12 quirks, and what puts an interview through to a modem."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from appliance.modem.bundle import Bundle
from appliance.modem.interview import Interview, InterviewStep, SkipReason
from tests.modem.fake_modem import FakeModem

SLOW_S = 3.0
QUIRKS = {
    1: "tells its make by +FMI? and +FMM? alone",
    2: "refuses ATX4",
    3: "refuses AT&F, resets by ATZ",
    4: "turns caller id on by #CID=1 alone",
    5: "refuses +VSD=128,0",
    6: "refuses +VLS=1, goes off hook by ATA",
    7: "takes 3 s to change its class",
    8: "carries both directions at once",
    9: "leaves +VTR by DLE ETX alone",
    10: "leaves +VRX by DLE ESC alone",
    11: "leaves +VTX by a code behind a doubled DLE alone",
    12: "prints its class as three digits",
}
_REFUSED = {"+GMI", "+GMM", "+GMR", "I3", "X4", "&F", "+VCID=1", "+VSD=128,0", "+VLS=1"}
_KNOWN = re.compile(
    r"|AT|E0V1Q0|ATH|H|A|Z|S0=0|&D2|[+]FCLASS(?:=0|=8|[?]|=[?])|[+]VSM=.*|[+]VSD=.*|[+]VIT=0|"
    r"[+]VT[XR]|[+]VRX|[+]GCI=..|[+]PCW=2|#CID=1|[+]FM[IM][?]|I[0-9]"
)


@dataclass
class QuirkyModem(FakeModem):
    """The modem of QUIRKS."""

    duplex: bool = True
    volts: float | None = None
    refuse: set[str] = field(default_factory=lambda: set(_REFUSED))
    ends: dict[str, bytes] = field(
        default_factory=lambda: {"+VTR": b"\x03", "+VRX": b"\x1b", "+VTX": b"\x03"}
    )

    def _run(self, body: str, at: float) -> None:
        if body.startswith("+FCLASS=") and body[-1] in "08" and self.voice is not (body[-1] == "8"):
            at += SLOW_S
        super()._run(body, at)

    def begin_stream(self, action: str, now: float) -> None:
        """Heed the codes of each stream in its own way."""
        super().begin_stream(action, now)
        self.tripled = action == "+VTX"

    def _effect(self, body: str) -> tuple[tuple[str, ...], str]:
        if not _KNOWN.fullmatch(body):
            return (), "ERROR"
        match body:
            case "+FMI?":
                return ("NONESUCH",), "OK"
            case "+FMM?":
                return ("Q-12",), "OK"
            case "+FCLASS?":
                return ("008" if self.voice else "000",), "OK"
            case "Z":
                self.echo, self.verbose, self.quiet = True, True, False
            case "A":
                self.off_hook = self.voice
        return super()._effect(body)

    def _parameter(self, body: str) -> tuple[str, ...]:
        return () if body == "+FCLASS?" else super()._parameter(body)


class InterviewBench:
    """An interview and a modem on one virtual clock, and a person who answers at once."""

    def __init__(self, modem: FakeModem, interview: Interview | None = None) -> None:
        self.modem = modem
        self.interview = interview or Interview("2026-11-30", "test")
        self.now = 100.0
        self.asked: list[InterviewStep] = []

    def run(self, seconds: float) -> None:
        """Let time pass, or until the person is asked, or the interview is over."""
        end = self.now + seconds
        interview = self.interview
        while interview.step is not InterviewStep.OVER and interview.question is None:
            due = [
                t for t in (interview.next_deadline(), self.modem.next_output()) if t is not None
            ]
            if not due or min(due) > end:
                self.now = end
                return
            self.now = max(self.now, min(due))
            interview.receive_data(self.modem.read(self.now), self.now)
            interview.handle_timer(self.now)
            self._write()

    def _write(self) -> None:
        data = self.interview.data_to_send()
        self.modem.write(data, self.now)
        self.interview.written(len(data))

    def begin(self) -> InterviewStep | None:
        """Start, up to the first question."""
        self.interview.start(self.now)
        self._write()
        self.run(600)
        return self.interview.question

    def agree(self, seconds: float = 600) -> InterviewStep | None:
        """Say yes, up to the next question."""
        self.interview.agree(self.now)
        self._write()
        self.run(seconds)
        return self.interview.question

    def skip(self, why: SkipReason = SkipReason.NO_PHONE) -> InterviewStep | None:
        """Leave the step out, up to the next question."""
        self.interview.skip(why, self.now)
        self._write()
        self.run(600)
        return self.interview.question

    def without_a_call(self) -> Bundle:
        """Agree to the line, have nobody to call; return the bundle."""
        if self.begin() is InterviewStep.LINE:
            self.agree()
        if self.interview.question is InterviewStep.CALL:
            self.skip()
        assert self.interview.step is InterviewStep.OVER
        return self.interview.bundle
