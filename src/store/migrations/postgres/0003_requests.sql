-- What people want of an account: answered by its number, at most once.
CREATE TABLE request (
    id            BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    login         TEXT COLLATE "C" NOT NULL,
    key           TEXT COLLATE "C" NOT NULL,
    what          TEXT    NOT NULL,
    who           TEXT    NOT NULL,
    ticket        TEXT    NOT NULL,
    state         TEXT    NOT NULL, -- open | answered | done | failed
    created_at_ms BIGINT  NOT NULL,
    UNIQUE (login, key)
);
CREATE INDEX request_open ON request (login, id) WHERE state = 'open';
