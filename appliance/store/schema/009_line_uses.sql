-- When lines were engaged, by whatever: a call, a call out, a telephone beside the box (P8).

CREATE TABLE line_uses (
    line     TEXT NOT NULL,
    since_ms INTEGER NOT NULL,               -- ms since 1970
    until_ms INTEGER NOT NULL,
    PRIMARY KEY (line, since_ms)
) STRICT;

CREATE INDEX line_uses_by_end ON line_uses (until_ms);
