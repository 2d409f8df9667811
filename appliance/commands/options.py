"""Shared parts of the commands: options, the reader's language, sending, click's errors."""

from __future__ import annotations

import contextlib
import errno
import math
import os
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

import click

from appliance.errors import CentralinoError, ConfigurationError
from appliance.policy.text import NO_RIGHT, Refused, os_error_words
from appliance.text import ENGLISH, LANGUAGES, Words, _, by_language, joined, unchanged

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from appliance.api import commands
    from appliance.api.replies import R, Reply, Said
    from appliance.config.schema import Settings


# --config and --language are accepted anywhere on the line, and --help needs no configuration: it
# is read on a box whose configuration is wrong.

CONFIG: Final = "--config"
LANGUAGE: Final = "--language"
HELP: Final = "--help"
END: Final = "--"
LOCALES: Final = ("LC_ALL", "LC_MESSAGES", "LANG")
"""Environment variables with a person's language, by precedence."""
KNOWN_LOCALE: Final = re.compile(rf"({'|'.join(LANGUAGES)})(?:[_.@-]|$)", re.IGNORECASE)
DEFAULT_CONFIG: Final = Path("/etc/centralino/centralino.toml")
CONFIG_NAMED: Final = "CENTRALINO_CONFIG"
SITE, CHOSEN = "centralino.site_language", "centralino.language"
"""Keys in click's context of the site's language and of the requested one."""
NAMED: Final = "centralino.config"
"""Key in click's context of the named configuration, before any command reads it."""
NO_COMMAND: Final = _("There is no command “{}”.")
NEAR: Final = _(" Did you mean: {}?")
ALL: Final = _(" Those that there are: {} --help.")


def arranged(top: click.Group, words: Sequence[str]) -> list[str]:
    """Move `--config` and `--language` to the command that accepts them.

    An option that no command accepts stays in its place, for click to refuse.
    """
    told = list(words)
    # Some commands have a --language of their own: one before the command is that of the answers.
    own = len(told) - len(_behind_options(top, told, None) or told)
    told = [*told[:own], *_moved(top, told[own:], LANGUAGE, "language")]
    return _moved(top, told, CONFIG, "config_path")


def _moved(top: click.Group, words: list[str], option: str, parameter: str) -> list[str]:
    rest, taken = _without(words, option)
    if not taken:
        return words
    # The innermost that accepts it: `calls` and `calls transfer` both read a configuration.
    way, whole = [*_on_the_way(top, rest)], -1
    for place, command in (*reversed(way[:whole]), way[whole]):
        if any(each.name == parameter and option in each.opts for each in command.params):
            return [*rest[:place], *taken, *rest[place:]]
    return words


def _without(words: list[str], option: str) -> tuple[list[str], list[str]]:
    """Remove an option with its value from words; words after -- are left alone."""
    rest: list[str] = []
    taken: list[str] = []
    each = iter(words)
    for word in each:
        # Words after -- belong to another program.
        if word == END:
            return [*rest, word, *each], taken
        if word.startswith(f"{option}="):
            taken = [word]
        elif word == option:
            value = next(each, None)
            # An option without its value stays, for click to report.
            if value is None:
                return words, []
            taken = [word, value]
        else:
            rest.append(word)
    return rest, taken


def _on_the_way(top: click.Group, words: list[str]) -> Iterator[tuple[int, click.Command]]:
    """Yield the named commands, outer to inner, each with the position after its name.

    The top group comes last of all: its own options hold for every command.
    """
    command: click.Command = top
    context: click.Context | None = None
    place = 0
    while isinstance(command, click.Group):
        rest = _behind_options(command, words[place:], context)
        if rest is None or not rest or (inner := _named(command, rest[0])) is None:
            break
        place = len(words) - len(rest) + 1
        context, command = click.Context(command, parent=context), inner
        yield place, command
    yield 0, top


def _behind_options(
    group: click.Group, words: list[str], parent: click.Context | None
) -> list[str] | None:
    """Return the words after a group's own options; None for an unknown option."""
    with contextlib.suppress(click.UsageError):
        context = click.Context(group, parent=parent, resilient_parsing=True)
        _, left, _ = group.make_parser(context).parse_args(list(words))
        return left
    return None


def _named(group: click.Group, name: str) -> click.Command | None:
    return group.get_command(click.Context(group), name)


def innermost(
    context: click.Context, words: Sequence[str]
) -> tuple[click.Context, Sequence[str] | None]:
    """Return the context of the named command and the words after it, None for a wrong option.

    Raises UsageError for an unknown command.
    """
    # No group on the way is run: most read the configuration, which may be what is wrong.
    rest: list[str] | None = list(words)
    while rest and isinstance(context.command, click.Group):
        inner = _named(context.command, rest[0])
        if inner is None:
            raise _no_command(context, rest[0])
        context = click.Context(inner, info_name=rest[0], parent=context)
        rest = rest[1:]
        if isinstance(inner, click.Group):
            rest = _behind_options(inner, rest, context.parent)
    return context, rest


def asks_for_help(words: Sequence[str]) -> bool:
    """True if `--help` is among words before any --."""
    return HELP in (words[: words.index(END)] if END in words else words)


def _no_command(context: click.Context, name: str) -> click.UsageError:
    """Return the error for an unknown command, with similar names anywhere in the tree."""
    group = context.command
    assert isinstance(group, click.Group)
    way = " ".join(way_to(context))
    near = near_commands(name.lower(), way, group.list_commands(context))
    programme = context.find_root().command_path
    # Whole commands: of `centralino box status` "status" alone would not tell what to type.
    told = ", ".join(f"{programme} {each}" for each in near) or context.command_path
    more = NEAR if near else ALL
    said = joined("", (NO_COMMAND.filled(f"{way} {name}".strip()), more.filled(told)))
    return click.UsageError(in_language(said, context), context)


def way_to(context: click.Context) -> list[str]:
    """Return the words that led to a command, without the programme's name."""
    if context.parent is None:
        return []
    return [*way_to(context.parent), str(context.info_name)]


def near_commands(name: str, way: str, beside: Sequence[str]) -> list[str]:
    """Return up to three commands like a name typed after `way`, the nearest first.

    Beside are the names of that group; then what is called so, or was, elsewhere in the tree.
    """
    # Imported here: no running service needs it.
    import difflib

    from appliance.commands.tree import FORMER, paths

    found = [f"{way} {each}".strip() for each in difflib.get_close_matches(name, beside)]
    elsewhere = {" ".join(words): words[-1] for words in paths()}
    for former, present in FORMER.items():
        elsewhere.setdefault(present, former)
    same = [path for path, last in elsewhere.items() if name in (last, path)]
    if name in FORMER:
        same.append(FORMER[name])
    like = difflib.get_close_matches(name, elsewhere.values(), cutoff=0.65)
    more = [path for path, last in elsewhere.items() if last in like]
    return list(dict.fromkeys(same or found or more))[:3]


def language_of(
    settings: Settings | None = None,
    context: click.Context | None = None,
    file: Path | None = None,
) -> str:
    """Return the language of answers, of help and of errors.

    `--language`; else LANG's, if there are texts in it; else the configuration's first, of
    `settings` or of `file`, by default of the file that the command would read; else English.
    """
    if chosen := chosen_language(context):
        return chosen
    context = context or click.get_current_context(silent=True)
    if settings is not None:
        known = settings.site.languages[0]
    elif file is not None:
        known = _of_file(file)
    else:
        known = str(context.meta.get(SITE) or _of_site(context)) if context else ENGLISH
    return known if known in LANGUAGES else ENGLISH


def chosen_language(context: click.Context | None = None) -> str:
    """Return the requested language, by `--language` or LANG; "" for none."""
    context = context or click.get_current_context(silent=True)
    return str((context and context.meta.get(CHOSEN)) or _of_locale())


def in_language(words: Words, context: click.Context | None = None) -> str:
    """Return words in the reader's language."""
    return words.text(language_of(None, context))


def words_said(error: Exception) -> Words:
    """Return an error's text in every language, in English if it has only that."""
    words = getattr(error, "words", None)
    return words if isinstance(words, Words) else unchanged(error)


def note_config(context: click.Context, words: Sequence[str]) -> None:
    """Store the configuration named by the words."""
    _, taken = _without(list(words), CONFIG)
    if taken:
        context.meta[NAMED] = taken[-1].removeprefix(f"{CONFIG}=")


def note_chosen(context: click.Context, _: click.Parameter, language: str | None) -> None:
    """Store the requested language."""
    # A command's own option that was not given leaves the one before the command as it is.
    if language:
        context.meta[CHOSEN] = language


def note_site(language: str) -> None:
    """Store the site's first language for later messages."""
    if context := click.get_current_context(silent=True):
        context.meta[SITE] = language


def _of_site(context: click.Context) -> str:
    """Return the first language of the configuration that the command would read; "" for none."""
    return _of_file(Path(context.meta.get(NAMED) or os.environ.get(CONFIG_NAMED) or DEFAULT_CONFIG))


def _of_file(path: Path) -> str:
    # Imported here: it is needed only after an error.
    from appliance.config import read as config

    return config.language_in(path)


def _of_locale() -> str:
    """Return the environment's language; "" for one that no text is in, such as C."""
    said = next((value for name in LOCALES if (value := os.environ.get(name))), "")
    found = KNOWN_LOCALE.match(said)
    return found[1].lower() if found else ""


Command = Callable[..., Any]


def config_option(command: Command) -> Command:
    """Add --config, also read from the environment."""
    return click.option(
        "--config",
        "config_path",
        type=click.Path(path_type=Path),
        default=DEFAULT_CONFIG,
        envvar=CONFIG_NAMED,
        show_default=True,
        help="The configuration file.",
    )(command)


def language_option(command: Command) -> Command:
    """Add --language for the answers of a command."""
    return click.option(
        "--language",
        type=click.Choice(LANGUAGES),
        callback=note_chosen,
        expose_value=False,
        help="In which to answer: else LANG's, else the site's.",
    )(command)


class Real(click.FloatRange):
    """Range of numbers with decimals; click's own takes NaN, which is in none."""

    def convert(
        self, value: str | float, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return the number; refuses NaN like a number beyond the bounds."""
        number: float = super().convert(value, param, ctx)
        if math.isnan(number):
            self.fail(f"{number} is not in the range {self._describe_range()}.", param, ctx)
        return number


def load_settings(path: Path) -> Settings:
    """Read the configuration; raises ConfigurationError with all mistakes."""
    # Imported here: `centralino run` reads its configuration in a child (service/jobs.py).
    from appliance.config import read as config

    try:
        settings = config.load(path)
    # A file with mistakes may still name its language, for the message.
    except ConfigurationError:
        note_site(config.language_in(path))
        raise
    note_site(settings.site.languages[0])
    return settings


def control_socket_path(settings: Settings) -> Path:
    """Return the path of call control's socket."""
    return Path(settings.folders.run) / "desk.sock"


def ask(settings: Settings, command: commands.Command[Reply]) -> dict[str, Any]:
    """Send call control a command and return its reply as JSON; raises OfficeError."""
    from appliance.api import protocol

    return protocol.ask(control_socket_path(settings), command.arguments())


def send(settings: Settings, command: commands.Command[R], limit_s: float = 5.0) -> R:
    """Send call control a command and return its reply; raises OfficeError."""
    # Imported here: most commands read the database and send nothing.
    from appliance.api import protocol

    return protocol.send(control_socket_path(settings), command, limit_s)


def send_and_say(settings: Settings, command: commands.Command[Said]) -> None:
    """Send call control a command and print its reply; raises OfficeError."""
    click.echo(send(settings, command).said.text(language_of(settings)))


def send_with_proof(
    settings: Settings, command: commands.ProvenCommand[R], limit_s: float = 5.0
) -> R:
    """Send a command as the box's administrator, without a user; raises OfficeError."""
    # Writing into the state folder proves the administrator (api.users.proof).
    from appliance.api import users

    with users.proof(Path(settings.folders.state)) as word:
        return send(settings, replace(command, proof=word), limit_s)


def in_site_language(settings: Settings, words: Words) -> str:
    """Return words in the reader's language, else the site's first."""
    return words.text(language_of(settings))


@contextlib.contextmanager
def reading(settings: Settings) -> Iterator[sqlite3.Connection]:
    """Open the database read-only, also while the service runs; raises Refused, StoreError."""
    from appliance.store.database import migrations, open_reader, records_made

    path = records_made(Path(settings.folders.state))
    connection = open_reader(path)
    try:
        # SQLite keeps the number of the last migration in user_version.
        version = int(connection.execute("PRAGMA user_version").fetchone()[0])
        # Only the next start of call control migrates an older version's database.
        if version < migrations()[-1][0]:
            raise Refused(
                _("the records at {path} are of an older version: start centralino", path=path),
            )
        yield connection
    finally:
        connection.close()


def person_of(settings: Settings) -> Callable[[str], str]:
    """Return what tells a login's own name; the login where the records cannot be read."""
    from appliance.store.users import everybody

    # Who did something is worth a line also without the names.
    with contextlib.suppress(CentralinoError, OSError), reading(settings) as connection:
        names = {user.name: user.shown for user in everybody(connection) if user.shown}
        return lambda login: names.get(login, login)
    return str


# Errors of the command line: click has them in English only.

USAGE_HEAD: Final = _("Usage: ")
HELP_HINT: Final = _("Help: {command} {option}")
METAVARS: Final = (_("[OPTIONS]"), _("COMMAND [ARGS]..."))
"""click's words for what a command takes."""
ERROR: Final = _("Error: {}")
ABORTED: Final = _("Aborted!")
MISSING: Final = {
    "argument": _("missing argument {names}"),
    "option": _("missing option {names}"),
}
CHOOSE: Final = _("{problem}. Possible values: {values}")
BAD: Final = _("invalid value for {names}: {reason}")
NO_OPTION: Final = _("there is no option {name}.")
EXTRA: Final = _("unexpected arguments: {values}")
VALUES: Final = _("{wanted} values are needed, not {given}")
DENIED: Final = frozenset({errno.EACCES, errno.EPERM})
TOLD: Final = DENIED | {
    errno.EDQUOT, errno.EEXIST, errno.EFBIG, errno.EIO, errno.EISDIR,
    errno.ENOENT, errno.ENOSPC, errno.ENOTDIR, errno.EROFS,
}  # fmt: skip
"""Errors of files and disks that the person at the terminal can mend; others are our faults."""
AT_FILE: Final = _("{path}: {why}")
# Sentence by click's English text, which its English readers see; other texts stay.
REASONS: Final = tuple(
    (re.compile(pattern, re.DOTALL), words)
    for pattern, words in (
        (r"(?P<value>.+) is not a valid integer(?: range)?\.", _("{value} is not an integer")),
        (r"(?P<value>.+) is not a valid float(?: range)?\.", _("{value} is not a number")),
        (
            r"(?P<value>.+) is not a valid boolean\.",
            _("{value} is neither yes nor no (true, false)"),
        ),
        (
            r"(?P<value>.+) is not in the range (?P<range>.+)\.",
            _("{value} is not among the allowed values ({range})"),
        ),
        (
            r"(?P<value>.+) is not one of (?P<values>.+)\.",
            _("{value} is not among the possible values: {values}"),
        ),
        (
            r"(?P<value>.+) does not match the formats? (?P<form>.+)\.",
            _("{value} is not written like this: {form}"),
        ),
        (
            r"(?:File|Directory|Path) (?P<path>.+) does not exist\.",
            _("{path} is not there: look at the path"),
        ),
        (
            r"(?:File|Directory|Path) (?P<path>.+) is a file\.",
            _("{path} is a file: name a folder"),
        ),
        (
            r"(?:File|Directory|Path) (?P<path>.+) is a directory\.",
            _("{path} is a folder: name a file"),
        ),
        (r"(?:File|Directory|Path) (?P<path>.+) is not readable\.", _("{path} cannot be read")),
        (
            r"(?:File|Directory|Path) (?P<path>.+) is not writable\.",
            _("{path} cannot be written"),
        ),
        (r"(?P<value>.+) is not (?P<wanted>'.+')\.", _("{value} is not {wanted}")),
        (r"Got unexpected extra arguments? \((?P<values>.+)\)", EXTRA),
        (r"Option (?P<option>.+) does not take a value\.", _("option {option} takes no value")),
        (r"Option (?P<option>.+) requires an argument\.", _("option {option} needs a value")),
        (
            r"Option (?P<option>.+) requires (?P<wanted>\d+) arguments\.",
            _("option {option} needs {wanted} values"),
        ),
        (
            r"Argument (?P<argument>.+) takes (?P<wanted>\d+) values\.",
            _("argument {argument} needs {wanted} values"),
        ),
        (r"Takes (?P<wanted>\d+) values but (?P<given>\d+) (?:was|were) given\.", VALUES),
        (
            r"(?P<wanted>\d+) values are required, but (?P<given>\d+) (?:was|were) given\.",
            VALUES,
        ),
        (r"Missing command\.", _("the command is missing")),
    )
)


class ShownError(click.ClickException):
    """An error as printed, after the usage if the command line is wrong."""

    def __init__(self, sentence: str, head: str, exit_code: int) -> None:
        super().__init__(sentence)
        self.head = head
        self.exit_code = exit_code

    def show(self, file: IO[Any] | None = None) -> None:
        """Write the error to standard error."""
        click.echo(f"{self.head}{self.message}", file=file or sys.stderr)


@contextlib.contextmanager
def translated_errors(context: click.Context | None = None) -> Iterator[None]:
    """Turn an error into a ShownError in the reader's language."""
    try:
        yield
    except CentralinoError as error:
        said = ERROR.filled(words_said(error))
        raise ShownError(in_language(said, context), "", 1) from error
    # Translated already, by a command within this one.
    except ShownError:
        raise
    except click.ClickException as error:
        within = getattr(error, "ctx", None) or context
        language = language_of(None, within)
        # click's own text is English.
        if language == ENGLISH:
            raise
        head = _usage(within, language) if isinstance(error, click.UsageError) and within else ""
        said = ERROR.filled(click_error_words(error))
        raise ShownError(said.text(language), head, error.exit_code) from error
    except click.Abort as error:
        raise ShownError(in_language(ABORTED, context), "", 1) from error
    except KeyboardInterrupt as error:  # the terminal has written ^C
        raise ShownError(in_language(ABORTED, context), "\n", 1) from error
    except OSError as error:
        # A service's traceback belongs into the journal; a closed pipe is click's to end silently.
        if error.errno not in TOLD or _is_service(context):
            raise
        _drop_output()
        said = ERROR.filled(system_error_words(error))
        raise ShownError(in_language(said, context), "", 1) from error


def system_error_words(error: OSError) -> Words:
    """Return what hindered a command: the file and what to do, sudo where that is missing."""
    path = error.filename
    if path is None or error.errno not in TOLD:
        return os_error_words(error)
    path = os.fsdecode(path) if isinstance(path, bytes) else path
    if error.errno in DENIED and os.geteuid() != 0:
        return NO_RIGHT.filled(path=path)
    return AT_FILE.filled(path=path, why=os_error_words(error))


def open_closed_streams() -> None:
    """Let nothing be read or written where a shell has closed one of the three streams (`>&-`).

    Otherwise the next file or socket that opens is taken for it, and Python has no object there.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            # The lowest free number is given, so these are opened in order.
            os.open(os.devnull, os.O_RDWR)
        if getattr(sys, name) is None:
            stream = os.fdopen(number, "r" if number == 0 else "w", closefd=False)
            setattr(sys, name, stream)


def flush_output() -> None:
    """Write out what was printed while an error can still be reported; raises OSError."""
    sys.stdout.flush()


@contextlib.contextmanager
def made_folder(folder: Path) -> Iterator[None]:
    """Make a folder for an export; remove it again where nothing could be written into it."""
    is_new = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        yield
    except BaseException:
        if is_new:
            with contextlib.suppress(OSError):
                folder.rmdir()
        raise


def _drop_output() -> None:
    # Python writes the rest at its exit: what cannot be written would fail once more there.
    try:
        sys.stdout.flush()
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def _is_service(context: click.Context | None) -> bool:
    from appliance.commands.tree import SERVICES

    return context is not None and way_to(context)[:1] in [[name] for name in SERVICES]


def require_state(settings: Settings) -> Path:
    """Return the state folder; raises PermissionError where this account may not look into it.

    For commands that take a missing file for "nothing yet": a closed one is not missing.
    """
    state = Path(settings.folders.state)
    with contextlib.suppress(FileNotFoundError):
        (state / ".").stat()
        if not os.access(state, os.X_OK, effective_ids=True):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(state))
    return state


def click_error_words(error: click.ClickException) -> Words:
    """Return an error of click as a sentence; one of ours is in the reader's language already."""
    match error:
        case click.MissingParameter():
            return _missing(error)
        case click.BadParameter() if error.param is not None or error.param_hint is not None:
            return BAD.filled(names=_parameter_names(error), reason=_reason(error.message))
        case click.NoSuchOption():
            said = NO_OPTION.filled(name=error.option_name)
            near = ", ".join(sorted(error.possibilities or ()))
            return joined("", (said, NEAR.filled(near))) if near else said
    return _reason(error.format_message())


def _missing(error: click.MissingParameter) -> Words:
    kind = error.param_type or (error.param.param_type_name if error.param else "")
    names = _parameter_names(error)
    sentence = MISSING.get(kind, MISSING["argument"]).filled(names=names)
    # A parameter may have no name.
    said = by_language(lambda language: sentence.text(language).rstrip())
    choice = error.param.type if error.param else None
    if isinstance(choice, click.Choice):
        return CHOOSE.filled(problem=said, values=", ".join(choice.choices))
    return said


def _parameter_names(error: click.BadParameter) -> str:
    hint = error.param_hint
    if hint is None and error.param is not None and error.ctx is not None:
        hint = error.param.get_error_hint(error.ctx)
    if isinstance(hint, str):
        return hint
    names: list[str] = list(hint or ())
    return " / ".join(map(repr, names))


def _reason(english: str) -> Words:
    for pattern, words in REASONS:
        if found := pattern.fullmatch(english):
            return words.filled(**found.groupdict())
    return unchanged(english)


def usage_pieces(context: click.Context, language: str) -> str:
    """Return what a command takes, behind its name."""
    pieces = " ".join(context.command.collect_usage_pieces(context))
    for words in METAVARS:
        pieces = pieces.replace(str(words), words.text(language))
    return pieces


def _usage(context: click.Context, language: str) -> str:
    """Return the command's usage and the hint to its help."""
    formatter = context.make_formatter()
    pieces = usage_pieces(context, language)
    formatter.write_usage(context.command_path, pieces, prefix=USAGE_HEAD.text(language))
    names = context.help_option_names
    if names:
        hint = HELP_HINT.filled(command=context.command_path, option=names[0])
        formatter.write(f"{hint.text(language)}\n")
    return f"{formatter.getvalue()}\n"
