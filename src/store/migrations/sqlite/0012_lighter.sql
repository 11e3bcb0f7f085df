-- Fewer indices on what every message passes through: those that only tidying up, or looking at what failed, wanted.
DROP INDEX inbox_due;
DROP INDEX inbox_done;
DROP INDEX outbox_kept;
DROP INDEX outbox_sent;
DROP INDEX outbox_dropped;
CREATE INDEX outbox_dead ON outbox (login, seq) WHERE state = 'dead';

-- The rows in their key, not beside it.
CREATE TABLE message_by_key (
    login       TEXT    NOT NULL,
    message_key TEXT    NOT NULL,
    part        INTEGER NOT NULL,
    room_id     TEXT    NOT NULL,
    event_id    TEXT    NOT NULL,
    PRIMARY KEY (login, message_key, part)
) STRICT, WITHOUT ROWID;
INSERT INTO message_by_key SELECT login, message_key, part, room_id, event_id FROM message;
DROP TABLE message;
ALTER TABLE message_by_key RENAME TO message;
CREATE INDEX message_event ON message (event_id);
