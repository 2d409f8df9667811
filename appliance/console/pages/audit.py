"""Audit log (E20): who changed what and when, each audit code shown as a sentence.

No entry shows a telephone number.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from appliance.console.accounts import needs, with_permission
from appliance.console.control_client import parse_day, people_names, unit_names
from appliance.console.pages.hours import WHOSE
from appliance.console.say import LANGUAGE_NAMES, N_, Speaker
from appliance.console.templates import PageLink, page
from appliance.policy import requests
from appliance.policy.users import ROLE_WORDS, Permission
from appliance.store import address_book, database, sheets
from appliance.store.database import Noted
from appliance.text import ENGLISH, FIRST, LANGUAGES, written

BY_SHELL: Final = "shell: "
"""Beginning of the author's name for changes at the command line."""
BY_APPLIANCE: Final = "box"
"""Author's name of the appliance itself."""
DASH: Final = "–"
_USER: Final = r"(?P<user>\S+)"
_DAYS: Final = r"entry (?P<entry>\d+) (?P<whose>\w+) (?P<first>[\d-]{10}) to (?P<last>[\d-]{10})"
_VERSIONS: Final = r"(?P<before>\S+) -> (?P<version>\S+)"
_CENTRAL: Final = (
    r"(?P<version>\d+): sheets (?P<changed>\d+) changed (?P<new>\d+) new (?P<gone>\d+) gone, "
    r"offices \d+ changed \d+ new \d+ gone, declarations \d+ added"
)
_NUMBER: Final = r"entry (?P<entry>\d+)"
# The first row that fits is used: a code may have several patterns, the special before the general.
SENTENCES: Final = (
    ("user.first", rf"{_USER} \((?P<shown>.*)\): (?P<roles>.*)",
     N_("Made the first user, with the code on the box: {shown} ({roles}).")),
    ("user.add", rf"{_USER} \((?P<shown>.*)\): (?P<roles>.*)",
     N_("Made the user {shown} ({roles}).")),
    ("user.change", rf"{_USER}: (?P<changes>.*)",
     N_("Changed the user {user}: {changes}.")),
    ("user.password", _USER, N_("New password of {user}.")),
    ("register.import", "(?P<entries>.*)",
     N_("Took the register from a file: {entries}.")),
    ("register.declare", "(?P<entries>.*)", N_("New declaration: {entries}.")),
    ("register.vary", "(?P<entries>.*)", N_("Variation of an office: {entries}.")),
    ("register.authorise", "(?P<entries>.*)",
     N_("A number may be told from now on: {entries}.")),
    ("register.revoke", "(?P<entries>.*)",
     N_("A number is not told any more: {entries}.")),
    ("register.unit", "(?P<entries>.*)", N_("Offices changed: {entries}.")),
    ("register.number", rf"{_NUMBER} (?P<need>\S+) \d+",
     N_("Had an undisclosed number shown: declaration no. {entry}, need {need}.")),
    ("register.number", _NUMBER,
     N_("Had an undisclosed number shown: authorisation no. {entry}.")),
    ("register.told", rf"{_NUMBER} of (?P<unit>\S+)",
     N_("Had a number shown that may be told: {unit}, authorisation no. {entry}.")),
    ("register.export", r"(?P<units>\d+) units, (?P<entries>\d+) entries",
     N_("Wrote the whole register into a file, numbers included.")),
    ("register.attachment", "(?P<name>.*)",
     N_("Took a copy of the attachment {name}.")),
    ("hours.enter", _DAYS,
     N_("Special hours no. {entry} entered, for {whose}: {first} to {last}.")),
    ("hours.correct", rf"{_DAYS} ends (?P<ended>\d+)",
     N_("Special hours no. {ended} corrected, for {whose}: {first} to {last}.")),
    ("hours.revoke", rf"{_NUMBER} \w+ ends (?P<ended>\d+)",
     N_("Special hours no. {ended} taken back.")),
    ("hours.week", rf"{_NUMBER} (?P<whose>\w+) from (?P<first>[\d-]{{10}})(?: ends \d+)?",
     N_("New hours of every week, no. {entry}, for {whose}, from {first} on.")),
    ("hours.week", rf"{_NUMBER} (?P<whose>\w+) from (?P<first>[\d-]{{10}}) as configured.*",
     N_("Back to the configured hours of every week for {whose}, from {first} on.")),
    ("export", "(?P<counted>.*)", N_("Handed over the data of a citizen.")),
    ("erasure",
     (r"(?P<calls>\d+) calls, (?P<messages>\d+) messages, (?P<requests>\d+) requests"
     r"(?:, (?P<closed>\d+) of them closed for it)?, (?P<mails>\d+) mails, (?P<texts>\d+) texts: "
     r"(?P<reason>.*)"),
     N_("Erased calls {calls}, messages {messages}, requests {requests}: {reason}")),
    ("handover", r"(?P<count>\d+) -> \*", N_("Handed over to all: {count}.")),
    ("handover", r"(?P<count>\d+) -> (?P<user>\S+)",
     N_("Handed over to {user}: {count}.")),
    ("request.link", r"(?P<number>\d+)",
     N_("Closed request {number} by the link in its e-mail.")),
    ("request.entered", r"(?P<number>\d+) (?P<unit>\S+)",
     N_("Entered request {number} without a call: {unit}.")),
    ("request.paper", r"request (?P<number>\d+),.*",
     N_("Took a copy of request {number} or of an e-mail of it.")),
    ("request.mail_again", r"request (?P<number>\d+),.*",
     N_("Had an e-mail of request {number} sent again.")),
    ("outbox.retry", r"(?P<number>\d+)", N_("Had e-mail {number} tried again at once.")),
    ("outbox.drop", r"(?P<number>\d+)", N_("Gave e-mail {number} up.")),
    ("policy.restored", r"copy of (?P<made>.*)",
     N_("Put users, offices, hours and sheets back from the copy of {made}.")),
    ("voicemail.pin_wrong", "", N_("Gave a wrong code to hear messages by phone.")),
    ("sheet.change", r"(?P<sheet>\S+)", N_("Changed the sheet “{sheet}”.")),
    ("sheet.remove", r"(?P<sheet>\S+)", N_("Removed the sheet “{sheet}”.")),
    ("sheet.import", r"(?P<sheet>\S+)", N_("Replaced the sheet “{sheet}” from a file.")),
    ("book.change", r"(?P<body>\S+)", N_("Saved “{body}” in the address book.")),
    ("book.remove", r"(?P<body>\S+)", N_("Removed “{body}” from the address book.")),
    ("book.confirm", r"(?P<body>\S+)", N_("Noted that “{body}” is still right.")),
    ("book.import", r"(?P<body>\S+)", N_("Took “{body}” into the address book from a file.")),
    ("announcement.change", r"(?P<language>\w+)/(?P<key>\S+)",
     N_("Replaced the announcement “{key}” ({language}).")),
    ("announcement.restore", r"(?P<language>\w+)/(?P<key>\S+)",
     N_("Put the original announcement “{key}” back ({language}).")),
    ("announcement.dictate", r"(?P<language>\w+)/(?P<key>\S+)",
     N_("Dictated a draft of the announcement “{key}” ({language}).")),
    ("announcement.draft_drop", r"(?P<language>\w+)/(?P<key>\S+)",
     N_("Threw the draft of the announcement “{key}” away ({language}).")),
    ("panel.test", "", N_("Tried the LEDs.")),
    ("selftest.run", "", N_("Had the box tried on simulated lines.")),
    ("mail.test", "", N_("Sent a test e-mail.")),
    ("config.check", "", N_("Had the configuration checked.")),
    ("settings.apply", r"(?P<number>\d+)", N_("Changed the settings (no. {number}).")),
    ("settings.undo", r"(?P<number>\d+)", N_("Put former settings back (no. {number}).")),
    ("settings.confirm", "", N_("Confirmed a change of the settings.")),
    ("settings.lapse", r"(?P<number>\d+)",
     N_("Undid a change of the settings that nobody had confirmed (no. {number}).")),
    ("backup.make", "", N_("Had a backup made.")),
    ("backup.check", "", N_("Had an uploaded backup looked through.")),
    ("backup.fetch", "", N_("Downloaded the backup.")),
    ("backup.restore", "", N_("Asked that an uploaded backup be put back.")),
    ("backup.restored", "", N_("The uploaded backup was put back.")),
    ("backup.not_restored", "", N_("The uploaded backup was not put back.")),
    ("backup.drop", "", N_("Removed the backup from the box.")),
    ("backup.stick", "", N_("Asked for a backup on the backup stick.")),
    ("backup.stick_forgotten", "", N_("Stopped the backups on the stick.")),
    ("backup.target", "", N_("Asked for a backup on the network folder.")),
    ("backup.target_key", "", N_("Asked the server of the network folder for its key.")),
    ("backup.target_set_up", "", N_("Asked that the network folder be set up for backups.")),
    ("update.upload", "", N_("Asked that an uploaded update be installed.")),
    ("update.start", "", N_("Asked that the box start from the new version.")),
    ("update.back", "", N_("Asked that the box go back to the version of before.")),
    ("update.give-up", "", N_("Gave the update up, or took note that it went back.")),
    ("update.good", _VERSIONS, N_("Update from {before} to {version}: it stays.")),
    ("update.back", _VERSIONS,
     N_("Update from {before} to {version}: it did not stand its trial.")),
    ("update.refused", _VERSIONS,
     N_("Update from {before} to {version}: refused, nothing was changed.")),
    ("update.given_up", _VERSIONS,
     N_("Update from {before} to {version}: given up before it was started.")),
    ("central.apply", rf"{_CENTRAL}, schedule.*",
     N_("Central settings {version}, new schedule; sheets: {new} new, {changed} changed.")),
    ("central.apply", rf"{_CENTRAL}.*",
     N_("Central settings {version}; sheets: {new} new, {changed} changed, {gone} gone.")),
    ("central.refused", r"[0-9a-f]{12} (?P<source>[^\n]*)\n(?P<why>[^\n]*(?:\n[^\n]*)+)",
     N_("Central settings refused, nothing was changed ({source}): {why}")),
    ("central.revert", rf"{_CENTRAL}.*",
     N_("Back to the central settings {version} (0: none).")),
    ("register.central", "(?P<entries>.*)",
     N_("Register of offices, by the central settings: {entries}.")),
    ("clock.confirm", r"(?P<at>\S+)", N_("Confirmed the time.")),
    ("clock.set", r"(?P<at>\S+)", N_("Had the clock set to {at}.")),
    ("line.restart", r"(?P<line>\S+)", N_("Restarted the line {line}.")),
    ("divert.prove", r"\w+", N_("Recorded a proof of divert-on-busy.")),
    ("phone.dial", r"(?P<phone>\S+)", N_("Dialled a number at the phone {phone}.")),
    ("phone.serve", "", N_("Opened the window in which phones fetch their configuration.")),
    ("phone.serve_end", "", N_("Closed the window in which phones fetch their configuration.")),
    ("phone.add", r"(?P<phone>\S+)", N_("Added the phone {phone}.")),
    ("phone.password", r"(?P<phone>\S+)", N_("Made a new password for the phone {phone}.")),
    ("phone.label", r"(?P<phone>\S+)", N_("Changed the label of the phone {phone}.")),
    ("phone.remove", r"(?P<phone>\S+)", N_("Removed the phone {phone}.")),
    ("phone.back", r"(?P<phone>\S+)", N_("Put the phone {phone} back into use.")),
    ("wall.link", r"(?P<screen>.+)", N_("Made a link for the screen “{screen}”.")),
    ("wall.link_end", r"(?P<screen>.+)", N_("Ended the link of the screen “{screen}”.")),
)  # fmt: skip
"""Audit code, pattern of its text, sentence of the catalogues."""
DIRECTORY_ENTRIES: Final = (
    (r"declaration (?P<entry>\d+) of (?P<unit>\S+)",
     N_("declaration no. {entry} of {unit}")),
    (r"variation (?P<entry>\d+) of (?P<unit>\S+)",
     N_("variation no. {entry} of {unit}")),
    (r"authorisation (?P<entry>\d+) of (?P<unit>\S+)",
     N_("authorisation no. {entry} of {unit}")),
    (r"ends (?P<entry>\d+) of (?P<unit>\S+)", N_("end of no. {entry} of {unit}")),
    (r"new unit (?P<unit>\S+)", N_("new office {unit}")),
    (r"changed unit (?P<unit>\S+)", N_("details of the office {unit}")),
    (r"gone unit (?P<unit>\S+)", N_("the office {unit} is no more")),
    ("order of the units", N_("order of the offices")),
)  # fmt: skip
"""Pattern of each part of a directory change, with its sentence."""
USER_CHANGES: Final = {
    "shown": N_("name {old}, now {new}"),
    "roles": N_("roles {old}, now {new}"),
    "unit": N_("office {old}, now {new}"),
    "position": N_("position {old}, now {new}"),
    "language": N_("language {old}, now {new}"),
    "must_change 1": N_("must choose a new password"),
    "must_change 0": N_("need not choose a new password"),
    "disabled 1": N_("may not log in any more"),
    "disabled 0": N_("may log in again"),
}
"""Sentence for each changed value of a user."""
# A value may hold commas, such as roles: it ends where the next known name follows.
_CHANGE: Final = re.compile(
    r"(shown|roles|unit|position|language|must_change|disabled|stamp) (.*?) -> (.*?)"
    r"(?=, (?:shown|roles|unit|position|language|must_change|disabled|stamp) |$)"
)


@dataclass(frozen=True, slots=True)
class AuditNames:
    """Present names of people, offices, sheets and bodies of the address book, by their codes.

    `concerns`: subject of an audit code, by its first part, for codes without a sentence.
    """

    people: Mapping[str, str]
    units: Mapping[str, str]
    sheets: Mapping[str, str]
    concerns: Mapping[str, str]
    bodies: Mapping[str, str] = field(default_factory=dict)


def audit_who(by: str, say: Speaker, names: AuditNames) -> str:
    """Return the author of a change in words: a person, the appliance, the holder of a link."""
    if by.startswith(BY_SHELL):
        return say(N_("{name}, at the box's command line"), name=by.removeprefix(BY_SHELL))
    if by == BY_APPLIANCE:
        return say(N_("the box itself"))
    if by == requests.DONE_LINK_AUTHOR:
        return say(N_("whoever had the link in the e-mail"))
    # A name without a user any more is shown as it is.
    return names.people.get(by, by)


def audit_sentence(row: Noted, say: Speaker, names: AuditNames) -> str:
    """Return the sentence of a change."""
    for code, about, said in SENTENCES:
        # DOTALL: the text of a refusal has two lines, one for each language.
        if code == row.what and (found := re.fullmatch(about, row.about, re.DOTALL)):
            return _filled(said, found, say, names)
    # A code of another version, after an update or on the way back, is shown as it is.
    concerns = names.concerns.get(row.what.partition(".")[0])
    first = f"{say(concerns)}: " if concerns else ""
    return f"{first}{row.about} ({row.what})".strip()


def _filled(said: str, found: re.Match[str], say: Speaker, names: AuditNames) -> str:
    parts = found.groupdict(default="")
    return say(said, **{name: _filled_word(name, text, say, names) for name, text in parts.items()})


def _filled_word(name: str, text: str, say: Speaker, names: AuditNames) -> str:
    match name:
        case "user" | "unit" | "sheet" | "body":
            known = {"user": names.people, "unit": names.units, "sheet": names.sheets,
                     "body": names.bodies}  # fmt: skip
            return known[name].get(text, text)
        case "roles":
            return _roles(text, say)
        case "language":
            return LANGUAGE_NAMES.get(text, text)
        case "whose":
            return say(WHOSE[text]) if text in WHOSE else text
        case "first" | "last":
            return say.day(date.fromisoformat(text))
        # The audit holds a line for each language.
        case "why":
            return say.words(written(dict(_by_language(text.split("\n")))))
        case "entries":
            return _directory_entries(text, say, names)
        case "changes":
            return _user_changes(text, say, names)
    return text


def _by_language(lines: list[str]) -> Iterator[tuple[str, str]]:
    """Yield each line with its language."""
    # Entries of before German came have two lines; one line reads the same to all.
    languages = LANGUAGES if len(lines) >= len(LANGUAGES) else (FIRST, ENGLISH)
    yield from zip(languages, lines, strict=False)


def _roles(text: str, say: Speaker) -> str:
    known = {role.value: say.words(words) for role, words in ROLE_WORDS.items()}
    return ", ".join(known.get(each, each) for each in text.split())


def _directory_entries(text: str, say: Speaker, names: AuditNames) -> str:
    return ", ".join(_directory_entry(each, say, names) for each in text.split(", "))


def _directory_entry(text: str, say: Speaker, names: AuditNames) -> str:
    for about, said in DIRECTORY_ENTRIES:
        if found := re.fullmatch(about, text):
            return _filled(said, found, say, names)
    return text


def _user_changes(text: str, say: Speaker, names: AuditNames) -> str:
    said = (_user_change(what, old, new, say, names) for what, old, new in _CHANGE.findall(text))
    return ", ".join(filter(None, said)) or text


def _user_change(what: str, old: str, new: str, say: Speaker, names: AuditNames) -> str:
    known = USER_CHANGES.get(what) or USER_CHANGES.get(f"{what} {new}")
    # The stamp has no sentence: that sessions have ended follows from the rest.
    if known is None:
        return ""
    before, after = (_filled_word(what, each, say, names) or DASH for each in (old, new))
    return say(known, old=before, new=after) if "{" in known else say(known)


SHOWN_DAYS: Final = 30
"""Days shown by default."""
MOST_ROWS: Final = 500
"""Changes shown at most."""
LONGEST_DAYS: Final = 3_660
"""Days shown at most."""
CONCERNS: Final = {
    "register": N_("Register of offices"),
    "hours": N_("Hours and closures"),
    "user": N_("Users"),
    "request": N_("Requests"),
    "handover": N_("Handing over"),
    "voicemail": N_("Messages"),
    "erasure": N_("Erasure"),
    "export": N_("Data of a citizen"),
    "sheet": N_("Sheets"),
    "book": N_("Address book"),
    "announcement": N_("Announcements"),
    "outbox": N_("E-mails"),
    "mail": N_("E-mails"),
    "policy": N_("Backup"),
    "backup": N_("Backup"),
    "update": N_("Updates"),
    "central": N_("Central settings"),
    "config": N_("Configuration"),
    "settings": N_("Settings"),
    "clock": N_("Clock"),
    "panel": N_("LEDs"),
    "selftest": N_("Self-test"),
    "line": N_("Lines"),
    "phone": N_("Phones"),
    "divert": N_("Divert on busy"),
    "wall": N_("Wall"),
}
"""Subject of an audit code, by the part before its dot."""


@needs(Permission.AUDIT)
async def show_audit(request: Request) -> Response:
    """Show the changes of some days, of one person where chosen."""
    zone, by = request.app.state.zone, request.query_params.get("by", "")[:80]
    today = datetime.now(zone).date()
    last = parse_day(request.query_params.get("until", ""), today)
    first = parse_day(request.query_params.get("since", ""), last - timedelta(days=SHOWN_DAYS))
    # Days the wrong way round mean the same days; the form shows them in order.
    first, last = min(first, last), max(first, last)
    first = max(first, last - timedelta(days=LONGEST_DAYS))
    # Both days included.
    since, until = (
        datetime.combine(day, time(), zone) for day in (first, last + timedelta(days=1))
    )
    rows, people, names = await request.app.state.store.read(
        lambda c: (
            database.between(c, since, until, by, MOST_ROWS),
            database.who(c),
            _audit_names(c),
        )
    )
    say = request.state.speaker
    told = [
        (row.at, audit_who(row.by, say, names), audit_sentence(row, say, names), row.corrected)
        for row in rows
    ]
    named = [(one, audit_who(one, say, names)) for one in people]
    values: dict[str, Any] = {"by": by, "since": first, "until": last, "most": MOST_ROWS}
    return page(request, "accounts/audit.html", rows=told, people=named, **values)


def _audit_names(connection: sqlite3.Connection) -> AuditNames:
    units = unit_names(connection)
    titles = {sheet.code: sheet.title for sheet in sheets.all_sheets(connection)}
    bodies = {entry.code: entry.name for entry in address_book.all_entries(connection)}
    return AuditNames(people_names(connection), units, titles, CONCERNS, bodies)


routes: list[BaseRoute] = [Route("/audit", show_audit)]
links = (PageLink("/audit", N_("Changes"), with_permission(Permission.AUDIT), order=95),)
