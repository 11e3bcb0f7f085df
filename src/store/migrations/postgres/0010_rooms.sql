-- What was last said of rooms in state events, by a hash of the content: it is said again only when it is another.
CREATE TABLE appearance (
    room_id   TEXT COLLATE "C" NOT NULL,
    kind      TEXT COLLATE "C" NOT NULL,
    state_key TEXT COLLATE "C" NOT NULL,
    hash      TEXT NOT NULL,
    PRIMARY KEY (room_id, kind, state_key)
);

-- The spaces in which the rooms of a login are sorted.
CREATE TABLE space (
    login   TEXT COLLATE "C" NOT NULL,
    part    TEXT COLLATE "C" NOT NULL,
    room_id TEXT UNIQUE, -- NULL while it is being made
    PRIMARY KEY (login, part)
);
