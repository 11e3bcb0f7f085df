-- What people and rooms show themselves by, by the hash of its bytes, and where the homeserver has those bytes.

CREATE TABLE portrait (
    subject      TEXT    NOT NULL PRIMARY KEY,
    hash         TEXT    NOT NULL,
    looked_at_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE picture (
    hash TEXT NOT NULL PRIMARY KEY,
    uri  TEXT NOT NULL
) STRICT;
