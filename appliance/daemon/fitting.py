"""Parts that a configuration may have wrong: the part is missing and said, the calls go on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from appliance.daemon import phone_secrets
from appliance.daemon.caretaker import Caretaker, plan_of
from appliance.daemon.lookout import Lookout
from appliance.daemon.pins import NO_PIN, pin_path
from appliance.daemon.settings import Settings
from appliance.daemon.setups import panel_pins
from appliance.daemon.stores import Stores
from appliance.errors import ConfigurationError
from appliance.panel.panel import Panel, PanelPins, Press
from appliance.policy.office import Office
from appliance.policy.supervision import words_of
from appliance.policy.users import PinRule


def caretaker(settings: Settings, office: Office, stores: Stores, lookout: Lookout) -> Caretaker:
    """Make what looks after messages; a code that is wanted and missing is said."""
    state = Path(settings.folders.state)
    if office.voicemail.pin is PinRule.ALWAYS and not pin_path(state).exists():
        lookout.complain(NO_PIN)
    return Caretaker(
        stores.records,
        state,
        plan_of(settings, office.switchboard.schedule),
        lambda trouble: lookout.trouble("retention", trouble),
    )


def panel(settings: Settings, lookout: Lookout, on_press: Callable[[Press], None]) -> Panel:
    """Take the panel's pins; a pin that cannot be used costs the panel, not the calls."""
    try:
        return Panel(panel_pins(settings), on_press)
    except ConfigurationError as error:
        lookout.complain(words_of(error))
        return Panel(PanelPins(), on_press)


def secrets_of(settings: Settings, lookout: Lookout) -> dict[str, str]:
    """Read the phones' secrets; without them nobody registers, and that is said."""
    try:
        return phone_secrets.load(settings)
    except ConfigurationError as error:
        lookout.complain(words_of(error))
        return {}
