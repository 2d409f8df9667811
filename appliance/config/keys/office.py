"""Keys of the office: site, hours, groups, voicemail, calls, promises, mail, retention."""

from __future__ import annotations

from typing import Final

from appliance.config.keys.key import Key
from appliance.text import _, in_context

KEYS: Final[dict[str, Key]] = {
    "site.name": Key(
        _("Name of the office, said at the beginning of every greeting."),
    ),
    "site.patron": Key(
        _(
            'Day of the town\'s patron saint, month then day ("10-04"): a public holiday in this '
            "town alone."
        ),
    ),
    "site.patron_name": Key(
        _("Name of the patron saint, shown where the day is named."),
    ),
    "site.country": Key(
        _(
            "Country: its public holidays, its telephone tones, its numbers and the setting of "
            "the modems."
        ),
        is_advanced=True,
    ),
    "site.zone": Key(
        _("Time zone of all opening hours."),
        is_advanced=True,
    ),
    "site.languages": Key(
        _("Languages of the announcements, in the order in which callers hear them."),
    ),
    "site.email": Key(
        _(
            "Public e-mail address of the office, printed on papers and, with "
            "voicemail.spell_email, spelt to callers."
        ),
    ),
    "site.address": Key(
        _('Street and town for the letterhead of printed papers: "Piazza Saffi 8, 47121 Forlì".'),
    ),
    "site.voice": Key(
        _(
            "Voice of the announcements: shipped is the recorded voice, device the synthetic one,"
            " auto the synthetic one in each language in which it already says something of the "
            "office's own."
        ),
        is_advanced=True,
    ),
    "hours": Key(
        _(
            'Week of the switchboard, a list of bands for each day: monday = ["08:30-13:00", '
            '"14:30-17:30"]; a day left out is closed, and weekdays stands for Monday to Friday.'
        ),
    ),
    "switchboard.phones": Key(
        _("Names of the phones that ring together for a call to the switchboard."),
        derived=_("without `[switchboard]`, every phone of no other group"),
    ),
    "switchboard.pbx_numbers": Key(
        _(
            "Extensions of the switchboard at a PBX behind a half-duplex line, called in this "
            "order."
        ),
        is_advanced=True,
    ),
    "switchboard.outside": Key(
        _(
            "Number of an ordinary telephone, called over a second line when none of the "
            "switchboard's phones can be reached."
        ),
        is_advanced=True,
    ),
    "switchboard.ring": Key(
        _(
            "Ringing time of the switchboard before the call goes on to the counter or to "
            "voicemail."
        ),
    ),
    "switchboard.hours": Key(
        _("Week of the switchboard in place of hours."),
        derived=_("`hours`"),
        is_advanced=True,
    ),
    "citizens_desk.phones": Key(
        _("Names of the phones of the citizens' counter; empty: there is no counter."),
    ),
    "citizens_desk.pbx_numbers": Key(
        _("Extensions of the counter at a PBX behind a half-duplex line, called in this order."),
        is_advanced=True,
    ),
    "citizens_desk.outside": Key(
        _(
            "Number of an ordinary telephone, called over a second line when none of the "
            "counter's phones can be reached."
        ),
        is_advanced=True,
    ),
    "citizens_desk.ring": Key(
        _("Ringing time of the counter before the call goes to voicemail."),
    ),
    "citizens_desk.hours": Key(
        _("Week of the counter, outside which its phones never ring."),
        derived=_("`hours`"),
    ),
    "head.phones": Key(
        _(
            "Names of the supervisor's phones, which ring when an operator brings the supervisor "
            "into a conversation; empty: nobody can."
        ),
    ),
    "closures.start": Key(
        _("Beginning of a closure: a date, or a date and time."),
    ),
    "closures.end": Key(
        _("End of a closure; a date alone means the end of that day."),
    ),
    "closures.reason": Key(
        _("Reason of the closure, shown by status and explain."),
    ),
    "closures.greeting": Key(
        _(
            "Name of an announcement of its own, as closed_strike for the file "
            "it/closed_strike.wav in folders.prompts."
        ),
        is_advanced=True,
    ),
    "openings.day": Key(
        _("Day with other hours, whatever other rules say."),
    ),
    "openings.hours": Key(
        _('Bands of that day: ["09:00-12:00"].'),
    ),
    "openings.reason": Key(
        _("Reason of these hours, shown by status and explain."),
    ),
    "openings.group": Key(
        _("Group that has these hours; empty: both."),
    ),
    "periods.start": Key(
        _("First day of a period with another week, such as summer or elections."),
    ),
    "periods.end": Key(
        _("Last day of the period, included."),
    ),
    "periods.hours": Key(
        _("Week that holds in the period."),
    ),
    "periods.reason": Key(
        _("Reason of the period, shown by status and explain."),
    ),
    "periods.greeting": Key(
        _("Name of an announcement of its own, heard when the office is closed in the period."),
        is_advanced=True,
    ),
    "periods.group": Key(
        _("Group that has the period's week; empty: both."),
    ),
    "voicemail.limit": Key(
        _("Longest message."),
    ),
    "voicemail.silence": Key(
        _("Silence that ends a message, never in its first 10 seconds."),
        is_advanced=True,
    ),
    "voicemail.minimum": Key(
        _("Shortest recording that counts as a message."),
        is_advanced=True,
    ),
    "voicemail.notify": Key(
        _("E-mail address that is told of each new message and of late ones; empty: none."),
    ),
    "voicemail.notify_sound": Key(
        _("The notice has the recording attached."),
    ),
    "voicemail.missed_alerts": Key(
        _(
            "Calls without a message of which front desk and supervisor get a daily digest: all, "
            "those not called back for a working day (unclosed), or none."
        ),
    ),
    "voicemail.greeting": Key(
        _(
            "Length of the greeting: short reaches the tone within 20 seconds and gives the rest "
            "by a key, long says everything in each language first."
        ),
    ),
    "voicemail.spell_email": Key(
        _("Callers hear site.email letter by letter, in the short greeting by the star key."),
    ),
    "voicemail.privacy": Key(
        _("Privacy notice before a message; off leaves it out."),
    ),
    "voicemail.emergency_112": Key(
        _("Outside the hours callers are told to call 112 in an emergency."),
    ),
    "voicemail.duty": Key(
        _(
            "Units of the register whose duty number callers hear outside the hours, only while "
            "its written authorisation is valid."
        ),
    ),
    "voicemail.pin": Key(
        _(
            "Phones that ask the code before messages are heard: those of neither group (others),"
            " or every phone (always)."
        ),
    ),
    "voicemail.room_alarm": Key(
        _(
            "Free space on the card below which there is an alarm; on a small card a third of it "
            "at most."
        ),
        unit=in_context("unit", "MB"),
        is_advanced=True,
    ),
    "calls.longest": Key(
        _("Longest conversation: a line kept by a forgotten handset is released after it."),
        is_advanced=True,
    ),
    "calls.transfer": Key(
        _(
            "Ringing time of all numbers of an office together before the call returns to its "
            "operator."
        ),
    ),
    "calls.lines_kept": Key(
        _("Lines that stay free for callers where there are two or more; 0 for none."),
        unit=in_context("unit", "lines"),
    ),
    "outgoing.prefix": Key(
        _("Digits dialled before an outside number; empty: none."),
    ),
    "outgoing.identity": Key(
        _("Whether the called person sees the line's public number (presented) or not (withheld)."),
    ),
    "outgoing.withhold": Key(
        _("Code by which the line withholds its number."),
        derived=_("`site.country`: in Italy `*67#`"),
        is_advanced=True,
    ),
    "outgoing.local": Key(
        _('Area codes of the office, as ["051"]; without them no number is local.'),
    ),
    "outgoing.band": Key(
        _("Hours in which citizens are called back without giving a reason."),
    ),
    "outgoing.days": Key(
        _("Days of that band; holidays never are."),
    ),
    "outgoing.known_days": Key(
        _("Days for which somebody who has called may be called back."),
        unit=in_context("unit", "days"),
    ),
    "outgoing.calls_per_hour": Key(
        _("Most calls of one position in an hour."),
        unit=in_context("unit", "calls"),
        is_advanced=True,
    ),
    "outgoing.minutes_per_day": Key(
        _("Most minutes of one position in a day."),
        unit=in_context("unit", "minutes"),
        is_advanced=True,
    ),
    "outgoing.rehearsal": Key(
        _("Test bench on real lines: no real emergency number is dialled."),
        is_advanced=True,
    ),
    "positions.away_after_missed": Key(
        _("Missed calls in a row after which a position is set away; 0 for never."),
        unit=in_context("unit", "calls"),
    ),
    "positions.remind_after": Key(
        _("Time after which two rings remind a position that it is away; 0 for never."),
        unit=in_context("unit", "minutes"),
    ),
    "waiting.queue_max": Key(
        _("Callers who may wait while all positions are busy, each on a line; 0: nobody waits."),
        unit=in_context("unit", "callers"),
    ),
    "waiting.max_wait": Key(
        _("Longest wait in the queue, 10 to 900; 0 together with queue_max."),
        unit=in_context("unit", "seconds"),
    ),
    "waiting.announce_every": Key(
        _("Time between two announcements to waiting callers."),
        is_advanced=True,
    ),
    "waiting.announce_place": Key(
        _("Announcements tell callers their place in the queue."),
        is_advanced=True,
    ),
    "waiting.before_counter": Key(
        _(
            "Callers wait for the switchboard first, then the counter rings; else the counter "
            "comes first."
        ),
        is_advanced=True,
    ),
    "mail.server": Key(
        _("Mail server of the office; without it requests and notices wait on the disk."),
    ),
    "mail.port": Key(
        _("Port of the mail server; 0 for the usual one."),
        derived=_("`mail.security`: 587, 465 or 25"),
        is_advanced=True,
    ),
    "mail.security": Key(
        _(
            "Encryption to the mail server: starttls, tls from the first byte, or none; one never"
            " falls back to another."
        ),
    ),
    "mail.user": Key(
        _("User at the mail server."),
    ),
    "mail.password_file": Key(
        _("Whole path of the file with the password, readable by the service."),
    ),
    "mail.ca_file": Key(
        _("Certificates of a private authority for the mail server; empty: those of the system."),
        is_advanced=True,
    ),
    "mail.sender": Key(
        _('Mailbox of the front desk, which sends and gets the answers: "Name <address>".'),
    ),
    "mail.head": Key(
        _("E-mail address of the supervisor; empty: no notices to the supervisor."),
    ),
    "retention.messages_closed_days": Key(
        _(
            "Days for which a message is kept after its closing, 0 for ever; an open one is never"
            " deleted."
        ),
        unit=in_context("unit", "days"),
    ),
    "retention.numbers_days": Key(
        _(
            "Days for which callers' numbers and the texts of sent e-mails are kept; after that a"
            " call still counts in reports."
        ),
        unit=in_context("unit", "days"),
    ),
    "retention.calls_days": Key(
        _("Days for which calls and answered requests are kept."),
        unit=in_context("unit", "days"),
    ),
    "clock.without_time": Key(
        _(
            "What replaces the hours while the time cannot be trusted: phones ring if somebody "
            "answers (if-staffed), open, or the hours all the same (hours)."
        ),
        is_advanced=True,
    ),
    "clock.holdover_days": Key(
        _(
            "Days for which a confirmed clock is trusted without a time server; it may be off by "
            "4 seconds for each."
        ),
        unit=in_context("unit", "days"),
        is_advanced=True,
    ),
    "report.per_person_reference": Key(
        _("Reference of the agreement that permits figures per position in reports; empty: none."),
    ),
    "report.monthly_sheets": Key(
        _("Each unit gets its own sheet by e-mail on the first working day of the month."),
    ),
    "standards.answered_within_20s": Key(
        _(
            "Promise of the service charter: calls answered within 20 seconds, of those answered "
            "by a person; 0 for none."
        ),
        unit=in_context("unit", "%"),
    ),
    "standards.lost_at_most": Key(
        _("Promise of the service charter: lost calls at most, of all calls; 0 for none."),
        unit=in_context("unit", "%"),
    ),
    "standards.called_back_same_day": Key(
        _("Promise of the service charter: lost calls called back on the same day; 0 for none."),
        unit=in_context("unit", "%"),
    ),
    "standards.messages_in_a_day": Key(
        _(
            "Promise of the service charter: voicemail messages closed within one working day; 0 "
            "for none."
        ),
        unit=in_context("unit", "%"),
    ),
    "standards.requests_in_time": Key(
        _("Promise of the service charter: requests answered by their due day; 0 for none."),
        unit=in_context("unit", "%"),
    ),
    "standards.by_filter": Key(
        _("Promise of the service charter: served calls answered without a transfer; 0 for none."),
        unit=in_context("unit", "%"),
    ),
}
