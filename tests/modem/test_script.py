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


class Desk:
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
    desk = Desk()
    desk.runner.begin((AtCommand("AT"), AtCommand("ATH")), 5.0)
    assert desk.runner.data_to_send() == b"AT\r"
    desk.say(said, 5.01)
    assert desk.runner.next_deadline() == pytest.approx(5.01 + GAP_S)
    assert desk.wait(5.1) == (None, b"")
    assert desk.wait(5.01 + GAP_S) == (None, b"ATH\r")
    assert desk.say(OK, 5.2) == ScriptDone()


def test_a_ring_during_the_pause_prolongs_it() -> None:
    """RING is a result code as well."""
    desk = Desk()
    desk.runner.begin((AtCommand("AT"), AtCommand("ATH")), 5.0)
    desk.say(OK, 5.0)
    desk.say(b"\r\nRING\r\n", 5.08)
    assert desk.wait(5.1) == (None, b"AT\r")
    assert desk.wait(5.17) == (None, b"")
    assert desk.wait(5.19) == (None, b"ATH\r")


def test_a_flood_of_noise_does_not_put_off_a_command() -> None:
    """A stream found running must not put off what ends it."""
    desk = Desk()
    desk.runner.begin((Resync(wait_ms=300), AtCommand("AT")), 5.0)
    assert desk.runner.data_to_send() == RESYNC
    desk.say(b"\x7f" * 2000, 5.25)
    assert desk.wait(5.3) == (None, b"AT\r")


def test_a_silent_modem_is_asked_again_then_given_up() -> None:
    """Two tries of 1 s, then Trouble with what was read."""
    desk = Desk()
    desk.runner.begin((AtCommand("AT+X", limit_ms=1000),), 5.0)
    desk.runner.data_to_send()
    desk.say(b"noise\r\n", 5.1)
    assert desk.wait(5.9) == (None, b"")
    assert desk.wait(6.0) == (None, b"AT+X\r")
    desk.say(b"\x10\x03", 6.5)
    outcome, _ = desk.wait(7.0)
    assert isinstance(outcome, ScriptFailed)
    assert "AT+X" in outcome.reason.en
    assert "DLE ETX" in outcome.reason.en
    assert desk.runner.next_deadline() is None


def test_other_forms_are_tried_in_turn() -> None:
    """+VSM with two parameters, then with four."""
    desk = Desk()
    desk.runner.begin((AtCommand("AT+A", otherwise=("AT+B", "AT+C"), tries=1),), 5.0)
    assert desk.wait(5.0) == (None, b"AT+A\r")
    desk.say(b"ERROR\r\n", 5.0)
    assert desk.wait(5.1) == (None, b"AT+B\r")
    desk.say(b"ERROR\r\n", 5.1)
    assert desk.wait(5.3) == (None, b"AT+C\r")
    assert desk.say(OK, 5.3) == ScriptDone()


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
    desk = Desk()
    desk.runner.begin((command,), 5.0)
    assert desk.say(b"junk\r\nERROR\r\n", 5.0) == outcome


def test_an_answer_must_be_acceptable() -> None:
    """OK with the wrong class proves nothing."""
    desk = Desk()
    desk.say(OK, 4.0)
    desk.runner.begin((AtCommand("AT+Q", tries=1, keep="q", accept=lambda a: "0" in a),), 5.0)
    outcome = desk.say(b"\r\n8\r\n" + OK, 5.0)
    assert isinstance(outcome, ScriptFailed)
    assert "8 | OK" in outcome.reason.en
    desk.runner.begin((AtCommand("AT+Q", keep="q", accept=lambda a: "0" in a),), 6.0)
    assert desk.say(b"\r\n0\r\n" + OK, 6.0) == ScriptDone()
    assert desk.runner.kept["q"] == ("0",)


@pytest.mark.parametrize(
    ("answer", "earliest"), [(OK, 5.2 + GAP_S), (b"ERROR\r\n", 5.2 + GAP_S), (b"", 6.0)]
)
def test_a_new_script_waits_for_the_command_under_way(answer: bytes, earliest: float) -> None:
    """Its answer is passed over, or its limit waited for; then the new script begins."""
    desk = Desk()
    desk.runner.begin((AtCommand("AT+A", limit_ms=1000), AtCommand("AT+B")), 5.0)
    desk.runner.data_to_send()
    assert desk.runner.begin((AtCommand("ATH"),), 5.1) is None
    assert desk.runner.data_to_send() == b""
    assert desk.say(answer, 5.2) is None
    assert desk.runner.next_deadline() == pytest.approx(earliest)
    assert desk.wait(earliest - 0.01) == (None, b"")
    assert desk.wait(earliest) == (None, b"ATH\r")
    assert desk.say(OK, 6.1) == ScriptDone()


def test_a_restart_waits_for_nothing() -> None:
    """Resynchronising begins at once, whatever was under way; old bytes are not written."""
    desk = Desk()
    desk.runner.begin((AtCommand("AT+A"),), 5.0)
    desk.runner.restart((Resync(),), 5.1)
    assert desk.runner.data_to_send() == RESYNC
    assert desk.wait(5.4) == (ScriptDone(), b"")


def test_ending_no_stream_is_done_at_once() -> None:
    """A script that has nothing to do is done."""
    assert Desk().runner.begin((EndStream(),), 5.0) == ScriptDone()


def test_a_stream_that_does_not_end_is_trouble() -> None:
    """CONNECT starts it; without DLE ETX and OK in time it is stuck."""
    desk = Desk()
    desk.runner.begin((AtCommand("AT+VTR", tries=1), EndStream()), 5.0)
    desk.runner.data_to_send()
    desk.say(b"CONNECT\r\n", 5.0)
    assert desk.runner.data_to_send() == b"\x10^"
    assert desk.wait(7.0) == (None, b"\x10\x03")
    assert desk.wait(9.0) == (None, b"\x10\x10\x10^")
    assert desk.wait(11.0) == (None, b"\x10\x10\x10\x03")
    outcome, _ = desk.wait(13.0)
    assert isinstance(outcome, ScriptFailed)


def playing() -> Desk:
    """A runner that was told to end an announcement, at 5 s."""
    desk = Desk()
    desk.runner.begin(
        (AtCommand("AT+VTX", tries=1), EndStream(), AtCommand("AT+VRX", tries=1)), 4.8
    )
    desk.runner.data_to_send()
    desk.say(b"CONNECT\r\n", 5.0)
    assert desk.runner.data_to_send() == b"\x10\x03"
    return desk


def test_the_lost_result_of_a_stream_is_asked_for() -> None:
    """One lost OK costs 2 s and no call: AT has it said again; the late one may arrive as well."""
    desk = playing()
    assert desk.wait(6.9) == (None, b"")
    assert desk.wait(7.0) == (None, b"\rAT\r")
    desk.say(OK + OK, 7.01)
    assert desk.wait(7.2) == (None, b"")
    assert desk.wait(7.32) == (None, b"AT+VRX\r")
    assert desk.say(b"CONNECT\r\n", 7.4) == ScriptDone()


def test_a_duplex_stream_whose_end_was_read_is_asked_for_its_result() -> None:
    """DLE ETX has come: the modem takes commands, and a second terminator would be text to it."""
    desk = Desk()
    desk.runner.begin((AtCommand("AT+VTR", tries=1), EndStream()), 4.9)
    desk.say(b"CONNECT\r\n", 5.0)
    desk.runner.data_to_send()
    desk.say(b"sound\x10\x03", 5.1)
    assert desk.wait(7.0) == (None, b"\rAT\r")
    desk.say(OK, 7.1)
    assert desk.wait(7.4)[0] == ScriptDone()


def test_an_announcement_whose_end_the_modem_never_read_is_cut() -> None:
    """The question was sound to it: four bytes. What remains is told: CAN ETX; then it is stuck."""
    desk = playing()
    assert desk.wait(7.0) == (None, b"\rAT\r")
    assert desk.wait(9.0) == (None, b"\x10\x18\x10\x03")
    assert desk.wait(11.0) == (None, b"\x10\x10\x10\x03")
    assert desk.wait(13.0) == (None, b"\x10\x10\x10\x18\x10\x10\x10\x03")
    assert isinstance(desk.wait(15.0)[0], ScriptFailed)


def test_an_ok_does_not_start_a_stream() -> None:
    """Without CONNECT there is no sound."""
    desk = Desk()
    desk.runner.begin((AtCommand("AT+VRX", tries=1),), 5.0)
    assert isinstance(desk.say(OK, 5.0), ScriptFailed)


def test_nothing_is_done_before_its_time() -> None:
    """A timer that comes early changes nothing; a runner without a script waits for nothing."""
    desk = Desk()
    assert desk.runner.next_deadline() is None
    assert desk.wait(5.0) == (None, b"")
    desk.say(b"\r\nRING\r\n", 5.0)
    assert desk.runner.next_deadline() is None
    assert desk.runner.seen() == "-"


def test_a_reply_that_came_too_late_is_named() -> None:
    """A command that is sent again and then answered twice: what fails after that says so."""
    desk = Desk()
    desk.runner.begin((AtCommand("ATA", tries=2, limit_ms=1000), AtCommand("ATB", tries=1)), 5.0)
    assert desk.runner.data_to_send() == b"ATA\r"
    desk.wait(6.0)
    assert desk.wait(6.0 + GAP_S)[1] in {b"ATA\r", b""}
    desk.runner.data_to_send()
    desk.say(OK + OK, 6.2)
    desk.wait(6.2 + GAP_S)
    outcome = desk.say(b"\r\nERROR\r\n", 6.4)
    assert isinstance(outcome, ScriptFailed)
    assert "came too late" in outcome.reason.en
    assert "troppo tardi" in outcome.reason.it


def test_two_results_without_a_repeat_are_no_late_reply() -> None:
    """A modem that says OK twice was not asked twice."""
    desk = Desk()
    desk.runner.begin((AtCommand("ATA"), AtCommand("ATB", tries=1)), 5.0)
    desk.say(OK + OK, 5.1)
    desk.wait(5.1 + GAP_S)
    outcome = desk.say(b"\r\nERROR\r\n", 5.4)
    assert isinstance(outcome, ScriptFailed)
    assert "too late" not in outcome.reason.en
