-- One letter is a word's beginning, too (P2: an answer within 10 ms while the operator types): without an
-- index of first letters all words of all sheets would be gone through.

DROP TABLE sheets_text;

CREATE VIRTUAL TABLE sheets_text USING fts5 (
    title, keywords, needs, body,
    content = 'sheets', tokenize = 'unicode61 remove_diacritics 2', prefix = '1 2 3 4'
);

-- Not 'rebuild': a sheet that is gone is not found.
INSERT INTO sheets_text (rowid, title, keywords, needs, body)
SELECT rowid, title, keywords, needs, body FROM sheets WHERE gone = 0;
