"""Which drivers a board's tree asks for, which of them a slot has, and whether they can load."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path


def aliases(folder: Path) -> dict[str, set[str]]:
    """Read which modules a kernel's modules.alias names for a device tree's `compatible`."""
    found: dict[str, set[str]] = {}
    text = (folder / "modules.alias").read_text(encoding="utf-8")
    for name, module in re.findall(
        r"^alias of:N\*T\*C([^*\n]+?)(?:C\*)? (\S+)$", text, re.MULTILINE
    ):
        found.setdefault(name, set()).add(module)
    return found


def compatibles(tree: Path) -> set[str]:
    """List what a board's tree says is on it."""
    told = subprocess.run(
        ("dtc", "-q", "-O", "dts", tree), check=True, capture_output=True, text=True
    )
    values = re.findall(r"compatible = (.*);", told.stdout)
    return {name for value in values for name in re.findall(r'"([^"]*)"', value)}


def lacking(trees: list[Path], modules: Path, whole: Path) -> set[str]:
    """Name the drivers of these boards that are in Debian's kernel and not among a slot's.

    `modules` is the slot's folder of its kernel, `whole` the same as Debian's package has it.
    """
    subprocess.run(("depmod", "-b", whole.parents[2], whole.name), check=True)
    ours, all_there = aliases(modules), aliases(whole)
    parts = set().union(*(compatibles(tree) for tree in trees))
    return {module for one in parts for module in all_there.get(one, set()) - ours.get(one, set())}


def drivers(modules: Path) -> set[str]:
    """Name the drivers in a kernel's folder or in the kernel, with _ for -."""
    there = {path.name.split(".")[0].replace("-", "_") for path in modules.rglob("*.ko.xz")}
    inside = (modules / "modules.builtin").read_text(encoding="utf-8").split()
    return there | {Path(line).stem.replace("-", "_") for line in inside}


def asked_for(trees: list[Path], modules: Path) -> set[str]:
    """Name a slot's drivers of what is on these boards; `modules` is its folder of its kernel."""
    ours = aliases(modules)
    parts = set().union(*(compatibles(tree) for tree in trees))
    return set().union(*(ours.get(one, set()) for one in parts))


def cannot_load(modules: Path, names: set[str]) -> set[str]:
    """Name what these drivers need, and what those need in turn, and a slot has not.

    As each file says it itself: depmod's list says nothing of what is not there.
    """
    files = {path.name.split(".")[0].replace("-", "_"): path for path in modules.rglob("*.ko.xz")}
    looked_at: set[str] = set()
    left = {name.replace("-", "_") for name in names} & set(files)
    while left:
        looked_at |= left
        left = set().union(*(_needs(files[name]) for name in left & set(files))) - looked_at
    return looked_at - set(files)


def _needs(file: Path) -> set[str]:
    told = subprocess.run(
        ("modinfo", "-F", "depends", file), check=True, capture_output=True, text=True
    )
    return {name.replace("-", "_") for name in re.split(r"[,\n]", told.stdout) if name}
