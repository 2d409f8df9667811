"""What the console is told of the configuration."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from appliance.commands.services import console_settings
from appliance.config import read
from appliance.config.schema import Settings
from appliance.config.setting_names import NAMES, Effect
from appliance.console.settings import READ_ANEW, ConsoleSettings
from tests.config.test_read import SMALL


def test_the_letterhead_has_the_public_numbers() -> None:
    """As they are written, each once; the address and the e-mail where there are any."""
    line = '[[lines]]\nname = "{}"\nport = "/dev/modem-{}"\ncalled = "051 598 111"\n'
    lines = "".join(line.format(name, name) for name in ("a", "b"))
    site = SMALL.replace(
        "[site]\n", '[site]\naddress = "Via Roma 1"\nemail = "urp@comune.example"\n'
    )
    found = console_settings(read.parse(site + lines)).contacts
    assert found == ("Via Roma 1", "urp@comune.example", "Tel. 051 598 111")


def test_the_agreement_on_figures_of_positions_is_passed_on() -> None:
    """E21: without its reference the console shows none; blanks are no reference."""
    agreed = '[report]\nper_person_reference = "{}"\n'
    assert console_settings(read.parse(SMALL)).per_person_reference == ""
    blank = read.parse(SMALL + agreed.format(" "))
    named = read.parse(SMALL + agreed.format("RSU 4/2026"))
    assert console_settings(blank).per_person_reference == ""
    assert console_settings(named).per_person_reference == "RSU 4/2026"


def changed(value: object) -> object:
    """Return another value of the same type; tuples of texts get one more."""
    match value:
        case bool():
            return not value
        case int() | float():
            return value + 1
        case str():
            return f"{value}x"
        case tuple():
            return (*value, "x")
    return value


def with_change(settings: Any, table: str, key: str) -> Any:
    """Return settings in which one key, of the first row where there are rows, is another."""
    first, _, rest = table.partition(".")
    part = getattr(settings, first)
    if rest:
        return replace(settings, **{first: with_change(part, rest, key)})
    if isinstance(part, tuple):
        row = replace(part[0], **{key: changed(getattr(part[0], key))})
        return replace(settings, **{first: (row, *part[1:])})
    if not hasattr(part, key):
        # The days of a week.
        return settings
    return replace(settings, **{first: replace(part, **{key: changed(getattr(part, key))})})


def test_the_console_restarts_for_nothing_that_it_reads_anew() -> None:
    """A setting that the console has read at its start restarts it, unless it is read anew."""
    rows = '[[lines]]\nname = "a"\nport = "/dev/modem-a"\n[[phones]]\nname = "op1"\n'
    settings = read.parse(SMALL + rows)

    def seen(of: Settings) -> ConsoleSettings:
        # A function is never the same.
        return replace(console_settings(of), head_office=no_head_office)

    here, restarts, holds = seen(settings), set(), set()
    for table, names in NAMES.items():
        for key, one in names.items():
            there = seen(with_change(settings, table, key))
            anew = {name: getattr(there, name) for name in READ_ANEW}
            if there != here:
                holds.add(f"{table}.{key}")
            if there != replace(here, **anew):
                restarts.add(f"{table}.{key}")
            assert (f"{table}.{key}" in restarts) == (Effect.CONSOLE in one.effects)
    assert {"site.name", "site.email", "lines.called", "standards.by_filter"} <= holds - restarts
    assert {"console.port", "console.names", "console.certificate"} <= restarts


def no_head_office() -> None:
    """Return None: no head office."""
