-- People through whom their own words appear: what lets us act for them, and whether the homeserver takes it.
CREATE TABLE puppet (
    mxid     TEXT    NOT NULL PRIMARY KEY,
    state    TEXT    NOT NULL, -- on | off | refused
    token    TEXT,             -- NULL: that of the configuration
    since_ms INTEGER NOT NULL
) STRICT;

-- Rooms in which people without a login are carried through that of the portal.
CREATE TABLE relay (
    portal   INTEGER NOT NULL PRIMARY KEY,
    one_way  INTEGER NOT NULL, -- 1: they only listen
    set_by   TEXT    NOT NULL,
    since_ms INTEGER NOT NULL
) STRICT;
