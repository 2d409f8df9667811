"""The boot card: its file, the box's kept copy, and the result written beside it."""

from __future__ import annotations

import contextlib
import enum
import fcntl
import hashlib
import json
import os
import re
import subprocess
import time
from dataclasses import asdict, dataclass, field, replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Final

from appliance.bootfile.values import FILE_NAME, LARGEST_FILE
from appliance.errors import TechnicianError
from appliance.files import READABLE, atomic_write
from appliance.policy.text import Refused, os_error_words
from appliance.text import (
    LANGUAGES,
    NOTHING,
    Words,
    _,
    as_json,
    by_language,
    joined,
    unchanged,
    written,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path


# The card's FAT partition is mounted read-only except while the result is written. FAT has no
# journal: the technician's file is never opened for writing, and the result is written under
# another name first. A power cut costs the result at most.

RESULT_FILE: Final = "centralino-result.txt"
CARD_BEFORE: Final = "centralino-before.toml"
"""The technician's file before it was replaced on the running box."""
MOUNT_LIMIT_S: Final = 30.0
BUSY_S, LOOK_AGAIN_S = 20.0, 0.2
"""Seconds to wait for a reader of the previous result, and between two tries."""


def read_card(folder: Path) -> bytes:
    """Read the technician's file; raises Refused with what is wrong and what to do."""
    try:
        with (folder / FILE_NAME).open("rb") as file:
            # One byte more than allowed shows that the file is too large, without reading it all.
            return file.read(LARGEST_FILE + 1)
    except FileNotFoundError as error:
        raise _missing(folder) from error
    except OSError as error:
        why = os_error_words(error)
        raise Refused(_("cannot be read: {why}", why=why)) from error


def _missing(folder: Path) -> Refused:
    names = _names(folder)
    if not names:
        return Refused(
            _("the first partition of the card cannot be read: write the card again"),
        )
    # A file saved with the wrong extension is named in the message.
    like = [
        name for name in names if name.lower().startswith("centralino.") and name != RESULT_FILE
    ]
    if like:
        return Refused(
            _(
                "the file's name is {like}: give it the name {file} (Windows hides "
                "the end of names: have the extensions shown)",
                like=like[0],
                file=FILE_NAME,
            ),
        )
    return Refused(
        _("the file is missing: copy the delivered one to the card and fill it in"),
    )


def _names(folder: Path) -> list[str]:
    try:
        return sorted(path.name for path in folder.iterdir())
    except OSError:
        return []


def put_on_card(folder: Path, contents: bytes) -> None:
    """Replace the technician's file and keep the old one; raises OSError, TechnicianError."""
    # FAT has no journal: after a power cut in the middle there is still the kept file.
    with _writable(folder):
        if before := contents_of(folder / FILE_NAME):
            atomic_write(folder / CARD_BEFORE, before, mode=READABLE)
        atomic_write(folder / FILE_NAME, contents, mode=READABLE)


def exchange_on_card(
    folder: Path, before: bytes, contents: bytes, keep: Callable[[], None]
) -> bool:
    """Replace the technician's file if it still is `before`, and `keep` it before others write.

    Raises OSError, TechnicianError.
    """
    with _writable(folder):
        if contents_of(folder / FILE_NAME) != before:
            return False
        if contents != before:
            atomic_write(folder / FILE_NAME, contents, mode=READABLE)
        keep()
        return True


def write_result(folder: Path, text: str) -> bool:
    """Write the result beside the file; return False if it is there already (but for the date).

    Raises OSError, TechnicianError.
    """
    # As Windows' editors want it: UTF-8 with a byte order mark, CR LF line ends.
    contents = text.replace("\n", "\r\n").encode("utf-8-sig")
    before = contents_of(folder / RESULT_FILE).decode("utf-8-sig", "replace").replace("\r\n", "\n")
    if without_date(before) == without_date(text):
        return False
    with _writable(folder):
        atomic_write(folder / RESULT_FILE, contents, mode=READABLE)
    return True


@contextlib.contextmanager
def _writable(folder: Path) -> Iterator[None]:
    """Make the partition writable meanwhile; a folder that is no mount point stays as it is."""
    if not os.path.ismount(folder):
        yield
        return
    with _alone(folder):
        _remount(folder, "rw")
        try:
            yield
        finally:
            _close(folder)


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Lock the folder against other writers."""
    # The first writer to end would remount the card read-only for both.
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _close(folder: Path) -> None:
    """Remount read-only, trying for BUSY_S."""
    # EBUSY (mount(2)) while a reader has the replaced result open.
    until = time.monotonic() + BUSY_S
    while True:
        try:
            return _remount(folder, "ro")
        except TechnicianError:
            if time.monotonic() > until:
                raise
        time.sleep(LOOK_AGAIN_S)


def _remount(folder: Path, how: str) -> None:
    """Remount the partition "ro" or "rw"; raises TechnicianError."""
    # --no-mtab leaves /run/mount/utab alone: nobody needs that entry, and once it is there the
    # unit's system call filter makes the next remount fail.
    done = subprocess.run(
        ("mount", "--no-mtab", "-o", f"remount,{how}", str(folder)),
        capture_output=True,
        check=False,
        text=True,
        timeout=MOUNT_LIMIT_S,
    )
    if done.returncode:
        raise TechnicianError(
            _(
                "{folder} cannot be mounted {how}: {why}",
                folder=folder,
                how=how,
                why=done.stderr.strip(),
            )
        )


# The kept file is the box's copy of the applied text, written atomically in root's folder: a
# changed file on the card differs from it. It is not part of a backup: a configuration restored
# onto a new card is not undone by that card's file.

KEPT_FILE: Final = "site.json"
CONFIG_BEFORE: Final = "before.toml"
"""A configuration changed by hand, set aside when the card's file replaced it."""


@dataclass(frozen=True, slots=True)
class KeptFile:
    """The applied file: its `text`, digest of the configuration `made` from it, ports of its lines.

    `waits` if a modem is still missing; `passwords` are the tables with a stored password, `unsaid`
    the phones whose password the box generates.
    """

    text: str = ""
    made: str = ""
    ports: dict[str, str] = field(default_factory=dict)
    waits: bool = False
    is_blank: bool = False
    passwords: list[str] = field(default_factory=list)
    unsaid: list[str] = field(default_factory=list)


def load_kept(folder: Path) -> KeptFile | None:
    """Read the kept file; None if absent or malformed."""
    try:
        data = json.loads((folder / KEPT_FILE).read_text(encoding="utf-8"))
        kept = KeptFile(**data)
        same = {key: type(value) for key, value in asdict(KeptFile()).items()}
        # A file of another version may lack a field or have another type in it.
        is_whole = all(type(getattr(kept, key)) is kind for key, kind in same.items())
    except (OSError, ValueError, TypeError):
        return None
    return kept if is_whole else None


def save_kept(folder: Path, kept: KeptFile) -> None:
    """Write the kept file; raises OSError and then leaves the previous one."""
    atomic_write(folder / KEPT_FILE, json.dumps(asdict(kept), ensure_ascii=False))


def digest_of(contents: bytes) -> str:
    """Return a configuration's digest (SHA-256)."""
    return hashlib.sha256(contents).hexdigest()


def contents_of(path: Path) -> bytes:
    """Return a file's contents, b"" if unreadable."""
    try:
        return path.read_bytes()
    except OSError:
        return b""


# Outcome of reading the card's file: a fault for call control (service/notices.py) and the text
# that `centralino box card tell` writes beside the file.

OUTCOME_FILE: Final = "outcome.json"
# service/notices.py takes 8192 bytes, and a character may need twelve; the result on the card
# has the whole text.
SHOWN: Final = 150
"""Characters of a mistake shown in the status."""


class CardVerdict(enum.StrEnum):
    """How the file was treated."""

    APPLIED = "applied"  # read now, and in force
    AS_BEFORE = "as before"  # not changed since it was applied
    BLANK = "blank"  # it says nothing yet
    WRONG = "wrong"  # not used
    MISSING = "missing"  # there is none, or the card cannot be read
    FAILED = "failed"  # the box could not keep what follows from it


VERDICT_LINES: Final = {
    CardVerdict.APPLIED: _("the card's file: applied"),
    CardVerdict.AS_BEFORE: _("the card's file: as before"),
    CardVerdict.BLANK: _("the card's file: blank"),
    CardVerdict.WRONG: _("the card's file: wrong"),
    CardVerdict.MISSING: _("the card's file: missing"),
    CardVerdict.FAILED: _("the card's file: failed"),
}
"""Lines that `centralino box card apply` prints."""


@dataclass(frozen=True, slots=True)
class UsbSocket:
    """A USB socket with a modem: its port, maker and product, and its line."""

    port: str
    shown: str = ""
    line: str = ""


@dataclass(frozen=True, slots=True)
class CardOutcome:
    """Outcome of the card's file: `said` has the reasons, `notes` the defaults for missing tables.

    `has_former` if the last good configuration is in force, `is_others` if the configuration was
    changed elsewhere since, `made` are phones with a generated password, `set_aside` is the file
    that keeps a replaced configuration.
    """

    verdict: CardVerdict
    said: tuple[Words, ...] = ()
    notes: tuple[Words, ...] = ()
    sockets: tuple[UsbSocket, ...] = ()
    made: tuple[str, ...] = ()
    has_former: bool = False
    is_others: bool = False
    set_aside: str = ""

    @property
    def ports(self) -> tuple[str, ...]:
        """Return the ports with a modem."""
        return tuple(socket.port for socket in self.sockets)


def outcome_text(outcome: CardOutcome) -> str:
    """Write an outcome as JSON."""
    return json.dumps(asdict(outcome), default=as_json, ensure_ascii=False, indent=1) + "\n"


def load_outcome(folder: Path) -> CardOutcome | None:
    """Read an outcome; None if absent or malformed."""
    try:
        return _outcome(json.loads((folder / OUTCOME_FILE).read_text(encoding="utf-8")))
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return None


def trouble_of(outcome: CardOutcome) -> Words:
    """Return the fault and the configuration in force meanwhile; NOTHING if all is well."""
    if outcome.verdict in {CardVerdict.APPLIED, CardVerdict.AS_BEFORE}:
        return NOTHING
    if outcome.verdict is CardVerdict.BLANK:
        return _(
            "the card's centralino.toml is not filled in: every line found answers as "
            "a closed office and takes messages"
        )
    first = outcome.said[0] if outcome.said else NOTHING
    held = (
        _("the configuration before is in force")
        if outcome.has_former
        else _("every line found answers as a closed office and takes messages")
    )
    return _(
        "the card's centralino.toml: {short}; {held}",
        short=by_language(lambda language: _short(first.text(language))),
        held=held,
    )


def _short(said: str) -> str:
    one_line = " ".join(said.split())
    return one_line if len(one_line) <= SHOWN else f"{one_line[: SHOWN - 1]}…"


def _outcome(data: Mapping[str, Any]) -> CardOutcome:
    return CardOutcome(
        CardVerdict(data["verdict"]),
        tuple(written(one) for one in data["said"]),
        tuple(written(one) for one in data["notes"]),
        tuple(UsbSocket(**one) for one in data["sockets"]),
        tuple(map(str, data["made"])),
        bool(data["has_former"]),
        bool(data["is_others"]),
        str(data["set_aside"]),
    )


# The result written beside the card's file, for a technician who has only a text editor.

RULE: Final = "=" * 78
VERDICTS: Final = {
    CardVerdict.APPLIED: _("All is well: centralino.toml has been read and is in force."),
    CardVerdict.AS_BEFORE: _(
        "All is well: centralino.toml has not changed since it was last read."
    ),
    CardVerdict.BLANK: _("centralino.toml is not filled in yet."),
    CardVerdict.WRONG: _("centralino.toml has NOT been used. What to correct:"),
    CardVerdict.MISSING: _("centralino.toml was not read:"),
    CardVerdict.FAILED: _("centralino.toml is NOT in force: the box's memory cannot be written."),
}
IN_FORCE_MEANWHILE: Final = {
    True: _("The configuration before stays in force."),
    False: _("For now every line found answers as a closed office and takes messages."),
}
AGAIN: Final = _("Correct it, save it, and start the box again with the card in.")
OTHERS: Final = _(
    "The configuration in force was changed elsewhere (a backup put back, or "
    "by hand) and that one holds: this file will be used again once it changes."
)
SET_ASIDE: Final = _("The configuration that was changed by hand has been set aside in {path}.")
RULE_OF_ALL: Final = _(
    "The file is used when it changes. What is changed in the console is written "
    "into it, but no password."
)
NO_ADDRESS: Final = _(
    "no network address: look at the cable; with a fixed address, at the entries of [network]"
)
NO_SOCKET: Final = _("no modem found: plug it in, best at a hub with its own supply")
FIRST_USER_CODE: Final = _("Code for the console's first user: {code}")
USERS_EXIST: Final = _("The console has its users already.")
PHONE: Final = _("{name}: user name {name}, password {secret}")
HIDDEN: Final = _(
    "Passwords made by the box are no longer written here: `centralino phones add` makes another."
)
WRITTEN_AT: Final = _("Written {when}")
WRITTEN_AT_START: Final = _("Written {when} (start no. {start})")
AUTHORITY: Final = _("SHA-256 fingerprint of its authority: {fingerprint}")
FREE: Final = _("of no line")


@dataclass(frozen=True, slots=True)
class ResultFacts:
    """What is told beside the outcome: addresses of the console, the code while there is no user
    ("" afterwards, where `has_run` the service), passwords that the box made, what the
    configuration means; the moment of writing in each language, the number of this start (0 where
    nobody counts), the fingerprint of the console's authority ("" where there is none yet); what is
    to be known of the `data` partition; the last self-test with its date, or that there was none;
    the warning of a test image; the office's languages.
    """

    version: str
    addresses: tuple[str, ...]
    code: str
    has_run: bool
    secrets: tuple[tuple[str, str], ...]
    means: tuple[Words, ...]
    when: Words = NOTHING
    start: int = 0
    authority: str = ""
    data: tuple[Words, ...] = ()
    selftest: Words = NOTHING
    image: Words = NOTHING
    languages: tuple[str, ...] = LANGUAGES


def result_text(outcome: CardOutcome, facts: ResultFacts) -> str:
    """Write it in every language; the same facts always give the same text."""
    each = [_sections(outcome, facts, language) for language in LANGUAGES]
    return f"\n{RULE}\n\n".join("\n\n".join(sections) + "\n" for sections in each)


def _sections(outcome: CardOutcome, facts: ResultFacts, language: str) -> list[str]:
    def say(words: Words) -> str:
        return words.text(language)

    titles = (
        _("Data partition"),
        _("Console (from a computer on the network)"),
        _("Modems found, by name of USB socket"),
        _("Phones, passwords made by the box"),
        _("What the configuration means"),
    )
    bodies = (
        facts.data,
        _console(facts),
        _sockets(outcome.sockets),
        _phones(outcome, facts),
        facts.means,
    )
    head = "\n".join(_head(facts, language))
    sections = [f"{head}\n\n" + "\n".join(map(say, _verdict(outcome)))]
    sections += _plain(_selftest(facts), language)
    for title, body in zip(titles, bodies, strict=True):
        if body:
            sections.append("\n".join((f"{say(title)}:", *(f"  {say(one)}" for one in body))))
    return sections


def screen_text(outcome: CardOutcome, facts: ResultFacts) -> str:
    """Return the text for a screen at the box, without codes and passwords.

    In the office's languages: in every language there is, a screen of 25 rows scrolls version and
    addresses away.
    """
    plain = replace(facts, code="", secrets=(), means=(), has_run=False)
    trouble = trouble_of(outcome)
    state = (VERDICTS[outcome.verdict],) if trouble == NOTHING else ()
    each = [
        "\n".join(
            (
                *_head(plain, language),
                "",
                *_plain((*state, *_console(plain), *_selftest(plain)), language),
            )
        )
        for language in facts.languages
    ]
    told = [one for one in (*facts.data, *outcome.notes, trouble) if one != NOTHING]
    more = ("\n".join(_in_each(one, facts.languages)) for one in told)
    return "\n\n".join((*each, *more)) + "\n"


def _in_each(words: Words, languages: Sequence[str]) -> tuple[str, ...]:
    return tuple(words.text(language) for language in languages)


def _head(facts: ResultFacts, language: str) -> tuple[str, ...]:
    image = () if facts.image == NOTHING else (facts.image,)
    return (f"Centralino {facts.version}", *_plain((*image, *_written(facts)), language))


def _plain(words: Sequence[Words], language: str) -> tuple[str, ...]:
    return tuple(one.text(language) for one in words)


def without_date(text: str) -> str:
    """Return a text without its date, for comparison."""
    begins = "|".join(map(re.escape, WRITTEN_AT.filled(when="").by_language().values()))
    return re.sub(rf"^({begins})[^(\n]*", r"\1", text, flags=re.MULTILINE)


def _written(facts: ResultFacts) -> tuple[Words, ...]:
    if facts.when == NOTHING:
        return ()
    if facts.start:
        return (WRITTEN_AT_START.filled(when=facts.when, start=facts.start),)
    return (WRITTEN_AT.filled(when=facts.when),)


def _selftest(facts: ResultFacts) -> tuple[Words, ...]:
    return () if facts.selftest == NOTHING else (facts.selftest,)


def _verdict(outcome: CardOutcome) -> Iterator[Words]:
    yield VERDICTS[outcome.verdict]
    yield from map(listed, outcome.said)
    is_well = outcome.verdict in {CardVerdict.APPLIED, CardVerdict.AS_BEFORE}
    if not is_well:
        yield IN_FORCE_MEANWHILE[outcome.has_former]
        yield AGAIN
    yield from outcome.notes
    if outcome.set_aside:
        yield SET_ASIDE.filled(path=outcome.set_aside)
    yield OTHERS if outcome.is_others and is_well else RULE_OF_ALL


def _console(facts: ResultFacts) -> tuple[Words, ...]:
    found = tuple(map(unchanged, facts.addresses)) or (NO_ADDRESS,)
    users = (
        (FIRST_USER_CODE.filled(code=facts.code),)
        if facts.code
        else (USERS_EXIST,)
        if facts.has_run
        else ()
    )
    known = (AUTHORITY.filled(fingerprint=facts.authority),) if facts.authority else ()
    return (*found, *known, *users)


def _sockets(sockets: Sequence[UsbSocket]) -> tuple[Words, ...]:
    return tuple(map(_socket, sockets)) or (NO_SOCKET,)


def _socket(socket: UsbSocket) -> Words:
    named = f'port = "{PurePosixPath(socket.port).name}"'
    shown = f" ({socket.shown})" if socket.shown else ""
    line = _("line {line}", line=socket.line) if socket.line else FREE
    return joined(": ", (unchanged(f"{named}{shown}"), line))


def _phones(outcome: CardOutcome, facts: ResultFacts) -> tuple[Words, ...]:
    """Return the generated passwords, until the console has its first user."""
    if facts.code:
        return tuple(PHONE.filled(name=name, secret=secret) for name, secret in facts.secrets)
    return (HIDDEN,) if outcome.made else ()


def listed(words: Words) -> Words:
    """Return a text as a point of a list."""
    return by_language(lambda language: f"  - {words.text(language)}")
