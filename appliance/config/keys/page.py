"""The reference page of the configuration in each language, made of the keys."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import date
from itertools import groupby
from pathlib import Path
from typing import Any, Final, get_type_hints

from appliance.config import schema, values
from appliance.config.keys.catalogue import KEYS, KeyPlace, is_array, is_required, places
from appliance.config.keys.limits import LIMITS, KeyLimit, bounds
from appliance.config.values import PortRange
from appliance.text import Words, _, in_context

NAMES: Final = {"it": "Italiano", "en": "English", "de": "Deutsch"}
"""Languages of the page, as their own readers call them."""
GUIDE: Final = {"it": "it", "en": "en", "de": "it"}
"""Language of the technician's guide that a page leads to: there is none in German."""
SHORT_EXAMPLE: Final = Path(__file__).parent.parent / "example_short.toml"
INSTALLED: Final = "/usr/share/centralino/help"
"""Folder of the documentation site on the box, one tree a language."""
"""Folder of the package's examples and schemas (debian/rules)."""
TITLE: Final = _("Configuration")
INTRODUCTION: Final = _(
    "Every key of `/etc/centralino/centralino.toml`, made from the program. The file is TOML, in "
    "UTF-8. An unknown key is a mistake; `centralino check` names all mistakes at once, each with "
    "its line and its remedy. Times are the office's local ones. How the file is changed is in the "
    "[technician's guide](technician.{language}.md)."
)
SHORT_FORM: Final = _(
    "The commonest office in short. `lines` is a list of public numbers, `phones` a list of names; "
    "both stand before the first table, and become `[[lines]]` and `[[phones]]` where more is to "
    "be said of one. `centralino check` shows what was derived."
)
EDITORS: Final = _(
    "Editors that know JSON Schema (taplo, Even Better TOML) complete keys and underline "
    "mistakes where the file's first line is `#:schema` and the place of [its schema]({name}); on "
    "the box that is in `{folder}`, as the example has it."
)
ADVANCED: Final = _("Advanced: an ordinary office leaves these out.")
_HEAD: Final = (
    in_context("key", "key"),
    in_context("key", "value"),
    in_context("key", "default"),
    in_context("key", "what it is"),
)
_REQUIRED: Final = in_context("key", "required")
_DERIVED: Final = _("derived: {source}")
_KINDS: Final[dict[Any, Words]] = {
    str: in_context("key", "text"),
    int: in_context("key", "whole number"),
    values.Seconds: in_context("key", "seconds"),
    values.LongSeconds: in_context("key", "seconds"),
    values.Pause: in_context("key", "seconds"),
    values.OnOff: in_context("key", "true or false"),
    values.Proven: in_context("key", 'true, false or "auto"'),
    values.MonthDay: in_context("key", "month and day"),
    values.Moment: in_context("key", "date, or date and time"),
    values.Hours: in_context("key", "table of weekdays"),
    values.Bands: in_context("key", "list of bands"),
    values.PortRange: in_context("key", "list of two ports"),
    values.BundleFile: in_context("key", "text"),
    date: in_context("key", "date"),
}
_CODE: Final = re.compile(
    r"""\["[^\]]*\]|"[^"]*"|/dev/[\w/…-]+|\b(?:it/)?[a-z_]+\.(?:wav|json)\b"""
    r"|\b(?:{})\b".format("|".join(re.escape(name) for name in KEYS if "." in name))
)


def page(language: str) -> str:
    """Return the page in one language."""
    introduction = INTRODUCTION.filled(language=GUIDE[language]).text(language)
    others = " · ".join(
        f"[{name}](configuration.{each}.md)" for each, name in NAMES.items() if each != language
    )
    lines = [f"# {TITLE.text(language)}", "", f"{introduction} {others}"]
    lines += ["", SHORT_FORM.text(language), "", "```toml", *_short_example(), "```"]
    name = f"schemas/centralino.schema.{language}.json"
    editors = EDITORS.filled(name=name, folder=INSTALLED)
    lines += ["", editors.text(language)]
    for table, found in groupby(places(), lambda place: place.table):
        keys = list(found)
        lines += ["", f"## {_header(table, keys)}"]
        for advanced in (False, True):
            rows = [key for key in keys if KEYS[key.dotted].is_advanced is advanced]
            if rows:
                lines += ["", ADVANCED.text(language)] if advanced else []
                lines += ["", *_table(rows, language)]
    return "\n".join(lines) + "\n"


def _short_example() -> list[str]:
    """Return the lines of the short example without its head."""
    text = SHORT_EXAMPLE.read_text(encoding="utf-8")
    return text.split("\n\n", 1)[1].rstrip("\n").split("\n")


def _header(table: str, keys: list[KeyPlace]) -> str:
    """Return a table's heading as the file writes it; `hours` is a table of its own."""
    name = table or keys[0].name
    return f"`[[{name}]]`" if name in ARRAYS else f"`[{name}]`"


ARRAYS: Final = frozenset(
    name for name, hint in get_type_hints(schema.Settings).items() if is_array(hint)
)
"""Names of arrays of tables."""


def _table(keys: list[KeyPlace], language: str) -> Iterator[str]:
    yield f"| {' | '.join(words.text(language) for words in _HEAD)} |"
    yield "|---|---|---|---|"
    for place in keys:
        key = KEYS[place.dotted]
        cells = (
            f"`{place.dotted}`",
            _value(place, language),
            _default(place, language),
            _CODE.sub(r"`\g<0>`", key.words.text(language)),
        )
        yield f"| {' | '.join(cells)} |"


def _value(place: KeyPlace, language: str) -> str:
    """Return what a key's value is: its words, or its type with unit and bounds."""
    limit, unit = LIMITS.get(place.dotted, KeyLimit()), KEYS[place.dotted].unit.text(language)
    if limit.one_of:
        listed = ", ".join(f"`{json.dumps(each)}`" for each in limit.one_of)
        return _("list of: {known}", known=listed).text(language) if place.is_list else listed
    kind = unit or _KINDS[place.kind].text(language)
    low, high = bounds(place)
    if place.is_list:
        return _("list: {kind}", kind=kind).text(language)
    if high is not None and (low is None or (place.kind is values.Seconds and not low)):
        return _("{kind}, at most {high:g}", kind=kind, high=high).text(language)
    if low is not None and high is not None:
        between = _("{kind}, {low:g} to {high:g}", kind=kind, low=low, high=high)
        return between.text(language)
    if low is not None:
        return _("{kind}, {low:g} or more", kind=kind, low=low).text(language)
    return kind


def _default(place: KeyPlace, language: str) -> str:
    if is_required(place):
        return _REQUIRED.text(language)
    derived = KEYS[place.dotted].derived
    if derived.text(language):
        return _DERIVED.filled(source=derived).text(language)
    return f"`{_written(place.default)}`"


def _written(value: Any) -> str:
    """Return a default as TOML."""
    if isinstance(value, PortRange):
        value = (value.low, value.high)
    return json.dumps(value, ensure_ascii=False)
