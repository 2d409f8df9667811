-- Requests for offices (P6, E9, E15), what became of them, booked slots, and the outbox.

CREATE TABLE requests (
    number      INTEGER PRIMARY KEY AUTOINCREMENT,  -- short enough to be read aloud
    id          TEXT NOT NULL UNIQUE,        -- given before it is stored: the same one twice is one
    rule        TEXT NOT NULL CHECK (rule IN ('appointment', 'email')),
    unit        TEXT NOT NULL,
    need        TEXT NOT NULL,
    subject     TEXT NOT NULL,
    asked       TEXT NOT NULL,
    at          TEXT NOT NULL,               -- ISO 8601 with offset
    at_ms       INTEGER NOT NULL,
    by_whom     TEXT NOT NULL,
    call        TEXT NOT NULL,               -- the call it came from, '' for none
    sheet       TEXT NOT NULL,               -- the sheet that did not cover it
    name        TEXT NOT NULL,
    phone       TEXT NOT NULL,
    email       TEXT NOT NULL,
    prefers     TEXT NOT NULL,
    language    TEXT NOT NULL,
    spoken      INTEGER NOT NULL,            -- 1: who asks is in the recording
    starts      TEXT,                        -- the appointment
    ends        TEXT,
    form        TEXT,
    confirmed   INTEGER,
    sequence    INTEGER,
    recording   TEXT NOT NULL,               -- the sound file, below the state folder, '' for none
    sha256      TEXT NOT NULL,               -- of the whole file
    state       TEXT NOT NULL CHECK (state IN ('open', 'sent', 'taken', 'done')),
    taken_by    TEXT NOT NULL DEFAULT '',
    CHECK ((starts IS NULL) = (ends IS NULL) AND (starts IS NULL) = (form IS NULL))
) STRICT;

CREATE INDEX requests_open ON requests (number) WHERE state <> 'done';

-- What became of a request, oldest first: only ever added to.
CREATE TABLE request_steps (
    step_number INTEGER PRIMARY KEY AUTOINCREMENT,
    id          TEXT NOT NULL UNIQUE,        -- given before it is stored: the same one twice is one
    request     INTEGER NOT NULL REFERENCES requests (number),
    at          TEXT NOT NULL,
    by_whom     TEXT NOT NULL,
    step        TEXT NOT NULL,
    said_by     TEXT NOT NULL,               -- who said so (E15)
    words       TEXT NOT NULL
) STRICT;

CREATE INDEX request_steps_of ON request_steps (request);

CREATE TRIGGER request_steps_stand BEFORE UPDATE ON request_steps BEGIN
    SELECT raise(ABORT, 'what became of a request is only ever added to');
END;

-- A slot is taken by its key: two that take the same place cannot both be stored.
CREATE TABLE bookings (
    unit     TEXT NOT NULL,                  -- whose slots they are
    start_ms INTEGER NOT NULL,
    place    INTEGER NOT NULL,               -- of the places that the office gives at a time
    request  INTEGER NOT NULL UNIQUE REFERENCES requests (number),
    PRIMARY KEY (unit, start_ms, place)
) STRICT;

CREATE TABLE outbox (
    number      INTEGER PRIMARY KEY AUTOINCREMENT,
    key         TEXT NOT NULL UNIQUE,        -- the same key twice is one mail
    message_id  TEXT NOT NULL,               -- RFC 5322, 3.6.4; the same at every try
    recipient   TEXT NOT NULL,               -- an address, or 'head'
    subject     TEXT NOT NULL,
    body        TEXT NOT NULL,
    thread      TEXT NOT NULL,               -- key of the mail that it follows up
    attachments TEXT NOT NULL,               -- JSON list of files below the state folder
    calendar    TEXT NOT NULL,               -- an iCalendar object, '' for none
    request     INTEGER NOT NULL,            -- the request that it carries, 0 for none
    queued_at   TEXT NOT NULL,
    state       TEXT NOT NULL CHECK (state IN ('queued', 'sent', 'dead', 'dropped')),
    tries       INTEGER NOT NULL DEFAULT 0,
    tried_ms    INTEGER NOT NULL DEFAULT 0,  -- for how long it has been tried, by running time
    said        TEXT NOT NULL DEFAULT '',    -- what the mail server, or the network, said last
    settled_at  TEXT,
    settled_by  TEXT NOT NULL DEFAULT '',    -- who dropped it, and why
    reason      TEXT NOT NULL DEFAULT ''
) STRICT;

CREATE INDEX outbox_waiting ON outbox (number) WHERE state IN ('queued', 'dead');
