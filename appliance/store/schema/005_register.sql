-- The register of offices (P4, P7): rows are only ever added, and triggers refuse anything else.
-- Numbers, and what is attached, are sealed with a key that is not in the database (vault.py).

CREATE TABLE register_changes (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    at     TEXT NOT NULL,                    -- ISO 8601 with offset
    by_whom TEXT NOT NULL,
    what   TEXT NOT NULL                     -- a code: import, vary, authorise, revoke
) STRICT;

-- The list of units as of a change: the last one holds.
CREATE TABLE register_units (
    change   INTEGER NOT NULL REFERENCES register_changes (number),
    position INTEGER NOT NULL,
    code     TEXT NOT NULL,
    name     TEXT NOT NULL,
    email    TEXT NOT NULL,
    service  TEXT NOT NULL,                  -- code of the service, '' for a service itself
    say      TEXT NOT NULL,
    PRIMARY KEY (change, position)
) STRICT;

CREATE TABLE register_entries (
    number     INTEGER PRIMARY KEY,          -- in the order of entry
    change     INTEGER NOT NULL REFERENCES register_changes (number),
    kind       TEXT NOT NULL CHECK (kind IN ('declaration', 'variation', 'authorisation', 'revocation')),
    unit       TEXT NOT NULL,
    entered_by TEXT NOT NULL,
    entered_at TEXT NOT NULL,
    reference  TEXT NOT NULL,
    attachment TEXT NOT NULL,                -- name of an attachment, '' for none
    body       TEXT NOT NULL                 -- JSON; numbers sealed
) STRICT;

CREATE TABLE register_attachments (
    name   TEXT PRIMARY KEY,
    change INTEGER NOT NULL REFERENCES register_changes (number),
    sha256 TEXT NOT NULL,                    -- of the file as it was given
    length INTEGER NOT NULL,
    sealed BLOB NOT NULL
) STRICT;

-- Who did what, when; never a number. Not for the register alone.
CREATE TABLE audit (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    at     TEXT NOT NULL,
    by_whom TEXT NOT NULL,
    what   TEXT NOT NULL,                    -- a stable code
    about  TEXT NOT NULL                     -- units and entries, in words
) STRICT;

CREATE TRIGGER register_changes_stay BEFORE UPDATE ON register_changes
BEGIN SELECT RAISE(ABORT, 'rows of the register are only ever added'); END;
CREATE TRIGGER register_changes_kept BEFORE DELETE ON register_changes
BEGIN SELECT RAISE(ABORT, 'rows of the register are only ever added'); END;
CREATE TRIGGER register_units_stay BEFORE UPDATE ON register_units
BEGIN SELECT RAISE(ABORT, 'rows of the register are only ever added'); END;
CREATE TRIGGER register_units_kept BEFORE DELETE ON register_units
BEGIN SELECT RAISE(ABORT, 'rows of the register are only ever added'); END;
CREATE TRIGGER register_entries_stay BEFORE UPDATE ON register_entries
BEGIN SELECT RAISE(ABORT, 'rows of the register are only ever added'); END;
CREATE TRIGGER register_entries_kept BEFORE DELETE ON register_entries
BEGIN SELECT RAISE(ABORT, 'rows of the register are only ever added'); END;
CREATE TRIGGER register_attachments_stay BEFORE UPDATE ON register_attachments
BEGIN SELECT RAISE(ABORT, 'rows of the register are only ever added'); END;
CREATE TRIGGER register_attachments_kept BEFORE DELETE ON register_attachments
BEGIN SELECT RAISE(ABORT, 'rows of the register are only ever added'); END;
CREATE TRIGGER audit_stays BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'rows of the audit are only ever added'); END;
CREATE TRIGGER audit_kept BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'rows of the audit are only ever added'); END;

-- INSERT OR REPLACE deletes without the triggers above.
CREATE TRIGGER register_changes_once BEFORE INSERT ON register_changes
WHEN EXISTS (SELECT 1 FROM register_changes WHERE number = new.number)
BEGIN SELECT RAISE(ABORT, 'rows of the register are only ever added'); END;
CREATE TRIGGER register_units_once BEFORE INSERT ON register_units
WHEN EXISTS (SELECT 1 FROM register_units WHERE change = new.change AND position = new.position)
BEGIN SELECT RAISE(ABORT, 'rows of the register are only ever added'); END;
CREATE TRIGGER register_entries_once BEFORE INSERT ON register_entries
WHEN EXISTS (SELECT 1 FROM register_entries WHERE number = new.number)
BEGIN SELECT RAISE(ABORT, 'rows of the register are only ever added'); END;
CREATE TRIGGER register_attachments_once BEFORE INSERT ON register_attachments
WHEN EXISTS (SELECT 1 FROM register_attachments WHERE name = new.name)
BEGIN SELECT RAISE(ABORT, 'rows of the register are only ever added'); END;
CREATE TRIGGER audit_once BEFORE INSERT ON audit
WHEN EXISTS (SELECT 1 FROM audit WHERE number = new.number)
BEGIN SELECT RAISE(ABORT, 'rows of the audit are only ever added'); END;

-- Which sheets answered the caller (P2): a JSON list of their codes.
ALTER TABLE calls ADD COLUMN sheets TEXT NOT NULL DEFAULT '[]';
