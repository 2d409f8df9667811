"""The head office gives an update to three boxes, one stage after the other.

1. It begins 1.1.0 with the box of nord. That night nord takes it and stands the trial; centro and
   ponte fetch nothing, and say whose turn it is.
2. The next look finds nord good and goes on to 13 percent, which is centro. That night centro
   takes it, a line of its own does not come back, and it is in 1.0.0 again.
3. The next look stops the rollout and names centro. That night ponte fetches nothing.
4. 1.2.0 begins anew, with a look each morning: after three nights all boxes are in it.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from appliance.__main__ import main
from appliance.commands import updates as commands
from appliance.commands.updates import Bundle, Helper, Rauc, Slots, Watch
from appliance.fleet.prometheus import MetricsServer
from appliance.fleet.prometheus_page import metrics_page
from appliance.service import updates
from appliance.service.jobs import JobResult
from appliance.service.updates import UpdateRunner
from appliance.store.database import connect, database_path
from appliance.text import unchanged
from tests.commands.test_managed_config import Web
from tests.commands.test_updates_fetch import LATEST, Site
from tests.console.control_socket import ServedSocket
from tests.fleet.samples import figures_of, status_of
from tests.journeys.harness.steps import Journey
from tests.managed_config.samples import Branch, branch
from tests.service.test_updates import NIGHT

BRANCHES = ("centro", "nord", "ponte")
LINE = "line1"
NIGHT_S = 3600.0
LIMIT_S = 60.0


@dataclass
class Disk:
    """The versions of two slots: which one runs, and which one the next start takes."""

    held: dict[str, str] = field(default_factory=lambda: {"A": "1.0.0", "B": "0.9.0"})
    booted: str = "A"
    following: str = "A"

    @property
    def other(self) -> str:
        """The slot that is not in use."""
        return "B" if self.booted == "A" else "A"

    def start(self) -> None:
        """Start the machine anew."""
        self.booted = self.following


@dataclass(frozen=True)
class Card(Rauc):
    """Stands for RAUC and the boot loader."""

    site: Site = field(kw_only=True)
    disk: Disk = field(default_factory=Disk)

    def look(self, path: Path) -> Bundle:
        """Take the server's file for the version that it announces."""
        assert path.stat().st_size
        return Bundle(str(self.site.latest["version"]), "box")

    def install(self, path: Path, on_progress: Any) -> None:
        """Write it into the other slot, which the next start takes."""
        self.disk.held[self.disk.other] = self.look(path).version
        self.disk.following = self.disk.other

    def slots(self) -> Slots:
        """Say which slot runs."""
        return Slots(self.disk.booted, self.disk.other, "box", other_is_good=True)

    def mark(self, what: str, slot: str) -> None:
        """A slot that is bad is not taken by the next start."""
        disk = self.disk
        if what == "bad":
            disk.following = disk.other if slot == "booted" else disk.booted


class Box:
    """A branch's box: real settings, download, helper, trial and figures; no lines, no RAUC."""

    def __init__(self, folder: Path, name: str, web: Web, site: Site) -> None:
        more = f'[updates]\nserver = "{site.address()}"\nca_file = "{site.ca_file}"\n'
        self.branch: Branch = branch(folder, name=name, more=more)
        text = self.branch.config.read_text()
        server = f'[central]\nserver = "{web.address}"\nca_file = "{web.ca_file}"\n'
        self.branch.config.write_text(text.replace("[central]\n", server))
        self.name, self.folder, self.boots = name, folder, 0
        self.card, self.is_ill_in = Card(site=site), ""
        self.disk = self.card.disk
        self.helper = self._helper()
        self.fetches: list[str] = []
        for made in (folder / "run", folder / "state/update", self.helper.kept_in):
            made.mkdir(parents=True, exist_ok=True)
        self.records = connect(database_path(folder / "state"))
        self.metrics = MetricsServer(("127.0.0.1", 0), (), lambda: metrics_page, lambda _: None)
        self.tell()

    def _helper(self) -> Helper:
        settings = commands._settings(self.branch.config)
        run = self.folder / "run"
        return Helper(settings, run, self.card, self.disk.start, lambda: self.version)

    @property
    def version(self) -> str:
        """The version in use."""
        return self.disk.held[self.disk.booted]

    def tell(self) -> None:
        """Leave the figures for whoever asks."""
        kept = updates.load_update(self.helper.kept_in)
        told = figures_of(status_of())
        update = (kept.state.value, kept.version)
        self.metrics.latest = replace(told, image=self.version, update=update)

    def health(self, _: dict[str, Any]) -> Any:
        """Answer as call control does."""
        lines = ("out", "working") if self.version == self.is_ill_in else ("working", "out")
        known = dict(zip(lines, ([LINE], []), strict=True))
        told = {"idle": True, "ready_s": 60.0, "carrier": True, "restarts": 0}
        return {"health": told | known}

    def night(self) -> None:
        """Take the central settings, then let call control and root's helper do what is due."""
        ran = CliRunner().invoke(main, ["settings", "fetch", "--config", str(self.branch.config)])
        assert ran.exit_code == 0, ran.output
        # From here on call control answers; before, the settings are put in force without it.
        with ServedSocket(self.folder / "run" / "desk.sock", self.health):
            self._due()
        self.tell()

    def _due(self) -> None:
        runner = self._runner()
        for turn in range(20):
            at = NIGHT.monotonic + NIGHT_S + turn * updates.AGAIN_S
            runner.look(replace(NIGHT, monotonic=at), lambda: True)
            before = self.disk.booted
            self.helper.turn()
            if self.disk.booted != before:
                self._trial()
                break

    def _runner(self) -> UpdateRunner:
        records: Any = self
        jobs: Any = self
        settings, boot = self.helper.settings, commands.boot_id()
        return UpdateRunner(settings, records, jobs, lambda *_: None, lambda: True, boot)

    def do(self, job: Any, done: Any) -> None:
        """Do a job of the records at once."""
        done(job(self.records))

    def begin(self, words: tuple[str, ...], _typed: str, _most: int, then: Any) -> None:
        """Run the job that looks at the update server to its end; nothing is copied before one."""
        if words == updates.COPY:
            then(JobResult(True, unchanged("copied")))
            return
        assert words == updates.FETCH
        said = commands.fetched(self.helper)
        self.fetches.append(said.text("en"))
        then(JobResult(True, said))

    def _trial(self) -> None:
        """Watch each start until no other follows."""
        booted = ""
        while booted != self.disk.booted:
            booted, self.boots = self.disk.booted, self.boots + 1
            clock = [20.0]

            def wait(seconds: float, clock: list[float] = clock) -> None:
                clock[0] += seconds

            def up(clock: list[float] = clock) -> float:
                return clock[0]

            boot = f"{self.name}-{self.boots}"
            Watch(self.helper, up, wait, boot, lambda: self.disk.booted, lambda: False).turn()


@dataclass(frozen=True)
class Office:
    """The head office: its folder, its key, and the web server that gives its file to all."""

    folder: Path
    web: Web

    def rollout(self, *words: str) -> str:
        """Look at all boxes; pack and publish the folder, as the guide's timer does."""
        ran = CliRunner(env={"LANG": "it_IT.UTF-8"}).invoke(
            main, ["settings", "rollout", str(self.folder), *words]
        )
        assert ran.exit_code == 0, ran.output
        file = self.folder.with_name("settings.bundle")
        version = str(1 + len(list(self.folder.parent.glob("packed-*"))))
        key = self.folder.with_name("key") / "key.pem"
        packing = ["settings", "pack", str(self.folder), "--key", str(key), "--to", str(file)]
        packed = CliRunner().invoke(main, [*packing, "--version", version])
        assert packed.exit_code == 0, packed.output
        self.folder.with_name(f"packed-{version}").touch()
        self.web.data = file.read_bytes()
        return ran.output


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """The server of updates."""
    (tmp_path / "site").mkdir()
    with Site(tmp_path / "site") as made:
        yield made


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Web]:
    """The server of the central settings."""
    with Web(tmp_path / "web") as made:
        yield made


@pytest.fixture
def boxes(tmp_path: Path, site: Site, web: Web) -> Iterator[dict[str, Box]]:
    """Three boxes in 1.0.0, whose figures can be read."""
    with contextlib.ExitStack() as stack:
        made = {name: Box(tmp_path / name, name, web, site) for name in BRANCHES}
        for box in made.values():
            stack.callback(box.records.close)
            box.metrics.start()
            stack.callback(box.metrics.stop, LIMIT_S)
        yield made


@pytest.fixture
def office(tmp_path: Path, web: Web, boxes: dict[str, Box]) -> Office:
    """The head office, which knows where the boxes' figures are; its key is known to the boxes."""
    folder = tmp_path / "office"
    folder.mkdir()
    until = time.monotonic() + LIMIT_S
    while any(box.metrics.port == 0 for box in boxes.values()):
        assert time.monotonic() < until, "the figures are not served"
        time.sleep(0.05)
    rows = [f'{n} = "http://127.0.0.1:{b.metrics.port}/metrics"\n' for n, b in boxes.items()]
    (folder / "boxes.toml").write_text("[boxes]\n" + "".join(rows))
    made = CliRunner().invoke(main, ["settings", "key", str(tmp_path / "key")])
    assert made.exit_code == 0, made.output
    for box in boxes.values():
        certificate = (tmp_path / "key/certificate.pem").read_bytes()
        (box.folder / "certificate.pem").write_bytes(certificate)
    return Office(folder, web)


def versions(boxes: dict[str, Box]) -> dict[str, str]:
    """Return the version in use on each box."""
    return {name: box.version for name, box in boxes.items()}


def stage(office: Office) -> str:
    """Return the stage as the folder has it."""
    lines = (office.folder / "updates.toml").read_text().splitlines()
    return next(one.partition(" = ")[2].strip('"') for one in lines if one.startswith("stage"))


def test_an_update_goes_out_in_stages(
    journey: Journey, site: Site, boxes: dict[str, Box], office: Office
) -> None:
    """One box, some, all; and nobody after the first that went back."""
    begin = ("--first", "nord", "--percent", "13", "--hours", "0")
    with journey.step(1):
        said = office.rollout("--begin", "1.1.0", *begin)
        assert "solo l'apparecchio di nord" in said
        for box in boxes.values():
            box.night()
        assert versions(boxes) == {"centro": "1.0.0", "nord": "1.1.0", "ponte": "1.0.0"}
        assert updates.load_update(boxes["nord"].helper.kept_in).state == "good"
        for name in ("centro", "ponte"):
            assert boxes[name].fetches[-1].endswith("only the box of nord takes it for now.")
            assert not (boxes[name].folder / "state" / updates.FETCHED).exists()

    with journey.step(2):
        boxes["centro"].is_ill_in = "1.1.0"
        said = office.rollout()
        assert "Apparecchio di nord: la 1.1.0 è in uso e ha superato la prova" in said
        assert stage(office) == "share"
        for box in boxes.values():
            box.night()
        assert versions(boxes) == {"centro": "1.0.0", "nord": "1.1.0", "ponte": "1.0.0"}
        assert boxes["centro"].boots == 2
        assert updates.load_update(boxes["centro"].helper.kept_in).failed == ("1.1.0",)

    with journey.step(3):
        said = office.rollout()
        assert "Apparecchio di centro: è tornato alla 1.0.0" in said
        assert stage(office) == "stopped"
        boxes["ponte"].night()
        assert "stopped" in boxes["ponte"].fetches[-1]
        assert versions(boxes)["ponte"] == "1.0.0"

    with journey.step(4):
        site.latest = {**LATEST, "version": "1.2.0"}
        said = office.rollout("--begin", "1.2.0", *begin)
        for _ in range(3):
            for box in boxes.values():
                box.night()
            office.rollout()
        assert versions(boxes) == dict.fromkeys(BRANCHES, "1.2.0")
        assert stage(office) == "all"
