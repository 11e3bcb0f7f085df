-- What people want of an account: answered by its number, at most once.
CREATE TABLE request (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    login         TEXT    NOT NULL,
    key           TEXT    NOT NULL,
    what          TEXT    NOT NULL,
    who           TEXT    NOT NULL,
    ticket        TEXT    NOT NULL,
    state         TEXT    NOT NULL, -- open | answered | done | failed
    created_at_ms INTEGER NOT NULL,
    UNIQUE (login, key)
) STRICT;
CREATE INDEX request_open ON request (login, id) WHERE state = 'open';
