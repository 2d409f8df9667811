-- Special periods of the switchboard and the counter that the head enters (E14): rows are only ever
-- added; a correction or a revocation names the entry that it ends.

CREATE TABLE special_hours (
    number     INTEGER PRIMARY KEY,          -- in the order of entry
    entered_at TEXT NOT NULL,                -- ISO 8601 with offset
    entered_by TEXT NOT NULL,
    reference  TEXT NOT NULL,
    whose      TEXT NOT NULL,                -- house, switchboard, citizens_desk
    ends       INTEGER NOT NULL DEFAULT 0,   -- the entry that it ends, 0 for none
    body       TEXT NOT NULL DEFAULT ''      -- JSON: days, week, words; '' for a revocation
) STRICT;

CREATE TRIGGER special_hours_stay BEFORE UPDATE ON special_hours
BEGIN SELECT RAISE(ABORT, 'entries of hours are only ever added'); END;
CREATE TRIGGER special_hours_kept BEFORE DELETE ON special_hours
BEGIN SELECT RAISE(ABORT, 'entries of hours are only ever added'); END;
-- INSERT OR REPLACE deletes without the trigger above.
CREATE TRIGGER special_hours_once BEFORE INSERT ON special_hours
WHEN EXISTS (SELECT 1 FROM special_hours WHERE number = new.number)
BEGIN SELECT RAISE(ABORT, 'entries of hours are only ever added'); END;

CREATE TRIGGER policy_special_hours AFTER INSERT ON special_hours BEGIN
    UPDATE policy_version SET version = version + 1;
END;
