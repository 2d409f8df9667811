"""Programme checks of the self-test: its modules, its announcements, its voice."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from appliance.errors import CentralinoError
from appliance.policy.text import words_of
from appliance.selftest.findings import Finding, not_measured, ok, wrong
from appliance.text import Words, _

if TYPE_CHECKING:
    from appliance.config.schema import Settings
    from appliance.prompts import Catalogue

PARTS: Final = (
    "appliance.service.main",
    "appliance.media.process",
    "appliance.console.process",
    "appliance.simulator.exchange.service",
    "appliance.simulator.phone.process",
)
"""What the services and the self-test load."""
IMPORT_S: Final = 60.0
# Printed for each part that cannot be loaded, and nothing else.
SCRIPT: Final = """
import importlib, json, sys
found = {}
for name in sys.argv[1:]:
    try:
        importlib.import_module(name)
    except BaseException as error:
        found[name] = f"{type(error).__name__}: {error}"
print(json.dumps(found))
"""
KILLED: Final = _(
    "the system ended it while its parts were loaded, as where memory runs out: end other "
    "programmes, or start the box anew"
)
# A missing file of the package is mended by its package.
REINSTALL: Final = "sudo apt install --reinstall centralino"


def start_import() -> subprocess.Popen[str]:
    """Start loading every part in a child of its own, which is read by `programme`."""
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT, *PARTS],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        stdin=subprocess.DEVNULL,
        text=True,
    )


def programme(child: subprocess.Popen[str]) -> Finding:
    """Wait for the child, and tell which part could not be loaded."""
    try:
        told, _unused = child.communicate(timeout=IMPORT_S)
        found = json.loads(told)
    except subprocess.TimeoutExpired:
        child.kill()
        child.communicate()
        return not_measured("programme", _("its parts were not loaded within a minute"))
    except ValueError:
        if child.returncode == -signal.SIGKILL:
            # The kernel ends a process so for want of memory, which damages no file.
            return not_measured("programme", KILLED)
        return wrong("programme", damaged(_("Python ended with status {status}",
                                            status=child.returncode)))  # fmt: skip
    for part, error in found.items():
        return wrong("programme", damaged(_("{part} cannot be loaded: {error}",
                                            part=part, error=error)))  # fmt: skip
    return ok("programme", _("all parts can be loaded"))


def damaged(what: Words) -> Words:
    """Return the sentence about a programme's file that is missing or broken."""
    return _("the programme is damaged ({what}): {reinstall}, or install the image's update again",
             what=what, reinstall=REINSTALL)  # fmt: skip


def device_languages(settings: Settings) -> tuple[str, ...]:
    """Return the languages that this site's callers hear in the box's own voice."""
    from appliance.config.state_folder import speech_folder
    from appliance.prompts import voices

    site = Path(settings.folders.prompts) if settings.folders.prompts else None
    spoken = speech_folder(Path(settings.folders.state))
    return voices.device_languages(spoken, site, settings.site.voice, settings.site.languages)


def catalogue_of(settings: Settings) -> Catalogue:
    """Return the announcements as this site's callers hear them."""
    from appliance.config.state_folder import announcements_of
    from appliance.prompts import Catalogue

    return Catalogue(*announcements_of(settings), device=device_languages(settings))


def announcements(settings: Settings) -> Finding:
    """Read every announcement that a caller may hear, the site's own ones too."""
    site = Path(settings.folders.prompts) if settings.folders.prompts else None
    if site is not None and not site.is_dir():
        return wrong(
            "announcements",
            _("there is no folder {folder}, named by folders.prompts: put the office's "
              "announcements there, or take the line out", folder=site),
        )  # fmt: skip
    catalogue = catalogue_of(settings)
    for language in settings.site.languages:
        # Every one that is delivered: a file that is gone is no longer among the keys.
        missing = sorted(_delivered(language) - set(catalogue.keys(language)))
        if missing:
            return wrong("announcements", damaged(
                _("the announcement {language}/{key} is missing",
                  language=language, key=missing[0])))  # fmt: skip
    try:
        problems = catalogue.problems()
    except OSError as error:
        return wrong("announcements", words_of(error))
    if problems:
        return wrong(
            "announcements",
            _("an announcement cannot be played: {problem}", problem=problems[0]),
        )
    count = sum(len(catalogue.keys(language)) for language in catalogue.languages())
    return ok("announcements", _("{count} announcements can be played", count=count), count=count)


def _delivered(language: str) -> set[str]:
    from appliance.prompts import voices

    return {key for texts in voices.texts(language).values() for key in texts}


def voice(settings: Settings) -> Finding:
    """Have the box's own voice say a word."""
    from appliance.api import speech
    from appliance.dsp.wav import level_dbm0

    language = settings.site.languages[0]
    try:
        sound = speech.speak(settings.site.name or "centralino", language)
    except KeyError:
        return not_measured("voice", _("the box has no voice of its own in this language"))
    except (CentralinoError, OSError) as error:
        return not_measured("voice", words_of(error))
    if not sound or level_dbm0(sound) < SILENT_DBM0:
        return wrong("voice", damaged(_("the box's own voice is silent")))
    return ok("voice", _("it says the office's name in {ms} ms", ms=len(sound) // 16))


SILENT_DBM0: Final = -50.0
