"""SFTP: a folder of an SSH server, by OpenSSH's own client; the server's key was accepted before.

Nothing is asked and nothing is believed: the device's key logs in, no password; another key of the
server ends it before anything is sent.
"""

from __future__ import annotations

import errno
import os
import re
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from appliance.daemon.backup_target import KEY, SET_UP_COMMAND, Address
from appliance.daemon.secret_files import SECRETS
from appliance.files import atomic_write, load_text, make_private
from appliance.policy.supervision import SAYS
from appliance.policy.text import Refused

if TYPE_CHECKING:
    from pathlib import Path

KINDS: Final = ("ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ssh-rsa")
"""A server's key that is accepted is the first of these that it has."""
ALIAS: Final = "backup-target"
CONNECT_S: Final = 20
LEAST_S: Final = 120.0
SLOWEST: Final = 50_000
"""Bytes a second: what takes longer is given up."""
NAME: Final = re.compile(r"[\w.-]+")
_SAID: Final = (
    ("Connection refused", errno.ECONNREFUSED),
    ("Temporary failure in name", -3),
    ("resolve hostname", -2),
    ("getaddrinfo", -2),
    ("Name or service not known", -2),
    ("No route to host", errno.EHOSTUNREACH),
    ("Network is unreachable", errno.ENETUNREACH),
    ("timed out", errno.ETIMEDOUT),
    ("not responding", errno.ETIMEDOUT),
    ("reset by peer", errno.ECONNRESET),
    ("closed by", errno.ECONNRESET),
    ("Connection closed", errno.ECONNRESET),
    ("Broken pipe", errno.ECONNRESET),
)
"""What OpenSSH says of the system's errors, the most telling first."""
_ROW: Final = re.compile(r"^-\S+\s+\S+\s+\S+\s+\S+\s+(\d+)\s.*\s([\w.-]+)$", re.MULTILINE)


def made_key(state: Path) -> str:
    """Return the device's public key, which the server is to know; made once. Raises Refused."""
    private = state / SECRETS / KEY
    public = private.with_name(f"{KEY}.pub")
    if not (private.exists() and load_text(public)):
        make_private(private.parent)
        draft = private.with_name(f".{KEY}")
        for left in (draft, draft.with_name(f".{KEY}.pub")):
            left.unlink(missing_ok=True)
        _run(("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "centralino", "-f", str(draft)))
        for left, to in ((draft, private), (draft.with_name(f".{KEY}.pub"), public)):
            atomic_write(to, left.read_bytes())
            left.unlink()
    return load_text(public).strip()


def offered_key(address: Address) -> str:
    """Ask the server for its public key, which somebody is to compare; raises Refused."""
    asked = ("ssh-keyscan", "-T", str(CONNECT_S), "-p", str(address.port), "-t",
             "ed25519,ecdsa,rsa", "--", address.host)  # fmt: skip
    done = _run(asked, is_checked=False)
    rows = (line.split() for line in done.stdout.splitlines() if not line.startswith("#"))
    found = {row[1]: f"{row[1]} {row[2]}" for row in rows if len(row) == 3}
    for kind in KINDS:
        if kind in found:
            return found[kind]
    raise _away(address, done.stderr)


@dataclass(frozen=True, slots=True)
class Sftp:
    """The folder; `work` is one of our own, for the file with the server's key."""

    address: Address
    host_key: str
    state: Path
    work: Path

    def listed(self) -> dict[str, int]:
        """Return the files there and their sizes; raises Refused."""
        return {name: int(size) for size, name in _ROW.findall(self._do("ls -ln"))}

    def put(self, file: Path, name: str) -> None:
        """Write a file there; raises Refused."""
        size = file.stat().st_size
        try:
            self._do(f'put "{file.name}" "{_checked(name)}"', size, file.parent)
        except _NotTaken as error:
            raise self._not_taken(error, size) from error

    def get(self, name: str, to: Path, size: int) -> None:
        """Fetch a file of about that size; raises Refused."""
        self._do(f'get "{_checked(name)}" "{to.name}"', size, to.parent)

    def rename(self, old: str, new: str) -> None:
        """Give a file its name; raises Refused."""
        self._do(f'rename "{_checked(old)}" "{_checked(new)}"')

    def remove(self, name: str) -> None:
        """Take a file away; raises Refused."""
        self._do(f'rm "{_checked(name)}"')

    def _not_taken(self, error: _NotTaken, size: int) -> Refused:
        """Ask how much room there is, where the server says no more than "Failure"."""
        try:
            told = self._do("df").splitlines()
            free = int(told[-1].split()[2]) * 1024
        except (Refused, LookupError, ValueError):
            return Refused(error.words.it, error.words.en)
        if free > size:
            return Refused(error.words.it, error.words.en)
        host = self.address.host
        return Refused(
            f"su {host} non c'è abbastanza spazio: liberarne, o ridurre backup.keep",
            f"there is not enough room on {host}: free some, or lower backup.keep",
        )

    def _do(self, line: str, size: int = 0, folder: Path | None = None) -> str:
        """Do one command in the folder; returns what it prints. Raises Refused."""
        known = self.work / "known_hosts"
        atomic_write(known, f"{ALIAS} {self.host_key}\n", is_durable=False)
        batch = f'@cd "{self.address.folder}"\n' if self.address.folder else ""
        limit_s = LEAST_S + size / SLOWEST
        try:
            done = subprocess.run(
                self._command(known),
                input=f"{batch}@{line}\n",
                cwd=folder or self.work,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=limit_s,
                check=False,
                env=_environment(),
            )
        except subprocess.TimeoutExpired as error:
            raise _hangs(self.address) from error
        except FileNotFoundError as error:
            raise _no_client() from error
        if done.returncode:
            raise self._refused(done.stderr)
        return done.stdout

    def _command(self, known: Path) -> tuple[str, ...]:
        options = (
            "BatchMode=yes", "IdentitiesOnly=yes", "PreferredAuthentications=publickey",
            f"IdentityFile={self.state / SECRETS / KEY}", f"UserKnownHostsFile={known}",
            "GlobalKnownHostsFile=/dev/null", f"HostKeyAlias={ALIAS}", "UpdateHostKeys=no",
            "StrictHostKeyChecking=yes", f"ConnectTimeout={CONNECT_S}", "LogLevel=ERROR",
            "ServerAliveInterval=15", "ServerAliveCountMax=3", f"User={self.address.user}",
        )  # fmt: skip
        host = f"[{self.address.host}]" if ":" in self.address.host else self.address.host
        words = tuple(f"-o{option}" for option in options)
        return ("sftp", "-b", "-", "-F", "/dev/null", "-P", str(self.address.port), *words, host)

    def _refused(self, said: str) -> Refused:
        """Say in words what OpenSSH and the server say."""
        host, user = self.address.host, self.address.user
        if "Host key verification failed" in said:
            return Refused(
                f"la chiave di {host} non è più quella accettata: se il server è stato "
                f"sostituito ripetere {SET_UP_COMMAND}, altrimenti qualcuno si spaccia per lui",
                f"the key of {host} is not the one that was accepted: if the server was replaced "
                f"run {SET_UP_COMMAND} again, else somebody poses as it",
            )
        if "Permission denied (" in said or "Too many authentication" in said:
            return Refused(
                f"{host} non accetta la chiave dell'apparecchio per l'utente {user}: aggiungerla "
                "sul server (la mostra sudo centralino backup-target key)",
                f"{host} does not take the key of the box for the user {user}: add it there "
                "(sudo centralino backup-target key shows it)",
            )
        return self._of_the_folder(said)

    def _of_the_folder(self, said: str) -> Refused:
        host, folder, user = self.address.host, self.address.folder or "~", self.address.user
        if "No such file" in said or "not found" in said.lower():
            return Refused(
                f"su {host} non c'è la cartella {folder}: crearla, o correggere backup.target",
                f"there is no folder {folder} on {host}: make it, or correct backup.target",
            )
        if "Permission denied" in said:
            return Refused(
                f"su {host} l'utente {user} non può scrivere nella cartella {folder}: dargliene il "
                "permesso",
                f"on {host} the user {user} may not write in the folder {folder}: allow it",
            )
        if ": Failure" in said or "No space" in said or "uota" in said:
            return _NotTaken(
                f"{host} non prende il file: controllare spazio e quota della cartella {folder}",
                f"{host} does not take the file: look at room and quota of the folder {folder}",
            )
        return _away(self.address, said)


class _NotTaken(Refused):
    """Raised where the server says no more than that it failed."""


def _checked(name: str) -> str:
    if not NAME.fullmatch(name):
        raise Refused(f"{name!r} non è il nome di una copia", f"{name!r} is no backup's name")
    return name


def _hangs(address: Address) -> Refused:
    return Refused(
        f"{address.host} non finisce in tempo: controllare il server e la rete",
        f"{address.host} does not finish in time: look at the server and the network",
    )


def _away(address: Address, said: str) -> Refused:
    """Say that a server is not there; `said` is the client's last words."""
    number = next((number for text, number in _SAID if text in said), errno.ETIMEDOUT)
    where, why = f"{address.host}, port", SAYS[number]
    return Refused(
        f"{address.host}, porta {address.port}: {why.it}", f"{where} {address.port}: {why.en}"
    )


def _no_client() -> Refused:
    return Refused(
        "manca il programma sftp: installare il pacchetto openssh-client",
        "the programme sftp is missing: install the package openssh-client",
    )


def _run(words: tuple[str, ...], *, is_checked: bool = True) -> subprocess.CompletedProcess[str]:
    try:
        done = subprocess.run(
            words, capture_output=True, text=True, timeout=LEAST_S, check=False, env=_environment()
        )
    except FileNotFoundError as error:
        raise _no_client() from error
    if is_checked and done.returncode:
        why = " ".join(done.stderr.split())[:200]
        raise Refused(f"{words[0]} non riesce: {why}", f"{words[0]} fails: {why}")
    return done


def _environment() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C"}
