"""The head hears what callers hear, puts a recording in its place, and brings ours back."""

from __future__ import annotations

import array
import math
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from appliance.api import speech
from appliance.console.guards import BODY_LIMIT, LONGER_BODIES
from appliance.console.pages.announcements import Announcements, UnusableRecording, telephone_sound
from appliance.console.settings import ConsoleSettings
from appliance.dsp import g711, wav
from appliance.dsp.wav import Law
from appliance.prompts import DEVICE, OURS
from appliance.service.stores import Stores
from tests.console.call_control_hours import serve_hours
from tests.console.people import ANNA, CARLA
from tests.console.visitor import Visitor

HOLD = "/announcements/it/hold"


def tone(seconds: float, rate: int = 8000, amplitude: float = 9000.0) -> bytes:
    """Return a tone as 16-bit sound."""
    count = int(seconds * rate)
    samples = (round(amplitude * math.sin(2 * math.pi * 800 * n / rate)) for n in range(count))
    return array.array("h", samples).tobytes()


def recording(seconds: float = 2.0, rate: int = 16000) -> bytes:
    """Return a WAV file as a computer records it."""
    return wav.build(tone(seconds, rate), Law.LINEAR16, rate)


@pytest.fixture
def control(console_settings: ConsoleSettings, records: sqlite3.Connection) -> Iterator[Stores]:
    """Call control behind its control socket."""
    with serve_hours(console_settings) as stores:
        yield stores


@pytest.fixture
def head(visitor: Visitor, control: Stores) -> Visitor:
    """A visitor who has logged in as head."""
    visitor.log_in(ANNA)
    return visitor


def upload(visitor: Visitor, contents: bytes, path: str = HOLD) -> tuple[int, str]:
    """Send a file; return the answer's number and text."""
    answer = visitor.post(path, files={"file": ("own.wav", contents, "audio/wav")})
    return answer.status_code, answer.text


def test_what_callers_hear_is_listed(head: Visitor) -> None:
    """In each language, with its text and its length; for the head alone."""
    text = head.get("/announcements").text
    assert "Per favore, resti in linea." in text
    assert "/announcements/en/hold" in text
    assert 'class="tag"' not in text
    assert "1,9 secondi" in head.get(HOLD).text
    head.log_in(CARLA)
    for path in ("/announcements", HOLD, f"{HOLD}/sound"):
        assert head.get(path).status_code == 403
    assert upload(head, recording())[0] == 403


def test_the_voice_in_use_is_told_and_heard(head: Visitor, control: Stores) -> None:
    """Where the box says the house's name, the page says so and plays what callers hear."""
    said = "li dice tutti la voce dell&#39;apparecchio, perché dice già un annuncio proprio"
    text = head.get("/announcements").text
    assert said not in text
    assert text.count("li dice la voce registrata.") == 2
    recorded = head.get(f"{HOLD}/sound").content
    speech.name_office(control.spoken.folder, None, "Comune di Esempio", "it")
    text = head.get("/announcements").text
    assert (text.count(said), text.count("li dice la voce registrata.")) == (1, 1)
    device = wav.read(DEVICE / "it" / "hold.wav")
    heard = wav.parse(head.get(f"{HOLD}/sound").content)
    assert heard.data == g711.decode(device.data, device.law)
    assert recorded[44:] != heard.data
    assert "1 è una registrazione propria" in text  # the name alone


def test_one_is_heard(head: Visitor) -> None:
    """As a WAV that browsers play."""
    answer = head.get(f"{HOLD}/sound")
    assert answer.headers["content-type"] == "audio/wav"
    ours = wav.read(OURS / "it" / "hold.wav")
    assert wav.parse(answer.content) == ours
    for path in ("it/nothing", "xx/hold", "it/..%2f..%2fsettings"):
        assert head.get(f"/announcements/{path}/sound").status_code == 404


def test_a_recording_takes_its_place_and_ours_comes_back(head: Visitor, control: Stores) -> None:
    """It is heard at once, at our recordings' level, and marked; ours comes back when asked."""
    assert upload(head, recording())[0] == 303
    kept = wav.read(control.spoken.folder / "it" / "hold.wav")
    assert kept.duration_ms == pytest.approx(2200, abs=20)
    assert wav.active_dbm0(kept.data) == pytest.approx(-15.0, abs=0.7)
    assert head.get(f"{HOLD}/sound").content[44:] == kept.data
    text = head.get(f"{HOLD}?saved=1").text
    assert "Sostituito" in text
    assert "<summary>Ripristina l&#39;originale</summary>" in text
    assert "La registrazione propria viene eliminata per sempre." in text
    assert "1 è una registrazione propria" in head.get("/announcements").text
    assert head.post(f"{HOLD}/restore").headers["location"] == f"{HOLD}?restored=1"
    assert "ripristinato" in head.get(f"{HOLD}?restored=1").text
    assert not (control.spoken.folder / "it" / "hold.wav").exists()
    refused = head.post(f"{HOLD}/restore")
    assert refused.status_code == 409
    assert "già la registrazione originale" in refused.text


def test_a_greeting_of_the_offices_own_is_gone_when_it_is_taken_away(
    head: Visitor, control: Stores
) -> None:
    """There is nothing of ours behind it."""
    path = control.spoken.folder / "it" / "elezioni.wav"
    path.parent.mkdir(parents=True)
    path.write_bytes(wav.build(tone(1.0), Law.LINEAR16))
    (path.parent / "sheet_0123.wav").write_bytes(path.read_bytes())
    text = head.get("/announcements").text
    assert "elezioni" in text
    assert "sheet_0123" not in text
    assert head.get("/announcements/it/sheet_0123").status_code == 404
    answer = head.post("/announcements/it/elezioni/restore")
    assert answer.headers["location"] == "/announcements"
    assert not path.exists()


@pytest.mark.parametrize(
    ("contents", "said"),
    [
        (b"", "deve essere un WAV"),
        (b"<html>", "deve essere un WAV"),
        (wav.build(bytes(8000), Law.LINEAR8), "deve essere un WAV"),
        (wav.build(tone(1.0, 4000), Law.LINEAR16, 4000), "deve essere un WAV"),
        (wav.build(bytes(2 * 8000), Law.LINEAR16), "non si sente nulla"),
        (wav.build(tone(30.1), Law.LINEAR16), "al massimo 30 secondi"),
    ],
)
def test_what_cannot_be_heard_is_refused(head: Visitor, contents: bytes, said: str) -> None:
    """With what to do; what callers hear stays."""
    status, text = upload(head, contents)
    assert status == 400
    assert said in text


def test_no_file_is_refused(head: Visitor) -> None:
    """As an empty one."""
    assert head.post(HOLD, data={"file": "x"}).status_code == 400


def test_half_a_minute_fits(head: Visitor) -> None:
    """As a computer records it; other pages take no more than before."""
    contents = wav.build(tone(29.5, 48000), Law.LINEAR16, 48000)
    assert BODY_LIMIT < len(contents) < LONGER_BODIES["/announcements/"]
    assert upload(head, contents)[0] == 303
    assert upload(head, contents, "/sheets/upload")[0] == 413
    assert upload(head, bytes(3_000_001))[0] == 413


def test_without_call_control_nothing_changes(
    visitor: Visitor, records: sqlite3.Connection
) -> None:
    """What is heard can still be listened to."""
    visitor.log_in(ANNA)
    assert visitor.get(f"{HOLD}/sound").status_code == 200
    assert upload(visitor, recording(0.5))[0] == 503


def test_the_technicians_folder_is_the_technicians(
    console_settings: ConsoleSettings, records: sqlite3.Connection, tmp_path: Path
) -> None:
    """It is said where to change it; a file there that cannot be played breaks no page."""
    site = tmp_path / "site"
    (site / "it").mkdir(parents=True)
    (site / "it" / "hold.wav").write_bytes(wav.build(tone(1.0), Law.LINEAR16))
    (site / "it" / "privacy.wav").write_bytes(b"broken")
    folders = (site, *console_settings.announcements)
    with Visitor(replace(console_settings, announcements=folders)) as visitor:
        visitor.log_in(ANNA)
        text = visitor.get(HOLD).text
        assert "cartella del tecnico" in text
        assert "<form" not in text.split("<main")[1].split("</main>")[0]
        assert visitor.get("/announcements").status_code == 200
        assert visitor.get("/announcements/it/privacy/sound").status_code == 404


def test_companded_files_are_taken() -> None:
    """What telephone systems record."""
    plain = tone(1.0)
    contents = wav.build(g711.encode(plain, Law.ULAW), Law.ULAW)
    sound = g711.decode(telephone_sound(contents), Law.ALAW)
    assert wav.active_dbm0(sound) == pytest.approx(-15.0, abs=0.7)
    with pytest.raises(UnusableRecording):
        telephone_sound(b"RIFF")


def test_our_texts_name_our_recordings() -> None:
    """Each has its text."""
    listed = Announcements(()).listed(("it", "de", "en"))
    assert len(listed) == len(list(OURS.glob("*/*.wav")))
    assert all(each.text and each.seconds > 0 and not each.is_own for each in listed)
    assert Announcements(()).listed(("xx",)) == ()
