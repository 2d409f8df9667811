"""JSON Schemas of what commands print with --json, one file a command.

Typed where the programme has a type (a value of the control socket, a typed row); else a table of
the fields that the command puts together.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any, Final, Literal

from appliance.api import replies
from appliance.calls.events import Evidence, Presentation
from appliance.calls.model import ReturnCause
from appliance.calls.orders import Direction, Result
from appliance.commands import directory_rows
from appliance.commands import help as commands_help
from appliance.commands.announcements import VoiceRow
from appliance.commands.calls import RetentionRow
from appliance.commands.check_rows import GoodRow, WrongRow
from appliance.commands.help import schema_name
from appliance.commands.provisioning import AdministratorRow, PhoneRow
from appliance.commands.reference.fields import described
from appliance.commands.reference.page import command_at, with_json
from appliance.commands.reference.shapes import TEXTS, JsonSchema, Shape, fields_of, schema_of
from appliance.commands.reports import CapacityRow, QuarterRow
from appliance.commands.settings import ChangeRow
from appliance.modem.probe import ProbeFinding
from appliance.policy.address_book import BookEntry
from appliance.policy.directory import Reach, ReturnRule, TransferHindrance
from appliance.policy.mail import MailState
from appliance.policy.numbering import NumberClass
from appliance.policy.reports import CallFigures, MonthlyReport, Peak
from appliance.policy.requests import AppointmentForm, Contact, RequestState, RequestStep
from appliance.policy.routing import Destination
from appliance.policy.transfers import TransferReason
from appliance.policy.users import Role
from appliance.policy.voicemail import MessageOutcome, MessageState, MessageStep
from appliance.selftest.findings import Outcome
from appliance.service.nightly import MemoryCard, Night
from appliance.simulator.exchange.call import CallReport
from appliance.store.call_log import NO_DESTINATION
from appliance.text import ENGLISH, LANGUAGES, Words

VERSION: Final = 1
"""Number in each schema's $id: raised where a field goes or changes its meaning, not for more."""
DRAFT: Final = "https://json-schema.org/draft/2020-12/schema"
SENTENCES: Final = {f"sentence_{language}": str for language in LANGUAGES}
NONE: Final = Literal[""]
CALL: Final = {
    "call": str, "line": str, "rang_at": datetime, "rang_ms": int, "clock_state": str,
    "called": str, "caller_presentation": Presentation, "caller_number": str,
    "caller_name": str, "way": (Destination, Literal[NO_DESTINATION]), "reason": str, "phone": str,
    "answered_at": datetime | None, "ended_at": datetime | None, "result": Result,
    "evidence": Evidence | None, "release_ms": int | None, "message": str, "unit": str, "need": str,
    "transfer_reason": (TransferReason, NONE), "declaration": int, "target": str,
    "returned": (ReturnCause, NONE),
    "trail": [str], "direction": Direction, "number_class": (NumberClass, NONE),
    "about": str, "sheets": [str], "told": [str],
}  # fmt: skip
MISSED: Final = {
    "number": int, "call": str, "line": str, "rang": datetime, "caller": str | None,
    "caller_name": str | None, "presentation": Presentation, "called": str | None,
    "phone": str | None, "stage": str | None, "result": Result, "callback_wanted": bool,
    "state": MessageState, "open": bool, "taken_by": str | None, "outcome": MessageOutcome | None,
    "failed": [datetime], "served_later": datetime | None,
}  # fmt: skip
CASE_STEP: Final = {
    "at": datetime, "by": str, "step": MessageStep, "outcome": MessageOutcome | None,
    "note": str, "to": str | None,
}  # fmt: skip
MESSAGE: Final = {
    "number": int, "id": str, "call": str, "line": str, "received": datetime, "clock_state": str,
    "presentation": Presentation, "caller": str | None, "caller_name": str | None,
    "called": str | None, "length_ms": int, "gap_ms": int, "interrupted": bool, "law": str,
    "state": MessageState, "outcome": MessageOutcome | None, "closed_by": str | None,
    "closed_at": datetime | None, "taken_by": str | None, "failed": [datetime],
    "heard": [{"by": str, "at": datetime}], "note": str | None, "path": str, "sha256": str,
}  # fmt: skip
REQUEST: Final = {
    "number": int, "state": RequestState, "cancelled": bool, "rule": ReturnRule, "unit": str,
    "need": str, "subject": str, "asked": str, "at": datetime, "by": str, "call": str,
    "sheet": str, "name": str, "phone": str, "email": str, "prefers": Contact, "language": str,
    "spoken": bool, "starts": datetime | None, "ends": datetime | None,
    "form": AppointmentForm | None, "confirmed": bool | None, "taken_by": str,
    "followed_by": str, "recording": str, "due": date, "overdue": bool,
    "steps": [{"step": RequestStep, "at": datetime, "by": str, "said_by": str, "words": str}],
}  # fmt: skip
MAIL: Final = {
    "number": int, "key": str, "message_id": str, "to": str, "subject": str,
    "request": int | None, "queued_at": datetime, "state": MailState, "tries": int, "said": str,
    "settled_at": datetime | None, "settled_by": str, "reason": str,
}  # fmt: skip
BROKER: Final = {
    "broker": str, "connected": bool, "why": Words, "waiting": int, "dropped": int,
    "dropped_at": str,
}  # fmt: skip
MARK: Final = {
    "by": str, "since": datetime, "until": datetime | None, "by_hours": bool, "shown": str,
}  # fmt: skip
ROUTE_STEP: Final = {
    "way": Destination, "code": str, **SENTENCES, "phones": [str], "ring_ms": int,
    "greeting": str, "reopens_at": datetime | None,
}  # fmt: skip
SHAPES: Final[dict[str, Shape]] = {
    "status": {
        **fields_of(replies.FullStatus),
        "peaks": dict[str, Peak],
        "divert_on_busy": {
            "outcome": str | None, "numbers": dict[str, str | None], "missing": Words | None,
        },
        "mqtt": (BROKER, None),
        "register": {
            "units": int, "undeclared": [str], "expiring": [{"unit": str, "last": date}],
            "authorisations_expiring": [int], "authorisations_expired": [int],
        },
        "night": Night | None,
        "card": MemoryCard | None,
    },
    "check": (
        {**fields_of(GoodRow), **dict.fromkeys(LANGUAGES, str)},
        {**fields_of(WrongRow), **dict.fromkeys(LANGUAGES, str)},
    ),
    "explain": {
        "line": str, "at": datetime, "way": Destination, "code": str, **SENTENCES,
        "changes_at": datetime | None, "steps": [ROUTE_STEP], "states": {str: MARK},
    },
    "state hours list": list[replies.EnteredHours],
    "state hours week show": replies.Weeks,
    # With --missed the calls are cases.
    "calls list": ([CALL], [MISSED]),
    "calls show": {**CALL, "history": [CASE_STEP], "called_back": [str]},
    "calls erase": fields_of(replies.ErasureSaid, "said", "done"),
    "messages list": [MESSAGE],
    "messages show": {**MESSAGE, "history": [CASE_STEP], "earlier_calls": [str]},
    "messages retention": RetentionRow,
    "requests list": [REQUEST],
    "requests show": REQUEST,
    "requests free-slots": [datetime],
    "office directory check": directory_rows.CheckedFile,
    "office directory show": list[directory_rows.UnitRow],
    "office directory history": list[directory_rows.EntryRow],
    "office directory attention": [Words],
    "office directory calendar": list[directory_rows.AheadRow],
    "office directory audit": list[directory_rows.AuditRow],
    "office explain-transfer": (
        {
            "at": datetime, "office": str, "allowed": Literal[True], "returns": [ReturnRule],
            "need": str, "declaration": int, "targets": [{"label": str, "reach": Reach}],
        },
        {
            "at": datetime, "office": str, "allowed": Literal[False], "returns": [ReturnRule],
            "need": str, "code": TransferHindrance, "resumes_at": datetime | None, **SENTENCES,
        },
    ),
    "office address-book list": [
        {**fields_of(BookEntry), "checked_on": str, "check_by": str, "last": str}
    ],
    "office sheets search": [
        {
            "code": str, "title": str, "office": str, "needs": [str], "source": str,
            "link": str, "official": str, "updated": date, "excerpt": str,
        }
    ],
    "office prompts voice": VoiceRow,
    "office report": {
        "from": date, "to": date, **fields_of(MonthlyReport),
        "total": {**fields_of(CallFigures), "by_filter": int, "served": int},
    },
    "office standards": QuarterRow,
    "office wall list": [
        {
            "number": int, "name": str, "made_at": datetime, "made_by": str,
            "ended_at": datetime | None, "ended_by": str,
        }
    ],
    "phones list": list[PhoneRow],
    "phones administrator": AdministratorRow,
    "users list": [
        {
            "name": str, "shown": str, "roles": [Role], "unit": str, "position": str,
            "language": str, "disabled": bool, "must_change": bool,
        }
    ],
    "line probe": {
        **fields_of(ProbeFinding, "sentence"), **dict.fromkeys(LANGUAGES, str), "line": str,
    },
    "line capacity": CapacityRow,
    "box selftest": {
        "at": datetime, "seconds": float, "status": int, **dict.fromkeys(LANGUAGES, str),
        "checks": [
            {
                "check": str, "outcome": Outcome, "title": Words, "said": Words,
                "figures": dict[str, float],
            }
        ],
    },
    "box settings backups": [
        {
            "branch": str, "backup": str | None, "at": datetime | None, "hours": int | None,
            "late": bool,
        }
    ],
    "box settings history": list[ChangeRow],
    "box settings show": dict[str, Any],
    "box outbox list": [MAIL],
    "dev call": CallReport,
}  # fmt: skip
"""Shape by command; what is not named here prints a sentence in every language."""


def json_schema(words: tuple[str, ...]) -> JsonSchema:
    """Return the schema of what a command prints."""
    name = " ".join(words)
    shape = SHAPES.get(name)
    body = TEXTS if shape is None else schema_of(shape)
    return {
        "$schema": DRAFT,
        "$id": f"urn:centralino:{'-'.join(words)}:{VERSION}",
        "title": f"centralino {name} --json",
        "description": f"{commands_help.summary(command_at(words), ENGLISH)}.",
        **described(body, *words),
    }


def files() -> Iterator[tuple[str, str]]:
    """Yield the name and the text of each schema's file."""
    for words in with_json():
        text = json.dumps(json_schema(words), ensure_ascii=False, indent=1)
        yield schema_name(words), f"{text}\n"
