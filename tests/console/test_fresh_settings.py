"""The console takes up changed settings without a restart: only what it listens on needs one."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from appliance.console.settings import READ_ANEW, ConsoleSettings, FreshSettings, mark_of
from appliance.errors import TechnicianError
from tests.console.visitor import Visitor


class File:
    """A configuration whose text is the office's name; it is written as a change writes it."""

    def __init__(self, path: Path, settings: ConsoleSettings) -> None:
        self.path, self.settings, self.reads = path, settings, 0
        self.write(settings.site)
        self.fresh = FreshSettings(settings, path, mark_of(path), self.load)

    def write(self, name: str) -> None:
        """Put another file in its place."""
        new = self.path.with_suffix(".new")
        new.write_text(name, encoding="utf-8")
        new.replace(self.path)

    def load(self) -> ConsoleSettings:
        """Read it; raises TechnicianError where it has a mistake."""
        self.reads += 1
        name = self.path.read_text(encoding="utf-8")
        if name == "broken":
            raise TechnicianError("line 1: broken")
        return replace(self.settings, site=name, port=1234, names=("other",))


@pytest.fixture
def file(tmp_path: Path, console_settings: ConsoleSettings) -> File:
    """Return the file of the console's settings."""
    return File(tmp_path / "centralino.toml", console_settings)


@pytest.fixture
def following(file: File) -> Iterator[Visitor]:
    """Return a visitor of a console whose pages follow the file."""
    with Visitor(file.settings, fresh=file.fresh) as visiting:
        yield visiting


def test_a_page_has_the_new_name_at_once(file: File, following: Visitor) -> None:
    """The next page after the change; read once, not with each page."""
    assert "Comune di Prova" in following.get("/login").text
    file.write("Comune di Altrove")
    for _ in range(3):
        page = following.get("/login").text
        assert "Comune di Altrove" in page
        assert "Comune di Prova" not in page
    assert file.reads == 1


def test_where_it_listens_stays_until_it_restarts(file: File) -> None:
    """The page of settings compares them with the file: it tells whether it has moved."""
    file.write("Comune di Altrove")
    found = asyncio.run(file.fresh.newest())
    assert found == replace(file.settings, site="Comune di Altrove")
    assert not {"port", "names", "certificate", "key", "listen"} & set(READ_ANEW)


@pytest.mark.parametrize("spoil", [lambda file: file.write("broken"), lambda f: f.path.unlink()])
def test_a_file_with_mistakes_changes_no_page(
    file: File, spoil: Callable[[File], None], caplog: pytest.LogCaptureFixture
) -> None:
    """Neither a missing one; it is said once, and the next good one holds."""

    async def play() -> None:
        spoil(file)
        assert await file.fresh.newest() == file.settings
        assert await file.fresh.newest() == file.settings
        assert len(caplog.records) == 1
        file.write("Comune di Altrove")
        assert (await file.fresh.newest()).site == "Comune di Altrove"

    asyncio.run(play())


def test_who_comes_while_it_is_read_waits_for_it(file: File) -> None:
    """Of two pages at once neither has the former name, and the file is read once."""
    may_read, load = threading.Event(), file.load

    def slowly() -> ConsoleSettings:
        may_read.wait(60)
        return load()

    fresh = FreshSettings(file.settings, file.path, mark_of(file.path), slowly)

    async def play() -> tuple[ConsoleSettings, ConsoleSettings]:
        first, second = (asyncio.create_task(fresh.newest()) for _ in range(2))
        await asyncio.sleep(0)
        may_read.set()
        return await first, await second

    file.write("Comune di Altrove")
    assert [one.site for one in asyncio.run(play())] == ["Comune di Altrove"] * 2
    assert file.reads == 1
