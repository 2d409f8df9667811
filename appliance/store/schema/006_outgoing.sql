-- Calls that the office itself made (E17): who called whom, what class of number, and for what.

ALTER TABLE calls ADD COLUMN direction TEXT NOT NULL DEFAULT 'in';     -- in, out
ALTER TABLE calls ADD COLUMN number_class TEXT NOT NULL DEFAULT '';    -- of a call out
ALTER TABLE calls ADD COLUMN about TEXT NOT NULL DEFAULT '';  -- message:12, request:7, call:ID

CREATE INDEX calls_about ON calls (about) WHERE about <> '';
