"""Keys of the box: backups, updates, head office, MQTT, panel, console, folders."""

from __future__ import annotations

from typing import Final

from appliance.config.keys.key import Key
from appliance.text import _, in_context

KEYS: Final[dict[str, Key]] = {
    "backup.folder": Key(
        _("Folder on a second medium that gets a sealed backup each night; empty: none."),
        is_advanced=True,
    ),
    "backup.passphrase_file": Key(
        _(
            "Whole path of the file whose first line seals the backup, readable by the service "
            "alone; required with backup.folder."
        ),
        is_advanced=True,
    ),
    "backup.keep": Key(
        _("Latest backups that stay at each place."),
        unit=in_context("unit", "backups"),
    ),
    "backup.target": Key(
        _(
            "Folder on another machine that gets a sealed backup each night, "
            "sftp://user@server/folder, smb://user@server/share/folder or "
            "https://user@server/folder; set up by centralino box backup-target set-up."
        ),
    ),
    "backup.ca_file": Key(
        _("Certificates of a private authority for that server; empty: those of the system."),
        is_advanced=True,
    ),
    "backup.recipient": Key(
        _(
            "Public key of the head office (age1..., made by age-keygen): the passphrase of each "
            "backup in the target is laid beside it, sealed to this key; empty: nobody's."
        ),
        is_advanced=True,
    ),
    "backup.notify": Key(
        _(
            "E-mail address that is told once a week of a target without a backup for three days;"
            " empty: none."
        ),
    ),
    "console.enabled": Key(
        _("The console's pages are served."),
        is_advanced=True,
    ),
    "console.listen": Key(
        _('Address at which the pages are served; "0.0.0.0" is every address of the box.'),
        is_advanced=True,
    ),
    "console.port": Key(
        _("Port of the pages (https)."),
    ),
    "console.redirect_port": Key(
        _("Plain port that leads to the secure one; 0 for none."),
    ),
    "console.names": Key(
        _("Host names that the console answers to, beside every address of the box."),
    ),
    "console.certificate": Key(
        _(
            "Whole path of the office's own certificate with its chain (PEM); empty: the box's "
            "own authority."
        ),
    ),
    "console.key": Key(
        _("Whole path of the certificate's key (PEM), readable by the group centralino."),
    ),
    "updates.server": Key(
        _(
            "https address of a folder with latest.json, in which the box looks for a newer "
            "image; empty: none."
        ),
    ),
    "updates.ca_file": Key(
        _("Certificates of a private authority for that server; empty: those of the system."),
        is_advanced=True,
    ),
    "updates.install": Key(
        _(
            "Who takes what that server offers: a person (ask), or the box in the quiet hour "
            "(night)."
        ),
    ),
    "central.server": Key(
        _("https address of the head office's settings; empty: they come as a file."),
        is_advanced=True,
    ),
    "central.ca_file": Key(
        _("Certificates of a private authority for that server; empty: those of the system."),
        is_advanced=True,
    ),
    "central.certificate": Key(
        _("Whole path of the signer's certificate; empty: no central settings are accepted."),
        is_advanced=True,
    ),
    "central.passphrase_file": Key(
        _(
            "Whole path of the file whose first line opens the register in them, readable by the "
            "service alone."
        ),
        is_advanced=True,
    ),
    "central.branch": Key(
        _("Name of this box among the branches; settings for others are refused."),
        is_advanced=True,
    ),
    "central.every": Key(
        _("Time between two looks at that server."),
        unit=in_context("unit", "minutes"),
        is_advanced=True,
    ),
    "mqtt.server": Key(
        _("MQTT broker that gets states and events of the box; empty: none."),
        is_advanced=True,
    ),
    "mqtt.port": Key(
        _("Port of the broker; 0 for the usual one."),
        derived=_("`mqtt.security`: 8883, in the clear 1883"),
        is_advanced=True,
    ),
    "mqtt.security": Key(
        _(
            "Encryption to the broker: tls, or none on a network of its own; one never falls back"
            " to the other."
        ),
        is_advanced=True,
    ),
    "mqtt.user": Key(
        _("User at the broker."),
        is_advanced=True,
    ),
    "mqtt.password_file": Key(
        _("Whole path of the file with the broker's password, readable by the service."),
        is_advanced=True,
    ),
    "mqtt.ca_file": Key(
        _("Certificates of a private authority for the broker; empty: those of the system."),
        is_advanced=True,
    ),
    "mqtt.certificate": Key(
        _("Whole path of the box's own certificate, if the broker asks for one."),
        is_advanced=True,
    ),
    "mqtt.key": Key(
        _("Whole path of that certificate's key, without a passphrase."),
        is_advanced=True,
    ),
    "mqtt.prefix": Key(
        _(
            'Beginning of each topic, used by this box alone: "town/north-desk"; required with '
            "mqtt.server."
        ),
        is_advanced=True,
    ),
    "mqtt.events": Key(
        _("Groups of events published beside the states."),
        is_advanced=True,
    ),
    "mqtt.callers": Key(
        _("Callers' numbers in events: masked or full; undisclosed numbers are always masked."),
        is_advanced=True,
    ),
    "mqtt.queue": Key(
        _(
            "Events that wait on the disk for a broker that is away; beyond that the oldest is "
            "dropped."
        ),
        unit=in_context("unit", "events"),
        is_advanced=True,
    ),
    "mqtt.home_assistant": Key(
        _("Home Assistant finds the box by itself."),
        is_advanced=True,
    ),
    "metrics.listen": Key(
        _(
            "One address of the box at which a Prometheus server reads its figures, as "
            '"192.168.1.10"; empty: none.'
        ),
        is_advanced=True,
    ),
    "metrics.port": Key(
        _("TCP port of the figures."),
        is_advanced=True,
    ),
    "metrics.allowed": Key(
        _(
            'Addresses or networks that may read the figures, as ["10.1.2.3"]; empty: all that '
            "reach the port."
        ),
        is_advanced=True,
    ),
    "panel.ready": Key(
        _("GPIO number (BCM) of the Ready LED; -1 for none."),
        is_advanced=True,
    ),
    "panel.network": Key(
        _("GPIO number (BCM) of the Network LED; -1 for none."),
        is_advanced=True,
    ),
    "panel.messages": Key(
        _("GPIO number (BCM) of the Messages LED; -1 for none."),
        is_advanced=True,
    ),
    "panel.fault": Key(
        _("GPIO number (BCM) of the Fault LED; -1 for none."),
        is_advanced=True,
    ),
    "panel.lines": Key(
        _("GPIO numbers (BCM) of the lines' LEDs, in the order of the lines."),
        is_advanced=True,
    ),
    "panel.unattended_button": Key(
        _("GPIO number (BCM) of the button Non presidiato; -1 for none."),
        is_advanced=True,
    ),
    "folders.state": Key(
        _("Folder of what survives a restart."),
        is_advanced=True,
    ),
    "folders.run": Key(
        _("Folder of what does not survive a restart."),
        is_advanced=True,
    ),
    "folders.prompts": Key(
        _(
            "Folder of the office's own announcements, as it/greeting_closed.wav: 8 kHz, mono, 16"
            " bit, A-law or µ-law."
        ),
        is_advanced=True,
    ),
    "folders.console": Key(
        _("Folder of the console's sessions and certificates."),
        is_advanced=True,
    ),
}
