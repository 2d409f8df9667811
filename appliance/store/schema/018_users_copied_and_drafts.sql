-- Users are copied with register and sheets (014): a damaged database does not lock everybody out. A box that has
-- users already has something to copy.

CREATE TRIGGER policy_users_added AFTER INSERT ON users BEGIN
    UPDATE policy_version SET version = version + 1;
END;
CREATE TRIGGER policy_users_changed AFTER UPDATE ON users BEGIN
    UPDATE policy_version SET version = version + 1;
END;

UPDATE policy_version SET version = version + 1 WHERE EXISTS (SELECT 1 FROM users);

-- What somebody has half typed (E18): it outlives a browser and a box that end in the middle of it. For its writer
-- alone, until it is saved or left, and for a day at most; nothing here is the office's word.

CREATE TABLE drafts (
    user    TEXT NOT NULL REFERENCES users (name),
    place   TEXT NOT NULL,                   -- the form: "desk", "declare:anagrafe"
    body    TEXT NOT NULL,                   -- JSON, as the form's page wants it back
    kept_at TEXT NOT NULL,                   -- ISO 8601 with offset
    PRIMARY KEY (user, place)
) STRICT;
