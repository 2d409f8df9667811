"""Runs a list of commands on a modem, one at a time, with its pauses, limits and retries."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING

from appliance.lines import sentences
from appliance.lines.dialects import ACTIONS
from appliance.lines.modem import RESULTS
from appliance.lines.replies import (
    OK,
    CallerIdReceived,
    Coded,
    Garbage,
    Replied,
    StreamEnded,
    StreamStarted,
)
from appliance.lines.steps import (
    Command,
    Done,
    Drain,
    EndStream,
    Pause,
    Refused,
    Resync,
    Trouble,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from appliance.lines.modem import Modem
    from appliance.lines.replies import ModemEvent
    from appliance.lines.sentences import Sentence
    from appliance.lines.steps import Outcome, Step

GAP_S = 0.1
"""Least time from a result to the next command: "the DTE must wait >= 100 ms" (v253.md 1.1)."""
SEEN_LIMIT = 80
"""Characters of what was read last that a sentence quotes."""


class Runner:
    """Works through a script; its bytes wait in `data_to_send()`, its time is the caller's.

    `refused` is the latest result of the script that was a permitted refusal (`answers`), or "".
    A new script begun while a command is unanswered waits for that answer, or for its limit, and
    passes over it: two commands are never under way at once.
    """

    def __init__(self, modem: Modem) -> None:
        self.kept: dict[str, tuple[str, ...]] = {}
        self.refused = ""
        self._modem = modem
        self._steps: deque[Step] = deque()
        self._current: Step | None = None
        self._passed_over = False
        self._endings = 0
        self._asked = False
        self._deadline: float | None = None
        self._gap_until = float("-inf")
        self._out = bytearray()
        self._seen: deque[str] = deque(maxlen=4)
        self._sent_again = self._is_late = False

    def begin(self, steps: Iterable[Step], now: float) -> Outcome | None:
        """Start a script in the place of the one that runs; Done at once when it has no effect."""
        self._steps = deque(steps)
        self.refused = ""
        self._sent_again = self._is_late = False
        if isinstance(self._current, Command):
            self._passed_over = True
            return None
        self._current = None
        return self._advance(now)

    def restart(self, steps: Iterable[Step], now: float) -> Outcome | None:
        """Start a script and wait for nothing that was under way: the modem has lost the thread."""
        self._current = None
        self._passed_over = False
        self._out.clear()
        return self.begin(steps, now)

    def receive(self, event: ModemEvent, now: float) -> Outcome | None:
        """Take what the modem said; returns the script's outcome when this was its last word."""
        self._note(event, now)
        match self._current, event:
            case Command(), (Replied() | StreamStarted()) if self._passed_over:
                return self._pass_over(now)
            case Command() as command, Replied(_, lines, result):
                return self._on_result(command, lines, result, now)
            case Command(), StreamStarted():
                return self._succeed(now)
            case EndStream(), StreamEnded():
                return self._on_end(now)
        return None

    def handle_timer(self, now: float) -> Outcome | None:
        """Do what is due: send after a pause, try again or give up after a limit."""
        if self._deadline is None or now < self._deadline:
            return None
        self._deadline = None
        match self._current:
            case None:
                return self._advance(now)
            case Resync() | Drain() | Pause():
                return self._succeed(now)
            case Command() as command:
                return self._on_silence(command, now)
            case _ as step:
                return self._on_endless(step, now)

    def next_deadline(self) -> float | None:
        """Return when `handle_timer` is due, on the caller's monotonic clock."""
        return self._deadline

    def data_to_send(self) -> bytes:
        """Return and forget the bytes to be written."""
        data = bytes(self._out)
        self._out.clear()
        return data

    def seen(self) -> str:
        """Quote what was read last, in printable characters."""
        return " | ".join(self._seen)[-SEEN_LIMIT:] or "-"

    def _late(self) -> Sentence:
        return sentences.LATE if self._is_late else sentences.NOT_LATE

    def _note(self, event: ModemEvent, now: float) -> None:
        match event:
            case Replied(_, lines, result):
                self._seen.extend((*lines[-2:], result))
            case Garbage(text):
                self._seen.append(text)
                if text not in RESULTS:
                    return  # a stream found running must not put off its own ending
                self._is_late |= self._sent_again  # one answer more than questions that wait
            case Coded(_, True) | CallerIdReceived() | StreamStarted() | StreamEnded():
                pass  # results too: the pause counts from them
            case _:
                return
        self._gap_until = now + GAP_S
        if self._current is None and self._deadline is not None:
            self._deadline = self._gap_until

    def _advance(self, now: float) -> Outcome | None:
        """Begin the next step, or wait for its pause to pass."""
        self._deadline = None
        while self._steps:
            if isinstance(self._steps[0], Command) and now < self._gap_until:
                self._deadline = self._gap_until
                return None
            self._current = self._steps.popleft()
            if self._enter(self._current, now):
                return None
            self._current = None
        return Done()

    def _enter(self, step: Step, now: float) -> bool:
        """Send what a step sends; False when it has nothing to wait for."""
        self._endings = 1
        self._asked = False
        match step:
            case Command(text):
                self._send(text, step.limit_ms, now)
            case EndStream(cut):
                if self._modem.streaming is None:
                    return False
                self._out += self._modem.end_stream(cut=cut)
                self._deadline = now + step.limit_ms / 1000
            case Resync(wait_ms):
                self._out += self._modem.resynchronise()
                self._deadline = now + wait_ms / 1000
            case _:
                self._deadline = now + step.wait_ms / 1000
        return True

    def _send(self, text: str, limit_ms: int, now: float) -> None:
        self._out += self._modem.send_command(text)
        self._deadline = now + limit_ms / 1000

    def _succeed(self, now: float) -> Outcome | None:
        self._current = None
        return self._advance(now)

    def _pass_over(self, now: float) -> Outcome | None:
        self._passed_over = False
        return self._succeed(now)

    def _on_result(
        self, command: Command, lines: tuple[str, ...], result: str, now: float
    ) -> Outcome | None:
        accepted = command.accept is None or command.accept(lines)
        if result == OK and accepted and command.text not in ACTIONS.values():
            self.kept[command.keep] = lines
            return self._succeed(now)
        if command.otherwise:
            text, *others = command.otherwise
            return self._again(replace(command, text=text, otherwise=tuple(others)), now)
        if result in command.answers:
            self.refused = result
            return self._succeed(now)
        if command.optional:
            self.kept[command.keep] = ()
            return self._succeed(now)
        if command.tries > 1:
            return self._again(replace(command, tries=command.tries - 1), now)
        if command.refusal:
            return self._fail(Refused(command.refusal))
        return self._fail(
            Trouble(sentences.bad_answer(command.text, result, self.seen(), self._late()))
        )

    def _again(self, command: Command, now: float) -> Outcome | None:
        """Send the command, or its other form, once the pause has passed."""
        self._steps.appendleft(command)
        return self._succeed(now)

    def _on_silence(self, command: Command, now: float) -> Outcome | None:
        if self._passed_over:
            return self._pass_over(now)
        if command.tries > 1:
            self._sent_again = True
            return self._again(replace(command, tries=command.tries - 1), now)
        return self._fail(Trouble(sentences.no_answer(command.text, self.seen(), self._late())))

    def _on_end(self, now: float) -> Outcome | None:
        """Go on; where its result was asked for, let the one that was late arrive as well."""
        if self._asked:
            self._steps.appendleft(Drain())
        return self._succeed(now)

    def _on_endless(self, step: EndStream, now: float) -> Outcome | None:
        """Ask for a result that was lost, then try the dialect's next terminator.

        Without one the modem is stuck in its stream.
        """
        if not self._asked and (more := self._modem.ask_end()):
            self._asked = True
        else:
            more = self._modem.end_stream(cut=step.cut, attempt=self._endings)
            self._endings += 1
        if not more:
            return self._fail(Trouble(sentences.no_end(self.seen())))
        self._out += more
        self._deadline = now + step.limit_ms / 1000
        return None

    def _fail(self, outcome: Trouble | Refused) -> Outcome:
        self._current = None
        self._deadline = None
        self._steps.clear()
        return outcome
