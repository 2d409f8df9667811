-- Calls and messages as they are kept. Every later migration only adds: after a fall-back to the
-- older system slot, the older programme goes on working on the newer schema.

CREATE TABLE calls (
    call                TEXT PRIMARY KEY,
    boot                TEXT NOT NULL,       -- which run of the desk wrote it last (E18)
    line                TEXT NOT NULL,
    rang_at             TEXT NOT NULL,       -- ISO 8601 with offset, as the desk saw it
    rang_ms             INTEGER NOT NULL,    -- the same instant in ms since 1970, to sort by
    clock_state         TEXT NOT NULL,
    called              TEXT NOT NULL,       -- public number, '' when not known (P1)
    caller_presentation TEXT NOT NULL,
    caller_number       TEXT NOT NULL,
    caller_name         TEXT NOT NULL,
    way                 TEXT NOT NULL,
    reason              TEXT NOT NULL,
    phone               TEXT NOT NULL,
    answered_at         TEXT,
    ended_at            TEXT,
    result              TEXT NOT NULL,
    evidence            TEXT,
    release_ms          INTEGER,
    message             TEXT NOT NULL,       -- id of the stored message, '' when there is none
    trail               TEXT NOT NULL        -- JSON list of codes, oldest first
) STRICT;

CREATE INDEX calls_by_time ON calls (rang_ms);
CREATE INDEX calls_open ON calls (result) WHERE result = 'open';

CREATE TABLE messages (
    number              INTEGER PRIMARY KEY AUTOINCREMENT,  -- short enough to be read aloud
    id                  TEXT NOT NULL UNIQUE,
    call                TEXT NOT NULL REFERENCES calls (call),
    path                TEXT NOT NULL,       -- the sound file, below the mailbox's directory
    law                 TEXT NOT NULL,
    length_ms           INTEGER NOT NULL,
    sha256              TEXT NOT NULL,       -- of the whole file
    interrupted         INTEGER NOT NULL,    -- 1: closed by a power cut, a fault or a full disk
    gap_ms              INTEGER NOT NULL,    -- sound lost on the way, silence in the file
    received_at         TEXT NOT NULL,
    received_ms         INTEGER NOT NULL,
    clock_state         TEXT NOT NULL,
    line                TEXT NOT NULL,
    called              TEXT NOT NULL,
    caller_presentation TEXT NOT NULL,
    caller_number       TEXT NOT NULL,
    caller_name         TEXT NOT NULL,
    state               TEXT NOT NULL CHECK (state IN ('new', 'closed')),
    heard_by            TEXT NOT NULL DEFAULT '',
    heard_at            TEXT,
    assigned_to         TEXT NOT NULL DEFAULT '',
    outcome             TEXT,                -- P9: every message is closed with one
    closed_by           TEXT NOT NULL DEFAULT '',
    closed_at           TEXT,
    note                TEXT NOT NULL DEFAULT '',
    CHECK ((state = 'closed') = (outcome IS NOT NULL))
) STRICT;

CREATE INDEX messages_waiting ON messages (state) WHERE state = 'new';
CREATE INDEX messages_of_call ON messages (call);
