"""The stories' language: one statement a line, few verbs, an unknown one is an error.

Whoever runs stories (interpreter.py on the pure Switchboard, another on all processes) is given
`Statement`s and implements one method for each `Statement.verb`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

LINE = r"(?P<line>line\d+)"
PHONE = r"(?P<phone>(?!line\d|expect\b|after\b|ask\b)[a-z]+\d+)"
MANUAL = r"(?P<what>unattended|closed|opened|absent|away)"
SPAN = r"(?P<span>\d+ (?:ms|s|min))"

VERBS: dict[str, str] = {
    # the scene
    "choose_office": r"office (?P<name>\w+)",
    "at": r"at (?P<time>(?:\d{4}-\d\d-\d\d )?\d\d:\d\d:\d\d)",
    "after": rf"after {SPAN}",
    "clock": r"clock (?P<state>synced|holdover|stale|unset)",
    # what lines do
    "line_rings": rf"{LINE} rings",
    "line_caller": rf"{LINE} caller (?P<caller>\d+|withheld|unavailable|unknown)",
    "line_answered": rf"{LINE} answered",
    "line_gives_up": rf"{LINE} gives up",
    "line_hangs_up": rf"{LINE} hangs up by (?P<evidence>\w+)(?: after {SPAN})?",
    "line_idle": rf"{LINE} idle",
    "line_taken": rf"{LINE} taken",
    "line_fax": rf"{LINE} calls as a fax by (?P<source>chip|sound) after {SPAN}",
    "line_probed": rf"{LINE} probed (?P<condition>unknown|free|in_use|no_line)",
    "line_presses": rf"{LINE} presses (?P<key>[0-9*#])",
    "line_prompt_ends": rf"{LINE} prompt ends(?P<cut> cut)?",
    "line_recording_ends": (
        rf"{LINE} recording ends by (?P<stop>\w+) length (?P<length>\d+) ms"
        r"(?: trim (?P<trim>\d+) ms)?"
    ),
    "line_recording_gap": rf"{LINE} recording gap (?P<gap>\d+) ms",
    "line_far_end": rf"{LINE} far end (?P<progress>[a-z_]+)",
    "line_flashed": rf"{LINE} flashed(?P<refused> refused)?",
    "line_lost": rf"{LINE} lost(?: (?P<reason>.+))?",
    "line_restored": rf"{LINE} restored(?P<half> half-duplex)?",
    "carrier_lost": r"carrier lost",
    "carrier_restored": r"carrier restored",
    "box_stopped": r"box stopped",
    # what phones do
    "phone_answers": rf"{PHONE} answers",
    "phone_hangs_up": rf"{PHONE} hangs up",
    "phone_declines": rf"{PHONE} declines",
    "phone_redirects": rf"{PHONE} redirects",
    "phone_is_busy": rf"{PHONE} is busy",
    "phone_is_unreachable": rf"{PHONE} is unreachable",
    "phone_is_lost": rf"{PHONE} is lost",
    "phone_holds": rf"{PHONE} holds",
    "phone_resumes": rf"{PHONE} resumes",
    "phone_asks_for": (
        rf"{PHONE} asks for (?P<kind>blind|attended) transfer to (?P<target>[0-9*#]+)"
    ),
    "phone_asks_to_join": rf"{PHONE} joins its two calls(?P<other> from the other one)?",
    "phone_keys": rf"{PHONE} keys (?P<keys>[0-9*#]+)",
    "person_asks": rf"command by {PHONE}: to (?P<unit>\w+) (?P<need>\w+) because (?P<reason>\w+)"
    r"(?P<blind> blind)?(?P<anyway> anyway)?",
    "person_wants_head": rf"command by {PHONE}: (?P<what>bring the head in|call the head off)",
    "phone_registers": rf"{PHONE} registers",
    "phone_gone": rf"{PHONE} gone",
    "phone_presses": rf"{PHONE} presses (?P<key>[0-9*#])",
    "fetched": rf"fetched {PHONE} (?P<number>\d+) from (?P<caller>\d+|withheld|unknown)"
    r"(?: at (?P<time>\d{4}-\d\d-\d\d \d\d:\d\d))?(?: held by (?P<holder>\w+))?",
    "fetched_nothing": rf"fetched {PHONE} nothing(?: because (?P<reason>.+))?",
    "closed_by": rf"closed {PHONE}(?: not because (?P<reason>.+))?",
    "closed_not_held": rf"closed {PHONE} not, a colleague has it",
    "marked": rf"marked {PHONE}(?: not because (?P<reason>.+))?",
    "marked_not_held": rf"marked {PHONE} not, a colleague has it",
    "pin_checked": rf"code of {PHONE} is (?P<right>right|wrong)",
    "comes_over": rf"{PHONE} comes over from (?P<origin>[a-z]+) as (?P<caller>\d+|withheld)",
    "phone_dials": rf"{PHONE} dials (?P<digits>[0-9*#]+)",
    "phone_prompt_ends": rf"{PHONE} prompt ends",
    "asked_to_call_back": (
        rf"{PHONE} is asked to call back (?P<number>\d*) for (?P<case>\S+)(?P<urgent> urgently)?"
    ),
    "screen_asks": (
        rf"screen of {PHONE}: (?P<act>answer|hold|resume|alternate|hand over|hang up)(?: {LINE})?"
    ),
    "screen_dials": rf"screen of {PHONE}: dial(?: (?P<number>\d+))?(?P<urgent> urgently)?",
    "asked_to_dictate": rf"{PHONE} is asked to dictate",
    "phone_recording_ends": (
        rf"{PHONE} recording ends by (?P<stop>\w+) length (?P<length>\d+) ms"
        r"(?: trim (?P<trim>\d+) ms)?"
    ),
    # what the store and people say
    "take_kept": rf"dictation of {PHONE} is kept",
    "take_not_kept": rf"dictation of {PHONE} is not kept because (?P<reason>.+)",
    "stored": rf"stored (?:{LINE}|(?P<origin>[a-z]+))",
    "call_back_stored": rf"call back stored {LINE}",
    "request_stored": rf"request (?P<number>\d+) stored {LINE}",
    "varies": r"(?P<unit>\w+) varies today to (?P<bands>\S+)",
    "varies_ahead": (
        r"(?P<unit>\w+) varies from (?P<first>\S+) to (?P<last>\S+) to (?P<bands>\S+)"
        r" saying (?P<notice>.+)"
    ),
    "hours_entered": (
        r"hours of (?P<whose>house|switchboard|citizens_desk) from (?P<first>\S+) to (?P<last>\S+)"
        r" (?P<bands>closed|[\d:-]+) saying (?P<reason>.+?)(?: with (?P<greeting>\w+))?"
    ),
    "week_entered": (
        r"every week of (?P<whose>house|switchboard|citizens_desk) from (?P<since>\S+)"
        r" (?P<bands>configured|[\d:-]+(?: [\d:-]+)*)"
    ),
    "hours_ended": r"hours entry (?P<number>\d+) revoked",
    "store_fails": rf"store fails {LINE}(?: (?P<reason>.+))?",
    "declares": rf"(?P<unit>\w+) declares (?P<need>\w+) on {PHONE} in (?P<bands>\S+)",
    "sheets_spoken": r"sheets spoken (?P<sheets>[a-z]+:[a-z]{2}(?: [a-z]+:[a-z]{2})*)",
    "authorises": r"(?P<unit>[a-z]+) authorises (?P<number>\+?\d+)",
    "revokes": r"(?P<unit>[a-z]+) revokes",
    "log_read": r"call log read",
    "uses_sheet": rf"{PHONE} uses sheet (?P<sheet>[\w-]+)",
    "messages_waiting": r"messages waiting (?P<count>\d+)",
    "ask": rf"ask {MANUAL} (?P<on>on|off) by (?P<by>\w+)(?: until (?P<until>\d\d:\d\d:\d\d))?",
    # what is expected
    "expect_pick_up": rf"expect pick up {PHONE}",
    "expect_rung_to_pick_up": rf"expect ring {PHONE} to pick up(?: showing (?P<display>.+))?",
    "expect_can": rf"expect {PHONE} can (?P<what>.+)",
    "expect_auto_answer": rf"expect {PHONE} answers by itself: (?P<known>unknown|seen|rings)",
    "expect_ring": r"expect ring (?P<phones>\w+(?: (?!for\b)\w+)*?)"
    rf"(?: for {SPAN})?(?: showing (?P<display>.+))?",
    "expect_stop": r"expect stop (?P<phones>\w+(?: (?!elsewhere\b)\w+)*)(?P<elsewhere> elsewhere)?",
    "expect_answer": rf"expect answer {LINE}",
    "expect_connect": rf"expect connect {LINE} {PHONE}",
    "expect_bring_in": rf"expect bring in {LINE} {PHONE}",
    "expect_whisper": rf"expect whisper {PHONE} (?P<prompt>\w+)",
    "expect_head": rf"expect {LINE} has (?P<text>.+)",
    "expect_join": rf"expect join {PHONE} (?P<other>[a-z]+\d+)",
    "expect_fetch": rf"expect fetch {PHONE} after (?P<number>\d+)",
    "expect_load": rf"expect load {PHONE} (?P<number>\d+)",
    "expect_mark": rf"expect (?P<step>hear|take|fail) {PHONE} (?P<number>\d+)",
    "expect_check_pin": rf"expect check code {PHONE}(?: (?P<pin>\d+))?",
    "expect_close": rf"expect close {PHONE} (?P<number>\d+) (?P<outcome>\w+)",
    "expect_flash": rf"expect flash {LINE} to (?P<position>[\w.]+\.\d+)(?: for {SPAN})?",
    "expect_flash_back": rf"expect flash back {LINE}",
    "expect_dial_out": (rf"expect dial out {LINE} (?P<digits>[0-9*#]+)(?P<help> for help)?"),
    "expect_told": r"expect told (?P<done>yes|no)(?:: (?P<said>.+))?",
    "expect_dial": rf"expect dial {LINE} to (?P<group>[\w.]+)(?: for {SPAN})?",
    "expect_join_lines": rf"expect join lines {LINE} (?P<other>line\d+)",
    "expect_listen": rf"expect listen {LINE}",
    "expect_keys": rf"expect keys {LINE} (?P<keys>[0-9*#]+)",
    "expect_hold": rf"expect hold (?:{LINE}|{PHONE})",
    "expect_play": (
        rf"expect play (?:{LINE}|{PHONE}) (?P<keys>[\w /]+?)(?: without (?P<no>[\w /]+))?"
    ),
    "expect_recording": rf"expect recording {LINE}(?: up to {SPAN})?",
    "expect_dictating": rf"expect recording {PHONE} up to {SPAN}",
    "expect_dictated": rf"expect recording {PHONE} to end",
    "expect_replay": rf"expect {PHONE} hears itself then (?P<key>\w+)",
    "expect_take": rf"expect (?P<what>keep|drop) dictation of {PHONE}",
    "expect_went": r"expect dictation (?P<went>[a-z_]+)",
    "expect_store_call_back": rf"expect store call back {LINE}",
    "expect_store": rf"expect store (?:{LINE}|(?P<origin>(?!call\b)[a-z]+))"
    r"(?: trim (?P<trim>\d+) ms)?",
    "expect_drop": rf"expect drop {LINE}",
    "expect_hang_up": rf"expect hang up (?:{LINE}|{PHONE})",
    "expect_accept": rf"expect accept {PHONE}",
    "expect_refuse": rf"expect refuse {PHONE} (?P<code>\d+)",
    "expect_tell": rf"expect tell {PHONE} (?P<code>\d+)",
    "expect_joined": rf"expect {PHONE} has joined them",
    "expect_not_joined": rf"expect {PHONE} has not joined them (?P<code>\d+)",
    "expect_refused": rf"expect {LINE} says (?P<text>.+)",
    "expect_said": r"expect said (?P<text>.+)",
    "expect_request": rf"expect request {LINE} for (?P<unit>\w+) (?P<need>\w+) (?P<rule>\w+)"
    r"(?P<bare> without words)?",
    "expect_transfer": rf"expect {LINE} shows (?P<text>.+)",
    "expect_nowhere": r"expect nowhere (?P<number>\d+)",
    "expect_no_transfer": rf"expect no transfer for {PHONE}",
    "expect_saved": (
        r"expect saved (?P<marks>nothing|(?:unattended|closed|opened|absent|away:\w+)(?: \S+)*)"
    ),
    "expect_mail": r"expect mail to (?P<to>\S+) about (?P<subject>.+)",
    "expect_nothing": r"expect nothing",
    "expect_record": rf"expect record(?: {LINE})? (?P<fields>\w+=\S*(?: \w+=\S*)*)",
    "expect_trail": rf"expect trail (?:{LINE}|(?P<origin>[a-z]+)) (?P<codes>\S+(?: \S+)*)",
    "expect_line": rf"expect {LINE} is (?P<state>\w+)",
    "expect_position": rf"expect {PHONE} is (?P<state>free|busy|away|unreachable)"
    r"(?: since (?P<since>\d\d:\d\d:\d\d))?(?: by (?P<by>\w+))?",
    "expect_group": r"expect (?P<group>switchboard|desk) is (?P<state>\w+)",
    "expect_degraded": r"expect degraded (?P<words>.+)",
    "expect_waiting": r"expect waiting (?P<count>\d+)",
}
PATTERNS = {verb: re.compile(pattern) for verb, pattern in VERBS.items()}


class StoryError(AssertionError):
    """Raised for a statement nobody understands, or an expectation that is not met."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One line of a story: its verb and what was filled in; `number` counts from 1."""

    number: int
    text: str
    verb: str
    words: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Story:
    """A story: its title (the first comment) and its statements."""

    name: str
    title: str
    statements: tuple[Statement, ...]


def read_story(path: Path) -> Story:
    """Read a story file; raises StoryError with file and line."""
    return parse_story(path.stem, path.read_text(encoding="utf-8"))


def parse_story(name: str, text: str) -> Story:
    """Parse the text of a story; raises StoryError for a line that nobody understands."""
    lines = text.splitlines()
    title = lines[0].removeprefix("#").strip() if lines and lines[0].startswith("#") else ""
    statements = []
    for number, raw in enumerate(lines, start=1):
        line = raw.split(" # ")[0].strip()
        if line and not line.startswith("#"):
            statements.append(_statement(name, number, line))
    return Story(name, title, tuple(statements))


def _statement(name: str, number: int, line: str) -> Statement:
    for verb, pattern in PATTERNS.items():
        match = pattern.fullmatch(line)
        if match:
            words = {key: value for key, value in match.groupdict().items() if value is not None}
            return Statement(number, line, verb, words)
    raise StoryError(f"{name}.story:{number}: nobody understands {line!r}; see README.md")
