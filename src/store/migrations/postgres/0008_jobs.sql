-- What is to be done to rooms, until it is done: it goes on after a restart. A job that is done is deleted.
CREATE TABLE job (
    id            BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind          TEXT    NOT NULL, -- leave | empty | follow
    portal        BIGINT  NOT NULL,
    room_id       TEXT COLLATE "C" NOT NULL,
    target        TEXT,             -- the room to follow to
    asker         TEXT    NOT NULL,
    state         TEXT    NOT NULL, -- open | failed
    attempts      BIGINT  NOT NULL,
    due_at_ms     BIGINT  NOT NULL,
    error         TEXT,
    created_at_ms BIGINT  NOT NULL,
    UNIQUE (kind, room_id)
);

-- Rooms that were replaced by others: what is still said in them belongs to the same portal.
CREATE TABLE portal_alias (
    room_id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    portal  BIGINT NOT NULL
);
