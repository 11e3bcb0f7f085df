-- Each ghost that is asked into a room is a job of its own. SQLite takes no constraint off a table: a new one takes its place, which
-- goes on counting where the old one was, since what was said of a job is filed under its number.
CREATE TABLE job_anew (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    kind          TEXT    NOT NULL, -- leave | empty | follow | meet
    portal        INTEGER NOT NULL,
    room_id       TEXT    NOT NULL,
    target        TEXT,             -- the room to follow to, or the ghost
    asker         TEXT    NOT NULL,
    state         TEXT    NOT NULL, -- open | failed
    attempts      INTEGER NOT NULL,
    due_at_ms     INTEGER NOT NULL,
    error         TEXT,
    created_at_ms INTEGER NOT NULL,
    batch         TEXT
) STRICT;
INSERT INTO sqlite_sequence (name, seq) SELECT 'job_anew', seq FROM sqlite_sequence WHERE name = 'job';
INSERT INTO job_anew SELECT id, kind, portal, room_id, target, asker, state, attempts, due_at_ms, error, created_at_ms, batch FROM job;
DROP TABLE job;
ALTER TABLE job_anew RENAME TO job;
CREATE UNIQUE INDEX job_of_room ON job (kind, room_id) WHERE kind <> 'meet';
CREATE UNIQUE INDEX job_of_ghost ON job (room_id, target) WHERE kind = 'meet';
