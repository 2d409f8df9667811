-- The last transfer of a call (P3 to P6): to which office and need, why, by which declaration, who
-- answered there (a label, never a number), why it came back.
ALTER TABLE calls ADD COLUMN unit TEXT NOT NULL DEFAULT '';
ALTER TABLE calls ADD COLUMN need TEXT NOT NULL DEFAULT '';
ALTER TABLE calls ADD COLUMN transfer_reason TEXT NOT NULL DEFAULT '';
ALTER TABLE calls ADD COLUMN declaration INTEGER NOT NULL DEFAULT 0;
ALTER TABLE calls ADD COLUMN target TEXT NOT NULL DEFAULT '';
ALTER TABLE calls ADD COLUMN returned TEXT NOT NULL DEFAULT '';
