"""The nightly copy of the records: looked through whole, then written anew by SQLite (VACUUM INTO).

Used by a child of its own beside the running desk, through a connection that only reads.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from appliance.errors import StoreError
from appliance.files import fsync_directory
from appliance.policy.refused import NotKept
from appliance.policy.system_words import in_words
from appliance.records.database import open_reader

if TYPE_CHECKING:
    from pathlib import Path


def damage(path: Path) -> str:
    """Look through a whole database, its indexes too; returns the first damage, "" for none.

    Raises NotKept where there is none.
    """
    if not path.exists():
        raise NotKept(
            f"in {path} non ci sono archivi: centralino è mai stato avviato qui?",
            f"there are no records at {path}: has the daemon ever run here?",
        )
    try:
        with closing(open_reader(path)) as connection:
            said = str(connection.execute("PRAGMA integrity_check(1)").fetchone()[0])
    except (sqlite3.DatabaseError, StoreError) as error:  # torn so that it cannot be looked through
        return str(error)
    return "" if said == "ok" else said


def copy(path: Path, to: Path) -> None:
    """Write the records of one moment into a new file, for its owner alone, and to the disk.

    The folder's name needs `fsync_directory` once more. Raises StoreError, OSError.
    """
    descriptor = os.open(to, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)  # SQLite takes it empty
    try:
        with closing(open_reader(path)) as connection:
            connection.execute("VACUUM INTO ?", (str(to),))
        os.fsync(descriptor)
    except sqlite3.Error as error:
        raise NotKept(
            f"gli archivi non si possono copiare ({in_words(str(error)).it}): controllare "
            "la memoria",
            f"the records cannot be copied ({error}): check the disk",
        ) from error
    finally:
        os.close(descriptor)
    fsync_directory(to.parent)
