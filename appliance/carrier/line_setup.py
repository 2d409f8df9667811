"""From a line of the Setup to what its driver is told (v253.md 1.3, 8)."""

from __future__ import annotations

from appliance.carrier.messages import LineSetup
from appliance.lines.settings import CallerIdOrder, LineSettings

COUNTRY_CODES = {"it": "59", "de": "42", "fr": "3D", "gb": "B4", "us": "B5"}
"""T.35 codes for +GCI (v253.md 1.3)."""


def line_settings(setup: LineSetup) -> LineSettings:
    """Translate a line of the Setup; raises ConfigurationError for a value no modem takes."""
    return LineSettings(
        dialect=setup.dialect,
        country=COUNTRY_CODES[setup.country],
        caller_id=CallerIdOrder(setup.caller_id),
        identity_limit_ms=setup.identity_limit_ms,
        receive_gain=None if setup.receive_gain < 0 else setup.receive_gain,
        transmit_gain=None if setup.transmit_gain < 0 else setup.transmit_gain,
        duplex=setup.duplex,
        flash_ms=setup.flash_ms,
        pbx_pause_ms=setup.pbx_pause_ms,
        voltage=setup.voltage,
        overrides=setup.overrides,
    )
