"""Keys of lines, phones, SIP and branches."""

from __future__ import annotations

from typing import Final

from appliance.config.keys.key import Key
from appliance.text import _

KEYS: Final[dict[str, Key]] = {
    "lines.name": Key(
        _(
            "Short name of the line, used by commands; lines have the panel's LEDs in the order "
            "of the file."
        ),
        derived=_("the line's place: `line1`, `line2` …"),
        is_advanced=True,
    ),
    "lines.port": Key(
        _("USB port of the line's modem, as /dev/serial/by-path/… or /dev/centralino/line-…."),
        derived=_("the next plugged-in modem that no other line names; the line keeps it"),
    ),
    "lines.label": Key(
        _('What phones and pages show of the line: "Verde 800 011 837".'),
    ),
    "lines.called": Key(
        _("Public number that rings on this line; empty if several numbers do."),
    ),
    "lines.dialect": Key(
        _("Commands of the modem; auto asks the modem which it is."),
        is_advanced=True,
    ),
    "lines.caller_id": Key(
        _(
            "Moment at which the exchange sends the caller's number: before or after the first "
            "ring, or none."
        ),
        is_advanced=True,
    ),
    "lines.identity_limit": Key(
        _(
            "Longest wait for the caller's number, from the first ring, before the box answers by"
            " itself or asks another branch; phones ring at once."
        ),
        is_advanced=True,
    ),
    "lines.receive_gain": Key(
        _(
            "Gain of the sound from the line (modem command +VGR), 128 nominal; -1 leaves the "
            "modem's own."
        ),
        is_advanced=True,
    ),
    "lines.transmit_gain": Key(
        _(
            "Gain of the sound to the line (modem command +VGT), 128 nominal; -1 leaves the "
            "modem's own."
        ),
        is_advanced=True,
    ),
    "lines.echo": Key(
        _("Echo canceller on this line; needs the package libspeexdsp1."),
        is_advanced=True,
    ),
    "lines.daytime": Key(
        _(
            "What a half-duplex line does in opening hours: take a message, ring the phone in "
            "parallel, or transfer to the PBX behind it; required for the modems usr5637 and "
            "generic."
        ),
    ),
    "lines.duplex": Key(
        _("Whether the modem carries sound both ways at once, as centralino line probe has shown."),
        derived=_("the make of the modem"),
        is_advanced=True,
    ),
    "lines.flash": Key(
        _("Hook flash that the PBX behind the line accepts; a longer one hangs up."),
        is_advanced=True,
    ),
    "lines.pbx_pause": Key(
        _("Pause between hook flash and digits; 0 waits for the PBX's dial tone."),
        is_advanced=True,
    ),
    "lines.voltage": Key(
        _("Whether the modem's measure of the line's voltage is reliable."),
        derived=_("the make of the modem"),
        is_advanced=True,
    ),
    "lines.overrides": Key(
        _("AT commands sent to the modem after each reset."),
        is_advanced=True,
    ),
    "lines.profile": Key(
        _(
            "Whole path of a file made by centralino line field-test --profile; it sets what this "
            "table leaves out."
        ),
        is_advanced=True,
    ),
    "lines.bundle": Key(
        _(
            "Whole path of a file made by centralino line bundle, which teaches the modem's "
            "commands in place of dialect."
        ),
        is_advanced=True,
    ),
    "phones.name": Key(
        _("Short name of the phone, also its SIP user."),
        derived=_("`phones.label` in small letters"),
    ),
    "phones.label": Key(
        _("Name of the phone for people."),
    ),
    "phones.extension": Key(
        _("Digits that other phones dial to reach it, 1 to 6, the first not 0."),
        derived=_("the next free number from 11 on"),
    ),
    "phones.dials": Key(
        _(
            "Classes of numbers that this phone may dial freely; empty: callers, the register, "
            "the address book and requests only."
        ),
    ),
    "phones.address": Key(
        _(
            "IP address of a phone that does not register, with its port if needed: "
            '"192.168.1.21:5060".'
        ),
        is_advanced=True,
    ),
    "sip.address": Key(
        _('Address of the box for phones; "0.0.0.0" is every address that it has.'),
        is_advanced=True,
    ),
    "sip.port": Key(
        _("Port of SIP, UDP and TCP."),
        is_advanced=True,
    ),
    "sip.tcp": Key(
        _("Phones may use TCP beside UDP; false closes that port."),
    ),
    "sip.rtp_ports": Key(
        _("UDP ports of the sound, lowest and highest."),
        is_advanced=True,
    ),
    "sip.realm": Key(
        _("Realm of the phones' passwords (digest authentication)."),
        is_advanced=True,
    ),
    "sip.laws": Key(
        _("Codings of the sound, in order of preference."),
        is_advanced=True,
    ),
    "sip.allowed": Key(
        _(
            'Networks from which SIP is accepted, as ["192.168.10.0/24"]: name here phones in '
            "another network, and the box's own network too; empty: every address that reaches "
            "the box, on the image those of its own networks."
        ),
        is_advanced=True,
    ),
    "sip.time_server": Key(
        _("Time server of phones that the box sets up."),
        derived=_("`site.country`: in Italy `it.pool.ntp.org`"),
    ),
    "sip.registrar.address": Key(
        _(
            "Address of another telephone system or SIP proxy where the box has an account: "
            '"192.168.1.5:5060".'
        ),
        is_advanced=True,
    ),
    "sip.registrar.user": Key(
        _("User of the box there; its password is set by centralino phones registrar."),
        is_advanced=True,
    ),
    "branches.names": Key(
        _(
            "Accounts of the other branches at the proxy of sip.registrar, as the register names "
            "them."
        ),
        is_advanced=True,
    ),
    "branches.offices": Key(
        _(
            "Branches that get a call which nobody here takes, as unit.need of the register and "
            "in this order; empty: none."
        ),
        is_advanced=True,
    ),
    "branches.when": Key(
        _("Cases in which a call passes to another branch."),
        is_advanced=True,
    ),
    "branches.ring": Key(
        _("Ringing time of each branch before the next one or voicemail."),
        is_advanced=True,
    ),
    "branches.takes": Key(
        _("Calls that other branches pass on ring here."),
        is_advanced=True,
    ),
}
