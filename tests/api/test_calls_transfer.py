"""Offices and needs are asked for at the control socket: what the console's operator chooses from
(P5).
"""

from __future__ import annotations

import json
from typing import Any

from appliance.api.calls import offices
from appliance.api.commands import ListOffices
from appliance.policy.numbering import Purpose
from tests.calls.test_transfer import office_switchboard
from tests.fuzz.targets.control_socket import CallControlStub
from tests.helpers.wire import wire


def test_offices_are_told_with_all_that_a_screen_shows_and_no_number() -> None:
    """In both languages, with times that carry their offset; no number in any of it (P7)."""
    control: Any = CallControlStub(office_switchboard())
    answer = wire(offices(control, ListOffices()))
    told = {(one["unit"], one["need"]): one for one in answer["offices"]}
    anagrafe = told["anagrafe", "residenza"]
    assert (anagrafe["name"], anagrafe["open"]) == ("Anagrafe", True)
    assert anagrafe["until"].endswith("+01:00")
    assert set(anagrafe["rules"]) <= {"appointment", "email"}
    for one in control.offered():
        assert not one.open or one.words.text("it") == ""
    text = json.dumps(answer, ensure_ascii=False)
    numbers = {
        digits
        for declaration in control.directory.declarations
        for need in declaration.needs
        for target in need.targets
        if (digits := target.number.reveal(Purpose.EXPORT)).isdecimal()
    }
    assert numbers
    assert not any(f'"{digits}"' in text for digits in numbers)
