-- The head office's settings: every bundle that came into force, the last row in force. Version 0 is none: the first
-- was taken back. `former` is what a revert goes back to, "" where there is nothing.

CREATE TABLE central_settings (
    number         INTEGER PRIMARY KEY,
    version        INTEGER NOT NULL,
    digest         TEXT NOT NULL,            -- SHA-256 of the bundle's file, "" for none
    former_version INTEGER NOT NULL,
    former         TEXT NOT NULL,
    at             TEXT NOT NULL,            -- ISO 8601 with offset
    by_whom        TEXT NOT NULL,
    source         TEXT NOT NULL             -- where it came from: an address, a file, ":revert"
) STRICT;

-- What of sheets and units is the head office's: nobody else changes or removes it.
CREATE TABLE central_sheets (code TEXT PRIMARY KEY) STRICT;
CREATE TABLE central_units (code TEXT PRIMARY KEY) STRICT;
