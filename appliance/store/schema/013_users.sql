-- People who may use the console. Nobody is ever deleted, so that a name in the audit stays one
-- person's; `stamp` grows with every new password, and sessions begun before end.
CREATE TABLE users (
    name TEXT PRIMARY KEY,
    shown TEXT NOT NULL,
    roles TEXT NOT NULL,                            -- names, by blanks
    unit TEXT NOT NULL DEFAULT '',
    position TEXT NOT NULL DEFAULT '',
    language TEXT NOT NULL DEFAULT '',
    password TEXT NOT NULL,                         -- argon2id, never a password
    must_change INTEGER NOT NULL CHECK (must_change IN (0, 1)),
    disabled INTEGER NOT NULL DEFAULT 0 CHECK (disabled IN (0, 1)),
    stamp INTEGER NOT NULL DEFAULT 1,
    created_at TEXT NOT NULL,
    created_by TEXT NOT NULL
) STRICT;

CREATE TRIGGER users_stay BEFORE DELETE ON users BEGIN
    SELECT RAISE (ABORT, 'a user is disabled, never deleted');
END;
