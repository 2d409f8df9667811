"""The configuration file as it is changed here: written, its history, a trial that ends by itself.

Each change is written whole or not at all, in this order: the plan (with the former text), its
trial, the file, the plan once more as the newest entry of the history. After a crash between them
the file's digest tells whether the change was made. A trial holds for TRIAL_S; without a
confirmation, after another start of the box, or when its time is over, the file becomes what it
was.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from appliance.config import read
from appliance.config.differences import KeyDifference, differences, effects_of
from appliance.config.editing import Change, Check, Judged, SetSecret, SetValue, judge
from appliance.config.office import build_office
from appliance.config.phones import EnteredPhones, load_entered, overlay_phones, warnings_of
from appliance.config.schema import Settings
from appliance.config.setting_names import NAMES, ROWS, SECRETS, Effect
from appliance.config.settings_trial import (
    BY_ITSELF,
    FOLDER,
    TRIAL,
    TRIAL_S,
    ClockReading,
    SettingsTrial,
    digest_of,
    load_object,
    load_trial,
)
from appliance.config.values import BadConfiguration
from appliance.files import READABLE, SHARED, atomic_write, fsync_directory, make_private
from appliance.policy.forms import FormProblem, FormRefused
from appliance.policy.text import Refused
from appliance.text import Words, _, joined, written

PLAN: Final = "plan.json"
LOCK: Final = "lock"
MOST_KEPT: Final = 50
NOTHING_CHANGES: Final = _("Nothing changes: these values are in force already.")
BY_HAND: Final = _(
    "the file was changed by hand meanwhile: look at the difference again, then apply"
)
NO_ENTRY: Final = _("there is no such entry in the history any more")
NO_TRIAL: Final = _("nothing waits for a confirmation any more")
ON_TRIAL: Final = _("a change waits for its confirmation: confirm or undo it first")
OF_PHONES: Final = _("was entered on the page of phones, which holds: change it there")
NOT_FROM_HERE: Final = _(
    "the file was also changed in what is the technician's alone: put it back with an editor"
)


@dataclass(frozen=True, slots=True)
class Entry:
    """A change in the history: who, when, what in words, the text before, the digest after."""

    number: int
    at: datetime
    by: str
    words: tuple[Words, ...]
    former: str
    made: str


class Overtaken(Refused):
    """Refusal of a change that is based on an older file; `digest` is the present one's."""

    def __init__(self, words: Words, digest: str) -> None:
        super().__init__(words)
        self.digest = digest


def service_reader(path: Path, year: int) -> Check:
    """Return the reader that the service uses, for texts that would stand at `path`."""

    def check(text: str) -> Settings:
        # Without the phones entered in the console: the rows are counted as the file has them.
        own = read.own_of(text, str(path))
        build_office(read.with_schedule(own), year, str(path))
        return own

    return check


class SettingsFile:
    """The configuration's file with history and trial below the state folder."""

    def __init__(self, path: Path, state: Path, year: int) -> None:
        self._path, self._folder, self._year = path, state / FOLDER, year
        self._state = state

    # ---- reading ---------------------------------------------------------------------------------

    @property
    def text(self) -> str:
        """The file's text; raises BadConfiguration."""
        return read.read_text(self._path)

    def judge(self, changes: Sequence[Change]) -> Judged:
        """Judge changes of the file; raises BadConfiguration if the file itself is wrong."""
        entered = load_entered(self._state)
        placed = [self._with_file(change) for change in changes]
        judged = judge(self.text, placed, service_reader(self._path, self._year))
        hidden = [
            FormProblem(change.key, OF_PHONES)
            for change in changes
            if isinstance(change, SetValue) and change.key in _laid_over(entered)
        ]
        # The phones of the page of phones ring, too.
        rung = (overlay_phones(one, entered) for one in (judged.before, judged.after))
        return replace(judged, problems=(*judged.problems, *hidden), warnings=warnings_of(*rung))

    def history(self) -> tuple[Entry, ...]:
        """Return the entries, newest first; a damaged one is left out."""
        found = (_load_entry(path) for path in sorted(self._paths(), reverse=True))
        return tuple(entry for entry in found if entry is not None)

    def trial(self) -> SettingsTrial | None:
        """Return the change that waits for its confirmation, None for none."""
        return load_trial(self._folder)

    def may_write(self) -> bool:
        """Return whether this account may replace the file; where not, root's helper does."""
        return os.access(self._path.parent, os.W_OK)

    # ---- writing ---------------------------------------------------------------------------------

    def apply(
        self,
        changes: Sequence[Change],
        base: str,
        by: str,
        now: ClockReading,
        *,
        is_trial: bool | None,
    ) -> tuple[Entry, tuple[KeyDifference, ...]]:
        """Write changes that are based on revision `base`; return the entry and the difference.

        They are on trial where that is wished; with None where they may cut browsers off.
        Raises FormRefused with every problem, Overtaken, Refused, BadConfiguration, OSError.
        """
        with self._locked():
            self._finish()
            if self.trial() is not None:
                raise Refused(ON_TRIAL)
            text = self.text
            self._check_base(text, base)
            judged = self.judge(changes)
            if judged.problems:
                raise FormRefused(*judged.problems)
            if not judged.differences:
                raise Refused(NOTHING_CHANGES)
            for change in changes:
                if isinstance(change, SetSecret):
                    self._write_secret(change, judged.after)
            said = tuple(one.words for one in judged.differences)
            cuts_off = any(one.cuts_off for one in judged.differences)
            trial = now if (cuts_off if is_trial is None else is_trial) else None
            entry = self._write(text, judged.text, by, now.at, said, trial)
            return entry, judged.differences

    def restore(
        self, number: int, by: str, now: ClockReading
    ) -> tuple[Entry, tuple[KeyDifference, ...]]:
        """Put the file back to what it was before an entry; raises as `apply`."""
        with self._locked():
            self._finish()
            former = next((one.former for one in self.history() if one.number == number), None)
            if former is None:
                raise Refused(NO_ENTRY)
            text = self.text
            if text == former:
                raise Refused(NOTHING_CHANGES)
            if self._of_technician(text) != self._of_technician(former):
                raise Refused(NOT_FROM_HERE)
            check = service_reader(self._path, self._year)
            found = differences(read.own_of(text, str(self._path)), check(former))
            entry = self._write(text, former, by, now.at, tuple(one.words for one in found))
            self._end_trial()
            return entry, found

    def confirm(self, by: str, now: ClockReading) -> None:
        """Keep the change that is on trial; raises Refused."""
        with self._locked():
            trial = self.trial()
            if trial is None or _is_over(trial, now):
                raise Refused(NO_TRIAL)
            if trial.by != by:
                raise Refused(_("only {name}, who made the change, can confirm it", name=trial.by))
            self._end_trial()

    def recover(self, now: ClockReading) -> tuple[Entry, tuple[Effect, ...]] | None:
        """Finish what a crash has left; undo a trial that is over.

        Return the undoing's entry and what it needs; None if nothing was undone.
        """
        if not self._folder.is_dir():
            return None
        with self._locked():
            self._finish()
            trial = self.trial()
            if trial is None or not _is_over(trial, now):
                return None
            entry = next((one for one in self.history() if one.number == trial.number), None)
            undone, text = None, self.text
            # Only the very change: what somebody has written since is not touched.
            if entry is not None and digest_of(text) == entry.made:
                said = joined("; ", entry.words)
                words = (_("Undone, as nobody confirmed it: {what}", what=said),)
                made = self._write(text, entry.former, BY_ITSELF, now.at, words)
                undone = made, self._effects(text, entry.former)
            self._end_trial()
            return undone

    def _effects(self, text: str, former: str) -> tuple[Effect, ...]:
        """Return what putting `former` back for `text` needs; all if either is unreadable."""
        try:
            return effects_of(
                differences(*(read.own_of(t, str(self._path)) for t in (text, former)))
            )
        except BadConfiguration:
            # By this release; the one that wrote them may have been another.
            return tuple(Effect)

    # ---- secrets ---------------------------------------------------------------------------------

    def _secret_path(self, name: str) -> str:
        """Return the path of a secret's file that this box makes itself: beside the file."""
        return str(self._path.with_name(name))

    def _with_file(self, change: Change) -> Change:
        if isinstance(change, SetSecret) and change.key in SECRETS:
            return replace(change, file=self._secret_path(SECRETS[change.key].file))
        return change

    def _write_secret(self, change: SetSecret, after: Settings) -> None:
        """Write a password into the file that the configuration names; raises OSError."""
        secret = SECRETS[change.key]
        path = Path(getattr(getattr(after, secret.table), secret.file_key))
        try:
            found = path.stat()
            owner, mode = (found.st_uid, found.st_gid), found.st_mode & 0o777
        except FileNotFoundError:
            # Root's, read by the service's group.
            owner, mode = (path.parent.stat().st_uid, self._state.stat().st_gid), SHARED
        atomic_write(path, f"{change.value}\n", mode=mode, owner=owner)

    def _of_technician(self, text: str) -> Any:
        """Return what of a file cannot be changed here, for comparison."""
        # Root's helper writes what it finds in the history, which is not root's: nothing may lead
        # it astray that a person at the console could not change either.
        own = {self._secret_path(secret.file) for secret in SECRETS.values()}
        return _without(tomllib.loads(text), "", own)

    # ---- the steps -------------------------------------------------------------------------------

    def _check_base(self, text: str, base: str) -> None:
        """Raise Overtaken, with whose changes came between, unless the file is of that revision."""
        present = digest_of(text)
        if present == base:
            return
        between: list[Entry] = []
        for entry in self.history():
            between.append(entry)
            if digest_of(entry.former) == base:
                break
        else:
            raise Overtaken(BY_HAND, present)
        said = joined("; ", (words for entry in reversed(between) for words in entry.words))
        names = ", ".join(dict.fromkeys(entry.by for entry in reversed(between)))
        raise Overtaken(
            _(
                "{names} changed the settings meanwhile ({what}): yours are kept here, look at "
                "the difference again, then apply",
                names=names,
                what=said,
            ),
            present,
        )

    def _write(
        self,
        former: str,
        text: str,
        by: str,
        at: datetime,
        words: tuple[Words, ...],
        trial_from: ClockReading | None = None,
    ) -> Entry:
        newest = max((int(path.stem) for path in self._paths()), default=0)
        entry = Entry(newest + 1, at, by, words, former, digest_of(text))
        atomic_write(self._folder / PLAN, _written_entry(entry))
        if trial_from is not None:
            # Before the file: a power cut right behind it must not make the change a lasting one.
            self._put_on_trial(entry, by, trial_from)
        atomic_write(self._path, text, mode=READABLE)
        self._finish()
        return entry

    def _finish(self) -> None:
        """Make a plan whose file was written the newest entry; drop one whose file was not."""
        plan = self._folder / PLAN
        entry, trial = _load_entry(plan), self.trial()
        if entry is not None and digest_of(self.text) == entry.made:
            atomic_write(self._folder / f"{entry.number:06}.json", _written_entry(entry))
            for old in sorted(self._paths())[:-MOST_KEPT]:
                old.unlink()
        elif entry is not None and trial is not None and trial.number == entry.number:
            self._end_trial()
        plan.unlink(missing_ok=True)

    def _put_on_trial(self, entry: Entry, by: str, now: ClockReading) -> None:
        trial = SettingsTrial(entry.number, by, now.boot, now.monotonic + TRIAL_S)
        atomic_write(self._folder / TRIAL, json.dumps(asdict(trial)))

    def _end_trial(self) -> None:
        (self._folder / TRIAL).unlink(missing_ok=True)
        fsync_directory(self._folder)

    def _paths(self) -> list[Path]:
        return list(self._folder.glob("[0-9]*.json"))

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """Keep other processes out: the console's commands, the shell's, root's helper."""
        make_private(self._folder)
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(self._folder / LOCK, flags, 0o600)
        try:
            # What root makes here belongs to the folder's account.
            owner = self._folder.stat()
            os.fchown(descriptor, owner.st_uid, owner.st_gid)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def _is_over(trial: SettingsTrial, now: ClockReading) -> bool:
    # Another start of the box: its power was cut, or somebody restarted it to get back in. Where
    # the start's id is unknown, a trial that would last longer than any tells of another one.
    is_of_this_start = trial.boot == now.boot and trial.until - now.monotonic <= TRIAL_S
    return not is_of_this_start or now.monotonic >= trial.until


def _laid_over(entered: EnteredPhones) -> frozenset[str]:
    return frozenset(f"phones.{name}.label" for name in entered.labels)


def _without(data: dict[str, Any], table: str, own: set[str]) -> dict[str, Any]:
    """Return what is the technician's; of the places of passwords all but `own` ones."""
    names, kept = NAMES.get(table, {}), {}
    for key, value in data.items():
        inner = f"{table}.{key}".lstrip(".")
        if inner in ROWS or (key in names and not (names[key].follows and value not in {"", *own})):
            continue
        if isinstance(value, dict):
            # A table without anything of the technician's may come and go.
            if left := _without(value, inner, own):
                kept[key] = left
        else:
            kept[key] = value
    return kept


def _written_entry(entry: Entry) -> str:
    told = asdict(entry) | {
        "at": entry.at.isoformat(),
        "words": [one.by_language() for one in entry.words],
    }
    return json.dumps(told, ensure_ascii=False, indent=1)


def _load_entry(path: Path) -> Entry | None:
    told = load_object(path)
    try:
        return Entry(
            int(told["number"]),
            datetime.fromisoformat(told["at"]),
            str(told["by"]),
            tuple(written(one) for one in told["words"]),
            str(told["former"]),
            str(told["made"]),
        )
    except (KeyError, TypeError, ValueError):
        return None
