"""Against Debian's mosquitto: cut, hung and resumed, every event arrives, states at once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from appliance.fleet.mqtt_messages import MqttMessage
from tests.fleet.boxes import Publisher, account
from tests.fleet.forms import wrong_with_event
from tests.helpers.mosquitto import authority, broker_in, receiver_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.helpers.mosquitto import Mosquitto, Receiver


pytestmark = pytest.mark.system

PREFIX = "comune/nord"
LINE = MqttMessage(f"{PREFIX}/line/line1", b'{"state":"idle"}', retain=True, expiry_s=3600)
BUSY = replace(LINE, payload=b'{"state":"in_use"}')
A_DAY = 200


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Mosquitto]:
    """Run a broker that takes TLS and a password."""
    with broker_in(tmp_path / "broker") as made:
        yield made


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    """Run one for all tests that only ask whether it lets them in."""
    with broker_in(tmp_path_factory.mktemp("standing")) as made:
        authority(made.folder, "other")
        yield made


@pytest.fixture
def receiver(mosquitto: Mosquitto) -> Iterator[Receiver]:
    """Listen to all of it."""
    with receiver_of(mosquitto) as made:
        yield made


@pytest.fixture
def box(tmp_path: Path, mosquitto: Mosquitto) -> Iterator[Publisher]:
    """Run a box that publishes there."""
    made = Publisher(tmp_path, account(mosquitto)).start()
    made.sender.show((LINE,))
    yield made
    made.stop()


def payload(receiver: Receiver, topic: str) -> bytes:
    """Return what a topic last said, b"" for nothing."""
    found = receiver.last(f"{PREFIX}/{topic}")
    return bytes(found.payload) if found is not None else b""


def calls_of(receiver: Receiver) -> list[str]:
    """List the calls that were told of."""
    return [each["about"]["call"] for each in receiver.events()]


def test_states_stay_and_events_are_confirmed(
    box: Publisher, mosquitto: Mosquitto, receiver: Receiver
) -> None:
    """A receiver that comes later sees how it stands; nothing that was confirmed stays on disk."""
    box.call(1)
    receiver.wait_for(lambda: calls_of(receiver) == ["c-1"], 20.0, "the event did not come")
    box.wait_until(lambda: box.depth() == 0, "the event stays on the disk")
    with receiver_of(mosquitto, "a later one") as late:
        late.wait_for(
            lambda: (
                payload(late, "availability") == b"online"
                and payload(late, "line/line1") == LINE.payload
            ),
            20.0,
            "states were not kept",
        )
        told = late.last(LINE.topic)
        assert told is not None
        assert told.retain
        assert 3500 < told.properties.MessageExpiryInterval <= 3600  # type: ignore[union-attr]
        assert late.events() == []


def test_a_day_away_then_all_of_it_once_and_in_order(
    box: Publisher, mosquitto: Mosquitto, receiver: Receiver
) -> None:
    """The broker is down for a day's calls; none is lost, and states come first when it is back."""
    receiver.wait_for(lambda: payload(receiver, "line/line1") != b"", 20.0, "no state came")
    mosquitto.stop()
    for number in range(A_DAY):
        box.call(number)
    box.sender.show((BUSY,))
    box.wait_until(lambda: not box.last.connected, "nobody noticed")
    assert box.last.depth.waiting <= A_DAY
    mosquitto.start()
    receiver.wait_for(lambda: len(receiver.events()) == A_DAY, 30.0, "not all of it came")
    assert calls_of(receiver) == [f"c-{number}" for number in range(A_DAY)]
    assert [wrong for each in receiver.events() for wrong in wrong_with_event(each)] == []
    numbers = [each["number"] for each in receiver.events()]
    assert numbers == sorted(numbers)
    kept = [one.topic for one in receiver.messages]
    first = next(n for n, topic in enumerate(kept) if "/event/" in topic)
    assert payload(receiver, "line/line1") == BUSY.payload
    assert f"{PREFIX}/line/line1" in kept[:first]
    box.wait_until(lambda: box.depth() == 0, "something stays on the disk")


def test_killed_again_and_again_nothing_is_lost(
    tmp_path: Path, mosquitto: Mosquitto, receiver: Receiver
) -> None:
    """B5: the box is killed in the middle of sending, three times; by its id each arrives once."""
    script = Path(__file__).with_name("killed.py")
    for run in range(3):
        words = [sys.executable, str(script), str(tmp_path), str(mosquitto.port), str(run)]
        environment = {**os.environ, "PYTHONPATH": str(Path.cwd())}
        with subprocess.Popen(words, stdout=subprocess.PIPE, env=environment) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"kept\n"
            wanted = 10 + 40 * run
            receiver.wait_for(lambda w=wanted: len(receiver.events()) >= w, 30.0, "nothing came")  # type: ignore[misc]
            process.send_signal(signal.SIGKILL)
    box = Publisher(tmp_path, account(mosquitto)).start()
    try:
        receiver.wait_for(lambda: len(receiver.events()) == 120, 30.0, "not all of it came")
        assert sorted(calls_of(receiver)) == sorted(f"c-{n}" for n in range(120))
        box.wait_until(lambda: box.depth() == 0, "something stays on the disk")
    finally:
        box.stop()


def test_a_broker_that_hangs_is_noticed_and_used_again(
    box: Publisher, mosquitto: Mosquitto, receiver: Receiver
) -> None:
    """It confirms nothing: a sentence, tries again; once it goes on, everything arrives once."""
    box.call(1)
    receiver.wait_for(lambda: calls_of(receiver) == ["c-1"], 20.0, "the event did not come")
    mosquitto.freeze()
    box.call(2)
    box.wait_until(lambda: "confirm" in box.last.why.text("en"), "nobody says that it hangs")
    box.wait_until(
        lambda: any(
            "cannot be reached" in str(one.why) or "says nothing" in str(one.why)
            for one in box.heard
        ),
        "no other try was made",
    )  # fmt: skip
    mosquitto.thaw()
    receiver.wait_for(lambda: calls_of(receiver) == ["c-1", "c-2"], 20.0, "it did not go on")


def test_a_box_that_dies_is_offline_by_its_will(
    tmp_path: Path, mosquitto: Mosquitto, receiver: Receiver
) -> None:
    """The broker says so for it; one that stops in good order says it itself."""
    script = Path(__file__).with_name("killed.py")
    words = [sys.executable, str(script), str(tmp_path), str(mosquitto.port), "0"]
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(Path.cwd())}
    ) as process:
        receiver.wait_for(
            lambda: payload(receiver, "availability") == b"online", 30.0, "it did not come"
        )
        process.send_signal(signal.SIGKILL)
    receiver.wait_for(
        lambda: payload(receiver, "availability") == b"offline", 20.0, "nobody said it is gone"
    )
    box = Publisher(tmp_path, account(mosquitto)).start()
    receiver.wait_for(
        lambda: payload(receiver, "availability") == b"online", 20.0, "it did not come back"
    )
    box.stop()
    receiver.wait_for(
        lambda: payload(receiver, "availability") == b"offline", 20.0, "it did not take leave"
    )


def test_what_is_published_no_more_is_taken_away(
    tmp_path: Path, mosquitto: Mosquitto, receiver: Receiver
) -> None:
    """A line that is gone, Home Assistant switched off: their topics are emptied at the start."""
    home = MqttMessage("homeassistant/device/centralino_comune_nord/config", b"{}", retain=True)
    for states, left in (((LINE, home), b"{}"), ((LINE,), b"")):
        box = Publisher(tmp_path, account(mosquitto)).start()
        box.sender.show(states)
        receiver.wait_for(
            lambda l=left: (found := receiver.last(home.topic)) is not None and found.payload == l,  # type: ignore[misc]  # noqa: E741
            20.0,
            "it is not as wanted",
        )
        box.stop()
    assert payload(receiver, "line/line1") == LINE.payload


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"user": "nobody"}, "look at mqtt.user, the password"),
        ({"user": "", "password_file": ""}, "does not authorise"),
        ({"ca_file": "other.pem"}, "unknown authority"),
        ({"ca_file": "nothing.pem"}, "cannot be used"),
        ({"password_file": "nothing"}, "cannot be read"),
        ({"server": "localhost"}, "cannot be reached"),
    ],
)
def test_each_mistake_of_the_account_is_one_sentence(
    tmp_path: Path, standing: Mosquitto, more: dict[str, str], says: str
) -> None:
    """It is said what is wrong and where, and tried again; the event waits."""
    files = {
        key: str(standing.folder / value) if key.endswith("file") and value else value
        for key, value in more.items()
    }
    box = Publisher(tmp_path, account(standing, **files)).start()
    try:
        box.call(1)
        box.wait_until(lambda: says in box.last.why.text("en"), says)
        box.wait_until(lambda: len(box.connections) > 2, "it is not tried again")
        assert box.depth() == 1
    finally:
        box.stop()


def test_a_prefix_that_is_not_ours_is_said(tmp_path: Path, standing: Mosquitto) -> None:
    """The broker lets the box in and takes nothing under that prefix: the event stays."""
    box = Publisher(tmp_path, account(standing), prefix="comune/sud").start()
    try:
        box.call(1)
        box.wait_until(lambda: "(ACL)" in box.last.why.text("en"), "nobody says so")
        assert box.last.misset
        assert box.depth() == 1
    finally:
        box.stop()


def test_a_client_certificate_is_enough(tmp_path: Path) -> None:
    """Instead of a password, where the broker asks for one; without it TLS is refused."""
    more = "require_certificate true\nuse_subject_as_username true"
    with broker_in(tmp_path / "broker", more=more, user="CN=box") as mosquitto:
        nobody = account(mosquitto, user="", password_file="")
        known = replace(
            nobody,
            certificate=str(mosquitto.folder / "box.pem"),
            key=str(mosquitto.folder / "box.key"),
        )
        for broker, connected in ((nobody, False), (known, True)):
            box = Publisher(tmp_path, broker).start()
            box.wait_until(lambda b=box: bool(b.heard), "nothing was heard")  # type: ignore[misc]
            assert box.last.connected is connected, box.heard
            box.stop()
        assert "does not take TLS" in box.heard[0].why.text("en") or connected
