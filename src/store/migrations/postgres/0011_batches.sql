-- Jobs that somebody wanted together: they are told once all of them are done.
ALTER TABLE job ADD COLUMN batch TEXT;
