"""What is looked at of the programme: modules, announcements, and the box's own voice."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from appliance import prompts
from appliance.config import read
from appliance.prompts import Catalogue
from appliance.selftest import box, programme
from appliance.selftest.findings import Outcome
from tests.helpers.ports import free_port
from tests.selftest.small import Site

MODULES = """
import sys
from appliance.selftest import programme
found = programme.programme(programme.start_import())
print(found.outcome.value, found.said)
"""


def test_every_part_loads() -> None:
    """As it is installed here."""
    found = programme.programme(programme.start_import())
    assert (found.code, found.outcome) == ("programme", Outcome.OK), found.said


@pytest.mark.parametrize("text", ["raise ImportError('cut short')", "def broken(:"])
def test_a_broken_module(tmp_path: Path, text: str) -> None:
    """A library that an update has cut short: the part that needs it is named, and the remedy."""
    (tmp_path / "sdnotify.py").write_text(text)
    told = subprocess.run(
        [sys.executable, "-c", MODULES],
        capture_output=True, text=True, check=True, timeout=120,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
    ).stdout  # fmt: skip
    assert told.startswith("wrong the programme is damaged (appliance.service.main")
    assert "sudo apt install --reinstall centralino" in told


def test_a_child_that_the_system_kills_is_no_damage() -> None:
    """A small board runs out of memory: nothing was measured, and nobody is sent to reinstall."""
    words = [sys.executable, "-c", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"]
    found = programme.programme(subprocess.Popen(words, stdout=subprocess.PIPE, text=True))
    assert found.outcome is Outcome.NOT_MEASURED
    assert "as where memory runs out" in str(found.said)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """A box with announcements of its own."""
    own = tmp_path / "own"
    (own / "it").mkdir(parents=True)
    return Site.made(tmp_path / "box", free_port("127.0.0.1"), folders=f'prompts = "{own}"')


def test_good_announcements(site: Site) -> None:
    """The product's, and none of the site's."""
    found = programme.announcements(site.settings)
    assert (found.code, found.outcome) == ("announcements", Outcome.OK)
    assert found.figures["count"] > 400


def test_an_announcement_of_the_site_that_is_no_sound(site: Site) -> None:
    """The file is named: an MP3 with another ending."""
    path = Path(site.settings.folders.prompts) / "it" / "greeting_closed.wav"
    path.write_bytes(b"ID3" + bytes(400))
    found = programme.announcements(site.settings)
    assert found.outcome is Outcome.WRONG
    assert str(path) in str(found.said)


def test_a_folder_of_announcements_that_is_not_there(site: Site) -> None:
    """Named by the configuration, and never copied."""
    folder = Path(site.settings.folders.prompts)
    (folder / "it").rmdir()
    folder.rmdir()
    found = programme.announcements(site.settings)
    assert found.outcome is Outcome.WRONG
    assert f"there is no folder {folder}, named by folders.prompts" in str(found.said)


def test_an_announcement_of_ours_that_is_missing(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One file of the package is gone: no longer among the keys, and missed all the same."""
    less = tmp_path / "less"
    for language in ("it", "en"):
        (less / language).mkdir(parents=True)
        for path in (prompts.OURS / language).iterdir():
            if (language, path.name) != ("it", "message_stored.wav"):
                (less / language / path.name).symlink_to(path)
    monkeypatch.setattr(prompts, "OURS", less)
    assert "message_stored" not in Catalogue().keys("it")
    found = programme.announcements(site.settings)
    assert found.outcome is Outcome.WRONG
    assert "the announcement it/message_stored is missing" in str(found.said)


def test_the_boxs_own_voice(site: Site) -> None:
    """It says the office's name."""
    found = programme.voice(site.settings)
    assert (found.code, found.outcome) == ("voice", Outcome.OK)


def test_the_boxs_own_callers_hear_one_language(site: Site) -> None:
    """The first of the site's: a second one makes them wait, and is measured by nobody."""
    languages = 'languages = ["en", "it"]\n'
    site.config.write_text(site.config.read_text().replace("patron", f"{languages}patron"))
    assert site.settings.site.languages == ("en", "it")
    text = box.configuration(site.folder, 5060, site.settings, "shipped")
    assert read.parse(text).site.languages == ("en",)
    assert read.parse(box.configuration(site.folder, 5060, None, "shipped")).site.languages == (
        "it",
    )


def test_a_call_control_that_ends_without_a_word_is_told_so(tmp_path: Path) -> None:
    """The sentence says that nothing was written, and shows no empty sign."""
    with subprocess.Popen(["true"]) as ended:
        ended.wait()
        found = box._start_fault(tmp_path, ended, answered=False)
    assert found.said.text("it").startswith("il controllo delle chiamate non si avvia (non ha scr")
