"""Texts in every language of the product, from one gettext catalogue.

The English text stands in the code and is the catalogue's msgid; the other languages stand in
`locale/LANGUAGE/*.po`, compiled into one file a language by `python -m appliance.text`. A text
is translated where it is shown, not where it is made: its reader may speak another language.
"""

from __future__ import annotations

import functools
import gettext
from collections.abc import Callable, Iterable, Mapping
from datetime import date, time, timedelta
from pathlib import Path
from typing import Any, Final

LOCALE: Final = Path(__file__).parent / "locale"
DOMAIN: Final = "centralino"
ENGLISH: Final = "en"
"""Language of the msgids."""
FIRST: Final = "it"
"""The front desk's own language."""
_KEPT_AS_THEY_ARE: Final = (str, int, float, date, time, timedelta)


def languages_in(locale: Path) -> tuple[str, ...]:
    """Return the languages that texts exist in: the front desk's own first, English last."""
    found = (folder.name for folder in locale.iterdir() if folder.is_dir())
    # Not by name alone: pages and pickers begin with the first one.
    return (*sorted(found, key=lambda name: (name != FIRST, name)), ENGLISH)


LANGUAGES: Final = languages_in(LOCALE)


@functools.cache
def translations(language: str) -> gettext.NullTranslations:
    """Load a language's catalogue, once; without one every text is in English."""
    return gettext.translation(DOMAIN, LOCALE, [language], fallback=True)


class Words:
    """Text in every language: a msgid with values to fill in, or what somebody wrote, by language.

    It never changes. Two are equal if they read the same in each language; `str()` is the English
    one, for logs.
    """

    __slots__ = ("context", "msgid", "named", "number", "plural", "values", "written")

    def __init__(
        self,
        msgid: str = "",
        *,
        context: str = "",
        plural: str = "",
        number: int = 1,
        values: tuple[object, ...] = (),
        named: Mapping[str, object] | None = None,
        written: Mapping[str, str] | None = None,
    ) -> None:
        self.msgid, self.context = msgid, context
        self.plural, self.number = plural, number
        self.values, self.named = values, named or {}
        self.written = written or {}

    def text(self, language: str) -> str:
        """Return the text in one language, English where that has none."""
        if self.written:
            # What nobody wrote in this language is shown in English, else as it was written.
            first = next(iter(self.written.values()))
            template = self.written.get(language, self.written.get(ENGLISH, first))
        elif language == ENGLISH or not self.msgid:
            template = self.plural if self.plural and self.number != 1 else self.msgid
        else:
            template = self._translated(translations(language))
        if not self.values and not self.named:
            return template
        return template.format(
            *(_in(language, value) for value in self.values),
            **{name: _in(language, value) for name, value in self.named.items()},
        )

    def _translated(self, catalogue: gettext.NullTranslations) -> str:
        if self.plural:
            return catalogue.ngettext(self.msgid, self.plural, self.number)
        if self.context:
            return catalogue.pgettext(self.context, self.msgid)
        return catalogue.gettext(self.msgid)

    def filled(self, *values: object, **named: object) -> Words:
        """Return the text with values filled in, Words among them in the reader's language."""
        return Words(
            self.msgid,
            context=self.context,
            plural=self.plural,
            number=self.number,
            values=self.values + tuple(map(_value, values)),
            named={**self.named, **_values(named)},
            written=self.written,
        )

    def by_language(self) -> dict[str, str]:
        """Return the text in each language, as it is stored and sent."""
        return {language: self.text(language) for language in LANGUAGES}

    def __str__(self) -> str:
        return self.text(ENGLISH)

    def __repr__(self) -> str:
        texts = ", ".join(f"{name}={text!r}" for name, text in self.by_language().items())
        return f"Words({texts})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Words):
            return NotImplemented
        return all(self.text(language) == other.text(language) for language in LANGUAGES)

    def __hash__(self) -> int:
        return hash(self.text(ENGLISH))


NOTHING: Final = Words()
"""Text that says nothing."""


def _value(value: object) -> object:
    # Other objects, errors above all, are not kept alive by the sentence that tells of them.
    return value if isinstance(value, (Words, *_KEPT_AS_THEY_ARE)) else str(value)


def _values(named: Mapping[str, object]) -> dict[str, object]:
    return {name: _value(value) for name, value in named.items()}


def _in(language: str, value: object) -> object:
    return value.text(language) if isinstance(value, Words) else value


def _(msgid: str, /, **values: object) -> Words:
    """Return a text of the catalogue, with its `{name}` filled in where it is shown."""
    return Words(msgid, named=_values(values))


sentence = _
"""The same where `_` is the page's own translator."""


def in_context(context: str, msgid: str, /, **values: object) -> Words:
    """Return a text whose English is that of another one, but not its translation."""
    return Words(msgid, context=context, named=_values(values))


def counted(one: str, many: str, number: int, /, **values: object) -> Words:
    """Return a text in the form that goes with a number, which is its `{number}`."""
    filled = {"number": number, **_values(values)}
    return Words(one, plural=many, number=number, named=filled)


def written(texts: Mapping[str, str]) -> Words:
    """Return a text that somebody wrote, or that was stored, by language.

    Raises TypeError, ValueError for what is no text by language.
    """
    said = dict(texts)
    if not all(isinstance(text, str) for text in said.values()):
        raise TypeError("a text by language holds something that is no text")
    return Words(written=said) if any(said.values()) else NOTHING


def stored(told: Mapping[str, Any]) -> Words:
    """Return a text whose `by_language()` is among the values of a JSON object.

    Raises KeyError, TypeError for an object without it.
    """
    # What an older version stored may lack a language that came since: English stands for it.
    english = str(told[ENGLISH])
    return written({language: str(told.get(language, english)) for language in LANGUAGES})


def unchanged(text: object) -> Words:
    """Return a text that reads the same in every language: a name, a command, a number."""
    return written({ENGLISH: str(text)})


def by_language(text: Callable[[str], str]) -> Words:
    """Return the text that a function makes for each language."""
    return written({language: text(language) for language in LANGUAGES})


def as_json(value: object) -> dict[str, str]:
    """Return a text by language, for `json.dumps(…, default=as_json)`; raises TypeError."""
    if isinstance(value, Words):
        return value.by_language()
    raise TypeError(f"{type(value)} has no form in JSON")


def joined(separator: str, texts: Iterable[Words]) -> Words:
    """Return texts one after the other, in each language."""
    parts = tuple(texts)
    return by_language(lambda language: separator.join(part.text(language) for part in parts))


_DECIMAL_COMMA: Final = frozenset({"it", "de"})
"""Languages that write 2,6 and not 2.6."""


def decimal_words(value: float, places: int, language: str) -> str:
    """Write a number with decimals as a language does."""
    return decimal_sign(f"{value:.{places}f}", language)


def decimal_sign(shown: str, language: str) -> str:
    """Return a number that is written with a point as a language writes it."""
    return shown.replace(".", ",") if language in _DECIMAL_COMMA else shown
