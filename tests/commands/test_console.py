"""What the console is told of the configuration."""

from __future__ import annotations

from appliance.commands.services import console_settings
from appliance.config import read
from tests.config.test_config import SMALL


def test_the_agreement_on_figures_of_positions_is_passed_on() -> None:
    """E21: without its reference the console shows none; blanks are no reference."""
    agreed = '[report]\nper_person_reference = "{}"\n'
    assert console_settings(read.parse(SMALL)).per_person_reference == ""
    blank = read.parse(SMALL + agreed.format(" "))
    named = read.parse(SMALL + agreed.format("RSU 4/2026"))
    assert console_settings(blank).per_person_reference == ""
    assert console_settings(named).per_person_reference == "RSU 4/2026"
