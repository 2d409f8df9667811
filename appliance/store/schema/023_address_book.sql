-- The address book: other bodies that callers want, with numbers that callers may be told. Numbers of this office's own
-- services are never in it (P7): those stand sealed in the register.

CREATE TABLE address_book (
    code       TEXT PRIMARY KEY,
    name       TEXT NOT NULL,
    keywords   TEXT NOT NULL,                -- JSON list
    numbers    TEXT NOT NULL,                -- JSON list of {number, label, hours, may_tell}
    address    TEXT NOT NULL,
    website    TEXT NOT NULL,
    note       TEXT NOT NULL,                -- for the operator
    say        TEXT NOT NULL,                -- a sentence for the caller
    checked_by TEXT NOT NULL,
    checked_on TEXT NOT NULL,                -- a day, as are the next ones
    check_by   TEXT NOT NULL,
    last       TEXT NOT NULL,                -- '' for no end
    gone       INTEGER NOT NULL DEFAULT 0    -- 1: removed; calls may name it
) STRICT;

-- Copied beside the records at each change, as register, sheets and users are (014, 018).
CREATE TRIGGER policy_book_added AFTER INSERT ON address_book BEGIN
    UPDATE policy_version SET version = version + 1;
END;
CREATE TRIGGER policy_book_changed AFTER UPDATE ON address_book BEGIN
    UPDATE policy_version SET version = version + 1;
END;
CREATE TRIGGER policy_book_removed AFTER DELETE ON address_book BEGIN
    UPDATE policy_version SET version = version + 1;
END;

-- Entries of which the caller was told a number: a JSON list of their codes.
ALTER TABLE calls ADD COLUMN told TEXT NOT NULL DEFAULT '[]';
