-- Times that were written down before the clock was known are put right once it is (reliability.md 6). What was
-- written stands beside it; `clock_state` says then that a time was corrected.

ALTER TABLE calls ADD COLUMN written TEXT NOT NULL DEFAULT '';  -- JSON: its times and its clock's state as written
ALTER TABLE messages ADD COLUMN written_at TEXT;                -- `received_at` as written, NULL when never corrected
ALTER TABLE requests ADD COLUMN written_at TEXT;                -- `at` as written
ALTER TABLE audit ADD COLUMN corrected_at TEXT;                 -- `at` stands as it was written

-- One row for each start of the machine: the last row of each table before it, and before its clock was known.
CREATE TABLE machine_starts (
    boot           TEXT PRIMARY KEY,         -- the kernel's boot id
    calls          INTEGER NOT NULL,
    messages       INTEGER NOT NULL,
    requests       INTEGER NOT NULL,
    audit          INTEGER NOT NULL,
    requests_until INTEGER,                  -- NULL until the clock was known
    audit_until    INTEGER
) STRICT;

DROP TRIGGER audit_stays;
CREATE TRIGGER audit_stays BEFORE UPDATE ON audit
WHEN old.corrected_at IS NOT NULL OR new.corrected_at IS NULL OR new.number <> old.number OR new.at <> old.at OR new.by_whom <> old.by_whom
    OR new.what <> old.what OR new.about <> old.about BEGIN
    SELECT RAISE (ABORT, 'rows of the audit are only ever added');
END;
