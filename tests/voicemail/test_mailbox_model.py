"""The mailbox against a model, through every order of calls, crashes and restarts."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from appliance.calls.events import MessageStored, MessagesWaiting, StoreFailed
from tests.helpers.examples import examples
from tests.store.samples import a_call
from tests.voicemail.box import Box, speech

LAWS = {"ulaw": b"\xff", "alaw": b"\xd5"}


class Mailboxes(RuleBasedStateMachine):
    """Whole messages are kept for ever; what was going on at a crash is kept if long enough.

    A crash is a copy of the disk as a SIGKILL leaves it, with the old process's work thrown away.
    """

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="mailbox-"))
        self.box = Box(self._disk(0)).start()
        self.runs = self.calls = 0
        self.open: dict[str, tuple[str, bytes]] = {}
        self.kept: dict[str, tuple[bytes, bool]] = {}  # call → sound, interrupted
        self.stored: dict[str, str] = {}  # call → message, as the caller was told

    def _disk(self, run: int) -> Path:
        path = self.folder / str(run)
        path.mkdir(exist_ok=True)
        return path

    def teardown(self) -> None:
        """Stop and check once more that all is there."""
        self.box.stop()
        shutil.rmtree(self.folder)

    @rule(law=st.sampled_from(sorted(LAWS)))
    def begin(self, law: str) -> None:
        """A caller starts to speak."""
        self.calls += 1
        call = f"c{self.calls}"
        self.box.records.write_call(a_call(call))
        self.box.mailbox.begin(call, law, a_call(call))
        self.open[call] = (law, b"")

    @precondition(lambda self: self.open)
    @rule(data=st.data(), ms=st.sampled_from([20, 500, 1999, 2000, 2600]))
    def speak(self, data: st.DataObject, ms: int) -> None:
        """A caller goes on speaking."""
        call = data.draw(st.sampled_from(sorted(self.open)))
        law, sound = self.open[call]
        more = speech(len(sound) + ms, ms)
        self.box.mailbox.append(call, more)
        self.open[call] = (law, sound + more)

    @precondition(lambda self: self.open)
    @rule(data=st.data(), ms=st.sampled_from([1, 40, 700]))
    def lose(self, data: st.DataObject, ms: int) -> None:
        """Sound is lost before it comes here."""
        call = data.draw(st.sampled_from(sorted(self.open)))
        law, sound = self.open[call]
        self.box.mailbox.gap(call, ms)
        self.open[call] = (law, sound + LAWS[law] * (8 * ms))

    @precondition(lambda self: self.open)
    @rule(data=st.data(), trim_ms=st.sampled_from([0, 300, 1500]))
    def finish(self, data: st.DataObject, trim_ms: int) -> None:
        """A message ends: told as stored if there is any sound in it, else as failed."""
        call = data.draw(st.sampled_from(sorted(self.open)))
        _, sound = self.open.pop(call)
        self.box.drain()
        self.box.mailbox.finish(call, trim_ms)
        facts = [f for f in self.box.settle() if not isinstance(f, MessagesWaiting)]
        whole = sound[: max(0, len(sound) - 8 * trim_ms)]
        if whole:
            (fact,) = facts
            assert isinstance(fact, MessageStored)
            assert (fact.call, fact.length_ms) == (call, len(whole) // 8)
            self.kept[call] = (whole, False)
            self.stored[call] = fact.message
        else:
            assert {type(f) for f in facts} == {StoreFailed}
            if len(sound) >= 16_000:  # all of it was trimmed: recovery keeps what there is
                self.kept[call] = (sound, True)

    @precondition(lambda self: self.open)
    @rule(data=st.data())
    def drop(self, data: st.DataObject) -> None:
        """A recording is no message."""
        call = data.draw(st.sampled_from(sorted(self.open)))
        del self.open[call]
        self.box.mailbox.drop(call)

    @rule()
    def crash(self) -> None:
        """SIGKILL: what was written stays, what was going on is cut off."""
        self.box.settle()
        self.box.records.ask(lambda _: None)
        self.runs += 1
        shutil.copytree(self.box.folder, self.folder / str(self.runs))
        self._restart()

    @rule()
    def restart(self) -> None:
        """A clean stop and start with calls going on."""
        self.runs += 1
        self.box.stop()
        shutil.copytree(self.box.folder, self.folder / str(self.runs))
        self._restart()

    def _restart(self) -> None:
        if self.box.mailbox.is_alive:
            self.box.stop()
        self.box = Box(self.folder / str(self.runs), boot=self.runs).start()
        for call, (_, sound) in self.open.items():
            if len(sound) >= 16_000:
                self.kept[call] = (sound, True)
        self.open.clear()

    @invariant()
    def everything_told_is_there_and_nothing_else(self) -> None:
        """Messages, their sound, their flags and the lamp are what the model says; no strangers."""
        facts = self.box.settle()
        found = {m.call: (self.box.sound(m), m.interrupted) for m in self.box.listed()}
        assert found == self.kept
        assert {
            call: m.id for m in self.box.listed() for call in [m.call] if call in self.stored
        } == self.stored
        assert len(self.box.names("new")) == 2 * len(self.kept)
        assert len(self.box.names("rec")) == 2 * len(self.open)
        assert self.box.names("corrupt") == set()
        counts = [f.count for f in facts if isinstance(f, MessagesWaiting)]
        assert not counts or counts[-1] == len(self.kept)


TestMailboxes = Mailboxes.TestCase
TestMailboxes.settings = settings(
    max_examples=examples(25),
    stateful_step_count=20,
    suppress_health_check=[HealthCheck.too_slow],
)
