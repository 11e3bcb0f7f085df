-- How long the sessions of an account lasted until QQ ended them.
CREATE TABLE lifetime (
    login       TEXT    NOT NULL,
    ended_at_ms INTEGER NOT NULL,
    lasted_ms   INTEGER NOT NULL,
    PRIMARY KEY (login, ended_at_ms)
) STRICT;
