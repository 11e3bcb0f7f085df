-- People through whom their own words appear: what lets us act for them, and whether the homeserver takes it.
CREATE TABLE puppet (
    mxid     TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    state    TEXT    NOT NULL, -- on | off | refused
    token    TEXT,             -- NULL: that of the configuration
    since_ms BIGINT NOT NULL
);

-- Rooms in which people without a login are carried through that of the portal.
CREATE TABLE relay (
    portal   BIGINT NOT NULL PRIMARY KEY,
    one_way  BIGINT NOT NULL, -- 1: they only listen
    set_by   TEXT    NOT NULL,
    since_ms BIGINT NOT NULL
);
