"""A line's `bundle`: the file of `centralino line bundle` teaches the line its modem's dialect."""

from __future__ import annotations

import dataclasses
import gzip
import json
from pathlib import Path

import pytest

from appliance.__main__ import main
from appliance.config import office, read
from appliance.config.build import line_setup
from appliance.config.schema import Settings
from appliance.config.values import BadConfiguration
from appliance.media.link import decode_message, encode_message
from appliance.media.messages import LineSetup, Setup, line_settings
from appliance.modem import bundle as files
from appliance.modem.bundle import Bundle, Exchange, StreamRun
from appliance.modem.learning import dialect_of
from appliance.service import backup
from appliance.service.modems import _found
from tests.commands.samples import CONFIG
from tests.helpers.command import runner

FOLDER = Path(__file__).resolve().parents[1] / "captures" / "bundles"
FILES = sorted(FOLDER.glob("*.json*"))
ODD = Bundle(
    "odd", "Odd 1", made="2026-11-30",
    exchanges=(Exchange("AT+GMI", ("ODD",), "OK"), Exchange("AT+VSD=0,0", (), "OK")),
    streams=(StreamRun("+VTR", "CONNECT", tried=("DLE !",), ended_by="DLE !"),),
)  # fmt: skip
"""A modem of no known make that proved to be duplex, and ends a stream in a way of its own."""
LINE = """
[[lines]]
name = "line1"
port = "/dev/serial/by-path/x"
daytime = "message"
"""


def written(folder: Path, bundle: object = "") -> Path:
    """Write a configuration whose first line names a bundle."""
    text = CONFIG.format(folder=folder) + LINE
    if bundle:
        text += f"bundle = {json.dumps(str(bundle))}\n"
    path = folder / "centralino.toml"
    path.write_text(text, encoding="utf-8")
    return path


def setup_of(settings: Settings) -> LineSetup:
    """Return the first line's setup as it arrives at the media gateway."""
    sent = Setup((line_setup(settings, settings.lines[0]),), "127.0.0.1", (16000, 16010))
    arrived = decode_message(encode_message(sent))
    assert isinstance(arrived, Setup)
    return arrived.lines[0]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
@pytest.mark.parametrize("is_packed", [False, True], ids=["plain", "packed"])
def test_the_line_learns_what_the_file_teaches(path: Path, is_packed: bool, tmp_path: Path) -> None:
    """Across the link; the transcript does not go with it. Without the key nothing is learnt."""
    bundle = files.from_bytes(path.read_bytes())
    spoken = (files.Written(0, True, "x" * 100_000),)
    file = tmp_path / "modem.json"
    file.write_bytes(
        files.to_bytes(dataclasses.replace(bundle, transcript=spoken), packed=is_packed)
    )
    settings = read.load(written(tmp_path, file))
    assert line_settings(setup_of(settings)).learnt == dialect_of(bundle)
    assert line_settings(setup_of(read.load(written(tmp_path)))).learnt is None


def test_what_it_proved_counts_for_calls_and_pages(tmp_path: Path) -> None:
    """A make that nobody knows is half duplex, this unit is not; the file belongs to a backup."""
    file = tmp_path / "odd.json"
    file.write_bytes(files.to_bytes(ODD))
    settings = read.load(written(tmp_path, file))
    made = office.build_office(settings, 2026)
    assert made.lines[0].can.bridge
    shown = _found("/dev/x", "Odd", settings.lines[0], None, is_there=True)
    assert (shown.dialect, shown.duplex) == ("odd", True)
    pieces = {piece.name: piece for piece in backup.named(settings)}
    assert (pieces["bundle-1"].path, pieces["bundle-1"].key) == (file, "lines.bundle")


BAD = {
    "missing": (None, "non si può leggere"),
    "a folder": ("folder", "non si può leggere"),
    "a configuration": (b"[site]\n", "non è un bundle di modem"),
    "another JSON": (b"{}", "manca lo schema"),
    "cut short": (files.to_bytes(ODD)[:-40], "non è un bundle di modem"),
    "packed, cut short": (gzip.compress(files.to_bytes(ODD))[:-9], "non è un bundle di modem"),
    "a later version": (
        files.to_bytes(ODD).replace(b'"version": 1', b'"version": 2'), "è di versione 2",
    ),
    "too large": (
        files.to_bytes(
            dataclasses.replace(
                ODD, notes=tuple(str(hash((n, "x")) ** 5) for n in range(1000))
            )
        ),
        "è troppo grande",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_check_tells_in_one_sentence_what_is_wrong(case: str, tmp_path: Path) -> None:
    """Which file, why, what to do; with line and key."""
    contents, why = BAD[case]
    file = tmp_path / "modem.json"
    if contents == "folder":
        file.mkdir()
    elif isinstance(contents, bytes):
        file.write_bytes(contents)
    path = written(tmp_path, file)
    done = runner().invoke(main, ["check", "--config", str(path)])
    assert done.exit_code == 1, done.output
    told = [line for line in done.stderr.splitlines() if "lines.1.bundle" in line]
    assert len(told) == 1, done.stderr
    assert f"{file} " in told[0]
    assert why in told[0]
    assert "questa chiave" in told[0]
    line = path.read_text(encoding="utf-8").splitlines().index(f'bundle = "{file}"') + 1
    assert f"riga {line}," in told[0]


def test_a_path_from_nowhere(tmp_path: Path) -> None:
    """The service's own folder is not the technician's."""
    with pytest.raises(BadConfiguration, match="whole path"):
        read.load(written(tmp_path, "modem.json"))


def test_the_last_good_one_keeps_its_bundle(tmp_path: Path) -> None:
    """The file is deleted by mistake: the line goes on as it was taught."""
    file = tmp_path / "odd.json"
    file.write_bytes(files.to_bytes(ODD))
    path = written(tmp_path, file)
    assert str(office.in_force(path, 2026)[2]) == ""
    file.unlink()
    settings, _office, wrong = office.in_force(path, 2026)
    assert "odd.json cannot be read" in str(wrong)
    assert line_settings(setup_of(settings)).learnt == dialect_of(ODD)
