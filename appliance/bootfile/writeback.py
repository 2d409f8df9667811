"""Writing back: what was changed on the box goes into the card's file, whose form stays.

It loads the configuration's reader and writer, so a start imports it only where the configuration
was changed on the box and the card's file is another one, too.
"""

from __future__ import annotations

import contextlib
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final, Protocol

from appliance.bootfile.card import (
    KeptFile,
    contents_of,
    digest_of,
    exchange_on_card,
    load_kept,
    save_kept,
)
from appliance.bootfile.read import MadeConfiguration, MakingContext, TomlTable, make_configuration
from appliance.bootfile.values import (
    BYTE_ORDER_MARKS,
    FILE_NAME,
    SECRET_ENTRIES,
    filled_in_file,
    is_data_open,
    secret_files,
    text_of_file,
)
from appliance.config import phones, read
from appliance.config.differences import differences
from appliance.config.editing import (
    AddRow,
    Change,
    ClearValue,
    RemoveRow,
    SetValue,
    Value,
    edited,
    plain_weeks,
    with_rows,
)
from appliance.config.schema import Settings
from appliance.config.settings_trial import FOLDER, load_trial
from appliance.config.short_form import written_out
from appliance.config.values import BadConfiguration
from appliance.errors import CentralinoError, ConfigurationError
from appliance.files import load_text
from appliance.policy.forms import FormRefused
from appliance.policy.hours import WEEKDAYS
from appliance.policy.text import Refused, words_of
from appliance.text import NOTHING, Words, _, joined, unchanged

ROWS: Final = ("lines", "phones")
"""Arrays of tables whose rows are known by their names."""
# What one round writes may change a default that the box adds (the phones that ring), so that the
# next one has something left.
ROUNDS: Final = 4
MOST_TOLD: Final = 5
"""Differences told; the page of settings has all of them."""
NOT_ON_CARD: Final = _(
    "in force on this box, but not on the card, whose file cannot say it in its present form: "
    "{what}; write it into centralino.toml on the card before that file is used again"
)
NOT_WRITTEN: Final = _(
    "what was changed on this box is not on the card, which cannot be written: {why}"
)


class BoxPlaces(Protocol):
    """What is needed of the places of a box (BootPlaces)."""

    @property
    def card(self) -> Path:
        """Where the FAT partition is mounted."""

    @property
    def config(self) -> Path:
        """The configuration's file."""

    @property
    def kept(self) -> Path:
        """The folder of the kept file."""

    @property
    def crypt(self) -> Path:
        """The folder of an encrypted data partition (CRYPT_RUN)."""

    @property
    def year(self) -> int:
        """The first year whose holidays count."""

    @property
    def under(self) -> Mapping[str, Any]:
        """Tables with defaults for the card's file."""


@dataclass(frozen=True, slots=True)
class CardWrittenBack:
    """Outcome of writing back: `left` says what is not on the card (NOTHING if all is).

    `is_same` if the card's file says what is in force; `waits` if a change is still on trial.
    """

    left: Words = NOTHING
    is_same: bool = False
    waits: bool = False


def write_back(places: BoxPlaces) -> CardWrittenBack:
    """Write into the card's file what was changed on the box since that file was applied.

    A file that was changed on the card since is left alone: the next start applies it.
    """
    kept, config = load_kept(places.kept), contents_of(places.config)
    contents = contents_of(places.card / FILE_NAME)
    # With the data partition shut, what is changed lasts until the next start.
    is_shut = places.crypt.exists() and not is_data_open(places.crypt)
    if kept is None or not config or is_shut:
        return CardWrittenBack()
    try:
        text = text_of_file(contents)
        wanted = read.own_of(config.decode(), str(places.config))
    # Both are told elsewhere, with their mistakes.
    except (BadConfiguration, UnicodeDecodeError):
        return CardWrittenBack()
    if text != kept.text:
        return CardWrittenBack()
    # What nobody confirms is undone within a minute.
    if load_trial(Path(wanted.folders.state) / FOLDER) is not None:
        return CardWrittenBack(waits=True)
    turn = _WritingTurn(kept, config, wanted, places)
    try:
        after = turn.kept_after()
        if after == kept:
            return CardWrittenBack(is_same=True)
        made, keep = _as_in(contents, after.text), partial(save_kept, places.kept, after)
        is_done = exchange_on_card(places.card, contents, made, keep)
    except _NotOnCard as error:
        return CardWrittenBack(NOT_ON_CARD.filled(what=error.words))
    except (CentralinoError, OSError) as error:
        return CardWrittenBack(NOT_WRITTEN.filled(why=words_of(error)))
    return CardWrittenBack(is_same=is_done)


def kept_written_back(text: str, kept: KeptFile, places: BoxPlaces) -> KeptFile | None:
    """Return what to keep of a text that says what is in force; None if it says anything else.

    Power may fail when the file is on the card and not kept yet: such a file is no new one.
    """
    config = contents_of(places.config)
    try:
        wanted = read.own_of(config.decode(), str(places.config))
        turn = _WritingTurn(kept, config, wanted, places)
        made, same = turn.made(text), turn.made(kept.text)
    except (BadConfiguration, UnicodeDecodeError):
        return None
    is_told = _own_of(made) == wanted and _beside(made) == _beside(same)
    is_known = made.secrets.items() <= same.secrets.items()
    is_known = is_known and made.passwords.items() <= same.passwords.items()
    return turn.kept_of(text, made) if is_told and is_known else None


class _NotOnCard(Exception):  # noqa: N818 - reads as what it is
    """Settings that the card's file cannot say."""

    def __init__(self, words: Words) -> None:
        super().__init__(str(words))
        self.words = words


class _WritingTurn:
    """One comparison of the kept text with the configuration in force."""

    def __init__(self, kept: KeptFile, config: bytes, wanted: Settings, places: BoxPlaces) -> None:
        self._kept, self._config, self._wanted = kept, config, wanted
        self._context = MakingContext(
            places.year,
            # The ports as they were, so that only what was changed on the box differs.
            tuple(kept.ports.values()),
            kept.ports,
            is_same=True,
            under=places.under,
            # A password that was entered on the box has its file.
            passwords=frozenset((*kept.passwords, *secret_files(wanted))),
        )

    def made(self, text: str) -> MadeConfiguration:
        """Make the configuration of a text; raises BadConfiguration."""
        return make_configuration(text, self._context)

    def kept_of(self, text: str, made: MadeConfiguration) -> KeptFile:
        """Return what to keep of a text that says what is in force."""
        return KeptFile(
            text,
            digest_of(self._config),
            dict(made.ports),
            made.waits,
            made.is_blank,
            sorted(secret_files(self._wanted)),
            list(made.unsaid),
        )

    def kept_after(self) -> KeptFile:
        """Return what to keep, with the text that says what is in force; raises _NotOnCard."""
        text = self._kept.text
        stale = tuple(self._stale(_tables(text)))
        if not stale and digest_of(self._config) == self._kept.made:
            return self._kept
        # With the rows alone first, the phones that ring may follow without being written.
        for first in (ROWS, ()):
            with contextlib.suppress(BadConfiguration, FormRefused, Refused):
                return self._kept_in_rounds(edited(text, stale, is_any=True), first)
        raise _NotOnCard(self._left())

    def _kept_in_rounds(self, text: str, first: Sequence[str]) -> KeptFile:
        """Change a text until it says what is in force; raises BadConfiguration, Refused."""
        for _unused in range(ROUNDS):
            made = self.made(text)
            if _own_of(made) == self._wanted:
                return self.kept_of(text, made)
            text = self._changed(text, made, first)
        raise Refused(self._left())

    def _left(self) -> Words:
        """Return in words what the card does not say."""
        try:
            found = _own_of(self.made(self._kept.text))
        # By this release; the one that kept the text may have been another.
        except BadConfiguration:
            return unchanged(FILE_NAME)
        words = [one.words for one in differences(found, self._wanted)]
        more = (unchanged("…"),) if len(words) > MOST_TOLD else ()
        return joined("; ", (*words[:MOST_TOLD], *more))

    def _stale(self, card: TomlTable) -> Iterator[Change]:
        """Yield the emptying of each password for which the box has another one now.

        Left on the card it would come into force again with the next change of that file.
        """
        files = secret_files(self._wanted)
        for one in SECRET_ENTRIES:
            given = card.get(one.table, {}).get(one.key, "")
            file = files.get(one.table)
            stored = load_text(Path(file)).removesuffix("\n") if file else ""
            if given and given != stored and (stored or not file):
                yield SetValue(f"{one.table}.{one.key}", "")
        try:
            secrets = phones.load_secrets(self._wanted)
        except ConfigurationError:
            return
        for row in card.get("phones", []):
            if row.get("secret") and secrets.get(row["name"], row["secret"]) != row["secret"]:
                yield SetValue(f"phones.{row['name']}.secret", "")

    def _changed(self, text: str, made: MadeConfiguration, first: Sequence[str]) -> str:
        """Return the text with a round of changes, of the tables `first` alone where they differ.

        Raises FormRefused, Refused.
        """
        card = _tables(text)
        before, after = _tables(made.config), _tables(self._config.decode())
        changes, arrays = list[Change](), dict[str, list[TomlTable]]()
        differ = [one for one in {**before, **after} if before.get(one) != after.get(one)]
        for table in [one for one in differ if one in first] or differ:
            old, new = before.get(table), after.get(table)
            if table in ROWS:
                found = _row_changes(table, card.get(table, []), old or [], new or [])
                if found is None:
                    arrays[table] = _rows_anew(card.get(table, []), old or [], new or [])
                else:
                    changes += found
            elif isinstance(new or old, list):
                arrays[table] = new or []
            else:
                own = getattr(self._wanted, table, None)
                changes += _table_changes(table, card.get(table, {}), old or {}, new or {}, own)
        text = edited(text, changes, is_any=True)
        for table, rows in arrays.items():
            text = with_rows(text, table, rows)
        return text


# ---- the changes ---------------------------------------------------------------------------------


def _table_changes(
    place: str, card: TomlTable, old: TomlTable, new: TomlTable, own: object = None
) -> Iterator[Change]:
    """Yield the changes of a table: `card` as the card's file has it, `own` the settings of it."""
    for key in {**old, **new}:
        at, was, now = f"{place}.{key}", old.get(key), new.get(key)
        if was == now:
            continue
        if isinstance(now or was, dict):
            inner = getattr(own, key, None)
            yield from _table_changes(at, card.get(key, {}), was or {}, now or {}, inner)
        elif now is not None:
            yield SetValue(at, _value(now))
        elif key not in card:
            # What the box adds where the card says nothing differs from what goes without saying.
            yield SetValue(at, getattr(own, key, ()))
        elif isinstance(was, str):
            # Nothing between the quotes counts as left out: the line and its comment stay.
            yield SetValue(at, "")
        elif key in WEEKDAYS:
            yield SetValue(at, ())
        else:
            yield ClearValue(at)


def _row_changes(
    table: str, card: Sequence[TomlTable], old: Sequence[TomlTable], new: Sequence[TomlTable]
) -> list[Change] | None:
    """Return the changes of lines or phones; None where the order of the rows has changed."""
    was, now = {row["name"]: row for row in old}, {row["name"]: row for row in new}
    if [*(name for name in was if name in now), *(n for n in now if n not in was)] != list(now):
        return None
    written = {row["name"]: row for row in card}
    # Without lines on the card each modem is one: they keep the ports that they have.
    changes: list[Change] = [AddRow(table, name) for name in was if name not in written]
    changes += [RemoveRow(table, name) for name in was if name not in now]
    for name, row in now.items():
        if name in was:
            place = f"{table}.{name}"
            changes += _table_changes(place, written.get(name, {}), was[name], row)
        else:
            values = {key: _value(one) for key, one in row.items() if key != "name"}
            changes.append(AddRow(table, name, values))
    return changes


def _rows_anew(
    card: Sequence[TomlTable], old: Sequence[TomlTable], new: Sequence[TomlTable]
) -> list[TomlTable]:
    """Return rows in their new order: a port that the box has chosen, and no password, is left."""
    written, was = {row["name"]: row for row in card}, {row["name"]: row for row in old}
    rows = []
    for row in new:
        known = written.get(row["name"], {})
        chosen = row["name"] in was and was[row["name"]].get("port") == row.get("port")
        left = {"port"} if chosen and "port" not in known else set[str]()
        made = {key: value for key, value in row.items() if key not in left}
        rows.append({**made, **{k: v for k, v in known.items() if k == "secret"}})
    return rows


def _value(value: Any) -> Value:
    """Return a value as a change has it."""
    return tuple(value) if isinstance(value, list) else value


def _tables(text: str) -> TomlTable:
    """Return the tables of a text in the long form, without empty texts; raises ValueError."""
    whole: TomlTable = plain_weeks(written_out(filled_in_file(tomllib.loads(text))))
    return whole


def _own_of(made: MadeConfiguration) -> Settings:
    """Return the settings of a made configuration as the service reads them."""
    return read.own_of(made.config, FILE_NAME)


def _beside(made: MadeConfiguration) -> tuple[str, ...]:
    """Return what a file makes beside the configuration."""
    return made.network, made.hostname, made.keys


def _as_in(contents: bytes, text: str) -> bytes:
    """Return a text with the mark, the encoding and the line ends of the file's contents."""
    mark, encoding = next(
        (m for m in BYTE_ORDER_MARKS if contents.startswith(m[0])), (b"", "utf-8")
    )
    before = contents[len(mark) :].decode(encoding)
    end = "\r\n" if "\r\n" in before else "\n"
    return mark + text.replace("\n", end).encode(encoding)
