-- What became of everything that arrived, for the audit: which account it concerned, how it ended, and in how many rows
-- of the outbox it left.
ALTER TABLE inbox ADD COLUMN login TEXT COLLATE "C";
ALTER TABLE inbox ADD COLUMN outcome TEXT; -- carried | answered | obeyed | told | echoed | quiet; NULL in rows of earlier versions
ALTER TABLE inbox ADD COLUMN departures BIGINT NOT NULL DEFAULT 0;
ALTER TABLE outbox ADD COLUMN arrival BIGINT;
CREATE INDEX outbox_arrival ON outbox (arrival);
