"""Click's own errors in the reader's language: click says them in English alone."""

from __future__ import annotations

import contextlib
import re
import sys
from typing import IO, TYPE_CHECKING, Any, Final

import click

from appliance.commands.options import in_language, language_of, words_said
from appliance.errors import CentralinoError
from appliance.policy.text import Words

if TYPE_CHECKING:
    from collections.abc import Iterator

HEAD: Final = "Uso: "
HINT: Final = "Aiuto: {} {}\n"
METAVARS: Final = (
    ("[OPTIONS]", "[OPZIONI]"),
    ("COMMAND [ARGS]...", "COMANDO [ARGOMENTI]..."),
)
ERROR: Final = Words("Errore: {}", "Error: {}")
ABORTED: Final = Words("Interrotto.", "Aborted!")
MISSING: Final = {"argument": "manca l'argomento", "option": "manca l'opzione"}
CHOOSE: Final = "{}. Valori possibili: {}"
BAD: Final = "valore non valido per {}: {}"
NO_OPTION: Final = "l'opzione {} non c'è."
NEAR: Final = " Forse: {}?"
REASONS: Final = tuple(
    (re.compile(english, re.DOTALL), italian)
    for english, italian in (
        (r"(.+) is not a valid integer(?: range)?\.", "{} non è un numero intero"),
        (r"(.+) is not a valid float(?: range)?\.", "{} non è un numero"),
        (r"(.+) is not a valid boolean\.", "{} non è né sì né no (true, false)"),
        (r"(.+) is not in the range (.+)\.", "{} non è fra i valori ammessi ({})"),
        (r"(.+) is not one of (.+)\.", "{} non è fra i valori possibili: {}"),
        (r"(.+) does not match the formats? (.+)\.", "{} non è scritto così: {}"),
        (r"(?:File|Directory|Path) (.+) does not exist\.", "{} non c'è: controllare il percorso"),
        (r"(?:File|Directory|Path) (.+) is a file\.", "{} è un file: indicare una cartella"),
        (r"(?:File|Directory|Path) (.+) is a directory\.", "{} è una cartella: indicare un file"),
        (r"(?:File|Directory|Path) (.+) is not readable\.", "{} non si può leggere"),
        (r"(?:File|Directory|Path) (.+) is not writable\.", "{} non si può scrivere"),
        (r"(.+) is not ('.+')\.", "{} non è {}"),
        (r"Got unexpected extra arguments? \((.+)\)", "argomenti di troppo: {}"),
        (r"Option (.+) does not take a value\.", "l'opzione {} non vuole un valore"),
        (r"Option (.+) requires an argument\.", "l'opzione {} vuole un valore"),
        (r"Option (.+) requires (\d+) arguments\.", "l'opzione {} vuole {} valori"),
        (r"Argument (.+) takes (\d+) values\.", "l'argomento {} vuole {} valori"),
        (r"Takes (\d+) values but (\d+) (?:was|were) given\.", "servono {} valori, non {}"),
        (r"(\d+) values are required, but (\d+) (?:was|were) given\.", "servono {} valori, non {}"),
        (r"Missing command\.", "manca il comando"),
    )
)
"""What click says of a value or a line, and the same in Italian; what it says else stays."""


class Answer(click.ClickException):
    """An error as its reader gets it: for a mistake of use the usage stands above it."""

    def __init__(self, sentence: str, head: str, exit_code: int) -> None:
        super().__init__(sentence)
        self.head = head
        self.exit_code = exit_code

    def show(self, file: IO[Any] | None = None) -> None:
        """Write it to standard error."""
        click.echo(f"{self.head}{self.message}", file=file or sys.stderr)


@contextlib.contextmanager
def answered(context: click.Context | None = None) -> Iterator[None]:
    """Turn what goes wrong within into an Answer in the language of whoever reads it."""
    try:
        yield
    except CentralinoError as error:
        sentence = in_language(words_said(error), context)
        raise Answer(in_language(ERROR, context).format(sentence), "", 1) from error
    except Answer:
        raise
    except click.ClickException as error:
        within = getattr(error, "ctx", None) or context
        if language_of(None, within) != "it":
            raise
        head = _usage(within) if isinstance(error, click.UsageError) and within else ""
        raise Answer(ERROR.it.format(italian(error)), head, error.exit_code) from error
    except click.Abort as error:
        raise Answer(in_language(ABORTED, context), "", 1) from error


def italian(error: click.ClickException) -> str:
    """Say an error of click's in Italian; a sentence of our own is said already."""
    match error:
        case click.MissingParameter():
            return _missing(error)
        case click.BadParameter() if error.param is not None or error.param_hint is not None:
            return BAD.format(_named(error), _reason(error.message))
        case click.NoSuchOption():
            near = ", ".join(sorted(error.possibilities or ()))
            return NO_OPTION.format(error.option_name) + (NEAR.format(near) if near else "")
    return _reason(error.format_message())


def _missing(error: click.MissingParameter) -> str:
    kind = error.param_type or (error.param.param_type_name if error.param else "")
    said = f"{MISSING.get(kind, MISSING['argument'])} {_named(error)}".rstrip()
    choice = error.param.type if error.param else None
    if isinstance(choice, click.Choice):
        return CHOOSE.format(said, ", ".join(choice.choices))
    return said


def _named(error: click.BadParameter) -> str:
    hint = error.param_hint
    if hint is None and error.param is not None and error.ctx is not None:
        hint = error.param.get_error_hint(error.ctx)
    if isinstance(hint, str):
        return hint
    names: list[str] = list(hint or ())
    return " / ".join(map(repr, names))


def _reason(english: str) -> str:
    for pattern, said in REASONS:
        if found := pattern.fullmatch(english):
            return said.format(*found.groups())
    return english


def _usage(context: click.Context) -> str:
    """Write how the command is used, and where its help is."""
    formatter = context.make_formatter()
    pieces = " ".join(context.command.collect_usage_pieces(context))
    for english, said in METAVARS:
        pieces = pieces.replace(english, said)
    formatter.write_usage(context.command_path, pieces, prefix=HEAD)
    names = context.help_option_names
    hint = HINT.format(context.command_path, names[0]) if names else ""
    return f"{formatter.getvalue()}{hint}\n"
