"""Running commands: pauses, limits, retries, and two never under way at once."""

from __future__ import annotations

import pytest

from appliance.modem.dialects import CONEXANT
from appliance.modem.scripts import (
    GAP_S,
    NO_VOICE,
    AtCommand,
    EndStream,
    Resync,
    ScriptDone,
    ScriptFailed,
    ScriptOutcome,
    ScriptRefused,
    ScriptRunner,
)
from appliance.modem.v253 import RESYNC, Modem


class ScriptBench:
    """A runner with its modem; `say` is the modem's voice."""

    def __init__(self) -> None:
        self.modem = Modem(CONEXANT)
        self.runner = ScriptRunner(self.modem)

    def say(self, data: bytes, now: float) -> ScriptOutcome | None:
        """Let the modem write; returns the last outcome."""
        outcome = None
        for event in self.modem.receive_data(data):
            outcome = self.runner.receive(event, now) or outcome
        return outcome

    def wait(self, now: float) -> tuple[ScriptOutcome | None, bytes]:
        """Let a moment come; returns the outcome and what is written then."""
        return self.runner.handle_timer(now), self.runner.data_to_send()


OK = b"\r\nOK\r\n"


@pytest.mark.parametrize(
    "said", [OK, b"\r\nRING\r\n" + OK, OK + b"\r\nRING\r\n", OK + b"NMBR = 1\r\n", OK + OK]
)
def test_the_next_command_waits_100_ms_from_any_result(said: bytes) -> None:
    """The DTE must wait 100 ms or more after a result code (v253.md 1.1)."""
    bench = ScriptBench()
    bench.runner.begin((AtCommand("AT"), AtCommand("ATH")), 5.0)
    assert bench.runner.data_to_send() == b"AT\r"
    bench.say(said, 5.01)
    assert bench.runner.next_deadline() == pytest.approx(5.01 + GAP_S)
    assert bench.wait(5.1) == (None, b"")
    assert bench.wait(5.01 + GAP_S) == (None, b"ATH\r")
    assert bench.say(OK, 5.2) == ScriptDone()


def test_a_ring_during_the_pause_prolongs_it() -> None:
    """RING is a result code as well."""
    bench = ScriptBench()
    bench.runner.begin((AtCommand("AT"), AtCommand("ATH")), 5.0)
    bench.say(OK, 5.0)
    bench.say(b"\r\nRING\r\n", 5.08)
    assert bench.wait(5.1) == (None, b"AT\r")
    assert bench.wait(5.17) == (None, b"")
    assert bench.wait(5.19) == (None, b"ATH\r")


def test_a_flood_of_noise_does_not_put_off_a_command() -> None:
    """A stream found running must not put off what ends it."""
    bench = ScriptBench()
    bench.runner.begin((Resync(wait_ms=300), AtCommand("AT")), 5.0)
    assert bench.runner.data_to_send() == RESYNC
    bench.say(b"\x7f" * 2000, 5.25)
    assert bench.wait(5.3) == (None, b"AT\r")


def test_a_silent_modem_is_asked_again_then_given_up() -> None:
    """Two tries of 1 s, then Trouble with what was read."""
    bench = ScriptBench()
    bench.runner.begin((AtCommand("AT+X", limit_ms=1000),), 5.0)
    bench.runner.data_to_send()
    bench.say(b"noise\r\n", 5.1)
    assert bench.wait(5.9) == (None, b"")
    assert bench.wait(6.0) == (None, b"AT+X\r")
    bench.say(b"\x10\x03", 6.5)
    outcome, _ = bench.wait(7.0)
    assert isinstance(outcome, ScriptFailed)
    assert "AT+X" in outcome.reason.text("en")
    assert "DLE ETX" in outcome.reason.text("en")
    assert bench.runner.next_deadline() is None


def test_other_forms_are_tried_in_turn() -> None:
    """+VSM with two parameters, then with four."""
    bench = ScriptBench()
    bench.runner.begin((AtCommand("AT+A", otherwise=("AT+B", "AT+C"), tries=1),), 5.0)
    assert bench.wait(5.0) == (None, b"AT+A\r")
    bench.say(b"ERROR\r\n", 5.0)
    assert bench.wait(5.1) == (None, b"AT+B\r")
    bench.say(b"ERROR\r\n", 5.1)
    assert bench.wait(5.3) == (None, b"AT+C\r")
    assert bench.say(OK, 5.3) == ScriptDone()


@pytest.mark.parametrize(
    ("command", "outcome"),
    [
        (AtCommand("AT+A", optional=True, keep="a"), ScriptDone()),
        (AtCommand("AT+A", tries=1, refusal=NO_VOICE), ScriptRefused(NO_VOICE)),
    ],
)
def test_a_refusal_is_what_the_command_says_it_is(
    command: AtCommand, outcome: ScriptOutcome
) -> None:
    """An optional one is passed over; one that is needed for good says why."""
    bench = ScriptBench()
    bench.runner.begin((command,), 5.0)
    assert bench.say(b"junk\r\nERROR\r\n", 5.0) == outcome


def test_an_answer_must_be_acceptable() -> None:
    """OK with the wrong class proves nothing."""
    bench = ScriptBench()
    bench.say(OK, 4.0)
    bench.runner.begin((AtCommand("AT+Q", tries=1, keep="q", accept=lambda a: "0" in a),), 5.0)
    outcome = bench.say(b"\r\n8\r\n" + OK, 5.0)
    assert isinstance(outcome, ScriptFailed)
    assert "8 | OK" in outcome.reason.text("en")
    bench.runner.begin((AtCommand("AT+Q", keep="q", accept=lambda a: "0" in a),), 6.0)
    assert bench.say(b"\r\n0\r\n" + OK, 6.0) == ScriptDone()
    assert bench.runner.kept["q"] == ("0",)


@pytest.mark.parametrize(
    ("answer", "earliest"), [(OK, 5.2 + GAP_S), (b"ERROR\r\n", 5.2 + GAP_S), (b"", 6.0)]
)
def test_a_new_script_waits_for_the_command_under_way(answer: bytes, earliest: float) -> None:
    """Its answer is passed over, or its limit waited for; then the new script begins."""
    bench = ScriptBench()
    bench.runner.begin((AtCommand("AT+A", limit_ms=1000), AtCommand("AT+B")), 5.0)
    bench.runner.data_to_send()
    assert bench.runner.begin((AtCommand("ATH"),), 5.1) is None
    assert bench.runner.data_to_send() == b""
    assert bench.say(answer, 5.2) is None
    assert bench.runner.next_deadline() == pytest.approx(earliest)
    assert bench.wait(earliest - 0.01) == (None, b"")
    assert bench.wait(earliest) == (None, b"ATH\r")
    assert bench.say(OK, 6.1) == ScriptDone()


def test_a_restart_waits_for_nothing() -> None:
    """Resynchronising begins at once, whatever was under way; old bytes are not written."""
    bench = ScriptBench()
    bench.runner.begin((AtCommand("AT+A"),), 5.0)
    bench.runner.restart((Resync(),), 5.1)
    assert bench.runner.data_to_send() == RESYNC
    assert bench.wait(5.4) == (ScriptDone(), b"")


def test_ending_no_stream_is_done_at_once() -> None:
    """A script that has nothing to do is done."""
    assert ScriptBench().runner.begin((EndStream(),), 5.0) == ScriptDone()


def test_a_stream_that_does_not_end_is_trouble() -> None:
    """CONNECT starts it; without DLE ETX and OK in time it is stuck."""
    bench = ScriptBench()
    bench.runner.begin((AtCommand("AT+VTR", tries=1), EndStream()), 5.0)
    bench.runner.data_to_send()
    bench.say(b"CONNECT\r\n", 5.0)
    assert bench.runner.data_to_send() == b"\x10^"
    assert bench.wait(7.0) == (None, b"\x10\x03")
    assert bench.wait(9.0) == (None, b"\x10\x10\x10^")
    assert bench.wait(11.0) == (None, b"\x10\x10\x10\x03")
    outcome, _ = bench.wait(13.0)
    assert isinstance(outcome, ScriptFailed)


def playing() -> ScriptBench:
    """A runner that was told to end an announcement, at 5 s."""
    bench = ScriptBench()
    bench.runner.begin(
        (AtCommand("AT+VTX", tries=1), EndStream(), AtCommand("AT+VRX", tries=1)), 4.8
    )
    bench.runner.data_to_send()
    bench.say(b"CONNECT\r\n", 5.0)
    assert bench.runner.data_to_send() == b"\x10\x03"
    return bench


def test_the_lost_result_of_a_stream_is_asked_for() -> None:
    """One lost OK costs 2 s and no call: AT has it said again; the late one may arrive as well."""
    bench = playing()
    assert bench.wait(6.9) == (None, b"")
    assert bench.wait(7.0) == (None, b"\rAT\r")
    bench.say(OK + OK, 7.01)
    assert bench.wait(7.2) == (None, b"")
    assert bench.wait(7.32) == (None, b"AT+VRX\r")
    assert bench.say(b"CONNECT\r\n", 7.4) == ScriptDone()


def test_a_duplex_stream_whose_end_was_read_is_asked_for_its_result() -> None:
    """DLE ETX has come: the modem takes commands, and a second terminator would be text to it."""
    bench = ScriptBench()
    bench.runner.begin((AtCommand("AT+VTR", tries=1), EndStream()), 4.9)
    bench.say(b"CONNECT\r\n", 5.0)
    bench.runner.data_to_send()
    bench.say(b"sound\x10\x03", 5.1)
    assert bench.wait(7.0) == (None, b"\rAT\r")
    bench.say(OK, 7.1)
    assert bench.wait(7.4)[0] == ScriptDone()


def test_an_announcement_whose_end_the_modem_never_read_is_cut() -> None:
    """The question was sound to it: four bytes. What remains is told: CAN ETX; then it is stuck."""
    bench = playing()
    assert bench.wait(7.0) == (None, b"\rAT\r")
    assert bench.wait(9.0) == (None, b"\x10\x18\x10\x03")
    assert bench.wait(11.0) == (None, b"\x10\x10\x10\x03")
    assert bench.wait(13.0) == (None, b"\x10\x10\x10\x18\x10\x10\x10\x03")
    assert isinstance(bench.wait(15.0)[0], ScriptFailed)


def test_an_ok_does_not_start_a_stream() -> None:
    """Without CONNECT there is no sound."""
    bench = ScriptBench()
    bench.runner.begin((AtCommand("AT+VRX", tries=1),), 5.0)
    assert isinstance(bench.say(OK, 5.0), ScriptFailed)


def test_nothing_is_done_before_its_time() -> None:
    """A timer that comes early changes nothing; a runner without a script waits for nothing."""
    bench = ScriptBench()
    assert bench.runner.next_deadline() is None
    assert bench.wait(5.0) == (None, b"")
    bench.say(b"\r\nRING\r\n", 5.0)
    assert bench.runner.next_deadline() is None
    assert bench.runner.seen() == "-"


def test_a_reply_that_came_too_late_is_named() -> None:
    """A command that is sent again and then answered twice: what fails after that says so."""
    bench = ScriptBench()
    bench.runner.begin((AtCommand("ATA", tries=2, limit_ms=1000), AtCommand("ATB", tries=1)), 5.0)
    assert bench.runner.data_to_send() == b"ATA\r"
    bench.wait(6.0)
    assert bench.wait(6.0 + GAP_S)[1] in {b"ATA\r", b""}
    bench.runner.data_to_send()
    bench.say(OK + OK, 6.2)
    bench.wait(6.2 + GAP_S)
    outcome = bench.say(b"\r\nERROR\r\n", 6.4)
    assert isinstance(outcome, ScriptFailed)
    assert "came too late" in outcome.reason.text("en")
    assert "troppo tardi" in outcome.reason.text("it")


def test_two_results_without_a_repeat_are_no_late_reply() -> None:
    """A modem that says OK twice was not asked twice."""
    bench = ScriptBench()
    bench.runner.begin((AtCommand("ATA"), AtCommand("ATB", tries=1)), 5.0)
    bench.say(OK + OK, 5.1)
    bench.wait(5.1 + GAP_S)
    outcome = bench.say(b"\r\nERROR\r\n", 5.4)
    assert isinstance(outcome, ScriptFailed)
    assert "too late" not in outcome.reason.text("en")
