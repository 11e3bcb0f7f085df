-- How long the sessions of an account lasted until QQ ended them.
CREATE TABLE lifetime (
    login       TEXT COLLATE "C" NOT NULL,
    ended_at_ms BIGINT NOT NULL,
    lasted_ms   BIGINT NOT NULL,
    PRIMARY KEY (login, ended_at_ms)
);
