-- Erasure by the head (E20): what was done stands, except while a person's records are erased. The row
-- that says so is written and taken away within that one transaction: nobody else ever sees it.

CREATE TABLE erasing (
    one INTEGER PRIMARY KEY CHECK (one = 1)
) STRICT;

DROP TRIGGER care_is_never_changed;
CREATE TRIGGER care_is_never_changed BEFORE UPDATE ON care
WHEN NOT EXISTS (SELECT 1 FROM erasing) AND (new.note <> '' OR new.entry <> old.entry
    OR new.kind <> old.kind OR new.subject <> old.subject
    OR new.at <> old.at OR new.by <> old.by OR new.step <> old.step
    OR new.outcome IS NOT old.outcome OR old.kind <> 'call'
    OR NOT EXISTS (SELECT 1 FROM calls WHERE call = old.subject AND caller_number = '')) BEGIN
    SELECT RAISE (ABORT, 'what was done stands: add an entry');
END;

DROP TRIGGER care_of_calls_stays;
CREATE TRIGGER care_of_calls_stays BEFORE DELETE ON care
WHEN old.kind = 'call' AND EXISTS (SELECT 1 FROM calls WHERE call = old.subject)
    AND NOT EXISTS (SELECT 1 FROM erasing) BEGIN
    SELECT RAISE (ABORT, 'what was done stands as long as its call');
END;

DROP TRIGGER request_steps_stand;
CREATE TRIGGER request_steps_stand BEFORE UPDATE ON request_steps
WHEN NOT EXISTS (SELECT 1 FROM erasing) BEGIN
    SELECT raise(ABORT, 'what became of a request is only ever added to');
END;
