"""Which line is at which socket: as written, as before, else as modems are found; never swapped."""

from __future__ import annotations

from hypothesis import assume, given
from hypothesis import strategies as st

from appliance.bootfile.values import (
    BY_PATH,
    NOWHERE,
    CardLine,
    distinct_ports,
    line_names,
    place_lines,
    whole_port,
)

A, B, C = (f"{BY_PATH}/usb-{n}" for n in "abc")
TWO = (CardLine("urp"), CardLine("verde"))


def test_without_lines_every_modem_is_one() -> None:
    """In the order of the sockets; a modem that is late after a start keeps its line."""
    assert place_lines((), (A, B), {}).ports == (("line1", A), ("line2", B))
    assert place_lines((), (B,), {"line1": A, "line2": B}).ports == (("line1", A), ("line2", B))
    assert place_lines((), (), {}).ports == ()
    assert place_lines((), (A, C), {"line1": A, "line2": B}).ports == (
        ("line1", A),
        ("line2", C),
    )


def test_a_port_that_is_written_is_the_lines() -> None:
    """Found or not, as a whole path or as the name that the result tells."""
    found = place_lines((CardLine("urp", port="usb-b"), CardLine("verde", port=C)), (A,), {})
    assert found.ports == (("urp", B), ("verde", C))
    assert not found.waits
    assert whole_port("usb-a") == A
    assert whole_port("/dev/ttyX") == "/dev/ttyX"


def test_lines_without_a_port_take_what_no_other_names() -> None:
    """The rest in order; one without a modem is out, and looked for."""
    lines = (CardLine("urp"), CardLine("verde", port=A), CardLine("fax"))
    found = place_lines(lines, (A, B), {})
    assert found.ports == (("urp", B), ("verde", A), ("fax", NOWHERE.format(2)))
    assert found.waits
    again = place_lines(lines, (A, B, C), dict(found.ports))
    assert again.ports == (("urp", B), ("verde", A), ("fax", C))


def test_lines_stay_where_they_were() -> None:
    """A modem that appears in an earlier socket, or is away for a while, swaps no numbers."""
    assert place_lines(TWO, (A, B, C), {"urp": B, "verde": C}).ports == (
        ("urp", B),
        ("verde", C),
    )
    assert place_lines(TWO, (C,), {"urp": B, "verde": C}).ports == (("urp", B), ("verde", C))
    assert place_lines(TWO, (A, C), {"urp": B, "verde": C}).ports == (("urp", A), ("verde", C))


def test_names_are_given_where_none_is_written() -> None:
    """By number, and never twice."""
    assert line_names((CardLine(), CardLine("line1"), CardLine())) == ("line2", "line1", "line3")


def test_one_device_has_one_name() -> None:
    """Of udev's two names of a modem the plain one counts."""
    usb, usbv2 = "/p/x-usb-0:1.2:1.0", "/p/x-usbv2-0:1.2:1.0"
    assert distinct_ports([(usbv2, "/dev/ttyACM0"), (usb, "/dev/ttyACM0")]) == (usb,)


@given(
    st.lists(st.builds(CardLine, st.sampled_from(["", "x", "y"]), st.just("")), max_size=4),
    st.sets(st.sampled_from([A, B, C])),
    st.dictionaries(st.sampled_from(["line1", "line2", "x", "y"]), st.sampled_from([A, B, C])),
)
def test_no_socket_has_two_lines(
    lines: list[CardLine], found: set[str], before: dict[str, str]
) -> None:
    """Whatever was before, each line has a port, and no port two lines."""
    named = [line.name for line in lines if line.name]
    assume(len(named) == len(set(named)))
    assume(len(before) == len(set(before.values())))
    ports = [port for _, port in place_lines(lines, sorted(found), before).ports]
    assert len(ports) == len(set(ports))
    assert len(ports) == len(lines) or not lines
