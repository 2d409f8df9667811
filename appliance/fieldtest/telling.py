"""A pytest plugin: the suite's process tells whoever follows it, and asks the person there.

Loaded by `centralino field-test`; without it `pytest hw_tests` runs the same, and skips what needs
a person.
"""

from __future__ import annotations

import os
import select
import socket
from typing import TYPE_CHECKING, Final

import pytest

from appliance.fieldtest import reasons
from appliance.fieldtest.messages import (
    DESCRIPTOR,
    LONGEST,
    Asked,
    Began,
    Collected,
    Ended,
    Message,
    Step,
    encode,
)
from hw_tests.findings import Verdict, counted
from hw_tests.person import WORK_S, Answer
from hw_tests.run import FOUND
from hw_tests.titles import TITLES

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from hw_tests.field import Measure
    from hw_tests.findings import Texts


class Person:
    """Whoever sits before the terminal of `centralino field-test`, if anybody does."""

    def __init__(self, sock: socket.socket | None) -> None:
        self._sock = sock

    def send(self, message: Message) -> None:
        """Tell something, if anybody listens; a follower that has gone ends the run."""
        if self._sock is None:
            return
        try:
            self._sock.sendall(encode(message))
        except OSError:
            pytest.exit("whoever followed this run has gone", returncode=2)

    def tell(self, what: Texts) -> None:
        """Let the person read where the test is, or what was heard."""
        self.send(Step(*what))

    def ask(self, what: Texts, meanwhile: Callable[[], None]) -> Answer:
        """Ask a person, calling `meanwhile` until the answer; where nobody is, nothing is done."""
        if self._sock is None:
            return Answer.SKIP
        self.send(Asked(*what))
        meanwhile()  # once at least: the lines are looked after however quick the person is
        while not select.select([self._sock], [], [], WORK_S / 4)[0]:
            meanwhile()
        return self._answer(self._sock)

    def _answer(self, sock: socket.socket) -> Answer:
        said = b""
        while not said.endswith(b"\n") and (data := sock.recv(LONGEST)):
            said += data
        if not said:
            pytest.exit("whoever followed this run has gone", returncode=2)
        return Answer(said.decode().strip())


PERSON: Final = pytest.StashKey[Person]()


def pytest_configure(config: pytest.Config) -> None:
    """Take over the socket that came along, if one did."""
    number = os.environ.pop(DESCRIPTOR, "")  # not for the suite's own children
    sock = socket.socket(fileno=int(number)) if number else None
    if sock:
        sock.set_inheritable(False)
    config.stash[PERSON] = Person(sock)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Tell what is going to be run."""
    tests = tuple(item.nodeid for item in session.items)
    seconds = tuple(_seconds(item) for item in session.items)
    session.config.stash[PERSON].send(Collected(tests, seconds))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Tell that a test begins."""
    item.config.stash[PERSON].send(Began(item.nodeid, *_title(item)))
    item.stash[SPENT] = ["passed", 0.0]
    return (yield)


def _measure(item: pytest.Item) -> Measure | None:
    """Return the measurement that a test makes, if it makes one of the table's."""
    call = getattr(item, "callspec", None)
    return call.params.get("measure") if call else None


def _title(item: pytest.Item) -> Texts:
    measure = _measure(item)
    said = (getattr(getattr(item, "obj", None), "__doc__", "") or item.name).strip().split("\n")[0]
    return TITLES.get(measure.keys[0], (said, said)) if measure else (said, said)


def _seconds(item: pytest.Item) -> float:
    """Say how long a test takes by the table."""
    measure = _measure(item)
    return measure.seconds if measure else 0.0


SPENT: Final = pytest.StashKey[list[object]]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Tell, after its last part, how a test went: the worst of its parts, the sum of its times."""
    report = yield
    worst, seconds = item.stash[SPENT]
    if report.outcome != "passed" and worst != "failed":
        worst = report.outcome
    total = float(str(seconds)) + report.duration
    item.stash[SPENT] = [worst, total]
    if report.when == "teardown":
        item.config.stash[PERSON].send(_ended(item, str(worst), total))
    return report


def _ended(item: pytest.Item, outcome: str, seconds: float) -> Ended:
    """Tell how a test went and why: one that was skipped has failed where its lines need it."""
    found = item.stash.get(FOUND, [])
    if outcome == "skipped" and Verdict.FAILED in set(map(counted, found)):
        outcome = "failed"
    why = reasons.of_findings(found)
    it, en = "\n".join(each.it for each in why), "\n".join(each.en for each in why)
    return Ended(item.nodeid, outcome, seconds, it, en)
