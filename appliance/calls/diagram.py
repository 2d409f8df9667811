"""State diagram of a call: mermaid text drawn from the table, for docs/design/call-table.md."""

from __future__ import annotations

from collections.abc import Mapping

from appliance.calls.side_states import SideState, SideTable
from appliance.calls.states import TABLE, Row, State


def call_diagram() -> str:
    """Return a mermaid state diagram of a call: every row that leads to another state."""
    edges: dict[tuple[str, str], list[str]] = {}
    for state, rows in TABLE.items():
        for event, row in rows.items():
            if isinstance(row, Row):
                for to in row.to:
                    edges.setdefault((state.value, to.value), []).append(event.__name__)
    return _mermaid(State.ARRIVED.value, edges, State.ENDED.value)


def side_diagram(table: SideTable) -> str:
    """Return a mermaid state diagram of a call that a phone makes; it begins in its first state."""
    edges: dict[tuple[str, str], list[str]] = {}
    for state, rows in table.items():
        for event, row in rows.items():
            for to in row.to:
                if to is not state:
                    edges.setdefault((state.value, to.value), []).append(event.__name__)
    return _mermaid(next(iter(table)).value, edges, SideState.ENDED.value)


def _mermaid(first: str, edges: Mapping[tuple[str, str], list[str]], last: str) -> str:
    lines = ["stateDiagram-v2", f"    [*] --> {first}"]
    lines += [
        f"    {start} --> {to}: {', '.join(sorted(events))}"
        for (start, to), events in edges.items()
    ]
    return "\n".join((*lines, f"    {last} --> [*]")) + "\n"
