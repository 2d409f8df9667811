"""From the download to the first call, in the box itself, by the installation guide's own steps.

The built image boots in QEMU. The box, the technician's computer with a real browser, and the phone
(Debian's baresip) are on a network of their own. What the technician sees is kept as the guide's
pictures (`scripts/draw_installation.sh`).

1. The technician has fetched the image with what lies beside it. They compare the checksums as the
   guide says, and write the card by `bmaptool`.
2. They open `centralino.toml` on the card and fill in what they know, and a fixed address.
3. They put the card into the box, switch it on, wait until it is ready, and switch it off.
4. They open `centralino-result.txt`: all is well; it names the socket with a modem in it, a
   password for each phone, the console's address, and the code for the first user.
5. They complete the file with the line, put the card back and switch the box on; they give the
   first operator's phone what the result names.
6. In the computer's browser they type the address, and make themselves the first user by the code.
7. "Impianto" shows the line free and the phone registered.
8. From a mobile phone they call: the operator's phone rings with the line's label; they lift it,
   and hear each other. They hang up: the line is free again.
9. They call again and nobody answers: they leave a message. "Da seguire" shows it; they hear it to
   its end.
"""

from __future__ import annotations

import contextlib
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import Browser

from appliance.dsp import g711, wav
from appliance.dsp.wav import Law
from appliance.simulator.exchange.call import CallPlan
from appliance.simulator.exchange.process import RunningCall, read_clip
from tests.docs.pages import ROOT
from tests.helpers.baresip import Baresip, is_installed
from tests.image.guest import Guest
from tests.image.office import wait_idle
from tests.journeys.harness.booted import (
    ANSWER,
    BOX_AT,
    COMPUTER_AT,
    BootedBox,
    office_lan,
    why_not,
)
from tests.journeys.harness.browser import Window, computer, window
from tests.journeys.harness.card_file import days_ahead, what_is_known, with_the_line
from tests.journeys.harness.front_desk import CITIZEN_HZ, MESSAGE, voice
from tests.journeys.harness.steps import Journey, wait_until
from tests.journeys.test_technicians_first_card import italian, phones, sockets
from tests.system.rulers import share_of_tone

pytestmark = [pytest.mark.journey, pytest.mark.system, pytest.mark.long, pytest.mark.timeout(5400)]

CARD_FILE: Final = "centralino.toml"
MOBILE: Final = "3391112223"
PASSWORD: Final = "mare sole vento"
PHONE_HZ: Final = 440
"""What baresip plays into a call."""
PATIENT_S: Final = 300.0
PATIENT_MS: Final = 300_000
"""An emulated board does in minutes what a board does in seconds."""
HEARD_SHARE: Final = 0.5
"""Of a second's sound that must be the other's voice: an emulated machine loses parts of it."""
SECOND: Final = 16_000
"""Bytes of a second of 16-bit sound."""


@pytest.fixture
def download() -> Path:
    """The folder with the packed image and its checksums, as `make image` leaves it."""
    folder = ROOT / "build" / "image"
    if not list(folder.glob("centralino-*.img.xz")):
        pytest.skip("needs an image that was packed: make image")
    if lacks := why_not():
        pytest.skip(f"needs {lacks}")
    if not (is_installed() and shutil.which("bmaptool")):
        pytest.skip("needs the Debian packages baresip-core bmap-tools")
    return folder


@pytest.fixture
def lan() -> Iterator[None]:
    """The office's network."""
    with office_lan():
        yield


def typed(folder: Path, line: str) -> str:
    """Type a line of the guide in a folder of the technician's computer."""
    done = subprocess.run(
        ("sh", "-c", line), cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def is_heard(pcm: bytes, hertz: int) -> bool:
    """Tell whether the last second of a sound is mostly this voice."""
    last = pcm[-SECOND:]
    return len(last) == SECOND and share_of_tone(last, hertz) > HEARD_SHARE


def hears(call: RunningCall, seconds: float = 0.3) -> bytes:
    """Let the caller listen for so long; returns all they have heard, as 16-bit samples."""
    with contextlib.suppress(TimeoutError):
        call.wait_for("nothing of the kind", seconds)
    return g711.decode(bytes(call.heard), Law.ULAW)


def path_of(window_: Window) -> str:
    """Return the path of the page that is open."""
    return window_.page.url.removeprefix(window_.shown.home)


def looks(window_: Window, browser: Browser, journey: Journey, path: str, name: str) -> None:
    """Keep the guide's picture of a page in both languages: somebody else's window, their own."""
    window_.go_to(path)
    window_.shown.picture(name)
    with window(journey, browser, "english", window_.shown.home, "en") as other:
        other.page.context.add_cookies(
            [
                {"name": one["name"], "value": one["value"], "url": window_.shown.home}
                for one in window_.page.context.cookies()
                if "name" in one and "value" in one
            ]
        )
        other.go_to(path)
        other.shown.picture(name)


def test_download_to_first_call(
    journey: Journey, download: Path, lan: None, tmp_path: Path
) -> None:
    """Two starts of the emulated board, two calls, nothing that the guide does not name."""
    del lan
    with journey.step(1):
        (sums,) = download.glob("centralino-*.sha256")
        (packed,) = download.glob("centralino-*.img.xz")
        assert f"{packed.name}: OK" in typed(download, f"sha256sum -c {sums.name}")
        card = tmp_path / "sdx"
        typed(download, f"bmaptool copy {packed.name} {card}")

    with BootedBox(tmp_path / "box", card, is_on_lan=True) as box:
        card.unlink()
        with journey.step(2):
            text = what_is_known(box.read_card(CARD_FILE), days_ahead())
            for left, right in (
                ('address = "dhcp" ', f'address = "{BOX_AT}/24" '),
                ('gateway = "" ', f'gateway = "{COMPUTER_AT}" '),
            ):
                assert text.count(left) == 1, left
                text = text.replace(left, right)
            box.write_card(CARD_FILE, text)

        with journey.step(3), box.switched_on(says="linea line1"):
            pass

        with journey.step(4):
            answer = italian(box.read_card(ANSWER))
            assert "Tutto bene" in answer
            (port,) = sockets(answer)
            passwords = phones(answer)
            assert f"https://{BOX_AT}/" in answer
            code = re.search(r"Codice per il primo utente della console: (\S+)", answer)
            assert code

        box.write_card(CARD_FILE, with_the_line(text, port))
        with (
            box.switched_on(says="Ordinaria") as guest,
            Baresip(
                tmp_path / "op1", "op1", COMPUTER_AT, (BOX_AT, 5060), passwords["op1"]
            ) as phone,
        ):
            with journey.step(5):
                text = italian(box.read_card(ANSWER))
                assert "Tutto bene" in text
            _calls(journey, box, guest, phone, code[1], tmp_path)


def _calls(
    journey: Journey, box: BootedBox, guest: Guest, phone: Baresip, code: str, folder: Path
) -> None:
    """Walk from the browser's first page to the message."""
    authority = folder / "ca.crt"
    authority.write_text(guest.run("cat /var/lib/centralino-console/tls/ca.crt") + "\n")
    with (
        computer(folder / "technician", authority) as browser,
        window(journey, browser, "bianca", f"https://{BOX_AT}") as page,
    ):
        page.page.set_default_timeout(PATIENT_MS)
        page.page.set_default_navigation_timeout(PATIENT_MS)
        with journey.step(6):
            page.go_to("/")
            page.click("link", "Entra")
            page.sees("Codice", limit_ms=PATIENT_MS)
            looks(page, browser, journey, path_of(page), "installation-first-user")
            page.become_first_user(code, "Bianca Rossi", PASSWORD)
            page.sees("Bianca Rossi", "Impianto", limit_ms=PATIENT_MS)

        with journey.step(7):
            page.open("Impianto", under="Impianto")
            page.sees("Ordinaria", "libera", limit_ms=PATIENT_MS)
            page.sees("registrato", limit_ms=PATIENT_MS)
            looks(page, browser, journey, "/plant", "installation-plant")

        with journey.step(8):
            plan = CallPlan(
                caller=MOBILE, clips=(voice(CITIZEN_HZ),), repeat_say=True,
                hang_up_after_ms=600_000,
            )  # fmt: skip
            mobile = box.begin_call(plan)
            rings = phone.wait_for("CALL_INCOMING", PATIENT_S)
            assert str(rings["peerdisplayname"]).startswith("Ordinaria"), rings
            phone.do("accept")
            wait_until(
                lambda: is_heard(hears(mobile), PHONE_HZ),
                PATIENT_S, "the mobile does not hear the phone",
            )  # fmt: skip
            mobile.hang_up()
            mobile.wait(PATIENT_S)
            phone.wait_for("CALL_CLOSED", PATIENT_S)
            heard = wav.read(phone.heard)
            sound = g711.decode(heard.data, heard.law)
            assert any(
                is_heard(sound[: at + SECOND], CITIZEN_HZ)
                for at in range(0, len(sound) - SECOND, SECOND)
            ), "the phone has not heard the mobile"
            wait_idle(guest)

        with journey.step(9):
            spoken = read_clip(MESSAGE)
            mobile = box.begin_call(CallPlan(caller=MOBILE, hang_up_after_ms=1_200_000))
            phone.wait_for("CALL_INCOMING", PATIENT_S)
            recording = "ls /var/lib/centralino/voicemail/rec/*.part"
            guest.wait("a recording", lambda: guest.shell.try_(recording)[0] == 0, 2 * PATIENT_S)
            mobile.say(spoken)
            hears(mobile, len(spoken) / 8000 + 1)
            mobile.hang_up()
            mobile.wait(PATIENT_S)
            wait_idle(guest)
            page.go_to("/inbox")
            page.sees(MOBILE, limit_ms=PATIENT_MS)
            looks(page, browser, journey, path_of(page), "installation-message")
            page.press("Alt+l")
            assert page.listens_to_the_end("Messaggio 1") > 1
