"""The list of changes in sentences: the code and the few words of each row, said to who reads."""

from __future__ import annotations

import contextlib
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Final

import nh3
from markdown_it import MarkdownIt
from starlette.requests import Request

from appliance.console.accounts import somebody
from appliance.console.pages.hours import WHOSE
from appliance.console.say import N_, NAMES, Speaker
from appliance.policy import requests
from appliance.policy.text import Words
from appliance.policy.users import ROLES, User

if TYPE_CHECKING:
    from appliance.store.database import Noted


# ---- audit words -------------------------------------------------------------------------------

SHELL: Final = "shell: "
BOX: Final = "box"
NOTHING: Final = "–"
_USER: Final = r"(?P<user>\S+)"
_DAYS: Final = r"entry (?P<entry>\d+) (?P<whose>\w+) (?P<first>[\d-]{10}) to (?P<last>[\d-]{10})"
_VERSIONS: Final = r"(?P<before>\S+) -> (?P<version>\S+)"
_CENTRAL: Final = (
    r"(?P<version>\d+): sheets (?P<changed>\d+) changed (?P<new>\d+) new (?P<gone>\d+) gone, "
    r"offices \d+ changed \d+ new \d+ gone, declarations \d+ added"
)
_NUMBER: Final = r"entry (?P<entry>\d+)"
SAID: Final = (
    ("user.first", rf"{_USER} \((?P<shown>.*)\): (?P<roles>.*)",
     N_("Made the first user, with the code on the box: %(shown)s (%(roles)s).")),
    ("user.add", rf"{_USER} \((?P<shown>.*)\): (?P<roles>.*)",
     N_("Made the user %(shown)s (%(roles)s).")),
    ("user.change", rf"{_USER}: (?P<changes>.*)",
     N_("Changed the user %(user)s: %(changes)s.")),
    ("user.password", _USER, N_("New password of %(user)s.")),
    ("register.import", "(?P<entries>.*)",
     N_("Took the register from a file: %(entries)s.")),
    ("register.declare", "(?P<entries>.*)", N_("New declaration: %(entries)s.")),
    ("register.vary", "(?P<entries>.*)", N_("Variation of an office: %(entries)s.")),
    ("register.authorise", "(?P<entries>.*)",
     N_("A number may be told from now on: %(entries)s.")),
    ("register.revoke", "(?P<entries>.*)",
     N_("A number is not told any more: %(entries)s.")),
    ("register.unit", "(?P<entries>.*)", N_("Offices changed: %(entries)s.")),
    ("register.number", rf"{_NUMBER} (?P<need>\S+) \d+",
     N_("Had an undisclosed number shown: declaration no. %(entry)s, need %(need)s.")),
    ("register.number", _NUMBER,
     N_("Had an undisclosed number shown: authorisation no. %(entry)s.")),
    ("register.told", rf"{_NUMBER} of (?P<unit>\S+)",
     N_("Had a number shown that may be told: %(unit)s, authorisation no. %(entry)s.")),
    ("register.export", r"(?P<units>\d+) units, (?P<entries>\d+) entries",
     N_("Wrote the whole register into a file, numbers included.")),
    ("register.attachment", "(?P<name>.*)",
     N_("Took a copy of the attachment %(name)s.")),
    ("hours.enter", _DAYS,
     N_("Special hours no. %(entry)s entered, for %(whose)s: %(first)s to %(last)s.")),
    ("hours.correct", rf"{_DAYS} ends (?P<ended>\d+)",
     N_("Special hours no. %(ended)s corrected, for %(whose)s: %(first)s to %(last)s.")),
    ("hours.revoke", rf"{_NUMBER} \w+ ends (?P<ended>\d+)",
     N_("Special hours no. %(ended)s taken back.")),
    ("hours.week", rf"{_NUMBER} (?P<whose>\w+) from (?P<first>[\d-]{{10}})(?: ends \d+)?",
     N_("New hours of every week, no. %(entry)s, for %(whose)s, from %(first)s on.")),
    ("hours.week", rf"{_NUMBER} (?P<whose>\w+) from (?P<first>[\d-]{{10}}) as configured.*",
     N_("Back to the configured hours of every week for %(whose)s, from %(first)s on.")),
    ("export", "(?P<counted>.*)", N_("Handed over the data of a citizen.")),
    ("erasure",
     (r"(?P<calls>\d+) calls, (?P<messages>\d+) messages, (?P<requests>\d+) requests"
     r"(?:, (?P<closed>\d+) of them closed for it)?, (?P<mails>\d+) mails, (?P<texts>\d+) texts: "
     r"(?P<reason>.*)"),
     N_("Erased calls %(calls)s, messages %(messages)s, requests %(requests)s: %(reason)s")),
    ("handover", r"(?P<count>\d+) -> \*", N_("Handed over to all: %(count)s.")),
    ("handover", r"(?P<count>\d+) -> (?P<user>\S+)",
     N_("Handed over to %(user)s: %(count)s.")),
    ("request.link", r"(?P<number>\d+)",
     N_("Closed request %(number)s by the link in its e-mail.")),
    ("request.entered", r"(?P<number>\d+) (?P<unit>\S+)",
     N_("Entered request %(number)s without a call: %(unit)s.")),
    ("request.paper", r"request (?P<number>\d+),.*",
     N_("Took a copy of request %(number)s or of an e-mail of it.")),
    ("request.mail_again", r"request (?P<number>\d+),.*",
     N_("Had an e-mail of request %(number)s sent again.")),
    ("outbox.retry", r"(?P<number>\d+)", N_("Had e-mail %(number)s tried again at once.")),
    ("outbox.drop", r"(?P<number>\d+)", N_("Gave e-mail %(number)s up.")),
    ("policy.restored", r"copy of (?P<made>.*)",
     N_("Put users, offices, hours and sheets back from the copy of %(made)s.")),
    ("voicemail.pin_wrong", "", N_("Gave a wrong code to hear messages by phone.")),
    ("sheet.change", r"(?P<sheet>\S+)", N_("Changed the sheet “%(sheet)s”.")),
    ("sheet.remove", r"(?P<sheet>\S+)", N_("Removed the sheet “%(sheet)s”.")),
    ("sheet.import", r"(?P<sheet>\S+)", N_("Replaced the sheet “%(sheet)s” from a file.")),
    ("announcement.change", r"(?P<language>\w+)/(?P<key>\S+)",
     N_("Replaced the announcement “%(key)s” (%(language)s).")),
    ("announcement.restore", r"(?P<language>\w+)/(?P<key>\S+)",
     N_("Put the original announcement “%(key)s” back (%(language)s).")),
    ("announcement.dictate", r"(?P<language>\w+)/(?P<key>\S+)",
     N_("Dictated a draft of the announcement “%(key)s” (%(language)s).")),
    ("announcement.draft_drop", r"(?P<language>\w+)/(?P<key>\S+)",
     N_("Threw the draft of the announcement “%(key)s” away (%(language)s).")),
    ("panel.test", "", N_("Tried the LEDs.")),
    ("mail.test", "", N_("Sent a test e-mail.")),
    ("config.check", "", N_("Had the configuration checked.")),
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
    ("update.good", _VERSIONS, N_("Update from %(before)s to %(version)s: it stays.")),
    ("update.back", _VERSIONS,
     N_("Update from %(before)s to %(version)s: it did not stand its trial.")),
    ("update.refused", _VERSIONS,
     N_("Update from %(before)s to %(version)s: refused, nothing was changed.")),
    ("update.given_up", _VERSIONS,
     N_("Update from %(before)s to %(version)s: given up before it was started.")),
    ("central.apply", rf"{_CENTRAL}, schedule.*",
     N_("Central settings %(version)s, new schedule; sheets: %(new)s new, %(changed)s changed.")),
    ("central.apply", rf"{_CENTRAL}.*",
     N_("Central settings %(version)s; sheets: %(new)s new, %(changed)s changed, %(gone)s gone.")),
    ("central.refused", r"[0-9a-f]{12} (?P<source>[^\n]*)\n(?P<why>[^\n]*\n[^\n]*)",
     N_("Central settings refused, nothing was changed (%(source)s): %(why)s")),
    ("central.revert", rf"{_CENTRAL}.*",
     N_("Back to the central settings %(version)s (0: none).")),
    ("register.central", "(?P<entries>.*)",
     N_("Register of offices, by the central settings: %(entries)s.")),
    ("clock.confirm", r"(?P<at>\S+)", N_("Confirmed the time.")),
    ("clock.set", r"(?P<at>\S+)", N_("Had the clock set to %(at)s.")),
    ("line.restart", r"(?P<line>\S+)", N_("Restarted the line %(line)s.")),
    ("divert.prove", r"\w+", N_("Recorded a proof of divert-on-busy.")),
    ("phone.serve", "", N_("Opened the window in which phones fetch their configuration.")),
    ("phone.serve_end", "", N_("Closed the window in which phones fetch their configuration.")),
    ("phone.add", r"(?P<phone>\S+)", N_("Added the phone %(phone)s.")),
    ("phone.password", r"(?P<phone>\S+)", N_("Made a new password for the phone %(phone)s.")),
    ("phone.label", r"(?P<phone>\S+)", N_("Changed the label of the phone %(phone)s.")),
    ("phone.remove", r"(?P<phone>\S+)", N_("Removed the phone %(phone)s.")),
    ("phone.back", r"(?P<phone>\S+)", N_("Put the phone %(phone)s back into use.")),
)  # fmt: skip
"""Code, what its words are like, how that is said; the first that fits is said."""
ENTRIES: Final = (
    (r"declaration (?P<entry>\d+) of (?P<unit>\S+)",
     N_("declaration no. %(entry)s of %(unit)s")),
    (r"variation (?P<entry>\d+) of (?P<unit>\S+)",
     N_("variation no. %(entry)s of %(unit)s")),
    (r"authorisation (?P<entry>\d+) of (?P<unit>\S+)",
     N_("authorisation no. %(entry)s of %(unit)s")),
    (r"ends (?P<entry>\d+) of (?P<unit>\S+)", N_("end of no. %(entry)s of %(unit)s")),
    (r"new unit (?P<unit>\S+)", N_("new office %(unit)s")),
    (r"changed unit (?P<unit>\S+)", N_("details of the office %(unit)s")),
    (r"gone unit (?P<unit>\S+)", N_("the office %(unit)s is no more")),
    ("order of the units", N_("order of the offices")),
)  # fmt: skip
"""What a change of the register consisted of."""
CHANGES: Final = {
    "shown": N_("name %(old)s, now %(new)s"),
    "roles": N_("roles %(old)s, now %(new)s"),
    "unit": N_("office %(old)s, now %(new)s"),
    "position": N_("position %(old)s, now %(new)s"),
    "language": N_("language %(old)s, now %(new)s"),
    "must_change 1": N_("must choose a new password"),
    "must_change 0": N_("need not choose a new password"),
    "disabled 1": N_("may not log in any more"),
    "disabled 0": N_("may log in again"),
}
"""What of a user is another thing now."""
_CHANGE: Final = re.compile(
    r"(shown|roles|unit|position|language|must_change|disabled|stamp) (.*?) -> (.*?)"
    r"(?=, (?:shown|roles|unit|position|language|must_change|disabled|stamp) |$)"
)


@dataclass(frozen=True, slots=True)
class Names:
    """What people, offices and sheets are called, by their codes; those that are no more lack.

    `concerns`: what the first part of a code is about, where the code has no sentence.
    """

    people: Mapping[str, str]
    units: Mapping[str, str]
    sheets: Mapping[str, str]
    concerns: Mapping[str, str]


def audit_who(by: str, say: Speaker, names: Names) -> str:
    """Say who it was: a person by name, the box, whoever had the link."""
    if by.startswith(SHELL):
        return say(N_("%(name)s, at the box's command line"), name=by.removeprefix(SHELL))
    if by == BOX:
        return say(N_("the box itself"))
    if by == requests.BY:
        return say(N_("whoever had the link in the e-mail"))
    return names.people.get(by, by)


def sentence(row: Noted, say: Speaker, names: Names) -> str:
    """Say what was done; a code of another version is shown as it is."""
    for code, about, said in SAID:
        if code == row.what and (found := re.fullmatch(about, row.about, re.DOTALL)):
            return _filled(said, found, say, names)
    concerns = names.concerns.get(row.what.partition(".")[0])
    first = f"{say(concerns)}: " if concerns else ""
    return f"{first}{row.about} ({row.what})".strip()


def _filled(said: str, found: re.Match[str], say: Speaker, names: Names) -> str:
    parts = found.groupdict(default="")
    return say(said, **{name: _word(name, text, say, names) for name, text in parts.items()})


def _word(name: str, text: str, say: Speaker, names: Names) -> str:
    match name:
        case "user" | "unit" | "sheet":
            known = {"user": names.people, "unit": names.units, "sheet": names.sheets}
            return known[name].get(text, text)
        case "roles":
            return _roles(text, say)
        case "language":
            return NAMES.get(text, text)
        case "whose":
            return say(WHOSE[text]) if text in WHOSE else text
        case "first" | "last":
            return say.day(date.fromisoformat(text))
        case "why":
            it, _, en = text.partition("\n")
            return say.words(Words(it, en))
        case "entries":
            return _entries(text, say, names)
        case "changes":
            return _changes(text, say, names)
    return text


def _roles(text: str, say: Speaker) -> str:
    known = {role.value: say.words(words) for role, words in ROLES.items()}
    return ", ".join(known.get(each, each) for each in text.split())


def _entries(text: str, say: Speaker, names: Names) -> str:
    return ", ".join(_entry(each, say, names) for each in text.split(", "))


def _entry(text: str, say: Speaker, names: Names) -> str:
    for about, said in ENTRIES:
        if found := re.fullmatch(about, text):
            return _filled(said, found, say, names)
    return text


def _changes(text: str, say: Speaker, names: Names) -> str:
    said = (_change(what, old, new, say, names) for what, old, new in _CHANGE.findall(text))
    return ", ".join(filter(None, said)) or text


def _change(what: str, old: str, new: str, say: Speaker, names: Names) -> str:
    known = CHANGES.get(what) or CHANGES.get(f"{what} {new}")
    if known is None:  # that sessions have ended follows from the rest
        return ""
    before, after = (_word(what, each, say, names) or NOTHING for each in (old, new))
    return say(known, old=before, new=after) if "%" in known else say(known)


# ---- charts ------------------------------------------------------------------------------------
# Bars of a chart, as numbers that a page draws: the same figures always stand in a table too.

HEIGHT: Final = 160
STEP: Final = 40
GAP: Final = 8
"""Sizes in the drawing's own units."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: where it stands, how wide and high, what it means."""

    x: int
    y: int
    width: int
    height: int
    label: str
    value: int


def bars(values: Mapping[str, int]) -> tuple[Bar, ...]:
    """Place a bar for each value, the highest as high as the drawing; none without a value."""
    most = max(values.values(), default=0)
    if most <= 0:
        return ()
    return tuple(
        Bar(at * STEP + GAP, HEIGHT - height, STEP - GAP, height, label, value)
        for at, (label, value) in enumerate(values.items())
        for height in (round(HEIGHT * value / most),)
    )


# ---- seats -------------------------------------------------------------------------------------
# Who works at which position now: whoever has the desk open there, in any browser.
#
# A position is not a person (E19), and two people at one telephone undo each other's work: whoever
# sits down second is told.


class Seats:
    """Kept in memory: a desk that is closed is free."""

    def __init__(self) -> None:
        self._open: Counter[tuple[str, str, str]] = Counter()

    @contextlib.contextmanager
    def taken(self, position: str, user: User) -> Iterator[None]:
        """Count a person at a position while this lasts; "" is nowhere."""
        seat = (position, user.name, user.shown)
        self._open[seat] += 1
        try:
            yield
        finally:
            self._open[seat] -= 1

    def others(self, position: str, user: User) -> tuple[str, ...]:
        """Return who else works at a position, by the names that are shown."""
        there = (
            shown
            for (place, name, shown), count in self._open.items()
            if count > 0 and place == position and name != user.name
        )
        return tuple(sorted(there)) if position else ()


# ---- sheets ------------------------------------------------------------------------------------
# Procedure sheets as pages: Markdown into HTML that can do no harm. ONLY markdown-it and nh3 here.
#
# Raw HTML in a sheet is shown as text, and what is made of the rest is cleaned once more: sheets
# come from many hands.

_MARKDOWN: Final = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
_TAGS: Final = {
    "a", "blockquote", "br", "code", "em", "h2", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p",
    "pre", "s", "strong", "table", "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip
"""No picture, no script, no form: a sheet is read."""
_LOWEST: Final = 6
BESIDE_A_CALL: Final = 2
"""The level of a sheet's title on the desk, below the page's own: its headings begin lower."""
ITS_OWN_PAGE: Final = 1


_MARKS: Final = re.compile(r"[#*_`>|~]+")


def unmarked(excerpt: str) -> str:
    """Return a few words of a sheet without the marks of Markdown."""
    return " ".join(_MARKS.sub("", excerpt).split())


def rendered(body: str, title: int = BESIDE_A_CALL) -> str:
    """Return a sheet's text as HTML below a title of a level; no level is left out.

    Links open beside the page that one is working on.
    """
    tokens = _MARKDOWN.parse(body)
    headings = [token for token in tokens if token.type in ("heading_open", "heading_close")]
    used = sorted({token.tag for token in headings})
    for token in headings:
        token.tag = f"h{min(used.index(token.tag) + 1 + title, _LOWEST)}"
    return nh3.clean(
        _MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {}),
        tags=_TAGS,
        attributes={"a": {"href", "title"}, "ol": {"start"}},
        url_schemes={"http", "https", "mailto"},
        set_tag_attribute_values={"a": {"target": "_blank"}},
        link_rel="noopener noreferrer",
    )


# ---- who ---------------------------------------------------------------------------------------
# Who asks, and at which position: a position is not a person (E19).
#
# The person comes with the session; the position is where that person sits today, kept in a cookie
# of the browser at that desk. Until one is chosen there, it is the person's usual one.

POSITION_COOKIE: Final = "position"
YEAR_S: Final = 365 * 24 * 3600
LONGEST: Final = 64


@dataclass(frozen=True, slots=True)
class Who:
    """`by` is the name under which the desk notes what is asked; `position` "" until chosen."""

    by: str
    position: str


def who(request: Request) -> Who:
    """Say who asks; raises NotAllowed for nobody."""
    user = somebody(request)
    chosen = request.cookies.get(POSITION_COOKIE, "")[:LONGEST]
    return Who(user.name, chosen or user.position)
