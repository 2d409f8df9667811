"""Tells a story through all processes: callers at the exchange, phones on the LAN, the real daemon.

The same statements as for the pure Switchboard (grammar.py); what is expected is in seen.py.
"""

from __future__ import annotations

import time

from appliance.simulator.exchange import process
from appliance.simulator.exchange.call import CallPlan
from tests.bench.office import noise
from tests.helpers.box import wait
from tests.stories.expectations import milliseconds
from tests.stories.grammar import Statement, Story, StoryError
from tests.stories.seen import PATIENCE_S, WATCHED, Seen, Words
from tests.stories.story_box import SCALE

CONVERSATION_S = 2.0
"""Minutes in a story pass between people: so many seconds do."""
PASS_BY = ("after", "line_caller")
"""Spans are counted from what happened before: phones ring by then, whoever it is."""
RELEASES = {"busy_tone": "busy", "dial_tone": "dial", "loop": "loop"}


class ProcessRun(Seen):
    """Runs stories on one box: one method for each verb that makes something happen."""

    def run(self, story: Story) -> None:
        """Run every statement; raises StoryError with its place and what was seen instead."""
        self._story, self._known = story, {record.call for record in self._records()}
        for index, statement in enumerate(story.statements):
            self._at = index
            try:
                self._step(statement)
            except (AssertionError, TimeoutError) as error:
                place = f"{story.name}.story:{statement.number}: {statement.text}"
                raise StoryError(f"{place}\n    {error}\n{self.box.log()[-2000:]}") from error

    def clear(self) -> None:
        """End what a story has left: its callers hang up, and what phones saw is passed over."""
        for call in self.calls.values():
            call.hang_up()
        self.calls.clear()
        self._see(self.box.is_idle, "the lines are not idle")
        for name, phone in self.phones.items():
            for event in phone.events:
                if event.kind in WATCHED and self._unseen(name, event.kind):
                    self._happens(name, event.kind)

    def _step(self, statement: Statement) -> None:
        verb = getattr(self, statement.verb, None)
        if verb is None:
            raise StoryError("this cannot be told through all processes")
        if not statement.verb.startswith("expect_") and statement.verb not in PASS_BY:
            self._since = time.monotonic()
        verb(statement.words)

    # --- the scene ---------------------------------------------------------------------------

    def choose_office(self, words: Words) -> None:
        self._same("office", self.box.office, words["name"])

    def at(self, words: Words) -> None:
        """The box was opened or closed for it."""

    def after(self, words: Words) -> None:
        """Let the span pass, counted from what happened last, so that spans do not add up."""
        span = milliseconds(words["span"]) / 1000 / SCALE
        if span > PATIENCE_S:
            wait(CONVERSATION_S)
            return
        self._since += span
        wait(max(0.0, self._since - time.monotonic()))

    # --- callers -----------------------------------------------------------------------------

    def line_rings(self, words: Words) -> None:
        """A caller calls; who, and how the line will be released, the story says later."""
        line = words["line"]
        caller = self._later("line_caller", line).get("caller", "none")
        evidence = self._later("line_hangs_up", line).get("evidence", "busy_tone")
        plan = CallPlan(
            caller=caller, rings=20, hang_up_after_ms=600_000, release=RELEASES[evidence]
        )
        self.box.wait_until(lambda: self._line(line)["state"] == "idle", PATIENCE_S, "line in use")
        self.calls[line] = self.box.place(int(line.removeprefix("line")), plan)
        self._see(lambda: self._line(line)["state"] == "ringing", f"{line} does not ring")

    def line_caller(self, words: Words) -> None:
        self._see(
            lambda: self._shown_caller(words["line"]) == words["caller"], "the caller is not known"
        )

    def line_gives_up(self, words: Words) -> None:
        self.calls[words["line"]].hang_up()

    def line_hangs_up(self, words: Words) -> None:
        self.calls[words["line"]].hang_up()

    def line_answered(self, words: Words) -> None:
        self.calls[words["line"]].wait_for("answered", PATIENCE_S)

    def line_idle(self, words: Words) -> None:
        self._see(lambda: self._line(words["line"])["state"] == "idle", "the line is not idle")
        number = int(words["line"].removeprefix("line"))
        exchange = process.ask_status(self.box.folder / "lines")["lines"]
        assert isinstance(exchange, list)
        self._same("off hook", str(exchange[number - 1]["off_hook"]), "False")

    def line_prompt_ends(self, words: Words) -> None:
        """It ends by itself; what follows is waited for."""

    def line_recording_ends(self, words: Words) -> None:
        """The caller speaks and presses the key."""
        self._same("end", words["stop"], "key")
        seconds = int(words["length"]) / 1000 / SCALE
        call = self.calls[words["line"]]
        call.say(noise(seconds, 7))
        wait(seconds)
        call.press("#")
        self._storing = True

    def stored(self, words: Words) -> None:
        self._storing = False
        self._see(
            lambda: any(m.call not in self._known for m in self.box.messages()), "nothing is stored"
        )

    # --- phones ------------------------------------------------------------------------------

    def phone_answers(self, words: Words) -> None:
        """Lift the handset; a phone that has dialled need not."""
        phone = self.phones[words["phone"]]
        if phone.state()["call"] == "ringing":
            phone.say(self.voices[words["phone"]], repeat=True)
            phone.answer()
            phone.wait_event("answered", PATIENCE_S)

    def phone_hangs_up(self, words: Words) -> None:
        self.phones[words["phone"]].hang_up()
        self._same("who hung up", str(self._happens(words["phone"], "bye")["by"]), "us")

    def phone_holds(self, words: Words) -> None:
        self.phones[words["phone"]].hold()

    def phone_resumes(self, words: Words) -> None:
        self.phones[words["phone"]].resume()

    def phone_dials(self, words: Words) -> None:
        self.phones[words["phone"]].dial(words["digits"])

    def phone_prompt_ends(self, words: Words) -> None:
        """It ends by itself; what follows is waited for."""
