"""The product as a technician has it: its wheel, unpacked into a virtual environment."""

from __future__ import annotations

import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
PLACE = "/opt/centralino"
"""Where the machine has it; read-only there."""
LIBRARIES = "/opt/libraries"
"""Where the machine has what the product needs; read-only there."""
BUILT_OF = ("appliance", "hw_tests", "setup.cfg", "pyproject.toml", "README.md", "LICENSE")
COMMAND = f"""#!{PLACE}/bin/python
import sys
from appliance.__main__ import main
sys.exit(main())
"""
"""What pip makes of the wheel's entry point."""


def build(folder: Path) -> Path:
    """Build the wheel of what is in the repository now, leaving nothing behind there."""
    source = folder / "source"
    source.mkdir()
    for name in BUILT_OF:
        path = ROOT / name
        if path.is_dir():
            shutil.copytree(path, source / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(path, source)
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "--no-deps", "--wheel-dir", str(folder), str(source)], check=True)
    (wheel,) = folder.glob("*.whl")
    return wheel


def install(folder: Path) -> Path:
    """Make the environment in a folder; it works where it is mounted at PLACE."""
    made = folder / "programme"
    venv.EnvBuilder(symlinks=True).create(made)
    (packages,) = made.glob("lib/python*/site-packages")
    with zipfile.ZipFile(build(folder)) as wheel:
        wheel.extractall(packages)
    # as pip does: what cannot be written to is not compiled at each start
    subprocess.run([sys.executable, "-m", "compileall", "-q", "-j0", str(packages)], check=True)
    (packages / "libraries.pth").write_text(f"{LIBRARIES}\n", encoding="utf-8")
    command = made / "bin" / "centralino"
    command.write_text(COMMAND, encoding="utf-8")
    command.chmod(0o755)
    return made
