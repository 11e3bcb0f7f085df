-- What is neither sent nor given up, said without a list: SQLite makes a table of a list each time it has to find out whether a row is in it,
-- which it has to whenever a row changes.
DROP INDEX outbox_open;
CREATE INDEX outbox_open ON outbox (lane, seq) WHERE state <> 'sent' AND state <> 'dead' AND state <> 'dropped';
