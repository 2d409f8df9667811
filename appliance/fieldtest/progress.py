"""What a person sees while the suite runs; the ONLY rich import."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

from appliance.fieldtest.messages import Began, Collected, Ended, Message, Step
from appliance.fieldtest.shown import clean
from appliance.policy.text import Words

if TYPE_CHECKING:
    from appliance.fieldtest.remaining import Clock

MARKS: Final = {
    "passed": ("green", Words("fatta", "done")),
    "failed": ("bold red", Words("NON superata", "FAILED")),
    "skipped": ("yellow", Words("saltata", "skipped")),
}
LEFT: Final = Words("mancano circa", "about")
LEFT_END: Final = Words("", " left")


class Watch:
    """Follows a run on a terminal: a bar with the time left; elsewhere a line each test."""

    def __init__(self, language: str, clock: Clock, console: Console | None = None) -> None:
        self.console = console or Console(highlight=False)
        self._language, self._clock = language, clock
        self._began = time.monotonic()
        self._now = ""
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("{task.fields[left]}"),
            console=self.console,
            transient=True,
        )
        self._task: TaskID = self._bar.add_task("", total=None, left="")

    def start(self) -> None:
        """Show the bar, where there is a terminal to show it on."""
        if self.console.is_terminal:
            self._bar.start()

    def stop(self) -> None:
        """Take the bar away, for a question or at the end."""
        if self.console.is_terminal:
            self._bar.stop()

    def say(self, words: Words) -> None:
        """Write a sentence above the bar."""
        self.console.print(escape(self._in_language(words)), soft_wrap=True)

    def take(self, message: Message) -> None:
        """Show what the suite's process told."""
        match message:
            case Collected(tests, seconds):
                self._clock.expect(tests, seconds)
                self._bar.update(self._task, total=len(tests))
            case Began(_, it, en):
                self._began = time.monotonic()
                self._now = clean(self._in_language(Words(it, en)))
                self._bar.update(self._task, description=escape(self._now))
            case Step(it, en):
                step = clean(self._in_language(Words(it, en)))
                self.console.print(escape(step), soft_wrap=True)
                self._bar.update(self._task, description=escape(f"{self._now} – {step}"))
            case Ended(test, outcome, seconds, it, en):
                self._clock.ended(test, seconds)
                self._bar.advance(self._task)
                colour, words = MARKS.get(outcome, MARKS["failed"])
                said = escape(f"{self._in_language(words):<14}{seconds:6.1f} s  {self._now}")
                self.console.print(f"[{colour}]{said}[/]", soft_wrap=True)
                for why in self._in_language(Words(it, en)).splitlines():
                    self.console.print(escape(f"    {clean(why)}"), soft_wrap=True)
        self.tick()

    def tick(self) -> None:
        """Let the time left run."""
        left = self._clock.left_s(time.monotonic() - self._began)
        said = ""
        if left is not None and self._clock.waiting:
            before, after = self._in_language(LEFT), self._in_language(LEFT_END)
            said = f"{before} {int(left) // 60}:{int(left) % 60:02d}{after}"
        self._bar.update(self._task, left=said)

    def _in_language(self, words: Words) -> str:
        return words.it if self._language == "it" else words.en
