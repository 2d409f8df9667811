"""What draws any event of the union: its fields by their types and names.

An event that is added is drawn as well, unless it has a field that nobody knows: then `drawn`
returns None, and a test says so.
"""

from __future__ import annotations

import dataclasses
import enum
import functools
import typing
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from appliance.calls import events
from appliance.calls.events import Caller, Presentation
from appliance.calls.model import Call, Side
from appliance.calls.states import State, TableRow, row_for
from appliance.policy.dialling import DialLedger
from appliance.policy.directory import (
    Authorisation,
    Directory,
    EntryStamp,
    Reach,
    Unit,
    make_target,
    target_to_tell,
)
from appliance.policy.hours import Period, Week
from appliance.policy.hours_changes import HoursEntry, Whose
from appliance.text import NOTHING, Words
from tests.calls.test_properties import (
    LINES,
    PHONES,
    SPOKEN,
    START,
    TRUNKS,
    Watch,
    asks,
    dialled,
    heads,
    wishes,
)
from tests.helpers.words import pair
from tests.policy.small_directory import RESIDENCE, TOWN, declaration
from tests.stories.directories import TOWN as STORIES

KINDS: tuple[type[events.Event], ...] = typing.get_args(events.Event)
OVER = {State.CLEARING, State.SAVING, State.ENDED}
ENDS = (events.MediaGatewayLost, events.BoxStopped, events.LineLost, events.LineIdle)
"""After these little of a call is left: told seldom, or none would live to its end."""
CALLERS = (Caller(), Caller(Presentation.SHOWN, "0511234567", "Ada"), Caller(Presentation.WITHHELD))
DUTY, OFFICE_ITSELF = "051598333", "0519990204"
"""A number that may be told while its leave holds, and one behind an office that never may."""
LEAVE = Authorisation(
    EntryStamp(1, "capo", START - timedelta(days=30), "prot. 4/2026"),
    "polizia",
    target_to_tell(DUTY),
    "il comandante",
)
OUTSIDE = replace(RESIDENCE, targets=(make_target(Reach.OUTSIDE, OFFICE_ITSELF, "ufficio"),))
SILENT = Directory(
    (*TOWN.units, Unit("polizia", "Polizia locale", "polizia@comune.example.it")),
    (replace(declaration(), needs=(OUTSIDE,)),),
)
_TODAY = Period(START.date(), START.date(), Words("X"), Week(((),) * 7))
HOURS = (HoursEntry(1, Whose.HOUSE, _TODAY, "capo", START, "mail"),)
REGISTERS = (Directory(), TOWN, STORIES, SILENT, replace(SILENT, authorisations=(LEAVE,)))


class Names:
    """What an event may name: all that was ever heard of, and things that never were."""

    def __init__(self, watch: Watch) -> None:
        board = watch.switchboard._board
        going: list[Call | Side] = [
            *board.calls.values(),
            *board.late.values(),
            *board.sides.values(),
        ]
        self.line = list(LINES)
        self.phone = list(PHONES)
        self.call = [*watch.begun, "h-99"]
        self.leg = ["k1", "k2", "h-99.1", *(leg for one in going for leg in legs_of(one))]
        self.play = ["h-99.p1", *(one.play for one in going if one.play)]


def legs_of(one: Call | Side) -> list[str]:
    """Return the legs of a call, or of one that a phone made."""
    own = [*one.legs, one.leg]
    if isinstance(one, Call) and one.line.name in TRUNKS:
        own.append(one.line.name)
    if isinstance(one, Call) and one.transfer is not None:
        own.append(one.transfer.leg)
    return [leg for leg in own if leg]


def only(one: Call | Side) -> Names:
    """Return the names of one call alone."""
    names = object.__new__(Names)
    line = one.line.name if isinstance(one, Call) else getattr(one, "line", "")
    names.line = [line if line and line not in TRUNKS else "line9"]
    names.phone, names.call = list(PHONES), [one.id if isinstance(one, Call) else "h-99"]
    names.leg = legs_of(one) or ["h-99.1"]
    names.play = [one.play or "h-99.p1"]
    if isinstance(one, Call) and one.leg_play:
        names.play.append(one.leg_play)
    return names


# --- fields ---------------------------------------------------------------------------------------

BY_NAME: dict[str, str] = {
    "line": "line", "leg": "leg", "listener": "leg", "call": "call", "recording": "call",
    "play": "play", "phone": "phone", "other": "leg",
}  # fmt: skip
"""Fields that name something there is."""
TEXTS: dict[str, tuple[str, ...]] = {
    "dated": ("", "11251000", "11251100", "02301200"),
    "digit": tuple("0123456789*#"),
    "law": ("ulaw", "alaw"),
    "address": ("192.0.2.9",),
    "target": ("21", "0512345678", "", "31", "41*1"),
    "message": ("", "m3"),
    "reason": ("", "full"),
    "holder": ("", "op2"),
    "detail": ("", "500/500"),
    "modem": ("", "CX93001"),
    "agent": ("", "Yealink T46", "Snom D735"),
    "ask": ("door",),
    "case": ("", "message:12"),
    "origin": ("", "savena"),
    "name": ("", "Ada"),
    "sheet": ("imu", "carta"),
    "entry": ("ausl", "poste"),
    "what": (),
}
"""Other fields of text; `what` is the state of a call."""
NUMBERS: dict[str, tuple[int, ...]] = {
    "count": (0, 1, 2, 3),
    "after_ms": (0, 2500),
    "rings": (0, 3),
    "length_ms": (9000, 9000, 500, 0),
    "trim_ms": (0, 700),
    "gap_ms": (100,),
    "port": (4000,),
    "fault": (0, 0, 481),
    "dtmf_payload": (-1, 101),
    "dtmf_offered": (-1, 101),
    "code": (180, 183),
    "silent_ms": (3000, 60_000),
    "number": (0, 3, 7),
    "left": (0, 2),
}
OBJECTS: dict[tuple[type, str], st.SearchStrategy[object]] = {
    (events.BranchCalled, "leg"): st.sampled_from(TRUNKS),
    (events.ServiceStateChanged, "request"): st.one_of(asks, st.just("nonsense")),
    (events.DirectoryChanged, "directory"): st.sampled_from([*REGISTERS, "nonsense"]),
    (events.HoursChanged, "entered"): st.sampled_from([(), HOURS, "nonsense"]),
    (events.DirectoryChanged, "officials"): st.sampled_from([(), "nonsense"]),
    (events.CallBackAsked, "number"): st.sampled_from(["", "0511234567", "892424", OFFICE_ITSELF]),
    (events.NumbersKnown, "forgotten"): st.sampled_from([(), ("051234567",)]),
    (events.NumbersKnown, "ledger"): st.sampled_from(
        [DialLedger(), DialLedger({"0511234567": START}), "nonsense"]
    ),
    (events.TransferWished, "request"): st.one_of(wishes, st.just("nonsense")),
    (events.SpokenSheetsChanged, "units"): st.sampled_from([{"anagrafe": "it/unit_1"}, None]),
    (events.HeadWished, "request"): st.one_of(heads, st.just("nonsense")),
    (events.LineLost, "reason"): st.sampled_from([NOTHING, pair("pieno", "full")]),
    (events.LineHalfDuplex, "reason"): st.sampled_from([NOTHING, pair("pieno", "full")]),
    (events.SpokenSheetsChanged, "menu"): st.sampled_from([(), SPOKEN, None]),
}
"""Fields whose type is known elsewhere."""


def drawn(kind: type, name: str, hint: Any, names: Names) -> st.SearchStrategy[Any] | None:
    """Return what draws a field of an event, None when nobody knows."""
    always = always_drawn(kind, name, hint)
    if always is None and name in BY_NAME:
        return st.sampled_from(getattr(names, BY_NAME[name]))
    return always


@functools.cache
def always_drawn(kind: type, name: str, hint: Any) -> st.SearchStrategy[Any] | None:
    """Return what draws a field whoever there is, None for a name and when nobody knows."""
    if (kind, name) in OBJECTS:
        return OBJECTS[kind, name]
    if hint is bool:
        return st.booleans()
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return st.sampled_from(hint)
    if hint in (Caller, Caller | None):
        return st.sampled_from(CALLERS if hint is Caller else [None, *CALLERS])
    if hint is int and name in NUMBERS:
        return st.sampled_from(NUMBERS[name])
    if hint == datetime | None:
        return st.sampled_from([None, START - timedelta(hours=3)])
    if name == "what":
        return st.sampled_from(sorted(STATES))
    if name == "digits":
        return dialled
    if name in BY_NAME:
        return None
    return st.sampled_from(TEXTS[name]) if name in TEXTS else None


STATES = {str(state) for state in State}


def told(kind: type[events.Event], names: Names) -> st.SearchStrategy[events.Event]:
    """Return what draws an event of one kind; a field without a strategy is left at its default.

    Raises TypeError where that field has none.
    """
    any_kind: type = kind
    fields = {name: drawn(kind, name, hint, names) for name, hint in fields_of(any_kind)}
    known = {name: each for name, each in fields.items() if each is not None}
    return st.fixed_dictionaries(known).map(functools.partial(made, kind))


@functools.cache
def fields_of(kind: type) -> tuple[tuple[str, Any], ...]:
    """Return the names and types of an event's fields."""
    hints = typing.get_type_hints(kind)
    return tuple((field.name, hints[field.name]) for field in dataclasses.fields(kind))


def made(kind: type[events.Event], fields: dict[str, Any]) -> events.Event:
    """Make an event."""
    return kind(**fields)


# --- what fits ------------------------------------------------------------------------------------


def meant_for(one: Call | Side) -> list[type[events.Event]]:
    """Return the kinds of events that have a row where a call is: several times those by which it
    gets on, once those that can only end it.
    """
    if isinstance(one, Side):
        return [kind for kind in KINDS if kind in one.table[one.state]] or list(ENDS)
    return meant_in(one.state)


@functools.cache
def meant_in(state: State) -> list[type[events.Event]]:
    """Return the kinds of events that have a row in a call's state, as often as they are drawn."""
    rows = {kind: row_for(state, kind) for kind in KINDS}
    return [
        kind
        for kind, row in rows.items()
        if isinstance(row, TableRow)
        for _ in range(weight(kind, row, state))
    ]


def weight(kind: type[events.Event], row: TableRow, state: State) -> int:
    """Say how often to draw what may happen in a state: most often what leads on."""
    if kind in ENDS or not set(row.to) - OVER:
        return 1
    return 12 if set(row.to) - OVER - {state} else 2
