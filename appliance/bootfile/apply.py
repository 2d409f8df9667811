"""Applying the card's file to the system, at each start or when it is brought to a running box."""

from __future__ import annotations

import copy
import json
import os
import pwd
import re
import secrets as randomness
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from appliance.bootfile.card import (
    CONFIG_BEFORE,
    OUTCOME_FILE,
    CardOutcome,
    CardVerdict,
    KeptFile,
    UsbSocket,
    contents_of,
    digest_of,
    listed,
    load_kept,
    outcome_text,
    put_on_card,
    read_card,
    save_kept,
    trouble_of,
)
from appliance.bootfile.values import (
    CRYPT_RUN,
    FILE_NAME,
    LARGEST_FILE,
    TOO_LATE,
    guess_encoding,
    is_too_late,
    secret_files,
    text_of_file,
)
from appliance.config import phones, short_form
from appliance.config.line_ports import distinct_ports
from appliance.config.state_folder import settle_secrets
from appliance.config.values import BadConfiguration
from appliance.errors import ConfigurationError
from appliance.files import READABLE, atomic_write, load_text, make_private
from appliance.policy.text import Refused, os_error_words
from appliance.service import notices
from appliance.service.card_values import HOSTNAME, KEYS, NETWORK
from appliance.sip.registrar import make_secret
from appliance.text import NOTHING, Words, _

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from appliance.bootfile.read import MadeConfiguration


# At each start the card's file is read, and a new and valid one is put in force. The order makes a
# power cut harmless: passwords first, then the configuration, the kept file last. After a cut
# before that the next start finds the file new and repeats everything; the configuration is the old
# or the new one, never a part of either.

NOTICE: Final = "card-file"
NOT_ENCRYPTED: Final = "data-plain"
EXAMPLE: Final = Path(__file__).parent.parent / "config" / "example.toml"


@dataclass(frozen=True, slots=True)
class BootPlaces:
    """Paths of the card, the configuration, the `kept` file, the network's `data` and the rest.

    Network, host name and keys lie below `data`, where `networkd` finds its link; outcomes go to
    `run`, faults to call control's `notices`; `ports` has the modems' names. `name_host` sets the
    host name at once. `is_image` is True on a box made from the image, whose configuration comes
    from the card; elsewhere the configuration in force is the owner's, even the package's example.
    `crypt` is CRYPT_RUN.
    """

    card: Path
    config: Path
    kept: Path
    data: Path
    networkd: Path
    run: Path
    notices: Path
    ports: Path
    year: int
    under: Mapping[str, Any] = field(default_factory=dict)
    name_host: Callable[[str], None] = lambda _: None
    is_image: bool = True
    crypt: Path = CRYPT_RUN


@dataclass(frozen=True, slots=True)
class CardApplied:
    """Outcome of applying the card; `is_rewritten` if a running service must read it again."""

    outcome: CardOutcome
    is_rewritten: bool


def apply_card(places: BootPlaces, *, again: bool = False) -> CardApplied:
    """Apply the card at a start or when a modem appears; raises OSError for /run only."""
    turn = _CardTurn(places, again=again)
    outcome = turn.outcome()
    _publish_outcome(places, outcome)
    _publish_encryption(places)
    return CardApplied(outcome, turn.is_rewritten)


def check_card(places: BootPlaces, contents: bytes) -> None:
    """Check a file as a start does; raises BadConfiguration with all mistakes, Refused if blank."""
    turn = _CardTurn(places, again=True)
    try:
        text = text_of_file(contents)
    except BadConfiguration as error:
        more = turn.more(contents)
        found = tuple(mistake for each in (error, *more) for mistake in each.mistakes)
        raise BadConfiguration(FILE_NAME, found) from error
    # A failed download leaves an empty file, which would close the office.
    if turn.make(text).is_blank:
        raise Refused(
            _("the file is empty or not filled in: it does not take the place of the card's"),
        )


def passwords_made(places: BootPlaces) -> frozenset[str]:
    """Return the phones whose password the box has generated."""
    kept = load_kept(places.kept)
    return frozenset(kept.unsaid if kept else ())


def modem_ports(places: BootPlaces) -> tuple[str, ...]:
    """Return the ports with a modem now."""
    return tuple(one.port for one in seen_by_box(places.ports))


def _publish_outcome(places: BootPlaces, outcome: CardOutcome) -> None:
    """Report a fault to call control; write the whole outcome for `site tell`."""
    trouble, told = trouble_of(outcome), outcome_text(outcome)
    if trouble != NOTHING:
        notices.post_notice(NOTICE, trouble, places.notices)
    else:
        notices.withdraw_notice(NOTICE, places.notices)
    if load_text(places.run / OUTCOME_FILE) != told:
        places.run.mkdir(mode=0o755, parents=True, exist_ok=True)
        atomic_write(places.run / OUTCOME_FILE, told, is_durable=False)


def _publish_encryption(places: BootPlaces) -> None:
    """Report to call control a request to encrypt that only a first start can fulfil."""
    contents = contents_of(places.card / FILE_NAME)
    if places.is_image and is_too_late(contents, places.crypt):
        notices.post_notice(NOT_ENCRYPTED, TOO_LATE, places.notices)
    else:
        notices.withdraw_notice(NOT_ENCRYPTED, places.notices)


class _CardTurn:
    """One pass over the card."""

    def __init__(self, places: BootPlaces, *, again: bool) -> None:
        self._places, self._again = places, again
        self._seen = seen_by_box(places.ports)
        self.kept = load_kept(places.kept)
        self._current = contents_of(places.config)
        self._set_aside = ""
        self.is_rewritten = False

    def outcome(self) -> CardOutcome:
        """Read the card, apply a new file, and return the outcome."""
        try:
            said = self._judged()
        except OSError as error:
            why = os_error_words(error)
            failed = _("cannot be kept: {why}", why=why)
            said = CardOutcome(CardVerdict.FAILED, (failed,), has_former=self._has_former())
        lines = {port: name for name, port in (self.kept or KeptFile()).ports.items()}
        sockets = tuple(UsbSocket(o.port, o.shown, lines.get(o.port, "")) for o in self._seen)
        return replace(
            said,
            sockets=sockets,
            made=tuple(self.kept.unsaid) if self.kept else (),
            is_others=self._is_others(),
            set_aside=self._set_aside,
        )

    def _judged(self) -> CardOutcome:
        try:
            contents = read_card(self._places.card)
        except Refused as error:
            self._stand()
            return CardOutcome(CardVerdict.MISSING, (error.words,), has_former=self._has_former())
        try:
            text = text_of_file(contents)
        except BadConfiguration as error:
            return self._wrong(error, *self.more(contents))
        if self.kept is not None and text == self.kept.text and not self._again:
            self._stand()
            return self._good(CardVerdict.AS_BEFORE)
        if self._is_written_back(text):
            self._stand()
            return self._good(CardVerdict.AS_BEFORE)
        try:
            made = self.make(text)
        except BadConfiguration as error:
            return self._wrong(error)
        self._hand_over(made)
        self._keep(text, made)
        return self._good(CardVerdict.APPLIED, made.notes)

    def _is_written_back(self, text: str) -> bool:
        """Keep a file that the box wrote before its power failed; raises OSError."""
        if self._again or self.kept is None or not self._current or self._is_ours():
            return False
        # Imported here: a start with nothing new reads no configuration.
        from appliance.bootfile.writeback import kept_written_back

        kept = kept_written_back(text, self.kept, self._places)
        if kept is not None:
            save_kept(self._places.kept, kept)
            self.kept = kept
        return kept is not None

    def more(self, contents: bytes) -> tuple[BadConfiguration, ...]:
        """Return further mistakes of a file saved in an older encoding."""
        if len(contents) > LARGEST_FILE or b"\0" in contents:
            return ()
        try:
            self.make(guess_encoding(contents))
        except BadConfiguration as error:
            return (error,)
        return ()

    def _wrong(self, *errors: BadConfiguration) -> CardOutcome:
        self._stand()
        said = tuple(mistake.words for error in errors for mistake in error.mistakes)
        return CardOutcome(CardVerdict.WRONG, said, has_former=self._has_former())

    def _good(self, verdict: CardVerdict, notes: tuple[Words, ...] = ()) -> CardOutcome:
        is_blank = self.kept is not None and self.kept.is_blank and self._is_ours()
        return CardOutcome(CardVerdict.BLANK if is_blank else verdict, notes=notes)

    def _stand(self) -> None:
        """Keep the last good configuration without the card, with the modems found now."""
        # Not from the image: the configuration belongs to its owner and stays as it is.
        if self.kept is None and self._current and not self._places.is_image:
            return
        has_moved = self.kept is not None and self._is_ours() and not self._is_settled()
        is_only_delivered = self._is_delivered() and self._places.is_image
        if has_moved or not self._current or is_only_delivered:
            text = self.kept.text if self.kept else ""
            try:
                self._keep(text, self.make(text))
            # The kept text may be another version's: the service then uses its last good one.
            except BadConfiguration:
                return

    def _is_settled(self) -> bool:
        """True if every modem is at its known socket; a missing one keeps its place."""
        if self.kept is None:
            return False
        known = set(self.kept.ports.values())
        is_open = self.kept.waits and any(one.port not in known for one in self._seen)
        return not is_open

    def make(self, text: str) -> MadeConfiguration:
        """Make the configuration of a text; raises BadConfiguration."""
        # Imported here: call control waits for this package at each start, and nearly every start
        # has no new file, so needs no configuration reader.
        from appliance.bootfile.read import MakingContext, make_configuration

        kept, found = self.kept or KeptFile(), tuple(one.port for one in self._seen)
        is_same = self.kept is not None and text == kept.text
        places = self._places
        around = MakingContext(
            places.year, found, kept.ports, is_same, places.under, frozenset(kept.passwords)
        )
        return make_configuration(text, around)

    def _hand_over(self, made: MadeConfiguration) -> None:
        """Install network, SSH keys and host name; raises OSError."""

        places = self._places
        hand_network_over(places.data, places.networkd, made.network)
        give_to_account(places.data / KEYS, made.keys)
        give_to_account(places.data / HOSTNAME, f"{made.hostname}\n" if made.hostname else "")
        if made.hostname:
            places.name_host(made.hostname)

    def _keep(self, text: str, made: MadeConfiguration) -> None:
        """Write passwords, configuration and, last, the kept file; raises OSError."""

        contents = made.config.encode()
        own_folder(Path(made.settings.folders.state))
        keep_secrets(made)
        files = keep_passwords(made)
        self._set_aside_what_others_wrote(contents)
        if contents != self._current:
            self._places.config.parent.mkdir(parents=True, exist_ok=True)
            atomic_write(self._places.config, contents, mode=READABLE)
            self._current, self.is_rewritten = contents, True
        kept = KeptFile(
            text,
            digest_of(contents),
            dict(made.ports),
            made.waits,
            made.is_blank,
            sorted(files),
            list(made.unsaid),
        )
        if kept != self.kept:
            self._places.kept.mkdir(mode=0o700, parents=True, exist_ok=True)
            save_kept(self._places.kept, kept)
            self.kept = kept

    def _set_aside_what_others_wrote(self, contents: bytes) -> None:
        is_proven = self.kept is not None and self._is_ours()
        is_only_delivered = self._is_delivered() and self._places.is_image
        if self._current and not (is_proven or is_only_delivered or contents == self._current):
            self._places.kept.mkdir(mode=0o700, parents=True, exist_ok=True)
            before = self._places.kept / CONFIG_BEFORE
            atomic_write(before, self._current)
            self._set_aside = str(before)

    def _is_ours(self) -> bool:
        """True if the configuration in force was made from the card's file."""
        # A power cut between configuration and kept file: only the head line tells.
        if self.kept is None:
            from appliance.bootfile.read import is_made_by_box

            return not self._current or is_made_by_box(self._current)
        return digest_of(self._current) == self.kept.made

    def _is_delivered(self) -> bool:
        """True if only the package's example is in force."""
        return self.kept is None and self._current == contents_of(EXAMPLE)

    def _is_others(self) -> bool:
        """True if the configuration was changed elsewhere: by hand or by a restore."""
        return bool(self._current) and not self._is_ours() and not self._is_delivered()

    def _has_former(self) -> bool:
        """True if an office's configuration is in force, from the card or from elsewhere."""
        is_blank = self.kept is None or self.kept.is_blank
        return self._is_others() or (bool(self._current) and self._is_ours() and not is_blank)


# Installs the card's values for systemd-networkd, sshd and the next start.

ACCOUNT: Final = "centralino"


def keep_secrets(made: MadeConfiguration) -> None:
    """Store the phones' passwords and generate the missing ones."""
    try:
        known = phones.load_secrets(made.settings)
    # An unreadable file is replaced: nobody could use its passwords.
    except ConfigurationError:
        known = {}
    new = {name: make_secret(randomness.token_bytes) for name in made.unsaid if name not in known}
    together = {**known, **new, **made.secrets}
    if together != known:
        phones.save_secrets(made.settings, together)


def keep_passwords(made: MadeConfiguration) -> frozenset[str]:
    """Store the passwords of other accounts; return the tables that have one now."""
    files = secret_files(made.settings)
    for table, text in made.passwords.items():
        make_private(Path(files[table]).parent)
        atomic_write(Path(files[table]), f"{text}\n")
    return frozenset(files)


def own_folder(folder: Path) -> None:
    """Create the service's state folder for its account, or repair the secrets in it."""
    if folder.exists():
        settle_secrets(folder)
        return
    folder.mkdir(mode=0o700, parents=True)
    try:
        account = pwd.getpwnam(ACCOUNT)
    except KeyError:
        return
    if os.geteuid() == 0:
        os.chown(folder, account.pw_uid, account.pw_gid)


def hand_network_over(data: Path, networkd: Path, text: str) -> None:
    """Store the network's settings and link them for networkd; "" for DHCP."""
    link = networkd / Path(NETWORK).name
    give_to_account(data / NETWORK, text)
    link.unlink(missing_ok=True)
    if text:
        networkd.mkdir(mode=0o755, parents=True, exist_ok=True)
        link.symlink_to(data / NETWORK)


def give_to_account(path: Path, text: str) -> None:
    """Write a world-readable text, or remove it if ""; leave an unchanged one alone."""
    if not text:
        path.unlink(missing_ok=True)
    elif contents_of(path) != text.encode():
        path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        atomic_write(path, text, mode=READABLE)


# Plugged-in serial devices by their USB socket, with maker and product from sysfs.

TTYS: Final = Path("/sys/class/tty")
PARENTS: Final = 4
"""Levels of sysfs from a serial device up to the USB device with the names."""


@dataclass(frozen=True, slots=True)
class SeenSocket:
    """A USB socket with a serial device: `port` is its path, `shown` maker and product."""

    port: str
    shown: str = ""


def seen_by_box(folder: Path, ttys: Path = TTYS) -> tuple[SeenSocket, ...]:
    """Return the serial devices in the order of their sockets; () if udev named none."""
    try:
        found = [(str(path), os.path.realpath(path)) for path in folder.iterdir()]
    except OSError:
        return ()
    # The board's own serial ports have names by path, too.
    usb = [(name, device) for name, device in found if "usb" in Path(name).name]
    devices = dict(usb)
    return tuple(
        SeenSocket(port, _shown(ttys / Path(devices[port]).name)) for port in distinct_ports(usb)
    )


def _shown(tty: Path) -> str:
    """Return maker and product of a USB device, "" if unknown."""
    above = (tty / "device").resolve()
    for folder in (above, *above.parents[:PARENTS]):
        words = [_line(folder / name) for name in ("manufacturer", "product")]
        if any(words):
            return " ".join(word for word in words if word)
    return ""


def _line(path: Path) -> str:
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return "".join(sign for sign in " ".join(text.split()) if sign.isprintable())[:60]


# Replaces or completes the card's file while the box runs, so that nobody has to pull the card. The
# new file is checked as a whole before anything changes; then it lies on the card as if edited in a
# computer, and is applied as at a start.

PHONES_LIST: Final = re.compile(r"(?P<head>^\s*phones\s*=\s*\[)(?P<items>[^\]]*)\]", re.MULTILINE)
BY_HAND: Final = _(
    "the list of phones in [{table}] cannot be completed by itself: fetch the "
    "file with `centralino box card show`, add the phone, bring it back with "
    "`centralino box card put`"
)


@dataclass(frozen=True, slots=True)
class CardFilePut:
    """Outcome of replacing the file; `made` are the phones with a new generated password."""

    applied: CardApplied
    made: tuple[str, ...]


def put_card_file(places: BootPlaces, contents: bytes) -> CardFilePut:
    """Replace the card's file and apply it.

    Raises BadConfiguration with all mistakes, Refused or OSError, and then changes nothing.
    """
    check_card(places, contents)
    # Before the file is replaced: only new phones' accounts are shown afterwards.
    known = passwords_made(places)
    put_on_card(places.card, contents)
    applied = apply_card(places)
    made = tuple(name for name in applied.outcome.made if name not in known)
    return CardFilePut(applied, made)


def text_with_phone(text: str, name: str, label: str, group: str) -> str:
    """Return the file's text with one more phone, which rings in `group`; raises Refused."""
    # Imported here: a start with nothing new reads no configuration.
    import tomllib

    from appliance.bootfile import read

    found = read.read_file(text)
    if wrong := found.wrong():
        raise wrong
    if name in {phone.get("name") for phone in found.data.get("phones", [])}:
        raise Refused(_("there is a phone {name} already", name=name))
    wanted = copy.deepcopy(found.data)
    row = {"name": name, "label": label} if label else {"name": name}
    wanted.setdefault("phones", []).append(row)
    if short_form.is_list(tomllib.loads(found.text), "phones"):
        lines = _with_listed(text, row).split("\n")
    else:
        lines = _with_phone_row(text.split("\n"), row)
    if "phones" in wanted.get(group, {}):
        wanted[group]["phones"].append(name)
        lines = _with_list_entry("\n".join(lines), group, name).split("\n")
    # At the switchboard without a list every phone rings: no list is needed there.
    elif group != "switchboard":
        wanted[group] = {**wanted.get(group, {}), "phones": [name]}
        lines = _with_new_list(lines, group, name)
    completed = "\n".join(lines)
    # The text was edited line by line: read it back to see that it says what is wanted.
    if read.read_file(completed).data != wanted:
        raise Refused(BY_HAND.filled(table=group))
    return completed


def _with_phone_row(lines: list[str], row: dict[str, str]) -> list[str]:
    """Insert a phone after the last one, else at the end."""
    rows = [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in row.items()]
    block = ["", "[[phones]]", *rows]
    last = [n for n, line in enumerate(lines) if re.match(r"\s*\[\[\s*phones\s*\]\]", line)]
    if not last:
        return [*lines[:-1], lines[-1], *block, ""] if lines[-1] else [*lines, *block[1:], ""]
    from appliance.bootfile import read

    at = last[-1] + 1
    while at < len(lines) and read.ENTRY.match(lines[at]):
        at += 1
    return [*lines[:at], *block, *lines[at:]]


def _with_listed(text: str, row: dict[str, str]) -> str:
    """Add a phone to the list before the first table."""
    entries = ", ".join(f"{key} = {json.dumps(row[key], ensure_ascii=False)}" for key in row)
    entry = f"{{ {entries} }}" if "label" in row else json.dumps(row["name"])
    return _with_item(text, PHONES_LIST.search(text), entry)


def _with_list_entry(text: str, group: str, name: str) -> str:
    """Add a phone to the list of a group."""
    start = re.search(rf"^\s*\[\s*{group}\s*\]", text, re.MULTILINE)
    found = PHONES_LIST.search(text, start.end()) if start else None
    return _with_item(text, found, json.dumps(name))


def _with_item(text: str, found: re.Match[str] | None, item: str) -> str:
    """Add an entry to a list; a text without the list stays as it is."""
    if found is None:
        return text
    items = found["items"].rstrip()
    comma = "" if not items.strip() else " " if items.endswith(",") else ", "
    return f"{text[: found.start()]}{found['head']}{items}{comma}{item}]{text[found.end() :]}"


def _with_new_list(lines: list[str], group: str, name: str) -> list[str]:
    """Add the list of a group that has none."""
    entry = f"phones = [{json.dumps(name)}]"
    header = re.compile(rf"\s*\[\s*{group}\s*\]")
    for n, line in enumerate(lines):
        if header.match(line):
            return [*lines[: n + 1], entry, *lines[n + 1 :]]
    return [*lines, f"[{group}]", entry, ""]


def mistakes_of(error: BadConfiguration) -> Iterator[Words]:
    """Yield the mistakes of a rejected file, one a line."""
    yield _("{file} was not taken, nothing has changed. What to correct:", file=FILE_NAME)
    for mistake in error.mistakes:
        yield listed(mistake.words)


def card_text(places: BootPlaces) -> str:
    """Return the text of the card's file; raises BadConfiguration, Refused."""
    return text_of_file(read_card(places.card))


def card_bytes(text: str) -> bytes:
    """Return a text as stored on the card: CR LF line ends, for Windows' editors."""
    return text.replace("\n", "\r\n").encode()
