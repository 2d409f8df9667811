"""The office's phones: list, add, relabel, renew, remove, and the provisioning window.

Call control generates and stores the passwords; the console gets each once, to show it. Entered
phones are stored beside the configuration file (config.phones) and take effect as a changed file
does: by a restart once nobody is on the phone.
"""

from __future__ import annotations

import contextlib
import math
import os
import re
import secrets as randomness
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from appliance.api.commands import UserCommand
from appliance.api.protocol import (
    CommandHandlers,
    Handlers,
    check_may,
    command,
    declined,
    deferred,
    handlers_of,
    refusing,
)
from appliance.api.replies import (
    ListedMake,
    ListedPhone,
    NewPhoneAccount,
    PhonePlace,
    PhonesReply,
    RemovedPhone,
    Said,
    WindowState,
)
from appliance.api.status_text import (
    BAD_LABEL,
    BAD_MAC,
    BAD_MAKE,
    BAD_NAME,
    DECLARED,
    LABEL_TAKEN,
    LAST,
    LONGEST_LABEL,
    NO_MAC,
    NOT_GOOD,
    PHONE_DONE,
    RENEWED,
)
from appliance.api.technician_commands import (
    AddPhone,
    EndServing,
    LabelPhone,
    ListPhones,
    LoadPasswords,
    PhoneChange,
    PutPhoneBack,
    RemovePhone,
    RenewPhone,
    ServePhones,
)
from appliance.config import phones as config_phones
from appliance.config.build import extensions
from appliance.config.phone_labels import phone_labelled
from appliance.config.phones import (
    CITIZENS_DESK,
    GROUPS,
    SWITCHBOARD,
    EnteredPhone,
    EnteredPhones,
    StoredHandset,
)
from appliance.errors import CentralinoError, OfficeError, TechnicianError
from appliance.files import atomic_write, load_text
from appliance.policy.directory import Directory
from appliance.policy.text import Refused
from appliance.policy.transfers import offices_of_phone
from appliance.policy.users import Permission
from appliance.provisioning import handset, templates
from appliance.provisioning.handset import mac_of
from appliance.provisioning.server import PORT
from appliance.sip import registrar
from appliance.store import database
from appliance.store.database import Noted, transaction
from appliance.text import NOTHING, Words, _, joined, unchanged

if TYPE_CHECKING:
    import sqlite3

    from appliance.api.call_control import StoreAccess
    from appliance.api.protocol import DeferredReply, Reply
    from appliance.config.schema import Phone, Settings
    from appliance.policy.clock import Now
    from appliance.sip.phones import PhoneState
    from appliance.sip.service import Phones

FILE: Final = "phones_window"
MINUTES: Final = 15
MOST_OUTPUT: Final = 4_000
"""Bytes shown of the child's output, the last ones."""
GRACE_S: Final = 2.0
NICENESS: Final = 10


class ProvisioningWindow:
    """The window in which added phones fetch their files from a child, `centralino phones serve`.

    Callable from any thread; `look`, in the deciding thread, starts and ends the child and never
    waits for it. `config` is the child's configuration file.
    """

    def __init__(
        self, config: Path | None, run: Path, clock: Callable[[], float] = time.monotonic
    ) -> None:
        # The window's end (monotonic s) is kept in the run folder: a new phone needs a restart of
        # the service, which must not close the window.
        self._config, self._file, self._clock = config, run / FILE, clock
        self._until, self._is_due, self._is_ending = 0.0, False, False
        self._child: subprocess.Popen[bytes] | None = None
        self._said_to: int | None = None
        self._said = ""

    def open(self) -> None:
        """Open the window for MINUTES from now; raises Refused, OSError."""
        if self._config is None:
            raise Refused(
                _("the configuration file is not known: use the command line"),
            )
        self._keep(self._clock() + MINUTES * 60)
        self._is_due = True

    def renew(self) -> None:
        """Restart the child of an open window: a phone was added, its files have changed."""
        self._is_due = self._is_due or self.left_s > 0

    def close(self) -> None:
        """Close the window."""
        self._until, self._is_due = 0.0, False
        self._file.unlink(missing_ok=True)

    def resume(self) -> None:
        """Reopen the window after a restart, until its end."""
        # A malformed file counts as a closed window.
        with contextlib.suppress(ValueError):
            self._until = float(load_text(self._file) or 0)
        self._is_due = self.left_s > 0

    def stop(self) -> None:
        """End the child when the service stops; the file stays for the next run."""
        if self._child is not None:
            self._child.send_signal(signal.SIGINT)
            try:
                self._child.wait(GRACE_S)
            except subprocess.TimeoutExpired:
                self._child.kill()
            self._end()

    @property
    def left_s(self) -> float:
        """Seconds for which the window stays open."""
        return max(0.0, self._until - self._clock())

    @property
    def said(self) -> str:
        """The output of the present or the last child."""
        return self._heard() if self._child is not None else self._said

    def look(self) -> None:
        """Start the child if due, end it when the time is over, note its end."""
        # The child ended: after its time, once all phones have registered, or by a failure.
        if self._child is not None and self._child.poll() is not None:
            self._end()
            if not self._is_due:
                self.close()
        if self._child is not None:
            if (self._is_due or not self.left_s) and not self._is_ending:
                self._is_ending = True
                # On SIGINT the child stores which phones have fetched their files, then ends.
                self._child.send_signal(signal.SIGINT)
        elif self._is_due:
            self._is_due = False
            if self.left_s:
                self._begin()

    def _begin(self) -> None:
        # The child counts whole minutes, one at least.
        minutes = str(max(1, math.ceil(self.left_s / 60)))
        command = [sys.executable, "-m", "appliance", "phones", "serve", "--minutes", minutes]
        own = {**os.environ, "CENTRALINO_CONFIG": str(self._config)}
        # A memory file takes any amount at once: a pipe that nobody reads would block the child.
        self._said_to = os.memfd_create(FILE)
        self._child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=self._said_to,
            stderr=self._said_to,
            env=own,
        )
        # Calls go first.
        os.setpriority(os.PRIO_PROCESS, self._child.pid, NICENESS)

    def _end(self) -> None:
        self._said = self._heard()
        if self._said_to is not None:
            os.close(self._said_to)
        self._child, self._said_to, self._is_ending = None, None, False

    def _heard(self) -> str:
        if self._said_to is None:
            return ""
        # The last part: it says how the child ended.
        size = os.fstat(self._said_to).st_size
        return os.pread(self._said_to, MOST_OUTPUT, max(0, size - MOST_OUTPUT)).decode(
            "utf-8", "replace"
        )

    def _keep(self, until: float) -> None:
        # Monotonic seconds stay valid across restarts of the service; a reboot clears the run
        # folder.
        atomic_write(self._file, f"{until:.0f}\n", is_durable=False)
        self._until = until


NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")
MOST_PHONES: Final = 99
SUGGESTED: Final = "op{}"
CODES: Final[dict[type[UserCommand[Reply]], str]] = {
    AddPhone: "phone.add",
    RenewPhone: "phone.password",
    LabelPhone: "phone.label",
    RemovePhone: "phone.remove",
    PutPhoneBack: "phone.back",
    ServePhones: "phone.serve",
    EndServing: "phone.serve_end",
}


def _nothing() -> None:
    """Do nothing."""


def _no_directory() -> None:
    """Return no register of offices."""


@dataclass(slots=True)
class PhoneCommands(CommandHandlers):
    """Commands of the deciding thread, executed in the database thread.

    `written` is the configuration file as read at the start, without entered phones; `complaint`
    its mistakes. `on_change` restarts the service so that entered phones take effect; `kept` tells
    whether that happens by itself.
    """

    settings: Settings
    written: Settings
    phones: Phones
    stores: StoreAccess
    now: Callable[[], Now]
    complaint: Words = NOTHING
    kept: bool = False
    window: ProvisioningWindow | None = None
    on_change: Callable[[], None] = field(default=_nothing)
    directory: Callable[[], Directory | None] = field(default=_no_directory)

    @command(ListPhones)
    def list_phones(self, _: ListPhones) -> DeferredReply:
        """Return every phone with its configuration and its present registration."""
        live = {each.name: each for each in self.phones.status().phones}
        # Asked here, on the deciding thread, to which it belongs.
        directory = self.directory() or Directory()

        def job(_: sqlite3.Connection) -> Reply:
            entered = config_phones.load_entered(self._state)
            written = self.written
            wanted = config_phones.overlay_phones(written, entered)
            kept, secret = (
                config_phones.load_handsets(self.settings),
                config_phones.load_secrets(self.settings),
            )
            makes = templates.MAKES.values()
            return PhonesReply(
                phones=tuple(
                    ListedPhone(
                        **self._row(
                            phone, digits, wanted, entered, kept.get(phone.name, StoredHandset())
                        ),
                        warning=self._warning(wanted, phone.name, directory),
                        has_secret=phone.name in secret,
                        registered=_place(live.get(phone.name)),
                        answers=phone.name in live and live[phone.name].answers,
                    )
                    for phone, digits in _numbered(wanted)
                ),
                removed=self._removed(written, entered),
                waits=not self._is_in_force(wanted),
                by_itself=self.kept,
                suggested=_free_name(written, entered),
                window=self._window(),
                makes=tuple(
                    ListedMake(make.name, make.models, make.is_soft, make.picks_up)
                    for make in makes
                ),
            )

        return self._deferred(job)

    def _row(
        self,
        phone: Phone,
        digits: str,
        wanted: Settings,
        entered: EnteredPhones,
        kept: StoredHandset,
    ) -> dict[str, Any]:
        return {
            "name": phone.name,
            "label": phone.label,
            "extension": digits,
            "group": _group_of(wanted, phone.name),
            "is_entered": entered.find(phone.name) is not None,
            "fixed": phone.address,
            "make": kept.make,
            "mac": ":".join(kept.mac[n : n + 2] for n in range(0, len(kept.mac), 2)),
            "fetched": kept.fetched,
            "in_force": any(phone.name == each.name for each in self.settings.phones),
            "stays": wanted.switchboard.phones == (phone.name,),
        }

    def _warning(self, wanted: Settings, phone: str, directory: Directory) -> Words:
        """Return what callers lose with a phone: its group's last one, or one of an office."""
        day = self.now().wall.astimezone(ZoneInfo(self.settings.site.zone)).date()
        declared = ", ".join(offices_of_phone(directory, phone, day))
        told = config_phones.warnings_without(wanted, phone)
        return joined(" ", (*told, DECLARED.filled(office=declared)) if declared else told)

    def _removed(self, written: Settings, entered: EnteredPhones) -> tuple[RemovedPhone, ...]:
        return tuple(
            RemovedPhone(phone.name, phone.label)
            for phone in written.phones
            if phone.name in entered.removed
        )

    def _is_in_force(self, wanted: Settings) -> bool:
        """True if the running service already has the phones of `wanted`."""
        return _shape(self.settings) == _shape(wanted)

    def _window(self) -> WindowState:
        """Return the window's end, "" if closed, and the child's output."""
        left = self.window.left_s if self.window else 0.0
        until = (self.now().wall + timedelta(seconds=left)).isoformat(timespec="minutes")
        return WindowState(until if left else "", self.window.said if self.window else "")

    @command(AddPhone)
    def add(self, wish: AddPhone) -> DeferredReply:
        """Add a phone; this reply is the only one with its password."""
        name, label, group = _name(wish.name), _label(wish.label), wish.group
        if group not in GROUPS:
            raise OfficeError(f"group is one of {', '.join(GROUPS[:2])}, or empty")
        make, mac = _make_and_mac(wish)

        def job(connection: sqlite3.Connection) -> Reply:
            def with_it(written: Settings, entered: EnteredPhones) -> EnteredPhones:
                _check_free(written, entered, name)
                _check_label(config_phones.overlay_phones(written, entered), name, label)
                new = EnteredPhone(name, label, group)
                # The extension depends on all phones together, so the list with the new phone is
                # numbered first, and the number then stored with the phone.
                wider = replace(entered, added=(*entered.added, new))
                laid = config_phones.overlay_phones(written, wider)
                digits = {phone.name: own for phone, own in _numbered(laid)}[name]
                return replace(entered, added=(*entered.added, replace(new, extension=digits)))

            self._allow(connection, wish)
            wanted, entered = self._change(with_it)
            told = self._account(wanted, name, make, mac)
            config_phones.save(self._state, entered)
            self._note(connection, wish, name)
            return told

        return self._deferred(job, self._changed)

    @command(RenewPhone)
    def renew(self, wish: RenewPhone) -> DeferredReply:
        """Make a new password for a phone, shown once; the old one is no longer valid."""
        name = _name(wish.name)

        def job(connection: sqlite3.Connection) -> Reply:
            self._allow(connection, wish)
            wanted = config_phones.overlay_phones(
                self.written, config_phones.load_entered(self._state)
            )
            phone = _known(wanted, name)
            if phone.address:
                raise Refused(
                    _(
                        "{name} stands at a fixed address and does not register: "
                        "it has no password",
                        name=name,
                    ),
                )
            # Make and hardware address stay: only the password and the file's token are new.
            before = config_phones.load_handsets(self.settings).get(name, StoredHandset())
            told = self._account(wanted, name, before.make or config_phones.SOFT, before.mac)
            self._note(connection, wish, name)
            return told

        return self._deferred(job, self._served_anew)

    @command(LabelPhone)
    def relabel(self, wish: LabelPhone) -> DeferredReply:
        """Change a phone's label."""
        name, label = _name(wish.name), _label(wish.label)

        def with_it(written: Settings, entered: EnteredPhones) -> EnteredPhones:
            wanted = config_phones.overlay_phones(written, entered)
            before = _known(wanted, name).label
            # A label that two phones have already, by the file, may be sent again as it is.
            if label != before:
                _check_label(wanted, name, label)
            own = entered.find(name)
            if own is not None:
                others = (replace(o, label=label) if o is own else o for o in entered.added)
                return replace(entered, added=tuple(others))
            return replace(entered, labels={**entered.labels, name: label})

        return self._entered(wish, name, with_it)

    @command(RemovePhone)
    def remove(self, wish: RemovePhone) -> DeferredReply:
        """Take a phone out of use and delete its password."""
        name = _name(wish.name)

        def with_it(written: Settings, entered: EnteredPhones) -> EnteredPhones:
            wanted = config_phones.overlay_phones(written, entered)
            _known(wanted, name)
            # Without a phone at the switchboard nobody could answer.
            if wanted.switchboard.phones == (name,):
                raise Refused(LAST)
            # A label of a removed phone would return with a new one of that name.
            labels = {n: label for n, label in entered.labels.items() if n != name}
            rest = tuple(one for one in entered.added if one.name != name)
            # A phone of the configuration file cannot be deleted here, only masked.
            if len(rest) < len(entered.added):
                return replace(entered, added=rest, labels=labels)
            return replace(entered, labels=labels, removed=(*entered.removed, name))

        return self._entered(wish, name, with_it, forgets=True)

    @command(PutPhoneBack)
    def put_back(self, wish: PutPhoneBack) -> DeferredReply:
        """Put a phone of the configuration file back into use."""
        name = _name(wish.name)

        def with_it(written: Settings, entered: EnteredPhones) -> EnteredPhones:
            rest = replace(entered, removed=tuple(n for n in entered.removed if n != name))
            back = next((one for one in written.phones if one.name == name), None)
            if back is not None and name in entered.removed:
                # Its label may have been given to another phone meanwhile.
                _check_label(config_phones.overlay_phones(written, entered), name, back.label)
            return rest

        return self._entered(wish, name, with_it)

    @command(ServePhones)
    def serve(self, wish: ServePhones) -> DeferredReply:
        """Open the provisioning window."""
        return self._turn(wish, is_open=True)

    @command(EndServing)
    def serve_no_more(self, wish: EndServing) -> DeferredReply:
        """Close the provisioning window."""
        return self._turn(wish, is_open=False)

    def _turn(self, wish: ServePhones | EndServing, *, is_open: bool) -> DeferredReply:

        def job(connection: sqlite3.Connection) -> Reply:
            self._allow(connection, wish)
            if self.window is not None:
                (self.window.open if is_open else self.window.close)()
            self._note(connection, wish, "")
            return Said(PHONE_DONE[wish.ask])

        return self._deferred(job)

    def _entered(
        self,
        wish: PhoneChange,
        name: str,
        with_it: Callable[[Settings, EnteredPhones], EnteredPhones],
        *,
        forgets: bool = False,
    ) -> DeferredReply:
        def job(connection: sqlite3.Connection) -> Reply:
            self._allow(connection, wish)
            _, entered = self._change(with_it)
            if forgets:
                self._forget(name)
            config_phones.save(self._state, entered)
            self._note(connection, wish, name)
            return Said(PHONE_DONE[wish.ask])

        return self._deferred(job, self._changed)

    @property
    def _state(self) -> Path:
        return Path(self.settings.folders.state)

    def _change(
        self, with_it: Callable[[Settings, EnteredPhones], EnteredPhones]
    ) -> tuple[Settings, EnteredPhones]:
        """Return the changed configuration and its entries; raises Refused."""
        # With a broken configuration file no restart could bring the change into force.
        if self.complaint != NOTHING:
            raise Refused(NOT_GOOD)
        entered = with_it(self.written, config_phones.load_entered(self._state))
        return config_phones.overlay_phones(self.written, entered), entered

    def _account(self, wanted: Settings, name: str, make: str, mac: str) -> NewPhoneAccount:
        """Make a phone's password and file token; return the account, shown only once."""
        secret, kept = (
            config_phones.load_secrets(self.settings),
            config_phones.load_handsets(self.settings),
        )
        # Files are found by hardware address: each belongs to one phone only.
        other = next((n for n, row in kept.items() if mac and row.mac == mac and n != name), "")
        if other:
            raise Refused(
                _("this hardware address is phone {other}'s already", other=other),
            )
        kept[name] = StoredHandset(make, mac, config_phones.new_token(randomness.token_bytes))
        secret[name] = registrar.make_secret(randomness.token_bytes)
        secret.setdefault(
            config_phones.ADMINISTRATOR, registrar.make_secret(randomness.token_bytes)
        )
        where = self._where()
        config_phones.save_handsets(self.settings, kept)
        config_phones.save_secrets(self.settings, secret)
        digits = next(d for phone, d in _numbered(wanted) if phone.name == name)
        rows = registrar.account_fields(
            name, secret[name], where, self.settings.sip.port, extension=digits
        )
        is_soft, url = templates.make_named(make).is_soft, config_phones.url_of(kept[name], where)
        return NewPhoneAccount(
            name=name,
            label=_known(wanted, name).label,
            rows=tuple((_words(key), value) for key, value in rows.items()),
            secret=secret[name],
            url=url,
            files=f"http://{where}:{PORT}/",
            is_soft=is_soft,
            picture=_picture(url) if is_soft else "",
        )

    def _where(self) -> str:
        try:
            return config_phones.lan_address(self.settings)
        # Without a network yet the box has only its name.
        except TechnicianError:
            return socket.gethostname()

    def _forget(self, name: str) -> None:
        secret, kept = (
            config_phones.load_secrets(self.settings),
            config_phones.load_handsets(self.settings),
        )
        if secret.pop(name, None) is not None:
            config_phones.save_secrets(self.settings, secret)
        if kept.pop(name, None) is not None:
            config_phones.save_handsets(self.settings, kept)

    def _allow(self, connection: sqlite3.Connection, wish: UserCommand[Reply]) -> None:
        check_may(connection, wish.by, Permission.TECHNICAL)

    def _note(self, connection: sqlite3.Connection, wish: UserCommand[Reply], name: str) -> None:
        with transaction(connection):
            noted = Noted(self.now().wall, wish.by, CODES[type(wish)], name)
            database.note(connection, noted)

    def _deferred(
        self, job: Callable[[sqlite3.Connection], Reply], then: Callable[[], None] = _nothing
    ) -> DeferredReply:
        """Run a job in the database thread, call `then` where it succeeded, then reply."""

        def reply(result: Reply | CentralinoError) -> Reply | CentralinoError:
            if not isinstance(result, CentralinoError):
                then()
            return declined(result)

        return deferred(self.stores.records, refusing(job), reply)

    def _renewed(self) -> None:
        """Have the registrar load the passwords again."""

        def done(result: dict[str, str] | CentralinoError) -> None:
            if not isinstance(result, CentralinoError):
                self.phones.learn_secrets(result)

        self.stores.records.do(lambda _: config_phones.load_secrets(self.settings), done)

    def _served_anew(self) -> None:
        self._renewed()
        if self.window is not None:
            self.window.renew()

    def _changed(self) -> None:
        self._served_anew()
        # Passwords are in force already; the list of phones needs a restart.
        self.on_change()


class PhoneList:
    """Present registration of each phone; `commands` changes the list."""

    def __init__(
        self,
        settings: Settings,
        phones: Phones,
        stores: StoreAccess,
        commands: PhoneCommands | None = None,
    ) -> None:
        self._settings = settings
        self._phones = phones
        self._stores = stores
        self._commands = commands

    @property
    def known(self) -> Handlers:
        """Map the commands that show and change the list to their methods."""
        return handlers_of(self) | (self._commands.known if self._commands else {})

    def rows(self) -> tuple[PhonePlace, ...]:
        """Return every phone, its registered address ("" if none) and whether it answers."""
        return tuple(
            PhonePlace(phone.name, phone.label, _place(phone), phone.answers)
            for phone in self._phones.status().phones
        )

    @command(LoadPasswords)
    def renewed(self, _: LoadPasswords) -> DeferredReply:
        """Load the passwords again after `centralino phones add`."""

        def reply(result: dict[str, str] | CentralinoError) -> Reply | CentralinoError:
            if isinstance(result, CentralinoError):
                return result
            self._phones.learn_secrets(result)
            return Said(RENEWED)

        return deferred(
            self._stores.records, lambda _: config_phones.load_secrets(self._settings), reply
        )


def _name(name: str) -> str:
    if not NAME.fullmatch(name):
        raise Refused(BAD_NAME)
    return name


def _label(label: str) -> str:
    text = " ".join(label.split())
    if not (0 < len(text) <= LONGEST_LABEL and text.isprintable()):
        raise Refused(BAD_LABEL)
    return text


def _make_and_mac(wish: AddPhone) -> tuple[str, str]:
    """Return make and hardware address, either of which may be left out."""
    make, typed = wish.make, wish.mac.strip()
    try:
        mac = mac_of(typed) if typed else ""
    except OfficeError as error:
        raise Refused(BAD_MAC) from error
    if make and make not in templates.MAKES:
        raise Refused(BAD_MAKE)
    # Without a make the hardware address tells it, where its maker is known.
    make = make or (templates.make_of_mac(mac) if mac else config_phones.SOFT)
    if not make:
        raise Refused(BAD_MAKE)
    if templates.make_named(make).is_soft:
        return make, ""
    if not mac:
        raise Refused(NO_MAC)
    return make, mac


def _known(settings: Settings, name: str) -> Phone:
    for phone in settings.phones:
        if phone.name == name:
            return phone
    raise Refused(_("there is no phone {name} any more", name=name))


def _check_free(written: Settings, entered: EnteredPhones, name: str) -> None:
    wanted = config_phones.overlay_phones(written, entered)
    if len(wanted.phones) >= MOST_PHONES:
        raise Refused(_("there are {most_phones} phones already", most_phones=MOST_PHONES))
    if name in entered.removed:
        raise Refused(
            _("phone {name} is one of those removed: put it back into use", name=name),
        )
    if any(phone.name == name for phone in wanted.phones):
        raise Refused(
            _("the user name {name} is a phone's already: choose another one", name=name),
        )


def _check_label(wanted: Settings, name: str, label: str) -> None:
    """Raise Refused for a label that another phone has."""
    if other := phone_labelled(wanted.phones, label, but=name):
        raise Refused(LABEL_TAKEN.filled(label=unchanged(label), other=other))


def _free_name(written: Settings, entered: EnteredPhones) -> str:
    taken = {phone.name for phone in written.phones} | {one.name for one in entered.added}
    # One number more than names taken: one of them is free.
    numbers = range(1, len(taken) + 2)
    return next(n for n in (SUGGESTED.format(number) for number in numbers) if n not in taken)


def _numbered(settings: Settings) -> list[tuple[Phone, str]]:
    digits = extensions(settings.phones)
    return [(phone, own.digits) for phone, own in zip(settings.phones, digits, strict=True)]


def _group_of(settings: Settings, name: str) -> str:
    if name in settings.switchboard.phones:
        return SWITCHBOARD
    return CITIZENS_DESK if name in settings.citizens_desk.phones else ""


def _shape(settings: Settings) -> object:
    """Return the part of the configuration that a running service has read of its phones."""
    numbered = [(p.name, p.label, p.address, digits) for p, digits in _numbered(settings)]
    return numbered, settings.switchboard.phones, settings.citizens_desk.phones


def _place(phone: PhoneState | None) -> str:
    return f"{phone.address[0]}:{phone.address[1]}" if phone and phone.address else ""


def _words(key: str) -> Words:
    return registrar.ACCOUNT_WORDS[key]


def _picture(url: str) -> str:
    """Return the QR code; "" without its library, as the address is shown beside it."""
    try:
        return handset.qr_svg(url)
    except TechnicianError:
        return ""
