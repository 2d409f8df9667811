"""Sections of the settings' pages: which settings stand where, how each is entered, and its help.

Names and values of the settings are call control's (config.setting_names).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from appliance.console.say import N_
from appliance.policy.hours import WEEKDAYS

Choices = tuple[tuple[str, str], ...]
"""Values with their English names."""


@dataclass(frozen=True, slots=True)
class FieldHelp:
    """How a setting is explained and entered: `help` is English, "" for one that needs none.

    With `several`, more than one of the choices may be ticked.
    """

    help: str = ""
    choices: Choices = ()
    several: bool = False


@dataclass(frozen=True, slots=True)
class FieldGroup:
    """Settings under a heading; `more` are folded away, as few offices need them."""

    title: str
    keys: tuple[str, ...]
    more: tuple[str, ...] = ()
    help: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """Page of settings: `rows` is the array of tables whose rows it shows, each as `row` has it."""

    code: str
    title: str
    icon: str
    groups: tuple[FieldGroup, ...] = ()
    rows: str = ""
    row: FieldGroup | None = None
    links: tuple[tuple[str, str], ...] = ()


_DAYS: Final = tuple(
    zip(
        WEEKDAYS,
        (
            N_("Monday"), N_("Tuesday"), N_("Wednesday"), N_("Thursday"), N_("Friday"),
            N_("Saturday"), N_("Sunday"),
        ),
        strict=True,
    )
)  # fmt: skip
_WEEK: Final = tuple(f"hours.{day}" for day in WEEKDAYS)
_COUNTER_WEEK: Final = tuple(f"citizens_desk.hours.{day}" for day in WEEKDAYS)
_PROVEN: Final = (
    ("auto", N_("as the modem says")),
    ("true", N_("yes, proven")),
    ("false", N_("no, proven")),
)

SECTIONS: Final = (
    Section(
        "office",
        N_("Office and hours"),
        "office",
        (
            FieldGroup(
                N_("Name and contacts"),
                ("site.name", "site.address", "site.email", "site.patron_name", "site.patron"),
                ("site.languages", "site.voice"),
            ),
            FieldGroup(
                N_("Switchboard's hours"),
                _WEEK,
                help=N_(
                    "The bands of each day: 8:30-13:00, 14:30-17:30; empty is closed. A week that "
                    "the supervisor has entered on the page of hours holds instead."
                ),
            ),
            FieldGroup(
                N_("Citizens' counter's hours"),
                (),
                _COUNTER_WEEK,
                help=N_("Only where the counter has hours of its own."),
            ),
        ),
        links=(("/hours", N_("Closures, openings and periods")),),
    ),
    Section(
        "lines",
        N_("Lines"),
        "line",
        rows="lines",
        row=FieldGroup(
            N_("Line"),
            ("label", "called", "port"),
            (
                "dialect",
                "caller_id",
                "identity_limit",
                "receive_gain",
                "transmit_gain",
                "echo",
                "daytime",
                "duplex",
                "voltage",
                "flash",
                "pbx_pause",
            ),
        ),
        groups=(FieldGroup(N_("All lines"), ("calls.lines_kept",), ("calls.longest",)),),
        links=(("/plant/divert", N_("Divert on busy, proven by a call")),),
    ),
    Section(
        "phones",
        N_("Phones and positions"),
        "phone",
        (
            FieldGroup(
                N_("Where phones ring"),
                ("switchboard.phones", "citizens_desk.phones", "head.phones"),
                ("switchboard.ring", "citizens_desk.ring", "calls.transfer"),
            ),
            FieldGroup(
                N_("Without a phone of the box"),
                (),
                (
                    "switchboard.outside",
                    "switchboard.pbx_numbers",
                    "citizens_desk.outside",
                    "citizens_desk.pbx_numbers",
                ),
                help=N_("Numbers are never shown: what is typed takes the place of what is there."),
            ),
            FieldGroup(N_("Positions"), ("positions.away_after_missed", "positions.remind_after")),
        ),
        rows="phones",
        row=FieldGroup(N_("Phone"), ("label",), ("extension", "address", "dials")),
        links=(("/plant/phones", N_("Add a phone, its password, its QR code")),),
    ),
    Section(
        "mail",
        N_("Mail"),
        "mail",
        (
            FieldGroup(
                N_("Mail server"),
                ("mail.server", "mail.security", "mail.user", "mail.password", "mail.sender"),
                ("mail.port",),
            ),
            FieldGroup(
                N_("Who gets what"),
                ("mail.head", "voicemail.notify", "voicemail.notify_sound", "backup.notify"),
                ("voicemail.missed_alerts", "report.monthly_sheets"),
            ),
        ),
        links=(("/plant/mail", N_("Outbox, and a test of the mail server")),),
    ),
    Section(
        "retention",
        N_("Retention"),
        "clock",
        (
            FieldGroup(
                N_("How long things are kept"),
                (
                    "retention.messages_closed_days",
                    "retention.numbers_days",
                    "retention.calls_days",
                ),
                help=N_("In days; 0 keeps for ever. The supervisor's page of retention shows it."),
            ),
            FieldGroup(N_("Backups"), ("backup.keep",)),
        ),
        links=(("/plant/backup", N_("Backups")),),
    ),
    Section(
        "callbacks",
        N_("Calling back"),
        "call",
        (
            FieldGroup(
                N_("When citizens are called back"),
                ("outgoing.band", "outgoing.days", "outgoing.known_days"),
                help=N_("Outside these hours a reason is asked for."),
            ),
            FieldGroup(
                N_("How the box dials"),
                ("outgoing.prefix", "outgoing.local", "outgoing.identity"),
                ("outgoing.withhold", "outgoing.calls_per_hour", "outgoing.minutes_per_day"),
            ),
        ),
    ),
    Section(
        "voicemail",
        N_("Voicemail and queue"),
        "message",
        (
            FieldGroup(
                N_("Greeting"),
                (
                    "voicemail.greeting",
                    "voicemail.privacy",
                    "voicemail.emergency_112",
                    "voicemail.spell_email",
                    "voicemail.duty",
                ),
            ),
            FieldGroup(
                N_("Messages"),
                ("voicemail.limit",),
                (
                    "voicemail.silence",
                    "voicemail.minimum",
                    "voicemail.pin",
                    "voicemail.room_alarm",
                ),
            ),
            FieldGroup(
                N_("Queue"),
                ("waiting.queue_max", "waiting.max_wait"),
                ("waiting.announce_every", "waiting.announce_place", "waiting.before_counter"),
            ),
        ),
        links=(("/announcements", N_("Announcements")),),
    ),
    Section(
        "standards",
        N_("Service charter"),
        "ok",
        (
            FieldGroup(
                N_("Promises to citizens"),
                (
                    "standards.answered_within_20s",
                    "standards.lost_at_most",
                    "standards.called_back_same_day",
                    "standards.messages_in_a_day",
                    "standards.requests_in_time",
                    "standards.by_filter",
                ),
                help=N_(
                    "In percent; 0 promises nothing. The supervisor's wall and each quarter's "
                    "sheet show what was measured beside them."
                ),
            ),
        ),
    ),
    Section(
        "network",
        N_("Network"),
        "network",
        (
            FieldGroup(
                N_("These pages"),
                ("console.port", "console.redirect_port", "console.names"),
                help=N_("A change is undone after 60 s unless you confirm it from here."),
            ),
            FieldGroup(
                N_("Phones and time"),
                ("sip.tcp", "sip.time_server"),
                ("clock.without_time", "clock.holdover_days"),
            ),
        ),
        links=(("/plant", N_("Addresses, DNS and time server as they are")),),
    ),
    Section(
        "certificates",
        N_("Certificates"),
        "lock",
        (
            FieldGroup(
                N_("The office's own certificate"),
                ("console.certificate", "console.key"),
                help=N_(
                    "Both files empty: the box has a certificate authority of its own. A change is "
                    "undone after 60 s unless you confirm it from here."
                ),
            ),
        ),
        links=(("/plant/certificate", N_("The box's own authority, and how to install it")),),
    ),
)
"""Pages of settings, in the order of their menu."""

HELPS: Final[dict[str, FieldHelp]] = {
    "site.name": FieldHelp(N_("As callers hear it and papers show it: Comune di Esempio.")),
    "site.address": FieldHelp(N_("Street and town, printed on papers.")),
    "site.email": FieldHelp(N_("Told to callers after hours, and printed.")),
    "site.patron_name": FieldHelp(N_("The town's patron saint: San Petronio.")),
    "site.patron": FieldHelp(N_("Day and month, a holiday in this town: 24 June, or 24/6.")),
    "site.languages": FieldHelp(
        N_("Greetings are repeated briefly in the others."),
        (("it", N_("Italian")), ("de", N_("German")), ("en", N_("English"))),
        several=True,
    ),
    "site.voice": FieldHelp(
        N_("Whose voice reads the announcements."),
        (
            ("auto", N_("as fits")),
            ("shipped", N_("the recorded ones alone")),
            ("device", N_("the box's own")),
        ),
    ),
    "lines.label": FieldHelp(N_("As whoever answers sees it: Toll-free number.")),
    "lines.called": FieldHelp(N_("The number that rings here; empty if several do.")),
    "lines.port": FieldHelp(N_("The socket, not the modem: another modem in it serves this line.")),
    "lines.dialect": FieldHelp(
        N_("As the modem says, unless it says nothing of use."),
        (
            ("auto", N_("as the modem says")),
            ("conexant", "Conexant CX930xx"),
            ("usr5637", "USRobotics 5637"),
            ("generic", N_("another one")),
        ),
    ),
    "lines.caller_id": FieldHelp(
        N_("When the exchange sends the caller's number."),
        (
            ("after", N_("after the first ring")),
            ("before", N_("before the first ring")),
            ("none", N_("never")),
        ),
    ),
    "lines.identity_limit": FieldHelp(N_("Before the box itself answers; 3 in Italy.")),
    "lines.receive_gain": FieldHelp(N_("-1 leaves it as the modem is delivered.")),
    "lines.transmit_gain": FieldHelp(N_("-1 leaves it as the modem is delivered.")),
    "lines.echo": FieldHelp(N_("Only where phones hear themselves.")),
    "lines.daytime": FieldHelp(
        N_("What a modem that cannot carry a conversation does while the office is open."),
        (
            ("", N_("nothing chosen")),
            ("message", N_("takes a message")),
            ("ring_parallel_phone", N_("lets the phone beside it ring")),
            ("pbx_transfer", N_("transfers to an extension of the telephone system")),
        ),
    ),
    "lines.duplex": FieldHelp(N_("The result of `centralino line probe`."), _PROVEN),
    "lines.voltage": FieldHelp(N_("Tells a cut cable and a lifted telephone."), _PROVEN),
    "lines.flash": FieldHelp(N_("For a telephone system behind the line.")),
    "lines.pbx_pause": FieldHelp(N_("0 waits for its dial tone.")),
    "calls.lines_kept": FieldHelp(
        N_("Never dialled over where there are two lines or more, so that somebody can call in.")
    ),
    "calls.longest": FieldHelp(
        N_("Frees a line that a forgotten handset keeps; 14400 is 4 hours.")
    ),
    "phones.label": FieldHelp(N_("What other phones and these pages show: Operator 1.")),
    "phones.extension": FieldHelp(N_("What other phones dial; empty for the next free one.")),
    "phones.address": FieldHelp(N_("Only for a phone that does not register: 192.168.1.21.")),
    "phones.dials": FieldHelp(
        N_("Without a call to call back."),
        (
            ("local", N_("local")),
            ("national", N_("national")),
            ("mobile", N_("mobile")),
            ("toll_free", N_("toll-free")),
            ("service", N_("service numbers")),
            ("premium", N_("premium-rate")),
            ("international", N_("international")),
        ),
        several=True,
    ),
    "switchboard.phones": FieldHelp(N_("They ring for each call from outside.")),
    "citizens_desk.phones": FieldHelp(N_("They ring when the switchboard is busy or unattended.")),
    "head.phones": FieldHelp(N_("They ring when an operator calls the supervisor in.")),
    "switchboard.ring": FieldHelp(N_("Before the next group rings.")),
    "citizens_desk.ring": FieldHelp(N_("Before voicemail answers.")),
    "calls.transfer": FieldHelp(
        N_("For all numbers of an office in all, before the call returns.")
    ),
    "switchboard.outside": FieldHelp(N_("An ordinary telephone, called over a second line.")),
    "switchboard.pbx_numbers": FieldHelp(N_("Of a telephone system behind the line, in order.")),
    "citizens_desk.outside": FieldHelp(N_("An ordinary telephone, called over a second line.")),
    "citizens_desk.pbx_numbers": FieldHelp(N_("Of a telephone system behind the line, in order.")),
    "positions.away_after_missed": FieldHelp(N_("In a row; 0 is never.")),
    "positions.remind_after": FieldHelp(N_("By two rings; 0 is never.")),
    "mail.server": FieldHelp(N_("The provider's: smtp.example.it. Without one mail waits here.")),
    "mail.security": FieldHelp(
        N_("As the provider says; it never falls back to less."),
        (("starttls", "STARTTLS"), ("tls", "TLS"), ("none", N_("none"))),
    ),
    "mail.user": FieldHelp(N_("Of the front desk's mailbox; empty if none is asked for.")),
    "mail.password": FieldHelp(
        N_("Never shown again. Leave it empty to keep the one that is there.")
    ),
    "mail.sender": FieldHelp(N_("The front desk's mailbox, which gets the answers.")),
    "mail.port": FieldHelp(N_("0 for the usual one.")),
    "mail.head": FieldHelp(N_("For notices to the supervisor; empty for none.")),
    "voicemail.notify": FieldHelp(N_("For every new message; empty for none.")),
    "voicemail.notify_sound": FieldHelp(),
    "backup.notify": FieldHelp(N_("When no backup has succeeded for three days.")),
    "voicemail.missed_alerts": FieldHelp(
        N_("Of which the front desk is reminded."),
        (
            ("all", N_("all")),
            ("unclosed", N_("not called back within a working day")),
            ("none", N_("none")),
        ),
    ),
    "report.monthly_sheets": FieldHelp(N_("On the month's first working day.")),
    "retention.messages_closed_days": FieldHelp(
        N_("Since the closing: an open message is never deleted.")
    ),
    "retention.numbers_days": FieldHelp(
        N_("Then the call still counts in the reports; also texts of sent mail.")
    ),
    "retention.calls_days": FieldHelp(N_("And requests that are done.")),
    "backup.keep": FieldHelp(N_("On the stick or the other machine; older ones go.")),
    "outgoing.band": FieldHelp(N_("For example 8:00-19:00.")),
    "outgoing.days": FieldHelp("", _DAYS, several=True),
    "outgoing.known_days": FieldHelp(N_("Older callers are not called back from the list.")),
    "outgoing.prefix": FieldHelp(N_("On the office's phones; 0 in most.")),
    "outgoing.local": FieldHelp(N_("With commas: 051, 0542. Without one no number is local.")),
    "outgoing.identity": FieldHelp(
        N_("The public number, or none."),
        (("presented", N_("the public number")), ("withheld", N_("no number at all"))),
    ),
    "outgoing.withhold": FieldHelp(N_("Empty for the country's.")),
    "outgoing.calls_per_hour": FieldHelp(N_("Against misuse.")),
    "outgoing.minutes_per_day": FieldHelp(N_("Against misuse.")),
    "voicemail.greeting": FieldHelp(
        N_("Short: the tone comes within 20 s, the rest by a key."),
        (("short", N_("short")), ("long", N_("long, in every language"))),
    ),
    "voicemail.privacy": FieldHelp(
        N_("Told before a message."), (("short", N_("yes")), ("off", N_("no")))
    ),
    "voicemail.emergency_112": FieldHelp(),
    "voicemail.spell_email": FieldHelp(),
    "voicemail.duty": FieldHelp(N_("Units whose authorisation is valid, with commas.")),
    "voicemail.limit": FieldHelp(N_("180 is three minutes.")),
    "voicemail.silence": FieldHelp(N_("Never in the first ten seconds.")),
    "voicemail.minimum": FieldHelp(N_("What is shorter is no message.")),
    "voicemail.pin": FieldHelp(
        N_("Where messages are heard at a phone."),
        (("others", N_("those of no group")), ("always", N_("all"))),
    ),
    "voicemail.room_alarm": FieldHelp(),
    "waiting.queue_max": FieldHelp(N_("0: nobody waits, the counter rings at once.")),
    "waiting.max_wait": FieldHelp(N_("Then the counter, or voicemail.")),
    "waiting.announce_every": FieldHelp(),
    "waiting.announce_place": FieldHelp(),
    "waiting.before_counter": FieldHelp(),
    "console.port": FieldHelp(N_("443, unless another machine's address is shared.")),
    "console.redirect_port": FieldHelp(N_("Leads browsers from http to https; 0 for none.")),
    "console.names": FieldHelp(N_("By which browsers find the box, with commas.")),
    "standards.answered_within_20s": FieldHelp(N_("Of the calls that a person answered.")),
    "standards.lost_at_most": FieldHelp(N_("Of all calls.")),
    "standards.called_back_same_day": FieldHelp(N_("Of the lost calls.")),
    "standards.messages_in_a_day": FieldHelp(N_("Of the voicemail messages.")),
    "standards.requests_in_time": FieldHelp(N_("Of the requests for an office.")),
    "standards.by_filter": FieldHelp(N_("Of the calls that were served.")),
    "sip.tcp": FieldHelp(N_("Phones may use either.")),
    "sip.time_server": FieldHelp(N_("Empty for the country's pool.ntp.org.")),
    "clock.without_time": FieldHelp(
        N_("After a power cut without network, until a time server answers."),
        (
            ("if-staffed", N_("open if somebody is there")),
            ("open", N_("open")),
            ("hours", N_("as the clock says all the same")),
        ),
    ),
    "clock.holdover_days": FieldHelp(),
    "console.certificate": FieldHelp(N_("Path on the box: /etc/centralino/server.pem.")),
    "console.key": FieldHelp(N_("Path on the box; only the console can read it.")),
}
"""Helps by key; of a row's by its table and field."""

SECRETS: Final = frozenset({"mail.password"})
"""Settings that are typed and never shown: call control lists no value of them."""


def help_of(table: str, row: str, key: str) -> FieldHelp:
    """Return a setting's help; a row's is that of all rows."""
    place = f"{table}.{key.rpartition('.')[2]}" if row else key
    return HELPS.get(place, FieldHelp())


def section_of(code: str) -> Section | None:
    """Return the section of a code, None for none."""
    return next((one for one in SECTIONS if one.code == code), None)
