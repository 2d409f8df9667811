-- Links of screens on a wall, which show the wall's figures without a login: only the hash of the secret is kept
-- here, so that nobody who reads these records can open one. An ended link stays listed, and stays ended.

CREATE TABLE screen_links (
    number   INTEGER PRIMARY KEY AUTOINCREMENT,
    name     TEXT NOT NULL,
    sha256   TEXT NOT NULL UNIQUE,           -- of the link's secret, hexadecimal
    made_at  TEXT NOT NULL,                  -- ISO 8601 with offset
    made_by  TEXT NOT NULL,
    ended_at TEXT,
    ended_by TEXT NOT NULL DEFAULT ''
) STRICT;

CREATE TRIGGER screen_links_end_once BEFORE UPDATE ON screen_links
WHEN old.ended_at IS NOT NULL OR new.ended_at IS NULL OR new.number <> old.number
    OR new.name <> old.name OR new.sha256 <> old.sha256 OR new.made_at <> old.made_at
    OR new.made_by <> old.made_by BEGIN
    SELECT RAISE (ABORT, 'a link is made and ended, never changed');
END;
