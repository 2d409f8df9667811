"""At each start: the card's file is read; what is new in it and good is put in force.

Order is what makes a power cut harmless: passwords first, then the configuration, what is kept of
the file last. Cut anywhere before that, the next start finds the file new again and does it all
once more; the configuration itself is the old one or the new one, never a piece of either.

The desk waits for this at each start: what makes a configuration of a file is imported where there
is one to be made, which at nearly every start there is not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from appliance.daemon import notices
from appliance.daemon.mistakes import BadConfiguration
from appliance.files import READABLE, atomic_write, load_text
from appliance.policy.supervision import why_not
from appliance.policy.text import Refused, Words
from appliance.site import card, encryption, keeping
from appliance.site.keeping import Kept, contents_of, digest
from appliance.site.outcome import NAME as OUTCOME
from appliance.site.outcome import Outcome, Socket, Verdict, trouble_of
from appliance.site.outcome import text_of as text_of_outcome
from appliance.site.seen import seen
from appliance.site.text import LARGEST, NAME, guessed, text_of

if TYPE_CHECKING:
    from appliance.site.made import Made

NOTICE: Final = "card-file"
NOT_ENCRYPTED: Final = "data-plain"
EXAMPLE: Final = Path(__file__).parent.parent / "daemon" / "example.toml"


@dataclass(frozen=True, slots=True)
class Places:
    """Where everything is: the card, the configuration, what is `kept` of the file; network, host
    name and keys below `data`, which `networkd` reads at its start; what was found, for `run`, and
    for the desk's `notices`; the modems' names. `name_host` gives the box its name at once.
    `is_image`: the box was made from the image, whose configuration is the card's; elsewhere what
    is in force is somebody's own, also the package's example. `crypt`: see encryption.RUN.
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
    crypt: Path = encryption.RUN


@dataclass(frozen=True, slots=True)
class Applied:
    """What became of it; `is_rewritten` where a running service should read it all again."""

    outcome: Outcome
    is_rewritten: bool


def apply(places: Places, *, again: bool = False) -> Applied:
    """Do what is due at a start, or when a modem has appeared; OSError is raised by /run alone."""
    turn = _Turn(places, again=again)
    outcome = turn.outcome()
    _tell(places, outcome)
    _tell_of_encryption(places)
    return Applied(outcome, turn.is_rewritten)


def check(places: Places, contents: bytes) -> None:
    """Look at a file as a start does; raises BadConfiguration with every mistake, and Refused for
    one that says nothing: a download that failed would close the office.
    """
    turn = _Turn(places, again=True)
    try:
        text = text_of(contents)
    except BadConfiguration as error:
        more = turn.more(contents)
        found = tuple(mistake for each in (error, *more) for mistake in each.mistakes)
        raise BadConfiguration(NAME, found) from error
    if turn.make(text).is_blank:
        raise Refused(
            "il file è vuoto o non compilato: non prende il posto di quello della scheda",
            "the file is empty or not filled in: it does not take the place of the card's",
        )


def passwords_made(places: Places) -> frozenset[str]:
    """Return the phones that have a password of the box's."""
    kept = keeping.load(places.kept)
    return frozenset(kept.unsaid if kept else ())


def ports(places: Places) -> tuple[str, ...]:
    """List where a modem is now."""
    return tuple(one.port for one in seen(places.ports))


def _tell(places: Places, outcome: Outcome) -> None:
    """Tell the desk of a trouble, and whoever answers on the card of everything."""
    trouble, told = trouble_of(outcome), text_of_outcome(outcome)
    if trouble.en:
        notices.tell(NOTICE, trouble, places.notices)
    else:
        notices.take_back(NOTICE, places.notices)
    if load_text(places.run / OUTCOME) != told:
        places.run.mkdir(mode=0o755, parents=True, exist_ok=True)
        atomic_write(places.run / OUTCOME, told, is_durable=False)


def _tell_of_encryption(places: Places) -> None:
    """Tell the desk where the file asks for what only the first start could do."""
    contents = contents_of(places.card / NAME)
    if places.is_image and encryption.is_too_late(contents, places.crypt):
        notices.tell(NOT_ENCRYPTED, encryption.TOO_LATE, places.notices)
    else:
        notices.take_back(NOT_ENCRYPTED, places.notices)


class _Turn:
    """One reading of the card."""

    def __init__(self, places: Places, *, again: bool) -> None:
        self._places, self._again = places, again
        self._seen = seen(places.ports)
        self.kept = keeping.load(places.kept)
        self._current = contents_of(places.config)
        self._set_aside = ""
        self.is_rewritten = False

    def outcome(self) -> Outcome:
        """Read the card, put in force what is to be, and say what became of it."""
        try:
            said = self._judged()
        except OSError as error:
            why = why_not(error)
            failed = Words(f"non si può conservare: {why.it}", f"cannot be kept: {why.en}")
            said = Outcome(Verdict.FAILED, (failed,), has_former=self._has_former())
        lines = {port: name for name, port in (self.kept or Kept()).ports.items()}
        sockets = tuple(Socket(o.port, o.shown, lines.get(o.port, "")) for o in self._seen)
        return replace(
            said,
            sockets=sockets,
            made=tuple(self.kept.unsaid) if self.kept else (),
            is_others=self._is_others(),
            set_aside=self._set_aside,
        )

    def _judged(self) -> Outcome:
        try:
            contents = card.read(self._places.card)
        except Refused as error:
            self._stand()
            return Outcome(Verdict.MISSING, (error.words,), has_former=self._has_former())
        try:
            text = text_of(contents)
        except BadConfiguration as error:
            return self._wrong(error, *self.more(contents))
        if self.kept is not None and text == self.kept.text and not self._again:
            self._stand()
            return self._good(Verdict.AS_BEFORE)
        try:
            made = self.make(text)
        except BadConfiguration as error:
            return self._wrong(error)
        self._hand_over(made)
        self._keep(text, made)
        return self._good(Verdict.APPLIED, made.notes)

    def more(self, contents: bytes) -> tuple[BadConfiguration, ...]:
        """Return what else is wrong with a file that was saved in an older encoding."""
        if len(contents) > LARGEST or b"\0" in contents:
            return ()
        try:
            self.make(guessed(contents))
        except BadConfiguration as error:
            return (error,)
        return ()

    def _wrong(self, *errors: BadConfiguration) -> Outcome:
        self._stand()
        said = tuple(mistake.words for error in errors for mistake in error.mistakes)
        return Outcome(Verdict.WRONG, said, has_former=self._has_former())

    def _good(self, verdict: Verdict, notes: tuple[Words, ...] = ()) -> Outcome:
        is_blank = self.kept is not None and self.kept.is_blank and self._is_ours()
        return Outcome(Verdict.BLANK if is_blank else verdict, notes=notes)

    def _stand(self) -> None:
        """See that something is in force without the card: what was, with modems as found now."""
        if self.kept is None and self._current and not self._places.is_image:
            return
        has_moved = self.kept is not None and self._is_ours() and not self._is_settled()
        is_only_delivered = self._is_delivered() and self._places.is_image
        if has_moved or not self._current or is_only_delivered:
            text = self.kept.text if self.kept else ""
            try:
                self._keep(text, self.make(text))
            except BadConfiguration:  # of another version: the service has its last good one
                return

    def _is_settled(self) -> bool:
        """Tell whether the modems are where they were; one that is missing is awaited there."""
        if self.kept is None:
            return False
        known = set(self.kept.ports.values())
        is_open = self.kept.waits and any(one.port not in known for one in self._seen)
        return not is_open

    def make(self, text: str) -> Made:
        """Make of a text all that follows from it; raises BadConfiguration."""
        from appliance.site.made import Around, make

        kept, found = self.kept or Kept(), tuple(one.port for one in self._seen)
        is_same = self.kept is not None and text == kept.text
        places = self._places
        around = Around(
            places.year, found, kept.ports, is_same, places.under, frozenset(kept.passwords)
        )
        return make(text, around)

    def _hand_over(self, made: Made) -> None:
        """Give the network, sshd and the next start what the file says; raises OSError."""
        from appliance.site import handing

        places = self._places
        handing.network(places.data, places.networkd, made.network)
        handing.give(places.data / handing.KEYS, made.keys)
        handing.give(places.data / handing.HOSTNAME, f"{made.hostname}\n" if made.hostname else "")
        if made.hostname:
            places.name_host(made.hostname)

    def _keep(self, text: str, made: Made) -> None:
        """Write what follows from a good file, what is kept of it last; raises OSError."""
        from appliance.site import handing

        contents = made.config.encode()
        handing.own_folder(Path(made.settings.folders.state))
        handing.keep_secrets(made)
        files = handing.keep_passwords(made)
        self._set_aside_what_others_wrote(contents)
        if contents != self._current:
            self._places.config.parent.mkdir(parents=True, exist_ok=True)
            atomic_write(self._places.config, contents, mode=READABLE)
            self._current, self.is_rewritten = contents, True
        kept = Kept(
            text,
            digest(contents),
            dict(made.ports),
            made.waits,
            made.is_blank,
            sorted(files),
            list(made.unsaid),
        )
        if kept != self.kept:
            self._places.kept.mkdir(mode=0o700, parents=True, exist_ok=True)
            keeping.save(self._places.kept, kept)
            self.kept = kept

    def _set_aside_what_others_wrote(self, contents: bytes) -> None:
        is_proven = self.kept is not None and self._is_ours()
        is_only_delivered = self._is_delivered() and self._places.is_image
        if self._current and not (is_proven or is_only_delivered or contents == self._current):
            self._places.kept.mkdir(mode=0o700, parents=True, exist_ok=True)
            before = self._places.kept / keeping.BEFORE
            atomic_write(before, self._current)
            self._set_aside = str(before)

    def _is_ours(self) -> bool:
        """Tell whether the configuration in force is the one made of the card's file."""
        if self.kept is None:  # cut between the two files
            from appliance.site.made import HEAD

            return not self._current or self._current.startswith(HEAD.encode())
        return digest(self._current) == self.kept.made

    def _is_delivered(self) -> bool:
        """Tell whether nothing is in force but the package's example."""
        return self.kept is None and self._current == contents_of(EXAMPLE)

    def _is_others(self) -> bool:
        """Tell whether somebody has changed the configuration elsewhere: by hand, by a restore."""
        return bool(self._current) and not self._is_ours() and not self._is_delivered()

    def _has_former(self) -> bool:
        """Tell whether an office's configuration is in force, from the card or from elsewhere."""
        is_blank = self.kept is None or self.kept.is_blank
        return self._is_others() or (bool(self._current) and self._is_ours() and not is_blank)
