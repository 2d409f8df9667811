"""The head has a phone ring, dictates an announcement, hears the draft and puts it in force."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from appliance.api.replies import PhonePlace
from appliance.calls import orders
from appliance.calls.status import SAID, Went
from appliance.console.pages import announcements
from appliance.console.settings import ConsoleSettings
from appliance.dsp import g711, wav
from appliance.dsp.wav import Law
from appliance.service.stores import Stores
from tests.calls.examples import up
from tests.console.call_control_hours import serve_hours
from tests.console.people import ANNA, CARLA
from tests.console.states import seen
from tests.console.test_announcements import tone
from tests.console.visitor import Visitor

HOLD = "/announcements/it/hold"
ASK = "dictation 1"


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


def lay_down(stores: Stores, sound: bytes | None = None, key: str = "hold") -> Path:
    """Have a draft lie where call control keeps what was dictated."""
    path = stores.dictations.folder / "it" / f"{key}.wav"
    path.parent.mkdir(parents=True, exist_ok=True)
    plain = tone(1.0, amplitude=2000.0) if sound is None else sound
    path.write_bytes(wav.build(g711.encode(plain, Law.ALAW), Law.ALAW))
    return path


def ring(head: Visitor) -> None:
    """Have a phone ring for a dictation."""
    answer = head.post(f"{HOLD}/dictate", data={"phone": "11"})
    assert answer.headers["location"] == f"{HOLD}?dictating=1#dictation"


def test_a_phone_rings_and_the_page_says_how_far_it_is(head: Visitor, control: Stores) -> None:
    """It asks again every second while it goes on, and stops then; each end in one sentence."""
    text = head.get(HOLD).text
    assert "Registra con il mio telefono" in text
    assert "hx-get" not in text.split("<main")[1]
    ring(head)
    text = head.get(f"{HOLD}?dictating=1").text
    assert SAID[Went.RINGS].text("it") in text
    assert f'hx-get="{HOLD}/dictation" hx-trigger="every 1s"' in text
    control.order(orders.TakeWent(ASK, Went.SPEAKS))
    part = head.get(f"{HOLD}/dictation").text
    assert part.startswith("<section")
    assert SAID[Went.SPEAKS].text("it") in part
    assert "Fallo squillare" not in part
    control.order(orders.TakeWent(ASK, Went.NEEDED))
    part = head.get(f"{HOLD}/dictation").text
    assert SAID[Went.NEEDED].text("it") in part
    assert "hx-get" not in part
    assert "Fallo squillare" in part
    assert SAID[Went.NEEDED].text("it") not in head.get(HOLD).text  # another day's


def test_a_draft_is_shown_heard_and_put_in_force(head: Visitor, control: Stores) -> None:
    """With its length and loudness; as an upload it comes to the others' level; then it is none."""
    ring(head)
    path = lay_down(control)
    control.order(orders.TakeWent(ASK, Went.KEPT))
    text = head.get(f"{HOLD}/dictation").text
    assert SAID[Went.KEPT].text("it") in text
    assert "1,0 secondi" in text
    assert "più basso degli altri" in text
    heard = wav.parse(head.get(f"{HOLD}/draft").content)
    assert wav.active_dbm0(g711.decode(heard.data, heard.law)) == pytest.approx(-15.0, abs=0.7)
    assert head.post(f"{HOLD}/draft").headers["location"] == f"{HOLD}?saved=1"
    kept = wav.read(control.spoken.folder / "it" / "hold.wav")
    assert kept.data == g711.decode(heard.data, heard.law)
    assert not path.exists()
    text = head.get(f"{HOLD}?saved=1").text
    assert "Sostituito" in text
    assert "Ripristina l&#39;originale" in text
    assert SAID[Went.KEPT].text("it") not in head.get(f"{HOLD}?dictating=1").text
    assert head.post(f"{HOLD}/draft").status_code == 400
    assert head.get(f"{HOLD}/draft").status_code == 404


def test_a_draft_is_discarded(head: Visitor, control: Stores) -> None:
    """Callers hear what they heard; once is enough."""
    path = lay_down(control)
    assert "Registra di nuovo" in head.get(HOLD).text
    assert head.post(f"{HOLD}/draft/discard").headers["location"] == f"{HOLD}#dictation"
    assert not path.exists()
    refused = head.post(f"{HOLD}/draft/discard")
    assert refused.status_code == 409
    assert "non c&#39;è più" in refused.text


def test_why_no_phone_rings(head: Visitor, control: Stores) -> None:
    """In one sentence on the page; who may not is told before."""
    refused = head.post(f"{HOLD}/dictate", data={"phone": "op9"})
    assert refused.status_code == 409
    assert "non è raggiungibile" in refused.text
    assert "Scegliere un telefono" in head.post(f"{HOLD}/dictate", data={"phone": " "}).text
    ring(head)
    assert "è impegnato" in head.post(f"{HOLD}/dictate", data={"phone": "op1"}).text
    head.log_in(CARLA)
    assert head.post(f"{HOLD}/dictate", data={"phone": "11"}).status_code == 403
    assert head.get(f"{HOLD}/draft").status_code == 403


def test_the_phone_of_ones_own_position_comes_first(head: Visitor, control: Stores) -> None:
    """Of all that call control knows."""
    feed = head.app.state.feed
    rows = (PhonePlace("op1", "Banco 1", "", True), PhonePlace("op2", "", "", True))
    feed.newest = replace(feed.newest, status=replace(seen(up()), phones=rows))
    head.client.cookies.set("position", "op2")
    text = head.get(HOLD).text
    assert '<option value="op2" selected>op2 (la mia postazione)</option>' in text
    assert text.index('value="op2"') < text.index('<option value="op1">Banco 1</option>')


def test_call_control_that_is_away_is_told(visitor: Visitor, records: sqlite3.Connection) -> None:
    """The page opens all the same."""
    visitor.log_in(ANNA)
    assert visitor.get(HOLD).status_code == 200
    assert visitor.post(f"{HOLD}/dictate", data={"phone": "op1"}).status_code == 503


def test_a_draft_without_call_control_stays(visitor: Visitor, records: sqlite3.Connection) -> None:
    """Nothing is lost: it is put in force when call control is back."""
    visitor.log_in(ANNA)
    folder = visitor.app.state.settings.drafts
    (folder / "it").mkdir(parents=True)
    path = folder / "it" / "hold.wav"
    path.write_bytes(wav.build(g711.encode(tone(1.0), Law.ALAW), Law.ALAW))
    assert visitor.post(f"{HOLD}/draft").status_code == 503
    assert path.exists()


def test_a_draft_says_until_when_it_is_kept(head: Visitor, control: Stores) -> None:
    """Thirty days from when it was dictated."""
    at = datetime(2026, 11, 3, 9, 0, tzinfo=UTC).timestamp()
    os.utime(lay_down(control), (at, at))
    text = head.get(HOLD).text
    assert "<dt>Conservata fino a</dt><dd>gio 3 dicembre 2026</dd>" in text


@pytest.mark.parametrize(
    ("amplitude", "said"),
    [
        (400.0, announcements.LEVEL_LOW),
        (5400.0, announcements.LEVEL_ALIKE),
        (20000.0, announcements.LEVEL_HIGH),
    ],
)
def test_how_loud_it_is_in_words(tmp_path: Path, amplitude: float, said: str) -> None:
    """Against the level of our recordings."""
    (tmp_path / "it").mkdir()
    path = tmp_path / "it" / "hold.wav"
    path.write_bytes(wav.build(tone(1.0, amplitude=amplitude), Law.LINEAR16))
    found = announcements.find_draft(tmp_path, "it", "hold")
    assert found is not None
    assert found.loudness == said
    path.write_bytes(b"broken")
    assert announcements.find_draft(tmp_path, "it", "hold") is None
    assert announcements.find_draft(tmp_path, "it", "other") is None
