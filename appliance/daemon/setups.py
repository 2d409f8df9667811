"""From the settings: what carrier, phones and panel are set up with."""

from __future__ import annotations

from appliance.daemon import announcements, phone_secrets, registrar
from appliance.daemon.console_settings import tcp_rival
from appliance.daemon.rehearsal import numbers_of, rehearses
from appliance.daemon.settings import Line, Settings
from appliance.daemon.values import PROVEN
from appliance.media.messages import LineSetup, Setup
from appliance.panel.panel import PanelPins
from appliance.policy.office import Office, StaffKey
from appliance.sip.registrar import PhonesSettings, network_of


def carrier_setup(settings: Settings, prompts: announcements.PromptFile) -> Setup:
    """Make the carrier's Setup from the configuration."""
    language = settings.site.languages[0]
    return Setup(
        lines=tuple(line_setup(settings, line) for line in settings.lines),
        rtp_address=settings.sip.address,
        rtp_ports=(settings.sip.rtp_ports.low, settings.sip.rtp_ports.high),
        prompts=prompts.prompts,
        hold=announcements.named(language, announcements.HOLD),
        lost=announcements.named(language, announcements.LOST),
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
        accounts=phone_secrets.accounts(settings, secrets),
        realm=settings.sip.realm,
        laws=phone_secrets.laws(settings),
        allowed=tuple(network_of(network) for network in settings.sip.allowed),
        registrar=registrar.account(settings, secrets),
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
