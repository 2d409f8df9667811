"""A box in which a story can be told through all processes: its office's lines, names and hours."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from appliance.policy.clock import Now
from appliance.policy.opening import ServiceState, opening
from tests.helpers.announcements import brief
from tests.helpers.box import Box
from tests.stories.grammar import Story
from tests.stories.offices import OFFICES

SCALE = 2.5
"""Real seconds are this many times shorter than a story's: 25 s of ringing are 10 s."""
LINES = 2


@dataclass
class StoryBox(Box):
    """A box set up as one of the stories' offices, open or closed all day."""

    office: str = "example"

    def __post_init__(self) -> None:
        told = OFFICES[self.office]
        counter = told.citizens_desk
        self.lines = LINES
        self.operators = told.switchboard.phones
        self.counters = counter.phones if counter else ()
        self.ring = round(told.switchboard.ring_ms / 1000 / SCALE)
        self.options = ("--no-chip-tones",)  # the stories' evidence is what we hear ourselves

    def _configuration(self) -> str:
        self.extra = brief(self.folder / "prompts")  # which words were said, is the pure run's
        text = super()._configuration()
        for number, line in enumerate(OFFICES[self.office].lines[:LINES], 1):
            named = f'label = "{line.label}"\ncalled = "{line.called_number}"\n'
            text = text.replace(f'label = "L{number}"\n', named)
        return text


def office_of(story: Story) -> str:
    """Return the name of the office that a story is told in."""
    return next(s.words["name"] for s in story.statements if s.verb == "choose_office")


def opens(story: Story) -> bool:
    """Tell whether the switchboard is open at the story's beginning: the policy itself says so."""
    office = OFFICES[office_of(story)]
    text = next(s.words["time"] for s in story.statements if s.verb == "at")
    wall = datetime.fromisoformat(text).replace(tzinfo=office.zone)
    return opening(office.switchboard.schedule, ServiceState(), Now(0.0, wall)).open
