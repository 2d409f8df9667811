"""Files are written by one writer (appliance/files.py); who writes in another way has a reason."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent / "appliance"
APART = ("simulator",)
"""The simulated telephone exchange and its phones: no part of a running box."""
OTHERWISE = {
    "files.py": "the writer itself",
    "managed_config/apply.py": "throw-away; a whole folder takes its name once all is in it",
    "commands/demo.py": "a demonstration's throw-away folder",
    "commands/demo_office.py": "a demonstration's throw-away folder",
    "config/keys/__main__.py": "pages and schema of a checkout, which git keeps",
    "commands/reference/__main__.py": "pages of a checkout, which git keeps",
    "commands/help.py": "paragraphs of click's formatter, no file",
    "commands/bootfile.py": "a terminal, which is shown words",
    "commands/downloads.py": "a download goes on where it was broken off, as the service",
    "console/accounts.py": "SQLite writes it, and takes an empty file",
    "console/uploads.py": "an upload goes on where it was broken off",
    "workers.py": "a pipe to a child",
    "service/nightly.py": "a whole folder takes its name once all that is in it is written",
    "service/restore.py": "unpacks into a new folder, renames by a plan that may be done again",
    "service/backup_uploads.py": "a folder elsewhere; what is fetched takes its name whole",
    "service/backup_https.py": "what is fetched from another machine is a draft still",
    "service/backup_smb.py": "a folder on another machine; what is fetched is a draft still",
    "fieldtest/run.py": "a log that grows",
    "selftest/box.py": "a throw-away folder of a box that is tried",
    "selftest/machine.py": "random bytes, read back and removed",
    "service/selftest.py": "an empty mark in /run, of which the time alone counts",
    "fieldtest/holding.py": "the output of a service that is started again, to which it adds",
    "dsp/wav.py": "sounds that a test or a demonstration makes",
    "store/database.py": "SQLite's own file; a damaged one is set aside",
    "store/backup.py": "SQLite writes the drafts, and takes an empty file",
    "usb.py": "words to the kernel, in /sys",
    "voicemail/storage.py": "a recording that grows, and its own order of sealing",
    "voicemail/recording.py": "a recording that grows, and its own order of sealing",
}
MAKERS = {"write_text", "write_bytes", "rename", "touch"}


def writings(text: str) -> Iterator[str]:
    """Yield each call that makes a file, fills it, or gives it another's name."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call) and (name := _writes(node)):
            yield f"{node.lineno}: {name}"


def _writes(call: ast.Call) -> str:
    if not isinstance(call.func, ast.Attribute | ast.Name):
        return ""
    name = call.func.attr if isinstance(call.func, ast.Attribute) else call.func.id
    if name in MAKERS and isinstance(call.func, ast.Attribute):
        return name
    owner = ast.unparse(call.func.value) if isinstance(call.func, ast.Attribute) else ""
    if name == "replace" and (owner == "os" or (len(call.args) == 1 and not call.keywords)):
        return name if owner not in {"dataclasses", "re"} and owner else ""
    if name in {"open", "fdopen"}:
        modes = [one.value for one in (*call.args, *(k.value for k in call.keywords))
                 if isinstance(one, ast.Constant) and isinstance(one.value, str)]  # fmt: skip
        is_made = "O_CREAT" in ast.unparse(call)
        return name if is_made or any(set(mode) & set("wax+") <= set(mode) and
                                      set(mode) <= set("wabx+t") and set(mode) & set("wax")
                                      for mode in modes) else ""  # fmt: skip
    return ""


def found() -> dict[str, list[str]]:
    """Return what writes, by its file."""
    paths = (path for path in sorted(ROOT.rglob("*.py")))
    texts = {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in paths}
    return {
        where: lines
        for where, text in texts.items()
        if not where.startswith(APART) and (lines := list(writings(text)))
    }


def test_who_writes_a_file_does_so_by_the_one_writer() -> None:
    """What is written elsewhere is not whole after a power cut, or led astray by a link: each such
    place is listed with its reason, and the list holds no place that is none any more.
    """
    places = found()
    assert {where: lines for where, lines in places.items() if where not in OTHERWISE} == {}
    assert sorted(set(OTHERWISE) - set(places)) == []


@pytest.mark.parametrize(
    "text",
    [
        "path.write_text('x')",
        "draft.replace(path)",
        "os.replace(draft, path)",
        "path.with_suffix('.tmp').rename(path)",
        "path.open('wb')",
        "open(path, mode='a', encoding='utf-8')",
        "os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)",
        "os.fdopen(descriptor, 'w', encoding='utf-8')",
    ],
)
def test_each_way_of_writing_is_seen(text: str) -> None:
    """The look itself."""
    assert list(writings(text)) != []


@pytest.mark.parametrize(
    "text",
    [
        "path.open('rb')",
        "open(path, encoding='utf-8')",
        "'a b'.replace('a', 'b')",
        "now.replace(microsecond=0)",
        "dataclasses.replace(kept, by=by)",
        "replace(kept)",
        "os.open(path, os.O_RDONLY | os.O_NOFOLLOW)",
        "atomic_write(path, 'x')",
    ],
)
def test_what_does_not_write_is_not_taken_for_it(text: str) -> None:
    """Reading, and other things of the same names."""
    assert list(writings(text)) == []
