-- What a box works by, the register and the sheets, is copied beside the records whenever it changes: this
-- number tells that it has. 0: nothing was ever entered, so that a copy of before may be put back.

CREATE TABLE policy_version (
    one     INTEGER PRIMARY KEY CHECK (one = 1),
    version INTEGER NOT NULL
) STRICT;

INSERT INTO policy_version (one, version)
SELECT 1, EXISTS (SELECT 1 FROM register_changes) OR EXISTS (SELECT 1 FROM sheets);

CREATE TRIGGER policy_register AFTER INSERT ON register_changes BEGIN
    UPDATE policy_version SET version = version + 1;
END;
CREATE TRIGGER policy_sheets_added AFTER INSERT ON sheets BEGIN
    UPDATE policy_version SET version = version + 1;
END;
CREATE TRIGGER policy_sheets_changed AFTER UPDATE ON sheets BEGIN
    UPDATE policy_version SET version = version + 1;
END;
CREATE TRIGGER policy_sheets_removed AFTER DELETE ON sheets BEGIN
    UPDATE policy_version SET version = version + 1;
END;
