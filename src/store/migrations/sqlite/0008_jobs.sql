-- What is to be done to rooms, until it is done: it goes on after a restart. A job that is done is deleted.
CREATE TABLE job (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    kind          TEXT    NOT NULL, -- leave | empty | follow
    portal        INTEGER NOT NULL,
    room_id       TEXT    NOT NULL,
    target        TEXT,             -- the room to follow to
    asker         TEXT    NOT NULL,
    state         TEXT    NOT NULL, -- open | failed
    attempts      INTEGER NOT NULL,
    due_at_ms     INTEGER NOT NULL,
    error         TEXT,
    created_at_ms INTEGER NOT NULL,
    UNIQUE (kind, room_id)
) STRICT;

-- Rooms that were replaced by others: what is still said in them belongs to the same portal.
CREATE TABLE portal_alias (
    room_id TEXT    NOT NULL PRIMARY KEY,
    portal  INTEGER NOT NULL
) STRICT;
