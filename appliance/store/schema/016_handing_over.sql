-- Handing over (E19): who gave what to whom, and when. A message or call that is given is kept as
-- taken by whoever it was given to, so that the programme before this one reads it rightly.
ALTER TABLE care ADD COLUMN given_by TEXT NOT NULL DEFAULT '';  -- '': taken by oneself

DROP TRIGGER care_is_never_changed;
CREATE TRIGGER care_is_never_changed BEFORE UPDATE ON care
WHEN NOT EXISTS (SELECT 1 FROM erasing) AND (new.note <> '' OR new.entry <> old.entry
    OR new.kind <> old.kind OR new.subject <> old.subject
    OR new.at <> old.at OR new.by <> old.by OR new.step <> old.step
    OR new.given_by <> old.given_by
    OR new.outcome IS NOT old.outcome OR old.kind <> 'call'
    OR NOT EXISTS (SELECT 1 FROM calls WHERE call = old.subject AND caller_number = '')) BEGIN
    SELECT RAISE (ABORT, 'what was done stands: add an entry');
END;

-- Requests likewise; beside their steps, of which the programme before this one knows not this one.
CREATE TABLE request_gifts (
    gift    INTEGER PRIMARY KEY AUTOINCREMENT,
    id      TEXT NOT NULL UNIQUE,            -- given before it is stored: the same one twice is one
    request INTEGER NOT NULL REFERENCES requests (number) ON DELETE CASCADE,
    at      TEXT NOT NULL,
    by_whom TEXT NOT NULL,
    to_whom TEXT NOT NULL                    -- who follows it from then on, '' for nobody
) STRICT;

CREATE INDEX request_gifts_of ON request_gifts (request);

CREATE TRIGGER request_gifts_stand BEFORE UPDATE ON request_gifts
WHEN NOT EXISTS (SELECT 1 FROM erasing) BEGIN
    SELECT raise(ABORT, 'what became of a request is only ever added to');
END;
