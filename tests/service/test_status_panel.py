"""What the LEDs show of call control."""

from __future__ import annotations

from dataclasses import replace

from appliance.calls import events
from appliance.calls.commands import SetAway, SetUnattended
from appliance.policy.clock import ClockState
from appliance.service.status import StatusCollector
from appliance.sip.phones import PhonesStatus
from tests.calls.examples import NIGHT, TEN, tell, up


def test_the_ready_led_shows_that_the_last_position_has_gone() -> None:
    """E3: nobody left is "Non presidiato" as by the button, which still means its own state."""
    control, collector = up(), StatusCollector()
    assert not collector.panel_status(control.status(TEN), PhonesStatus(), ready=True).unattended
    for phone in ("op1", "op2"):
        tell(control, TEN, events.ServiceStateChanged(SetAway(on=True, by=phone)))
    assert collector.panel_status(control.status(TEN), PhonesStatus(), ready=True).unattended
    assert collector.button_pressed().request == SetUnattended(on=True, by="button")
    assert not collector.panel_status(control.status(NIGHT), PhonesStatus(), ready=True).unattended


def test_a_time_that_nobody_trusts_is_a_fault_to_be_seen() -> None:
    """The fault LED is lit and the service's own sentence says so, until the clock is known."""
    control, collector = up(), StatusCollector()
    for state in ClockState:
        status = control.status(replace(TEN, clock_state=state))
        shown = collector.panel_status(status, PhonesStatus(), ready=True)
        assert shown.fault is not state.is_trusted
        assert ("clock cannot be trusted" in collector.words(status)) is not state.is_trusted
