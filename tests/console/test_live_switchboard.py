"""The state of the house on every page: what holds, who set it, until when; and the stream."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from appliance.calls import commands, events
from appliance.console import guards, live
from appliance.console.live import switchboard_summary
from appliance.console.settings import ConsoleSettings
from appliance.console.templates import KEYS, TAKEN_KEYS
from appliance.policy.opening import ManualState
from tests.calls.examples import RANG, TEN, tell, up
from tests.console import people
from tests.console.states import seen
from tests.console.test_operator import Home

pytestmark = pytest.mark.usefixtures("records")

UNTIL = TEN.wall + timedelta(minutes=15)


def test_states_say_since_when_by_whom_until_when() -> None:
    """Four states, in one order; the ones that are on alone."""
    switchboard = up()
    for asks in (
        commands.SetAllAbsent(on=True, by="anna", until=UNTIL),
        commands.SetUnattended(on=True, by="carla"),
    ):
        tell(switchboard, TEN, events.ServiceStateChanged(asks))
    absent, unattended = switchboard_summary(seen(switchboard)).banners
    assert (absent.what, unattended.what) == (ManualState.ABSENT, ManualState.UNATTENDED)
    assert (absent.decides, unattended.decides) == (True, False)
    assert (absent.mark.since, absent.mark.by, absent.mark.until) == (TEN.wall, "anna", UNTIL)


def test_outside_the_hours_unattended_decides_nothing() -> None:
    """Voicemail answers then: the head of the page shows the hours, not the state (E4)."""
    switchboard = up()
    asks = commands.SetUnattended(on=True, by="carla")
    tell(switchboard, TEN, events.ServiceStateChanged(asks))
    status = replace(seen(switchboard), open=False)
    (one,) = switchboard_summary(status).banners
    assert not one.decides
    assert one.means.text("en") == "no effect until the switchboard opens"


def test_what_a_caller_gets_is_said_first(console_settings: ConsoleSettings) -> None:
    """Closed by hand comes before unattended (as the routing has it), which then says so."""
    switchboard = up()
    for asks in (
        commands.SetClosed(on=True, by="carla", until=UNTIL),
        commands.SetUnattended(on=True, by="mario"),
    ):
        tell(switchboard, TEN, events.ServiceStateChanged(asks))
    with Home(console_settings, switchboard) as home:
        text = home.visitor.get("/desk").text
    brief = text[text.index('id="house-brief"') :][:200]
    assert "Chiuso" in brief
    assert "Non presidiato" not in brief
    assert text.index('id="house-closed"') < text.index('id="house-unattended"')
    assert "senza effetto finché il centralino è chiuso a mano" in text


def test_calls_that_wait_are_counted_on_every_page() -> None:
    """Who is on another page sees that somebody calls."""
    switchboard = up()
    assert switchboard_summary(seen(switchboard)).ringing == ()
    tell(switchboard, TEN, RANG)
    assert len(switchboard_summary(seen(switchboard)).ringing) == 1


@pytest.fixture
def closed(console_settings: ConsoleSettings) -> Iterator[Home]:
    """Return a house that is closed by hand, and in which a call waits."""
    switchboard = up()
    tell(switchboard, TEN, RANG)
    until = TEN.wall + timedelta(days=1)
    asks = commands.SetClosed(on=True, by="anna", until=until, shown="Anna Verdi")
    tell(switchboard, TEN, events.ServiceStateChanged(asks))
    with Home(console_settings, switchboard) as made:
        yield made


@pytest.mark.parametrize("path", ["/", "/desk", "/messages", "/account"])
def test_what_is_set_by_hand_is_on_every_page(closed: Home, path: str) -> None:
    """With its end, by whom, and the button that ends it."""
    text = " ".join(closed.visitor.get(path).text.split())
    assert 'id="house-closed"' in text
    assert "risponde la segreteria, fino a " in text
    assert "impostato da Anna Verdi" in text
    assert 'form="house-end-closed"' in text


def test_the_first_page_says_what_waits(closed: Home) -> None:
    """Figures beside the links, for who may see them."""
    closed.served.status["waiting"] = 3
    closed.served.status["care"]["missed"] = 2
    closed.served.change(waiting=3)
    limit = time.monotonic() + 5
    while "3 da seguire" not in closed.visitor.get("/").text and time.monotonic() < limit:
        pass
    text = closed.visitor.get("/").text
    assert "1 chiamata in attesa" in text
    assert "3 da seguire" in text
    assert "2 da seguire" in text


def test_the_first_page_lists_what_is_late_before_what_is_due(closed: Home) -> None:
    """Each for who may deal with it: the technician sees the installation's troubles alone."""
    closed.served.status["care"].update(interrupted=1, unheard=2, overdue=3, requests=4)
    closed.served.change(waiting=3)
    limit = time.monotonic() + 5
    while "3 messaggi da seguire" not in closed.visitor.get("/").text and time.monotonic() < limit:
        pass
    text = closed.visitor.get("/").text
    late = text.index("1 chiamata interrotta da richiamare")
    assert late < text.index("2 messaggi non ascoltati") < text.index("3 richieste in ritardo")
    assert late < text.index("3 messaggi da seguire") < text.index("4 richieste aspettano")
    closed.visitor.log_in(people.BEPPE)
    text = closed.visitor.get("/").text
    assert "da richiamare" not in text
    assert "messaggi" not in text


def test_keys_are_called_as_on_the_readers_keyboard(closed: Home) -> None:
    """Enter is Invio on an Italian one."""
    assert ">Alt+Invio</kbd>" in closed.visitor.get("/keys").text
    english = closed.visitor.get("/keys", headers={"accept-language": "en"}).text
    assert ">Alt+Enter</kbd>" in english


def test_who_may_not_set_it_sees_it_all_the_same(closed: Home) -> None:
    """The technician is told and ends nothing; who calls is not a technician's business."""
    closed.visitor.log_in(people.BEPPE)
    text = closed.visitor.get("/").text
    assert 'id="house-closed"' in text
    assert "house-end-" not in text
    assert "state-dialog" not in text
    assert "house-ringing" not in text


def test_a_stranger_sees_nothing_of_the_house(closed: Home) -> None:
    """Whoever has not logged in sees neither state nor stream."""
    closed.visitor.client.cookies.clear()
    assert "house-bar" not in closed.visitor.get("/").text
    assert closed.visitor.get("/live").status_code == 303


def heard(shown: Home, path: str, events_wanted: int) -> list[tuple[str, str]]:
    """Return the first events of a stream: names and data."""

    async def read() -> list[tuple[str, str]]:
        stopped = asyncio.get_running_loop().call_later(4.0, shown.visitor.app.state.feed.stop)
        answer = await shown.visitor.client.get(path)
        stopped.cancel()
        blocks = [block for block in answer.text.split("\n\n") if block.startswith("event: ")]
        lines = [block.split("\n") for block in blocks]
        return [(one[0].removeprefix("event: "), "\n".join(one[1:])) for one in lines]

    return shown.visitor._runner.run(read())[:events_wanted]


def test_every_page_hears_the_state_and_a_beat(
    closed: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A beat each time nothing changes, with a clock that only goes forward."""
    monkeypatch.setattr(live, "BEAT_S", 0.05)
    before = time.monotonic()
    found = heard(closed, "/live", 10)
    parts = ["at", "house", "brief", "call", "counts"]
    assert [name for name, _ in found] == ["beat", "away", *parts, *["beat"] * 3]
    assert json.loads(found[6][1].removeprefix("data: ")) == {"ringing": 1, "messages": 0}
    beats = [float(data.removeprefix("data: ")) for name, data in found if name == "beat"]
    assert before - 0.1 <= beats[0] <= beats[-1] <= time.monotonic()


def test_an_open_desk_is_a_seat_taken(closed: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """For as long as the stream lasts; a colleague at the same position is named in it."""
    monkeypatch.setattr(live, "BEAT_S", 0.05)
    seats = closed.visitor.app.state.seats
    with seats.taken("op1", people.ANNA):
        found = dict(heard(closed, "/desk/live", 20))
    assert found["beside"] == f"data: {people.ANNA.shown}"
    assert seats.others("op1", people.ANNA) == ()


@pytest.mark.parametrize(
    ("expires", "is_over"),
    [
        ("", False), ("100.0", False), ("99.9", True), ("soon", True), ("nan", True),
        ("1" * 21, True), ("-inf", True),
    ],
)  # fmt: skip
def test_what_is_sent_has_a_time_limit(expires: str, is_over: bool) -> None:
    """By the box's own clock; what cannot be read is over."""
    assert guards.has_expired(expires, 100.0) is is_over


def test_what_arrives_too_late_is_not_done(closed: Home) -> None:
    """A network that stood still lets through now what somebody wanted then: nothing is asked."""
    fields = {"what": "unattended", "on": "1"}
    late = {"x-expires": f"{time.monotonic() - 1:.1f}", "accept": "application/json"}
    answer = closed.visitor.post("/desk/state", data=fields, headers=late)
    assert (answer.status_code, answer.json()["done"]) == (408, False)
    assert "troppo tardi" in answer.json()["said"]
    form = fields | {"csrf": closed.visitor.token(), "expires": late["x-expires"]}
    page = closed.visitor.post("/desk/state", is_ours=False, data=form)
    assert page.status_code == 408
    assert "troppo tardi" in page.text
    assert closed.served.asked == []
    soon = {"x-expires": f"{time.monotonic() + 5:.1f}", "accept": "application/json"}
    assert closed.visitor.post("/desk/state", data=fields, headers=soon).json()["done"]


def test_no_letter_acts_by_itself() -> None:
    """WCAG 2.1.4: a function key, or Alt or Ctrl with a key; each for one action, none a browser's.

    No key sets a state of the whole house.
    """
    every = [key for one in KEYS for key in one.keys]
    assert len(set(every)) == len(every)
    assert not set(every) & set(TAKEN_KEYS)
    for key in every:
        *marks, last = key.split("+")
        assert marks or (last.startswith("F") and last[1:].isdecimal()), key
    assert not {one.action for one in KEYS} & {what.value for what in ManualState}


def test_all_keys_are_listed(closed: Home) -> None:
    """F1 shows each with what it does."""
    text = closed.visitor.get("/keys").text
    assert text.count("data-key-row") == len(KEYS)
    assert re.search(r"Rispondi</th>\s*<td><kbd[^>]*>F2</kbd>", text)
