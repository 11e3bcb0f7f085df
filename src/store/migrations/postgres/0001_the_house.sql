-- Times are milliseconds since 1970. What is sorted by sorts as bytes, as in SQLite. Every query that runs per message is answered by one of the indices below.

CREATE TABLE inbox (
    seq            BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    origin         TEXT    NOT NULL,
    dedup_key      TEXT    NOT NULL,
    body           TEXT    NOT NULL,
    state          TEXT    NOT NULL, -- new | done | dead
    attempts       BIGINT  NOT NULL,
    due_at_ms      BIGINT  NOT NULL, -- 0: at once, even when the clock is set back
    error          TEXT,
    received_at_ms BIGINT  NOT NULL,
    UNIQUE (origin, dedup_key)
);
CREATE INDEX inbox_new ON inbox (origin, seq) WHERE state = 'new';
CREATE INDEX inbox_due ON inbox (origin, due_at_ms) WHERE state = 'new';
CREATE INDEX inbox_error ON inbox (origin, seq) WHERE error IS NOT NULL;
CREATE INDEX inbox_done ON inbox (received_at_ms) WHERE state = 'done';

CREATE TABLE outbox (
    seq           BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    lane          TEXT COLLATE "C" NOT NULL,
    login         TEXT COLLATE "C" NOT NULL,
    body          TEXT    NOT NULL,
    dedup_key     TEXT    NOT NULL UNIQUE,
    state         TEXT    NOT NULL, -- ready | sending | sent | uncertain | dead
    attempts      BIGINT  NOT NULL,
    sends         BIGINT  NOT NULL, -- how many times it went on the wire
    due_at_ms     BIGINT  NOT NULL, -- 0: at once, even when the clock is set back
    error         TEXT,
    echo          TEXT,
    echoed        BIGINT  NOT NULL,
    result        TEXT,
    sent_at_ms    BIGINT,
    created_at_ms BIGINT  NOT NULL
);
CREATE INDEX outbox_open ON outbox (lane, seq) WHERE state IN ('ready', 'sending', 'uncertain');
CREATE INDEX outbox_kept ON outbox (login, seq) WHERE state <> 'sent';
CREATE INDEX outbox_echo ON outbox (lane, echo, seq) WHERE echoed = 0 AND echo IS NOT NULL;
CREATE INDEX outbox_last ON outbox (lane, seq) WHERE state = 'sent';
CREATE INDEX outbox_sent ON outbox (sent_at_ms) WHERE state = 'sent';

CREATE TABLE portal (
    id            BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    login         TEXT COLLATE "C" NOT NULL,
    chat          TEXT COLLATE "C" NOT NULL,
    kind          TEXT    NOT NULL,
    name          TEXT    NOT NULL,
    peer          TEXT,
    room_id       TEXT    UNIQUE,
    state         TEXT    NOT NULL, -- none | creating | ready
    created_at_ms BIGINT  NOT NULL,
    UNIQUE (login, chat)
);

CREATE TABLE ghost (
    contact    TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    user_id    TEXT COLLATE "C" NOT NULL UNIQUE,
    name       TEXT    NOT NULL,
    registered BIGINT  NOT NULL,
    shown_name TEXT
);

CREATE TABLE member (
    room_id TEXT COLLATE "C" NOT NULL,
    user_id TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (room_id, user_id)
);

CREATE TABLE login (
    account  TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    owner    TEXT COLLATE "C" NOT NULL,
    nick     TEXT    NOT NULL,
    state    TEXT    NOT NULL, -- connected | lost | logged_out
    epoch    TEXT    NOT NULL,
    session  TEXT,
    notice   TEXT,
    since_ms BIGINT  NOT NULL
);
CREATE INDEX login_owner ON login (owner, account);

CREATE TABLE note (
    login TEXT COLLATE "C" NOT NULL,
    key   TEXT COLLATE "C" NOT NULL,
    body  TEXT NOT NULL,
    PRIMARY KEY (login, key)
);

CREATE TABLE message (
    login       TEXT COLLATE "C" NOT NULL,
    message_key TEXT    NOT NULL,
    part        BIGINT  NOT NULL,
    room_id     TEXT COLLATE "C" NOT NULL,
    event_id    TEXT    NOT NULL,
    PRIMARY KEY (login, message_key, part)
);
CREATE INDEX message_event ON message (event_id);

CREATE TABLE "user" (
    mxid         TEXT NOT NULL PRIMARY KEY,
    control_room TEXT,
    language     TEXT
);
CREATE INDEX user_control_room ON "user" (control_room) WHERE control_room IS NOT NULL;
