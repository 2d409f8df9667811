"""What each process and line is set up with, from the configuration."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from appliance.config import build
from appliance.config.build import numbers_of, rehearses, tcp_rival
from appliance.config.schema import Line, Settings
from appliance.config.values import PROVEN
from appliance.errors import ConfigurationError
from appliance.media.messages import LineSetup, Setup
from appliance.panel.panel import Panel, PanelPins, Press
from appliance.policy.office import Office, StaffKey
from appliance.policy.supervision import words_of
from appliance.policy.users import PinRule
from appliance.service import announcement_files, phones
from appliance.service.housekeeping import NO_PIN, Caretaker, pin_path, plan_of
from appliance.service.loop import Stores
from appliance.service.phone_status import Lookout
from appliance.sip.registrar import PhonesSettings, network_of

# ---- setups ------------------------------------------------------------------------------------
# From the settings: what carrier, phones and panel are set up with.


def carrier_setup(settings: Settings, prompts: announcement_files.PromptFile) -> Setup:
    """Make the carrier's Setup from the configuration."""
    language = settings.site.languages[0]
    return Setup(
        lines=tuple(line_setup(settings, line) for line in settings.lines),
        rtp_address=settings.sip.address,
        rtp_ports=(settings.sip.rtp_ports.low, settings.sip.rtp_ports.high),
        prompts=prompts.prompts,
        hold=announcement_files.named(language, announcement_files.HOLD),
        lost=announcement_files.named(language, announcement_files.LOST),
    )


def code_of(office: Office, what: StaffKey) -> str:
    """Return what a phone dials for something, "" for nothing."""
    return next((code.digits for code in office.key_codes if code.what is what), "")


def line_setup(settings: Settings, line: Line) -> LineSetup:
    """Make the carrier's setup of one line."""
    return LineSetup(
        name=line.name,
        path=line.port,
        dialect=line.dialect,
        country=settings.site.country,
        caller_id=line.caller_id,
        identity_limit_ms=int(line.identity_limit * 1000),
        receive_gain=line.receive_gain,
        transmit_gain=line.transmit_gain,
        echo=bool(line.echo),
        duplex=PROVEN.get(line.duplex),
        flash_ms=round(line.flash * 1000),
        pbx_pause_ms=round(line.pbx_pause * 1000),
        voltage=PROVEN.get(line.voltage),
        overrides=line.overrides,
        emergency=numbers_of(settings).real,
        rehearsal=rehearses(settings),
    )


def phone_settings(
    settings: Settings, secrets: dict[str, str], messages_code: str = ""
) -> PhonesSettings:
    """Make the phones' settings: configured names, kept secrets."""
    return PhonesSettings(
        address=settings.sip.address,
        port=settings.sip.port,
        accounts=phones.accounts(settings, secrets),
        realm=settings.sip.realm,
        laws=phones.laws(settings),
        allowed=tuple(network_of(network) for network in settings.sip.allowed),
        registrar=build.account(settings, secrets),
        messages_code=messages_code,
        tcp=settings.sip.tcp and not tcp_rival(settings),
    )


def panel_pins(settings: Settings) -> PanelPins:
    """Give each configured line the next LED; a pin of -1 is not fitted."""
    pins = settings.panel
    names = (line.name for line in settings.lines)
    return PanelPins(
        ready=_fitted(pins.ready),
        network=_fitted(pins.network),
        message=_fitted(pins.messages),
        fault=_fitted(pins.fault),
        lines=tuple((name, pin) for name, pin in zip(names, pins.lines, strict=False) if pin >= 0),
        button=_fitted(pins.unattended_button),
    )


def _fitted(pin: int) -> int | None:
    return pin if pin >= 0 else None


# ---- fitting -----------------------------------------------------------------------------------
# Parts that a configuration may have wrong: the part is missing and said, the calls go on.


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
        return phones.load_secrets(settings)
    except ConfigurationError as error:
        lookout.complain(words_of(error))
        return {}
