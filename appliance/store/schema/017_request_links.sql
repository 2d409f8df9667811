-- Links in the mails to offices that close a request, once (E15): only their hash is kept here, so that nobody
-- who reads these records can close anything. A link that was used is known by the step that it made.

CREATE TABLE request_links (
    sha256  TEXT PRIMARY KEY,                -- of the link's secret, hexadecimal
    request INTEGER NOT NULL REFERENCES requests (number) ON DELETE CASCADE,
    made_at TEXT NOT NULL                    -- ISO 8601 with offset
) STRICT;

CREATE INDEX request_links_of ON request_links (request);

CREATE TRIGGER request_links_stand BEFORE UPDATE ON request_links BEGIN
    SELECT raise(ABORT, 'a link to close a request is only ever added');
END;
