"""Fields of a form that a person fills in: read, checked, every mistake at its place."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any, TypeVar

from appliance.errors import OfficeError
from appliance.policy.directory import ReturnRule
from appliance.policy.hours import Band, Bands, Week, check_bands
from appliance.policy.text import Refused
from appliance.text import Words, _

T = TypeVar("T")
LONGEST_TEXT = 200
"""Longest text of a field, in characters."""
MISSING = _("is missing, fill it in")
# "9-12 15-17", "9-12, 15-17", "9-12 e 15-17"
_BETWEEN_BANDS = re.compile(r"[\s,;]+(?:(?:e|and)\s+)?")
_DASH = re.compile(r"\s*[-–]\s*")


@dataclass(frozen=True, slots=True)
class FormProblem:
    """A mistake in a form: the field's place ("needs.1.name"), and the reason."""

    place: str
    words: Words


class FormRefused(OfficeError):  # noqa: N818 - reads as what it is
    """Refusal of a form, with every problem in it."""

    def __init__(self, *problems: FormProblem) -> None:
        super().__init__("; ".join(f"{each.place}: {each.words}" for each in problems))
        self.problems = problems


def bands_of(text: str) -> Bands:
    """Read the bands of a day as people write them: "9-12:30 15-17", "9.00–12.30 e 15–17".

    Raises Refused.
    """
    # people write 9.00–12.30: dots in times, any dash between them
    plain = _DASH.sub("-", text.strip().replace(".", ":"))
    bands = tuple(Band.parse(each) for each in _BETWEEN_BANDS.split(plain) if each)
    check_bands(bands, "the day")
    return bands


class FormFields:
    """Reader of a form: notes every problem and reads on, so that a person sees all at once."""

    def __init__(
        self, form: Mapping[str, Any], problems: list[FormProblem], place: str = ""
    ) -> None:
        # a person corrects a long form once, so all its parts share one list of problems
        self._form = form
        self._place = place
        self.problems = problems

    def at(self, name: str) -> str:
        """Return the whole place of a field."""
        return f"{self._place}{name}"

    def wrong(self, name: str, words: Words) -> None:
        """Note what is wrong with a field."""
        self.problems.append(FormProblem(self.at(name), words))

    def attempt(self, name: str, make: Callable[[], T]) -> T | None:
        """Return the result of `make`; None if it raises Refused, which is noted at the field."""
        try:
            return make()
        except Refused as refused:
            self.problems.append(FormProblem(self.at(name), refused.words))
            return None

    def text(self, name: str, *, is_needed: bool = False) -> str:
        """Read a line of text; runs of white space become one space."""
        value = self._form.get(name, "")
        text = " ".join(value.split()) if isinstance(value, str) else ""
        if len(text) > LONGEST_TEXT:
            self.wrong(name, _("is too long: at most {most} characters", most=LONGEST_TEXT))
        elif is_needed and not text:
            self.problems.append(FormProblem(self.at(name), MISSING))
        return text

    def flag(self, name: str) -> bool:
        """Read a yes or no."""
        # JSON's true alone: a text such as "false" is no yes
        return self._form.get(name) is True

    def number(self, name: str, otherwise: int) -> int:
        """Read a whole number of at most four digits."""
        value = str(self._form.get(name, otherwise)).strip()
        # isdigit alone is true for digits of other scripts and superscripts, too
        if value.isascii() and value.isdigit() and len(value) <= 4:
            return int(value)
        self.wrong(name, _("is no number"))
        return otherwise

    def day(self, name: str, otherwise: date | None = None) -> date | None:
        """Read a day such as 2026-11-25; left empty it is `otherwise`."""
        text = self.text(name)
        if not text:
            return otherwise
        try:
            return date.fromisoformat(text)
        except ValueError:
            self.wrong(name, _("is no day: write 2026-11-25"))
            return otherwise

    def week(self, name: str) -> Week:
        """Read seven texts, the bands of Monday to Sunday."""
        value = self._form.get(name, [])
        # a form comes from outside: a value of another type counts as left out
        texts = value if isinstance(value, list) else []
        days = [
            self.attempt(f"{name}.{number}", partial(bands_of, str(text)[:LONGEST_TEXT]))
            for number, text in enumerate(texts[:7], 1)
        ]
        return Week(tuple(days[n] or () if n < len(days) else () for n in range(7)))

    def rules(self, name: str) -> tuple[ReturnRule, ...]:
        """Read the rules of a return, in the order given; unknown ones are ignored."""
        known = tuple(ReturnRule)
        chosen = dict.fromkeys(text for text in self.texts(name) if text in known)
        return tuple(ReturnRule(text) for text in chosen)

    def texts(self, name: str) -> tuple[str, ...]:
        """Read a list of words."""
        value = self._form.get(name, [])
        return tuple(str(each)[:LONGEST_TEXT] for each in value) if isinstance(value, list) else ()

    def part(self, name: str) -> FormFields | None:
        """Return the fields of a part of the form, None if it is missing or empty."""
        value = self._form.get(name)
        found = isinstance(value, Mapping)
        return FormFields(value, self.problems, f"{self.at(name)}.") if found and value else None

    def parts(self, name: str, most: int) -> Iterator[FormFields]:
        """Yield the fields of each of several alike parts, numbered from 1."""
        value = self._form.get(name, [])
        parts = value if isinstance(value, list) else []
        for number, part in enumerate(parts[:most], 1):
            if isinstance(part, Mapping):
                yield FormFields(part, self.problems, f"{self.at(name)}.{number}.")
