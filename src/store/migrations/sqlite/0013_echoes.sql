-- Rows that wait for their echo stand in the order in which they leave: by what is in them, each would change another page.
DROP INDEX outbox_echo;
CREATE INDEX outbox_echo ON outbox (lane, seq, echo) WHERE echoed = 0 AND echo IS NOT NULL;
