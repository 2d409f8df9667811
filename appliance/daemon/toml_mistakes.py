"""What is wrong in a file that is no TOML, as the person sees it who typed it: line and remedy.

The library stops at the first slip and says in English what its grammar expected. Here each slip of
a hand has its own sentence, and where it is clear what the line should have been the reading goes
on, so that all of them are told at once.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from appliance.daemon.mistakes import Mistake
from appliance.policy.text import Words

MOST: Final = 20
"""Slips that are told of one file."""
QUOTES: Final = "\u201c\u201d\u201e\u201f\u00ab\u00bb\u2018\u2019\u201a\u2033\u00b4`"
HIDDEN: Final = "\u00a0\u2007\u202f\u200b\u200c\u200d\u2060\ufeff"
_AT: Final = re.compile(r"\(at line (\d+), column (\d+)\)")
_STRING: Final = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'[^']*'")
_KEY: Final = re.compile(r"\s*([\w.\-]+|\"[^\"]*\")\s*=\s*(.*?)\s*$", re.ASCII)
_HEADER: Final = re.compile(r"\s*(\[\[?)\s*([\w.\-]+)", re.ASCII)
_REMARK: Final = re.compile(r"\s*(?://|;|--|\*|/\*|%)")
_COLON: Final = re.compile(r"\s*([\w.\-]+)\s*:\s*(.*?)\s*$", re.ASCII)
_NO_SIGN: Final = re.compile(r"\s*([\w.\-]+)\s*([\"'\[{].*)$", re.ASCII)
NO_TEXT: Final = Words(
    "non è un testo, o è danneggiato: copiare di nuovo il file fornito",
    "is no text, or damaged: copy the delivered file again",
)
ARRAYS: Final = frozenset((
    "lines", "phones", "closures", "openings", "periods",
    "services", "declarations", "authorisations", "variations",
))  # fmt: skip
"""Tables of which a file has several."""
_BEGINS: Final = frozenset("\"'[{0123456789")
"""With what an entry of a list begins."""
_DECIMAL: Final = re.compile(r"[+-]?\d+,\d+")
_YES_NO: Final = frozenset(("true", "false", "si", "sì", "no", "vero", "falso", "yes", "on", "off"))


@dataclass(frozen=True, slots=True)
class Slip:
    """A slip of a hand: its line, what to say, and the line that was meant; None: nobody knows."""

    line: int
    words: Words
    meant: str | None = None


@dataclass(frozen=True, slots=True)
class _Error:
    """What the library has met: its words, and where."""

    said: str
    line: int
    column: int
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        """The line in which it was met."""
        return self.lines[self.line - 1] if 0 < self.line <= len(self.lines) else ""

    @property
    def bare(self) -> str:
        """That line without its strings, and without a remark behind them."""
        return _STRING.sub('""', self.text).split("#")[0]

    @property
    def key(self) -> str:
        """The name before the line's =, "" without one."""
        found = _KEY.match(self.text)
        return found[1] if found else ""

    @property
    def value(self) -> str:
        """What stands behind the line's =, without a remark."""
        found = _KEY.match(self.text.split("#")[0])
        return found[2] if found else ""


def mistakes_in(text: str, error: Exception) -> tuple[Mistake, ...]:
    """Say what is wrong with a text at which the library gave up with `error`."""
    found: list[Mistake] = []
    lines = text.splitlines()
    while len(found) < MOST:
        slip = _slip(_met(error, lines))
        found.append(_mistake(slip.line, slip.words))
        if slip.meant is None or not 0 < slip.line <= len(lines):
            break
        lines[slip.line - 1] = slip.meant
        try:
            tomllib.loads("\n".join(lines))
            break
        except (ValueError, RecursionError) as following:
            if line_of(following, "\n".join(lines)) <= slip.line:
                break  # what was put in its place does not help: no more is certain
            error = following
    return tuple(found)


def explained(text: str, error: Exception, line: int) -> Mistake:
    """Say what is wrong at the error; it is the entry's that begins at `line`, or stands there."""
    slip = _slip(_met(error, text.splitlines()))
    return _mistake(slip.line and line, slip.words)


def line_of(error: Exception, text: str) -> int:
    """Say in which line the library stopped reading: the last, where it has found no end."""
    found = _AT.search(str(error))
    return int(found[1]) if found else max(1, len(text.splitlines()))


def _mistake(line: int, words: Words) -> Mistake:
    return Mistake("the file", words.en, line, it=words.it)


def _met(error: Exception, lines: list[str]) -> _Error:
    found = _AT.search(str(error))
    line, column = line_of(error, "\n".join(lines)), int(found[2]) if found else 0
    return _Error(_AT.sub("", str(error)).strip(), line, column, tuple(lines))


def _slip(error: _Error) -> Slip:
    """Find the rule that a slip breaks; the first that fits says it."""
    if any("\0" in line for line in error.lines):
        return Slip(0, NO_TEXT)
    for rule in RULES:
        if (slip := rule(error)) is not None:
            return slip
    return Slip(
        error.line,
        Words(
            'non si legge: ogni voce si scrive nome = "valore", ogni elenco fra [ e ]',
            f'is not TOML ({error.said.split(" (")[0]}): write each entry as name = "value", '
            "each list between [ and ]",
        ),
    )


# --- rules: each looks at one kind of slip -----------------------------------------------------


def _odd_quotes(error: _Error) -> Slip | None:
    if not any(quote in error.bare for quote in QUOTES):
        return None
    return Slip(
        error.line,
        Words(
            'le virgolette sono di un programma di scrittura: usare quelle diritte, "così"',
            'the quotes are those of a word processor: type straight ones, "like this"',
        ),
        "",
    )


def _hidden_spaces(error: _Error) -> Slip | None:
    if not any(sign in error.bare for sign in HIDDEN):
        return None
    return Slip(
        error.line,
        Words(
            "contiene spazi speciali, invisibili: cancellare la riga e scriverla di nuovo a mano",
            "it holds special spaces that cannot be seen: delete the line and type it again",
        ),
        "",
    )


def _control_signs(error: _Error) -> Slip | None:
    if not error.said.startswith("Illegal character") or r"'\n'" in error.said:
        return None
    return Slip(
        error.line,
        Words(
            "contiene un carattere che non si vede: cancellare la riga e scriverla di nuovo a mano",
            "it holds a character that cannot be seen: delete the line and type it again",
        ),
        "",
    )


def _remark(error: _Error) -> Slip | None:
    if not _REMARK.match(error.text):
        return None
    return Slip(
        error.line,
        Words("un commento comincia con #", "a remark begins with #"),
        "",
    )


def _twice(error: _Error) -> Slip | None:
    if not re.search(r"overwrite|twice|[Dd]uplicate|redefine|mutate", error.said):
        return None
    header = _HEADER.match(error.text)
    if header and not error.key:
        return Slip(error.line, _table_twice(header[2], _first_header(error, header[2])))
    return Slip(
        error.line,
        Words(
            f"la voce {error.key or 'di questa riga'} è scritta due volte: lasciarne una",
            f"the entry {error.key or 'of this line'} is written twice: leave one of them",
        ),
        "",
    )


def _table_twice(name: str, first: int) -> Words:
    if name in ARRAYS:
        return Words(
            f"la tabella {name} c'è già alla riga {first}: se sono più d'una, ognuna comincia con "
            f"[[{name}]], anche la prima",
            f"the table {name} is there already in line {first}: if there are several, each begins "
            f"with [[{name}]], the first one too",
        )
    return Words(
        f"la tabella {name} c'è già alla riga {first}: scrivere là anche queste voci",
        f"the table {name} is there already in line {first}: write these entries there, too",
    )


def _first_header(error: _Error, name: str) -> int:
    """Find the line in which a table begins for the first time."""
    headers = enumerate(map(_HEADER.match, error.lines[: error.line]), 1)
    return next((number for number, header in headers if header and header[2] == name), error.line)


def _header(error: _Error) -> Slip | None:
    header = _HEADER.match(error.text)
    if header is None or error.key:
        return None
    begins, name = header[1], header[2]
    right = f"{begins}{name}{']' * len(begins)}"
    if "declaration" in error.said or "key part" in error.said:
        it, en = f"l'intestazione si scrive {right}", f"the header is written {right}"
    elif "after a statement" in error.said:
        it = f"dopo {right} non va altro: andare a capo, o mettere # davanti a un commento"
        en = f"nothing stands behind {right}: begin a new line, or put # before a remark"
    else:
        return None
    return Slip(error.line, Words(it, en), right)


def _no_equals(error: _Error) -> Slip | None:
    if not error.said.startswith("Expected '='"):
        return None
    if colon := _COLON.match(error.text):
        it = f"dopo {colon[1]} va =, non i due punti: {colon[1]} = …"
        en = f"= stands behind {colon[1]}, no colon: {colon[1]} = …"
    elif sign := _NO_SIGN.match(error.text):
        it, en = f"manca = dopo {sign[1]}", f"= is missing behind {sign[1]}"
    elif "=" in error.bare:
        it = "il nome prima di = è di una parola sola, senza spazi né accenti"
        en = "the name before = is one word, without spaces or accents"
    else:
        it = 'manca =: una voce si scrive nome = "valore", un commento comincia con #'
        en = '= is missing: an entry is written name = "value", a remark begins with #'
    return Slip(error.line, Words(it, en), "")


def _open_quote(error: _Error) -> Slip | None:
    for triple in ('"""', "'''"):
        if error.said.startswith(("Unterminated", "Expected")) and triple in "\n".join(error.lines):
            at = max(n for n, line in enumerate(error.lines, 1) if triple in line)
            return Slip(
                at,
                Words(
                    f"il testo fra {triple} e {triple} non finisce: chiuderlo",
                    f"the text between {triple} and {triple} has no end: close it",
                ),
            )
    bare = error.bare
    if "after a statement" in error.said:
        return None
    quote = next((quote for quote in "\"'" if bare.replace('""', "").count(quote) % 2), "")
    if not quote or "=" not in bare:
        return None
    begins = bare.partition("=")[2].lstrip(" \t[{").startswith(quote)
    where = ("alla fine del", "at the end of") if begins else ("all'inizio del", "before")
    return Slip(
        error.line,
        Words(
            f"manca una virgoletta ({quote}) {where[0]} testo",
            f"a quote is missing ({quote}) {where[1]} the text",
        ),
        "",
    )


def _back_stroke(error: _Error) -> Slip | None:
    if "\\" not in error.text or not re.search(r"Unescaped|hex value|Unicode scalar", error.said):
        return None
    return Slip(
        error.line,
        Words(
            "dentro le virgolette la barra rovesciata si scrive due volte: \\\\",
            "between quotes a backslash is written twice: \\\\",
        ),
        "",
    )


def _open_list(error: _Error) -> Slip | None:
    first = _opening(error, "[", "]")
    is_over = not error.column or first != error.line  # the file's end, or a line behind the list
    if not error.said.startswith("Unclosed array") and not (
        first and is_over and error.said.startswith("Invalid value")
    ):
        return None
    behind = error.text[error.column - 1 :] if error.column else ""
    is_entry = bool(error.key) or bool(_HEADER.match(error.text))
    if behind[:1] in _BEGINS and (first in {0, error.line} or not is_entry):
        words = Words(
            "manca una virgola fra due voci dell'elenco",
            "a comma is missing between two entries of the list",
        )
        return Slip(error.line, words)
    return Slip(
        first or error.line,
        Words(
            "l'elenco che comincia qui non è chiuso: manca ]",
            "the list that begins here is not closed: ] is missing",
        ),
    )


def _open_table(error: _Error) -> Slip | None:
    if not error.said.startswith("Unclosed inline table"):
        return None
    return Slip(
        _opening(error, "{", "}") or error.line,
        Words(
            "ciò che sta fra { e } va su una riga sola, con virgole fra le voci",
            "what stands between { and } is on one line, with commas between its entries",
        ),
    )


def _opening(error: _Error, opens: str, closes: str) -> int:
    """Find the line in which a bracket was opened that is still open at an error; 0 for none."""
    for number in range(min(error.line, len(error.lines)), 0, -1):
        line = _STRING.sub('""', error.lines[number - 1]).split("#")[0]
        if line.count(opens) > line.count(closes) and not _is_header(line):
            return number
    return 0


def _is_header(line: str) -> bool:
    return "=" not in line and bool(_HEADER.match(line))


def _no_value(error: _Error) -> Slip | None:
    if not error.key or error.value:
        return None
    return Slip(
        error.line,
        Words(
            f"dopo {error.key} = manca il valore; se la voce non serve, cancellare la riga",
            f"the value is missing behind {error.key} =; delete the line if it is not needed",
        ),
        "",
    )


def _yes_or_no(error: _Error) -> Slip | None:
    if error.value.lower() not in _YES_NO:
        return None
    return Slip(
        error.line,
        Words(
            f"sì e no si scrivono true e false, minuscoli: {error.key} = true",
            f"yes and no are written true and false, in small letters: {error.key} = true",
        ),
        "",
    )


def _round_brackets(error: _Error) -> Slip | None:
    if not error.value.startswith("("):
        return None
    return Slip(
        error.line,
        Words(
            f"un elenco va fra parentesi quadre: {error.key} = [ … ]",
            f"a list stands in square brackets: {error.key} = [ … ]",
        ),
        "",
    )


def _decimal_comma(error: _Error) -> Slip | None:
    if not _DECIMAL.fullmatch(error.value):
        return None
    right = error.value.replace(",", ".")
    return Slip(
        error.line,
        Words(
            f"i decimali si scrivono con il punto: {error.key} = {right}",
            f"decimals are written with a point: {error.key} = {right}",
        ),
        "",
    )


def _no_quotes(error: _Error) -> Slip | None:
    value = error.value
    if not value or value[0] in "\"'[{":
        return None
    return Slip(
        error.line,
        Words(
            f"il testo dopo = va fra virgolette, anche numeri di telefono, orari e indirizzi: "
            f'{error.key} = "…"',
            f"text after = stands in quotes, telephone numbers, times and addresses too: "
            f'{error.key} = "…"',
        ),
        "",
    )


def _behind_value(error: _Error) -> Slip | None:
    if "after a statement" not in error.said or not error.key:
        return None
    behind = error.text[error.column - 1 :].strip() if error.column else ""
    if behind in {",", ";"}:
        it = f"togliere {behind} alla fine della riga"
        en = f"take {behind} away from the end of the line"
    elif behind.startswith("]"):
        it, en = "manca [ all'inizio dell'elenco", "[ is missing at the beginning of the list"
    elif error.value.startswith("'") and error.value.count("'") > 2:
        it = 'l\'apostrofo chiude il testo: usare le virgolette diritte, "così"'
        en = 'the apostrophe ends the text: use straight double quotes, "like this"'
    elif error.value.startswith('"') and error.value.count('"') > 2:
        it = "il testo finisce alla seconda virgoletta: dentro il testo usare « e »"
        en = "the text ends at its second quote: use ' or « and » within it"
    else:
        it = "dopo il valore non va altro: cancellarlo, o mettere # davanti a un commento"
        en = "nothing stands behind the value: delete it, or put # before a remark"
    return Slip(error.line, Words(it, en), "")


RULES: Final[tuple[Callable[[_Error], Slip | None], ...]] = (
    _odd_quotes, _hidden_spaces, _remark, _twice, _header, _open_quote, _open_list, _open_table,
    _control_signs, _back_stroke, _no_equals, _no_value, _yes_or_no, _round_brackets,
    _decimal_comma, _no_quotes, _behind_value,
)  # fmt: skip
"""In the order in which they are asked: what is seen in the line itself before what follows."""
