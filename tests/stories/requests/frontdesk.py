"""A front desk, its records and a mail server, told about in plain text: no thread, no sleep.

Each line of a story is one statement; VERBS is all of its language.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any, cast
from zoneinfo import ZoneInfo

from appliance.api.replies import Declined
from appliance.api.requests import RequestCommands
from appliance.config import read
from appliance.config.office import build_office
from appliance.errors import CentralinoError
from appliance.mail import compose
from appliance.policy.directory import AppointmentSlots
from appliance.policy.hours import week_of
from appliance.policy.mail import TO_HEAD, DeliveryReply, DeliveryVerdict, RetryQueue
from appliance.policy.requests import is_overdue
from appliance.service.mailroom import Mailroom
from appliance.store import outbox, requests
from appliance.store.database import open_database
from appliance.store.requests import NO_MAILS
from tests.policy.small_directory import TOWN, declaration
from tests.stories.grammar import StoryError

ROME = ZoneInfo("Europe/Rome")
LINK = re.compile(r"https://centralino\.local/done/([\w-]{43})\n")
TEXT = r'"(?P<text>[^"]*)"'
WHO = r"(?P<by>op\d)"
VERBS: dict[str, str] = {
    "at": r"at (?P<time>\d{4}-\d\d-\d\d \d\d:\d\d)",
    "after": r"after (?P<count>\d+) (?P<unit>min|days)",
    "network_": r"network (?P<state>down|up)",
    "restart": r"the box is restarted",
    "takes": rf'{WHO} takes an e-mail for (?P<unit>\w+) (?P<need>\w+) from "(?P<name>[^"]+)" '
    rf"(?P<phone>\d+)(?: (?P<email>\S+@\S+))? about {TEXT}(?P<anyway> anyway)?",
    "books": rf"{WHO} books (?P<starts>\d{{4}}-\d\d-\d\d \d\d:\d\d) at (?P<unit>\w+) (?P<need>\w+) "
    rf'for "(?P<name>[^"]+)" (?P<phone>\d+) about {TEXT}',
    "moves": rf"{WHO} moves (?P<number>\d+) to (?P<starts>\d{{4}}-\d\d-\d\d \d\d:\d\d)",
    "reminds": rf"{WHO} reminds (?P<number>\d+) {TEXT}",
    "office_takes": r'"(?P<who>[^"]+)" of the office takes (?P<number>\d+)',
    "closes": rf"{WHO} closes (?P<number>\d+) because {TEXT} said so",
    "cancels": rf"{WHO} cancels (?P<number>\d+) because {TEXT} said so",
    "closes_by_link": r'"(?P<who>[^"]*)" closes (?P<number>\d+) by its (?P<which>first|last) link',
    "closes_alone": rf"{WHO} closes (?P<number>\d+)",
    "expect_state": r"expect request (?P<number>\d+) is (?P<state>\w+)",
    "expect_overdue": r"expect request (?P<number>\d+) is (?P<no>not )?overdue now",
    "expect_mail": rf"expect a mail to (?P<to>\S+) about {TEXT}"
    r"(?P<follows> following up the first)?(?: saying \"(?P<said>[^\"]*)\")?",
    "expect_none": r"expect no mail",
    "expect_waiting": r"expect (?P<count>\d+) mails? waiting",
    "expect_refused": rf"expect refused {TEXT}",
}
PATTERNS = {verb: re.compile(pattern) for verb, pattern in VERBS.items()}
CONFIG = """
[site]
name = "Comune di Esempio"
patron = "10-04"
[hours]
monday = ["08:00-19:00"]
tuesday = ["08:00-19:00"]
wednesday = ["08:00-19:00"]
thursday = ["08:00-19:00"]
friday = ["08:00-19:00"]
[sip]
address = "127.0.13.8"
[mail]
sender = "Centralino <centralino@comune.example>"
head = "responsabile@comune.example"
"""
REGISTER = replace(
    TOWN,
    declarations=(replace(declaration(), slots=AppointmentSlots(week_of(monday="15-17"), 20)),),
)


class Shelf:
    """The records, asked and answered at once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.letters = NO_MAILS
        self.open()

    def open(self) -> None:
        """Open the database, again after a restart."""
        self.connection = open_database(self.folder / "c.db", self.folder / "corrupt").connection

    def do(self, job: Callable[[sqlite3.Connection], Any], done: Callable[[Any], None]) -> None:
        """Do a job as the records' thread does."""
        try:
            result = job(self.connection)
        except CentralinoError as error:
            result = error
        done(result)


class FrontDesk:
    """Runs a story's statements; `delivered` are the mails that nobody has spoken of yet."""

    def __init__(self, folder: Path) -> None:
        self.now = datetime(2026, 11, 23, 10, 0, tzinfo=ROME)
        self.network, self.refused = "up", ""
        self.delivered: list[EmailMessage] = []
        self.first: dict[str, str] = {}
        self.shelf = cast("Any", Shelf(folder))
        settings = read.parse(CONFIG)
        self.calendar = build_office(settings, 2026).switchboard.schedule
        mailroom = Mailroom(
            settings, build_office(settings, 2026), self.shelf, lambda: REGISTER, lambda _: None
        )
        self.asked = RequestCommands(self.shelf, mailroom, lambda: self.now).known
        self.links: dict[str, list[str]] = {}
        self.turns, self.second = RetryQueue(), 0.0

    def run(self, text: str) -> None:
        """Run a whole story; raises StoryError with the line that is not so."""
        for number, raw in enumerate(text.splitlines(), 1):
            line = raw.strip()
            if line and not line.startswith("#"):
                try:
                    self._statement(line)
                except StoryError as error:
                    raise StoryError(f"line {number}, {line!r}: {error}") from None
        self._same("what nobody spoke of", [mail["Subject"] for mail in self.delivered], [])
        self._same("a refusal that nobody spoke of", self.refused, "")

    def _statement(self, line: str) -> None:
        for verb, pattern in PATTERNS.items():
            if match := pattern.fullmatch(line):
                words = {k: v for k, v in match.groupdict().items() if v is not None}
                getattr(self, verb)(words)
                self._send()
                return
        raise StoryError("nobody understands this")

    # --- what happens ---

    def at(self, words: dict[str, str]) -> None:
        self.now = _rome(words["time"])

    def after(self, words: dict[str, str]) -> None:
        minutes = int(words["count"]) * (1 if words["unit"] == "min" else 1440)
        self.now += timedelta(minutes=minutes)
        self.second += minutes * 60

    def network_(self, words: dict[str, str]) -> None:
        self.network = words["state"]

    def restart(self, words: dict[str, str]) -> None:
        self.shelf.connection.close()
        self.shelf.open()
        self.turns = RetryQueue()

    def takes(self, words: dict[str, str]) -> None:
        asked = {**words, "subject": words["text"], "rule": "email", "prefers": "phone"}
        self._ask({"ask": "new_request", **asked, "anyway": bool(words.get("anyway"))})

    def books(self, words: dict[str, str]) -> None:
        starts = _rome(words["starts"]).isoformat()
        asked = {**words, "subject": words["text"], "rule": "appointment", "prefers": "phone"}
        self._ask({"ask": "new_request", **asked, "starts": starts, "form": "in_person"})

    def moves(self, words: dict[str, str]) -> None:
        self._step("move", words, starts=_rome(words["starts"]).isoformat())

    def reminds(self, words: dict[str, str]) -> None:
        self._step("remind", words, words=words["text"])

    def office_takes(self, words: dict[str, str]) -> None:
        self._step("take", {**words, "by": "op1"}, said_by=words["who"])

    def closes(self, words: dict[str, str]) -> None:
        self._step("close", words, said_by=words["text"])

    def closes_alone(self, words: dict[str, str]) -> None:
        self._step("close", words)

    def closes_by_link(self, words: dict[str, str]) -> None:
        token = self.links[words["number"]][0 if words["which"] == "first" else -1]
        self._ask({"ask": "request_by_link", "token": token, "said_by": words["who"]})

    def cancels(self, words: dict[str, str]) -> None:
        self._step("cancel", words, said_by=words["text"])

    # --- what is expected ---

    def expect_state(self, words: dict[str, str]) -> None:
        kept = requests.required_request(self.shelf.connection, int(words["number"]))
        self._same("its state", kept.request.state.value, words["state"])

    def expect_overdue(self, words: dict[str, str]) -> None:
        kept = requests.required_request(self.shelf.connection, int(words["number"]))
        late = is_overdue(kept.request, self.calendar, self.now)
        self._same("overdue", late, "no" not in words)

    def expect_mail(self, words: dict[str, str]) -> None:
        found = [
            m for m in self.delivered if (m["To"], m["Subject"]) == (words["to"], words["text"])
        ]
        if not found:
            met = [f"{mail['To']}: {mail['Subject']}" for mail in self.delivered]
            raise StoryError(f"no such mail; there are {met}")
        mail = found[0]
        self.delivered.remove(mail)
        first = self.first.setdefault(words["to"], mail["Message-ID"])
        if "follows" in words:
            self._same("its thread", mail["References"].split()[0], first)
        body = mail.get_body(("plain",))
        if words.get("said", "") not in (body.get_content() if body else ""):
            raise StoryError(f"it does not say so: {body and body.get_content()}")

    def expect_none(self, words: dict[str, str]) -> None:
        self._same("mails", [mail["Subject"] for mail in self.delivered], [])

    def expect_waiting(self, words: dict[str, str]) -> None:
        self._same("waiting", len(outbox.waiting_mails(self.shelf.connection)), int(words["count"]))

    def expect_refused(self, words: dict[str, str]) -> None:
        if words["text"] not in self.refused:
            raise StoryError(f"what was said: {self.refused or 'nothing was refused'}")
        self.refused = ""

    # --- within ---

    def _step(self, step: str, given: dict[str, str], **more: str) -> None:
        asked = {"step": step, "number": int(given["number"]), "by": given["by"], **more}
        self._ask({"ask": "request_step", **asked})

    def _ask(self, question: dict[str, Any]) -> None:
        def told(answer: Any) -> None:
            if isinstance(answer, CentralinoError):
                self.refused = str(answer)
            elif isinstance(answer, Declined):
                self.refused = str(answer.said)

        try:
            later: Any = self.asked[question["ask"]](question)
            later(told)
        except CentralinoError as error:
            self.refused = str(error)

    def _send(self) -> None:
        """Let the mail thread do what is due."""
        connection = self.shelf.connection
        self.turns.learn(outbox.waiting_mails(connection), self.second)
        while (number := self.turns.next(self.second)) is not None:
            reply = self._try(number)
            state, after = self.turns.heard(number, reply.verdict, self.second)
            requests.settle_mail(connection, state, after, reply.said, self.now)
            self.turns.learn(outbox.waiting_mails(connection), self.second)

    def _try(self, number: int) -> DeliveryReply:
        if self.network == "down":
            return DeliveryReply(DeliveryVerdict.AWAY, "unreachable")
        letter = outbox.load_letter(self.shelf.connection, number)
        if link := LINK.search(letter.mail.body):
            self.links.setdefault(str(letter.mail.request), []).append(link[1])
        to = "responsabile@comune.example" if letter.mail.to == TO_HEAD else letter.mail.to
        sender = "Centralino <centralino@comune.example>"
        self.delivered.append(compose(letter, sender, to, self.shelf.folder))
        return DeliveryReply(DeliveryVerdict.SENT, "250 OK")

    def _same(self, what: str, met: object, wanted: object) -> None:
        if met != wanted:
            raise StoryError(f"{what}: expected {wanted}, met {met}")


def _rome(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ROME)
