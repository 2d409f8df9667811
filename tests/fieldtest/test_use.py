"""What a line is for is read from the configuration, where one names its port."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from appliance.commands.services import needs_of, suite_options
from appliance.config.schema import Line
from appliance.config.values import Proven
from hw_tests.promises import CONVERSATION, DEFAULT

if TYPE_CHECKING:
    from pathlib import Path

OFFICE = """\
[site]
name = "Prova"
patron = "10-04"
[hours]
[sip]
address = "127.0.0.1"
[folders]
state = "{folder}/state"
[[lines]]
name = "line1"
label = "Municipio"
port = "/dev/serial/by-path/1"
[[lines]]
name = "line2"
port = "{folder}/two"
daytime = "message"
"""


@pytest.mark.parametrize(
    ("line", "lacks", "more"),
    [
        (Line("a", "/dev/x"), (), ()),
        (Line("a", "/dev/x", duplex=Proven("true")), (), ()),
        (Line("a", "/dev/x", duplex=Proven("false"), daytime="message"), CONVERSATION, ()),
        (Line("a", "/dev/x", daytime="ring_parallel_phone"), CONVERSATION, ()),
        (Line("a", "/dev/x", daytime="pbx_transfer"), CONVERSATION, ("transfers",)),
    ],
)
def test_a_line_needs_what_its_table_says(
    line: Line, lacks: tuple[str, ...], more: tuple[str, ...]
) -> None:
    """Conversations, but on a line whose modem cannot carry them; a hook flash behind a PBX."""
    assert needs_of(line) == (*(name for name in DEFAULT if name not in lacks), *more)


def test_a_port_is_that_of_its_line(tmp_path: Path) -> None:
    """By whatever name it is called; a port that the configuration does not know is left out."""
    config = tmp_path / "centralino.toml"
    config.write_text(OFFICE.format(folder=tmp_path), encoding="utf-8")
    (tmp_path / "port").touch()
    (tmp_path / "two").symlink_to("port")
    messages = ",".join(name for name in DEFAULT if name not in CONVERSATION)
    assert suite_options(config, ("/dev/serial/by-path/1", str(tmp_path / "port"))) == [
        "--needs-a", ",".join(DEFAULT), "--use-a", f"Municipio, {config}",
        "--needs-b", messages, "--use-b", f"line2, {config}",
    ]  # fmt: skip
    assert suite_options(config, ("/dev/serial/by-path/3",)) == []
    assert suite_options(config, ()) == []


@pytest.mark.parametrize("text", [None, "[", "[site]\nname = 5\n"])
def test_without_a_configuration_lines_are_for_conversations(
    text: str | None, tmp_path: Path
) -> None:
    """A workbench has none; one with mistakes stops no field test."""
    config = tmp_path / "centralino.toml"
    if text is not None:
        config.write_text(text, encoding="utf-8")
    assert suite_options(config, ("/dev/serial/by-path/1",)) == []
