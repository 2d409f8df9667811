-- What callers hear of a sheet after hours ('' for one that is not spoken), and in which language.

ALTER TABLE sheets ADD COLUMN say TEXT NOT NULL DEFAULT '';
ALTER TABLE sheets ADD COLUMN language TEXT NOT NULL DEFAULT 'it';
