"""A procedure sheet (scheda): the same answer at every counter (P2). A frozen value."""

from __future__ import annotations

import enum
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

# a sheet that nobody has reviewed for a year may be wrong: the supervisor is warned
STALE_AFTER = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet; `code` is its file's name, `body` Markdown as written.

    `office` and `needs` are codes of the directory, `link` leads to the application that the
    counter uses, `official` is the official in charge where that is public.
    `say` is what callers hear of it after hours, in `language`; "" for a sheet that is not spoken.
    """

    code: str
    title: str
    office: str
    source: str
    updated: date
    body: str
    needs: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    link: str = ""
    official: str = ""
    say: str = ""
    language: str = "it"

    def is_stale(self, today: date) -> bool:
        """Tell whether it was last updated more than a year ago."""
        return today - self.updated > STALE_AFTER


@dataclass(frozen=True, slots=True)
class OfficialInCharge:
    """The official in charge, `name`, of needs of an office; no `needs`: of all of them."""

    office: str
    name: str
    needs: tuple[str, ...] = ()


def officials(known: tuple[OfficialInCharge, ...], unit: str, need: str) -> tuple[str, ...]:
    """Return the names of an office's officials in charge of a need (E10), each once."""
    # E10: beside the sentence to say stands the official in charge, if public
    about = (each for each in known if each.office == unit)
    return tuple(dict.fromkeys(o.name for o in about if not o.needs or need in o.needs))


class SheetChange(enum.StrEnum):
    """Result of an import for one sheet."""

    NEW = "new"
    CHANGED = "changed"
    SAME = "same"
    GONE = "gone"  # not among the files: kept for the calls that name it, not found by a search


def sheet_changes(known: tuple[Sheet, ...], given: tuple[Sheet, ...]) -> dict[str, SheetChange]:
    """Compare sheets by code, in the order of their codes."""
    before, after = {s.code: s for s in known}, {s.code: s for s in given}
    return {code: _change(before.get(code), after.get(code)) for code in sorted(before | after)}


def with_edits(
    known: tuple[Sheet, ...], given: tuple[Sheet, ...], edited: Collection[str]
) -> tuple[tuple[Sheet, ...], tuple[str, ...]]:
    """Return an import's sheets, those edited by hand unchanged, and the codes of the latter.

    `edited` are the codes of sheets that were changed or removed by hand.
    """
    # an import must not overwrite what somebody has corrected in the console
    found = sheet_changes(known, given).items()
    met = tuple(code for code, change in found if code in edited and change is not SheetChange.SAME)
    kept = (sheet for sheet in known if sheet.code in met)
    return (*(sheet for sheet in given if sheet.code not in met), *kept), met


def _change(before: Sheet | None, after: Sheet | None) -> SheetChange:
    if before is None:
        return SheetChange.NEW
    if after is None:
        return SheetChange.GONE
    return SheetChange.SAME if before == after else SheetChange.CHANGED


# of all languages together; nobody remembers a sixth key
MOST_SPOKEN = 5


@dataclass(frozen=True, slots=True)
class SpokenSheet:
    """A sheet that callers hear read aloud: `sheet` is its code.

    `title`, `text` and `keys` are prompts without their language: "for ... press 1", the sheet
    itself, and the keys that lead on from it.
    """

    sheet: str
    language: str
    title: str
    text: str
    keys: str = ""

    @property
    def prompts(self) -> tuple[str, ...]:
        """Every prompt that it needs, with its language."""
        names = (self.title, self.text, self.keys)
        return tuple(f"{self.language}/{name}" for name in names if name)


# Sheets on the keys 1, 2, 3 ..., in this order; empty for no menu.
Menu = tuple[SpokenSheet, ...]


def sheet_at_key(menu: Menu, digit: str) -> SpokenSheet | None:
    """Return the sheet on a key, or None for a key that has none."""
    # a caller may press * or #
    number = int(digit) if digit.isdigit() else 0
    # keys are counted from 1 over all languages
    found = menu[number - 1] if 0 < number <= len(menu) else None
    return found if found is not None and found.text else None


def title_prompts(menu: Menu, language: str) -> Iterator[str]:
    """Return the prompts that offer the sheets of one language."""
    # a sheet is offered in the language in which it is read
    return (spoken.title for spoken in menu if spoken.language == language and spoken.title)


def without_sheets(menu: Menu, withheld: Collection[str]) -> Menu:
    """Return a menu that neither offers nor reads the withheld sheets (P7)."""
    # the others keep their keys, which their recorded titles name
    silent = (replace(s, title="", text="", keys="") if s.sheet in withheld else s for s in menu)
    left = tuple(silent)
    return left if any(spoken.text for spoken in left) else ()


@dataclass(frozen=True, slots=True)
class GreetingOffer:
    """Offers of a greeting beside its reason: the menu, and prompts without their language.

    `told` are the units whose number callers hear.
    """

    # `emergencies` has no repr, since its prompts spell digits (P7)

    menu: Menu = ()
    told: tuple[str, ...] = ()
    emergencies: tuple[str, ...] = field(default=(), repr=False)


NOTHING_OFFERED = GreetingOffer()
