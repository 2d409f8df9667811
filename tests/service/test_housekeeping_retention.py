"""Retention against a model: through every order of care and years, no open message ever goes."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from appliance.calls.orders import Result
from appliance.errors import OfficeError
from appliance.policy.voicemail import MessageEntry, MessageOutcome, MessageStep
from appliance.service.housekeeping import Housekeeping, HousekeepingPlan
from appliance.store import voicemail
from appliance.store.alerts import AlertSettings
from appliance.store.database import migrate
from appliance.store.retention import RetentionDays
from appliance.store.voicemail import CaseKind
from tests.helpers.examples import examples
from tests.service.test_housekeeping import CALENDAR
from tests.store.samples import TEN, a_call, a_message

NOBODY: Any = None
DAYS = st.sampled_from([0, 1, 30, 89, 90, 91, 179, 181, 1094, 1096])
KEPT = st.sampled_from([0, 1, 90, 400])
"""0 keeps for ever."""


def _empty() -> sqlite3.Connection:
    """Open an empty store, in memory: power cuts are asked about elsewhere."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.row_factory = sqlite3.Row
    migrate(connection)
    return connection


class Retained(RuleBasedStateMachine):
    """The real store and its files; `closed` is the model: when each message was last closed."""

    def __init__(self) -> None:
        super().__init__()
        self.state = Path(tempfile.mkdtemp(prefix="retention-"))
        self.folder = self.state / "voicemail"
        (self.folder / "new").mkdir(parents=True)
        self.db, self.now, self.count = _empty(), TEN, 0
        self.closed: dict[str, datetime | None] = {}
        self.ever_closed: set[str] = set()

    def teardown(self) -> None:
        """Let go of the store."""
        self.db.close()
        shutil.rmtree(self.state)

    @rule()
    def message(self) -> None:
        """Somebody leaves a message."""
        self.count += 1
        name = f"m{self.count}"
        call = replace(a_call(f"a-{name}", Result.MESSAGE), rang_at=self.now)
        kept = replace(a_message(name, call.call), received_at=self.now)
        voicemail.insert_message(self.db, kept, call, "b")
        for suffix in ("wav", "meta"):
            (self.folder / "new" / f"{name}.{suffix}").write_bytes(b"sound")
        self.closed[name] = None

    @precondition(lambda self: self.closed)
    @rule(
        data=st.data(),
        step=st.sampled_from(
            [
                MessageStep.HEAR,
                MessageStep.TAKE,
                MessageStep.NOTE,
                MessageStep.CLOSE,
                MessageStep.REOPEN,
            ]
        ),
    )
    def care(self, data: st.DataObject, step: MessageStep) -> None:
        """Somebody does something about a message; what cannot be is refused."""
        name = data.draw(st.sampled_from(sorted(self.closed)))
        self.now += timedelta(minutes=1)
        outcome = MessageOutcome.NOT_NEEDED if step is MessageStep.CLOSE else None
        with suppress(OfficeError):
            voicemail.add_entry(
                self.db, CaseKind.MESSAGE, name, MessageEntry(self.now, "Anna", step, outcome, "x")
            )
            stands = voicemail.care_by_id(self.db, CaseKind.MESSAGE)[name]
            self.closed[name] = stands.closing.at if stands.closing else None
            self.ever_closed |= {name} if stands.closing else set()

    @rule(days=DAYS, messages_days=KEPT, numbers=KEPT, calls=KEPT)
    def night(self, days: int, messages_days: int, numbers: int, calls: int) -> None:
        """Days pass; at night what is past its time is deleted, by whatever is configured."""
        self.now += timedelta(days=days)
        plan = HousekeepingPlan(
            CALENDAR, AlertSettings(), RetentionDays(messages_days, numbers, calls)
        )
        Housekeeping(NOBODY, self.state, plan, lambda _: None).delete(self.db, self.now)
        before = self.now - timedelta(days=messages_days)
        for name, closed in list(self.closed.items()):
            if messages_days and closed is not None and closed < before:
                del self.closed[name]
                assert not list((self.folder / "new").glob(f"{name}.*")), name

    @invariant()
    def what_nobody_closed_is_whole(self) -> None:
        """Row, sound, description, and of an open message whom to call back.

        The call log's own number may have gone while the message was closed; the message has it.
        """
        kept = {message.id: message for message in voicemail.list_messages(self.db)}
        assert kept.keys() == self.closed.keys()
        for name, closed in self.closed.items():
            files = sorted(path.name for path in (self.folder / "new").glob(f"{name}.*"))
            assert files == [f"{name}.meta", f"{name}.wav"]
            if closed is None:
                assert kept[name].caller.number
            if name not in self.ever_closed:
                (call,) = self.db.execute("SELECT * FROM calls WHERE message = ?", (name,))
                assert call["caller_number"]


TestRetention = Retained.TestCase
TestRetention.settings = settings(max_examples=examples(30), stateful_step_count=25)
