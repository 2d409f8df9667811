"""The front desk of a small municipality: a whole box, its offices, their phones, a mail server.

All real processes: exchange, daemon, console, SIP phones, exim4. The desk is open whatever the day
and the hour: today and tomorrow are extraordinary openings, the offices take calls all day.
"""

from __future__ import annotations

import contextlib
import math
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Final

from appliance.dsp import g711
from appliance.dsp.dtmf import pcm16
from appliance.dsp.wav import Law, level_dbm0
from appliance.prompts import OURS
from appliance.simulator.exchange.call import CallPlan
from appliance.simulator.exchange.process import RunningCall, read_clip, ulaw_wav
from appliance.simulator.phone.process import TestPhone
from tests.console.running import open_console
from tests.helpers.box import ROME, Box
from tests.helpers.mail_server import PASSWORD, USER, MailServer
from tests.journeys.harness.steps import wait_until
from tests.system.calls import in_state
from tests.system.rulers import share_of_tone

NUMBER: Final = "051 598 111"
"""The municipality's public number; each line is called by it."""
MESSAGE: Final = OURS / "it" / "leave_message.wav"
"""What somebody says to the voicemail."""
CITIZEN_HZ, OPERATOR_HZ, CLERK_HZ = 700, 500, 1300
"""Voices that can be told from each other; none is a tone of the exchange."""
VOICES_HZ: Final = (CITIZEN_HZ, OPERATOR_HZ, CLERK_HZ)
QUIET_DBM0: Final = -50.0
PATIENCE_S: Final = 20.0
SECOND: Final = 16_000
"""Bytes of a second of 16-bit sound."""
ALL_DAY: Final = "\n".join(
    f'{day} = ["00:00-24:00"]'
    for day in ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
)
REGISTER: Final = f"""
[[services]]
code = "demografici"
name = "Servizi demografici"
email = "demografici@comune.example"

[[services.offices]]
code = "anagrafe"
name = "Anagrafe"
email = "anagrafe@comune.example"

[[services]]
code = "entrate"
name = "Servizio entrate"
email = "entrate@comune.example"

[[services.offices]]
code = "tributi"
name = "Tributi"
email = "tributi@comune.example"
say = "L'ufficio risponde per e-mail entro tre giorni lavorativi."

[[declarations]]
unit = "anagrafe"
declared_by = "Dirigente dei Servizi demografici"
entered_by = "Anna Verdi"
entered_at = 2026-01-12T09:00:00+01:00
reference = "Protocollo 1/2026"
first = 2026-01-15
returns = ["appointment", "email"]
[declarations.bands]
{ALL_DAY}
[[declarations.needs]]
code = "residenza"
name = "Cambi di residenza complessi"
code_keys = "31"
[[declarations.needs.numbers]]
reach = "phone"
number = "ana1"
label = "Anagrafe, sportello 1"

[[declarations]]
unit = "tributi"
declared_by = "Responsabile dei Tributi"
entered_by = "Anna Verdi"
entered_at = 2026-01-12T09:10:00+01:00
reference = "Protocollo 2/2026"
first = 2026-01-15
returns = ["email"]
[declarations.bands]
{ALL_DAY}
[[declarations.needs]]
code = "accertamenti"
name = "Avvisi di accertamento"
code_keys = "41"
[[declarations.needs.numbers]]
reach = "phone"
number = "tri1"
label = "Tributi, ufficio 1"
"""
SETTINGS: Final = """\
console = "{folder}/console"

[[openings]]
day = {tomorrow}
hours = ["00:00-24:00"]

[calls]
transfer = 10

[mail]
server = "{mail.address}"
port = {mail.port}
user = "{user}"
password_file = "{mail.folder}/password"
ca_file = "{mail.folder}/certificate.pem"
sender = "Centralino <centralino@comune.example>"
head = "responsabile@comune.example"

[console]
listen = "127.0.0.1"
redirect_port = 0
"""
"""An office's phone rings for ten seconds, the least that can be set: the journey waits for it."""


@dataclass
class FrontDesk(Box):
    """The box; `home` is where its console is, `mail` the municipality's mail server."""

    home: str = ""
    mail: MailServer | None = None

    @property
    def phones(self) -> tuple[str, ...]:
        """All phones, the two offices' too."""
        return (*self.operators, *self.counters, "ana1", "tri1")

    @property
    def authority(self) -> Path:
        """The certificate that the technician installs on the office's computers."""
        return self.folder / "console" / "tls" / "ca.crt"

    def furnish(self) -> None:
        """Import register and sheets by the commands of the technician's guide."""
        file = self.folder / "register.toml"
        file.write_text(REGISTER, encoding="utf-8")
        self._run("register", "import", file, "--by", "Anna Verdi")
        sheets = resources.files("appliance.config") / "example_sheets"
        self._run("sheets", "import", str(sheets))
        self.wait_until(
            lambda: self.status()["register"]["units"] == 4, PATIENCE_S, "no register in force"
        )

    def _run(self, command: str, *words: object) -> None:
        """Run a command beside the running desk."""
        asked = (sys.executable, "-m", "appliance", command, "--config", self.config_path, *words)
        done = subprocess.run(
            [str(word) for word in asked], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr


@contextlib.contextmanager
def front_desk(folder: Path, **more: Any) -> Iterator[FrontDesk]:
    """Start the box with two lines, its console and the mail server; `more` is of the box."""
    tomorrow = (datetime.now(ROME) + timedelta(days=1)).date()
    with mail_server() as mail:
        extra = SETTINGS.format(folder=folder, tomorrow=tomorrow, mail=mail, user=USER)
        called = f'called = "{NUMBER}"\n'
        with FrontDesk(folder, line=called, ring=60, extra=extra, mail=mail, **more) as box:
            box.furnish()
            with open_console(box) as (_, box.home):
                yield box


@contextlib.contextmanager
def mail_server() -> Iterator[MailServer]:
    """Start the mail server, in a folder of its own.

    Under root exim4 works as another user, who must get at its files: every pytest that starts
    takes that right from the folders of all others.
    """
    with tempfile.TemporaryDirectory(prefix="mail-server-") as folder:
        mail = MailServer(Path(folder))
        mail.start()
        try:
            (mail.folder / "password").write_text(PASSWORD, encoding="utf-8")
            yield mail
        finally:
            mail.stop()


# --- who calls, who lifts, who hears whom -------------------------------------------------------


def citizen_calls(box: Box, line: int, number: str) -> RunningCall:
    """Have somebody call who speaks until they hang up."""
    box.wait_until(box.is_idle, PATIENCE_S, "the lines did not become idle")
    plan = CallPlan(
        caller=number, clips=(voice(CITIZEN_HZ),), repeat_say=True, hang_up_after_ms=600_000
    )
    return box.place(line, plan)


def leaves_a_message(box: Box, number: str, said_s: int) -> None:
    """Call a closed switchboard, skip the greeting, speak, hang up."""
    caller = box.place(2, CallPlan(caller=number, hang_up_after_ms=600_000))
    in_state(box, "greeting")
    caller.press("#")
    in_state(box, "recording")
    caller.say(read_clip(MESSAGE)[: said_s * 8000])
    with contextlib.suppress(TimeoutError):
        caller.wait_for("ended", said_s + 0.5)
    caller.hang_up()
    caller.wait(PATIENCE_S)
    box.wait_until(box.is_idle, PATIENCE_S, "the line did not become idle")


def lifts(phone: TestPhone, hertz: int) -> None:
    """Have somebody lift a phone that rings and speak, in a voice of this pitch, until the end."""
    phone.say(ulaw_wav(voice(hertz)), repeat=True)
    phone.answer()


@cache
def voice(hertz: int) -> bytes:
    """Return a second of somebody's voice in mu-law."""
    sine = (4000 * math.sin(math.tau * hertz * n / 8000) for n in range(8000))
    return g711.encode(pcm16(sine), Law.ULAW)


def is_in(sound: bytes, law: Law, hertz: int, share: float = 0.9) -> bool:
    """Tell whether the last second of a sound is this voice, and nearly nothing else."""
    pcm = g711.decode(sound, law)[-SECOND:]
    return len(pcm) == SECOND and share_of_tone(pcm, hertz) > share


def citizen_hears(call: RunningCall, hertz: int) -> None:
    """Wait until the citizen hears this voice and nothing else."""

    def hears() -> bool:
        with contextlib.suppress(TimeoutError):
            call.wait_for("nothing of the kind", 0.3)
        return is_in(bytes(call.heard), Law.ULAW, hertz)

    wait_until(hears, PATIENCE_S, f"the citizen does not hear the voice of {hertz} Hz")


def citizen_waits(call: RunningCall) -> None:
    """Wait until the citizen hears music: something, and nobody's voice."""

    def hears() -> bool:
        with contextlib.suppress(TimeoutError):
            call.wait_for("nothing of the kind", 0.3)
        sound = bytes(call.heard)
        pcm = g711.decode(sound, Law.ULAW)[-SECOND:]
        is_sound = level_dbm0(pcm) > QUIET_DBM0
        return is_sound and not any(is_in(sound, Law.ULAW, one, 0.1) for one in VOICES_HZ)

    wait_until(hears, PATIENCE_S, "the citizen hears no music")


def phone_hears(phone: TestPhone, hertz: int) -> None:
    """Wait until whoever is at a phone hears this voice and nothing else."""

    def hears() -> bool:
        heard = phone.received()
        return is_in(heard.data, Law(heard.law), hertz)

    wait_until(hears, PATIENCE_S, f"{phone.name} does not hear the voice of {hertz} Hz")
