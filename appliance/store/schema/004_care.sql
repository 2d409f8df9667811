-- What was done about messages and about calls that left none (P9, E16): entries are only added.
-- How a message stands is their sum (policy/voicemail.py). The columns of `messages` say the same in
-- short, for the programme before this one: a message that is taken is 'new' and has `assigned_to`.

CREATE TABLE care (
    entry   INTEGER PRIMARY KEY AUTOINCREMENT,
    kind    TEXT NOT NULL CHECK (kind IN ('message', 'call')),
    subject TEXT NOT NULL,                   -- id of the message or call
    at      TEXT NOT NULL,                   -- ISO 8601 with offset
    by      TEXT NOT NULL,
    step    TEXT NOT NULL,
    outcome TEXT,
    note    TEXT NOT NULL,
    UNIQUE (kind, subject, at, by, step)     -- the same entry twice is one
) STRICT;

CREATE TRIGGER care_is_never_changed BEFORE UPDATE ON care BEGIN
    SELECT RAISE (ABORT, 'what was done stands: add an entry');
END;

-- Only with its message or call does an entry go.
CREATE TRIGGER care_of_messages_stays BEFORE DELETE ON care
WHEN old.kind = 'message' AND EXISTS (SELECT 1 FROM messages WHERE id = old.subject) BEGIN
    SELECT RAISE (ABORT, 'what was done stands as long as its message');
END;

CREATE TRIGGER care_of_calls_stays BEFORE DELETE ON care
WHEN old.kind = 'call' AND EXISTS (SELECT 1 FROM calls WHERE call = old.subject) BEGIN
    SELECT RAISE (ABORT, 'what was done stands as long as its call');
END;

INSERT INTO care (kind, subject, at, by, step, outcome, note)
SELECT 'message', id, closed_at, closed_by, 'close', outcome, note FROM messages
WHERE state = 'closed';

-- What was deleted by age, never whose it was.
CREATE TABLE deletions (
    deletion INTEGER PRIMARY KEY AUTOINCREMENT,
    at       TEXT NOT NULL,
    what     TEXT NOT NULL,                  -- messages, calls, numbers
    days     INTEGER NOT NULL,               -- the age from which on
    ids      TEXT NOT NULL                   -- JSON list
) STRICT;
