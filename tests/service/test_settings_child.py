"""The child that reads settings: a real process, which comes when it is asked for and goes."""

from __future__ import annotations

import selectors
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from appliance.api.technician_replies import SettingsHistoryReply, SettingsListReply
from appliance.config import read
from appliance.config.settings_trial import digest_of
from appliance.policy.text import Refused
from appliance.service import settings
from appliance.service.settings import SettingsChild, SettingsRequest

EXAMPLE = (Path(read.__file__).parent / "example.toml").read_text(encoding="utf-8")
LIMIT_S = 120.0


class Loop:
    """The deciding thread's loop: it waits on the selector, and looks after each turn."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "centralino.toml"
        places = f'\n[folders]\nstate = "{folder}/state"\nrun = "{folder}/run"\n'
        self.path.write_text(EXAMPLE + places, encoding="utf-8")
        self.selector = selectors.DefaultSelector()
        self.child = SettingsChild(self.path, self.selector)

    def turn_until(self, found: Callable[[], Any]) -> Any:
        """Turn until something is found."""
        end = time.monotonic() + LIMIT_S
        while not (one := found()):
            assert time.monotonic() < end
            for key, _ in self.selector.select(0.2):
                key.data()
        return one

    def answer(self, act: str) -> Any:
        """Ask, and return the answer."""
        asked = SettingsRequest(act, "beppe")
        self.child.ask(asked)
        ((number, answer),) = self.turn_until(self.child.answers)
        assert number == asked.id
        return answer


@pytest.fixture
def loop(tmp_path: Path) -> Iterator[Loop]:
    """A loop without a child."""
    made = Loop(tmp_path)
    yield made
    made.child.stop()
    made.selector.close()


def test_it_answers_one_after_the_other_and_goes(
    loop: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Larger answers than a pipe takes at once; when nobody asks any more it ends."""
    assert not loop.child.look()
    found = loop.answer("list")
    assert isinstance(found, SettingsListReply)
    assert found.revision == digest_of(loop.path.read_text(encoding="utf-8"))
    assert isinstance(loop.answer("history"), SettingsHistoryReply)
    assert isinstance(loop.answer("sing"), Exception)
    assert not loop.child.look()
    process: Any = loop.child._child
    monkeypatch.setattr(settings, "IDLE_S", 0.0)
    loop.answer("history")
    assert not loop.child.look()
    assert process.poll() is not None
    assert not loop.selector.get_map()


def test_one_that_is_killed_is_noticed_and_replaced(loop: Loop) -> None:
    """Whoever waits is told; the next question starts another one."""
    loop.child.ask(SettingsRequest("list", "beppe"))
    process: Any = loop.child._child
    process.kill()
    loop.turn_until(loop.child.look)
    assert not loop.selector.get_map()
    assert isinstance(loop.answer("history"), SettingsHistoryReply)
    # The end of its output alone keeps the loop from turning without end.
    process = loop.child._child
    process.kill()
    process.wait()
    loop.turn_until(lambda: not loop.selector.get_map())
    loop.child._readable()
    assert loop.child.look()
    loop.child._readable()


def test_too_many_questions_at_once_are_refused(loop: Loop) -> None:
    """They never keep the loop waiting; nor is there a child without a file."""
    loop.answer("history")
    process: Any = loop.child._child
    process.send_signal(signal.SIGSTOP)
    many = SettingsRequest("preview", "beppe", ["x" * 20_000])

    def ask() -> bool:
        """Ask until no more is taken."""
        try:
            loop.child.ask(many)
        except Refused:
            return True
        return False

    assert any(ask() for _ in range(9))
    assert loop.child.look()
    assert not loop.child.look()
    assert isinstance(loop.answer("history"), SettingsHistoryReply)
    with pytest.raises(Refused):
        SettingsChild(None, loop.selector).ask(many)
