"""Settings engine: lists, judges, writes, undoes; in a child, in root's helper, in the shell.

Apart from service/settings.py because it loads the configuration's reader, which takes 15 MB that
call control does without (appliance/workers.py).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from appliance.api.replies import Reply
from appliance.api.technician_replies import (
    ListedSetting,
    SettingDifference,
    SettingsDone,
    SettingsEffect,
    SettingsEntry,
    SettingsHistoryReply,
    SettingsListReply,
    SettingsPreview,
    SettingsTrial,
)
from appliance.bootfile.read import is_made_by_box
from appliance.config import read
from appliance.config.differences import KeyDifference, Listed, effects_of, listed
from appliance.config.editing import changes_of
from appliance.config.setting_names import EFFECT_WORDS, Effect
from appliance.config.settings_files import Entry, SettingsFile
from appliance.config.settings_trial import TRIAL_S, ClockReading, digest_of
from appliance.errors import OfficeError
from appliance.service.settings import SettingsRequest
from appliance.text import NOTHING, Words, _

APPLIED: Final = _("Applied.")
ON_TRIAL: Final = _("Applied on trial: confirm within {seconds} s, else all is as before.")
PUT_BACK: Final = _("Put back.")
CONFIRMED: Final = _("Confirmed: the change stays.")
LAPSED: Final = _("Nobody confirmed the change: all is as before.")
CARD: Final = _(
    "What is changed here is also written into the file on the card, but no password. Network and "
    "host name are changed there."
)


class Engine:
    """Acts on a configuration's file with its history."""

    def __init__(self, file: SettingsFile, path: Path) -> None:
        self._file, self._path = file, path

    def do(self, asked: SettingsRequest, now: ClockReading) -> Reply:
        """Do what is asked.

        Raises FormRefused, Refused, BadConfiguration, OfficeError, OSError.
        """
        acts: dict[str, Callable[[SettingsRequest, ClockReading], Reply]] = {
            "list": self._list,
            "preview": self._preview,
            "history": self._history,
            "apply": self._apply,
            "restore": self._restore,
            "confirm": self._confirm,
            "recover": self._recover,
        }
        if asked.act not in acts:
            raise OfficeError(f"{asked.act!r} is no act")
        return acts[asked.act](asked, now)

    def write(self, asked: SettingsRequest, now: ClockReading) -> SettingsDone:
        """Do an act that writes; raises as `do`, OfficeError for one that only reads."""
        done = self.do(asked, now)
        if not isinstance(done, SettingsDone):
            raise OfficeError(f"{asked.act!r} changes nothing")
        return done

    def _list(self, _: SettingsRequest, now: ClockReading) -> SettingsListReply:
        text = self._file.text
        own = read.own_of(text, str(self._path))
        trial, told = self._file.trial(), None
        if trial is not None:
            left = max(0, round(trial.until - now.monotonic))
            told = SettingsTrial(trial.number, trial.by, left)
        source = CARD if is_made_by_box(text.encode()) else NOTHING
        rows = tuple(_listed(one) for one in listed(own))
        return SettingsListReply(digest_of(text), rows, told, False, source)

    def _preview(self, asked: SettingsRequest, _: ClockReading) -> SettingsPreview:
        changes = changes_of(asked.changes)
        revision = digest_of(self._file.text)
        judged = self._file.judge(changes)
        return SettingsPreview(
            revision,
            _differences(judged.differences),
            _effects(effects_of(judged.differences)),
            judged.problems,
            any(one.cuts_off for one in judged.differences),
            judged.warnings,
        )

    def _history(self, _: SettingsRequest, __: ClockReading) -> SettingsHistoryReply:
        return SettingsHistoryReply(
            tuple(SettingsEntry(e.number, e.at, e.by, e.words) for e in self._file.history())
        )

    def _apply(self, asked: SettingsRequest, now: ClockReading) -> SettingsDone:
        changes = changes_of(asked.changes)
        done = self._file.apply(changes, asked.base, asked.by, now, is_trial=asked.is_trial)
        if self._file.trial() is None:
            return _done(APPLIED, *done)
        seconds = int(TRIAL_S)
        return _done(ON_TRIAL.filled(seconds=seconds), *done, trial_s=seconds)

    def _restore(self, asked: SettingsRequest, now: ClockReading) -> SettingsDone:
        return _done(PUT_BACK, *self._file.restore(asked.number, asked.by, now))

    def _confirm(self, asked: SettingsRequest, now: ClockReading) -> SettingsDone:
        self._file.confirm(asked.by, now)
        return SettingsDone(CONFIRMED)

    def _recover(self, _: SettingsRequest, now: ClockReading) -> SettingsDone:
        found = self._file.recover(now)
        if found is None:
            return SettingsDone(LAPSED)
        entry, effects = found
        return SettingsDone(LAPSED, entry.number, entry.made, effects=_effects(effects))


def _done(
    said: Words, entry: Entry, found: Sequence[KeyDifference], *, trial_s: int = 0
) -> SettingsDone:
    told = _differences(found)
    return SettingsDone(said, entry.number, entry.made, told, _effects(effects_of(found)), trial_s)


def _differences(found: Sequence[KeyDifference]) -> tuple[SettingDifference, ...]:
    return tuple(SettingDifference(one.key, one.words) for one in found)


def _effects(effects: Sequence[Effect]) -> tuple[SettingsEffect, ...]:
    return tuple(SettingsEffect(effect.value, EFFECT_WORDS[effect]) for effect in effects)


def _listed(one: Listed) -> ListedSetting:
    return ListedSetting(
        one.key, one.table, one.row, one.where, one.what, one.value, one.is_default, one.hidden
    )
