"""The commands that the guides give for a box with the image, and what may become of each.

Pages give `sudo …` for such a box and for a machine of one's own alike; what only the second has
(apt, a compiler, a system that can be written to) is told by the programme that is called.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from typing import Final

from tests.docs.pages import PAGES, code_of

ONES_OWN: Final = re.compile(
    r"sudo (apt|apt-get|git|python3|ln|bmaptool|udevadm|systemd-cryptenroll|systemd-sysusers"
    r"|hostnamectl|/opt/\S+|install (-D|-d|-m 644|-m 755)|systemctl enable|-u logs"
    r"|systemd/install\.sh|centralino line field-test)(?= |$)"
)
"""Of a machine that is not the image: to install, to build, to measure lines with the programmes
that the field test wants."""
HANGS: Final = "sudo /usr/lib/centralino-image/hang"
"""The one that stops the kernel: only asked whether it may be done (tests/image/long has it)."""
FROM_AFAR: Final = re.compile(r"^ssh technician@… (sudo .*?)( > \S+)?$")
DENIED: Final = re.compile(
    r"sudo: (?!unable to resolve)|Traceback|[Pp]ermission denied|accesso negato|access is denied"
    r"|Usage: |Uso: |command not found"
)
TYPED: Final = "mare sole vento\n" * 2
"""What is typed where a command asks for a password and its repetition."""
LASTS: Final = {r"commission": r"Ancora libere|still free", r"phones serve": r"http://"}
"""Commands that wait for somebody: what they say first."""
NO_FILE: Final = r"nessun file con questo nome|no file of this name|no such file"
LACKS: Final = {
    r"settings (show|apply) ": NO_FILE,
    r"settings revert": r"nulla a cui tornare|nothing to go back",
    r"settings undo 12": r"non è più nella cronologia|no such entry in the history",
    r"settings confirm": r"nulla da confermare|nothing waits for a confirmation",
    r"probe line1": r"[Pp]ort|porta|servizio|service",
    r"line bundle --port": r"La porta .* non c'è|does not exist",
    r"usb-reset ": r"no USB modem|two minutes|USB",
    r"phones (add op1 --mac|serve)": r"no network|rete",
    r"users disable": r"l'ultimo con il ruolo|the last one with the role|the last with the role",
    r"outbox (retry|drop) 12": r"no mail 12|l'e-mail 12 non c'è",
    r"directory vary|explain-transfer": r"anagrafe|Anagrafe",
    r"box (backup|restore) (/media|FILE)": rf"{NO_FILE}|la cartella .* non c'è|no folder",
    r"box restore last\.backup": NO_FILE,
    r"backup-target ": r"nessuna cartella di rete|no network folder",
    r"backup --stick": r"chiavetta|stick",
    r"restore --nightly": r"2026-11-25",
    r"restore --finish": r"no restore was interrupted|nessun ripristino",
    r"prompts record": r"telefono|phone",
    r"/data/saved": r"No such file",
    r"line capacity": r"--calls",
    r"box update ": r"immagine|image|slot|raucb|updates\.example|RAUC|versione|version",
}
"""What the box of the test has not: a stick, a second version, an office in the examples' words;
and what is said of it. Whoever has it is not refused."""


@dataclass(frozen=True, slots=True)
class Given:
    """A command as a guide gives it, on which pages."""

    words: str
    pages: tuple[str, ...]

    @property
    def is_ones_own(self) -> bool:
        """Tell whether it is for a machine of one's own alone."""
        return ONES_OWN.match(self.words) is not None

    @property
    def lasts(self) -> bool:
        """Tell whether it waits for somebody, who does not come."""
        return any(re.search(asks, self.words) for asks in LASTS)

    @property
    def question(self) -> str:
        """The same command as a question to sudo: may it be done?"""
        user = re.match(r"sudo (-u \S+ )?", self.words)
        assert user is not None
        return f"sudo -n -l {user[1] or ''}{self.words[user.end() :]}"


def given() -> list[Given]:
    """List every command of the guides that begins with sudo, in the order of the pages."""
    found: dict[str, list[str]] = {}
    for page in PAGES:
        if page.name == "CHANGELOG.md":
            continue
        for code in code_of(page):
            words = FROM_AFAR.sub(r"\1", code.strip())
            if words.startswith("sudo ") and len(shlex.split(words)) > 1:
                found.setdefault(words, []).append(page.name)
    return [Given(words, tuple(dict.fromkeys(pages))) for words, pages in found.items()]


def on_the_image() -> list[Given]:
    """List those that a technician may type at a box with the image."""
    return [one for one in given() if not one.is_ones_own]


def complaint(one: Given, status: int, said: str) -> str:
    """Say what is wrong with how a command ended, "" for nothing."""
    if denied := DENIED.search(said):
        return f"{denied[0]}: {said}"
    expected = [(LASTS, 124)] if status == 124 else [(LACKS, 1), (LACKS, 2)]
    for table, ended in expected:
        words = (text for asks, text in table.items() if re.search(asks, one.words))
        if status == ended and any(re.search(text, said) for text in words):
            return ""
    return f"{status}: {said}" if status else ""
