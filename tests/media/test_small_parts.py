"""The media gateway's small parts: keys, player, recorder, release, lateness."""

from __future__ import annotations

import os
import platform
import re
import signal
import socket
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from appliance.calls.events import (
    DigitSource,
    Evidence,
    RecordingEnded,
    RecordingGap,
    RecordingStop,
)
from appliance.calls.orders import Record
from appliance.dsp import g711, wav
from appliance.dsp.wav import Law
from appliance.media.clock import SLICE_NS, TICK, Lateness, Ticker
from appliance.media.detectors import SILENCE_LIMIT_MS, DigitMerger, LineHeard, ReleaseDetector
from appliance.media.link import Link
from appliance.media.messages import Prompt
from appliance.media.playback import Player, PromptMemory, Silence, SoundRecorder

CHIP, SOUND = DigitSource.CHIP, DigitSource.SOUND


@pytest.mark.parametrize(
    ("presses", "new"),
    [
        ([(CHIP, 0.0), (SOUND, 0.05)], [True, False]),
        ([(CHIP, 0.0), (SOUND, 0.05), (CHIP, 0.3), (SOUND, 0.35)], [True, False, True, False]),
        ([(CHIP, 0.0), (CHIP, 0.2), (SOUND, 0.25), (SOUND, 0.3)], [True, True, False, False]),
        ([(CHIP, 0.0), (SOUND, 5.0)], [True, True]),
        ([(SOUND, 0.0), (SOUND, 0.2)], [True, True]),
    ],
)
def test_a_press_heard_twice_is_one_press(
    presses: list[tuple[DigitSource, float]], new: list[bool]
) -> None:
    """Chip and sound report the same press; each press counts once, also a doubled digit."""
    keys = DigitMerger()
    assert [keys.press(source, at) for source, at in presses] == new


def test_a_player_plays_its_prompts_one_after_the_other_and_then_silence() -> None:
    """No sample is lost or doubled whatever the sizes asked for."""
    first, second = os.urandom(1000), os.urandom(598) + b"\0\0"
    player = Player("p1", [first, second])
    read = b"".join(player.read(size, Law.ALAW) for size in (1, 159, 480, 300))

    assert player.ended
    wanted = g711.encode(first + second, Law.ALAW)
    assert read == wanted + wav.silence(Law.ALAW, 940 - len(wanted))


def test_a_repeating_player_never_ends() -> None:
    """The hold prompt goes round and round."""
    player = Player("", [b"\x00\x10" * 100], repeat=True)
    assert len(player.read(1000, Law.ULAW)) == 1000
    assert not player.ended


def test_a_player_with_nothing_ends_at_once() -> None:
    """A missing prompt is silence that ends, never a call that hangs; repeated or not."""
    assert Player("p", []).ended
    player = Player("p", [b""], repeat=True)
    assert player.read(160, Law.ULAW) == wav.silence(Law.ULAW, 160)
    assert player.ended


def test_silence_is_silence_in_every_law() -> None:
    """The source with nothing to say writes the law's own silence."""
    assert Silence().read(3, Law.ULAW) == b"\xff\xff\xff"


def test_prompt_memory_finds_prompts_and_those_of_another_language() -> None:
    """The Setup's memory gives each prompt's sound; an unknown one is empty."""
    fd = os.memfd_create("prompts")
    os.write(fd, b"aabbcc")
    memory = PromptMemory(fd, [Prompt("it/a", 0, 2), Prompt("it/b", 2, 4)])
    assert bytes(memory.sound("it/b")) == b"bbcc"
    assert memory.sound("it/x") == b""
    assert ("it/a" in memory, "it/x" in memory) == (True, False)
    assert [memory.instead(name) for name in ("en/b", "en/x", "b", "")] == ["it/b", "", "", ""]


def test_prompts_that_come_later_go_before_the_setups() -> None:
    """An office's own notice replaces the recorded one, sheets join; the rest stays as it was."""
    first, second = os.memfd_create("prompts"), os.memfd_create("more")
    os.write(first, b"aabbcc")
    os.write(second, b"xxyy")
    memory = PromptMemory(first, [Prompt("it/a", 0, 2), Prompt("it/b", 2, 4)])
    playing = memory.sound("it/a")
    memory.more = PromptMemory(second, [Prompt("it/a", 0, 2), Prompt("it/sheet", 2, 2)])
    assert bytes(memory.sound("it/a")) == b"xx"
    assert bytes(memory.sound("it/b")) == b"bbcc"
    assert bytes(memory.sound("it/sheet")) == b"yy"
    assert [name in memory for name in ("it/a", "it/b", "it/sheet", "it/x")] == [
        True, True, True, False,
    ]  # fmt: skip
    assert memory.instead("en/sheet") == "it/sheet"
    memory.more = None
    assert bytes(playing) == bytes(memory.sound("it/a")) == b"aa"


def _recorder(**limits: int) -> tuple[SoundRecorder, Link]:
    a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    recorder = SoundRecorder(Record("r1", "line1", **limits), Law.ULAW, Link(a))
    recorder.start()
    return recorder, Link(b)


SECOND = b"\x00" * 8000


def test_a_recording_ends_at_its_limit() -> None:
    """The limit ends a recording whole."""
    recorder, _ = _recorder(limit_ms=3000)
    assert recorder.take(SECOND, 0) is None
    assert recorder.take(SECOND, 0) is None
    assert recorder.take(SECOND, 0) == RecordingEnded("r1", RecordingStop.LIMIT, 3000)


def test_silence_never_ends_a_message_in_its_first_ten_seconds() -> None:
    """E5: silence ends a message only after the grace, and leaves half a second of it."""
    recorder, _ = _recorder()
    early = [recorder.take(SECOND, 1000 * (n + 1)) for n in range(9)]
    assert early == [None] * 9
    assert recorder.take(SECOND, 10_000) == RecordingEnded(
        "r1", RecordingStop.SILENCE, 10_000, 9_500
    )


def test_the_hash_key_ends_a_message_and_others_do_not() -> None:
    """`#` ends; its tone is dropped."""
    recorder, _ = _recorder()
    recorder.take(SECOND, 0)
    assert recorder.key("5") is None
    assert recorder.key("#") == RecordingEnded("r1", RecordingStop.KEY, 1000, 200)


def test_sound_that_finds_no_credit_is_told_as_a_gap() -> None:
    """Nothing is lost silently between media gateway and call control."""
    recorder, control = _recorder()
    for _ in range(12):
        recorder.take(SECOND, 0)
    recorder.stop(RecordingStop.RELEASE)
    told: list[object] = []
    for _ in range(20):
        recorder.link.flush()
        told += control.receive()
    assert [m.gap_ms for m in told if isinstance(m, RecordingGap)] == [2000]


def test_release_is_told_once_with_its_evidence() -> None:
    """B1: the first certain sign ends the call; later ones change nothing."""
    release = ReleaseDetector("line1")
    assert release.tone("ringback", "1000/4000", 5000) is None
    told = release.tone("busy", "500/500", 2600)
    assert told is not None
    assert (told.evidence, told.after_ms, told.detail) == (Evidence.BUSY_TONE, 2600, "500/500")
    assert release.chip("busy", 9000, LineHeard(9000, tone_ms=500)) is None


def test_a_loop_event_counts_only_once_the_line_has_settled() -> None:
    """A polarity reversal at the answer is supervision, not a release."""
    release = ReleaseDetector("line1")
    assert release.chip("loop", 100, LineHeard(100, tone_ms=500)) is None
    told = release.chip("loop", 5000, LineHeard(5000, tone_ms=500))
    assert told is not None
    assert told.evidence is Evidence.LOOP


def test_an_old_sign_of_the_chip_is_none() -> None:
    """Long after it a new one begins anew, and who spoke meanwhile has not gone."""
    release = ReleaseDetector("line1")
    quiet = partial(LineHeard, silent_ms=1000)
    assert release.chip("busy", 5000, quiet(5000)) is None
    assert release.chip("busy", 5000, quiet(16_000)) is None
    assert release.chip("busy", 5000, quiet(16_100)) is None, "the same one, doubled"
    assert release.judge(LineHeard(27_000)) is None
    assert release.sign is None
    assert release.chip("talking", 5000, quiet(28_000)) is None


def test_long_silence_is_told_once() -> None:
    """Silence is the last resort; whether it ends the call is the Switchboard's to say."""
    release = ReleaseDetector("line1")
    assert release.silence(SILENCE_LIMIT_MS - 1) is None
    told = release.silence(SILENCE_LIMIT_MS)
    assert told is not None
    assert told.evidence is Evidence.SILENCE
    assert release.silence(SILENCE_LIMIT_MS + 20) is None


def test_ticks_come_at_absolute_deadlines() -> None:
    """A late tick does not move the following ones; a long stall is dropped, not replayed."""
    ticker = Ticker()
    ticker.run(0.0, wanted=True)
    assert ticker.due(0.019) == 0
    assert ticker.due(0.025) == 1
    assert ticker.deadline == pytest.approx(2 * TICK)
    assert ticker.due(0.081) == 3
    assert ticker.due(9.0) == 5
    assert ticker.deadline == pytest.approx(9.0 + TICK)
    ticker.run(9.0, wanted=False)
    assert ticker.due(99.0) == 0


def test_ticks_that_are_nobodys_clock_come_by_the_way() -> None:
    """They ride on a wake-up about their time; without one they come 5 ms late, by themselves."""
    ticker = Ticker()
    ticker.run(0.0, wanted=True, exact=False)
    assert ticker.due(0.0149) == 0
    assert ticker.due(0.0195) == 1
    assert ticker.due(0.0385) == 0
    assert ticker.due(0.0391) == 1
    assert ticker.deadline == pytest.approx(0.0391 + 0.0245)
    assert ticker.due(0.0391 + 0.0245) == 1


def test_ticks_that_become_a_clock_are_exact_from_then_on() -> None:
    """A phone that is played to while a call goes on hears a frame every 20 ms."""
    ticker = Ticker()
    ticker.run(0.0, wanted=True, exact=False)
    ticker.due(0.020)
    ticker.run(0.021, wanted=True, exact=True)
    assert ticker.deadline == pytest.approx(0.041)
    ticker.run(0.030, wanted=True, exact=True)
    assert ticker.due(0.040) == 0
    assert ticker.due(0.041) == 1
    assert ticker.deadline == pytest.approx(0.061)


def test_lateness_is_noted_while_calls_go_on() -> None:
    """How late an idle box wakes is nobody's business."""
    ticker = Ticker()
    ticker.woken(1.0, 2.0)
    assert ticker.lateness.samples == []
    ticker.run(2.0, wanted=True)
    ticker.woken(2.0, 2.001)
    assert ticker.lateness.samples == [pytest.approx(1.0)]


ASKS = """
import ctypes, os
from pathlib import Path
from appliance.media.clock import ask_for_short_slices
os.nice(3)
ask_for_short_slices(ctypes.CDLL(None, use_errno=True))
print(os.sched_getscheduler(0) == os.SCHED_OTHER, os.getpriority(os.PRIO_PROCESS, 0))
print(Path("/proc/self/sched").read_text())
"""


@pytest.mark.skipif(not Path("/proc/self/sched").exists(), reason="the kernel tells no slices")
def test_without_real_time_short_slices_are_asked_for() -> None:
    """A gateway that is refused real time asks to be served soon: nothing else of it changes."""
    said = subprocess.run([sys.executable, "-c", ASKS], capture_output=True, text=True, check=True)
    assert said.stdout.startswith(f"True {os.getpriority(os.PRIO_PROCESS, 0) + 3}\n")
    slices = re.findall(r"se\.slice\s*:\s*(\d+)", said.stdout)
    recent = tuple(map(int, platform.release().split(".")[:2])) >= (6, 12)
    assert not recent or slices == [str(SLICE_NS)]


STARTS = """
import os, resource, time
from appliance.media import clock

def busy(share):
    end = time.process_time() + share * clock.SPIN_US / 1e6
    while time.process_time() < end:
        pass

clock.SPIN_US = 100_000
os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
resource.setrlimit(resource.RLIMIT_RTTIME, (10_000_000, 10_000_000))
busy(1.5)
clock.go_realtime()
busy(0.5)
print("it serves", flush=True)
busy(20.0)  # the kernel counts by ticks, and misses some on a busy machine
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="real time is granted to root")
def test_a_start_without_a_pause_is_not_counted_against_it() -> None:
    """A slow board starts for seconds under real time; only what comes after it may not spin."""
    ran = subprocess.run(
        [sys.executable, "-c", STARTS], capture_output=True, text=True, check=False
    )
    assert (ran.stdout, ran.returncode) == ("it serves\n", -signal.SIGKILL), ran.stderr


def test_lateness_percentiles() -> None:
    """Percentiles are of the period only."""
    lateness = Lateness()
    assert lateness.percentile(0.99) == 0.0
    for n in range(100):
        lateness.note(n / 1000)
    assert lateness.percentile(0.5) == pytest.approx(50.0)
    assert lateness.percentile(0.99) == pytest.approx(99.0)
    lateness.clear()
    assert lateness.percentile(0.5) == 0.0
