-- Events that wait for the MQTT broker, and what is remembered of it. A telephone number never stands here: it is read
-- from the call when its event leaves, so that one that was erased meanwhile does not.

CREATE TABLE fleet_outbox (
    number INTEGER PRIMARY KEY AUTOINCREMENT,  -- rising: a receiver sees what is missing
    id     TEXT NOT NULL UNIQUE,               -- the same at every try: a receiver drops doubles by it
    kind   TEXT NOT NULL,                      -- call_ended, message_left ...
    key    TEXT NOT NULL,                      -- what it is about; the same one twice is one event
    at     TEXT NOT NULL,                      -- ISO 8601, UTC
    about  TEXT NOT NULL,                      -- JSON
    UNIQUE (kind, key)
) STRICT;

CREATE TABLE fleet_kept (
    name  TEXT PRIMARY KEY,                    -- 'facts', 'dropped', 'retained:TOPIC'
    value TEXT NOT NULL
) STRICT;
