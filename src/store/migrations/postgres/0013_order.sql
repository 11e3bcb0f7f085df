-- Rows that wait for their echo stand in the order in which they leave: by what is in them, each would change another page.
DROP INDEX outbox_echo;
CREATE INDEX outbox_echo ON outbox (lane, seq, echo) WHERE echoed = 0 AND echo IS NOT NULL;

-- What has left of a lane is found by where it stands, which does not change when it leaves. The condition holds for every row: whoever
-- wants this index says it, and whoever wants another does not get this one.
DROP INDEX outbox_last;
CREATE INDEX outbox_lane ON outbox (lane, seq) WHERE created_at_ms >= 0;
