-- Procedure sheets (P2) and their full-text index, kept in step by triggers.

CREATE TABLE sheets (
    code     TEXT PRIMARY KEY,               -- the file's name
    title    TEXT NOT NULL,
    office   TEXT NOT NULL,                  -- a unit's code in the register, '' for none
    needs    TEXT NOT NULL,                  -- JSON list of codes
    keywords TEXT NOT NULL,                  -- JSON list
    source   TEXT NOT NULL,
    link     TEXT NOT NULL,
    official TEXT NOT NULL,
    updated  TEXT NOT NULL,                  -- a day
    body     TEXT NOT NULL,                  -- Markdown as written
    gone     INTEGER NOT NULL DEFAULT 0      -- 1: no longer among the files; calls may name it
) STRICT;

CREATE VIRTUAL TABLE sheets_text USING fts5 (
    title, keywords, needs, body,
    content = 'sheets', tokenize = 'unicode61 remove_diacritics 2', prefix = '2 3 4'
);

CREATE TRIGGER sheets_added AFTER INSERT ON sheets BEGIN
    INSERT INTO sheets_text (rowid, title, keywords, needs, body)
    VALUES (new.rowid, new.title, new.keywords, new.needs, new.body);
END;

CREATE TRIGGER sheets_removed AFTER DELETE ON sheets WHEN old.gone = 0 BEGIN
    INSERT INTO sheets_text (sheets_text, rowid, title, keywords, needs, body)
    VALUES ('delete', old.rowid, old.title, old.keywords, old.needs, old.body);
END;

-- One trigger for both: the order of two would be undefined.
CREATE TRIGGER sheets_changed AFTER UPDATE ON sheets BEGIN
    INSERT INTO sheets_text (sheets_text, rowid, title, keywords, needs, body)
    SELECT 'delete', old.rowid, old.title, old.keywords, old.needs, old.body WHERE old.gone = 0;
    INSERT INTO sheets_text (rowid, title, keywords, needs, body)
    SELECT new.rowid, new.title, new.keywords, new.needs, new.body WHERE new.gone = 0;
END;
