-- Fewer indices on what every message passes through: those that only tidying up, or looking at what failed, wanted.
DROP INDEX inbox_due;
DROP INDEX inbox_done;
DROP INDEX outbox_kept;
DROP INDEX outbox_sent;
DROP INDEX outbox_dropped;
CREATE INDEX outbox_dead ON outbox (login, seq) WHERE state = 'dead';
