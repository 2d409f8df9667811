"""Run of a self-test: the machine first, then two calls on a second instance; names the cause."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from appliance.errors import CentralinoError
from appliance.policy.text import Refused, words_of
from appliance.selftest import machine as machines
from appliance.selftest import programme
from appliance.selftest.findings import (
    TITLES,
    Finding,
    Outcome,
    SelfTest,
    consequence_of,
    not_measured,
    ok,
    whole,
    wrong,
)
from appliance.selftest.machine import Machine
from appliance.text import Words, _, by_language, unchanged

if TYPE_CHECKING:
    from appliance.config.schema import Settings
    from appliance.selftest.calls import CallPair

FOLDER: Final = "selftest-"
RUNNING: Final = _("a self-test runs already: wait for its end")
# Without them no call can be made.
NEEDED: Final = ("programme", "configuration", "rights", "disk", "room", "memory")
CALLS: Final = tuple(TITLES)[tuple(TITLES).index("call_control") :]
NO_CALL: Final = _("no call was made")

Notify = Callable[[Words], None]


def self_test(
    config: Path, machine: Machine | None = None, notify: Notify = lambda _: None
) -> SelfTest:
    """Test this installation; raises Refused while another self-test runs."""
    machine = machine or Machine()
    began, at = time.monotonic(), datetime.now(UTC)
    found: list[Finding] = []
    settings = _configuration(config, found)
    state = state_folder(config, settings)
    _sweep(state)
    # Before the parts are loaded, which takes half of it.
    no_room = machines.no_room_for_calls(machine)
    loading = programme.start_import()
    try:
        notify(_("Looking at the machine …"))
        found += _machine(machine, settings, state)
        if settings is not None:
            found += _sounds(settings)
        if (cause := _hindrance(found)) is not None:
            found.append(programme.programme(loading))
            found += _consequences(_hindrance(found) or cause)
        elif no_room is not None:
            found.append(programme.programme(loading))
            # How busy the processor is was to be measured while they went on.
            found += (not_measured(code, no_room) for code in ("processor", *CALLS))
        else:
            with _own_folder(state) as folder:
                found += _calls(folder, settings, machine, notify, loading)
    finally:
        loading.kill()
        loading.wait()
    return whole(at, time.monotonic() - began, found)


def _hindrance(found: list[Finding]) -> Finding | None:
    """Return the fault that makes calls impossible, None if there is none."""
    faults = {f.code: f for f in found if f.outcome is Outcome.WRONG}
    return next((faults[code] for code in NEEDED if code in faults), None)


# Everything that only a sound programme can import is imported late: a broken one is a finding.


def _configuration(config: Path, found: list[Finding]) -> Settings | None:
    try:
        from appliance.config import read

        settings = read.load(config)
    except PermissionError:
        found.append(wrong("rights", machines.closed_file(config)))
        return None
    except (CentralinoError, OSError) as error:
        found.append(wrong("configuration", _configuration_wrong(error)))
        return None
    except ImportError as error:
        found.append(wrong("programme", programme.damaged(unchanged(error))))
        return None
    found.append(ok("configuration", _("it can be used")))
    return settings


def _configuration_wrong(error: Exception) -> Words:
    said = words_of(error)
    # Behind the line that names the file stands the first mistake.
    first = by_language(lambda language: said.text(language).splitlines()[:2][-1].strip())
    return _("the configuration has mistakes ({first}): sudo centralino check names them all",
             first=first,)  # fmt: skip


def state_folder(config: Path, settings: Settings | None = None) -> Path:
    """Return the state folder, also of a configuration with mistakes."""
    if settings is not None:
        return Path(settings.folders.state)
    with contextlib.suppress(ImportError, CentralinoError, OSError):
        from appliance.config.office import state_folder_of

        return state_folder_of(config)
    return Path("/var/lib/centralino")


def _machine(machine: Machine, settings: Settings | None, state: Path) -> Iterator[Finding]:
    yield from machines.disk_findings(state)
    yield machines.memory(machine)
    yield machines.heat(machine)
    yield machines.power(machine)
    yield machines.clock(machine, state, settings.site.zone if settings else "Europe/Rome")
    if settings is None:
        yield not_measured("ports", _("the configuration must be mended first"))
        return
    yield machines.ports(machine, settings, _service_account(state))


def _service_account(state: Path) -> int | None:
    """Return the account that the service runs under: the state folder's owner."""
    try:
        return state.stat().st_uid
    except OSError:
        return None


def _sounds(settings: Settings) -> Iterator[Finding]:
    try:
        yield programme.announcements(settings)
        yield programme.voice(settings)
    except ImportError as error:
        yield wrong("programme", programme.damaged(unchanged(error)))


@contextlib.contextmanager
def _own_folder(state: Path) -> Iterator[Path]:
    """Make the own box's folder beside the service's files, on the same disk; take it away."""
    _sweep(state)
    folder = Path(tempfile.mkdtemp(prefix=FOLDER, dir=state))
    try:
        with _locked(folder):
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _sweep(state: Path) -> None:
    """Take away what a killed self-test has left; raises Refused while one runs."""
    runs = False
    # The lock tells whether a folder is still in use.
    for left in sorted(state.glob(f"{FOLDER}*/")):
        try:
            with _locked(left):
                shutil.rmtree(left, ignore_errors=True)
        except Refused:
            runs = True
        except OSError:
            # Of another account: the disk's findings name it.
            continue
    if runs:
        raise Refused(RUNNING)


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise Refused(RUNNING) from error
    finally:
        os.close(descriptor)


def _calls(
    folder: Path,
    settings: Settings | None,
    machine: Machine,
    notify: Notify,
    loading: subprocess.Popen[str],
) -> list[Finding]:
    """Make the calls on a box of its own; the programme's parts are loaded while it starts."""
    try:
        from appliance.prompts import Catalogue
        from appliance.selftest import box as boxes
        from appliance.selftest.calls import CallPair, calls
    except (ImportError, SyntaxError) as error:
        return _not_started(
            programme.programme(loading),
            wrong("programme", programme.damaged(unchanged(error))),
        )
    language = settings.site.languages[0] if settings else "it"
    site = Path(settings.folders.prompts) if settings and settings.folders.prompts else None
    device = programme.device_languages(settings) if settings else ()
    own_voice = "device" if language in device else "shipped"
    # The own box's sounds are the site's recordings, and ours in the site's voice.
    catalogue = Catalogue(site, device=(language,) if own_voice == "device" else ())
    if not machines.has_room_for_both(machine):
        with contextlib.suppress(subprocess.TimeoutExpired):
            loading.wait(programme.IMPORT_S)
    before = machines.load(machine)
    notify(_("Starting a box of its own on simulated lines …"))
    found: list[Finding] = []
    stage: CallPair | None = None
    ours: frozenset[int] = frozenset()
    try:
        with boxes.own_box(folder, settings, own_voice) as box:
            # Before the calls: loading the parts must take no processor time from their sound.
            parts = programme.programme(loading)
            found.append(ok("phone", _("registered by its password")))
            ours = box.processes()
            stage = CallPair(box, catalogue, language)
            notify(_("Two calls, one to a phone and one to voicemail …"))
            found += calls(stage)
            found += boxes.processes_findings(box)
    except boxes.NotStarted as error:
        parts = programme.programme(loading)
        found = _not_started(parts, error.finding)
    # A process that died has its own cause, however busy the machine was.
    died = any(f.outcome is Outcome.WRONG and f.code in _PROCESSES for f in found)
    late = not died and (stage is None or stage.late)
    found.append(machines.processor(before, machines.load(machine), ours, late))
    return [parts, *_blamed(found)]


def _not_started(parts: Finding, fault: Finding) -> list[Finding]:
    """Return why no call was made: a part that cannot be loaded is the cause of what it stops."""
    cause = parts if parts.outcome is Outcome.WRONG else fault
    return [cause, *_consequences(cause)]


def _consequences(cause: Finding) -> list[Finding]:
    why = consequence_of(cause, NO_CALL)
    return [not_measured(code, why) for code in CALLS if code != cause.code]


def _blamed(found: list[Finding]) -> list[Finding]:
    """Where a process died, what its calls lacked follows from that and is no fault of its own."""
    dead = next((f for f in found if f.outcome is Outcome.WRONG and f.code in _PROCESSES), None)
    if dead is None:
        return found
    why = consequence_of(dead, NO_CALL)
    return [
        f if f.outcome is not Outcome.WRONG or f.code in _CAUSES else not_measured(f.code, why)
        for f in found
    ]


_PROCESSES: Final = frozenset({"call_control", "gateway", "programme", "room", "disk", "memory"})
_CAUSES: Final = frozenset(tuple(TITLES)[: tuple(TITLES).index("phone")])
