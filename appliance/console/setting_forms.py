"""Forms of the settings: what a page shows of them, what a person has changed, what is wrong.

A form sends beside each value the one that it was opened with: only what the person has changed is
a change, also if somebody else has changed other settings meanwhile. Call control judges and writes
(service/settings.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from starlette.datastructures import FormData
from starlette.requests import Request

from appliance.api.replies import DeclinedError
from appliance.api.technician_commands import (
    ChangeSettings,
    ListModems,
    ListSettings,
    ListSettingsHistory,
    PreviewSettings,
)
from appliance.api.technician_replies import (
    FoundModem,
    ListedSetting,
    SettingsDone,
    SettingsEntry,
    SettingsListReply,
    SettingsPreview,
)
from appliance.console.accounts import patiently, send_as_user, send_patiently, signed_in_user
from appliance.console.control_client import (
    ControlUnreachable,
    NotDone,
    control_of,
    form_field,
    not_done,
)
from appliance.console.day_typed import shown_day, typed_day
from appliance.console.say import N_, Speaker
from appliance.console.setting_fields import SECRETS, FieldGroup, FieldHelp, Section, help_of
from appliance.errors import OfficeError
from appliance.policy.forms import bands_of
from appliance.policy.text import Refused
from appliance.text import Words, _

# A child reads the settings, and root's helper writes them: each takes a slow board some seconds.
READ_S: Final = 30.0
WRITE_S: Final = 65.0
"""Seconds within which settings are read, and written."""
LONGEST: Final = 500
WAS: Final = "was."
EMPTY: Final = "empty."
REMOVE: Final = "remove."
NEW: Final = "new."
"""Beginnings of the names of fields beside those that have the settings' own keys."""
NEW_FIELDS: Final = ("label", "called", "port")
LINES: Final = "lines"
YEARLY_DAYS: Final = ("site.patron",)
"""Settings that are a day of every year."""
WHOLE: Final = _("Write a whole number.")
ANY: Final = _("Write a number.")
DAY: Final = _("Write day and month: 24 June, or 24/6.")


# ---- what a page shows ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ShownField:
    """Setting on a page; `kind` is text, number, day, switch, choice, several, secret or hidden."""

    key: str
    label: str
    help: str
    kind: str
    value: str
    was: str
    choices: tuple[tuple[str, str], ...] = ()
    hidden: int = 0
    problem: str = ""

    @property
    def id(self) -> str:
        """The field's id, which has no dot: a selector can name it."""
        return self.key.replace(".", "-")

    @property
    def chosen(self) -> tuple[str, ...]:
        """The values of a list."""
        return tuple(split(self.value))

    @property
    def is_changed(self) -> bool:
        """Whether it differs from the file."""
        return self.value != self.was


@dataclass(frozen=True, slots=True)
class ShownGroup:
    """Settings under a heading; `row` names a row that can be removed, `state` says how it is."""

    id: str
    title: str
    help: str
    fields: tuple[ShownField, ...]
    more: tuple[ShownField, ...]
    row: str = ""
    state: str = ""
    is_removed: bool = False

    @property
    def is_open(self) -> bool:
        """Whether something folded away wants to be seen."""
        return self.is_removed or any(one.problem or one.is_changed for one in self.more)


@dataclass(frozen=True, slots=True)
class Typed:
    """What a form holds: values by key, secrets, rows to remove, and a new line's fields."""

    base: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    was: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    emptied: frozenset[str] = frozenset()
    removed: frozenset[str] = frozenset()
    new: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    """What call control says of the changes: their preview, or what is wrong, by key."""

    preview: SettingsPreview | None = None
    problems: Mapping[str, str] = field(default_factory=dict)
    wrong: str = ""
    status: int = 200


def as_text(value: object) -> str:
    """Return a value as a form's field has it."""
    if isinstance(value, bool):
        return "1" if value else ""
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if isinstance(value, float):
        return f"{value:g}"
    return "" if value is None else str(value)


def split(text: str) -> list[str]:
    """Return the entries of a list that is typed with commas."""
    return [one.strip() for one in text.split(",") if one.strip()]


def headed(text: str) -> str:
    """Return a text that begins with a capital letter."""
    return text[:1].upper() + text[1:]


def in_section(section: Section, one: ListedSetting) -> bool:
    """Tell whether a setting is entered on a section's page."""
    if one.row:
        return one.table == section.rows
    return any(one.key in (*group.keys, *group.more) for group in section.groups)


# ---- what a form changes -------------------------------------------------------------------------


def typed_in(form: FormData, listed: tuple[ListedSetting, ...]) -> Typed:
    """Read a form; what it does not hold is not of it."""
    values, was, emptied = {}, {}, set()
    for one in listed:
        if f"{WAS}{one.key}" not in form:
            continue
        # Several boxes with one name, or one field.
        found = [str(each)[:LONGEST] for each in form.getlist(one.key) if isinstance(each, str)]
        was[one.key] = form_field(form, f"{WAS}{one.key}")
        found = _in_order_of([" ".join(each.split()) for each in found], split(was[one.key]))
        values[one.key] = ", ".join(found)
        if form_field(form, f"{EMPTY}{one.key}"):
            emptied.add(one.key)
    rows = {f"{one.table}.{one.row}" for one in listed if one.row}
    return Typed(
        form_field(form, "base")[:64],
        values,
        was,
        {key: form_field(form, key)[:LONGEST] for key in SECRETS if form_field(form, key)},
        frozenset(emptied),
        frozenset(row for row in rows if form_field(form, f"{REMOVE}{row}")),
        {name: " ".join(form_field(form, f"{NEW}{name}").split())[:LONGEST] for name in NEW_FIELDS},
    )


def _in_order_of(found: list[str], before: list[str]) -> list[str]:
    """Return ticked values in the order of the file, new ones last.

    The boxes have the page's order; the file's says which language or phone comes first.
    """
    return sorted(found, key=lambda one: before.index(one) if one in before else len(before))


def changes_of(typed: Typed, listed: tuple[ListedSetting, ...]) -> list[dict[str, Any]]:
    """Return what the person has changed, as call control takes it."""
    found: list[dict[str, Any]] = []
    wrong = misread(typed, listed)
    for row in sorted(typed.removed):
        table, _, name = row.partition(".")
        found.append({"remove": table, "name": name})
    for one in listed:
        if one.key not in typed.values or f"{one.table}.{one.row}" in typed.removed:
            continue
        text = typed.values[one.key]
        # Of a hidden setting only that it is to be emptied, or what takes its place.
        if one.key in typed.emptied:
            found.append({"clear": one.key})
        elif text != typed.was[one.key] and one.key not in wrong:
            found.append(_change(one, text))
    found += ({"secret": key, "value": value} for key, value in typed.secrets.items())
    if any(typed.new.values()):
        taken = {one.row for one in listed if one.table == LINES}
        number = next(n for n in range(1, 1000) if f"line{n}" not in taken)
        values = {name: value for name, value in typed.new.items() if value}
        found.append({"add": LINES, "name": f"line{number}", "values": values})
    return found


def _change(one: ListedSetting, text: str) -> dict[str, Any]:
    value: Any = text
    if one.key in YEARLY_DAYS:
        return {"set": one.key, "value": typed_day(text)}
    match one.value:
        case bool():
            value = bool(text)
        case list() if is_hours(one):
            value = [str(band) for band in bands_of(text)]
        case list():
            value = split(text)
        case int() | float():
            if not text:
                return {"clear": one.key}
            value = number_of(text, one.value)
        case None if one.key.endswith("_numbers"):
            value = split(text)
        case _:
            pass
    return {"set": one.key, "value": value}


def number_of(text: str, kind: float) -> int | float | None:
    """Return a number as people write it, None if it is none."""
    try:
        return type(kind)(text.replace(",", "."))
    except ValueError:
        return None


def misread(typed: Typed, listed: tuple[ListedSetting, ...]) -> dict[str, Words]:
    """Return the fields whose text is no value of theirs, each with what to write."""
    found: dict[str, Words] = {}
    for one in listed:
        text, kind = typed.values.get(one.key, ""), one.value
        if one.key in YEARLY_DAYS:
            # An older page may show the file's own form; an empty day is none.
            is_typed = text != typed.was.get(one.key, text)
            if is_typed and not typed_day(text):
                found[one.key] = DAY
            continue
        if not text or text == typed.was[one.key]:
            continue
        if is_hours(one):
            try:
                bands_of(text)
            except Refused as refused:
                found[one.key] = refused.words
        elif isinstance(kind, bool) or not isinstance(kind, int | float):
            continue
        elif number_of(text, kind) is None:
            found[one.key] = WHOLE if isinstance(kind, int) else ANY
    return found


def is_hours(one: ListedSetting) -> bool:
    """Tell whether a setting is the bands of a weekday."""
    return one.table.endswith("hours")


# ---- the page's values ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Shower:
    """Makes a section's fields, in the reader's language."""

    say: Speaker
    listed: SettingsListReply
    typed: Typed
    answer: Answer
    modems: tuple[FoundModem, ...]

    def groups(self, section: Section) -> Iterator[ShownGroup]:
        """Yield the groups of a section."""
        if section.row is not None:
            yield from self._rows(section, section.row)
        for number, group in enumerate(section.groups, 1):
            fields = tuple(self._fields(group.keys))
            more = tuple(self._fields(group.more))
            if fields or more:
                title, told = self.say(group.title), self.say(group.help) if group.help else ""
                yield ShownGroup(f"group-{number}", title, told, fields, more)

    def _rows(self, section: Section, group: FieldGroup) -> Iterator[ShownGroup]:
        rows = dict.fromkeys(one.row for one in self.listed.settings if one.table == section.rows)
        for row in filter(None, rows):
            place = f"{section.rows}.{row}"
            (where,) = {
                self.say.words(one.where) for one in self.listed.settings
                if one.row == row and one.table == section.rows
            }  # fmt: skip
            modem = next((m for m in self.modems if m.line == row and section.rows == LINES), None)
            yield ShownGroup(
                place.replace(".", "-"),
                where,
                "",
                tuple(self._fields(tuple(f"{place}.{key}" for key in group.keys))),
                tuple(self._fields(tuple(f"{place}.{key}" for key in group.more))),
                place if section.rows == LINES else "",
                self.say.words(modem.state) if modem else "",
                place in self.typed.removed,
            )

    def _fields(self, keys: tuple[str, ...]) -> Iterator[ShownField]:
        known = {one.key: one for one in self.listed.settings}
        for key in keys:
            if key in SECRETS:
                told = help_of("", "", key)
                yield ShownField(
                    key, self.say(N_("Password")), self.say(told.help), "secret", "", "",
                    problem=self._problem(key),
                )  # fmt: skip
            # Call control may be older than this console.
            elif key in known:
                yield self._field(known[key])

    def _field(self, one: ListedSetting) -> ShownField:
        told = help_of(one.table, one.row, one.key)
        was = as_text(one.value)
        if one.key in YEARLY_DAYS:
            was = shown_day(was, self.say.language)
        value = was
        # What the person has changed stays typed; all else is as the file has it now.
        if one.key in self.typed.values and self.typed.values[one.key] != self.typed.was[one.key]:
            value = self.typed.values[one.key]
        choices = self._choices(one, told, value)
        kind = _kind(one, choices)
        # A hidden one is never sent back to the browser, not even as it was typed.
        shown = "" if kind == "hidden" else value
        return ShownField(
            one.key,
            headed(self.say.words(one.what)),
            self.say(told.help) if told.help else "",
            kind,
            shown,
            was,
            choices,
            one.hidden,
            self._problem(one.key),
        )

    def _choices(
        self, one: ListedSetting, told: FieldHelp, value: str
    ) -> tuple[tuple[str, str], ...]:
        if one.key.endswith(".phones") and not one.row:
            return self._phones()
        if one.table == LINES and one.key.endswith(".port"):
            return self.ports(value)
        found = [(code, self.say(name)) for code, name in told.choices]
        # What the file says and this console does not know must not be lost.
        extra = [(code, code) for code in (split(value) if told.several else [value])]
        known = {code for code, _ in found}
        return (*found, *(each for each in extra if found and each[0] not in known))

    def _phones(self) -> tuple[tuple[str, str], ...]:
        return tuple(
            (one.row, as_text(one.value) or one.row)
            for one in self.listed.settings
            if one.table == "phones" and one.key.endswith(".label")
        )

    def ports(self, present: str = "") -> tuple[tuple[str, str], ...]:
        """Return the sockets that a line can be given: its own, and those of free modems."""
        free = [(m.port, self._socket(m)) for m in self.modems if not m.line and m.is_there]
        own = next((m for m in self.modems if m.port == present), None)
        shown = (present, self._socket(own) if own else present)
        return (shown, *free) if present and present not in dict(free) else tuple(free)

    def _socket(self, modem: FoundModem) -> str:
        model = modem.model or self.say(N_("unknown modem"))
        return f"{socket_name(modem.port)} · {model}"

    def _problem(self, key: str) -> str:
        return headed(self.answer.problems.get(key, ""))


def socket_name(port: str) -> str:
    """Return the short name of a USB socket: "USB 1.2", or the path where it has none."""
    _, is_usb, rest = port.rpartition("-usb-")
    place = rest.split(":")
    return f"USB {place[1]}" if is_usb and len(place) > 1 else port


def _kind(one: ListedSetting, choices: tuple[tuple[str, str], ...]) -> str:
    if one.value is None:
        return "hidden"
    if isinstance(one.value, bool):
        return "switch"
    if isinstance(one.value, list) and choices:
        return "several"
    if choices:
        return "choice"
    if one.key in YEARLY_DAYS:
        return "day"
    return "number" if isinstance(one.value, int | float) else "text"


# ---- call control --------------------------------------------------------------------------------


def own_settings(section: Section, listed: SettingsListReply) -> tuple[ListedSetting, ...]:
    """Return the settings that a section shows."""
    return tuple(one for one in listed.settings if in_section(section, one))


async def listed_settings(request: Request) -> tuple[SettingsListReply | None, str]:
    """Ask for the settings; returns None and the reason without a reply."""
    try:
        # A change has call control start anew, which takes it some seconds.
        return await send_patiently(request, ListSettings(), READ_S, may_repeat=True), ""
    except NotDone as error:
        return None, str(error)


async def judged(request: Request, typed: Typed, listed: SettingsListReply) -> Answer:
    """Ask what the changes would do; without any there is nothing to ask."""
    changes = tuple(changes_of(typed, listed.settings))
    say = request.state.speaker
    problems = {key: say.words(words) for key, words in misread(typed, listed.settings).items()}
    found: SettingsPreview | None = None
    if changes:
        try:
            found = await send_as_user(request, PreviewSettings(changes=changes), READ_S)
        except NotDone as error:
            return Answer(wrong=str(error), status=error.status)
        problems |= {one.place: say.words(one.words) for one in found.problems}
    return Answer(found, problems, status=422 if problems else 200)


async def applied(request: Request, typed: Typed, listed: SettingsListReply) -> int | Answer:
    """Apply what a form changes; returns the number in the history, or what is wrong."""
    if misread(typed, listed.settings):
        return await judged(request, typed, listed)
    changes = tuple(changes_of(typed, listed.settings))
    command = ChangeSettings(
        by=signed_in_user(request).name, changes=changes, base=typed.base or listed.revision
    )
    say = request.state.speaker
    sent = 0

    async def once() -> SettingsDone:
        nonlocal sent
        sent += 1
        return await control_of(request).send(command, WRITE_S)

    try:
        return (await patiently(request, once, may_repeat=True)).number
    except DeclinedError as declined:
        # Call control ended before its answer: the first one was carried out.
        newest = await _newest_entry(request) if sent > 1 else None
        if newest is not None and newest.by == command.by:
            return newest.number
        answer = await judged(request, typed, listed)
        found = answer.problems or {one.place: say.words(one.words) for one in declined.problems}
        said = headed(say.words(declined.words))
        return Answer(answer.preview, found, said, 422 if found else 409)
    except (ControlUnreachable, OfficeError) as error:
        told = not_done(say, error)
        return Answer(wrong=str(told), status=told.status)


async def modems_for(request: Request, section: Section) -> tuple[FoundModem, ...]:
    """Return the modems where a section shows lines, none while nobody answers."""
    if section.rows != LINES:
        return ()
    try:
        return (await send_patiently(request, ListModems(), may_repeat=True)).modems
    except NotDone:
        return ()


async def history_entry(request: Request, number: int) -> SettingsEntry | None:
    """Return an entry of the history, None if it is not there."""
    entries = await _entries(request) if number else ()
    return next((one for one in entries if one.number == number), None)


async def _newest_entry(request: Request) -> SettingsEntry | None:
    return next(iter(await _entries(request)), None)


async def _entries(request: Request) -> tuple[SettingsEntry, ...]:
    """Return the history, newest first; nothing where nobody answers."""
    command = ListSettingsHistory()
    try:
        return (await send_patiently(request, command, READ_S, may_repeat=True)).entries
    except NotDone:
        return ()


def changes_values(
    request: Request, answer: Answer, listed: SettingsListReply | None = None
) -> dict[str, Any]:
    """Return the values of the part that shows what will change."""
    words = request.state.speaker.words
    found = listed.settings if listed else ()
    labels = {one.key: f"{words(one.where)}, {words(one.what)}" for one in found}
    return {"answer": answer, "headed": headed, "labels": labels}


async def form_values(
    request: Request,
    section: Section,
    listed: SettingsListReply | None,
    typed: Typed,
    answer: Answer,
) -> dict[str, Any]:
    """Return the values of a section's form."""
    modems = await modems_for(request, section)
    shower = Shower(request.state.speaker, listed, typed, answer, modems) if listed else None
    return {
        "section": section,
        "listed": listed,
        "groups": tuple(shower.groups(section)) if shower else (),
        "new": dict.fromkeys(NEW_FIELDS, "") | dict(typed.new),
        "ports": shower.ports() if shower else (),
        "modems": modems,
        "socket_name": socket_name,
        "again": request.url.path,
        **changes_values(request, answer, listed),
    }
