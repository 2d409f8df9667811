"""`centralino box settings set|diff|history|undo|confirm`: this box's own settings, from the shell.

Also root's helper, which does what a technician asks for in the browser (`set --asked`).
"""

from __future__ import annotations

import contextlib
import dataclasses
import difflib
import getpass
import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypedDict, TypeVar
from zoneinfo import ZoneInfo

import click

from appliance.commands.answering import (
    PASSWORD,
    answering,
    ask_secret,
    both_option,
    in_language_of_site,
    lines_of,
)
from appliance.commands.json_output import json_option, say_json
from appliance.commands.options import (
    NEAR,
    config_option,
    control_socket_path,
    in_language,
    load_settings,
    person_of,
    require_state,
)
from appliance.config import read, schema
from appliance.config.differences import effects_of, listed
from appliance.config.editing import (
    IN_THE_FILE,
    NO_ROW,
    AddRow,
    Change,
    ClearValue,
    Judged,
    RemoveRow,
    SetSecret,
    SetValue,
    changes_json,
)
from appliance.config.office import state_folder_of
from appliance.config.schema import shown_value
from appliance.config.setting_names import EFFECT_WORDS, NAMES, ROWS, Effect
from appliance.config.settings_files import Entry, SettingsFile
from appliance.config.settings_trial import BY_ITSELF, ClockReading, digest_of
from appliance.errors import CentralinoError
from appliance.policy.forms import FormProblem, FormRefused
from appliance.policy.hours import WEEKDAYS, moment_words
from appliance.policy.text import Refused, error_text_words, words_of
from appliance.text import NOTHING, Words, _, by_language, in_context, joined, unchanged

if TYPE_CHECKING:
    from appliance.api.replies import Reply
    from appliance.api.technician_replies import SettingsDone
    from appliance.service.settings import SettingsRequest
    from appliance.service.settings_engine import Engine

CONSOLE_UNIT: Final = "centralino-console.service"
STOP_S: Final = 30.0
ANSWERED_S: Final = 3.0
"""Seconds in which the answer reaches the browser before the console restarts."""
F = TypeVar("F", bound=Callable[..., object])

NO_ROOT: Final = _("the file is the administrator's: use sudo")
NO_CHANGE: Final = _("name a change: KEY=VALUE, --clear KEY, --add or --remove TABLE.NAME")
NO_PAIR: Final = _("{text!r} is no change: write KEY=VALUE, e.g. retention.calls_days=365")
NO_SWITCH: Final = _("{key}: write yes or no")
NO_NUMBER: Final = _("{key}: write a number")
NO_HISTORY: Final = _("Nothing was changed so far.")
NO_SUCH_ROW: Final = _("there is no {name}: {names}")
UNKNOWN_KEY: Final = _("is no setting: `centralino box settings show` lists them.")
CONFIRM: Final = _("To keep it: centralino box settings confirm")
CHANGE_ANYWAY: Final = _("Change it all the same?")
UNCHANGED: Final = _("nothing was changed: with --yes it is changed without asking")
CONSOLE: Final = _("Restart the console for it: sudo systemctl restart centralino-console")
_SWITCH: Final = {
    **dict.fromkeys(("yes", "true", "on", "sì", "si", "ja"), True),
    **dict.fromkeys(("no", "false", "off", "nein"), False),
}


# ---- changes from the command line ---------------------------------------------------------------


def changes_option(command: F) -> F:
    """Add the words that name changes."""
    for option in (
        click.option("--remove", multiple=True, metavar="TABLE.NAME", help="A line or phone."),
        click.option("--add", multiple=True, metavar="TABLE.NAME", help="A new line or phone."),
        click.option("--clear", multiple=True, metavar="KEY", help="Back to its default."),
        click.argument("values", nargs=-1, metavar="[KEY=VALUE]..."),
    ):
        command = option(command)
    return command


def changes_from(
    values: Sequence[str],
    clear: Sequence[str],
    add: Sequence[str],
    remove: Sequence[str],
    secrets: Sequence[SetSecret] = (),
) -> tuple[Change, ...]:
    """Return the changes that the words name; raises Refused."""
    rows = [(AddRow, one.partition(".")) for one in add]
    gone = [(RemoveRow, one.partition(".")) for one in remove]
    found: list[Change] = [kind(table, name) for kind, (table, _dot, name) in (*gone, *rows)]
    found += [*(ClearValue(key) for key in clear), *secrets]
    for text in values:
        key, sign, value = text.partition("=")
        if not sign:
            raise Refused(NO_PAIR.filled(text=text))
        found.append(_set(key.strip(), value))
    if not found:
        raise Refused(NO_CHANGE)
    return tuple(found)


def _set(key: str, text: str) -> SetValue:
    """Return a value of the type that its key has; raises Refused."""
    kind = _default_of(key)
    if isinstance(kind, bool):
        if text.lower() not in _SWITCH:
            raise Refused(NO_SWITCH.filled(key=key))
        return SetValue(key, _SWITCH[text.lower()])
    if isinstance(kind, tuple):
        return SetValue(key, tuple(one.strip() for one in text.split(",") if one.strip()))
    if isinstance(kind, int | float):
        try:
            return SetValue(key, type(kind)(text.replace(",", ".")))
        except ValueError as error:
            raise Refused(NO_NUMBER.filled(key=key)) from error
    return SetValue(key, text)


def _default_of(key: str) -> object:
    """Return the default of a key, "" for an unknown one."""
    *tables, name = key.split(".")
    if name in WEEKDAYS:
        return ()
    kind = _kind_of(tables[0] if tables else "")
    if not dataclasses.is_dataclass(kind):
        return ""
    defaults = {one.name: one.default for one in dataclasses.fields(kind)}
    return defaults.get(name, "")


def _kind_of(table: str) -> Any:
    """Return the class of a table, or of an array's rows; None for an unknown one."""
    kinds: dict[str, Any] = {one.name: one for one in dataclasses.fields(schema.Settings)}
    if table in ROWS:
        return {"lines": schema.Line, "phones": schema.Phone}[table]
    if table not in kinds:
        return None
    return {"site": schema.Site, "sip": schema.Sip}.get(table, type(kinds[table].default))


# ---- the box -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Box:
    """This box's configuration, read and written here."""

    config: Path

    @property
    def file(self) -> SettingsFile:
        """The file with its history."""
        state = state_folder_of(self.config).absolute()
        return SettingsFile(self.config.absolute(), state, datetime.now(UTC).year)

    @property
    def engine(self) -> Engine:
        """What acts on the file."""
        from appliance.service.settings_engine import Engine

        return Engine(self.file, self.config)

    def check_rights(self) -> None:
        """Raise Refused where this account may not replace the file."""
        if not self.file.may_write():
            raise Refused(NO_ROOT)

    def act(self, asked: SettingsRequest) -> Words:
        """Do it, tell a running service, return what was done; raises as `Engine.do`."""
        self.check_rights()
        done = self.engine.write(asked, moment())
        self._tell(asked, done)
        said = [done.said, *(one.words for one in done.differences)]
        said += [one.words for one in done.effects]
        if any(one.effect == Effect.CONSOLE for one in done.effects):
            said.append(CONSOLE)
        if done.trial_s:
            said.append(CONFIRM)
        return lines_of(said)

    def _tell(self, asked: SettingsRequest, done: SettingsDone) -> None:
        from appliance.api.protocol import NotRunningError, send
        from appliance.api.technician_commands import ReportSettings
        from appliance.service.settings import needs

        reads = needs(done, Effect.CALL_CONTROL)
        told = ReportSettings(by=asked.by, act=asked.act, number=done.number, reads=reads)
        # Not running: it reads the file as it starts.
        with contextlib.suppress(NotRunningError):
            send(control_socket_path(load_settings(self.config)), told, limit=30.0)


def moment() -> ClockReading:
    """Return the present moment."""
    from appliance.service.clock import Sources

    return ClockReading(
        datetime.now(UTC).replace(microsecond=0), time.monotonic(), Sources().boot_id()
    )


def _shell() -> str:
    from appliance.store.users import SHELL

    return f"{SHELL}{getpass.getuser()}"


def problems_words(config: Path, problems: Sequence[FormProblem]) -> Words:
    """Return problems, one a line."""
    return lines_of(
        joined(": ", (unchanged(one.place), _in_the_shell(config, one))) for one in problems
    )


def _in_the_shell(config: Path, problem: FormProblem) -> Words:
    """Return a problem's words; the page's own sentences say nothing about a mistyped name."""
    table, _dot, rest = problem.place.partition(".")
    said = str(problem.words)
    if said == str(NO_ROW) and table in ROWS:
        rows = ", ".join(one.name for one in getattr(load_settings(config), table))
        return NO_SUCH_ROW.filled(name=rest.partition(".")[0], names=rows or "-")
    if said not in {str(NO_ROW), str(IN_THE_FILE)} or _is_known(problem.place):
        return problem.words
    near = difflib.get_close_matches(_without_row(problem.place), _known_keys(), 1)
    return joined("", (UNKNOWN_KEY, NEAR.filled(near[0]))) if near else UNKNOWN_KEY


def _known_keys() -> list[str]:
    return [f"{table}.{name}" for table, names in NAMES.items() for name in names]


def _without_row(key: str) -> str:
    table, *rest = key.split(".")
    return f"{table}.{rest[-1]}" if table in ROWS and len(rest) > 1 else key


def _is_known(key: str) -> bool:
    """Tell whether the configuration has such a key, also one that is changed in the file."""
    table, *rest = key.split(".")
    if not rest or (kind := _kind_of(table)) is None:
        return table in {one.name for one in dataclasses.fields(schema.Settings)}
    # What lies deeper, or in rows without a name, is for the file: nothing is known to be wrong.
    if not dataclasses.is_dataclass(kind) or len(rest) > 1 + (table in ROWS):
        return True
    return rest[-1] in {one.name for one in dataclasses.fields(kind)}


@contextlib.contextmanager
def _with_problems(config: Path) -> Any:
    """Turn a refused form into its problems in words."""
    try:
        yield
    except FormRefused as error:
        raise Refused(problems_words(config, error.problems)) from error


# ---- root's helper -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SettingsHelper:
    """Root's helper for a configuration; `run` is call control's run folder."""

    config: Path
    run: Path
    restart: Callable[[str], None] = lambda unit: _try_restart(unit, ANSWERED_S)

    def turn(self) -> Words:
        """Do what is asked for, and write the answer; NOTHING if nothing is. Raises OSError."""
        from appliance.service import settings as service

        # Taken first: systemd starts this helper again as long as the request exists.
        asked = service.take_request(self.run)
        if asked is None:
            return NOTHING
        try:
            done = Box(self.config).engine.write(asked, moment())
        except (CentralinoError, OSError) as error:
            service.write_answer(self.run, asked, refusal_of(error))
            return words_of(error)
        service.write_answer(self.run, asked, done)
        # Call control restarts itself when nobody is on the phone; the console at once.
        if service.needs(done, Effect.CONSOLE):
            self.restart(CONSOLE_UNIT)
        return done.said


def refusal_of(error: CentralinoError | OSError) -> CentralinoError:
    """Return an error as it is answered: one of the system's is refused with its reason."""
    if isinstance(error, CentralinoError):
        return error
    return Refused(_("it cannot be done: {why}", why=words_of(error)))


# ---- call control's child ------------------------------------------------------------------------


@click.command(hidden=True)
@config_option
def serve(config_path: Path) -> None:
    """Answer call control's requests, one a line, until its end of the pipe is closed."""
    from appliance.service.settings import answer_text, request_of

    for line in sys.stdin:
        if (asked := request_of(line)) is None:
            continue
        try:
            answer: Reply | CentralinoError = Box(config_path).engine.do(asked, moment())
        except (CentralinoError, OSError) as error:
            answer = refusal_of(error)
        click.echo(answer_text(asked, answer))


def _try_restart(unit: str, after_s: float = 0.0) -> None:
    """Restart a unit that runs after some seconds, without waiting for it; raises Refused."""
    time.sleep(after_s)
    done = subprocess.run(
        ("systemctl", "--no-block", "try-restart", unit),
        capture_output=True, timeout=STOP_S, check=False, text=True,
    )  # fmt: skip
    if done.returncode:
        why = error_text_words(" ".join(done.stderr.split())[:200])
        raise Refused(_("systemd has not done it ({why}): see the journal", why=why))


# ---- commands ------------------------------------------------------------------------------------


@click.command("set")
@changes_option
@click.option("--mail-password", is_flag=True, help="Asked for, and not shown.")
@click.option("--trial", is_flag=True, help="Undone after a minute unless it is confirmed.")
@click.option("--yes", is_flag=True, help="Also take the last telephone away without asking.")
@click.option(
    "--asked", is_flag=True, hidden=True, help="What was asked for in the browser (systemd, root)."
)
@click.option(
    "--run", type=click.Path(path_type=Path), hidden=True, help="Where it is asked, with --asked."
)
@config_option
@both_option
def set_settings(
    values: tuple[str, ...],
    clear: tuple[str, ...],
    add: tuple[str, ...],
    remove: tuple[str, ...],
    config_path: Path,
    run: Path | None,
    *,
    mail_password: bool,
    trial: bool,
    yes: bool,
    asked: bool,
    as_json: bool,
) -> None:
    """Change settings, all of them or none; no running call ends for it."""
    from appliance.service.settings import SettingsRequest

    with answering(config_path, as_json=as_json) as say, _with_problems(config_path):
        if asked and run is not None:
            if (said := SettingsHelper(config_path, run).turn()) != NOTHING:
                say(said)
            return
        box, secret = Box(config_path), list[SetSecret]()
        # A password is asked for once it can be of use.
        box.check_rights()
        if mail_password:
            secret = [SetSecret("mail.password", ask_secret(in_language(PASSWORD)))]
        changes = changes_from(values, clear, add, remove, secret)
        base = digest_of(box.file.text)
        if not yes:
            _ask_whether_meant(config_path, box.file.judge(changes))
        told = changes_json(changes)
        say(box.act(SettingsRequest("apply", _shell(), told, base, trial or None)))


def _ask_whether_meant(config: Path, judged: Judged) -> None:
    """Say what a change takes from callers, and ask; raises Refused without a yes."""
    # What cannot be applied is refused, not asked about.
    if judged.problems or not judged.warnings:
        return
    click.echo(in_language_of_site(config, lines_of(judged.warnings)), err=True)
    is_meant = False
    # Nobody answers a script: it is told the option.
    with contextlib.suppress(click.Abort):
        is_meant = click.confirm(in_language_of_site(config, CHANGE_ANYWAY), err=True)
    if not is_meant:
        raise Refused(UNCHANGED)


@click.command()
@changes_option
@config_option
@both_option
def diff(
    values: tuple[str, ...],
    clear: tuple[str, ...],
    add: tuple[str, ...],
    remove: tuple[str, ...],
    config_path: Path,
    *,
    as_json: bool,
) -> None:
    """Say what changes would do, in words; nothing is changed."""
    with answering(config_path, as_json=as_json) as say:
        judged = Box(config_path).file.judge(changes_from(values, clear, add, remove))
        if judged.problems:
            raise Refused(problems_words(config_path, judged.problems))
        said = [*(one.words for one in judged.differences), *judged.warnings]
        say(lines_of([*said, *(EFFECT_WORDS[one] for one in effects_of(judged.differences))]))


class ChangeRow(TypedDict):
    """A change of the settings; `automatic`: the box itself undid a trial."""

    number: int
    at: datetime
    by: str
    name: str
    automatic: bool
    changes: list[Words]


@click.command()
@config_option
@json_option
def history(config_path: Path, *, as_json: bool) -> None:
    """List the newest changes of this box's settings: number, when, who, what."""
    with answering(config_path, as_json=as_json) as say:
        box, settings = Box(config_path), load_settings(config_path)
        require_state(settings)
        zone, person = ZoneInfo(settings.site.zone), person_of(settings)
        if as_json:
            say_json([_change_row(entry, zone, person) for entry in box.file.history()])
            return
        rows = []
        for entry in box.file.history():
            at = entry.at.astimezone(zone)
            when = by_language(lambda language, at=at: moment_words(at, language))  # type: ignore[misc]
            by = _("by itself") if entry.by == BY_ITSELF else unchanged(person(entry.by))
            head = joined(" · ", (unchanged(entry.number), when, by))
            rows += [head, *(joined("", (unchanged("  "), one)) for one in entry.words)]
        say(lines_of(rows) if rows else NO_HISTORY)


def _change_row(entry: Entry, zone: ZoneInfo, person: Callable[[str], str]) -> dict[str, Any]:
    return {
        "number": entry.number,
        "at": entry.at.astimezone(zone).isoformat(),
        "by": entry.by,
        "name": person(entry.by),
        "automatic": entry.by == BY_ITSELF,
        "changes": [words.by_language() for words in entry.words],
    }


@click.command()
@click.argument("number", type=click.IntRange(min=1), required=False)
@config_option
@both_option
def undo(number: int | None, config_path: Path, *, as_json: bool) -> None:
    """Put the settings back to what they were before change NUMBER, the newest by default."""
    from appliance.service.settings import SettingsRequest

    with answering(config_path, as_json=as_json) as say:
        box = Box(config_path)
        newest = next((entry.number for entry in box.file.history()), 0)
        say(box.act(SettingsRequest("restore", _shell(), number=number or newest)))


@click.command()
@config_option
@both_option
def confirm(config_path: Path, *, as_json: bool) -> None:
    """Keep the change that is on trial."""
    from appliance.service.settings import SettingsRequest

    with answering(config_path, as_json=as_json) as say:
        say(Box(config_path).act(SettingsRequest("confirm", _shell())))


def shown_settings(config: Path, *, as_json: bool) -> None:
    """Print this box's settings, KEY=VALUE; those that are not shown (P7) are counted."""
    found = listed(read.load_own(config))
    if as_json:
        rows = {one.key: one.value if not one.hidden else None for one in found}
        click.echo(json.dumps(rows, ensure_ascii=False))
        return
    with answering(config, as_json=False) as say:
        say(lines_of(_line(one.key, one.value, one.hidden) for one in found))


def _line(key: str, value: Any, hidden: int) -> Words:
    if value is None:
        told = in_context("settings", "{key}: {hidden}, not shown", key=key, hidden=hidden)
        return told if hidden else unchanged(f"{key}=")
    text = ", ".join(value) if isinstance(value, list) else shown_value(value)
    return unchanged(f"{key}={text}")
