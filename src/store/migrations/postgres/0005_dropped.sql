-- What people gave up is forgotten after a while, like what was sent.
CREATE INDEX outbox_dropped ON outbox (created_at_ms) WHERE state = 'dropped';
