-- What was written about a caller goes with the caller's number (E10): that something was done, by
-- whom and when, stays; its words may be taken away, never be others.
DROP TRIGGER care_is_never_changed;
CREATE TRIGGER care_is_never_changed BEFORE UPDATE ON care
WHEN new.note <> '' OR new.entry <> old.entry OR new.kind <> old.kind OR new.subject <> old.subject
    OR new.at <> old.at OR new.by <> old.by OR new.step <> old.step
    OR new.outcome IS NOT old.outcome OR old.kind <> 'call'
    OR NOT EXISTS (SELECT 1 FROM calls WHERE call = old.subject AND caller_number = '') BEGIN
    SELECT RAISE (ABORT, 'what was done stands: add an entry');
END;
